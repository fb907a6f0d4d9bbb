"""Stream the audio of a task while a worker speaks it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any

from anyio import CancelScope, CapacityLimiter, create_task_group, to_thread
from fastapi import Response
from sqlalchemy import Row
from sqlalchemy.exc import OperationalError
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.types import Message, Receive, Scope, Send

from ...core import files, tasks
from ...core.formatting import DAY
from ...core.requests import TaskResult
from ...core.voices import ACTIVE
from ...db.models import Task, TaskStatus
from ...errors import NotFound, RateLimited, TaskCancelled, TaskError, Unavailable
from ...storage import Storage
from ...telemetry import log
from ..state import AppState
from ..waits import Wait
from .tasks import TaskFailed

_log = log(__name__)
_INTERVAL = 0.12  # seconds between two looks at a running task, in case a signal is lost
_LONGEST_INTERVAL = 1.0  # seconds between two looks at a queued task, or two tries
_READERS = CapacityLimiter(8)  # threads of all streams, so that other requests have threads left


@dataclass(frozen=True)
class TimedWord:
    """Word of the text and the time at which it is heard."""

    start: float  # seconds from the start of the audio
    end: float
    offset: int  # in the text, in code points
    length: int


@dataclass(frozen=True)
class AudioPart:
    """One part of a task's audio. `characters` counts the billed ones up to the part's end."""

    audio: bytes
    characters: int
    words: tuple[TimedWord, ...] = ()  # only of speech with subtitles by word


AudioParts = AsyncGenerator[AudioPart, None]
AudioChunks = AsyncGenerator[bytes, None]


class ClientDisconnected(Exception):
    """The client closed its connection before the response began."""


async def stream_task_audio(
    state: AppState,
    task: Task,
    characters: Sequence[int],
    is_disconnected: Callable[[], Awaitable[bool]],
    *,
    timed: bool = False,
) -> AudioParts:
    """Yield the audio of a task as the worker writes it, without empty parts.

    Ends a task that exceeds its time limit.

    Args:
        state: The application.
        task: The task.
        characters: Number of billed characters up to the end of each part.
        is_disconnected: Tells whether the client has closed the connection. Asked until the first
            part.
        timed: True for the times of the words, which the task must make.

    Raises:
        TaskFailed: The task has failed.
        ClientDisconnected: The client is gone. After the first part, the response watches the
            connection instead.
        RateLimited: No worker has begun to speak within SOUNDCLONE_STREAM_WAIT, or the account has
            so many streams that this one would be heard later.
    """
    with (
        state.task_signals.watch(task.id) as changed,
        state.waits.of(task.account_id, task.id) as wait,
    ):
        parts = _parts(state, task.id, characters, is_disconnected, changed, wait, timed)
        async with aclosing(parts):
            async for part in parts:
                yield part


async def _parts(
    state: AppState,
    task_id: str,
    characters: Sequence[int],
    is_disconnected: Callable[[], Awaitable[bool]],
    changed: asyncio.Event,
    wait: Wait,
    timed: bool,
) -> AudioParts:
    """Yield like `stream_task_audio`. `changed` is set at each signal about the task."""
    index = sent = known = opened = 0
    longest = state.settings.stream_wait
    until = time.monotonic() + longest
    while True:
        changed.clear()
        row = None
        with suppress(OperationalError):
            row = await state.database.fetch_one_async(tasks.STATE, task=task_id)
        # The state is read before the parts: the file of a completed task replaces its parts.
        queued = row is not None and not sent and _is_queued(row)
        opening = None
        if not (queued or sent or timed):
            opening = await _read(state.storage, files.opening(task_id))
        if opening:
            opened = sent = len(opening)
            wait.end()
            yield AudioPart(opening, characters[0])
        while not queued and (part := await _read_part(state.storage, task_id, index)) is not None:
            part, opened = part[opened:], 0
            billed = characters[min(index, len(characters) - 1)]
            times = files.part_times(task_id, index) if timed else None
            words = await read_words(state.storage, times)
            index += 1
            known += len(words)
            sent += len(part)
            if part:
                wait.end()
                yield AudioPart(part, billed, words)
        spoken = row is not None and row.status == "processing" and row.progress == tasks.SPOKEN
        if row is not None and (spoken or row.status == "completed"):
            result = TaskResult.from_json(row.result)
            if result is None:
                raise TaskFailed("the speech is no longer kept; send another request", "expired")
            rest = await to_thread.run_sync(
                state.storage.stream, result.audio, sent, limiter=_READERS
            )
            words = await read_words(state.storage, result.subtitles_json if timed else None)
            words = words[known:]
            async for block in iterate_in_threadpool(rest):
                yield AudioPart(block, characters[-1], words)
                words = ()
            return
        if row is not None and row.status == "failed":
            raise TaskFailed(row.error or "the task failed; nothing was charged", row.error_word)
        age = 0.0 if row is None else time.time() - row.created_at
        if age > state.settings.task_timeout:
            await _time_out(state, task_id)
            continue
        if queued and time.monotonic() > until:
            raise RateLimited(
                f"all workers are busy: the speech did not begin within {longest:g} s; try again",
                retry_after=longest,
            )
        expected = wait.expected() if queued else None
        if expected is not None and expected > longest:
            raise RateLimited(
                f"all workers are busy: the speech would begin after {expected:.1f} s, and at most "
                f"{longest:g} s are allowed; try again",
                retry_after=longest,
            )
        if not sent and await is_disconnected():
            raise ClientDisconnected
        # Many tasks may be queued. Another twentieth of its age delays a task unnoticeably.
        queue_interval = min(max(2 * _INTERVAL, age / 20), _LONGEST_INTERVAL)
        interval = 2 * _INTERVAL if sent else _INTERVAL
        with suppress(TimeoutError):
            await asyncio.wait_for(changed.wait(), queue_interval if queued else interval)


def _is_queued(row: Row[Any]) -> bool:
    """Tell whether a task has not ended and no worker speaks its text."""
    return row.status in ACTIVE and row.progress < tasks.SPEAKING


async def _time_out(state: AppState, task_id: str) -> None:
    """End an overdue task as the sweeper does, which may not run."""
    await state.database.transaction_async(
        tasks.time_out,
        task_id,
        state.settings.task_timeout,
        keep=state.settings.result_days * DAY,
    )


async def record_deliveries(state: AppState, task_id: str, parts: AudioParts) -> AudioParts:
    """Yield the parts. Each part is recorded as delivered before it is sent.

    Raises:
        TaskFailed: The task has failed meanwhile.
    """
    recorded = 0
    try:
        async for part in parts:
            if part.characters > recorded:
                await _record(state, task_id, part.characters)
                recorded = part.characters
            yield part
    finally:
        await parts.aclose()


async def cancel_stream(
    state: AppState, task_id: str, account_id: str, error: TaskCancelled | None = None
) -> Task:
    """Cancel a task unless it has ended. Return the task with what was charged.

    What was delivered is charged, unless the `error` tells otherwise. Speech of which nobody was
    sent a byte is removed.
    """
    database, keep = state.database, state.settings.result_days * DAY
    task = await database.transaction_async(
        tasks.cancel, task_id, account_id, keep=keep, error=error
    )
    if task.status == TaskStatus.FAILED and task.progress == tasks.SPOKEN:
        with suppress(Unavailable, OperationalError):  # the sweep removes what remains
            await run_in_threadpool(state.storage.delete_prefix, files.result_folder(task_id))
            await database.transaction_async(tasks.forget_files, task_id)
    return task


async def audio_of(parts: AudioParts) -> AudioChunks:
    """Yield the audio of parts."""
    try:
        async for part in parts:
            yield part.audio
    finally:
        await parts.aclose()


async def _record(state: AppState, task_id: str, characters: int) -> None:
    database, keep = state.database, state.settings.result_days * DAY
    while True:
        try:
            if await database.transaction_async(tasks.deliver, task_id, characters, keep=keep):
                return
            row = await database.fetch_one_async(tasks.STATE, task=task_id)
            assert row is not None
            raise TaskFailed(row.error or "the task failed", row.error_word)
        except OperationalError:  # retried until the database answers again
            await asyncio.sleep(_LONGEST_INTERVAL)


async def _read_part(storage: Storage, task_id: str, index: int) -> bytes | None:
    """Return a part of the audio, or None if it does not exist yet or cannot be read."""
    return await _read(storage, files.part(task_id, index))


async def _read(storage: Storage, key: str) -> bytes | None:
    """Return a file, or None if it does not exist yet or cannot be read."""
    try:
        return await to_thread.run_sync(storage.get, key, limiter=_READERS)
    except (NotFound, Unavailable):
        return None


async def read_words(storage: Storage, key: str | None) -> tuple[TimedWord, ...]:
    """Return the words of a file of times."""
    if key is None:
        return ()
    try:
        data = await to_thread.run_sync(storage.get, key, limiter=_READERS)
    except (NotFound, Unavailable):
        return ()
    return tuple(
        TimedWord(each["start"] / 1000, each["end"] / 1000, each["offset"], each["length"])
        for each in json.loads(data)
    )


class TaskAudioResponse(Response):
    """Response whose chunked body is sent while the task runs.

    A TaskError closes the connection, so that clients do not take truncated audio for the whole.
    The next chunk is requested only when the connection has accepted the one before, so that a
    client that does not read is not charged.

    Args:
        chunks: The body.
        on_incomplete: Awaited if the client has not received the whole body. The argument is True
            if the client closed the connection.
        media_type: Media type of the body.
        headers: Further headers.
    """

    def __init__(
        self,
        chunks: AudioChunks,
        on_incomplete: Callable[[bool], Awaitable[None]],
        *,
        media_type: str,
        headers: dict[str, str],
    ) -> None:
        self.status_code = 200
        self.media_type = media_type
        self.background = None
        self.init_headers(headers)
        self._chunks = chunks
        self._on_incomplete = on_incomplete
        self._complete = False
        self._disconnected = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response, as ASGI defines."""
        try:
            async with create_task_group() as group:
                group.start_soon(self._watch_connection, receive, group.cancel_scope)
                await self._send(send)
                group.cancel_scope.cancel()
        finally:
            with CancelScope(shield=True):
                await self._chunks.aclose()
                if not self._complete:
                    await self._on_incomplete(self._disconnected)

    async def _send(self, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        try:
            async for chunk in self._chunks:
                await send(_body(chunk, more=True))
                # The server waits for space in its buffer before it writes, not afterwards.
                await send(_body(b"", more=True))
        except TaskError as error:
            _log.info("stream interrupted", reason=error.logged)
        except Exception as error:
            # The status has been sent. Without a last chunk, the server closes the connection.
            _log.error("stream failed", exc_info=error)
        else:
            await send(_body(b"", more=False))
            self._complete = True

    async def _watch_connection(self, receive: Receive, scope: CancelScope) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._disconnected = True
        scope.cancel()


def _body(chunk: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": chunk, "more_body": more}
