"""Readers of books and subtitles: what they read, and what they refuse."""

from __future__ import annotations

import contextlib
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soundclone.errors import InvalidParameter
from soundclone.text import subtitles
from soundclone.text.imports import Chapter, limited, read_document
from soundclone.text.imports.limited import read_limited
from tests.books import archive, docx_files, epub_files, xhtml

BOOK = (
    ("One", ("It was late.", "Tom & Jerry said: 1 < 2.")),
    ("第二章", ("夜深了。", "他没有来。")),
)
LINES = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=30
).filter(lambda text: any(map(str.isalnum, text)) and text == " ".join(text.split()))
CHAPTERS = st.lists(
    st.tuples(LINES, st.lists(LINES, min_size=1, max_size=3).map(tuple)), min_size=2, max_size=3
)


def titled(chapters: Sequence[Chapter]) -> list[tuple[str, tuple[str, ...]]]:
    return [(chapter.title, chapter.paragraphs) for chapter in chapters]


@given(CHAPTERS, st.booleans())
@settings(max_examples=40, deadline=None)
def test_epub(chapters: list[tuple[str, tuple[str, ...]]], ncx: bool) -> None:
    document = read_document(archive(epub_files(chapters, ncx=ncx)), "book.epub")
    assert titled(document.chapters) == chapters
    assert (document.title, document.author, document.language) == ("A Book", "An Author", "en")


@given(CHAPTERS)
@settings(max_examples=40, deadline=None)
def test_docx(chapters: list[tuple[str, tuple[str, ...]]]) -> None:
    document = read_document(archive(docx_files(chapters)))
    assert titled(document.chapters) == chapters
    assert document.title == "A Book"


def test_epub_details() -> None:
    files = epub_files(BOOK)
    files["OEBPS/text/c 0.xhtml"] = xhtml(
        '<p>Before.</p><h1 id="a">One</h1><p>caf&eacute;&nbsp;<em>noir</em>'
        '<a epub:type="noteref" href="#n">1</a>, <ruby>東<rt>とう</rt></ruby>京<br/>second line</p>'
        "<div>loose <p>within</p> text</div><table><tr><td>a</td><td>b</td></tr></table>"
        '<aside epub:type="footnote" id="n">note</aside><p hidden="hidden">x</p>'
        '<h2 id="b">Two</h2><p>After.</p>'
    )
    files["OEBPS/nav.xhtml"] = xhtml(
        '<nav epub:type="landmarks"><ol><li><a href="x">x</a></li></ol></nav><nav epub:type="toc">'
        '<ol><li><a href="text/c%200.xhtml#a">1. One</a><ol><li><a href="text/c%200.xhtml#b">Two'
        '</a></li></ol></li><li><a href="text/c%201.xhtml">Three</a></li></ol></nav>'
    )
    assert titled(read_document(archive(files)).chapters) == [
        ("", ("Before.",)),
        ("1. One", ("café noir, 東京\nsecond line", "loose", "within", "text", "a, b")),
        ("Two", ("After.",)),
        ("Three", ("第二章", "夜深了。", "他没有来。")),
    ]


JPEG, PNG = b"\xff\xd8\xff\xe0 picture", b"\x89PNG\r\n\x1a\n picture"


@pytest.mark.parametrize("ncx", [False, True])
@pytest.mark.parametrize("picture", [JPEG, PNG])
def test_the_cover_of_an_epub(picture: bytes, ncx: bool) -> None:
    files = epub_files(BOOK, ncx=ncx, cover=picture)
    assert read_document(archive(files)).cover == picture


@pytest.mark.parametrize(
    "changed",
    [
        {"OEBPS/cover": b"<svg/>"},
        {"OEBPS/cover": b""},
        {"OEBPS/cover": JPEG + bytes(11 * 2**20)},
        {"OEBPS/cover": JPEG + bytes(40 * 2**20)},  # more than an archive may unpack
        {
            "META-INF/encryption.xml": "<encryption><CipherReference URI='OEBPS/cover'/>"
            "</encryption>"
        },
    ],
)
def test_a_book_is_read_without_a_cover_that_is_unusable(changed: dict[str, str | bytes]) -> None:
    files = epub_files(BOOK, cover=JPEG)
    document = read_document(archive(files | changed))
    assert (document.cover, len(document.chapters)) == (b"", len(BOOK))
    del files["OEBPS/cover"]
    assert read_document(archive(files)).cover == b""


def test_epub_without_contents() -> None:
    files = epub_files(BOOK)
    del files["OEBPS/nav.xhtml"]
    assert titled(read_document(archive(files)).chapters) == list(BOOK)


