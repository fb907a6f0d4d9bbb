"""Routes for voices in MiniMax's format. A clone is made while its request waits."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from ...core import client_voice_ids, numbered_files, tasks, voices
from ...core.client_voice_ids import VoiceIdTaken, VoiceNotFound
from ...core.keys import Caller
from ...core.requests import SoundVersion, TaskResult, UploadSource
from ...db.models import Task, Voice
from ...errors import (
    AuthenticationError,
    InsufficientBalance,
    InvalidParameter,
    RateLimited,
    Unavailable,
)
from ..audit import record_links
from ..auth import AnyCaller, Cloner, LimitedCloner, Reader
from ..fronts.tasks import wait_for_task
from ..orders import agreement_of, digest, language_of, submit, voice_order
from ..removal import remove_voice
from ..state import state_of
from ..tasks import link
from .errors import SUCCESS, MiniMaxRoute, error_responses, trace_id
from .models import version_of
from .schemas import (
    CloneRequest,
    CloneResponse,
    EmptyResponse,
    VoiceDeletedResponse,
    VoiceDeletion,
    VoiceDesign,
    VoiceListRequest,
    VoiceListResponse,
)
from .speech import IGNORED

WAIT_SECONDS = 600.0  # for the voice of a request

router = APIRouter(route_class=MiniMaxRoute, tags=["MiniMax"])


@router.post(
    "/v1/voice_clone",
    operation_id="minimaxCloneVoice",
    summary="Make a voice (MiniMax)",
    response_model=CloneResponse,
    responses=error_responses(
        AuthenticationError,
        InvalidParameter,
        VoiceIdTaken,
        InsufficientBalance,
        RateLimited,
        Unavailable,
    ),
)
async def clone(request: Request, body: CloneRequest, who: LimitedCloner) -> JSONResponse:
    """Make a voice from an uploaded recording, under an id that the client chooses.

    The response arrives when the voice is made. The id also becomes the name of the voice. An equal
    request that arrives meanwhile waits for the same voice and is charged once.
    """
    state = state_of(request)
    client_voice_ids.check(body.voice_id)
    version = (version_of(body.model) if body.model else None) or SoundVersion.V2
    language = language_of(body.language_boost or "auto", version)
    file = await state.database.read_async(numbered_files.get, body.file_id, who.account_id)
    if file.upload_key is None:
        raise InvalidParameter(
            f"file_id is {body.file_id}, which is the result of a task; it must be an uploaded "
            "recording",
            param="file_id",
        )
    agreement = None
    if body.consent and body.consent.model_fields_set:
        agreement = await agreement_of(state, body.consent, who)
    order = await voice_order(
        state,
        who,
        UploadSource(file.upload_key),
        text=body.text,
        version=version,
        language=language,
        name=body.voice_id[: voices.LONGEST_NAME],
        agreement=agreement,
        request_hash=digest("minimax clone", body.model_dump()),
        idempotency_key=None,
    )

    def claim(session: Session) -> Task | None:
        return client_voice_ids.claim(session, who.account_id, body.voice_id, order.request_hash)

    def record(session: Session, task: Task) -> None:
        client_voice_ids.assign(session, who.account_id, body.voice_id, task.voice_id)

    task = await submit(state, order, claim=claim, record=record)
    ended = await wait_for_task(
        state,
        task.id,
        seconds=WAIT_SECONDS,
        is_disconnected=request.is_disconnected,
        late=f"the voice was not made within {WAIT_SECONDS:.0f} s and is being made still; "
        "get_voice lists the voice once it is made",
    )
    headers = {}
    if ignored := [name for name in ("clone_prompt", "text_validation") if getattr(body, name)]:
        headers[IGNORED] = ", ".join(ignored)
    return JSONResponse(
        {
            "input_sensitive": False,
            "input_sensitive_type": 0,
            "demo_audio": await _demo(request, who, task.id, ended.result),
            "trace_id": trace_id(),
            "base_resp": SUCCESS,
        },
        headers=headers,
    )


async def _demo(request: Request, who: Caller, task_id: str, result: TaskResult) -> str:
    """Return a link to the preview of a voice."""
    state = state_of(request)
    task = await state.database.read_async(tasks.get, task_id, who.account_id)
    await record_links(request, task_id, task.status, who.key_id)
    assert task.expires_at is not None
    return link(request, result.audio, int(task.expires_at))


@router.post(
    "/v1/get_voice",
    operation_id="minimaxListVoices",
    summary="List voices (MiniMax)",
    response_model=VoiceListResponse,
    responses=error_responses(AuthenticationError, InvalidParameter, Unavailable),
)
async def listing(request: Request, body: VoiceListRequest, who: Reader) -> JSONResponse:
    """Return the account's voices, also those made in another way. There are no system voices."""
    found: list[dict[str, object]] = []
    if body.voice_type in ("all", "voice_cloning"):
        found = await state_of(request).database.read_async(_listed, who.account_id)
    return JSONResponse(
        {
            "system_voice": [],
            "voice_cloning": found,
            "voice_generation": [],
            "base_resp": SUCCESS,
        }
    )


def _listed(session: Session, account_id: str) -> list[dict[str, object]]:
    chosen = client_voice_ids.chosen(session, account_id)
    return [
        {
            "voice_id": chosen.get(voice.id, voice.id),
            "voice_name": voice.name or chosen.get(voice.id, voice.id),
            "description": [],
            "created_time": _day(voice),
        }
        for voice in voices.listing(session, account_id)
    ]


def _day(voice: Voice) -> str:
    return datetime.fromtimestamp(voice.created_at, UTC).date().isoformat()


@router.post(
    "/v1/delete_voice",
    operation_id="minimaxDeleteVoice",
    summary="Delete a voice (MiniMax)",
    response_model=VoiceDeletedResponse,
    responses=error_responses(AuthenticationError, InvalidParameter, VoiceNotFound, Unavailable),
)
async def delete(request: Request, body: VoiceDeletion, who: Cloner) -> JSONResponse:
    """Delete a voice with its recording, its upload and its preview. Its id stays taken."""

    def find(session: Session) -> Voice:
        voice_id = client_voice_ids.resolve(session, who.account_id, body.voice_id)
        return voices.get(session, voice_id, who.account_id)

    voice = await state_of(request).database.read_async(find)
    await remove_voice(request, voice.id, who)
    return JSONResponse(
        {"voice_id": body.voice_id, "created_time": _day(voice), "base_resp": SUCCESS}
    )


@router.post(
    "/v1/voice_design",
    operation_id="minimaxDesignVoice",
    summary="Refuse to design a voice (MiniMax)",
    response_model=EmptyResponse,
    responses=error_responses(AuthenticationError, InvalidParameter),
)
async def design(body: VoiceDesign, who: AnyCaller) -> JSONResponse:
    """Refuse the request. Voices are made from recordings alone."""
    raise InvalidParameter(
        "voices cannot be made from a description here; upload a recording of the speaker and send "
        "its file_id to /v1/voice_clone",
        param="prompt",
    )
