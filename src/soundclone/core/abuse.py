"""Reports of abuse: anybody sends them, the operator reads and closes them."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from enum import StrEnum

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from ..db.models import AbuseReport
from ..errors import InvalidParameter, NotFound, Unavailable

MOST_OPEN = 10_000
"""Open reports that are kept, so that nobody can fill the disk."""

LONGEST_SUBJECT = 500  # characters
LONGEST_MESSAGE = 4000  # characters
LONGEST_CONTACT = 200  # characters


class Reason(StrEnum):
    """Reason of a report."""

    MY_VOICE = "my_voice"  # the sender's own voice
    OTHER_VOICE = "other_voice"  # the voice of a person whom the sender knows
    FRAUD = "fraud"
    OTHER = "other"


def submit(
    session: Session, *, reason: str, subject: str, message: str, contact: str
) -> AbuseReport:
    """Store a report.

    Raises:
        InvalidParameter: A field is empty or too long.
        Unavailable: Too many reports are open.
    """
    if reason not in tuple(Reason):
        raise InvalidParameter("the reason is missing; choose one", param="reason")
    opened = session.scalar(
        select(func.count()).select_from(AbuseReport).where(AbuseReport.closed_at.is_(None))
    )
    if int(opened or 0) >= MOST_OPEN:
        raise Unavailable(
            f"{MOST_OPEN:,} reports are open, which is the most; write to the operator of this "
            "service, or try again later"
        )
    report = AbuseReport(
        id=f"report_{uuid.uuid4().hex[:12]}",
        reason=reason,
        subject=_checked("subject", subject, LONGEST_SUBJECT),
        message=_checked("message", message, LONGEST_MESSAGE),
        contact=_checked("contact", contact, LONGEST_CONTACT),
        created_at=time.time(),
        closed_at=None,
        note="",
    )
    session.add(report)
    session.flush()
    return report


def listing(session: Session, *, closed: bool = False) -> Sequence[AbuseReport]:
    """Return the open reports, or all reports with `closed`, the oldest first."""
    query = select(AbuseReport).order_by(AbuseReport.created_at, AbuseReport.id)
    return session.scalars(query if closed else query.where(AbuseReport.closed_at.is_(None))).all()


def get(session: Session, report_id: str) -> AbuseReport:
    """Return a report. Raises NotFound."""
    report = session.get(AbuseReport, report_id)
    if report is None:
        raise NotFound(
            f"there is no report {report_id[:40]!r}; `soundclone reports list --all` lists them"
        )
    return report


def close(session: Session, report_id: str, note: str = "") -> AbuseReport:
    """Close a report with a note. A report that is closed keeps its time. Raises NotFound."""
    report = get(session, report_id)
    report.closed_at = report.closed_at or time.time()
    report.note = note or report.note
    return report


def delete_closed(session: Session, before: float) -> None:
    """Delete the reports that were closed before a time, with their contacts."""
    session.execute(delete(AbuseReport).where(AbuseReport.closed_at < before))


def _checked(field: str, text: str, most: int) -> str:
    """Return a text without control characters. Raises InvalidParameter."""
    text = "".join(each for each in text if each.isprintable() or each == "\n").strip()
    if not 0 < len(text) <= most:
        raise InvalidParameter(
            f"{field} has {len(text)} characters; 1 to {most} are needed", param=field
        )
    return text
