"""What the engines of the workers can do, as the workers say."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ..db.models import EngineOffer
from ..speech.routing import BUILTIN, Offer
from . import workers

_REMEMBERED = 86_400.0  # seconds


def renew(session: Session, offers: Iterable[Offer]) -> None:
    """Say that a worker has these engines."""
    now = workers.now(session)
    for offer in sorted(offers, key=lambda offer: offer.engine):  # one order: no deadlock
        known = session.execute(
            update(EngineOffer)
            .where(EngineOffer.name == offer.engine)
            .values(offer=offer.to_dict(), seen_at=now)
        )
        if not known.rowcount:  # type: ignore[attr-defined]
            with suppress(IntegrityError), session.begin_nested():  # another worker was faster
                session.add(EngineOffer(name=offer.engine, offer=offer.to_dict(), seen_at=now))


def current(session: Session, silence: float) -> tuple[Offer, ...]:
    """What workers heard of within `silence` seconds can do. When there are none, it is what the
    last ones could, so that work is taken while they start again; when there never were any, what
    every installation can."""
    now = workers.now(session)
    rows = session.execute(
        select(EngineOffer.offer, EngineOffer.seen_at).where(
            EngineOffer.seen_at >= now - _REMEMBERED
        )
    ).all()
    alive = [row for row in rows if row.seen_at >= now - silence]
    return tuple(Offer.read(row.offer) for row in alive or rows) or (BUILTIN,)
