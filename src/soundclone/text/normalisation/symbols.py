"""Verbalise abbreviations, URLs, e-mail addresses, emoji, #tags and @names; drop bullets."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping

from ..languages.schema import Language
from .cldr import Cldr
from .rules import BULLETS, Rule, after, any_of, before

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
_LONGEST_NUMBER = 4  # digits in an address that are read as one number
_SKIN_TONE = re.compile("[\U0001f3fb-\U0001f3ff]")


class Symbols:
    """Rules for symbols and abbreviations without digits."""

    def __init__(self, language: Language, cldr: Cldr) -> None:
        self._words, self._names = language.words, cldr.names
        self._longest = max(map(len, self._names))  # name of an emoji
        groups = language.abbreviations
        self._always = _with_capitals(groups.always)
        self._before_number = _with_capitals(groups.before_number)
        self._after_number, self._before_name = groups.after_number, groups.before_name
        self._after_name = groups.after_name
        words = language.words
        self._address_words = {
            ".": words.dot, "/": words.slash, "-": words.dash, "@": words.at,
            "_": words.underscore or words.dash, "+": words.plus, "=": words.equals,
        }  # fmt: skip

    def rules(self) -> Iterator[Rule]:
        """Return the rules of this subject."""
        groups = (self._always, self._before_number, self._after_number, self._before_name)
        abbreviations = any_of(dict.fromkeys(form for group in groups for form in group))
        yield Rule("abbreviation", rf"(?<![\w.-])(?:{abbreviations})(?!\w)", self._abbreviation)
        yield Rule("mail", _MAIL, self._address)
        yield Rule("url", _URL, self._address)
        yield Rule("bullet", rf"^[*{BULLETS}–—·-](?=\s)", _silent)
        marks = r"(?<![0-9])\*{1,3}(?=\S)|(?<=[^\s0-9])\*{1,3}"
        yield Rule("silent", rf"[{BULLETS}]+|{marks}", _silent)
        yield Rule("ampersand", r"(?<=\s)&(?=\s)", self._ampersand)
        yield Rule("tag", r"(?<!\w)[#@](?=\w)", self._tag)
        yield Rule("emoji", _run_of(self._names), self._emoji)

    def _abbreviation(self, match: re.Match[str]) -> str | None:
        form = match[0]
        words = self._always.get(form)
        if words is None and after(match).isdigit():
            words = self._before_number.get(form)
        if words is None and before(match).isdigit():
            words = self._after_number.get(form)
        if words is None and form in self._before_name:
            if not after(match).isupper():
                return self._after_name.get(form) if before(match).isalnum() else None
            words = self._before_name[form]
        if words is None:
            return None
        # The last full stop of a text ends its last sentence too.
        return words + "." if form.endswith(".") and match.end() == len(match.string) else words

    def _address(self, match: re.Match[str]) -> str:
        text = match[0].rstrip(".,;:!?)'")
        stop = match[0][len(text) :]
        text = re.sub(r"^https?://", "", text).rstrip("/")
        words = []
        for part in re.findall(r"[^\W\d_]+|[0-9]+|.", text):
            if part in self._address_words:
                words.append(self._address_words[part])
            elif part.isdigit() and len(part) > _LONGEST_NUMBER:
                words.append(" ".join(part))
            else:
                words.append("w w w" if part == "www" else part)
        return " ".join(words) + stop

    def _ampersand(self, match: re.Match[str]) -> str:
        return self._words.and_

    def _tag(self, match: re.Match[str]) -> str:
        return f"{self._words.at} " if match[0] == "@" else ""

    def _emoji(self, match: re.Match[str]) -> str | None:
        names = _without_repetition(self._names_in(_SKIN_TONE.sub("", match[0]) or match[0]))
        if not names:
            return None
        comma = self._words.comma
        words = comma.join(names)
        previous = before(match)
        if previous and previous not in ",;:.!?…，。！？、([（":
            words = comma + words
        elif previous:
            words = f" {words}"
        return words + comma if after(match).isalnum() else words

    def _names_in(self, run: str) -> Iterator[str]:
        """Return the names of the emoji in a run of them, the longest sequences first."""
        index = 0
        while index < len(run):
            for length in range(min(self._longest, len(run) - index), 0, -1):
                if name := self._names.get(run[index : index + length]):
                    break
            else:
                length = 1
                name = "" if run[index].isspace() else unicodedata.name(run[index], "").lower()
            if name:
                yield name
            index += length


def _silent(match: re.Match[str]) -> str:
    return ""


def _without_repetition(names: Iterable[str]) -> list[str]:
    found: list[str] = []
    for name in names:
        if not found or found[-1] != name:
            found.append(name)
    return found


def _with_capitals(words: Mapping[str, str]) -> dict[str, str]:
    """Add the forms that begin a sentence. One as short as "ok." is a different word then."""
    return {
        form: expansion
        for word, expansion in words.items()
        for form in ({word, word[0].upper() + word[1:]} if len(word) > 3 else {word})
    }


def _run_of(names: Iterable[str]) -> str:
    """Return a pattern of emoji in a row. Characters with a rule of their own are left out."""
    characters = sorted({name[0] for name in names} - set("½¼¾⅓⅔²³№×°" + BULLETS))
    ranges = "".join(map(re.escape, characters)) + "\U0001f300-\U0001faff"
    return rf" ?[{ranges}][{ranges}\u2640\u2642\u20e3\U000e0020-\U000e007f ]{{0,200}}"
