"""Sessions of people who signed in to the studio, with a key or by a link that works once.

A session ends at sign-out, with its key, or after `LONGEST` seconds. Only a hash of its identifier
is stored, so a copy of the database opens no session.
"""

from __future__ import annotations

import hashlib
import secrets
import time

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from ..db.models import Key, SignInLink, StudioSession
from ..errors import AuthenticationError
from . import keys

IDLE = 12 * 3600  # seconds that a session lasts without a request
LONGEST = 7 * 86_400  # seconds that a session lasts at most
LINK = 600  # seconds that a sign-in link lasts


def begin(session: Session, key_id: str) -> tuple[str, float]:
    """Start a session. Return its identifier, which is not stored, and its expiry."""
    identifier, now = secrets.token_hex(16), time.time()
    row = StudioSession(
        hash=_digest(identifier),
        key_id=key_id,
        created_at=now,
        seen_at=now,
        expires_at=now + IDLE,
        ended_at=None,
    )
    session.add(row)
    return identifier, row.expires_at


def find(session: Session, identifier: str) -> tuple[StudioSession, Key]:
    """Return a running session and its key. Raises AuthenticationError."""
    row = session.get(StudioSession, _digest(identifier))
    if row is None or row.ended_at is not None or row.expires_at <= time.time():
        raise AuthenticationError("the session has ended; sign in with an API key")
    return row, keys.holder(session, row.key_id)


def extend(session: Session, identifier: str) -> float | None:
    """Extend a running session by `IDLE` seconds, up to `LONGEST` in all.

    Return the new expiry, or None if the session has ended.
    """
    now = time.time()
    row = session.scalars(
        select(StudioSession).where(
            StudioSession.hash == _digest(identifier),
            StudioSession.ended_at.is_(None),
            StudioSession.expires_at > now,
        )
    ).one_or_none()
    if row is None:
        return None
    row.seen_at = now
    row.expires_at = min(now + IDLE, row.created_at + LONGEST)
    return row.expires_at


def end(session: Session, identifier: str) -> None:
    """End one session."""
    _end(session, StudioSession.hash == _digest(identifier))


def end_all(session: Session, key_id: str) -> None:
    """End every session that was opened with a key."""
    _end(session, StudioSession.key_id == key_id)


def issue_link(session: Session, key_id: str) -> tuple[str, float]:
    """Make a sign-in link for a key. Returns the link's token, which is not stored, and expiry."""
    token = secrets.token_urlsafe(32)
    expires = time.time() + LINK
    session.add(SignInLink(hash=_digest(token), key_id=key_id, expires_at=expires))
    return token, expires


def redeem_link(session: Session, token: str) -> str:
    """Use up a sign-in link. Returns the id of its key.

    Raises:
        AuthenticationError: The link was used before or has expired, or its key was revoked.
    """
    # One statement, so that of two requests with the same token only one finds the row.
    key_id = session.scalar(
        delete(SignInLink)
        .where(SignInLink.hash == _digest(token), SignInLink.expires_at > time.time())
        .returning(SignInLink.key_id)
    )
    if key_id is None:
        raise AuthenticationError(
            "the sign-in link was used or has expired; sign in with an API key"
        )
    return keys.holder(session, key_id).id


def delete_ended(session: Session) -> None:
    """Delete the sessions that have ended and the sign-in links that have expired."""
    now = time.time()
    session.execute(delete(SignInLink).where(SignInLink.expires_at <= now))
    session.execute(
        delete(StudioSession).where(
            StudioSession.ended_at.is_not(None) | (StudioSession.expires_at <= now)
        )
    )


def _end(session: Session, condition: ColumnElement[bool]) -> None:
    session.execute(
        update(StudioSession)
        .where(condition, StudioSession.ended_at.is_(None))
        .values(ended_at=time.time())
    )


def _digest(identifier: str) -> str:
    return hashlib.sha256(identifier.encode(errors="backslashreplace")).hexdigest()
