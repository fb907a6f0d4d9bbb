"""WebSockets for speech in ElevenLabs' format: the text arrives while it is spoken.

Each clause is a task, submitted as soon as the clause is complete. A few tasks run ahead of the
audio that is sent. All clauses of an utterance cost the fee for the voice once. A client that
disconnects pays for what was delivered.
"""

from __future__ import annotations

import json
import re
import time
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from anyio import (
    CancelScope,
    Event,
    create_memory_object_stream,
    create_task_group,
    move_on_after,
)
from anyio.abc import TaskGroup
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import ConfigDict, Field, ValidationError

from ...core.keys import Caller, Scope
from ...core.requests import AudioFormat
from ...errors import InvalidParameter, RequestError, RequestTimeout, SoundcloneError
from ...text import script
from ...text.clauses import ClauseBuffer
from ..auth import bearer, identify
from ..errors import translate
from ..fronts.speaking import OPENING, Speech, start_speech
from ..fronts.streaming import record_deliveries
from ..orders import TEXT_LIMIT
from ..schemas import RequestModel
from ..state import state_of
from ..validation import expectations_of_model, rejection
from .alignment import Alignment
from .errors import status_of, word_of
from .formats import OutputFormat, format_of
from .schemas import TextToSpeechRequest, VoiceSettings
from .speech import aligned, speech_order_of
from .voices import find_voice

_FIRST_SECONDS = 10.0  # until the first message of a client without a key in its headers
_IDLE_SECONDS, _LONGEST_IDLE = 20.0, 180.0  # without a message, when nothing is spoken
_AHEAD = 1  # tasks that run ahead of the one that is sent and the one that is submitted
_WAITING = 16  # messages and clauses that are kept, before the connection is no longer read
_MOST_CONTEXTS = 5
_PIECE = 48_000  # bytes of audio in a message: many clients accept no message above 1 MiB
_TAG_HEAD = 10  # bytes
_FORMATS = (AudioFormat.MP3, AudioFormat.OGG, AudioFormat.PCM, AudioFormat.ULAW, AudioFormat.ALAW)
_CLOSE_CODES = {503: 1013, 429: 1013}

router = APIRouter()


class Message(RequestModel):
    """Message of a client."""

    model_config = ConfigDict(extra="ignore")

    text: str | None = Field(default=None, description="A piece of the text")
    voice_settings: VoiceSettings | None = Field(default=None, description="A JSON object")
    flush: bool | None = Field(default=None, description="true: speak what has arrived")
    context_id: str | None = Field(
        default=None, max_length=200, description="An id of at most 200 characters"
    )
    close_context: bool | None = Field(default=None, description="true: end the context")
    close_socket: bool | None = Field(default=None, description="true: end the connection")
    xi_api_key: str | None = Field(default=None, description="An API key: sk_…")


@router.websocket("/v1/text-to-speech/{voice_id}/stream-input")
async def stream_input(websocket: WebSocket, voice_id: str) -> None:
    """Speak one text that arrives in pieces."""
    await Connection(websocket, voice_id, several=False).run()


@router.websocket("/v1/text-to-speech/{voice_id}/multi-stream-input")
async def multi_stream_input(websocket: WebSocket, voice_id: str) -> None:
    """Speak several texts, told apart by their context_id, that arrive in pieces."""
    await Connection(websocket, voice_id, several=True).run()


