"""Arabic: add short vowels from a list of words, from vowel marks or from the word's pattern.

Arabic writes few of its vowels. Words of `arabic_words` are known, also with article, prefix and
ending. Other words get the vowels of the commonest pattern of their consonants (مكتوب maCCūC, تعليم
taCCīC; W. Wright, A Grammar of the Arabic Language, 1896). That is a guess, and often wrong. Words
with marks (تشكيل) are read by their marks. The article assimilates to a sun letter, and loses its
vowel after another vowel. Words without marks have no case endings, as before a pause. espeak-ng
receives phonemes, and reads numbers and Latin itself.
"""

from __future__ import annotations

import re
import unicodedata

from . import PHONEMES, Piece, Reading, word_list
from .arabic_words import WORDS

_MARKS = "\u064b-\u0652\u0670"
_WORD = re.compile(f"[\u0621-\u063a\u0641-\u064a\u0671][\u0621-\u063a\u0640-\u064a{_MARKS}\u0671]*")
_LETTERS = dict(
    zip(
        "ءأؤإئبتثجحخدذرزسشصضطظعغفقكلمنهوية",
        "'''''btvjHxd*rzs$SDTZEgfqklmnhwyt",
        strict=True,
    )
)
_SUN = frozenset("tvd*rzs$SDTZln")
_SHORT = {
    "\u064e": "a",
    "\u064f": "u",
    "\u0650": "i",
    "\u064b": "an",
    "\u064c": "un",
    "\u064d": "in",
}
_SHADDA, _SUKUN, _DAGGER = "\u0651", "\u0652", "\u0670"
_LONG = {"A": "a", "I": "i", "U": "u"}
_VOWELS = frozenset("aiuAIU")
_EMPHATIC = frozenset("SDTZ")
_MNEMONICS = {
    "'": "?", "v": "T", "j": "dZ", "H": "H", "x": "X", "*": "D", "$": "S", "S": "s[", "D": "dH",
    "T": "t[", "Z": "D", "E": "A", "g": "gH", "y": "j",
}  # fmt: skip

# C is a consonant of the stem, in order; longer patterns first.
_PATTERNS = [
    (re.compile(pattern.replace("C", "([^اويىةآ])").replace("K", "([^اىةآ])") + "$"), said)
    for pattern, said in (
        entry.split("=")
        for entry in """
        استCCاC=isti0_1A2 استCاCة=isti0A1a مستCCC=musta0_1a2 يستCCC=yasta0_1i2 تستCCC=tasta0_1i2
        استCCC=ista0_1a2a اCتCاC=i0ti1A2 مCتCC=mu0ta1a2 يCتCC=ya0ta1i2 اCتCC=i0ta1a2a
        انCCاC=in0i1A2 منCCC=mun0a1i2 ينCCC=yan0a1i2 تCاCC=ta0A1u2 متCاCC=muta0A1i2
        متCCC=muta0a1%i2 مCCCC=mu0a1_2i3 مCاKCة=mu0A1a2a يتCCC=yata0a1%a2 تCCيC=ta0_1I2
        تCCC=ta0_1u2 مCاCCات=mu0A1a2At مCاCCة=mu0A1a2a مCCوC=ma0_1U2 مCCاC=mi0_1A2 مCاCC=ma0A1i2
        مCاCيC=ma0A1I2 مCCC=ma0_1a2 مCيC=mu0I1 مCاC=ma0A1 أCCاC=a0_1A2 إCCاC=i0_1A2 إCاCة=i0A1a
        أCCC=a0_1a2 أCCCاء=a0_1i2A' يCCC=ya0_1u2 نCCC=na0_1u2 يCوC=ya0U1 يCيC=ya0I1 يCاC=ya0A1
        CاCوC=0A1U2 CاCC=0A1i2 CCائC=0a1A'i2 CCاCيC=0a1A2I3 CواCC=0awA1i2 CCاCC=0a1A2i3
        CCCاC=0i1_2A3 CCCوC=0u1_2U3 CCCيC=0i1_2I3 CCيC=0a1I2 CCوC=0u1U2 CCاC=0i1A2 CCCان=0a1_2An
        CاC=0A1 CيC=0ay1 CوC=0aw1 CCCC=0a1_2a3 CCC=0a1_2 CC=0a1%
        """.split()
    )
]
_ENDINGS = (
    ("يات", "iyyAt"), ("ات", "At"), ("يين", "iyyIn"), ("ين", "In"), ("يون", "iyyUn"), ("ون", "Un"),
    ("ان", "An"), ("ية", "iyya"), ("ة", "a"), ("هما", "uhumA"), ("هم", "uhum"), ("ها", "uhA"),
    ("كم", "ukum"), ("نا", "unA"), ("وا", "U"), ("ه", "uh"), ("ك", "uk"), ("ي", "I"), ("اء", "A'"),
    ("ى", "A"), ("ا", "an"), ("ت", "at"),
)  # fmt: skip
_PREFIXES = {"و": "wa", "ف": "fa", "ب": "bi", "ل": "li", "ك": "ka", "س": "sa"}


