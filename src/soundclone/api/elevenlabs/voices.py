"""Routes for voices in ElevenLabs' format. A request makes a voice and waits for it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, File, Form, Path, Query, Request, Response, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, StreamingResponse

from ...core import files as stored
from ...core import voices
from ...core.consents import Agreement
from ...core.keys import Caller
from ...db.models import Voice
from ...errors import (
    AuthenticationError,
    Deleted,
    Expired,
    Forbidden,
    InsufficientBalance,
    InvalidParameter,
    NotFound,
    RateLimited,
    RequestError,
    StateConflict,
    TooLarge,
    Unavailable,
)
from ...text.languages import LANGUAGES
from ..audit import record_recording_link
from ..auth import Cloner, LimitedCloner, Reader
from ..fronts.cloning import check_files, clone_voice, hash_files
from ..orders import agreement_of, digest
from ..removal import remove_voice
from ..schemas import ConsentRequest
from ..state import AppState, State, state_of
from .errors import ElevenLabsRoute, VoiceNotFound, error_responses
from .schemas import (
    ElevenLabsAdded,
    ElevenLabsSettings,
    ElevenLabsStatus,
    ElevenLabsVoice,
    ElevenLabsVoicePage,
    ElevenLabsVoices,
    VoiceSettings,
)

SETTINGS: dict[str, object] = {
    "stability": 0.5,
    "similarity_boost": 0.75,
    "style": 0.0,
    "use_speaker_boost": True,
    "speed": 1.0,
}
"""Settings of every voice."""

_PATH_LENGTH = 4096  # bytes; a longer file is not the text of a path

router = APIRouter(route_class=ElevenLabsRoute)

VoicePath = Annotated[str, Path(description="Id of a voice")]
SamplePath = Annotated[str, Path(description="Id of the voice's sample")]


@router.post(
    "/v1/voices/add",
    operation_id="addElevenLabsVoice",
    summary="Make a voice",
    response_model=ElevenLabsAdded,
    responses=error_responses(
        AuthenticationError,
        Forbidden,
        RequestError,
        InvalidParameter,
        Expired,
        TooLarge,
        InsufficientBalance,
        RateLimited,
        Unavailable,
    ),
)
async def add(
    request: Request,
    who: LimitedCloner,
    name: Annotated[
        str, Form(description="A text of at most 80 characters: the name of the voice")
    ],
    files: Annotated[
        list[UploadFile],
        File(
            description="Files with recordings of one speaker, joined in order: more than 15 s and "
            "less than 60 s of speech"
        ),
    ],
    description: Annotated[str, Form(description="A description, which is not kept")] = "",
    labels: Annotated[
        str,
        Form(
            description="A JSON object. consent is a voice consent (cons_…) or a declaration: own "
            "or given; consent_speaker is the name of the speaker who has given it. Other labels "
            "are not kept"
        ),
    ] = "",
) -> JSONResponse:
    """Make a voice from one or several recordings.

    The same request within ten minutes returns the same voice and is charged once.
    """
    state = state_of(request)
    name = voices.checked_name(name)
    if not name:
        raise InvalidParameter("name is empty; the voice needs a name", param="name")
    check_files(state, files, "files")
    await _check_not_paths(files)
    agreement = await _agreement(state, labels, who)
    samples = await hash_files(files)
    agreed = agreement and [agreement.statement, agreement.speaker, str(agreement.source)]
    voice = await clone_voice(
        request,
        who,
        files,
        param="files",
        name=name,
        agreement=agreement,
        request_hash=digest(
            "elevenlabs-voice", {"name": name, "consent": agreed, "samples": samples}
        ),
    )
    return JSONResponse(
        {
            "voice_id": voice.id,
            "requires_verification": False,
            "name": name,
            "category": "cloned",
            "description": description,
        }
    )


@router.get(
    "/v1/voices",
    operation_id="listElevenLabsVoices",
    summary="List voices",
    response_model=ElevenLabsVoices,
    responses=error_responses(AuthenticationError, Forbidden, Unavailable),
)
async def listing(state: State, who: Reader) -> JSONResponse:
    """Return every voice of the account, newest first."""
    found = await state.database.read_async(voices.listing, who.account_id)
    return JSONResponse({"voices": [view(voice) for voice in found]})


@router.get(
    "/v2/voices",
    operation_id="searchElevenLabsVoices",
    summary="Search voices",
    response_model=ElevenLabsVoicePage,
    responses=error_responses(AuthenticationError, Forbidden, InvalidParameter, Unavailable),
)
async def search_voices(
    state: State,
    who: Reader,
    page_size: Annotated[
        int, Query(ge=1, le=100, description="Largest number of voices of the page")
    ] = 10,
    next_page_token: Annotated[
        str | None, Query(description="The next_page_token of the page before")
    ] = None,
    search: Annotated[
        str | None, Query(description="A part of the name or of the id; case does not matter")
    ] = None,
    sort: Annotated[
        Literal["name", "created_at_unix"] | None, Query(description="Order. Default: by time")
    ] = None,
    sort_direction: Annotated[
        Literal["asc", "desc"], Query(description="Direction of the order")
    ] = "desc",
    category: Annotated[
        str | None, Query(description="List voices of this category; all are cloned")
    ] = None,
    voice_type: Annotated[
        str | None, Query(description="List voices of this type; all are personal")
    ] = None,
    fine_tuning_state: Annotated[
        str | None, Query(description="List voices in this state; no voice has one")
    ] = None,
    collection_id: Annotated[
        str | None, Query(description="List voices of this collection; there are none")
    ] = None,
    language: Annotated[
        list[str] | None,
        Query(max_length=100, description="List voices whose recording is in these languages"),
    ] = None,
    gender: Annotated[
        str | None, Query(description="List voices with this label; no voice has one")
    ] = None,
    age: Annotated[
        str | None, Query(description="List voices with this label; no voice has one")
    ] = None,
    accent: Annotated[
        str | None, Query(description="List voices with this label; no voice has one")
    ] = None,
    use_cases: Annotated[
        list[str] | None,
        Query(max_length=100, description="List voices with these labels; no voice has one"),
    ] = None,
    voice_ids: Annotated[
        list[str] | None, Query(max_length=100, description="List only these voices")
    ] = None,
) -> JSONResponse:
    """Return one page of the account's voices that match."""
    found = list(await state.database.read_async(voices.listing, who.account_id))
    absent = (fine_tuning_state, collection_id, gender, age, accent, use_cases)
    if category not in (None, "", "cloned") or voice_type in ("default", "community"):
        found = []
    if any(absent):
        found = []
    if language:
        codes = {each.casefold() for each in language}
        found = [each for each in found if codes & _languages(each)]
    if search:
        part = search.casefold()
        found = [each for each in found if part in f"{each.name or ''} {each.id}".casefold()]
    if voice_ids:
        found = [each for each in found if each.id in voice_ids]
    if sort == "name":
        found.sort(key=lambda each: (each.name or each.id).casefold())
    if (sort_direction == "desc") == (sort == "name"):  # sorted upwards by name, downwards by time
        found.reverse()
    first = 0
    if next_page_token:
        ids = [each.id for each in found]
        if next_page_token not in ids:
            raise InvalidParameter(
                f"next_page_token is {next_page_token[:60]!r}; it must be that of an earlier page",
                param="next_page_token",
            )
        first = ids.index(next_page_token) + 1
    shown = found[first : first + page_size]
    more = len(found) > first + page_size
    return JSONResponse(
        {
            "voices": [view(voice) for voice in shown],
            "has_more": more,
            "total_count": len(found),
            "next_page_token": shown[-1].id if more else None,
        }
    )


