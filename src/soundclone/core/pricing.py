"""What things cost. Money is counted in micro-credits: integers, never floats.

The rule: characters times the price per 10,000 characters, divided by 10,000 and rounded down to
the micro-credit, so that nobody pays more than the exact share; plus, for production speech, the
fee for using a voice. A stream that ends early costs its fee and the share of its delivered
characters, by the same rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from ..errors import InvalidParameter

MICRO = 1_000_000
UNIT_CHARACTERS = 10_000
MOST_CREDITS = 1_000_000_000  # at a time: far below what a column holds


def to_micro(credits: Decimal | int | str) -> int:
    """Micro-credits of an amount in credits. Raises InvalidParameter for less than a
    micro-credit of precision, for more than a billion credits, and for what is not a number."""
    try:
        amount = Decimal(credits) * MICRO
        whole = int(amount)
    except (ArithmeticError, ValueError) as error:
        raise InvalidParameter(
            f"{credits!r} is not an amount of credits; a number such as 12.5 is"
        ) from error
    if abs(whole) > MOST_CREDITS * MICRO:
        raise InvalidParameter(
            f"{credits} is too much; at most {MOST_CREDITS} credits can be given"
        )
    if amount != whole:
        raise InvalidParameter(f"{credits} has more than six decimals; a micro-credit is 0.000001")
    return whole


def to_credits(micro: int) -> float:
    """Credits as a JSON number; exact to the micro-credit up to a billion credits."""
    return micro / MICRO


@dataclass(frozen=True)
class Price:
    """One row of the catalog."""

    name: str
    display: str
    mode: str  # per_10k_char or per_task
    unit: Decimal  # credits
    remark: str


class Prices:
    """The price list. `prices` is credits by name, as in `Settings.price_list`."""

    def __init__(self, prices: Mapping[str, Decimal]) -> None:
        self.rows = (
            Price(
                "sound-cloning-clone",
                "Voice preview",
                "per_10k_char",
                prices["sound-cloning-clone"],
                "Characters of the preview, pauses not counted",
            ),
            Price(
                "sound-cloning-audio",
                "Production speech",
                "per_10k_char",
                prices["sound-cloning-audio"],
                "Characters of the text, pauses not counted",
            ),
            Price(
                "sound-cloning-voice",
                "Use of a cloned voice",
                "per_task",
                prices["sound-cloning-voice"],
                "On every production task",
            ),
        )
        self._clone, self._audio, self._voice = (to_micro(row.unit) for row in self.rows)
        for row in self.rows:
            if row.unit < 0:
                raise InvalidParameter(f"price {row.name} is {row.unit}; 0 or more is needed")

    def clone(self, characters: int) -> int:
        """Micro-credits of a preview."""
        return characters * self._clone // UNIT_CHARACTERS

    def audio(self, characters: int) -> int:
        """Micro-credits of a production task."""
        return characters * self._audio // UNIT_CHARACTERS + self.fee

    @property
    def fee(self) -> int:
        """Micro-credits of a production task for the use of the voice, whatever its length."""
        return self._voice


def share(cost: int, fee: int, delivered: int, characters: int) -> int:
    """Micro-credits of a task of `characters` that ended when `delivered` of them had been sent:
    nothing before the first, and all of `cost` at the last."""
    if not delivered:
        return 0
    return fee + (cost - fee) * delivered // characters
