"""Parts of the API of MiniMax that need no service."""

from __future__ import annotations

import json

import pytest

from soundclone.api.fronts.tasks import TaskFailed
from soundclone.api.minimax import pronunciation
from soundclone.api.minimax.errors import code_of
from soundclone.api.minimax.subtitles import titles
from soundclone.errors import (
    AuthenticationError,
    Deleted,
    Forbidden,
    InsufficientBalance,
    InvalidParameter,
    NotFound,
    QuotaExceeded,
    RateLimited,
    SoundcloneError,
    TooLarge,
    Unavailable,
)


@pytest.mark.parametrize(
    ("text", "entries", "spoken"),
    [
        ("omg, OMG", ["omg/oh my god"], "oh my god, OMG"),
        ("romg omgs omg", ["omg/x"], "romg omgs x"),
        ("a b", ["a/b", "b/a"], "b a"),
        ("New York, York", ["York/yo", "New York/ny"], "ny, yo"),
        ("我们处理事情", ["处理/楚里"], "我们楚里事情"),
        ("1 <#1#> 1", ["1/one"], "one <#1#> one"),
        ("C++ and c", ["C++/see plus plus"], "see plus plus and c"),
        ("and/or", ["and/und/oder"], "und/oder/or"),
        ("a.b", [".b/ b"], "ab"),
    ],
)
def test_pronunciations(text: str, entries: list[str], spoken: str) -> None:
    assert pronunciation.apply(text, entries).text == spoken


def test_transcriptions_are_ignored() -> None:
    found = pronunciation.apply("处理 omg", ["处理/(chu3)(li3)", "omg/x"])
    assert (found.text, found.ignored) == ("处理 x", ("处理/(chu3)(li3)",))


@pytest.mark.parametrize("entry", ["", "/", "a/", "/a", "a", "a" * 200 + "/b"])
def test_entries_of_another_form(entry: str) -> None:
    with pytest.raises(InvalidParameter, match="written/spoken"):
        pronunciation.apply("a", [entry])


def test_too_many_entries() -> None:
    with pytest.raises(InvalidParameter, match="501 entries"):
        pronunciation.apply("a", ["a/b"] * 501)


def test_words_are_grouped_by_sentences() -> None:
    text = "Yes.\n😀 No, no."
    cues = [
        {"start": 0, "end": 5, "text": "Yes", "offset": 0, "length": 3},
        {"start": 6, "end": 9, "text": "No", "offset": 7, "length": 2},
        {"start": 9, "end": 12, "text": "no", "offset": 11, "length": 2},
    ]
    first, second = json.loads(titles(json.dumps(cues).encode(), text, words=True))
    assert (first["text"], first["time_begin"], first["time_end"]) == ("Yes.", 0, 5)
    assert (second["text"], second["text_begin"], second["text_end"]) == ("😀 No, no.", 5, 14)
    assert [word["word_begin"] for word in second["timestamped_words"]] == [7, 11]
    assert json.loads(titles(b"[]", text, words=True)) == []


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (AuthenticationError("a"), 1004),
        (Forbidden("a"), 1004),
        (RateLimited("a"), 1002),
        (InsufficientBalance("a"), 1008),
        (QuotaExceeded("a"), 2056),
        (Unavailable("a"), 1033),
        (InvalidParameter("a", param="text"), 2013),
        (InvalidParameter("a", param="consent.recording"), 2038),
        (NotFound("a"), 2013),
        (TooLarge("a"), 2013),
        (Deleted("a"), 20132),
        (TaskFailed("a", "speech_too_long"), 2037),
        (TaskFailed("a", "consent_mismatch"), 2038),
        (TaskFailed("a", "source_not_media"), 20132),
        (TaskFailed("a", "timed_out"), 1001),
        (TaskFailed("a", "something"), 1000),
        (SoundcloneError("a"), 1024),
    ],
)
def test_codes(error: SoundcloneError, code: int) -> None:
    assert code_of(error) == code
