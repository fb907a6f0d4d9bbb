"""A task whose files disappear from the store fails with a sentence that says what to do."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from tests.service import API, Service, finish

pytestmark = pytest.mark.slow

CLONES, AUDIOS = f"{API}/soundCloning/clones", f"{API}/soundCloning/audios"


def text(sentences: int) -> str:
    """A text with one chunk for each sentence."""
    said = "goes on and on " * 12 + "to its end."
    return " ".join(f"Sentence number {n} {said}" for n in range(sentences))


@pytest.mark.timeout(300)
def test_a_task_without_its_files(
    tmp_path: Path, recording: str, test_engines: dict[str, str]
) -> None:
    files = tmp_path / "data" / "files"
    environment = test_engines | {"SOUNDCLONE_TEST_SECONDS": "0.3"}
    with Service(tmp_path, environment=environment) as service:
        account, key = service.new_key(100)
        preview = {"fileUrl": recording, "contentText": "Hello."}
        made = finish(service, service.post(CLONES, preview, key)[1]["data"]["id"], key)
        body = {"modelId": made["modelId"], "contentText": text(10)}

        speaking = service.post(AUDIOS, body, key)[1]["data"]["id"]
        chunk = files / "work" / speaking / "chunk-0000"
        deadline = time.monotonic() + 90
        while not chunk.exists():
            assert time.monotonic() < deadline, service.log.read_text()
            time.sleep(0.02)
        chunk.unlink()
        failed = finish(service, speaking, key)
        assert failed["errorCode"] == "internal_error"
        assert "is no longer in the store; nothing was charged" in failed["error"]

        shutil.rmtree(files / "voices")
        failed = finish(service, service.post(AUDIOS, body, key)[1]["data"]["id"], key)
        assert failed["errorCode"] == "synthesis_failed"
        assert "is no longer kept; clone the recording again" in failed["error"]

        ledger = service.command("credit", "ledger", "--account", account, "--json")
        assert (ledger["sum"], ledger["sound"]) == (0, True)
