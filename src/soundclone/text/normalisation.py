"""Text normalisation: a sentence as it is written -> as it is said, with the way back.

Numbers stay digits, without separators of thousands: every engine reads those of its languages.
What is made words of is what engines read wrong: money, units, dates, times, telephone numbers,
addresses of the web and of mail, abbreviations, signs and emoji. The words of units, currencies,
months and emoji, and their plural rules (UTS #35), are those of the Unicode CLDR; the others are
in `wording`. It takes time linear in the length of the sentence, whatever the sentence.
"""

from __future__ import annotations

import json
import lzma
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from . import lexicon
from .languages import LANGUAGES


@dataclass(frozen=True)
class Change:
    """A part that is said otherwise than it is written: ranges in code points."""

    start: int  # in the spoken text
    end: int
    written_start: int
    written_end: int


@dataclass(frozen=True)
class Normalised:
    """A sentence as it is said."""

    text: str
    changes: tuple[Change, ...] = ()  # in order, apart from each other

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """The range of the written sentence that `text[start:end]` stands for, `start` before
        `end`; whole changes only."""
        return self._place(start, first=True), self._place(end - 1, first=False) + 1

    def _place(self, index: int, *, first: bool) -> int:
        at = bisect_right(self.changes, index, key=lambda change: change.start) - 1
        if at < 0:
            return index
        change = self.changes[at]
        if index < change.end:
            return change.written_start if first else max(change.written_end - 1, 0)
        return index - change.end + change.written_end


def normalise(text: str, language: str) -> Normalised:
    """`text`, a sentence without line breaks, as it is said in a language of `LANGUAGES`."""
    reader = _reader(LANGUAGES[language].code)
    text = plain_digits(text)
    told: list[str] = []
    changes: list[Change] = []
    end = length = 0
    for match in reader.pattern.finditer(text):
        said = reader.say(match)
        if said is None:
            continue
        said = _apart(text, match.start(), match.end(), said)
        if said == match[0]:
            continue
        told += text[end : match.start()], said
        start = length + match.start() - end
        length, end = start + len(said), match.end()
        left = match.start() + len(match[0]) - len(match[0].lstrip())
        changes.append(Change(start, length, left, left + len(match[0].strip())))
    told.append(text[end:])
    return Normalised("".join(told), tuple(changes))


def plain_digits(text: str) -> str:
    """With 0 to 9 for the digits of every script, and for those in circles; of the same length."""
    if text.isascii():
        return text
    return "".join(str(unicodedata.digit(c)) if _DIGIT.match(c) else c for c in text)


def _apart(text: str, start: int, end: int, said: str) -> str:
    """With spaces where words would run together."""
    if said and start and _alphanumeric(text[start - 1]) and _alphanumeric(said[0]):
        said = " " + said
    if said and end < len(text) and _alphanumeric(text[end]) and _alphanumeric(said[-1]):
        said += " "
    return said


def _alphanumeric(character: str) -> bool:
    return character.isalnum() and character < "\u2e80"


_SYMBOLS = {
    "$": "USD", "US$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "￥": "JPY", "₹": "INR",
    "₽": "RUB", "₩": "KRW", "₺": "TRY", "₴": "UAH", "₫": "VND", "₪": "ILS", "฿": "THB",
    "₱": "PHP", "R$": "BRL", "zł": "PLN", "Kč": "CZK", "kr": "", "₿": "BTC",
}  # fmt: skip
_KRONER = {"sv": "SEK", "da": "DKK", "nb": "NOK", "nn": "NOK"}
_BY_WORD = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "KRW": "₩", "CNY": "¥"}
_NO_SPACES = frozenset({"zh", "yue", "ja", "th"})