class Connection:
    """One WebSocket and its utterances."""

    def __init__(self, websocket: WebSocket, voice: str, *, several: bool) -> None:
        self.websocket = websocket
        self.state = state_of(websocket)
        self.several = several
        self.disconnected = False
        self.spoken_at = time.monotonic()
        self._voice = voice
        self._utterances: dict[str, Utterance] = {}

    async def run(self) -> None:
        """Serve the client until either side ends the connection."""
        await self.websocket.accept()
        failure: BaseException | None = None
        try:
            await self._serve()
        except* WebSocketDisconnect:
            self.disconnected = True
        except* Exception as group:
            failure = _first(group)
        if self.disconnected:
            return
        with suppress(WebSocketDisconnect, RuntimeError):  # the client was faster
            if failure is None:
                await self.websocket.close(1000)
                return
            known = translate(self.websocket, failure)  # type: ignore[arg-type]
            status = status_of(known)
            await self.send(
                {"message": known.safe_message, "error": word_of(known), "code": status}
            )
            code = _CLOSE_CODES.get(status, 1011 if status >= 500 else 1008)
            reason = known.safe_message.encode()[:120].decode(errors="ignore")
            await self.websocket.close(code, reason)

    async def send(self, message: Mapping[str, object]) -> None:
        """Send a message. Raises WebSocketDisconnect."""
        await self.websocket.send_text(json.dumps(message))
        self.spoken_at = time.monotonic()

    async def is_disconnected(self) -> bool:
        """Tell whether the client has closed the connection."""
        return self.disconnected

    async def _serve(self) -> None:
        query = self.websocket.query_params
        self.form = format_of(query.get("output_format"))
        if self.form.format not in _FORMATS:
            raise InvalidParameter(
                f"output_format is {query.get('output_format')!r}; a WebSocket has no WAV, whose "
                "header states a length: request pcm at the same rate",
                param="output_format",
            )
        idle = _number(query.get("inactivity_timeout"), _IDLE_SECONDS)
        self.model = query.get("model_id")
        self.language = query.get("language_code")
        first: Message | None = None
        header = self.websocket.headers.get("Authorization")
        if header is None:
            first = await self._receive(_FIRST_SECONDS)
            header = f"Bearer {first.xi_api_key}" if first and first.xi_api_key else None
        self.who: Caller = await identify(self.state, bearer(header))
        self.who.require(Scope.SPEAK)
        most = self.state.settings.sockets_per_account
        with self.state.open_sockets.hold(self.who.account_id, most):
            self.voice_id = await find_voice(self.state, self._voice, self.who)
            async with create_task_group() as group:
                await self._listen(group, first, idle)
                for utterance in self._utterances.values():
                    await utterance.finish()
                # Utterances end by themselves, unless the client is gone.
                group.start_soon(self._watch, group.cancel_scope)
                for utterance in list(self._utterances.values()):
                    await utterance.ended.wait()
                group.cancel_scope.cancel()

    async def _watch(self, scope: CancelScope) -> None:
        """Read until the client is gone, while the rest is spoken."""
        while (await self.websocket.receive())["type"] != "websocket.disconnect":
            pass
        self.disconnected = True
        scope.cancel()

    async def _listen(self, group: TaskGroup, message: Message | None, idle: float) -> None:
        """Pass messages to their utterances until the client ends its text."""
        while True:
            if message is None:
                message = await self._receive(idle)
            if message.close_socket:
                return
            name = message.context_id or "" if self.several else ""
            utterance = self._utterances.get(name)
            if utterance is not None and utterance.ended.is_set():
                del self._utterances[name]
                utterance = None
            ends = message.close_context if self.several else message.text == ""
            if utterance is None and message.text and not ends:  # an empty text keeps alive
                utterance = self._open(group, name, message)
            if utterance is not None:
                await utterance.add(message.text or "", flush=bool(message.flush or ends))
                if ends:
                    await utterance.finish()
            if ends and not self.several:
                return
            message = None

    def _open(self, group: TaskGroup, name: str, message: Message) -> Utterance:
        self._utterances = {n: u for n, u in self._utterances.items() if not u.ended.is_set()}
        if len(self._utterances) >= _MOST_CONTEXTS:
            raise InvalidParameter(
                f"the connection has {_MOST_CONTEXTS} open contexts, which is the most; close one",
                param="context_id",
            )
        settings = message.voice_settings
        utterance = Utterance(self, name, settings, group)
        self._utterances[name] = utterance
        group.start_soon(utterance.submit)
        group.start_soon(utterance.deliver)
        return utterance

    async def _receive(self, idle: float) -> Message:
        """Return the next message.

        Raises:
            RequestError: The message is wrong.
            RequestTimeout: None arrives in time.
            WebSocketDisconnect: The client is gone.
        """
        since = time.monotonic()
        while True:
            with move_on_after(max(0.05, max(since, self.spoken_at) + idle - time.monotonic())):
                received = await self.websocket.receive()
                if received["type"] == "websocket.disconnect":
                    raise WebSocketDisconnect(received.get("code", 1006))
                return _parsed(received.get("text") or "")
            speaking = any(each.busy for each in self._utterances.values())
            if not speaking and time.monotonic() >= max(since, self.spoken_at) + idle:
                raise RequestTimeout(
                    f"no text has arrived for {idle:g} s; send a space to keep the connection"
                )
            if speaking:
                self.spoken_at = time.monotonic()


