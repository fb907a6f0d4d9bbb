"""Translation between the SDK and the HTTP API: names, request bodies, answers and errors."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, asdict, fields, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import httpx2

from ._errors import (
    ApiError,
    AuthenticationError,
    ClientError,
    ParameterError,
    PaymentError,
    RateLimitError,
    Unreachable,
)
from ._models import (
    Block,
    Clone,
    Consent,
    Conversion,
    CredentialsFinding,
    Project,
    Pronunciation,
    RegisterFinding,
    Speech,
    Take,
    Task,
    TaskPage,
    Unrecorded,
    Verdict,
    WatermarkFinding,
)
from ._version import __version__

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

API = "/api/open-api/v1"
CATALOG = "/api/openapi/model/catalog"
SPEECH = "/v1/audio/speech"
DEFAULT_BASE_URL = "http://127.0.0.1:8000"
USER_AGENT = {"User-Agent": f"soundclone-client/{__version__}"}
LONGEST_PAUSE = 60.0  # longest Retry-After that is obeyed, in seconds
SLOW = 300.0  # seconds for an answer to a verification or an erasure
OUTAGE = 300.0  # seconds of failed polls after which `wait` gives up

_BLOCKS, _BLOCK_BYTES = 500, 200_000  # of a request, which may have 300,000 bytes
_OK, _UNAUTHENTICATED, _INVALID = 20000, 20001, 20002  # codes of the envelope
_TRANSIENT = ("rate_limited", "unavailable", "internal_error")
_RENAMED = {"text": "contentText", "version": "soundVersion"}

# Codes of the OpenAI-compatible routes, with the words that the other routes have for them.
_OPENAI_WORDS = {
    "invalid_api_key": "unauthenticated",
    "insufficient_permissions": "forbidden",
    "insufficient_quota": "insufficient_balance",
    "rate_limit_exceeded": "rate_limited",
}

DataT = TypeVar("DataT", bound="DataclassInstance")
ResultT = TypeVar("ResultT", Clone, Speech, Conversion)


class Server:
    """Base URL and credentials of a server."""

    def __init__(self, base_url: str | None, api_key: str | None) -> None:
        base_url = base_url or os.environ.get("SOUNDCLONE_BASE_URL") or DEFAULT_BASE_URL
        api_key = (api_key or os.environ.get("SOUNDCLONE_API_KEY") or "").strip()
        if not re.match(r"https?://[^/]", base_url, re.IGNORECASE):
            raise ValueError(f"base_url is {base_url!r}; it must begin with http:// or https://")
        if not (api_key.isascii() and api_key.isprintable()):
            raise ValueError("api_key has characters that no key has; it begins with sk_")
        self.base_url = base_url.rstrip("/")
        self.headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}


def task_path(id: str) -> str:
    """Return the path of a task."""
    return f"{API}/audios/{quote(id, safe='')}"


def voice_path(model_id: str) -> str:
    """Return the path of a voice."""
    return f"{API}/voices/{quote(model_id, safe='')}"


def key_path(id: str) -> str:
    """Return the path of an API key."""
    return f"{API}/keys/{quote(id, safe='')}"


def project_path(id: str, *parts: str) -> str:
    """Return the path of a project, or of something in the project."""
    names = (quote(each, safe="") for each in (id, *parts))
    return f"{API}/projects/{'/'.join(names)}"


def wait_header(interval: float, left: float) -> dict[str, str]:
    """Return the header with which the server holds the answer to a poll until the task ends.

    The server answers after `interval` at the latest, rounded up to the whole seconds of RFC 7240.
    Nothing is held if fewer seconds are left.
    """
    seconds = math.ceil(interval)
    return {"Prefer": f"wait={seconds}"} if seconds <= left else {}


def dictionary_path(project_id: str | None) -> str:
    """Return the path of the dictionary of the account, or of a project."""
    if project_id is None:
        return f"{API}/pronunciations"
    return project_path(project_id, "pronunciations")


def version_header(version: int | None) -> dict[str, str]:
    """Return the header with which only this version of a project or block is changed."""
    return {} if version is None else {"If-Match": f'"{version}"'}


def block_body(values: Mapping[str, object]) -> dict[str, object]:
    """Rename the values of a block or project to the API's names. None stays, as null."""
    names = {"text": "text"}
    return {names.get(name, _wire_name(name)): value for name, value in values.items()}


