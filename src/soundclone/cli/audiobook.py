"""`soundclone audiobook`: speak a book over HTTP, chapter by chapter."""

from __future__ import annotations

import hashlib
import json
import math
import re
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .common import AsJson, fail, print_json, print_table, refuse
from .connection import ApiKey, BaseUrl, Quiet, connected
from .production import (
    Delivery,
    Producer,
    Spoken,
    commit,
    exclusive,
    read_file,
    remove,
    resumable,
    temporary,
    work_folder,
)
from .progress import counting
from .remote import Emotion, Format, Language, Loudness, check_language
from .signing import sign
from .voices import id_of

if TYPE_CHECKING:
    from ..text.imports import Chapter, Document

AUDIOBOOK_EXAMPLES = """\b
Examples:
  soundclone audiobook novel.epub --list
  soundclone audiobook novel.epub --voice Anna -o novel.m4b
  soundclone audiobook course.docx --voice Anna -o course.zip --chapters 2-4 --loudness podcast
  soundclone audiobook notes.md --voice Anna -o notes/ --format flac --subtitles

BOOK is plain text, Markdown, EPUB or DOCX. After an interruption, the same command continues, and
finished parts are not paid for again. Finished parts are kept in a folder beside the output until
the book is complete."""

_MPEG4 = (".m4b", ".m4a")
_NAME = 60  # characters of a chapter's title in the name of a file

Cues = list[tuple[float, float, str]]


@dataclass(frozen=True)
class _Part:
    """A chapter, the texts that speak it, and its number in the book from 1."""

    number: int
    title: str
    texts: tuple[str, ...]
    characters: int


