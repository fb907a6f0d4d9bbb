"""Speech by OpenAI's names, sent while it is spoken."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from anyio import CancelScope
from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from ...core import tasks, voices
from ...core.keys import Caller
from ...core.requests import AudioFormat, SoundVersion, SpeechOptions
from ...core.tasks import Order
from ...engines.emotion import Emotion
from ...errors import (
    AuthenticationError,
    Deleted,
    EngineUnavailable,
    Expired,
    IdempotencyConflict,
    InsufficientBalance,
    InvalidParameter,
    RateLimited,
    RequestError,
    StreamBroken,
    SynthesisError,
    TaskError,
    TooLarge,
    Unavailable,
)
from ...text import parts
from ..auth import LimitedCaller
from ..orders import digest, language_of, speech_order, submit
from ..state import state_of
from ..tasks import DAY, IdempotencyKey
from .errors import (
    ModelNotFound,
    OpenAIRoute,
    VoiceAmbiguous,
    VoiceNotFound,
    body_of,
    error_responses,
)
from .instructions import emotion_of
from .models import version_of
from .schemas import SpeechRequest, VoiceId
from .streaming import Blocks, Broadcast, Gone, Part, Parts, counted, listen

OPENING = 25  # characters that are said first: one sentence, or a few very short ones
_EVENT = 24_000  # bytes of audio in an event

_MEDIA_TYPES = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
_FORMATS = {each.value: each for each in AudioFormat} | {"opus": AudioFormat.OGG}

router = APIRouter(route_class=OpenAIRoute)


@router.post(
    "/audio/speech",
    operation_id="createSpeech",
    summary="Speak",
    response_class=Response,
    responses={
        200: {
            "description": "The audio, sent while it is spoken; events with stream_format sse",
            "content": {
                **{
                    media_type: {"schema": {"type": "string", "format": "binary"}}
                    for media_type in _MEDIA_TYPES.values()
                },
                "text/event-stream": {"schema": {"type": "string"}},
            },
            "headers": {
                "X-Soundclone-Task": {
                    "description": "Id of the task, for GET /api/open-api/v1/audios/{id}",
                    "schema": {"type": "string"},
                },
                "X-Soundclone-Ignored": {
                    "description": "Names the parameter that was ignored: instructions",
                    "schema": {"type": "string"},
                },
            },
        },
        **error_responses(
            AuthenticationError,
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
    who: LimitedCaller,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Say a text, and send the audio while it is being said.

    A client that goes away cancels the task and is charged for the parts that were sent; one that
    gave an Idempotency-Key does not, and may come back for the whole.
    """
    order = await _order(request, body, who, idempotency_key)
    billed = await run_in_threadpool(parts.delivered, order.request.text, OPENING)
    task = await submit(state_of(request), order)

    async def leave(gone: bool) -> None:
        if idempotency_key is None:
            keep = state_of(request).settings.result_days * DAY
            error = (
                None
                if gone
                else StreamBroken("the service broke the stream off; nothing was charged")
            )
            await state_of(request).database.transaction_async(
                tasks.cancel, task.id, who.account_id, keep=keep, error=error
            )

    heard = listen(request, task.id, billed)
    try:
        first = await anext(heard)  # what fails before it has a status to say so
    except BaseException as error:
        with CancelScope(shield=True):
            await heard.aclose()
            await leave(True)
        if isinstance(error, Gone):
            return Response(status_code=499)
        raise
    blocks = counted(request, task.id, _joined(first, heard))
    headers = {
        "X-Soundclone-Task": task.id,
        "Cache-Control": "no-store",
        "X-Accel-Buffering": "no",  # for proxies that would wait for the end
    }
    if body.instructions and emotion_of(body.instructions) is None:
        headers["X-Soundclone-Ignored"] = "instructions"
    if body.stream_format == "sse":
        return Broadcast(
            _events(blocks, order.characters),
            leave,
            media_type="text/event-stream",
            headers=headers,
        )
    media_type = _MEDIA_TYPES[body.response_format or "mp3"]
    return Broadcast(blocks, leave, media_type=media_type, headers=headers)


async def _order(
    request: Request, body: SpeechRequest, who: Caller, idempotency_key: str | None
) -> Order:
    version = version_of(body.model)
    language_of(body.language or "auto", version or "v2")
    voice_id = await _voice_id(request, body.voice, who)
    options = SpeechOptions(
        emotion=Emotion(emotion_of(body.instructions or "") or SpeechOptions.emotion),
        speed=body.speed or SpeechOptions.speed,
        format=_FORMATS[body.response_format or SpeechOptions.format],
        opening=OPENING,
    )
    return await speech_order(
        state_of(request),
        who,
        voice_id,
        body.input,
        version=SoundVersion(version) if version else None,
        language=body.language or "auto",
        options=options,
        request_hash=digest("speech", body.model_dump()),
        idempotency_key=idempotency_key,
    )


async def _voice_id(request: Request, voice: str | VoiceId, who: Caller) -> str:
    """The voice that is meant, by its id or its name. Raises VoiceNotFound, VoiceAmbiguous."""
    if isinstance(voice, VoiceId):
        return voice.id
    if voices.is_id(voice):
        return voice
    database = state_of(request).database
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


async def _joined(first: Part, rest: Parts) -> Parts:
    try:
        yield first
        async for part in rest:
            yield part
    finally:
        await rest.aclose()


async def _events(blocks: Blocks, characters: int) -> Blocks:
    """The same as server-sent events; an error is one of them."""
    try:
        async for block in blocks:
            for start in range(0, len(block), _EVENT):
                audio = b64encode(block[start : start + _EVENT]).decode()
                yield _event({"type": "speech.audio.delta", "audio": audio})
        # What is charged are characters.
        usage = {"input_tokens": characters, "output_tokens": 0, "total_tokens": characters}
        yield _event({"type": "speech.audio.done", "usage": usage})
    except TaskError as error:
        yield _event({"type": "error", **body_of(error)}, "error")
    finally:
        await blocks.aclose()


def _event(data: Mapping[str, Any], name: str | None = None) -> bytes:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data)}\n\n".encode()
