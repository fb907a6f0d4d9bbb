"""Speech that is sent while a task works, and its price when the task ends early.

A part of the text counts as delivered from the moment at which the API hands its first byte to the
connection. The API notes each part before that moment, so that the price does not depend on how
the stream ends.
"""

from __future__ import annotations

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from ..db.models import Task, TaskStatus
from ..errors import TaskError
from . import ledger
from .pricing import share, to_credits
from .voices import ACTIVE

# Made once: building a statement takes longer than running it.
_HAND_OVER = (
    update(Task)
    .where(
        Task.id == bindparam("task"),
        Task.status.in_(ACTIVE),
        Task.delivered < bindparam("sent"),
    )
    .values(delivered=bindparam("sent"))
    .execution_options(synchronize_session=False)
)


def hand_over(session: Session, task_id: str, characters: int) -> bool:
    """Note that a listener is about to be sent the speech of the first `characters`; False when the
    task has failed, and then nothing may be sent."""
    noted = session.execute(_HAND_OVER, {"task": task_id, "sent": characters})
    if noted.rowcount:  # type: ignore[attr-defined]
        return True
    # Noted before, by a stream of the same task, or completed and therefore paid in full.
    status = session.scalar(select(Task.status).where(Task.id == task_id))
    return status in (*ACTIVE, TaskStatus.COMPLETED)


def settle(session: Session, task_id: str, error: TaskError) -> tuple[int, str]:
    """Resolve the hold of a task that has just failed: what was charged, and the error's message
    with that amount. This transaction must hold the lock of the task's row, so that no further
    part is noted."""
    cost, fee, delivered, characters = session.execute(
        select(Task.cost, Task.fee, Task.delivered, Task.characters).where(Task.id == task_id)
    ).one()
    charged = share(cost, fee, delivered, characters) if error.charges_delivered else 0
    if charged:
        sent = f"{delivered:,} of {characters:,} characters"
        ledger.capture(session, task_id, charged, memo=f"{sent} were sent")
        credits = f"{to_credits(charged):.6f}".rstrip("0").rstrip(".")
        told = f"{credits} credits were charged for the {sent} that had been sent"
    else:
        ledger.release(session, task_id)
        told = "nothing was charged"
    return charged, f"{error.message}; {told}" if error.charges_delivered else error.message
