"""Tables. Amounts are integers of micro-credits, times are seconds since the epoch."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, cast

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Double,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class TaskKind(StrEnum):
    """Kind of a task."""

    CLONE = "clone"  # makes a voice, and a preview in that voice
    AUDIO = "audio"  # speaks a text
    CONVERSION = "conversion"  # converts a recording of another person to a voice
    RENDER = "render"  # assembles the chosen takes of a project


class TaskStatus(StrEnum):
    """State of a task. `core.tasks` shows the transitions."""

    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


Json = dict[str, Any]
"""JSON object. `core` reads and writes it as dataclasses."""


class Base(DeclarativeBase):
    """Base of all tables."""

    type_annotation_map = {
        int: BigInteger(),
        float: Double(),
        str: String(),
        Json: JSON(),
        list[str]: JSON(),
    }


def table_of(entity: type[Base]) -> Table:
    """Return the table of an entity.

    Statements over tables skip the ORM, which takes as long as everything else that Python does for
    a statement.
    """
    return cast(Table, entity.__table__)


class Account(Base):
    """Account that pays. `posted` and `held` are running totals of the ledger."""

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
    low_balance: Mapped[int | None]  # micro-credits below which `balance.low` is sent; None: never
    created_at: Mapped[float]
    erased_at: Mapped[float | None]  # time when everything but the ledger was deleted


class Key(Base):
    """API key. Only keyed hashes of its text are stored."""

    __tablename__ = "keys"
    __table_args__ = (
        CheckConstraint(
            "quota >= 0 AND used >= 0 AND held >= 0 AND active >= 0", name="keys_not_negative"
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)  # key_…
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    name: Mapped[str]
    display: Mapped[str]  # first characters, to recognise the key
    hash: Mapped[str] = mapped_column(unique=True)
    secret_id: Mapped[str | None]  # of the secret of `hash`; None: hashed by an earlier release
    previous_hash: Mapped[str | None] = mapped_column(unique=True)  # of the replaced text
    previous_secret_id: Mapped[str | None]
    previous_until: Mapped[float | None]  # time when the replaced text stops working
    quota: Mapped[int] = mapped_column(default=0)  # 0: unlimited
    used: Mapped[int] = mapped_column(default=0)
    held: Mapped[int] = mapped_column(default=0)
    active: Mapped[int] = mapped_column(default=0)  # unfinished tasks
    scopes: Mapped[str]  # names of `core.keys.Scope` with spaces between
    created_at: Mapped[float]
    expires_at: Mapped[float | None]  # None: never
    revoked_at: Mapped[float | None]

    @property
    def operator(self) -> bool:
        """True if the key may see all accounts and workers."""
        return "operator" in self.scopes.split()


class Transfer(Base):
    """Line of the ledger. Triggers prevent changes, except that a memo can be emptied.

    `credit` and `capture` move `amount` from `debit` to `credit`. `hold` reserves it. `capture` and
    `release` resolve one hold each, and each hold is resolved at most once. A capture of less than
    the hold is itself resolved by the release of the rest.
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
        Index(
            "transfers_captured",
            "account_id",
            "created_at",
            "amount",
            postgresql_where=text("kind = 'capture'"),
            sqlite_where=text("kind = 'capture'"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)  # derived from its purpose: idempotent
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


class UsageDay(Base):
    """Captures of an account on a day (UTC). A trigger on the ledger adds them up."""

    __tablename__ = "usage_days"

    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    day: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # since the epoch
    spent: Mapped[int]  # micro-credits
    tasks: Mapped[int]


class VoiceDay(Base):
    """Captures of an account for a voice on a day (UTC). The same trigger adds them up."""

    __tablename__ = "voice_days"

    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    day: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # since the epoch
    voice_id: Mapped[str] = mapped_column(primary_key=True)  # empty if there is none
    spent: Mapped[int]  # micro-credits
    tasks: Mapped[int]


class Task(Base):
    """Preview ("clone"), speech ("audio"), voice conversion or render of a project."""

    __tablename__ = "tasks"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('clone', 'audio', 'conversion', 'render')", name="tasks_known_kind"
        ),
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
    voice_id: Mapped[str]  # for a preview, the voice that it makes; empty for a render
    params: Mapped[Json]  # emptied when the result expires
    characters: Mapped[int]
    cost: Mapped[int]  # amount held; after the end, amount charged
    fee: Mapped[int] = mapped_column(default=0)  # part of `cost` that does not depend on the text
    delivered: Mapped[int] = mapped_column(default=0)  # characters streamed to a listener
    size: Mapped[int] = mapped_column(default=0)  # bytes of the result, estimated before it exists
    turn: Mapped[int]  # position in the fair queue
    idempotency_key: Mapped[str | None]
    request_hash: Mapped[str]
    progress: Mapped[int] = mapped_column(default=0)  # per cent
    attempts: Mapped[int] = mapped_column(default=0)  # attempts since the last finished step
    signs: Mapped[int] = mapped_column(default=0)  # of life of the API that will send the stream
    worker: Mapped[str | None]
    trace: Mapped[str | None]  # W3C traceparent of the request, if traces are recorded
    result: Mapped[Json] = mapped_column(default=dict)
    error: Mapped[str | None] = mapped_column(Text)
    error_word: Mapped[str | None]
    error_logged: Mapped[str | None] = mapped_column(Text)  # `error` without users' texts
    created_at: Mapped[float]
    started_at: Mapped[float | None]
    ended_at: Mapped[float | None]
    expires_at: Mapped[float | None] = mapped_column(index=True)
    # of the result; None: the task has not ended, or its result is a take, kept with its project
    purged_at: Mapped[float | None]


