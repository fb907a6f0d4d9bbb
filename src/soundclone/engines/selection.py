"""Choose the engine that speaks a language, by the settings and the capabilities of the engines.

A request never falls back to another engine. It uses the engine that the settings give for its
language, or is refused. A voice stays with the engine that made it while that engine speaks the
language.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self

from ..errors import InvalidParameter, Unavailable
from ..text import languages
from ..text.languages import Language

if TYPE_CHECKING:
    from .protocol import EngineInfo

AUTO = "auto"


@dataclass(frozen=True)
class EngineCapability:
    """Capabilities of an engine that works on at least one worker."""

    engine: str
    languages: tuple[str, ...]  # sorted names
    rank: int
    licence: str
    converts: bool = False  # performances of other people

    @classmethod
    def from_info(cls, info: EngineInfo) -> Self:
        """Return the capability of the engine that `info` describes."""
        languages = tuple(sorted(info.languages))
        return cls(info.name, languages, info.rank, info.licence, info.converts)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read the result of `to_json`."""
        return cls(
            data["engine"],
            tuple(data["languages"]),
            int(data["rank"]),
            str(data["licence"]),
            bool(data.get("converts", False)),  # an earlier release wrote none
        )

    def to_json(self) -> dict[str, Any]:
        """Return a mapping that JSON can hold."""
        return asdict(self)


BUILTIN = EngineCapability("builtin", tuple(sorted(languages.LANGUAGES)), 10, "", converts=True)
"""The engine of every installation, so the API accepts work before a worker has reported."""


@dataclass(frozen=True)
class Choice:
    """Engine for a text."""

    engine: str
    detected: str | None = None  # name of the text's language, if the choice depended on it


