"""Double-entry ledger with two-phase transfers, after the design of TigerBeetle.

`hold` reserves an amount, `capture` takes all or part of it, and `release` returns it. A hold is
resolved at most once. After a partial capture, a release line resolves the capture and returns the
rest in the same transaction. The id of a line names its purpose, so repeating an operation has no
effect. The caller's transaction commits the lines together with the task that they pay for.

The service has two accounts: `ISSUER`, whose debits are all payments, and `REVENUE`. Both are sums
over the lines and have no row, so tasks never wait for each other's lock on one.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.orm import Session

from ..db.models import Account, Key, Transfer
from ..db.session import affected
from ..errors import InsufficientBalance, InvalidParameter, NotFound, QuotaExceeded
from .pricing import to_credits

ISSUER = "issuer"
REVENUE = "revenue"
HELD = "held"  # counterpart of a hold and of its release

# Constants, because building a statement takes longer than executing it.
_LINE = insert(Transfer)
_RESERVE = (
    update(Account)
    .where(Account.id == bindparam("account"), Account.posted - Account.held >= bindparam("amount"))
    .values(held=Account.held + bindparam("amount"), active=Account.active + 1)
    .execution_options(synchronize_session=False)
)
_RESERVE_OF_KEY = (
    update(Key)
    .where(
        Key.id == bindparam("key"),
        (Key.quota == 0) | (Key.quota - Key.used - Key.held >= bindparam("amount")),
    )
    .values(held=Key.held + bindparam("amount"), active=Key.active + 1)
    .execution_options(synchronize_session=False)
)
_RESOLVE = (
    update(Account)
    .where(Account.id == bindparam("account"))
    .values(
        held=Account.held - bindparam("amount"),
        posted=Account.posted - bindparam("taken"),
        active=Account.active - 1,
    )
    .execution_options(synchronize_session=False)
)
_RESOLVE_OF_KEY = (
    update(Key)
    .where(Key.id == bindparam("key"))
    .values(
        held=Key.held - bindparam("amount"),
        used=Key.used + bindparam("taken"),
        active=Key.active - 1,
    )
    .execution_options(synchronize_session=False)
)


@dataclass(frozen=True)
class Balance:
    """Balance of an account in micro-credits."""

    credited: int  # sum of all payments
    used: int  # captured
    held: int  # reserved by tasks that have not ended

    @property
    def available(self) -> int:
        """Micro-credits that new tasks may cost."""
        return self.credited - self.used - self.held


def open_account(session: Session, name: str) -> Account:
    """Create an account without credit."""
    account = Account(
        id=f"acct_{uuid.uuid4().hex}",
        name=name,
        credited=0,
        posted=0,
        held=0,
        created_at=time.time(),
    )
    session.add(account)
    session.flush()
    return account


def lock(session: Session, account_id: str) -> None:
    """Lock the account until the transaction ends.

    Other modules use this lock too, for limits that count the rows of an account.
    """
    session.execute(select(Account.id).where(Account.id == account_id).with_for_update())


def credit(
    session: Session, account_id: str, amount: int, memo: str = "", reference: str | None = None
) -> None:
    """Add credit to an account. A payment with a known `reference` has no effect.

    Raises:
        NotFound: There is no such account.
        InvalidParameter: The amount is not above 0.
    """
    if amount <= 0:
        raise InvalidParameter(
            f"{to_credits(amount)} cannot be paid in; more than 0 is needed", param="amount"
        )
    line = f"credit:{reference or uuid.uuid4().hex}"
    if session.get(Transfer, line):
        return
    changed = session.execute(
        update(Account)
        .where(Account.id == account_id)
        .values(credited=Account.credited + amount, posted=Account.posted + amount)
    )
    if not affected(changed):
        raise NotFound(f"there is no account {account_id!r}")
    _write(
        session,
        id=line,
        kind="credit",
        debit=ISSUER,
        credit=account_id,
        amount=amount,
        account_id=account_id,
        memo=memo,
    )


def hold(session: Session, *, account_id: str, key_id: str, task_id: str, amount: int) -> None:
    """Reserve an amount for a task. The caller must roll back after an error.

    Raises:
        InsufficientBalance: The account has too little credit.
        QuotaExceeded: The quota of the key does not allow the amount.
    """
    reserved = session.execute(_RESERVE, {"account": account_id, "amount": amount})
    if not affected(reserved):
        has = balance(session, account_id).available
        raise InsufficientBalance(
            f"this task costs {to_credits(amount):.6g} credits and {to_credits(has):.6g} are "
            "available; add credit or shorten the text"
        )
    within = session.execute(_RESERVE_OF_KEY, {"key": key_id, "amount": amount})
    if not affected(within):
        key = session.get_one(Key, key_id)
        left = max(0, key.quota - key.used - key.held)
        raise QuotaExceeded(
            f"this task costs {to_credits(amount):.6g} credits and the key has "
            f"{to_credits(left):.6g} left of its quota of {to_credits(key.quota):.6g}"
        )
    _write(
        session,
        id=f"hold:{task_id}",
        kind="hold",
        debit=account_id,
        credit=HELD,
        amount=amount,
        account_id=account_id,
        key_id=key_id,
        task_id=task_id,
    )


def capture(session: Session, task_id: str, amount: int | None = None, memo: str = "") -> bool:
    """Capture `amount` of a task's hold, or all of it, and release the rest.

    Return False if the hold was resolved before. The line keeps the `memo`. Raises ValueError for
    an amount below 0 or above the hold.
    """
    held = _unresolved(session, task_id)
    if held is None:
        return False
    taken = held.amount if amount is None else amount
    if not 0 <= taken <= held.amount:
        raise ValueError(f"{taken} cannot be captured of the {held.amount} that are held")
    _update_totals(session, held, taken)
    line = _resolve(session, held, "capture", taken, held.id, memo)
    if taken < held.amount:
        _resolve(session, held, "release", held.amount - taken, line)
    return True


def release(session: Session, task_id: str) -> bool:
    """Release the hold of a task. Return False if it was resolved before."""
    held = _unresolved(session, task_id)
    if held is None:
        return False
    _update_totals(session, held, 0)
    _resolve(session, held, "release", held.amount, held.id)
    return True


def _unresolved(session: Session, task_id: str) -> Transfer | None:
    held = session.get_one(Transfer, f"hold:{task_id}")
    resolved = session.scalar(select(Transfer.id).where(Transfer.resolves == held.id))
    return None if resolved else held


def _update_totals(session: Session, held: Transfer, taken: int) -> None:
    assert held.key_id is not None
    amounts = {"amount": held.amount, "taken": taken}
    session.execute(_RESOLVE, {"account": held.account_id} | amounts)
    session.execute(_RESOLVE_OF_KEY, {"key": held.key_id} | amounts)


def _resolve(
    session: Session, held: Transfer, kind: str, amount: int, resolves: str, memo: str = ""
) -> str:
    """Write a line that resolves a hold or a partial capture. Return the id of the line."""
    line = f"{kind}:{held.task_id}"
    _write(
        session,
        id=line,
        kind=kind,
        debit=held.account_id if kind == "capture" else HELD,
        credit=REVENUE if kind == "capture" else held.account_id,
        amount=amount,
        account_id=held.account_id,
        key_id=held.key_id,
        task_id=held.task_id,
        resolves=resolves,
        memo=memo,
    )
    return line


def balance(session: Session, account_id: str) -> Balance:
    """Return the balance of an account. Raises NotFound."""
    row = session.execute(
        select(Account.credited, Account.posted, Account.held).where(Account.id == account_id)
    ).one_or_none()
    if row is None:
        raise NotFound(f"there is no account {account_id!r}")
    return Balance(credited=row.credited, used=row.credited - row.posted, held=row.held)


def statement(session: Session, account_id: str, limit: int | None = None) -> Sequence[Transfer]:
    """Return the last `limit` lines of an account, the oldest first. Raises NotFound."""
    balance(session, account_id)
    query = select(Transfer).where(Transfer.account_id == account_id)
    newest = query.order_by(Transfer.created_at.desc(), Transfer.id.desc()).limit(limit)
    return list(reversed(session.scalars(newest).all()))


@dataclass(frozen=True)
class Audit:
    """Comparison of the lines with the totals of the accounts, in micro-credits."""

    issued: int  # payments, from the lines
    revenue: int  # captures, from the lines
    owed: int  # to all accounts, from their totals
    held: int  # from the lines
    wrong_accounts: tuple[str, ...]  # accounts whose totals differ from the sums of their lines

    @property
    def total(self) -> int:
        """Sum over all accounts, which is 0 in a sound ledger."""
        return self.owed + self.revenue - self.issued

    @property
    def sound(self) -> bool:
        """True if the totals are the sums of the lines."""
        return self.total == 0 and not self.wrong_accounts


def audit(session: Session) -> Audit:
    """Add up every line and compare the sums with the totals."""
    sums: dict[tuple[str, str], int] = {}
    for account_id, kind, amount in session.execute(
        select(Transfer.account_id, Transfer.kind, func.sum(Transfer.amount)).group_by(
            Transfer.account_id, Transfer.kind
        )
    ):
        sums[account_id, kind] = int(amount)
    wrong, issued, revenue, owed, held = [], 0, 0, 0, 0
    for account in session.scalars(select(Account)):
        paid, taken, reserved, freed = (
            sums.get((account.id, kind), 0) for kind in ("credit", "capture", "hold", "release")
        )
        issued, revenue = issued + paid, revenue + taken
        owed, held = owed + account.posted, held + reserved - taken - freed
        if (account.credited, account.posted, account.held) != (
            paid,
            paid - taken,
            reserved - taken - freed,
        ):
            wrong.append(account.id)
    return Audit(issued, revenue, owed, held, tuple(wrong))


def _write(session: Session, **line: str | int | None) -> None:
    now = time.time()
    fields = {"memo": "", "created_at": now, "task_id": None, "key_id": None, "resolves": None}
    session.execute(_LINE, fields | line)
