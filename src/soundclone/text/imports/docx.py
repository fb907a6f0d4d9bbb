"""Word documents: paragraphs, and headings by the styles of the document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from .archive import Archive
from .document import Block, Document, by_headings, one_line, paragraph, refuse
from .xml import walk

_BODY, _STYLES, _CORE = "word/document.xml", "word/styles.xml", "docProps/core.xml"
# A fallback repeats the text beside it. Deleted text is in other elements than `t`.
_SKIPPED = frozenset({"Fallback", "instrText", "del", "moveFrom", "footnotes"})
_HEADING = re.compile(r"heading\s*([1-9])", re.IGNORECASE)
_CONTENTS = re.compile(r"toc\b|toc\s*[0-9]|table of contents", re.IGNORECASE)
_TITLE = -1  # level


def read(archive: Archive) -> Document:
    """Read a Word document. Notes, comments, headers and the table of contents are left out."""
    if _BODY not in archive:
        raise refuse(f"the archive has no {_BODY}")
    styles = _Styles()
    if _STYLES in archive:
        walk(archive.read(_STYLES), _STYLES, styles)
    core = _Core()
    if _CORE in archive:
        walk(archive.read(_CORE), _CORE, core)
    body = _Body(styles.levels)
    walk(archive.read(_BODY), _BODY, body)
    titles = [block.text for block in body.blocks if block.level == _TITLE]
    blocks = [block for block in body.blocks if block.level != _TITLE and block.text]
    title, chapters = by_headings(blocks) if blocks else ("", ())
    return Document(
        chapters,
        title=one_line(titles[0] if titles else title or core.fields.get("title", "")),
        author=one_line(core.fields.get("creator", "")),
        language=core.fields.get("language", "").strip() or styles.language,
    )


class _Styles:
    """Levels of the styles that are headings. None: the paragraph is left out."""

    def __init__(self) -> None:
        self.levels: dict[str, int | None] = {}
        self.language = ""
        self._style = ""

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        value = attributes.get("val", "")
        if name == "style":
            self._style = attributes.get("styleId", "")
        elif name == "name" and self._style:
            if heading := _HEADING.fullmatch(value.strip()):
                self.levels[self._style] = int(heading[1])
            elif value.strip().casefold() == "title":
                self.levels[self._style] = _TITLE
            elif _CONTENTS.match(value.strip()):
                self.levels[self._style] = None
        elif name == "outlineLvl" and self._style and value.isdecimal() and int(value) < 9:
            self.levels.setdefault(self._style, int(value) + 1)
        elif name == "lang" and not self.language:
            self.language = value

    def end(self, name: str) -> None:
        if name == "style":
            self._style = ""

    def text(self, data: str) -> None:
        pass


class _Core:
    """Title, creator and language of the document's properties."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self._name = ""

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._name = name if name in ("title", "creator", "language") else ""

    def end(self, name: str) -> None:
        self._name = ""

    def text(self, data: str) -> None:
        if self._name:
            self.fields[self._name] = self.fields.get(self._name, "") + data


@dataclass
class _Paragraph:
    """A paragraph that is open. Text boxes have paragraphs within a paragraph."""

    text: list[str] = field(default_factory=list)
    level: int | None = 0


class _Body:
    """Blocks of the document."""

    def __init__(self, levels: Mapping[str, int | None]) -> None:
        self.blocks: list[Block] = []
        self._levels = levels
        self._open: list[_Paragraph] = []
        self._skipped = 0  # depth within an element that is left out
        self._in_text = False
        self._hidden = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if self._skipped or name in _SKIPPED:
            self._skipped += 1
            return
        if name == "p":
            self._open.append(_Paragraph())
        elif not self._open:
            return
        elif name == "pStyle":
            self._open[-1].level = self._levels.get(attributes.get("val", ""), 0)
        elif name == "outlineLvl":
            value = attributes.get("val", "")
            if value.isdecimal() and int(value) < 9 and self._open[-1].level == 0:
                self._open[-1].level = int(value) + 1
        elif name == "r":
            self._hidden = False
        elif name == "vanish":
            self._hidden = attributes.get("val", "1") not in ("0", "false")
        elif name == "t":
            self._in_text = not self._hidden
        elif name in ("br", "cr", "tab"):
            # A page break within a paragraph is no line break of the text.
            is_line = name != "tab" and attributes.get("type", "textWrapping") == "textWrapping"
            self._open[-1].text.append("\n" if is_line else " ")
        elif name == "noBreakHyphen":
            self._open[-1].text.append("-")

    def end(self, name: str) -> None:
        if self._skipped:
            self._skipped -= 1
        elif name == "t":
            self._in_text = False
        elif name == "p" and self._open:
            closed = self._open.pop()
            words = paragraph("".join(closed.text))
            if words and closed.level is not None:
                self.blocks.append(Block(one_line(words) if closed.level else words, closed.level))

    def text(self, data: str) -> None:
        if self._in_text and not self._skipped and self._open:
            self._open[-1].text.append(data)
