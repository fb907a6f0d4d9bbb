"""Apply the speed, pitch and emotion that an engine lacks to its speech.

Speed is WSOLA (Verhelst and Roelands, 1993), which moves pieces of the waveform and keeps F0 and
timbre. Pitch and emotion change F0 and the spectral tilt in the parameters of WORLD (Morise,
Yokomori and Ozawa, 2016). The spectral envelope, and so the formants, stays.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..audio.f0 import CLEAN, track
from ..engines.emotion import PROFILES, Emotion, EmotionProfile
from ..engines.protocol import Controls, Engine, Samples, Speech, Voice

_HALF = 0.015  # seconds, half of a WSOLA window
_REACH = 0.0085  # seconds by which a window may move: half a period of the deepest voice
_HOP = 0.005  # seconds between frames of WORLD

Array = NDArray[np.float64]


def speak(engine: Engine, voice: Voice, text: str, controls: Controls) -> Speech:
    """Speak a text with all controls, whether or not the engine supports them.

    An engine speaks at speeds of 0.5 to 2. Speech is stretched to other speeds.
    """
    native = engine.info.native
    native_speed = min(max(controls.speed, 0.5), 2.0) if "speed" in native else 1.0
    given = replace(
        controls,
        emotion=controls.emotion if "emotion" in native else Emotion.NEUTRAL,
        speed=native_speed,
        pitch=controls.pitch if "pitch" in native else 0,
    )
    speech = engine.speak(voice, text, given)
    profile = EmotionProfile() if "emotion" in native else PROFILES[controls.emotion]
    pitch = 0 if "pitch" in native else controls.pitch
    speed = controls.speed / native_speed
    return stretch_time(change_voice(speech, profile, pitch), speed * profile.rate)


def stretch_time(speech: Speech, speed: float) -> Speech:
    """Change the speed of speech and of its words: at 2 the speech lasts half as long."""
    if speed == 1 or not len(speech.samples):
        return speech
    words = tuple(replace(w, start=w.start / speed, end=w.end / speed) for w in speech.words)
    samples = _stretched(speech.samples, speech.sample_rate, speed)
    return replace(speech, samples=samples, words=words)


def _stretched(samples: Samples, rate: int, speed: float) -> Samples:
    half, reach = round(_HALF * rate), round(_REACH * rate)
    size = 2 * half
    length = max(1, round(len(samples) / speed))
    edge = max(size, round(half * speed)) + reach
    # Half a window before the first sample, and enough after the last sample at any speed.
    source = np.pad(samples.astype(np.float64), (edge, edge + size + round(size * speed)))
    energy = np.concatenate([[0.0], np.cumsum(source**2)])
    window = np.sin(np.pi * (np.arange(size) + 0.5) / size) ** 2  # sums to 1 at half a window
    out = np.zeros(length + 2 * size)
    start = None  # of the last window in the source
    # `at` is the start of a window in `out`, which begins half a window early.
    for at in range(0, length + half, half):
        ideal = min(round((at - half) * speed) + edge, len(source) - size - reach - 1)
        if start is None:
            start = ideal
        else:
            # Choose the window near the ideal place that continues the last window best.
            continuation = source[start + half : start + half + size]
            first = ideal - reach
            likeness = np.correlate(source[first : ideal + reach + size], continuation, "valid")
            power = (
                energy[first + size : ideal + reach + size + 1] - energy[first : ideal + reach + 1]
            )
            start = first + int(np.argmax(likeness / np.sqrt(power + 1e-9)))
        out[at : at + size] += window * source[start : start + size]
    return out[half : half + length].astype(np.float32)


def change_voice(speech: Speech, profile: EmotionProfile, pitch: float = 0.0) -> Speech:
    """Shift the pitch by semitones and apply an emotion, except its rate."""
    shift = pitch + profile.pitch
    if replace(profile, pitch=0.0, rate=1.0) == EmotionProfile() and not shift:
        return speech
    import pyworld  # late, because the package is heavy and rarely needed

    rate = speech.sample_rate
    samples = np.ascontiguousarray(speech.samples, np.float64)
    coarse = track(samples, rate, _HOP, CLEAN)
    times = np.arange(len(coarse)) * _HOP
    f0 = pyworld.stonemask(samples, coarse, times, rate)
    voiced = f0 > 0
    if not voiced.any():
        return speech
    envelope = pyworld.cheaptrick(samples, f0, times, rate)
    noise = pyworld.d4c(samples, f0, times, rate, fft_size=2 * (envelope.shape[1] - 1))
    said = pyworld.synthesize(_moved(f0, profile, shift), envelope * _tilt(envelope, rate, profile),
                              noise, rate, 1000 * _HOP)  # fmt: skip
    fitted = np.pad(said, (0, max(0, len(samples) - len(said))))[: len(samples)]
    return replace(speech, samples=fitted.astype(np.float32))


def _moved(f0: Array, profile: EmotionProfile, semitones: float) -> Array:
    voiced = f0 > 0
    logs = np.log2(np.where(voiced, f0, 1.0))
    mean = logs[voiced].mean()
    return np.where(voiced, 2 ** ((logs - mean) * profile.range + mean + semitones / 12), 0.0)


def _tilt(envelope: Array, rate: int, profile: EmotionProfile) -> Array:
    """Return the factor on the power of each frequency bin."""
    hertz = np.linspace(0, rate / 2, envelope.shape[1])
    return np.asarray(10 ** ((profile.energy + profile.tilt_gain(hertz)) / 10))
