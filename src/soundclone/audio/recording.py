"""Whether a recording can become a voice: how much speech, how loud, how clean.

Every refusal states what was measured and what is needed. The thresholds were set on real speech
of twenty people in ten languages, mixed with noise, babble and music at known levels, clipped by
known amounts, and passed through rooms of known echo; each comment gives the margins.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ..errors import (
    NoSpeech,
    SeveralSpeakers,
    SourceClipped,
    SourceTooNoisy,
    SourceTooQuiet,
    SpeechTooLong,
    SpeechTooShort,
)
from .bandwidth_extension import with_fundamental
from .decode import Decoded
from .denoise import denoise
from .samples import Samples
from .sound import Sound
from .speakers import Company, company
from .vad import Activity, listen

Span = tuple[float, float]  # start and end in seconds

SHORTEST, LONGEST = 15.0, 60.0  # seconds of speech, both excluded

_RATE = 16_000  # Hz, at which everything is measured
_FRAME, _HOP = 512, 256  # samples: 32 and 16 ms
_PIECE = 2000  # frames that are analysed at once
_BAND = (150.0, 7000.0)  # Hz, without hum and hiss
_PAUSE = 0.3  # seconds; longer pauses are shortened to this
_FADE = 0.005  # seconds, where a pause was cut
_LISTEN = 2 * LONGEST  # seconds of speech after which it is certainly too much
# A quarter of an hour with next to no speech is refused before all of it was listened to, which
# takes half a minute. Seconds of speech that are needed, and within how many.
_SPARSE = (5.0, 300.0)

_LEVEL = -23.0  # dBFS RMS of the speech that is handed on
_QUIETEST = -75.0  # dBFS; 16-bit files leave 20 dB above their own rounding here
# Of the windows that the network takes for speech, 0.92 and more are certain in clean speech,
# 0.81 in babble as loud as the voice, 0.63 in music alone.
_LEAST_CERTAIN = 0.7
# How far sound falls below its mean, in dB: its 20th and 5th percentile. At 0 dB white noise gives
# 0 and 0, babble 2-3 and 5-8, music 8-10 and 14-16; at 12 dB white noise 10-13 and 12-14, babble
# 9-12 and 13-16, music 13-18 and 21-26; clean speech 13-27 and 26-53.
_CLEAR_PAUSES = 20.0
# The least of the first. The nearer the second is, the steadier the noise: such noise is taken
# down, and spoils a voice less than its level says.
_LEAST_SNR, _STEADY, _CHANGING = (8.5, 11.2), 3.0, 5.0
_CLEAN_SNR = 20.5  # mean of both
_DENOISED = 18.0  # mean of both, below which steady noise is taken down
# The voice against what sounds where nobody speaks: rooms of 0.6 and 1 s echo 24-39 dB, though the
# echo fills the gaps between syllables; music at 6 dB gives 11-17 dB.
_QUIET_GAPS, _LEAST_GAPS, _GAP_MARGIN = 20.0, 0.3, 0.1  # dB, seconds in all, seconds from speech
# Share of samples beyond 0.8 of the 99th percentile: 0.018-0.034 in clean speech, 0.07-0.10 with
# 5 % of the samples clipped, 0.12-0.16 with 10 %, also after mp3.
_CLIPPED_HEAVY, _CLIPPED_LIGHT, _UNCLIPPED = 0.105, 0.045, 0.024
_NARROW = -45.0  # dB, 4.2-8 kHz against 0.3-3.4 kHz: speech -26 to -4, telephone under -60
_NO_FUNDAMENTAL = -25.0  # dB, 80-250 Hz against 0.3-3.4 kHz: speech -12 to 6, from 300 Hz on -51
# Median time in which fades would reach -60 dB: 0.19-0.28 s in clean speech, up to 0.33 s in
# noise, 0.41 s with an echo of 0.8 s.
_ECHO = 0.35
# Shares of the speech. Of 450 recordings of one speaker two pass for two at once in more than 0.4.
_MOST_TOGETHER, _MOST_OTHERS = 0.4, 0.25
# Scores of `company`. Of 270 recordings without noise, each joined from several of one speaker, two
# go beyond 1.7 (to 1.8); of 180 with noise, babble, music or echo one goes beyond 3.4.
_SUSPECTED, _SURE, _SURE_IN_NOISE = 1.3, 1.7, 3.4
_WORD = 0.25  # seconds

_SILENT = "the recording is silent from beginning to end"


@dataclass(frozen=True)
class Recording:
    """A recording that was found fit."""

    samples: Sound  # speech at -23 dBFS RMS, within full scale
    speech_seconds: float
    segments: tuple[Span, ...]  # where the one speaker speaks
    snr: float  # dB, roughly: the voice against what is behind it
    steady_noise: bool = False  # noise of a kind that `reference` can take down
    warnings: tuple[str, ...] = ()  # sentences for people

    @property
    def sample_rate(self) -> int:
        """Hz, at most 48000."""
        return self.samples.rate


def examine(decoded: Decoded, *, pause: Callable[[], None] = lambda: None) -> Recording:
    """Measure a decoded file. `pause` is called between the parts of the work. Raises NoSpeech,
    SourceTooQuiet, SpeechTooShort, SpeechTooLong, SourceClipped, SourceTooNoisy or
    SeveralSpeakers."""
    samples = decoded.sound
    if not any(block.any() for block in samples.blocks()):
        raise NoSpeech(_SILENT)
    analysed = samples.resampled(_RATE)
    _check_level(analysed)
    if len(analysed) < _RATE:
        _check_length(Activity((), 0.0))
    low, high = _beside_telephone(analysed)
    if low < _NO_FUNDAMENTAL and high < _NARROW:
        samples = Sound.of(with_fundamental(samples.blocks(), samples.rate), samples.rate)
        analysed = samples.resampled(_RATE)
    activity = listen(analysed, _RATE, most=_LISTEN, sparse=_SPARSE, pause=pause)
    _check_length(activity)
    spans = _spans(activity.segments, len(analysed) / _RATE, margin=0.0)
    speech = np.concatenate([analysed[_slice(span, _RATE)] for span in spans])
    pause()
    clipping = _check_clipping(speech)
    noise = _check_noise(analysed, activity.segments, speech)
    pause()
    heard = company(speech)
    pause()
    _check_together(heard)
    segments, others = _told_apart(heard, activity.segments, spans, len(speech), noise.snr)
    if segments != activity.segments:
        spans = _spans(segments, len(analysed) / _RATE, margin=0.0)
        speech = np.concatenate([analysed[_slice(span, _RATE)] for span in spans])
    level = _decibels(float(np.mean(np.square(speech, dtype=np.float64))))
    peak = float(np.abs(speech).max())
    gain = min(10 ** ((_LEVEL - level) / 20), 0.98 / peak)
    return Recording(
        samples=samples.within_full_scale(gain),
        speech_seconds=_seconds(segments),
        segments=segments,
        snr=noise.snr,
        steady_noise=noise.snr < _DENOISED and noise.unsteady < 1,
        warnings=(*clipping, *noise.warnings, *others),
    )


def reference(recording: Recording) -> Samples:
    """The speech of a recording with its pauses, each cut to at most 0.3 s, and its steady noise
    taken down; mono, shape (n,)."""
    rate = recording.sample_rate
    fade = np.linspace(0, 1, round(_FADE * rate), dtype=np.float32)
    parts = []
    length = len(recording.samples) / rate
    for span in _spans(recording.segments, length, margin=_PAUSE / 2):
        part = recording.samples[_slice(span, rate)]
        part[: len(fade)] *= fade
        part[-len(fade) :] *= fade[::-1]
        parts.append(part)
    speech = np.concatenate(parts)
    return denoise(speech, rate) if recording.steady_noise else speech


def _check_level(sound: Sound) -> None:
    most = 0.0
    for samples in sound.blocks(_PIECE * _FRAME):
        blocks = np.pad(samples, (0, -len(samples) % _FRAME)).reshape(-1, _FRAME)
        most = max(most, float(np.square(blocks, dtype=np.float64).mean(axis=1).max()))
    if not most:
        raise NoSpeech(_SILENT)
    loudest = _decibels(most)
    if loudest < _QUIETEST:
        raise SourceTooQuiet(
            f"the loudest part of the recording is at {loudest:.0f} dBFS; "
            f"speech of more than {_QUIETEST:.0f} dBFS is needed"
        )


def _check_length(activity: Activity) -> None:
    seconds = activity.seconds
    if activity.sparse:
        raise NoSpeech(
            f"the first {_SPARSE[1]:g} s of the recording hold only {_floor(seconds)} s of clear "
            f"speech; more than {SHORTEST:g} s is needed: cut the recording to its spoken part"
        )
    if seconds < 1 or activity.certainty < _LEAST_CERTAIN:
        raise NoSpeech(
            f"no clear speech was found in the recording; more than {SHORTEST:g} s is needed"
        )
    if seconds <= SHORTEST:
        raise SpeechTooShort(
            f"speech lasts {_floor(seconds)} s; more than {SHORTEST:g} s is needed"
        )
    if seconds >= LONGEST:
        lasts = f"{seconds:.1f} s" if seconds < _LISTEN else f"more than {_LISTEN:g} s"
        raise SpeechTooLong(f"speech lasts {lasts}; less than {LONGEST:g} s is needed")


def _check_clipping(speech: Samples) -> list[str]:
    """Warnings. Raises SourceClipped."""
    clipped = _beyond(speech)
    if clipped > _CLIPPED_HEAVY:
        raise SourceClipped(
            f"about {100 * (clipped - _UNCLIPPED):.0f} % of the speech is clipped; "
            "less than 8 % is needed: record again at a lower level"
        )
    if clipped > _CLIPPED_LIGHT:
        return [f"about {100 * (clipped - _UNCLIPPED):.0f} % of the speech is clipped"]
    return []


@dataclass(frozen=True)
class _Noise:
    """What is heard beside the voice."""

    snr: float  # dB
    unsteady: float  # 0, a hum, to 1, music
    warnings: tuple[str, ...]


def _check_noise(samples: Sound, segments: tuple[Span, ...], speech: Samples) -> _Noise:
    """Raises SourceTooNoisy."""
    syllables, pauses = _falls(speech)
    unsteady = float(np.clip((pauses - syllables - _STEADY) / (_CHANGING - _STEADY), 0, 1))
    least = float(np.interp(unsteady, (0, 1), _LEAST_SNR))
    echo = _echoes(samples)
    if syllables < least and pauses < _CLEAR_PAUSES:
        echo = _gaps(samples, segments) > _QUIET_GAPS
        if not echo:
            raise SourceTooNoisy(
                f"noise, music or echo is only {max(syllables, 0):.1f} dB below the voice; "
                f"at least {least:.1f} dB is needed"
            )
    snr = (syllables + pauses) / 2
    warnings = []
    if snr < _CLEAN_SNR:
        warnings.append(f"noise, music or echo is only about {snr:.0f} dB below the voice")
    if _beside_telephone(speech)[1] < _NARROW:
        warnings.append("the recording has telephone bandwidth: nothing above 4 kHz")
    if echo:
        warnings.append("the room echoes strongly")
    return _Noise(snr, unsteady, tuple(warnings))


def _check_together(heard: Company) -> None:
    if heard.together > _MOST_TOGETHER:
        raise SeveralSpeakers(
            f"two people speak at once in about {100 * heard.together:.0f} % of the speech; "
            "one speaker alone is needed"
        )


def _told_apart(
    heard: Company, segments: tuple[Span, ...], spans: list[Span], length: int, snr: float
) -> tuple[tuple[Span, ...], list[str]]:
    """The segments of the one who speaks, and warnings. `length` of all speech, in samples.
    Raises SeveralSpeakers."""
    others = _seconds(heard.others) * _RATE / length
    if heard.score > (_SURE if snr >= _CLEAN_SNR else _SURE_IN_NOISE):
        share = f"about {100 * others:.0f} % of the speech is by somebody else: left out"
        return _of_one(heard, others, segments, spans), [share]
    if heard.score > _SUSPECTED:
        return segments, [f"about {100 * others:.0f} % of the speech may be by somebody else"]
    return segments, []


def _of_one(
    heard: Company, others: float, segments: tuple[Span, ...], spans: list[Span]
) -> tuple[Span, ...]:
    """The segments without what is said by others, whose share is given."""
    if others > _MOST_OTHERS:
        raise SeveralSpeakers(
            f"about {100 * others:.0f} % of the speech is by a second speaker; "
            f"at most {100 * _MOST_OTHERS:.0f} % can be left out: one speaker is needed"
        )
    kept = tuple(_without(segments, _placed(heard.others, spans)))
    if _seconds(kept) <= SHORTEST:
        raise SeveralSpeakers(
            f"about {100 * others:.0f} % of the speech is by a second speaker, and only "
            f"{_floor(_seconds(kept))} s without; more than {SHORTEST:g} s of one speaker is needed"
        )
    return kept


def _placed(parts: Iterable[Span], spans: list[Span]) -> Iterator[Span]:
    """Where parts of the spans put together lie in the recording."""
    for first, last in parts:
        position = 0.0
        for start, end in spans:
            a, b = max(first - position, 0.0), min(last - position, end - start)
            if a < b:
                yield start + a, start + b
            position += end - start


def _without(segments: Iterable[Span], others: Iterable[Span]) -> Iterator[Span]:
    """The segments less the others, and less what is then shorter than a word."""
    kept = list(segments)
    for first, last in others:
        cut = (part for a, b in kept for part in ((a, min(b, first)), (max(a, last), b)))
        kept = [(a, b) for a, b in cut if b > a]
    return ((a, b) for a, b in kept if b - a >= _WORD)


def _seconds(segments: Iterable[Span]) -> float:
    return sum(end - start for start, end in segments)


def _floor(seconds: float) -> float:
    """To a tenth, but never up to the limit that was missed."""
    return math.floor(10 * seconds) / 10


def _spans(segments: tuple[Span, ...], length: float, margin: float) -> list[Span]:
    """Segments with `margin` seconds on both sides, joined where a pause is shorter than 0.3 s."""
    spans: list[Span] = []
    for start, end in segments:
        start, end = max(0.0, start - margin), min(length, end + margin)
        if spans and start - spans[-1][1] < _PAUSE - 2 * margin:
            start = spans.pop()[0]
        spans.append((start, end))
    return spans


def _slice(span: Span, rate: int) -> slice:
    return slice(round(span[0] * rate), round(span[1] * rate))


def _beyond(speech: Samples) -> float:
    """Share of samples close to where the largest ones crowd."""
    size = np.abs(speech)
    return float(np.mean(size > 0.8 * np.percentile(size, 99)))


def _energies(samples: Samples | Sound, *bands: Span) -> NDArray[np.float64]:
    """Energy of each frame within bands that are given in Hz: (bands, frames)."""
    hertz = np.fft.rfftfreq(_FRAME, 1 / _RATE)
    inside = np.array([(hertz >= low) & (hertz <= high) for low, high in bands], np.float64)
    pieces = []
    for at in range(0, len(samples) - _FRAME + 1, _PIECE * _HOP):
        piece = samples[at : at + (_PIECE - 1) * _HOP + _FRAME]
        frames = sliding_window_view(piece, _FRAME)[::_HOP]
        pieces.append(inside @ np.square(np.abs(np.fft.rfft(frames * np.hanning(_FRAME)))).T)
    return np.concatenate(pieces, axis=1)


def _falls(speech: Samples) -> tuple[float, float]:
    """How far the sound falls below its mean between syllables and in the deepest pauses, in dB.

    Steady noise fills every gap, so that both tell its distance from the voice. Music and babble
    leave some gaps but fill the short ones between syllables, which a clean voice does not.
    """
    (energy,) = _energies(speech, _BAND)
    floors = np.maximum(np.percentile(energy, (20, 5)), 1e-12)
    syllables, pauses = (_decibels(float(energy.mean() / floor - 1)) for floor in floors)
    return syllables, pauses


def _gaps(samples: Sound, segments: tuple[Span, ...]) -> float:
    """The voice against what is heard well away from it, in dB; minus infinity when there are not
    gaps enough."""
    (energy,) = _energies(samples, _BAND)
    start = np.arange(len(energy)) * _HOP / _RATE
    end = start + _FRAME / _RATE
    spoken, near = np.zeros((2, len(energy)), bool)
    for first, last in segments:
        spoken |= (start >= first) & (end <= last)
        near |= (end > first - _GAP_MARGIN) & (start < last + _GAP_MARGIN)
    if (~near).sum() * _HOP < _LEAST_GAPS * _RATE:
        return -np.inf
    floor = max(float(energy[~near].mean()), 1e-12)
    return _decibels(float(energy[spoken].mean()) / floor - 1)


def _beside_telephone(speech: Samples | Sound) -> tuple[float, float]:
    """Energy of 80-250 Hz and of 4.2-8 kHz against that of 0.3-3.4 kHz, in dB."""
    low, telephone, high = _energies(speech, (80, 250), (300, 3400), (4200, 8000)).mean(axis=1)
    return _decibels(low / max(telephone, 1e-12)), _decibels(high / max(telephone, 1e-12))


def _echoes(samples: Sound) -> bool:
    """Whether sounds fade as slowly as in a large bare room, or hardly ever fade undisturbed."""
    hop = 80  # 5 ms; four together are a frame
    pieces = []
    for start in range(0, len(samples) // hop * hop, hop * _PIECE):
        piece = samples[start : start + hop * _PIECE]
        pieces.append(np.square(piece[: len(piece) // hop * hop].reshape(-1, hop)).mean(axis=1))
    energy = np.convolve(np.concatenate(pieces), np.full(4, 0.25), "valid")
    level = 10 * np.log10(energy + 1e-12)
    level = np.convolve(level, np.ones(5) / 5, "valid")
    turns = np.flatnonzero(np.diff(np.sign(np.diff(level)))) + 1
    ends = np.concatenate(([0], turns, [len(level) - 1]))
    drop = level[ends[:-1]] - level[ends[1:]]
    fading = drop >= 15  # dB, enough to measure a slope
    times = 60 / drop[fading] * np.diff(ends)[fading] * hop / _RATE
    return len(times) >= 8 and float(np.median(times)) > _ECHO


def _decibels(power: float) -> float:
    return float(10 * np.log10(max(power, 1e-20)))
