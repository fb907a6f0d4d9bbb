"""Routes for voices and languages, which the contract does not have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse

from ..audio.recording_report import RecordingReport
from ..core import engine_registry, voices
from ..db.models import Voice
from ..errors import (
    AuthenticationError,
    Deleted,
    Expired,
    Forbidden,
    InvalidParameter,
    NotFound,
    StateConflict,
    Unavailable,
)
from ..text.languages import LANGUAGES
from .auth import Cloner, Reader, TaskReader
from .errors import ServiceRoute
from .openapi import error_responses
from .removal import remove_voice, withdraw_voice
from .schemas import (
    DeletedResponse,
    LanguageListResponse,
    VoiceChange,
    VoiceListResponse,
    VoiceResponse,
    WithdrawnResponse,
    ok,
)
from .state import State
from .tasks import report_view

router = APIRouter(prefix="/api/open-api/v1", route_class=ServiceRoute, tags=["Voices"])

ModelId = Annotated[str, Path(description="The modelId of a voice")]


@router.get(
    "/voices",
    operation_id="listVoices",
    summary="List voices",
    response_model=VoiceListResponse,
    responses=error_responses(AuthenticationError, Forbidden, Unavailable),
)
async def list_voices(state: State, who: Reader) -> JSONResponse:
    """Return the account's voices, newest first."""
    found = await state.database.read_async(voices.listing, who.account_id)
    return JSONResponse(ok({"list": [_view(voice) for voice in found]}))


@router.patch(
    "/voices/{model_id}",
    operation_id="renameVoice",
    summary="Change a voice",
    response_model=VoiceResponse,
    responses=error_responses(
        AuthenticationError,
        Forbidden,
        NotFound,
        Expired,
        Deleted,
        InvalidParameter,
        Unavailable,
    ),
)
async def rename_voice(
    state: State, model_id: ModelId, body: VoiceChange, who: Cloner
) -> JSONResponse:
    """Change the name or the tags of a voice.

    `voice` of the OpenAI-compatible API accepts the name.
    """
    if body.name is None and body.tags is None:
        raise InvalidParameter("name and tags are missing; one of them is needed", param="name")
    voice = await state.database.transaction_async(
        voices.change, model_id, who.account_id, name=body.name, tags=body.tags
    )
    return JSONResponse(ok(_view(voice)))


@router.delete(
    "/voices/{model_id}",
    operation_id="deleteVoice",
    summary="Delete a voice",
    response_model=DeletedResponse,
    responses=error_responses(AuthenticationError, Forbidden, NotFound, StateConflict, Unavailable),
)
async def delete_voice(request: Request, model_id: ModelId, who: Cloner) -> JSONResponse:
    """Delete a voice with its recording, its upload and its preview.

    When the response arrives, the files are removed and their links no longer work.
    """
    if not voices.is_id(model_id):
        raise NotFound(f"there is no voice {model_id[:60]!r} in this account")
    await remove_voice(request, model_id, who)
    return JSONResponse(ok({"modelId": model_id, "deleted": True}))


@router.delete(
    "/voices/{model_id}/consent",
    operation_id="withdrawConsent",
    summary="Withdraw the consent to a voice",
    response_model=WithdrawnResponse,
    responses=error_responses(AuthenticationError, Forbidden, NotFound, Unavailable),
)
async def withdraw_consent(request: Request, model_id: ModelId, who: Cloner) -> JSONResponse:
    """Delete a voice and everything spoken with it, on behalf of the speaker.

    Running tasks of the voice are cancelled. A voice consent that the account keeps is withdrawn
    for all of its voices. When the response arrives, the files are removed and their links no
    longer work.
    """
    if not voices.is_id(model_id):
        raise NotFound(f"there is no voice {model_id[:60]!r} in this account")
    found = await withdraw_voice(request, model_id, who)
    return JSONResponse(
        ok({"modelIds": list(found.voices), "results": len(found.tasks), "withdrawn": True})
    )


@router.get(
    "/languages",
    operation_id="listLanguages",
    summary="List languages",
    response_model=LanguageListResponse,
    responses=error_responses(AuthenticationError, Forbidden, Unavailable),
)
async def list_languages(state: State, who: TaskReader) -> JSONResponse:
    """Return every language, and the engines that speak it in this service now."""
    offered = await state.database.read_async(
        engine_registry.current, state.settings.worker_lost_after
    )
    rows = [
        {"name": name, "code": LANGUAGES[name].code, "engines": row}
        for name, row in state.engine_selector.table(offered).items()
    ]
    return JSONResponse(ok({"list": rows}))


def _view(voice: Voice) -> dict[str, object]:
    return {
        "modelId": voice.id,
        "object": "voice",
        "name": voice.name,
        "created": int(voice.created_at),
        "soundVersion": voice.version,
        "engine": voice.engine,
        "licence": voice.licence,
        "language": voice.language,
        "speechSeconds": voice.speech_seconds,
        "recordingReport": report_view(RecordingReport.from_json(voice.recording_report)),
        "tags": voice.tags or [],
        "active": voice.activated_at is not None,
        "expiresAt": None if voice.expires_at is None else int(voice.expires_at),
        "consent": _consent(voice.consent) if voice.consent else None,
    }


def _consent(record: Mapping[str, Any]) -> dict[str, object]:
    """Return the speaker's consent, as stored with the voice."""
    return {
        "statement": record.get("statement", ""),
        "speaker": record.get("speaker", ""),
        "at": int(record.get("at", 0)),
        "purpose": record.get("purpose", ""),
        "expiresAt": int(record["ends"]) if "ends" in record else None,
        "recording": record.get("consent"),
        "verified": record.get("verified"),
    }
