"""Exceptions of the SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._models import Task


class ClientError(Exception):
    """Base class of the SDK's exceptions.

    Attributes:
        message: A sentence for people.
        word: A stable word for programs, such as `unauthenticated`.
    """

    word = "failed"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ApiError(ClientError):
    """The server refused the request.

    Attributes:
        code: Code of the answer's envelope: 20001, 20002 or -1.
        status: HTTP status.
    """

    def __init__(self, code: int, word: str, message: str, status: int) -> None:
        super().__init__(message)
        self.code = code
        self.word = word
        self.status = status


class AuthenticationError(ApiError):
    """The key is missing, wrong, expired or revoked, or lacks a scope (`forbidden`)."""


class ParameterError(ApiError):
    """A parameter is invalid, or names something that does not exist or has expired."""


class PaymentError(ApiError):
    """The account or the key has too few credits."""


class RateLimitError(ApiError):
    """The account sent too many requests, or has too many tasks at once."""

    retry_after: float | None = None  # seconds


class Unreachable(ClientError):
    """The server did not answer, retries included."""

    word = "unreachable"


class TaskFailed(ClientError):
    """A task failed; `task` holds its last state."""

    def __init__(self, task: Task) -> None:
        super().__init__(task.error or f"task {task.id} failed")
        self.task = task
        self.word = task.error_code or "task_failed"


class Timeout(ClientError):
    """A task did not end in time.

    The task continues. `wait` for it again, or `cancel` it.
    """

    word = "not_ended"

    def __init__(self, message: str, task: Task | None) -> None:
        super().__init__(message)
        self.task = task
