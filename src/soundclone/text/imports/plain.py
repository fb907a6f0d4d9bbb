"""Plain text: decoding, paragraphs, and lines that look like headings of chapters."""

from __future__ import annotations

import codecs
import re

from .document import Block, Document, by_headings, paragraph, refuse

_WRAPPED = 45  # characters, from which a line was probably broken for its length
_LONGEST_HEADING = 80  # characters
_NUMBER = (
    r"(?:[0-9]{1,3}|[ivxlc]{1,7}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|"
    r"first|second|third|last|un|deux|trois|premier|première|eins|zwei|drei|uno|dos|tres|due|tre)"
)
_WORD = (
    r"(?:chapter|chapitre|kapitel|capítulo|capitolo|capitulo|hoofdstuk|kapitola|rozdział|fejezet|"
    r"luku|bölüm|bab|chương|глава|розділ|κεφάλαιο|part|book)"
)
_HEADING = re.compile(
    rf"(?:{_WORD}\s+{_NUMBER}\b(?:\s*[.:–—-].*|\s+\S.*[^.!?…])?|{_NUMBER}\.\s+{_WORD}\b.*"
    r"|(?:prologue|epilogue|foreword|preface|introduction|afterword|prolog|epilog|vorwort|nachwort|"
    r"prólogo|epílogo|пролог|эпилог|序章?|序言|前言|楔子|尾声|尾聲|后记|後記|プロローグ|エピローグ)"
    r"|第\s*[0-9０-９〇零一二三四五六七八九十百千两]{1,7}\s*[章回节節话話卷部](?:[\s:：　].*)?"
    r"|제\s*[0-9]{1,4}\s*장.*)",
    re.IGNORECASE,
)


def decode(data: bytes) -> str:
    """Decode a text file in UTF-8, or in UTF-16 with a byte order mark.

    Raises:
        InvalidParameter: The file has another encoding, or NUL characters.
    """
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise refuse(f"it is not UTF-8 at byte {error.start}; convert the file to UTF-8") from None
    if "\0" in text:
        raise refuse("it is not a text; give a text, Markdown, EPUB, DOCX, SRT or VTT file")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read(text: str) -> Document:
    """Read plain text.

    A blank line ends a paragraph. In a text without blank lines, each line is a paragraph. A
    paragraph such as "Chapter 3" or "第三章 雨夜" begins a chapter.
    """
    spaced = re.search(r"\n[^\S\n]*\n", text.strip())
    parts = re.split(r"\n[^\S\n]*(?:\n\s*)+", text) if spaced else text.split("\n")
    blocks = [
        Block(part, 1) if _is_heading(part) else Block(unwrapped(part))
        for part in map(paragraph, parts)
        if part
    ]
    _, chapters = by_headings(blocks) if blocks else ("", ())
    return Document(chapters)


def _is_heading(text: str) -> bool:
    return len(text) <= _LONGEST_HEADING and bool(_HEADING.fullmatch(text.replace("\n", " ")))


def unwrapped(text: str) -> str:
    """Join the lines of a paragraph that were broken for their length. Verse keeps its lines."""
    lines = text.split("\n")
    if len(lines) > 1 and all(len(line) >= _WRAPPED for line in lines[:-1]):
        return " ".join(lines)
    return text
