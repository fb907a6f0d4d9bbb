"""Models and measures of speech for bench/quality.py and bench/score.py.

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
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import soxr
from cache import Cache
from numpy.typing import NDArray
from prosody import band_passed
from sentences import COMMON, SCRIPTS

Array = NDArray[np.float64]
T = TypeVar("T")

RATE = 16_000  # Hz, of everything that is compared
LEVEL = 10 ** (-25 / 20)  # root mean square after levelling
FRAME, HOP, BANDS = 512, 160, 40  # samples, samples, mel bands
MIXTURE = 8  # Gaussians of a speaker
DNSMOS_HOP = 3  # seconds between windows of 9 s
RUMBLE = 75.0  # Hz; the high-passed measures ignore what is below


@dataclass(frozen=True)
class Sound:
    """Piece of speech."""

    samples: Array  # mono, shape (n,)
    sample_rate: int  # Hz
    text: str = ""  # text, if it is known and English


class Instruments:
    """Models that measure speech, imported when first used. Missing ones are noted."""

    def __init__(
        self, cache: Cache | None = None, texts: Sequence[str] = SCRIPTS["English"]
    ) -> None:
        """Prepare the measures.

        Args:
            cache: Results of earlier runs.
            texts: English texts, which give the flat vocabulary of pocketsphinx.
        """
        self.notes: list[str] = []
        self._cache = cache or Cache()
        self._texts = texts

    def embed(self, samples: Array) -> Array | None:
        """Return the Resemblyzer embedding of samples at RATE: (256,), length 1."""
        found = self._cache.get(
            "resemblyzer",
            samples,
            lambda: self._encode(samples) if self._encode else np.zeros(0),
        )
        return found if found.size else None

    def own_embedding(self, samples: Array) -> Array:
        """Return the embedding by soundclone's own encoder: (128,), length 1."""
        from soundclone.audio import speakers

        def measure() -> Array:
            mean = speakers.mean_embedding(samples.astype(np.float32)).astype(np.float64)
            return np.asarray(mean / np.linalg.norm(mean))

        return self._cache.get("own", samples, measure)

    def naturalness(self, samples: Array) -> float:
        """Return DNSMOS P.835 overall, 1-5 (Reddy, Gopal and Cutler, 2022).

        The model judges windows of 9 s. A shorter clip is repeated and judged once.
        """
        return float(
            self._cache.get(
                f"dnsmos {DNSMOS_HOP}",
                samples,
                lambda: self._judge(samples) if self._judge else math.nan,
            )
        )

    def word_errors(self, sound: Sound, flat: bool = True) -> float:
        """Return edits over words of the text, by pocketsphinx.

        Args:
            sound: A clip whose text is known.
            flat: Make all words of `flat_model` equally likely. Otherwise pocketsphinx's own
                language model of English guesses unclear words, as a listener does.
        """
        if not sound.text:
            return math.nan
        samples = levelled(sound)

        def measure() -> float:
            recognise = self._recognise_flat if flat else self._recognise
            if not recognise:
                return math.nan
            wanted = words(sound.text)
            return edits(wanted, words(recognise(samples))) / len(wanted)

        return float(self._cache.get(f"words {flat} {sound.text}", samples, measure))

    def f0(self, samples: Array) -> Array:
        """Return F0 in Hz every 10 ms, 0 where unvoiced, by Praat. Empty without parselmouth."""
        return self._cache.get(
            "praat f0", samples, lambda: self._track(samples) if self._track else np.zeros(0)
        )

    def mixture(self, cepstra: Array) -> Callable[[Array], float] | None:
        """Return a speaker's model: the mean log-likelihood of frames (Reynolds and Rose, 1995)."""
        return self._mixture(cepstra) if self._mixture else None

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
            import onnxruntime
            from speechmos import dnsmos

            # The package's own session waits in busy threads, and runs a second model.
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = options.inter_op_num_threads = 1
            path = Path(dnsmos.__file__).parent / "dnsmos_models" / "sig_bak_ovr.onnx"
            session = onnxruntime.InferenceSession(path, options)
            length = round(dnsmos.INPUT_LENGTH * RATE)

            def judge(samples: Array) -> float:
                sound = samples.clip(-0.999, 0.999).astype(np.float32)
                if len(sound) < length:
                    sound = np.resize(sound, length)  # repeats the clip
                found = []
                for start in range(0, len(sound) - length + 1, DNSMOS_HOP * RATE):
                    (raw,) = session.run(None, {"input_1": sound[None, start : start + length]})[0]
                    found.append(dnsmos.DNSMOS.get_polyfit_val(None, *raw, False)[2])
                return float(np.mean(found))

            return judge

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
    def _track(self) -> Callable[[Array], Array] | None:
        def make() -> Callable[[Array], Array]:
            import parselmouth

            def track(samples: Array, low: float = 60.0, high: float = 600.0) -> Array:
                pitch = parselmouth.Sound(samples, RATE).to_pitch_ac(0.01, low, pitch_ceiling=high)
                before = round((pitch.xs()[0] - 0.005) / 0.01)
                return np.pad(pitch.selected_array["frequency"], (max(before, 0), 0))

            def narrowed(samples: Array) -> Array:
                f0 = track(samples)
                if not f0.any():
                    return f0
                low, high = np.percentile(f0[f0 > 0], [25, 75])
                return track(samples, max(50.0, 0.75 * low), min(700.0, 2 * high))

            return narrowed

        return self._made("prosody", make)

    @cached_property
    def _recognise_flat(self) -> Callable[[Array], str] | None:
        def make() -> Callable[[Array], str]:
            from pocketsphinx import Config, Decoder

            with tempfile.NamedTemporaryFile("w", suffix=".lm") as file:
                file.write(flat_model(Decoder(Config(lm=None, loglevel="FATAL")), self._texts))
                file.flush()
                decoder = Decoder(Config(lm=file.name, samprate=RATE, loglevel="FATAL"))
            return lambda samples: _transcript(decoder, np.pad(samples, RATE // 4))

        return self._made("word errors", make)

    @cached_property
    def _recognise(self) -> Callable[[Array], str] | None:
        def make() -> Callable[[Array], str]:
            from pocketsphinx import Config, Decoder

            decoder = Decoder(Config(samprate=RATE, loglevel="FATAL"))
            return lambda samples: _transcript(decoder, samples * 0.5 / np.abs(samples).max())

        return self._made("word errors, LM", make)

    def _made(self, column: str, make: Callable[[], T]) -> T | None:
        try:
            return make()
        except ImportError as error:
            self.notes.append(f"{column}: empty, because {error.name or error} is not installed")
            return None


def _transcript(decoder: Any, samples: Array) -> str:
    decoder.start_utt()
    decoder.process_raw((samples.clip(-1, 1) * 32767).astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()
    found = decoder.hyp()
    return found.hypstr if found else ""


def levelled(sound: Sound) -> Array:
    """Resample a sound to RATE and scale it to LEVEL."""
    samples = soxr.resample(np.asarray(sound.samples, np.float64), sound.sample_rate, RATE)
    return np.asarray(samples * (LEVEL / np.sqrt(np.mean(samples**2) + 1e-12)))


def high_passed(samples: Array) -> Array:
    """Remove everything below RUMBLE, which speaker encoders take for a part of the voice."""
    return band_passed(samples, RATE, RUMBLE, math.inf, order=12)


def trimmed(samples: Array) -> Array:
    """Cut the silence before and after speech at RATE."""
    frames = len(samples) // HOP
    energy = np.square(samples[: frames * HOP]).reshape(frames, HOP).mean(axis=1)
    loud = np.flatnonzero(energy > np.percentile(energy, 97) * 10 ** (-35 / 10))
    return samples[loud[0] * HOP : (loud[-1] + 1) * HOP] if loud.size else samples


def pieces(sounds: Sequence[Sound], seconds: float, most: int) -> list[Array]:
    """Join sounds without the silence at their ends, and cut them into pieces of equal length.

    The similarity to a speaker grows with the length of a clip, so only pieces of one length can
    be compared. Pieces overlap a little if the length of all sounds is no multiple of `seconds`.
    """
    joined = np.concatenate([trimmed(levelled(sound)) for sound in sounds])
    length = round(seconds * RATE)
    count = max(1, round(len(joined) / length))
    starts = np.linspace(0, max(0, len(joined) - length), count).astype(int)
    return [joined[start : start + length] for start in starts[:most]]


def in_a_row(samples: Sequence[Array]) -> Array:
    """Join samples at RATE, half a second apart.

    DNSMOS rates 9 s and repeats a shorter clip. Without pauses such a clip has no background that
    DNSMOS could rate.
    """
    gap = np.zeros(RATE // 2)
    return np.concatenate([part for each in samples for part in (each, gap)])


def power_frames(samples: Array) -> Array:
    """Power in BANDS mel bands from 80 to 7600 Hz, of the frames within 32 dB of the loud ones."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, FRAME)[::HOP] * np.hanning(FRAME)
    mel = np.linspace(1127 * np.log1p(80 / 700), 1127 * np.log1p(7600 / 700), BANDS)
    bins = np.arange(FRAME // 2 + 1) * RATE / FRAME
    bands = _triangles(700 * np.expm1(mel / 1127), bins)
    power = np.abs(np.fft.rfft(frames)) ** 2 @ bands + 1e-9
    loudness = 10 * np.log10(power.sum(axis=1))
    return np.asarray(power[loudness > np.percentile(loudness, 97) - 32])


def _triangles(centres: Array, bins: Array) -> Array:
    """Return weights of triangular bands, each with the sum 1: (bins, bands)."""
    rows = [np.interp(bins, centres, row) for row in np.eye(len(centres))]
    weights = np.stack(rows, axis=1)
    return np.asarray(weights / np.maximum(weights.sum(axis=0), 1e-9))


def cosines() -> Array:
    """Return the matrix from log powers to cepstral coefficients 1 to 19: (BANDS, 19)."""
    rows = np.cos(np.pi * np.outer(np.arange(BANDS) + 0.5, np.arange(1, 20)) / BANDS)
    return np.asarray(rows * np.sqrt(2 / BANDS))


def semitones(f0: Array) -> tuple[float, float]:
    """Median above 1 Hz, and half the distance of the percentiles 16 and 84."""
    voiced = f0[f0 > 0]
    if voiced.size == 0:
        return math.nan, math.nan
    low, median, high = np.percentile(12 * np.log2(voiced), [16, 50, 84])
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


def flat_model(decoder: Any, texts: Sequence[str]) -> str:
    """Return an ARPA language model that gives every word of the texts and COMMON one probability.

    A model of English would guess words that are not clear, and hide the errors of an engine.
    """
    script = " ".join(texts)
    known = sorted(w for w in {*words(script), *words(COMMON)} if decoder.lookup_word(w))
    log_share = -math.log10(len(known) + 1)
    lines = [f"{log_share:.4f} {word}" for word in ["</s>", *known]]
    head = ["\\data\\", f"ngram 1={len(lines) + 1}", "", "\\1-grams:", "-99 <s>"]
    return "\n".join([*head, *lines, "", "\\end\\", ""])
