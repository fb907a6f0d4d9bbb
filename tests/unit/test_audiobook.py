"""Audiobooks: the texts of their requests, their files, and runs that are interrupted."""

from __future__ import annotations

import json
import struct
import sys
import zipfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import httpx2
import numpy as np
import pytest
from av.stream import Disposition
from av.video.codeccontext import VideoCodecContext
from hypothesis import given, settings
from hypothesis import strategies as st

from soundclone.audio import book, encode
from soundclone.audio.loudness import loudness
from soundclone.cli import main
from soundclone.text.imports import Chapter, read_document
from soundclone.text.imports.parts import LIMIT, parts
from soundclone.text.script import Pause, Sentence, check, parse
from tests.books import archive, epub_files
from tests.production import MODEL, Killed, Studio

BOOK = (
    ("One", ("It was late. " * 60, "Nobody came.")),
    ("第二章", ("夜深了。",)),
    ("Three", tuple("Then somebody did. " * 40 for _ in range(3))),
)


@given(st.lists(st.integers(1, 60), min_size=1, max_size=12), st.integers(200, 600), st.booleans())
@settings(max_examples=100, deadline=None)
def test_parts(sizes: list[int], limit: int, title: bool) -> None:
    """Every word is spoken once, in order, and no text is longer than the limit."""
    words = iter(range(10_000))
    paragraphs = tuple(" ".join(f"w{next(words)}." for _ in range(size)) for size in sizes)
    texts = parts(Chapter("The Title", paragraphs), title=title, limit=limit)
    pieces = [piece for text in texts for piece in parse(text).pieces]
    spoken = " ".join(piece.text for piece in pieces if isinstance(piece, Sentence))
    assert spoken.split() == [*(["The", "Title"] if title else []), *" ".join(paragraphs).split()]
    assert all(check(text, limit) for text in texts)
    seconds = [float(piece.seconds) for piece in pieces if isinstance(piece, Pause)]
    assert seconds == [0.5, *([1.0] if title else []), 2.0]


def test_parts_of_long_paragraphs_and_of_signs() -> None:
    texts = parts(Chapter("", ("一" * 25_000, "* * *", "<#oops#> <#1.5#> a", "x" * 12_000)))
    assert all(check(text, LIMIT) for text in texts)
    assert sum(text.count("一") for text in texts) == 25_000
    assert sum(text.count("x") for text in texts) == 12_000
    assert "* * *" not in "".join(texts)
    assert "<oops#> <1.5#> a" in "".join(texts)
    assert parts(Chapter("", ("* * *",))) == ()


Run = Callable[..., str]


