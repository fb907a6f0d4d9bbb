"""Hebrew: pronounce listed words, read pointed words exactly, guess the vowels of others.

A text without points lacks most vowels. Words of `hebrew_words` are known, also behind the
prefixes ו ה ב כ ל מ ש. In other words ו and י are vowels between consonants, and final ה and א are
a. Consonants in between get the vowels of the most common patterns. That is a guess, and often
wrong. A text with points (ניקוד) is read exactly. The sounds are those of modern Israeli Hebrew
(O. R. Schwarzwald, Modern Hebrew, 2001). espeak-ng receives phonemes, and reads numbers and Latin
itself.
"""

from __future__ import annotations

import re
import unicodedata

from . import PHONEMES, Reading, respelled, word_list
from .hebrew_words import WORDS

_WORD = re.compile("[\u05d0-\u05ea][\u05d0-\u05ea\u0591-\u05c7'\u05f3\u05f4\"]*")
_POINTS = re.compile("[\u05b0-\u05bc\u05c1\u05c2\u05c7]")

_MNEMONICS = {"y": "j", "c": "ts", "'": "?", "C": "tS", "j": "dZ"}
_ACCENTED = {"á": "a", "é": "e", "í": "i", "ó": "o", "ú": "u"}
_VOWELS = frozenset("aeiou")

_LETTERS = dict(zip("אבגדהוזחטיךכלםמןנסעףפץצקרשת", "'vgdhvzXtyXXlmmnns'ffcckrSt", strict=True))
_HARD = {"ב": "b", "כ": "k", "ך": "k", "פ": "p", "ף": "p"}
_MARKED = {"ג": "j", "צ": "C", "ץ": "C", "ז": "Z", "ת": "t", "ח": "X"}  # with a geresh
_VOWEL_POINTS = {
    "\u05b0": "", "\u05b1": "e", "\u05b2": "a", "\u05b3": "o", "\u05b4": "i", "\u05b5": "e",
    "\u05b6": "e", "\u05b7": "a", "\u05b8": "a", "\u05b9": "o", "\u05ba": "o", "\u05bb": "u",
    "\u05c7": "o",
}  # fmt: skip
_DAGESH, _SHIN, _SIN, _SCHWA = "\u05bc", "\u05c1", "\u05c2", "\u05b0"

_PREFIXES = {
    "וה": "veha", "שה": "Seha", "מה": "meha", "כשה": "kSeha", "כש": "kSe", "וב": "uva",
    "ול": "vela", "ומ": "umi", "וש": "veSe", "שב": "Seba", "של": "Sela", "ו": "ve", "ה": "ha",
    "ב": "be", "ל": "le", "כ": "ke", "מ": "mi", "ש": "Se",
}  # fmt: skip
_BEGINNINGS = (
    ("להת", "lehit"), ("הת", "hit"), ("מת", "mit"), ("ית", "yit"),
    ("להשת", "lehiSt"), ("השת", "hiSt"), ("משת", "miSt"), ("להצט", "lehict"), ("הצט", "hict"),
)  # fmt: skip
_ENDINGS = (
    ("יים", "áyim"), ("ים", "im"), ("ות", "ot"), ("ית", "it"), ("יות", "iyot"), ("יה", "ya"),
    ("תי", "ti"), ("נו", "nu"), ("ון", "on"),
)  # fmt: skip


def read(text: str) -> Reading:
    """Return phonemes of the Hebrew words, and the rest as written."""
    return respelled(text, _WORD, lambda word: _mnemonics(pronounced(word)), PHONEMES)


def pronounced(word: str) -> str:
    """Return the pronunciation of a word, in the letters of `hebrew_words`: "שלום" -> "Salom"."""
    if _POINTS.search(word):
        return _pointed(unicodedata.normalize("NFD", word))
    word = re.sub("[\u0591-\u05af\u05bd-\u05c0\u05c3-\u05c6]", "", word)
    if re.search('["\u05f4]', word.strip('"\u05f4')):  # an acronym: צה"ל
        return _acronym(re.sub("[^\u05d0-\u05ea]", "", word))
    word = word.strip("\"'\u05f4")
    return _known(word) or _guessed(word)


