"""The built-in engine: clones voices offline, on one processor core, in 40 languages.

    frontend     text -> sound, phones and words of espeak-ng (a process of its own: `espeak`)
    analysis     sound -> F0, envelope, level (`vocoder`), phone posteriors (`acoustics`)
    conversion   the parameters of the `source` -> the speaker's
    synthesis    parameters -> sound, with speed, pitch and emotion
    voice        the file that keeps a speaker

Importing this module is cheap; the parts are imported when they are first needed.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ...errors import EngineUnavailable, NoSpeech, SynthesisError
from ..protocol import Controls, Emotion, EngineInfo, Reference, Speech, Voice

__all__ = ["BuiltinEngine"]

_LICENCE = (
    "Apache-2.0; acoustic model BSD; starts espeak-ng (GPL-3.0-or-later) as a process of its own"
)
_SHORTEST = 5.0  # seconds of reference; whoever calls asks for more of it to be speech
_LONGEST = 120.0


class BuiltinEngine:
    """Implements `engines.protocol.Engine`. Safe to call from several threads at once."""

    concurrent = True

    def __init__(self) -> None:
        from .frontend import Pool

        self._pool = Pool()

    @cached_property
    def info(self) -> EngineInfo:
        """What the engine says of itself."""
        from .frontend import VOICES
        from .vocoder import OUTPUT_RATE
        from .voice import version

        return EngineInfo(
            name="builtin",
            version=version(),
            licence=_LICENCE,
            languages=frozenset(VOICES),
            sample_rate=OUTPUT_RATE,
            native=frozenset({"speed", "pitch", "emotion"}),
            rank=10,
        )

    def unusable(self) -> str | None:
        """Start espeak-ng and say a word; None when that works."""
        try:
            self._pool.check()
        except EngineUnavailable as error:
            return error.message
        return None

    def warm(self) -> None:
        """Read the weights and start one espeak-ng."""
        from . import acoustics, envelope_decoder, source, synthesis  # noqa: F401

        acoustics.model()
        envelope_decoder.weights()
        source.source()
        self._pool.check()

    def clone(self, reference: Reference, language: str = "English") -> Voice:
        """Make a voice of 5 to 120 s of speech at 8 to 48 kHz; it speaks every language.

        Raises NoSpeech when there is too little voiced speech in it, SynthesisError when it is
        no recording of that kind.
        """
        from .analysis import analyse
        from .conversion import voice_of
        from .voice import pack

        samples = np.asarray(reference.samples, np.float64)
        if not 8_000 <= reference.sample_rate <= 48_000:
            raise SynthesisError(
                f"the reference has {reference.sample_rate} Hz; 8000 to 48000 Hz are understood"
            )
        seconds = samples.size / reference.sample_rate
        if samples.ndim != 1 or not seconds >= _SHORTEST:
            raise NoSpeech(
                f"the reference lasts {seconds:.1f} s; at least {_SHORTEST:.0f} s is needed"
            )
        if not np.isfinite(samples).all():
            raise SynthesisError("the reference has samples that are not finite numbers")
        if not np.any(np.abs(samples) > 1e-5):
            raise NoSpeech("the reference is silent; a recording of one person speaking is needed")
        samples = samples[: round(_LONGEST * reference.sample_rate)]
        analysis = analyse(samples, reference.sample_rate)
        data = pack(voice_of(analysis))
        return Voice(engine=self.info.name, version=self.info.version, data=data)

    def speak(self, voice: Voice, sentence: str, controls: Controls) -> Speech:
        """Say one sentence. Raises SynthesisError when it has nothing that can be spoken, or the
        voice is not one of this engine; EngineUnavailable when espeak-ng does not start."""
        from .synthesis import speak
        from .voice import unpack

        if controls.emotion not in set(Emotion):
            raise SynthesisError(
                f"emotion is {controls.emotion!r}; it must be one of {', '.join(Emotion)}"
            )
        if not 0.5 <= controls.speed <= 2:
            raise SynthesisError(f"speed is {controls.speed}; it must be within 0.5 and 2")
        if not -12 <= controls.pitch <= 12:
            raise SynthesisError(f"pitch is {controls.pitch}; it must be within -12 and 12")
        if voice.engine != self.info.name:
            raise SynthesisError(
                f"the voice was made by the engine {voice.engine!r}, not by {self.info.name!r}"
            )
        return speak(self._pool, unpack(voice.data), sentence, controls)

    def close(self) -> None:
        """End the processes of espeak-ng."""
        self._pool.close()
