"""Questions that fall at their end."""

from __future__ import annotations

import numpy as np
import pytest

from soundclone.audio import f0
from soundclone.engines.builtin.frontend import Pool
from soundclone.engines.builtin.questions import with_falling_ends
from soundclone.text.languages import LANGUAGES


@pytest.mark.parametrize(
    ("language", "text", "falls"),
    [
        ("English", "Where is it?", True),
        ("English", "And in which house?", False),
        ("English", "In which house is it?", True),
        ("English", "Is it where you live?", False),
        ("German", "Warum nicht?", True),
        ("German", "Hast du den Schlüssel?", False),
        ("Spanish", "¿Por qué no?", True),
        ("Spanish", "¿Que no viene?", False),
        ("French", "Qu'est-ce que c'est ?", True),
        ("French", "Est-ce que tu viens ?", False),
        ("Polish", "Czy wiesz, gdzie to jest?", False),
        ("Russian", "Когда он придёт?", True),
        ("Japanese", "いつですか？", False),
        ("German", "Wie viele sind 3?", False),  # "3." would be an ordinal
    ],
)
def test_questions_that_ask_for_a_word_fall(language: str, text: str, falls: bool) -> None:
    written = with_falling_ends(text, language)
    assert written == (text.rstrip("?") + "." if falls else text)


def test_each_question_of_a_text_counts() -> None:
    text = "He came. Who? Did he stay? When did he go??"
    assert with_falling_ends(text, "English") == "He came. Who. Did he stay? When did he go.."


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_question_words_are_lower_case_and_openers_are_no_question_words(language: str) -> None:
    sentences = LANGUAGES[language].sentences
    assert all(word == word.lower() for word in sentences.question_words)
    assert not {*sentences.question_words} & {*sentences.question_openers}


def test_the_source_falls_at_the_end_of_a_falling_question() -> None:
    pool = Pool(size=1)
    ends = {}
    for text in ("Wann warst du hier?", with_falling_ends("Wann warst du hier?", "German")):
        spoken = pool.speak(text, "German")
        track = f0.track(spoken.samples, spoken.sample_rate, 0.005, f0.CLEAN)
        heard = 12 * np.log2(track[track > 0])
        ends[text] = heard[-12:-2].mean() - np.median(heard)
    pool.close()
    assert ends["Wann warst du hier?"] > 0
    assert ends["Wann warst du hier."] < -1.5
