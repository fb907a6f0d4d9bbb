"""Numbers, telephone numbers, fractions and arithmetic signs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..languages.schema import Language
from .cldr import Cldr, Number
from .rules import NUMBER, START, Rule, before

_PHONE = (
    r"(?<![\w+])\+[1-9][0-9]{0,14}(?:[ ./-]?\(?[0-9]{1,10}\)?){1,6}(?!\w)"
    r"|(?<![\w-])(?:\([0-9]{3}\) ?|[0-9]{3}-)[0-9]{3}-[0-9]{4}(?![\w-])"
)
_FEWEST_IN_PHONE = 7  # digits


class NumberFormat:
    """The way a language writes numbers."""

    def __init__(self, language: Language, cldr: Cldr) -> None:
        self._indian = language.numbers.indian_groups
        self._group, self._decimal = cldr.group, cldr.decimal

    def parse(self, written: str) -> Number | None:
        """Return the number that digits and separators stand for, or None if it is unclear."""
        digits = re.split(r"[^0-9]", written)
        marks = re.findall(r"[^0-9]", written)
        if not marks:
            return Number(written)
        if len(set(marks)) == 1:
            mark = marks[0]
            if self._may_group(mark, len(marks)) and self._is_grouped(digits) and digits[0] != "0":
                return Number("".join(digits))
            if len(marks) == 1 and mark in ".,٫":
                return Number(digits[0], digits[1])
            return None
        hundreds = all(len(part) == 3 for part in digits[1:-1]) or self._indian
        if hundreds and len(set(marks[:-1])) == 1 and marks[-1] in ".,٫":
            return Number("".join(digits[:-1]), digits[-1])
        return None

    def _may_group(self, mark: str, count: int) -> bool:
        spaced = mark in " \u00a0" and self._group in " \u00a0\u202f"
        return mark == self._group or spaced or mark in "'’٬" or (count > 1 and mark in ".,")

    def _is_grouped(self, digits: list[str]) -> bool:
        if all(len(part) == 3 for part in digits[1:]) and len(digits[0]) <= 3:
            return True
        return (
            self._indian and len(digits[-1]) == 3 and all(len(part) == 2 for part in digits[1:-1])
        )

    def groups_with(self, mark: str) -> bool:
        """Return true if the mark is the language's separator of thousands."""
        return mark == self._group

    def write(self, number: Number) -> str:
        """Return a number as engines read it: without thousands separators."""
        if not number.decimals:
            return number.whole
        return f"{number.whole}{self._decimal}{number.decimals}"


def is_negative(match: re.Match[str], sign: str | None) -> bool:
    """Return true if the sign at the start of a match is a minus and not a hyphen or a dash."""
    previous = match.string[: match.start()][-1:]
    return bool(sign) and (sign == "−" or not previous or previous in " (")


class Numbers:
    """Verbalises what is written with digits and arithmetic signs alone."""

    def __init__(self, language: Language, number_format: NumberFormat) -> None:
        self._language, self._words, self._format = language, language.words, number_format
        words = language.words
        self._signs = {"+": words.plus, "=": words.equals, "×": words.times}

    def rules(self) -> Iterator[Rule]:
        """Return the rules of this subject."""
        percent = r"|%(?=[0-9])" if self._words.percent_before else ""
        yield Rule("phone", _PHONE, self._phone)
        yield Rule("range", r"(?<=[^\W_])–(?=[0-9])|(?<=[0-9]) [–—] (?=[0-9])", self._range)
        yield Rule(
            "number",
            rf"{START}(?P<number_sign>[-−])?(?P<digits>{NUMBER})(?![0-9])",
            self._number,
        )
        yield Rule("fraction", r"[½¼¾⅓⅔²³]", self._fraction)
        yield Rule("numero", rf"№ ?|#(?=[0-9]){percent}", self._numero)
        yield Rule("sign", r" ?(?<=[\s0-9])[+=×](?=[\s0-9]) ?", self._sign)

    def _phone(self, match: re.Match[str]) -> str | None:
        groups = re.findall(r"[0-9]+", match[0])
        if sum(map(len, groups)) < _FEWEST_IN_PHONE:
            return None
        digits = ", ".join(" ".join(group) for group in groups)
        return f"{self._words.plus} {digits}" if match[0][0] == "+" else digits

    def _range(self, match: re.Match[str]) -> str:
        return f" {self._words.to} "

    def _number(self, match: re.Match[str]) -> str | None:
        digits, sign = match["digits"], match["number_sign"]
        number = self._format.parse(digits)
        negative = is_negative(match, sign)
        if number is None or digits.isdecimal():
            return f"{self._words.minus} {digits}" if negative else None
        if "." in digits and not number.decimals and not self._format.groups_with("."):
            return None  # parts of a version or an outline
        minus = f"{self._words.minus} " if negative else sign or ""
        return minus + self._format.write(number)

    def _fraction(self, match: re.Match[str]) -> str | None:
        words = self._language.fractions.get(match[0])
        counted = before(match).isdigit()
        if words and counted and match[0] in "½¼¾" and self._language.numbers.joined_fractions:
            words = f"{self._words.and_} {words}"
        return f" {words}" if words and counted else words

    def _numero(self, match: re.Match[str]) -> str:
        return f"{self._words.percent_before if match[0] == '%' else self._words.number} "

    def _sign(self, match: re.Match[str]) -> str:
        return f" {self._signs[match[0].strip()]} "
