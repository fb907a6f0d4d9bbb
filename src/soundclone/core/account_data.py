"""Everything that the database knows of an account: export, closing and erasure.

`ERASED` and `KEPT` name each table that refers to an account. A test compares them with the schema,
so that a new table cannot be forgotten.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Table, delete, func, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from ..db.models import (
    Account,
    Base,
    Block,
    ClientVoiceId,
    Consent,
    Creation,
    Key,
    NumberedFile,
    Project,
    ProjectDictionary,
    Render,
    SignInLink,
    StudioSession,
    Take,
    Task,
    TaskKind,
    TaskVoice,
    Transfer,
    Upload,
    UploadReservation,
    Voice,
)
from ..db.session import affected
from ..errors import NotFound, TaskCancelled
from . import audit, dictionaries, files, ledger, register, results, tasks, webhooks
from .audit import Actor, Event
from .pricing import to_credits
from .voices import ACTIVE

ERASED = frozenset(
    {
        "blocks",
        "client_voice_ids",
        "consents",
        "creations",
        "dictionaries",
        "keys",
        "numbered_files",
        "project_dictionaries",
        "projects",
        "renders",
        "sign_in_links",
        "studio_sessions",
        "takes",
        "task_voices",
        "tasks",
        "upload_reservations",
        "uploads",
        "voices",
        "webhook_deliveries",
        "webhook_endpoints",
        "webhook_events",
    }
)
"""Tables whose rows of an account are deleted."""

KEPT = frozenset({"accounts", "audit_log", "transfers", "usage_days", "voice_days"})
"""Tables whose rows stay, without names and notes."""

ERASED_NAME = "erased"
"""Name of an account that was erased."""

# Hashes and encrypted secrets could be attacked offline. Those of requests say nothing to the
# account.
_PRIVATE = frozenset(
    {
        "hash",
        "secret_id",
        "previous_hash",
        "previous_secret_id",
        "request_hash",
        "secret",
        "previous_secret",
    }
)
_TRANSIENT = frozenset({"upload_reservations"})
_LEAVE = 60.0  # seconds in which the worker of a cancelled task notices the end of the task


@dataclass(frozen=True)
class Holdings:
    """Ids of the tasks, voices, uploads and consents of an account."""

    account_id: str
    tasks: tuple[str, ...]
    voices: tuple[str, ...]
    uploads: tuple[str, ...]  # keys in the object store
    consents: tuple[str, ...]  # keys in the object store

    def folders(self) -> list[str]:
        """Return the folders of the account's files in the object store."""
        found = [files.voice_folder(each) for each in self.voices]
        for task in self.tasks:
            found += [files.result_folder(task), files.work_folder(task)]
        found += [files.upload_folder(each) for each in self.uploads]
        return [*found, files.consent_folder(self.account_id)]


@dataclass(frozen=True)
class Erased:
    """Rows that an erasure deleted, and amounts that the ledger keeps."""

    tasks: int
    voices: int
    uploads: int
    consents: int
    keys: int
    sessions: int
    ledger_lines: int
    credits: float  # that the account had left


def find(session: Session, account_id: str) -> Account:
    """Return an account. Raises NotFound, also for an account that was erased."""
    account = session.get(Account, account_id)
    if account is None:
        raise NotFound(f"there is no account {account_id[:60]!r}")
    if account.erased_at is not None:
        raise NotFound(f"account {account_id} was erased")
    return account


def holdings(session: Session, account_id: str) -> Holdings:
    """Return the ids of everything that an account owns."""

    def of(
        column: InstrumentedAttribute[str], owner: InstrumentedAttribute[str]
    ) -> tuple[str, ...]:
        return tuple(session.scalars(select(column).where(owner == account_id).distinct()))

    # A preview that has not ended makes a voice that has no row yet.
    previews = session.scalars(
        select(Task.voice_id).where(Task.account_id == account_id, Task.kind == TaskKind.CLONE)
    )
    return Holdings(
        account_id,
        of(Task.id, Task.account_id),
        tuple(dict.fromkeys((*of(Voice.id, Voice.account_id), *previews))),
        of(Upload.key, Upload.account_id),
        of(Consent.recording, Consent.account_id),
    )


def exported_tables() -> list[Table]:
    """Return the tables of an export: all with rows of accounts, except transient ones."""
    tables = [
        table
        for table in Base.metadata.sorted_tables
        if (table.name == "accounts" or "account_id" in table.c) and table.name not in _TRANSIENT
    ]
    return sorted(tables, key=lambda table: table.name)


def rows(
    session: Session, table: Table, account_id: str, after: object = None, limit: int = 500
) -> tuple[list[dict[str, object]], object]:
    """Return a batch of an account's rows of a table, without hashes.

    Returns:
        The rows as JSON objects, and the place to continue after. None: there are no more rows.
    """
    # The account is the same in all rows, so the rest of a key orders them.
    columns = list(table.primary_key.columns)
    key = next((each for each in columns if each.name != "account_id"), columns[0])
    owner = table.c.id if table.name == "accounts" else table.c.account_id
    query = select(table).where(owner == account_id).order_by(key).limit(limit)
    if after is not None:
        query = query.where(key > after)
    found = [dict(row) for row in session.execute(query).mappings()]
    following = found[-1][key.name] if len(found) == limit else None
    return [
        {name: value for name, value in row.items() if name not in _PRIVATE} for row in found
    ], following


