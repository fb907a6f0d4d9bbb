"""The Python SDK: `Client`, and `AsyncClient` with the same methods.

    with Client("http://127.0.0.1:8000", "sk_…") as client:
        voice = client.clone("me.wav")
        task = client.speak(voice.model_id, "Hello from my other self.")
        client.download(task, "hello.mp3")

    ClientError
    ├── ApiError               the server refused: `code`, `word`, `message`, `status`
    │   ├── AuthenticationError
    │   ├── ParameterError
    │   ├── PaymentError
    │   └── RateLimitError     `retry_after`
    ├── Unreachable            no answer came
    ├── TaskFailed             `task`
    └── Timeout                `task`, which goes on

What a method does is written once, as a generator that yields what it needs from outside (a
request, a download, some sleep); the two clients differ in how they provide it.
"""

from __future__ import annotations

import asyncio
import io
import math
import os
import re
import time
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Literal, Self, TypeVar
from urllib.parse import quote, urljoin

import httpx2

from . import __version__

__all__ = [
    "ApiError",
    "AsyncClient",
    "AuthenticationError",
    "Balance",
    "Client",
    "ClientError",
    "KeyBalance",
    "ParameterError",
    "PaymentError",
    "Price",
    "RateLimitError",
    "Task",
    "TaskFailed",
    "Timeout",
    "Unreachable",
    "Upload",
    "Voice",
]

API = "/api/open-api/v1"
DEFAULT_BASE_URL = "http://127.0.0.1:8000"
LONGEST_PAUSE = 60.0  # seconds that a server may ask for before a retry
OUTAGE = 300.0  # seconds without a good answer after which waiting for a task is given up

T = TypeVar("T")
Source = str | os.PathLike[str]
Progress = Callable[["Task"], object]
Transfer = Callable[[int, int | None], object]  # bytes that have gone, and of how many


# What comes back


@dataclass(frozen=True)
class Task:
    """A task as it stood when the server was asked."""

    id: str
    model: str  # "soundCloningClone" or "soundCloningAudio"
    status: str  # "queued", "processing", "completed" or "failed"
    created: int  # Unix seconds
    error: str | None = None
    error_code: str | None = None  # stable machine word of `error`
    progress: int | None = None  # per cent
    cost: float | None = None  # credits
    model_id: str | None = None  # the voice, of a completed preview
    audio_url: str | None = None  # the audio, by a link that expires
    subtitle_file: str | None = None  # SRT, by a link that expires
    subtitle_json: str | None = None
    expires_at: int | None = None  # Unix seconds, of the result
    seconds: float | None = None  # of audio
    language: str | None = None  # what was spoken, or most of it
    languages: tuple[str, ...] = ()  # all that was spoken, a sentence at a time
    speech_seconds: float | None = None  # found in the recording, of a preview
    warnings: tuple[str, ...] = ()  # what is weak about the recording, of a preview
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def ended(self) -> bool:
        return self.status in ("completed", "failed")


@dataclass(frozen=True)
class Upload:
    url: str  # for `clone`; whoever has it can read the file
    filename: str
    size: int  # bytes
    mime_type: str


@dataclass(frozen=True)
class Balance:
    """Credits of the account."""

    balance: float  # all that was ever credited
    used_coin: float
    available: float  # can be spent now


@dataclass(frozen=True)
class KeyBalance:
    """Credits that the key may spend."""

    name: str
    total_quota: float  # 0 when unlimited
    used_quota: float
    available_quota: float
    unlimited: bool


@dataclass(frozen=True)
class Price:
    model_name: str
    display_name: str
    model_type: str
    price_mode: str
    unit_price: float  # credits
    remark: str


@dataclass(frozen=True)
class Voice:
    model_id: str
    version: str  # v1 or v2
    engine: str
    licence: str
    speech_seconds: float  # of the recording
    active: bool  # used by a production task: kept for ever
    created: int  # unix seconds
    expires_at: int | None  # None: never


