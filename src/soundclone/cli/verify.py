"""`soundclone verify`: search a recording for the marks of synthetic speech."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from .common import AsJson, fail, print_fields, print_json, read_settings
from .progress import spinner

if TYPE_CHECKING:
    from ..config import Settings
    from ..core.verdict import Stretches, Verdict
    from ..db.session import Database

SIDECAR = ".c2pa"
"""Ending of a file with Content Credentials beside another file."""


def verify(
    file: Annotated[str, typer.Argument(help="File, or URL of a public file", metavar="FILE|URL")],
    details: Annotated[
        bool, typer.Option("--details", help="Add stretches, the duration and the signer to JSON")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Search a recording for marks of synthetic speech.

    The search needs no service. On the machine of a service it also searches the register and
    names the task. A file beside FILE that ends with .c2pa is read as its Content Credentials.
    The exit code is 0 whether or not the recording is synthetic.
    """
    from ..jobs.verify import examine

    settings = read_settings()
    with (
        spinner("verifying", as_json),
        TemporaryDirectory(prefix="soundclone-") as folder,
        _database(settings) as database,
    ):
        if "://" in file:
            path, sidecar = _fetched(settings, file, Path(folder) / "file"), None
        else:
            path = Path(file)
            if not path.is_file():
                fail(f"there is no file {file}", "not_found")
            beside = path.with_suffix(SIDECAR)
            sidecar = beside.read_bytes() if beside.is_file() else None
        verdict = examine(path, database, sidecar=sidecar)
    if as_json:
        print_json(verdict.to_json(details=details))
    else:
        _show(verdict)


def _fetched(settings: Settings, url: str, path: Path) -> Path:
    from ..fetch import download

    download.fetch(
        url,
        path,
        allow=settings.fetch_allow,
        max_bytes=settings.fetch_max_bytes,
        timeout=settings.fetch_timeout,
    )
    return path


@contextmanager
def _database(settings: Settings) -> Iterator[Database | None]:
    """Open the database of the service on this machine, None where there is none."""
    from ..db.damage import file_of
    from ..db.migrate import upgrade
    from ..db.session import Database

    path = file_of(settings.database)
    if path is not None and not path.exists():
        yield None
        return
    database = Database(settings.database, connections=3)
    try:
        upgrade(database)
        yield database
    finally:
        database.close()


def _show(verdict: Verdict) -> None:
    """Print the verdict for people."""
    mark, claim, entry = verdict.watermark, verdict.c2pa, verdict.register
    typer.secho(
        "synthetic speech" if verdict.synthetic else "no mark was found",
        bold=True,
    )
    if mark.found:
        watermark = f"found, p = {mark.p_value:.1g}{_parts(mark.stretches)}"
    else:
        watermark = "not found"
    if claim.found:
        credentials = f"signed by {claim.signer or 'an unknown signer'}"
        credentials = f"valid, {credentials}" if claim.valid else "found, but not valid"
    else:
        credentials = "not found"
    if entry.found:
        register = "the file is a result" if entry.exact else f"found{_parts(entry.stretches)}"
    else:
        register = "not found"
    print_fields(
        {
            "watermark": watermark,
            "Content Credentials": credentials,
            "register": register,
            "task": mark.task or entry.task,
        }
    )


def _parts(stretches: Stretches) -> str:
    listed = ", ".join(f"{start:.1f}-{end:.1f} s" for start, end in stretches)
    return f", at {listed}" if listed else ""
