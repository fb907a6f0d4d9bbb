"""Clauses of a text that arrives in pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundclone.text.clauses import ClauseBuffer


def fed(*pieces: str) -> list[list[str]]:
    """The clauses after each piece, and those of the end. The listener waits for the first one."""
    buffer = ClauseBuffer()
    found: list[list[str]] = []
    for piece in pieces:
        found.append(buffer.add(piece, early=not any(found)))
    rest = buffer.flush()
    return [*found, [rest] if rest.strip() else []]


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


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ("Wenn der Morgen kommt, gehen", "Wenn der Morgen kommt, "),
        ("Es kostet im Laden 1,50 Euro, aber", "Es kostet im Laden 1,50 Euro, "),
        ("Όταν έρχεται το πρωί· μετά", "Όταν έρχεται το πρωί· "),
        ("عندما يأتي الصباح الباكر، نذهب", "عندما يأتي الصباح الباكر، "),
        ("当清晨来临的时候，我们就出发", "当清晨来临的时候，"),
        ("朝になって鳥が鳴くと、みんな", "朝になって鳥が鳴くと、"),
        ("아침이 밝아 오면, 우리는", "아침이 밝아 오면, "),
        ("เมื่อรุ่งเช้ามาถึงแล้ว เราก็ออก", "เมื่อรุ่งเช้ามาถึงแล้ว "),
        ("जब सुबह होती है और हम उठते हैं, तब", "जब सुबह होती है और हम उठते हैं, "),
        ("Yes, of course we can", None),  # too short a clause
        ("At 10:30 they came", None),
    ],
)
def test_a_listener_who_waits_hears_a_clause(text: str, clause: str | None) -> None:
    """Every character arrives alone, so no number and no abbreviation is known in advance."""
    buffer = ClauseBuffer()
    found = [each for sign in text for each in buffer.add(sign, early=True)]
    assert found[:1] == ([clause] if clause else [])
    buffer = ClauseBuffer()
    assert not [each for sign in text for each in buffer.add(sign, early=False)]


def test_a_text_without_signs_is_cut_between_words() -> None:
    clauses = fed(*(["word "] * 100))
    whole = [each for found in clauses for each in found]
    assert "".join(whole) == "word " * 100
    assert max(map(len, whole)) <= 205


@given(st.lists(st.text(alphabet="ab., \n。!,A1", max_size=80), max_size=20))
def test_no_character_is_lost(pieces: list[str]) -> None:
    found = "".join(each for clauses in fed(*pieces) for each in clauses)
    assert found.rstrip() == "".join(pieces).rstrip() or not "".join(pieces).strip()
