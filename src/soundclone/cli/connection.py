"""Options and error handling of the commands that use a service over HTTP."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from . import credentials
from .common import INTERRUPTED, TERMINATED, Failure, fail

if TYPE_CHECKING:
    from soundclone_client import Client, Task

BaseUrl = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar="SOUNDCLONE_BASE_URL",
        help="Base URL of the service (default: that of the login, or http://127.0.0.1:8000)",
        show_default=False,
    ),
]
ApiKey = Annotated[
    str | None,
    typer.Option(
        "--key",
        envvar="SOUNDCLONE_API_KEY",
        help="API key (prefer `soundclone login` or the environment variable)",
        show_default=False,
    ),
]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Print nothing but errors")]

_CANCEL_TIMEOUT = 5.0  # seconds


@contextmanager
def connected(url: str | None, key: str | None) -> Iterator[Client]:
    """Open a client. An error of the client ends the command."""
    from soundclone_client import Client, ClientError, Unreachable

    login = credentials.resolve(url, key)
    if not (login.key or "").strip():
        fail(
            "there is no API key; run `soundclone login`, set SOUNDCLONE_API_KEY, or pass --key",
            "unauthenticated",
        )
    try:
        with Client(login.url, login.key) as client:
            yield client
    except Unreachable as error:
        message = re.sub(r"\[Errno -?\d+\] ", "", error.message)
        fail(f"{message}; is the service running? `soundclone serve` starts it", error.word)
    except ClientError as error:
        fail(error.message, error.word)
    except ValueError as error:
        fail(str(error), "invalid_parameter")


@contextmanager
def cancelling(task: Task, url: str | None, key: str | None) -> Iterator[None]:
    """Cancel the task if SIGINT or SIGTERM ends the block."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    try:
        yield
    except KeyboardInterrupt:
        _cancel(task, credentials.resolve(url, key), INTERRUPTED)
    except SystemExit:
        _cancel(task, credentials.resolve(url, key), TERMINATED)
    finally:
        signal.signal(signal.SIGTERM, before)


def _cancel(task: Task, login: credentials.Login, code: int) -> NoReturn:
    """Cancel the task, and end the command with `code`."""
    from soundclone_client import Client, ClientError

    try:
        with Client(login.url, login.key, timeout=_CANCEL_TIMEOUT, retries=0) as client:
            ended = client.cancel(task.id)
    except ClientError as error:
        outcome = f"{task.id} continues, because it could not be cancelled: {error.message}"
    else:
        outcome = f"{task.id} is cancelled and costs nothing"
        if ended.error_code != "cancelled":
            outcome = f"{task.id} had already ended: it is {ended.status}"
    raise Failure(f"interrupted; {outcome}", "interrupted", code)