def block_batches(rows: Iterable[Mapping[str, object]]) -> Iterator[list[Mapping[str, object]]]:
    """Yield blocks in batches that fit into a request."""
    batch: list[Mapping[str, object]] = []
    size = 0
    for row in rows:
        length = len(json.dumps(row))
        if batch and (len(batch) == _BLOCKS or size + length > _BLOCK_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += length
    if batch:
        yield batch


def read_project(data: Mapping[str, Any]) -> Project:
    """Build a project from an answer."""
    left = data.get("unrecorded")
    return replace(read(Project, data), unrecorded=read(Unrecorded, left) if left else None)


def read_block(data: Mapping[str, Any]) -> Block:
    """Build a block from an answer."""
    take = data.get("take")
    return replace(read(Block, data), take=read(Take, take) if take else None)


def webhook_path(id: str) -> str:
    """Return the path of a webhook endpoint."""
    return f"{API}/webhooks/{quote(id, safe='')}"


def delivery_path(id: str) -> str:
    """Return the path of a delivery of a webhook."""
    return f"{API}/webhook-deliveries/{quote(id, safe='')}"


def webhook_body(
    url: str | None, events: Iterable[str] | None, description: str | None, enabled: bool | None
) -> dict[str, object]:
    """Build the body of a request for a new or changed webhook endpoint."""
    chosen = None if events is None else list(events)
    return to_wire({"url": url, "events": chosen, "description": description, "enabled": enabled})


def to_wire(values: Mapping[str, object]) -> dict[str, object]:
    """Rename values to the API's camelCase names. Values that are None are left out."""
    return {_wire_name(name): value for name, value in values.items() if value is not None}


def speech_body(
    model_id: str, text: str, subtitles: str | None, **options: object
) -> dict[str, object]:
    """Build the body of a request for speech."""
    if subtitles not in (None, "sentence", "word"):
        raise ValueError(f"subtitles is {subtitles!r}; it must be None, 'sentence' or 'word'")
    return to_wire(
        {
            "model_id": model_id,
            "text": text,
            **options,
            "subtitle_enable": True if subtitles else None,
            "subtitle_type": "word" if subtitles == "word" else None,
        }
    )


def stream_body(
    model_id: str, text: str, version: str | None, emotion: str | None, **options: object
) -> dict[str, object]:
    """Build the body of a request for streamed speech, which has OpenAI's names."""
    body = {
        # OpenAI's model stands for the version that the voice was made with.
        "model": f"soundclone-{version}" if version else "tts-1",
        "input": text,
        "voice": model_id,
        "instructions": emotion,
        **options,
    }
    return {name: value for name, value in body.items() if value is not None}


def entries_body(entries: Iterable[Pronunciation]) -> list[dict[str, object]]:
    """Build the entries of a pronunciation dictionary."""
    return [to_wire(asdict(entry)) for entry in entries]


def read_entries(data: Mapping[str, Any]) -> list[Pronunciation]:
    """Build a pronunciation dictionary from an answer."""
    return [read(Pronunciation, row) for row in data.get("entries") or ()]


def key_body(
    name: str, scopes: Iterable[str] | None, expires: datetime | None, quota: float | None
) -> dict[str, object]:
    """Build the body of a request for a key."""
    return to_wire(
        {
            "name": name,
            "scopes": None if scopes is None else list(scopes),
            "expires_at": None if expires is None else int(expires.timestamp()),
            "quota": quota,
        }
    )


def consent_body(consent: Consent, recording: str | None) -> dict[str, object]:
    """Build the consent of a clone request. `recording` is a URL or the id of a consent."""
    values = {
        "declaration": "own" if consent.own_voice else "given" if consent.speaker else None,
        "speaker": consent.speaker or None,
        "recording": recording,
        "purpose": consent.purpose or None,
        "expires_at": None if consent.until is None else int(consent.until.timestamp()),
    }
    return to_wire(values)


def read(kind: type[DataT], data: object) -> DataT:
    """Build a `kind` from an object of an answer.

    Fields that the kind lacks are ignored, because a newer server may send more.
    """
    values: dict[str, Any] = {}
    for name in (field.name for field in fields(kind)):
        value = data.get(_wire_name(name), data.get(name)) if isinstance(data, dict) else None
        if name == "raw":
            values[name] = data
        elif value is not None:
            values[name] = tuple(value) if isinstance(value, list) else value
    try:
        return kind(**values)
    except TypeError as error:
        message = f"the server's answer is not a {kind.__name__}: {error}"
        raise ApiError(-1, "unexpected_answer", message, 200) from error


def read_list(kind: type[DataT], data: Mapping[str, Any]) -> list[DataT]:
    """Build a list of `kind` from the `list` of an answer."""
    return [read(kind, row) for row in data.get("list") or ()]


def read_refused(
    data: Mapping[str, Any], *, can_wait: bool
) -> tuple[list[str], list[Mapping[str, Any]]]:
    """Return the ids of blocks that may be ordered later, and the others that were refused.

    Args:
        data: Answer to an order of takes.
        can_wait: True if the limit of unfinished tasks may pass.
    """
    rows: list[Mapping[str, Any]] = list(data.get("refused") or ())
    later = [row["blockId"] for row in rows if can_wait and row.get("errorCode") == "rate_limited"]
    return later, [row for row in rows if row.get("blockId") not in later]


def ended_take(take: Take, task: Task) -> Take:
    """Return a take whose task has ended. A failed task costs nothing."""
    return replace(
        take,
        status=task.status,
        progress=task.progress or 0,
        cost=0.0 if task.status == "failed" else (task.cost or 0.0),
        error=task.error,
        error_code=task.error_code,
        seconds=task.seconds,
        audio_url=task.audio_url,
        subtitle_vtt=task.subtitle_vtt,
        subtitle_json=task.subtitle_json,
        links_expire_at=task.expires_at,
    )


def read_page(data: Mapping[str, Any]) -> TaskPage:
    """Build a page of tasks from an answer."""
    return TaskPage(tuple(read_list(Task, data)), data.get("nextCursor"))


def read_verdict(data: Mapping[str, Any]) -> Verdict:
    """Build a verdict from an answer."""
    return Verdict(
        synthetic=bool(data.get("synthetic")),
        watermark=read(WatermarkFinding, _with_pairs(data.get("watermark"))),
        c2pa=read(CredentialsFinding, data.get("c2pa")),
        register=read(RegisterFinding, _with_pairs(data.get("register"))),
        seconds=float(data.get("seconds") or 0),
        raw=data,
    )


def _with_pairs(finding: object) -> dict[str, Any]:
    found = dict(finding) if isinstance(finding, dict) else {}
    return found | {"stretches": [tuple(each) for each in found.get("stretches") or ()]}


def result_of(kind: type[ResultT], task: Task) -> ResultT:
    """Return the result of a completed task.

    Raises:
        ApiError: The answer lacks a field of `kind`.
    """
    for field in fields(kind):
        optional = field.default is not MISSING or field.default_factory is not MISSING
        if not optional and getattr(task, field.name) is None:
            message = f"task {task.id} is completed, but the server's answer has no {field.name}"
            raise ApiError(-1, "unexpected_answer", message, 200)
    return kind(**{field.name: getattr(task, field.name) for field in fields(kind)})


def link_of(result: Task | Clone | Speech | Conversion | str) -> str:
    """Return the link to the audio of a result. A link is returned unchanged."""
    link = result if isinstance(result, str) else result.audio_url
    if not link:
        assert isinstance(result, Task)
        raise ValueError(f"task {result.id} has no audio; it is {result.status}")
    return link


def subtitle_link_of(result: Task | Speech, format: str) -> str:
    """Return the link to the subtitles of a result."""
    name = {"json": "subtitle_json", "vtt": "subtitle_vtt"}.get(format, "subtitle_file")
    link: str | None = getattr(result, name, None)
    if not link:
        raise ValueError(
            f"task {result.id} has no subtitles; ask for them with subtitles='sentence' or 'word'"
        )
    return link


def credentials_link_of(result: Task | Speech | Conversion) -> str:
    """Return the link to the Content Credentials beside a result."""
    if not result.credentials_url:
        raise ValueError(
            f"task {result.id} has no file of Content Credentials; the audio file holds them, or "
            "the service does not sign"
        )
    return result.credentials_url


def object_of(response: httpx2.Response) -> dict[str, Any]:
    """Return the object of an answer without an envelope. Raises the ApiError that it reports."""
    body = _body_of(response)
    if response.status_code == 200 and isinstance(body, dict) and "code" not in body:
        return body
    raise error_of(response)


def data_of(response: httpx2.Response) -> dict[str, Any]:
    """Return the data of an answer. Raises the ApiError that the answer reports."""
    if response.status_code == 204:
        return {}
    body = _body_of(response)
    if isinstance(body, dict) and body.get("code") == _OK:
        data = body.get("data")
        return data if isinstance(data, dict) else {}
    raise error_of(response)


def error_of(response: httpx2.Response) -> ApiError:
    """Return the error that an answer reports."""
    status, body = response.status_code, _body_of(response)
    body = body if isinstance(body, dict) else {}
    if isinstance(detail := body.get("error"), dict):  # the OpenAI-compatible routes
        word = str(detail.get("code") or "error")
        word = _OPENAI_WORDS.get(word, word)
        message = str(detail.get("message") or word)
        code = {401: _UNAUTHENTICATED, 403: _UNAUTHENTICATED, 400: _INVALID, 404: _INVALID}.get(
            status, -1
        )
    elif isinstance(body.get("code"), int):
        code, data = body["code"], body.get("data")
        words = {_UNAUTHENTICATED: "unauthenticated", _INVALID: "invalid_request"}
        given = data.get("errorCode") if isinstance(data, dict) else None
        word = str(given or words.get(code, "error"))
        message = str(body.get("msg") or word)
    else:
        where = f" to {response.headers['location']}" if response.has_redirect_location else ""
        message = f"{response.url.host} answered {status}{where}, not as soundclone does"
        return ApiError(-1, "unexpected_answer", message + "; is base_url right?", status)
    if word in ("insufficient_balance", "quota_exceeded") or status == 402:
        return PaymentError(code, word, message, status)
    if word == "rate_limited" or status == 429:
        error = RateLimitError(code, word, message, status)
        error.retry_after = _seconds(response.headers.get("retry-after"))
        return error
    kind = {_UNAUTHENTICATED: AuthenticationError, _INVALID: ParameterError}.get(code, ApiError)
    return kind(code, word, message, status)


def error_of_word(word: str, message: str) -> ApiError:
    """Return the error that a message of a WebSocket reports, with the status of its word."""
    kind: type[ApiError]
    if word in ("unauthenticated", "forbidden"):
        kind, code, status = AuthenticationError, _UNAUTHENTICATED, 401
    elif word in ("insufficient_balance", "quota_exceeded"):
        kind, code, status = PaymentError, -1, 402
    elif word == "rate_limited":
        kind, code, status = RateLimitError, -1, 429
    elif word in ("unavailable", "internal_error", "engine_unavailable"):
        kind, code, status = ApiError, -1, 503
    else:
        kind, code, status = ParameterError, _INVALID, 400
    return kind(code, word, message, status)


def socket_url(base_url: str, path: str) -> str:
    """Return the URL of a WebSocket."""
    return re.sub("^http", "ws", base_url, flags=re.IGNORECASE) + path


FAULTS = (httpx2.RequestError, httpx2.InvalidURL)
"""Exceptions of the HTTP library for a request without an answer."""


@contextmanager
def reaching(url: str) -> Iterator[None]:
    """Raise Unreachable instead of the HTTP library's exceptions."""
    try:
        yield
    except FAULTS as error:
        raise unreachable(url, error) from error


def unreachable(url: str, error: Exception) -> Unreachable:
    """Return the error for a URL that does not answer. The query, a signature, is left out."""
    reason = str(error) or type(error).__name__
    return Unreachable(f"{url.partition('?')[0]} does not answer: {reason}")


def is_transient(error: ClientError) -> bool:
    """Return True if the same request may succeed later."""
    if isinstance(error, PaymentError):
        return False
    if isinstance(error, ApiError):
        return error.status >= 500 or error.status == 429 or error.word in _TRANSIENT
    return isinstance(error, Unreachable)


def pause_before_retry(error: ClientError, failures: int) -> float:
    """Return the seconds to wait: Retry-After, or an exponential backoff of at most 8 s."""
    asked = error.retry_after if isinstance(error, RateLimitError) else None
    return min(0.25 * 2.0 ** min(failures, 6), 8.0) if asked is None else asked


def _wire_name(name: str) -> str:
    first, *rest = _RENAMED.get(name, name).split("_")
    return first + "".join(part.capitalize() for part in rest)


def _body_of(response: httpx2.Response) -> object:
    try:
        return response.json()
    except ValueError:
        return None


def _seconds(retry_after: str | None) -> float | None:
    """Parse a Retry-After header, which holds seconds or a date (RFC 9110, 10.2.3)."""
    if not retry_after:
        return None
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        date = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
