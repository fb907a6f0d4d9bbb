"""Reference page of the errors, from their classes."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from markdown import code, table

from soundclone.errors import PaymentError, SoundcloneError, SourceError, TaskError

import_module("soundclone.api.app")  # defines further errors

HEAD = """# Errors

Every error has a message for people, in `msg`, and a code for programs, in `data.errorCode`. The
message names the value, the problem and a valid value, and may change. Codes do not change.

## Errors of requests

The service's own paths return the HTTP status below. The paths of the contract return status 200
and the error in `code`, unless `SOUNDCLONE_REAL_STATUS` is 1.
"""
TASKS = """
## Errors of tasks

An accepted task that fails has the status `failed`, the message in `error` and the code in
`errorCode`. A failed task costs nothing, except the part of a [stream](../billing.md#streams) that
was sent. The same request will fail again, unless the table says otherwise.
"""
GROUPS = (SoundcloneError, PaymentError, TaskError, SourceError)
"""Classes that only hold others together."""


def errors() -> Iterator[type[SoundcloneError]]:
    """Yield every class that defines a word, parents first."""
    waiting: list[type[SoundcloneError]] = [SoundcloneError]
    while waiting:
        error = waiting.pop(0)
        waiting = [*error.__subclasses__(), *waiting]
        shown = not error.__module__.startswith("soundclone.api.studio")
        if shown and "word" in vars(error) and error not in GROUPS:
            yield error


def page() -> str:
    """Return the page as Markdown."""
    requests, tasks = [], []
    for error in errors():
        description = (error.__doc__ or "").partition("\n")[0]
        if issubclass(error, TaskError):
            tasks.append((code(error.word), description))
        else:
            requests.append((code(error.word), error.code, error.status, description))
    return "\n".join(
        [
            HEAD,
            table(("Code", "`code`", "HTTP status", "Meaning"), requests),
            TASKS,
            table(("Code", "Meaning"), tasks),
        ]
    )
