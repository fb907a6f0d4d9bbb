from __future__ import annotations

from collections.abc import Callable, Collection
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundclone.engines.protocol import Speech, Word
from soundclone.errors import SynthesisError
from soundclone.synthesis.code_switching import join_utterances, spans, utterances
from soundclone.text.languages import LANGUAGES
from soundclone.text.normalisation import normalise, plain_digits

RATE = 1000
ALL = frozenset(LANGUAGES)


class Engine:
    """A tenth of a second of sound for each word between spaces."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []

    def __call__(self, text: str, language: str) -> Speech:
        self.said.append((text, language))
        words = []
        offset = 0
        for index, word in enumerate(text.split()):
            offset = text.index(word, offset)
            words.append(Word(word, index / 10, (index + 1) / 10, offset, len(word)))
            offset += len(word)
        samples = np.full(len(words) * RATE // 10, 0.5, np.float32)
        return Speech(samples, RATE, tuple(words))


def say(
    sentence: str, language: str, spoken: Collection[str], speak: Callable[[str, str], Speech]
) -> Speech:
    """Speak a sentence as `SentenceSynthesizer` does."""
    found = utterances(sentence, language, spoken)
    return join_utterances(sentence, found, [speak(each.text, each.language) for each in found])


def parts(sentence: str, language: str) -> list[tuple[str, str]]:
    return [(sentence[s.start : s.end], s.language) for s in spans(sentence, language, ALL)]


@pytest.mark.parametrize(
    ("sentence", "language", "found"),
    [
        ("Plain English.", "English", [("Plain English.", "English")]),
        (
            "The word 你好 means hello.",
            "English",
            [("The word ", "English"), ("你好", "Chinese"), (" means hello.", "English")],
        ),
        ("我用 Photoshop 修图。", "Chinese", [("我用 Photoshop 修图。", "Chinese")]),
        ("東京は首都です。", "Japanese", [("東京は首都です。", "Japanese")]),
        (
            "Er sagte „Доброе утро“.",
            "German",
            [("Er sagte „", "German"), ("Доброе утро", "Russian"), ("“.", "German")],
        ),
        (
            "He said おはよう東京!",
            "English",
            [("He said ", "English"), ("おはよう東京", "Japanese"), ("!", "English")],
        ),
        ("The angle α is 5.", "English", [("The angle α is 5.", "English")]),
        ("Слово шалом: שלום", "Russian", [("Слово шалом: ", "Russian"), ("שלום", "Hebrew")]),
        ("Say नमस्ते now", "English", [("Say ", "English"), ("नमस्ते", "Hindi"), (" now", "English")]),
    ],
)  # fmt: skip
def test_each_part_in_the_language_of_its_letters(
    sentence: str, language: str, found: list[tuple[str, str]]
) -> None:
    assert parts(sentence, language) == found


def test_a_language_that_the_engine_lacks_is_left_to_the_sentence() -> None:
    assert len(spans("The word 你好.", "English", {"English"})) == 1


def test_words_are_those_that_were_written() -> None:
    engine = Engine()
    sentence = "It costs €5.20 for 3 km, says 你好 here."
    speech = say(sentence, "English", ALL, engine)
    assert engine.said == [
        ("It costs 5 euros and 20 cents for 3 kilometers, says", "English"),
        ("你好", "Chinese"),
        ("here.", "English"),
    ]
    assert [w.text for w in speech.words] == [
        "It", "costs", "€5.20", "for", "3 km", ",", "says", "你好", "here.",
    ] or [w.text for w in speech.words] == [
        "It", "costs", "€5.20", "for", "3 km,", "says", "你好", "here.",
    ]  # fmt: skip
    assert speech.words[2].end - speech.words[2].start == pytest.approx(0.5)
    for word in speech.words:
        assert sentence[word.offset : word.offset + word.length] == word.text
    for before, after in pairwise(speech.words):
        assert before.end <= after.start + 1e-9


def test_what_grows_long_is_said_in_parts() -> None:
    engine = Engine()
    sentence = "Call " + "+49 30 1234567 or " * 12 + "me."
    speech = say(sentence, "English", ALL, engine)
    assert len(engine.said) > 1
    assert all(len(text) <= 220 for text, _ in engine.said)
    assert speech.words[-1].text == "me."


def test_nothing_to_say() -> None:
    with pytest.raises(SynthesisError, match="nothing that can be spoken"):
        say("—!", "English", ALL, Engine())


sentences = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs", "Cc"]),
        st.sampled_from(list("0123456789 .,:/-+€$%@#&=²½😀👩💻🇩🇪é好あ한Яαא kmhgpz")),
    ),
    max_size=60,
)


@given(sentences, st.sampled_from(sorted(LANGUAGES)))
def test_every_change_leads_back(sentence: str, language: str) -> None:
    said = normalise(sentence, language)
    sentence = plain_digits(sentence)
    end = written = 0
    for change in said.changes:
        gap = sentence[written : change.written_start].rstrip()
        assert said.text[end : change.start].rstrip() == gap
        end, written = change.end, change.resumes
    assert said.text[end:] == sentence[written:]
    for index in range(len(said.text)):
        start, stop = said.origin(index, index + 1)
        assert 0 <= start < stop <= len(sentence)


@given(sentences, st.sampled_from(["English", "Chinese", "Russian", "Arabic"]))
def test_spans_are_the_sentence(sentence: str, language: str) -> None:
    found = spans(sentence, language, ALL)
    assert "".join(sentence[s.start : s.end] for s in found) == sentence
    try:
        speech = say(sentence, language, ALL, Engine())
    except SynthesisError:
        return
    for word in speech.words:
        assert sentence[word.offset : word.offset + word.length] == word.text
    for before, after in pairwise(speech.words):
        assert before.offset + before.length <= after.offset
        assert before.end <= after.start + 1e-6
