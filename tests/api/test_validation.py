"""Messages about wrong values come from the schema."""

from __future__ import annotations

from typing import Any

import pytest

from soundclone.api import files, history, tasks
from soundclone.api.openai import consents, speech
from soundclone.api.openai import voices as openai_voices
from soundclone.api.schemas import SoundCloneAudioRequest, SoundCloneCloneRequest
from soundclone.api.validation import (
    expectation,
    expectations_of,
    expectations_of_model,
    rejection,
)
from soundclone.errors import InvalidParameter


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"enum": ["v1", "v2"], "type": "string"}, '"v1" or "v2"'),
        ({"enum": ["a", "b", "c"], "type": "string"}, "one of a, b, c"),
        ({"enum": [1, 2], "type": "integer"}, "1 or 2"),
        ({"const": "word"}, '"word"'),
        ({"type": "boolean"}, "true or false"),
        ({"type": "number", "minimum": 0.5, "maximum": 2.0}, "a number from 0.5 to 2"),
        (
            {"type": "number", "exclusiveMinimum": 0.0, "maximum": 10.0},
            "a number above 0 and up to 10",
        ),
        ({"type": "integer", "minimum": -12, "maximum": 12}, "a whole number from -12 to 12"),
        (
            {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 9}, {"type": "null"}]},
            "a whole number from 1 to 9",
        ),
        ({"type": "string", "description": "A text: at most 9 characters"}, "a text"),
        ({"type": "string", "description": "The file. Needs a key"}, "the file"),
        ({"type": "string", "description": "URL of a file"}, "URL of a file"),
        ({"type": "object", "description": 'Such as {"a": 1}: a map'}, 'such as {"a": 1}'),
    ],
)
def test_what_a_field_takes(schema: dict[str, Any], expected: str) -> None:
    assert expectation(schema) == expected


def test_fields_of_bodies() -> None:
    clone = expectations_of_model(SoundCloneCloneRequest)
    assert clone["fileUrl"] == "the public http(s) URL of a recording"
    assert clone["consent"] == 'an object such as {"declaration": "given", "speaker": "Anna"}'
    assert clone["consent.declaration"] == '"own" or "given"'
    audio = expectations_of_model(SoundCloneAudioRequest)
    assert audio["emotion"].startswith("one of happy, sad")
    assert audio["format"] == "one of mp3, wav, flac, ogg"
    assert audio["channel"] == "1 or 2"


def test_parameters_of_routes() -> None:
    assert expectations_of(history.list_tasks)["kind"] == "one of clone, audio, conversion, render"
    assert expectations_of(tasks.create_clone)["Idempotency-Key"] == (
        "1 to 255 printable ASCII characters"
    )
    for endpoint, name in (
        (files.upload, "file"),
        (files.download, "signature"),
        (consents.create, "recording"),
        (openai_voices.create, "audio_sample"),
        (speech.create_speech, "voice"),
    ):
        assert expectations_of(endpoint)[name]


def error(kind: str, *loc: str | int, **values: Any) -> dict[str, Any]:
    return {"type": kind, "loc": loc, "msg": "Input is wrong", **values}


@pytest.mark.parametrize(
    ("found", "message", "param"),
    [
        (error("missing", "body", "a"), "a is missing; it is a text", "a"),
        (error("missing", "body", "z"), "z is missing", "z"),
        (error("string_type", "body", "a", input=None), "a is null; it must be a text", "a"),
        (error("string_type", "body", "a", input=True), "a is true; it must be a text", "a"),
        (error("string_type", "body", "a", input=[1]), "a is a JSON list; it must be a text", "a"),
        (error("string_type", "body", "z", input="x"), "z is 'x': Input is wrong", "z"),
        (error("x", "body", "o", "b", input=1), "o.b is 1; it must be a number", "o.b"),
        (error("x", "body", "a", "str", input=1), "a is 1; it must be a text", "a"),
        (error("x", "query", "a", input="y" * 99), "a is '" + "y" * 56 + "…", "a"),
    ],
)
def test_rejections(found: dict[str, Any], message: str, param: str) -> None:
    rejected = rejection([found], {"a": "a text", "o.b": "a number"})
    assert isinstance(rejected, InvalidParameter)
    assert rejected.message.startswith(message)
    assert rejected.param == param


def test_rejections_of_whole_bodies() -> None:
    broken = error("json_invalid", "body", 1, ctx={"error": "Expecting value"})
    assert rejection([broken], {}).message == "the body is not JSON: Expecting value"
    assert "must be a JSON object" in rejection([error("dict_type", "body")], {}).message
