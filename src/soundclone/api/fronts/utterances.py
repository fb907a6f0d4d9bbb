"""Speech of a text that arrives in pieces.

Each clause is a task, submitted as soon as the clause is complete. Few tasks run ahead of the audio
that is sent, so a client that reads slowly halts the synthesis. The fee for the voice is charged
once. A client that cancels or disconnects pays for what was delivered.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from anyio import CancelScope, Event, create_memory_object_stream, create_task_group, sleep
from anyio.abc import TaskGroup
from anyio.lowlevel import checkpoint

from ...core import tasks
from ...core.requests import SpeechRequest, TaskResult
from ...core.tasks import Order
from ...db.models import TaskStatus
from ...errors import RateLimited
from ...text import script
from ...text.clauses import ClauseBuffer
from ..orders import TEXT_LIMIT
from ..state import AppState
from .speaking import Speech, start_speech
from .streaming import AudioParts, cancel_stream, record_deliveries

_AHEAD = 1  # tasks that run ahead of the one that is sent and the one that is submitted
_SPARE = 0.6  # seconds before the listener would wait in which the next clause is submitted
_SLICE = 1000  # characters of a text whose clauses are found at once
_PATIENCE = 30.0  # seconds in which a refused clause is submitted again


@dataclass(frozen=True)
class Clause:
    """Part of a text that is spoken at once."""

    index: int
    text: str
    offset: int  # in the whole text, in code points
    begins: bool  # no other clause comes before it in its utterance
    ends: bool  # the client has ended the utterance with it


@dataclass(frozen=True)
class Charge:
    """Price of a clause."""

    characters: int
    cost: int  # micro-credits
    seconds: float | None = None  # of the audio, None if it was not spoken to its end


class Fee:
    """Fee for the voice, which all clauses of a connection or a context share."""

    def __init__(self) -> None:
        self._carrier: str | None = None  # task that is charged with the fee

    def reduce(self, order: Order) -> Order:
        """Return the order without the fee if another clause carries the fee."""
        if self._carrier is None:
            return order
        return replace(order, cost=order.cost - order.fee, fee=0)

    def carry(self, task_id: str) -> None:
        """Record that a task has been submitted."""
        self._carrier = self._carrier or task_id

    def drop(self, task_id: str, charge: Charge) -> None:
        """Let the next clause carry the fee if a task was cancelled without a charge."""
        if self._carrier == task_id and not charge.cost:
            self._carrier = None


class Utterance(ABC):
    """Text that arrives in pieces, and the tasks that speak it."""

    def __init__(
        self,
        state: AppState,
        is_disconnected: Callable[[], Awaitable[bool]],
        *,
        fee: Fee | None = None,
        waiting: float = float("inf"),
        offset: int = 0,
        index: int = 0,
        ahead: float | None = None,
    ) -> None:
        """Create an utterance without text.

        Args:
            state: The application.
            is_disconnected: Tells whether the client has closed the connection.
            fee: Fee that other utterances share.
            waiting: Clauses that are kept before `add` waits.
            offset: Code points of text before this one.
            index: Number of the first clause.
            ahead: Seconds of audio that are sent before the listener hears them. None: no limit.
        """
        self.ended = Event()
        self.busy = 0  # clauses that are not sent completely
        self.pending = 0  # code points that are not sent completely
        self.cancelled = Charge(0, 0)  # sum of the clauses that were not sent completely
        self.offset = offset  # code points that have arrived
        self.index = index
        self._state = state
        self._is_disconnected = is_disconnected
        self._fee = fee or Fee()
        self._ahead = ahead
        self._buffer = ClauseBuffer()
        self._kept = ""  # signs that belong to the next clause
        self._closed = False
        self._begins = True
        self._clauses_in, self._clauses = create_memory_object_stream[Clause](waiting)
        self._speeches_in, self._speeches = create_memory_object_stream[
            tuple[Clause, Speech | Exception | None]
        ](_AHEAD)
        self._started: dict[str, tuple[Clause, Speech, Order]] = {}  # not completely delivered
        self._plays_until = 0.0  # monotonic seconds at which the listener has heard everything
        self._scope = CancelScope()
        self._group: TaskGroup | None = None

    @abstractmethod
    async def order(self, clause: Clause) -> Order:
        """Check and price a clause. The order's request needs an `opening`."""

    @abstractmethod
    async def send(self, clause: Clause, parts: AudioParts) -> None:
        """Send the audio of a clause."""

    async def clause_sent(  # noqa: B027 -- optional
        self, clause: Clause, charge: Charge, task_id: str
    ) -> None:
        """Handle the end of a clause, which is paid for by now."""

    async def flushed(self) -> None:  # noqa: B027 -- optional
        """Handle the end of the audio of everything before a flush."""

    async def clause_failed(self, clause: Clause, error: Exception) -> None:
        """Handle a clause that cannot be spoken. An exception ends the utterance."""
        raise error

    async def completed(self) -> None:  # noqa: B027 -- optional
        """Handle the end of the audio of the whole text."""

    async def add(self, text: str, *, flush: bool = False) -> None:
        """Append text, and pass complete clauses on.

        Args:
            text: The text.
            flush: True if all of the text is to be spoken now.
        """
        if self._closed:
            return
        self.pending += len(text)
        waits = not self.busy and time.monotonic() > self._plays_until - _SPARE
        clauses = self._buffer.add(text, early=waits)
        rest = self._buffer.flush() if flush else ""
        for clause in clauses:
            await self._pass(clause)
        if flush:
            await self._pass(rest, ends=True)

    async def add_in_slices(self, text: str, *, flush: bool = False) -> None:
        """Append a text of any length like `add`.

        The time to find the clauses of a text grows with the square of its length, and the event
        loop waits meanwhile.
        """
        end = max(0, len(text) - _SLICE)
        for start in range(0, end, _SLICE):
            await self.add(text[start : start + _SLICE])
            await checkpoint()
        await self.add(text[-(-end // _SLICE) * _SLICE :], flush=flush)

    async def finish(self) -> None:
        """End the text. The audio ends when all of the text is spoken."""
        if not self._closed:
            await self.add("", flush=True)
            self._closed = True
            self._clauses_in.close()

    async def cancel(self) -> None:
        """End the audio now. `cancelled` is the sum of the clauses that were being sent."""
        self._closed = True
        self._scope.cancel()
        if self._group is not None:
            await self.ended.wait()

    async def run(self) -> None:
        """Speak until the text ends or the utterance is cancelled."""
        try:
            with self._scope:
                async with create_task_group() as self._group:
                    self._group.start_soon(self._submit)
                    await self._deliver()
                    self._group.cancel_scope.cancel()
                await self.completed()
        finally:
            self._closed = True
            self._clauses_in.close()
            with CancelScope(shield=True):
                await self._cancel_started()
            self.ended.set()

    async def _pass(self, text: str, *, ends: bool = False) -> None:
        """Pass a clause on, or with `ends` the end of an utterance."""
        text = self._kept + text
        self._kept = ""
        if not _speakable(text):
            if not ends:
                self._kept = text
                return
            self.offset += len(text)
            self.pending -= len(text)
            text = ""
        clause = Clause(self.index, text, self.offset, self._begins, ends)
        self.offset += len(text)
        self.index += bool(text)
        self._begins = ends
        self.busy += 1
        await self._clauses_in.send(clause)

    async def _submit(self) -> None:
        """Submit a task for each clause."""
        with self._clauses, self._speeches_in:
            async for clause in self._clauses:
                speech = await self._start(clause) if clause.text else None
                await self._speeches_in.send((clause, speech))

    async def _start(self, clause: Clause) -> Speech | Exception:
        """Return the task, or the error, which waits until the clauses before it are sent."""
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                return await self._try_start(clause)
            except RateLimited as error:
                if time.monotonic() + error.retry_after > until:
                    return error
                await sleep(error.retry_after)
            except Exception as error:
                return error

    async def _try_start(self, clause: Clause) -> Speech:
        script.check(clause.text, TEXT_LIMIT)
        order = self._fee.reduce(_placed(await self.order(clause), clause))
        with CancelScope(shield=True):  # a submitted task is known, so that it can be cancelled
            speech = await start_speech(self._state, order, self._is_disconnected)
            self._fee.carry(speech.task.id)
            self._started[speech.task.id] = clause, speech, order
        return speech

    async def _deliver(self) -> None:
        """Send the audio of the clauses one after the other."""
        with self._speeches:
            async for clause, speech in self._speeches:
                if isinstance(speech, Exception):
                    await self.clause_failed(clause, speech)
                elif speech is not None:
                    await self._send(clause, speech)
                self.busy -= 1
                self.pending -= len(clause.text)
                if clause.ends:
                    await self.flushed()
                elif not self.busy and self._group is not None:
                    self._group.start_soon(self._hurry)

    async def _send(self, clause: Clause, speech: Speech) -> None:
        if self._ahead is not None:
            await sleep(max(0.0, self._plays_until - self._ahead - time.monotonic()))
        begun = time.monotonic()
        try:
            await self.send(clause, record_deliveries(self._state, speech.task.id, speech.parts))
        except Exception as error:
            await self._cancel(speech.task.id)
            await self.clause_failed(clause, error)
            return
        _, _, order = self._started.pop(speech.task.id)
        row = await self._state.database.fetch_one_async(tasks.STATE, task=speech.task.id)
        result = TaskResult.from_json(row.result) if row is not None else None
        seconds = result.seconds if result is not None else None
        self._plays_until = max(self._plays_until, begun) + (seconds or 0.0)
        charge = Charge(order.characters, order.cost, seconds)
        await self.clause_sent(clause, charge, speech.task.id)

    async def _hurry(self) -> None:
        """Pass on a clause that ends at a comma, once the listener would otherwise wait."""
        await sleep(max(0.0, self._plays_until - _SPARE - time.monotonic()) + 0.001)
        if not self.busy:
            await self.add("")

    async def _cancel_started(self) -> None:
        """Cancel tasks whose audio is not sent completely. What was delivered is charged."""
        while self._started:
            await self._cancel(next(iter(self._started)))

    async def _cancel(self, task_id: str) -> None:
        with CancelScope(shield=True):
            _, speech, _ = self._started.pop(task_id)
            await speech.parts.aclose()
            task = await cancel_stream(self._state, task_id, speech.task.account_id)
            complete = task.status == TaskStatus.COMPLETED
            charge = Charge(task.characters if complete else task.delivered, task.cost)
            self._fee.drop(task_id, charge)
            self.cancelled = Charge(
                self.cancelled.characters + charge.characters, self.cancelled.cost + charge.cost
            )


def _placed(order: Order, clause: Clause) -> Order:
    """Return the order of a clause that joins the clauses around it."""
    assert isinstance(order.request, SpeechRequest)
    options = replace(
        order.request.options,
        place=0 if clause.begins else max(1, clause.offset),
        goes_on=not clause.ends,
    )
    return replace(order, request=replace(order.request, options=options))


def _speakable(text: str) -> bool:
    """Tell whether a text has something to speak."""
    return any(character.isalnum() for character in text)
