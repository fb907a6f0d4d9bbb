"""Protected voices and the audit log, on a real service."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from soundclone_client import Client, TaskFailed
from tests.acceptance.conftest import tone_service, write_two_people
from tests.service import API, Service, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with tone_service(tmp_path_factory.mktemp("protection")) as running:
        yield running


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recordings of a man and of a woman."""
    folder = tmp_path_factory.mktemp("clips")
    write_two_people(folder, "later", 14)
    return folder


def command(service: Service, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [service.python, "-m", "soundclone", *arguments],
        env=service.environment, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


def result(service: Service, *arguments: str) -> Any:
    done = command(service, *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def log(service: Service, *arguments: str) -> list[Any]:
    done = command(service, "audit", "export", *arguments)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_protected_voice_is_not_cloned(service: Service, clips: Path) -> None:
    account, key = service.new_key(100)
    kept = result(service, "voices", "protect", str(clips / "man-later.mp3"), "--name", "Ion",
                  "--json")  # fmt: skip
    assert kept["speechSeconds"] > 10
    database = (service.folder / "data" / "soundclone.db").read_bytes()
    assert b"man-later" not in database
    with Client(service.url, key) as client:
        before = service.get(f"{API}/user/balance", key)[1]["data"]["used_coin"]
        with pytest.raises(TaskFailed, match=f"protected voice {kept['id']}") as refused:
            client.clone(clips / "man.wav", text="Hello.")
        assert refused.value.word == "voice_protected"
        assert service.get(f"{API}/user/balance", key)[1]["data"]["used_coin"] == before
        voices = service.folder / "data" / "files" / "voices"
        wait_until(lambda: not any(path.is_file() for path in voices.rglob("*")))
        client.clone(clips / "woman.wav", text="Hello.")
        assert result(service, "voices", "allow", kept["id"], "--account", account, "--json")[
            "allowed"
        ] == [account]
        client.clone(clips / "man.wav", text="Hello.")
        command(service, "voices", "allow", kept["id"], "--account", account, "--revoke")
        with pytest.raises(TaskFailed):
            client.clone(clips / "man.wav", text="Hello.")
        assert [each["id"] for each in result(service, "voices", "protected", "--json")] == [
            kept["id"]
        ]
        assert not result(service, "voices", "unprotect", kept["id"], "--json")["protected"]
        client.clone(clips / "man.wav", text="Hello.")
    refusals = log(service, "--event", "refused")
    assert len(refusals) == 2
    assert {(each["account"], each["voice"]) for each in refusals} == {(account, kept["id"])}
    short = command(service, "voices", "protect", str(clips / "nothing.wav"), "--json")
    assert json.loads(short.stderr)["error"]["word"] == "file"
    assert command(service, "audit", "export", "--event", "lost").returncode == 2


def test_the_operator_acts_on_a_report(service: Service, clips: Path) -> None:
    _, key = service.new_key(100)
    with Client(service.url, key) as client:
        made = client.clone(clips / "woman.wav", text="Hello.")
        spoken = client.speak(made.model_id, "Hello.")
        with httpx2.Client(base_url=service.url) as anybody:
            page = anybody.get("/studio/report").text
            token = page.partition('name="token" value="')[2].partition('"')[0]
            form = {
                "token": token,
                "reason": "my_voice",
                "subject": made.model_id,
                "message": "I did not agree.",
                "contact": "anna@example.com",
            }
            sent = anybody.post("/studio/report", data=form).text
        (report,) = result(service, "reports", "list", "--json")
        assert report["id"] in sent
        assert report["contact"] == "anna@example.com"
        closed = result(service, "reports", "close", report["id"], "--note", "Deleted",
                        "--withdraw", made.model_id, "--json")  # fmt: skip
        assert closed["note"] == "Deleted"
        assert result(service, "reports", "list", "--json") == []
        assert client.voices() == []
        for folder in (f"voices/{made.model_id}", f"results/{spoken.id}"):
            assert not (service.folder / "data" / "files" / folder).exists()
    withdrawn = log(service, "--voice", made.model_id, "--event", "withdrawn")
    assert [each["actor"] for each in withdrawn] == ["operator"]


def test_the_log_has_who_did_what(service: Service, clips: Path, tmp_path: Path) -> None:
    account, key = service.new_key(100)
    with Client(service.url, key) as client:
        made = client.clone(clips / "woman.wav", text="Hello.")
        spoken = client.speak(made.model_id, "A private text.")
        client.task(spoken.id)
        client.download(spoken, tmp_path / "speech.mp3")
        client.delete_voice(made.model_id)
    found = log(service, "--voice", made.model_id)
    assert sorted(each["event"] for each in found) == [
        "created", "deleted", "downloaded", "shared", "shared", "used",
    ]  # fmt: skip
    assert {each["account"] for each in found} == {account}
    used = next(each for each in found if each["event"] == "used")
    assert (used["task"], used["actor"]) == (spoken.id, "key")
    assert log(service, "--account", account, "--since", "2999-01-01") == []
    assert "private" not in json.dumps(log(service))
