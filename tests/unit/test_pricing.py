from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundclone.config import DEFAULT_PRICES
from soundclone.core.pricing import MICRO, Prices, conversion_share, to_credits, to_micro
from soundclone.errors import InvalidParameter


def test_prices_are_pro_rata() -> None:
    prices = Prices(
        {
            "sound-cloning-clone": Decimal("10"),
            "sound-cloning-audio": Decimal("2"),
            "sound-cloning-voice": Decimal("0.01"),
            "sound-cloning-conversion": Decimal("0.003"),
        }
    )
    assert prices.clone(10_000) == 10 * MICRO
    assert prices.clone(270) == 270_000
    assert prices.audio(1) == 200 + 10_000
    assert prices.audio(10_000) == 2_010_000
    assert prices.conversion(100) == 310_000


@given(st.integers(0, 10**7), st.integers(0, 10**5), st.floats(0, 700), st.integers(1, 600))
def test_a_conversion_costs_its_seconds(second: int, fee: int, seconds: float, most: int) -> None:
    held = second * most + fee
    cost = conversion_share(held, fee, seconds, most)
    assert fee <= cost <= held
    assert cost == min(held, fee + second * round(1000 * seconds) // 1000)


@given(st.decimals(0, 10_000, places=6), st.integers(0, 10_000))
def test_nobody_pays_more_than_the_exact_share(unit: Decimal, characters: int) -> None:
    prices = Prices(DEFAULT_PRICES | {"sound-cloning-clone": unit})
    exact = unit * MICRO * characters / 10_000
    assert 0 <= exact - prices.clone(characters) < 1


@given(st.integers(0, 10**15))
def test_credits_come_back_exact(micro: int) -> None:
    assert to_micro(Decimal(str(to_credits(micro)))) == micro


@pytest.mark.parametrize("bad", ["0.0000001", "many", "", "NaN", "Infinity"])
def test_what_is_no_amount_is_refused(bad: str) -> None:
    with pytest.raises(InvalidParameter):
        to_micro(bad)


def test_negative_prices_are_refused() -> None:
    with pytest.raises(InvalidParameter, match="0 or more"):
        Prices(DEFAULT_PRICES | {"sound-cloning-voice": Decimal(-1)})
