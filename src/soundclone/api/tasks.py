"""Tasks: make a voice, speak with it, ask how far it is, call it off."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from sqlalchemy import Row
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ..core import consents, engine_registry, results, tasks, voices
from ..core.consents import Agreement
from ..core.keys import Caller
from ..core.pricing import to_credits
from ..core.tasks import Order
from ..db.models import Task
from ..errors import InvalidParameter, NotFound
from ..fetch.urls import check_source_url
from ..text import duration, languages, script
from ..text.duration import Length
from ..text.languages import Language
from .auth import KnownCaller, LimitedCaller
from .errors import ContractRoute, OwnRoute
from .schemas import (
    OPUS_RATES,
    ConsentRequest,
    SoundCloneApiResponse,
    SoundCloneAudioRequest,
    SoundCloneCloneRequest,
    ok,
)
from .state import state_of

PREVIEW_LIMIT = 270  # characters
TEXT_LIMIT = 10_000
MODELS = {"clone": "soundCloningClone", "audio": "soundCloningAudio"}
DAY = 86_400.0
TASK_ID = re.compile("audio_[0-9a-f-]{36}")

router = APIRouter(prefix="/api/open-api/v1", route_class=ContractRoute, tags=["Tasks"])
own = APIRouter(prefix="/api/open-api/v1", route_class=OwnRoute, tags=["Tasks"])

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern="^[ -~]*$",
        description="1 to 255 printable ASCII characters. Another request with the same key and "
        "the same body returns the first task, without a second charge",
    ),
]
TaskId = Annotated[str, Path(description="The id of a task")]


@router.get(
    "/audios/{id}",
    operation_id="getSoundCloneTask",
    summary="Ask for a task",
    response_model=SoundCloneApiResponse,
)
async def get_task(request: Request, id: TaskId, who: KnownCaller) -> Response:
    """Return the progress of a task and, once it is completed, the links to its results."""
    # In practice `polling.poll` serves this path.
    task = await state_of(request).database.read_async(tasks.get, checked_id(id), who.account_id)
    return JSONResponse(ok(view(request, task)))


@router.post(
    "/soundCloning/clones",
    operation_id="createSoundClonePreview",
    summary="Make a voice",
    response_model=SoundCloneApiResponse,
    response_description="Task created",
)
async def create_clone(
    request: Request,
    body: SoundCloneCloneRequest,
    who: LimitedCaller,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Make a voice from a recording and say a preview in it. Poll the task for `modelId` and
    `audioUrl`."""
    order = await clone_order(request, body, who, idempotency_key)
    check_consent(request, order)
    return JSONResponse(ok(view(request, await submit(request, order))))


