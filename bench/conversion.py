"""Score voice conversion: likeness to the voice, kept words and kept melody.

    python bench/conversion.py SPEAKERS TRANSCRIBED [--each 2] [--languages en]

SPEAKERS is the folder of bench/score.py. A voice is made from each speaker's `ref.wav`.
TRANSCRIBED has recordings of other people, the performances, each beside a text file with the
English words: `a.wav` and `a.txt`, in any format that the service decodes. Each voice performs
`--each` of them.

The columns are those of docs/quality.md. Copy-synthesis passes the beginning of the speaker's own
reference through the same vocoder. Word errors are counted with pocketsphinx's language model, in
the performances and in their conversions. The correlation is that of log F0 by Praat, over frames
that are voiced in both. Packages: bench/requirements-quality.in.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
import warnings
from pathlib import Path

import numpy as np
from gallery import Gallery
from hearing import Array, Instruments, Sound, levelled, pieces
from report import mean_of
from score import MOST, PIECE, chosen
from systems import copied, sound

from soundclone.engines.builtin import BuiltinEngine
from soundclone.engines.protocol import Reference


def performances(folder: Path) -> list[Sound]:
    """Read the recordings of a folder that have a text."""
    found = []
    for text in sorted(folder.glob("*.txt")):
        files = [path for path in folder.glob(f"{text.stem}.*") if path != text]
        if files:
            words = text.read_text("utf-8").strip()
            found.append(dataclasses.replace(sound(files[0]), text=words))
    if not found:
        raise SystemExit(f"{folder} has no recording with a text; a.wav beside a.txt is one")
    return found


def reference(recording: Sound) -> Reference:
    return Reference(recording.samples.astype(np.float32), recording.sample_rate)


def correlation(before: Array, after: Array) -> float:
    """Return the correlation of two contours of F0, where both are voiced."""
    count = min(len(before), len(after))
    before, after = before[:count], after[:count]
    both = (before > 0) & (after > 0)
    return float(np.corrcoef(np.log(before[both]), np.log(after[both]))[0, 1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("people", type=Path, metavar="SPEAKERS")
    parser.add_argument("folder", type=Path, metavar="TRANSCRIBED")
    parser.add_argument("--each", type=int, default=2, help="performances of each voice")
    parser.add_argument("--languages", default="en", help="codes of the voices' languages")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # of old packages that measure
    people, spoken = chosen(options.people, options.languages), performances(options.folder)
    instruments, engine = Instruments(), BuiltinEngine()
    gallery = Gallery(instruments, {each.name: each.others for each in people}, thorough=False)
    rows, errors, usual, melodies = [], [], [], []
    cpu = seconds = 0.0
    for number, person in enumerate(people):
        voice = engine.clone(reference(person.reference), person.language)
        made = []
        for k in range(options.each):
            performed = spoken[(number * options.each + 5 * k) % len(spoken)]
            started = time.process_time()
            speech = engine.convert(voice, reference(performed))
            cpu += time.process_time() - started
            seconds += len(speech.samples) / speech.sample_rate
            made.append(
                Sound(speech.samples.astype(np.float64), speech.sample_rate, performed.text)
            )
            usual.append(instruments.word_errors(performed, flat=False))
            errors.append(instruments.word_errors(made[-1], flat=False))
            melodies.append(
                correlation(*(instruments.f0(levelled(each)) for each in (performed, made[-1])))
            )
        likeness = {
            name: mean_of([gallery.compare(person.name, each) for each in pieces(of, PIECE, MOST)])
            for name, of in (
                ("converted", made),
                ("copy-synthesis", [copied(person)]),
                ("performer", spoken[:2]),
            )
        }
        rows.append({name: row["hp_similarity"] for name, row in likeness.items()})
        print(person.name, {k: round(v, 3) for k, v in rows[-1].items()}, flush=True)
    engine.close()
    print("| Measured value | Performer | Converted | Copy-synthesis |\n|---|---|---|---|")
    means = {name: f"{np.mean([row[name] for row in rows]):.3f}" for name in rows[0]}
    print(
        f"| hp similarity to the voice | {means['performer']} | {means['converted']} | "
        f"{means['copy-synthesis']} |"
    )
    before, after = float(np.mean(usual)), float(np.mean(errors))
    print(f"| word errors, LM | {before:.3f} | {after:.3f} ({after / before:.2f} times) | |")
    low, mean = float(np.min(melodies)), float(np.mean(melodies))
    print(f"| correlation of log F0 with the performer | | {mean:.3f}, lowest {low:.3f} | |")
    print(f"\n{len(rows)} voices, {len(errors)} performances, {seconds:.0f} s of speech")
    print(f"{cpu / seconds:.3f} CPU seconds for a second")
    print(*instruments.notes, sep="\n")


if __name__ == "__main__":
    main()
