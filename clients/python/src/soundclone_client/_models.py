"""Data that the clients return."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from ._types import (
    BlockKind,
    BlockState,
    DeliveryStatus,
    Kind,
    Scope,
    Source,
    Status,
    TextFormat,
    WebhookEvent,
)

_KINDS: Mapping[str, Kind] = {
    "soundCloningClone": "clone",
    "soundCloningAudio": "audio",
    "soundCloningConversion": "conversion",
    "soundCloningRender": "render",
}


@dataclass(frozen=True)
class Task:
    """State of a task when the server answered.

    The fields with a default are None, or empty, until the server sends them. `Clone`, `Speech` and
    `SubtitledSpeech` describe a completed task. Their fields are always set.
    """

    id: str
    model: str  # "soundCloningClone", "…Audio", "…Conversion" or "…Render"
    status: Status
    created: int  # Unix seconds
    error: str | None = None
    error_code: str | None = None  # stable word, for programs
    progress: int | None = None  # per cent
    cost: float | None = None  # credits
    model_id: str | None = None  # id of the new voice
    audio_url: str | None = None  # signed link that expires at `expires_at`
    subtitle_file: str | None = None  # signed link to an SRT file
    subtitle_json: str | None = None  # signed link to a JSON file
    subtitle_vtt: str | None = field(default=None, kw_only=True)  # signed link to a WebVTT file
    credentials_url: str | None = None  # signed link to Content Credentials beside the audio
    expires_at: int | None = None  # Unix seconds
    seconds: float | None = None  # length of the audio
    language: str | None = None  # language of most sentences
    languages: tuple[str, ...] = ()  # languages of all sentences
    speech_seconds: float | None = None  # speech found in the recording
    warnings: tuple[str, ...] = ()  # weaknesses of the recording
    project_id: str | None = field(default=None, kw_only=True)  # of a render
    timeline_url: str | None = field(default=None, kw_only=True)  # signed link, of a render
    chapters: tuple[Mapping[str, Any], ...] = field(default=(), kw_only=True)
    # title and start in seconds of each chapter of a render
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def kind(self) -> Kind:
        """Kind of the task: `clone` makes a voice, `audio` is speech."""
        return _KINDS.get(self.model, "audio")

    @property
    def ended(self) -> bool:
        """True once the task is completed or failed."""
        return self.status in ("completed", "failed")


@dataclass(frozen=True)
class Clone:
    """A cloned voice and its preview."""

    id: str  # id of the task
    model_id: str  # id of the voice
    audio_url: str  # signed link to the preview, an MP3 file
    seconds: float  # length of the preview
    speech_seconds: float  # speech found in the recording
    language: str  # language of the preview
    cost: float  # credits
    created: int  # Unix seconds
    expires_at: int  # Unix seconds at which the preview and its link expire
    warnings: tuple[str, ...]  # weaknesses of the recording
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class Speech:
    """Completed speech."""

    id: str  # id of the task
    audio_url: str  # signed link to the audio
    seconds: float  # length of the audio
    language: str  # language of most sentences
    languages: tuple[str, ...]  # languages of all sentences
    cost: float  # credits
    created: int  # Unix seconds
    expires_at: int  # Unix seconds at which the audio and its link expire
    # Signed link to the Content Credentials (C2PA). None if the file holds them, or has none.
    credentials_url: str | None = field(default=None, kw_only=True)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False, kw_only=True)


@dataclass(frozen=True)
class SubtitledSpeech(Speech):
    """Completed speech with subtitles."""

    subtitle_file: str  # signed link to an SRT file
    subtitle_json: str  # signed link to a JSON file, with milliseconds
    # Signed link to a WebVTT file. None from a service before release 0.2.
    subtitle_vtt: str | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class Conversion:
    """Completed voice conversion."""

    id: str  # id of the task
    audio_url: str  # signed link to the audio
    seconds: float  # length of the audio
    speech_seconds: float  # seconds of speech in the recording
    warnings: tuple[str, ...]  # weaknesses of the recording
    cost: float  # credits
    created: int  # Unix seconds
    expires_at: int  # Unix seconds at which the audio and its link expire
    # Signed link to the Content Credentials (C2PA). None if the file holds them, or has none.
    credentials_url: str | None = field(default=None, kw_only=True)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False, kw_only=True)


@dataclass(frozen=True)
class Consent:
    """Consent of the speaker whose voice is cloned: a declaration, a recording, or both."""

    recording: Source | None = None  # a file, a URL, or the id of a stored consent ("cons_…")
    speaker: str = ""  # name of the speaker, who has agreed
    own_voice: bool = False  # True if the caller clones the caller's own voice
    purpose: str = ""  # use that the speaker agreed to
    until: datetime | None = None  # end of the consent, at which the server deletes the voice


@dataclass(frozen=True)
class Withdrawal:
    """Deletions after a consent was withdrawn."""

    model_ids: tuple[str, ...]  # deleted voices
    results: int  # production tasks whose results are deleted


@dataclass(frozen=True)
class Account:
    """Account that the key belongs to."""

    id: str  # "acct_…"
    name: str
    created: int  # Unix seconds
    low_balance: float | None = None  # credits below which `balance.low` is sent; None: never


@dataclass(frozen=True)
class Pronunciation:
    """A word or phrase, and what is spoken in its place: `spoken` or `ipa`."""

    written: str
    spoken: str = ""
    language: str = ""  # name or tag; empty: sentences in all languages
    match_case: bool = False
    ipa: str = ""  # International Phonetic Alphabet


@dataclass(frozen=True)
class Webhook:
    """Webhook endpoint of an account, without its secret."""

    id: str  # "hook_…"
    url: str
    description: str
    events: tuple[WebhookEvent, ...]  # types of events that are sent
    enabled: bool
    created: int  # Unix seconds
    disabled_reason: str | None = None  # why the server disabled the endpoint
    failing_since: int | None = None  # Unix seconds; None if the last attempt succeeded
    former_until: int | None = None  # Unix seconds until which the replaced secret signs too


@dataclass(frozen=True)
class NewWebhook(Webhook):
    """Webhook endpoint with its secret, which the server shows once."""

    secret: str = field(kw_only=True, repr=False)  # "whsec_…"


@dataclass(frozen=True)
class Delivery:
    """Delivery of a message to a webhook endpoint, with the result of the last attempt."""

    id: str  # "dlv_…"
    webhook: str  # id of the endpoint
    message: str  # id of the message, which is sent as webhook-id
    type: str  # of the event
    status: DeliveryStatus
    attempts: int
    created: int  # Unix seconds
    payload: Mapping[str, Any] = field(repr=False)  # body of the message
    status_code: int | None = None  # HTTP status of the last response
    error: str | None = None  # why the last attempt failed
    seconds: float | None = None  # that the last attempt took
    attempted: int | None = None  # Unix seconds
    next_attempt: int | None = None  # Unix seconds; None: never


@dataclass(frozen=True)
class Erasure:
    """Report of the erasure of an account."""

    account: str  # id of the account
    erased: Mapping[str, int]  # number of erased things by kind, such as "voices" and "files"
    kept: Mapping[str, float]  # lines of the ledger, and credits that the account had left
    pending: tuple[str, ...]  # cancelled tasks that a worker has not left yet


@dataclass(frozen=True)
class ApiKey:
    """API key of an account, without its text."""

    id: str  # "key_…"
    account: str  # id of the account
    name: str
    display: str  # first characters of the key
    scopes: tuple[Scope, ...]
    quota: float  # credits that the key may spend in total; 0 for no limit
    used: float  # credits that the key has spent
    created: int  # Unix seconds
    expires_at: int | None = None  # Unix seconds; None: never
    former_until: int | None = None  # Unix seconds until which the replaced text works
    revoked_at: int | None = None  # Unix seconds; None for a key that was not revoked


@dataclass(frozen=True)
class NewApiKey(ApiKey):
    """API key with its text, which the server shows once."""

    key: str = field(kw_only=True, repr=False)  # "sk_…"


@dataclass(frozen=True)
class WatermarkFinding:
    """Search for the watermark."""

    found: bool
    p_value: float  # probability that a sound without the mark looks as marked as this one
    task: str | None = None  # task that made the sound, for operators only
    stretches: tuple[tuple[float, float], ...] = ()  # marked parts, in seconds


@dataclass(frozen=True)
class CredentialsFinding:
    """Search for Content Credentials (C2PA)."""

    found: bool
    valid: bool  # the signature and the hashes match the file; the signer may be anybody
    synthetic: bool = False  # the manifest names a synthetic source
    signer: str = ""  # organisation of the certificate


@dataclass(frozen=True)
class RegisterFinding:
    """Search of the server's register of results."""

    found: bool
    task: str | None = None  # task that made the sound, for operators only
    exact: bool = False  # the file is a result, byte for byte
    stretches: tuple[tuple[float, float], ...] = ()  # registered parts, in seconds


