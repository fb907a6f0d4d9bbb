"""Settings, output and failures of the commands."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from ..config import Settings

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs")]

FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130  # as a shell says it of one that SIGINT ended
TERMINATED = 143  # and SIGTERM


class Failure(Exception):
    """Ends the command with a sentence, or with `help` that lists its commands. `word` is stable
    and for programs, `code` is of the process."""

    def __init__(
        self, message: str, word: str = "failed", code: int = FAILED, help: bool = False
    ) -> None:
        super().__init__(message)
        self.message = message
        self.word = word
        self.code = code
        self.help = help


def fail(message: str, word: str = "failed") -> NoReturn:
    """End the command as failed."""
    raise Failure(message, word)


def refuse(message: str) -> NoReturn:
    """End the command as one that was not called rightly."""
    raise Failure(message, "usage", WRONG_USAGE)


def read_settings() -> Settings:
    """Those of this machine. Ends the command when one is not right."""
    from pydantic import ValidationError

    from ..config import Settings

    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(["SOUNDCLONE", *(str(part).upper() for part in first["loc"][:1])])
        reason = first["msg"].removeprefix("Value error, ")
        fail(f"{name} is not right: {reason}", "settings")


def print_json(value: Any, *, err: bool = False) -> None:
    """For programs: one line, numbers as numbers."""
    typer.echo(json.dumps(value, ensure_ascii=False, default=_plain), err=err)


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
