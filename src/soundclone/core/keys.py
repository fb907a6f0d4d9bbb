"""API keys: `sk_`, 37 random characters and a checksum of 6 characters.

The checksum detects a mistyped key without a query. Keys are stored as HMAC-SHA256: random keys
need no slow hash.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import string
import time
import uuid
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ..db.models import Account, Key
from ..errors import AuthenticationError, InvalidParameter, NotFound
from .formatting import moment

PREFIX = "sk_"
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM = 37
_CHECKSUM = 6


@dataclass(frozen=True)
class Caller:
    """Key and account of a request."""

    key_id: str
    account_id: str


def _checksum(body: str) -> str:
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(_CHECKSUM):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits


def generate() -> str:
    """Generate the text of a new key."""
    body = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return PREFIX + body + _checksum(body)


def well_formed(key: str) -> bool:
    """Tell whether a text has the form and the checksum of a key."""
    body = key.removeprefix(PREFIX)
    return (
        key.startswith(PREFIX)
        and key.isascii()
        and len(body) == _RANDOM + _CHECKSUM
        and hmac.compare_digest(_checksum(body[:_RANDOM]), body[_RANDOM:])
    )


def digest(key: str, secret: bytes) -> str:
    """Return the hash that is stored for a key."""
    return hmac.new(secret, key.encode(), hashlib.sha256).hexdigest()


def create(
    session: Session,
    secret: bytes,
    *,
    account_id: str,
    name: str,
    quota: int = 0,
    operator: bool = False,
) -> tuple[Key, str]:
    """Create a key for an account. Return the key and its text, which is not stored.

    Args:
        session: The transaction.
        secret: Secret of the service, which the hash depends on.
        account_id: The account.
        name: Name of the key.
        quota: Most micro-credits that the key may spend, 0 for no limit.
        operator: True if the key may see all accounts and the workers.

    Raises:
        NotFound: There is no such account.
        InvalidParameter: The quota is negative.
    """
    if session.get(Account, account_id) is None:
        raise NotFound(f"there is no account {account_id!r}")
    _check_quota(quota)
    text = generate()
    key = Key(
        id=f"key_{uuid.uuid4().hex}",
        account_id=account_id,
        name=name,
        display=text[:9] + "…",
        hash=digest(text, secret),
        quota=quota,
        used=0,
        held=0,
        operator=operator,
        created_at=time.time(),
    )
    session.add(key)
    session.flush()
    return key, text


def authenticate(session: Session, secret: bytes, text: str) -> Caller:
    """Return the caller that a key belongs to. Raises AuthenticationError."""
    if not well_formed(text):
        raise AuthenticationError(_malformed(text))
    row = session.execute(
        select(Key.id, Key.account_id, Key.revoked_at).where(Key.hash == digest(text, secret))
    ).one_or_none()
    if row is None:
        raise AuthenticationError("the API key is not known to this service")
    if row.revoked_at is not None:
        raise AuthenticationError(f"the API key was revoked on {moment(row.revoked_at)}")
    return Caller(row.id, row.account_id)


def _malformed(text: str) -> str:
    """Explain why a text is not a key. The message quotes nothing, since the text may be secret."""
    body, length = text.removeprefix(PREFIX), _RANDOM + _CHECKSUM
    if not text.startswith(PREFIX):
        return f"the API key is wrong: a key begins with {PREFIX}"
    if len(body) != length:
        return f"the API key has {len(body)} characters after {PREFIX}; a key has {length}"
    if not all(character in _ALPHABET for character in body):
        return f"the API key is wrong: only letters and digits follow {PREFIX} in a key"
    return (
        f"the API key is mistyped: its last {_CHECKSUM} characters do not match the {_RANDOM} "
        "before them"
    )


def holder(session: Session, key_id: str) -> Key:
    """Return the key with an id. Raises AuthenticationError if it is unknown or revoked."""
    key = session.get(Key, key_id)
    if key is None:
        raise AuthenticationError("the API key is not known to this service")
    if key.revoked_at is not None:
        raise AuthenticationError(f"the API key was revoked on {moment(key.revoked_at)}")
    return key


def listing(session: Session, account_id: str) -> Sequence[Key]:
    """Return the account's keys, the newest first."""
    return session.scalars(
        select(Key).where(Key.account_id == account_id).order_by(Key.created_at.desc())
    ).all()


def find(session: Session, reference: str) -> Key:
    """Return a key by its id, or by its display prefix if that is unique. Raises NotFound."""
    key = session.get(Key, reference)
    if key is None:
        alike = session.scalars(
            select(Key).where(Key.display == reference[:9].rstrip("…") + "…").limit(2)
        ).all()
        key = alike[0] if len(alike) == 1 else None
    if key is None:
        raise NotFound(f"there is no key {reference[:12]!r}; `soundclone keys list` shows them")
    return key


def revoke(session: Session, reference: str) -> Key:
    """Revoke a key. Raises NotFound."""
    key = find(session, reference)
    key.revoked_at = key.revoked_at or time.time()
    return key


def set_quota(session: Session, reference: str, quota: int) -> Key:
    """Set the most micro-credits that a key may spend, 0 for no limit. Raises NotFound."""
    _check_quota(quota)
    key = find(session, reference)
    session.execute(update(Key).where(Key.id == key.id).values(quota=quota))
    session.refresh(key)
    return key


def _check_quota(quota: int) -> None:
    if quota < 0:
        raise InvalidParameter(
            "the quota is negative; it must be 0 (unlimited) or more", param="quota"
        )
