"""Routes for voices in OpenAI's format. A request makes a voice and waits for it."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, File, Form, Path, Query, Request, UploadFile
from fastapi.responses import JSONResponse

from ...core import consents, voices
from ...core.consents import Agreement
from ...db.models import Voice
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
    StateConflict,
    TooLarge,
    Unavailable,
)
from ..auth import Cloner, LimitedCloner, Reader
from ..fronts.cloning import check_files, clone_voice, hash_files
from ..fronts.tasks import TaskFailed
from ..orders import digest
from ..removal import remove_voice
from ..state import state_of
from ..tasks import IdempotencyKey
from .errors import FormRoute, OpenAIRoute, error_responses
from .schemas import OpenAIDeleted, OpenAIVoice, OpenAIVoiceList, page

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
    check_files(state, [audio_sample], "audio_sample")
    sample = await hash_files([audio_sample])
    try:
        voice = await clone_voice(
            request,
            who,
            [audio_sample],
            param="audio_sample",
            name=name,
            agreement=Agreement(
                consents.STATEMENT,
                who.key_id,
                source=consents.source_of(agreed),
                terms=consents.terms_of(agreed),
            ),
            request_hash=digest("voice", {"name": name, "consent": agreed.id, "sample": sample}),
            idempotency_key=idempotency_key,
        )
    except TaskFailed as error:
        if error.reason.startswith("consent_"):
            error.param = "consent"
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