# What goes wrong


class ClientError(Exception):
    """Root of the tree. `word` is stable and for programs."""

    word = "failed"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ApiError(ClientError):
    """The server refused. `code` is the envelope's, `word` is stable and for programs, `status`
    is of HTTP."""

    def __init__(self, code: int, word: str, message: str, status: int) -> None:
        super().__init__(message)
        self.code = code
        self.word = word
        self.status = status


class AuthenticationError(ApiError):
    """The key is missing, wrong or revoked."""


class ParameterError(ApiError):
    """The request cannot be carried out as it is; unknown and expired ids too."""


class PaymentError(ApiError):
    """The account or the key has too few credits."""


class RateLimitError(ApiError):
    """Too many requests or tasks at once."""

    retry_after: float | None = None  # seconds


class Unreachable(ClientError):
    """No answer came, also after retries."""

    word = "unreachable"


class TaskFailed(ClientError):
    def __init__(self, task: Task) -> None:
        super().__init__(task.error or f"task {task.id} failed")
        self.task = task
        self.word = task.error_code or "task_failed"


class Timeout(ClientError):
    """A task had not ended in time. It goes on: `wait` for it again, or `cancel` it."""

    word = "not_ended"

    def __init__(self, message: str, task: Task | None) -> None:
        super().__init__(message)
        self.task = task


# What a method asks of the outside


@dataclass(frozen=True)
class _Request:
    method: str
    url: str
    headers: Mapping[str, str]
    json: Mapping[str, Any] | None = None
    params: Mapping[str, str] | None = None
    files: Mapping[str, tuple[str, BinaryIO]] | None = None


@dataclass(frozen=True)
class _Fetch:
    """A download. Its answer has the body only if the file was not written."""

    url: str
    path: Path
    on_progress: Transfer | None = None

    @contextmanager
    def receive(self, response: httpx2.Response) -> Iterator[Callable[[bytes], None]]:
        """What writes a block of the body. The file is at `path` once it is complete."""
        length = response.headers.get("content-length", "")
        total = int(length) if length.isdecimal() else None
        with _whole(self.path) as file:

            def write(block: bytes) -> None:
                file.write(block)
                if self.on_progress:
                    self.on_progress(response.num_bytes_downloaded, total)

            yield write


@dataclass(frozen=True)
class _Sleep:
    seconds: float


# What a request can end with instead of an answer: as exceptions of the HTTP library.
_FAULTS = (httpx2.RequestError, httpx2.InvalidURL)

Flow = Generator[_Request | _Fetch | _Sleep, Any, T]


