"""Uploads: quota of an account, reserved before a file arrives, and expiry."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from ..db.models import Upload, UploadReservation
from ..errors import RateLimited, TooLarge
from . import ledger

LEASE = 180.0  # seconds until a reservation expires without a renewal


def reserve(session: Session, account_id: str, size: int, *, quota: int, most: int) -> str:
    """Reserve `size` bytes of the account's quota, and return the id of the reservation.

    Raises:
        RateLimited: `most` uploads are under way, or have reserved the space.
        TooLarge: Kept uploads leave too little space.
    """
    ledger.lock(session, account_id)
    now = time.time()
    session.execute(
        delete(UploadReservation).where(
            UploadReservation.account_id == account_id, UploadReservation.expires_at <= now
        )
    )
    under_way, reserved = session.execute(
        select(func.count(), func.coalesce(func.sum(UploadReservation.size), 0)).where(
            UploadReservation.account_id == account_id
        )
    ).one()
    if under_way >= most:
        raise RateLimited(
            f"{under_way} uploads of this account are under way, which is the most; wait for one "
            "to end",
            retry_after=5,
        )
    kept = _kept(session, account_id)
    _check(kept, size, quota)
    if kept + int(reserved) + size > quota:
        raise RateLimited(
            f"the uploads of this account that are under way may come to {int(reserved):,} bytes, "
            f"and {kept:,} are kept already; there is no room for {size:,} more below {quota:,} "
            "until one ends",
            retry_after=5,
        )
    reservation = UploadReservation(
        id=uuid.uuid4().hex,
        account_id=account_id,
        size=size,
        created_at=now,
        expires_at=now + LEASE,
    )
    session.add(reservation)
    return reservation.id


def renew(session: Session, reservation: str) -> None:
    """Extend the reservation of an upload that is under way."""
    session.execute(
        update(UploadReservation)
        .where(UploadReservation.id == reservation)
        .values(expires_at=time.time() + LEASE)
    )


def release(session: Session, reservation: str) -> None:
    """Release a reservation, if it still exists."""
    session.execute(delete(UploadReservation).where(UploadReservation.id == reservation))


def register(
    session: Session, upload: Upload, *, quota: int, reservation: str | None = None
) -> None:
    """Record an upload before its file is stored, so that the file is removed in time.

    The real size replaces the reservation. Raises TooLarge if the account's uploads would exceed
    `quota` bytes.
    """
    ledger.lock(session, upload.account_id)
    if reservation is not None:
        release(session, reservation)
    _check(_kept(session, upload.account_id), upload.size, quota)
    session.add(upload)


def expired(session: Session, limit: int = 100) -> Sequence[str]:
    """Return the keys of uploads whose files must be removed."""
    return session.scalars(
        select(Upload.key).where(Upload.expires_at <= time.time()).limit(limit)
    ).all()


def unregister(session: Session, key: str) -> None:
    """Delete the record of an upload whose file is removed."""
    session.execute(delete(Upload).where(Upload.key == key))


def _kept(session: Session, account_id: str) -> int:
    kept = session.scalar(select(func.sum(Upload.size)).where(Upload.account_id == account_id))
    return int(kept or 0)


def _check(kept: int, size: int, quota: int) -> None:
    if kept + size > quota:
        raise TooLarge(
            f"the uploads of this account come to {kept + size:,} bytes; at most {quota:,} are "
            "kept at a time"
        )
