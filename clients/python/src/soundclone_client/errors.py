"""Errors of the SDK, and the one that an answer of the server means."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx2

    from .models import Task


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


def body_of(response: httpx2.Response) -> Any:
    """The JSON body, or None."""
    try:
        return response.json()
    except ValueError:
        return None


def error_of(response: httpx2.Response) -> ApiError:
    """The error for an answer without data."""
    status, body = response.status_code, body_of(response)
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
    """Seconds to wait by a Retry-After header, which has seconds or a date (RFC 9110, 10.2.3)."""
    if not retry_after:
        return None
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        date = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def transient(error: ClientError) -> bool:
    """Tell if a retry of the same request may succeed."""
    if isinstance(error, ApiError):
        words = ("rate_limited", "unavailable", "internal_error")
        return error.status >= 500 or error.status == 429 or error.word in words
    return isinstance(error, Unreachable)


def pause_before_retry(error: ClientError, failures: int) -> float:
    asked = error.retry_after if isinstance(error, RateLimitError) else None
    return min(0.25 * 2.0 ** min(failures, 6), 8.0) if asked is None else asked
