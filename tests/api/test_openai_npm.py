"""OpenAI's package for Node.js, where `node` and the package are installed (`NODE_PATH`)."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .pretended import AUDIO
from .site import served

NODE = shutil.which("node")
SCRIPT = Path(__file__).with_name("openai_npm.cjs")


def has_package() -> bool:
    if NODE is None:
        return False
    found = subprocess.run([NODE, "-e", "require('openai')"], capture_output=True, check=False)
    return found.returncode == 0


def test_calls(tmp_path: Path) -> None:
    if not has_package():
        pytest.skip("needs node with the package openai in NODE_PATH")
    with served(tmp_path) as site:
        done = subprocess.run(
            [NODE or "", str(SCRIPT), site.url, site.account().key],
            capture_output=True,
            check=True,
            timeout=120,
        )
    found: dict[str, Any] = dict(json.loads(done.stdout))
    assert found["models"] == ["soundclone-v1", "soundclone-v2"]
    assert found["model"] == "tts-1"
    assert found["speech"] == found["voice"] == ["audio/mpeg", len(AUDIO)]
    assert found["events"] == "speech.audio.done"
    assert found["first"] is True
    assert found["voices"] == ["Anna"]
    for name, kind, status, code, words in (
        ("nobody", "NotFoundError", 404, "voice_not_found", "nobody"),
        ("speed", "BadRequestError", 400, "invalid_parameter", "speed is 9"),
        ("unknown", "NotFoundError", 404, "model_not_found", "gpt-9"),
        ("stranger", "AuthenticationError", 401, "invalid_api_key", ""),
        ("chat", "NotFoundError", 404, "not_found", "/v1/chat/completions"),
    ):
        assert found[name][:3] == [kind, status, code]
        assert words in found[name][3]
