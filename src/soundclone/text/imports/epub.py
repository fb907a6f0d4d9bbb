"""EPUB 2 and 3: the documents of the spine, cut into chapters by the table of contents."""

from __future__ import annotations

import html.entities
import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from ...errors import InvalidParameter
from .archive import Archive
from .document import Block, Chapter, Document, one_line, paragraph, refuse, repeats
from .xml import walk

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_MOST_ITEMS = 5_000
_ENTITY = re.compile(rb"&([A-Za-z][A-Za-z0-9]{1,31});")
_OF_XML = frozenset({b"amp", b"lt", b"gt", b"quot", b"apos"})
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCKS = frozenset(
    "p div section article blockquote li ul ol dl dt dd table tr header footer aside figure "
    "figcaption pre hr body main nav address center".split()
) | frozenset(_HEADINGS)
_SKIPPED = frozenset("head script style svg math rt rp audio video nav template".split())
_NOTES = frozenset({"noteref", "footnote", "endnote", "footnotes", "endnotes", "pagebreak", "toc"})
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")  # first bytes of JPEG and PNG
_LARGEST_COVER = 10 * 2**20  # bytes
_DEPTH = 2  # levels of the table of contents that begin chapters


def read(archive: Archive) -> Document:
    """Read an EPUB.

    Notes, page numbers, ruby and documents outside the reading order are left out. So is a cover
    that is no JPEG or PNG.

    Raises:
        InvalidParameter: The archive is no EPUB, or is encrypted.
    """
    container = _Container()
    walk(archive.read(_CONTAINER), _CONTAINER, container)
    if not container.path:
        raise refuse(f"{_CONTAINER} names no package")
    package = _Package(posixpath.dirname(container.path))
    walk(archive.read(container.path), container.path, package)
    encrypted = _Encrypted()
    if _ENCRYPTION in archive:
        walk(archive.read(_ENCRYPTION), _ENCRYPTION, encrypted)
    spine = [name for name in package.documents() if name in archive]
    if encrypted.names & set(spine):
        raise refuse("the book is encrypted; remove the copy protection first")
    contents = [_Content() for _ in spine]
    for name, content in zip(spine, contents, strict=True):
        walk(_without_entities(archive.read(name)), name, content)
    entries = _entries(archive, package)
    return Document(
        _chapters(spine, contents, entries, package.fields.get("title", "")),
        title=one_line(package.fields.get("title", "")),
        author=one_line(package.fields.get("creator", "")),
        language=package.fields.get("language", "").strip(),
        cover=b"" if package.cover in encrypted.names else _cover(archive, package.cover),
    )


def _cover(archive: Archive, name: str) -> bytes:
    """Return the picture of the cover, or nothing if it is missing or unusable."""
    if name not in archive:
        return b""
    try:
        picture = archive.read(name)
    except InvalidParameter:  # the text is readable
        return b""
    usable = picture.startswith(_PICTURES) and len(picture) <= _LARGEST_COVER
    return picture if usable else b""


@dataclass(frozen=True)
class _Entry:
    """An entry of the table of contents."""

    title: str
    document: str  # name in the archive
    anchor: str


def _chapters(
    spine: Sequence[str], contents: Sequence[_Content], entries: Sequence[_Entry], book: str
) -> tuple[Chapter, ...]:
    """Cut the documents at the entries of the table of contents.

    Without a table of contents, each document is a chapter.
    """
    numbers = {name: number for number, name in enumerate(spine)}
    starts: dict[tuple[int, int], str] = {}
    for entry in entries:
        if entry.document in numbers:
            number = numbers[entry.document]
            block = contents[number].anchors.get(entry.anchor, 0) if entry.anchor else 0
            place = (number, block)
            # A part and its first chapter may begin at one place.
            starts[place] = f"{starts[place]}. {entry.title}" if place in starts else entry.title
    if not starts:
        starts = {(number, 0): "" for number in range(len(spine))}
    places = sorted({(0, 0): "", **starts}.items())
    chapters: list[Chapter] = []
    ends = [place for place, _ in places[1:]] + [(len(spine), 0)]
    for ((document, block), title), (last, end) in zip(places, ends, strict=True):
        blocks: list[Block] = []
        for number in range(document, min(last + 1, len(spine))):
            found = contents[number].blocks
            first = block if number == document else 0
            blocks += found[first : end if number == last else len(found)]
        chapter = _chapter(title, blocks)
        only_title = len(places) > 1 and not chapter.title and _is_title_page(blocks, book)
        if (chapter.title or chapter.paragraphs) and not only_title:
            chapters.append(chapter)
    return tuple(chapters)