@dataclass(frozen=True)
class Verdict:
    """Layers of provenance that were found in a file."""

    synthetic: bool  # a layer shows that the sound is synthetic
    watermark: WatermarkFinding
    c2pa: CredentialsFinding
    register: RegisterFinding
    seconds: float  # duration of the file
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class Unrecorded:
    """Blocks of a project that are still to be recorded."""

    blocks: int
    characters: int
    cost: float  # credits that their takes cost


@dataclass(frozen=True)
class Project:
    """Script of blocks that are recorded one by one."""

    id: str  # "proj_…"
    name: str
    version: int  # raised by each change of the script; `if_version` of the next change
    blocks: int  # number of blocks
    characters: int  # of all texts
    created: int  # Unix seconds
    updated: int  # Unix seconds
    # Voice and controls of blocks that set none. None: the usual ones.
    model_id: str | None = None
    language: str | None = None
    emotion: str | None = None
    speed: float | None = None
    pitch: int | None = None
    vol: float | None = None
    unrecorded: Unrecorded | None = None  # None in a list of projects


@dataclass(frozen=True)
class Take:
    """Recording of a block."""

    id: str  # "take_…"
    block_id: str
    task_id: str  # speech task that made the take
    status: Status
    progress: int  # per cent
    cost: float  # credits
    seed: int  # another seed gives another reading
    stale: bool  # the block would be spoken differently now
    chosen: bool  # renders use the take
    created: int  # Unix seconds
    text: str | None = None  # text that the take speaks
    error: str | None = None
    error_code: str | None = None  # stable word, for programs
    seconds: float | None = None  # length of the audio
    audio_url: str | None = None  # signed link to a FLAC file
    subtitle_vtt: str | None = None  # signed link to the words as WebVTT
    subtitle_json: str | None = None  # signed link to the words as JSON with milliseconds
    links_expire_at: int | None = None  # Unix seconds; later answers have new links