class Utterance:
    """Text of one context and its audio."""

    def __init__(
        self,
        connection: Connection,
        name: str,
        settings: VoiceSettings | None,
        group: TaskGroup,
    ) -> None:
        self.ended = Event()
        self.busy = 0  # clauses that are not sent completely
        self._connection = connection
        self._name = name
        self._settings = settings
        self._buffer = ClauseBuffer()
        self._closed = False
        self._clauses_in, self._clauses = create_memory_object_stream[str](_WAITING)
        self._speeches_in, self._speeches = create_memory_object_stream[tuple[str, Speech]](_AHEAD)
        self._paid = False  # the fee for the voice
        self._continues = False  # audio of an earlier clause was sent
        self._started: dict[str, Speech] = {}  # tasks that are not completely delivered

    async def add(self, text: str, *, flush: bool) -> None:
        """Append text, and pass complete clauses on. Waits while the worker is behind."""
        if self._closed:
            return
        clauses = self._buffer.add(text)
        if flush:
            clauses += self._buffer.flush()
        for clause in clauses:
            self.busy += 1
            await self._clauses_in.send(clause)

    async def finish(self) -> None:
        """End the text. The audio ends when all of the text is spoken."""
        if not self._closed:
            await self.add("", flush=True)
            self._closed = True
            self._clauses_in.close()

    async def submit(self) -> None:
        """Submit a task for each clause."""
        complete = False
        try:
            with self._clauses, self._speeches_in:
                waiting = ""
                async for clause in self._clauses:
                    waiting += clause
                    if not _speakable(waiting):  # signs alone belong to the next clause
                        self.busy -= 1
                        continue
                    await self._speeches_in.send((waiting, await self._start(waiting)))
                    waiting = ""
            complete = True
        finally:
            if not complete:
                await self._cancel_started()

    async def deliver(self) -> None:
        """Send the audio of the clauses one after the other."""
        try:
            with self._speeches:
                async for text, speech in self._speeches:
                    await self._send(text, speech)
                    self._started.pop(speech.task.id, None)
                    self.busy -= 1
            await self._message({"audio": "", "isFinal": True})
        finally:
            self._closed = True
            self._clauses_in.close()
            self.ended.set()
            await self._cancel_started()

    async def _cancel_started(self) -> None:
        """Cancel tasks whose audio is not sent completely. What was delivered is charged."""
        with CancelScope(shield=True):
            while self._started:
                _, speech = self._started.popitem()
                await speech.parts.aclose()
                await speech.cancel(True)

    async def _start(self, text: str) -> Speech:
        connection = self._connection
        connection.state.rate_limit.check(connection.who.key_id)
        body = TextToSpeechRequest(
            text=text,
            model_id=connection.model,
            language_code=connection.language,
            voice_settings=self._settings,
        )
        order = await speech_order_of(
            connection.state,
            connection.who,
            connection.voice_id,
            body,
            connection.form,
            opening=OPENING,
            timed=True,
        )
        if self._paid:
            order = replace(order, cost=order.cost - order.fee, fee=0)
        self._paid = True
        with CancelScope(shield=True):  # a submitted task is known, so that it can be cancelled
            speech = await start_speech(connection.state, order, connection.is_disconnected)
            self._started[speech.task.id] = speech
        return speech

    async def _send(self, text: str, speech: Speech) -> None:
        connection = self._connection
        parts = record_deliveries(connection.state, speech.task.id, speech.parts)
        begin, first = 0.0, True
        async for audio, alignment in aligned(text, parts):
            lasts = _seconds(audio, connection.form)
            shown = alignment.within(begin, lasts) if alignment else None
            begin += lasts or 0.0
            if alignment and lasts is None:
                begin = alignment.ends[-1]
            if first and self._continues and connection.form.format == AudioFormat.MP3:
                audio = _without_tag(audio)
            first = False
            await self._send_audio(audio, shown)
        self._continues = True

    async def _send_audio(self, audio: bytes, alignment: Alignment | None) -> None:
        for start in range(0, max(len(audio), 1), _PIECE):
            times = alignment.milliseconds_view() if alignment and start == 0 else None
            await self._message(
                {
                    "audio": b64encode(audio[start : start + _PIECE]).decode(),
                    "isFinal": None,
                    "alignment": times,
                    "normalizedAlignment": times,
                }
            )

    async def _message(self, message: dict[str, object]) -> None:
        if self._connection.several:
            message["contextId"] = self._name or None
        await self._connection.send(message)


def _seconds(audio: bytes, form: OutputFormat) -> float | None:
    """Return the duration of audio, None where the bytes do not state it."""
    if form.format == AudioFormat.PCM:
        return len(audio) / 2 / form.sample_rate
    if form.format in (AudioFormat.ULAW, AudioFormat.ALAW):
        return len(audio) / form.sample_rate
    return None


def _without_tag(audio: bytes) -> bytes:
    """Return the beginning of an MP3 without its ID3v2 tag, which only a file begins with."""
    if not audio.startswith(b"ID3") or len(audio) < _TAG_HEAD:
        return audio
    size = 0
    for byte in audio[6:_TAG_HEAD]:  # seven bits in each byte
        size = size << 7 | byte & 0x7F
    return audio[_TAG_HEAD + size :]


def _speakable(text: str) -> bool:
    """Tell whether a text has something to speak. Raises InvalidParameter for other faults."""
    if not any(character.isalnum() for character in text):
        return False
    script.check(text, TEXT_LIMIT)
    return True


def _parsed(text: str) -> Message:
    """Return the message of a client. Raises RequestError."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise RequestError('the message is no JSON object; it must be like {"text": "Hello. "}')
    try:
        # An empty text ends the text, so it is no missing one.
        message = Message.model_validate(data)
    except ValidationError as error:
        known: SoundcloneError = rejection(error.errors(), expectations_of_model(Message))
        raise known from error
    return message.model_copy(update={"text": ""}) if data.get("text") == "" else message


def _number(text: str | None, default: float) -> float:
    """Return the seconds of inactivity that a client asks for, within the limits."""
    if not text:
        return default
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", text):
        raise InvalidParameter(
            f"inactivity_timeout is {text!r:.40}; it must be a number from 1 to 180",
            param="inactivity_timeout",
        )
    return min(max(float(text), 1.0), _LONGEST_IDLE)


def _first(group: BaseException) -> BaseException:
    """Return the first exception of nested groups."""
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return group
