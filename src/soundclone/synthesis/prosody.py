"""Speed, pitch and emotion of engines that do not have them: changes to speech that is there.

Speed is WSOLA (Verhelst and Roelands, 1993), which takes waveform as it is and leaves F0 and
timbre alone. Pitch and the manner of an emotion are F0 and a tilt in the parameters of WORLD
(Morise, Yokomori and Ozawa, 2016), whose envelope, and so the formants, stays.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..audio.f0 import CLEAN, track
from ..engines.emotion import PROFILES, Emotion, EmotionProfile
from ..engines.protocol import Controls, Engine, Samples, Speech, Voice

_HALF = 0.015  # seconds, of a WSOLA window
_REACH = 0.0085  # seconds that a window may move: half a period of the deepest voice
_HOP = 0.005  # seconds between frames of WORLD

Array = NDArray[np.float64]


def say(engine: Engine, voice: Voice, sentence: str, controls: Controls) -> Speech:
    """Say a sentence with all controls, whichever of them are the engine's own."""
    native = engine.info.native
    given = replace(
        controls,
        emotion=controls.emotion if "emotion" in native else Emotion.NEUTRAL,
        speed=controls.speed if "speed" in native else 1.0,
        pitch=controls.pitch if "pitch" in native else 0,
    )
    speech = engine.speak(voice, sentence, given)
    manner = EmotionProfile() if "emotion" in native else PROFILES[controls.emotion]
    pitch = 0 if "pitch" in native else controls.pitch
    speed = 1.0 if "speed" in native else controls.speed
    return faster(voiced_otherwise(speech, manner, pitch), speed * manner.rate)


def faster(speech: Speech, speed: float) -> Speech:
    """The same at `speed` times the speed, words included: at 2 it lasts half as long."""
    if speed == 1 or not len(speech.samples):
        return speech
    words = tuple(replace(w, start=w.start / speed, end=w.end / speed) for w in speech.words)
    return Speech(_stretched(speech.samples, speech.sample_rate, speed), speech.sample_rate, words)


def _stretched(samples: Samples, rate: int, speed: float) -> Samples:
    half, reach = round(_HALF * rate), round(_REACH * rate)
    size = 2 * half
    length = max(1, round(len(samples) / speed))
    edge = size + reach
    # Half a window before the first sample, and enough after the last one, whatever the speed.
    source = np.pad(samples.astype(np.float64), (edge, edge + size + round(size * speed)))
    energy = np.concatenate([[0.0], np.cumsum(source**2)])
    window = np.sin(np.pi * (np.arange(size) + 0.5) / size) ** 2  # sums to 1 at half a window
    out = np.zeros(length + 2 * size)
    start = None  # of the last window in the source
    for at in range(0, length + half, half):  # `at`: of the window in `out`, half of it too early
        ideal = min(round((at - half) * speed) + edge, len(source) - size - reach - 1)
        if start is None:
            start = ideal
        else:
            # Of the windows near the ideal one, that which goes on most like the last one did.
            going_on = source[start + half : start + half + size]
            first = ideal - reach
            likeness = np.correlate(source[first : ideal + reach + size], going_on, "valid")
            power = (
                energy[first + size : ideal + reach + size + 1] - energy[first : ideal + reach + 1]
            )
            start = first + int(np.argmax(likeness / np.sqrt(power + 1e-9)))
        out[at : at + size] += window * source[start : start + size]
    return out[half : half + length].astype(np.float32)


def voiced_otherwise(speech: Speech, manner: EmotionProfile, pitch: float = 0.0) -> Speech:
    """The same at another pitch, in semitones, and in a manner but for its rate."""
    shift = pitch + manner.pitch
    if replace(manner, pitch=0.0, rate=1.0) == EmotionProfile() and not shift:
        return speech
    import pyworld  # heavy, and most engines need none of it

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
    said = pyworld.synthesize(_moved(f0, manner, shift), envelope * _tilt(envelope, rate, manner),
                              noise, rate, 1000 * _HOP)  # fmt: skip
    fitted = np.pad(said, (0, max(0, len(samples) - len(said))))[: len(samples)]
    return replace(speech, samples=fitted.astype(np.float32))


def _moved(f0: Array, manner: EmotionProfile, semitones: float) -> Array:
    voiced = f0 > 0
    logs = np.log2(np.where(voiced, f0, 1.0))
    mean = logs[voiced].mean()
    return np.where(voiced, 2 ** ((logs - mean) * manner.range + mean + semitones / 12), 0.0)


def _tilt(envelope: Array, rate: int, manner: EmotionProfile) -> Array:
    """Factors of power for each bin."""
    hertz = np.linspace(0, rate / 2, envelope.shape[1])
    return np.asarray(10 ** ((manner.energy + manner.tilt_gain(hertz)) / 10))
