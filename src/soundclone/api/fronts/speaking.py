"""Begin a speech and pass its audio on while the worker speaks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from anyio import CancelScope
from fastapi.concurrency import run_in_threadpool

from ...core import tasks
from ...core.formatting import DAY
from ...core.requests import SpeechRequest
from ...core.tasks import Order
from ...db.models import Task
from ...errors import StreamBroken
from ...text import parts
from ..orders import submit
from ..state import AppState
from .streaming import AudioChunks, AudioPart, AudioParts, record_deliveries, stream_task_audio

OPENING = 25  # characters of the first chunk, which is short so that the audio begins early


@dataclass(frozen=True)
class Speech:
    """Speech whose first part is ready. The reader of `chunks` must close them."""

    task: Task
    chunks: AudioChunks
    cancel: Callable[[bool], Awaitable[None]]
    """Cancels the task. The argument is True if the client closed the connection: then the client
    pays for what was delivered."""


async def begin_speech(
    state: AppState, order: Order, is_disconnected: Callable[[], Awaitable[bool]]
) -> Speech:
    """Submit an order for speech, and wait for its first part.

    An order with an idempotency key is not cancelled, so that the same request can get its audio
    later.

    Args:
        state: The application.
        order: The order, whose options have an `opening`.
        is_disconnected: Tells whether the client has closed the connection.

    Raises:
        TaskFailed: The task failed before its first part.
        ClientDisconnected: The client is gone.

    `tasks.submit` lists the other errors.
    """
    assert isinstance(order.request, SpeechRequest)
    opening = order.request.options.opening
    assert opening is not None
    billed = await run_in_threadpool(parts.delivered, order.request.text, opening)
    task = await submit(state, order)
    cancel = partial(_cancel, state, task) if order.idempotency_key is None else _keep
    audio = stream_task_audio(state, task.id, billed, is_disconnected)
    try:
        first = await anext(audio)  # an error before the first part can still have a status
    except BaseException:  # a cancelled request must cancel its task, too
        with CancelScope(shield=True):
            await audio.aclose()
            await cancel(True)
        raise
    return Speech(task, record_deliveries(state, task.id, _joined(first, audio)), cancel)


async def _cancel(state: AppState, task: Task, disconnected: bool) -> None:
    error = None
    if not disconnected:
        error = StreamBroken("the service broke the stream off; nothing was charged")
    keep = state.settings.result_days * DAY
    await state.database.transaction_async(
        tasks.cancel, task.id, task.account_id, keep=keep, error=error
    )


async def _keep(disconnected: bool) -> None:
    """Let the task continue."""


async def _joined(first: AudioPart, rest: AudioParts) -> AudioParts:
    try:
        yield first
        async for part in rest:
            yield part
    finally:
        await rest.aclose()
