"""Reference page of the errors, from their classes."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from markdown import code, table

from soundclone.errors import PaymentError, SoundcloneError, SourceError, TaskError

import_module("soundclone.api.app")  # defines further errors

HEAD = """# Errors

Every error has a message for people in `msg` and a word for programs in `data.errorCode`. The
message names the value, what is wrong with it and what would be right. Messages may change, words
do not.

## Errors of a request

The HTTP status below is that of the service's own paths. On the contract's paths the status is 200
unless `SOUNDCLONE_REAL_STATUS` is 1, and `code` tells errors apart.
"""
TASKS = """
## Errors of a task

A task that fails is not an error of the request that polls it: `status` is `failed`, `error` has
the message and `errorCode` the word. Nothing is charged except for the part of a
[stream](../billing.md#streams) that was sent. Sending the same request again fails in the same way,
unless the table says otherwise.
"""
GROUPS = (SoundcloneError, PaymentError, TaskError, SourceError)
"""Classes that only hold others together."""


def errors() -> Iterator[type[SoundcloneError]]:
    """Yield every class with a word of its own, parents first."""
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
            table(("word", "code", "HTTP", "description"), requests),
            TASKS,
            table(("word", "description"), tasks),
        ]
    )
