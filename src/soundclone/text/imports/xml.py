"""Strict reading of XML from untrusted files, on expat.

Entity declarations, and so the expansion of entities, are refused. External entities are never
read. The depth and the number of elements are limited.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn, Protocol
from xml.parsers import expat

from .document import refuse

MOST_ELEMENTS = 3_000_000
DEEPEST = 256


class Handler(Protocol):
    """Receiver of the elements and the text of a file. Names have no namespace."""

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Begin an element."""

    def end(self, name: str) -> None:
        """End an element."""

    def text(self, data: str) -> None:
        """Take characters."""


def walk(data: bytes, name: str, handler: Handler) -> None:
    """Parse a file and call the handler.

    Args:
        data: The file.
        name: Its name, for the error.
        handler: The receiver.

    Raises:
        InvalidParameter: The file is not well-formed, declares entities, or is too complex.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    depth = elements = 0

    def start(element: str, attributes: dict[str, str]) -> None:
        nonlocal depth, elements
        depth, elements = depth + 1, elements + 1
        if depth > DEEPEST or elements > MOST_ELEMENTS:
            raise refuse(
                f"{name[:60]} has more than {MOST_ELEMENTS:,} elements, or {DEEPEST} of them "
                "within each other"
            )
        handler.start(_local(element), {_local(key): value for key, value in attributes.items()})

    def end(element: str) -> None:
        nonlocal depth
        depth -= 1
        handler.end(_local(element))

    def declare(*_: object) -> NoReturn:
        raise refuse(f"{name[:60]} declares entities, which is not allowed")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = handler.text
    parser.EntityDeclHandler = declare
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, LookupError) as error:  # LookupError: of an unknown encoding
        raise refuse(f"{name[:60]} is not well-formed XML: {error}") from None


def _local(name: str) -> str:
    return name.rpartition(" ")[2]
