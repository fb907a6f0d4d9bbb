"""Read a language's file, and say what is wrong with it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import NoneType
from typing import get_args, get_origin, get_type_hints

from .schema import DATE_STYLES, VERSIONS, Language
from .scripts import LETTERS, SCRIPTS

_CODE = re.compile("[a-z]{2,3}")
_CATEGORIES = ("zero", "one", "two", "few", "many", "other")


class InvalidLanguage(ValueError):
    """A language's file that cannot be used: names the file, the key, and what would be right."""


_Read = Callable[[object, str], object]


@dataclass(frozen=True)
class _Key:
    name: str  # in the file
    attribute: str
    read: _Read
    required: bool


def load(path: Path) -> Language:
    """Read the file of one language.

    Raises:
        InvalidLanguage: the file is not TOML, lacks a key, has an unknown one, or a key's value
            has the wrong type or breaks a rule.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidLanguage(f"{path.name}: not a TOML file: {error}") from error
    try:
        language = _reader(Language)(table, "")
        assert isinstance(language, Language)
        _check(language, path)
    except InvalidLanguage as error:
        raise InvalidLanguage(f"{path.name}: {error}") from None
    return language


@cache
def _keys(cls: type) -> tuple[_Key, ...]:
    hints = get_type_hints(cls)
    return tuple(
        _Key(
            name=field.metadata.get("key", field.name),
            attribute=field.name,
            read=_reader(hints[field.name]),
            required=field.default is MISSING and field.default_factory is MISSING,
        )
        for field in fields(cls)
    )


@cache
def _reader(kind: object) -> _Read:
    """Return a function that checks a value of a file, named by its key, and converts it."""
    if is_dataclass(kind):
        assert isinstance(kind, type)
        return lambda value, key: _table(kind, value, key)
    arguments = get_args(kind)
    if NoneType in arguments:
        return _reader(arguments[0])
    if get_origin(kind) is tuple:
        return lambda value, key: _list(_reader(arguments[0]), value, key)
    if get_origin(kind) is Mapping:
        return lambda value, key: _mapping(_reader(arguments[1]), value, key)
    expected = {str: "a string", bool: "true or false", int: "a whole number", float: "a number"}
    assert isinstance(kind, type)
    accepted = (int, float) if kind is float else (kind,)

    def scalar(value: object, key: str) -> object:
        if not isinstance(value, accepted) or (kind is not bool and isinstance(value, bool)):
            raise InvalidLanguage(f"{key} is {value!r:.60}; it must be {expected[kind]}")
        return float(value) if kind is float and isinstance(value, int) else value

    return scalar


def _table(cls: type, value: object, key: str) -> object:
    if not isinstance(value, dict):
        raise InvalidLanguage(f"{key} is {value!r:.60}; it must be a table")
    prefix = f"{key}." if key else ""
    keys = _keys(cls)
    if unknown := value.keys() - {known.name for known in keys}:
        raise InvalidLanguage(
            f"{prefix}{min(unknown)} is not known; {key or 'the file'} may have "
            f"{', '.join(known.name for known in keys)}"
        )
    found = {}
    for known in keys:
        if known.name in value:
            found[known.attribute] = known.read(value[known.name], prefix + known.name)
        elif known.required:
            raise InvalidLanguage(f"{prefix}{known.name} is missing; every language must have it")
    return cls(**found)


def _list(read: _Read, value: object, key: str) -> tuple[object, ...]:
    if not isinstance(value, list):
        raise InvalidLanguage(f"{key} is {value!r:.60}; it must be a list")
    return tuple(read(item, f"{key}[{index}]") for index, item in enumerate(value))


def _mapping(read: _Read, value: object, key: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise InvalidLanguage(f"{key} is {value!r:.60}; it must be a table")
    return {name: read(item, f"{key}.{name}") for name, item in value.items()}


def _check(language: Language, path: Path) -> None:
    """Check the rules that types do not express. Raises InvalidLanguage at the first one broken."""

    def require(holds: object, key: str, value: object, rule: str) -> None:
        if not holds:
            raise InvalidLanguage(f"{key} is {value!r:.60}; it must be {rule}")

    code = language.code
    require(_CODE.fullmatch(code), "code", code, "a BCP 47 language code of 2 or 3 small letters")
    require(path.stem == code, "code", code, f"the file's name, {path.stem!r}")
    require(language.version in VERSIONS, "version", language.version, " or ".join(VERSIONS))
    require(language.script in SCRIPTS, "script", language.script, f"one of {_listed(SCRIPTS)}")
    require(language.name.strip(), "name", language.name, "the language's name in the API")
    require(language.preview.strip(), "preview", language.preview, "a text of one or two sentences")
    for studio in ("en", "zh"):
        name = language.display.get(studio, "")
        require(name.strip(), f"display.{studio}", name, "the language's name in the studio")
    for script in language.default_for:
        require(script in LETTERS, "default_for", script, f"one of {_listed(LETTERS)}")
    for key, pattern in (("hour", language.clock.hour), ("minutes", language.clock.minutes)):
        places = {"{h}", "{m}"} if key == "minutes" else {"{h}"}
        require(
            set(re.findall(r"\{.*?\}", pattern)) == places,
            f"clock.{key}", pattern, f"a text with {_listed(places)}",
        )  # fmt: skip
    require("{m}" in language.clock.below_ten, "clock.below_ten", language.clock.below_ten,
            "a text with {m}")  # fmt: skip
    style = language.dates.style
    require(style in DATE_STYLES, "dates.style", style, f"one of {_listed(DATE_STYLES[1:])}")
    days = language.dates.days
    require(len(days) in (0, 31), "dates.days", f"{len(days)} words", "31 words, or none")
    for symbol, pattern in language.units.items():
        require("{0}" in pattern, f"units.{symbol}", pattern, "a text with {0} for the number")
    for symbol, forms in language.money.names.items():
        require("other" in forms, f"money.names.{symbol}", forms, "a table with the key other")
        unknown = forms.keys() - set(_CATEGORIES)
        require(not unknown, f"money.names.{symbol}", min(unknown, default=""),
                f"one of {_listed(_CATEGORIES)}")  # fmt: skip
    for symbol, words in language.money.cents.items():
        require(len(words) == 2, f"money.cents.{symbol}", words, "a list of singular and plural")
    for short, scale in language.scales.short.items():
        require(len(scale) in (1, 3), f"scales.short.{short}", scale,
                "a list of one word, or of three for one, few and many")  # fmt: skip
    speech = language.speech
    require(0 <= speech.final_fall <= 2, "speech.final_fall", speech.final_fall,
            "a share from 0 to 2")  # fmt: skip
    require(-2 <= speech.declination <= 2, "speech.declination", speech.declination,
            "semitones a second from -2 to 2")  # fmt: skip
    prosody = speech.prosody
    if prosody is not None:
        require(len(prosody.f0) == 2, "speech.prosody.f0", prosody.f0, "a list of two numbers")
        require(len(prosody.level) == 2, "speech.prosody.level", prosody.level,
                "a list of two numbers")  # fmt: skip
    try:
        re.compile(language.detection.letters)
    except re.error as error:
        raise InvalidLanguage(f"detection.letters is no regular expression: {error}") from None
    cldr = path.parents[1] / "cldr" / f"{code}.xz"
    if not cldr.exists():
        raise InvalidLanguage(f"cldr/{cldr.name} is missing; write it with training/cldr.py")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names) if isinstance(names, (set, frozenset)) else names)
