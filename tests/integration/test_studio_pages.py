"""The studio's pages with every optional thing absent, and with odd headers."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from soundclone.config import Settings
from soundclone.core import keys
from soundclone.db.models import EngineOffer, Key, Task, Voice, Worker
from soundclone.db.session import Database
from tests.integration.test_studio import new_key, sign_in
from tests.service import Service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("pages"), "--no-worker") as running:
        yield running


@pytest.fixture(scope="module")
def database(service: Service) -> Iterator[Database]:
    opened = Database(Settings(data_dir=service.folder / "data").database)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def key(service: Service) -> str:
    return new_key(service, operator=True)


@pytest.fixture
def visitor(service: Service, key: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=service.url, timeout=120) as client:
        sign_in(client, key)
        yield client


def owner(service: Service, database: Database, key: str) -> Key:
    secret = Settings(data_dir=service.folder / "data").secret
    with database.read() as session:
        return keys.holder(session, keys.authenticate(session, secret, key).key_id)


def bare_task(key: Key, kind: str, status: str, **values: Any) -> Task:
    now = time.time()
    fields: dict[str, Any] = {
        "id": f"audio_{uuid.uuid4()}",
        "kind": kind,
        "status": status,
        "account_id": key.account_id,
        "key_id": key.id,
        "voice_id": f"model_{uuid.uuid4().hex}",
        "params": {},
        "result": {},
        "characters": 0,
        "cost": 0,
        "turn": 0,
        "request_hash": "",
        "created_at": now,
        "ended_at": now if status in ("completed", "failed") else None,
    }
    return Task(**fields | values)


RESULTS: tuple[dict[str, Any], ...] = (
    {},
    {"audio": "results/a.mp3"},
    {"audio": "results/a.mp3", "subtitles": "results/a.srt"},
    {"audio": "results/a.mp3", "subtitles_json": "results/a.json"},
)


@pytest.mark.parametrize("kind", ["clone", "audio"])
@pytest.mark.parametrize("status", ["queued", "processing", "completed", "failed"])
@pytest.mark.parametrize("result", RESULTS, ids=lambda result: "+".join(result) or "nothing")
@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("part", [True, False])
def test_a_task_with_little_to_show(
    service: Service,
    database: Database,
    visitor: httpx2.Client,
    key: str,
    kind: str,
    status: str,
    result: dict[str, Any],
    kept: bool,
    part: bool,
) -> None:
    task = bare_task(
        owner(service, database, key),
        kind,
        status,
        result=result,
        expires_at=time.time() + 1000 if kept else None,
    )
    with database.transaction() as session:
        session.add(task)
    headers = {"HX-Request": "true"} if part else {}
    answer = visitor.get(f"/studio/tasks/{task.id}", headers=headers)
    assert answer.status_code == 200
    assert task.id in answer.text
    if status == "completed" and kind == "audio":
        assert ("Subtitles (SRT)" in answer.text) == (kept and "subtitles" in result)
    again = visitor.get("/studio/speak", params={"again": task.id})
    assert again.status_code == 200


@pytest.mark.parametrize("page", ["", "clone", "speak", "voices", "history", "account", "operator"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_pages_of_bare_rows(
    service: Service,
    database: Database,
    visitor: httpx2.Client,
    key: str,
    page: str,
    language: str,
) -> None:
    holder = owner(service, database, key)
    now = time.time()
    with database.transaction() as session:
        for kind in ("clone", "audio"):
            session.add(bare_task(holder, kind, "failed"))
            session.add(bare_task(holder, kind, "queued"))
        session.add(
            Voice(
                id=f"model_{uuid.uuid4().hex}",
                account_id=holder.account_id,
                task_id="audio_",
                version="v1",
                engine="builtin",
                engine_version="",
                licence="",
                speech_seconds=0,
                consent={},
                created_at=now,
            )
        )
        session.merge(Worker(id="bare", started_at=now, seen_at=now, info={}))
        session.merge(EngineOffer(name="bare", offer={}, seen_at=now))
    answer = visitor.get(f"/studio/{page}", params={"lang": language}, follow_redirects=True)
    assert answer.status_code == 200


def test_an_account_without_anything(service: Service) -> None:
    with httpx2.Client(base_url=service.url, timeout=120) as client:
        sign_in(client, new_key(service))
        for page in ("", "clone", "speak", "voices", "history", "account"):
            answer = client.get(f"/studio/{page}", follow_redirects=True)
            assert answer.status_code == 200, page


@pytest.mark.parametrize("address", ["http://[", "//[::", "x", "\u00e9", "http://a:b/"])
def test_an_odd_page_address_leads_to_signing_in(service: Service, address: str) -> None:
    headers = {"HX-Current-URL": address.encode(), "HX-Request": "true"}
    answer = httpx2.post(f"{service.url}/studio/audios", headers=headers, timeout=120)
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"].startswith("/studio/sign-in")