class _Core:
    """What the methods do, whoever carries it out."""

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
    ) -> Flow[Task]:
        address = os.fspath(source)
        if not address.lower().startswith(("http://", "https://")):
            if "://" in address:
                raise ValueError(f"source is {address!r}; it must be an http(s) URL or a file")
            address = (yield from self.upload(source, None)).url
        body = {"fileUrl": address, "soundVersion": version, "language": language}
        if text is not None:
            body["contentText"] = text
        return (yield from self._submit("clones", body, idempotency_key))

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
        return _task((yield from self._call("POST", path, json=body, headers=headers)))

    def task(self, id: str) -> Flow[Task]:
        return _task((yield from self._call("GET", _audio(id))))

    def cancel(self, id: str) -> Flow[Task]:
        return _task((yield from self._call("DELETE", _audio(id))))

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
                latest = _task((yield from self._once("GET", _audio(id))))
            except ClientError as error:
                failures += 1
                if not _transient(error) or time.monotonic() - good > OUTAGE:
                    raise
                pause = _pause(error, failures)
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
            yield _Sleep(min(pause, left))

    def upload(self, path: Source, on_progress: Transfer | None) -> Flow[Upload]:
        file = partial(_Watched, Path(path), on_progress)
        data = yield from self._call("POST", f"{API}/files/upload", file=file)
        return _read(Upload, data)

    def balance(self) -> Flow[Balance]:
        return _read(Balance, (yield from self._call("GET", f"{API}/user/balance")))

    def key_balance(self) -> Flow[KeyBalance]:
        return _read(KeyBalance, (yield from self._call("GET", f"{API}/key/balance")))

    def catalog(self, search: str) -> Flow[list[Price]]:
        path, params = "/api/openapi/model/catalog", {"search": search}
        data = yield from self._call("GET", path, params=params)
        return [_read(Price, row) for row in data.get("list") or ()]

    def voices(self) -> Flow[list[Voice]]:
        data = yield from self._call("GET", f"{API}/voices")
        return [_voice(row) for row in data.get("list") or ()]

    def delete_voice(self, model_id: str) -> Flow[None]:
        yield from self._call("DELETE", f"{API}/voices/{quote(model_id, safe='')}")

    def download(self, task: Task | str, path: Source, on_progress: Transfer | None) -> Flow[Path]:
        url = task if isinstance(task, str) else task.audio_url
        if not url:
            raise ValueError(f"task {task.id} has no audio; it is {task.status}")  # type: ignore[union-attr]
        target = Path(path)

        def once() -> Flow[Path]:
            address = urljoin(f"{self.base_url}/", url)
            response = yield from self._answer(_Fetch(address, target, on_progress))
            if response.status_code != 200:
                raise _error(response)
            return target

        return (yield from self._retry(once))

    def _call(self, method: str, path: str, **what: Any) -> Flow[Any]:
        return (yield from self._retry(lambda: self._once(method, path, **what)))

    def _retry(self, once: Callable[[], Flow[T]]) -> Flow[T]:
        failures = 0
        while True:
            try:
                return (yield from once())
            except ClientError as error:
                failures += 1
                pause = _pause(error, failures)
                if not _transient(error) or failures > self.retries or pause > LONGEST_PAUSE:
                    raise
            yield _Sleep(pause)

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
                _Request(method, self.base_url + path, everything, **what)
            )
        body = _json(response)
        if isinstance(body, dict) and body.get("code") == 20000:
            data = body.get("data")
            return data if isinstance(data, dict) else {}
        raise _error(response)

    def _answer(self, step: _Request | _Fetch) -> Flow[httpx2.Response]:
        try:
            response: httpx2.Response = yield step
        except _FAULTS as error:
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


