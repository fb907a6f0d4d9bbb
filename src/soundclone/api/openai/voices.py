"""Routes for voices in OpenAI's format. A request makes a voice and waits for it."""

from __future__ import annotations

import asyncio
import hashlib
import time
from contextlib import suppress
from typing import Annotated, BinaryIO, Literal

from fastapi import APIRouter, File, Form, Path, Query, Request, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from ...core import consents, tasks, uploads, voices
from ...core.consents import Agreement
from ...core.keys import Caller
from ...core.requests import CloneRequest, UploadSource, request_of
from ...db.models import Consent, Task, Voice
from ...db.session import Database
from ...errors import (
    AuthenticationError,
    Deleted,
    Expired,
    Forbidden,
    IdempotencyConflict,
    InsufficientBalance,
    InvalidParameter,
    NotFound,
    RateLimited,
    RequestError,
    SoundcloneError,
    StateConflict,
    TooLarge,
    Unavailable,
)
from ...storage import Storage
from ..auth import Cloner, LimitedCloner, Reader
from ..files import keep
from ..orders import digest, submit, voice_order
from ..removal import remove_voice
from ..state import state_of
from ..tasks import IdempotencyKey
from ..uploads import release
from .errors import FormRoute, OpenAIRoute, TaskFailed, error_responses
from .schemas import OpenAIDeleted, OpenAIVoice, OpenAIVoiceList, page

WAIT_SECONDS = 300.0  # for the voice of a request
REPEAT_SECONDS = 600.0  # in which the same request returns the same voice
_INTERVAL = 0.1  # seconds between two looks at a running task

router = APIRouter(prefix="/audio/voices", route_class=OpenAIRoute)
forms = APIRouter(prefix="/audio/voices", route_class=FormRoute)

VoicePath = Annotated[str, Path(description="Id of a voice")]


