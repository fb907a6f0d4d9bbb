"""Ids of voices that clients choose themselves, for APIs that let them."""

from __future__ import annotations

import re
import time

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..db.models import ClientVoiceId, Task, TaskKind, TaskStatus, Voice
from ..errors import InvalidParameter, NotFound, StateConflict
from . import ledger, voices
from .formatting import moment
from .voices import ACTIVE

SHORTEST, LONGEST = 8, 256
"""Numbers of characters of an id."""

_ID = re.compile(r"[A-Za-z][A-Za-z0-9_-]*[A-Za-z0-9]")


class VoiceIdTaken(StateConflict):
    """The account has, or had, a voice with this id."""

    word = "voice_id_taken"


class VoiceNotFound(NotFound):
    """The account has no voice with this id or name."""

    word = "voice_not_found"


def is_valid(voice_id: str) -> bool:
    """Tell whether a text has the form of an id that a client can choose."""
    long_enough = SHORTEST <= len(voice_id) <= LONGEST
    return long_enough and _ID.fullmatch(voice_id) is not None and not voices.is_id(voice_id)


def check(voice_id: str) -> None:
    """Check the form of an id.

    Raises:
        InvalidParameter: The id has another form, or that of the service's own ids.
    """
    if voices.is_id(voice_id):
        raise InvalidParameter(
            f"voice_id is {voice_id!r}, which looks like an id of this service's own; choose "
            "another one",
            param="voice_id",
        )
    if not is_valid(voice_id):
        raise InvalidParameter(
            f"voice_id is {voice_id[:60]!r}; it must have {SHORTEST} to {LONGEST} characters: "
            "letters, digits, '-' and '_', with a letter first and a letter or a digit last",
            param="voice_id",
        )


def claim(session: Session, account_id: str, voice_id: str, request_hash: str) -> Task | None:
    """Lock the account, and check that a new voice may have the id.

    The id of a preview that failed, and of a voice that expired unused, is free again.

    Returns:
        The running task of an equal request, whose voice gets the id. None: the id is free.

    Raises:
        VoiceIdTaken: The account has a voice with this id, deleted one, or is making one.
    """
    ledger.lock(session, account_id)
    row = session.get(ClientVoiceId, (voice_id, account_id))
    if row is None:
        return None
    voice = session.get(Voice, row.voice_id)
    if voice is not None:
        deleted = voice.deleted_at or voice.withdrawn_at
        if deleted is not None:
            raise VoiceIdTaken(
                f"voice {voice_id!r} was deleted on {moment(deleted)}; its id cannot be used "
                "again, choose another voice_id",
                param="voice_id",
            )
        if voice.expires_at is not None and voice.expires_at <= time.time():
            return None
        raise VoiceIdTaken(
            f"this account has a voice {voice_id!r} already; choose another voice_id, or delete "
            "that voice and choose another one",
            param="voice_id",
        )
    task = session.scalar(
        select(Task).where(Task.voice_id == row.voice_id, Task.kind == TaskKind.CLONE)
    )
    if task is None or TaskStatus(task.status) not in ACTIVE:
        return None
    if task.request_hash != request_hash:
        raise VoiceIdTaken(
            f"voice {voice_id!r} is being made from another request; choose another voice_id",
            param="voice_id",
        )
    return task


def assign(session: Session, account_id: str, voice_id: str, model_id: str) -> None:
    """Give a claimed id to the voice that a preview makes."""
    session.merge(
        ClientVoiceId(id=voice_id, account_id=account_id, voice_id=model_id, created_at=time.time())
    )


def resolve(session: Session, account_id: str, voice_id: str) -> str:
    """Return the service's id of the voice with a chosen id, a service's id or a name.

    Raises:
        VoiceNotFound: The account has no such voice.
        InvalidParameter: Several voices have the name.
    """
    if is_valid(voice_id):
        row = session.get(ClientVoiceId, (voice_id, account_id))
        if row is not None:
            if session.get(Voice, row.voice_id) is None:
                raise VoiceNotFound(
                    f"voice {voice_id!r} is not made yet, or could not be made; clone it first",
                    param="voice_id",
                )
            return row.voice_id
    if voices.is_id(voice_id):
        own = session.get(Voice, voice_id)
        if own is not None and own.account_id == account_id:
            return voice_id
    found = voices.named(session, voice_id, account_id)
    if len(found) > 1:
        raise InvalidParameter(
            f"{len(found)} voices have the name {voice_id[:60]!r}; use one of their ids: "
            + ", ".join(each.id for each in found[:10]),
            param="voice_id",
        )
    if not found:
        near = voices.near(session, voice_id, account_id)
        hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "clone a voice first"
        raise VoiceNotFound(
            f"there is no voice {voice_id[:60]!r} in this account, and there are no built-in "
            f"voices; {hint}",
            param="voice_id",
        )
    return found[0].id


def chosen(session: Session, account_id: str) -> dict[str, str]:
    """Return the chosen ids of the account's voices, by the service's ids."""
    rows = session.execute(
        select(ClientVoiceId.voice_id, ClientVoiceId.id).where(
            ClientVoiceId.account_id == account_id
        )
    )
    return {row.voice_id: row.id for row in rows}
