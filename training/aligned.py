"""Read the clips that `corpus.py` measured and aligned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from soundclone.engines.builtin import sounds

WORST = 6.0  # percentile of alignment scores that is left out

Floats = NDArray[np.float32]


@dataclass
class Clip:
    """T frames of speech, 10 ms apart, and the N sounds in them."""

    name: str
    path: str  # in the corpus
    speaker: str
    language: str
    snr: float
    bandwidth: float
    f0: Floats  # (T,)
    envelope: NDArray[np.float16]  # (T, 80)
    level: Floats
    aperiodicity: NDArray[np.float16]
    active: NDArray[np.bool_]
    free: NDArray[np.float16]  # (T, 120), roots of posteriors
    rows: NDArray[np.int64]  # (N, 8), see `sounds.sequence`; pauses included
    durations: NDArray[np.int64]  # (N,), frames


def clips(features: Path) -> Iterator[Clip]:
    """Yield the clips whose alignment is trusted."""
    paths = sorted(features.glob("*.npz"))
    scores = {}
    for path in paths:
        with np.load(path) as file:
            if "score" in file.files:
                scores[path] = float(file["score"])
    least = np.percentile(list(scores.values()), WORST)
    for path, score in scores.items():
        if score < least:
            continue
        with np.load(path) as file:
            rows, durations = file["rows"].astype(int), file["durations"].astype(int)
            count = len(file["f0"])
            durations[-1] += count - durations.sum()
            if durations[-1] <= 0:
                continue
            yield Clip(
                name=path.name,
                path=str(file["path"]),
                speaker=str(file["speaker"]),
                language=str(file["language"]).split("-")[0]
                if str(file["language"]) != "zh-HK"
                else "yue",
                snr=float(file["snr"]),
                bandwidth=float(file["bandwidth"]),
                f0=file["f0"],
                envelope=file["envelope"],
                level=file["level"],
                aperiodicity=file["aperiodicity"],
                active=file["active"],
                free=file["free"],
                rows=rows,
                durations=durations,
            )


def usual_durations(every: list[Clip]) -> Floats:
    """Return the mean log duration in frames of each sound."""
    total, count = np.zeros(len(sounds.SOUNDS)), np.zeros(len(sounds.SOUNDS))
    for clip in every:
        np.add.at(total, clip.rows[:, sounds.SOUND], np.log(clip.durations))
        np.add.at(count, clip.rows[:, sounds.SOUND], 1)
    return np.where(count > 0, total / count.clip(1), np.log(7)).astype(np.float32)
