"""Clauses of a text that arrives in pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundclone.text.clauses import ClauseBuffer


def fed(*pieces: str) -> list[list[str]]:
    """The clauses after each piece, and those of the end."""
    buffer = ClauseBuffer()
    return [*(buffer.add(piece) for piece in pieces), buffer.flush()]


@pytest.mark.parametrize(
    ("pieces", "clauses"),
    [
        (["Hello ", "there. ", "And"], [[], ["Hello there. "], [], ["And"]]),
        (["Hello there.", " More"], [[], ["Hello there. "], ["More"]]),
        (["I met Dr. ", "Smith. "], [[], ["I met Dr. Smith. "], []]),
        (["It is 3.", "14 metres. ", "Yes"], [[], ["It is 3.14 metres. "], [], ["Yes"]]),
        (
            ["When the morning came, ", "they left, at once. "],
            [["When the morning came, "], ["they left, at once. "], []],
        ),
        (["你好。今天", "很好。"], [["你好。"], [], ["今天很好。"]]),
        (["One. Two! Three? "], [["One. ", "Two! ", "Three? "], []]),
        (["  ", "\n"], [[], [], []]),
        (["... ", "Well. "], [[], ["... Well. "], []]),
    ],
)
def test_clauses_leave_when_they_are_complete(pieces: list[str], clauses: list[list[str]]) -> None:
    assert fed(*pieces) == clauses


def test_a_text_without_signs_is_cut_between_words() -> None:
    clauses = fed(*(["word "] * 100))
    whole = [each for found in clauses for each in found]
    assert "".join(whole) == "word " * 100
    assert max(map(len, whole)) <= 205


@given(st.lists(st.text(alphabet="ab., \n。!,A1", max_size=80), max_size=20))
def test_no_character_is_lost(pieces: list[str]) -> None:
    found = "".join(each for clauses in fed(*pieces) for each in clauses)
    assert found.rstrip() == "".join(pieces).rstrip() or not "".join(pieces).strip()
