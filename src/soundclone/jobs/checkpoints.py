"""Records of workflows and steps: JSON for arguments, results and errors.

A record is a JSON object with one field: `value` or `error`. Anybody who can write to the database
can forge a record. So reading one creates only plain values and errors of known classes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from ..errors import TaskError


class StepFailed(Exception):
    """A recorded error that was not a TaskError."""


def dump(value: object) -> str:
    """Write a result, the arguments of a workflow or an exception.

    Raises TypeError for a value that JSON cannot represent.
    """
    if isinstance(value, TaskError):
        error = {"word": value.word, "message": value.message, "logged": value.logged}
        return json.dumps({"error": error}, ensure_ascii=False)
    if isinstance(value, BaseException):
        error = {"type": type(value).__name__, "message": str(value)}
        return json.dumps({"error": error}, ensure_ascii=False)
    return json.dumps({"value": value}, ensure_ascii=False)


def load(text: str) -> object:
    """Read a record: a value, or an exception to raise. A tuple becomes a list.

    Raises ValueError for a text that `dump` did not write.
    """
    record = json.loads(text)
    match record:
        case {"value": value}:
            return value
        case {"error": {"word": str(word), "message": str(message), "logged": str(logged)}}:
            kind = _kinds().get(word)
            if kind is None:
                raise ValueError(f"the record names {word!r}, which is no error of a task")
            return kind(message, logged)
        case {"error": {"type": str(name), "message": str(message)}}:
            return StepFailed(f"{name}: {message}")
    raise ValueError("the record has neither a value nor an error")


def _kinds() -> dict[str, type[TaskError]]:
    # A subclass that defines no word is recorded as its parent.
    return {kind.word: kind for kind in _below(TaskError) if "word" in vars(kind)}


def _below(kind: type[TaskError]) -> Iterator[type[TaskError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _below(each)
