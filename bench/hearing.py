"""Measures of speech for bench/quality.py.

Packages of bench/requirements-quality.in are imported when first used. Without a package its
measure is NaN, and a note names the package.
"""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import pyworld
import soxr
from numpy.typing import NDArray
from sentences import COMMON, SCRIPTS

from soundclone.audio import speakers
from soundclone.engines.builtin.vocoder import triangles

Array = NDArray[np.float64]
T = TypeVar("T")

RATE = 16_000  # Hz, of everything that is compared
LEVEL = 10 ** (-25 / 20)  # root mean square after levelling
FRAME, HOP, BANDS = 512, 160, 40  # samples, samples, mel bands
MIXTURE = 8  # Gaussians of a speaker


@dataclass(frozen=True)
class Sound:
    """Piece of speech."""

    samples: Array  # mono, shape (n,)
    sample_rate: int  # Hz
    text: str = ""  # text, if it is known and English


@dataclass(frozen=True)
class Heard:
    """Measures of a sound, or of several sounds of one speaker."""

    embedding: Array | None  # of Resemblyzer, (256,), length 1
    voice: Array  # of soundclone's own encoder, (128,), length 1
    cepstra: Array  # (frames, 19) where there is speech
    f0: Array  # (m,), Hz, of the voiced frames
    spectrum: Array  # (BANDS,), dB, long-term, its mean removed


