"""What the commands share: settings, how they print, how they fail."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from .config import Settings

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs")]


def fail(message: str) -> None:
    """Say what went wrong, and exit."""
    typer.secho(f"soundclone: {message}", fg="red", err=True)
    raise SystemExit(1)


def read_settings() -> Settings:
    """Those of this machine. Ends the command when one is not right."""
    from pydantic import ValidationError

    from .config import Settings

    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(["SOUNDCLONE", *(str(part).upper() for part in first["loc"][:1])])
        fail(f"{name} is not right: {first['msg']}")
        raise AssertionError from error


def print_json(value: Any) -> None:
    """For programs: one line, numbers as numbers."""
    typer.echo(json.dumps(value, ensure_ascii=False, default=_plain))


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else str(value)


def print_table(rows: list[dict[str, Any]]) -> None:
    """For people: the keys of the first row are the head."""
    if not rows:
        typer.echo("none")
        return
    table = [list(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    for line in table:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())