_DIGIT = re.compile("(?![0-9])[\\d\u2460-\u2468\u2776-\u277e\u2780-\u2788]")
_NUM = r"[0-9]{1,15}(?:[.,'’٫٬][0-9]{1,15}|[ \u00a0][0-9]{3}(?![0-9])){0,6}"
_BULLETS = "™®•‣◦▪▫●○■□◆◇★☆➤➢►▶▸✦❖─━│┃═║"
# Not after a letter or a digit, but for those of scripts that write no spaces.
_START = r"(?<![.,])(?<![^\W\u0e00-\u0e7f\u2e80-\U000323af])"
_DOMAINS = (
    "com|org|net|edu|gov|info|io|dev|app|ai|co|eu|de|at|ch|fr|es|it|pt|br|nl|be|pl|cz|sk|ru|ua|bg|"
    "hr|si|dk|no|se|fi|hu|ro|tr|gr|jp|cn|hk|tw|kr|th|vn|id|my|in|ir|il|ph|za|uk|us|ca|au|me|tv|"
    "example|test"
)
_URL = (
    rf"(?:https?://|www\.)[^\s<>\"“”«»（）()，。、；！？\u0e00-\u0e7f\u2e80-\U000323af]{{1,300}}"
    rf"|(?<![A-Za-z0-9_@.-])(?:[A-Za-z0-9](?:[A-Za-z0-9-]{{0,61}})\.){{1,5}}(?:{_DOMAINS})(?![\w@-]|\.\w)"
    rf"(?:/[A-Za-z0-9/_.~%=&?#-]{{0,200}})?"
)
_MAIL = (
    r"(?<![A-Za-z0-9_.+-])[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}@[A-Za-z0-9-]{1,63}"
    r"(?:\.[A-Za-z0-9-]{1,63}){1,4}"
)


