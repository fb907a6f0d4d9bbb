"""Prices. Money is counted in micro-credits, which are integers.

A task costs its characters times the price of 10,000 characters, divided by 10,000 and rounded
down to the micro-credit. Production speech costs the fee for the voice in addition. A stream that
ends early costs the fee and the share of the delivered characters.

A voice conversion costs its milliseconds times the price of a second, divided by 1,000 and rounded
down, and the same fee.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from ..errors import InvalidParameter

MICRO = 1_000_000
UNIT_CHARACTERS = 10_000
MOST_CREDITS = 1_000_000_000  # of one payment, which is far below the limit of a column


def to_micro(credits: Decimal | int | str) -> int:
    """Convert credits to micro-credits.

    Raises InvalidParameter for a text that is not a number, for more than six decimals, and for
    more than a billion credits.
    """
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
    """Convert micro-credits to credits, exactly up to a billion credits."""
    return micro / MICRO


@dataclass(frozen=True)
class Price:
    """Row of the price catalog."""

    name: str
    display: str
    mode: str  # per_10k_char, per_second or per_task
    unit: Decimal  # credits
    remark: str


class Prices:
    """The price list."""

    def __init__(self, prices: Mapping[str, Decimal]) -> None:
        """Read prices in credits by name, as in `Settings.price_list`.

        Raises InvalidParameter for a negative price.
        """
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
            Price(
                "sound-cloning-conversion",
                "Voice conversion",
                "per_second",
                prices["sound-cloning-conversion"],
                "Duration of the recording",
            ),
        )
        self._clone, self._audio, self._voice, self._second = (
            to_micro(row.unit) for row in self.rows
        )
        for row in self.rows:
            if row.unit < 0:
                raise InvalidParameter(f"price {row.name} is {row.unit}; 0 or more is needed")

    def clone(self, characters: int) -> int:
        """Return the price of a preview in micro-credits."""
        return characters * self._clone // UNIT_CHARACTERS

    def audio(self, characters: int) -> int:
        """Return the price of production speech in micro-credits."""
        return characters * self._audio // UNIT_CHARACTERS + self.fee

    def conversion(self, seconds: int) -> int:
        """Return the price in micro-credits of the conversion of a recording."""
        return seconds * self._second + self.fee

    @property
    def fee(self) -> int:
        """Part of the price of production speech that does not depend on its length."""
        return self._voice


def conversion_share(cost: int, fee: int, seconds: float, most: int) -> int:
    """Return the micro-credits that a conversion of `seconds` costs.

    `cost` was held for `most` seconds.
    """
    return fee + (cost - fee) * min(round(1000 * seconds), 1000 * most) // (1000 * most)


def share(cost: int, fee: int, delivered: int, characters: int) -> int:
    """Return the micro-credits that a stream costs after `delivered` of its `characters`.

    The price is 0 before the first character and `cost` after the last.
    """
    if not delivered:
        return 0
    return fee + (cost - fee) * delivered // characters