def read(text: str) -> Reading:
    """Return phonemes of the Arabic words, and the rest as written."""
    pieces: list[Piece] = []
    end, last = 0, ""  # `last` is the last sound of the word before, "" after a pause
    for match in _WORD.finditer(text):
        between = text[end : match.start()]
        if between:
            pieces.append(Piece(between, end))
        if between.strip() or not pieces:
            last = ""
        end = match.end()
        pausing = not re.match(r"\s*\w", text[end:])
        said = _begun(pronounced(match[0], pausing), last)
        if told := _mnemonics(said):
            pieces.append(Piece(told, match.start(), PHONEMES))
            last = said[-1]
        else:
            pieces.append(Piece(match[0], match.start()))
    if end < len(text):
        pieces.append(Piece(text[end:], end))
    return Reading(tuple(pieces))


def _begun(said: str, last: str) -> str:
    """Return a word that begins with a vowel, joined to the sound before.

    The vowel is elided after a vowel, and has a glottal stop otherwise.
    """
    if said[:1] == "^":  # a vowel that is only there to begin with
        return said[2:] if last in _VOWELS else said[1:] if last else "'" + said[1:]
    return "'" + said if said[:1] in _VOWELS else said


def pronounced(word: str, pausing: bool = True) -> str:
    """Return the pronunciation of a word, in the letters of `arabic_words`.

    A vowel that may be elided has "^" before it.
    """
    word = word.replace("\u0640", "")
    bare = re.sub(f"[{_MARKS}]", "", word).replace("\u0671", "ا")
    known = _known(bare) or _compound(bare)
    marks = len(word) - len(bare)
    if known and (2 * marks < len(bare) or bare == "الله"):
        return known
    if marks:
        said = _marked(word, pausing)
        if not re.search("^[^aiuAIU^]{2}|[^aiuAIU^]{3}", said):
            return said
    return known or _guessed(bare, False)


def _known(word: str) -> str:
    said = word_list(WORDS).get(word, "")
    return (
        "^" + said if said and (word == "الله" or re.match("ال(ذ|ت|يوم|حمد|آن|ق)", word)) else said
    )


def _compound(word: str) -> str:
    """Split a word into article, prefix or ending and a known stem, and pronounce the parts."""
    if word.startswith("ال") and len(word) > 3:
        return "^a" + _article(_known(word[2:]) or _ended(word[2:]) or _guessed(word[2:], True))
    if word.startswith("لل") and len(word) > 3:
        return "li" + _article(_known(word[2:]) or _ended(word[2:]) or _guessed(word[2:], True))
    if word[:1] in _PREFIXES and len(word) > 3:
        prefix, rest = _PREFIXES[word[0]], word[1:]
        if rest.startswith("ال") and len(rest) > 3:
            return prefix + _begun(_compound(rest), prefix[-1])
        if rest in word_list(WORDS):
            said = word_list(WORDS)[rest]
            return prefix + ("'" if said[0] in _VOWELS else "") + said
        if word[0] == "و" and (said := _compound(rest)):
            return prefix + _begun(said, prefix[-1])
    if re.match("س[يتنأ]...", word):  # the future
        return "sa" + _begun(_known(word[1:]) or _guessed(word[1:], False), "")
    if word[0] == "و" and len(word) > 4:
        return "wa" + _begun(_ended(word[1:]) or _guessed(word[1:], True), "a")
    return _ended(word)


def _article(said: str) -> str:
    first = said[:1]
    if first in _SUN:
        return first + said
    return "l" + ("'" + said if first in _VOWELS else said)


def _ended(word: str) -> str:
    """Return a known word with an ending."""
    for ending, said in _ENDINGS:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) > 1:
            for known, joint in ((stem, ""), (stem.removesuffix("ت") + "ة", "t")):
                if known in word_list(WORDS) and (joint == "" or stem.endswith("ت")):
                    before = word_list(WORDS)[known]
                    before = before + "t" if joint else before
                    return before[:-1] + said if before[-1] in "aiu" else before + said
    return ""


def _guessed(word: str, noun: bool) -> str:
    """Return the word with the vowels of its consonant pattern.

    Three consonants alone are a verb, except after an article.
    """
    for ending, said in (("", ""), *_ENDINGS):
        stem = word.removesuffix(ending) if ending else word
        if len(stem) < 2 or (ending and stem == word):
            continue
        if not noun and not ending and re.fullmatch("[^اويىةآءأؤإئ]{3}", stem):
            a, b, c = (_LETTERS[letter] for letter in stem)
            return f"{a}a{b}a{c}a"
        for pattern, form in _PATTERNS:
            if match := pattern.match(stem):
                spoken = form.replace("_", "")
                for n, letter in enumerate(match.groups()):
                    sound = _LETTERS.get(letter, "'")
                    spoken = spoken.replace(f"{n}%", 2 * sound).replace(str(n), sound)
                return ("^" if spoken[0] == "i" and stem[0] == "ا" else "") + spoken + said
    return _spelled(word)


