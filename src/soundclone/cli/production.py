"""Speech of many texts over HTTP, which a run that was interrupted continues without new costs.

Each text has an idempotency key that depends only on the text, its pronunciation and the options.
A later run with the same texts gets the tasks of the earlier run. Finished speech is kept in a
folder until the work is complete, so that results may expire on the server meanwhile.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from ..text.pronunciation import Entry, occurring
from .common import INTERRUPTED, TERMINATED, Failure, fail
from .remote import Loudness

if TYPE_CHECKING:
    from soundclone_client import Client, ClientError, Task

_T = TypeVar("_T")

AT_ONCE = 4
"""Tasks that are submitted at once: some run, and some wait in the queue."""

_ATTEMPTS = 2  # failures of one text in one run
_MOST_ATTEMPTS = 100  # of one text in all runs
_PATIENCE = 900.0  # seconds without any answer after which a run ends
_LONGEST_PAUSE = 30.0  # seconds
_CONTINUE = (
    "interrupted; run the same command again to continue; finished parts are not paid for again"
)


@dataclass(frozen=True)
class Delivery:
    """Options of the speech of all texts. None: the default of the service."""

    language: str = "auto"
    emotion: str | None = None
    speed: float | None = None
    pitch: int | None = None
    loudness: Loudness | None = None
    subtitles: Literal["sentence", "word"] | None = None


@dataclass(frozen=True)
class Spoken:
    """Speech of a text."""

    audio: Path  # FLAC
    cues: Path | None  # subtitles as JSON
    task_id: str
    cost: float  # credits
    language: str


class Producer:
    """Speaks texts with one voice, and keeps the speech in a folder."""

    def __init__(self, client: Client, model_id: str, folder: Path, delivery: Delivery) -> None:
        """Prepare to speak.

        Args:
            client: The client.
            model_id: Id of the voice.
            folder: Folder for finished speech. It is created if it is missing.
            delivery: Options of the speech.
        """
        self._client = client
        self._model_id = model_id
        self._folder = folder
        self._delivery = delivery
        self._entries = self._patiently(partial(_dictionary, client))
        folder.mkdir(exist_ok=True)

    def finished(self, text: str) -> Spoken | None:
        """Return the speech of a text if an earlier run has finished it."""
        audio, cues, record = self._paths(text)
        try:
            known = json.loads(record.read_text("utf-8"))
            spoken = Spoken(
                audio,
                cues if self._delivery.subtitles else None,
                known["task"],
                known["cost"],
                known["language"],
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return spoken if audio.is_file() and (not spoken.cues or cues.is_file()) else None

    def speak(
        self, texts: Sequence[str], on_progress: Callable[[int, float], object]
    ) -> list[Spoken]:
        """Return the speech of all texts, in order.

        Args:
            texts: The texts, each within the limit of a request.
            on_progress: Called with the number of finished texts, and with the share of the next
                one that is done.

        Raises:
            ClientError: A text cannot be spoken, or the server cannot be reached for long.
        """
        found = {text: done for text in dict.fromkeys(texts) if (done := self.finished(text))}
        missing = deque(text for text in dict.fromkeys(texts) if text not in found)
        running: deque[tuple[str, Task, int]] = deque()
        count = len(found) + len(missing)
        on_progress(len(found), 0.0)
        while missing or running:
            while missing and len(running) < AT_ONCE:
                text = missing.popleft()
                running.append((text, *self._submit(text, 0)))
            text, task, attempt = running.popleft()
            found[text] = self._finish(text, task, attempt, partial(on_progress, len(found)))
            on_progress(len(found), 0.0)
        assert len(found) == count
        return [found[text] for text in texts]

    def _submit(self, text: str, attempt: int) -> tuple[Task, int]:
        """Submit a text. Return its task, which an earlier run may have submitted.

        The key of a task that failed, or whose result has expired, is never used again.
        """
        while True:
            key = f"{self._digest(text)}-{attempt}"
            task = self._patiently(partial(self._request, text, key))
            lost = task.status == "completed" and not task.audio_url
            if attempt + 1 >= _MOST_ATTEMPTS or not (task.status == "failed" or lost):
                return task, attempt
            attempt += 1

    def _request(self, text: str, key: str) -> Task:
        delivery = self._delivery
        return self._client.speak(
            self._model_id,
            text,
            language=delivery.language,
            emotion=delivery.emotion,
            speed=delivery.speed,
            pitch=delivery.pitch,
            loudness=delivery.loudness,
            subtitles=delivery.subtitles,
            format="flac",
            wait=False,
            idempotency_key=key,
        )

    def _finish(
        self, text: str, task: Task, attempt: int, on_share: Callable[[float], object]
    ) -> Spoken:
        """Wait for a task, and download its speech. A task that fails is submitted once more."""
        from soundclone_client import ApiError, TaskFailed

        failures = 0
        while True:
            try:
                task = self._client.wait(
                    task, on_progress=lambda task: on_share((task.progress or 0) / 100)
                )
                return self._download(text, task)
            except TaskFailed:
                failures += 1
                if failures >= _ATTEMPTS:
                    raise
            except ApiError as error:
                if error.word not in ("expired", "not_found"):
                    raise
                failures += 1
                if failures >= _ATTEMPTS:
                    raise
            task, attempt = self._submit(text, attempt + 1)

    def _download(self, text: str, task: Task) -> Spoken:
        audio, cues, record = self._paths(text)
        if self._delivery.subtitles:
            self._patiently(lambda: self._client.download_subtitles(task, cues, format="json"))
        self._patiently(lambda: self._client.download(task, audio))
        known = {"task": task.id, "cost": task.cost or 0.0, "language": task.language or ""}
        part = record.with_suffix(".part")
        part.write_text(json.dumps(known), "utf-8")
        part.replace(record)
        done = self.finished(text)
        assert done is not None
        return done

    def _patiently(self, call: Callable[[], _T]) -> _T:
        """Repeat a call while the server is unreachable or busy.

        The client has repeated each call a few times by then.
        """
        from soundclone_client import ClientError

        until, pause = time.monotonic() + _PATIENCE, 1.0
        while True:
            try:
                return call()
            except ClientError as error:
                if not _is_transient(error) or time.monotonic() + pause > until:
                    raise
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _digest(self, text: str) -> str:
        chosen = {
            name: value for name, value in asdict(self._delivery).items() if value is not None
        }
        request: list[object] = [self._model_id, text, sorted(chosen.items())]
        # Another pronunciation is other speech.
        if entries := occurring(text, self._entries):
            request.append([entry.to_json() for entry in entries])
        return hashlib.sha256(json.dumps(request).encode()).hexdigest()[:40]

    def _paths(self, text: str) -> tuple[Path, Path, Path]:
        name = self._digest(text)
        return (
            self._folder / f"{name}.flac",
            self._folder / f"{name}.cues",
            self._folder / f"{name}.json",
        )


def _dictionary(client: Client) -> tuple[Entry, ...]:
    """Return the account's pronunciations. A server of an earlier version has none."""
    from soundclone_client import ApiError

    try:
        entries = client.pronunciations()
    except ApiError as error:
        if error.status != 404 and error.word not in ("not_found", "forbidden"):
            raise
        return ()
    return tuple(Entry(e.written, e.spoken, e.language, e.match_case, e.ipa) for e in entries)


