"""Settings, output and failures that the commands share."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from ..config import Settings

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]

FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells report it
TERMINATED = 143  # 128 + SIGTERM


class Failure(Exception):
    """An expected failure, which ends the command.

    Attributes:
        message: A sentence, or the help text of a group if `help` is True.
        word: A stable word for programs.
        code: Exit code of the process.
    """

    def __init__(
        self, message: str, word: str = "failed", code: int = FAILED, help: bool = False
    ) -> None:
        super().__init__(message)
        self.message = message
        self.word = word
        self.code = code
        self.help = help


def fail(message: str, word: str = "failed") -> NoReturn:
    """End the command with exit code 1."""
    raise Failure(message, word)


def refuse(message: str) -> NoReturn:
    """End the command with exit code 2, for a wrong usage."""
    raise Failure(message, "usage", WRONG_USAGE)


def private_files() -> None:
    """Let only the owner read the files that this process and its children create."""
    os.umask(0o077)


def read_settings() -> Settings:
    """Read the settings of this machine. Ends the command if a setting is invalid."""
    from pydantic import ValidationError

    from ..config import Settings

    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(["SOUNDCLONE", *(str(part).upper() for part in first["loc"][:1])])
        reason = first["msg"].removeprefix("Value error, ")
        fail(f"{name} is invalid: {reason}", "settings")


def print_json(value: object, *, err: bool = False) -> None:
    """Print one line of JSON. Decimals become numbers."""
    typer.echo(json.dumps(value, ensure_ascii=False, default=_plain), err=err)


def _plain(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else str(value)


def print_table(rows: Sequence[Mapping[str, object]]) -> None:
    """Print a table for people. The keys of the first row are its head."""
    if not rows:
        typer.echo("none")
        return
    table = [list(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    for line in table:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())


def print_fields(fields: Mapping[str, object]) -> None:
    """Print one line per field. Fields that are None are left out."""
    shown = {name: value for name, value in fields.items() if value is not None}
    width = max(map(len, shown), default=0)
    for name, value in shown.items():
        typer.echo(f"{name.ljust(width)}  {value}")
