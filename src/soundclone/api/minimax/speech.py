"""Route for speech in MiniMax's format: at once, or streamed while the worker speaks."""

from __future__ import annotations

import json
import re
import unicodedata
from bisect import bisect_left
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass

from anyio import CancelScope
from fastapi import APIRouter, Request, Response
from fastapi.concurrency import iterate_in_threadpool, run_in_threadpool
from fastapi.responses import JSONResponse, StreamingResponse
from sqlalchemy.orm import Session

from ...core import client_voice_ids, tasks, voices
from ...core.client_voice_ids import VoiceNotFound
from ...core.formatting import DAY
from ...core.keys import Caller
from ...core.requests import AudioFormat, SpeechOptions, SubtitleUnit, TaskResult
from ...core.tasks import Order
from ...db.models import Task
from ...engines.emotion import Emotion
from ...errors import (
    AuthenticationError,
    Expired,
    Forbidden,
    InsufficientBalance,
    InvalidParameter,
    RateLimited,
    SynthesisError,
    TaskError,
    Unavailable,
)
from ..audit import record_links
from ..auth import LimitedSpeaker
from ..errors import CLIENT_CLOSED_REQUEST
from ..fronts.speaking import OPENING, Speech, begin_speech
from ..fronts.streaming import AudioChunks, ClientDisconnected, TaskAudioResponse
from ..fronts.tasks import wait_for_task
from ..orders import TEXT_LIMIT, digest, speech_order, submit
from ..schemas import OPUS_RATES
from ..state import AppState, state_of
from ..tasks import link
from . import pronunciation
from .errors import SUCCESS, MiniMaxRoute, error_responses, result_of, trace_id
from .links import subtitles_link
from .models import version_of
from .schemas import AudioSetting, SpeechSettings, T2ARequest, T2AResponse, VoiceSetting

IGNORED = "X-Soundclone-Ignored"
"""Header with the names of the fields of a request that have no effect."""

_EVENT = 24_000  # bytes of audio in one event
_BLOCK = 64 * 1024  # bytes of a file that are read at once
_MULAW_RATE, _RATE = 8000, 32_000  # Hz, defaults
_FORMATS = {
    "mp3": AudioFormat.MP3,
    "pcm": AudioFormat.PCM,
    "flac": AudioFormat.FLAC,
    "wav": AudioFormat.WAV,
    "pcmu_raw": AudioFormat.ULAW,
    "pcmu_wav": AudioFormat.ULAW_WAV,
    "opus": AudioFormat.OGG,
}
_EMOTIONS = {each.value: each for each in Emotion}  # others are neutral
_MANNERS = frozenset({"fluent", "whisper"})  # of MiniMax, which no engine here has
_WORD = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af]|[^\W\u2e80-\u9fff\uac00-\ud7af]+")

router = APIRouter(route_class=MiniMaxRoute, tags=["MiniMax"])


@dataclass(frozen=True)
class SpeechJob:
    """Order for speech, and what the response to its request contains."""

    order: Order
    audio_format: str  # of the request
    text: str  # to speak
    options: SpeechOptions
    ignored: tuple[str, ...]  # names of fields

    def extra_info(self, seconds: float, size: int) -> dict[str, object]:
        """Return the measurements of the finished speech."""
        mp3 = self.options.format == AudioFormat.MP3
        rate = self.options.bit_rate if mp3 else round(8 * size / max(seconds, 0.001))
        return {
            "audio_length": round(1000 * seconds),
            "audio_sample_rate": self.options.sample_rate,
            "audio_size": size,
            "bitrate": rate,
            "audio_format": self.audio_format,
            "audio_channel": self.options.channels,
            "invisible_character_ratio": _invisible(self.text),
            "usage_characters": self.order.characters,
            "word_count": len(_WORD.findall(self.text)),
        }

    @property
    def headers(self) -> dict[str, str]:
        """Headers of the response."""
        return {IGNORED: ", ".join(self.ignored)} if self.ignored else {}


