"""Following a task that speaks, and handing on what it has said so far."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from anyio import CancelScope, CapacityLimiter, create_task_group, to_thread
from fastapi import Request, Response
from sqlalchemy.exc import OperationalError
from starlette.concurrency import iterate_in_threadpool
from starlette.types import Message, Receive, Scope, Send

from ...core import delivery, files, tasks
from ...core.requests import TaskResult
from ...errors import NotFound, TaskError, Unavailable
from ...storage import Storage
from ...telemetry import log
from ..state import state_of
from ..tasks import DAY
from .errors import TaskFailed

_log = log(__name__)
_PAUSE = 0.06  # seconds between two looks
_LONGEST_PAUSE = 1.0
_READERS = CapacityLimiter(8)  # threads for all streams: the other requests have theirs

Blocks = AsyncGenerator[bytes, None]


@dataclass(frozen=True)
class Part:
    """Audio, and the billed characters from the start of the text to the end of what it says."""

    audio: bytes
    characters: int


Parts = AsyncGenerator[Part, None]


class Gone(Exception):
    """The client went away before the answer began."""


async def listen(request: Request, task_id: str, characters: Sequence[int]) -> Parts:
    """The audio of a streamed task as it comes, in parts that are not empty; `characters` are those
    that are billed up to the end of each part.

    A task that is overdue is ended. Raises TaskFailed when the task fails, and Gone, the latter
    only before the first block: then nobody else watches the connection.
    """
    state = state_of(request)
    index = sent = 0
    while True:
        row = None
        with suppress(OperationalError):
            row = await state.database.fetch_one_async(tasks.STATE, task=task_id)
        # Read before the parts: once it says that all is done, those that are gone are in the file.
        waiting = row is not None and row.status == "queued"
        while not waiting and (part := await _part(state.storage, task_id, index)) is not None:
            upto = characters[min(index, len(characters) - 1)]
            index += 1
            sent += len(part)
            if part:
                yield Part(part, upto)
        if row is not None and row.status == "completed":
            result = TaskResult.from_json(row.result)
            if result is None:
                raise TaskFailed("the speech is no longer kept; send another request", "expired")
            rest = await to_thread.run_sync(
                state.storage.stream, result.audio, sent, limiter=_READERS
            )
            async for block in iterate_in_threadpool(rest):
                yield Part(block, characters[-1])
            return
        if row is not None and row.status == "failed":
            raise TaskFailed(row.error or "the task failed; nothing was charged", row.error_word)
        age = 0.0 if row is None else time.time() - row.created_at
        if age > state.settings.task_timeout:
            # As the sweeper does, if there is one.
            keep = state.settings.result_days * DAY
            await state.database.transaction_async(
                tasks.time_out, task_id, state.settings.task_timeout, keep=keep
            )
            continue
        if not sent and await request.is_disconnected():
            raise Gone
        # Many may wait, few are spoken; a twentieth more is not noticed.
        await asyncio.sleep(min(max(2 * _PAUSE, age / 20), _LONGEST_PAUSE) if waiting else _PAUSE)


async def counted(request: Request, task_id: str, parts: Parts) -> Blocks:
    """The audio of the parts. Each is noted as delivered just before it is handed on: what cannot
    be noted is not sent. Raises TaskFailed when the task has failed meanwhile."""
    noted = 0
    try:
        async for part in parts:
            if part.characters > noted:
                await _note(request, task_id, part.characters)
                noted = part.characters
            yield part.audio
    finally:
        await parts.aclose()


async def _note(request: Request, task_id: str, characters: int) -> None:
    database = state_of(request).database
    while True:
        try:
            if await database.transaction_async(delivery.hand_over, task_id, characters):
                return
            row = await database.fetch_one_async(tasks.STATE, task=task_id)
            assert row is not None
            raise TaskFailed(row.error or "the task failed", row.error_word)
        except OperationalError:  # the database is away for a moment
            await asyncio.sleep(_LONGEST_PAUSE)


async def _part(storage: Storage, task_id: str, index: int) -> bytes | None:
    """A part of the audio, None while there is none, or none can be read."""
    try:
        return await to_thread.run_sync(storage.get, files.part(task_id, index), limiter=_READERS)
    except (NotFound, Unavailable):
        return None


class Broadcast(Response):
    """An answer that is sent while it is made, as a chunked body.

    When `blocks` raise a TaskError the connection is broken off, so that nobody takes the
    beginning for the whole. `leave` is awaited when the client did not get all; its argument says
    whether the client went away. A block is asked for only when the connection has taken the one
    before, so that a client that does not read is not charged for more.
    """

    def __init__(
        self,
        blocks: Blocks,
        leave: Callable[[bool], Awaitable[None]],
        *,
        media_type: str,
        headers: dict[str, str],
    ) -> None:
        self.status_code = 200
        self.media_type = media_type
        self.background = None
        self.init_headers(headers)
        self._blocks = blocks
        self._leave = leave
        self._whole = False
        self._gone = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with create_task_group() as group:
                group.start_soon(self._until_gone, receive, group.cancel_scope)
                await self._send(send)
                group.cancel_scope.cancel()
        finally:
            with CancelScope(shield=True):
                await self._blocks.aclose()
                if not self._whole:
                    await self._leave(self._gone)

    async def _send(self, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        try:
            async for block in self._blocks:
                await send(_body(block, more=True))
                # The server waits for room in its buffer before it writes, not after.
                await send(_body(b"", more=True))
        except TaskError as error:
            _log.info("stream broken off", reason=error.logged)
        except Exception as error:
            _log.error("stream broke", exc_info=error)
        else:
            await send(_body(b"", more=False))
            self._whole = True

    async def _until_gone(self, receive: Receive, scope: CancelScope) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        scope.cancel()


def _body(block: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": block, "more_body": more}
