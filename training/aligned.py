"""Read the clips that `corpus.py` measured, and the speakers' statistics."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from soundclone.engines.builtin import envelope_decoder, sounds
from soundclone.engines.builtin.analysis import f0_statistics

WORST = 6.0  # percentile of alignment scores that is left out
LEAST_VOICED = 80  # frames of a speaker

Floats = NDArray[np.float32]


@dataclass
class Clip:
    """T frames of speech, 10 ms apart, and the N sounds in them."""

    name: str
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
    transcribed: bool


@dataclass
class Speaker:
    """Means of a speaker."""

    voiced: Floats
    unvoiced: Floats
    aperiodicity: float
    f0: tuple[float, float]
    level: tuple[float, float]
    statistics: Floats
    frames: int


def clips(features: Path, decoded: Path | None = None) -> Iterator[Clip]:
    """Yield the clips with a trusted alignment, and those that a recogniser decoded.

    `decoded` has files of the same names with `base` and `durations`.
    """
    paths = sorted(features.glob("*.npz"))
    scores = {}
    for path in paths:
        with np.load(path) as file:
            if "score" in file.files:
                scores[path.name] = float(file["score"])
    least = np.percentile(list(scores.values()), WORST)
    for path in paths:
        with np.load(path) as file:
            transcribed = "score" in file.files
            if transcribed:
                if scores[path.name] < least:
                    continue
                rows, durations = file["rows"].astype(int), file["durations"].astype(int)
            elif decoded and (decoded / path.name).exists():
                with np.load(decoded / path.name) as own:
                    durations = own["durations"].astype(int)
                    rows = np.zeros((len(durations), 8), int)
                    rows[:, sounds.SOUND] = own["base"]
            else:
                continue
            count = len(file["f0"])
            durations[-1] += count - durations.sum()
            if durations[-1] <= 0:
                continue
            yield Clip(
                name=path.name,
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
                transcribed=transcribed,
            )


def speakers(every: list[Clip]) -> dict[str, Speaker]:
    """Return the statistics of the speakers of clips who have enough voiced speech."""
    grouped = defaultdict(list)
    for clip in every:
        grouped[clip.speaker].append(clip)
    found = {}
    for name, own in grouped.items():
        envelope = np.concatenate([c.envelope for c in own]).astype(np.float32)
        f0 = np.concatenate([c.f0 for c in own])
        active = np.concatenate([c.active for c in own])
        level = np.concatenate([c.level for c in own])
        noise = np.concatenate([c.aperiodicity for c in own]).astype(np.float32)
        free = np.concatenate([c.free for c in own]).astype(np.float32) ** 2
        voiced, unvoiced = active & (f0 > 0), active & ~(f0 > 0)
        if voiced.sum() < LEAST_VOICED:
            continue
        if unvoiced.sum() < 25:
            unvoiced = active
        means = envelope[voiced].mean(axis=0), envelope[unvoiced].mean(axis=0)
        deviation = envelope - np.where((f0 > 0)[:, None], *means)
        mean, spread = f0_statistics(f0[voiced].astype(np.float64))
        found[name] = Speaker(
            voiced=means[0],
            unvoiced=means[1],
            aperiodicity=float(noise[voiced].mean()),
            f0=(mean, spread),
            level=(float(level[active].mean()), float(level[active].std())),
            statistics=envelope_decoder.statistics(free[active], deviation[active], *means, mean),
            frames=int(active.sum()),
        )
    return found


def usual_durations(every: list[Clip]) -> Floats:
    """Return the mean log duration in frames of each sound."""
    total, count = np.zeros(len(sounds.SOUNDS)), np.zeros(len(sounds.SOUNDS))
    for clip in every:
        np.add.at(total, clip.rows[:, sounds.SOUND], np.log(clip.durations))
        np.add.at(count, clip.rows[:, sounds.SOUND], 1)
    return np.where(count > 0, total / count.clip(1), np.log(7)).astype(np.float32)