@router.post(
    "/v1/t2a_v2",
    operation_id="minimaxSpeak",
    summary="Speak a text (MiniMax)",
    response_model=T2AResponse,
    responses=error_responses(
        AuthenticationError,
        Forbidden,
        InvalidParameter,
        VoiceNotFound,
        InsufficientBalance,
        RateLimited,
        SynthesisError,
        Unavailable,
    ),
)
async def speak(request: Request, body: T2ARequest, who: LimitedSpeaker) -> Response:
    """Speak a text, and return the audio when it is complete or, as a stream, in parts.

    A client that disconnects cancels the task. It pays for the parts of a stream that were sent,
    and otherwise nothing.
    """
    state = state_of(request)
    subtitles = None
    if body.subtitle_enable and not body.stream:
        sentences = body.subtitle_type == "sentence"
        subtitles = SubtitleUnit.SENTENCE if sentences else SubtitleUnit.WORD
    job = await speech_job(
        state,
        who,
        body,
        body.text,
        subtitles=subtitles,
        opening=OPENING if body.stream else None,
        channels=1,
    )
    if body.stream:
        return await _stream(request, state, job)
    task, result = await _finished(request, state, job.order)
    await record_links(request, task.id, task.status, who.key_id)
    assert task.expires_at is not None
    expires = int(task.expires_at)
    size = await run_in_threadpool(state.storage.size, result.audio) or 0
    data: dict[str, object] = {"status": 2, "ced": ""}
    if result.subtitles_json:
        data["subtitle_file"] = subtitles_link(request, task.id, expires)
    rest: dict[str, object] = {
        "extra_info": job.extra_info(result.seconds or 0.0, size),
        "trace_id": trace_id(),
        "base_resp": SUCCESS,
    }
    if body.output_format == "url":
        audio = link(request, result.audio, expires)
        return JSONResponse({"data": {"audio": audio, **data}, **rest}, headers=job.headers)
    blocks = await run_in_threadpool(state.storage.stream, result.audio, 0, None, _BLOCK)
    return StreamingResponse(
        _with_hex(blocks, data, rest), media_type="application/json", headers=job.headers
    )


async def speech_job(
    state: AppState,
    who: Caller,
    body: SpeechSettings,
    text: str,
    *,
    subtitles: SubtitleUnit | None,
    opening: int | None,
    channels: int,
) -> SpeechJob:
    """Check and price a request for speech.

    Args:
        state: The application.
        who: The caller.
        body: The request.
        text: Its text.
        subtitles: Unit of the subtitles to make.
        opening: Characters of the first chunk of a stream.
        channels: Default number of channels.

    Raises:
        InvalidParameter: A field is wrong.
        VoiceNotFound: The account has no such voice.
        Unavailable: No worker has the engine that the request needs.
    """
    version = version_of(body.model)
    wanted = _voice_of(body)
    voice_id = await state.database.read_async(_usable, who.account_id, wanted)
    pronounced = pronunciation.Pronounced(text)
    if body.pronunciation_dict.tone and len(text) <= 2 * TEXT_LIMIT:
        entries = body.pronunciation_dict.tone
        pronounced = await run_in_threadpool(pronunciation.apply, text, entries)
    options = _options(body.voice_setting, body.audio_setting, subtitles, opening, channels)
    order = await speech_order(
        state,
        who,
        voice_id,
        pronounced.text,
        version=version,
        language=body.language_boost or "auto",
        options=options,
        request_hash=digest("minimax speech", body.model_dump() | {"text": text}),
        idempotency_key=None,
    )
    ignored = _ignored(body, has_phonetics=bool(pronounced.ignored))
    return SpeechJob(order, body.audio_setting.format, pronounced.text, options, ignored)


async def check_voice(state: AppState, who: Caller, body: SpeechSettings) -> None:
    """Check the model and the voice of a request whose text is still to come.

    Raises:
        InvalidParameter: The model is unknown, or the request names no voice.
        VoiceNotFound: The account has no such voice.
    """
    version_of(body.model)
    wanted = _voice_of(body)
    await state.database.read_async(_usable, who.account_id, wanted)


def _usable(session: Session, account_id: str, wanted: str) -> str:
    """Return the id of a voice that can be used.

    Raises:
        VoiceNotFound: The account has no such voice.
        Expired: The voice is deleted or expired.
    """
    voice_id = client_voice_ids.resolve(session, account_id, wanted)
    try:
        voices.current(session, voice_id, account_id)
    except Expired as error:
        # The client knows the voice by the id that it chose.
        error.message = error.message.replace(voice_id, wanted)
        raise
    return voice_id


def _voice_of(body: SpeechSettings) -> str:
    """Return the voice that a request names. Raises InvalidParameter."""
    if len(body.timbre_weights) > 1:
        raise InvalidParameter(
            f"timbre_weights has {len(body.timbre_weights)} voices; voices cannot be mixed here, "
            "name one voice",
            param="timbre_weights",
        )
    mixed = body.timbre_weights[0].voice_id if body.timbre_weights else None
    voice = body.voice_setting.voice_id or mixed
    if not voice:
        raise InvalidParameter(
            "voice_setting.voice_id is missing; it is the voice_id of a cloned voice",
            param="voice_setting.voice_id",
        )
    return voice


def _options(
    voice: VoiceSetting,
    audio: AudioSetting,
    subtitles: SubtitleUnit | None,
    opening: int | None,
    channels: int,
) -> SpeechOptions:
    form = _FORMATS[audio.format]
    rate: int | None = audio.sample_rate or audio.audio_sample_rate
    if rate is None:
        rate = _MULAW_RATE if form in (AudioFormat.ULAW, AudioFormat.ULAW_WAV) else _RATE
    if form == AudioFormat.OGG:
        rate = OPUS_RATES[bisect_left(OPUS_RATES, rate)]
    return SpeechOptions(
        emotion=_EMOTIONS.get(voice.emotion or "", Emotion.NEUTRAL),
        speed=voice.speed,
        volume=voice.vol,
        pitch=voice.pitch,
        subtitles=subtitles,
        format=form,
        sample_rate=rate,
        channels=audio.channel or channels,
        bit_rate=_bit_rate(audio.bitrate, rate) if form == AudioFormat.MP3 else None,
        opening=opening,
    )


