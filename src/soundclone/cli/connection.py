"""What the commands that use a service over HTTP share."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from .common import INTERRUPTED, TERMINATED, Failure, fail

if TYPE_CHECKING:
    from soundclone_client import Client, Task

BaseUrl = Annotated[
    str | None,
    typer.Option(
        "--url", envvar="SOUNDCLONE_BASE_URL", help="Of the service, http://127.0.0.1:8000 if none"
    ),
]
ApiKey = Annotated[
    str | None,
    typer.Option("--key", envvar="SOUNDCLONE_API_KEY", help="API key, sk_…: best in the variable"),
]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="No progress and no report")]

CALLING_OFF = 5.0  # seconds that a service has for answering somebody who wants to leave


@contextmanager
def connected(url: str | None, key: str | None) -> Iterator[Client]:
    """Open a client. An error of the client ends the command."""
    from soundclone_client import Client, ClientError, Unreachable

    if not (key or "").strip():
        fail("there is no API key; set SOUNDCLONE_API_KEY, or pass --key", "unauthenticated")
    try:
        with Client(url, key) as client:
            yield client
    except Unreachable as error:
        message = re.sub(r"\[Errno -?\d+\] ", "", error.message)
        fail(f"{message}; is the service running? `soundclone serve` starts it", error.word)
    except ClientError as error:
        fail(error.message, error.word)
    except ValueError as error:
        fail(str(error), "invalid_parameter")


@contextmanager
def called_off(task: Task, url: str | None, key: str | None) -> Iterator[None]:
    """While waiting for `task`: whoever leaves by SIGINT or SIGTERM does not want it any more."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    try:
        yield
    except KeyboardInterrupt:
        _call_off(task, url, key, INTERRUPTED)
    except SystemExit:
        _call_off(task, url, key, TERMINATED)
    finally:
        signal.signal(signal.SIGTERM, before)


def _call_off(task: Task, url: str | None, key: str | None, code: int) -> NoReturn:
    from soundclone_client import Client, ClientError

    try:
        with Client(url, key, timeout=CALLING_OFF, retries=0) as client:
            ended = client.cancel(task.id)
    except ClientError as error:
        said = f"{task.id} goes on, as it could not be cancelled: {error.message}"
    else:
        said = f"{task.id} is cancelled and costs nothing"
        if ended.error_code != "cancelled":
            said = f"{task.id} had ended before: it is {ended.status}"
    raise Failure(f"interrupted; {said}", "interrupted", code)
