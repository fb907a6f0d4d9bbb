"""Languages of the API by name, in the order of its lists, and the names that callers may use."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from threading import Lock

from ...errors import InvalidParameter
from .loading import InvalidLanguage, load
from .schema import VERSIONS, Language


class Catalogue(Mapping[str, Language]):
    """Languages by name, in the order of the API's lists.

    The files are read and checked when the catalogue is first used, in about 20 ms.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = Lock()
        self._languages: dict[str, Language] = {}
        self._names: dict[str, str] = {}  # by key of name, code and alias

    def __getitem__(self, name: str) -> Language:
        return self._read()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def find(self, name: str) -> Language | None:
        """Return the language with this name, code or alias, or None."""
        languages = self._read()
        found = self._names.get(key(name))
        return languages[found] if found else None

    def _read(self) -> dict[str, Language]:
        """Read the files, once.

        Raises:
            InvalidLanguage: a file cannot be used, or two languages have one name or alias.
        """
        if self._languages:  # complete, and never changed again
            return self._languages
        with self._lock:
            if not self._languages:
                found = sorted(
                    (load(path) for path in self._folder.glob("*.toml")),
                    key=lambda language: (language.position, language.name),
                )
                self._names = _names_by_key(found)
                self._languages = {language.name: language for language in found}
            return self._languages


def key(name: str) -> str:
    """Return a name in small letters without marks, words joined by hyphens: Bokmål is bokmal."""
    letters = unicodedata.normalize("NFKD", name[:64]).casefold()
    letters = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return re.sub(r"[\W_]+", "-", letters).strip("-")


def _names_by_key(languages: Iterable[Language]) -> dict[str, str]:
    """Return the names of languages by the key of each name, code and alias."""
    names: dict[str, str] = {}
    for language in languages:
        for other in (language.name, language.code, *language.aliases):
            owner = names.setdefault(key(other), language.name)
            if owner != language.name:
                raise InvalidLanguage(
                    f"{language.code}.toml: {other!r} is a name of {owner} too; names, codes and "
                    "aliases must belong to one language"
                )
    return names


LANGUAGES = Catalogue(Path(__file__).parent)
"""All languages by name."""

_TAG = re.compile(r"([a-z]{2,3})(?:-[a-z]{4})?(?:-(?:[a-z]{2}|[0-9]{3}))?")


def names(version: str) -> tuple[str, ...]:
    """Return the names of the languages that a soundVersion has, in the catalogue's order.

    Raises:
        InvalidParameter: the soundVersion is not known.
    """
    if version not in VERSIONS:
        raise InvalidParameter(
            f"soundVersion {version!r:.40} is not known; it must be {' or '.join(VERSIONS)}",
            param="soundVersion",
        )
    return tuple(language.name for language in LANGUAGES.values() if language.within(version))


@cache
def readers() -> Mapping[str, str]:
    """Return the language that reads a script within a sentence of another, by script."""
    return {
        script: language.name for language in LANGUAGES.values() for script in language.default_for
    }


def lookup(name: str, version: str) -> Language:
    """Return the language with this name, alias or BCP 47 tag; case does not matter.

    Raises:
        InvalidParameter: no language has the name, or the soundVersion lacks the language.
    """
    available = names(version)
    tag = _TAG.fullmatch(key(name))
    found = LANGUAGES.find(name) or (LANGUAGES.find(tag[1]) if tag else None)
    if found is None:
        raise InvalidParameter(
            f"language {name!r:.40} is not known; {version} has auto, {', '.join(available)}",
            param="language",
        )
    if not found.within(version):
        raise InvalidParameter(
            f"language {found.name} needs soundVersion v2; {version} has auto, "
            f"{', '.join(available)}",
            param="language",
        )
    return found
