"""Languages: one TOML file each, the catalogue that reads them, and detection.

    ca.toml      everything about Catalan
    schema       keys of the files
    loading      reads and checks a file
    catalogue    LANGUAGES by name; finds a language by name, alias or BCP 47 tag
    detection    finds the language that a text is written in
    scripts      letters of each script

`docs/howto/add-a-language.md` explains how to add one. Numbers, dates and other written forms are
verbalised by `text.normalisation`, pronunciation is in `text.g2p`.
"""

from __future__ import annotations

from .catalogue import LANGUAGES, lookup, names, readers
from .detection import candidates, detect, detect_each
from .loading import InvalidLanguage
from .schema import VERSIONS, Language
from .scripts import script_of

__all__ = [
    "LANGUAGES",
    "VERSIONS",
    "InvalidLanguage",
    "Language",
    "candidates",
    "detect",
    "detect_each",
    "lookup",
    "names",
    "readers",
    "script_of",
]
