"""Engine capabilities that workers advertise."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ..db.models import EngineOffer
from ..db.session import affected
from ..engines.selection import BUILTIN, EngineCapability
from . import workers
from .formatting import DAY

_KEPT = DAY  # seconds for which capabilities stand in for workers that are away


def record(session: Session, offers: Iterable[EngineCapability]) -> None:
    """Store the capabilities of a worker's engines, for when no worker is running."""
    now = workers.now(session)
    # Sorted, so that two workers lock the rows in the same order.
    for offer in sorted(offers, key=lambda offer: offer.engine):
        known = session.execute(
            update(EngineOffer)
            .where(EngineOffer.name == offer.engine)
            .values(offer=offer.to_json(), seen_at=now)
        )
        if not affected(known):
            with suppress(IntegrityError), session.begin_nested():  # another worker was faster
                session.add(EngineOffer(name=offer.engine, offer=offer.to_json(), seen_at=now))


def current(session: Session, silence: float) -> tuple[EngineCapability, ...]:
    """Return the capabilities of all workers with a heartbeat in the last `silence` seconds.

    Without a ready worker, return those of the last day, so that tasks are accepted while workers
    restart. Without those, return the built-in engine, which every installation has.
    """
    found = {
        offer.engine: offer
        for worker in workers.alive(session, silence)
        for offer in workers.WorkerInfo.of(worker).capabilities
    }
    if not found:
        since = workers.now(session) - _KEPT
        rows = session.scalars(select(EngineOffer).where(EngineOffer.seen_at >= since))
        found = {row.name: EngineCapability.from_json(row.offer) for row in rows}
    return tuple(found.values()) or (BUILTIN,)
