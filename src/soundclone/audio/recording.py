"""Checks of a recording before it becomes a voice: length, level, clipping, noise, speakers.

Every error states the measured and the required value. The thresholds were set on real speech of
twenty people in ten languages. It was mixed with noise, babble and music at known levels, clipped
by known amounts, and passed through rooms of known echo. The comments give the margins.
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
from .bandwidth_extension import restore_fundamental
from .decode import Decoded
from .denoise import denoise
from .fades import fade_ends
from .recording_report import RecordingReport
from .samples import Samples
from .sound import Sound
from .speakers import SpeakerCheck, detect_other_speakers
from .vad import SpeechActivity, detect_speech

Span = tuple[float, float]
"""Start and end in seconds."""


@dataclass(frozen=True)
class RecordingLimits:
    """Limits of the speech in a recording."""

    min_seconds: float = 15.0  # excluded
    max_seconds: float = 60.0  # excluded
    search_seconds: float = 120.0  # seconds of speech after which the search for speech stops
    # Seconds of speech, and of sound. The search stops when the beginning has less speech, because
    # searching a quarter of an hour takes half a minute.
    sparse: tuple[float, float] = (5.0, 300.0)


_RATE = 16_000  # Hz, of all measurements
_FRAME, _HOP = 512, 256  # samples: 32 and 16 ms
_PIECE = 2000  # frames analysed at a time
_BAND = (150.0, 7000.0)  # Hz, without hum and hiss
_PAUSE = 0.3  # seconds; longer pauses are shortened to this
_FADE = 0.005  # seconds, where a pause was cut

_LEVEL = -23.0  # dBFS RMS of the speech in a Recording
_QUIETEST = -75.0  # dBFS, 20 dB above the rounding noise of 16-bit files
# Share of speech windows that are certain: 0.92 and more in clean speech, 0.81 in babble as loud as
# the voice, 0.63 in music without a voice.
_LEAST_CERTAIN = 0.7
# 20th and 5th percentile of the level below its mean, in dB. White noise at 0 dB: 0 and 0, babble
# 2-3 and 5-8, music 8-10 and 14-16. White noise at 12 dB: 10-13 and 12-14, babble 9-12 and 13-16,
# music 13-18 and 21-26. Clean speech: 13-27 and 26-53.
_CLEAR_PAUSES = 20.0
# Least value of the first percentile. The closer the two are, the steadier the noise. Steady noise
# may be louder, because it is removed later.
_LEAST_SNR, _STEADY, _CHANGING = (8.5, 11.2), 3.0, 5.0
_CLEAN_SNR = 20.5  # mean of both percentiles
_DENOISED = 18.0  # mean of both percentiles, below which steady noise is removed
# Level of the voice over that of the gaps: 24-39 dB in rooms with an echo of 0.6 and 1 s, which
# fills only the gaps between syllables, and 11-17 dB with music at 6 dB.
_QUIET_GAPS, _LEAST_GAPS, _GAP_MARGIN = 20.0, 0.3, 0.1  # dB, seconds in all, seconds from speech
# Share of samples above 0.8 of the 99th percentile: 0.018-0.034 in clean speech, 0.07-0.10 with
# 5 % of the samples clipped, 0.12-0.16 with 10 %, also after mp3.
_CLIPPED_HEAVY, _CLIPPED_LIGHT, _UNCLIPPED = 0.105, 0.045, 0.024
_NARROW = -45.0  # dB, 4.2-8 kHz over 0.3-3.4 kHz: speech -26 to -4, telephone below -60
_NO_FUNDAMENTAL = -25.0  # dB, 80-250 Hz over 0.3-3.4 kHz: speech -12 to 6, telephone -51
# Median time of a decay by 60 dB: 0.19-0.28 s in clean speech, up to 0.33 s in noise, 0.41 s with
# an echo of 0.8 s.
_ECHO = 0.35
# Shares of the speech. Of 450 recordings of one speaker, two have a measured overlap above 0.4.
_MOST_OVERLAP, _MOST_OTHERS = 0.4, 0.25
# Scores of `detect_other_speakers`. Of 270 recordings without noise, each joined from several of
# one speaker, two exceed 1.7 (up to 1.8). Of 180 with noise, babble, music or echo, one exceeds
# 3.4.
_SUSPECTED, _SURE, _SURE_IN_NOISE = 1.3, 1.7, 3.4
_WORD = 0.25  # seconds, the shortest word

_GENEROUS = 30.0  # seconds of speech, from which more adds little
_LOW = -38.0  # dBFS; usual microphones give -30 to -18 at a hand's width

_SILENT = "the recording is silent from beginning to end"


@dataclass(frozen=True)
class Quality:
    """Weaknesses of a recording that passed the checks."""

    level: float  # dBFS RMS of the speech in the file
    clipped: float  # share of the samples that are clipped, 0 for less than can be measured
    noisy: bool
    echo: bool
    telephone: bool  # True if nothing is above 4 kHz
    others: bool  # True if somebody else may speak


@dataclass(frozen=True)
class Recording:
    """Recording that passed the checks."""

    samples: Sound  # speech at -23 dBFS RMS, within full scale
    speech_seconds: float
    segments: tuple[Span, ...]  # speech of the one speaker
    snr: float  # approximate level of the voice over the background, in dB
    quality: Quality
    steady_noise: bool = False  # True if `extract_reference` reduces the noise
    warnings: tuple[str, ...] = ()  # messages for users

    @property
    def sample_rate(self) -> int:
        """Sample rate in Hz, at most 48000."""
        return self.samples.rate


def examine(
    decoded: Decoded,
    *,
    limits: RecordingLimits | None = None,
    pause: Callable[[], None] = lambda: None,
) -> Recording:
    """Check and measure a decoded file.

    Args:
        decoded: Sound of the file.
        limits: Limits other than the usual ones.
        pause: Called between parts of the work. An exception ends it.

    Raises:
        NoSpeech, SourceTooQuiet, SpeechTooShort, SpeechTooLong, SourceClipped, SourceTooNoisy,
        SeveralSpeakers: A check failed. The message has the measured and the required value.
    """
    limits = limits or RecordingLimits()
    samples = decoded.sound
    if not any(block.any() for block in samples.blocks()):
        raise NoSpeech(_SILENT)
    analysed = samples.resampled(_RATE)
    _check_level(analysed)
    if len(analysed) < _RATE:
        _check_length(SpeechActivity((), 0.0), limits)
    low, high = _levels_beside_telephone(analysed)
    if low < _NO_FUNDAMENTAL and high < _NARROW:
        samples = Sound.from_blocks(
            restore_fundamental(samples.blocks(), samples.rate), samples.rate
        )
        analysed = samples.resampled(_RATE)
    activity = detect_speech(
        analysed, _RATE, most=limits.search_seconds, sparse=limits.sparse, pause=pause
    )
    _check_length(activity, limits)
    spans = _spans(activity.segments, len(analysed) / _RATE, margin=0.0)
    speech = np.concatenate([analysed[_slice(span, _RATE)] for span in spans])
    pause()
    clipped, clipping = _check_clipping(speech)
    noise = _check_noise(analysed, activity.segments, speech)
    pause()
    found = detect_other_speakers(speech)
    pause()
    _check_overlap(found)
    share = _seconds(found.others) * _RATE / len(speech)
    segments, others = activity.segments, []
    if found.score > (_SURE if noise.snr >= _CLEAN_SNR else _SURE_IN_NOISE):
        others = [f"about {100 * share:.0f} % of the speech is by somebody else: left out"]
        segments = _without_others(found.others, share, segments, spans, limits)
    elif found.score > _SUSPECTED:
        others = [f"about {100 * share:.0f} % of the speech may be by somebody else"]
    if segments != activity.segments:
        spans = _spans(segments, len(analysed) / _RATE, margin=0.0)
        speech = np.concatenate([analysed[_slice(span, _RATE)] for span in spans])
    level = _decibels(float(np.mean(np.square(speech, dtype=np.float64))))
    peak = float(np.abs(speech).max())
    gain = min(10 ** ((_LEVEL - level) / 20), 0.98 / peak)
    return Recording(
        samples=samples.amplified(gain),
        speech_seconds=_seconds(segments),
        segments=segments,
        snr=noise.snr,
        quality=Quality(
            level=level,
            clipped=clipped,
            noisy=noise.snr < _CLEAN_SNR,
            echo=noise.echo,
            telephone=noise.telephone,
            others=bool(others),
        ),
        steady_noise=noise.snr < _DENOISED and noise.unsteady < 1,
        warnings=(*clipping, *noise.warnings, *others),
    )


def report_on(recording: Recording) -> RecordingReport:
    """Return the measurements of a recording, and what would improve it."""
    quality = recording.quality
    return RecordingReport(
        speech_seconds=round(recording.speech_seconds, 2),
        level=round(quality.level, 1),
        snr=round(recording.snr, 1),
        clipped=round(quality.clipped, 3),
        echo=quality.echo,
        telephone=quality.telephone,
        advice=_advice(recording),
    )


def _advice(recording: Recording) -> tuple[str, ...]:
    """Return what would improve the recording, the most important first."""
    quality, advice = recording.quality, list[str]()
    if quality.clipped:
        advice.append(
            f"about {100 * quality.clipped:.0f} % of the speech is clipped: lower the level of the "
            "microphone, or speak from further away"
        )
    if quality.noisy:
        advice.append(
            f"the background is only about {recording.snr:.0f} dB below the voice: record in a "
            "quieter place, closer to the microphone"
        )
    if quality.echo:
        advice.append(
            "the room echoes: record closer to the microphone, in a room with curtains or carpets"
        )
    if quality.telephone:
        advice.append(
            "the recording has telephone bandwidth: use a microphone instead of a telephone call"
        )
    if quality.others:
        advice.append("somebody else speaks in the recording: record one person alone")
    if quality.level < _LOW:
        advice.append(
            f"the speech is at {quality.level:.0f} dBFS: raise the level of the microphone, or "
            "speak from a hand's width away"
        )
    if recording.speech_seconds < _GENEROUS:
        advice.append(
            f"speech lasts {recording.speech_seconds:.0f} s: {_GENEROUS:.0f} s or more show the "
            "engine more of the voice"
        )
    return tuple(advice)


def extract_reference(recording: Recording) -> Samples:
    """Return the speech of a recording, mono, shape (n,), as an engine's reference.

    Pauses are cut to at most 0.3 s. Steady noise is reduced.
    """
    rate = recording.sample_rate
    ramp = np.linspace(0, 1, round(_FADE * rate), dtype=np.float32)
    parts = []
    length = len(recording.samples) / rate
    for span in _spans(recording.segments, length, margin=_PAUSE / 2):
        part = recording.samples[_slice(span, rate)]
        fade_ends(part, ramp)
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


def _check_length(activity: SpeechActivity, limits: RecordingLimits) -> None:
    seconds = activity.seconds
    if activity.sparse:
        raise NoSpeech(
            f"the first {limits.sparse[1]:g} s of the recording hold only {_floor(seconds)} s of "
            f"clear speech; more than {limits.min_seconds:g} s is needed: cut the recording to its "
            "spoken part"
        )
    if seconds < 1 or activity.certainty < _LEAST_CERTAIN:
        raise NoSpeech(
            "no clear speech was found in the recording; more than "
            f"{limits.min_seconds:g} s is needed"
        )
    if seconds <= limits.min_seconds:
        raise SpeechTooShort(
            f"speech lasts {_floor(seconds)} s; more than {limits.min_seconds:g} s is needed"
        )
    if seconds >= limits.max_seconds:
        most = limits.search_seconds
        lasts = f"{seconds:.1f} s" if seconds < most else f"more than {most:g} s"
        raise SpeechTooLong(f"speech lasts {lasts}; less than {limits.max_seconds:g} s is needed")


def _check_clipping(speech: Samples) -> tuple[float, list[str]]:
    """Return the share of clipped samples, 0 for a small one, and warnings.

    Raises SourceClipped.
    """
    near = _share_near_peak(speech)
    clipped = near - _UNCLIPPED
    if near > _CLIPPED_HEAVY:
        raise SourceClipped(
            f"about {100 * clipped:.0f} % of the speech is clipped; "
            "less than 8 % is needed: record again at a lower level"
        )
    if near > _CLIPPED_LIGHT:
        return clipped, [f"about {100 * clipped:.0f} % of the speech is clipped"]
    return 0.0, []


@dataclass(frozen=True)
class _Noise:
    """Noise beside the voice."""

    snr: float  # dB
    unsteady: float  # from 0, a hum, to 1, music
    echo: bool
    telephone: bool  # True if nothing is above 4 kHz
    warnings: tuple[str, ...]


def _check_noise(samples: Sound, segments: tuple[Span, ...], speech: Samples) -> _Noise:
    """Measure the noise. Raises SourceTooNoisy."""
    syllables, pauses = _falls(speech)
    unsteady = float(np.clip((pauses - syllables - _STEADY) / (_CHANGING - _STEADY), 0, 1))
    least = float(np.interp(unsteady, (0, 1), _LEAST_SNR))
    echo = _has_strong_echo(samples)
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
    telephone = _levels_beside_telephone(speech)[1] < _NARROW
    if telephone:
        warnings.append("the recording has telephone bandwidth: nothing above 4 kHz")
    if echo:
        warnings.append("the room echoes strongly")
    return _Noise(snr, unsteady, echo, telephone, tuple(warnings))


def _check_overlap(found: SpeakerCheck) -> None:
    if found.overlap > _MOST_OVERLAP:
        raise SeveralSpeakers(
            f"two people speak at once in about {100 * found.overlap:.0f} % of the speech; "
            "one speaker alone is needed"
        )


def _without_others(
    others: Iterable[Span],
    share: float,
    segments: tuple[Span, ...],
    spans: list[Span],
    limits: RecordingLimits,
) -> tuple[Span, ...]:
    """Return the segments without those of other speakers.

    Args:
        others: Speech of other speakers, in seconds of the concatenated spans.
        share: Share of the speech that `others` are, 0-1.
        segments: Speech in the recording.
        spans: Parts of the recording that were searched for other speakers.
        limits: Limits of the speech that is left.

    Raises:
        SeveralSpeakers: The share is too large, or too little speech is left.
    """
    if share > _MOST_OTHERS:
        raise SeveralSpeakers(
            f"about {100 * share:.0f} % of the speech is by a second speaker; "
            f"at most {100 * _MOST_OTHERS:.0f} % can be left out: one speaker is needed"
        )
    kept = tuple(_subtract(segments, _in_recording(others, spans)))
    if _seconds(kept) <= limits.min_seconds:
        raise SeveralSpeakers(
            f"about {100 * share:.0f} % of the speech is by a second speaker, and only "
            f"{_floor(_seconds(kept))} s without; more than {limits.min_seconds:g} s of one "
            "speaker is needed"
        )
    return kept


def _in_recording(parts: Iterable[Span], spans: list[Span]) -> Iterator[Span]:
    """Convert parts of the concatenated spans to parts of the recording."""
    for first, last in parts:
        position = 0.0
        for start, end in spans:
            a, b = max(first - position, 0.0), min(last - position, end - start)
            if a < b:
                yield start + a, start + b
            position += end - start


def _subtract(segments: Iterable[Span], others: Iterable[Span]) -> Iterator[Span]:
    """Remove `others` from the segments, and remainders that are shorter than a word."""
    kept = list(segments)
    for first, last in others:
        cut = (part for a, b in kept for part in ((a, min(b, first)), (max(a, last), b)))
        kept = [(a, b) for a, b in cut if b > a]
    return ((a, b) for a, b in kept if b - a >= _WORD)


def _seconds(segments: Iterable[Span]) -> float:
    return sum(end - start for start, end in segments)


def _floor(seconds: float) -> float:
    """Round down to a tenth, so that a value below a limit is not shown as the limit."""
    return math.floor(10 * seconds) / 10


def _spans(segments: tuple[Span, ...], length: float, margin: float) -> list[Span]:
    """Add `margin` seconds on both sides of the segments and join those less than 0.3 s apart."""
    spans: list[Span] = []
    for start, end in segments:
        start, end = max(0.0, start - margin), min(length, end + margin)
        if spans and start - spans[-1][1] < _PAUSE - 2 * margin:
            start = spans.pop()[0]
        spans.append((start, end))
    return spans


def _slice(span: Span, rate: int) -> slice:
    return slice(round(span[0] * rate), round(span[1] * rate))


def _share_near_peak(speech: Samples) -> float:
    """Return the share of samples close to the largest ones, which clipping raises."""
    size = np.abs(speech)
    return float(np.mean(size > 0.8 * np.percentile(size, 99)))


def _energies(samples: Samples | Sound, *bands: Span) -> NDArray[np.float64]:
    """Return the energy of each frame within bands given in Hz, (bands, frames)."""
    hertz = np.fft.rfftfreq(_FRAME, 1 / _RATE)
    inside = np.array([(hertz >= low) & (hertz <= high) for low, high in bands], np.float64)
    pieces = []
    for at in range(0, len(samples) - _FRAME + 1, _PIECE * _HOP):
        piece = samples[at : at + (_PIECE - 1) * _HOP + _FRAME]
        frames = sliding_window_view(piece, _FRAME)[::_HOP]
        pieces.append(inside @ np.square(np.abs(np.fft.rfft(frames * np.hanning(_FRAME)))).T)
    return np.concatenate(pieces, axis=1)


def _falls(speech: Samples) -> tuple[float, float]:
    """Return how far the level falls between syllables and in the deepest pauses, in dB.

    Both are relative to the mean. Steady noise fills all gaps, so both measure its distance from
    the voice. Music and babble leave some gaps but fill the short ones between syllables.
    """
    (energy,) = _energies(speech, _BAND)
    floors = np.maximum(np.percentile(energy, (20, 5)), 1e-12)
    syllables, pauses = (_decibels(float(energy.mean() / floor - 1)) for floor in floors)
    return syllables, pauses


def _gaps(samples: Sound, segments: tuple[Span, ...]) -> float:
    """Return the level of the voice over that of the gaps, in dB.

    Returns minus infinity if the gaps are too short.
    """
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


def _levels_beside_telephone(speech: Samples | Sound) -> tuple[float, float]:
    """Return the energy of 80-250 Hz and of 4.2-8 kHz over that of 0.3-3.4 kHz, in dB."""
    low, telephone, high = _energies(speech, (80, 250), (300, 3400), (4200, 8000)).mean(axis=1)
    return _decibels(low / max(telephone, 1e-12)), _decibels(high / max(telephone, 1e-12))


def _has_strong_echo(samples: Sound) -> bool:
    """Return True if sounds decay as slowly as in a large bare room."""
    hop = 80  # samples, 5 ms; a frame has four
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
    fading = drop >= 15  # dB, enough to measure the slope
    times = 60 / drop[fading] * np.diff(ends)[fading] * hop / _RATE
    return len(times) >= 8 and float(np.median(times)) > _ECHO


def _decibels(power: float) -> float:
    return float(10 * np.log10(max(power, 1e-20)))
