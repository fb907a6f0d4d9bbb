"""Rows of the database that tests begin with."""

from __future__ import annotations

import time
from typing import Any

from soundclone.core.requests import (
    CloneRequest,
    SoundVersion,
    Source,
    SpeechRequest,
    TaskResult,
    UrlSource,
)
from soundclone.db.models import Voice

RESULT = TaskResult("results/audio_1/speech.mp3")


def clone_request(text: str = "a", source: Source | None = None) -> CloneRequest:
    """A request for a voice in English."""
    source = source or UrlSource("https://example.com/a.mp3")
    return CloneRequest(source, text, SoundVersion.V1, "builtin", "English")


def speech_request(text: str = "a") -> SpeechRequest:
    """A request for speech in English."""
    return SpeechRequest(text, SoundVersion.V1, "builtin", "English")


def voice(account: str, **columns: Any) -> Voice:
    """A voice that was just made, and is kept for a minute."""
    now = time.time()
    usual = {
        "id": "model_" + "0" * 32,
        "task_id": "audio_1",
        "version": "v1",
        "engine": "builtin",
        "engine_version": "1",
        "licence": "",
        "speech_seconds": 20.0,
        "created_at": now,
        "expires_at": now + 60,
    }
    return Voice(account_id=account, **(usual | columns))