def _json(response: httpx2.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


_NAMES = {
    "error_code": "errorCode",
    "model_id": "modelId",
    "audio_url": "audioUrl",
    "subtitle_file": "subtitleFile",
    "subtitle_json": "subtitleJson",
    "expires_at": "expiresAt",
    "speech_seconds": "speechSeconds",
}


def _task(data: Any) -> Task:
    if isinstance(data, dict):
        named = {name: data[wire] for name, wire in _NAMES.items() if wire in data}
        data = {**data, **named, "raw": data}
        for name in ("warnings", "languages"):
            data[name] = tuple(data.get(name) or ())
    return _read(Task, data)


def _read(kind: type[T], data: Any) -> T:
    """Of `data`, what `kind` knows: a newer server may say more."""
    try:
        return kind(**{name: data[name] for name in kind.__annotations__ if name in data})
    except (TypeError, KeyError) as error:
        message = f"the server's answer is not a {kind.__name__}: {error}"
        raise ApiError(-1, "unexpected_answer", message, 200) from error


def _voice(row: Mapping[str, Any]) -> Voice:
    names = {
        "model_id": "modelId",
        "version": "soundVersion",
        "engine": "engine",
        "licence": "licence",
        "speech_seconds": "speechSeconds",
        "active": "active",
        "created": "created",
        "expires_at": "expiresAt",
    }
    return _read(Voice, {ours: row[theirs] for ours, theirs in names.items() if theirs in row})


def _error(response: httpx2.Response) -> ApiError:
    """What an answer without good data means."""
    status, body = response.status_code, _json(response)
    if not isinstance(body, dict) or not isinstance(body.get("code"), int):
        where = f" to {response.headers['location']}" if response.has_redirect_location else ""
        message = f"{response.url.host} answered {status}{where}, not as soundclone does"
        return ApiError(-1, "unexpected_answer", message + "; is base_url right?", status)
    code, data = body["code"], body.get("data")
    words = {20001: "unauthenticated", 20002: "invalid_request"}
    word = data.get("errorCode") if isinstance(data, dict) else None
    word = word or words.get(code, "error")
    message = str(body.get("msg") or word)
    if word == "rate_limited" or status == 429:
        error = RateLimitError(code, word, message, status)
        error.retry_after = _seconds(response.headers.get("retry-after"))
        return error
    kind = ApiError
    if code == 20001:
        kind = AuthenticationError
    elif status == 402 or word in ("insufficient_balance", "quota_exceeded"):
        kind = PaymentError
    elif code == 20002:
        kind = ParameterError
    return kind(code, word, message, status)


def _seconds(retry_after: str | None) -> float | None:
    """Of a Retry-After header: seconds or a date (RFC 9110, 10.2.3)."""
    if not retry_after:
        return None
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        date = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _transient(error: ClientError) -> bool:
    """Whether the same request may do better in a moment."""
    if isinstance(error, ApiError):
        words = ("rate_limited", "unavailable", "internal_error")
        return error.status >= 500 or error.status == 429 or error.word in words
    return isinstance(error, Unreachable)


def _pause(error: ClientError, failures: int) -> float:
    asked = error.retry_after if isinstance(error, RateLimitError) else None
    return min(0.25 * 2.0 ** min(failures, 6), 8.0) if asked is None else asked


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


_HEADERS = {"User-Agent": f"soundclone/{__version__}"}


class Client:
    """A soundclone server.

    `base_url` and `api_key` are taken from SOUNDCLONE_BASE_URL and SOUNDCLONE_API_KEY where not
    given. `timeout` is how long, in seconds, one read or write may take. A request that met a
    lost connection, a server fault or a rate limit is repeated up to `retries` times; repeated
    submissions are charged once.

    Every method raises ApiError and Unreachable, besides what it says.
    """

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        timeout: float = 60.0,
        retries: int = 4,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self._core = _Core(base_url, api_key, retries)
        self._http = httpx2.Client(headers=_HEADERS, timeout=timeout, transport=transport)

    def clone(
        self,
        source: Source,
        text: str | None = None,
        version: str = "v1",
        language: str = "auto",
        *,
        wait: bool = True,
        timeout: float | None = None,
        on_progress: Progress | None = None,
        idempotency_key: str | None = None,
    ) -> Task:
        """Make a voice from an http(s) URL or a local file, which is uploaded first.

        The recording has more than 15 s and less than 60 s of speech. `text` is what the preview
        says, at most 270 characters. The completed task has `model_id` and `audio_url`. Another
        call with the same `idempotency_key` and URL finds the first one's task; a file has a new
        URL whenever it is uploaded. Raises as `wait` does, unless `wait` is False.
        """
        task = self._run(self._core.clone(source, text, version, language, idempotency_key))
        return self.wait(task, timeout, on_progress) if wait else task

    def speak(
        self,
        model_id: str,
        text: str,
        *,
        version: str | None = None,
        language: str = "auto",
        emotion: str | None = None,
        speed: float | None = None,
        vol: float | None = None,
        pitch: int | None = None,
        subtitles: Literal["sentence", "word"] | None = None,
        format: Literal["mp3", "wav", "flac", "ogg"] | None = None,
        sample_rate: int | None = None,
        channel: Literal[1, 2] | None = None,
        wait: bool = True,
        timeout: float | None = None,
        on_progress: Progress | None = None,
        idempotency_key: str | None = None,
    ) -> Task:
        """Say `text`, at most 10,000 characters, in the voice `model_id`.

        `emotion` is one of happy, sad, angry, fearful, disgusted, surprised, neutral; `speed`
        0.5-2; `vol` above 0 up to 10; `pitch` -12 to 12 semitones. `<#x#>` in the text pauses x
        seconds. `format` is mp3 unless said, `sample_rate` 8000 to 48000 Hz (44100; ogg 48000),
        `channel` 1 or 2. The completed task has `audio_url` and, if asked for, `subtitle_file`.
        Raises as `wait` does, unless `wait` is False.
        """
        options = _options(
            version, language, emotion, speed, vol, pitch, format, sample_rate, channel
        )
        task = self._run(self._core.speak(model_id, text, options, subtitles, idempotency_key))
        return self.wait(task, timeout, on_progress) if wait else task

    def task(self, id: str) -> Task:
        """The task as it stands."""
        return self._run(self._core.task(id))

    def wait(
        self,
        task: Task | str,
        timeout: float | None = None,
        on_progress: Progress | None = None,
    ) -> Task:
        """The task once it is completed. `on_progress` is called with it whenever its status or
        progress has changed. Raises TaskFailed, and Timeout after `timeout` seconds."""
        return self._run(self._core.wait(task, timeout, on_progress))

    def cancel(self, id: str) -> Task:
        """Call a task off: it fails as `cancelled` and is not charged. One that has ended stays
        as it is."""
        return self._run(self._core.cancel(id))

    def upload(self, path: Source, *, on_progress: Transfer | None = None) -> Upload:
        """Upload a recording of at most 100 MB; it is kept for some days. `on_progress` is called
        with how many bytes of how many were sent."""
        return self._run(self._core.upload(path, on_progress))

    def balance(self) -> Balance:
        """Credits of the account."""
        return self._run(self._core.balance())

    def key_balance(self) -> KeyBalance:
        """Credits that the key may spend."""
        return self._run(self._core.key_balance())

    def catalog(self, search: str = "") -> list[Price]:
        """Prices whose name has `search` in it. Needs no key."""
        return self._run(self._core.catalog(search))

    def voices(self) -> list[Voice]:
        """Voices of the account, newest first."""
        return self._run(self._core.voices())

    def delete_voice(self, model_id: str) -> None:
        """Delete a voice and the recording that it was made from, for good."""
        self._run(self._core.delete_voice(model_id))

    def download(
        self, task: Task | str, path: Source, *, on_progress: Transfer | None = None
    ) -> Path:
        """Save the audio of a completed task, or the file of a link such as `subtitle_file`. The
        file is at `path` once it is complete. The key is not sent: links carry a signature.
        `on_progress` is called with how many bytes came, and of how many where that is known."""
        return self._run(self._core.download(task, path, on_progress))

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self, flow: Flow[T]) -> T:
        with closing(flow):
            resume: Callable[[], Any] = partial(next, flow)
            while True:
                try:
                    step = resume()
                except StopIteration as stop:
                    result: T = stop.value
                    return result
                try:
                    resume = partial(flow.send, self._provide(step))
                except _FAULTS as error:
                    resume = partial(flow.throw, error)

    def _provide(self, step: _Request | _Fetch | _Sleep) -> httpx2.Response | None:
        if isinstance(step, _Sleep):
            time.sleep(step.seconds)
            return None
        if isinstance(step, _Request):
            return self._http.request(**vars(step))
        with self._http.stream("GET", step.url, follow_redirects=True) as response:
            if response.status_code != 200:
                response.read()
                return response
            with step.receive(response) as write:
                for block in response.iter_bytes():
                    write(block)
            return response


