from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundclone.config import DEFAULT_PRICES
from soundclone.core.pricing import MICRO, Prices, to_credits, to_micro
from soundclone.errors import InvalidParameter


def test_prices_are_pro_rata() -> None:
    prices = Prices(
        {
            "sound-cloning-clone": Decimal("10"),
            "sound-cloning-audio": Decimal("2"),
            "sound-cloning-voice": Decimal("0.01"),
        }
    )
    assert prices.clone(10_000) == 10 * MICRO
    assert prices.clone(270) == 270_000
    assert prices.audio(1) == 200 + 10_000
    assert prices.audio(10_000) == 2_010_000


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