def _known(word: str) -> str:
    words = word_list(WORDS)
    if word in words:
        return words[word]
    for length in (3, 2, 1):
        prefix, rest = word[:length], word[length:]
        if prefix in _PREFIXES and rest in words and len(rest) > 1:
            said = words[rest]
            before = _PREFIXES[prefix]
            if prefix == "ו" and rest[0] in "במפו":
                before = "u"
            return before + ("'" if said[0] in _VOWELS or said[0] in _ACCENTED else "") + said
    return ""


def _guessed(word: str) -> str:
    if word.startswith(tuple(beginning for beginning, _ in _BEGINNINGS)):
        return _stem(word)
    for length in (2, 1):
        prefix = word[:length]
        if prefix in ("וה", "שה", "ה", "ו") and len(word) - length >= 4:
            return _PREFIXES[prefix] + _stem(word[length:])
    return _stem(word)


def _stem(word: str) -> str:
    """Guess the vowels of a word from its vowel letters and the pattern of its consonants."""
    for beginning, said in _BEGINNINGS:
        if word.startswith(beginning) and len(word) - len(beginning) >= 3:
            rest = _stem(word.removeprefix(beginning))
            rest = rest[:-2] + "ut" if rest.endswith("ot") else rest
            return said + (rest if rest[1:2] in _VOWELS else rest[0] + "a" + rest[1:])
    if re.fullmatch("ל[^אוהיע]{4}", word):  # to do something: לפרסם lefarsem
        a, b, c, d = _skeleton("א" + word[1:])[1:]
        return f"le{a}a{b}{c}e{d}"
    if re.fullmatch("ל[^אוהי]{2}ו[^אוהי]", word):  # לכתוב liXtov
        a, b, o, c = _skeleton("א" + word[1:])[1:]
        return f"li{a}{b}{o}{c}"
    if re.fullmatch(".{2,}[^אוהיע][^אוהי]ת", word):  # -éCet
        *before, last, _ = _skeleton(word)
        return _filled(before, True) + f"é{last}et"
    for ending, said in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 2:
            stem = _filled(_skeleton(word.removesuffix(ending)), True)
            return (stem[:-1] if stem[-1:] == said[0] else stem) + said
    return _filled(_skeleton(word), False)


def _skeleton(word: str) -> list[str]:
    """Return the written sounds: the consonants, and the vowels of vowel letters."""
    row: list[str] = []
    for n, letter in enumerate(word):
        first, last = n == 0, n == len(word) - 1
        if letter in "'\u05f3":
            if row and word[n - 1] in _MARKED:
                row[-1] = _MARKED[word[n - 1]]
        elif letter == "ו" and word[n : n + 2] == "וו":
            row.append("v")
        elif letter == "ו" and n and word[n - 1] == "ו":
            continue
        elif letter == "ו" and not first:
            row.append("u" if last else "o")
        elif letter == "י" and not first and word[n : n + 2] != "יי" and word[n - 1] != "י":
            row.append("i")
        elif letter == "י" and not first and word[n - 1] == "י":
            row.append("a" if not last else "i")
        elif letter == "ה" and last and not first:
            row.append("a")
        elif letter == "א" and last and not first:
            row.append("a" if row[-1] not in _VOWELS else "")
        elif first and letter in _HARD:
            row.append(_HARD[letter])
        elif letter in _LETTERS:
            row.append(_LETTERS[letter])
    return [sound for sound in row if sound]


