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
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    bindparam,
    exists,
    func,
    insert,
    literal,
    select,
    tuple_,
    update,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningInsert

from ..db.models import Account, Key, Transfer, table_of
from ..db.session import affected
from ..errors import InsufficientBalance, InvalidParameter, NotFound, QuotaExceeded
from . import usage_days
from .pricing import to_credits

ISSUER = "issuer"
REVENUE = "revenue"
HELD = "held"  # counterpart of a hold and of its release

# Constants, because building a statement takes longer than executing it.
_ACCOUNTS, _KEYS, _LINES = table_of(Account), table_of(Key), table_of(Transfer)
_LINE = insert(_LINES)
_PAYERS = (
    select(
        Key.id,
        Key.active,
        Key.quota,
        Key.used,
        Key.held,
        Account.id,
        Account.turn,
        Account.active,
        Account.kept,
        Account.posted,
        Account.held,
        Account.low_balance,
    )
    .join(Account, Account.id == Key.account_id)
    .where(Key.id.in_(bindparam("keys", expanding=True)), Key.revoked_at.is_(None))
    .order_by(Account.id, Key.id)  # every transaction locks in this order
    .with_for_update()
)
_RESERVE = (
    update(_ACCOUNTS)
    .where(
        _ACCOUNTS.c.id == bindparam("account"),
        _ACCOUNTS.c.posted - _ACCOUNTS.c.held >= bindparam("amount"),
    )
    .values(
        held=_ACCOUNTS.c.held + bindparam("amount"),
        active=_ACCOUNTS.c.active + bindparam("tasks"),
        turn=bindparam("taken"),
        kept=_ACCOUNTS.c.kept + bindparam("size"),
    )
)
_RESERVE_OF_KEY = (
    update(_KEYS)
    .where(
        _KEYS.c.id == bindparam("key"),
        (_KEYS.c.quota == 0) | (_KEYS.c.quota - _KEYS.c.used - _KEYS.c.held >= bindparam("amount")),
    )
    .values(held=_KEYS.c.held + bindparam("amount"), active=_KEYS.c.active + bindparam("tasks"))
)
_RESOLVE = (
    update(_ACCOUNTS)
    .where(_ACCOUNTS.c.id == bindparam("account"))
    .values(
        held=_ACCOUNTS.c.held - bindparam("amount"),
        posted=_ACCOUNTS.c.posted - bindparam("taken"),
        active=_ACCOUNTS.c.active - 1,
        kept=_ACCOUNTS.c.kept + bindparam("more"),
    )
)
_RESOLVE_OF_KEY = (
    update(_KEYS)
    .where(_KEYS.c.id == bindparam("key"))
    .values(
        held=_KEYS.c.held - bindparam("amount"),
        used=_KEYS.c.used + bindparam("taken"),
        active=_KEYS.c.active - 1,
    )
)
_HELD = _LINES.alias("held")
_RESOLVED = exists().where(_LINES.c.resolves == _HELD.c.id)
_HOLD = select(_HELD.c.amount, _RESOLVED.label("resolved")).where(_HELD.c.id == bindparam("hold"))


def _resolution(
    kind: str,
    amount: ColumnElement[int],
    resolves: ColumnElement[str],
    *conditions: ColumnElement[bool],
) -> ReturningInsert[*tuple[Any, ...]]:
    """Return a statement that writes a line for a hold and returns the line's sides and amount.

    Nothing is written unless the hold exists and the conditions are met.
    """
    captured = kind == "capture"
    values: dict[str, ColumnElement[Any]] = {
        "id": literal(f"{kind}:") + _HELD.c.task_id,
        "kind": literal(kind),
        "debit": _HELD.c.account_id if captured else literal(HELD),
        "credit": literal(REVENUE) if captured else _HELD.c.account_id,
        "amount": amount,
        "account_id": _HELD.c.account_id,
        "key_id": _HELD.c.key_id,
        "task_id": _HELD.c.task_id,
        "resolves": resolves,
        "memo": bindparam("memo", type_=_LINES.c.memo.type),
        "created_at": bindparam("now", type_=_LINES.c.created_at.type),
    }
    hold = select(*values.values()).where(_HELD.c.id == bindparam("hold"), *conditions)
    line = insert(_LINES).from_select(list(values), hold)
    return line.returning(_LINES.c.account_id, _LINES.c.key_id, _LINES.c.amount)