class AsyncClient:
    """The same as `Client`, for asyncio."""

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        timeout: float = 60.0,
        retries: int = 4,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._core = _Core(base_url, api_key, retries)
        self._http = httpx2.AsyncClient(headers=_HEADERS, timeout=timeout, transport=transport)

    async def clone(
        self,
        source: Source,
        text: str | None = None,
        version: str = "v1",
        language: str = "auto",
        *,
        wait: bool = True,
        timeout: float | None = None,  # noqa: ASYNC109
        on_progress: Progress | None = None,
        idempotency_key: str | None = None,
    ) -> Task:
        """See `Client.clone`."""
        task = await self._run(self._core.clone(source, text, version, language, idempotency_key))
        return await self.wait(task, timeout, on_progress) if wait else task

    async def speak(
        self,
        model_id: str,
        text: str,
        *,
        version: str | None = None,
        language: str = "auto",
        emotion: str | None = None,
        speed: float | None = None,
        vol: float | None = None,
        pitch: int | None = None,
        subtitles: Literal["sentence", "word"] | None = None,
        format: Literal["mp3", "wav", "flac", "ogg"] | None = None,
        sample_rate: int | None = None,
        channel: Literal[1, 2] | None = None,
        wait: bool = True,
        timeout: float | None = None,  # noqa: ASYNC109
        on_progress: Progress | None = None,
        idempotency_key: str | None = None,
    ) -> Task:
        """See `Client.speak`."""
        options = _options(
            version, language, emotion, speed, vol, pitch, format, sample_rate, channel
        )
        flow = self._core.speak(model_id, text, options, subtitles, idempotency_key)
        task = await self._run(flow)
        return await self.wait(task, timeout, on_progress) if wait else task

    async def task(self, id: str) -> Task:
        """See `Client.task`."""
        return await self._run(self._core.task(id))

    async def wait(
        self,
        task: Task | str,
        timeout: float | None = None,  # noqa: ASYNC109
        on_progress: Progress | None = None,
    ) -> Task:
        """See `Client.wait`."""
        return await self._run(self._core.wait(task, timeout, on_progress))

    async def cancel(self, id: str) -> Task:
        """See `Client.cancel`."""
        return await self._run(self._core.cancel(id))

    async def upload(self, path: Source, *, on_progress: Transfer | None = None) -> Upload:
        """See `Client.upload`."""
        return await self._run(self._core.upload(path, on_progress))

    async def balance(self) -> Balance:
        """See `Client.balance`."""
        return await self._run(self._core.balance())

    async def key_balance(self) -> KeyBalance:
        """See `Client.key_balance`."""
        return await self._run(self._core.key_balance())

    async def catalog(self, search: str = "") -> list[Price]:
        """See `Client.catalog`."""
        return await self._run(self._core.catalog(search))

    async def voices(self) -> list[Voice]:
        """See `Client.voices`."""
        return await self._run(self._core.voices())

    async def delete_voice(self, model_id: str) -> None:
        """See `Client.delete_voice`."""
        await self._run(self._core.delete_voice(model_id))

    async def download(
        self, task: Task | str, path: Source, *, on_progress: Transfer | None = None
    ) -> Path:
        """See `Client.download`."""
        return await self._run(self._core.download(task, path, on_progress))

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def _run(self, flow: Flow[T]) -> T:
        with closing(flow):
            resume: Callable[[], Any] = partial(next, flow)
            while True:
                try:
                    step = resume()
                except StopIteration as stop:
                    result: T = stop.value
                    return result
                try:
                    resume = partial(flow.send, await self._provide(step))
                except _FAULTS as error:
                    resume = partial(flow.throw, error)

    async def _provide(self, step: _Request | _Fetch | _Sleep) -> httpx2.Response | None:
        if isinstance(step, _Sleep):
            await asyncio.sleep(step.seconds)
            return None
        if isinstance(step, _Request):
            return await self._http.request(**vars(step))
        async with self._http.stream("GET", step.url, follow_redirects=True) as response:
            if response.status_code != 200:
                await response.aread()
                return response
            with step.receive(response) as write:
                async for block in response.aiter_bytes():
                    write(block)
            return response


def _options(
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