def test_docx_details() -> None:
    files = docx_files(BOOK)
    files["word/document.xml"] = (
        '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
        'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><w:body><w:p>'
        "<w:r><w:t>Kept</w:t><w:br/><w:t>line</w:t></w:r>"
        "<w:del><w:r><w:delText>gone</w:delText></w:r></w:del>"
        "<w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r>"
        "<w:r><w:instrText>PAGE</w:instrText></w:r>"
        "<mc:AlternateContent><mc:Choice><w:r><w:t>, once</w:t></w:r></mc:Choice>"
        "<mc:Fallback><w:r><w:t>, twice</w:t></w:r></mc:Fallback></mc:AlternateContent></w:p>"
        "</w:body></w:document>"
    )
    assert titled(read_document(archive(files)).chapters) == [("", ("Kept\nline, once",))]


def test_markdown() -> None:
    text = (
        '---\ntitle: "The Title"\nauthor: Anna\nlang: de\n---\n# Book\n\nFirst *words* of\n'
        "[a link](http://x) ![picture](y.png).\n\n## One\n\n- `item` 1\n\n```\ncode\n```\n"
        "<b>bold</b> &amp; more\n\n| a | b |\n|---|---|\n| c | d |\n\n## Two\n\nEnd.\n"
    )
    document = read_document(text.encode(), "book.md")
    assert (document.title, document.author, document.language) == ("The Title", "Anna", "de")
    assert titled(document.chapters) == [
        ("", ("First words of a link .",)),
        ("One", ("item 1", "bold & more", "a, b", "c, d")),
        ("Two", ("End.",)),
    ]


def test_plain_text() -> None:
    wrapped = "This line is long enough to have been broken by an editor\nand this is its end."
    first = f"\ufeffA preface.\r\n\r\nChapter 1: Night\r\n\r\n{wrapped}"
    text = f"{first}\n\nShort\nverse\n\n第二章 雨\n\n完。"
    assert titled(read_document(text.encode()).chapters) == [
        ("", ("A preface.",)),
        ("Chapter 1: Night", (wrapped.replace("\n", " "), "Short\nverse")),
        ("第二章 雨", ("完。",)),
    ]
    lines = read_document("第一章\n夜深了。\n他没有来。".encode("utf-16"))
    assert titled(lines.chapters) == [("第一章", ("夜深了。", "他没有来。"))]
    # A sentence is no heading, although it begins like one.
    assert read_document(b"Book two seats.\n\nPart of it.").chapters[0].title == ""


@given(
    st.lists(
        st.tuples(st.integers(0, 100_000), st.integers(1, 9_000), LINES), min_size=1, max_size=5
    ),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_subtitles(rows: list[tuple[int, int, str]], vtt: bool) -> None:
    cues: list[subtitles.Cue] = []
    at = 0
    for gap, length, text in rows:
        start, at = at + gap, at + gap + length
        cues.append(subtitles.Cue(start / 1000, at / 1000, text.translate(_NO_MARKUP), 0, 1))
    cues = [cue for cue in cues if cue.text.strip()]
    if not cues:
        return
    written = subtitles.to_vtt(cues) if vtt else subtitles.to_srt(cues)
    read = read_document(written.encode())
    assert [(cue.start, cue.end) for cue in read.cues] == [(cue.start, cue.end) for cue in cues]
    bare = [cue.text.replace(" ", "").replace("\u200f", "") for cue in cues]
    assert [cue.text.replace(" ", "").replace("\u200f", "") for cue in read.cues] == bare
    assert read.chapters[0].paragraphs == tuple(cue.text for cue in read.cues)


_NO_MARKUP = str.maketrans("", "", "<>{}&")


def test_subtitle_details() -> None:
    vtt = (
        "WEBVTT - a title\n\nNOTE a note\n\nSTYLE\n::cue{}\n\nid-1\n00:01.500 --> 00:02.000 "
        "line:0\n<v.loud Anna Berg>Tom &amp; <i>Jerry</i>\n\n00:00.000 --> 00:01.000\nFirst\n"
    )
    first, second = read_document(vtt.encode()).cues
    assert (first.text, first.start, first.end) == ("First", 0, 1)
    assert (second.text, second.speaker) == ("Tom & Jerry", "Anna Berg")
    srt = (
        "1\n00:00:01,5 --> 00:00:02,000\n{\\an8}<i>Two\nlines</i>\n\n"
        "2\n00:00:02,000 --> 00:00:03,000\n\n"
    )
    (cue,) = read_document(srt.encode()).cues
    assert (cue.text, cue.start) == ("Two lines", 1.5)


BOMB = "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]><x>&b;</x>"
OUTSIDE = "<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><x>&a;</x>"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("OEBPS/text/c 0.xhtml", BOMB, "declares entities"),
        ("OEBPS/text/c 0.xhtml", OUTSIDE, "declares entities"),
        ("OEBPS/book.opf", BOMB, "declares entities"),
        ("OEBPS/nav.xhtml", "<html>", "not well-formed"),
        ("OEBPS/text/c 0.xhtml", "<p>" * 300 + "</p>" * 300, "within each other"),
        ("OEBPS/text/c 0.xhtml", b" " * (33 * 2**20), "unpacks to more than"),
        ("META-INF/container.xml", "<container/>", "names no package"),
        (
            "META-INF/encryption.xml",
            '<e><CipherReference URI="OEBPS/text/c%200.xhtml"/></e>',
            "encrypted",
        ),
    ],
    ids=lambda value: str(value)[:20],
)
def test_hostile_epub(name: str, content: str | bytes, reason: str) -> None:
    with pytest.raises(InvalidParameter, match=reason):
        read_document(archive(epub_files(BOOK) | {name: content}))