class TaskVoice(Base):
    """Voice that a task speaks with beside its own."""

    __tablename__ = "task_voices"
    __table_args__ = (UniqueConstraint("task_id", "voice_id", name="task_voices_once"),)

    number: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True
    )
    task_id: Mapped[str] = mapped_column(ForeignKey("tasks.id", ondelete="CASCADE"))
    voice_id: Mapped[str] = mapped_column(index=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)


class Voice(Base):
    """Voice that a preview made. Its id is the `modelId` of the API."""

    __tablename__ = "voices"

    id: Mapped[str] = mapped_column(primary_key=True)  # model_…
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    task_id: Mapped[str]  # preview that made the voice
    version: Mapped[str]  # soundVersion: v1 or v2
    engine: Mapped[str]
    engine_version: Mapped[str]
    licence: Mapped[str]
    language: Mapped[str | None]  # language of the recording, where known
    speech_seconds: Mapped[float]
    name: Mapped[str | None]  # given by the owner
    consent: Mapped[Json | None]  # declaration or recording of consent
    consent_id: Mapped[str | None] = mapped_column(index=True)  # of a recording that is kept
    consent_ends_at: Mapped[float | None] = mapped_column(index=True)  # None: never
    withdrawn_at: Mapped[float | None]  # time at which the consent ended or was withdrawn
    created_at: Mapped[float]
    expires_at: Mapped[float | None] = mapped_column(index=True)  # None: never
    activated_at: Mapped[float | None]
    deleted_at: Mapped[float | None]  # by the owner
    purged_at: Mapped[float | None]  # time of the removal of its files
    uploads: Mapped[list[str] | None]  # keys of the uploads that made the voice
    tags: Mapped[list[str] | None]  # given by the owner
    recording_report: Mapped[Json | None]  # RecordingReport; None: made by an earlier release
    waveforms: Mapped[Json | None]  # outlines of the preview and of the recording


class Upload(Base):
    """File that a client uploaded, to be named in `fileUrl`."""

    __tablename__ = "uploads"

    key: Mapped[str] = mapped_column(primary_key=True)  # key in the object store
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    size: Mapped[int]
    created_at: Mapped[float]
    expires_at: Mapped[float] = mapped_column(index=True)


class NumberedFile(Base):
    """Number of an upload or of a task's result, for APIs whose file ids are integers."""

    __tablename__ = "numbered_files"

    number: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False
    )
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    purpose: Mapped[str]  # given by the client
    filename: Mapped[str]
    size: Mapped[int]  # bytes, 0 for a result
    upload_key: Mapped[str | None]  # of an Upload
    task_id: Mapped[str | None]  # speech task whose result the file is
    created_at: Mapped[float]
    expires_at: Mapped[float] = mapped_column(index=True)


class ClientVoiceId(Base):
    """Id of a voice that the client chose. The row outlives the voice, so the id stays taken."""

    __tablename__ = "client_voice_ids"

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    voice_id: Mapped[str] = mapped_column(index=True)  # model_…, reserved by the preview task
    created_at: Mapped[float]