def _is_transient(error: ClientError) -> bool:
    from soundclone_client import ApiError, PaymentError, RateLimitError, Unreachable

    if isinstance(error, ApiError):
        is_busy = isinstance(error, RateLimitError) or error.status >= 500
        return not isinstance(error, PaymentError) and (
            is_busy or error.word in ("unavailable", "internal_error")
        )
    return isinstance(error, Unreachable)


@contextmanager
def resumable() -> Iterator[None]:
    """Explain after SIGINT or SIGTERM how to continue. Submitted tasks go on."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    try:
        yield
    except KeyboardInterrupt:
        raise Failure(_CONTINUE, "interrupted", INTERRUPTED) from None
    except SystemExit as end:
        if end.code != TERMINATED:
            raise
        raise Failure(_CONTINUE, "interrupted", TERMINATED) from None
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold the folder, so that two runs do not write the same files.

    The lock ends with the process, also with one that is killed.
    """
    import fcntl

    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            fail(f"{folder} is in use by another run of this command", "conflict")
        yield


def remove(folder: Path) -> None:
    """Remove a folder of finished speech. Files that the producer did not write stay."""
    for file in folder.iterdir():
        if file.suffix in (".flac", ".cues", ".json", ".part") or file.name == "lock":
            file.unlink(missing_ok=True)
    if not any(folder.iterdir()):
        folder.rmdir()


def work_folder(output: Path) -> Path:
    """Return the folder for the finished speech of an output, beside the output."""
    return output.with_name(f".{output.name}.parts")


def read_file(path: Path, most: int) -> bytes:
    """Return a file of at most `most` bytes. Ends the command if it cannot be read."""
    try:
        if path.stat().st_size > most:
            fail(f"{path} has more than {most // 2**20} MB", "too_large")
        return path.read_bytes()
    except OSError as error:
        fail(f"{path} cannot be read: {error.strerror}", "file")


@contextmanager
def temporary(output: Path) -> Iterator[Path]:
    """Yield a path beside the output for the unfinished file, which is removed on an error."""
    part = output.with_name(f".{output.name}.part")
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def commit(part: Path, output: Path) -> None:
    """Move a finished file to its place, once its content is on the disk."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(output)
