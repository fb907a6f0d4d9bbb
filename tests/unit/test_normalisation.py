from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from soundclone.engines.builtin.frontend import Pool
from soundclone.engines.protocol import Speech
from soundclone.errors import SynthesisError
from soundclone.text.languages import LANGUAGES
from soundclone.text.normalisation import normalise
from soundclone.text.normalisation.reader import reader
from soundclone.text.script import parse
from tests.unit.test_code_switching import say

TEXTS = Path(__file__).parents[1] / "texts"
HOSTILE: list[str] = json.loads((TEXTS / "hostile.json").read_text())


def corpus() -> Iterator[tuple[str, str, str]]:
    """Yield language, written text and normalised text."""
    language = ""
    for line in (TEXTS / "spoken.txt").read_text().splitlines():
        if line.startswith("["):
            language = line.strip("[]")
        elif line:
            written, _, normalised = line.partition(" => ")
            yield language, written, normalised


CORPUS = list(corpus())


def test_the_corpus_has_every_language() -> None:
    assert {language for language, *_ in CORPUS} == set(LANGUAGES)


@pytest.mark.parametrize(
    ("language", "written", "normalised"),
    [pytest.param(*line, id=f"{line[0]}: {line[1][:40]}") for line in CORPUS],
)
def test_written_forms_are_verbalised(language: str, written: str, normalised: str) -> None:
    assert normalise(written, language).text == normalised


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    pool = Pool()
    yield pool
    pool.close()


def speech_of(pool: Pool, text: str, language: str) -> Speech:
    utterance = pool.speak(text, language)
    return Speech(utterance.samples.astype(np.float32), utterance.sample_rate, utterance.words)


@pytest.mark.parametrize("language", LANGUAGES)
def test_normalised_texts_can_be_spoken(language: str, pool: Pool) -> None:
    written = " ".join(line[1] for line in CORPUS if line[0] == language)
    speech = say(
        written, language, frozenset(LANGUAGES), lambda text, other: speech_of(pool, text, other)
    )
    assert len(speech.samples) > 0.2 * speech.sample_rate
    for word in speech.words:
        assert written[word.offset : word.offset + word.length] == word.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_preview_lines_stay_as_they_are(language: str) -> None:
    preview = LANGUAGES[language].preview
    assert normalise(preview, language).text == preview


@pytest.mark.parametrize("language", ["English", "Chinese", "Arabic", "Russian"])
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_spoken_or_refused(text: str, language: str, pool: Pool) -> None:
    refusals: list[str] = []
    for sentence in parse(text).sentences:
        try:
            say(
                sentence.text,
                language,
                frozenset(LANGUAGES),
                lambda text, other: speech_of(pool, text, other),
            )
        except SynthesisError as error:
            refusals.append(str(error))
    assert all("nothing that can be spoken" in refusal for refusal in refusals)


@pytest.mark.parametrize("language", LANGUAGES)
def test_patterns_repeat_a_bounded_number_of_times(language: str) -> None:
    """Unbounded repetitions inside a pattern are what makes matching quadratic or worse."""
    pattern = reader(LANGUAGES[language]).pattern.pattern
    unbounded = re.findall(
        r"(?<!\\)(?<!\[)[+*](?!\])|\{[0-9]*,\}", re.sub(r"\[[^]]*\]", "x", pattern)
    )
    # Runs of bullets are taken whole by the only repetition, so nothing is tried again.
    assert unbounded == ["+"]


@pytest.mark.parametrize(
    "text",
    [
        "5 ", "1,", "1.1", "😀", "😀 a", "a@", "www.", "a.b-", "+1 ", "5:5", "$5", "½", "*a",
        "1 000 ", "-", "x", "5 km ", "# ",
    ],
)  # fmt: skip
@pytest.mark.parametrize("language", ["English", "Russian"])
def test_long_texts_are_normalised(text: str, language: str) -> None:
    written = text * (10_000 // len(text))
    result = normalise(written, language)
    end = written_end = 0
    for change in result.changes:
        assert end <= change.start <= change.end <= len(result.text)
        assert written_end <= change.written_start <= change.written_end <= len(written)
        end, written_end = change.end, change.written_end


@pytest.mark.parametrize(
    "written",
    ["🚢 The ferry", "The 🚢 ferry", "The ferry 🚢 leaves", "5 km 🚢  ferry", "🚢🚢 ferry"],
)
def test_words_after_an_emoji_keep_their_places(written: str) -> None:
    result = normalise(written, "English")
    at = result.text.index("ferry")
    start, end = result.origin(at, at + len("ferry"))
    assert written[start:end] == "ferry"
