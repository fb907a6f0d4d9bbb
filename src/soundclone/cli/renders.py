"""`soundclone projects render`: join the takes of a project to one file, over HTTP."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from .common import AsJson, print_json, refuse
from .connection import ApiKey, BaseUrl, Quiet, cancelling, connected
from .production import commit, temporary
from .progress import following
from .projects import ProjectName, id_of
from .remote import (
    STANDARD,
    ByWord,
    Channels,
    Format,
    Loudness,
    OutputFormat,
    SampleRate,
    SubtitlesFile,
    check_outputs,
    format_of,
    save,
    save_credentials,
    subtitles_of,
)
from .signing import sign

if TYPE_CHECKING:
    from soundclone_client import Client, Task

_MPEG4 = (".m4b", ".m4a")


def render(
    project: ProjectName,
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help="Where to save the audio; an .m4b or .m4a file gets marks of chapters",
        ),
    ],
    subtitles: SubtitlesFile = None,
    words: ByWord = False,
    format: OutputFormat = None,
    sample_rate: SampleRate = None,
    channel: Channels = None,
    loudness: Annotated[
        Loudness | None,
        typer.Option(help="Loudness of the file for a kind of publication"),
    ] = None,
    gap: Annotated[
        float | None,
        typer.Option(help="Seconds of silence between two blocks (default: that of the takes)"),
    ] = None,
    allow_stale: Annotated[
        bool, typer.Option("--allow-stale", help="Use takes of former words")
    ] = False,
    url: BaseUrl = None,
    key: ApiKey = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Join the takes of a project to one file, which costs nothing.

    Every block must be recorded.
    """
    format = _checked_format(output, subtitles, format, channel, words)
    silent = quiet or as_json
    with connected(url, key) as client:
        known = client.project(id_of(client, project))
        task = client.render(
            known.id,
            format=format,
            sample_rate=sample_rate,
            channel=cast("Literal[1, 2] | None", channel),
            loudness=loudness,
            subtitles="word" if words else "sentence",
            gap=gap,
            allow_stale=allow_stale,
            wait=False,
        )
        with cancelling(task, url, key), following("rendering", silent) as progress:
            task = client.wait(task, on_progress=progress)
        if subtitles and (link := subtitles_of(task, subtitles)):
            save(client, link, subtitles, silent)
        if _is_book(output):
            _save_book(client, task, output, known.name, silent)
            sidecar = None
        else:
            save(client, task.audio_url or "", output, silent)
            sidecar = save_credentials(client, task, output, None, silent)
    paths = {"render": output, "subtitles": subtitles, "credentials": sidecar}
    _report(task, {name: path for name, path in paths.items() if path}, as_json, quiet)


def _is_book(output: Path) -> bool:
    return output.suffix.lower() in _MPEG4


def _checked_format(
    output: Path,
    subtitles: Path | None,
    format: Format | None,
    channel: int | None,
    words: bool,
) -> Format | None:
    """Return the format of the render, or refuse options that contradict each other.

    A book is rendered losslessly, because this machine encodes the book.
    """
    book = _is_book(output)
    if book and (format or channel == 2):
        refuse(
            f"{output} has the ending {output.suffix}, which needs neither --format nor two "
            "channels"
        )
    if words and subtitles is None:
        refuse("--words requires --subtitles FILE")
    check_outputs(output, *([subtitles] if subtitles else []))
    return "flac" if book else format or format_of(output)


def _report(task: Task, paths: dict[str, Path], as_json: bool, quiet: bool) -> None:
    """Print the files and their length, on standard error if a file has standard output."""
    files = {name: str(path) for name, path in paths.items()}
    err = STANDARD in paths.values()
    if as_json:
        print_json(dict(task.raw) | {"files": files}, err=err)
    elif not quiet:
        typer.echo("\n".join(f"{name:<11} {path}" for name, path in files.items()), err=err)
        typer.echo(f"length      {task.seconds or 0:.1f} s", err=err)


def _save_book(client: Client, task: Task, output: Path, title: str, silent: bool) -> None:
    """Download a render, and encode it as a book beside its place."""
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.") as folder:
        whole = Path(folder) / "render.flac"
        save(client, task.audio_url or "", whole, silent)
        _write_book(output, whole, task, title)


def _write_book(output: Path, whole: Path, task: Task, title: str) -> None:
    """Encode a render as MPEG-4 with marks of its chapters."""
    from ..audio import book
    from ..audio.encode import SYNTHETIC, Mark

    seconds = book.length(whole) / book.sample_rate(whole)
    starts = [float(each["start"]) for each in task.chapters]
    marks = [
        Mark(start, end, str(each["title"]))
        for each, start, end in zip(task.chapters, starts, [*starts[1:], seconds], strict=True)
        if end > start
    ]
    tags = {"title": title, "album": title, "genre": "Audiobook", **SYNTHETIC}
    with temporary(output) as part:
        book.with_marks(part, whole, marks, format="m4b", tags=tags)
        sign(part, output, "m4b", whole)
        commit(part, output)
