"""Data of the Unicode Common Locale Data Repository (CLDR), and its plural rules (UTS #35).

`training/cldr.py` writes the files.
"""

from __future__ import annotations

import json
import lzma
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..languages.schema import Forms

_FOLDER = Path(__file__).parents[1] / "cldr"


@dataclass(frozen=True)
class Number:
    """A decimal number as its digits."""

    whole: str
    decimals: str = ""


Applies = Callable[[Number], bool]


@dataclass(frozen=True)
class Cldr:
    """Data of one language."""

    decimal: str  # separator
    group: str  # separator of thousands
    months: tuple[str, ...]  # January to December
    date: str  # pattern of a long date
    order: str  # of day, month and year in numbers: "dMy", "Mdy" or "yMd"
    units: Mapping[str, Forms]  # by symbol
    money: Mapping[str, Forms]  # by ISO 4217 code
    names: Mapping[str, str]  # of emoji and symbols
    plural: tuple[tuple[str, Applies], ...]  # rules by category, without "other"

    def form(self, forms: Forms, number: Number) -> str:
        """Return the form of a word after a number. `forms` must have the category other."""
        for category, applies in self.plural:
            if category in forms and applies(number):
                return forms[category]
        return forms["other"]


def load(code: str) -> Cldr:
    """Read the data of a language by its BCP 47 code."""
    data = json.loads(lzma.decompress((_FOLDER / f"{code}.xz").read_bytes()))
    return Cldr(
        decimal=data["decimal"],
        group=data["group"],
        months=tuple(data["months"]),
        date=data["date"],
        order=data["order"],
        units=data["units"],
        money=data["money"],
        names=data["names"],
        plural=tuple((key, _rule(rule)) for key, rule in data["plural"].items()),
    )


def _rule(rule: str) -> Applies:
    """Compile a plural rule of UTS #35, in the notation of Babel."""
    alternatives = [
        [
            re.fullmatch(r"([nivfte]) (?:mod ([0-9]+) )?(not )?in ([0-9.,]+)", relation.strip())
            for relation in part.split(" and ")
        ]
        for part in rule.split(" or ")
    ]

    def applies(number: Number) -> bool:
        whole, decimals = number.whole, number.decimals
        fraction = decimals.rstrip("0")
        operands = {
            "i": int(whole), "v": len(decimals), "f": int(decimals or 0), "t": int(fraction or 0),
            "e": 0, "n": -1 if fraction else int(whole),
        }  # fmt: skip
        return any(
            all(relation and _holds(relation, operands) for relation in part)
            for part in alternatives
        )

    return applies


def _holds(relation: re.Match[str], operands: Mapping[str, int]) -> bool:
    name, modulus, negated, ranges = relation.groups()
    value = operands[name]
    if modulus and value >= 0:
        value %= int(modulus)
    within = False
    for part in ranges.split(","):
        low, _, high = part.partition("..")
        within = within or int(low) <= value <= int(high or low)
    return within != bool(negated)