@router.get(
    "/v1/voices/settings/default",
    operation_id="getDefaultElevenLabsSettings",
    summary="Get the default settings",
    response_model=ElevenLabsSettings,
    responses=error_responses(AuthenticationError, Forbidden, Unavailable),
)
async def default_settings(who: Reader) -> JSONResponse:
    """Return the settings of every voice."""
    return JSONResponse(SETTINGS)


@router.get(
    "/v1/voices/{voice_id}",
    operation_id="getElevenLabsVoice",
    summary="Get a voice",
    response_model=ElevenLabsVoice,
    responses=error_responses(
        AuthenticationError, Forbidden, VoiceNotFound, Expired, Deleted, Unavailable
    ),
)
async def retrieve(state: State, voice_id: VoicePath, who: Reader) -> JSONResponse:
    """Return a voice of the account."""
    return JSONResponse(view(await _current(state, voice_id, who)))


@router.post(
    "/v1/voices/{voice_id}/edit",
    operation_id="editElevenLabsVoice",
    summary="Rename a voice",
    response_model=ElevenLabsStatus,
    responses=error_responses(
        AuthenticationError,
        Forbidden,
        RequestError,
        InvalidParameter,
        VoiceNotFound,
        Expired,
        Deleted,
        TooLarge,
        Unavailable,
    ),
)
async def edit(
    state: State,
    voice_id: VoicePath,
    who: Cloner,
    name: Annotated[str, Form(description="A text of at most 80 characters: the new name")],
    files: Annotated[
        list[UploadFile] | None,
        File(description="No file: the recording of a voice cannot be replaced"),
    ] = None,
    description: Annotated[str, Form(description="A description, which is not kept")] = "",
    labels: Annotated[str, Form(description="A JSON object, which is not kept")] = "",
) -> JSONResponse:
    """Rename a voice. Descriptions and labels are not kept."""
    if files:
        raise InvalidParameter(
            f"files has {len(files)} files; the recording of a voice cannot be replaced, so make "
            "another voice of them",
            param="files",
        )
    if not voices.checked_name(name):
        raise InvalidParameter("name is empty; the voice needs a name", param="name")
    await _current(state, voice_id, who)
    await state.database.transaction_async(voices.change, voice_id, who.account_id, name=name)
    return JSONResponse({"status": "ok"})


