"""Learn what lies above 8 kHz from what lies below; write the engine's `extension.npz`.

    python training/extension.py CORPUS src/soundclone/engines/builtin/weights/extension.npz

CORPUS is that of `features.py`. One clip of each of 600 speakers with the whole band is analysed
at 24 kHz; the log power of the bands above 8 kHz, against the level below, is regressed on the
envelope below (ridge), apart for voiced and unvoiced frames. The envelope is that of the clip at
16 kHz, as the engine analyses a recording. Bands near 8 kHz are left out, because their droop shows
the filter that resampled a recording instead of its speaker. The others are averaged in groups: a
matrix of single bands would amplify what the decoder smooths.
"""

from __future__ import annotations

import random
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyworld
import soxr
from features import decoded, table
from numpy.typing import NDArray

from soundclone.engines.builtin import vocoder
from soundclone.engines.builtin.analysis import LEVEL, active

BANDWIDTH, SNR = 11_500.0, 35.0  # Hz and dB, at least
SPEAKERS = 600  # at most
STIFFNESS = 300.0
GROUPS = [0, 10, 20, 30, 40, 50, 58, 64, 70, 76]  # first bands; those from 76 on fade out


def measured(path: Path) -> tuple[vocoder.Parameters, NDArray[np.float64]]:
    """Parameters below 8 kHz and the bands above, `vocoder.HOP` apart."""
    recorded, rate = decoded(path)
    samples = np.ascontiguousarray(soxr.resample(recorded, rate, vocoder.OUTPUT_RATE))
    scale = LEVEL / np.sqrt(np.mean(samples**2) + 1e-12)
    low = soxr.resample(samples * scale, vocoder.OUTPUT_RATE, vocoder.SAMPLE_RATE)
    parameters = vocoder.analyse(low, aperiodic=False)
    samples = samples * scale
    times = np.arange(len(parameters.f0)) * vocoder.HOP
    spectrum = pyworld.cheaptrick(samples, parameters.f0, times, vocoder.OUTPUT_RATE, fft_size=1024)
    logs = np.log(spectrum.clip(1e-12) * vocoder.SAMPLE_RATE / vocoder.OUTPUT_RATE)
    bins = np.arange(logs.shape[1]) * vocoder.OUTPUT_RATE / 1024
    high = logs @ vocoder.triangles(vocoder.HIGH_BANDS, bins)
    return parameters, high - parameters.level[:, None]


def solved(gram: NDArray[np.float64], cross: NDArray[np.float64]) -> NDArray[np.float64]:
    """Regress the high bands on groups of low bands: (BANDS + 1, high bands).

    The mean of the bands that predict counts fully, and their groups count against that mean, so a
    louder sound changes nothing but the level.
    """
    mean = np.zeros((len(gram), 1))
    mean[: GROUPS[-1]] = 1 / GROUPS[-1]
    groups = np.zeros((len(gram), len(GROUPS)))
    for number, (start, end) in enumerate(pairwise(GROUPS)):
        groups[start:end, number] = 1 / (end - start)
    groups[:, :-1] -= mean
    groups[-1, -1] = 1.0
    stiff = groups.T @ gram @ groups + STIFFNESS * np.eye(len(GROUPS))
    weights = np.linalg.solve(stiff, groups.T @ (cross - gram @ mean))
    return np.asarray(mean + groups @ weights)


def main() -> None:
    corpus = Path(sys.argv[1])
    rows, quality = table(corpus / "MANIFEST.tsv"), table(corpus / "QUALITY.tsv")
    clips = {
        rows[path]["speaker"]: path
        for path, q in quality.items()
        if path in rows and float(q["bandwidth_hz"]) >= BANDWIDTH and float(q["snr_db_est"]) >= SNR
    }
    chosen = random.Random(0).sample(sorted(clips.values()), min(SPEAKERS, len(clips)))
    held_out = len(chosen) * 9 // 10  # the last tenth shows the error
    width = vocoder.BANDS + 1
    gram = np.zeros((2, width, width))
    cross = np.zeros((2, width, len(vocoder.HIGH_BANDS)))
    errors: list[NDArray[np.float64]] = []
    matrix = np.zeros_like(cross)
    for number, path in enumerate(chosen):
        parameters, high = measured(corpus / path)
        loud = active(parameters)
        rows_ = np.concatenate([parameters.envelope, np.ones((len(high), 1))], axis=1)
        for kind, mask in enumerate((loud & parameters.voiced, loud & ~parameters.voiced)):
            if number >= held_out:
                if number == held_out:
                    matrix[kind] = solved(gram[kind], cross[kind])
                errors.append((rows_[mask] @ matrix[kind] - high[mask]).mean(axis=0))
            else:
                gram[kind] += rows_[mask].T @ rows_[mask]
                cross[kind] += rows_[mask].T @ high[mask]
    spread = np.sqrt(np.nanmean(np.square(errors), axis=0)) * 10 / np.log(10)
    print("error of a held-out speaker's mean, dB in each band:", spread.round(1))
    np.savez_compressed(sys.argv[2], matrix=matrix.astype(np.float32))


if __name__ == "__main__":
    main()
