"""Routes for voice conversion in ElevenLabs' format."""

from __future__ import annotations

import io
import wave
from typing import Annotated, Literal

from anyio import CancelScope
from fastapi import APIRouter, File, Form, Query, Request, Response, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from ...core import tasks
from ...core.formatting import DAY
from ...core.keys import Caller
from ...core.requests import SpeechOptions, UploadSource
from ...db.models import Task
from ...errors import InvalidParameter
from ..auth import LimitedSpeaker
from ..files import keep
from ..fronts.cloning import check_files, discard
from ..fronts.tasks import wait_for_task
from ..orders import digest, performance_order, submit
from ..state import state_of
from ..uploads import release
from .errors import ElevenLabsRoute
from .formats import DEFAULT, OutputFormat, format_of
from .speech import AUDIO, Format, VoiceName
from .voices import find_voice

WAIT_SECONDS = 600.0
_LONGEST = 300  # seconds of a recording, as at ElevenLabs
_RAW_RATE = 16_000  # Hz of raw samples
_RAW_WIDTH = 2  # bytes of one of them

router = APIRouter(route_class=ElevenLabsRoute)


@router.post(
    "/v1/speech-to-speech/{voice_id}",
    operation_id="elevenLabsConversion",
    summary="Convert a recording",
    response_class=Response,
    responses=AUDIO,
)
@router.post(
    "/v1/speech-to-speech/{voice_id}/stream",
    operation_id="elevenLabsConversionStream",
    summary="Convert a recording, streamed",
    response_class=Response,
    responses=AUDIO,
)
@router.post("/v1/voice-changer/{voice_id}", include_in_schema=False)
@router.post("/v1/voice-changer/{voice_id}/stream", include_in_schema=False)
async def convert(
    request: Request,
    voice_id: VoiceName,
    who: LimitedSpeaker,
    audio: Annotated[
        UploadFile, File(description="A recording of one person who speaks, at most 300 s long")
    ],
    output_format: Format = DEFAULT,
    file_format: Annotated[
        Literal["", "other", "pcm_s16le_16"],
        Form(
            description="pcm_s16le_16: raw samples with 16 bits, little-endian, of one channel at "
            "16 kHz. other: any file with audio"
        ),
    ] = "other",
    model_id: Annotated[str, Form(description="Ignored")] = "",
    voice_settings: Annotated[str, Form(description="Ignored")] = "",
    seed: Annotated[str, Form(description="Ignored")] = "",
    remove_background_noise: Annotated[
        str, Form(description="Ignored: steady noise is removed from every recording")
    ] = "",
    optimize_streaming_latency: Annotated[str, Query(description="Ignored")] = "",
) -> Response:
    """Turn a recording of another person into the same performance in a voice.

    Both routes send the audio once it is complete, because the melody of the whole performance is
    moved to the voice. A client that disconnects cancels the task and pays nothing.
    """
    state = state_of(request)
    form = format_of(output_format)
    check_files(state, [audio], "audio")
    if file_format == "pcm_s16le_16":
        audio = await run_in_threadpool(_wav_of, audio)
    voice = await find_voice(state, voice_id, who)
    key = (await keep(request, who, audio))[0]
    await release(request)  # the file is stored, and the conversion takes some time
    try:
        task = await _submit(request, who, voice, key, form)
        try:
            ended = await wait_for_task(
                state,
                task.id,
                seconds=WAIT_SECONDS,
                is_disconnected=request.is_disconnected,
                late=f"the recording was not converted within {WAIT_SECONDS:.0f} s; "
                "send a shorter one",
            )
        except BaseException:
            with CancelScope(shield=True):
                await state.database.transaction_async(
                    tasks.cancel,
                    task.id,
                    task.account_id,
                    keep=state.settings.result_days * DAY,
                )
            raise
    finally:
        with CancelScope(shield=True):
            await discard(state, [key])
    blocks = await run_in_threadpool(state.storage.stream, ended.result.audio)
    return StreamingResponse(
        blocks,
        media_type=form.media_type,
        headers={
            "X-Soundclone-Task": task.id,
            "request-id": task.id,
            "Cache-Control": "no-store",
        },
    )


def _wav_of(raw: UploadFile) -> UploadFile:
    """Return raw samples as a WAV file. Raises InvalidParameter if they are too long."""
    seconds = (raw.size or 0) / (_RAW_WIDTH * _RAW_RATE)
    if seconds > _LONGEST:
        raise InvalidParameter(
            f"audio has {seconds:,.1f} s of samples; at most {_LONGEST} s are taken", param="audio"
        )
    samples = raw.file.read()
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(_RAW_WIDTH)
        writer.setframerate(_RAW_RATE)
        writer.writeframes(samples[: len(samples) // _RAW_WIDTH * _RAW_WIDTH])
    file.seek(0)
    return UploadFile(file, size=len(file.getbuffer()), filename="recording.wav")


async def _submit(
    request: Request, who: Caller, voice: str, upload: str, form: OutputFormat
) -> Task:
    state = state_of(request)
    options = SpeechOptions(
        format=form.format, sample_rate=form.sample_rate, bit_rate=form.bit_rate
    )
    order = await performance_order(
        state,
        who,
        voice,
        UploadSource(upload),
        max_seconds=_LONGEST,
        options=options,
        request_hash=digest("elevenlabs-conversion", {"voice": voice, "upload": upload}),
        idempotency_key=None,
    )
    return await submit(state, order)
