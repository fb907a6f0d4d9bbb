"""Routes for tasks: make a voice, speak with it, poll and cancel."""

from __future__ import annotations

import re
import time
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from sqlalchemy import Row

from ..audio.recording_report import RecordingReport
from ..core import files, tasks
from ..core.formatting import DAY
from ..core.keys import Caller, Scope
from ..core.pricing import to_credits
from ..core.requests import TaskResult
from ..core.voices import ACTIVE
from ..db.models import Task, TaskKind, TaskStatus
from ..errors import (
    AuthenticationError,
    Deleted,
    Expired,
    Forbidden,
    IdempotencyConflict,
    InsufficientBalance,
    InvalidParameter,
    NotFound,
    QuotaExceeded,
    RateLimited,
    RequestError,
    StateConflict,
    TooLarge,
    Unavailable,
)
from .audit import record_links
from .auth import LimitedCloner, LimitedSpeaker, TaskOwner, TaskReader
from .errors import ContractRoute, ServiceRoute
from .openapi import error_responses
from .orders import audio_order, clone_order, submit
from .schemas import (
    AnyTaskResponse,
    SoundCloneApiResponse,
    SoundCloneAudioRequest,
    SoundCloneCloneRequest,
    ok,
)
from .state import AppState, state_of
from .task_signals import preferred_wait

MODELS = {
    TaskKind.CLONE: "soundCloningClone",
    TaskKind.AUDIO: "soundCloningAudio",
    TaskKind.CONVERSION: "soundCloningConversion",
    TaskKind.RENDER: "soundCloningRender",
}
_HOUR = 3600
TASK_ID = re.compile("audio_[0-9a-f-]{36}")

router = APIRouter(prefix="/api/open-api/v1", route_class=ContractRoute, tags=["Tasks"])
service_router = APIRouter(prefix="/api/open-api/v1", route_class=ServiceRoute, tags=["Tasks"])


def idempotency_header(effect: str) -> Any:
    """Describe the header Idempotency-Key, and the effect of a request that repeats a key."""
    return Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern="^[ -~]*$",
        description="1 to 255 printable ASCII characters. Another request with the same key and "
        f"the same body {effect}",
    )


IdempotencyKey = Annotated[
    str | None, idempotency_header("returns the first task, without a second charge")
]
SUBMISSION = (
    AuthenticationError,
    Forbidden,
    RequestError,
    InvalidParameter,
    NotFound,
    Expired,
    Deleted,
    IdempotencyConflict,
    TooLarge,
    InsufficientBalance,
    QuotaExceeded,
    RateLimited,
    Unavailable,
)
TaskId = Annotated[str, Path(description="The id of a task")]
Prefer = Annotated[
    list[str] | None,
    Header(
        description="`wait=N` (RFC 7240) holds the answer until the task ends, for up to "
        "N seconds, at most 5"
    ),
]


@router.get(
    "/audios/{id}",
    operation_id="getSoundCloneTask",
    summary="Get a task",
    response_model=AnyTaskResponse,
    responses=error_responses(
        AuthenticationError, Forbidden, NotFound, Expired, Deleted, Unavailable, contract=True
    ),
)
async def get_task(
    request: Request, id: TaskId, who: TaskReader, prefer: Prefer = None
) -> Response:
    """Return the progress of a task and, once it is completed, the links to its results.

    With the header `Prefer: wait=5`, the answer comes when the task ends, or after 5 s.
    """
    # `polling.PollingMiddleware` answers most requests.
    state, checked = state_of(request), checked_id(id)
    task = await state.task_signals.read_until(
        checked,
        preferred_wait(prefer or ()),
        lambda: state.database.read_async(tasks.get, checked, who.account_id),
        lambda task: task.status not in ACTIVE,
    )
    await record_links(request, task.id, task.status, who.key_id)
    return JSONResponse(ok(view(request, task)))


