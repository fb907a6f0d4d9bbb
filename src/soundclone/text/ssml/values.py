"""Values of the attributes of SSML elements."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace

from ...errors import InvalidParameter
from .. import ipa
from ..languages import lookup
from .marked import PLAIN, Style

_LONGEST_PAUSE = 99.99  # seconds, of one pause marker
_SLOWEST, _FASTEST = 0.5, 2.0
_MOST_SEMITONES = 12
_QUIETEST, _LOUDEST = -60.0, 12.0  # dB

_RATES = {"x-slow": 0.6, "slow": 0.8, "medium": 1.0, "fast": 1.25, "x-fast": 1.6, "default": 1.0}
_PITCHES = {"x-low": -6, "low": -3, "medium": 0, "high": 3, "x-high": 6, "default": 0}
_VOLUMES = {"silent": -60, "x-soft": -12, "soft": -6, "medium": 0, "loud": 4, "x-loud": 8}
_VOLUMES |= {"default": 0}
_BREAKS = {"none": 0.0, "x-weak": 0.1, "weak": 0.25, "medium": 0.5, "strong": 0.75, "x-strong": 1.2}
_SPELLED = {"characters", "spell-out", "verbatim", "digits", "telephone"}
_READ = {"cardinal", "number", "currency", "date", "duration", "fraction", "name", "ordinal"}
_READ |= {"time", "unit", "address"}
_DATE_ORDERS = ("dmy", "mdy", "ymd")
_EMPHASIS = {
    "strong": Style(speed=0.88, pitch=1, gain=2.5),
    "moderate": Style(speed=0.94, pitch=1, gain=1.5),
    "reduced": Style(speed=1.06, gain=-2.0),
    "none": PLAIN,
}
_REPLACED = {"sub": "alias", "say-as": "interpret-as"}  # attributes that the elements need


class Unfit(Exception):
    """A value that is not supported. The text says why, and what would be right."""


def pause(given: Mapping[str, str]) -> float:
    """Return the seconds of `break`. Raises Unfit."""
    seconds = _BREAKS["medium"]
    if strength := given.get("strength"):
        if strength not in _BREAKS:
            raise Unfit(f"strength is {strength[:30]!r}; use {', '.join(_BREAKS)}")
        seconds = _BREAKS[strength]
    if time := given.get("time"):
        found = re.fullmatch(r"\+?([0-9]{1,7}(?:\.[0-9]{1,6})?)(ms|s)", time.strip())
        seconds = float(found[1]) / (1000 if found[2] == "ms" else 1) if found else math.inf
        if seconds > _LONGEST_PAUSE:
            raise Unfit(
                f"time is {time[:30]!r}; give seconds or milliseconds, such as 1.5s or 500ms, "
                f"at most {_LONGEST_PAUSE} s"
            )
    return seconds


def emphasised(style: Style, given: Mapping[str, str]) -> Style:
    """Return a style with the changes of `emphasis`. Raises Unfit."""
    level = given.get("level", "moderate")
    if level not in _EMPHASIS:
        raise Unfit(f"level is {level[:30]!r}; use {', '.join(_EMPHASIS)}")
    change = _EMPHASIS[level]
    return _changed(style, change.speed, change.pitch, change.gain)


def changed(style: Style, given: Mapping[str, str]) -> Style:
    """Return a style with the changes of `prosody`. Raises Unfit."""
    speed = _rate(given["rate"]) if "rate" in given else 1.0
    pitch = _semitones(given["pitch"]) if "pitch" in given else 0.0
    gain = _decibels(given["volume"]) if "volume" in given else 0.0
    return _changed(style, speed, pitch, gain)


def _changed(style: Style, speed: float, pitch: float, gain: float) -> Style:
    """Add changes to the style of the surrounding elements, within the limits."""
    return replace(
        style,
        speed=min(max(style.speed * speed, _SLOWEST), _FASTEST),
        pitch=round(min(max(style.pitch + pitch, -_MOST_SEMITONES), _MOST_SEMITONES)),
        gain=min(max(style.gain + gain, _QUIETEST), _LOUDEST),
    )


def _rate(value: str) -> float:
    if value in _RATES:
        return _RATES[value]
    found = re.fullmatch(r"([+-]?)([0-9]{1,4}(?:\.[0-9]{1,4})?)(%?)", value.strip())
    rate = math.nan
    if found:
        rate = float(found[2]) / (100 if found[3] else 1)
        if found[1]:
            rate = 1 + rate if found[1] == "+" else 1 - rate
    if not _SLOWEST <= rate <= _FASTEST:
        raise Unfit(
            f"rate is {value[:30]!r}; use {', '.join(_RATES)}, a factor or a percentage, from "
            f"{_SLOWEST} to {_FASTEST:g} times, such as 80% or +20%"
        )
    return rate


def _semitones(value: str) -> float:
    if value in _PITCHES:
        return _PITCHES[value]
    found = re.fullmatch(r"([+-][0-9]{1,4}(?:\.[0-9]{1,4})?)(st|%)", value.strip())
    semitones = math.nan
    if found and found[2] == "st":
        semitones = float(found[1])
    elif found and float(found[1]) > -100:
        semitones = 12 * math.log2(1 + float(found[1]) / 100)
    if not abs(semitones) <= _MOST_SEMITONES:
        raise Unfit(
            f"pitch is {value[:30]!r}; use {', '.join(_PITCHES)}, semitones or a percentage, "
            f"at most {_MOST_SEMITONES} semitones, such as +2st or -10%"
        )
    return semitones


def _decibels(value: str) -> float:
    if value in _VOLUMES:
        return _VOLUMES[value]
    found = re.fullmatch(r"([+-][0-9]{1,3}(?:\.[0-9]{1,4})?)dB", value.strip())
    gain = float(found[1]) if found else math.nan
    if not _QUIETEST <= gain <= _LOUDEST:
        raise Unfit(
            f"volume is {value[:30]!r}; use {', '.join(_VOLUMES)}, or decibels from "
            f"{_QUIETEST:g} to {_LOUDEST:g}, such as +6dB"
        )
    return gain


def check_replaced(name: str, given: Mapping[str, str]) -> None:
    """Check the attributes of `sub` and `say-as`. Raises Unfit."""
    needed = _REPLACED[name]
    if not given.get(needed, "").strip():
        raise Unfit(f"<{name}> lacks {needed}")
    kind = given.get("interpret-as")
    if kind is not None and kind not in _SPELLED | _READ:
        known = ", ".join(sorted(_SPELLED | _READ))
        raise Unfit(f"interpret-as is {kind[:30]!r}; use {known}")


def check_phoneme(given: Mapping[str, str]) -> None:
    """Check the attributes of `phoneme`. Raises Unfit."""
    alphabet = given.get("alphabet", "none")
    if alphabet != "ipa":
        raise Unfit(
            f"alphabet is {alphabet[:30]!r}; it must be 'ipa', with ph in the International "
            "Phonetic Alphabet, such as ph='pɪˈkɑːn'"
        )
    if reason := ipa.fault(given.get("ph", "")):
        raise Unfit(f"ph is {given.get('ph', '')[:60]!r}: {reason}")


def check_sounded(written: str) -> None:
    """Check the text of `phoneme`. Raises Unfit."""
    if not any(map(str.isalnum, written)) or len(written) > ipa.LONGEST or "<#" in written:
        raise Unfit(
            f"the text of <phoneme> is {written[:60]!r}; it must be the word as it is "
            f"written, with at most {ipa.LONGEST} characters"
        )


def said_as(written: str, given: Mapping[str, str]) -> str:
    """Return the text to speak in place of the text of `say-as`. Raises Unfit."""
    kind = given["interpret-as"]
    if kind in _SPELLED:
        return ", ".join(character for character in written if character.isalnum())
    if kind == "date":
        return _date(written, given.get("format"))
    return written


def _date(written: str, order: str | None) -> str:
    """Return a date of three numbers in the form of ISO 8601, other dates unchanged."""
    numbers = re.fullmatch(r"([0-9]{1,4})[-/. ]([0-9]{1,2})[-/. ]([0-9]{1,4})", written)
    if order is None or numbers is None:
        return written
    if order not in _DATE_ORDERS:
        raise Unfit(f"format is {order[:30]!r}; use {', '.join(_DATE_ORDERS)}")
    found = dict(zip(order, numbers.groups(), strict=True))
    return f"{found['y']:0>4}-{found['m']:0>2}-{found['d']:0>2}"


def language(tag: str, version: str) -> str:
    """Return the name of the language of a tag. Raises Unfit."""
    try:
        return lookup(tag, version).name
    except InvalidParameter as error:
        raise Unfit(error.message) from None


def voice(given: Mapping[str, str]) -> str:
    """Return the name of `voice`. Raises Unfit."""
    name = " ".join(given.get("name", "").split())
    if not name:
        raise Unfit("<voice> lacks name: the name or the id of one of your voices")
    return name