_AMOUNT = func.coalesce(bindparam("wanted", type_=_LINES.c.amount.type), _HELD.c.amount)
_CAPTURE = _resolution("capture", _AMOUNT, _HELD.c.id, ~_RESOLVED, _HELD.c.amount >= _AMOUNT)
_RELEASE = _resolution("release", _HELD.c.amount, _HELD.c.id, ~_RESOLVED)
_REST = _HELD.c.amount - bindparam("taken", type_=_LINES.c.amount.type)
_RELEASE_REST = _resolution("release", _REST, literal("capture:") + _HELD.c.task_id, _REST > 0)


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
        {
            "id": line,
            "kind": "credit",
            "debit": ISSUER,
            "credit": account_id,
            "amount": amount,
            "account_id": account_id,
            "memo": memo,
        },
    )


@dataclass
class Payer:
    """Account that is locked, with the holds that the transaction adds."""

    account_id: str
    available: int  # micro-credits
    active: int  # tasks that have not ended
    turn: int  # last place in the queue that a task of the account took
    kept: int  # bytes of results
    low_balance: int | None = None  # micro-credits below which `balance.low` is sent
    amount: int = 0  # of the new holds
    tasks: int = 0
    size: int = 0  # bytes of the new tasks' results


@dataclass
class PayingKey:
    """Key that is locked together with its account."""

    key_id: str
    payer: Payer
    active: int  # tasks that have not ended
    quota: int  # micro-credits, 0 for no limit
    spent: int  # used or held
    amount: int = 0  # of the new holds
    tasks: int = 0

    def reserve(self, amount: int, *, turn: int, size: int) -> None:
        """Add a task to the holds that `hold` writes.

        Args:
            amount: Price of the task.
            turn: Place of the task in the queue.
            size: Bytes of its result.

        Raises:
            InsufficientBalance: The account has too little credit.
            QuotaExceeded: The quota of the key does not allow the amount.
        """
        payer = self.payer
        if payer.available < amount:
            raise InsufficientBalance(
                f"this task costs {to_credits(amount):.6g} credits and "
                f"{to_credits(payer.available):.6g} are available; add credit or shorten the text"
            )
        if self.quota and self.quota - self.spent < amount:
            raise QuotaExceeded(
                f"this task costs {to_credits(amount):.6g} credits and the key has "
                f"{to_credits(max(0, self.quota - self.spent)):.6g} left of its quota of "
                f"{to_credits(self.quota):.6g}"
            )
        payer.available -= amount
        payer.turn = turn
        payer.kept += size
        payer.size += size
        self.spent += amount
        for each in (payer, self):
            each.active += 1
            each.tasks += 1
            each.amount += amount


@dataclass(frozen=True)
class Hold:
    """Amount that is reserved for a task."""

    task_id: str
    amount: int
    account_id: str
    key_id: str


def lock_payers(session: Session, key_ids: Collection[str]) -> dict[str, PayingKey]:
    """Lock keys that are not revoked, and their accounts. Return the keys by their ids."""
    payers: dict[str, Payer] = {}
    found: dict[str, PayingKey] = {}
    for row in session.execute(_PAYERS, {"keys": list(key_ids)}):
        key_id, active, quota, used, key_held, account_id, turn, tasks, kept, posted, held, low = (
            row
        )
        payer = payers.setdefault(
            account_id, Payer(account_id, posted - held, tasks, turn, kept, low)
        )
        found[key_id] = PayingKey(key_id, payer, active, quota, used + key_held)
    return found


