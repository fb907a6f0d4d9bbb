"""Readers of books and subtitles: plain text, Markdown, EPUB, DOCX, SubRip and WebVTT.

    document   the typed structure that every reader returns
    reading    detection of the format, and the one function that others call
    limited    reading in a child process with limits
    plain      plain text
    markdown   Markdown (CommonMark) with an optional YAML head
    epub       EPUB 2 and 3
    docx       Word documents (OOXML)
    cues       SubRip and WebVTT
    ssml       SSML
    archive    bounded reading of zip archives
    xml        strict reading of XML

Files are hostile: sizes, depths and counts are limited, and XML may declare no entities.
"""

from __future__ import annotations

from .document import Chapter, Cue, Document
from .reading import LARGEST, SUFFIXES, read_document

__all__ = ["LARGEST", "SUFFIXES", "Chapter", "Cue", "Document", "read_document"]
