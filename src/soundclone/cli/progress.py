"""Progress bars and spinners on standard error. They are drawn only on a terminal."""

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
    """Show a spinner during the block. Yields a function that names the current step."""
    console = _console()
    if quiet or not console.is_terminal:
        yield lambda _: None
        return
    with console.status(what) as status:
        yield lambda part: status.update(f"{what}: {part}")


@contextmanager
def following(what: str, quiet: bool) -> Iterator[Callable[[Task], None]]:
    """Show the progress of a task. Yields a function that takes the task."""
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
    """Show the progress of a transfer. Yields a function that takes bytes sent and the total."""
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


@contextmanager
def counting(what: str, unit: str, total: int, quiet: bool) -> Iterator[Callable[..., None]]:
    """Show how many of `total` units are done.

    Yields a function that takes the number of finished units, the share of the next one, and the
    total where that is known later.
    """
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with _bars(quiet, *columns) as bars:
        bar = bars.add_task(what, total=total)

        def show(done: int, share: float, all: int = total) -> None:
            bars.start()
            description = f"{what}: {done} of {all} {unit}"
            bars.update(bar, completed=done + share, total=all, description=description)

        yield show


def _console() -> Console:
    from rich.console import Console

    return Console(stderr=True)


@contextmanager
def _bars(quiet: bool, *columns: ProgressColumn) -> Iterator[Progress]:
    """Prepare progress bars. They are drawn from `start` on, so that they hide no question."""
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