@router.post(
    "/soundCloning/audios",
    operation_id="createSoundCloneAudio",
    summary="Speak with a voice",
    response_model=SoundCloneApiResponse,
    response_description="Task created",
)
async def create_audio(
    request: Request,
    body: SoundCloneAudioRequest,
    who: LimitedCaller,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Say a text in a cloned voice. Poll the task for `audioUrl`."""
    order = await audio_order(request, body, who, idempotency_key)
    return JSONResponse(ok(view(request, await submit(request, order))))


@own.delete(
    "/audios/{id}",
    operation_id="cancelSoundCloneTask",
    summary="Cancel a task",
    response_model=SoundCloneApiResponse,
)
async def cancel_task(request: Request, id: TaskId, who: KnownCaller) -> JSONResponse:
    """Cancel a task: it fails as `cancelled`, and its work stops at the next step. Nothing is
    charged, but for a stream of `/v1/audio/speech`, whose delivered part is charged. A task that
    has ended stays as it is."""
    state = state_of(request)
    keep = state.settings.result_days * DAY
    task = await state.database.transaction_async(
        tasks.cancel, checked_id(id), who.account_id, keep=keep
    )
    return JSONResponse(ok(view(request, task)))


@own.delete(
    "/audios/{id}/result",
    operation_id="deleteSoundCloneResult",
    summary="Delete a result",
    status_code=204,
)
async def delete_result(request: Request, id: TaskId, who: KnownCaller) -> Response:
    """Delete the files of a task that has ended before they expire, and free their space. When the
    answer comes, the links are dead. A voice stays."""
    state = state_of(request)
    task = await state.database.transaction_async(tasks.discard, checked_id(id), who.account_id)
    await run_in_threadpool(state.storage.delete_prefix, f"results/{task.id}")
    return Response(status_code=204)


async def clone_order(
    request: Request,
    body: SoundCloneCloneRequest,
    who: Caller,
    idempotency_key: str | None,
    *,
    name: str | None = None,
    agreement: Agreement | None = None,
) -> Order:
    """A preview as asked for, checked and priced. `name` and `agreement` go to the voice. Raises
    InvalidParameter, NotFound (of a consent), Expired (of an upload), Unavailable."""
    state = state_of(request)
    name = name or voices.checked_name(body.name or "")
    language = language_of(body.language, body.soundVersion)
    upload = state.storage.parse_link(body.fileUrl)
    source = {"upload": upload} if upload else {"url": check_source_url(body.fileUrl)}
    if agreement is None and body.consent and body.consent.model_fields_set:
        agreement = await agreement_of(request, body.consent, who)
    if body.contentText is None:
        language = language or languages.lookup("English", body.soundVersion)
        text = language.preview
        characters = script.billable(text)
    else:
        text = body.contentText
        characters = script.check(text, PREVIEW_LIMIT)
    seconds = await length_of(text, characters, language, body.soundVersion)
    return Order(
        kind="clone",
        account_id=who.account_id,
        key_id=who.key_id,
        params={
            "source": source,
            "text": text,
            "version": body.soundVersion,
            "language": language.name if language else "auto",
            "engine": await engine_for(request, text, body.soundVersion, language),
            **({"name": name} if name else {}),
            **(agreement.params() if agreement else {}),
        },
        characters=characters,
        cost=state.prices.clone(characters),
        size=results.estimate({}, characters, seconds),
        request_hash=clone_digest(body),
        idempotency_key=idempotency_key,
    )


async def agreement_of(request: Request, given: ConsentRequest, who: Caller) -> Agreement:
    """The consent that a request gives. Raises InvalidParameter, NotFound, Expired."""
    source = await consent_source(request, given.recording, who) if given.recording else None
    return consents.declared(
        given.declaration or None, given.speaker or "", key_id=who.key_id, source=source
    )


async def consent_source(request: Request, recording: str, who: Caller) -> dict[str, str]:
    """Source of a consent recording, for the worker. Raises InvalidParameter, NotFound, Expired."""
    state = state_of(request)
    if consents.is_id(recording):
        found = await state.database.read_async(
            consents.get, recording, who.account_id, param="consent.recording"
        )
        return consents.source_of(found)
    if upload := state.storage.parse_link(recording):
        return {"upload": upload}
    return {"url": check_source_url(recording, "consent.recording")}


def check_consent(request: Request, order: Order) -> None:
    """Raises InvalidParameter when a preview comes with less consent than the settings require."""
    consents.check_policy(state_of(request).settings.consent, order.params)


async def audio_order(
    request: Request,
    body: SoundCloneAudioRequest,
    who: Caller,
    idempotency_key: str | None,
    streamed: Mapping[str, Any] | None = None,
) -> Order:
    """Production speech as asked for, checked and priced; `streamed` are further parameters of the
    job. Raises InvalidParameter, NotFound, Unavailable."""
    state = state_of(request)
    if not re.fullmatch(r"model_[0-9a-f]{32}", body.modelId):
        raise NotFound(
            f"there is no voice {body.modelId[:60]!r} in this account; modelId is what a "
            "completed preview task reports",
            param="modelId",
        )
    if body.format == "ogg" and body.sampleRate not in (None, *OPUS_RATES):
        raise InvalidParameter(
            f"sampleRate is {body.sampleRate}; for ogg it must be one of "
            + ", ".join(map(str, OPUS_RATES)),
            param="sampleRate",
        )
    characters = script.check(body.contentText, TEXT_LIMIT)
    voice = await state.database.read_async(
        voices.get, body.modelId, who.account_id, param="modelId"
    )
    version = body.soundVersion or voice.version
    language = language_of(body.language, version)
    seconds = await length_of(body.contentText, characters, language, version)
    # Another version may have another engine: whoever asks for it means that one.
    own = voice.engine if version == voice.version else None
    engine = await engine_for(request, body.contentText, version, language, own)
    params = {
        "text": body.contentText,
        "version": version,
        "language": language.name if language else "auto",
        "engine": engine,
        "emotion": body.emotion,
        "speed": body.speed,
        "vol": body.vol,
        "pitch": body.pitch,
        "subtitles": (body.subtitleType or "sentence") if body.subtitleEnable else None,
        "format": body.format,
        "sample_rate": body.sampleRate,
        "channels": body.channel,
        **(streamed or {}),
    }
    return Order(
        kind="audio",
        account_id=who.account_id,
        key_id=who.key_id,
        voice_id=voice.id,
        params=params,
        characters=characters,
        cost=state.prices.audio(characters),
        fee=state.prices.fee,
        size=results.estimate(params, characters, seconds),
        request_hash=digest("audio", body.model_dump()),
        idempotency_key=idempotency_key,
    )


async def submit(request: Request, order: Order, since: float | None = None) -> Task:
    """Put an order through, in one transaction. With `since`, the same request after that time
    gives the earlier task. Raises Unavailable when the disk is nearly full, and as
    `tasks.submit`."""
    state = state_of(request)
    state.storage.check_free(state.settings.least_free_bytes)

    def work(session: Session) -> Task:
        earlier = None if since is None else tasks.recent(session, order, since)
        return earlier or tasks.submit(
            session,
            order,
            state.queue.enqueue,
            active_limit=state.settings.active_tasks_per_key,
            result_quota=state.settings.result_quota_bytes,
        )

    try:
        task = await state.database.transaction_async(work)
    except IntegrityError:
        # A request with the same idempotency key was faster; the second try finds its task.
        task = await state.database.transaction_async(work)
    return task


def view(request: Request, task: Task | Row[Any]) -> dict[str, Any]:
    """The contract's task data."""
    data: dict[str, Any] = {
        "id": task.id,
        "object": "audio",
        "created": int(task.created_at),
        "model": MODELS[task.kind],
        "status": task.status,
        "error": task.error,
        "progress": task.progress,
        "cost": to_credits(task.cost),
    }
    if task.error_word:
        data["errorCode"] = task.error_word
    if task.status != "completed":
        return data
    assert task.expires_at is not None
    expires = int(task.expires_at)
    if task.kind == "clone":
        data["modelId"] = task.voice_id
    for field, name in (
        ("audioUrl", "audio"),
        ("subtitleFile", "subtitles"),
        ("subtitleJson", "subtitles_json"),
    ):
        if key := task.result.get(name):
            data[field] = link(request, key, expires)
    for field, name in (
        ("seconds", "seconds"),
        ("engine", "engine"),
        ("language", "language"),
        ("languages", "languages"),
        ("speechSeconds", "speech_seconds"),
        ("voiceExpiresAt", "voice_expires_at"),
        ("warnings", "warnings"),
    ):
        if name in task.result:
            data[field] = task.result[name]
    data["expiresAt"] = expires
    return data


def link(request: Request, key: str, expires: int, filename: str | None = None) -> str:
    """A signed URL of a stored file, and the name under which a browser is to save the file."""
    state = state_of(request)
    base = state.settings.public_url or str(request.base_url)
    path = state.storage.sign(key, expires, filename)
    return base.rstrip("/") + path


def language_of(name: str, version: str) -> Language | None:
    """The language that the request names; None when it leaves that to detection. Raises
    InvalidParameter."""
    return None if name.strip().lower() == "auto" else languages.lookup(name, version)


async def length_of(text: str, characters: int, language: Language | None, version: str) -> Length:
    """Estimate in a thread how long the speech lasts. Raises InvalidParameter when the speech is
    too long for the billed characters."""

    def job() -> Length:
        return duration.check(text, characters, duration.read_as(text, language, version))

    return await run_in_threadpool(job)


async def engine_for(
    request: Request, text: str, version: str, language: Language | None, own: str | None = None
) -> str:
    """Which engine is to say the text; `own` is that of the voice. Raises InvalidParameter when
    none speaks its language, Unavailable when the one that it takes is away."""
    state = state_of(request)
    offered = await state.database.read_async(
        engine_registry.current, state.settings.worker_lost_after
    )
    if language is not None:
        name = state.engine_routes.engine(offered, language.name, version, own)
    else:
        name = await run_in_threadpool(
            state.engine_routes.engine_for_text, offered, text, version, own
        )
    return name


def clone_digest(body: SoundCloneCloneRequest) -> str:
    """The hash of a clone request. Options that are newer than the first release count only when
    they are given, so that a request that is repeated across an upgrade is recognised."""
    newer = {option for option in ("name", "consent") if not getattr(body, option)}
    return digest("clone", body.model_dump(exclude=newer))


def digest(kind: str, body: dict[str, Any]) -> str:
    """What a repeated request is recognised by."""
    text = json.dumps([kind, body], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def checked_id(task_id: str) -> str:
    """Raises NotFound for what cannot be a task's id."""
    if not TASK_ID.fullmatch(task_id):
        raise NotFound(f"there is no task {task_id[:60]!r} in this account")
    return task_id