def _spelled(word: str) -> str:
    """Return the letters, with an "a" between consonants that cannot stand together."""
    said = ""
    for n, letter in enumerate(word):
        crowded = said and said[-1] not in _VOWELS
        if letter in "اآىٱ":
            said += "'A" if letter == "آ" else "A" if n else "a"
        elif letter in "وي" and crowded and word[n + 1 : n + 2] not in tuple("اوي"):
            said += "U" if letter == "و" else "I"
        elif letter == "ة":
            said += "a" if crowded else ""
        elif letter in _LETTERS:
            room = len(said) > 1 and said[-2:-1] in tuple(_VOWELS) and n + 1 < len(word)
            said += ("a" if crowded and not room else "") + _LETTERS[letter]
    return said


_BEFORE = re.compile(
    "(?P<before>(?:[وفبك][\u064e\u0650])?)[اٱ]\u064e?ل\u0652?(?P<rest>..+)"
    "|(?P<li>ل\u0650ل)\u0652?(?P<other>..+)"
)
_GLIDES = {"و": ("u", "U"), "ي": ("i", "I")}


def _marked(word: str, pausing: bool) -> str:
    """Read a word by its marks. A final short vowel is dropped before a pause."""
    word = unicodedata.normalize("NFC", word)
    if match := _BEFORE.fullmatch(word):
        rest = _marks(match["rest"] or match["other"], pausing)
        if rest[:1] == rest[1:2]:  # a sun letter, doubled by its mark
            rest = rest[1:]
        before = _marks(match["before"], False) if match["before"] else "^a"
        return ("li" if match["li"] else before) + _article(rest.removeprefix("^"))
    return _marks(word, pausing)


def _marks(word: str, pausing: bool) -> str:
    groups = re.findall(f"([^{_MARKS}])([{_MARKS}]*)", word)
    said = ""
    for n, (letter, marks) in enumerate(groups):
        last = n == len(groups) - 1
        vowel = next((_SHORT[m] for m in marks if m in _SHORT), "")
        if last and pausing and vowel in ("a", "i", "u", "un", "in"):
            vowel = ""
        vowel = "A" if _DAGGER in marks else vowel
        plain = not marks
        if letter in "اٱى":
            said = _alif(said, vowel, last)
        elif letter in _GLIDES and not vowel and said.endswith(_GLIDES[letter][0]) and plain:
            said = said[:-1] + _GLIDES[letter][1]
        elif letter in _GLIDES and plain and said and said[-1] not in _VOWELS and not last:
            said += _GLIDES[letter][1]
        elif letter == "ة":
            said = said.removesuffix("a") + "a" + ("t" + vowel if vowel else "")
        elif letter == "آ":
            said += "'A" if said else "A"
        elif letter in _LETTERS:
            doubled = 2 if _SHADDA in marks and said else 1
            said += _LETTERS[letter] * doubled + vowel
            if len(said) == 1 and letter in "أإ":
                said += "i" if letter == "إ" else "a"
    return said


def _alif(said: str, vowel: str, last: bool) -> str:
    """Return the sounds of an alif and the letters before it.

    An alif carries a vowel, lengthens an "a", or is silent after ū and tanwin.
    """
    if not said:
        return "^" + (vowel or "i")
    if vowel:
        return (
            said if said.endswith(vowel[:1]) and vowel != "an" else said.removesuffix("a") + vowel
        )
    if said.endswith("an") or (last and said.endswith(("u", "U"))):
        return said
    return said.removesuffix("a") + "A"


def _mnemonics(said: str) -> str:
    """Return espeak-ng's phonemes, stressed by the weight of the syllables."""
    said = re.sub(f"([^{''.join(_VOWELS)}])\\1\\1+", r"\1\1", said.replace("^", ""))
    places = [n for n, c in enumerate(said) if c in _VOWELS]
    stressed = _stressed(said, places)
    row: list[str] = []
    for n, c in enumerate(said):
        if c in _VOWELS:
            near = said[max(n - 1, 0) : n + 2]
            dark = any(x in _EMPHATIC for x in near)
            vowel = c.lower() + ("." if dark else "")
            row.append(("'" if n == stressed else "") + vowel + (":" if c in _LONG else ""))
        else:
            row.append(_MNEMONICS.get(c, c))
    return "|".join(row)


def _stressed(said: str, places: list[int]) -> int:
    """Return the stressed syllable: a superheavy last, a heavy one before it, or the third."""
    if not places:
        return -1
    tail = said[places[-1] + 1 :]
    if len(tail) > 1 or (said[places[-1]] in _LONG and tail):
        return places[-1]
    if len(places) == 1:
        return places[0]
    before = places[-2]
    heavy = said[before] in _LONG or places[-1] - before > 2
    return before if heavy or len(places) == 2 else places[-3]
