"""A service in memory for the commands that speak many texts: tones in place of speech."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest

import soundclone_client
from soundclone.audio import encode
from soundclone.text.script import Sentence, billable, parse
from soundclone_client import Client

URL = "http://soundclone.test"
MODEL = "model_" + "0" * 32
RATE = 44_100
PACE = 0.002  # seconds of a character


class Killed(BaseException):
    """The end of the process at a request."""


@dataclass
class Studio:
    """Answers requests for speech. The same key gets the same task, and one charge."""

    charges: list[str] = field(default_factory=list)  # texts
    requests: int = 0
    kill_at: int | None = None
    before: Callable[[httpx2.Request], httpx2.Response | None] = lambda _: None
    fail: Callable[[str, int], bool] = lambda text, number: False
    entries: list[dict[str, str]] = field(default_factory=list)
    _tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    _keys: dict[str, str] = field(default_factory=dict)
    _files: dict[str, bytes] = field(default_factory=dict)

    def client(self) -> Client:
        return Client(URL, "sk_x", transport=httpx2.MockTransport(self.handle), retries=0)

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the commands use this service."""
        monkeypatch.setenv("SOUNDCLONE_API_KEY", "sk_x")
        monkeypatch.setattr(soundclone_client, "Client", lambda *_: self.client())

    def handle(self, request: httpx2.Request) -> httpx2.Response:
        self.requests += 1
        if self.kill_at is not None and self.requests > self.kill_at:
            raise Killed
        if (answer := self.before(request)) is not None:
            return answer
        path = request.url.path
        if path.endswith("/pronunciations"):
            known = {"entries": self.entries}
            return httpx2.Response(200, json={"code": 20000, "msg": "ok", "data": known})
        if path in self._files:
            return httpx2.Response(200, content=self._files[path])
        if request.method == "POST":
            data = self._submit(json.loads(request.read()), request.headers["idempotency-key"])
        else:
            data = self._tasks[path.rpartition("/")[2]]
        return httpx2.Response(200, json={"code": 20000, "msg": "ok", "data": data})

    def _submit(self, body: dict[str, Any], key: str) -> dict[str, Any]:
        if key in self._keys:
            return self._tasks[self._keys[key]]
        id = f"audio_{len(self._tasks)}"
        text = body["contentText"]
        assert billable(text) <= 10_000
        task: dict[str, Any] = {"id": id, "model": "soundCloningAudio", "created": 0}
        if self.fail(text, len(self._tasks)):
            task |= {"status": "failed", "error": "it went wrong", "errorCode": "synthesis_failed"}
        else:
            self.charges.append(text)
            audio, cues = spoken(text)
            self._files |= {
                f"/files/{id}.flac": audio,
                f"/files/{id}.json": json.dumps(cues).encode(),
            }
            task |= {
                "status": "completed",
                "cost": 1.5,
                "language": "English",
                "audioUrl": f"{URL}/files/{id}.flac",
                "subtitleFile": f"{URL}/files/{id}.srt",
                "subtitleJson": f"{URL}/files/{id}.json",
            }
        self._tasks[id], self._keys[key] = task, id
        return {name: task[name] for name in ("id", "model", "created")} | {"status": "queued"}


def spoken(text: str) -> tuple[bytes, list[dict[str, Any]]]:
    """Return a tone for each sentence and silence for each pause, as FLAC, with its cues."""
    pieces: list[np.ndarray[Any, Any]] = []
    cues: list[dict[str, Any]] = []
    at = 0
    for piece in parse(text).pieces:
        seconds = PACE * len(piece.text) if isinstance(piece, Sentence) else float(piece.seconds)
        count = round(seconds * RATE)
        loud = 0.1 if isinstance(piece, Sentence) else 0.0
        pieces.append((loud * np.sin(np.arange(count) * 0.06)).astype(np.float32))
        if isinstance(piece, Sentence):
            end = piece.origin(len(piece.text) - 1) + 1
            cues.append(
                {
                    "start": round(1000 * at / RATE),
                    "end": round(1000 * (at + count) / RATE),
                    "text": piece.text,
                    "offset": piece.offset,
                    "length": end - piece.offset,
                }
            )
        at += count
    return _flac(np.concatenate(pieces)), cues


def _flac(samples: np.ndarray[Any, Any]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tone.flac"
        with encode.Encoder(path, "flac", sample_rate_in=RATE) as encoder:
            encoder.write(samples)
        return path.read_bytes()