class Dictionary(Base):
    """Pronunciations of an account."""

    __tablename__ = "dictionaries"

    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    entries: Mapped[list[Json]] = mapped_column(JSON())
    updated_at: Mapped[float]


class ProjectDictionary(Base):
    """Pronunciations of a project, which prevail over those of its account."""

    __tablename__ = "project_dictionaries"

    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    entries: Mapped[list[Json]] = mapped_column(JSON())
    updated_at: Mapped[float]


class Creation(Base):
    """Request with an idempotency key that made projects or blocks, see `core.creations`."""

    __tablename__ = "creations"

    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    idempotency_key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[str]
    made: Mapped[list[str]] = mapped_column(JSON())  # ids, in the order of the request
    created_at: Mapped[float] = mapped_column(index=True)


class Project(Base):
    """Script of an account: blocks in order, with the takes that speak them."""

    __tablename__ = "projects"
    __table_args__ = (Index("projects_of_account", "account_id", "created_at"),)

    id: Mapped[str] = mapped_column(primary_key=True)  # proj_…
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str]
    style: Mapped[Json]  # `core.projects.Style` of all blocks
    version: Mapped[int] = mapped_column(default=1)  # raised by each change of the script
    blocks: Mapped[int] = mapped_column(default=0)  # number of blocks that are not deleted
    characters: Mapped[int] = mapped_column(default=0)  # of all texts of these blocks
    created_at: Mapped[float]
    updated_at: Mapped[float]
    deleted_at: Mapped[float | None] = mapped_column(index=True)  # the sweep removes the row


class Block(Base):
    """Part of a script: a text, a chapter's heading or a pause."""

    __tablename__ = "blocks"
    __table_args__ = (
        CheckConstraint("kind IN ('text', 'chapter', 'pause')", name="blocks_known_kind"),
        Index("blocks_of_project", "project_id", "position"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)  # block_…
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"))
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    position: Mapped[int]  # orders the blocks of a project
    kind: Mapped[str]
    text: Mapped[str] = mapped_column(Text, default="")
    is_ssml: Mapped[bool] = mapped_column(default=False)
    seconds: Mapped[float | None]  # of a pause
    style: Mapped[Json]  # `core.projects.Style` where the block differs from its project
    characters: Mapped[int] = mapped_column(default=0)  # of the text
    digest: Mapped[str]  # of the text and of everything that its speech depends on
    take_id: Mapped[str | None]  # chosen by the client; None: `core.takes.chosen` chooses
    version: Mapped[int] = mapped_column(default=1)  # raised by each change of the block
    created_at: Mapped[float]
    updated_at: Mapped[float]
    deleted_at: Mapped[float | None] = mapped_column(index=True)  # can be restored until swept


class Take(Base):
    """Speech of a block, made by a task. The row lives until the task's result is removed."""

    __tablename__ = "takes"
    __table_args__ = (Index("takes_of_block", "block_id", "created_at"),)

    id: Mapped[str] = mapped_column(primary_key=True)  # take_…
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), index=True)
    block_id: Mapped[str] = mapped_column(ForeignKey("blocks.id"))
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    task_id: Mapped[str] = mapped_column(unique=True)
    seed: Mapped[int]
    digest: Mapped[str]  # of the block when the take was ordered
    reading: Mapped[str | None]  # `text.lexicon.Lexicon.reading`; None: of an earlier version
    created_at: Mapped[float]


