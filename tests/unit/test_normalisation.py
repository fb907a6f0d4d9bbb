from __future__ import annotations

import json
import time
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from soundclone.engines.builtin.frontend import Pool
from soundclone.engines.protocol import Speech
from soundclone.errors import SynthesisError
from soundclone.synthesis.code_switching import say
from soundclone.text.cleaning import clean
from soundclone.text.languages import LANGUAGES
from soundclone.text.normalisation import normalise
from soundclone.text.script import parse

TEXTS = Path(__file__).parents[1] / "texts"
HOSTILE: list[str] = json.loads((TEXTS / "hostile.json").read_text())


@cache
def corpus() -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    name = ""
    for line in (TEXTS / "spoken.txt").read_text().splitlines():
        if line.startswith("["):
            name = line.strip("[]")
        elif line:
            written, _, said = line.partition(" => ")
            found.setdefault(name, []).append((written, said))
    return found


def test_the_corpus_has_every_language() -> None:
    assert set(corpus()) == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_are_said_as_a_speaker_would(language: str) -> None:
    for written, said in corpus()[language]:
        assert normalise(written, language).text == said


@pytest.fixture(scope="module")
def pool() -> Pool:
    return Pool()


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_said_can_be_spoken(language: str, pool: Pool) -> None:
    def speak(text: str, tongue: str) -> Speech:
        heard = pool.speak(text, tongue)
        return Speech(heard.samples.astype(np.float32), heard.sample_rate, heard.words)

    for written, _ in corpus()[language]:
        speech = say(written, language, frozenset(LANGUAGES), speak)
        assert len(speech.samples) > 0.2 * speech.sample_rate
        for word in speech.words:
            assert written[word.offset : word.offset + word.length] == word.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_preview_lines_are_said_as_they_are_written(language: str) -> None:
    preview = LANGUAGES[language].preview
    assert normalise(preview, language).text == preview


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_spoken_or_refused(text: str, pool: Pool) -> None:
    def speak(text: str, tongue: str) -> Speech:
        heard = pool.speak(text, tongue)
        return Speech(heard.samples.astype(np.float32), heard.sample_rate, heard.words)

    refusals: list[str] = []
    for language in ("English", "Chinese", "Arabic", "Russian"):
        for sentence in parse(text).sentences:
            try:
                say(sentence.text, language, frozenset(LANGUAGES), speak)
            except SynthesisError as error:
                refusals.append(str(error))
    assert all("nothing that can be spoken" in refusal for refusal in refusals)


@pytest.mark.parametrize(
    "text",
    [
        "5 " * 5_000, "1," * 5_000, "1.1" * 3_333, "😀" * 10_000, "😀 a" * 3_333, "a@" * 5_000,
        "www." * 2_500, "a.b-" * 2_500, "+1 " * 3_333, "5:5" * 3_333, "$5" * 5_000, "½" * 10_000,
        "*a" * 5_000, "1 000 " * 1_666, "-" * 10_000, "x" * 10_000, "5 km " * 2_000, "# " * 5_000,
    ],
)  # fmt: skip
def test_it_takes_linear_time(text: str) -> None:
    normalise("", "English"), normalise("", "Russian")
    start = time.process_time()
    normalise(clean(text), "English")
    normalise(clean(text), "Russian")
    assert time.process_time() - start < 15
