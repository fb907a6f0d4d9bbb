"""API keys: `sk_`, 37 random characters and a checksum of 6 characters.

The checksum detects a mistyped key without a query. Keys are stored as HMAC-SHA256: random keys
need no slow hash. The hash depends on the newest secret of the installation. A key that was hashed
with an older secret is hashed again at its next use.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import string
import time
import uuid
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from ..db.models import Account, Key, SignInLink, StudioSession
from ..db.point_reads import AnyRow, PointRead
from ..errors import AuthenticationError, Forbidden, InvalidParameter, NotFound, StateConflict
from . import voices
from .formatting import DAY, moment

PREFIX = "sk_"
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM = 37
_CHECKSUM = 6
_MOST_DAYS = 36_500  # until a key expires


class Scope(StrEnum):
    """Permission of a key."""

    READ = "read"  # see tasks, voices and consents
    SPEAK = "speak"  # speak with the account's voices
    CLONE = "clone"  # make, change and delete voices, consents and uploads
    ACCOUNT = "account"  # manage keys, export and erase the account
    OPERATOR = "operator"  # see all accounts, the queue and the workers


USUAL = frozenset({Scope.READ, Scope.SPEAK, Scope.CLONE, Scope.ACCOUNT})
"""Scopes of a key that is created without a choice."""

LONGEST_OVERLAP = 30 * DAY
"""Most seconds for which a replaced secret of a key still works."""


def parse_scopes(names: Iterable[str]) -> frozenset[Scope]:
    """Return the scopes of some names.

    Raises:
        InvalidParameter: A name is unknown, or there are no names.
    """
    wanted = [name.strip().lower() for name in names if name.strip()]
    for name in wanted:
        if name not in tuple(Scope):
            raise InvalidParameter(
                f"{name[:40]!r} is not a scope; the scopes are {', '.join(Scope)}", param="scopes"
            )
    if not wanted:
        raise InvalidParameter(
            f"a key needs at least one scope; the scopes are {', '.join(Scope)}", param="scopes"
        )
    return frozenset(map(Scope, wanted))


def scopes_of(key: Key) -> frozenset[Scope]:
    """Return the scopes of a key."""
    return frozenset(map(Scope, key.scopes.split()))


def stored_scopes(scopes: Iterable[Scope]) -> str:
    """Return scopes as the database stores them: names in a fixed order with spaces between."""
    chosen = frozenset(scopes)
    return " ".join(scope for scope in Scope if scope in chosen)


@dataclass(frozen=True)
class Caller:
    """Key and account of a request."""

    key_id: str
    account_id: str
    scopes: frozenset[Scope]
    outdated: bool = False  # the stored hash depends on an older secret

    def require(self, *scopes: Scope) -> None:
        """Check that the key has one of `scopes`.

        Raises:
            Forbidden: The key has none of them.
        """
        if self.scopes.isdisjoint(scopes):
            raise Forbidden(
                f"this API key lacks the scope {' or '.join(scopes)}; its scopes are "
                f"{', '.join(stored_scopes(self.scopes).split())}"
            )


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


def secret_id(secret: bytes) -> str:
    """Return a name of a secret that reveals nothing about the secret."""
    return hmac.new(secret, b"soundclone secret id", hashlib.sha256).hexdigest()[:12]


def create(
    session: Session,
    secret: bytes,
    *,
    account_id: str,
    name: str,
    quota: int = 0,
    scopes: Iterable[Scope] = USUAL,
    expires_at: float | None = None,
) -> tuple[Key, str]:
    """Create a key for an account. Return the key and its text, which is not stored.

    Args:
        session: The transaction.
        secret: Newest secret of the service, which the hash depends on.
        account_id: The account.
        name: Name of the key.
        quota: Most micro-credits that the key may spend, 0 for no limit.
        scopes: Permissions of the key.
        expires_at: Unix time in seconds at which the key expires. None: never.

    Raises:
        NotFound: There is no such account.
        InvalidParameter: The quota is negative, the scopes are empty, or the expiry is past
            or more than 100 years ahead.
    """
    if session.get(Account, account_id) is None:
        raise NotFound(f"there is no account {account_id!r}")
    _check_quota(quota)
    _check_expiry(expires_at)
    text = generate()
    key = Key(
        id=f"key_{uuid.uuid4().hex}",
        account_id=account_id,
        name=name,
        display=_display(text),
        hash=digest(text, secret),
        secret_id=secret_id(secret),
        quota=quota,
        used=0,
        held=0,
        scopes=stored_scopes(parse_scopes(scopes)),
        created_at=time.time(),
        expires_at=expires_at,
    )
    session.add(key)
    session.flush()
    return key, text


def expiry_after(days: float) -> float:
    """Return the expiry of a key that lasts some days from now.

    Raises:
        InvalidParameter: The number is not above 0, or above 100 years.
    """
    _check_days(days)
    return time.time() + days * DAY


def rotate(session: Session, secret: bytes, reference: str, *, overlap: float) -> tuple[Key, str]:
    """Replace the text of a key. Return the key and its new text, which is not stored.

    Name, scopes, quota and expiry stay. The former text works for `overlap` more seconds. A text
    that an earlier rotation replaced stops working at once. Without an overlap, the studio's
    sessions and sign-in links of the key end too.

    Args:
        session: The transaction.
        secret: Newest secret of the service.
        reference: Id of the key, or its display prefix.
        overlap: Seconds, from 0 to `LONGEST_OVERLAP`.

    Raises:
        NotFound: There is no such key.
        StateConflict: The key was revoked or has expired.
        InvalidParameter: The overlap is out of range.
    """
    if not 0 <= overlap <= LONGEST_OVERLAP:
        raise InvalidParameter(
            f"the overlap is {overlap / 3600:g} hours; it must be from 0 to "
            f"{LONGEST_OVERLAP / 3600:g}",
            param="overlap",
        )
    key = find(session, reference)
    session.refresh(key, with_for_update=True)
    try:
        _check_valid(key.revoked_at, key.expires_at)
    except AuthenticationError as error:
        raise StateConflict(f"{error.message}; create a new key") from error
    text, now = generate(), time.time()
    key.previous_hash, key.previous_secret_id, key.previous_until = None, None, None
    if overlap:
        key.previous_hash, key.previous_secret_id = key.hash, key.secret_id
        key.previous_until = now + overlap
    else:
        ended = update(StudioSession).where(
            StudioSession.key_id == key.id, StudioSession.ended_at.is_(None)
        )
        session.execute(ended.values(ended_at=now))
        session.execute(delete(SignInLink).where(SignInLink.key_id == key.id))
    key.hash, key.secret_id, key.display = digest(text, secret), secret_id(secret), _display(text)
    session.flush()
    return key, text


CALLER = PointRead.of(
    lambda wanted: select(Key.id, Key.account_id, Key.scopes, Key.expires_at).where(
        Key.hash == wanted[0], Key.revoked_at.is_(None)
    ),
    "key",
)
"""Key by the hash of its current text with the newest secret, unless it is revoked."""


def caller_of(row: AnyRow | None) -> Caller | None:
    """Return the caller of a row of `CALLER`. None: `authenticate` finds out the reason."""
    if row is None or (row.expires_at is not None and row.expires_at <= time.time()):
        return None
    return Caller(row.id, row.account_id, frozenset(map(Scope, row.scopes.split())))


def authenticate(session: Session, secrets: Sequence[bytes], text: str) -> Caller:
    """Return the caller that a key belongs to.

    Args:
        session: A session for reading.
        secrets: Secrets of the service, the newest first.
        text: The key.

    Raises:
        AuthenticationError: The key is malformed or unknown, or no longer valid.
    """
    if not well_formed(text):
        raise AuthenticationError(_malformed(text))
    digests = [digest(text, secret) for secret in secrets]
    row = session.execute(
        select(
            Key.id,
            Key.account_id,
            Key.scopes,
            Key.hash,
            Key.secret_id,
            Key.previous_hash,
            Key.previous_secret_id,
            Key.previous_until,
            Key.revoked_at,
            Key.expires_at,
        ).where(or_(Key.hash.in_(digests), Key.previous_hash.in_(digests)))
    ).one_or_none()
    if row is None:
        raise AuthenticationError("the API key is not known to this service")
    _check_valid(row.revoked_at, row.expires_at)
    current = row.hash in digests
    if not current and (row.previous_until or 0) <= time.time():
        raise AuthenticationError(
            f"the API key was replaced, and stopped working on {moment(row.previous_until or 0)}; "
            "use its new text"
        )
    used = row.secret_id if current else row.previous_secret_id
    scopes = frozenset(map(Scope, row.scopes.split()))
    return Caller(row.id, row.account_id, scopes, outdated=used != secret_id(secrets[0]))


def rehash(session: Session, secrets: Sequence[bytes], text: str) -> None:
    """Store the hash of a key with the newest secret, and the name of that secret."""
    older = [digest(text, secret) for secret in secrets]
    hash, name = older[0], secret_id(secrets[0])
    session.execute(update(Key).where(Key.hash.in_(older)).values(hash=hash, secret_id=name))
    session.execute(
        update(Key)
        .where(Key.previous_hash.in_(older))
        .values(previous_hash=hash, previous_secret_id=name)
    )


def issue(
    session: Session,
    secret: bytes,
    issuer: Key,
    *,
    name: str,
    quota: int = 0,
    scopes: Iterable[Scope] | None = None,
    expires_at: float | None = None,
) -> tuple[Key, str]:
    """Create a key on behalf of another key of the account. Return the key and its text.

    Args:
        session: The transaction.
        secret: Newest secret of the service.
        issuer: Key that creates the new one.
        name: Name of the new key.
        quota: Most micro-credits that the new key may spend, 0 for no limit.
        scopes: Permissions of the new key. None: the usual ones that the issuer has.
        expires_at: Unix time in seconds at which the new key expires. None: with the issuer.

    Raises:
        Forbidden: The issuer has a quota, lacks one of the scopes, or expires earlier.
        InvalidParameter: The name or the scopes are empty, the quota is negative, or the expiry
            is past.
    """
    check_manages(issuer)
    name = checked_name(name)
    held = scopes_of(issuer)
    wanted = held & USUAL if scopes is None else parse_scopes(scopes)
    if missing := stored_scopes(wanted - held).split():
        raise Forbidden(
            f"key {issuer.display} lacks the scope {', '.join(missing)}, so it cannot create a key "
            "with that scope"
        )
    _check_expiry(expires_at)
    if issuer.expires_at is not None:
        expires_at = issuer.expires_at if expires_at is None else expires_at
        if expires_at > issuer.expires_at:
            raise Forbidden(
                f"key {issuer.display} expires on {moment(issuer.expires_at)}, so it cannot create "
                f"a key that expires on {moment(expires_at)}"
            )
    return create(
        session,
        secret,
        account_id=issuer.account_id,
        name=name,
        quota=quota,
        scopes=wanted,
        expires_at=expires_at,
    )


def checked_name(name: str) -> str:
    """Return the name of a key without surrounding white space. Raises InvalidParameter."""
    name = voices.checked_name(name)
    if not name:
        raise InvalidParameter("name is empty; a key needs a name", param="name")
    return name


def check_manages(issuer: Key) -> None:
    """Check that a key may create, rotate and revoke keys.

    Raises:
        Forbidden: The key has a quota, so it could create a key without one.
    """
    if issuer.quota:
        raise Forbidden(
            f"key {issuer.display} has a quota, so it cannot create, rotate or revoke keys; use a "
            "key without a quota"
        )


def check_covers(issuer: Key, other: Key) -> None:
    """Check that a key has the rights of another one, whose new text it will see.

    Raises:
        Forbidden: The other key has more scopes or expires later.
    """
    if not covers(issuer, other):
        raise Forbidden(
            f"key {other.display} has more scopes than key {issuer.display} or expires later, so "
            "it cannot be rotated with that key"
        )


def covers(holder: Key, other: Key) -> bool:
    """Tell whether a key has every scope of another one and lasts as long."""
    lasts = holder.expires_at is None or (
        other.expires_at is not None and other.expires_at <= holder.expires_at
    )
    return lasts and scopes_of(other) <= scopes_of(holder)


def name_secret(session: Session, secret: bytes) -> None:
    """Record a secret as that of all keys that an earlier release hashed.

    The caller does this before the first rotation, while the service has a single secret.
    """
    session.execute(update(Key).where(Key.secret_id.is_(None)).values(secret_id=secret_id(secret)))


def depending(session: Session, secret: bytes) -> Sequence[Key]:
    """Return the valid keys that are still hashed with a secret, or may be."""
    now = time.time()
    valid = Key.revoked_at.is_(None) & (Key.expires_at.is_(None) | (Key.expires_at > now))
    name = secret_id(secret)
    return session.scalars(
        select(Key)
        .where(
            valid,
            Key.secret_id.is_(None)
            | (Key.secret_id == name)
            | ((Key.previous_secret_id == name) & (Key.previous_until > now)),
        )
        .order_by(Key.created_at)
    ).all()


def _check_valid(revoked_at: float | None, expires_at: float | None) -> None:
    """Raise AuthenticationError if a key was revoked or has expired."""
    if revoked_at is not None:
        raise AuthenticationError(f"the API key was revoked on {moment(revoked_at)}")
    if expires_at is not None and expires_at <= time.time():
        raise AuthenticationError(f"the API key expired on {moment(expires_at)}")


def _display(text: str) -> str:
    return text[:9] + "…"


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
    """Return the key with an id. Raises AuthenticationError if the key is no longer valid."""
    key = session.get(Key, key_id)
    if key is None:
        raise AuthenticationError("the API key is not known to this service")
    _check_valid(key.revoked_at, key.expires_at)
    return key


def listing(session: Session, account_id: str) -> Sequence[Key]:
    """Return the account's keys, the newest first."""
    return session.scalars(
        select(Key).where(Key.account_id == account_id).order_by(Key.created_at.desc())
    ).all()


def get(session: Session, key_id: str, account_id: str | None) -> Key:
    """Return a key of an account, or of any account for None. Raises NotFound."""
    key = session.get(Key, key_id)
    if key is None or account_id not in (None, key.account_id):
        raise NotFound(f"there is no key {key_id[:12]!r} in this account")
    return key


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


def _check_expiry(expires_at: float | None) -> None:
    if expires_at is None:
        return
    left = expires_at - time.time()
    if left <= 0:
        raise InvalidParameter(
            f"the expiry {moment(max(0, expires_at))} is past; it must be a time to come",
            param="expires",
        )
    _check_days(left / DAY)


def _check_days(days: float) -> None:
    if not 0 < days <= _MOST_DAYS:
        raise InvalidParameter(
            f"a key cannot expire after {days:g} days; more than 0 and at most {_MOST_DAYS} are "
            "possible",
            param="expires",
        )


def _check_quota(quota: int) -> None:
    if quota < 0:
        raise InvalidParameter(
            "the quota is negative; it must be 0 (unlimited) or more", param="quota"
        )
