"""Which engine speaks what: by the settings, the language, and what the engines offer.

Nothing here is a fallback. A request goes to the engine that the table names for its language, or
is refused; a voice stays with the engine that made it for as long as that one speaks the language.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import InvalidParameter, Unavailable
from ..text import languages

if TYPE_CHECKING:
    from .protocol import EngineInfo

AUTO = "auto"


@dataclass(frozen=True)
class Offer:
    """What an engine that is usable somewhere can do."""

    engine: str
    languages: tuple[str, ...]  # sorted names
    rank: int
    licence: str

    @classmethod
    def of(cls, info: EngineInfo) -> Offer:
        return cls(info.name, tuple(sorted(info.languages)), info.rank, info.licence)

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Offer:
        """From what `asdict` made of it."""
        return cls(
            data["engine"], tuple(data["languages"]), int(data["rank"]), str(data["licence"])
        )

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


# It is part of every installation, so that work can be taken before a worker has said anything.
BUILTIN = Offer("builtin", tuple(sorted(languages.LANGUAGES)), 10, "")


@dataclass(frozen=True)
class Choice:
    """Engine for a text."""

    engine: str
    detected: str | None = None  # name of the text's language, if the choice depended on it


@dataclass(frozen=True)
class Routes:
    """The settings: an order of engines for each soundVersion, and engines of languages."""

    v1: str = AUTO  # or names of engines with commas between them, the first choice first
    v2: str = AUTO
    languages: Mapping[str, str] = field(default_factory=dict)  # engines, over the two

    @classmethod
    def of(cls, v1: str, v2: str, settled: Mapping[str, str]) -> Routes:
        """The settings as they are written: languages also by their codes or other names. Raises
        InvalidParameter."""
        for name, value in (("SOUNDCLONE_ENGINE_V1", v1), ("SOUNDCLONE_ENGINE_V2", v2)):
            names = [part.strip() for part in value.split(",")]
            well_formed = all(re.fullmatch(r"[\w.-]+", part) for part in names)
            if not well_formed or (AUTO in names and names != [AUTO]):
                raise InvalidParameter(
                    f"{name} is {value!r}; it must be auto, or names of engines with commas"
                )
        return cls(
            v1.strip(), v2.strip(), {languages.lookup(n, "v2").name: e for n, e in settled.items()}
        )

    def order(self, version: str) -> tuple[str, ...] | None:
        """Names in the order of preference; None when it is that of their rank."""
        text = self.v1 if version == "v1" else self.v2
        names = tuple(name.strip() for name in text.split(",") if name.strip())
        return None if names == (AUTO,) else names

    def named(self) -> frozenset[str]:
        """Every engine that the settings name."""
        orders = [self.order(version) or () for version in languages.VERSIONS]
        return frozenset(name for order in orders for name in order).union(self.languages.values())

    @property
    def open(self) -> bool:
        """Whether any engine may be used, as far as the settings go."""
        return any(self.order(version) is None for version in languages.VERSIONS)

    def choose(self, offers: Iterable[Offer], language: str, version: str) -> Offer | None:
        """The engine that speaks the language in that version; None when none does."""
        speaking = {offer.engine: offer for offer in offers if language in offer.languages}
        if settled := self.languages.get(language):
            return speaking.get(settled)
        order = self.order(version)
        if order is None:
            order = tuple(sorted(speaking, key=lambda name: (-speaking[name].rank, name)))
        return next((speaking[name] for name in order if name in speaking), None)

    def table(self, offers: Iterable[Offer]) -> dict[str, dict[str, str | None]]:
        """By name of a language: the engine of each version, None where none speaks it, left out
        where the version does not have the language."""
        offers = tuple(offers)
        rows: dict[str, dict[str, str | None]] = {}
        for language in languages.LANGUAGES.values():
            rows[language.name] = {}
            for version in languages.VERSIONS:
                if language.within(version):
                    chosen = self.choose(offers, language.name, version)
                    rows[language.name][version] = chosen.engine if chosen else None
        return rows

    def engine(
        self, offers: Iterable[Offer], language: str, version: str, own: str | None = None
    ) -> str:
        """Name of the engine for a request. `own`: of the voice's engine, which goes first.

        Raises InvalidParameter when no usable engine speaks the language, Unavailable when an
        engine that the request needs is on no worker.
        """
        offers = tuple(offers)
        if own is not None:
            its = next((offer for offer in offers if offer.engine == own), None)
            if its is None:
                raise Unavailable(
                    f"the voice's engine is {own!r}, which no worker has now; try again later"
                )
            if language in its.languages:
                return own
        chosen = self.choose(offers, language, version)
        if chosen is not None:
            return chosen.engine
        order = self.order(version)
        settled = self.languages.get(language)
        wanted = (settled,) if settled else order
        here = {offer.engine for offer in offers}
        if wanted is not None and not here.intersection(wanted):
            raise Unavailable(
                f"{' and '.join(map(repr, wanted))}, set for {language} in {version}, "
                "is on no worker now; try again later"
            )
        spoken = sorted(
            name for name, row in self.table(offers).items() if row.get(version) is not None
        )
        raise InvalidParameter(
            f"no engine here speaks {language} in {version}; spoken are: "
            f"{', '.join(spoken) or 'none'}",
            param="language",
        )

    def engine_for_text(
        self, offers: Iterable[Offer], text: str, version: str, own: str | None = None
    ) -> Choice:
        """Choose the engine for a text whose language was not named.

        The language is detected only when the choice depends on it. Otherwise no classifier is
        loaded. Raises InvalidParameter and Unavailable like `engine`.
        """
        offers = tuple(offers)
        candidates = languages.candidates(text, version)
        engines: set[str | None] = set()
        for candidate in candidates:
            try:
                engines.add(self.engine(offers, candidate.name, version, own))
            except (InvalidParameter, Unavailable):  # which need not be the text's
                engines.add(None)
        if len(engines) == 1 and (name := engines.pop()) is not None:
            return Choice(name)
        detected = languages.detect(text, version).name
        return Choice(self.engine(offers, detected, version, own), detected)
