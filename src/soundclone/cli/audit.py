"""`soundclone audit`: the log of the uses of voices, on this machine's database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from .common import print_json, refuse
from .database import snapshot

audit_app = typer.Typer(
    help="Export the log of the uses of voices.",
    no_args_is_help=True,
)

_DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


@audit_app.command("export")
def export(
    voice: Annotated[str, typer.Option(help="Only lines of this voice: model_… or prot_…")] = "",
    account: Annotated[str, typer.Option(help="Only lines of this account: acct_…")] = "",
    key: Annotated[str, typer.Option(help="Only lines of this key: key_…")] = "",
    task: Annotated[str, typer.Option(help="Only lines of this task: audio_…")] = "",
    event: Annotated[str, typer.Option(help="Only lines of this event, such as created")] = "",
    since: Annotated[
        datetime | None, typer.Option(help="Only lines from this time on, in UTC", formats=_DATES)
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(help="Only lines before this time, in UTC", formats=_DATES)
    ] = None,
) -> None:
    """Print the audit log as JSON lines, oldest first.

    The log has ids and no personal data. Nothing changes or removes its lines.
    """
    from ..core import audit

    if event and event not in tuple(audit.Event):
        refuse(f"{event!r} is not an event; events are {', '.join(audit.Event)}")
    wanted = audit.Filter(
        voice_id=voice,
        account_id=account,
        key_id=key,
        task_id=task,
        event=audit.Event(event) if event else None,
        since=since.replace(tzinfo=UTC).timestamp() if since else None,
        until=until.replace(tzinfo=UTC).timestamp() if until else None,
    )
    with snapshot() as session:
        for line in audit.export(session, wanted):
            print_json(line)