def audiobook(
    book: Annotated[Path, typer.Argument(help="Text, Markdown, EPUB or DOCX file", metavar="BOOK")],
    voice: Annotated[
        str | None, typer.Option(help="Name or id of the voice", metavar="VOICE")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="An .m4b or .m4a file with marks of chapters, a .zip of chapters, or a folder",
        ),
    ] = None,
    chapters: Annotated[
        str | None, typer.Option(help="Numbers of the chapters to speak, such as 1,3-5")
    ] = None,
    show: Annotated[
        bool, typer.Option("--list", help="List the chapters, and speak nothing")
    ] = False,
    language: Language = "auto",
    emotion: Annotated[Emotion, typer.Option(help="Emotion of the voice")] = "neutral",
    speed: Annotated[float, typer.Option(help="Speaking rate (1 = normal)", min=0.5, max=2)] = 1.0,
    pitch: Annotated[int, typer.Option(help="Pitch shift in semitones", min=-12, max=12)] = 0,
    loudness: Annotated[
        Loudness, typer.Option(help="Kind of publication, which decides the loudness")
    ] = "audiobook",
    title: Annotated[str | None, typer.Option(help="Title (default: that of the book)")] = None,
    author: Annotated[str | None, typer.Option(help="Author (default: that of the book)")] = None,
    headings: Annotated[
        bool,
        typer.Option("--headings/--no-headings", help="Speak the title of each chapter"),
    ] = True,
    format: Annotated[
        Format, typer.Option(help="Format of the chapters in a zip archive or a folder")
    ] = "mp3",
    subtitles: Annotated[
        bool, typer.Option("--subtitles", help="Also write subtitles: .srt, .vtt and .json")
    ] = False,
    url: BaseUrl = None,
    key: ApiKey = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Speak a book, as one file or as chapters."""
    document = _read(book)
    parts = _chosen(document, chapters, headings)
    if show:
        _list(parts, as_json)
        return
    if voice is None or output is None:
        refuse("pass --voice VOICE and -o OUTPUT, or --list")
    _check_output(output)
    check_language(language)
    parts = [part for part in parts if part.texts]
    if not parts:
        fail("the chosen chapters have nothing to speak", "invalid_parameter")
    silent = quiet or as_json
    folder = work_folder(output)
    texts = [text for part in parts for text in part.texts]
    with resumable(), exclusive(folder), connected(url, key) as client:
        producer = Producer(
            client,
            id_of(client, voice),
            folder,
            Delivery(
                language,
                None if emotion == "neutral" else emotion,
                None if speed == 1 else speed,
                pitch or None,
                loudness,
                "sentence" if subtitles else None,
            ),
        )
        with counting("speaking", "parts", len(set(texts)), silent) as count:
            spoken = producer.speak(texts, count)
        about = {
            "title": title or document.title or book.stem,
            "author": author or document.author,
            "language": document.language or _language_of(spoken),
            "voice": voice,
            "loudness": loudness,
        }
        written = _write(output, parts, spoken, about, document.cover, format, subtitles, silent)
    remove(folder)
    _report(written, {each.task_id: each.cost for each in spoken}, as_json, quiet)


def _read(book: Path) -> Document:
    from ..errors import InvalidParameter
    from ..text.imports import LARGEST, read_document

    try:
        document = read_document(read_file(book, LARGEST), book.name)
    except InvalidParameter as error:
        fail(f"{book}: {error.message}", "file")
    if document.cues:
        fail(f"{book} has subtitles; `soundclone dub` speaks them at their times", "file")
    return document


def _chosen(document: Document, chapters: str | None, headings: bool) -> list[_Part]:
    from ..errors import InvalidParameter
    from ..text.imports.parts import LIMIT, parts
    from ..text.script import check

    numbers = _numbers(chapters, len(document.chapters))
    found = []
    for number in numbers:
        chapter = document.chapters[number - 1]
        texts = parts(chapter, title=headings)
        try:
            counts = [check(text, LIMIT) for text in texts]
        except InvalidParameter as error:
            fail(f"chapter {number}: {error.message}", error.word)
        found.append(_Part(number, _title(chapter, number), texts, sum(counts)))
    return found


def _title(chapter: Chapter, number: int) -> str:
    if chapter.title:
        return chapter.title
    words = chapter.paragraphs[0] if chapter.paragraphs else ""
    return words if 0 < len(words) <= _NAME else str(number)


def _numbers(chapters: str | None, count: int) -> list[int]:
    if chapters is None:
        return list(range(1, count + 1))
    found: set[int] = set()
    for part in chapters.split(","):
        match = re.fullmatch(r"\s*([0-9]{1,5})(?:\s*-\s*([0-9]{1,5}))?\s*", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= first <= last <= count:
            refuse(f"--chapters has {part.strip()!r}; use numbers from 1 to {count}, such as 1,3-5")
        found |= set(range(first, last + 1))
    return sorted(found)


def _check_output(output: Path) -> None:
    suffix = output.suffix.lower()
    if output.exists() and output.is_dir() != (suffix not in (*_MPEG4, ".zip")):
        fail(
            f"{output} is a {'folder' if output.is_dir() else 'file'}; name another output", "file"
        )
    if suffix and suffix not in (*_MPEG4, ".zip") and not output.is_dir():
        refuse(f"{output} has the ending {suffix}; use .m4b, .m4a or .zip, or name a folder")
    if not output.parent.is_dir():
        fail(f"{output} cannot be written: there is no folder {output.parent}", "file")


def _list(parts: Sequence[_Part], as_json: bool) -> None:
    rows: list[dict[str, object]] = [
        {
            "chapter": part.number,
            "characters": part.characters,
            "requests": len(part.texts),
            "title": part.title,
        }
        for part in parts
    ]
    if as_json:
        print_json(rows)
    else:
        print_table(rows)
        typer.echo(f"{sum(part.characters for part in parts):,} characters in all")


def _language_of(spoken: Sequence[Spoken]) -> str:
    from ..text.languages import LANGUAGES

    name = spoken[0].language
    return LANGUAGES[name].code if name in LANGUAGES else ""


def _write(
    output: Path,
    parts: Sequence[_Part],
    spoken: Sequence[Spoken],
    about: Mapping[str, str],
    cover: bytes,
    format: Format,
    subtitles: bool,
    silent: bool,
) -> dict[str, object]:
    """Write the output. Return what the manifest has."""
    speech = iter(spoken)
    tracks = [(part, [next(speech) for _ in part.texts]) for part in parts]
    if output.suffix.lower() in _MPEG4:
        return _write_book(output, tracks, about, cover, subtitles)
    if output.suffix.lower() == ".zip":
        with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.") as folder:
            written = _write_chapters(Path(folder), tracks, about, format, subtitles, silent)
            packed = Path(folder) / "all"
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
                for file in sorted(Path(folder).iterdir()):
                    if file != packed:
                        archive.write(file, file.name)
            commit(packed, output)
        return written | {"file": str(output)}
    output.mkdir(exist_ok=True)
    return _write_chapters(output, tracks, about, format, subtitles, silent) | {"file": str(output)}


def _tags(about: Mapping[str, str]) -> dict[str, str]:
    from ..audio.encode import SYNTHETIC

    known = {"artist": about["author"], "language": about["language"]}
    return {"album": about["title"], "genre": "Audiobook", **SYNTHETIC} | {
        name: value for name, value in known.items() if value
    }


def _write_book(
    output: Path,
    tracks: Sequence[tuple[_Part, Sequence[Spoken]]],
    about: Mapping[str, str],
    cover: bytes,
    subtitles: bool,
) -> dict[str, object]:
    from ..audio import book

    with temporary(output) as part:
        written = book.write(
            part,
            [book.Track(p.title, tuple(s.audio for s in spoken)) for p, spoken in tracks],
            format="m4b",
            tags=_tags(about) | {"title": about["title"]},
            cover=cover,
        )
        sign(part, output, "m4b", tracks[0][1][0].audio)
        commit(part, output)
    files = {"file": str(output)}
    if subtitles:
        cues = _cues([each for _, spoken in tracks for each in spoken])
        _write_subtitles(output, cues, written.seconds)
        files["subtitles"] = str(output.with_suffix(".srt"))
    chapters = [
        _entry(part, spoken) | {"start": round(start, 3)}
        for (part, spoken), start in zip(tracks, written.starts, strict=True)
    ]
    return {**about, **files, **_measured(written.seconds, written.lufs), "chapters": chapters}


def _write_chapters(
    folder: Path,
    tracks: Sequence[tuple[_Part, Sequence[Spoken]]],
    about: Mapping[str, str],
    format: Format,
    subtitles: bool,
    silent: bool,
) -> dict[str, object]:
    """Write a file for each chapter, and the manifest."""
    from ..audio import book

    chapters: list[dict[str, object]] = []
    width = max(2, len(str(max(part.number for part, _ in tracks))))
    total = 0.0
    with counting("encoding", "chapters", len(tracks), silent) as count:
        for done, (part, spoken) in enumerate(tracks):
            count(done, 0.0)
            file = folder / f"{part.number:0{width}} {_file_name(part.title)}.{format}"
            tags = _tags(about) | {
                "title": part.title,
                "track": f"{done + 1}/{len(tracks)}",
            }
            with temporary(file) as unfinished:
                track = book.Track(part.title, tuple(each.audio for each in spoken))
                written = book.write(unfinished, [track], format=format, tags=tags)
                sign(unfinished, file, format, spoken[0].audio)
                commit(unfinished, file)
            entry = _entry(part, spoken) | _measured(written.seconds, written.lufs)
            entry |= {"file": file.name, "sha256": _sha256(file)}
            if subtitles:
                _write_subtitles(file, _cues(spoken), written.seconds)
                entry["subtitles"] = file.with_suffix(".srt").name
            chapters.append(entry)
            total += written.seconds
    manifest = {**about, "seconds": round(total, 3), "chapters": chapters}
    text = json.dumps(manifest, ensure_ascii=False, indent=2)
    (folder / "manifest.json").write_text(text + "\n", "utf-8")
    return manifest


def _entry(part: _Part, spoken: Sequence[Spoken]) -> dict[str, object]:
    return {
        "number": part.number,
        "title": part.title,
        "characters": part.characters,
        "tasks": [each.task_id for each in spoken],
    }


def _measured(seconds: float, lufs: float) -> dict[str, object]:
    level = round(lufs, 2) if math.isfinite(lufs) else None
    return {"seconds": round(seconds, 3), "lufs": level}


def _file_name(title: str) -> str:
    """Return a title without characters that a file system refuses."""
    name = re.sub(r'[\x00-\x1f\x7f<>:"/\\|?*]+', " ", title)
    return " ".join(name.split())[:_NAME].strip(" .") or "chapter"


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _cues(spoken: Sequence[Spoken]) -> Cues:
    """Return the subtitles of files that follow each other, in seconds."""
    from ..audio import book

    found: Cues = []
    before = 0.0
    for each in spoken:
        assert each.cues is not None
        for cue in json.loads(each.cues.read_text("utf-8")):
            times = (before + cue[name] / 1000 for name in ("start", "end"))
            found.append((*times, str(cue["text"])))
        before += book.length(each.audio) / book.sample_rate(each.audio)
    return found


def _write_subtitles(audio: Path, cues: Cues, seconds: float) -> None:
    """Write SRT, WebVTT and JSON beside an audio file."""
    from ..text import subtitles

    known = [subtitles.Cue(start, end, text, 0, len(text)) for start, end, text in cues]
    shown = list(subtitles.readable(known, seconds))
    audio.with_suffix(".srt").write_text(subtitles.to_srt(shown), "utf-8")
    audio.with_suffix(".vtt").write_text(subtitles.to_vtt(shown), "utf-8")
    rows = [
        {"start": round(1000 * start), "end": round(1000 * end), "text": text}
        for start, end, text in cues
    ]
    audio.with_suffix(".json").write_text(json.dumps(rows, ensure_ascii=False), "utf-8")


def _report(
    written: Mapping[str, object], costs: Mapping[str, float], as_json: bool, quiet: bool
) -> None:
    cost = round(sum(costs.values()), 6)
    if as_json:
        print_json({**written, "cost": cost})
        return
    if quiet:
        return
    chapters = written["chapters"]
    assert isinstance(chapters, list)
    seconds = written["seconds"]
    assert isinstance(seconds, float)
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    typer.echo(f"book     {written['file']}")
    typer.echo(f"chapters {len(chapters)}")
    typer.echo(f"length   {hours}:{minutes:02}:{rest:02}")
    typer.echo(f"cost     {cost:g} credits")
