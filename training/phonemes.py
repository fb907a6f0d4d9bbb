"""List the phonemes that each voice of espeak-ng speaks, by their IPA.

    python training/phonemes.py src/soundclone/engines/builtin/phonemes.json

espeak-ng takes no IPA, but mnemonics of the phoneme table of a voice. Each phoneme of the table is
spoken once, and espeak-ng reports its IPA. The list changes only with the version of espeak-ng.
"""

from __future__ import annotations

import json
import struct
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import espeakng_loader

from soundclone.engines.builtin.espeak import Espeak
from soundclone.engines.builtin.frontend import VOICES
from soundclone.engines.builtin.ipa import standard
from soundclone.text import ipa

_VOWEL, _CONSONANTS = 2, frozenset((3, 4, 5, 6, 7, 8))  # types of phonemes
_TABLE = struct.Struct("<BBxx32s")  # phonemes, the table it extends, name
_PHONEME = struct.Struct("<4s6xBB4x")  # mnemonic, code, type

_FINE = str.maketrans("", "", "\u0308\u031d\u031e\u031f\u0320")  # marks of small differences

Table = dict[int, tuple[str, int]]  # mnemonic and type by code


def phoneme_tables(data: Path) -> dict[str, Table]:
    """Return the tables of the file `phontab` by name, with what they inherit."""
    raw = (data / "phontab").read_bytes()
    at = 4
    tables: list[tuple[str, Table]] = []
    for _ in range(raw[0]):
        count, base, name = _TABLE.unpack_from(raw, at)
        at += _TABLE.size
        table = dict(tables[base - 1][1]) if base else {}
        for _ in range(count):
            mnemonic, code, kind = _PHONEME.unpack_from(raw, at)
            at += _PHONEME.size
            table[code] = (mnemonic.rstrip(b"\0").decode("latin-1"), kind)
        tables.append((name.rstrip(b"\0").decode(), table))
    return dict(tables)


def table_of(data: Path, voice: str, names: set[str]) -> str:
    """Return the name of the table of a voice: as its file says, or that of its language."""
    for file in sorted(path for path in (data / "lang").rglob("*") if path.is_file()):
        lines = [line.split() for line in file.read_text("utf-8", "replace").splitlines()]
        tags = [line[1] for line in lines if line[:1] == ["language"]]
        if voice in (file.name.lower(), *tags):
            named = [line[1] for line in lines if line[:1] == ["phonemes"]]
            return next(
                name for name in (*named, voice, *(tag.split("-")[0] for tag in tags))
                if name in names
            )  # fmt: skip
    raise LookupError(voice)


def spoken(espeak: Espeak, language: str, table: Table) -> Iterator[tuple[str, str]]:
    """Yield IPA and mnemonic of each phoneme that gives one symbol."""
    for mnemonic, kind in table.values():
        if not mnemonic or mnemonic.startswith("#X") or kind not in _CONSONANTS | {_VOWEL}:
            continue
        is_vowel = kind == _VOWEL
        told = f"p|'{mnemonic}|p" if is_vowel else f"{mnemonic}|'a"
        espeak._phones, espeak._samples, espeak._words = [], bytearray(), []
        espeak.speak(VOICES[language], 160, 50, 50, [(told, "phonemes")])
        row = [symbol for symbol in standard((s for _, s in espeak._phones), language) if symbol]
        symbol = row[1] if is_vowel and len(row) == 3 else row[0] if len(row) == 2 else ""
        if symbol and ipa.fault(symbol) is None:
            parts = [sound for sound in ipa.sounds(symbol) if sound not in ipa.STRESS]
            if (parts[0][0] in ipa.VOWELS or ipa.SYLLABIC in parts[0]) == is_vowel:
                yield "".join(parts).translate(_FINE), mnemonic


def _awkward(mnemonic: str) -> tuple[int, int]:
    """Return a key that puts the usual phoneme of a sound before its variants."""
    return sum(c in "#/0123456789-." for c in mnemonic), len(mnemonic)


def main() -> None:
    output = Path(sys.argv[1]).resolve()  # because the library changes the folder
    data = Path(espeakng_loader.get_data_path())
    tables = phoneme_tables(data)
    espeak = Espeak()
    found: dict[str, dict[str, str]] = {}
    for language, voice in VOICES.items():
        table = tables[table_of(data, voice, set(tables))]
        best: dict[str, str] = {}
        for symbol, mnemonic in spoken(espeak, language, table):
            if symbol not in best or _awkward(mnemonic) < _awkward(best[symbol]):
                best[symbol] = mnemonic
        found[language] = best
    usual = Counter(item for table in found.values() for item in table.items())
    common: dict[str, str] = {}
    for (symbol, mnemonic), count in usual.most_common():
        if count > len(found) // 2:
            common.setdefault(symbol, mnemonic)
    lines = [f'"": {json.dumps(dict(sorted(common.items())), ensure_ascii=False)}']
    for language, table in found.items():
        own: dict[str, str | None] = {
            symbol: mnemonic
            for symbol, mnemonic in sorted(table.items())
            if common.get(symbol) != mnemonic
        }
        own |= dict.fromkeys(sorted(common.keys() - table.keys()))
        lines.append(f"{json.dumps(language)}: {json.dumps(own, ensure_ascii=False)}")
    output.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


if __name__ == "__main__":
    main()
