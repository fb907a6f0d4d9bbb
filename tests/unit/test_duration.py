from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soundclone.engines.builtin.frontend import Pool
from soundclone.errors import InvalidParameter
from soundclone.text import duration, script
from soundclone.text.languages import LANGUAGES, candidates
from soundclone.text.normalisation import normalise

TEXTS = Path(__file__).parents[1] / "texts"
EMOJI = "🈷🈂🈁🔯🈹🈺🈴🉐🉑🈸"  # with names such as: Japanese "monthly amount" button
LONGEST = 10_000


def written() -> dict[str, list[str]]:
    """Texts with numbers, units, prices, dates, addresses and emoji, by language."""
    found: dict[str, list[str]] = {}
    language = ""
    for line in (TEXTS / "spoken.txt").read_text().splitlines():
        if heading := re.fullmatch(r"\[(.+)\]", line):
            language = heading[1]
        elif " => " in line:
            found.setdefault(language, []).append(line.partition(" => ")[0])
    return found


def accepted(text: str, language: str) -> duration.Length:
    return duration.check(text, script.check(text, LONGEST), LANGUAGES[language])


@pytest.mark.parametrize("language", LANGUAGES)
def test_ordinary_texts_pass(language: str) -> None:
    preview, hard = LANGUAGES[language].preview, written().get(language, [])
    for text in (preview, *hard, " ".join(hard)):
        if any(map(str.isalnum, text)):
            accepted(text, language)
    for stuff in (
        "🎉🎊🥳👍",
        "+49 30 9018 2077, 2026-11-28, 17:30",
        "12.50 €, 7.99 €, 1,299.00 €, 0.45 €, 19.90 €",
        "https://www.example.com/a/b-c?d=1 anna.b@example.org",
        "3.14159 2.71828 1.41421 1984 2026",
    ):
        accepted(f"{preview} {stuff}", language)
        whole = f"{preview} {stuff}\n"
        accepted((whole * (LONGEST // len(whole) + 1))[:LONGEST], language)
    accepted(" ".join(map(str, range(1, 2000))), language)


@pytest.mark.parametrize("text", [EMOJI * 4 + "a", (EMOJI * 1000)[:9999] + "a", "🈷 Ⅷ " * 20])
@pytest.mark.parametrize("language", ["English", "German", "Ukrainian"])
def test_what_is_mostly_names_of_signs_is_refused(text: str, language: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        accepted(text, language)
    estimated = duration.measure(text, LANGUAGES[language]).speech
    assert refused.value.message.startswith(
        f"the text would be about {estimated:.0f} s of speech; {len(text)} characters may have "
        f"{20 + 0.6 * len(text):.0f} s"
    )


def test_pauses_go_with_what_is_billed() -> None:
    """One character bought an hour of silence."""
    with pytest.raises(InvalidParameter) as refused:
        script.check("<#90#>" * 40 + "a", LONGEST)
    assert refused.value.message == (
        "the pauses of the text last 3600 s; 1 characters may have 121 s, which is 120 s and 1 s "
        "for each character, 3600 s at most"
    )
    assert script.check("<#99.99#>a", LONGEST) == 1
    assert script.check("<#99.99#>a<#21.01#>", LONGEST) == 1
    with pytest.raises(InvalidParameter, match=r"last 121\.01 s; 1 characters may have 121 s"):
        script.check("<#99.99#>a<#21.02#>", LONGEST)
    breathe = "Breathe in slowly, and hold it.<#20#> Now let it go again.<#25#> "
    assert script.check(breathe * 60, LONGEST)
    assert script.check("a" * 3480 + "<#90#>" * 40, LONGEST)
    with pytest.raises(InvalidParameter, match="3600 s at most"):
        script.check("a" * 9000 + "<#90#>" * 41, LONGEST)
    assert duration.measure("<#1.5#>a b<#2.25#>", LANGUAGES["English"]).pauses == 3.75
    assert script.most_pauses(1) == 121 > Decimal("99.99")


@pytest.mark.slow
def test_the_estimate_is_close_to_what_is_said() -> None:
    pool = Pool(size=1)
    try:
        for name, language in LANGUAGES.items():
            said = normalise(language.preview, name).text
            utterance = pool.speak(said, name, 120)
            seconds = len(utterance.samples) / utterance.sample_rate
            estimated = duration.measure(language.preview, language).speech
            assert 0.6 < estimated / seconds < 1.6, (name, estimated, seconds)
    finally:
        pool.close()


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=400), st.sampled_from(list(LANGUAGES)))
def test_any_text_has_a_length(text: str, language: str) -> None:
    try:
        characters = script.check(text, LONGEST)
    except InvalidParameter:
        return
    found = duration.measure(text, LANGUAGES[language])
    assert found.speech >= 0
    assert found.pauses <= script.most_pauses(characters)
    if found.speech <= duration.most_speech(characters):
        assert duration.check(text, characters, LANGUAGES[language]) == found
    else:
        with pytest.raises(InvalidParameter):
            duration.check(text, characters, LANGUAGES[language])


def test_the_language_to_estimate_with_needs_no_classifier() -> None:
    def of(text: str) -> str:
        return duration.read_as(candidates(text, "v2")).name

    assert of("Guten Tag, wie geht es?") == "English"  # as well as any other
    assert of("こんにちは") == "Japanese"
    assert of("שלום") == "Hebrew"
    assert duration.read_as([LANGUAGES["German"]]).name == "German"
