"""Recognition of file types by their first bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

SUPPORTED = "mp3, ogg, wav, m4a, aac, mp4, avi, mov, mkv or flv"

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document"),
    (b"\x89PNG\r\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"BM", "a bitmap image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"PK\x03\x04", "a zip archive or office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a rar archive"),
    (b"\xd0\xcf\x11\xe0", "an old office document"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"MThd", "a MIDI file, which holds notes and no sound"),
    (b"0&\xb2u\x8ef\xcf\x11", "a Windows Media file (asf, wma, wmv)"),
    (b".RMF", "a RealMedia file"),
    (b"#!AMR", "an AMR file"),
    (b"\x00\x00\x01\xba", "an MPEG programme stream"),
    (b"#EXTM3U", "a playlist (m3u8), which only names other files"),
    (b"[playlist]", "a playlist (pls), which only names other files"),
    (b"ffconcat", "a playlist (ffconcat), which only names other files"),
)


def describe_other(head: bytes) -> str | None:
    """Describe a file that is not a recording by its first kilobytes, for an error message.

    Returns None if the file may be a recording.
    """
    if not head:
        return "empty (0 bytes)"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "a WebP image"
    if head[4:8] == b"ftyp" and head[8:12] in (b"avif", b"heic", b"heix", b"mif1"):
        return "an image (heic, avif)"
    for magic, what in _MAGIC:
        if head.startswith(magic):
            return what
    start = head[:2048].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")) or b"<html" in start:
        return "an HTML page"
    if start.startswith((b"<?xml", b"<svg", b"<smil", b"<asx", b"<mpd")):
        return "an XML document"
    if not start:
        return "blank text"
    if _is_text(head):
        return "a JSON document" if start[:1] in (b"{", b"[") else "plain text"
    return None


def _is_text(head: bytes) -> bool:
    if re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]", head):
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data" and error.start > len(head) - 4
    return True


def mp4_boxes(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield type, offset and length of the content of each top-level box of an mp4 file.

    ISO/IEC 14496-12, section 4.2. `size` is the length of the file. A box that exceeds it is the
    last one.
    """
    position = 0
    for _ in range(10_000):  # enough for fragments of an hour; a hostile file may have millions
        file.seek(position)
        header = file.read(16)
        if len(header) < 8:
            return
        length, head = int.from_bytes(header[:4], "big"), 8
        if length == 1 and len(header) == 16:
            length, head = int.from_bytes(header[8:], "big"), 16
        elif length == 0:
            length = size - position
        if length < head:
            return
        yield header[4:8], position + head, length - head
        position += length
        if position >= size:
            return
