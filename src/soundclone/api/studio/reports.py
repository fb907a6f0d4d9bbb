"""The public page on which anybody reports abuse."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from ...core import abuse
from ...core.abuse import LONGEST_CONTACT, LONGEST_MESSAGE, LONGEST_SUBJECT, Reason
from ...errors import InvalidParameter, RateLimited, SoundcloneError, Unavailable
from ...telemetry import log
from ..rate_limit import sender_of
from ..state import state_of
from .actions import fields
from .rendering import PublicRoute, render_page
from .session import remember_visit

router = APIRouter(prefix="/studio", route_class=PublicRoute)

_LARGEST = 64_000  # bytes of a form
_FIELDS = ("reason", "subject", "message", "contact")

_log = log(__name__)


def _store(session: Session, values: dict[str, str]) -> str:
    return abuse.submit(session, **values).id


@router.get("/report")
async def show(request: Request, about: str = "") -> Response:
    """Show the form. `about` names the file, link, voice or task of the report."""
    response = _page(request, values={"subject": about[:LONGEST_SUBJECT]})
    remember_visit(request, response)
    return response


@router.post("/report")
async def submit(request: Request) -> Response:
    """Store a report and show its number."""
    state = state_of(request)
    values: dict[str, str] = {}
    try:
        if int(request.headers.get("Content-Length") or 0) > _LARGEST:
            raise InvalidParameter("the report is too long", param="message")
        form = await fields(request)
        values = {name: form.get(name, "") for name in _FIELDS}
        host = request.client.host if request.client else ""
        # The limit comes after the fields, so that the page of the error keeps them.
        await state.report_limits.check(sender_of(host, state.settings.secret))
        report = await state.database.transaction_async(_store, values)
    except (InvalidParameter, RateLimited, Unavailable) as error:
        return _page(request, error.status, values=values, error=error)
    _log.warning("abuse reported", report=report)
    return _page(request, report=report)


def _page(
    request: Request,
    status: int = 200,
    *,
    values: dict[str, str] | None = None,
    error: SoundcloneError | None = None,
    report: str = "",
) -> Response:
    return render_page(
        request,
        "report.html",
        status,
        reasons=tuple(Reason),
        limits={
            "subject": LONGEST_SUBJECT,
            "message": LONGEST_MESSAGE,
            "contact": LONGEST_CONTACT,
        },
        values=dict.fromkeys(_FIELDS, "") | (values or {}),
        error=error,
        report=report,
    )
