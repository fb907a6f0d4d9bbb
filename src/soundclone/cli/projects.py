"""`soundclone projects`: scripts whose blocks are recorded one by one, over HTTP."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from .common import FAILED, AsJson, fail, print_fields, print_json, print_table, refuse
from .connection import ApiKey, BaseUrl, Quiet, connected
from .production import read_file, resumable
from .progress import counting
from .remote import Emotion, Language, check_language
from .voices import id_of as voice_of

if TYPE_CHECKING:
    from soundclone_client import Block, Client, Project

    from ..core.projects import Draft
    from ..text.imports import Document

projects_app = typer.Typer(
    help="Record scripts sentence by sentence, and render them.",
    no_args_is_help=True,
)

PROJECT_EXAMPLES = """\b
Examples:
  PROJECT=$(soundclone projects create novel.epub --voice Anna --quiet)
  soundclone projects record $PROJECT
  soundclone projects render $PROJECT -o novel.m4b --loudness audiobook --subtitles novel.srt"""

ProjectName = Annotated[
    str,
    typer.Argument(
        help="Name of the project, or its id: proj_…", metavar="PROJECT", show_default=False
    ),
]
Unit = Literal["sentence", "paragraph"]

_LONGEST_LINE = 60  # characters of a text in a table


@projects_app.command("list")
def list_(url: BaseUrl = None, key: ApiKey = None, as_json: AsJson = False) -> None:
    """List projects, newest first."""
    from ..core.formatting import moment

    with connected(url, key) as client:
        found = list(client.projects())
    if as_json:
        print_json([asdict(each) for each in found])
        return
    print_table(
        [
            {
                "project": each.id,
                "name": each.name,
                "blocks": each.blocks,
                "characters": each.characters,
                "changed": moment(each.updated),
            }
            for each in found
        ]
    )


@projects_app.command("create", epilog=PROJECT_EXAMPLES)
def create(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="Text, Markdown, EPUB, DOCX, SRT, WebVTT or SSML file with the script",
            metavar="[FILE]",
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name (default: the title of the document)")
    ] = None,
    voice: Annotated[
        str | None, typer.Option(help="Name or id of the voice", metavar="VOICE")
    ] = None,
    unit: Annotated[
        Unit, typer.Option(help="Part of the document that becomes a block")
    ] = "sentence",
    language: Language = "auto",
    emotion: Annotated[Emotion, typer.Option(help="Emotion of the voice")] = "neutral",
    speed: Annotated[float, typer.Option(help="Speaking rate (1 = normal)", min=0.5, max=2)] = 1.0,
    pitch: Annotated[int, typer.Option(help="Pitch shift in semitones", min=-12, max=12)] = 0,
    url: BaseUrl = None,
    key: ApiKey = None,
    quiet: Annotated[
        bool, typer.Option("-q", "--quiet", help="Print only the id of the project")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Create a project, empty or from a document.

    The voice, the language and the controls hold for all blocks that set none.
    """
    from soundclone_client import ClientError

    if file is None and not name:
        refuse("name a file to import, or pass --name for an empty project")
    check_language(language)
    document = _read(file) if file else None
    chosen = None if language.strip().lower() == "auto" else language
    with connected(url, key) as client:
        rows, title, spoken = (
            _blocks(client, document, file, unit) if file and document else ([], "", None)
        )
        project = client.create_project(
            name or title,
            model_id=voice_of(client, voice) if voice else None,
            language=chosen or spoken,
            emotion=None if emotion == "neutral" else emotion,
            speed=None if speed == 1 else speed,
            pitch=pitch or None,
        )
        try:
            client.add_blocks(project.id, rows)
        except BaseException:  # half a script is worse than none
            with suppress(ClientError):
                client.delete_project(project.id)
            raise
        project = client.project(project.id)
    if quiet and not as_json:
        typer.echo(project.id)
    else:
        _print(project, (), as_json)


