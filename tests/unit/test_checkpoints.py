"""Records of the task engine: what is written is read back, and nothing forged is run."""

from __future__ import annotations

import base64
import json
import math
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dbos._serialization import (
    deserialize_args,
    deserialize_exception,
    deserialize_value,
    serialize_args,
    serialize_exception,
)

from soundclone import errors
from soundclone.errors import SynthesisError, TaskError, Unavailable
from soundclone.jobs import checkpoints, queue

JSON = queue._Json()


def kinds(kind: type[TaskError] = TaskError) -> Iterator[type[TaskError]]:
    """Kinds of errors that have a word of their own."""
    if "word" in vars(kind):
        yield kind
    for each in kind.__subclasses__():
        yield from kinds(each)


@pytest.mark.parametrize(
    "value",
    [None, 7, 1.5, -math.inf, "text “é” 声", {"a": [1, [2.5, "x"]], "b": None}, {"error": "x"}],
)
def test_values_come_back(value: object) -> None:
    assert checkpoints.load(checkpoints.dump(value)) == value


def test_arguments_come_back() -> None:
    text, name = serialize_args(("audio_1",), {}, None, JSON)
    inputs = deserialize_args(text, name, JSON)
    assert (list(inputs["args"]), inputs["kwargs"]) == (["audio_1"], {})
    assert json.loads(text) == {"value": {"args": ["audio_1"], "kwargs": {}}}


@pytest.mark.parametrize("kind", [each for each in kinds() if each.__module__ == errors.__name__])
def test_a_refusal_comes_back_as_it_was(kind: type[TaskError]) -> None:
    text, name = serialize_exception(kind("it lasts 9.2 s", logged="too short"), None, JSON)
    back = deserialize_exception(text, name, JSON)
    assert type(back) is kind
    assert (back.message, back.logged, back.word) == ("it lasts 9.2 s", "too short", kind.word)


def test_words_of_refusals_differ() -> None:
    found = [kind for kind in kinds() if kind.__module__ == errors.__name__]
    assert len({kind.word for kind in found}) == len(found)


@pytest.mark.parametrize("error", [Unavailable("away"), ZeroDivisionError("by zero")])
def test_another_error_keeps_its_name(error: Exception) -> None:
    back = checkpoints.load(checkpoints.dump(error))
    assert isinstance(back, checkpoints.StepFailed)
    assert str(back) == f"{type(error).__name__}: {error}"


class Touch:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", ["py_pickle", None, "soundclone_json", "portable_json"])
@pytest.mark.parametrize("read", [deserialize_args, deserialize_value, deserialize_exception])
def test_a_pickle_is_not_run(tmp_path: Path, name: str | None, read: Any) -> None:
    marker = tmp_path / "run"
    planted = base64.b64encode(pickle.dumps(Touch(marker))).decode()
    with pytest.raises(ValueError, match=r"pickle|JSON|Expecting"):
        read(planted, name, JSON)
    assert not marker.exists()
    pickle.loads(base64.b64decode(planted))
    assert marker.exists()  # it would have been


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "null",
        "{}",
        '{"error": 1}',
        '{"error": {"word": "no_speech"}}',
        '{"error": {"word": "os.system", "message": "x", "logged": "x"}}',
    ],
)
def test_a_forged_record_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="record"):
        checkpoints.load(text)


def test_what_json_has_no_form_for_is_refused() -> None:
    with pytest.raises(TypeError):
        checkpoints.dump({"path": Path("x")})


def test_no_pickle_is_written() -> None:
    text, _ = serialize_exception(SynthesisError("x"), "py_pickle", JSON)
    assert json.loads(text)["error"]["word"] == "synthesis_failed"
