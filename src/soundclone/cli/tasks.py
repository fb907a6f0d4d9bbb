"""`soundclone tasks`: the tasks of an account, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from .common import AsJson, print_json, print_table
from .connection import ApiKey, BaseUrl, connected

if TYPE_CHECKING:
    from soundclone_client import Task

tasks_app = typer.Typer(help="Tasks of the account whose key is used.", no_args_is_help=True)

Status = Literal["queued", "processing", "completed", "failed"]
Kind = Literal["clone", "audio"]
KINDS = {"soundCloningClone": "clone", "soundCloningAudio": "audio"}


@tasks_app.command("list")
def list_(
    limit: Annotated[int, typer.Option(help="Most tasks to list", min=1, max=100)] = 20,
    cursor: Annotated[
        str | None, typer.Option(help="Where to go on, as the list before ended with it")
    ] = None,
    status: Annotated[Status | None, typer.Option(help="Only tasks of this status")] = None,
    kind: Annotated[Kind | None, typer.Option(help="Only previews, or only speech")] = None,
    url: BaseUrl = None,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Tasks of the account, newest first, until their results expire."""
    with connected(url, key) as client:
        page = client.task_page(limit=limit, cursor=cursor, status=status, kind=kind)
    if as_json:
        rows = [dict(task.raw) for task in page.tasks]
        print_json({"list": rows, "nextCursor": page.next_cursor})
        return
    print_table([_row(task) for task in page.tasks])
    if page.next_cursor:
        typer.echo(f"\nmore with --cursor {page.next_cursor}")


def _row(task: Task) -> dict[str, Any]:
    from ..core.formatting import moment

    status: str = task.status
    if status == "processing" and task.progress is not None:
        status += f" {task.progress}%"
    return {
        "task": task.id,
        "kind": KINDS.get(task.model, task.model),
        "status": f"{status} ({task.error_code})" if task.error_code else status,
        "submitted": moment(task.created),
        "audio": "-" if task.seconds is None else f"{task.seconds:.1f} s",
        "cost": "-" if task.cost is None else f"{task.cost:g}",
    }
