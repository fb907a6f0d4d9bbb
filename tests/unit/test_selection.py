from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundclone.engines.builtin import BuiltinEngine
from soundclone.engines.selection import BUILTIN, EngineCapability, EngineSelector
from soundclone.errors import InvalidParameter, Unavailable
from soundclone.text.languages import LANGUAGES

POCKET = EngineCapability("pocket", ("English", "French", "German"), 20, "CC-BY-4.0")
VOX = EngineCapability("voxcpm", ("Chinese", "English", "French"), 40, "Apache-2.0")


def test_the_built_in_engine_offers_what_every_installation_is_said_to_have() -> None:
    info = BuiltinEngine().info
    offer = EngineCapability.from_info(info)
    assert (offer.languages, offer.rank) == (BUILTIN.languages, BUILTIN.rank)
    assert EngineCapability.from_json(offer.to_json()) == offer


@pytest.mark.parametrize(
    ("language", "engine"),
    [("English", "voxcpm"), ("German", "pocket"), ("Chinese", "voxcpm"), ("Thai", "builtin")],
)
def test_the_best_that_speaks_it(language: str, engine: str) -> None:
    assert EngineSelector().select((BUILTIN, POCKET, VOX), language, "v1") == engine


def test_the_order_of_the_settings_and_a_language_of_its_own() -> None:
    selector = EngineSelector(
        v1=("pocket", "builtin"), v2=("builtin",), languages={"French": "voxcpm"}
    )
    offers = (BUILTIN, POCKET, VOX)
    assert selector.select(offers, "English", "v1") == "pocket"
    assert selector.select(offers, "Thai", "v1") == "builtin"
    assert selector.select(offers, "English", "v2") == "builtin"
    assert selector.select(offers, "French", "v2") == "voxcpm"
    assert selector.named() == {"pocket", "builtin", "voxcpm"}
    assert not selector.allows_any
    half = EngineSelector(v1=("pocket",), languages={"French": "voxcpm"})
    assert half.allows_any  # v2 takes any
    assert half.named() == {"pocket", "voxcpm"}


def test_the_settings_as_they_are_written() -> None:
    selector = EngineSelector.parse(
        " auto", "pocket , builtin", {"ja": "builtin", "french": "pocket"}
    )
    assert selector.order("v1") is None
    assert selector.order("v2") == ("pocket", "builtin")
    assert selector.languages == {"Japanese": "builtin", "French": "pocket"}
    with pytest.raises(InvalidParameter, match="'Japanes'"):
        EngineSelector.parse("auto", "auto", {"Japanes": "builtin"})
    for wrong in ("", "pocket,", ",", "pocket builtin", "pocket, auto"):
        with pytest.raises(InvalidParameter, match="SOUNDCLONE_ENGINE_V1 is"):
            EngineSelector.parse(wrong, "auto", {})


def test_what_nobody_speaks_is_refused_with_what_is_spoken() -> None:
    with pytest.raises(InvalidParameter) as caught:
        EngineSelector(v1=("pocket",)).select((BUILTIN, POCKET), "Thai", "v1")
    assert caught.value.message == (
        "no engine here speaks Thai in v1; spoken are: English, French, German"
    )


def test_an_engine_that_is_away_is_waited_for_and_not_replaced() -> None:
    with pytest.raises(Unavailable, match="'voxcpm', set for English in v1, is on no worker"):
        EngineSelector(v1=("voxcpm",)).select((BUILTIN, POCKET), "English", "v1")
    with pytest.raises(Unavailable, match="the voice's engine is 'voxcpm', which no worker has"):
        EngineSelector().select((BUILTIN, POCKET), "English", "v1", voice_engine="voxcpm")
    with pytest.raises(Unavailable, match="set for Thai in v2"):
        EngineSelector(languages={"Thai": "gone"}).select((BUILTIN,), "Thai", "v2")


def test_a_voice_stays_with_its_engine_while_that_speaks_the_language() -> None:
    offers = (BUILTIN, POCKET, VOX)
    assert EngineSelector().select(offers, "English", "v1", voice_engine="builtin") == "builtin"
    assert EngineSelector().select(offers, "German", "v1", voice_engine="voxcpm") == "pocket"


def test_an_engine_that_is_away_for_one_language_stops_no_other() -> None:
    selector = EngineSelector(languages={"French": "pocket"})
    assert (
        selector.select_for_text((BUILTIN,), "Good morning, how are you today?", "v1").engine
        == "builtin"
    )
    with pytest.raises(Unavailable, match="set for French in v1"):
        selector.select_for_text((BUILTIN,), "Bonjour, comment allez-vous aujourd'hui ?", "v1")


def test_a_text_whose_language_does_not_matter_is_not_classified() -> None:
    polish = "Zażółć gęślą jaźń, a potem chodź do domu."
    assert EngineSelector().select_for_text((BUILTIN,), polish, "v1").engine == "builtin"
    offers = (BUILTIN, POCKET)
    assert EngineSelector().select_for_text(offers, polish, "v1").engine == "builtin"
    english = "The weather was fine, and everybody went home."
    assert EngineSelector().select_for_text(offers, english, "v1").engine == "pocket"
    assert (
        EngineSelector().select_for_text(offers, "今日はいい天気ですね。", "v1").engine == "builtin"
    )
    with pytest.raises(InvalidParameter, match="no engine here speaks Polish"):
        EngineSelector(v1=("pocket",)).select_for_text(offers, polish, "v1")


names = st.sampled_from(sorted(LANGUAGES))


@given(
    st.lists(
        st.builds(
            EngineCapability,
            st.sampled_from(["builtin", "pocket", "voxcpm", "other"]),
            st.lists(names, max_size=6).map(tuple),
            st.integers(0, 50),
            st.just("x"),
        ),
        max_size=4,
        unique_by=lambda offer: offer.engine,
    ),
    st.sampled_from(["auto", "pocket", "pocket,builtin", "builtin, voxcpm"]),
    names,
)
def test_whoever_is_chosen_speaks_it_and_is_allowed(
    offers: list[EngineCapability], setting: str, language: str
) -> None:
    selector = EngineSelector.parse(setting, setting, {})
    try:
        name = selector.select(offers, language, "v2")
    except (InvalidParameter, Unavailable):
        assert selector.choose(offers, language, "v2") is None
        return
    chosen = next(offer for offer in offers if offer.engine == name)
    assert language in chosen.languages
    assert setting == "auto" or name in setting
    assert selector.table(offers)[language]["v2"] == name
