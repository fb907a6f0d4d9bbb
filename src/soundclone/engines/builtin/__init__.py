"""The built-in engine: clones voices offline, on one processor core, in 40 languages.

espeak-ng speaks the text in its own voice, the source, which is then converted to the speaker's:

    frontend     text to samples, phones and words of espeak-ng, a child process (`espeak`)
    analysis     samples to F0, envelope and level (`vocoder`), phone posteriors (`acoustics`)
                 and, except in English, sounds of all languages (`recogniser`)
    reading      timing and melody as people read (`prosody_model`), in English
    refinement   envelopes of the recording, corrected until their synthesis matches it
    conversion   parameters of the `source` to parameters of the speaker
    synthesis    parameters to samples, with speed, pitch and emotion
    performance  a recording of another person to the speaker, with its timing and melody
    voice        the voice file

Importing this module is cheap. Its parts are imported when they are first needed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np

from ...errors import EngineUnavailable, SynthesisError
from ...telemetry import log
from ..processes import ProcessEngine
from ..protocol import Controls, Engine, EngineInfo, Reference, Speech, Voice
from ..selection import BUILTIN
from ..validation import check_controls, check_reference, clone_errors

if TYPE_CHECKING:
    from ..registry import EngineContext

__all__ = ["BuiltinEngine"]

_log = log(__name__)
_LICENCE = (
    "Apache-2.0; acoustic model BSD; starts espeak-ng (GPL-3.0-or-later) as a process of its own"
)
_SHORTEST = 5.0  # seconds of reference; callers require more than that of speech
_LONGEST = 120.0  # seconds of reference that are used
_HIGHEST_RATE = 48_000  # Hz


class BuiltinEngine:
    """The built-in engine. Several threads may call it at once."""

    concurrent = True

    @classmethod
    def create(cls, context: EngineContext) -> Engine:
        """Create the engine, which computes in child processes if the context has any."""
        if not context.processes:
            return cls()
        try:
            # A process serves one call at a time, so one process of espeak-ng is enough for it.
            create = partial(cls, 1)
            return ProcessEngine(create, context.processes, crashed=context.crashed)
        except (ImportError, OSError) as error:  # no semaphores, as without /dev/shm
            _log.warning("engine computes in one process", reason=str(error))
            return cls()

    def __init__(self, calls: int = 4) -> None:
        """Create the engine. `calls` is the number of calls at once, of which others wait."""
        from .frontend import Pool

        self._pool = Pool(calls)

    @cached_property
    def info(self) -> EngineInfo:
        """Name, version and capabilities."""
        from .frontend import VOICES
        from .vocoder import OUTPUT_RATE
        from .voice import version

        return EngineInfo(
            name=BUILTIN.engine,
            version=version(),
            licence=_LICENCE,
            languages=frozenset(VOICES),
            sample_rate=OUTPUT_RATE,
            native=frozenset({"speed", "pitch", "emotion"}),
            converts=True,
            ipa=True,
            rank=BUILTIN.rank,
        )

    def unusable(self) -> str | None:
        """Start espeak-ng and speak a word. Return the reason of a failure, else None."""
        try:
            self._pool.check()
        except EngineUnavailable as error:
            return error.message
        return None

    def warm(self) -> None:
        """Read the weights and start processes of espeak-ng."""
        from . import (
            acoustics,
            envelope_decoder,
            prosody_model,
            recogniser,
            source,
            synthesis,  # noqa: F401
        )

        acoustics.model()
        prosody_model.model()
        for name in envelope_decoder.NAMES:
            envelope_decoder.decoder(name)
        recogniser.weights()
        source.source()
        self._pool.warm()

    def clone(self, reference: Reference, language: str = "English") -> Voice:
        """Build a voice, which speaks every language.

        The reference lasts 5 s or more, at 8 to 48 kHz. Of a longer one, 120 s are used. Raises
        SourceError, such as NoSpeech if there is too little voiced speech.
        """
        from .analysis import analyse
        from .conversion import voice_of
        from .voice import pack

        checked = check_reference(reference, shortest=_SHORTEST, highest_rate=_HIGHEST_RATE)
        samples = checked[: round(_LONGEST * reference.sample_rate)].astype(np.float64)
        with clone_errors():
            data = pack(voice_of(analyse(samples, reference.sample_rate), reference.language))
        return Voice(engine=self.info.name, version=self.info.version, data=data)

    def speak(self, voice: Voice, sentence: str, controls: Controls) -> Speech:
        """Synthesise a sentence.

        Raises:
            SynthesisError: The sentence has nothing to speak, a control is out of range, or
                another engine made the voice.
            EngineUnavailable: espeak-ng does not start.
        """
        from .synthesis import speak
        from .voice import unpack

        check_controls(controls)
        self._check_made_here(voice)
        return speak(self._pool, unpack(voice.data), sentence, controls)

    def convert(
        self, voice: Voice, performance: Reference, pause: Callable[[], None] = lambda: None
    ) -> Speech:
        """Convert a performance to a voice. `protocol.Converter` describes the arguments.

        Raises:
            NoSpeech: The performance has hardly any voiced speech.
            SynthesisError: Another engine made the voice.
        """
        from . import performance as performances
        from .vocoder import OUTPUT_RATE
        from .voice import unpack

        self._check_made_here(voice)
        samples = check_reference(performance, shortest=0.0, highest_rate=_HIGHEST_RATE)
        made = performances.convert(unpack(voice.data), samples, performance.sample_rate, pause)
        return Speech(made, OUTPUT_RATE)

    def _check_made_here(self, voice: Voice) -> None:
        if voice.engine != self.info.name:
            raise SynthesisError(
                f"the voice was made by the engine {voice.engine!r}, not by {self.info.name!r}"
            )

    def close(self) -> None:
        """Stop the processes of espeak-ng."""
        self._pool.close()
