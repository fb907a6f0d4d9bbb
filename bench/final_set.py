"""Lay out the speakers of training/final_speakers.txt as folders for bench/quality.py.

    python bench/final_set.py CORPUS OUT

CORPUS has MANIFEST.tsv, QUALITY.tsv and the recordings that they list. Each speaker becomes a
folder with `ref.wav`, which joins the longest clips, and `other_1.wav`, `other_2.wav`, … from the
remaining clips. The same corpus gives the same files. The final set is scored once for each
release, after its settings are fixed. A set that helped to choose settings is no longer blind.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray
from speak import write

from soundclone.audio.decode import decode

LIST = Path(__file__).parents[1] / "training" / "final_speakers.txt"
SPEECH = 17.0  # seconds of speech that a reference has at least
LONGEST = 30.0  # seconds of a reference
GAP = 0.3  # seconds of silence between its clips
OTHERS = 4  # clips for the comparison
SHORTEST = 2.5  # seconds of speech in these clips, unless the speaker has no such clips


@dataclass(frozen=True)
class Clip:
    """One recording of the corpus."""

    path: str
    seconds: float
    speech: float  # seconds of speech
    sample_rate: int  # Hz


def divide(clips: Sequence[Clip]) -> tuple[list[Clip], list[Clip]]:
    """Return the clips of the reference, and clips to compare with.

    Raises:
        ValueError: The clips are too few or too short.
    """
    reference: list[Clip] = []
    for clip in sorted(clips, key=lambda c: (-c.speech, c.path)):
        seconds = sum(c.seconds + GAP for c in reference)
        if sum(c.speech for c in reference) < SPEECH and seconds + clip.seconds <= LONGEST:
            reference.append(clip)
    rest = sorted((c for c in clips if c not in reference), key=lambda c: c.path)
    others = [c for c in rest if c.speech >= SHORTEST] or rest
    speech = sum(c.speech for c in reference)
    if speech < SPEECH or not others:
        raise ValueError(
            f"{len(clips)} clips give a reference with {speech:.1f} s of speech and leave "
            f"{len(others)} clips; {SPEECH:.0f} s and one more clip are needed"
        )
    return sorted(reference, key=lambda c: c.path), others[:OTHERS]


def speakers(corpus: Path) -> dict[str, list[Clip]]:
    """Return the clips of each speaker of the list, by the name of the folder.

    Clips in other languages than the folder's are left out.
    """
    manifest, quality = _table(corpus / "MANIFEST.tsv"), _table(corpus / "QUALITY.tsv")
    found: dict[str, list[Clip]] = {}
    for line in LIST.read_text().splitlines():
        if line.startswith("#"):
            continue
        folder, speaker = line.split()
        found[folder] = [
            Clip(
                path,
                float(row["seconds"]),
                float(quality[path]["speech_s"]),
                int(row["sample_rate"]),
            )
            for path, row in manifest.items()
            if row["speaker"] == speaker and row["language"][:2] == folder[:2]
        ]
    return found


def joined(corpus: Path, clips: Sequence[Clip]) -> tuple[NDArray[np.float64], int]:
    """Return the samples of clips with silence between them, and their sample rate."""
    rate = clips[0].sample_rate
    parts = []
    for clip in clips:
        sound = decode(corpus / clip.path)
        parts.append(soxr.resample(sound.samples.astype(np.float64), sound.sample_rate, rate))
        parts.append(np.zeros(round(GAP * rate)))
    return np.concatenate(parts[:-1]), rate


def _table(path: Path) -> dict[str, dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {row["path"]: row for row in rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    for name, clips in speakers(options.corpus).items():
        folder = options.out / name
        try:
            reference, others = divide(clips)
        except ValueError as error:
            raise SystemExit(f"{name}: {error}") from error
        folder.mkdir(parents=True, exist_ok=True)
        write(folder / "ref.wav", *joined(options.corpus, reference))
        for number, clip in enumerate(others, 1):
            write(folder / f"other_{number}.wav", *joined(options.corpus, [clip]))
        seconds = ", ".join(f"{clip.seconds:.1f}" for clip in others)
        whole = sum(c.seconds for c in reference) + GAP * (len(reference) - 1)
        speech = sum(c.speech for c in reference)
        print(f"{name}: {whole:.1f} s with {speech:.1f} s of speech; {seconds} s")


if __name__ == "__main__":
    main()