def close(session: Session, account_id: str) -> tuple[str, ...]:
    """Revoke an account's keys, end its sessions, and cancel its tasks.

    Afterwards nothing new can belong to the account. Return the ids of the tasks that had not
    ended. Their money is released.

    Raises:
        NotFound: There is no such account, or it was erased.
    """
    find(session, account_id)
    # Lock tasks before the account, as all transactions do, to avoid deadlocks.
    active = select(Task.id).where(Task.account_id == account_id, Task.status.in_(ACTIVE))
    session.scalars(active.order_by(Task.id).with_for_update()).all()
    ledger.lock(session, account_id)
    now = time.time()
    session.execute(
        update(Key)
        .where(Key.account_id == account_id, Key.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    running = tuple(session.scalars(active.order_by(Task.id)))
    for task_id in running:
        tasks.fail(session, task_id, TaskCancelled("the account was erased"), keep=_LEAVE)
    return running


def erase(
    session: Session, account_id: str, running: Collection[str], actor: Actor = audit.OPERATOR
) -> Erased:
    """Delete the rows of a closed account whose files are removed.

    The ledger keeps amounts, ids and times. A task in `running`, whose worker has not left it,
    keeps a row without any text, so that the sweep removes what the worker still writes.
    """
    existing = select(Voice.id).where(
        Voice.account_id == account_id, Voice.deleted_at.is_(None), Voice.purged_at.is_(None)
    )
    for voice_id in session.scalars(existing).all():
        audit.record(
            session,
            Event.DELETED,
            actor,
            voice_id=voice_id,
            account_id=account_id,
            detail="account erased",
        )
    lines = session.scalar(
        select(func.count()).select_from(Transfer).where(Transfer.account_id == account_id)
    )
    left = ledger.balance(session, account_id).available
    own_keys = select(Key.id).where(Key.account_id == account_id)
    ended = [
        session.execute(delete(table).where(table.key_id.in_(own_keys)))
        for table in (StudioSession, SignInLink)
    ]
    webhooks.erase(session, account_id)
    session.execute(delete(ClientVoiceId).where(ClientVoiceId.account_id == account_id))
    dictionaries.remove(session, account_id)
    session.execute(delete(NumberedFile).where(NumberedFile.account_id == account_id))
    for table in (Creation, Take, Render, Block, ProjectDictionary, Project):
        session.execute(delete(table).where(table.account_id == account_id))
    late = list(running)
    late_voices = select(Task.voice_id).where(Task.id.in_(late))
    late_others = select(TaskVoice.voice_id).where(TaskVoice.task_id.in_(late))
    now = time.time()
    counts = {
        name: session.execute(statement)
        for name, statement in {
            "voices": delete(Voice).where(
                Voice.account_id == account_id,
                Voice.id.not_in(late_voices.union(late_others)),
            ),
            "uploads": delete(Upload).where(Upload.account_id == account_id),
            "reservations": delete(UploadReservation).where(
                UploadReservation.account_id == account_id
            ),
            "consents": delete(Consent).where(Consent.account_id == account_id),
            "tasks": delete(Task).where(Task.account_id == account_id, Task.id.not_in(late)),
        }.items()
    }
    register.remove(session, select(Transfer.task_id).where(Transfer.account_id == account_id))
    for task_id in late:
        results.resize(session, task_id, 0)
    session.execute(
        update(Task)
        .where(Task.account_id == account_id)
        .values(
            params={},
            result={},
            error=None,
            error_logged=None,
            idempotency_key=None,
            request_hash="",
            expires_at=now + _LEAVE,
        )
    )
    session.execute(
        update(Voice)
        .where(Voice.account_id == account_id)
        .values(
            name=None,
            tags=None,
            recording_report=None,
            waveforms=None,
            consent=None,
            uploads=None,
            language=None,
            deleted_at=now,
            expires_at=now,
        )
    )
    kept_keys = select(Task.key_id).where(Task.account_id == account_id)
    gone = session.execute(
        delete(Key).where(Key.account_id == account_id, Key.id.not_in(kept_keys))
    )
    for key in session.scalars(select(Key).where(Key.account_id == account_id)):
        key.name = key.display = ERASED_NAME
        key.hash, key.previous_hash = secrets.token_hex(32), None
    session.execute(update(Transfer).where(Transfer.account_id == account_id).values(memo=""))
    session.execute(
        update(Account)
        .where(Account.id == account_id)
        .values(name=ERASED_NAME, erased_at=now, kept=0)
    )
    return Erased(
        tasks=affected(counts["tasks"]) + len(late),
        voices=affected(counts["voices"]),
        uploads=affected(counts["uploads"]),
        consents=affected(counts["consents"]),
        keys=affected(gone),
        sessions=sum(map(affected, ended)),
        ledger_lines=int(lines or 0),
        credits=float(to_credits(left)),
    )
