"""Recordings for training the post-filter, and batches of their segments."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soxr
import torch
from features import decoded
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

from soundclone.engines.builtin import (
    acoustics,
    conversion,
    envelope_decoder,
    mixing,
    postfilter,
    refinement,
    vocoder,
)
from soundclone.engines.builtin.analysis import LEVEL, f0_statistics
from soundclone.engines.builtin.postfilter import HOP

LEAST_SNR, LEAST_BANDWIDTH, HOURS = 28.0, 7500.0, 2.6  # dB, Hz
SEGMENT, BATCH, MARGIN = 80, 8, 8  # frames, segments, frames
SHARES = (0.3, 0.5, 0.2)  # of natural, predicted and smoothed envelopes

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Clip:
    """A recording with its natural and its predicted parameters, 10 ms apart."""

    samples: NDArray[np.int16]
    f0: Floats
    natural: tuple[Floats, Floats, Floats]  # envelope, level, aperiodicity
    predicted: tuple[Floats, Floats, Floats]


def doubled(parameters: tuple[Floats, ...], f0: Floats) -> vocoder.Parameters:
    """Interpolate parameters 10 ms apart to the vocoder's frames."""
    envelope, level, noise = parameters
    position = np.arange(2 * len(f0) - 1) / 2
    below = position.astype(int)
    above = (below + 1).clip(0, len(f0) - 1)
    both = (f0[below] > 0) & (f0[above] > 0)

    def between(rows: Floats) -> NDArray[np.float64]:
        return np.asarray((rows[below].astype(np.float64) + rows[above]) / 2)

    return vocoder.Parameters(
        f0=np.where(both, between(f0), f0[below]),
        envelope=between(envelope),
        level=between(level),
        aperiodicity=between(noise)[:, None],
    )


def predictions(clips: list[dict[str, NDArray[Any]]]) -> list[tuple[Floats, ...]] | None:
    """Predict the parameters of a speaker's clips as the engine does, None if there is little."""
    join = lambda name: np.concatenate([np.asarray(c[name]) for c in clips])  # noqa: E731
    f0, active = join("f0").astype(np.float64), join("active").astype(bool)
    envelope, level = join("envelope").astype(np.float32), join("level").astype(np.float32)
    noise = join("aperiodicity").astype(np.float32)
    voiced = f0 > 0
    if (active & voiced).sum() < 100 or (active & ~voiced).sum() < 25:
        return None
    means = envelope[active & voiced].mean(axis=0), envelope[active & ~voiced].mean(axis=0)
    spread = envelope[active & ~voiced].std(axis=0)
    usual_noise = noise[active & voiced].mean()
    centre = f0_statistics(f0[active & voiced])[0]
    deviation = envelope - np.where(voiced[:, None], *means)
    posteriors = join("free").astype(np.float32) ** 2
    decoder = envelope_decoder.decoder(envelope_decoder.ENGLISH)
    code = decoder.code(
        envelope_decoder.statistics(posteriors[active], deviation[active], *means, centre)
    )
    rows = np.concatenate(
        [
            decoder.inputs(
                np.asarray(c["free"], np.float32) ** 2,
                None,
                np.log(np.where(c["f0"] > 0, c["f0"], 1)).astype(np.float32) - np.float32(centre),
                np.asarray(c["f0"] > 0),
            )
            for c in clips
        ]
    )
    units = decoder.hidden(rows, code)
    own = np.where(voiced, noise - usual_noise, 0) / conversion.NOISE_UNIT
    mean_level, level_spread = level[active].mean(), level[active].std()
    wanted = np.concatenate(
        [deviation, own[:, None], ((level - mean_level) / level_spread)[:, None]], axis=1
    )
    last = decoder.fitted(units[active], wanted[active].astype(np.float32), 1000.0)
    said = units @ last
    matrix = acoustics.dct_matrix(vocoder.BANDS, vocoder.BANDS)
    gains = conversion._lost_spread(
        said.astype(np.float64), deviation.astype(np.float64), active & voiced, active & ~voiced
    )
    out, first = [], 0
    for clip in clips:
        part = slice(first, first + len(clip["f0"]))
        first = part.stop
        share = conversion.smooth(voiced[part].astype(float)[:, None], 3)
        gain = share * gains[0] + (1 - share) * gains[1]
        predicted = (said[part, : vocoder.BANDS] @ matrix * gain) @ matrix.T
        curve = predicted + share * means[0] + (1 - share) * means[1]
        low = vocoder.band_centres() < 900
        ceiling = np.where(low, means[1] + 0.5 * spread, np.inf)
        curve = np.where(voiced[part][:, None], curve, np.minimum(curve, ceiling))
        mix = 0.75 * conversion.smooth(active[part].astype(float), 5)
        loud = mean_level + level_spread * said[part, vocoder.BANDS + 1]
        out.append(
            (
                curve.astype(np.float32),
                (level[part] + mix * (loud - level[part])).astype(np.float32),
                (usual_noise + conversion.NOISE_UNIT * said[part, vocoder.BANDS]).astype(
                    np.float32
                ),
            )
        )
    return out