def hold(session: Session, keys: Collection[PayingKey], holds: Sequence[Hold]) -> None:
    """Write the holds that the locked keys have reserved."""
    used = [key for key in keys if key.tasks]
    payers = {key.payer.account_id: key.payer for key in used}
    reserved = [
        {
            "account": payer.account_id,
            "amount": payer.amount,
            "tasks": payer.tasks,
            "taken": payer.turn,
            "size": payer.size,
        }
        for payer in payers.values()
    ]
    of_keys = [{"key": key.key_id, "amount": key.amount, "tasks": key.tasks} for key in used]
    # The rows are locked, so the conditions hold unless the locks were broken.
    for statement, rows in ((_RESERVE, reserved), (_RESERVE_OF_KEY, of_keys)):
        if sum(affected(session.execute(statement, row)) for row in rows) != len(rows):
            raise RuntimeError("a locked account or key has changed")
    _write(
        session,
        *(
            {
                "id": f"hold:{each.task_id}",
                "kind": "hold",
                "debit": each.account_id,
                "credit": HELD,
                "amount": each.amount,
                "account_id": each.account_id,
                "key_id": each.key_id,
                "task_id": each.task_id,
            }
            for each in holds
        ),
    )


def capture(
    session: Session, task_id: str, amount: int | None = None, memo: str = "", more: int = 0
) -> bool:
    """Capture `amount` of a task's hold, or all of it, and release the rest.

    Return False if the hold was resolved before. Raises ValueError for an amount below 0 or above
    the hold.

    Args:
        session: The transaction.
        task_id: The task.
        amount: Micro-credits, None for all of the hold.
        memo: Text that the line keeps.
        more: Bytes by which the account's results grow. One update of the account is cheaper than
            two.
    """
    if amount is not None and amount < 0:
        raise ValueError(f"{amount} cannot be captured; 0 or more can")
    values = {"hold": f"hold:{task_id}", "memo": memo, "now": time.time()}
    line = session.execute(_CAPTURE, {"wanted": amount, **values}).one_or_none()
    if line is None:
        _check_resolved(session, task_id, amount)
        return False
    rest = None
    if amount is not None:
        values |= {"memo": "", "taken": amount}
        rest = session.execute(_RELEASE_REST, values).one_or_none()
    _update_totals(session, line, line.amount + (rest.amount if rest else 0), line.amount, more)
    return True


def release(session: Session, task_id: str) -> bool:
    """Release the hold of a task. Return False if it was resolved before."""
    values = {"hold": f"hold:{task_id}", "memo": "", "now": time.time()}
    line = session.execute(_RELEASE, values).one_or_none()
    if line is None:
        _check_resolved(session, task_id)
        return False
    _update_totals(session, line, line.amount, 0)
    return True


def _check_resolved(session: Session, task_id: str, amount: int | None = None) -> None:
    """Check that a line resolves the hold of a task, after the hold was not resolved.

    Raises ValueError for an amount above the hold. A task without a hold is an error.
    """
    held, resolved = session.execute(_HOLD, {"hold": f"hold:{task_id}"}).one()
    if not resolved:
        raise ValueError(f"{amount} cannot be captured of the {held} that are held")


def _update_totals(
    session: Session, line: Row[*tuple[Any, ...]], amount: int, taken: int, more: int = 0
) -> None:
    amounts = {"amount": amount, "taken": taken}
    session.execute(_RESOLVE, {"account": line.account_id, "more": more} | amounts)
    session.execute(_RESOLVE_OF_KEY, {"key": line.key_id} | amounts)


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


def lines_after(
    session: Session, account_id: str, last: Transfer | None = None, limit: int = 500
) -> Sequence[Transfer]:
    """Return the lines of an account that follow the line `last`, the oldest first."""
    query = select(Transfer).where(Transfer.account_id == account_id)
    if last is not None:
        place = tuple_(Transfer.created_at, Transfer.id)
        query = query.where(place > (last.created_at, last.id))
    return session.scalars(query.order_by(Transfer.created_at, Transfer.id).limit(limit)).all()


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
    wrong, issued, revenue, owed, held = usage_days.wrong_accounts(session), 0, 0, 0, 0
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
            wrong.add(account.id)
    return Audit(issued, revenue, owed, held, tuple(sorted(wrong)))


def _write(session: Session, *lines: Mapping[str, object]) -> None:
    now = time.time()
    fields = {"memo": "", "created_at": now, "task_id": None, "key_id": None, "resolves": None}
    session.execute(_LINE, [{**fields, **line} for line in lines])
