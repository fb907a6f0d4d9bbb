"""The only place where money moves.

A double-entry ledger with two-phase transfers, after TigerBeetle's design: `hold` reserves,
`capture` takes all or part of the reserved amount, `release` gives it back. Each hold is resolved
at most once; after a partial capture, a release line that resolves the capture gives the rest back
in the same transaction. Each line's id names its purpose, so repeating an operation has no effect.
Nothing here commits: the caller's transaction does, together with the task that the money is for.

Accounts of the house are `ISSUER`, whose debit is what was ever paid in, and `REVENUE`. They are
sums over the lines and have no row, so that no two tasks ever wait for the same one.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.orm import Session

from ..db.models import Account, Key, Transfer
from ..errors import InsufficientBalance, InvalidParameter, NotFound, QuotaExceeded
from .pricing import to_credits

ISSUER = "issuer"
REVENUE = "revenue"
HELD = "held"  # the other side of a hold and of its release

# Made once: building a statement takes longer than running it.
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
_SETTLE = (
    update(Account)
    .where(Account.id == bindparam("account"))
    .values(
        held=Account.held - bindparam("amount"),
        posted=Account.posted - bindparam("taken"),
        active=Account.active - 1,
    )
    .execution_options(synchronize_session=False)
)
_SETTLE_OF_KEY = (
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
    """In micro-credits."""

    credited: int  # all that was ever paid in
    used: int  # captured
    held: int  # reserved by tasks that have not ended

    @property
    def available(self) -> int:
        return self.credited - self.used - self.held


def open_account(session: Session, name: str) -> Account:
    """A new account without money."""
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
    """Let other transactions that ask for the same wait until this one has ended."""
    session.execute(select(Account.id).where(Account.id == account_id).with_for_update())


def credit(
    session: Session, account_id: str, amount: int, memo: str = "", reference: str | None = None
) -> None:
    """Pay `amount` in. The same `reference` twice pays once. Raises NotFound, InvalidParameter."""
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
    if not changed.rowcount:  # type: ignore[attr-defined]
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
    """Reserve `amount` for a task. Raises InsufficientBalance and QuotaExceeded; then nothing
    is reserved, provided that the caller rolls back."""
    reserved = session.execute(_RESERVE, {"account": account_id, "amount": amount})
    if not reserved.rowcount:  # type: ignore[attr-defined]
        has = balance(session, account_id).available
        raise InsufficientBalance(
            f"this task costs {to_credits(amount):.6g} credits and {to_credits(has):.6g} are "
            "available; add credit or shorten the text"
        )
    within = session.execute(_RESERVE_OF_KEY, {"key": key_id, "amount": amount})
    if not within.rowcount:  # type: ignore[attr-defined]
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
    """Capture `amount` of a task's hold, or all of it, and release the rest. False when the hold
    was resolved before. `memo` is kept with the line. Raises ValueError for less than 0
    and for more than is held."""
    held = _unresolved(session, task_id)
    if held is None:
        return False
    taken = held.amount if amount is None else amount
    if not 0 <= taken <= held.amount:
        raise ValueError(f"{taken} cannot be captured of the {held.amount} that are held")
    _settle(session, held, taken)
    line = _resolve(session, held, "capture", taken, held.id, memo)
    if taken < held.amount:
        _resolve(session, held, "release", held.amount - taken, line)
    return True


def release(session: Session, task_id: str) -> bool:
    """Give back what is held for a task; False when the hold was resolved before."""
    held = _unresolved(session, task_id)
    if held is None:
        return False
    _settle(session, held, 0)
    _resolve(session, held, "release", held.amount, held.id)
    return True


def _unresolved(session: Session, task_id: str) -> Transfer | None:
    held = session.get_one(Transfer, f"hold:{task_id}")
    resolved = session.scalar(select(Transfer.id).where(Transfer.resolves == held.id))
    return None if resolved else held


def _settle(session: Session, held: Transfer, taken: int) -> None:
    assert held.key_id is not None
    amounts = {"amount": held.amount, "taken": taken}
    session.execute(_SETTLE, {"account": held.account_id} | amounts)
    session.execute(_SETTLE_OF_KEY, {"key": held.key_id} | amounts)


def _resolve(
    session: Session, held: Transfer, kind: str, amount: int, resolves: str, memo: str = ""
) -> str:
    """Write a line that ends a hold, or what a capture left of it; the line's id."""
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
    """Raises NotFound."""
    row = session.execute(
        select(Account.credited, Account.posted, Account.held).where(Account.id == account_id)
    ).one_or_none()
    if row is None:
        raise NotFound(f"there is no account {account_id!r}")
    return Balance(credited=row.credited, used=row.credited - row.posted, held=row.held)


def statement(session: Session, account_id: str, limit: int | None = None) -> Sequence[Transfer]:
    """The account's lines, oldest first."""
    balance(session, account_id)
    query = select(Transfer).where(Transfer.account_id == account_id)
    newest = query.order_by(Transfer.created_at.desc(), Transfer.id.desc()).limit(limit)
    return list(reversed(session.scalars(newest).all()))


@dataclass(frozen=True)
class Audit:
    """What the lines say, against what the accounts say."""

    issued: int  # micro-credits, from the lines
    revenue: int
    owed: int  # to all accounts, from the accounts
    held: int  # from the lines
    wrong_accounts: tuple[str, ...]  # whose totals are not the sums of their lines

    @property
    def total(self) -> int:
        """Sum over all sides: 0 unless something is broken."""
        return self.owed + self.revenue - self.issued

    @property
    def sound(self) -> bool:
        return self.total == 0 and not self.wrong_accounts


def audit(session: Session) -> Audit:
    """Add up every line and compare."""
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
