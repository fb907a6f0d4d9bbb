"""Filipino: pronounced as spelled, with rules for stress and glottal stops.

The sounds follow P. Schachter and F. T. Otanes, Tagalog Reference Grammar, 1972. The stress is on
the last syllable but one. Listed words and words with a final accent have it on the last. espeak-
ng has no Filipino, so it receives phonemes of its table for Indonesian. Clearly English words,
which are common in Taglish, are left to espeak-ng's English.
"""

from __future__ import annotations

import re
import unicodedata

from . import PHONEMES, Piece, Reading

_TOKEN = re.compile(
    r"(?P<number>[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?)|(?P<word>[^\W\d_]+(?:[-'’][^\W\d_]+)*)"
)
_ENGLISH = re.compile(
    r"[cfjqvxz]|th|sh|ph|wh|ck|gh|ee|ea|ou|ll|ss|tt|pp|rr|oa|ew|tion|[bdgkpt]le$|[nlrs]d$"
)

_SPECIAL = {"ng": "nang", "mga": "mangá"}
# Stressed on the last syllable.
_LAST = frozenset(
    """
    ako ikaw siya tayo kami kayo sila akin iyo niya atin amin inyo kanila ito iyan iyon diyan
    doon ngayon bago bagong hindi opo maganda ganda mabuti buti mabait bait matanda malaki laki
    maliit liit marami dami mataas taas mababa mahirap hirap masaya saya malungkot lungkot mahal
    kumusta kamusta magkano sino saan kailan paano alin dahil kung kapag pero ngunit subalit
    gusto ayaw wala meron mayroon dapat pwede puwede kaya sana muna agad ulit lang lamang din
    rin daw raw pala nga man kasi yata isa dalawa tatlo apat pito walo siyam anim piso pinto
    bundok dagat ulap araw-araw gabi tanghali linggo buwan anak kapatid kain inom tulog gising
    takbo upo bansa bayan lungsod baryo aral turo kulay pula puti itim asul dilaw bigas kanin
    asin tamis asim alat pait totoo mali mabilis bilis mabagal bagal malakas lakas mahina hina
    mainit init malamig lamig malinis linis marumi dumi luma bata matapang tapang takot galit
    tuwa iyak tawa ngiti halik yakap patay sakit sabi sabihin sagot kita pakinggan dinig rinig
    amoy lasa bigay kuha punta uwi pasok baba sulong urong tabi kanan malapit lapit malayo layo
    tubig langit sampu
    """.split()
)

_SOUNDS: tuple[tuple[str, str], ...] = (
    ("ng", "N"), ("ts", "tS"), ("dy", "dZ"), ("sy", "S"), ("ty", "tS"), ("ny", "nj"), ("ñ", "nj"),
    ("a", "a"), ("e", "E"), ("i", "i"), ("o", "o"), ("u", "u"), ("b", "b"), ("d", "d"), ("g", "g"),
    ("h", "h"), ("k", "k"), ("l", "l"), ("m", "m"), ("n", "n"), ("p", "p"), ("r", "*"), ("s", "s"),
    ("t", "t"), ("w", "w"), ("y", "j"), ("c", "k"), ("f", "f"), ("j", "dZ"), ("q", "k"),
    ("v", "v"), ("x", "ks"), ("z", "s"),
)  # fmt: skip

_ONES = " isa dalawa tatlo apat lima anim pito walo siyam".split(" ")
_TEENS = (
    "sampu labing-isa labindalawa labintatlo labing-apat labinlima labing-anim labimpito "
    "labingwalo labinsiyam"
).split()
_TENS = "  dalawampu tatlumpu apatnapu limampu animnapu pitumpu walumpu siyamnapu".split(" ")
_GROUPS = ((10**9, "bilyon"), (10**6, "milyon"), (1000, "libo"))
_LONGEST = 12  # digits that are read as one number


def read(text: str) -> Reading:
    """Return phonemes of Filipino words and numbers, and the rest as written."""
    pieces: list[Piece] = []
    end = 0
    for match in _TOKEN.finditer(text):
        if end < match.start():
            pieces.append(Piece(text[end : match.start()], end))
        end = match.end()
        if match["number"]:
            said = spoken_number(match[0]).split()
            pieces.append(Piece(" ".join(map(phonemes, said)), match.start(), PHONEMES))
        elif told := _told(match[0]):
            pieces.append(Piece(told, match.start(), PHONEMES))
        else:
            pieces.append(Piece(match[0], match.start(), "en"))
    if end < len(text):
        pieces.append(Piece(text[end:], end))
    return Reading(tuple(pieces))


