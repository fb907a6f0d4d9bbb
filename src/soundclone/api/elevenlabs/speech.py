"""Routes for speech in ElevenLabs' format: as audio, and with the times of the characters."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import AsyncGenerator, Iterator
from typing import Annotated

from anyio import CancelScope
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from ...core import tasks
from ...core.formatting import DAY
from ...core.keys import Caller
from ...core.requests import SoundVersion, SpeechOptions, SubtitleUnit
from ...core.tasks import Order
from ...errors import (
    AuthenticationError,
    Deleted,
    EngineUnavailable,
    Expired,
    Forbidden,
    InsufficientBalance,
    InvalidParameter,
    RateLimited,
    RequestError,
    SynthesisError,
    TooLarge,
    Unavailable,
)
from ..auth import LimitedSpeaker
from ..errors import CLIENT_CLOSED_REQUEST
from ..fronts.speaking import OPENING, begin_speech
from ..fronts.streaming import (
    AudioChunks,
    AudioParts,
    ClientDisconnected,
    TaskAudioResponse,
    read_words,
)
from ..fronts.tasks import wait_for_task
from ..openai.models import MODELS
from ..orders import digest, language_of, speech_order, submit
from ..state import AppState, state_of
from .alignment import Alignment, align, end_of_part
from .errors import ElevenLabsRoute, VoiceNotFound, error_responses
from .formats import DEFAULT, FormatName, OutputFormat, format_of
from .schemas import ElevenLabsTimedSpeech, TextToSpeechRequest, VoiceSettings
from .voices import find_voice

WAIT_SECONDS = 3600.0  # for a complete speech
_BLOCK = 48_000  # bytes of a file read at a time, a multiple of three for base64
_LINE = 96_000  # bytes of audio in one line of JSON
# Fields that clients send and that have no effect.
_IGNORED = (
    "seed",
    "previous_text",
    "next_text",
    "previous_request_ids",
    "next_request_ids",
    "apply_text_normalization",
    "apply_language_text_normalization",
    "use_pvc_as_ivc",
    "audio_effects",
)

router = APIRouter(route_class=ElevenLabsRoute)

VoiceName = Annotated[str, Path(description="Id or name of a voice")]
Format = Annotated[
    FormatName,
    Query(description="Encoding: format, sample rate in Hz, and kbit/s for MP3 and Opus"),
]
_ERRORS = error_responses(
    AuthenticationError,
    Forbidden,
    RequestError,
    InvalidParameter,
    VoiceNotFound,
    Expired,
    Deleted,
    TooLarge,
    InsufficientBalance,
    RateLimited,
    SynthesisError,
    EngineUnavailable,
    Unavailable,
)
_HEADERS = {
    "X-Soundclone-Task": {
        "description": "Id of the task, for GET /api/open-api/v1/audios/{id}",
        "schema": {"type": "string"},
    },
    "X-Soundclone-Ignored": {
        "description": "Names of the parameters that were ignored",
        "schema": {"type": "string"},
    },
}
AUDIO = {
    200: {
        "description": "The audio, sent while the worker speaks",
        "content": {
            media_type: {"schema": {"type": "string", "format": "binary"}}
            for media_type in (
                "audio/mpeg",
                "audio/ogg",
                "audio/wav",
                "audio/pcm",
                "audio/basic",
                "audio/x-alaw-basic",
            )
        },
        "headers": _HEADERS,
    },
    **_ERRORS,
}


@router.post(
    "/v1/text-to-speech/{voice_id}",
    operation_id="elevenLabsSpeech",
    summary="Speak a text",
    response_class=Response,
    responses=AUDIO,
)
@router.post(
    "/v1/text-to-speech/{voice_id}/stream",
    operation_id="elevenLabsSpeechStream",
    summary="Speak a text, streamed",
    response_class=Response,
    responses=AUDIO,
)
async def speak(
    request: Request,
    voice_id: VoiceName,
    body: TextToSpeechRequest,
    who: LimitedSpeaker,
    output_format: Format = DEFAULT,
) -> Response:
    """Speak a text, and send the audio while the worker speaks.

    A client that disconnects cancels the task and pays for the parts that were sent.
    """
    state = state_of(request)
    form = format_of(output_format)
    order = await speech_order_of(state, who, voice_id, body, form, opening=OPENING)
    try:
        speech = await begin_speech(state, order, request.is_disconnected)
    except ClientDisconnected:
        return Response(status_code=CLIENT_CLOSED_REQUEST)
    return TaskAudioResponse(
        speech.chunks,
        speech.cancel,
        media_type=form.media_type,
        headers=_headers(body, speech.task.id),
    )


@router.post(
    "/v1/text-to-speech/{voice_id}/stream/with-timestamps",
    operation_id="elevenLabsTimedStream",
    summary="Speak a text, streamed with times",
    response_class=Response,
    responses={
        200: {
            "description": "Lines of JSON, each with a part of the audio and the times of its "
            "characters in seconds from the start of the whole audio",
            "content": {"application/json": {"schema": {"type": "string"}}},
            "headers": _HEADERS,
        },
        **_ERRORS,
    },
)
async def speak_timed_stream(
    request: Request,
    voice_id: VoiceName,
    body: TextToSpeechRequest,
    who: LimitedSpeaker,
    output_format: Format = DEFAULT,
) -> Response:
    """Speak a text, and send the audio with the times of its characters while the worker speaks.

    A client that disconnects cancels the task and pays for the parts that were sent.
    """
    state = state_of(request)
    form = format_of(output_format)
    order = await speech_order_of(state, who, voice_id, body, form, opening=OPENING, timed=True)
    try:
        speech = await begin_speech(state, order, request.is_disconnected)
    except ClientDisconnected:
        return Response(status_code=CLIENT_CLOSED_REQUEST)
    return TaskAudioResponse(
        _lines(body.text, speech.parts),
        speech.cancel,
        media_type="application/json",
        headers=_headers(body, speech.task.id),
    )


@router.post(
    "/v1/text-to-speech/{voice_id}/with-timestamps",
    operation_id="elevenLabsTimedSpeech",
    summary="Speak a text, with times",
    response_model=ElevenLabsTimedSpeech,
    responses=_ERRORS,
)
async def speak_timed(
    request: Request,
    voice_id: VoiceName,
    body: TextToSpeechRequest,
    who: LimitedSpeaker,
    output_format: Format = DEFAULT,
) -> Response:
    """Speak a text, and return the whole audio in base64 with the times of its characters.

    A client that disconnects cancels the task and pays nothing.
    """
    state = state_of(request)
    form = format_of(output_format)
    order = await speech_order_of(state, who, voice_id, body, form, timed=True)
    task = await submit(state, order)
    try:
        ended = await wait_for_task(
            state,
            task.id,
            seconds=WAIT_SECONDS,
            is_disconnected=request.is_disconnected,
            late=f"the speech was not finished within {WAIT_SECONDS:.0f} s; request the stream",
        )
    except BaseException:
        keep = state.settings.result_days * DAY
        with CancelScope(shield=True):
            await state.database.transaction_async(
                tasks.cancel, task.id, task.account_id, keep=keep
            )
        raise
    result = ended.result
    words = await read_words(state.storage, result.subtitles_json)
    until = result.seconds or (words[-1].end if words else 0.0)
    alignment = align(body.text, words, 0, len(body.text), begin=0.0, until=until)
    audio = await run_in_threadpool(state.storage.stream, result.audio, block=_BLOCK)
    return StreamingResponse(
        _document(audio, alignment),
        media_type="application/json",
        headers=_headers(body, task.id),
    )


async def speech_order_of(
    state: AppState,
    who: Caller,
    voice: str,
    body: TextToSpeechRequest,
    form: OutputFormat,
    *,
    opening: int | None = None,
    timed: bool = False,
) -> Order:
    """Check and price a request for speech.

    Args:
        state: The application.
        who: The caller.
        voice: Id or name of the voice.
        body: The request.
        form: Encoding of the audio.
        opening: Characters of the first chunk of a stream, None for a complete file.
        timed: True for the times of the words.

    `orders.speech_order` lists the errors.
    """
    if body.pronunciation_dictionary_locators:
        raise InvalidParameter(
            "pronunciation_dictionary_locators names a dictionary; there are no pronunciation "
            "dictionaries here, so leave the field out",
            param="pronunciation_dictionary_locators",
        )
    model = MODELS.get(body.model_id or "")
    version = SoundVersion(model) if model else None
    language = body.language_code or "auto"
    language_of(language, version or SoundVersion.V2)
    settings = body.voice_settings or VoiceSettings()
    options = SpeechOptions(
        speed=settings.speed or SpeechOptions.speed,
        format=form.format,
        sample_rate=form.sample_rate,
        bit_rate=form.bit_rate,
        subtitles=SubtitleUnit.WORD if timed else None,
        opening=opening,
    )
    return await speech_order(
        state,
        who,
        await find_voice(state, voice, who),
        body.text,
        version=version,
        language=language,
        options=options,
        request_hash=digest("elevenlabs-speech", {**body.model_dump(), **options.to_json()}),
        idempotency_key=None,
    )


def _headers(body: TextToSpeechRequest, task_id: str) -> dict[str, str]:
    headers = {
        "X-Soundclone-Task": task_id,
        "request-id": task_id,
        "Cache-Control": "no-store",
        "X-Accel-Buffering": "no",  # or nginx would send the audio at its end
    }
    extra = body.model_extra or {}
    ignored = [name for name in _IGNORED if extra.get(name) is not None]
    settings = body.voice_settings
    if settings is not None and settings.model_fields_set - {"speed"}:
        ignored.append("voice_settings")
    if ignored:
        headers["X-Soundclone-Ignored"] = ", ".join(ignored)
    return headers


def _document(audio: Iterator[bytes], alignment: Alignment) -> Iterator[bytes]:
    """Yield the JSON of a speech with its times, in pieces."""
    yield b'{"audio_base64":"'
    waiting = b""
    for block in audio:
        waiting += block
        whole = len(waiting) - len(waiting) % 3
        yield b64encode(waiting[:whole])
        waiting = waiting[whole:]
    times = json.dumps(alignment.seconds_view())
    yield b64encode(waiting)
    yield f'","alignment":{times},"normalized_alignment":{times}}}'.encode()


async def _lines(text: str, parts: AudioParts) -> AudioChunks:
    """Yield a line of JSON for each part of the audio."""
    async for audio, alignment in aligned(text, parts):
        for start in range(0, len(audio), _LINE):
            times = alignment.seconds_view() if alignment and start == 0 else None
            line = {
                "audio_base64": b64encode(audio[start : start + _LINE]).decode(),
                "alignment": times,
                "normalized_alignment": times,
            }
            yield json.dumps(line).encode() + b"\n"


async def aligned(
    text: str, parts: AudioParts
) -> AsyncGenerator[tuple[bytes, Alignment | None], None]:
    """Yield the audio of each part with the times of its characters.

    The characters of all parts together are the text up to its last word.
    """
    position, now = 0, 0.0
    try:
        async for part in parts:
            alignment = None
            if part.words:
                end = end_of_part(text, part.words)
                until = part.words[-1].end
                alignment = align(text, part.words, position, end, begin=now, until=until)
                position, now = end, until
            yield part.audio, alignment
    finally:
        await parts.aclose()
