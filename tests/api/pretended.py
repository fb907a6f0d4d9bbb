"""A worker that is only pretended, for tests of the API whose requests wait for a task."""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from soundclone.core import files, tasks
from soundclone.core.requests import (
    CloneRequest,
    ConversionRequest,
    JoinedSource,
    SpeechRequest,
    TaskResult,
    UploadSource,
    request_of,
)
from soundclone.db.models import Task, TaskStatus, Voice
from soundclone.errors import (
    SpeechTooShort,
    SynthesisError,
    TaskCancelled,
    TaskError,
    VoiceProtected,
)
from soundclone.storage import Storage
from soundclone.text import parts
from tests import rows

from .conftest import Api

AUDIO = b"ID3" + bytes(range(256)) * 200  # more than an event holds
PART = 30_000  # bytes of the first part of a stream
BEGINNING = 9_000  # bytes of that part that are stored first
PARTS = (AUDIO[:PART], AUDIO[PART:37_000], AUDIO[37_000:44_000], AUDIO[44_000:51_000])
ERRORS: dict[bytes, TaskError] = {
    b"short": SpeechTooShort("speech lasts 9.2 s; more than 15 s is needed"),
    b"protected": VoiceProtected("this voice may not be cloned here"),
}


class PretendedWorker(threading.Thread):
    """Ends the tasks of an API: with AUDIO, or with the error that the recording or text names."""

    def __init__(self, api: Api) -> None:
        super().__init__(daemon=True)
        self._api = api
        self._storage = Storage.of(api.settings)
        self.stopping = threading.Event()
        self.paused = threading.Event()
        self.seen: list[SpeechRequest] = []
        self.performed: list[bytes] = []
        self.halts: dict[str, int] = {"slowly": 1}
        """Words of texts that are never spoken to their end, and the parts that are stored."""

    def run(self) -> None:
        while not self.stopping.wait(0.02):
            with self._api.database.transaction() as session:
                query = select(Task.id).where(Task.status == TaskStatus.QUEUED)
                waiting = [] if self.paused.is_set() else list(session.scalars(query))
            for task_id in waiting:
                with suppress(TaskCancelled):  # its client has left
                    self.end(task_id)

    def end(self, task_id: str) -> None:
        """Do the work of a task, also while the worker is paused."""
        with self._api.database.transaction() as session:
            task = tasks.start(session, task_id)
            if task is None:
                return
            request = request_of(task)
            session.expunge(task)
        key = files.result(task.id, "mp3")
        self._storage.put(key, AUDIO)
        result = TaskResult(key, 3.5, "builtin", "English", ("English",))
        voice: Voice | None = None
        error: TaskError | None = None
        on_delivery = False
        if isinstance(request, CloneRequest):
            if isinstance(request.source, JoinedSource):
                uploads = list(request.source.keys)
            else:
                assert isinstance(request.source, UploadSource)
                uploads = [request.source.key]
            error = ERRORS.get(self._storage.get(uploads[0]))
            names = {"name": request.name, "uploads": uploads}
            voice = rows.voice(task.account_id, id=task.voice_id, task_id=task.id, **names)
        elif isinstance(request, ConversionRequest):
            if isinstance(request.source, UploadSource):
                self.performed.append(self._storage.get(request.source.key))
        elif isinstance(request, SpeechRequest):
            error = self._speak(task, request)
            on_delivery = request.options.on_delivery
            if request.options.subtitles:
                cues = files.result(task.id, "json")
                self._storage.put(cues, json.dumps(cues_of(request)).encode())
                result = replace(result, subtitles_json=cues)
        with self._api.database.transaction() as session:
            if error is not None:
                tasks.fail(session, task.id, error, keep=60, by_worker=True)
            else:
                tasks.complete(
                    session,
                    task.id,
                    result,
                    keep=3600,
                    voice=voice,
                    size=len(AUDIO),
                    on_delivery=on_delivery,
                )

    def _speak(self, task: Task, request: SpeechRequest) -> TaskError | None:
        """Store the parts of a stream that come before its end."""
        self.seen.append(request)
        halt = next((most for word, most in self.halts.items() if word in request.text), None)
        if opening := request.options.opening:
            with self._api.database.transaction() as session:
                tasks.record_progress(session, task.id, tasks.SPEAKING)
            upto = parts.delivered(request.text, opening)
            if not request.options.subtitles:
                self._storage.put(files.opening(task.id), AUDIO[:BEGINNING])
            for index, audio in enumerate(PARTS[: min(len(upto), halt or len(upto))]):
                if request.options.subtitles:
                    times = [
                        cue
                        for cue in cues_of(request)
                        if ([0, *upto][index]) <= cue["offset"] < upto[index]
                    ]
                    key = files.part_times(task.id, index)
                    self._storage.put(key, json.dumps(times).encode())
                self._storage.put(files.part(task.id, index), audio)
        while halt is not None and not self.stopping.wait(0.02):
            with self._api.database.read() as session:
                if not tasks.active(session, [task.id]):
                    break
        if "stumble" in request.text:
            return SynthesisError("the sentence 'stumble' was not spoken")
        return None


def cues_of(request: SpeechRequest) -> list[dict[str, Any]]:
    """Cues for each word of a text, or for each sentence."""
    text, start = request.text, 0
    cues: list[dict[str, Any]] = []
    words = text.split() if request.options.subtitles == "word" else text.split("  ")
    for index, word in enumerate(words):
        start = text.index(word, start)
        times = {"start": 100 * index, "end": 100 * index + 90}
        cues.append({**times, "text": word, "offset": start, "length": len(word)})
        start += len(word)
    return cues
