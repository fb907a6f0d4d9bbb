"""The studio's pages with every optional thing absent, and with odd headers."""

from __future__ import annotations

import html
import json
import re
import shlex
import time
import uuid
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from soundclone.audio.recording_report import RecordingReport
from soundclone.core import files, keys
from soundclone.core.requests import (
    AudioFormat,
    CloneRequest,
    ConversionRequest,
    SoundVersion,
    SpeechOptions,
    SpeechRequest,
    SubtitleUnit,
    UrlSource,
)
from soundclone.db.models import EngineOffer, Key, Task, Voice, Worker
from soundclone.engines.emotion import Emotion

from ..conftest import Api
from .conftest import Visit, visitor_of
from .visitors import new_key, sign_in


@pytest.fixture(scope="module")
def key(studio: Api) -> str:
    """An operator's key."""
    return new_key(studio, operator=True)


@pytest.fixture(scope="module")
def holder(studio: Api, key: str) -> Key:
    """The row of the operator's key."""
    with studio.database.read() as session:
        return keys.holder(session, keys.authenticate(session, studio.settings.secrets, key).key_id)


@pytest.fixture(scope="module")
def operator(studio: Api, key: str) -> Iterator[httpx2.Client]:
    """The operator, signed in."""
    client = visitor_of(studio)
    sign_in(client, key)
    yield client
    client.close()


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


def bare_voice(key: Key) -> Voice:
    return Voice(
        id=f"model_{uuid.uuid4().hex}",
        account_id=key.account_id,
        task_id="audio_",
        version="v1",
        engine="builtin",
        engine_version="",
        licence="",
        speech_seconds=0,
        consent={},
        created_at=time.time(),
    )


RESULTS: tuple[dict[str, Any], ...] = (
    {},
    {"audio": "results/a.mp3"},
    {"audio": "results/a.mp3", "subtitles": "results/a.srt"},
    {"audio": "results/a.ogg", "subtitles_json": "results/a.json", "credentials": "results/a.c2pa"},
)


@pytest.mark.parametrize("kind", ["clone", "audio"])
@pytest.mark.parametrize("status", ["queued", "processing", "completed", "failed"])
@pytest.mark.parametrize("result", RESULTS, ids=lambda result: "+".join(result) or "nothing")
@pytest.mark.parametrize("expires", [True, False])
@pytest.mark.parametrize("part", [True, False])
def test_a_task_with_little_to_show(
    studio: Api,
    holder: Key,
    operator: httpx2.Client,
    kind: str,
    status: str,
    result: dict[str, Any],
    expires: bool,
    part: bool,
) -> None:
    task = bare_task(
        holder,
        kind,
        status,
        result=result,
        expires_at=time.time() + 1000 if expires else None,
    )
    with studio.database.transaction() as session:
        session.add(task)
    headers = {"HX-Request": "true"} if part else {}
    response = operator.get(f"/studio/tasks/{task.id}", headers=headers)
    assert response.status_code == 200
    assert task.id in response.text
    if status == "completed" and kind == "audio":
        assert ("Subtitles (SRT)" in response.text) == ("subtitles" in result)
        assert ("(.c2pa)" in response.text) == ("credentials" in result)
    again = operator.get("/studio/speak", params={"again": task.id})
    assert again.status_code == 200


SPEECH = SpeechRequest(
    "It's <b>tea</b> time.",
    SoundVersion.V2,
    "builtin",
    language="German",
    options=SpeechOptions(
        emotion=Emotion.SAD, speed=1.5, subtitles=SubtitleUnit.WORD, format=AudioFormat.OGG
    ),
)
CLONE = CloneRequest(
    UrlSource("https://media.example/a.mp3"), "Good morning.", SoundVersion.V1, "builtin"
)


