"""The page of the account: balance, spending, keys, and the ledger with its export."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from ...core import keys, ledger, queries
from ...core.keys import USUAL, Scope
from ...core.ledger import Balance
from ...core.pricing import to_credits
from ...core.queries import Day, Entry, VoiceUsage
from ...db.models import Key, Task, Transfer
from ...db.session import Database
from ..state import state_of
from . import snippets
from .actions import EXPIRIES, OVERLAP_HOURS
from .chart import chart
from .pages import read_in_thread
from .rendering import StudioRoute, render_page
from .session import Manager

router = APIRouter(prefix="/studio/account", route_class=StudioRoute)

PERIODS = {7: 7, 28: 4, 84: 4}
"""Dates on the axis, by the days of a chart."""

_ENTRIES = 40  # of the ledger, on a page
_COLUMNS = (
    "time",
    "entry",
    "credits",
    "balance change",
    "task",
    "kind",
    "voice",
    "key",
    "note",
    "line",
)
_SIGNS = {"credit": 1, "capture": -1}


@dataclass(frozen=True)
class AccountOverview:
    """State of an account."""

    balance: Balance
    days: Sequence[Day]
    by_voice: Sequence[VoiceUsage]
    entries: Sequence[Entry]  # newest first
    keys: Sequence[Key]


@router.get("")
async def show(
    request: Request, me: Manager, days: int = 28, before: str | None = None
) -> Response:
    """Show the balance, the spending, the prices, the keys and the ledger of the account."""
    days = days if days in PERIODS else 28

    def work(session: Session) -> AccountOverview:
        return AccountOverview(
            balance=ledger.balance(session, me.account.id),
            days=queries.usage(session, me.account.id, days),
            by_voice=queries.usage_by_voice(session, me.account.id, days),
            entries=queries.ledger_entries(
                session, me.account.id, before=before, limit=_ENTRIES + 1
            ),
            keys=keys.listing(session, me.account.id),
        )

    found = await read_in_thread(request, work)
    entries, older = found.entries, None
    if len(entries) > _ENTRIES:
        entries = entries[:_ENTRIES]
        query = urlencode({"days": days, "before": entries[-1].line})
        older = f"/studio/account?{query}#ledger"
    return render_page(
        request,
        "account.html",
        balance=found.balance,
        days=found.days,
        by_voice=found.by_voice,
        chart=chart(found.days, PERIODS[days]),
        period=days,
        periods=tuple(PERIODS),
        entries=entries,
        before=before,
        older=older,
        keys=found.keys,
        prices=state_of(request).prices.rows,
        snippet=snippets.of_balance(request),
        scopes=[scope for scope in Scope if scope in USUAL and me.may(scope)],
        expiries=EXPIRIES,
        overlap=OVERLAP_HOURS,
        page="account",
    )


@router.get("/ledger.csv")
async def export_ledger(request: Request, me: Manager) -> Response:
    """Return every line of the account's ledger as CSV, the oldest first."""
    state = state_of(request)
    await state.rate_limit.check(me.key.id)
    return StreamingResponse(
        _csv(state.database, me.account.id),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{me.account.id}-ledger.csv"'},
    )


def _csv(database: Database, account_id: str) -> Iterator[str]:
    last: Transfer | None = None
    rows: list[Sequence[object]] = [_COLUMNS]
    with database.read() as session:
        names = {key.id: key.name for key in keys.listing(session, account_id)}
    while rows:
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        yield text.getvalue()
        with database.read() as session:
            lines = ledger.lines_after(session, account_id, last)
            wanted = {line.task_id for line in lines if line.task_id}
            tasks = {
                each.id: each for each in session.scalars(select(Task).where(Task.id.in_(wanted)))
            }
            rows = [_row(line, tasks.get(line.task_id or ""), names) for line in lines]
        last = lines[-1] if lines else None


def _row(line: Transfer, task: Task | None, names: dict[str, str]) -> Sequence[object]:
    change = _SIGNS.get(line.kind, 0) * line.amount
    return (
        time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(line.created_at)),
        line.kind,
        f"{to_credits(line.amount):f}",
        f"{to_credits(change):f}",
        line.task_id or "",
        task.kind if task else "",
        task.voice_id if task else "",
        _plain(names.get(line.key_id or "", "")),
        _plain(line.memo),
        line.id,
    )


def _plain(text: str) -> str:
    """Return a text that spreadsheets do not take for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