def _told(word: str) -> str:
    """Return phonemes of a Filipino word, or "" for another word."""
    if not all(c.isascii() or unicodedata.normalize("NFD", c)[0].isascii() for c in word):
        return ""
    lower = word.lower()
    if word.isupper() and len(word) > 1:
        return ""
    if _ENGLISH.search(lower) and not re.search(r"[áéíóúàâîôûñ]", lower):
        return ""
    return phonemes(lower)


def phonemes(word: str) -> str:
    """Return espeak-ng's mnemonics of a word in lower case: "siya" -> "sj'a"."""
    word = _SPECIAL.get(word, word)
    plain, accent = _plain(word)
    letters = re.sub(r"['’]", "", plain)
    letters = re.sub(r"(?<=[bdgklmnprst])iy(?=[aeou])", "y", letters)
    letters = re.sub(r"(?<=[bdgklmnprst])uw(?=[aeio])", "w", letters)
    sounds: list[str] = []
    at, before = 0, "-"
    while at < len(letters):
        if letters[at] == "-":
            before, at = "-", at + 1
            continue
        pair = next(((a, b) for a, b in _SOUNDS if letters.startswith(a, at)), None)
        if pair is None:
            at += 1
            continue
        if letters[at] in "aeiou" and (before == "-" or before in "aeiou"):
            sounds.append("?")
        sounds.append(pair[1])
        before, at = letters[at], at + len(pair[0])
    vowels = [n for n, sound in enumerate(sounds) if sound in ("a", "E", "i", "o", "u")]
    if vowels:
        stem = plain if plain in _LAST else plain.removesuffix("ng") if plain.endswith("ng") else ""
        last = accent == len(vowels) - 1 if accent is not None else stem in _LAST
        place = accent if accent is not None and accent < len(vowels) else (-1 if last else -2)
        stressed = vowels[place] if len(vowels) >= abs(place) else vowels[-1]
        sounds[stressed] = "'" + sounds[stressed]
    return "|".join(sounds).replace("'|", "'")


def _plain(word: str) -> tuple[str, int | None]:
    """Return the word without accents, and the vowels that had an acute or a circumflex."""
    accent, vowels, plain = None, 0, ""
    for c in unicodedata.normalize("NFD", word):
        if c in "\u0301\u0302":
            accent = vowels - 1
        elif c == "\u0303" and plain.endswith("n"):
            plain = plain[:-1] + "ñ"
        elif not unicodedata.combining(c):
            plain += c
            vowels += c in "aeiou"
    return plain, accent if accent is not None and accent >= 0 else None


def spoken_number(digits: str) -> str:
    """Return a number in Tagalog words: "2024" -> "dalawang libo at dalawampu't apat"."""
    whole, _, decimals = digits.replace(",", "").partition(".")
    if len(whole) > _LONGEST or (len(whole) > 1 and whole[0] == "0"):
        said = " ".join(_digit(d) for d in whole)
    else:
        said = _integer(int(whole)) or "sero"
    return said + (" punto " + " ".join(_digit(d) for d in decimals) if decimals else "")


def _digit(digit: str) -> str:
    return _ONES[int(digit)] or "sero"


def _integer(number: int) -> str:
    parts: list[str] = []
    for size, name in _GROUPS:
        if number >= size:
            parts.append(f"{_linked(_integer(number // size))} {name}")
            number %= size
    if number >= 100:
        count = number // 100
        name = "raan" if count in (4, 6, 9) else "daan"
        parts.append(f"{_linked(_ONES[count])} {name}")
        number %= 100
    if number >= 20:
        tens, ones = _TENS[number // 10], _ONES[number % 10]
        parts.append(f"{tens}'t {ones}" if ones else tens)
    elif number >= 10:
        parts.append(_TEENS[number - 10])
    elif number:
        parts.append(_ONES[number])
    return " at ".join(filter(None, [" ".join(parts[:-1]), parts[-1]])) if parts else ""


def _linked(number: str) -> str:
    """Return a number with the linker before a counted noun: "dalawa" -> "dalawang"."""
    return number + ("ng" if number[-1] in "aeiou" else " na")