def test_a_conversion(studio: Api, holder: Key, operator: httpx2.Client) -> None:
    voice = bare_voice(holder)
    made = ConversionRequest(UrlSource("https://media.example/a.mp3"), "builtin", 60)
    done, failed = (
        bare_task(
            holder,
            "conversion",
            status,
            voice_id=voice.id,
            params=made.to_json(),
            result={"audio": "results/a.mp3", "warnings": ["the room echoes strongly"]},
            expires_at=time.time() + 1000,
        )
        for status in ("completed", "failed")
    )
    with studio.database.transaction() as session:
        session.add_all((done, failed, voice))
    page = operator.get(f"/studio/tasks/{done.id}").text
    assert "room echoes strongly" in page
    assert "soundCloning/voice-conversions" in example(page, "curl")
    assert "client.convert(" in example(page, "python")
    form = operator.get("/studio/convert", params={"voice": voice.id}).text
    assert re.search(f'<option value="{voice.id}"[^>]* selected>', form)
    assert f"/studio/convert?voice={voice.id}" in operator.get(f"/studio/tasks/{failed.id}").text
    assert done.id in operator.get("/studio/history", params={"kind": "conversion"}).text
    chinese = operator.get("/studio/convert", headers={"Accept-Language": "zh"}).text
    assert "变声" in chinese


def test_a_task_can_be_repeated(studio: Api, holder: Key, operator: httpx2.Client) -> None:
    task = bare_task(holder, "audio", "completed", params=SPEECH.to_json())
    with studio.database.transaction() as session:
        session.add_all((task, bare_voice(holder)))
    page = operator.get(f"/studio/tasks/{task.id}").text
    body = {
        "modelId": task.voice_id,
        "contentText": SPEECH.text,
        "soundVersion": "v2",
        "language": "German",
        "emotion": "sad",
        "speed": 1.5,
        "format": "ogg",
        "subtitleEnable": True,
        "subtitleType": "word",
    }
    assert shlex.quote(json.dumps(body)) in example(page, "curl")
    assert example(page, "python").endswith(
        f"""    speech = client.speak(
        {task.voice_id!r},
        "It's <b>tea</b> time.",
        version='v2',
        language='German',
        emotion='sad',
        speed=1.5,
        format='ogg',
        subtitles='word',
    )
    client.download(speech, "speech.ogg")
print(speech.cost)"""
    )
    form = operator.get("/studio/speak", params={"again": task.id}).text
    for option in ("German", "sad", "word", "ogg"):
        assert re.search(f'<option value="{option}"[^>]* selected>', form), option
    assert re.search('name="speed" type="range" [^>]*value="1.5"', form)
    assert re.search('type="hidden" name="vol" value="1"', form)


def test_a_voice_can_be_made_again(studio: Api, holder: Key, operator: httpx2.Client) -> None:
    task = bare_task(holder, "clone", "failed", params=CLONE.to_json())
    with studio.database.transaction() as session:
        session.add(task)
    page = operator.get(f"/studio/tasks/{task.id}").text
    body = {
        "fileUrl": "https://media.example/a.mp3",
        "contentText": "Good morning.",
        "soundVersion": "v1",
    }
    assert shlex.quote(json.dumps(body)) in example(page, "curl")
    assert example(page, "python").endswith(
        """    voice = client.clone(
        'https://media.example/a.mp3',
        text='Good morning.',
        version='v1',
    )
    client.download(voice, "preview.mp3")
print(voice.model_id)"""
    )


def example(page: str, kind: str) -> str:
    """Return the example of a page for a shell ("curl") or in Python ("python")."""
    found = re.search(f'<pre [^>]*data-snippet="{kind}"[^>]*><code>(.*?)</code>', page, re.DOTALL)
    assert found
    return html.unescape(found[1])