class Render(Base):
    """File of a project's chosen takes, made by a task. The row lives as long as the result."""

    __tablename__ = "renders"
    __table_args__ = (Index("renders_of_project", "project_id", "created_at"),)

    task_id: Mapped[str] = mapped_column(primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"))
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    plan: Mapped[Json]  # `core.renders.Plan`
    voices: Mapped[list[str]]  # ids of the voices that are heard
    created_at: Mapped[float]


class UploadReservation(Base):
    """Space reserved for an upload that is in progress."""

    __tablename__ = "upload_reservations"

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    size: Mapped[int]
    created_at: Mapped[float]
    expires_at: Mapped[float]


class Worker(Base):
    """Worker process, alive while its heartbeats arrive."""

    __tablename__ = "workers"

    id: Mapped[str] = mapped_column(primary_key=True)
    started_at: Mapped[float]
    seen_at: Mapped[float]
    info: Mapped[Json] = mapped_column(default=dict)


class EngineOffer(Base):
    """Capabilities of an engine, as the last worker with the engine reported."""

    __tablename__ = "engines"

    name: Mapped[str] = mapped_column(primary_key=True)
    offer: Mapped[Json]
    seen_at: Mapped[float]


class Consent(Base):
    """Recording of a person's consent to the cloning of their voice."""

    __tablename__ = "consents"
    __table_args__ = (Index("consents_of_account", "account_id", "created_at"),)

    id: Mapped[str] = mapped_column(primary_key=True)  # cons_…
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str]
    language: Mapped[str]  # BCP 47
    recording: Mapped[str]  # key in the object store
    purpose: Mapped[str] = mapped_column(default="")  # use that the speaker agrees to
    ends_at: Mapped[float | None] = mapped_column(index=True)  # None: never
    created_at: Mapped[float]


class ProtectedVoice(Base):
    """Voice that may not be cloned. Its recording is not kept."""

    __tablename__ = "protected_voices"

    id: Mapped[str] = mapped_column(primary_key=True)  # prot_…
    name: Mapped[str]  # given by the operator
    encoder: Mapped[str]  # version of the network that made the embeddings
    whole: Mapped[bytes]  # embedding of the whole sound, float32
    telephone: Mapped[bytes]  # embedding of the telephone band, float32
    narrow: Mapped[bool]  # the recording had no sound above the telephone band
    speech_seconds: Mapped[float]
    allowed: Mapped[list[str]]  # ids of accounts that may clone the voice
    created_at: Mapped[float]


class AuditLine(Base):
    """Line of the audit log. Triggers prevent changes.

    A line has ids and no names, texts or addresses, so it outlives the account.
    """

    __tablename__ = "audit_log"
    __table_args__ = (
        Index("audit_log_of_voice", "voice_id", "number"),
        Index("audit_log_of_account", "account_id", "number"),
        Index("audit_log_of_task", "task_id", "event"),
    )

    number: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True
    )
    at: Mapped[float]
    event: Mapped[str]
    actor: Mapped[str]  # "key", "link", "operator" or "service"
    voice_id: Mapped[str | None]  # model_… or prot_…
    account_id: Mapped[str | None]  # owner of the voice, or account whose request was refused
    key_id: Mapped[str | None]
    task_id: Mapped[str | None]
    detail: Mapped[str] = mapped_column(default="")


class AbuseReport(Base):
    """Report of abuse by anybody, without a key."""

    __tablename__ = "abuse_reports"

    id: Mapped[str] = mapped_column(primary_key=True)  # report_…
    reason: Mapped[str]
    subject: Mapped[str] = mapped_column(Text)  # link, file, voice or task
    message: Mapped[str] = mapped_column(Text)
    contact: Mapped[str]  # of the sender
    created_at: Mapped[float]
    closed_at: Mapped[float | None] = mapped_column(index=True)
    note: Mapped[str] = mapped_column(Text, default="")  # of the operator who closed the report


class StudioSession(Base):
    """Session of a visitor who signed in to the studio with a key."""

    __tablename__ = "studio_sessions"

    hash: Mapped[str] = mapped_column(primary_key=True)  # hash of the identifier in the cookie
    key_id: Mapped[str] = mapped_column(ForeignKey("keys.id"), index=True)
    created_at: Mapped[float]
    seen_at: Mapped[float]  # time of the last extension
    expires_at: Mapped[float] = mapped_column(index=True)
    ended_at: Mapped[float | None]  # time of signing out


class SignInLink(Base):
    """Link that signs in to the studio once. The row is deleted when the link is used."""

    __tablename__ = "sign_in_links"

    hash: Mapped[str] = mapped_column(primary_key=True)  # hash of the link's token
    key_id: Mapped[str] = mapped_column(ForeignKey("keys.id"))
    expires_at: Mapped[float] = mapped_column(index=True)


class WatermarkSecret(Base):
    """Secret of the installation's watermark. The table has one row."""

    __tablename__ = "watermark_secrets"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    secret: Mapped[str]  # hexadecimal
    created_at: Mapped[float]


class Watermark(Base):
    """Task whose sound was marked. The rows are kept as long as the ledger."""

    __tablename__ = "watermarks"

    number: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer(), "sqlite"), primary_key=True
    )  # modulo PAYLOADS, the payload
    task_id: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[float]


