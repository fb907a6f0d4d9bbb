"""All rules of a language as one pattern."""

from __future__ import annotations

import re
from functools import cache

from ..languages.schema import Language
from . import cldr
from .dates import STYLES
from .numbers import NumberFormat, Numbers
from .quantities import Quantities
from .rules import Rule
from .symbols import Symbols

# Where several rules match at one place, the first of them decides.
_ORDER = (
    "abbreviation", "century", "mail", "url", "iso_date", "numeric_date", "phone", "time",
    "money_after_symbol", "money_before_symbol", "unit", "day", "range", "number", "fraction",
    "numero", "bullet", "silent", "ampersand", "sign", "tag", "emoji",
)  # fmt: skip


class Reader:
    """Finds and verbalises the written forms of one language."""

    def __init__(self, language: Language) -> None:
        data = cldr.load(language.code)
        number_format = NumberFormat(language, data)
        subjects = (
            Symbols(language, data),
            STYLES[language.dates.style](language, data),
            Numbers(language, number_format),
            Quantities(language, data, number_format),
        )
        found: dict[str, Rule] = {rule.name: rule for part in subjects for rule in part.rules()}
        self._rules = {name: found[name] for name in _ORDER if name in found}
        assert found.keys() == self._rules.keys(), "each rule needs its place in _ORDER"
        self.pattern = re.compile(
            "|".join(f"(?P<{rule.name}>{rule.pattern})" for rule in self._rules.values())
        )

    def verbalise(self, match: re.Match[str]) -> str | None:
        """Return the words for a match of `pattern`, or None if it is to stay as it is."""
        assert match.lastgroup is not None  # the group that closed last is that of the rule
        return self._rules[match.lastgroup].verbalise(match)


@cache
def reader(language: Language) -> Reader:
    """Return the reader of a language, built on first use."""
    return Reader(language)