@projects_app.command("show")
def show(
    project: ProjectName,
    blocks: Annotated[bool, typer.Option("--blocks", help="List the blocks of the script")] = False,
    url: BaseUrl = None,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Show a project, and how much of it is still to be recorded."""
    with connected(url, key) as client:
        found = client.project(id_of(client, project))
        script = list(client.blocks(found.id))
    _print(found, script, as_json, listed=blocks)


@projects_app.command("record")
def record(
    project: ProjectName,
    url: BaseUrl = None,
    key: ApiKey = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Record what has no take or a stale one, and wait.

    A run that was interrupted may be repeated: only what is missing is recorded and charged. The
    exit code is 1 if a block could not be recorded.
    """
    silent = quiet or as_json
    with (
        resumable(),
        connected(url, key) as client,
        counting("recording", "blocks", 0, silent) as count,
    ):
        id = id_of(client, project)
        done = client.record_project(
            id, check=False, on_progress=lambda ended, all: count(ended, 0.0, all)
        )
    problems = [
        {"block": take.block_id, "cost": take.cost, "error": take.error}
        for take in done.takes
        if take.status == "failed"
    ]
    problems += [
        {"block": row.get("blockId"), "cost": 0.0, "error": row.get("error")}
        for row in done.refused
    ]
    cost = round(sum(take.cost for take in done.takes), 6)
    recorded = sum(take.status == "completed" for take in done.takes)
    if as_json:
        print_json({"project": id, "recorded": recorded, "failed": problems, "cost": cost})
    elif not quiet:
        print_fields({"recorded": recorded, "failed": len(problems), "cost": f"{cost:g} credits"})
    if problems:
        if not as_json:
            typer.echo("\n".join(f"{row['block']}: {row['error']}" for row in problems), err=True)
        raise typer.Exit(FAILED)


@projects_app.command("delete")
def delete(
    project: ProjectName, url: BaseUrl = None, key: ApiKey = None, as_json: AsJson = False
) -> None:
    """Delete a project with its texts, takes and renders.

    This cannot be undone.
    """
    with connected(url, key) as client:
        id = id_of(client, project)
        client.delete_project(id)
    if as_json:
        print_json({"id": id, "deleted": True})
    else:
        typer.echo(f"{project} is deleted" if project == id else f"{project} ({id}) is deleted")


def id_of(client: Client, project: str) -> str:
    """Return the id of a project by its id or name. Ends the command if no project matches."""
    if re.fullmatch(r"proj_[0-9a-z-]+", project):
        return project
    found = [each.id for each in client.projects() if each.name == project]
    if len(found) > 1:
        fail(f"{len(found)} projects are named {project!r}: {', '.join(found)}", "conflict")
    if not found:
        fail(f"there is no project {project!r}; `soundclone projects list` shows them", "not_found")
    return found[0]


def _read(file: Path) -> Document:
    from ..errors import InvalidParameter
    from ..text.imports import LARGEST, read_document

    try:
        return read_document(read_file(file, LARGEST), file.name)
    except InvalidParameter as error:
        fail(f"{file}: {error.message}", "file")


def _blocks(
    client: Client, document: Document, file: Path, unit: Unit
) -> tuple[list[Mapping[str, object]], str, str | None]:
    """Return the blocks, the title and the language of a document."""
    from ..core import imports
    from ..core.projects import BlockKind, Limits
    from ..errors import InvalidParameter

    # The service knows its own limits.
    limits = Limits(sys.maxsize, sys.maxsize, sys.maxsize)
    names = {each.model_id: each.name or "" for each in client.voices()} if document.ssml else {}
    try:
        drafts = imports.drafts(document, imports.Unit(unit), limits, names)
    except InvalidParameter as error:
        fail(f"{file}: {error.message}", "file")
    if not drafts:
        fail(f"{file} has nothing to speak", "file")
    rows: list[Mapping[str, object]] = [
        {"kind": str(each.kind), "seconds": each.seconds}
        if each.kind == BlockKind.PAUSE
        else {"kind": str(each.kind), "text": each.text} | _changes(each)
        for each in drafts
    ]
    return rows, imports.name_of(document, file.name), imports.language_of(document)


def _changes(draft: Draft) -> dict[str, object]:
    """Return the format, the voice and the controls of a block that differ from its project's."""
    style = draft.style
    found = {
        "text_format": "ssml" if draft.is_ssml else None,
        "model_id": style.voice_id,
        "language": style.language,
        "speed": style.speed,
        "pitch": style.pitch,
        "vol": style.volume,
    }
    return {name: value for name, value in found.items() if value is not None}


def _print(project: Project, script: Sequence[Block], as_json: bool, listed: bool = False) -> None:
    states = Counter(block.state for block in script)
    if as_json:
        shown = asdict(project) | ({"states": states} if script else {})
        print_json(shown | ({"script": [asdict(each) for each in script]} if listed else {}))
        return
    left = project.unrecorded
    print_fields(
        {
            "project": project.id,
            "name": project.name,
            "voice": project.model_id,
            "language": project.language,
            "blocks": project.blocks,
            "characters": project.characters,
            **{str(state): count for state, count in states.items()},
            "to record": f"{left.blocks} blocks for {left.cost:g} credits" if left else None,
        }
    )
    if listed and script:
        typer.echo()
        print_table([_row(each) for each in script])


def _row(block: Block) -> dict[str, object]:
    text = " ".join(block.text.split())
    if block.kind == "pause":
        text = f"{block.seconds:g} s"
    elif len(text) > _LONGEST_LINE:
        text = text[: _LONGEST_LINE - 1] + "…"
    return {
        "block": block.id,
        "kind": block.kind,
        "state": block.state,
        "seconds": "-"
        if block.take is None or block.take.seconds is None
        else f"{block.take.seconds:.1f}",
        "text": text,
    }