@router.delete(
    "/v1/voices/{voice_id}",
    operation_id="deleteElevenLabsVoice",
    summary="Delete a voice",
    response_model=ElevenLabsStatus,
    responses=error_responses(
        AuthenticationError, Forbidden, VoiceNotFound, StateConflict, Unavailable
    ),
)
async def delete(request: Request, voice_id: VoicePath, who: Cloner) -> JSONResponse:
    """Delete a voice with its recording, its uploads and its preview."""
    await state_of(request).database.read_async(
        voices.get, voice_id, who.account_id, param="modelId"
    )
    await remove_voice(request, voice_id, who)
    return JSONResponse({"status": "ok"})


@router.get(
    "/v1/voices/{voice_id}/settings",
    operation_id="getElevenLabsSettings",
    summary="Get the settings of a voice",
    response_model=ElevenLabsSettings,
    responses=error_responses(
        AuthenticationError, Forbidden, VoiceNotFound, Expired, Deleted, Unavailable
    ),
)
async def settings_of(state: State, voice_id: VoicePath, who: Reader) -> JSONResponse:
    """Return the settings of a voice, which are the same for all voices."""
    await _current(state, voice_id, who)
    return JSONResponse(SETTINGS)


@router.post(
    "/v1/voices/{voice_id}/settings/edit",
    operation_id="editElevenLabsSettings",
    summary="Change the settings of a voice",
    response_model=ElevenLabsStatus,
    responses=error_responses(
        AuthenticationError,
        Forbidden,
        RequestError,
        InvalidParameter,
        VoiceNotFound,
        Expired,
        Deleted,
        TooLarge,
        Unavailable,
    ),
)
async def edit_settings(
    state: State, voice_id: VoicePath, body: VoiceSettings, who: Cloner
) -> JSONResponse:
    """Accept settings that have no effect, and reject a speed.

    A request for speech can name a speed.
    """
    await _current(state, voice_id, who)
    if body.speed not in (None, 1.0):
        raise InvalidParameter(
            f"speed is {body.speed:g}; voices keep no speed here, so send it in the "
            "voice_settings of each request for speech",
            param="speed",
        )
    return JSONResponse({"status": "ok"})