class _Reader:
    """How one language says things; `pattern` finds them and `say` words one, or leaves it."""

    def __init__(self, code: str) -> None:
        self.code = code
        self._data = _cldr(code)
        own = lexicon.UNITS.get(code, {})
        self._units: dict[str, dict[str, str]] = self._data["units"] | {
            symbol: {"other": form} for symbol, form in own.items()
        }
        for symbol in lexicon.NO_UNITS.get(code, "ha mi").split():
            self._units.pop(symbol, None)
        self._short_scales = lexicon.SHORT_SCALES.get(code, {})
        self._names: dict[str, str] = self._data["names"]
        self._longest = max(map(len, self._names))
        self._money = {
            symbol: currency or _KRONER[code]
            for symbol, currency in _SYMBOLS.items()
            if currency or code in _KRONER
        }
        if code in ("zh", "yue"):
            self._money["¥"] = self._money["￥"] = "CNY"
        self._abbreviations = {
            form: (said, key.endswith("#"))
            for key, said in lexicon.ABBREVIATIONS.get(code, {}).items()
            for form in _capitalised(key.removesuffix("#"))
        }
        self._plural = [(key, _rule(rule)) for key, rule in self._data["plural"].items()]
        self._signs = {
            "+": lexicon.PLUS.get(code), "=": lexicon.EQUALS.get(code),
            "×": lexicon.TIMES.get(code),
        }  # fmt: skip
        self._ways: dict[str, Callable[[re.Match[str]], str | None]] = {
            "short": self._short, "century": self._century, "mail": self._address,
            "url": self._address, "iso": self._iso, "numeric": self._numeric,
            "phone": self._phone, "time": self._time, "before": self._cost,
            "after": self._cost, "unit": self._unit, "day": self._day, "number": self._number,
            "range": lambda match: f" {lexicon.TO[code]} ",
            "part": self._part, "bullet": lambda match: "", "silent": lambda match: "",
            "numero": lambda match: f"{lexicon.NUMBER[code]} " if match[0] != "%" else "yüzde ",
            "and": lambda match: lexicon.AND[code], "sign": self._sign, "tag": self._tag,
            "emoji": self._emoji,
        }  # fmt: skip
        self.pattern = self._compile()

    def _compile(self) -> re.Pattern[str]:
        symbols, codes = _any(self._money), _any(self._data["money"])
        words = filter(None, [*lexicon.SCALES.get(self.code, "").split(","), *self._short_scales])
        scale = rf"(?: ?(?:{_any(words)})(?!\w))?"
        months = _any(month for month in self._data["months"] if not month[0].isdigit())
        ways = {
            "mail": _MAIL,
            "url": _URL,
            "iso": rf"(?<!-){_START}[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?![0-9-])",
            "numeric": rf"(?<!/){_START}[0-9]{{1,2}}(?P<mark>[./])[0-9]{{1,2}}(?P=mark)[0-9]{{4}}"
            r"(?![0-9/])",
            "phone": r"(?<![\w+])\+[1-9][0-9]{0,14}(?:[ ./-]?\(?[0-9]{1,10}\)?){1,6}(?!\w)"
            r"|(?<![\w-])(?:\([0-9]{3}\) ?|[0-9]{3}-)[0-9]{3}-[0-9]{4}(?![\w-])",
            "time": rf"(?<!:){_START}(?P<hour>[01]?[0-9]|2[0-4])[:：](?P<minute>[0-5][0-9])"
            r"(?![0-9:])(?P<half> ?(?:[aApP]\.[mM]\.|[aApP][mM]\b))?",
            "before": rf"{_START}(?P<symbol>{symbols}|(?:{codes})(?=[ 0-9]))"
            rf" ?(?P<amount>{_NUM})(?P<scale>{scale})",
            "after": rf"{_START}(?P<amount2>{_NUM})(?P<scale2>{scale}) ?"
            rf"(?P<symbol2>{symbols}|{codes})(?![^\W\u2e80-\U000323af])",
            "unit": rf"{_START}(?P<minus>[-−])?(?P<amount3>{_NUM})(?P<half_of>[½¼¾])?[ -]?"
            rf"(?P<name>{_any(self._units)})(?![^\W\u2e80-\U000323af]|[²³/])",
            "day": rf"(?<![\w.])(?P<date>[0-9]{{1,2}})\.? (?P<month>{months})(?!\w)"
            r"(?P<year>,? [12][0-9]{3}(?![\w%]|[.,][0-9]))?" if months else "(?!)",
            "range": r"(?<=[^\W_])–(?=[0-9])|(?<=[0-9]) [–—] (?=[0-9])",
            "number": rf"{_START}(?P<minus2>[-−])?(?P<digits>{_NUM})(?![0-9])",
            "part": r"[½¼¾⅓⅔²³]",
            "numero": r"№ ?|#(?=[0-9])" + (r"|%(?=[0-9])" if self.code == "tr" else ""),
            "bullet": rf"^[*{_BULLETS}–—·-](?=\s)",
            "silent": rf"[{_BULLETS}]+|(?<![0-9])\*{{1,3}}(?=\S)|(?<=[^\s0-9])\*{{1,3}}",
            "and": r"(?<=\s)&(?=\s)",
            "sign": r" ?(?<=[\s0-9])[+=×](?=[\s0-9]) ?",
            "tag": r"(?<!\w)[#@](?=\w)",
            "emoji": _emoji_run(self._names),
        }  # fmt: skip
        if self.code == "en":
            ways = {"century": _CENTURY} | ways
        if self._abbreviations:
            ways = {"short": rf"(?<![\w.-])(?:{_any(self._abbreviations)})(?!\w)"} | ways
        return re.compile("|".join(f"(?P<{name}>{way})" for name, way in ways.items()))

    def say(self, match: re.Match[str]) -> str | None:
        """What is said for a match of `pattern`; None: as it is written."""
        assert match.lastgroup is not None  # the outermost of the groups
        return self._ways[match.lastgroup](match)

    # Abbreviations, addresses and signs

    def _short(self, match: re.Match[str]) -> str | None:
        said, counted = self._abbreviations[match[0]]
        following = match.string[match.end() : match.end() + 2].lstrip()[:1]
        if counted and not following.isdigit():
            return None
        before = match.string[: match.start()][-2:].rstrip()[-1:]
        if match[0] in ("г.", "р.") and not before.isdigit():  # after a year only
            return None
        if match[0] in ("St.", "p.", "M.", "D.", "G.", "R.") and not following.isupper():
            return "Street" if self.code == "en" and before.isalnum() else None
        ends = match[0].endswith(".") and match.end() == len(match.string)
        return said + "." * ends  # the stop ended the sentence too

    def _address(self, match: re.Match[str]) -> str | None:
        text = match[0].rstrip(".,;:!?)'")
        stop = match[0][len(text) :]
        text = re.sub(r"^https?://", "", text).rstrip("/")
        words = {
            ".": lexicon.DOT, "/": lexicon.SLASH, "-": lexicon.DASH, "@": lexicon.AT,
            "_": lexicon.UNDERSCORE, "+": lexicon.PLUS, "=": lexicon.EQUALS,
        }  # fmt: skip
        told = []
        for part in re.findall(r"[^\W\d_]+|[0-9]+|.", text):
            if part in words:
                told.append(words[part].get(self.code, lexicon.DASH[self.code]))
            elif part.isdigit() and len(part) > 4:
                told.append(" ".join(part))
            else:
                told.append("w w w" if part == "www" else part)
        return " ".join(told) + stop

    def _part(self, match: re.Match[str]) -> str | None:
        said = lexicon.HALVES.get(self.code, {}).get(match[0])
        counted = match.string[: match.start()][-2:].rstrip()[-1:].isdigit()
        if said and counted and match[0] in "½¼¾" and self.code in ("en", "nl"):
            said = f"{lexicon.AND[self.code]} {said}"
        return f" {said}" if said and counted else said

    def _sign(self, match: re.Match[str]) -> str | None:
        said = self._signs.get(match[0].strip())
        return f" {said} " if said else None

    def _tag(self, match: re.Match[str]) -> str | None:
        return f"{lexicon.AT[self.code]} " if match[0] == "@" else ""

    def _emoji(self, match: re.Match[str]) -> str | None:
        told: list[str] = []
        run = re.sub("[\U0001f3fb-\U0001f3ff]", "", match[0]) or match[0]
        index = 0
        while index < len(run):
            for length in range(min(self._longest, len(run) - index), 0, -1):
                if name := self._names.get(run[index : index + length]):
                    break
            else:
                name, length = "", 1
                if not run[index].isspace():
                    name = unicodedata.name(run[index], "").lower()
            if name and (not told or told[-1] != name):  # a row of the same one is said once
                told.append(name)
            index += length
        if not told:
            return None
        comma = "、" if self.code in ("zh", "yue", "ja") else ", "
        said = comma.join(told)
        before = match.string[: match.start()][-2:].rstrip()[-1:]
        after = match.string[match.end() : match.end() + 2].lstrip()[:1]
        if before and before not in ",;:.!?…，。！？、([（":
            said = comma + said
        elif before:
            said = f" {said}"
        return said + comma if after.isalnum() else said

    # Dates and times

    def _iso(self, match: re.Match[str]) -> str | None:
        year, month, day = map(int, match[0].split("-"))
        return self._dated(year, month, day, _word_before(match))

    def _numeric(self, match: re.Match[str]) -> str | None:
        first, second, year = map(int, re.split("[./]", match[0]))
        if match["mark"] == "." and self._data["order"] != "dMy" and self.code != "en":
            return None
        american = self._data["order"] == "Mdy" and match["mark"] == "/"
        month, day = (first, second) if american and first <= 12 else (second, first)
        if month > 12:
            month, day = day, month
        return self._dated(year, month, day, _word_before(match))

    def _dated(self, year: int, month: int, day: int, before: str) -> str | None:
        try:
            date(year, month, day)
        except ValueError:
            return None
        pattern = lexicon.DATES.get(self.code) or self._data["date"]
        fields = {
            "d": self._day_of_month(day, before), "MMMM": self._data["months"][month - 1],
            "M": str(month), "y": self._year(year),
        }  # fmt: skip
        said = re.sub(
            r"'([^']*)'|MMMM|d+\.?|M|y",
            lambda field: (
                field[1]
                if field[1] is not None
                else fields[field[0].rstrip(".").replace("dd", "d")]
            ),
            pattern,
        )
        return said.strip()

    def _day_of_month(self, day: int, before: str) -> str:
        if self.code == "de":
            if before in ("am", "vom", "zum", "beim", "dem", "bis", "ab", "seit", "den"):
                return lexicon.ordinal("de", day) + "n"
            return lexicon.ordinal("de", day) + ("" if before in ("der", "die", "das") else "r")
        if self.code == "en":
            ending = {1: "st", 2: "nd", 3: "rd"}.get(day % 10 if day // 10 != 1 else 0, "th")
            return f"{day}{ending}"
        if day == 1 and self.code in ("fr", "it", "pt", "ro"):
            return {"fr": "premier", "it": "primo", "pt": "primeiro", "ro": "întâi"}[self.code]
        return lexicon.ordinal(self.code, day) or str(day)

    def _year(self, year: int) -> str:
        hundreds, rest = divmod(year, 100)
        if self.code == "en" and (11 <= hundreds <= 19 or (hundreds == 20 and rest >= 10)):
            return f"{hundreds} {_after_hundreds(rest)}"
        if self.code == "de" and 11 <= hundreds <= 19:
            return f"{hundreds} hundert {rest}" if rest else f"{hundreds} hundert"
        return str(year)

    def _century(self, match: re.Match[str]) -> str | None:
        if match["of"] == "00" and match["hundreds"] == "20":
            return None
        if match["hundreds"] == "20" and match["of"] < "10":
            return None
        return f"{match['hundreds']} {_after_hundreds(int(match['of']))}"

    def _day(self, match: re.Match[str]) -> str | None:
        day = int(match["date"])
        if not 1 <= day <= 31:
            return None
        said = self._day_of_month(day, _word_before(match))
        year = match["year"] or ""
        if year:
            year = year[:-4] + self._year(int(year[-4:]))
        return f"{said} {match['month']}{year}"

    def _time(self, match: re.Match[str]) -> str | None:
        hour, minute = int(match["hour"]), int(match["minute"])
        half = (match["half"] or "").strip().replace(".", "").upper()
        with_minutes, _, full = lexicon.CLOCK[self.code].partition(";")
        if self.code == "en":
            told = f"{hour} {minute}" if minute > 9 else f"{hour} oh {minute}"
            if not minute:
                told = f"{hour} o'clock" if hour <= 12 and not half else str(hour)
                told = f"{hour} hundred" if hour > 12 else told
            stop = "." if half and match[0][-1] == "." and match.end() == len(match.string) else ""
            return f"{told} {' '.join(half)}".strip() + stop
        following = match.string[match.end() : match.end() + 5].lstrip()
        minutes = str(minute)
        if minute < 10 and self.code in ("zh", "yue"):
            minutes = f"零{minute}"
        if minute < 10 and self.code in ("ru", "uk", "pl", "sv", "da", "nb", "nn", "fi"):
            minutes = f"0 {minute}"
        said = (with_minutes if minute else full).format(h=hour, m=minutes)
        if self.code == "de" and following.startswith("Uhr"):
            said = f"{hour} {minute}" if minute else str(hour)
        if self.code == "nl" and following.startswith("uur"):
            said = f"{hour} {minute}" if minute else str(hour)
        return said + (match["half"] or "")

    # Numbers

    def _phone(self, match: re.Match[str]) -> str | None:
        groups = re.findall(r"[0-9]+", match[0])
        if sum(map(len, groups)) < 7:
            return None
        said = ", ".join(" ".join(group) for group in groups)
        return f"{lexicon.PLUS[self.code]} {said}" if match[0][0] == "+" else said

    def _parse(self, written: str) -> tuple[str, str] | None:
        """Whole and decimals of a number, as digits; None when it is no number."""
        group = self._data["group"]
        digits = re.split(r"[^0-9]", written)
        marks = re.findall(r"[^0-9]", written)
        if not marks:
            return written, ""
        grouped = all(len(part) == 3 for part in digits[1:]) and len(digits[0]) <= 3
        indian = self.code in ("hi", "ta", "en") and len(digits[-1]) == 3
        indian = indian and all(len(part) == 2 for part in digits[1:-1])
        if len(set(marks)) == 1:
            mark = marks[0]
            spaced = mark in " \u00a0" and group in " \u00a0\u202f"
            usual = mark == group or spaced or mark in "'’٬" or (len(marks) > 1 and mark in ".,")
            if usual and (grouped or indian) and digits[0] != "0":
                return "".join(digits), ""
            if len(marks) == 1 and mark in ".,٫":
                return digits[0], digits[1]
            return None
        hundreds = all(len(part) == 3 for part in digits[1:-1]) or self.code in ("hi", "en", "ta")
        if hundreds and len(set(marks[:-1])) == 1 and marks[-1] in ".,٫":
            return "".join(digits[:-1]), digits[-1]
        return None

    def _figure(self, whole: str, decimals: str) -> str:
        return f"{whole}{self._data['decimal']}{decimals}" if decimals else whole

    def _number(self, match: re.Match[str]) -> str | None:
        parsed = self._parse(match["digits"])
        if parsed is None or match["digits"].isdecimal():
            if not match["minus2"] or not self._negative(match):
                return None
            return f"{_MINUS.get(self.code, 'minus')} {match['digits']}"
        minus = f"{_MINUS.get(self.code, 'minus')} " if self._negative(match) else match["minus2"]
        if "." in match["digits"] and not parsed[1] and self._data["group"] != ".":
            return None  # parts of a version or an outline
        return (minus or "") + self._figure(*parsed)

    def _negative(self, match: re.Match[str]) -> bool:
        sign = match["minus"] or match["minus2"]
        before = match.string[: match.start()][-1:]
        return bool(sign) and (sign == "−" or not before or before[-1] in " (")

    def _form(self, forms: dict[str, str], whole: str, decimals: str) -> str:
        for category, applies in self._plural:
            if category in forms and applies(whole, decimals):
                return forms[category]
        return forms["other"]

    def _unit(self, match: re.Match[str]) -> str | None:
        parsed = self._parse(match["amount3"])
        name = match["name"]
        half = lexicon.HALVES.get(self.code, {}).get(match["half_of"] or "")
        if match["half_of"] and not half:
            return None
        if parsed is None or (len(name) == 1 and name.isalpha() and name.islower()
                              and match[0][-2] not in " 0123456789"):  # fmt: skip
            return None
        forms = self._units[name]
        form = self._form(forms, *parsed) if "other" in forms else forms.get("one", "{0}")
        if match[0][-len(name) - 1] == "-" and self.code == "en":
            form = forms.get("one", form)
        figure = self._figure(*parsed)
        if half:
            form = forms.get("other", form)
            joined = f"{lexicon.AND[self.code]} " if self.code in ("en", "nl") else ""
            figure = f"{figure} {joined}{half}"
        said = form.replace("{0}", figure)  # not in "an hour" of some languages
        if self.code in _NO_SPACES:
            said = said.replace(" ", "")
        minus = _MINUS.get(self.code, "minus") + " " if self._negative(match) else ""
        if match["minus"] and not minus:
            minus = match["minus"]
        return minus + said

    def _cost(self, match: re.Match[str]) -> str | None:
        symbol = match["symbol"] or match["symbol2"]
        parsed = self._parse(match["amount"] or match["amount2"])
        currency = self._money.get(symbol, symbol)
        coins = lexicon.COINS.get(self.code, {})
        sign = symbol if symbol in self._money else _BY_WORD.get(currency, "")
        if currency == "CNY" and sign == "¥" and self.code not in ("zh", "yue"):
            sign = ""
        names = coins.get(sign) if symbol in self._money or sign == "$" else None
        names = names or self._data["money"].get(currency)
        if parsed is None or not names:
            return None
        whole, decimals = parsed
        scale = (match["scale"] or match["scale2"] or "").strip()
        pattern = "{0}{1}" if self.code in ("zh", "yue", "ja", "th") else "{0} {1}"
        if scale:
            one, few, many = (self._short_scales.get(scale, scale).split("|") * 3)[:3]
            scale = self._form({"one": one, "few": few, "other": many}, whole, decimals)
            name = names.get("many", names["other"])
            of = lexicon.OF.get(self.code, "") if scale != "mil" else ""
            if of:
                name = f"d'{name}" if self.code == "fr" and name[0] in "ae" else f"{of} {name}"
            return pattern.format(pattern.format(self._figure(whole, decimals), scale), name)
        cents = lexicon.CENTS.get(self.code, {}).get(sign) if len(decimals) == 2 else None
        if len(decimals) == 2 and int(decimals) == 0:
            decimals, cents = "", None
        elif cents:
            number = int(decimals)
            small = f"{number} {cents[number != 1]}"
            if not int(whole):
                return small
            said = pattern.format(whole, self._form(names, whole, ""))
            joined = f" {lexicon.AND[self.code]} " if self.code in ("en", "es", "it", "pt") else " "
            return said + joined + small
        figure = self._figure(whole, decimals)
        return pattern.format(figure, self._form(names, whole, decimals))


_MINUS = {
    "es": "menos", "it": "meno", "pt": "menos", "fr": "moins", "nl": "min",
    "ca": "menys",
    "ru": "минус", "uk": "мінус", "bg": "минус", "cs": "minus", "tr": "eksi", "el": "μείον",
    "vi": "âm",
    "zh": "负", "yue": "負", "ja": "マイナス", "ko": "마이너스", "th": "ลบ", "hi": "माइनस",
    "ta": "மைனஸ்", "ar": "ناقص", "fa": "منفی", "he": "מינוס", "fi": "miinus", "hu": "mínusz",
    "sk": "mínus",
}  # fmt: skip

_CENTURY = (
    r"(?:(?<=\b[IiBbOo][nyf] )|(?<=[Ss]ince )|(?<=[Uu]ntil )|(?<=[Ff]rom )|(?<=[Yy]ear ))"
    r"(?P<hundreds>1[1-9]|20)(?P<of>[0-9]{2})(?!\w|%| ?[%€$£]|[.,:][0-9])"
)


def _capitalised(word: str) -> set[str]:
    """The word, and as a sentence begins with it; one as short as "ok." is another then."""
    return {word, word[0].upper() + word[1:]} if len(word) > 3 else {word}


def _word_before(match: re.Match[str]) -> str:
    return match.string[: match.start()][-20:].rstrip().rpartition(" ")[2].lower()


def _after_hundreds(rest: int) -> str:
    return "hundred" if rest == 0 else f"oh {rest}" if rest < 10 else str(rest)


def _any(words: Any) -> str:
    return "|".join(map(re.escape, sorted(words, key=len, reverse=True))) or "(?!)"


def _emoji_run(names: dict[str, str]) -> str:
    characters = sorted({key[0] for key in names} - set("½¼¾⅓⅔²³№×°" + _BULLETS))
    ranges = "".join(map(re.escape, characters)) + "\U0001f300-\U0001faff"
    return rf" ?[{ranges}][{ranges}\u2640\u2642\u20e3\U000e0020-\U000e007f ]{{0,200}}"


def _rule(rule: str) -> Callable[[str, str], bool]:
    """A plural rule of UTS #35, as Babel writes it, as a function of the digits of a number."""
    alternatives = [
        [
            re.fullmatch(r"([nivfte]) (?:mod ([0-9]+) )?(not )?in ([0-9.,]+)", each.strip())
            for each in part.split(" and ")
        ]
        for part in rule.split(" or ")
    ]

    def applies(whole: str, decimals: str) -> bool:
        fraction = decimals.rstrip("0")
        operands = {
            "i": int(whole), "v": len(decimals), "f": int(decimals or 0), "t": int(fraction or 0),
            "e": 0, "n": -1 if fraction else int(whole),
        }  # fmt: skip
        return any(all(each and _holds(each, operands) for each in part) for part in alternatives)

    return applies


def _holds(relation: re.Match[str], operands: dict[str, int]) -> bool:
    name, modulus, negated, ranges = relation.groups()
    value = operands[name]
    if modulus and value >= 0:
        value %= int(modulus)
    within = False
    for each in ranges.split(","):
        low, _, high = each.partition("..")
        within = within or int(low) <= value <= int(high or low)
    return within != bool(negated)


@cache
def _reader(code: str) -> _Reader:
    return _Reader(code)


def _cldr(code: str) -> dict[str, Any]:
    packed = files(__package__).joinpath("cldr", f"{code}.xz").read_bytes()
    data: dict[str, Any] = json.loads(lzma.decompress(packed))
    return data