@forms.post(
    "",
    operation_id="createVoice",
    summary="Make a voice",
    response_model=OpenAIVoice,
    responses=error_responses(
        AuthenticationError,
        Forbidden,
        RequestError,
        InvalidParameter,
        NotFound,
        Expired,
        IdempotencyConflict,
        TooLarge,
        InsufficientBalance,
        RateLimited,
        Unavailable,
    ),
)
async def create(
    request: Request,
    who: LimitedCloner,
    name: Annotated[
        str, Form(description="A text of at most 80 characters: the name of the voice")
    ],
    consent: Annotated[str, Form(description="The id of a voice consent: cons_…")],
    audio_sample: Annotated[
        UploadFile,
        File(
            description="A file with a recording of the speaker: more than 15 s and less than 60 s "
            "of speech. POST /api/open-api/v1/files/upload has the same limit of size"
        ),
    ],
    type: Annotated[
        Literal["audio_sample"], Form(description="Kind of the sample: a recording")
    ] = "audio_sample",
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Make a voice from a recording.

    The same request within ten minutes returns the same voice and is charged once. OpenAI's clients
    repeat a request that takes too long.
    """
    state = state_of(request)
    name = voices.checked_name(name)
    if not name:
        raise InvalidParameter("name is empty; the voice needs a name", param="name")
    agreed = await state.database.read_async(
        consents.usable, consent, who.account_id, param="consent"
    )
    if not audio_sample.size:
        raise InvalidParameter("audio_sample is empty; a recording is needed", param="audio_sample")
    largest = state.settings.upload_max_bytes
    if audio_sample.size > largest:
        raise InvalidParameter(
            f"audio_sample has {audio_sample.size:,} bytes; at most {largest:,} are taken: "
            "send a shorter recording, or the same one as FLAC or MP3",
            param="audio_sample",
        )
    sample = await run_in_threadpool(_sha256, audio_sample.file)
    request_hash = digest("voice", {"name": name, "consent": agreed.id, "sample": sample})
    task = await _submit(request, who, audio_sample, name, agreed, request_hash, idempotency_key)
    await release(request)  # the file is stored, and the voice takes some time
    try:
        voice = await _wait_for_voice(request, task)
    except SoundcloneError as error:
        reason = error.reason if isinstance(error, TaskFailed) else ""
        error.param = "consent" if reason.startswith("consent_") else "audio_sample"
        raise
    return JSONResponse(view(voice))


@router.get(
    "",
    operation_id="listOpenAIVoices",
    summary="List voices",
    response_model=OpenAIVoiceList,
    responses=error_responses(
        AuthenticationError, Forbidden, InvalidParameter, NotFound, Unavailable
    ),
)
async def listing(
    request: Request,
    who: Reader,
    after: Annotated[
        str | None, Query(description="The id of the last voice of the page before")
    ] = None,
    limit: Annotated[
        int | None,
        Query(
            ge=1, le=100, description="Largest number of voices of the page. Default: all voices"
        ),
    ] = None,
) -> JSONResponse:
    """Return the account's voices, newest first."""
    found, more = await state_of(request).database.read_async(
        voices.page, who.account_id, after=after, limit=limit
    )
    answer = page([view(voice) for voice in found], more=more)
    return JSONResponse(answer | {"voices": answer["data"]})


@router.get(
    "/{voice_id}",
    operation_id="getOpenAIVoice",
    summary="Get a voice",
    response_model=OpenAIVoice,
    responses=error_responses(
        AuthenticationError, Forbidden, NotFound, Expired, Deleted, Unavailable
    ),
)
async def retrieve(request: Request, voice_id: VoicePath, who: Reader) -> JSONResponse:
    """Return a voice of the account."""
    voice = await state_of(request).database.read_async(voices.current, voice_id, who.account_id)
    return JSONResponse(view(voice))


@router.delete(
    "/{voice_id}",
    operation_id="deleteOpenAIVoice",
    summary="Delete a voice",
    response_model=OpenAIDeleted,
    responses=error_responses(AuthenticationError, Forbidden, NotFound, StateConflict, Unavailable),
)
async def delete(request: Request, voice_id: VoicePath, who: Cloner) -> JSONResponse:
    """Delete a voice with its recording, its upload and its preview."""
    await remove_voice(request, voice_id, who)
    return JSONResponse({"id": voice_id, "object": "audio.voice.deleted", "deleted": True})


async def _submit(
    request: Request,
    who: Caller,
    file: UploadFile,
    name: str,
    consent: Consent,
    request_hash: str,
    idempotency_key: str | None,
) -> Task:
    """Return the task that makes the voice: the task of an equal request, or a new one."""
    state = state_of(request)
    if idempotency_key is None:
        earlier: Task | None = await state.database.transaction_async(
            tasks.recent, who.account_id, request_hash, time.time() - REPEAT_SECONDS
        )
        if earlier is not None:
            return earlier
    source = UploadSource((await keep(request, who, file))[0])
    task: Task | None = None
    try:
        order = await voice_order(
            state,
            who,
            source,
            name=name,
            agreement=Agreement(
                consents.STATEMENT,
                who.key_id,
                source=consents.source_of(consent),
                terms=consents.terms_of(consent),
            ),
            request_hash=request_hash,
            idempotency_key=idempotency_key,
        )
        since = time.time() - REPEAT_SECONDS if idempotency_key is None else None
        task = await submit(state, order, since)
        return task
    finally:
        if task is None or not _uses(task, source):
            await _discard(state.storage, state.database, source.key)


def _uses(task: Task, source: UploadSource) -> bool:
    request = request_of(task)
    return isinstance(request, CloneRequest) and request.source == source


async def _discard(storage: Storage, database: Database, key: str) -> None:
    """Remove an upload that no task needs, so that it does not count towards the quota.

    An upload that cannot be removed now expires later.
    """
    with suppress(SoundcloneError):
        await run_in_threadpool(storage.delete, key)
        await database.transaction_async(uploads.unregister, key)


async def _wait_for_voice(request: Request, task: Task) -> Voice:
    """Wait for a task, and return its voice.

    Raises:
        TaskFailed: The task has failed.
        Unavailable: The task takes too long. It continues, and the same request can wait again.
    """
    database = state_of(request).database
    until = time.monotonic() + WAIT_SECONDS
    while True:
        row = await database.fetch_one_async(tasks.STATE, task=task.id)
        assert row is not None  # the row stays for a month after the task has ended
        if row.status == "failed":
            raise TaskFailed(row.error or "the task failed; nothing was charged", row.error_word)
        if row.status == "completed":
            return await database.read_async(voices.get, row.voice_id, task.account_id)
        if time.monotonic() > until or await request.is_disconnected():
            raise Unavailable(
                f"the voice was not made within {WAIT_SECONDS:.0f} s and is being made still; send "
                "the same request again to go on waiting"
            )
        await asyncio.sleep(_INTERVAL)


def _sha256(file: BinaryIO) -> str:
    found = hashlib.sha256()
    while block := file.read(1 << 20):
        found.update(block)
    file.seek(0)
    return found.hexdigest()


def view(voice: Voice) -> dict[str, object]:
    """Return a voice in OpenAI's format, with further fields."""
    return {
        "id": voice.id,
        "object": "audio.voice",
        "created_at": int(voice.created_at),
        "name": voice.name or voice.id,
        "type": "audio_sample",
        "consent": (voice.consent or {}).get("consent"),
        "expires_at": None if voice.expires_at is None else int(voice.expires_at),
    }
