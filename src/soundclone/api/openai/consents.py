"""Routes for voice consents, which are recordings in which a speaker agrees."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Form, Path, Query, Request, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from ...core import consents
from ...db.models import Consent
from ...errors import (
    AuthenticationError,
    Forbidden,
    InvalidParameter,
    NotFound,
    RateLimited,
    RequestError,
    SoundcloneError,
    TooLarge,
    Unavailable,
)
from ..auth import Cloner, LimitedCloner, Reader
from ..removal import withdraw_consent
from ..state import state_of
from .errors import FormRoute, OpenAIRoute, error_responses
from .schemas import ConsentChange, OpenAIConsent, OpenAIConsentList, OpenAIDeleted, page

router = APIRouter(prefix="/audio/voice_consents", route_class=OpenAIRoute)
forms = APIRouter(prefix="/audio/voice_consents", route_class=FormRoute)


ConsentId = Annotated[str, Path(description="Id of a consent")]


@forms.post(
    "",
    operation_id="createVoiceConsent",
    summary="Create a consent",
    response_model=OpenAIConsent,
    responses=error_responses(
        AuthenticationError,
        Forbidden,
        RequestError,
        InvalidParameter,
        TooLarge,
        RateLimited,
        Unavailable,
    ),
)
async def create(
    request: Request,
    who: LimitedCloner,
    name: Annotated[
        str, Form(description="A text of at most 80 characters: the name of the consent")
    ],
    language: Annotated[str, Form(description="The BCP 47 tag of the recording's language")],
    recording: Annotated[
        UploadFile, File(description="A file with the speaker's words of consent: at most 10 MiB")
    ],
    purpose: Annotated[
        str,
        Form(description="A text of at most 200 characters: the use that the speaker agreed to"),
    ] = "",
    expires_at: Annotated[
        int | None,
        Form(description="A time in Unix seconds: the end of the consent. Default: never"),
    ] = None,
) -> JSONResponse:
    """Store a recording of the speaker's consent until a request deletes it, or until it ends.

    At its end the voices made with the consent and everything spoken with them are deleted.
    """
    terms = consents.checked_terms(purpose, expires_at)
    state = state_of(request)
    data = await recording.read(consents.LARGEST + 1)
    consent = consents.new(who.account_id, name, language, data[:64], len(data), terms)
    key = consent.recording
    await run_in_threadpool(state.storage.put, key, data)
    try:
        await state.database.transaction_async(consents.add, consent)
    except SoundcloneError:
        await run_in_threadpool(state.storage.delete, key)
        raise
    return JSONResponse(_view(consent))


@router.get(
    "",
    operation_id="listVoiceConsents",
    summary="List consents",
    response_model=OpenAIConsentList,
    responses=error_responses(
        AuthenticationError, Forbidden, InvalidParameter, NotFound, Unavailable
    ),
)
async def listing(
    request: Request,
    who: Reader,
    after: Annotated[
        str | None, Query(description="The id of the last consent of the page before")
    ] = None,
    limit: Annotated[
        int, Query(ge=1, le=100, description="Largest number of consents of the page")
    ] = 20,
) -> JSONResponse:
    """Return one page of the account's consents, newest first."""
    found, more = await state_of(request).database.read_async(
        consents.listing, who.account_id, after=after, limit=limit
    )
    data = [_view(consent) for consent in found]
    return JSONResponse(page(data, more=more))


@router.get(
    "/{consent_id}",
    operation_id="getVoiceConsent",
    summary="Get a consent",
    response_model=OpenAIConsent,
    responses=error_responses(AuthenticationError, Forbidden, NotFound, Unavailable),
)
async def retrieve(request: Request, consent_id: ConsentId, who: Reader) -> JSONResponse:
    """Return a consent of the account, without its recording."""
    found = await state_of(request).database.read_async(consents.get, consent_id, who.account_id)
    return JSONResponse(_view(found))


@router.post(
    "/{consent_id}",
    operation_id="updateVoiceConsent",
    summary="Rename a consent",
    response_model=OpenAIConsent,
    responses=error_responses(
        AuthenticationError, Forbidden, InvalidParameter, NotFound, Unavailable
    ),
)
async def update(
    request: Request, consent_id: ConsentId, body: ConsentChange, who: Cloner
) -> JSONResponse:
    """Rename a consent."""
    renamed = await state_of(request).database.transaction_async(
        consents.rename, consent_id, who.account_id, body.name
    )
    return JSONResponse(_view(renamed))


@router.delete(
    "/{consent_id}",
    operation_id="deleteVoiceConsent",
    summary="Withdraw a consent",
    response_model=OpenAIDeleted,
    responses=error_responses(AuthenticationError, Forbidden, NotFound, Unavailable),
)
async def delete(request: Request, consent_id: ConsentId, who: Cloner) -> JSONResponse:
    """Delete a consent, its recording, its voices and everything spoken with them.

    Running tasks of these voices are cancelled.
    """
    await withdraw_consent(request, consent_id, who)
    return JSONResponse({"id": consent_id, "object": "audio.voice_consent", "deleted": True})


def _view(consent: Consent) -> dict[str, object]:
    return {
        "id": consent.id,
        "object": "audio.voice_consent",
        "created_at": int(consent.created_at),
        "name": consent.name,
        "language": consent.language,
        "purpose": consent.purpose,
        "expires_at": None if consent.ends_at is None else int(consent.ends_at),
    }