def _is_title_page(blocks: Sequence[Block], book: str) -> bool:
    return all(repeats(block.text, book) for block in blocks)


def _chapter(title: str, blocks: Sequence[Block]) -> Chapter:
    """Return a chapter, without the headings at its beginning that repeat the title."""
    rest = list(blocks)
    headings: list[str] = []
    while rest and rest[0].level and (not title or repeats(rest[0].text, title)):
        headings.append(rest.pop(0).text)
    return Chapter(title or ". ".join(headings), tuple(block.text for block in rest))


def _entries(archive: Archive, package: _Package) -> list[_Entry]:
    """Return the entries of the navigation document, or of the NCX of EPUB 2."""
    for name, reader in ((package.nav, _Nav), (package.ncx, _Ncx)):
        if name and name in archive:
            contents = reader(posixpath.dirname(name))
            walk(_without_entities(archive.read(name)), name, contents)
            if contents.entries:
                depths = [depth for depth, _ in contents.entries]
                return [entry for depth, entry in contents.entries if depth < min(depths) + _DEPTH]
    return []


def _without_entities(data: bytes) -> bytes:
    """Replace HTML's named characters, which XML does not know without a DTD."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data

    def character(match: re.Match[bytes]) -> bytes:
        if match[1] in _OF_XML:
            return match[0]
        found = html.entities.html5.get(match[1].decode() + ";")
        # As references, so that the encoding of the file does not matter.
        return match[0] if found is None else "".join(f"&#{ord(c)};" for c in found).encode()

    return _ENTITY.sub(character, data)


def _resolved(folder: str, link: str) -> tuple[str, str]:
    """Return the name in the archive and the anchor of a link."""
    path, _, anchor = link.partition("#")
    return posixpath.normpath(posixpath.join(folder, unquote(path))), unquote(anchor)


class _Container:
    """Path of the first package."""

    def __init__(self) -> None:
        self.path = ""

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "rootfile" and not self.path:
            self.path = attributes.get("full-path", "")

    def end(self, name: str) -> None:
        pass

    def text(self, data: str) -> None:
        pass


class _Encrypted:
    """Names of the files that are encrypted."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "CipherReference":
            self.names.add(_resolved("", attributes.get("URI", ""))[0])

    def end(self, name: str) -> None:
        pass

    def text(self, data: str) -> None:
        pass


class _Package:
    """Metadata, manifest and spine of a package document."""

    def __init__(self, folder: str) -> None:
        self.fields: dict[str, str] = {}
        self.nav = self.ncx = ""
        self._folder = folder
        self._items: dict[str, str] = {}
        self._pictures: dict[str, str] = {}
        self._cover = ""  # id of the picture (EPUB 2)
        self._cover_image = ""  # name of the picture (EPUB 3)
        self._spine: list[str] = []
        self._field = ""

    @property
    def cover(self) -> str:
        """Name of the picture of the cover, or an empty text."""
        return self._cover_image or self._pictures.get(self._cover, "")

    def documents(self) -> list[str]:
        """Return the names of the documents in the reading order, without the navigation."""
        found = (self._items[id] for id in self._spine if id in self._items)
        return [name for name in dict.fromkeys(found) if name != self.nav]

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._field = ""
        if name in ("title", "creator", "language") and name not in self.fields:
            self._field = name
        elif name == "item":
            self._add(attributes)
        elif name == "itemref" and attributes.get("linear", "yes") != "no":
            self._spine.append(attributes.get("idref", ""))
        elif name == "meta" and attributes.get("name") == "cover":
            self._cover = attributes.get("content", "")
        if len(self._items) > _MOST_ITEMS or len(self._spine) > _MOST_ITEMS:
            raise refuse(f"the book has more than {_MOST_ITEMS:,} documents")

    def _add(self, attributes: Mapping[str, str]) -> None:
        path, _ = _resolved(self._folder, attributes.get("href", ""))
        kind = attributes.get("media-type", "")
        if kind in ("application/xhtml+xml", "text/html"):
            self._items[attributes.get("id", "")] = path
        if kind.startswith("image/") and len(self._pictures) < _MOST_ITEMS:
            self._pictures[attributes.get("id", "")] = path
        properties = attributes.get("properties", "").split()
        if "nav" in properties:
            self.nav = path
        if "cover-image" in properties:
            self._cover_image = path
        if kind == "application/x-dtbncx+xml":
            self.ncx = path

    def end(self, name: str) -> None:
        self._field = ""

    def text(self, data: str) -> None:
        if self._field:
            self.fields[self._field] = self.fields.get(self._field, "") + data


