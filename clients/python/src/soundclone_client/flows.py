"""Steps and sequences of the SDK's methods, without input or output of their own.

A method is written once, as a generator that yields the steps it needs (a request, a download,
a pause). The blocking and the asynchronous client carry the steps out, each in its own way.
"""

from __future__ import annotations

import io
import math
import os
import re
import time
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from urllib.parse import quote, urljoin

import httpx2

from ._version import __version__
from .errors import (
    ClientError,
    TaskFailed,
    Timeout,
    Unreachable,
    body_of,
    error_of,
    pause_before_retry,
    transient,
)
from .models import (
    Balance,
    Consent,
    KeyBalance,
    Price,
    Task,
    TaskPage,
    Upload,
    Voice,
    read,
    read_task,
    read_voice,
)

API = "/api/open-api/v1"
DEFAULT_BASE_URL = "http://127.0.0.1:8000"
LONGEST_PAUSE = 60.0  # seconds that a server may ask for before a retry
OUTAGE = 300.0  # seconds without a good answer after which waiting for a task is given up
HEADERS = {"User-Agent": f"soundclone-client/{__version__}"}

T = TypeVar("T")
Source = str | os.PathLike[str]
Progress = Callable[[Task], object]
Transfer = Callable[[int, int | None], object]  # bytes that have gone, and of how many


@dataclass(frozen=True)
class Request:
    method: str
    url: str
    headers: Mapping[str, str]
    json: Mapping[str, Any] | None = None
    params: Mapping[str, str] | None = None
    files: Mapping[str, tuple[str, BinaryIO]] | None = None


@dataclass(frozen=True)
class Fetch:
    """A download. Its answer has the body only if the file was not written."""

    url: str
    path: Path
    on_progress: Transfer | None = None

    @contextmanager
    def receive(self, response: httpx2.Response) -> Iterator[Callable[[bytes], None]]:
        """Give a function that writes a block of the body. The whole file ends up at `path`."""
        length = response.headers.get("content-length", "")
        total = int(length) if length.isdecimal() else None
        with _whole(self.path) as file:

            def write(block: bytes) -> None:
                file.write(block)
                if self.on_progress:
                    self.on_progress(response.num_bytes_downloaded, total)

            yield write


@dataclass(frozen=True)
class Sleep:
    seconds: float


# What a request can end with instead of an answer: as exceptions of the HTTP library.
FAULTS = (httpx2.RequestError, httpx2.InvalidURL)

Flow = Generator[Request | Fetch | Sleep, Any, T]


