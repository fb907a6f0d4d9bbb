"""The tables. Money is in micro-credits (integers), time in seconds since the epoch."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Double,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class TaskKind(StrEnum):
    """Kind of a task."""

    CLONE = "clone"  # makes a voice, and a preview in that voice
    AUDIO = "audio"  # speaks a text


class TaskStatus(StrEnum):
    """State of a task. `core.tasks` shows the transitions."""

    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


class Base(DeclarativeBase):
    type_annotation_map = {
        int: BigInteger(),
        float: Double(),
        str: String(),
        dict[str, Any]: JSON(),
        list[str]: JSON(),
    }


class Account(Base):
    """Who pays. `posted` and `held` are the ledger's running totals for this account."""

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint("held >= 0 AND active >= 0", name="accounts_held_not_negative"),
        CheckConstraint("posted - held >= 0", name="accounts_never_overdrawn"),
        CheckConstraint("credited >= 0", name="accounts_credited_not_negative"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)  # acct_…
    name: Mapped[str]
    credited: Mapped[int] = mapped_column(default=0)  # all that was ever paid in
    posted: Mapped[int] = mapped_column(default=0)  # credited less captured
    held: Mapped[int] = mapped_column(default=0)  # reserved by tasks that have not ended
    active: Mapped[int] = mapped_column(default=0)  # how many those are
    turn: Mapped[int] = mapped_column(default=0)  # the last one that a task of it took
    kept: Mapped[int] = mapped_column(default=0)  # bytes of results, with those still to be made
    created_at: Mapped[float]


