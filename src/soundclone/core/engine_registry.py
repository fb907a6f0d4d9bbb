"""What the engines of the workers can do, as the workers say."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ..db.models import EngineOffer
from ..engines.selection import BUILTIN, EngineCapability
from . import workers

_REMEMBERED = 86_400.0  # seconds


def remember(session: Session, offers: Iterable[EngineCapability]) -> None:
    """Note what a worker's engines can do, for a time in which there is no worker."""
    now = workers.now(session)
    for offer in sorted(offers, key=lambda offer: offer.engine):  # one order: no deadlock
        known = session.execute(
            update(EngineOffer)
            .where(EngineOffer.name == offer.engine)
            .values(offer=offer.to_json(), seen_at=now)
        )
        if not known.rowcount:  # type: ignore[attr-defined]
            with suppress(IntegrityError), session.begin_nested():  # another worker was faster
                session.add(EngineOffer(name=offer.engine, offer=offer.to_json(), seen_at=now))


def current(session: Session, silence: float) -> tuple[EngineCapability, ...]:
    """What the workers can do that were heard of within `silence` seconds. When none is ready, it
    is what the last ones could, so that work is taken while they start again; when there never
    were any, what every installation can."""
    alive = {
        offer["engine"]: offer
        for worker in workers.alive(session, silence)
        for offer in worker.info.get("offers", ())
    }
    if not alive:
        since = workers.now(session) - _REMEMBERED
        rows = session.scalars(select(EngineOffer).where(EngineOffer.seen_at >= since))
        alive = {row.name: row.offer for row in rows}
    return tuple(map(EngineCapability.from_json, alive.values())) or (BUILTIN,)
