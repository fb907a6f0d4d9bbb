"""Submission of orders in groups: the orders of concurrent requests share a transaction."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ..config import Settings
from ..core import tasks
from ..core.tasks import Order
from ..db.batches import Batches
from ..db.models import Task
from ..db.session import Database
from ..errors import SoundcloneError
from ..jobs.queue import Queue

_MOST = 64  # orders in a transaction, which holds the locks of their accounts


class Submissions:
    """Writer of tasks. A task that it returns is committed."""

    def __init__(self, settings: Settings, database: Database, queue: Queue) -> None:
        self._settings = settings
        self._database = database
        self._queue = queue
        self._orders: Batches[Order, Task] = Batches(self._work, _MOST, "submissions", threads=2)

    async def submit(self, order: Order) -> Task:
        """Submit an order. `tasks.submit` lists the errors."""
        return await self._orders.do(order)

    def submit_in(self, session: Session, order: Order) -> Task:
        """Submit an order in the caller's transaction. `tasks.submit` lists the errors."""
        return tasks.submit(
            session,
            order,
            self._queue.enqueue,
            active_limit=self._settings.active_tasks_per_key,
            result_quota=self._settings.result_quota_bytes,
        )

    def submit_all_in(
        self, session: Session, orders: Sequence[Order]
    ) -> Sequence[Task | SoundcloneError]:
        """Submit orders in the caller's transaction, like `tasks.submit_all`."""
        return tasks.submit_all(
            session,
            orders,
            self._queue.enqueue,
            active_limit=self._settings.active_tasks_per_key,
            result_quota=self._settings.result_quota_bytes,
        )

    def close(self) -> None:
        """Finish the orders that wait."""
        self._orders.close()

    def _work(self, orders: Sequence[Order]) -> Sequence[Task | SoundcloneError]:
        try:
            return self._database.transaction_in_turn(self.submit_all_in, orders)
        except IntegrityError:
            # Another process was faster with an idempotency key. The second try finds its task.
            return self._database.transaction_in_turn(self.submit_all_in, orders)
