"""Consent of the speaker: declarations, and recordings of consent that an account keeps."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import delete as remove
from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from ..db.models import Consent
from ..errors import Expired, InvalidParameter, NotFound
from . import files, ledger
from .formatting import DAY, moment
from .requests import CloneRequest, ConsentRecord, ConsentSource, Source
from .voices import checked_name

MOST = 200  # consents of one account
LARGEST = 10 * 1024 * 1024  # bytes of a recording
LONGEST_SPEAKER = 200  # characters
LONGEST_PURPOSE = 200  # characters
LONGEST_TERM = 100 * 366 * DAY  # seconds from now to the end of a consent
STATEMENT = "a recording in which the speaker agrees was given with the voice"
STATEMENTS = {
    "own": "It is my own voice, and I agree that a synthetic voice is made of it.",
    "given": "The person who speaks has agreed that I make a synthetic voice of theirs, "
    "for what I use it for.",
}
"""Statement of each declaration, as the studio shows it."""

Declaration = Literal["own", "given"]
Policy = Literal["optional", "declared", "recorded", "verified"]

_ID = re.compile("cons_[0-9a-f]{32}")
_TAG = re.compile("[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,5}")
_BEGINNINGS = re.compile(
    rb"ID3|\xff[\xe0-\xff]|RIFF....WAVE|RF64....WAVE|OggS|fLaC|\x1a\x45\xdf\xa3|....ftyp", re.DOTALL
)


@dataclass(frozen=True)
class Terms:
    """Limits of a consent."""

    purpose: str = ""  # use that the speaker agrees to
    ends_at: float | None = None  # seconds since the epoch; None: never

    def within(self, other: Terms) -> Terms:
        """Return these terms limited by those of a recording: the earlier end counts."""
        ends = [each for each in (self.ends_at, other.ends_at) if each is not None]
        return Terms(self.purpose or other.purpose, min(ends, default=None))


@dataclass(frozen=True)
class Agreement:
    """Consent that a request for a voice gives."""

    statement: str
    key_id: str  # of the key that declares the consent
    speaker: str = ""  # empty: the owner of the key
    language: str = "en"  # of the statement
    source: Source | ConsentSource | None = None  # of the recording
    terms: Terms = Terms()

    def record(self) -> ConsentRecord:
        """Return the record for the voice, as of now."""
        return ConsentRecord(
            self.statement,
            self.language,
            self.speaker,
            round(time.time(), 3),
            self.key_id,
            self.source.consent_id if isinstance(self.source, ConsentSource) else None,
            self.terms.purpose,
            self.terms.ends_at,
        )


def declared(
    declaration: Declaration | None,
    speaker: str,
    *,
    key_id: str,
    source: Source | ConsentSource | None = None,
    terms: Terms = Terms(),
) -> Agreement:
    """Return the consent that a request declares, proves by a recording, or both.

    Raises InvalidParameter.
    """
    speaker = _printable(speaker)
    if len(speaker) > LONGEST_SPEAKER or (declaration == "given" and not speaker):
        raise InvalidParameter(
            f"consent.speaker has {len(speaker)} characters; the speaker's name, of at most "
            f"{LONGEST_SPEAKER}, is needed",
            param="consent.speaker",
        )
    if declaration is None and source is None:
        raise InvalidParameter(
            'consent has neither a declaration nor a recording; declaration is "own" or "given", '
            "recording is a cons_… id or a URL",
            param="consent",
        )
    statement = STATEMENT if declaration is None else STATEMENTS[declaration]
    return Agreement(statement, key_id, speaker, source=source, terms=terms)


def checked_terms(purpose: str | None, ends_at: float | None, *, prefix: str = "") -> Terms:
    """Return the terms of a consent that starts now.

    Args:
        purpose: Use that the speaker agrees to.
        ends_at: End in seconds since the epoch, None for never.
        prefix: Text before the names of the fields in errors.

    Raises:
        InvalidParameter: The purpose is too long, or the end is not in the future.
    """
    purpose = _printable(purpose or "")
    if len(purpose) > LONGEST_PURPOSE:
        raise InvalidParameter(
            f"{prefix}purpose has {len(purpose)} characters; at most {LONGEST_PURPOSE} are taken",
            param=f"{prefix}purpose",
        )
    now = time.time()
    if ends_at is not None and not now < ends_at <= now + LONGEST_TERM:
        raise InvalidParameter(
            f"the consent ends at {ends_at:.0f} in Unix seconds; the end must be in the future and "
            "at most 100 years away",
            param=f"{prefix}expiresAt" if prefix else "expires_at",
        )
    return Terms(purpose, ends_at)


def terms_of(consent: Consent) -> Terms:
    """Return the terms of a consent that the account keeps."""
    return Terms(consent.purpose, consent.ends_at)


def _printable(text: str) -> str:
    return "".join(each for each in text if each.isprintable()).strip()


def check_policy(policy: Policy, request: CloneRequest) -> None:
    """Check that a request gives the consent that this service requires.

    Raises:
        InvalidParameter: it gives less.
    """
    if policy in ("recorded", "verified") and request.consent_source is None:
        raise InvalidParameter(
            "consent.recording is missing; this service makes a voice only with a recording in "
            "which the speaker agrees",
            param="consent.recording",
        )
    if policy == "declared" and request.consent is None:
        raise InvalidParameter(
            "consent is missing; this service makes a voice only with a declaration of the "
            'speaker\'s consent, such as {"declaration": "own"}',
            param="consent",
        )


def source_of(consent: Consent) -> ConsentSource:
    """Return the source of a consent's recording."""
    return ConsentSource(consent.id, consent.recording)