@pytest.fixture
def studio(monkeypatch: pytest.MonkeyPatch) -> Studio:
    studio = Studio()
    studio.install(monkeypatch)
    monkeypatch.setattr("soundclone.cli.production.time.sleep", lambda _: None)
    return studio


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    Path("book.epub").write_bytes(archive(epub_files(BOOK)))

    def command(*arguments: str, code: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["soundclone", "audiobook", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        output, error = capfd.readouterr()
        assert ended.value.code == code, error
        return error if code else output

    return command


def boxes(data: bytes, names: tuple[bytes, ...]) -> Iterator[bytes]:
    """Yield the content of the boxes of MPEG-4 at a path (ISO/IEC 14496-12)."""
    at = 0
    while at + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        content = data[at + 8 : at + (size or len(data))]
        if name == names[0]:
            if len(names) == 1:
                yield content
            else:
                yield from boxes(content, names[1:])
        at += size or len(data)


def picture(codec: str, pixels: str) -> bytes:
    """A picture as a file."""
    context = av.CodecContext.create(codec, "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = 40, 60, pixels
    context.time_base = Fraction(1, 25)
    frame = av.VideoFrame.from_ndarray(np.full((60, 40, 3), 90, np.uint8)).reformat(format=pixels)
    frame.pts = 0
    return b"".join(map(bytes, [*context.encode(frame), *context.encode(None)]))


@pytest.mark.parametrize(("codec", "pixels"), [("mjpeg", "yuvj420p"), ("png", "rgb24")])
def test_the_cover_of_an_m4b(studio: Studio, run: Run, codec: str, pixels: str) -> None:
    cover = picture(codec, pixels)
    Path("book.epub").write_bytes(archive(epub_files(BOOK, cover=cover)))
    for name in ("book.m4b", "again.m4b"):
        run("book.epub", "--voice", MODEL, "-o", name)
    with av.open("book.m4b") as container:
        (stream,) = container.streams.video
        assert stream.disposition == Disposition.attached_pic
        assert stream.codec_context.name == codec
        packet = next(container.demux(stream))
        assert bytes(packet) == cover
        (frame,) = packet.decode()
        assert isinstance(frame, av.VideoFrame)
        assert (frame.width, frame.height) == (40, 60)
        assert len(container.chapters()) == len(BOOK)
        assert container.metadata["major_brand"] == "M4A "
    data = Path("book.m4b").read_bytes()
    assert data == Path("again.m4b").read_bytes()
    (listed,) = boxes(data, (b"moov", b"udta", b"chpl"))
    assert listed[8] == len(BOOK)
    assert len(np.concatenate(list(book.read(Path("book.m4b"))))) > 44_100


def test_m4b(studio: Studio, run: Run) -> None:
    report = json.loads(run("book.epub", "--voice", MODEL, "-o", "book.m4b", "--json"))
    data = Path("book.m4b").read_bytes()
    with av.open("book.m4b") as container:
        marks = [
            (mark["metadata"]["title"], float(mark["start"] * (mark["time_base"] or 0)))
            for mark in container.chapters()
        ]
        metadata = dict(container.metadata)
    samples = np.concatenate(list(book.read(Path("book.m4b"))))
    assert [title for title, _ in marks] == [title for title, _ in BOOK]
    assert (metadata["title"], metadata["artist"]) == ("A Book", "An Author")
    assert "Synthetic speech" in metadata["comment"]
    assert [start for _, start in marks] == [
        pytest.approx(chapter["start"], abs=0.001) for chapter in report["chapters"]
    ]
    # AAC has blocks of 1024 samples.
    assert len(samples) / 44_100 == pytest.approx(report["seconds"], abs=0.05)
    assert loudness(samples, 44_100) == pytest.approx(report["lufs"], abs=0.5)
    for _, start in marks[1:]:  # a chapter begins with silence, and the one before ends with it
        middle = samples[round((start - 1.9) * 44_100) : round((start + 0.4) * 44_100)]
        assert np.abs(middle).max() < 0.01
    # The list of chapters as players read it that are not FFmpeg: Nero's box.
    (listed,) = boxes(data, (b"moov", b"udta", b"chpl"))
    assert listed[8] == len(BOOK)
    at, found = 9, []
    for _ in BOOK:
        start, length = struct.unpack_from(">QB", listed, at)
        found.append((listed[at + 9 : at + 9 + length].decode(), start / 10_000_000))
        at += 9 + length
    assert found == [(title, pytest.approx(start, abs=0.001)) for title, start in marks]
    assert data.index(b"moov") < data.index(b"mdat")
    assert report["cost"] == 1.5 * 3
    assert not list(Path().glob(".book*"))


@pytest.mark.parametrize("target", ["book.zip", "chapters"])
def test_chapters(studio: Studio, run: Run, target: str, tmp_path: Path) -> None:
    run("book.epub", "--voice", MODEL, "-o", target, "--subtitles", "--chapters", "1,3")
    folder = tmp_path / "chapters"
    if target == "book.zip":
        with zipfile.ZipFile(target) as packed:
            packed.extractall(folder)
    names = sorted(path.name for path in folder.iterdir())
    assert names == sorted(
        [f"{title}.{end}" for title in ("01 One", "03 Three") for end in ("mp3", *SUBTITLES)]
        + ["manifest.json"]
    )
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["title"], manifest["loudness"]) == ("A Book", "audiobook")
    for chapter in manifest["chapters"]:
        samples = np.concatenate(list(book.read(folder / chapter["file"])))
        assert len(samples) / 44_100 == pytest.approx(chapter["seconds"], abs=0.1)
        cues = read_document((folder / chapter["subtitles"]).read_bytes()).cues
        assert 0.5 <= cues[0].start < cues[-1].end < chapter["seconds"]
        assert cues[0].text == chapter["title"]


SUBTITLES = ("srt", "vtt", "json")


def test_long_chapters_are_sent_in_parts(studio: Studio, run: Run) -> None:
    paragraphs = tuple(f"Paragraph {number}. {'word ' * 150}" for number in range(30))
    Path("long.epub").write_bytes(archive(epub_files([("Long", paragraphs)])))
    report = json.loads(
        run("long.epub", "--voice", MODEL, "-o", "l.m4b", "--subtitles", "--json", "--no-headings")
    )
    assert len(studio.charges) == 3
    assert len(report["chapters"]) == 1
    cues = read_document(Path("l.srt").read_bytes()).cues
    starts = [cue.start for cue in cues if cue.text.startswith("Paragraph")]
    assert len(starts) == 30
    assert starts == sorted(starts)


def test_a_run_continues_after_a_kill(
    studio: Studio, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that ends at any request: the next run pays for no text twice."""
    run("book.epub", "--voice", MODEL, "-o", "whole.m4b")
    whole, needed = Path("whole.m4b").read_bytes(), studio.requests
    for requests in range(1, needed):
        studio = Studio(kill_at=requests)
        studio.install(monkeypatch)
        with pytest.raises(Killed):
            run("book.epub", "--voice", MODEL, "-o", "book.m4b")
        assert not Path("book.m4b").exists()
        studio.kill_at = None
        run("book.epub", "--voice", MODEL, "-o", "book.m4b")
        assert sorted(studio.charges) == sorted(set(studio.charges))
        assert len(studio.charges) == 3
        assert Path("book.m4b").read_bytes() == whole
        Path("book.m4b").unlink()


def test_finished_parts_are_kept_on_this_machine(studio: Studio, run: Run) -> None:
    """Also if the service has forgotten them."""
    studio.fail = lambda text, number: "夜" in text
    error = run("book.epub", "--voice", MODEL, "-o", "book.m4b", code=1)
    assert "it went wrong" in error
    kept = len(list(Path(".book.m4b.parts").glob("*.flac")))
    assert kept == 1  # the chapter before the one that failed
    studio._keys.clear()
    studio.fail = lambda text, number: False
    run("book.epub", "--voice", MODEL, "-o", "book.m4b")
    assert sum(text.startswith("<#0.5#>One") for text in studio.charges) == 1


def test_a_new_pronunciation_is_spoken(studio: Studio, run: Run) -> None:
    """Only in the texts that have the word."""
    run("book.epub", "--voice", MODEL, "-o", "book.m4b")
    studio.charges.clear()
    studio.entries = [{"written": "somebody", "spoken": "some body"}]
    run("book.epub", "--voice", MODEL, "-o", "book.m4b")
    assert len(studio.charges) == 1
    assert "somebody" in studio.charges[0]


def test_failures_and_outages_are_survived(studio: Studio, run: Run) -> None:
    answers = iter([httpx2.Response(503), httpx2.Response(429, json={"code": -1, "msg": "slow"})])
    studio.before = lambda _: next(answers, None)
    studio.fail = lambda text, number: number == 0
    run("book.epub", "--voice", MODEL, "-o", "book.m4b")
    assert len(studio.charges) == 3
    # A failure of an earlier run does not count in this one.
    Path("book.m4b").unlink()
    studio.charges.clear()
    run("book.epub", "--voice", MODEL, "-o", "book.m4b")
    assert studio.charges == []


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("book.epub",), 2, "pass --voice"),
        (("book.epub", "--voice", "v", "-o", "a.mp3"), 2, "use .m4b, .m4a or .zip"),
        (("book.epub", "--list", "--chapters", "2-9"), 2, "use numbers from 1 to 3"),
        (("book.epub", "--voice", "v", "-o", "no/a.m4b"), 1, "there is no folder no"),
        (("missing.txt", "--list"), 1, "No such file"),
        (("subtitles.srt", "--list"), 1, "soundclone dub"),
        (("signs.txt", "--voice", "v", "-o", "a.m4b"), 1, "nothing to speak"),
        (("pauses.txt", "--list"), 1, "chapter 1: the pauses"),
    ],
)
def test_refused(run: Run, arguments: tuple[str, ...], code: int, message: str) -> None:
    Path("subtitles.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nx\n")
    Path("signs.txt").write_text("* * *")
    Path("pauses.txt").write_text("<#99#><#99#>a")
    assert message in run(*arguments, code=code)


def test_list(run: Run) -> None:
    table = run("book.epub", "--list")
    assert "第二章" in table
    assert "characters in all" in table


def test_a_damaged_part_is_no_silence(tmp_path: Path) -> None:
    path = tmp_path / "x.flac"
    with encode.Encoder(path, "flac", sample_rate_in=44_100) as encoder:
        encoder.write(np.zeros(1000, np.float32))
    assert book.length(path) == 1000
    path.write_bytes(b"not audio")
    with pytest.raises(Exception, match="is damaged"):
        book.length(path)