def test_total_of_an_archive_is_bounded() -> None:
    many = [(f"Chapter {number}", ("x",)) for number in range(5)]
    files = epub_files(many)
    for number in range(5):
        files[f"OEBPS/text/c {number}.xhtml"] = xhtml("<p>x</p>" + " " * (30 * 2**20))
    with pytest.raises(InvalidParameter, match="unpacks to more than"):
        read_document(archive(files))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no text"),
        (b"\n \n", "no text"),
        (b"caf\xe9", "not UTF-8 at byte 3"),
        (b"a\0b", "not a text"),
        (b"PK\x03\x04", "damaged zip"),
        (archive({"a": "b"}), "neither an EPUB nor"),
        (b"1\n00:00:02,000 --> 00:00:01,000\nx", "cue 1 ends at 1 s"),
        (b"1\n00:00:01,000 --> 00:00:02,000\nx\n\n2\n00:00 --> x\ny", "cue 2 has no times"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_refused(data: bytes, reason: str) -> None:
    with pytest.raises(InvalidParameter, match=reason):
        read_document(data)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_damaged_archives_are_refused_or_read(data: st.DataObject) -> None:
    """A byte that changed leads to a document or to a refusal, never to another exception."""
    whole = bytearray(data.draw(st.sampled_from(ARCHIVES)))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InvalidParameter):
        assert read_document(bytes(whole)).chapters


ARCHIVES = (archive(epub_files(BOOK)), archive(docx_files(BOOK)))


def test_encrypted_member() -> None:
    buffer = io.BytesIO(ARCHIVES[1])
    with zipfile.ZipFile(buffer) as packed:
        place = next(i.header_offset for i in packed.infolist() if "document" in i.filename)
    data = bytearray(buffer.getvalue())
    data[place + 6] |= 1
    central = data.index(b"word/document.xml", place + 40) - 46
    data[central + 8] |= 1
    with pytest.raises(InvalidParameter, match="is encrypted"):
        read_document(bytes(data))


def test_a_text_of_one_long_line_is_read_at_once() -> None:
    text = "word " * 400_000  # the time of an earlier release grew with the square of a line
    assert read_document(text.encode()).chapters[0].characters == len(text) - 1
    head = f"---\ntitle: The{' ' * 200_000}Sea\n---\n\nGood night.\n"
    assert read_document(head.encode(), "a.md").title.endswith("Sea")


def test_a_document_is_read_in_a_child_process(tmp_path: Path) -> None:
    file = tmp_path / "a"
    for name, data in (
        ("book.md", b"---\ntitle: Sea\nlang: en\n---\n# One\n\nGood *night*.\n"),
        ("a.VTT", b"WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ana>Good night\n"),
    ):
        file.write_bytes(data)
        with file.open("rb") as opened:
            assert read_limited(opened, name) == read_document(data, name)
    file.write_bytes(b"caf\xe9")
    with file.open("rb") as opened, pytest.raises(InvalidParameter, match="not UTF-8 at byte 3"):
        read_limited(opened, "a\0.txt")


@pytest.mark.slow
def test_a_hostile_document_ends_at_its_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limited, "_WAIT", 5)
    file = tmp_path / "a"
    file.write_bytes(b"[" * 4_000_000)
    with file.open("rb") as opened, pytest.raises(InvalidParameter, match="too much time"):
        read_limited(opened, "a.md")