def _filled(row: list[str], goes_on: bool) -> str:
    """Insert vowels between consonants: CaCaC, CaCCaC.

    A written vowel gets no other vowel before it.
    """
    said = ""
    for n, sound in enumerate(row):
        said += sound
        if sound in _VOWELS:
            continue
        after = row[n + 1] if n + 1 < len(row) else ("i" if goes_on else "")
        later = row[n + 2] if n + 2 < len(row) else ("i" if goes_on else "")
        open_before = n == 0 or row[n - 1] in _VOWELS or said[-2:-1] not in _VOWELS
        if not after or after in _VOWELS:
            continue
        # A consonant closes a syllable when a vowel stands before it and one will follow the next.
        closes = said[-2:-1] in _VOWELS and (later and n > 0)
        if n == 0 and later in _VOWELS and len(row) > 3:
            said += "e" if sound in "lrmnvy'" else ""
        elif not closes and open_before:
            said += "a"
    return said


def _acronym(letters: str) -> str:
    return "a".join((_HARD if n == 0 else {}).get(c, _LETTERS[c]) for n, c in enumerate(letters))


def _pointed(word: str) -> str:
    """Read a word by its points.

    Shva is silent, except at the beginning and after another shva.
    """
    groups = re.findall("([\u05d0-\u05ea])([^\u05d0-\u05ea]*)", word)
    said = ""
    for n, (letter, marks) in enumerate(groups):
        first, last = n == 0, n == len(groups) - 1
        vowel = next((_VOWEL_POINTS[m] for m in marks if m in _VOWEL_POINTS), None)
        before = groups[n - 1][1] if n else ""
        if letter == "ו" and vowel in (None, "o") and not first and _SCHWA not in before:
            if _DAGESH in marks:
                said += "u"
            elif vowel == "o":
                said += "o"
            elif not said.endswith(("o", "u")):
                said += "v"
            continue
        if letter == "ו" and first and _DAGESH in marks and vowel is None:
            said += "u"
            continue
        if vowel is None and letter in "אהי" and not first and (last or letter != "ה"):
            if letter == "י" and said[-1:] in ("a", "o", "u"):
                said += "y"
            elif letter == "ה" and _DAGESH in marks:
                said += "h"
            continue
        if letter == "ש":
            said += "s" if _SIN in marks else "S"
        elif letter in _HARD and (_DAGESH in marks or (first and _DAGESH not in word)):
            said += _HARD[letter]
        elif letter == "ח" and last and vowel == "a":
            said += "aX"  # a furtive patah comes first
            continue
        elif letter == "ע" and last and vowel == "a":
            said += "a"
            continue
        elif letter in "אע" and (first or last):
            pass
        else:
            said += _LETTERS[letter]
        if vowel == "" and not last:
            following = groups[n + 1][1]
            double = not first and any(m == _SCHWA for m in before)
            clumsy = (first and letter in "לרמניו") or (first and groups[n + 1][0] in "אעה")
            said += "e" if clumsy or (double and _SCHWA not in following) else ""
        elif vowel:
            said += vowel
    return _stressed("kol" if said == "kal" else said)


def _stressed(said: str) -> str:
    """Mark the stress of a pointed word unless it is on the last syllable: méleX, máyim, rúaX."""
    match = re.search("(e)[^aeiou]e[^aeiou]$|(a)yim?$|([eiou])aX?$|(o)[^aeiou]e[^aeiou]$", said)
    if not match or said.endswith("aya"):
        return said
    at = next(match.start(n) for n in range(1, 5) if match[n])
    return said[:at] + {v: k for k, v in _ACCENTED.items()}[said[at]] + said[at + 1 :]


def _mnemonics(said: str) -> str:
    """Return espeak-ng's phonemes, stressed at the accent or at the end."""
    accented = next((n for n, c in enumerate(said) if c in _ACCENTED), None)
    if accented is None:
        accented = next((n for n in range(len(said) - 1, -1, -1) if said[n] in _VOWELS), None)
    return "|".join(
        ("'" if n == accented else "") + _ACCENTED.get(c, _MNEMONICS.get(c, c))
        for n, c in enumerate(said)
    )
