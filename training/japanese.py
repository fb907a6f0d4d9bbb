"""Writer of `text/g2p/japanese.xz`, the dictionary of the Japanese front end.

The source is mecab-ipadic 2.7.0 in the form that Janome contains.

    uv pip install janome && python training/japanese.py

The dictionary leaves out names of organisations, base forms, inflections and the finer parts of
speech, which speaking does not need. An ideograph that is not a word gets its commonest reading in
words.

The file is an `npz` in LZMA. `surfaces` and `readings` are UTF-8 texts with one entry a line.
`first` is the first entry of each surface. `context` and `cost` are MeCab's values of each entry.
`kind` is the kind of word of each context. `connections` are the costs of one context after
another.
"""

from __future__ import annotations

import io
import lzma
import warnings
from collections import defaultdict
from pathlib import Path

import numpy as np

warnings.simplefilter("ignore")  # Janome's tables are Python files with odd escapes
from janome import sysdic  # noqa: E402

TARGET = Path(__file__).parents[1] / "src/soundclone/text/g2p/japanese.xz"
NOUN, ACTION = 1285, 1283  # contexts of 名詞,一般 and 名詞,サ変接続
WORD, ENDING, SYMBOL, NUMBER, PREFIX, SUFFIX, NAME = range(7)
UNKNOWN = 11426  # IPADIC's cost of an ideograph that it does not know
HIRAGANA = {k: k - 0x60 for k in range(0x30A1, 0x30F7)}


def kind(part: str) -> int:
    """Reduce a part of speech of IPADIC to the kinds that decide how words combine."""
    fields = part.split(",")
    if fields[0] in ("助詞", "助動詞") or (fields[0] == "動詞" and fields[1] in ("接尾", "非自立")):
        return ENDING
    if fields[0] == "形容詞" and fields[1] in ("接尾", "非自立"):
        return ENDING
    if fields[0] == "記号":
        return SYMBOL
    if fields[:2] == ["名詞", "数"]:
        return NUMBER
    if fields[0] == "接頭詞":
        return PREFIX
    if fields[:2] == ["名詞", "接尾"]:
        return SUFFIX
    return NAME if fields[:2] == ["名詞", "固有名詞"] else WORD


def wanted(part: str) -> bool:
    return not part.startswith(("名詞,固有名詞,組織", "記号,アルファベット"))


def readings_of_characters(entries: dict[str, set[tuple[int, int, str]]]) -> dict[str, str]:
    """Find the commonest reading of each ideograph in nouns of two ideographs.

    Hard EM: split the reading of each noun where both halves are commonest, count, and repeat.
    """
    nouns = [
        (surface, said)
        for surface, row in entries.items()
        if len(surface) == 2 and all("一" <= c <= "鿿" for c in surface)
        for context, _, said in row
        if context in (NOUN, ACTION) and len(said) > 1
    ]
    counts: dict[tuple[str, str], float] = defaultdict(lambda: 1e-3)
    for turn in range(6):
        new: dict[tuple[str, str], float] = defaultdict(lambda: 1e-3)
        for (a, b), said in nouns:
            cuts = [k for k in range(1, len(said)) if said[k] not in "ーッャュョンァィゥェォ"]
            if not cuts:
                continue
            cut = max(cuts, key=lambda k: counts[a, said[:k]] * counts[b, said[k:]])
            for k in cuts if turn == 0 else [cut]:
                new[a, said[:k]] += 1 / len(cuts) if turn == 0 else 1
                new[b, said[k:]] += 1 / len(cuts) if turn == 0 else 1
        counts = new
    best: dict[str, tuple[float, str]] = {}
    for (character, said), count in counts.items():
        best[character] = max(best.get(character, (0.0, "")), (count, said))
    return {character: said for character, (_, said) in best.items()}


def main() -> None:
    entries: dict[str, set[tuple[int, int, str]]] = defaultdict(set)
    kinds: dict[int, int] = {}
    for surface, context, _, cost, part, _, _, _, reading, phonetic in sysdic.entries().values():
        kinds[context] = kind(part)
        if wanted(part):
            said = phonetic if phonetic != "*" else reading
            # A reading that is the surface itself need not be kept.
            said = "" if said.translate(HIRAGANA) == surface.translate(HIRAGANA) else said
            entries[surface].add((context, cost, said))
    for character, said in readings_of_characters(entries).items():
        if character not in entries:
            entries[character].add((NOUN, UNKNOWN, said))
    surfaces = sorted(entries)
    rows = [sorted(entries[surface]) for surface in surfaces]
    first = np.cumsum([0] + [len(row) for row in rows]).astype(np.int32)
    flat = [entry for row in rows for entry in row]
    connections = np.array(sysdic.connections, np.int16)
    table = np.array([kinds.get(k, WORD) for k in range(len(connections))], np.uint8)
    file = io.BytesIO()
    np.savez(
        file,
        surfaces=np.frombuffer("\n".join(surfaces).encode(), np.uint8),
        first=first,
        context=np.array([context for context, _, _ in flat], np.int16),
        cost=np.array([cost for _, cost, _ in flat], np.int16),
        readings=np.frombuffer("\n".join(said for _, _, said in flat).encode(), np.uint8),
        kind=table,
        connections=connections,
    )
    TARGET.write_bytes(lzma.compress(file.getvalue(), preset=9))
    print(f"{len(surfaces)} surfaces, {len(flat)} entries, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
