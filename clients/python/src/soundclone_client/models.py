"""Data that the SDK's methods return, and how the server's answers become it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from .errors import ApiError

T = TypeVar("T")


@dataclass(frozen=True)
class Task:
    """A task as it stood when the server was asked."""

    id: str
    model: str  # "soundCloningClone" or "soundCloningAudio"
    status: str  # "queued", "processing", "completed" or "failed"
    created: int  # Unix seconds
    error: str | None = None
    error_code: str | None = None  # stable machine word of `error`
    progress: int | None = None  # per cent
    cost: float | None = None  # credits
    model_id: str | None = None  # the voice, of a completed preview
    audio_url: str | None = None  # the audio, by a link that expires
    subtitle_file: str | None = None  # SRT, by a link that expires
    subtitle_json: str | None = None
    expires_at: int | None = None  # Unix seconds, of the result
    seconds: float | None = None  # of audio
    language: str | None = None  # what was spoken, or most of it
    languages: tuple[str, ...] = ()  # all that was spoken, a sentence at a time
    speech_seconds: float | None = None  # found in the recording, of a preview
    warnings: tuple[str, ...] = ()  # what is weak about the recording, of a preview
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def ended(self) -> bool:
        return self.status in ("completed", "failed")


@dataclass(frozen=True)
class Clone(Task):
    """A completed preview: a voice, and audio of it."""

    model_id: str = ""
    audio_url: str = ""
    seconds: float = 0.0
    cost: float = 0.0


@dataclass(frozen=True)
class Speech(Task):
    """Completed speech."""

    audio_url: str = ""
    seconds: float = 0.0
    cost: float = 0.0


@dataclass(frozen=True)
class Consent:
    """Consent of the speaker whose voice is cloned: a declaration, a recording, or both."""

    recording: str | os.PathLike[str] | None = None  # a file, a URL, or the id of a voice consent
    speaker: str = ""  # name of the speaker, who has agreed
    own_voice: bool = False  # the voice is that of whoever sends the request


@dataclass(frozen=True)
class TaskPage:
    """Some tasks of the account, the newest first."""

    tasks: tuple[Task, ...]
    next_cursor: str | None  # for the page after this one; None: this is the last


@dataclass(frozen=True)
class Upload:
    url: str  # for `clone`; whoever has it can read the file
    filename: str
    size: int  # bytes
    mime_type: str


@dataclass(frozen=True)
class Balance:
    """Credits of the account."""

    balance: float  # all that was ever credited
    used_coin: float
    available: float  # can be spent now


@dataclass(frozen=True)
class KeyBalance:
    """Credits that the key may spend."""

    name: str
    total_quota: float  # 0 when unlimited
    used_quota: float
    available_quota: float
    unlimited: bool


@dataclass(frozen=True)
class Price:
    model_name: str
    display_name: str
    model_type: str
    price_mode: str
    unit_price: float  # credits
    remark: str


@dataclass(frozen=True)
class Voice:
    model_id: str
    version: str  # v1 or v2
    engine: str
    licence: str
    speech_seconds: float  # of the recording
    active: bool  # used by a production task: kept for ever
    created: int  # unix seconds
    expires_at: int | None  # None: never
    consent: Mapping[str, Any] | None = None  # of the speaker, and the check of a recording
    name: str | None = None  # given by the account
    language: str | None = None  # of the recording, where the service knows it
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


_NAMES = {
    "error_code": "errorCode",
    "model_id": "modelId",
    "audio_url": "audioUrl",
    "subtitle_file": "subtitleFile",
    "subtitle_json": "subtitleJson",
    "expires_at": "expiresAt",
    "speech_seconds": "speechSeconds",
}


def read_task(data: Any) -> Task:
    if isinstance(data, dict):
        named = {name: data[wire] for name, wire in _NAMES.items() if wire in data}
        lists = {name: tuple(data.get(name) or ()) for name in ("warnings", "languages")}
        data = {**data, **named, **lists, "raw": data}
    return read(Task, data)


def read(kind: type[T], data: Any) -> T:
    """A `kind` from the fields of `data` that it has. A newer server may send more fields."""
    try:
        return kind(**{name: data[name] for name in kind.__annotations__ if name in data})
    except (TypeError, KeyError) as error:
        message = f"the server's answer is not a {kind.__name__}: {error}"
        raise ApiError(-1, "unexpected_answer", message, 200) from error


Result = TypeVar("Result", Clone, Speech)


def result_of(kind: type[Result], task: Task) -> Result:
    """The completed task as its own kind, whose fields are not optional."""
    for name in kind.__annotations__:
        if getattr(task, name) is None:
            message = f"task {task.id} is completed, but the server's answer has no {name}"
            raise ApiError(-1, "unexpected_answer", message, 200)
    return kind(**vars(task))


def read_voice(row: Mapping[str, Any]) -> Voice:
    names = {
        "model_id": "modelId",
        "version": "soundVersion",
        "engine": "engine",
        "licence": "licence",
        "speech_seconds": "speechSeconds",
        "active": "active",
        "created": "created",
        "expires_at": "expiresAt",
        "consent": "consent",
        "name": "name",
        "language": "language",
    }
    named = {ours: row[theirs] for ours, theirs in names.items() if theirs in row}
    return read(Voice, {**named, "raw": row})
