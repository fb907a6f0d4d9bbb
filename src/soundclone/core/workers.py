"""Registered workers: heartbeats, and the claim of workers that are lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from sqlalchemy import delete, func, or_, select, tuple_, update
from sqlalchemy.orm import Session

from ..db.models import Json, Worker
from ..db.session import affected
from ..engines.selection import EngineCapability


@dataclass(frozen=True)
class WorkerInfo:
    """State that a worker reports with its heartbeat."""

    ready: bool = False  # takes tasks
    version: str = ""  # of soundclone
    pid: int = 0
    concurrency: int | None = None
    workflows: str = ""  # version of the workflows, `jobs.queue.VERSION`
    capabilities: tuple[EngineCapability, ...] = ()  # of the usable engines
    engines: Mapping[str, str] = field(default_factory=dict)
    # by name of each engine, why it is not usable; empty for a usable engine
    lost: bool = False
    stopped: bool = False  # on purpose

    def to_json(self) -> Json:
        """Return the state as the database keeps it."""
        return {
            "ready": self.ready,
            "version": self.version,
            "pid": self.pid,
            "concurrency": self.concurrency,
            "tasks": self.workflows,
            "offers": [each.to_json() for each in self.capabilities],
            "engines": dict(self.engines),
        }

    @classmethod
    def of(cls, worker: Worker) -> Self:
        """Read the state of a worker's row, also of another release."""
        info = worker.info
        return cls(
            ready=bool(info.get("ready")),
            version=str(info.get("version", "")),
            pid=int(info.get("pid", 0)),
            concurrency=info.get("concurrency"),
            workflows=str(info.get("tasks", "")),
            capabilities=tuple(map(EngineCapability.from_json, info.get("offers", ()))),
            engines=dict(info.get("engines") or {}),
            lost=bool(info.get("lost")),
            stopped=bool(info.get("stopped")),
        )


def heartbeat(session: Session, worker_id: str, info: WorkerInfo) -> float:
    """Record a heartbeat, and return its time. A worker that was declared lost registers again."""
    moment, data = now(session), info.to_json()
    known = session.execute(
        update(Worker).where(Worker.id == worker_id).values(seen_at=moment, info=data)
    )
    if not affected(known):
        session.add(Worker(id=worker_id, started_at=moment, seen_at=moment, info=data))
    return moment


class Observer:
    """Notices processes whose heartbeats have ended, by the monotonic clock of this process.

    The clock of the database, which dates the heartbeats of workers, may step back. Then the
    heartbeats of a dead worker would look recent for the length of the step.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._heartbeats: dict[str, tuple[float, float]] = {}
        # by worker: its last heartbeat, and when this process first read it

    def silent(self, heartbeats: Mapping[str, float], silence: float) -> dict[str, float]:
        """Return the heartbeats that this process first read `silence` seconds ago or earlier."""
        now = self._clock()
        self._heartbeats = {
            worker: known
            if (known := self._heartbeats.get(worker, (None, 0.0)))[0] == seen
            else (seen, now)
            for worker, seen in heartbeats.items()
        }
        return {
            worker: seen
            for worker, (seen, since) in self._heartbeats.items()
            if now - since >= silence
        }

    def excuse(self, silence: float, grace: float) -> None:
        """Let `grace` seconds pass before a worker is silent, after a pause of all workers."""
        least = self._clock() - silence + grace
        self._heartbeats = {
            worker: (seen, max(since, least)) for worker, (seen, since) in self._heartbeats.items()
        }


def observe(session: Session, observer: Observer, silence: float) -> dict[str, float]:
    """Show an observer the heartbeats. Return the last ones of the workers that it finds silent."""
    heartbeats = {row.id: row.seen_at for row in session.execute(select(Worker.id, Worker.seen_at))}
    return observer.silent(heartbeats, silence)


def claim(
    session: Session, claimer: str, silence: float, silent: Mapping[str, float] | None = None
) -> dict[str, bool]:
    """Claim other workers that have stopped, or had no heartbeat for `silence` seconds.

    Of several claimers, one gets each worker. If it dies before it calls `remove`, another gets
    the worker after the same time. Return by id whether the worker stopped on purpose.

    Args:
        session: The transaction.
        claimer: Id of the worker that claims others.
        silence: Seconds by the clock of the database.
        silent: Last heartbeats of other silent workers, as `observe` returns them.
    """
    moment = now(session)
    late = or_(
        Worker.seen_at < moment - silence,
        tuple_(Worker.id, Worker.seen_at).in_(list((silent or {}).items())),
    )
    gone = (late, Worker.id != claimer)
    before = {
        row.id: row.info for row in session.execute(select(Worker.id, Worker.info).where(*gone))
    }
    claimed = session.scalars(
        update(Worker).where(*gone).values(seen_at=moment, info={"lost": True}).returning(Worker.id)
    )
    return {worker_id: bool(before.get(worker_id, {}).get("stopped")) for worker_id in claimed}


def remove(session: Session, worker_id: str) -> None:
    """Remove a claimed worker whose tasks are requeued."""
    session.execute(delete(Worker).where(Worker.id == worker_id))


def mark_stopped(session: Session, worker_id: str) -> None:
    """Record that a worker stops on purpose, so that others claim it at once."""
    session.execute(
        update(Worker).where(Worker.id == worker_id).values(seen_at=0.0, info={"stopped": True})
    )


def mark_lost(session: Session, worker_id: str) -> None:
    """Record that a worker's process has ended, so that others claim it at once."""
    session.execute(update(Worker).where(Worker.id == worker_id).values(seen_at=0.0))


def alive(session: Session, silence: float) -> Sequence[Worker]:
    """Return the workers with a heartbeat in the last `silence` seconds."""
    recent = session.scalars(select(Worker).where(Worker.seen_at >= now(session) - silence))
    return [worker for worker in recent if not WorkerInfo.of(worker).lost]


def unregistered(session: Session, ids: Collection[str]) -> set[str]:
    """Return the ids that no worker has."""
    return set(ids) - set(session.scalars(select(Worker.id)))


def now(session: Session) -> float:
    """Return the time of the database, which is the same for workers on all machines."""
    if session.get_bind().dialect.name == "sqlite":
        return time.time()
    now = session.scalar(select(func.extract("epoch", func.clock_timestamp())))
    assert now is not None
    return float(now)
