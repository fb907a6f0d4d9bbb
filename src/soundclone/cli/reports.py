"""`soundclone reports`: reports of abuse, on this machine's database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .common import AsJson, print_fields, print_json, print_table, read_settings
from .database import transaction

if TYPE_CHECKING:
    from ..db.models import AbuseReport

reports_app = typer.Typer(
    help="List and close reports of abuse.",
    no_args_is_help=True,
)

ReportId = Annotated[str, typer.Argument(help="Id of the report: report_…", metavar="REPORT")]


@reports_app.command("list")
def list_(
    closed: Annotated[bool, typer.Option("--all", help="List closed reports too")] = False,
    as_json: AsJson = False,
) -> None:
    """List reports, oldest first."""
    from ..core import abuse
    from ..core.formatting import moment

    with transaction() as session:
        rows = [_row(report) for report in abuse.listing(session, closed=closed)]
    if as_json:
        print_json(rows)
        return
    print_table(
        [
            {
                "id": row["id"],
                "sent": moment(float(str(row["created"]))),
                "closed": "no" if row["closed"] is None else moment(float(str(row["closed"]))),
                "reason": row["reason"],
                "about": str(row["subject"])[:60],
            }
            for row in rows
        ]
    )


@reports_app.command("show")
def show(report: ReportId, as_json: AsJson = False) -> None:
    """Show a report with its message and contact."""
    from ..core import abuse

    with transaction() as session:
        _print(_row(abuse.get(session, report)), as_json)


@reports_app.command("close")
def close(
    report: ReportId,
    note: Annotated[str, typer.Option(help="Note on what was done")] = "",
    withdraw: Annotated[
        str,
        typer.Option(
            help="Voice to delete with everything spoken with it: model_…", metavar="VOICE"
        ),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Close a report.

    The service deletes closed reports after SOUNDCLONE_FORGET_DAYS days. `--withdraw` deletes a
    voice of any account, as if its speaker had withdrawn the consent.
    """
    from ..core import abuse

    with transaction() as session:
        abuse.get(session, report)  # before anything is deleted
    if withdraw:
        _withdraw(withdraw)
    with transaction() as session:
        _print(_row(abuse.close(session, report, note)), as_json)


def _withdraw(voice_id: str) -> None:
    """Delete a voice of any account and everything spoken with it. Raises NotFound."""
    from ..core import audit, removal
    from ..db.models import Voice
    from ..errors import NotFound
    from ..storage import Storage

    settings = read_settings()
    with transaction() as session:
        voice = session.get(Voice, voice_id)
        if voice is None:
            raise NotFound(f"there is no voice {voice_id[:60]!r}; an id begins with model_")
        found = removal.withdraw(session, voice_id, voice.account_id, audit.OPERATOR)
    storage = Storage.of(settings)
    storage.delete_all(found.folders, (*found.uploads, *found.recordings))
    with transaction() as session:
        removal.forget(session, found)


def _row(report: AbuseReport) -> dict[str, object]:
    return {
        "id": report.id,
        "reason": report.reason,
        "subject": report.subject,
        "message": report.message,
        "contact": report.contact,
        "created": report.created_at,
        "closed": report.closed_at,
        "note": report.note,
    }


def _print(row: dict[str, object], as_json: bool) -> None:
    from ..core.formatting import moment

    if as_json:
        print_json(row)
        return
    closed = row["closed"]
    print_fields(
        row
        | {
            "created": moment(float(str(row["created"]))),
            "closed": None if closed is None else moment(float(str(closed))),
            "note": row["note"] or None,
        }
    )