class RegisterEntry(Base):
    """Result of a task, which the register recognises. Outlives the task's row."""

    __tablename__ = "register_entries"

    number: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer(), "sqlite"), primary_key=True
    )
    task_id: Mapped[str] = mapped_column(unique=True)
    sha256: Mapped[str] = mapped_column(index=True)  # of the file
    seconds: Mapped[float]
    created_at: Mapped[float]


class RegisterLandmark(Base):
    """Landmark of a result's acoustic fingerprint, see `audio.fingerprint`."""

    __tablename__ = "register_landmarks"
    __table_args__ = ({"sqlite_with_rowid": False},)

    hash: Mapped[int] = mapped_column(Integer(), primary_key=True)
    entry: Mapped[int] = mapped_column(primary_key=True)  # number of a RegisterEntry
    frame: Mapped[int] = mapped_column(Integer(), primary_key=True)


class RequestCount(Base):
    """Requests of a sender in a minute of the clock, see `core.request_counts`."""

    __tablename__ = "request_counts"

    sender: Mapped[str] = mapped_column(primary_key=True)  # limit and key, or hash of an address
    minute: Mapped[int] = mapped_column(index=True)  # since the epoch
    current: Mapped[int]  # requests in this minute
    previous: Mapped[int]  # requests in the minute before


class Verification(Base):
    """File or URL that a visitor wants to have verified. Kept for minutes."""

    __tablename__ = "verifications"

    id: Mapped[str] = mapped_column(primary_key=True)
    url: Mapped[str | None] = mapped_column(Text)  # None: the file is in the store
    verdict: Mapped[Json | None]
    error: Mapped[str | None] = mapped_column(Text)
    error_word: Mapped[str | None]
    created_at: Mapped[float] = mapped_column(index=True)
    ended_at: Mapped[float | None]


class WebhookEndpoint(Base):
    """URL that receives events of an account. The secrets are encrypted."""

    __tablename__ = "webhook_endpoints"

    id: Mapped[str] = mapped_column(primary_key=True)  # hook_…
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    url: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(default="")
    events: Mapped[list[str]]  # values of `core.webhooks.EventType`
    secret: Mapped[str] = mapped_column(Text)
    secret_id: Mapped[str]  # of the installation's secret that encrypts `secret`
    previous_secret: Mapped[str | None] = mapped_column(Text)  # replaced by the latest rotation
    previous_until: Mapped[float | None]  # time when the replaced secret stops signing
    created_at: Mapped[float]
    failing_since: Mapped[float | None]  # first failure after the last success
    disabled_at: Mapped[float | None]
    disabled_reason: Mapped[str] = mapped_column(Text, default="")


class WebhookEvent(Base):
    """Message about an event, the same for each endpoint."""

    __tablename__ = "webhook_events"

    id: Mapped[str] = mapped_column(primary_key=True)  # msg_…, the header webhook-id
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    type: Mapped[str]
    payload: Mapped[str] = mapped_column(Text)  # JSON, byte for byte as signed
    created_at: Mapped[float] = mapped_column(index=True)


class WebhookDelivery(Base):
    """Delivery of an event to an endpoint, with the result of the last attempt."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        CheckConstraint(
            "status IN ('pending', 'delivered', 'failed')", name="webhook_deliveries_known_status"
        ),
        Index("webhook_deliveries_of_endpoint", "endpoint_id", "created_at"),
        Index("webhook_deliveries_due", "status", "next_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)  # dlv_…
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    endpoint_id: Mapped[str] = mapped_column(ForeignKey("webhook_endpoints.id"))
    event_id: Mapped[str] = mapped_column(ForeignKey("webhook_events.id"), index=True)
    status: Mapped[str]
    job: Mapped[int] = mapped_column(default=1)  # number of the job that makes the next attempt
    attempts: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)  # since the event, or since the last replay
    next_at: Mapped[float | None]  # time of the next attempt
    attempted_at: Mapped[float | None]
    status_code: Mapped[int | None]  # of the last response
    seconds: Mapped[float | None]  # that the last attempt took
    error: Mapped[str | None] = mapped_column(Text)  # of the last attempt
    created_at: Mapped[float]
    ended_at: Mapped[float | None]
    cleared_at: Mapped[float | None]  # time when the records of its jobs were deleted