def is_id(text: str) -> bool:
    """Tell an id of a consent from a URL."""
    return text.startswith("cons_")


def new(
    account_id: str, name: str, language: str, head: bytes, size: int, terms: Terms = Terms()
) -> Consent:
    """Check a consent and return its row, whose `recording` is the key for the file.

    Args:
        account_id: The account.
        name: Name of the consent.
        language: BCP 47 tag of the recording's language.
        head: First bytes of the recording.
        size: Bytes of the recording.
        terms: Purpose and end.

    Raises:
        InvalidParameter: A value is wrong.
    """
    if not _TAG.fullmatch(language):
        raise InvalidParameter(
            f"language is {language[:40]!r}; it must be a BCP 47 tag, such as en-US",
            param="language",
        )
    if not size:
        raise InvalidParameter(
            "recording is empty; it must be a recording of the speaker's words", param="recording"
        )
    if size > LARGEST:
        raise InvalidParameter(
            f"recording has {size:,} bytes; at most {LARGEST:,} are taken", param="recording"
        )
    if not _BEGINNINGS.match(head):
        raise InvalidParameter(
            "recording is no audio file that is taken here; it must be mp3, wav, ogg, aac, flac, "
            "webm or mp4",
            param="recording",
        )
    consent_id = f"cons_{uuid.uuid4().hex}"
    return Consent(
        id=consent_id,
        account_id=account_id,
        name=_named(name),
        language=language,
        recording=files.consent(account_id, consent_id),
        purpose=terms.purpose,
        ends_at=terms.ends_at,
        created_at=time.time(),
    )


def add(session: Session, consent: Consent) -> None:
    """Store a consent. Raises InvalidParameter if the account has too many."""
    ledger.lock(session, consent.account_id)
    kept = session.scalar(select(func.count()).where(Consent.account_id == consent.account_id))
    if int(kept or 0) >= MOST:
        raise InvalidParameter(
            f"this account has {MOST} consents, which is the most; delete those that no voice needs"
        )
    session.add(consent)


def get(session: Session, consent_id: str, account_id: str, *, param: str | None = None) -> Consent:
    """Return the account's consent.

    Raises:
        NotFound: The account has no such consent. The error names `param` as the wrong field.
    """
    consent = session.get(Consent, consent_id) if _ID.fullmatch(consent_id) else None
    if consent is None or consent.account_id != account_id:
        raise _not_found(consent_id, param)
    return consent


def _not_found(consent_id: str, param: str | None = None) -> NotFound:
    return NotFound(
        f"there is no consent {consent_id[:60]!r} in this account; "
        "POST /v1/audio/voice_consents makes one",
        param=param,
    )


def usable(
    session: Session, consent_id: str, account_id: str, *, param: str | None = None
) -> Consent:
    """Return the account's consent if a voice may be made with it.

    Raises:
        NotFound: The account has no such consent.
        Expired: The consent has ended. The error names `param` as the wrong field.
    """
    consent = get(session, consent_id, account_id, param=param)
    if consent.ends_at is not None and consent.ends_at <= time.time():
        raise Expired(
            f"consent {consent.id} ended on {moment(consent.ends_at)}; a new recording of the "
            "speaker's consent is needed",
            param=param,
        )
    return consent


def lock(session: Session, consent_id: str, account_id: str) -> Consent:
    """Return the account's consent as it is now, and lock it. Raises NotFound."""
    get(session, consent_id, account_id)
    consent = session.get(Consent, consent_id, with_for_update=True, populate_existing=True)
    if consent is None:  # another transaction has just deleted it
        raise _not_found(consent_id)
    return consent


def lock_usable(session: Session, consent_id: str, account_id: str) -> None:
    """Lock the kept consent of a request, so that no withdrawal overlooks the request's voice.

    Raises NotFound and Expired.
    """
    lock(session, consent_id, account_id)
    usable(session, consent_id, account_id)


def ended(session: Session, limit: int = 100) -> Sequence[str]:
    """Return the ids of consents that have ended and are not deleted yet."""
    return session.scalars(
        select(Consent.id).where(Consent.ends_at <= time.time()).limit(limit)
    ).all()


def listing(
    session: Session, account_id: str, *, after: str | None = None, limit: int = 20
) -> tuple[Sequence[Consent], bool]:
    """Return the consents that follow `after`, the newest first, and whether there are more.

    Raises NotFound for an unknown `after`.
    """
    query = select(Consent).where(Consent.account_id == account_id)
    place = tuple_(Consent.created_at, Consent.id)
    if after is not None:
        last = get(session, after, account_id)
        query = query.where(place < (last.created_at, last.id))
    query = query.order_by(Consent.created_at.desc(), Consent.id.desc())
    found = session.scalars(query.limit(limit + 1)).all()
    return found[:limit], len(found) > limit


def rename(session: Session, consent_id: str, account_id: str, name: str) -> Consent:
    """Rename a consent. Raises NotFound and InvalidParameter."""
    consent = get(session, consent_id, account_id)
    consent.name = _named(name)
    return consent


def delete(session: Session, consent_id: str) -> None:
    """Delete a consent whose recording is removed, if it is not deleted yet.

    `removal.withdraw_consent` comes first.
    """
    session.execute(remove(Consent).where(Consent.id == consent_id))


def _named(name: str) -> str:
    found = checked_name(name)
    if not found:
        raise InvalidParameter(
            "name is empty; it must be a name to know the consent by", param="name"
        )
    return found
