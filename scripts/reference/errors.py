"""The page of the errors, from their classes."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from markdown import code, table

from soundclone.errors import SoundcloneError, TaskError

import_module("soundclone.api.app")  # whose modules have errors of their own

HEAD = """# Errors

Every refusal is a sentence for people, in `msg`, and a word for programs, in `data.errorCode`. The
sentence names the value, what is wrong with it and what would be right, and may change; words do
not.

## Of a request

The HTTP status is the one below on the service's own paths. On the paths of the contract it is 200
unless `SOUNDCLONE_REAL_STATUS` is 1, and `code` tells.
"""
TASKS = """
## Of a task

A task that was accepted and fails is no error of the request: its `status` is `failed`, `error` has
the sentence and `errorCode` the word. Nothing is charged, but for the part of a
[stream](../billing.md#streams) that was sent. Sending the same again
ends the same way, except where it says otherwise.
"""
MEANING = {
    "unauthenticated": "the key is missing, unknown or revoked",
    "invalid_request": "the body is not what is taken here",
    "invalid_parameter": "a field has a value that is not taken; the sentence says which are",
    "not_found": "no such task, voice or file in this account",
    "expired": "the voice, result or upload was kept for its time and is gone",
    "deleted": "the account deleted the voice",
    "idempotency_conflict": "the `Idempotency-Key` was used with another request",
    "conflict": "it cannot be done as things stand",
    "request_timeout": "the request did not arrive in time",
    "too_large": "the request, its body, the file or what the account keeps is too long",
    "method_not_allowed": "the path does not take that method",
    "host_refused": "the `Host` header is not a name of this service",
    "range_not_satisfiable": "the `Range` lies outside the file",
    "insufficient_balance": "the account has too few credits; nothing was started",
    "quota_exceeded": "the key may not spend that much",
    "rate_limited": "too many requests or tasks at once; `Retry-After` says when to try again",
    "unavailable": "something that is needed does not answer; try again in a moment",
    "source_address_refused": "the URL is of a kind that is not fetched, or has no public address",
    "source_unreachable": "nothing was got from the URL; try again when it works",
    "source_timeout": "the download took too long",
    "source_too_large": "the file is too long",
    "source_not_media": "the file is neither audio nor video that can be read",
    "source_no_audio": "the file has no sound",
    "source_truncated": "the file ends early",
    "source_encrypted": "the file is encrypted",
    "source_too_quiet": "the recording is all but silent",
    "source_clipped": "the recording is clipped",
    "source_too_noisy": "noise, music or other voices are too loud",
    "several_speakers": "more than one person speaks",
    "no_speech": "nobody speaks",
    "speech_too_short": "there are 15 s of speech or less",
    "speech_too_long": "there are 60 s of speech or more",
    "consent_unusable": "the consent recording cannot be fetched or decoded, or has too little "
    "speech",
    "consent_mismatch": "somebody else speaks in the consent recording than in the sample",
    "synthesis_failed": "the engine failed at a sentence, also with other seeds; it is named",
    "engine_unavailable": "the engine of the voice does not work here now; see `soundclone doctor`",
    "worker_lost": "the task ended its worker each time it was tried",
    "timed_out": "the task had not ended within `SOUNDCLONE_TASK_TIMEOUT`",
    "cancelled": "it was called off",
    "internal_error": "the server failed; its log has why, under the task's id",
}


def errors() -> Iterator[type[SoundcloneError]]:
    """Yield every class with a word, parents first. Classes that only group others have none."""
    waiting: list[type[SoundcloneError]] = [SoundcloneError]
    while waiting:
        error = waiting.pop(0)
        waiting = [*error.__subclasses__(), *waiting]
        if "word" in vars(error) and (error.word in MEANING or not error.__subclasses__()):
            yield error


def page() -> str:
    requests, tasks = [], []
    for error in errors():
        told = MEANING.get(error.word) or (error.__doc__ or "").partition("\n")[0]
        if issubclass(error, TaskError):
            tasks.append((code(error.word), told))
        else:
            requests.append((code(error.word), error.code, error.status, told))
    return "\n".join(
        [
            HEAD,
            table(("word", "code", "HTTP", ""), requests),
            TASKS,
            table(("word", ""), tasks),
        ]
    )
