"""Begin a speech and pass its audio on while the worker speaks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial

from anyio import CancelScope
from fastapi.concurrency import run_in_threadpool

from ...core.requests import SpeechRequest, SubtitleUnit
from ...core.tasks import Order
from ...db.models import Task
from ...errors import StreamBroken
from ...text import parts
from ..orders import submit
from ..state import AppState
from .streaming import (
    AudioChunks,
    AudioPart,
    AudioParts,
    audio_of,
    cancel_stream,
    record_deliveries,
    stream_task_audio,
)

OPENING = 25  # characters of the first chunk, which is short so that the audio begins early


@dataclass(frozen=True)
class Speech:
    """Speech that a task speaks. The reader must close what it reads."""

    task: Task
    parts: AudioParts
    cancel: Callable[[bool], Awaitable[None]]
    """Cancels the task. The argument is True if the client closed the connection: then the client
    pays for what was delivered."""

    @cached_property
    def chunks(self) -> AudioChunks:
        """Audio of the parts."""
        return audio_of(self.parts)


async def start_speech(
    state: AppState, order: Order, is_disconnected: Callable[[], Awaitable[bool]]
) -> Speech:
    """Submit an order for speech, without waiting for its audio.

    The price is captured when the first byte is sent. An order with an idempotency key is paid when
    it is spoken, and is not cancelled, so that the same request can get its audio later. Words have
    times if the order asks for subtitles by word.

    Args:
        state: The application.
        order: The order, whose options have an `opening`.
        is_disconnected: Tells whether the client has closed the connection.

    `tasks.submit` lists the errors.
    """
    assert isinstance(order.request, SpeechRequest)
    options = order.request.options
    assert options.opening is not None
    billed = await run_in_threadpool(parts.delivered, order.request.text, options.opening)
    if order.idempotency_key is None:
        request = replace(order.request, options=replace(options, on_delivery=True))
        order = replace(order, request=request)
    task = await submit(state, order)
    state.listeners.add(task.id)
    cancel = partial(_cancel, state, task) if order.idempotency_key is None else _keep
    timed = options.subtitles == SubtitleUnit.WORD
    return Speech(
        task, stream_task_audio(state, task, billed, is_disconnected, timed=timed), cancel
    )


async def begin_speech(
    state: AppState, order: Order, is_disconnected: Callable[[], Awaitable[bool]]
) -> Speech:
    """Submit an order for speech as `start_speech` does, and wait for its first part.

    Each part is recorded as delivered before it is yielded.

    Raises:
        TaskFailed: The task failed before its first part.
        ClientDisconnected: The client is gone.
        RateLimited: No worker has begun to speak within SOUNDCLONE_STREAM_WAIT.

    `tasks.submit` lists the other errors.
    """
    speech = await start_speech(state, order, is_disconnected)
    try:
        first = await anext(speech.parts)  # an error before the first part can have a status
    except BaseException:  # a cancelled request must cancel its task, too
        with CancelScope(shield=True):
            await speech.parts.aclose()
            await speech.cancel(True)
        raise
    recorded = record_deliveries(state, speech.task.id, _joined(first, speech.parts))
    return replace(speech, parts=recorded)


async def _cancel(state: AppState, task: Task, disconnected: bool) -> None:
    error = None
    if not disconnected:
        error = StreamBroken("the service broke the stream off; nothing was charged")
    await cancel_stream(state, task.id, task.account_id, error)


async def _keep(disconnected: bool) -> None:
    """Let the task continue."""


async def _joined(first: AudioPart, rest: AudioParts) -> AudioParts:
    try:
        yield first
        async for part in rest:
            yield part
    finally:
        await rest.aclose()