class Key(Base):
    """An API key: its secret is kept only as a keyed hash."""

    __tablename__ = "keys"
    __table_args__ = (
        CheckConstraint(
            "quota >= 0 AND used >= 0 AND held >= 0 AND active >= 0", name="keys_not_negative"
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)  # key_…
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    name: Mapped[str]
    display: Mapped[str]  # the first characters, to recognise it by
    hash: Mapped[str] = mapped_column(unique=True)
    quota: Mapped[int] = mapped_column(default=0)  # 0: unlimited
    used: Mapped[int] = mapped_column(default=0)
    held: Mapped[int] = mapped_column(default=0)
    active: Mapped[int] = mapped_column(default=0)  # tasks that have not ended
    operator: Mapped[bool] = mapped_column(default=False)  # may see all accounts and the workers
    created_at: Mapped[float]
    revoked_at: Mapped[float | None]


class Transfer(Base):
    """One line of the ledger, written once and never changed (triggers see to it).

    `credit` and `capture` move `amount` from `debit` to `credit`. `hold` reserves it. `capture`
    and `release` resolve one hold each, and each hold is resolved at most once. A capture of less
    than the hold is itself resolved, by the release of the rest.
    """

    __tablename__ = "transfers"
    __table_args__ = (
        CheckConstraint("amount >= 0", name="transfers_amount_not_negative"),
        CheckConstraint("debit <> credit", name="transfers_two_sides"),
        CheckConstraint(
            "kind IN ('credit', 'hold', 'capture', 'release')", name="transfers_known_kind"
        ),
        CheckConstraint(
            "(kind IN ('capture', 'release')) = (resolves IS NOT NULL)",
            name="transfers_resolution",
        ),
        Index("transfers_of_account", "account_id", "created_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)  # says what it is for: idempotent
    kind: Mapped[str]
    debit: Mapped[str]
    credit: Mapped[str]
    amount: Mapped[int]
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    key_id: Mapped[str | None]
    task_id: Mapped[str | None] = mapped_column(index=True)
    resolves: Mapped[str | None] = mapped_column(ForeignKey("transfers.id"), unique=True)
    memo: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[float]


class Task(Base):
    """A preview ("clone") or a production speech ("audio")."""

    __tablename__ = "tasks"
    __table_args__ = (
        CheckConstraint("kind IN ('clone', 'audio')", name="tasks_known_kind"),
        CheckConstraint(
            "status IN ('queued', 'processing', 'completed', 'failed')", name="tasks_known_status"
        ),
        CheckConstraint("cost >= 0", name="tasks_cost_not_negative"),
        UniqueConstraint("account_id", "idempotency_key", name="tasks_idempotency"),
        Index("tasks_turns", "status", "turn"),
        Index("tasks_of_account", "account_id", "created_at"),
        Index("tasks_of_voice", "voice_id", "status"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)  # audio_<uuid4>
    kind: Mapped[str]
    status: Mapped[str]
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    key_id: Mapped[str] = mapped_column(ForeignKey("keys.id"))
    voice_id: Mapped[str]  # of a preview: the voice that it will make
    params: Mapped[dict[str, Any]]  # emptied when the result expires
    characters: Mapped[int]
    cost: Mapped[int]  # what is held, and once the task has ended, what was charged
    fee: Mapped[int] = mapped_column(default=0)  # the share of `cost` that no character changes
    delivered: Mapped[int] = mapped_column(default=0)  # characters that a listener was sent
    size: Mapped[int] = mapped_column(default=0)  # bytes of the result, estimated until it is made
    turn: Mapped[int]  # place in the fair queue
    idempotency_key: Mapped[str | None]
    request_hash: Mapped[str]
    progress: Mapped[int] = mapped_column(default=0)  # per cent
    attempts: Mapped[int] = mapped_column(default=0)  # starts since the last progress
    worker: Mapped[str | None]
    result: Mapped[dict[str, Any]] = mapped_column(default=dict)
    error: Mapped[str | None] = mapped_column(Text)
    error_word: Mapped[str | None]
    error_logged: Mapped[str | None] = mapped_column(Text)  # `error` without users' texts
    created_at: Mapped[float]
    started_at: Mapped[float | None]
    ended_at: Mapped[float | None]
    expires_at: Mapped[float | None] = mapped_column(index=True)  # of the result
    purged_at: Mapped[float | None]


class Voice(Base):
    """A voice that was made, spoken and found good: what a modelId stands for."""

    __tablename__ = "voices"

    id: Mapped[str] = mapped_column(primary_key=True)  # model_…
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    task_id: Mapped[str]  # the preview that made it
    version: Mapped[str]  # soundVersion: v1 or v2
    engine: Mapped[str]
    engine_version: Mapped[str]
    licence: Mapped[str]
    language: Mapped[str | None]  # of the recording, where known
    speech_seconds: Mapped[float]
    name: Mapped[str | None]  # that its owner gave it
    consent: Mapped[dict[str, Any] | None]  # what was declared of the speaker's, when and by whom
    created_at: Mapped[float]
    expires_at: Mapped[float | None] = mapped_column(index=True)  # None: for ever
    activated_at: Mapped[float | None]
    deleted_at: Mapped[float | None]  # by its owner
    purged_at: Mapped[float | None]  # its files are gone
    uploads: Mapped[list[str] | None]  # keys of the uploads that the voice was made from


class Upload(Base):
    """A file that a client put here to be named in `fileUrl`."""

    __tablename__ = "uploads"

    key: Mapped[str] = mapped_column(primary_key=True)  # in the object store
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    size: Mapped[int]
    created_at: Mapped[float]
    expires_at: Mapped[float] = mapped_column(index=True)


class UploadReservation(Base):
    """Space of an account for an upload that is under way."""

    __tablename__ = "upload_reservations"

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    size: Mapped[int]
    created_at: Mapped[float]
    expires_at: Mapped[float]


class Worker(Base):
    """A process that does tasks, for as long as it beats."""

    __tablename__ = "workers"

    id: Mapped[str] = mapped_column(primary_key=True)
    started_at: Mapped[float]
    seen_at: Mapped[float]
    info: Mapped[dict[str, Any]] = mapped_column(default=dict)


class EngineOffer(Base):
    """What an engine can do on the workers that have it, as the last of them said."""

    __tablename__ = "engines"

    name: Mapped[str] = mapped_column(primary_key=True)
    offer: Mapped[dict[str, Any]]
    seen_at: Mapped[float]


class Consent(Base):
    """A recording in which somebody agrees that their voice is cloned."""

    __tablename__ = "consents"
    __table_args__ = (Index("consents_of_account", "account_id", "created_at"),)

    id: Mapped[str] = mapped_column(primary_key=True)  # cons_…
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str]
    language: Mapped[str]  # BCP 47
    recording: Mapped[str]  # key in the object store
    created_at: Mapped[float]


class StudioSession(Base):
    """A session of somebody who signed in to the studio with a key."""

    __tablename__ = "studio_sessions"

    hash: Mapped[str] = mapped_column(primary_key=True)  # of the identifier in the cookie
    key_id: Mapped[str] = mapped_column(ForeignKey("keys.id"), index=True)
    created_at: Mapped[float]
    seen_at: Mapped[float]  # when it was last extended
    expires_at: Mapped[float] = mapped_column(index=True)
    ended_at: Mapped[float | None]  # by signing out


class SignInLink(Base):
    """A link that signs in to the studio once. The row is deleted when the link is used."""

    __tablename__ = "sign_in_links"

    hash: Mapped[str] = mapped_column(primary_key=True)  # of the link's token
    key_id: Mapped[str] = mapped_column(ForeignKey("keys.id"))
    expires_at: Mapped[float] = mapped_column(index=True)
