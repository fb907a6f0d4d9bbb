"""What a voice engine is, and where engines are found.

An engine turns a reference recording into a `Voice` once, and sentences into `Speech` with it as
often as asked. Third parties add one by an entry point in the group `soundclone.engines`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from typing import Protocol, runtime_checkable

from ..audio.samples import Samples
from ..errors import EngineUnavailable
from ..text.words import Word
from .emotion import Emotion

__all__ = [
    "Controls",
    "Emotion",
    "Engine",
    "EngineInfo",
    "Reference",
    "Samples",
    "Speech",
    "Voice",
    "Word",
    "load",
    "names",
]


@dataclass(frozen=True)
class Reference:
    """A checked recording of one person speaking."""

    samples: Samples  # mono, shape (n,), full scale is 1.0
    sample_rate: int  # Hz
    language: str | None = None  # name of `languages.LANGUAGES`, None when not known
    transcript: str | None = None


@dataclass(frozen=True)
class Voice:
    """What an engine keeps of a person: opaque bytes, readable by the same engine anywhere."""

    engine: str
    version: str  # of the bytes' format and of the weights that they belong to
    data: bytes


@dataclass(frozen=True)
class Controls:
    """How a sentence is to be said. An engine applies those in its `info.native`."""

    language: str  # name of `languages.LANGUAGES`, never "auto"
    emotion: Emotion = Emotion.NEUTRAL
    speed: float = 1.0  # 0.5-2
    pitch: int = 0  # semitones, -12 to 12
    seed: int = 0


@dataclass(frozen=True)
class Speech:
    """A spoken sentence."""

    samples: Samples  # mono, shape (n,), full scale is 1.0
    sample_rate: int  # Hz
    words: tuple[Word, ...] = ()


@dataclass(frozen=True)
class EngineInfo:
    """What an engine says of itself."""

    name: str
    version: str  # that of the voices it makes: those of another version are made again
    licence: str
    languages: frozenset[str]  # names of `languages.LANGUAGES`
    sample_rate: int  # Hz, of what it speaks
    needs_transcript: bool = False
    native: frozenset[str] = field(default_factory=frozenset)  # of {"emotion", "speed", "pitch"}
    seeded: bool = False  # another seed gives another reading: one that went wrong is tried again
    rank: int = 0  # of several that speak a language, the highest does, unless it is settled
    noncommercial: bool = False  # the licence forbids commercial use: off until it is accepted
    checkpoints: Mapping[str, str] = field(default_factory=dict)
    # by language, which model speaks it, where that is not one for all: a voice belongs to one

    device: str = ""  # where it computes and in what type, once it has been found usable

    def version_for(self, language: str) -> str:
        """That of the voice that speaks `language`."""
        checkpoint = self.checkpoints.get(language)
        return f"{self.version}-{checkpoint}" if checkpoint else self.version


@runtime_checkable
class Engine(Protocol):
    """One owner at a time: an engine need not be safe to call from two threads at once unless
    it says so by `concurrent`."""

    info: EngineInfo
    concurrent: bool

    def unusable(self) -> str | None:
        """Why it cannot work here and now, with what to do about it; None when it can."""

    def warm(self) -> None:
        """Load what `speak` needs, so that the first task does not wait for it."""

    def clone(self, reference: Reference, language: str) -> Voice:
        """Make a voice that will speak `language`; it is of version `info.version_for(language)`.
        Raises SourceError when the recording cannot become one."""

    def speak(self, voice: Voice, sentence: str, controls: Controls) -> Speech:
        """Say one sentence. Raises SynthesisError. Same arguments, same samples."""

    def close(self) -> None:
        """Release processes and memory."""


@cache
def load(name: str) -> Engine:
    """The engine of that name, made once per process. Raises EngineUnavailable."""
    for entry in entry_points(group="soundclone.engines"):
        if entry.name == name:
            try:
                engine = entry.load()()
            except ImportError as error:
                raise EngineUnavailable(f"engine {name!r} cannot be loaded: {error}") from error
            assert isinstance(engine, Engine)
            return engine
    known = ", ".join(sorted(names())) or "none"
    raise EngineUnavailable(f"there is no engine {name!r}; installed: {known}")


def names() -> Iterator[str]:
    """Names of the installed engines."""
    return (entry.name for entry in entry_points(group="soundclone.engines"))
