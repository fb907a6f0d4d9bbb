"""Following a task that speaks, and handing on what it has said so far."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress

from anyio import CancelScope, CapacityLimiter, create_task_group, to_thread
from fastapi import Request, Response
from sqlalchemy.exc import OperationalError
from starlette.concurrency import iterate_in_threadpool
from starlette.types import Message, Receive, Scope, Send

from ...core import tasks
from ...errors import NotFound, TaskError, Unavailable
from ...storage import Storage
from ...telemetry import log
from ..tasks import DAY
from .errors import Ended

_log = log(__name__)
_PAUSE = 0.06  # seconds between two looks
_LONGEST_PAUSE = 1.0
_READERS = CapacityLimiter(8)  # threads for all streams: the other requests have theirs

Blocks = AsyncGenerator[bytes, None]


class Gone(Exception):
    """The client went away before the answer began."""


async def listen(request: Request, task_id: str) -> Blocks:
    """The audio of a streamed task as it comes, in blocks that are not empty.

    A task that is overdue is ended. Raises Ended when the task fails, and Gone, the latter only
    before the first block: then nobody else watches the connection.
    """
    state = request.app.state
    index = sent = 0
    while True:
        row = None
        with suppress(OperationalError):
            row = await state.database.row(tasks.STATE, task=task_id)
        # Read before the parts: once it says that all is done, those that are gone are in the file.
        waiting = row is not None and row.status == "queued"
        while not waiting and (part := await _part(state.storage, task_id, index)) is not None:
            index += 1
            sent += len(part)
            if part:
                yield part
        if row is not None and row.status == "completed":
            key = row.result.get("audio")
            if key is None:
                raise Ended("the speech is no longer kept; send another request", "expired")
            rest = await to_thread.run_sync(state.storage.stream, key, sent, limiter=_READERS)
            async for block in iterate_in_threadpool(rest):
                yield block
            return
        if row is not None and row.status == "failed":
            raise Ended(row.error or "the task failed; nothing was charged", row.error_word)
        age = 0.0 if row is None else time.time() - row.created_at
        if age > state.settings.task_timeout:
            # As the sweeper does, if there is one.
            keep = state.settings.result_days * DAY
            await state.database.run(
                tasks.time_out, task_id, state.settings.task_timeout, keep=keep
            )
            continue
        if not sent and await request.is_disconnected():
            raise Gone
        # Many may wait, few are spoken; a twentieth more is not noticed.
        await asyncio.sleep(min(max(2 * _PAUSE, age / 20), _LONGEST_PAUSE) if waiting else _PAUSE)


async def _part(storage: Storage, task_id: str, index: int) -> bytes | None:
    """A part of the audio, None while there is none, or none can be read."""
    try:
        return await to_thread.run_sync(
            storage.get, tasks.part_file(task_id, index), limiter=_READERS
        )
    except (NotFound, Unavailable):
        return None


class Broadcast(Response):
    """An answer that is sent while it is made, as a chunked body.

    When `blocks` raise a TaskError the connection is broken off, so that nobody takes the
    beginning for the whole. `leave` is awaited when the client did not get all, whatever the
    reason.
    """

    def __init__(
        self,
        blocks: Blocks,
        leave: Callable[[], Awaitable[None]],
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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with create_task_group() as group:
                group.start_soon(_until_gone, receive, group.cancel_scope)
                await self._send(send)
                group.cancel_scope.cancel()
        finally:
            with CancelScope(shield=True):
                await self._blocks.aclose()
                if not self._whole:
                    await self._leave()

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
        except TaskError as error:
            _log.info("stream broken off", reason=error.logged)
        except Exception as error:
            _log.error("stream broke", exc_info=error)
        else:
            await send(_body(b"", more=False))
            self._whole = True


def _body(block: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": block, "more_body": more}


async def _until_gone(receive: Receive, scope: CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
