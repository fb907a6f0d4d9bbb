"""Dates, years and times of day.

Most languages need only the data of their file. English and German have rules of their own, in
the classes that `dates.style` of their files names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from ..languages.schema import Language
from .cldr import Cldr
from .rules import START, Rule, any_of, word_before

_TIME = (
    rf"(?<!:){START}(?P<hour>[01]?[0-9]|2[0-4])[:：](?P<minute>[0-5][0-9])"
    r"(?![0-9:])(?P<half> ?(?:[aApP]\.[mM]\.|[aApP][mM]\b))?"
)
_CENTURY = (
    r"(?:(?<=\b[IiBbOo][nyf] )|(?<=[Ss]ince )|(?<=[Uu]ntil )|(?<=[Ff]rom )|(?<=[Yy]ear ))"
    r"(?P<hundreds>1[1-9]|20)(?P<of>[0-9]{2})(?!\w|%| ?[%€$£]|[.,:][0-9])"
)
_FIELD = re.compile(r"'([^']*)'|MMMM|d+\.?|M|y")


class Dates:
    """Verbalises dates and times of day by the data of a language."""

    def __init__(self, language: Language, cldr: Cldr) -> None:
        self._dates, self._clock, self._cldr = language.dates, language.clock, cldr

    def rules(self) -> Iterator[Rule]:
        """Return the rules of this subject."""
        months = any_of(month for month in self._cldr.months if not month[0].isdigit())
        yield Rule(
            "iso_date",
            rf"(?<!-){START}[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?![0-9-])",
            self._iso_date,
        )
        yield Rule(
            "numeric_date",
            rf"(?<!/){START}[0-9]{{1,2}}(?P<mark>[./])[0-9]{{1,2}}(?P=mark)[0-9]{{4}}(?![0-9/])",
            self._numeric_date,
        )
        yield Rule("time", _TIME, self._time)
        yield Rule(
            "day",
            rf"(?<![\w.])(?P<date>[0-9]{{1,2}})\.? (?P<month>{months})(?!\w)"
            r"(?P<year>,? [12][0-9]{3}(?![\w%]|[.,][0-9]))?",
            self._day_and_month,
        )

    def day(self, day: int, word_before: str) -> str:
        """Return the day of a month, 1 to 31, after a word in small letters."""
        if day == 1 and self._dates.first_day:
            return self._dates.first_day
        return self._dates.days[day - 1] if self._dates.days else str(day)

    def year(self, year: int) -> str:
        """Return a year as it is read."""
        return str(year)

    def is_dotted(self) -> bool:
        """Return true if dates may be written with full stops: 22.11.2026."""
        return self._cldr.order == "dMy"

    def _iso_date(self, match: re.Match[str]) -> str | None:
        year, month, day = map(int, match[0].split("-"))
        return self._date(year, month, day, word_before(match))

    def _numeric_date(self, match: re.Match[str]) -> str | None:
        first, second, year = map(int, re.split("[./]", match[0]))
        if match["mark"] == "." and not self.is_dotted():
            return None
        american = self._cldr.order == "Mdy" and match["mark"] == "/"
        month, day = (first, second) if american and first <= 12 else (second, first)
        if month > 12:
            month, day = day, month
        return self._date(year, month, day, word_before(match))

    def _date(self, year: int, month: int, day: int, before: str) -> str | None:
        try:
            date(year, month, day)
        except ValueError:
            return None
        fields = {
            "d": self.day(day, before), "MMMM": self._cldr.months[month - 1],
            "M": str(month), "y": self.year(year),
        }  # fmt: skip

        def value(field: re.Match[str]) -> str:
            if field[1] is not None:  # quoted
                return field[1]
            return fields[field[0].rstrip(".").replace("dd", "d")]

        return _FIELD.sub(value, self._dates.pattern or self._cldr.date).strip()

    def _day_and_month(self, match: re.Match[str]) -> str | None:
        day = int(match["date"])
        if not 1 <= day <= 31:
            return None
        year = match["year"] or ""
        if year:
            year = year[:-4] + self.year(int(year[-4:]))
        return f"{self.day(day, word_before(match))} {match['month']}{year}"

    def _time(self, match: re.Match[str]) -> str:
        hour, minute = int(match["hour"]), int(match["minute"])
        unit = self._clock.unit
        if unit and match.string[match.end() : match.end() + 5].lstrip().startswith(unit):
            time = f"{hour} {minute}" if minute else str(hour)
        elif minute:
            minutes = self._clock.below_ten.format(m=minute) if minute < 10 else str(minute)
            time = self._clock.minutes.format(h=hour, m=minutes)
        else:
            time = self._clock.hour.format(h=hour)
        return time + (match["half"] or "")


class EnglishDates(Dates):
    """Ordinals with endings, years in pairs of digits, and hours without a pattern."""

    def rules(self) -> Iterator[Rule]:
        """Return the rules of this subject."""
        yield Rule("century", _CENTURY, self._century)
        yield from super().rules()

    def day(self, day: int, word_before: str) -> str:
        """Return the day of a month as an ordinal: 22nd."""
        ending = {1: "st", 2: "nd", 3: "rd"}.get(day % 10 if day // 10 != 1 else 0, "th")
        return f"{day}{ending}"

    def year(self, year: int) -> str:
        """Return a year as pairs of digits, where speakers read pairs: 19 84."""
        hundreds, rest = divmod(year, 100)
        if 11 <= hundreds <= 19 or (hundreds == 20 and rest >= 10):
            return f"{hundreds} {_after_hundreds(rest)}"
        return str(year)

    def is_dotted(self) -> bool:
        """Return true: Britons write dates with full stops too."""
        return True

    def _century(self, match: re.Match[str]) -> str | None:
        if match["hundreds"] == "20" and match["of"] < "10":
            return None
        return f"{match['hundreds']} {_after_hundreds(int(match['of']))}"

    def _time(self, match: re.Match[str]) -> str:
        hour, minute = int(match["hour"]), int(match["minute"])
        half = (match["half"] or "").strip().replace(".", "").upper()
        if minute:
            time = f"{hour} {minute}" if minute > 9 else f"{hour} oh {minute}"
        elif hour > 12:
            time = f"{hour} hundred"
        else:
            time = str(hour) if half else f"{hour} o'clock"
        # The full stop of "p.m." ended the sentence too.
        stop = "." if half and match[0][-1] == "." and match.end() == len(match.string) else ""
        return f"{time} {' '.join(half)}".strip() + stop


class GermanDates(Dates):
    """Ordinals that agree with the word before them, and years in hundreds."""

    def day(self, day: int, word_before: str) -> str:
        """Return the day of a month as an ordinal: am zweiundzwanzigsten."""
        ordinal = self._dates.days[day - 1]
        if word_before in ("am", "vom", "zum", "beim", "dem", "bis", "ab", "seit", "den"):
            return ordinal + "n"
        return ordinal + ("" if word_before in ("der", "die", "das") else "r")

    def year(self, year: int) -> str:
        """Return a year of 1100 to 1999 in hundreds: 19 hundert 84."""
        hundreds, rest = divmod(year, 100)
        if 11 <= hundreds <= 19:
            return f"{hundreds} hundert {rest}" if rest else f"{hundreds} hundert"
        return str(year)


def _after_hundreds(rest: int) -> str:
    return "hundred" if rest == 0 else f"oh {rest}" if rest < 10 else str(rest)


STYLES = {"": Dates, "english": EnglishDates, "german": GermanDates}
"""Class by `dates.style` of a language's file."""
