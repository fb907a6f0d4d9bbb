"""Voices that may not be cloned, as embeddings without recordings."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..db.models import Account, ProtectedVoice
from ..errors import NotFound
from . import audit
from .audit import Event
from .voices import checked_name


@dataclass(frozen=True)
class Embeddings:
    """Embeddings of a speaker, as the database stores them."""

    encoder: str  # version of the network
    whole: bytes  # float32
    telephone: bytes  # float32
    narrow: bool
    speech_seconds: float


def protect(session: Session, name: str, embeddings: Embeddings) -> ProtectedVoice:
    """Store a protected voice. Raises InvalidParameter for a wrong name."""
    voice = ProtectedVoice(
        id=f"prot_{uuid.uuid4().hex}",
        name=checked_name(name),
        allowed=[],
        created_at=time.time(),
        **vars(embeddings),
    )
    session.add(voice)
    session.flush()
    audit.record(session, Event.PROTECTED, audit.OPERATOR, voice_id=voice.id)
    return voice


def listing(session: Session) -> Sequence[ProtectedVoice]:
    """Return all protected voices, the newest first."""
    return session.scalars(
        select(ProtectedVoice).order_by(ProtectedVoice.created_at.desc(), ProtectedVoice.id)
    ).all()


def guarded_from(session: Session, account_id: str, encoder: str) -> Sequence[ProtectedVoice]:
    """Return the voices that an account may not clone and whose embeddings an encoder made."""
    found = session.scalars(select(ProtectedVoice).where(ProtectedVoice.encoder == encoder))
    return [voice for voice in found if account_id not in voice.allowed]


def remove(session: Session, protected_id: str) -> None:
    """Delete a protected voice. Raises NotFound."""
    session.delete(_get(session, protected_id))
    audit.record(session, Event.UNPROTECTED, audit.OPERATOR, voice_id=protected_id)


def allow(
    session: Session, protected_id: str, account_id: str, *, allowed: bool = True
) -> ProtectedVoice:
    """Let an account clone a protected voice, or revoke that permission. Raises NotFound."""
    voice = _get(session, protected_id)
    if session.get(Account, account_id) is None:
        raise NotFound(f"there is no account {account_id!r}; `soundclone keys list` shows them")
    others = [each for each in voice.allowed if each != account_id]
    voice.allowed = [*others, account_id] if allowed else others
    event = Event.ALLOWED if allowed else Event.DISALLOWED
    audit.record(session, event, audit.OPERATOR, voice_id=voice.id, account_id=account_id)
    return voice


def _get(session: Session, protected_id: str) -> ProtectedVoice:
    voice = session.get(ProtectedVoice, protected_id, with_for_update=True)
    if voice is None:
        raise NotFound(
            f"there is no protected voice {protected_id[:60]!r}; `soundclone voices protected` "
            "lists them"
        )
    return voice
