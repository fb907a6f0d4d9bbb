"""WebSocket for speech in MiniMax's format: texts arrive one after the other."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Literal, TypeVar
from uuid import uuid4

from anyio import CancelScope, create_memory_object_stream, create_task_group, move_on_after
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import Field, ValidationError

from ...core.keys import Caller, Scope
from ...errors import RequestError, SoundcloneError
from ..auth import bearer, identify
from ..errors import translate
from ..fronts.front import Channel
from ..fronts.speaking import OPENING, begin_speech
from ..fronts.streaming import ClientDisconnected
from ..schemas import RequestModel
from ..state import state_of
from ..validation import expectations_of_model, rejection
from .errors import SUCCESS, result_of
from .schemas import (
    ConnectedEvent,
    ContinuedEvent,
    FailedEvent,
    FinishedEvent,
    SpeechSettings,
    StartedEvent,
)
from .speech import check_voice, pieces, seconds_of, speech_job

_WAITING = 16  # messages that are kept while the worker speaks
_IDLE_SECONDS = 120.0  # without a message, after which the connection is closed
_LONGEST = 300_000  # characters of a message

router = APIRouter()

Model = TypeVar("Model", bound=RequestModel)


class TaskStart(SpeechSettings):
    """First message of a client: the settings of all texts."""

    event: Literal["task_start"] = Field(description="task_start")


class TaskContinue(RequestModel):
    """Message with a text."""

    event: Literal["task_continue"] = Field(description="task_continue")
    text: str = Field(description="The text to speak: at most 10,000 characters")


class TaskFinish(RequestModel):
    """Last message of a client. The server speaks all texts before it closes the connection."""

    event: Literal["task_finish"] = Field(description="task_finish")


CHANNEL = Channel(
    "minimaxSpeech",
    "/ws/v1/t2a_v2",
    "MiniMax: texts one after the other",
    {"task_start": TaskStart, "task_continue": TaskContinue, "task_finish": TaskFinish},
    {
        "connected_success": ConnectedEvent,
        "task_started": StartedEvent,
        "task_continued": ContinuedEvent,
        "task_finished": FinishedEvent,
        "task_failed": FailedEvent,
    },
)
"""WebSocket of the front, for the AsyncAPI document."""


@router.websocket("/ws/v1/t2a_v2")
async def converse(websocket: WebSocket) -> None:
    """Speak texts as they arrive. Each text is a task, with its own price.

    A client that disconnects cancels the task that runs, and pays for what was sent.
    """
    await websocket.accept()
    await Conversation(websocket).run()


class Conversation:
    """One connection: a task starts, texts follow, and the task finishes."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._state = state_of(websocket)
        self._session_id = uuid4().hex
        self._disconnected = False
        self._settings: TaskStart | None = None

    async def run(self) -> None:
        """Answer the client until the task finishes or fails, and close the connection."""
        failure: Exception | None = None
        try:
            who = await self._authenticate()
            most = self._state.settings.sockets_per_account
            with self._state.open_sockets.hold(who.account_id, most):
                await self._send("connected_success")
                failure = await self._serve(who)
        except Exception as error:
            failure = error
        if self._disconnected or isinstance(failure, WebSocketDisconnect | ClientDisconnected):
            return
        with suppress(WebSocketDisconnect, RuntimeError):  # the client was faster
            if failure is not None:
                known = translate(self._websocket, failure)
                await self._send("task_failed", base_resp=result_of(known))
            await self._websocket.close()

    async def _serve(self, who: Caller) -> Exception | None:
        """Answer messages while a second task reads them, and return the error that ended it."""
        failure: Exception | None = None
        send, receive = create_memory_object_stream[str](_WAITING)
        with send, receive:
            async with create_task_group() as group:
                group.start_soon(self._read, send, group.cancel_scope)
                try:
                    await self._answer(who, receive)
                except Exception as error:
                    failure = error
                group.cancel_scope.cancel()
        return failure

    async def _authenticate(self) -> Caller:
        """Return the caller. Raises AuthenticationError and Forbidden."""
        who = await identify(self._state, bearer(self._websocket.headers.get("Authorization")))
        who.require(Scope.SPEAK)
        return who

    async def _read(self, messages: MemoryObjectSendStream[str], scope: CancelScope) -> None:
        """Read messages while a text is spoken, so that a closed connection ends the speech."""
        while True:
            received = await self._websocket.receive()
            if received["type"] == "websocket.disconnect":
                self._disconnected = True
                scope.cancel()
                return
            text = received.get("text")
            await messages.send("" if text is None else text)

    async def _answer(self, who: Caller, messages: MemoryObjectReceiveStream[str]) -> None:
        """Answer messages until the task finishes.

        Raises:
            RequestError: A message is wrong, or none arrives in time.

        `speech_job` and `begin_speech` list the other errors.
        """
        while True:
            with move_on_after(_IDLE_SECONDS) as waiting:
                message = _parsed(await messages.receive())
            if waiting.cancelled_caught:
                raise RequestError(f"no message has arrived for {_IDLE_SECONDS:.0f} s")
            event = message.get("event")
            if event == "task_start" and self._settings is None:
                settings = _validated(TaskStart, message)
                await check_voice(self._state, who, settings)
                self._settings = settings
                await self._send("task_started")
            elif event == "task_continue" and self._settings is not None:
                text = _validated(TaskContinue, message).text
                await self._speak(who, self._settings, text)
            elif event == "task_finish":
                await self._send("task_finished")
                return
            else:
                wanted = "task_start" if self._settings is None else "task_continue"
                raise RequestError(
                    f"event is {str(event)[:40]!r}; it must be {wanted} or task_finish here",
                    param="event",
                )

    async def _speak(self, who: Caller, settings: TaskStart, text: str) -> None:
        """Speak a text, and send its audio in pieces."""
        await self._state.rate_limit.check(who.key_id)
        job = await speech_job(
            self._state, who, settings, text, subtitles=None, opening=OPENING, channels=1
        )
        speech = await begin_speech(self._state, job.order, self._is_disconnected)
        complete, size = False, 0
        try:
            async for chunk in speech.chunks:
                size += len(chunk)
                for piece in pieces(chunk):
                    audio = {"audio": piece.hex(), "status": 1}
                    await self._send("task_continued", data=audio, is_final=False)
            info = job.extra_info(await seconds_of(self._state, speech.task), size)
            await self._send(
                "task_continued",
                data={"audio": "", "status": 2},
                is_final=True,
                extra_info=info,
            )
            complete = True
        except WebSocketDisconnect:
            self._disconnected = True
            raise
        finally:
            with CancelScope(shield=True):
                await speech.chunks.aclose()
                if not complete:
                    await speech.cancel(self._disconnected)

    async def _is_disconnected(self) -> bool:
        return self._disconnected

    async def _send(self, event: str, **fields: object) -> None:
        body = {
            "event": event,
            "session_id": self._session_id,
            "trace_id": self._session_id,
            "base_resp": SUCCESS,
            **fields,
        }
        await self._websocket.send_text(json.dumps(body))


def _parsed(text: str) -> dict[str, object]:
    """Return the JSON object of a message. Raises RequestError."""
    if len(text) > _LONGEST:
        raise RequestError(
            f"the message has {len(text):,} characters; at most {_LONGEST:,} are taken"
        )
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise RequestError('the message is no JSON object; it must be like {"event": "task_start"}')
    return message


def _validated(model: type[Model], message: dict[str, object]) -> Model:
    """Return a message as its model. Raises InvalidParameter."""
    try:
        return model.model_validate(message)
    except ValidationError as error:
        known: SoundcloneError = rejection(error.errors(), expectations_of_model(model))
        raise known from error
