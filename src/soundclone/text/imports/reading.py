"""Detection of the format of a document."""

from __future__ import annotations

from pathlib import PurePath

from . import cues, docx, epub, markdown, plain, ssml
from .archive import Archive
from .document import Document, checked, refuse

LARGEST = 200 * 2**20  # bytes of a file; pictures of an EPUB count
_LARGEST_TEXT = 20 * 2**20  # bytes
SUFFIXES = (".txt", ".text", ".md", ".markdown", ".epub", ".docx", ".srt", ".vtt", ".ssml")
"""Usual endings of the names of documents."""


def read_document(data: bytes, name: str = "") -> Document:
    """Read a document.

    The content decides the format. The ending of the name only tells Markdown from plain text.

    Args:
        data: The file, at most LARGEST bytes.
        name: Its name.

    Raises:
        InvalidParameter: The file is too large, has an unknown format or is damaged.
    """
    if len(data) > LARGEST:
        raise refuse(f"it has {len(data):,} bytes; at most {LARGEST:,} are allowed")
    if data.startswith(b"PK\x03\x04"):
        return checked(_read_archive(Archive(data)))
    if len(data) > _LARGEST_TEXT:
        raise refuse(f"it has {len(data):,} bytes; at most {_LARGEST_TEXT:,} are allowed")
    text = plain.decode(data)
    if ssml.is_ssml(text) or PurePath(name).suffix.lower() == ".ssml":
        return checked(ssml.read(text))
    if cues.has_cues(text):
        return checked(cues.read(text))
    if PurePath(name).suffix.lower() in (".md", ".markdown"):
        return checked(markdown.read(text))
    return checked(plain.read(text))


def _read_archive(archive: Archive) -> Document:
    if "META-INF/container.xml" in archive:
        return epub.read(archive)
    if "[Content_Types].xml" in archive and "word/document.xml" in archive:
        return docx.read(archive)
    raise refuse("the archive is neither an EPUB nor a Word document (.docx)")
