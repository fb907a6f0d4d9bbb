"""Voices of an account: lookup, names, lifetime."""

from __future__ import annotations

import re
import time
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from sqlalchemy import ColumnElement, Exists, Select, bindparam, exists, select, tuple_, update
from sqlalchemy.orm import Session

from ..db.models import Task, TaskStatus, TaskVoice, Voice, table_of
from ..errors import Deleted, Expired, InvalidParameter, NotFound
from . import audit
from .formatting import moment

ACTIVE = (TaskStatus.QUEUED, TaskStatus.PROCESSING)
LONGEST_NAME = 80  # characters
LONGEST_TAG = 30  # characters
MOST_TAGS = 12  # of a voice
_COMPARED = 1000  # names to search for a similar one

_ID = re.compile("model_[0-9a-f]{32}")
_UNFIT = re.compile("[\0-\x1f\x7f\ud800-\udfff]")  # in a name; some are invalid in any column

# A constant, because building the statement takes longer than executing it.
_VOICES = table_of(Voice)
_ACTIVATE = (
    update(_VOICES)
    .where(
        _VOICES.c.id == bindparam("voice"),
        _VOICES.c.activated_at.is_(None),
        _VOICES.c.deleted_at.is_(None),
    )
    .values(activated_at=bindparam("now"), expires_at=_VOICES.c.consent_ends_at)
)
_TASKS = table_of(Task)
INACTIVE = (
    exists()
    .where(
        _VOICES.c.id == _TASKS.c.voice_id,
        _VOICES.c.activated_at.is_(None),
        _VOICES.c.deleted_at.is_(None),
    )
    .correlate(_TASKS)
    .label("inactive")
)
"""Condition of tasks whose voice `activate` keeps."""


def is_id(text: str) -> bool:
    """Tell whether a text has the form of a voice's id."""
    return _ID.fullmatch(text) is not None


def get(session: Session, voice_id: str, account_id: str, *, param: str | None = None) -> Voice:
    """Return the account's voice, also an expired one.

    Raises:
        NotFound: The account has no such voice. The error names `param` as the wrong field.
    """
    voice = session.get(Voice, voice_id) if is_id(voice_id) else None
    if voice is None or voice.account_id != account_id:
        raise _not_found(voice_id, param)
    return voice


def _not_found(voice_id: str, param: str | None = None) -> NotFound:
    return NotFound(
        f"there is no voice {voice_id[:60]!r} in this account; the list of voices has their ids",
        param=param,
    )