@router.post(
    "/soundCloning/clones",
    operation_id="createSoundClonePreview",
    summary="Make a voice",
    response_model=SoundCloneApiResponse,
    responses=error_responses(*SUBMISSION, contract=True),
    response_description="Task created",
)
async def create_clone(
    request: Request,
    body: SoundCloneCloneRequest,
    who: LimitedCloner,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Make a voice from a recording, and speak a preview with it.

    Poll the task for `modelId` and `audioUrl`.
    """
    state = state_of(request)
    order = await clone_order(state, body, who, idempotency_key)
    return JSONResponse(ok(view(request, await submit(state, order))))


@router.post(
    "/soundCloning/audios",
    operation_id="createSoundCloneAudio",
    summary="Speak with a voice",
    response_model=SoundCloneApiResponse,
    responses=error_responses(*SUBMISSION, contract=True),
    response_description="Task created",
)
async def create_audio(
    request: Request,
    body: SoundCloneAudioRequest,
    who: LimitedSpeaker,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Speak a text with a voice. Poll the task for `audioUrl`."""
    state = state_of(request)
    order = await audio_order(state, body, who, idempotency_key)
    return JSONResponse(ok(view(request, await submit(state, order))))


@service_router.delete(
    "/audios/{id}",
    operation_id="cancelSoundCloneTask",
    summary="Cancel a task",
    response_model=AnyTaskResponse,
    responses=error_responses(
        AuthenticationError, Forbidden, NotFound, Expired, Deleted, Unavailable
    ),
)
async def cancel_task(request: Request, id: TaskId, who: TaskOwner) -> JSONResponse:
    """Cancel a task. It fails as `cancelled`, and its work stops at the next step.

    Nothing is charged, except for the delivered part of a stream of `/v1/audio/speech`. A task that
    has ended does not change.
    """
    state = state_of(request)
    await check_kind(state, id, who)
    keep = state.settings.result_days * DAY
    task = await state.database.transaction_async(
        tasks.cancel, checked_id(id), who.account_id, keep=keep
    )
    return JSONResponse(ok(view(request, task)))


@service_router.delete(
    "/audios/{id}/result",
    operation_id="deleteSoundCloneResult",
    summary="Delete a result",
    status_code=204,
    responses=error_responses(
        AuthenticationError, Forbidden, NotFound, Expired, Deleted, StateConflict, Unavailable
    ),
)
async def delete_result(request: Request, id: TaskId, who: TaskOwner) -> Response:
    """Delete the files of an ended task before they expire, and free their space.

    When the response arrives, download links of the files no longer work. Deleting a preview does
    not delete its voice.
    """
    state = state_of(request)
    await check_kind(state, id, who)
    task = await state.database.transaction_async(tasks.discard, checked_id(id), who.account_id)
    await run_in_threadpool(state.storage.delete_prefix, files.result_folder(task.id))
    return Response(status_code=204)


async def check_kind(state: AppState, task_id: str, who: Caller) -> None:
    """Check that the key may submit tasks of the kind of an existing task.

    Raises:
        Forbidden: The key lacks the scope.
        NotFound, Expired: The account has no such task.
    """
    task = await state.database.read_async(tasks.get, checked_id(task_id), who.account_id)
    who.require(Scope.CLONE if task.kind == TaskKind.CLONE else Scope.SPEAK)


def view(request: Request, task: Task | Row[*tuple[Any, ...]]) -> dict[str, object]:
    """Return a task in the contract's format."""
    data: dict[str, object] = {
        "id": task.id,
        "object": "audio",
        "created": int(task.created_at),
        "model": MODELS[TaskKind(task.kind)],
        "status": task.status,
        "error": task.error,
        "progress": task.progress,
        "cost": to_credits(task.cost),
    }
    if task.error_word:
        data["errorCode"] = task.error_word
    if task.status != TaskStatus.COMPLETED:
        return data
    expires = links_expire(request, task)
    if task.kind == TaskKind.CLONE:
        data["modelId"] = task.voice_id
    if result := TaskResult.from_json(task.result):
        data |= _result_view(request, result, expires)
    if task.expires_at is not None:
        data["expiresAt"] = expires
    return data


def links_expire(request: Request, task: Task | Row[*tuple[Any, ...]]) -> int:
    """Return when links to a task's result expire, in Unix seconds.

    The result of a take has no expiry, so its links get new ones every hour.
    """
    if task.expires_at is not None:
        return int(task.expires_at)
    hour = int(time.time()) // _HOUR * _HOUR
    return hour + _HOUR + int(state_of(request).settings.result_days * DAY)


def _result_view(request: Request, result: TaskResult, expires: int) -> dict[str, object]:
    """Return the fields of a completed task that have a value."""
    links = {
        "audioUrl": result.audio,
        "subtitleFile": result.subtitles,
        "subtitleJson": result.subtitles_json,
        "subtitleVtt": result.subtitles_vtt,
        "credentialsUrl": result.credentials,
        "timelineUrl": result.timeline,
    }
    values = {
        "seconds": result.seconds,
        "engine": result.engine,
        "language": result.language,
        "languages": result.languages,
        "speechSeconds": result.speech_seconds,
        "recordingReport": report_view(result.recording_report),
        "voiceExpiresAt": result.voice_expires_at,
        "warnings": result.warnings,
        "chapters": result.chapters and [vars(each) for each in result.chapters],
    }
    return {
        **{field: link(request, key, expires) for field, key in links.items() if key},
        **{field: value for field, value in values.items() if value is not None},
    }


def report_view(report: RecordingReport | None) -> dict[str, object] | None:
    """Return the fields of the report on a recording, None without one."""
    if report is None:
        return None
    return {
        "speechSeconds": report.speech_seconds,
        "level": report.level,
        "snr": report.snr,
        "clipped": report.clipped,
        "echo": report.echo,
        "telephone": report.telephone,
        "advice": list(report.advice),
    }


def link(request: Request, key: str, expires: int, filename: str | None = None) -> str:
    """Return a signed URL of a stored file. Browsers save the file as `filename`."""
    state = state_of(request)
    base = state.settings.public_url or str(request.base_url)
    path = state.storage.sign(key, expires, filename)
    return base.rstrip("/") + path


def checked_id(task_id: str) -> str:
    """Return the id of a task if it is well-formed.

    Raises:
        NotFound: No task can have this id.
    """
    if not TASK_ID.fullmatch(task_id):
        raise NotFound(f"there is no task {task_id[:60]!r} in this account")
    return task_id
