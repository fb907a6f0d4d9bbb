"""Pronunciation dictionaries: what is replaced, and where the words are in the written text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundclone.core import dictionaries
from soundclone.core.requests import SoundVersion, SpeechRequest
from soundclone.engines.protocol import Word
from soundclone.errors import InvalidParameter
from soundclone.synthesis.code_switching import utterances
from soundclone.text.pronunciation import Entry, apply, occurring


def spoken(text: str, *entries: tuple[str, str]) -> str:
    return apply(text, [Entry(written, spoken) for written, spoken in entries]).text


@pytest.mark.parametrize(
    ("text", "entries", "expected"),
    [
        ("Nguyen met NGUYEN.", [("nguyen", "nwin")], "nwin met nwin."),
        ("Nguyens and Anguyen", [("Nguyen", "x")], "Nguyens and Anguyen"),
        ("New York, not York", [("York", "b"), ("New York", "a")], "a, not b"),
        ("a b", [("a", "b"), ("b", "c")], "b c"),  # a replacement is not replaced
        ("C++ and C", [("C++", "see plus plus")], "see plus plus and C"),
        ("他在重庆工作。", [("重庆", "虫庆")], "他在虫庆工作。"),
        ("サーバーAPIです", [("API", "エーピーアイ")], "サーバーAPIです"),
        ("API です", [("API", "エーピーアイ")], "エーピーアイ です"),
        ("서울은 크다", [("서울", "서우울")], "서우울은 크다"),
        ("Привет, мир", [("мир", "лир")], "Привет, лир"),
        ("क का", [("क", "x")], "x का"),  # a vowel sign makes it another syllable
        ("it's $1", [("$1", "one dollar")], "it's one dollar"),
        ("a.b axb", [("a.b", "dot")], "dot axb"),
    ],
)
def test_words(text: str, entries: list[tuple[str, str]], expected: str) -> None:
    assert spoken(text, *entries) == expected


def test_case() -> None:
    entries = [Entry("US", "you ess", match_case=True), Entry("us", "uss")]
    assert apply("US, us, Us", entries).text == "you ess, uss, uss"


def test_later_entries_prevail() -> None:
    assert spoken("a", ("a", "first"), ("a", "last")) == "last"
    entries = [Entry("a", "German", "German"), Entry("a", "any")]
    assert apply("a", entries).text == "German"


ENTRIES = st.lists(
    st.tuples(st.text("abc", min_size=1, max_size=3), st.text("xyz ", min_size=1, max_size=5)),
    max_size=4,
)


@given(st.text("abc ", max_size=30), ENTRIES)
def test_places(text: str, entries: list[tuple[str, str]]) -> None:
    """Each character that was not replaced comes from itself, and others from whole words."""
    found = apply(text, [Entry(written, spoken) for written, spoken in entries])
    for index, character in enumerate(found.text):
        start, end = found.origin(index, index + 1)
        assert 0 <= start < end <= len(text)
        if character in "abc":
            assert text[start:end] == character
        elif character in "xyz":
            assert text[start:end] in {written for written, _ in entries}


def test_words_keep_their_places() -> None:
    sentence = "Dr. Nguyen has 5 km to go."
    entries = (Entry("Nguyen", "n win"),)
    (found,) = utterances(sentence, "English", {"English"}, entries=entries)
    assert "n win" in found.text
    words = [
        Word(word, index, index + 1, found.text.index(word), len(word))
        for index, word in enumerate(found.text.rstrip(".").split())
    ]
    written = found.written_words(words, sentence)
    assert [word.text for word in written][1:4] == ["Nguyen", "has", "5 km"]
    assert all(sentence[w.offset : w.offset + w.length] == w.text for w in written)
    nguyen = written[1]
    assert nguyen.end - nguyen.start == 2  # both spoken words


def test_languages() -> None:
    entries = (Entry("chat", "shah", "French"), Entry("你好", "您好", "Chinese"))
    text = " ".join(
        each.text
        for each in utterances("A chat, 你好.", "English", {"English", "Chinese"}, entries=entries)
    )
    assert "chat" in text
    assert "您好" in text
    (french,) = utterances("Un chat.", "French", {"French"}, entries=entries)
    assert french.text == "Un shah."


def test_requests_keep_what_occurs() -> None:
    entries = (Entry("one", "won"), Entry("two", "too", "English", True))
    request = SpeechRequest(
        "One.", SoundVersion.V1, "builtin", pronunciations=occurring("One.", entries)
    )
    assert request.pronunciations == entries[:1]
    assert SpeechRequest.from_json(request.to_json()) == request
    assert "pronunciations" not in SpeechRequest("x", SoundVersion.V1, "builtin").to_json()


def test_checked() -> None:
    (entry,) = dictionaries.checked([Entry(" Nguyen\u200b ", "nwin", "de")], "entries")
    assert entry == Entry("Nguyen", "nwin", "German")
    for entries, reason in (
        ([Entry("", "x")], "written of entry 1"),
        ([Entry("x", "...")], "spoken of entry 1"),
        ([Entry("x", "a" * 101)], "at most 100 characters"),
        ([Entry("x", "a <#1#>")], "no pause marker"),
        ([Entry("x", "y", "Klingon")], "Klingon"),
        ([Entry("x", "y"), Entry("X", "z")], "entry 2 has 'X' again"),
        ([Entry(f"x{n}", "y") for n in range(1001)], "at most 1,000"),
    ):
        with pytest.raises(InvalidParameter, match=reason):
            dictionaries.checked(entries, "entries")
