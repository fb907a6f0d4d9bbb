"""`soundclone credit`: balances and the ledger, on this machine's database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .common import AsJson, print_json, print_table
from .database import snapshot, transaction

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

credit_app = typer.Typer(help="Add credit, and show balances and the ledger.", no_args_is_help=True)

AccountId = Annotated[str, typer.Option("--account", help="Id of the account, see `keys list`")]


@credit_app.command("add")
def add(
    amount: Annotated[str, typer.Argument(help="Credits to add")],
    account: AccountId,
    memo: Annotated[str, typer.Option(help="Note for the ledger")] = "",
    reference: Annotated[
        str | None, typer.Option(help="Reference of the payment; each reference is paid in once")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add credit to an account."""
    from ..core import ledger
    from ..core.pricing import to_micro

    with transaction() as session:
        ledger.credit(session, account, to_micro(amount), memo, reference)
        row = _balance(session, account)
    print_json(row) if as_json else print_table([row])


@credit_app.command("show")
def show(account: AccountId, as_json: AsJson = False) -> None:
    """Show the balance of an account."""
    with snapshot() as session:
        row = _balance(session, account)
    print_json(row) if as_json else print_table([row])


@credit_app.command("ledger")
def ledger_(
    account: AccountId,
    limit: Annotated[int | None, typer.Option(help="Most lines to list", min=1)] = None,
    as_json: AsJson = False,
) -> None:
    """List an account's ledger lines, oldest first.

    The last line is the available credit and the sum of the whole ledger, which must be 0.
    """
    from ..core import ledger
    from ..core.formatting import moment
    from ..core.pricing import to_credits

    with snapshot() as session:
        rows = [
            {
                "id": line.id,
                "kind": line.kind,
                "debit": line.debit,
                "credit": line.credit,
                "amount": to_credits(line.amount),
                "amount_micro": line.amount,
                "task": line.task_id,
                "key": line.key_id,
                "resolves": line.resolves,
                "memo": line.memo,
                "created": line.created_at,
            }
            for line in ledger.statement(session, account, limit)
        ]
        audit = ledger.audit(session)
        balance = _balance(session, account)
    if as_json:
        print_json({"balance": balance, "entries": rows, "sum": audit.total, "sound": audit.sound})
        return
    print_table(
        [
            {
                "when": moment(float(str(row["created"]))),
                "kind": row["kind"],
                "amount": row["amount"],
                "task": row["task"] or "",
                "memo": row["memo"],
            }
            for row in rows
        ]
    )
    typer.echo(f"available {balance['available']}; the ledger's sum is {audit.total}")


def _balance(session: Session, account: str) -> dict[str, object]:
    from ..core import ledger
    from ..core.pricing import to_credits

    balance = ledger.balance(session, account)
    return {
        "account": account,
        "balance": to_credits(balance.credited),
        "used": to_credits(balance.used),
        "held": to_credits(balance.held),
        "available": to_credits(balance.available),
    }
