"""Bars and spinners: on standard error, while it is a terminal, gone when the work is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn

    from soundclone_client import Task


@contextmanager
def spinner(what: str, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Turns until the end of the block; what it yields says what is under way."""
    console = _console()
    if quiet or not console.is_terminal:
        yield lambda _: None
        return
    with console.status(what) as status:
        yield lambda part: status.update(f"{what}: {part}")


@contextmanager
def following(what: str, quiet: bool) -> Iterator[Callable[[Task], None]]:
    """How far a task is, in per cent, and when it may end."""
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with _bars(quiet, *columns) as bars:
        bar = bars.add_task(what, total=100)

        def show(task: Task) -> None:
            bars.start()
            description = f"{what}: {task.status}"
            bars.update(bar, completed=task.progress or 0, description=description)

        yield show


@contextmanager
def transferring(what: str, quiet: bool) -> Iterator[Callable[[int, int | None], None]]:
    """How many bytes have gone, how fast, and when the last will. Drawn from the first one on."""
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with _bars(quiet, *columns) as bars:
        bar = bars.add_task(what, total=None)

        def show(done: int, total: int | None) -> None:
            bars.start()
            bars.update(bar, completed=done, total=total)

        yield show


def _console() -> Console:
    from rich.console import Console

    return Console(stderr=True)


@contextmanager
def _bars(quiet: bool, *columns: ProgressColumn) -> Iterator[Progress]:
    """Not drawn before `start`, so that it is not drawn over a question."""
    from rich.progress import Progress

    console = _console()
    bars = Progress(
        *columns, console=console, transient=True, disable=quiet or not console.is_terminal
    )
    try:
        yield bars
    finally:
        if bars.live.is_started:
            bars.stop()
