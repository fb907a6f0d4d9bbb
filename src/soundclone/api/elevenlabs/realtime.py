"""WebSockets for speech in ElevenLabs' format: the text arrives while it is spoken."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping

from anyio import create_task_group
from anyio.abc import TaskGroup
from fastapi import APIRouter, WebSocket
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ...core.keys import Caller, Scope
from ...core.requests import AudioFormat
from ...core.tasks import Order
from ...errors import InvalidParameter, RequestError, SoundcloneError
from ..auth import bearer, identify
from ..fronts.front import Channel
from ..fronts.sockets import PIECE, SpeechSocket, without_tag
from ..fronts.speaking import OPENING
from ..fronts.streaming import AudioParts
from ..fronts.utterances import Clause, Utterance
from ..schemas import RequestModel
from ..validation import expectations_of_model, rejection
from .alignment import Alignment
from .errors import status_of, word_of
from .formats import OutputFormat, format_of
from .schemas import (
    ElevenLabsSocketAudio,
    ElevenLabsSocketError,
    TextToSpeechRequest,
    VoiceSettings,
)
from .speech import aligned, speech_order_of
from .voices import find_voice

_FIRST_SECONDS = 10.0  # until the first message of a client without a key in its headers
_IDLE_SECONDS, _LONGEST_IDLE = 20.0, 180.0  # without a message, when nothing is spoken
_WAITING = 16  # messages and clauses that are kept, before the connection is no longer read
_MOST_CONTEXTS = 5
_FORMATS = (AudioFormat.MP3, AudioFormat.OGG, AudioFormat.PCM, AudioFormat.ULAW, AudioFormat.ALAW)

router = APIRouter()


class ElevenLabsInput(RequestModel):
    """Piece of a text, or a request to speak what has arrived or to end."""

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


_MESSAGES: dict[str, type[BaseModel]] = {
    "audio": ElevenLabsSocketAudio,
    "error": ElevenLabsSocketError,
}
_VOICE = {"voice_id": "Id or name of a voice"}
_QUERY = {
    "model_id": "soundclone-v1 or soundclone-v2. Any other name: the version of the voice",
    "output_format": "Encoding, such as mp3_44100_128, pcm_24000 or ulaw_8000; no wav",
    "language_code": "Code or name of the text's language. Default: the language is detected",
    "inactivity_timeout": "Seconds without text after which the server ends the connection",
}
CHANNELS = (
    Channel(
        "elevenLabsInput",
        "/v1/text-to-speech/{voice_id}/stream-input",
        "ElevenLabs: one text",
        {"input": ElevenLabsInput},
        _MESSAGES,
        _VOICE,
        _QUERY,
    ),
    Channel(
        "elevenLabsContexts",
        "/v1/text-to-speech/{voice_id}/multi-stream-input",
        "ElevenLabs: several texts, told apart by their context_id",
        {"input": ElevenLabsInput},
        _MESSAGES,
        _VOICE,
        _QUERY,
    ),
)
"""WebSockets of the front, for the AsyncAPI document."""


class Connection(SpeechSocket):
    """One WebSocket and its utterances."""

    def __init__(self, websocket: WebSocket, voice: str, *, several: bool) -> None:
        super().__init__(websocket)
        self.several = several
        self._voice = voice
        self._utterances: dict[str, Context] = {}

    async def send(self, message: Mapping[str, object]) -> None:
        """Send a message. Raises WebSocketDisconnect."""
        await self.send_text(json.dumps(message))

    async def refuse(self, error: SoundcloneError) -> int:
        """Send an error in ElevenLabs' format."""
        status = status_of(error)
        await self.send({"message": error.safe_message, "error": word_of(error), "code": status})
        return status

    def is_speaking(self) -> bool:
        """Tell whether a context has speech that is not sent."""
        return any(each.busy for each in self._utterances.values())

    async def serve(self) -> None:
        """Answer messages until the text ends and is spoken."""
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
        first: ElevenLabsInput | None = None
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
                group.start_soon(self.watch, group.cancel_scope)
                for utterance in list(self._utterances.values()):
                    await utterance.ended.wait()
                group.cancel_scope.cancel()

    async def _listen(self, group: TaskGroup, message: ElevenLabsInput | None, idle: float) -> None:
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
                await utterance.add_in_slices(message.text or "", flush=bool(message.flush or ends))
                if ends:
                    await utterance.finish()
            if ends and not self.several:
                return
            message = None

    def _open(self, group: TaskGroup, name: str, message: ElevenLabsInput) -> Context:
        self._utterances = {n: u for n, u in self._utterances.items() if not u.ended.is_set()}
        if len(self._utterances) >= _MOST_CONTEXTS:
            raise InvalidParameter(
                f"the connection has {_MOST_CONTEXTS} open contexts, which is the most; close one",
                param="context_id",
            )
        utterance = Context(self, name, message.voice_settings)
        self._utterances[name] = utterance
        group.start_soon(utterance.run)
        return utterance

    async def _receive(self, idle: float) -> ElevenLabsInput:
        """Return the next message, as `SpeechSocket.receive` does."""
        return _parsed(await self.receive(idle, "send a space to keep the connection"))


class Context(Utterance):
    """Text of one context and its audio."""

    def __init__(self, connection: Connection, name: str, settings: VoiceSettings | None) -> None:
        super().__init__(connection.state, connection.is_disconnected, waiting=_WAITING)
        self._connection = connection
        self._name = name
        self._settings = settings
        self._continues = False  # audio of an earlier clause was sent

    async def order(self, clause: Clause) -> Order:
        """Check and price a clause."""
        connection = self._connection
        await connection.state.rate_limit.check(connection.who.key_id)
        body = TextToSpeechRequest(
            text=clause.text,
            model_id=connection.model,
            language_code=connection.language,
            voice_settings=self._settings,
        )
        return await speech_order_of(
            connection.state,
            connection.who,
            connection.voice_id,
            body,
            connection.form,
            opening=OPENING,
            timed=True,
        )

    async def send(self, clause: Clause, parts: AudioParts) -> None:
        """Send the audio of a clause with the times of its characters."""
        connection = self._connection
        begin, first = 0.0, True
        async for audio, alignment in aligned(clause.text, parts):
            lasts = _seconds(audio, connection.form)
            shown = alignment.within(begin, lasts) if alignment else None
            begin += lasts or 0.0
            if alignment and lasts is None:
                begin = alignment.ends[-1]
            if first and self._continues and connection.form.format == AudioFormat.MP3:
                audio = without_tag(audio)
            first = False
            await self._send_audio(audio, shown)
        self._continues = True

    async def completed(self) -> None:
        """Send the end of the context."""
        await self._message({"audio": "", "isFinal": True})

    async def _send_audio(self, audio: bytes, alignment: Alignment | None) -> None:
        for start in range(0, max(len(audio), 1), PIECE):
            times = alignment.milliseconds_view() if alignment and start == 0 else None
            await self._message(
                {
                    "audio": b64encode(audio[start : start + PIECE]).decode(),
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


def _parsed(text: str) -> ElevenLabsInput:
    """Return the message of a client. Raises RequestError."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise RequestError('the message is no JSON object; it must be like {"text": "Hello. "}')
    try:
        # An empty text ends the text, so it is no missing one.
        message = ElevenLabsInput.model_validate(data)
    except ValidationError as error:
        known: SoundcloneError = rejection(error.errors(), expectations_of_model(ElevenLabsInput))
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
