import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundclone.core import keys


def test_keys_differ_and_are_well_formed() -> None:
    made = {keys.generate() for _ in range(200)}
    assert len(made) == 200
    assert all(keys.well_formed(key) and len(key) == 46 for key in made)


@given(st.integers(3, 45), st.characters(codec="ascii"))
def test_one_wrong_character_is_noticed(position: int, character: str) -> None:
    key = keys.generate()
    wrong = key[:position] + character + key[position + 1 :]
    assert keys.well_formed(wrong) == (wrong == key)


@pytest.mark.parametrize("text", ["", "sk_", "sk_x", "pk_" + "0" * 43, "sk_" + "é" * 43])
def test_what_is_no_key(text: str) -> None:
    assert not keys.well_formed(text)


@given(st.text())
def test_any_text_can_be_judged(text: str) -> None:
    assert not keys.well_formed(text)


def test_hashes_need_the_secret() -> None:
    key = keys.generate()
    assert keys.digest(key, b"one") == keys.digest(key, b"one") != keys.digest(key, b"two")