@dataclass(frozen=True)
class EngineSelector:
    """Engines that the settings allow, and the choice among them."""

    v1: tuple[str, ...] | None = None
    """Engines of soundVersion v1 in order of preference; None allows all, by rank."""
    v2: tuple[str, ...] | None = None
    languages: Mapping[str, str] = field(default_factory=dict)
    """Engine of a language, which overrides the other two fields."""

    @classmethod
    def parse(cls, v1: str, v2: str, by_language: Mapping[str, str]) -> Self:
        """Parse the settings `engine_v1`, `engine_v2` and `engine_languages`.

        Languages may be given by code or by another of their names. Raises InvalidParameter.
        """
        return cls(
            _parse_order("SOUNDCLONE_ENGINE_V1", v1),
            _parse_order("SOUNDCLONE_ENGINE_V2", v2),
            {languages.lookup(name, "v2").name: engine for name, engine in by_language.items()},
        )

    def order(self, version: str) -> tuple[str, ...] | None:
        """Return the engines in order of preference; None means by rank."""
        return self.v1 if version == "v1" else self.v2

    def named(self) -> frozenset[str]:
        """Return every engine that the settings name."""
        return frozenset((*(self.v1 or ()), *(self.v2 or ()), *self.languages.values()))

    @property
    def allows_any(self) -> bool:
        """True if some version may use any engine."""
        return self.v1 is None or self.v2 is None

    def choose(
        self, capabilities: Iterable[EngineCapability], language: str, version: str
    ) -> EngineCapability | None:
        """Return the engine for a language and sound version.

        Return None if no usable engine speaks the language.
        """
        speaking = {each.engine: each for each in capabilities if language in each.languages}
        if engine := self.languages.get(language):
            return speaking.get(engine)
        order = self.order(version)
        if order is None:
            order = tuple(sorted(speaking, key=lambda name: (-speaking[name].rank, name)))
        return next((speaking[name] for name in order if name in speaking), None)

    def table(self, capabilities: Iterable[EngineCapability]) -> dict[str, dict[str, str | None]]:
        """Map each language to the engine of each version.

        The engine is None where no engine speaks the language. A version that does not have the
        language is absent.
        """
        capabilities = tuple(capabilities)
        rows: dict[str, dict[str, str | None]] = {}
        for language in languages.LANGUAGES.values():
            rows[language.name] = {}
            for version in languages.VERSIONS:
                if language.within(version):
                    chosen = self.choose(capabilities, language.name, version)
                    rows[language.name][version] = chosen.engine if chosen else None
        return rows

    def select(
        self,
        capabilities: Iterable[EngineCapability],
        language: str,
        version: str,
        voice_engine: str | None = None,
    ) -> str:
        """Return the name of the engine for a request.

        Args:
            capabilities: Engines of the workers.
            language: Name of the language.
            version: The soundVersion.
            voice_engine: Engine of the request's voice, preferred if it speaks the language.

        Raises:
            InvalidParameter: No engine speaks the language.
            Unavailable: No worker has an engine that the request needs.
        """
        capabilities = tuple(capabilities)
        if voice_engine is not None:
            found = next((each for each in capabilities if each.engine == voice_engine), None)
            if found is None:
                raise Unavailable(
                    f"the voice's engine is {voice_engine!r}, which no worker has now; "
                    "try again later"
                )
            if language in found.languages:
                return voice_engine
        chosen = self.choose(capabilities, language, version)
        if chosen is not None:
            return chosen.engine
        named = self.languages.get(language)
        wanted = (named,) if named else self.order(version)
        here = {each.engine for each in capabilities}
        if wanted is not None and not here.intersection(wanted):
            raise Unavailable(
                f"{' and '.join(map(repr, wanted))}, set for {language} in {version}, "
                "is on no worker now; try again later"
            )
        spoken = sorted(
            name for name, row in self.table(capabilities).items() if row.get(version) is not None
        )
        raise InvalidParameter(
            f"no engine here speaks {language} in {version}; spoken are: "
            f"{', '.join(spoken) or 'none'}",
            param="language",
        )

    def check_converts(self, capabilities: Iterable[EngineCapability], voice_engine: str) -> None:
        """Check that a voice's engine converts performances.

        Raises:
            InvalidParameter: The engine does not.
            Unavailable: No worker has the engine.
        """
        known = {each.engine: each for each in capabilities}
        if voice_engine not in known:
            raise Unavailable(
                f"the voice's engine is {voice_engine!r}, which no worker has now; try again later"
            )
        if not known[voice_engine].converts:
            able = sorted(name for name, each in known.items() if each.converts)
            raise InvalidParameter(
                f"the voice's engine {voice_engine!r} does not convert recordings; "
                f"engines that do: {', '.join(able) or 'none here'}",
                param="modelId",
            )

    def select_for_text(
        self,
        capabilities: Iterable[EngineCapability],
        text: str,
        version: str,
        voice_engine: str | None = None,
        candidates: Sequence[Language] | None = None,
    ) -> Choice:
        """Choose the engine for a text whose language was not named.

        The language is detected only if the choice depends on it. Otherwise no classifier is
        loaded. `candidates` are the languages that the text's letters allow, if known.

        Raises InvalidParameter and Unavailable like `select`.
        """
        capabilities = tuple(capabilities)
        engines: set[str | None] = set()
        for candidate in candidates or languages.candidates(text, version):
            try:
                engines.add(self.select(capabilities, candidate.name, version, voice_engine))
            except (InvalidParameter, Unavailable):  # the text may be in another candidate
                engines.add(None)
        if len(engines) == 1 and (name := engines.pop()) is not None:
            return Choice(name)
        detected = languages.detect(text, version).name
        return Choice(self.select(capabilities, detected, version, voice_engine), detected)


def _parse_order(setting: str, value: str) -> tuple[str, ...] | None:
    names = tuple(part.strip() for part in value.split(","))
    if names == (AUTO,):
        return None
    if AUTO in names or not all(re.fullmatch(r"[\w.-]+", name) for name in names):
        raise InvalidParameter(
            f"{setting} is {value!r}; it must be auto, or names of engines with commas"
        )
    return names
