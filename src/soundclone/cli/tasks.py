"""`soundclone tasks`: list, show and cancel the tasks of an account, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from .common import AsJson, print_fields, print_json, print_table
from .connection import ApiKey, BaseUrl, connected

if TYPE_CHECKING:
    from soundclone_client import Task

tasks_app = typer.Typer(help="List, show and cancel tasks of your account.", no_args_is_help=True)

Status = Literal["queued", "processing", "completed", "failed"]
Kind = Literal["clone", "audio", "conversion", "render"]
TaskId = Annotated[
    str, typer.Argument(help="Id of the task: audio_…", metavar="TASK", show_default=False)
]


@tasks_app.command("list")
def list_(
    limit: Annotated[int, typer.Option(help="Most tasks to list", min=1, max=100)] = 20,
    cursor: Annotated[
        str | None, typer.Option(help="Continue a list from the cursor that it printed")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="List all tasks, not one page")] = False,
    status: Annotated[Status | None, typer.Option(help="List only tasks with this status")] = None,
    kind: Annotated[Kind | None, typer.Option(help="List only tasks of this kind")] = None,
    url: BaseUrl = None,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """List tasks, newest first.

    A task is listed until its result expires.
    """
    following = None
    with connected(url, key) as client:
        if every:
            tasks = list(client.tasks(status=status, kind=kind))
        else:
            page = client.task_page(limit=limit, cursor=cursor, status=status, kind=kind)
            tasks, following = list(page.tasks), page.next_cursor
    if as_json:
        print_json({"list": [dict(task.raw) for task in tasks], "nextCursor": following})
        return
    print_table([_row(task) for task in tasks])
    if following:
        typer.echo(f"\nmore with --cursor {following}")


@tasks_app.command("show")
def show(task_id: TaskId, url: BaseUrl = None, key: ApiKey = None, as_json: AsJson = False) -> None:
    """Show a task and the links to its results."""
    with connected(url, key) as client:
        task = client.task(task_id)
    if as_json:
        print_json(task.raw)
    else:
        print_fields(_details(task))


@tasks_app.command("cancel")
def cancel(
    task_id: TaskId, url: BaseUrl = None, key: ApiKey = None, as_json: AsJson = False
) -> None:
    """Cancel a task, which then costs nothing.

    A task that has already ended is unchanged.
    """
    with connected(url, key) as client:
        task = client.cancel(task_id)
    if as_json:
        print_json(task.raw)
    else:
        typer.echo(f"{task.id}: {task.status} ({task.error or 'it had already ended'})")


def _row(task: Task) -> dict[str, object]:
    from ..core.formatting import moment

    return {
        "task": task.id,
        "kind": task.kind,
        "status": _status(task),
        "submitted": moment(task.created),
        "audio": "-" if task.seconds is None else f"{task.seconds:.1f} s",
        "cost": "-" if task.cost is None else f"{task.cost:g}",
    }


def _details(task: Task) -> dict[str, str | None]:
    from ..core.formatting import moment

    return {
        "task": task.id,
        "kind": task.kind,
        "status": _status(task),
        "error": task.error,
        "submitted": moment(task.created),
        "expires": None if task.expires_at is None else moment(task.expires_at),
        "cost": None if task.cost is None else f"{task.cost:g} credits",
        "voice": task.model_id,
        "language": task.language,
        "audio": None if task.seconds is None else f"{task.seconds:.1f} s, {task.audio_url}",
        "subtitles": task.subtitle_file,
        "credentials": task.credentials_url,
        "warnings": "; ".join(task.warnings) or None,
    }


def _status(task: Task) -> str:
    if task.status == "processing" and task.progress is not None:
        return f"{task.status} {task.progress}%"
    return f"{task.status} ({task.error_code})" if task.error_code else task.status