def _bit_rate(wanted: int, sample_rate: int) -> int:
    """Return the bit rate of an MP3. MPEG-2 and MPEG-2.5 have lower limits than MPEG-1."""
    if sample_rate >= 32_000:
        return wanted
    return min(wanted, 160_000 if sample_rate >= 16_000 else 64_000)


def _ignored(body: SpeechSettings, *, has_phonetics: bool) -> tuple[str, ...]:
    found = []
    if body.voice_setting.emotion in _MANNERS:
        found.append("emotion")
    if has_phonetics:
        found.append("pronunciation_dict")
    if body.voice_modify:
        found.append("voice_modify")
    if isinstance(body, T2ARequest) and body.stream and body.subtitle_enable:
        found.append("subtitle_enable")
    return tuple(found)


def _invisible(text: str) -> float:
    hidden = sum(unicodedata.category(each) in ("Cc", "Cf", "Co", "Cn") for each in text)
    hidden -= sum(text.count(each) for each in "\n\r\t")
    return round(hidden / max(len(text), 1), 3)


async def _finished(request: Request, state: AppState, order: Order) -> tuple[Task, TaskResult]:
    """Submit an order, and return its task when it is completed.

    A client that disconnects cancels the task, for which nothing is charged.

    Raises:
        TaskFailed: The task has failed.
        Unavailable: The task takes longer than tasks may take.
    """
    task = await submit(state, order)
    try:
        ended = await wait_for_task(
            state,
            task.id,
            seconds=state.settings.task_timeout,
            is_disconnected=request.is_disconnected,
            late="the speech takes too long; nothing was charged",
        )
    except BaseException:
        keep = state.settings.result_days * DAY
        with CancelScope(shield=True):
            await state.database.transaction_async(
                tasks.cancel, task.id, order.account_id, keep=keep
            )
        raise
    found = await state.database.read_async(tasks.get, task.id, order.account_id)
    return found, ended.result


async def _with_hex(
    blocks: Iterator[bytes], data: Mapping[str, object], rest: Mapping[str, object]
) -> AsyncIterator[bytes]:
    """Yield the JSON of a response whose audio is too large to be kept in memory."""
    yield b'{"data": {"audio": "'
    async for block in iterate_in_threadpool(blocks):
        yield block.hex().encode()
    yield f'", {json.dumps(data)[1:]}, {json.dumps(rest)[1:]}'.encode()


async def _stream(request: Request, state: AppState, job: SpeechJob) -> Response:
    try:
        speech = await begin_speech(state, job.order, request.is_disconnected)
    except ClientDisconnected:
        return Response(status_code=CLIENT_CLOSED_REQUEST)
    headers = {
        "X-Soundclone-Task": speech.task.id,
        "Cache-Control": "no-store",
        "X-Accel-Buffering": "no",  # or nginx would send the audio at its end
        **job.headers,
    }
    events = _events(state, job, speech, trace_id())
    return TaskAudioResponse(events, speech.cancel, media_type="text/event-stream", headers=headers)


async def _events(state: AppState, job: SpeechJob, speech: Speech, trace: str) -> AudioChunks:
    """Yield the audio as server-sent events. An error is an event as well.

    The last event has no audio: some clients play the audio of every event, and others ignore an
    event with `extra_info`.
    """
    size = 0
    try:
        async for chunk in speech.chunks:
            size += len(chunk)
            for piece in pieces(chunk):
                yield _event({"data": {"audio": piece.hex(), "status": 1}}, trace, SUCCESS)
        seconds = await seconds_of(state, speech.task)
        end = {"data": {"audio": "", "status": 2}, "extra_info": job.extra_info(seconds, size)}
        yield _event(end, trace, SUCCESS)
    except TaskError as error:
        yield _event({"data": {"audio": "", "status": 2}}, trace, result_of(error))
    finally:
        await speech.chunks.aclose()


def pieces(chunk: bytes) -> Iterator[bytes]:
    """Cut audio into pieces of the size of an event."""
    for start in range(0, len(chunk), _EVENT):
        yield chunk[start : start + _EVENT]


async def seconds_of(state: AppState, task: Task) -> float:
    """Return the duration of a completed task's speech."""
    row = await state.database.fetch_one_async(tasks.STATE, task=task.id)
    result = TaskResult.from_json(row.result) if row is not None else None
    return (result.seconds if result else None) or 0.0


def _event(data: Mapping[str, object], trace: str, base_resp: Mapping[str, object]) -> bytes:
    body = {**data, "trace_id": trace, "base_resp": base_resp}
    return f"data: {json.dumps(body)}\n\n".encode()