class Instruments:
    """Models that measure speech, imported when first used. Missing ones are noted."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def hear(self, sounds: Sequence[Sound]) -> Heard:
        """Measure the sounds of one speaker as one: the embeddings' mean, the frames of all."""
        at_rate = [levelled(sound) for sound in sounds]
        embeddings = [self._encode(samples) for samples in at_rate] if self._encode else []
        mean = np.mean(embeddings, axis=0) if embeddings else None
        voice = np.mean(
            [speakers.mean_embedding(samples.astype(np.float32)) for samples in at_rate], axis=0
        )
        spectra = np.concatenate([power_frames(samples) for samples in at_rate])
        long_term = 10 * np.log10(spectra.mean(axis=0))
        return Heard(
            embedding=None if mean is None else mean / np.linalg.norm(mean),
            voice=voice / np.linalg.norm(voice),
            cepstra=np.log(spectra) @ cosines(),
            f0=np.concatenate([voiced_f0(samples) for samples in at_rate]),
            spectrum=long_term - long_term.mean(),
        )

    def naturalness(self, sound: Sound) -> float:
        """DNSMOS P.835 overall, 1-5 (Reddy, Gopal and Cutler, 2022)."""
        return self._judge(levelled(sound)) if self._judge else math.nan

    def word_errors(self, sound: Sound) -> float:
        """Edits over words of the text, by pocketsphinx."""
        if not sound.text or not self._recognise:
            return math.nan
        wanted = words(sound.text)
        return edits(wanted, words(self._recognise(levelled(sound)))) / len(wanted)

    def mixture(self, cepstra: Array) -> Callable[[Array], float] | None:
        """Return a speaker's model: the mean log-likelihood of frames (Reynolds and Rose, 1995)."""
        if not self._mixture:
            return None
        return self._mixture(cepstra)

    @cached_property
    def _encode(self) -> Callable[[Array], Array] | None:
        def make() -> Callable[[Array], Array]:
            import torch
            from resemblyzer import VoiceEncoder, preprocess_wav

            torch.set_num_threads(1)
            encoder = VoiceEncoder("cpu", verbose=False)
            return lambda samples: encoder.embed_utterance(
                preprocess_wav(samples.astype(np.float32), source_sr=RATE)
            )

        return self._made("similarity", make)

    @cached_property
    def _judge(self) -> Callable[[Array], float] | None:
        def make() -> Callable[[Array], float]:
            from speechmos import dnsmos

            return lambda samples: dnsmos.run(samples.clip(-0.999, 0.999), RATE)["ovrl_mos"]

        return self._made("DNSMOS", make)

    @cached_property
    def _mixture(self) -> Callable[[Array], Callable[[Array], float]] | None:
        def make() -> Callable[[Array], Callable[[Array], float]]:
            from sklearn.mixture import GaussianMixture

            return lambda cepstra: (
                GaussianMixture(MIXTURE, covariance_type="diag", reg_covar=1e-2, random_state=0)
                .fit(cepstra)
                .score
            )

        return self._made("GMM", make)

    @cached_property
    def _recognise(self) -> Callable[[Array], str] | None:
        def make() -> Callable[[Array], str]:
            from pocketsphinx import Config, Decoder

            with tempfile.NamedTemporaryFile("w", suffix=".lm") as file:
                file.write(flat_model(Decoder(Config(lm=None, loglevel="FATAL"))))
                file.flush()
                decoder = Decoder(Config(lm=file.name, samprate=RATE, loglevel="FATAL"))

            def recognise(samples: Array) -> str:
                padded = np.pad(samples, RATE // 4).clip(-1, 1)
                decoder.start_utt()
                decoder.process_raw((padded * 32767).astype("<i2").tobytes(), full_utt=True)
                decoder.end_utt()
                found = decoder.hyp()
                return found.hypstr if found else ""

            return recognise

        return self._made("word errors", make)

    def _made(self, column: str, make: Callable[[], T]) -> T | None:
        try:
            return make()
        except ImportError as error:
            self.notes.append(f"{column}: empty, because {error.name or error} is not installed")
            return None


def levelled(sound: Sound) -> Array:
    """Resample a sound to RATE and scale it to LEVEL."""
    samples = soxr.resample(np.asarray(sound.samples, np.float64), sound.sample_rate, RATE)
    return np.asarray(samples * (LEVEL / np.sqrt(np.mean(samples**2) + 1e-12)))


def in_a_row(sounds: Sequence[Sound]) -> Sound:
    """Join sounds at LEVEL, half a second apart.

    DNSMOS rates 9 s and repeats a shorter clip. Without pauses such a clip has no background that
    DNSMOS could rate.
    """
    gap = np.zeros(RATE // 2)
    return Sound(np.concatenate([p for s in sounds for p in (levelled(s), gap)]), RATE)


def power_frames(samples: Array) -> Array:
    """Power in BANDS mel bands from 80 to 7600 Hz, of the frames within 32 dB of the loud ones."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, FRAME)[::HOP] * np.hanning(FRAME)
    mel = np.linspace(1127 * np.log1p(80 / 700), 1127 * np.log1p(7600 / 700), BANDS)
    bins = np.arange(FRAME // 2 + 1) * RATE / FRAME
    bands = triangles(700 * np.expm1(mel / 1127), bins)
    power = np.abs(np.fft.rfft(frames)) ** 2 @ bands + 1e-9
    loudness = 10 * np.log10(power.sum(axis=1))
    return np.asarray(power[loudness > np.percentile(loudness, 97) - 32])


def cosines() -> Array:
    """From log powers to cepstral coefficients 1 to 19: (BANDS, 19)."""
    rows = np.cos(np.pi * np.outer(np.arange(BANDS) + 0.5, np.arange(1, 20)) / BANDS)
    return np.asarray(rows * np.sqrt(2 / BANDS))


def voiced_f0(samples: Array) -> Array:
    """F0 in Hz of the voiced frames, by DIO and StoneMask."""
    f0, times = pyworld.dio(samples, RATE, 60.0, 500.0)
    f0 = pyworld.stonemask(samples, f0, times, RATE)
    return np.asarray(f0[f0 > 0])


def semitones(f0: Array) -> tuple[float, float]:
    """Median above 1 Hz, and half the distance of the percentiles 16 and 84."""
    if f0.size == 0:
        return math.nan, math.nan
    low, median, high = np.percentile(12 * np.log2(f0), [16, 50, 84])
    return float(median), float(high - low) / 2


def words(text: str) -> list[str]:
    """Split an English text into words, spelled as in pocketsphinx's dictionary."""
    return re.findall(r"[a-z']+", text.lower())


def edits(wanted: Sequence[str], found: Sequence[str]) -> int:
    """Count the insertions, deletions and substitutions between two texts (Levenshtein, 1966)."""
    row = list(range(len(found) + 1))
    for i, word in enumerate(wanted, 1):
        left = [i]
        for j, other in enumerate(found, 1):
            left.append(min(left[-1] + 1, row[j] + 1, row[j - 1] + (word != other)))
        row = left
    return row[-1]


def flat_model(decoder: Any) -> str:
    """Return an ARPA language model that gives every word of the script and COMMON one probability.

    A model of English would guess words that are not clear, and hide the errors of an engine.
    """
    script = " ".join(SCRIPTS["English"])
    known = sorted(w for w in {*words(script), *words(COMMON)} if decoder.lookup_word(w))
    log_share = -math.log10(len(known) + 1)
    lines = [f"{log_share:.4f} {word}" for word in ["</s>", *known]]
    head = ["\\data\\", f"ngram 1={len(lines) + 1}", "", "\\1-grams:", "-99 <s>"]
    return "\n".join([*head, *lines, "", "\\end\\", ""])