def lock(session: Session, voice_ids: Iterable[str]) -> dict[str, Voice]:
    """Return the voices that exist by their ids, and lock them until the transaction ends."""
    wanted = sorted(filter(is_id, set(voice_ids)))
    if not wanted:
        return {}
    found = session.scalars(
        select(Voice)
        .where(Voice.id.in_(wanted))
        .order_by(Voice.id)  # every transaction locks in this order
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {voice.id: voice for voice in found}


def checked(voice: Voice | None, voice_id: str, account_id: str) -> Voice:
    """Return the voice with an id if it is the account's and may be used.

    Raises NotFound, Deleted and Expired.
    """
    if voice is None or voice.account_id != account_id:
        raise _not_found(voice_id)
    _check_not_over(voice)
    return voice


def usable(session: Session, voice_id: str, account_id: str) -> Voice:
    """Return the account's voice if it may be used, and lock it until the transaction ends.

    Raises NotFound, Deleted and Expired.
    """
    return checked(lock(session, [voice_id]).get(voice_id), voice_id, account_id)


def _check_not_over(voice: Voice) -> None:
    """Raise Deleted or Expired if the voice is over."""
    if voice.expires_at is None or voice.expires_at > time.time():
        return
    ended = voice.withdrawn_at or voice.consent_ends_at
    if ended is not None and ended <= time.time():
        raise Deleted(
            f"voice {voice.id} was deleted, because the speaker's consent ended on {moment(ended)}"
        )
    if voice.deleted_at is not None:
        raise Deleted(f"voice {voice.id} was deleted on {moment(voice.deleted_at)}")
    raise Expired(
        f"voice {voice.id} expired on {moment(voice.expires_at)}: no production task used it "
        f"after {moment(voice.created_at)}, when it was made; clone the recording again"
    )


def activate(session: Session, voice_id: str) -> None:
    """Keep the voice until its consent ends, after its first speech task."""
    session.execute(_ACTIVATE, {"voice": voice_id, "now": time.time()})


def record_version(session: Session, voice_id: str, engine: str, engine_version: str) -> bool:
    """Record the version of the voice's engine that last made the voice.

    Return False if the voice was deleted meanwhile. Then the caller removes what it wrote.
    """
    session.execute(
        update(Voice)
        .where(Voice.id == voice_id, Voice.engine == engine)
        .values(engine_version=engine_version)
    )
    deleted = session.scalar(select(Voice.deleted_at).where(Voice.id == voice_id))
    return deleted is None


def listing(session: Session, account_id: str) -> Sequence[Voice]:
    """Return the account's usable voices, the newest first."""
    return session.scalars(_valid(account_id)).all()


def page(
    session: Session, account_id: str, *, after: str | None = None, limit: int | None = None
) -> tuple[Sequence[Voice], bool]:
    """Return the usable voices that follow `after`, the newest first, and whether there are more.

    Raises NotFound for an unknown `after`.
    """
    query = _valid(account_id)
    if after is not None:
        last = get(session, after, account_id)
        query = query.where(tuple_(Voice.created_at, Voice.id) < (last.created_at, last.id))
    if limit is None:
        return session.scalars(query).all(), False
    found = session.scalars(query.limit(limit + 1)).all()
    return found[:limit], len(found) > limit


def called(session: Session, names: Collection[str], account_id: str) -> Sequence[Voice]:
    """Return the account's usable voices whose id or exact name is one of `names`."""
    wanted = [name for name in names if not _UNFIT.search(name)]
    query = _valid(account_id).where(Voice.id.in_(wanted) | Voice.name.in_(wanted))
    return session.scalars(query).all()


def current(session: Session, voice_id: str, account_id: str) -> Voice:
    """Return the account's voice if it may be used. Raises NotFound, Deleted and Expired."""
    voice = get(session, voice_id, account_id)
    _check_not_over(voice)
    return voice


def named(session: Session, name: str, account_id: str) -> Sequence[Voice]:
    """Return the account's usable voices with a name, the newest first.

    The case of letters counts only if there is a voice of exactly that name.
    """
    if _UNFIT.search(name):
        return []
    found = session.scalars(_valid(account_id).where(Voice.name == name)).all()
    if found or not name:
        return found
    alike = [id for id, other in _names(session, account_id) if _folded(other) == _folded(name)]
    return session.scalars(_valid(account_id).where(Voice.id.in_(alike[:100]))).all()


def near(session: Session, name: str, account_id: str) -> list[str]:
    """Return at most three names of the account's voices that are similar to `name`."""
    names = {_folded(other): other for _, other in _names(session, account_id)}
    # Cut off, because the time grows with the square of the length.
    close = get_close_matches(_folded(name[:LONGEST_NAME]), names, n=3, cutoff=0.7)
    return [names[each] for each in close]


def _names(session: Session, account_id: str) -> list[tuple[str, str]]:
    """Return ids and names of the account's voices that have a name."""
    query = _valid(account_id).with_only_columns(Voice.id, Voice.name)
    found = session.execute(query.where(Voice.name.is_not(None)).limit(_COMPARED))
    return [(row.id, row.name) for row in found]


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def _valid(account_id: str) -> Select[Voice]:
    valid = Voice.expires_at.is_(None) | (Voice.expires_at > time.time())
    query = select(Voice).where(Voice.account_id == account_id, valid)
    return query.order_by(Voice.created_at.desc(), Voice.id.desc())


class Order(StrEnum):
    """Order of a list of voices."""

    NEWEST = "newest"
    OLDEST = "oldest"
    NAME = "name"


@dataclass(frozen=True)
class Selection:
    """Voices that a search found, and the tags to narrow the search with."""

    voices: Sequence[Voice]
    total: int  # voices that were found, on all pages
    tags: Mapping[str, int]  # number of the account's voices by tag, in the order of the tags


def search(
    session: Session,
    account_id: str,
    *,
    text: str = "",
    tag: str = "",
    order: Order = Order.NEWEST,
    offset: int = 0,
    limit: int = 24,
) -> Selection:
    """Return a part of the account's usable voices.

    Args:
        session: The transaction.
        account_id: The account.
        text: Words that the name, the id or a tag of a voice must contain, in any case.
        tag: Tag that a voice must have.
        order: Order of the voices. Voices without a name come last in the order of names.
        offset: Voices to skip.
        limit: Maximum number of voices to return.
    """
    everything = listing(session, account_id)
    tags = Counter(each for voice in everything for each in voice.tags or ())
    words = _folded(text).split()
    found = [
        voice
        for voice in everything
        if (not tag or tag in (voice.tags or ())) and all(word in _text(voice) for word in words)
    ]
    if order == Order.OLDEST:
        found.reverse()
    elif order == Order.NAME:
        found.sort(key=lambda voice: (not voice.name, _folded(voice.name or "")))
    return Selection(found[offset : offset + limit], len(found), dict(sorted(tags.items())))


def _text(voice: Voice) -> str:
    """Return the text that a search looks in."""
    return _folded(" ".join((voice.name or "", voice.id, *(voice.tags or ()))))


def change(
    session: Session,
    voice_id: str,
    account_id: str,
    *,
    name: str | None = None,
    tags: Sequence[str] | None = None,
) -> Voice:
    """Change the name or the tags of a voice. None keeps a value, an empty one removes it.

    Raises NotFound, Deleted, Expired and InvalidParameter.
    """
    voice = usable(session, voice_id, account_id)
    if name is not None:
        voice.name = checked_name(name) or None
    if tags is not None:
        voice.tags = checked_tags(tags) or None
    return voice


def checked_tags(tags: Iterable[str]) -> list[str]:
    """Return tags without surrounding white space and repetitions, sorted.

    Raises InvalidParameter.
    """
    found = sorted({each.strip() for each in tags} - {""})
    if len(found) > MOST_TAGS:
        raise InvalidParameter(
            f"tags has {len(found)} tags; at most {MOST_TAGS} are taken", param="tags"
        )
    for tag in found:
        if len(tag) > LONGEST_TAG:
            raise InvalidParameter(
                f"tag {tag[:LONGEST_TAG]!r}… has {len(tag)} characters; at most {LONGEST_TAG} are "
                "taken",
                param="tags",
            )
        if _UNFIT.search(tag) or "," in tag:
            raise InvalidParameter(
                f"tag {tag!r} has control characters, a comma or halves of surrogate pairs; "
                "letters and signs will do",
                param="tags",
            )
    return found


def checked_name(name: str) -> str:
    """Return a name without surrounding white space. Raises InvalidParameter."""
    name = name.strip()
    if len(name) > LONGEST_NAME:
        raise InvalidParameter(
            f"name has {len(name)} characters; at most {LONGEST_NAME} are taken", param="name"
        )
    if _UNFIT.search(name):
        raise InvalidParameter(
            "name has control characters or halves of surrogate pairs; letters and signs will do",
            param="name",
        )
    return name


def expired(session: Session, limit: int = 100) -> Sequence[str]:
    """Return the ids of voices whose files must be removed.

    A voice stays for the tasks that were accepted before it expired.
    """
    busy = exists().where(Task.voice_id == Voice.id, Task.status.in_(ACTIVE))
    beside = _beside().where(TaskVoice.voice_id == Voice.id)
    return session.scalars(
        select(Voice.id)
        .where(Voice.expires_at <= time.time(), Voice.purged_at.is_(None), ~busy, ~beside)
        .limit(limit)
    ).all()


def consent_ended(session: Session, limit: int = 100) -> Sequence[tuple[str, str]]:
    """Return the voices whose consent has ended and which are still there, with their accounts."""
    return [
        (row.id, row.account_id)
        for row in session.execute(
            select(Voice.id, Voice.account_id)
            .where(Voice.consent_ends_at <= time.time(), Voice.withdrawn_at.is_(None))
            .limit(limit)
        )
    ]


def mark_purged(session: Session, voice_id: str) -> None:
    """Record that the files of the voice are removed, and in the audit log that it expired."""
    voice = session.get(Voice, voice_id)
    if voice is not None and voice.deleted_at is None and voice.purged_at is None:
        audit.record(
            session,
            audit.Event.DELETED,
            audit.SERVICE,
            voice_id=voice_id,
            account_id=voice.account_id,
            detail="expired",
        )
    session.execute(update(Voice).where(Voice.id == voice_id).values(purged_at=time.time()))


def in_use(session: Session, voice_id: str) -> bool:
    """Tell whether a task that has not ended uses the voice."""
    own = exists().where(Task.voice_id == voice_id, Task.status.in_(ACTIVE))
    return bool(session.scalar(select(own | _beside().where(TaskVoice.voice_id == voice_id))))


def _beside() -> Exists:
    """Return the condition that a task which has not ended speaks with a voice beside its own."""
    return exists().where(TaskVoice.task_id == Task.id, Task.status.in_(ACTIVE))


def tasks_with(voice_ids: Collection[str]) -> ColumnElement[bool]:
    """Return the condition of tasks that one of the voices speaks in."""
    beside = select(TaskVoice.task_id).where(TaskVoice.voice_id.in_(voice_ids))
    return Task.voice_id.in_(voice_ids) | Task.id.in_(beside)