@router.get(
    "/v1/voices/{voice_id}/samples/{sample_id}/audio",
    operation_id="getElevenLabsSample",
    summary="Get the recording of a voice",
    response_class=Response,
    responses={
        200: {
            "description": "The recording as FLAC",
            "content": {"audio/flac": {"schema": {"type": "string", "format": "binary"}}},
        },
        **error_responses(
            AuthenticationError, Forbidden, NotFound, VoiceNotFound, Expired, Deleted, Unavailable
        ),
    },
)
async def sample_audio(
    request: Request, state: State, voice_id: VoicePath, sample_id: SamplePath, who: Reader
) -> Response:
    """Return the speech that the voice was made from."""
    voice = await _current(state, voice_id, who)
    if sample_id != _sample_id(voice):
        raise NotFound(
            f"voice {voice.id} has no sample {sample_id[:60]!r}; its sample is {_sample_id(voice)}"
        )
    blocks = await run_in_threadpool(state.storage.stream, stored.voice_recording(voice.id))
    await record_recording_link(request, voice, who.key_id)
    return StreamingResponse(
        blocks, media_type="audio/flac", headers={"Cache-Control": "private, no-store"}
    )


async def find_voice(state: AppState, voice: str, who: Caller) -> str:
    """Return the id of a voice that a request names by its id or by its name.

    Raises:
        NotFound: The account has no such voice, or several of the name.
    """
    if voices.is_id(voice):
        return voice
    found = await state.database.read_async(voices.named, voice, who.account_id)
    if len(found) != 1:
        reason = f"{len(found)} voices have" if found else "no voice has"
        raise NotFound(
            f"{reason} the name or the id {voice[:60]!r}; GET /v1/voices lists the voices",
            param="modelId",
        )
    return str(found[0].id)


async def _current(state: AppState, voice_id: str, who: Caller) -> Voice:
    """Return the account's voice if it may be used. Raises NotFound, Deleted and Expired."""
    await state.database.read_async(voices.get, voice_id, who.account_id, param="modelId")
    return await state.database.read_async(voices.current, voice_id, who.account_id)


async def _check_not_paths(files: Sequence[UploadFile]) -> None:
    """Reject files whose content is a path: clients send a string as the content of a file."""
    for file in files:
        if (file.size or 0) > _PATH_LENGTH:
            continue
        content = await file.read()
        await file.seek(0)
        text = content.decode(errors="replace")
        if text.isprintable() and "\ufffd" not in text:
            raise InvalidParameter(
                f"files has the text {text[:80]!r} in place of a recording; open the file: "
                'files=[open("recording.mp3", "rb")]',
                param="files",
            )


async def _agreement(state: AppState, labels: str, who: Caller) -> Agreement | None:
    """Return the consent in the labels of a voice. Raises InvalidParameter, NotFound, Expired."""
    try:
        found = json.loads(labels or "null")
        if isinstance(found, str):  # ElevenLabs' package encodes a text, which is JSON already
            found = json.loads(found or "null")
    except (ValueError, RecursionError):
        found = labels
    if found is None:
        return None
    if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
        raise InvalidParameter(
            f"labels is {labels[:60]!r}; it must be a JSON object of texts", param="labels"
        )
    given = found.get("consent")
    if not given:
        return None
    consent: dict[str, str] = {"speaker": found.get("consent_speaker", "")}
    consent["declaration" if given in ("own", "given") else "recording"] = given
    return await agreement_of(state, ConsentRequest.model_validate(consent), who)


def _languages(voice: Voice) -> set[str]:
    """Return the name and the code of the language of a voice's recording, in lower case."""
    known = LANGUAGES.get(voice.language or "")
    return {known.name.casefold(), known.code.casefold()} if known else set()


def _sample_id(voice: Voice) -> str:
    return voice.id.replace("model_", "sample_", 1)


def view(voice: Voice) -> dict[str, object]:
    """Return a voice in ElevenLabs' format."""
    return {
        "voice_id": voice.id,
        "name": voice.name or voice.id,
        "category": "cloned",
        "labels": {"language": voice.language} if voice.language else {},
        "description": "",
        "samples": [
            {
                "sample_id": _sample_id(voice),
                "file_name": "recording.flac",
                "mime_type": "audio/flac",
                "duration_secs": voice.speech_seconds,
            }
        ],
        "settings": SETTINGS,
        "preview_url": None,
        "fine_tuning": {"is_allowed_to_fine_tune": False, "state": {}},
        "available_for_tiers": [],
        "high_quality_base_model_ids": [],
        "verified_languages": [],
        "is_owner": True,
        "created_at_unix": int(voice.created_at),
    }
