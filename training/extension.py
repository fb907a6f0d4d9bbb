"""Learn what lies above 8 kHz from what lies below; write the engine's `extension.npz`.

    python training/extension.py CORPUS src/soundclone/engines/builtin/weights/extension.npz

CORPUS is that of `features.py`. One clip of each of 600 speakers with the whole band is analysed
at 24 kHz; the log power of the bands above 8 kHz, against the level below, is regressed on the
envelope below (ridge), apart for voiced and unvoiced frames.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import numpy as np
import pyworld
import soxr
from features import decoded, table
from numpy.typing import NDArray

from soundclone.audio.f0 import track
from soundclone.engines.builtin import vocoder
from soundclone.engines.builtin.analysis import LEVEL, active

BANDWIDTH, SNR = 11_500.0, 35.0  # Hz and dB, at least
SPEAKERS = 600
STIFFNESS = 300.0


def measured(path: Path) -> tuple[vocoder.Parameters, NDArray[np.float64]]:
    """Parameters below 8 kHz and the bands above, 10 ms apart."""
    samples, rate = decoded(path)
    samples = np.ascontiguousarray(soxr.resample(samples, rate, vocoder.OUTPUT_RATE))
    samples *= LEVEL / np.sqrt(np.mean(samples**2) + 1e-12)
    f0 = track(samples, vocoder.OUTPUT_RATE, 0.01)
    times = np.arange(len(f0)) * 0.01
    f0 = pyworld.stonemask(samples, f0, times, vocoder.OUTPUT_RATE)
    spectrum = pyworld.cheaptrick(samples, f0, times, vocoder.OUTPUT_RATE, fft_size=1024)
    logs = np.log(spectrum.clip(1e-12))
    bins = np.arange(logs.shape[1]) * vocoder.OUTPUT_RATE / 1024
    low = logs @ vocoder.triangles(vocoder.band_centres(), bins)
    level = low.mean(axis=1)
    parameters = vocoder.Parameters(f0, low - level[:, None], level, np.zeros((len(f0), 1)))
    high = logs @ vocoder.triangles(vocoder.HIGH_BANDS, bins)
    return parameters, high - level[:, None]


def main() -> None:
    corpus = Path(sys.argv[1])
    rows, quality = table(corpus / "MANIFEST.tsv"), table(corpus / "QUALITY.tsv")
    clips = {
        rows[path]["speaker"]: path
        for path, q in quality.items()
        if path in rows and float(q["bandwidth_hz"]) >= BANDWIDTH and float(q["snr_db_est"]) >= SNR
    }
    chosen = random.Random(0).sample(sorted(clips.values()), SPEAKERS)
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
            if number >= SPEAKERS * 9 // 10:  # the last tenth tells the error
                if number == SPEAKERS * 9 // 10:
                    stiff = gram[kind] + STIFFNESS * np.eye(width)
                    matrix[kind] = np.linalg.solve(stiff, cross[kind])
                errors.append((rows_[mask] @ matrix[kind] - high[mask]).mean(axis=0))
            else:
                gram[kind] += rows_[mask].T @ rows_[mask]
                cross[kind] += rows_[mask].T @ high[mask]
    spread = np.sqrt(np.nanmean(np.square(errors), axis=0)) * 10 / np.log(10)
    print("error of a held-out speaker's mean, dB in each band:", spread.round(1))
    np.savez_compressed(sys.argv[2], matrix=matrix.astype(np.float32))


if __name__ == "__main__":
    main()
