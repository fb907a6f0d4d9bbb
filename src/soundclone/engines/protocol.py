"""The interface of a voice engine, and the values that cross it.

An engine turns a reference recording into a `Voice` once, and turns sentences into `Speech` with
that voice as often as needed. A third party adds an engine with an entry point in the group
`soundclone.engines`, which `engines.registry` finds and loads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from ..audio.samples import Samples
from ..text.ipa import Transcription
from ..text.words import Word
from .emotion import Emotion

__all__ = [
    "ControlName",
    "Controls",
    "Converter",
    "Emotion",
    "Engine",
    "EngineInfo",
    "Reference",
    "Samples",
    "Speech",
    "Transcription",
    "Voice",
    "Word",
]

ControlName = Literal["emotion", "speed", "pitch"]


@dataclass(frozen=True)
class Reference:
    """A checked recording of one person speaking."""

    samples: Samples  # mono, shape (n,), full scale is 1.0
    sample_rate: int  # Hz
    language: str | None = None  # name of `languages.LANGUAGES`, None when not known
    transcript: str | None = None


@dataclass(frozen=True)
class Voice:
    """A cloned voice: bytes that the same engine can read on any machine."""

    engine: str
    version: str  # of the format of the bytes and of the weights that made them
    data: bytes


@dataclass(frozen=True)
class Controls:
    """Settings of a sentence. An engine applies the ones named in its `info.native`."""

    language: str  # name of `languages.LANGUAGES`, never "auto"
    emotion: Emotion = Emotion.NEUTRAL
    speed: float = 1.0  # 0.5-2
    pitch: int = 0  # semitones, -12 to 12
    seed: int = 0
    place: int = 0
    """Position of the text in a longer one. An engine may vary its reading with the place."""
    ipa: tuple[Transcription, ...] = ()
    """Sounds of parts of the sentence, in order, for an engine that has `info.ipa`."""


@dataclass(frozen=True)
class Speech:
    """A synthesised sentence."""

    samples: Samples  # mono, shape (n,), full scale is 1.0
    sample_rate: int  # Hz
    words: tuple[Word, ...] = ()
    pause: float | None = None  # seconds that the speaker usually pauses after a sentence
    pause_spread: float | None = None  # standard deviation of the natural log of those pauses


@dataclass(frozen=True)
class EngineInfo:
    """Name, licence and capabilities of an engine."""

    name: str
    version: str  # of its voices; a voice of another version is rebuilt from its recording
    licence: str
    languages: frozenset[str]  # names of `languages.LANGUAGES`
    sample_rate: int  # Hz, of its speech
    needs_transcript: bool = False
    native: frozenset[ControlName] = field(default_factory=frozenset)
    """Controls that the engine applies. Other controls are applied to its speech afterwards."""
    seeded: bool = False  # another seed gives another reading, so a failed sentence is retried
    rank: int = 0  # the engine with the highest rank is chosen, unless the settings name one
    noncommercial: bool = False  # the licence forbids commercial use; off until it is accepted
    checkpoints: Mapping[str, str] = field(default_factory=dict)
    """Model of each language, for an engine with several; a voice belongs to one model."""
    converts: bool = False  # the engine is a `Converter`
    ipa: bool = False  # speaks `Controls.ipa`; other engines get the sentence as it is written
    device: str = ""  # hardware and number format, known once the engine was found usable

    def version_for(self, language: str) -> str:
        """Return the version of a voice that speaks `language`."""
        checkpoint = self.checkpoints.get(language)
        return f"{self.version}-{checkpoint}" if checkpoint else self.version


@runtime_checkable
class Engine(Protocol):
    """A voice engine.

    Its class is created without arguments. A class that needs the settings of the service, or its
    speech recognition, may define a classmethod `create(context: registry.EngineContext)`, which
    is then called instead.
    """

    concurrent: bool
    """True if several threads may call the engine at once. Otherwise one task at a time uses it."""

    @property
    def info(self) -> EngineInfo:
        """Name, licence and capabilities. A plain attribute will do."""

    def unusable(self) -> str | None:
        """Return the reason why the engine cannot work here, with the remedy; None if it can."""

    def warm(self) -> None:
        """Load what `speak` needs, so that the first task does not wait for it."""

    def clone(self, reference: Reference, language: str) -> Voice:
        """Build a voice that speaks `language`.

        Returns:
            A voice of version `info.version_for(language)`.

        Raises:
            SourceError: The recording cannot become a voice.
            EngineUnavailable: The engine lacks its weights or the language, or its model fails.
        """

    def speak(self, voice: Voice, sentence: str, controls: Controls) -> Speech:
        """Synthesise one sentence. The same arguments give the same samples.

        Raises:
            SynthesisError: The sentence, a control or the voice cannot be used.
            EngineUnavailable: The engine lacks its weights.
        """

    def close(self) -> None:
        """Release processes and memory."""


@runtime_checkable
class Converter(Engine, Protocol):
    """An engine that can also convert performances. Its `info.converts` is True."""

    def convert(
        self, voice: Voice, performance: Reference, pause: Callable[[], None] = lambda: None
    ) -> Speech:
        """Turn a recording of another person into the same performance in a voice.

        Timing, melody and emphasis stay. The register follows the voice. The same arguments give
        the same samples.

        Args:
            voice: The voice.
            performance: Checked recording of one person, with its pauses.
            pause: Called between parts of the work. An exception ends it.

        Returns:
            Speech as long as the performance, without words.

        Raises:
            SourceError: The recording cannot be converted.
            SynthesisError: The voice cannot be used.
            EngineUnavailable: The engine lacks its weights.
        """