def refined(clip: dict[str, NDArray[Any]], path: Path) -> NDArray[np.int16]:
    """Refine a clip's envelopes as the engine does. Return its samples, scaled like the levels."""
    samples, rate = decoded(path)
    for name in ("f0", "envelope", "level", "aperiodicity"):
        clip[name] = clip[name].astype(np.float32)
    power = np.exp(clip["envelope"] + clip["level"][:, None]).mean(axis=1)
    excess = power[clip["active"]].mean() / power.mean()
    low = soxr.resample(samples, rate, vocoder.SAMPLE_RATE)
    gain = LEVEL / np.sqrt((low**2).mean() + 1e-12) / np.sqrt(excess)
    parameters = doubled((clip["envelope"], clip["level"], clip["aperiodicity"]), clip["f0"])
    parameters = refinement.refined(parameters, low * gain)
    clip["envelope"] = parameters.envelope[::2].astype(np.float32)
    clip["level"] = parameters.level[::2].astype(np.float32)
    high = soxr.resample(samples, rate, vocoder.OUTPUT_RATE) * gain
    return (high * 20000).clip(-32767, 32767).astype(np.int16)


def clips_of(corpus: Path, features: Path) -> list[Clip]:
    """Read the clips to train on, LibriSpeech first, then the others in a fixed order."""
    people: dict[str, list[dict[str, NDArray[Any]]]] = defaultdict(list)
    for path in sorted(features.glob("*.npz")):
        with np.load(path) as file:
            if file["snr"] >= LEAST_SNR and file["bandwidth"] >= LEAST_BANDWIDTH:
                people[str(file["speaker"])].append({name: file[name] for name in file.files})
    names = sorted(people)
    np.random.default_rng(0).shuffle(names)
    names.sort(key=lambda name: str(people[name][0]["corpus"]).startswith("common-voice"))
    clips: list[Clip] = []
    seconds = 0.0
    for name in names:
        heard = [refined(clip, corpus / str(clip["path"])) for clip in people[name]]
        if (predicted := predictions(people[name])) is None:
            continue
        for clip, samples, guess in zip(people[name], heard, predicted, strict=True):
            if len(clip["f0"]) >= SEGMENT + 2 * MARGIN + 4:
                natural = (clip["envelope"], clip["level"], clip["aperiodicity"])
                clips.append(Clip(samples, clip["f0"], natural, guess))
                seconds += len(clip["f0"]) * 0.01
        if seconds > HOURS * 3600:
            break
    np.random.default_rng(1).shuffle(clips)  # type: ignore[arg-type]
    print(f"{len(clips)} clips, {seconds / 3600:.2f} h", flush=True)
    return clips


def smoothed(
    parameters: tuple[Floats, ...], rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Smooth an envelope over time and frequency, as a decoder may."""
    envelope, level, noise = parameters
    matrix = acoustics.dct_matrix(vocoder.BANDS, vocoder.BANDS).astype(np.float32)
    cepstra = envelope @ matrix
    cepstra[:, int(rng.integers(16, 45)) :] *= rng.uniform(0, 0.5)
    width = rng.uniform(0.7, 3)
    cepstra = gaussian_filter1d(cepstra, width, axis=0, mode="nearest")
    level = gaussian_filter1d(level, width * 0.6, mode="nearest")
    return cepstra @ matrix.T, level, noise


def inputs_of(parameters: vocoder.Parameters) -> Floats:
    """Return the inputs of the network, as `vocoder.synthesise` makes them."""
    envelope, level, f0 = (p[::2] for p in (parameters.envelope, parameters.level, parameters.f0))
    return postfilter.inputs(envelope, level, f0, parameters.aperiodicity[::2, 0])


class Batches:
    """Draw segments of the clips with streams made from one of the kinds of envelope."""

    def __init__(self, clips: list[Clip], seed: int) -> None:
        self._clips = clips
        self._rng = np.random.default_rng(seed)

    def segment(self, clip: Clip, start: int, kind: int, gain: float) -> list[Floats]:
        """Return the wanted samples, both streams, the inputs and the mix of WORLD."""
        first, last = start - MARGIN, start + SEGMENT + MARGIN
        parts = clip.predicted if kind == 1 else clip.natural
        chosen = tuple(a[first:last] for a in parts)
        if kind == 2:
            chosen = smoothed(chosen, self._rng)
        envelope, level, noise = chosen
        parameters = doubled((envelope, level + 2 * np.log(gain), noise), clip.f0[first:last])
        streams = vocoder.streams(parameters, int(self._rng.integers(1 << 30)))
        noisy = parameters.aperiodicity[::2, 0]
        cut = slice(MARGIN * HOP, (MARGIN + SEGMENT) * HOP)
        frames = slice(MARGIN, MARGIN + SEGMENT)
        wanted = np.zeros(SEGMENT * HOP, np.float32)
        samples = clip.samples[start * HOP : (start + SEGMENT) * HOP]
        wanted[: len(samples)] = samples * np.float32(gain / 20000)
        return [
            wanted,
            *(s[cut] for s in streams),
            inputs_of(parameters)[frames],
            *(m[frames] for m in mixing.log_gains(noisy, parameters.voiced[::2])),
        ]

    def batch(self) -> list[Tensor]:
        """Draw a batch."""
        rows = []
        for _ in range(BATCH):
            clip = self._clips[int(self._rng.integers(len(self._clips)))]
            for _ in range(3):  # tries to avoid pauses
                start = int(self._rng.integers(MARGIN, len(clip.f0) - SEGMENT - MARGIN))
                heard = clip.samples[start * HOP : (start + SEGMENT) * HOP : 7]
                if np.abs(heard.astype(float)).mean() > 200:
                    break
            kind = int(self._rng.choice(3, p=SHARES))
            rows.append(self.segment(clip, start, kind, 10 ** (self._rng.uniform(-5, 5) / 20)))
        return collated(rows)


def collated(rows: list[list[Floats]]) -> list[Tensor]:
    return [torch.from_numpy(np.stack(column).astype(np.float32)) for column in zip(*rows)]  # noqa: B905