class _Contents:
    """Entries of a table of contents with their depth."""

    def __init__(self, folder: str) -> None:
        self.entries: list[tuple[int, _Entry]] = []
        self._folder = folder

    def _add(self, depth: int, title: str, link: str) -> None:
        document, anchor = _resolved(self._folder, link)
        if title and link:
            self.entries.append((depth, _Entry(one_line(title), document, anchor)))


class _Nav(_Contents):
    """The list `toc` of a navigation document (EPUB 3)."""

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        self._inside = 0  # depth within the list of the contents
        self._lists = 0
        self._link: str | None = None
        self._title: list[str] = []

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if self._inside:
            self._inside += 1
        elif name == "nav" and "toc" in attributes.get("type", "toc").split():
            self._inside = 1
        if not self._inside:
            return
        self._lists += name == "ol"
        if name == "a":
            self._link, self._title = attributes.get("href", ""), []

    def end(self, name: str) -> None:
        if not self._inside:
            return
        self._inside -= 1
        self._lists -= name == "ol"
        if name == "a" and self._link is not None:
            self._add(self._lists, "".join(self._title), self._link)
            self._link = None

    def text(self, data: str) -> None:
        if self._link is not None:
            self._title.append(data)


class _Ncx(_Contents):
    """The map of an NCX (EPUB 2)."""

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        self._titles: list[list[str]] = []  # of the open points
        self._in_text = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "navPoint":
            self._titles.append([])
        elif name == "text":
            self._in_text = True
        elif name == "content" and self._titles:
            # The label comes before the content (NCX, navPoint).
            self._add(len(self._titles), "".join(self._titles[-1]), attributes.get("src", ""))

    def end(self, name: str) -> None:
        self._in_text = False
        if name == "navPoint":
            self._titles.pop()

    def text(self, data: str) -> None:
        if self._in_text and self._titles:
            self._titles[-1].append(data)


@dataclass
class _Content:
    """Blocks of a document of the spine, and the block that each anchor is in."""

    blocks: list[Block] = field(default_factory=list)
    anchors: dict[str, int] = field(default_factory=dict)
    _text: list[str] = field(default_factory=list)
    _level: int = 0
    _skipped: int = 0
    _row: int = 0  # depth of table rows, whose cells are separated by commas

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if self._skipped or name in _SKIPPED or _is_left_out(attributes):
            self._skipped += 1
            return
        if name in _BLOCKS:
            self._flush()
            self._level = _HEADINGS.get(name, self._level)
        elif name == "br":
            self._text.append("\n")
        elif name in ("td", "th") and "".join(self._text).strip():
            self._text.append(", ")
        for key in ("id", "name"):
            if key in attributes:
                self.anchors.setdefault(attributes[key], len(self.blocks))

    def end(self, name: str) -> None:
        if self._skipped:
            self._skipped -= 1
        elif name in _BLOCKS:
            self._flush()
            if name in _HEADINGS:
                self._level = 0

    def text(self, data: str) -> None:
        if not self._skipped:
            self._text.append(re.sub(r"\s+", " ", data))

    def _flush(self) -> None:
        words = paragraph("".join(self._text))
        self._text = []
        if words:
            self.blocks.append(Block(one_line(words) if self._level else words, self._level))


def _is_left_out(attributes: Mapping[str, str]) -> bool:
    kinds = {*attributes.get("type", "").split(), attributes.get("role", "").removeprefix("doc-")}
    return "hidden" in attributes or bool(kinds & _NOTES)
