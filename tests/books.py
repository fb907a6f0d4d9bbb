"""Books in the formats that can be imported, made for tests."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from html import escape

Chapters = Sequence[tuple[str, Sequence[str]]]

CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/>'
    "</rootfiles></container>"
)


def archive(files: Mapping[str, str | bytes]) -> bytes:
    """Return a zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return buffer.getvalue()


def xhtml(body: str) -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html>\n'
        '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops">'
        f"<head><title>not text</title></head><body>{body}</body></html>"
    )


def epub_files(
    chapters: Chapters,
    *,
    title: str = "A Book",
    author: str = "An Author",
    language: str = "en",
    ncx: bool = False,
    cover: bytes = b"",
) -> dict[str, str | bytes]:
    """Return the files of an EPUB 3, or of an EPUB 2 with an NCX, with a chapter a document.

    A cover is in the file `OEBPS/cover`.
    """
    names = [f"text/c {number}.xhtml" for number in range(len(chapters))]
    links = [name.replace(" ", "%20") for name in names]
    items = "".join(
        f'<item id="c{n}" href="{link}" media-type="application/xhtml+xml"/>'
        for n, link in enumerate(links)
    )
    titles = [escape(title) for title, _ in chapters]
    if ncx:
        items += '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>'
        points = "".join(
            f'<navPoint><navLabel><text>{title}</text></navLabel><content src="{link}"/></navPoint>'
            for title, link in zip(titles, links, strict=True)
        )
        contents: dict[str, str | bytes] = {
            "OEBPS/toc.ncx": '<!DOCTYPE ncx PUBLIC "-//NISO//DTD ncx 2005-1//EN" '
            '"http://www.daisy.org/z3986/2005/ncx-2005-1.dtd">'
            f'<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap>{points}</navMap></ncx>'
        }
    else:
        items += (
            '<item id="nav" href="nav.xhtml" properties="nav" media-type="application/xhtml+xml"/>'
        )
        rows = "".join(
            f'<li><a href="{link}">{title}</a></li>'
            for title, link in zip(titles, links, strict=True)
        )
        contents = {"OEBPS/nav.xhtml": xhtml(f'<nav epub:type="toc"><ol>{rows}</ol></nav>')}
    meta = '<meta name="cover" content="front"/>' if cover and ncx else ""
    if cover:
        properties = "" if ncx else ' properties="cover-image"'
        items += f'<item id="front" href="cover" media-type="image/jpeg"{properties}/>'
        contents = {**contents, "OEBPS/cover": cover}
    spine = "".join(f'<itemref idref="c{n}"/>' for n in range(len(chapters)))
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<metadata><dc:title>{escape(title)}</dc:title><dc:creator>{escape(author)}</dc:creator>"
        f"<dc:language>{language}</dc:language>{meta}</metadata>"
        f"<manifest>{items}</manifest><spine>{spine}</spine></package>"
    )
    documents = {
        f"OEBPS/{name}": xhtml(
            f"<section><h1>{escape(heading)}</h1>"
            + "".join(f"<p>{escape(each)}</p>" for each in paragraphs)
            + "</section>"
        )
        for name, (heading, paragraphs) in zip(names, chapters, strict=True)
    }
    return {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "OEBPS/book.opf": package,
        **contents,
        **documents,
    }


def docx_files(chapters: Chapters, *, title: str = "A Book") -> dict[str, str | bytes]:
    """Return the files of a Word document, in which a heading begins each chapter."""
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'

    def row(text: str, style: str = "") -> str:
        properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
        middle = len(text) // 2  # a paragraph may be in several runs
        runs = "".join(
            f'<w:r><w:t xml:space="preserve">{escape(part)}</w:t></w:r>'
            for part in (text[:middle], text[middle:])
        )
        return f"<w:p>{properties}{runs}</w:p>"

    body = "".join(
        row(heading, "berschrift1") + "".join(map(row, paragraphs))
        for heading, paragraphs in chapters
    )
    return {
        "[Content_Types].xml": "<Types/>",
        "word/document.xml": f"<w:document {space}><w:body>{row(title, 'Titel')}{body}"
        "</w:body></w:document>",
        "word/styles.xml": f'<w:styles {space}><w:style w:styleId="berschrift1">'
        '<w:name w:val="heading 1"/></w:style><w:style w:styleId="Titel"><w:name w:val="Title"/>'
        "</w:style></w:styles>",
    }