@pytest.mark.parametrize("page", ["", "clone", "speak", "voices", "history", "account", "operator"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_pages_of_bare_rows(
    studio: Api, holder: Key, operator: httpx2.Client, page: str, language: str
) -> None:
    now = time.time()
    with studio.database.transaction() as session:
        for kind in ("clone", "audio"):
            session.add(bare_task(holder, kind, "failed"))
            session.add(bare_task(holder, kind, "queued"))
        session.add(bare_voice(holder))
        session.merge(Worker(id="bare", started_at=now, seen_at=now, info={}))
        session.merge(EngineOffer(name="bare", offer={}, seen_at=now))
    response = operator.get(f"/studio/{page}", params={"lang": language}, follow_redirects=True)
    assert response.status_code == 200


def test_an_account_without_anything(studio: Api, visitor: httpx2.Client) -> None:
    sign_in(visitor, new_key(studio))
    for page in ("", "clone", "speak", "voices", "history", "account"):
        response = visitor.get(f"/studio/{page}", follow_redirects=True)
        assert response.status_code == 200, page


def test_the_page_of_voices(studio: Api, visit: Visit) -> None:
    client, key = visit(), new_key(studio)
    headers = {"X-CSRF-Token": sign_in(client, key), "HX-Request": "true"}
    with studio.database.read() as session:
        who = keys.authenticate(session, studio.settings.secrets, key)
        own = keys.holder(session, who.key_id)
    report = RecordingReport(21.5, -24.0, 31.0, 0.0, False, False, ("the room echoes strongly",))
    outlines = {"preview": [0, 100], "recording": [50]}
    anna, berta = (bare_voice(own) for _ in range(2))
    anna.recording_report, anna.waveforms = report.to_json(), outlines
    with studio.database.transaction() as session:
        session.add_all((anna, berta))
    page = client.get("/studio/voices").text
    assert "Voices: 2" in page
    assert 'd="M1.5 19.0V21.0M4.5 2.0V38.0"' in page
    # An earlier release kept no preview with the voice.
    assert page.count("/preview") == 1
    assert f"/studio/voices/{anna.id}/preview" in page
    assert "The room echoes strongly." in page
    chinese = client.get("/studio/voices", headers={"Accept-Language": "zh"}).text
    assert "房间回声" in chinese
    card = client.patch(
        f"/studio/voices/{anna.id}",
        data={"name": "Anna", "tags": "calm， podcast"},
        headers=headers | {"HX-Target": f"card-{anna.id}"},
    )
    assert card.text.startswith('<li class="card voice"')
    assert "Anna" in card.text
    assert "?tag=podcast" in card.text
    for query, count in (
        ({"search": "ann"}, 1),
        ({"tag": "calm"}, 1),
        ({"tag": "loud"}, 0),
        ({"order": "name"}, 2),
        ({"order": "x", "skip": "-3"}, 2),
        ({"skip": "1"}, 1),
    ):
        found = client.get("/studio/voices", params=query).text
        assert found.count("data-voice=") == count, query
    refused = client.patch(f"/studio/voices/{anna.id}", data={"tags": "x" * 31}, headers=headers)
    assert (refused.status_code, refused.headers["X-Field"]) == (422, "tags")
    reloaded = client.patch(f"/studio/voices/{anna.id}", data={"name": "A"}, headers=headers)
    assert reloaded.headers["HX-Refresh"] == "true"
    assert client.get(f"/studio/voices/{anna.id}/preview").status_code == 404
    key = files.voice_preview(anna.id)
    studio.app.state.soundclone.storage.put(key, b"ID3")
    link = client.get(f"/studio/voices/{anna.id}/preview").headers["Location"]
    assert client.get(link).content == b"ID3"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_studio_can_be_installed(studio: Api, operator: httpx2.Client, language: str) -> None:
    page = operator.get("/studio/account", params={"lang": language})
    assert "manifest-src 'self'" in page.headers["Content-Security-Policy"]
    link = re.search('<link rel="manifest" href="([^"]+)">', page.text)
    assert link
    response = operator.get(link[1])
    assert response.headers["Content-Type"] == "application/manifest+json"
    manifest = response.json()
    assert manifest["lang"].startswith(language)
    for icon in manifest["icons"]:
        found = operator.get(icon["src"])
        assert (found.status_code, found.headers["Content-Type"]) == (200, icon["type"])
        if icon["type"] == "image/png":
            size = int.from_bytes(found.content[16:20]), int.from_bytes(found.content[20:24])
            assert icon["sizes"] == "{}x{}".format(*size)
    for shortcut in manifest["shortcuts"]:
        assert operator.get(shortcut["url"]).status_code == 200


def test_scripts_and_styles_are_compressed(operator: httpx2.Client) -> None:
    for path in ("/studio/static/studio.css", "/static/htmx/htmx.min.js"):
        response = operator.get(path, headers={"Accept-Encoding": "gzip"})
        assert response.headers["Content-Encoding"] == "gzip"
    page = operator.get("/studio/account", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in page.headers  # its size would tell about its CSRF token


@pytest.mark.parametrize("address", ["http://[", "//[::", "x", "\u00e9", "http://a:b/"])
def test_an_odd_page_address_leads_to_signing_in(visitor: httpx2.Client, address: str) -> None:
    headers = [(b"HX-Current-URL", address.encode()), (b"HX-Request", b"true")]
    response = visitor.post("/studio/audios", headers=headers)
    assert response.status_code == 401
    assert response.headers["hx-redirect"].startswith("/studio/sign-in")
