"""Route for speech in OpenAI's format, which is streamed while the worker speaks."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping

from fastapi import APIRouter, Request, Response

from ...core import voices
from ...core.keys import Caller
from ...core.requests import AudioFormat, SoundVersion, SpeechOptions
from ...core.tasks import Order
from ...errors import (
    AuthenticationError,
    Deleted,
    EngineUnavailable,
    Expired,
    Forbidden,
    IdempotencyConflict,
    InsufficientBalance,
    InvalidParameter,
    RateLimited,
    RequestError,
    SynthesisError,
    TaskError,
    TooLarge,
    Unavailable,
)
from ..auth import LimitedSpeaker
from ..errors import CLIENT_CLOSED_REQUEST
from ..fronts.speaking import OPENING, begin_speech
from ..fronts.streaming import AudioChunks, ClientDisconnected, TaskAudioResponse
from ..orders import digest, language_of, speech_order
from ..state import AppState, state_of
from ..tasks import IdempotencyKey
from .errors import (
    ModelNotFound,
    OpenAIRoute,
    VoiceAmbiguous,
    VoiceNotFound,
    body_of,
    error_responses,
)
from .instructions import emotion_of, pace_of
from .models import version_of
from .schemas import SpeechRequest, VoiceId

_EVENT = 24_000  # bytes of audio in one event

_MEDIA_TYPES = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
_FORMATS = {each.value: each for each in AudioFormat} | {"opus": AudioFormat.OGG}

_EVENT_STREAM = (
    'Events `data: {"type": "speech.audio.delta", "audio": "base64"}` with the audio in order, '
    'then `data: {"type": "speech.audio.done", "usage": {"input_tokens": 0, "output_tokens": 0, '
    '"total_tokens": 0}}`, whose tokens are the charged characters. A failure is an event `error` '
    'with `data: {"type": "error", "error": {…}}` instead, in the format of errors.'
)

router = APIRouter(route_class=OpenAIRoute)


@router.post(
    "/audio/speech",
    operation_id="createSpeech",
    summary="Speak a text",
    response_class=Response,
    responses={
        200: {
            "description": "The audio, sent while the worker speaks. Server-sent events with "
            "stream_format sse",
            "content": {
                **{
                    media_type: {"schema": {"type": "string", "format": "binary"}}
                    for media_type in _MEDIA_TYPES.values()
                },
                "text/event-stream": {"schema": {"type": "string", "description": _EVENT_STREAM}},
            },
            "headers": {
                "X-Soundclone-Task": {
                    "description": "Id of the task, for GET /api/open-api/v1/audios/{id}",
                    "schema": {"type": "string"},
                },
                "X-Soundclone-Ignored": {
                    "description": "Name of the ignored parameter: instructions",
                    "schema": {"type": "string"},
                },
            },
        },
        **error_responses(
            AuthenticationError,
            Forbidden,
            RequestError,
            InvalidParameter,
            ModelNotFound,
            VoiceNotFound,
            VoiceAmbiguous,
            Expired,
            Deleted,
            IdempotencyConflict,
            TooLarge,
            InsufficientBalance,
            RateLimited,
            SynthesisError,
            EngineUnavailable,
            Unavailable,
        ),
    },
)
async def create_speech(
    request: Request,
    body: SpeechRequest,
    who: LimitedSpeaker,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Speak a text, and send the audio while the worker speaks.

    A client that disconnects cancels the task and pays for the parts that were sent. With an
    Idempotency-Key the task continues, and the same request returns its audio later.
    """
    state = state_of(request)
    order = await _order(state, body, who, idempotency_key)
    try:
        speech = await begin_speech(state, order, request.is_disconnected)
    except ClientDisconnected:
        return Response(status_code=CLIENT_CLOSED_REQUEST)
    chunks = speech.chunks
    headers = {
        "X-Soundclone-Task": speech.task.id,
        "Cache-Control": "no-store",
        "X-Accel-Buffering": "no",  # or nginx would send the audio at its end
    }
    if body.instructions and not (emotion_of(body.instructions) or pace_of(body.instructions)):
        headers["X-Soundclone-Ignored"] = "instructions"
    media_type = _MEDIA_TYPES[body.response_format or "mp3"]
    if body.stream_format == "sse":
        chunks, media_type = _events(chunks, order.characters), "text/event-stream"
    return TaskAudioResponse(chunks, speech.cancel, media_type=media_type, headers=headers)


async def _order(
    state: AppState, body: SpeechRequest, who: Caller, idempotency_key: str | None
) -> Order:
    version = version_of(body.model)
    language_of(body.language or "auto", version or "v2")
    voice_id = await find_voice(state, body.voice, who)
    instructions = body.instructions or ""
    options = SpeechOptions(
        emotion=emotion_of(instructions) or SpeechOptions.emotion,
        speed=body.speed or pace_of(instructions) or SpeechOptions.speed,
        format=_FORMATS[body.response_format or SpeechOptions.format],
        opening=OPENING,
    )
    return await speech_order(
        state,
        who,
        voice_id,
        body.input,
        version=SoundVersion(version) if version else None,
        language=body.language or "auto",
        options=options,
        request_hash=digest("speech", body.model_dump()),
        idempotency_key=idempotency_key,
    )


async def find_voice(state: AppState, voice: str | VoiceId, who: Caller) -> str:
    """Return the id of a voice that a request names by its id or its name.

    Raises:
        VoiceNotFound: The account has no voice of that name.
        VoiceAmbiguous: Several voices have that name.
    """
    if isinstance(voice, VoiceId):
        return voice.id
    if voices.is_id(voice):
        return voice
    database = state.database
    found = await database.read_async(voices.named, voice, who.account_id)
    if not found:
        near = await database.read_async(voices.near, voice, who.account_id)
        hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
        raise VoiceNotFound(
            f"there is no voice {voice[:60]!r} in this account{hint or ', and no built-in one'}"
            + ("" if hint else "; POST /v1/audio/voices makes a voice, which can have any name"),
            param="voice",
        )
    if len(found) > 1:
        raise VoiceAmbiguous(
            f"{len(found)} voices have the name {voice[:60]!r}; name one of them by its id: "
            + ", ".join(f"{each.id} ({each.name!r})" for each in found[:10]),
            param="voice",
        )
    return str(found[0].id)


async def _events(chunks: AudioChunks, characters: int) -> AudioChunks:
    """Yield the audio as server-sent events. An error is an event as well."""
    try:
        async for chunk in chunks:
            for start in range(0, len(chunk), _EVENT):
                audio = b64encode(chunk[start : start + _EVENT]).decode()
                yield _event({"type": "speech.audio.delta", "audio": audio})
        # The service charges characters, which take the place of OpenAI's tokens.
        usage = {"input_tokens": characters, "output_tokens": 0, "total_tokens": characters}
        yield _event({"type": "speech.audio.done", "usage": usage})
    except TaskError as error:
        yield _event({"type": "error", **body_of(error)}, "error")
    finally:
        await chunks.aclose()


def _event(data: Mapping[str, object], name: str | None = None) -> bytes:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data)}\n\n".encode()