@dataclass(frozen=True)
class Block:
    """Part of a script: a text, a chapter's heading or a pause."""

    id: str  # "block_…"
    kind: BlockKind
    version: int  # raised by each change of the block; `if_version` of the next change
    state: BlockState
    takes: int  # number of takes
    characters: int  # of the text, which a take is charged for
    created: int  # Unix seconds
    updated: int  # Unix seconds
    text: str = ""
    text_format: TextFormat = "plain"
    seconds: float | None = None  # of a pause
    # Voice and controls. None: those of the project.
    model_id: str | None = None
    language: str | None = None
    emotion: str | None = None
    speed: float | None = None
    pitch: int | None = None
    vol: float | None = None
    take: Take | None = None  # take that renders use
    take_id: str | None = None  # take that the client chose
    recording_id: str | None = None  # newest take that is under way


@dataclass(frozen=True)
class Recorded:
    """Takes that `record_project` has ordered."""

    takes: tuple[Take, ...]
    refused: tuple[Mapping[str, Any], ...]  # `blockId`, `error` and `errorCode` of blocks


@dataclass(frozen=True)
class TaskPage:
    """One page of the account's tasks, newest first."""

    tasks: tuple[Task, ...]
    next_cursor: str | None  # cursor of the next page; None on the last page


@dataclass(frozen=True)
class Upload:
    """An uploaded recording."""

    url: str  # source for `clone`; anybody who has this link can read the file
    filename: str
    size: int  # bytes
    mime_type: str


@dataclass(frozen=True)
class Balance:
    """Credits of the account."""

    balance: float  # credits ever paid in
    used_coin: float  # credits spent
    available: float  # credits that can be spent now


@dataclass(frozen=True)
class KeyBalance:
    """Credits that the key may spend."""

    name: str
    total_quota: float  # 0 for an unlimited key
    used_quota: float
    available_quota: float
    unlimited: bool


@dataclass(frozen=True)
class SignInLink:
    """A link that signs in to the studio once."""

    url: str
    expires_at: int  # Unix seconds


@dataclass(frozen=True)
class Price:
    """A row of the price list."""

    model_name: str
    display_name: str
    model_type: str
    price_mode: str  # "per_10k_char", or per task
    unit_price: float  # credits
    remark: str


@dataclass(frozen=True)
class Language:
    """A language of the server."""

    name: str
    code: str  # BCP 47 tag
    engines: Mapping[str, str | None]  # engine by version; None if no engine speaks the language


@dataclass(frozen=True)
class Voice:
    """A voice of the account."""

    model_id: str
    version: Literal["v1", "v2"]
    engine: str
    licence: str  # of the engine's model
    speech_seconds: float  # speech in the recording
    active: bool  # True once speech used the voice, which then never expires
    created: int  # Unix seconds
    expires_at: int | None = None  # Unix seconds; None for an active voice
    consent: Mapping[str, Any] | None = None  # the speaker's consent as the server stored it
    name: str | None = None
    language: str | None = None  # language of the recording, if known
    tags: tuple[str, ...] = ()
    recording_report: Mapping[str, Any] | None = None  # measurements of the recording, and advice
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
