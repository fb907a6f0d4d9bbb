"""Delivery of streamed speech, and its price when the task ends early.

A part of the text counts as delivered when the API hands its first byte to the connection. The API
records each part before that, so the price does not depend on how the stream ends.
"""

from __future__ import annotations

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from ..db.models import Task, TaskStatus
from ..db.session import affected
from ..errors import TaskError
from . import ledger
from .pricing import share, to_credits
from .voices import ACTIVE

# A constant, because building the statement takes longer than executing it.
_RECORD = (
    update(Task)
    .where(
        Task.id == bindparam("task"),
        Task.status.in_(ACTIVE),
        Task.delivered < bindparam("sent"),
    )
    .values(delivered=bindparam("sent"))
    .execution_options(synchronize_session=False)
)


def record(session: Session, task_id: str, characters: int) -> bool:
    """Record that the speech of the first `characters` is about to be sent, for `tasks.deliver`.

    Return False if the task has failed. Then nothing may be sent.
    """
    if affected(session.execute(_RECORD, {"task": task_id, "sent": characters})):
        return True
    # Another stream of the task recorded more, or the task is completed and paid in full.
    status = session.scalar(select(Task.status).where(Task.id == task_id))
    return status in (*ACTIVE, TaskStatus.COMPLETED)


def charge(session: Session, task_id: str, error: TaskError) -> tuple[int, str]:
    """Resolve the hold of a task that has just failed.

    The transaction must hold the lock of the task's row, so that no further part is recorded.
    Return the charged micro-credits, and the error's message with the amount.
    """
    cost, fee, delivered, characters = session.execute(
        select(Task.cost, Task.fee, Task.delivered, Task.characters).where(Task.id == task_id)
    ).one()
    charged = share(cost, fee, delivered, characters) if error.charges_delivered else 0
    if charged:
        sent = f"{delivered:,} of {characters:,} characters"
        ledger.capture(session, task_id, charged, memo=f"{sent} were sent")
        credits = f"{to_credits(charged):.6f}".rstrip("0").rstrip(".")
        outcome = f"{credits} credits were charged for the {sent} that had been sent"
    else:
        ledger.release(session, task_id)
        outcome = "nothing was charged"
    return charged, f"{error.message}; {outcome}" if error.charges_delivered else error.message