class Core:
    """The steps of each method, for the synchronous and the asynchronous client."""

    def __init__(self, base_url: str | None, api_key: str | None, retries: int) -> None:
        base_url = base_url or os.environ.get("SOUNDCLONE_BASE_URL") or DEFAULT_BASE_URL
        api_key = (api_key or os.environ.get("SOUNDCLONE_API_KEY") or "").strip()
        if not re.match(r"https?://[^/]", base_url, re.IGNORECASE):
            raise ValueError(f"base_url is {base_url!r}; it must begin with http:// or https://")
        if not (api_key.isascii() and api_key.isprintable()):
            raise ValueError("api_key has characters that no key has; it begins with sk_")
        self.base_url = base_url.rstrip("/")
        self.retries = retries
        self._authorization = {"Authorization": f"Bearer {api_key}"} if api_key else {}

    def clone(
        self,
        source: Source,
        text: str | None,
        version: str,
        language: str,
        idempotency_key: str | None,
        consent: Consent | Source | None = None,
        name: str | None = None,
    ) -> Flow[Task]:
        address = os.fspath(source)
        if not address.lower().startswith(("http://", "https://")):
            if "://" in address:
                raise ValueError(f"source is {address!r}; it must be an http(s) URL or a file")
            address = (yield from self.upload(source, None)).url
        body: dict[str, Any] = {
            "fileUrl": address,
            "soundVersion": version,
            "language": language,
        }
        if text is not None:
            body["contentText"] = text
        if name is not None:
            body["name"] = name
        if consent is not None:
            body["consent"] = yield from self._consent(consent)
        return (yield from self._submit("clones", body, idempotency_key))

    def _consent(self, given: Consent | Source) -> Flow[dict[str, str]]:
        consent = given if isinstance(given, Consent) else Consent(given)
        declaration = "own" if consent.own_voice else "given" if consent.speaker else None
        fields = {"declaration": declaration, "speaker": consent.speaker}
        body = {name: value for name, value in fields.items() if value}
        if consent.recording is not None:
            recording = os.fspath(consent.recording)
            if not recording.lower().startswith(("http://", "https://", "cons_")):
                recording = (yield from self.upload(recording, None)).url
            body["recording"] = recording
        return body

    def speak(
        self,
        model_id: str,
        text: str,
        options: Mapping[str, Any],
        subtitles: str | None,
        idempotency_key: str | None,
    ) -> Flow[Task]:
        if subtitles not in (None, "sentence", "word"):
            raise ValueError(f"subtitles is {subtitles!r}; it must be None, 'sentence' or 'word'")
        body: dict[str, Any] = {"modelId": model_id, "contentText": text}
        body |= {name: value for name, value in options.items() if value is not None}
        if subtitles:
            body["subtitleEnable"] = True
        if subtitles == "word":
            body["subtitleType"] = "word"
        return (yield from self._submit("audios", body, idempotency_key))

    def _submit(self, kind: str, body: Mapping[str, Any], key: str | None) -> Flow[Task]:
        # With the key, a retry of a request whose answer was lost finds the first one's task.
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        path = f"{API}/soundCloning/{kind}"
        return read_task((yield from self._call("POST", path, json=body, headers=headers)))

    def task(self, id: str) -> Flow[Task]:
        return read_task((yield from self._call("GET", _audio(id))))

    def tasks(self, options: Mapping[str, Any]) -> Flow[TaskPage]:
        params = {name: str(value) for name, value in options.items() if value is not None}
        data = yield from self._call("GET", f"{API}/audios", params=params)
        found = tuple(read_task(row) for row in data.get("list") or ())
        return TaskPage(found, data.get("nextCursor"))

    def cancel(self, id: str) -> Flow[Task]:
        return read_task((yield from self._call("DELETE", _audio(id))))

    def wait(
        self, task: Task | str, timeout: float | None, on_progress: Progress | None
    ) -> Flow[Task]:
        id = task if isinstance(task, str) else task.id
        latest = None if isinstance(task, str) else task
        deadline = time.monotonic() + (math.inf if timeout is None else timeout)
        good, failures, rest = time.monotonic(), 0, 0.25
        shown: tuple[str, int | None] | None = None
        while True:
            try:
                latest = read_task((yield from self._once("GET", _audio(id))))
            except ClientError as error:
                failures += 1
                if not transient(error) or time.monotonic() - good > OUTAGE:
                    raise
                pause = pause_before_retry(error, failures)
            else:
                good, failures = time.monotonic(), 0
                if on_progress and shown != (latest.status, latest.progress):
                    on_progress(latest)
                    shown = latest.status, latest.progress
                if latest.status == "failed":
                    raise TaskFailed(latest)
                if latest.status == "completed":
                    return latest
                pause, rest = rest, min(rest * 1.5, 2.0)
            left = deadline - time.monotonic()
            if left <= 0:
                status = latest.status if latest else "not known"
                raise Timeout(f"task {id} has not ended within {timeout} s; it is {status}", latest)
            yield Sleep(min(pause, left))

    def upload(self, path: Source, on_progress: Transfer | None) -> Flow[Upload]:
        file = partial(_Watched, Path(path), on_progress)
        data = yield from self._call("POST", f"{API}/files/upload", file=file)
        return read(Upload, data)

    def balance(self) -> Flow[Balance]:
        return read(Balance, (yield from self._call("GET", f"{API}/user/balance")))

    def key_balance(self) -> Flow[KeyBalance]:
        return read(KeyBalance, (yield from self._call("GET", f"{API}/key/balance")))

    def catalog(self, search: str) -> Flow[list[Price]]:
        path, params = "/api/openapi/model/catalog", {"search": search}
        data = yield from self._call("GET", path, params=params)
        return [read(Price, row) for row in data.get("list") or ()]

    def voices(self) -> Flow[list[Voice]]:
        data = yield from self._call("GET", f"{API}/voices")
        return [read_voice(row) for row in data.get("list") or ()]

    def rename_voice(self, model_id: str, name: str) -> Flow[Voice]:
        path = f"{API}/voices/{quote(model_id, safe='')}"
        return read_voice((yield from self._call("PATCH", path, json={"name": name})))

    def delete_voice(self, model_id: str) -> Flow[None]:
        yield from self._call("DELETE", f"{API}/voices/{quote(model_id, safe='')}")

    def download(self, task: Task | str, path: Source, on_progress: Transfer | None) -> Flow[Path]:
        url = task if isinstance(task, str) else task.audio_url
        if not url:
            raise ValueError(f"task {task.id} has no audio; it is {task.status}")  # type: ignore[union-attr]
        target = Path(path)

        def once() -> Flow[Path]:
            address = urljoin(f"{self.base_url}/", url)
            response = yield from self._answer(Fetch(address, target, on_progress))
            if response.status_code != 200:
                raise error_of(response)
            return target

        return (yield from self._retry(once))

    def download_subtitles(self, task: Task, path: Source, format: str) -> Flow[Path]:
        link = task.subtitle_json if format == "json" else task.subtitle_file
        if not link:
            raise ValueError(
                f"task {task.id} has no subtitles; ask for them with subtitles='sentence' or 'word'"
            )
        return (yield from self.download(link, path, None))

    def _call(self, method: str, path: str, **what: Any) -> Flow[Any]:
        return (yield from self._retry(lambda: self._once(method, path, **what)))

    def _retry(self, once: Callable[[], Flow[T]]) -> Flow[T]:
        failures = 0
        while True:
            try:
                return (yield from once())
            except ClientError as error:
                failures += 1
                pause = pause_before_retry(error, failures)
                if not transient(error) or failures > self.retries or pause > LONGEST_PAUSE:
                    raise
            yield Sleep(pause)

    def _once(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        file: Callable[[], _Watched] | None = None,
        **what: Any,
    ) -> Flow[Any]:
        """The data of the answer. Raises the error that it reports."""
        with ExitStack() as stack:
            if file:
                opened = stack.enter_context(file())
                what["files"] = {"file": (opened.path.name, opened)}
            everything = {**self._authorization, **(headers or {})}
            response = yield from self._answer(
                Request(method, self.base_url + path, everything, **what)
            )
        body = body_of(response)
        if isinstance(body, dict) and body.get("code") == 20000:
            data = body.get("data")
            return data if isinstance(data, dict) else {}
        raise error_of(response)

    def _answer(self, step: Request | Fetch) -> Flow[httpx2.Response]:
        try:
            response: httpx2.Response = yield step
        except FAULTS as error:
            reason = str(error) or type(error).__name__
            raise Unreachable(f"{step.url.partition('?')[0]} does not answer: {reason}") from error
        return response


class _Watched(io.FileIO):
    """A file to upload that says how much of it was read."""

    def __init__(self, path: Path, on_progress: Transfer | None) -> None:
        super().__init__(path)
        self.path = path
        self._size = os.fstat(self.fileno()).st_size
        self._on_progress = on_progress

    def read(self, size: int | None = -1, /) -> bytes:
        block = super().read(-1 if size is None else size)
        if self._on_progress:
            self._on_progress(self.tell(), self._size)
        return block or b""


def _audio(id: str) -> str:
    return f"{API}/audios/{quote(id, safe='')}"


@contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
    """A file that is at `path` once it is complete."""
    part = path.with_name(f".{path.name[:100]}.{uuid.uuid4().hex[:8]}.part")
    try:
        with part.open("xb") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def options_of(
    version: str | None,
    language: str,
    emotion: str | None,
    speed: float | None,
    vol: float | None,
    pitch: int | None,
    format: str | None,
    sample_rate: int | None,
    channel: int | None,
) -> dict[str, Any]:
    return {
        "soundVersion": version,
        "language": language,
        "emotion": emotion,
        "speed": speed,
        "vol": vol,
        "pitch": pitch,
        "format": format,
        "sampleRate": sample_rate,
        "channel": channel,
    }
