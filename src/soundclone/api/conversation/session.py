"""Session of a client that converses: one connection, its answers and their audio."""

from __future__ import annotations

import json
from base64 import b64encode
from uuid import uuid4

from anyio import create_task_group
from anyio.abc import TaskGroup
from fastapi import APIRouter, WebSocket
from fastapi.concurrency import run_in_threadpool
from pydantic import ValidationError

from ...core import voices
from ...core.keys import Caller, Scope
from ...core.pricing import to_credits
from ...core.requests import AudioFormat, SoundVersion, SpeechOptions, SubtitleUnit
from ...core.tasks import Order
from ...engines.emotion import Emotion
from ...errors import (
    AuthenticationError,
    InvalidParameter,
    RequestError,
    SoundcloneError,
    TaskError,
    TooLarge,
)
from ...text import languages
from ...text.clauses import weight
from ..auth import bearer, identify
from ..errors import translate
from ..fronts.sockets import PIECE, SpeechSocket, without_tag
from ..fronts.speaking import OPENING
from ..fronts.streaming import AudioParts, TimedWord
from ..fronts.tasks import TaskFailed
from ..fronts.utterances import Charge, Clause, Fee, Utterance
from ..openai.models import version_of
from ..openai.speech import find_voice
from ..orders import digest, language_of, speech_order
from ..validation import expectations_of_model, rejection
from .messages import (
    CLIENT_MESSAGES,
    FORMATS,
    LONGEST_PENDING,
    Audio,
    Cancel,
    Cancelled,
    ClauseBegins,
    ClauseDone,
    ClientMessage,
    Close,
    Ended,
    Failed,
    Flush,
    Flushed,
    Ping,
    Pong,
    Ready,
    ServerMessage,
    Start,
    Text,
    Word,
    Words,
    type_of,
)

PATH = "/v1/audio/speech/stream"
_FIRST_SECONDS = 10.0  # until `start`
_REMEDY = 'send {"type": "ping"} to keep the session'
_CONTEXT = 300  # characters of earlier text that show the language of a short clause
_CLEAR = 60  # weight of a text that shows its language by itself
_RATES = {AudioFormat.PCM: 24_000, AudioFormat.ULAW: 8000, AudioFormat.ALAW: 8000}
_MODELS = {type_of(model): model for model in CLIENT_MESSAGES}

router = APIRouter()


@router.websocket(PATH)
async def converse(websocket: WebSocket) -> None:
    """Speak text that arrives in pieces, clause by clause."""
    await Session(websocket).run()


class Session(SpeechSocket):
    """One connection. Its answers follow each other."""

    start: Start
    who: Caller
    voice_id: str
    version: SoundVersion
    """Version of the voice, unless the client has chosen a model."""

    def __init__(self, websocket: WebSocket) -> None:
        super().__init__(websocket)
        self.id = uuid4().hex
        self.fee = Fee()
        self.clauses = 0  # spoken to their end
        self.next_clause = 0
        self.characters = 0
        self.cost = 0  # micro-credits
        self._arrived = 0  # characters
        self._answer: Answer | None = None

    async def send(self, message: ServerMessage) -> None:
        """Send a message. Raises WebSocketDisconnect."""
        await self.send_text(message.model_dump_json())

    async def refuse(self, error: SoundcloneError) -> int:
        """Send an error that ends the session."""
        await self.send(failure(error, fatal=True))
        return error.status

    def is_speaking(self) -> bool:
        """Tell whether speech is on its way."""
        return self._answer is not None and self._answer.busy > 0

    async def serve(self) -> None:
        """Answer messages until the client closes the session."""
        start = _parsed(await self.receive(_FIRST_SECONDS, "send a message `start`"))
        if not isinstance(start, Start):
            raise RequestError("the first message must have the type start", param="type")
        self.start = start
        header = self.websocket.headers.get("Authorization")
        if header is None:
            if start.api_key is None:
                raise AuthenticationError(
                    "there is no API key; send the header Authorization: Bearer sk_…, or api_key "
                    "in the message start"
                )
            header = f"Bearer {start.api_key}"
        self._key = bearer(header)
        await self.identify()
        most = self.state.settings.sockets_per_account
        with self.state.open_sockets.hold(self.who.account_id, most):
            await self._choose_voice()
            self.options = _options_of(start)
            await self.send(
                Ready(
                    session=self.id,
                    voice=self.voice_id,
                    format=start.format,
                    sample_rate=self.options.sample_rate,
                )
            )
            async with create_task_group() as group:
                await self._listen(group)
                if self._answer is not None:
                    await self._answer.finish()
                    group.start_soon(self.watch, group.cancel_scope)
                    await self._answer.ended.wait()
                group.cancel_scope.cancel()
            if self.disconnected:
                return
            await self.send(
                Ended(
                    clauses=self.clauses,
                    characters=self.characters,
                    credits=to_credits(self.cost),
                )
            )

    async def identify(self) -> None:
        """Check the key, which may have been revoked since the last clause."""
        self.who = await identify(self.state, self._key)
        self.who.require(Scope.SPEAK)

    async def _choose_voice(self) -> None:
        model = version_of(self.start.model) if self.start.model else None
        self.voice_id = await find_voice(self.state, self.start.voice, self.who)
        voice = await self.state.database.read_async(
            voices.get, self.voice_id, self.who.account_id, param="voice"
        )
        self.version = SoundVersion(model or voice.version)
        language_of(self.start.language or "auto", self.version)

    async def _listen(self, group: TaskGroup) -> None:
        """Answer messages until `close`."""
        while True:
            raw = await self.receive(self.start.idle, _REMEDY)
            try:
                message = _parsed(raw)
                if isinstance(message, Start):
                    raise RequestError("the session has started; open another one", param="type")
                if isinstance(message, Text):
                    await self._add(group, message.text)
            except RequestError as error:
                await self.send(failure(error))
                continue
            if isinstance(message, Flush):
                if self._answer is None:
                    await self.send(Flushed())
                else:
                    await self._answer.add("", flush=True)
            elif isinstance(message, Cancel):
                await self._cancel()
            elif isinstance(message, Ping):
                await self.send(Pong())
            elif isinstance(message, Close):
                return

    async def _add(self, group: TaskGroup, text: str) -> None:
        answer = self._answer
        pending = answer.pending if answer is not None else 0
        if pending + len(text) > LONGEST_PENDING:
            raise TooLarge(
                f"{pending:,} characters wait to be spoken, and {len(text):,} more make more than "
                f"{LONGEST_PENDING:,}; send the text again after the next clause_done",
                param="text",
            )
        if answer is None:
            self._answer = answer = Answer(self, self._arrived)
            group.start_soon(answer.run)
        self._arrived += len(text)
        await answer.add(text)

    async def _cancel(self) -> None:
        charge = Charge(0, 0)
        if self._answer is not None:
            await self._answer.cancel()
            self.next_clause, charge = self._answer.index, self._answer.cancelled
            self._answer = None
        self.characters += charge.characters
        self.cost += charge.cost
        await self.send(Cancelled(characters=charge.characters, credits=to_credits(charge.cost)))


class Answer(Utterance):
    """Text until the client cancels, and its audio."""

    def __init__(self, session: Session, offset: int) -> None:
        super().__init__(
            session.state,
            session.is_disconnected,
            fee=session.fee,
            offset=offset,
            index=session.next_clause,
            ahead=session.start.ahead,
        )
        self._session = session
        self._said = ""  # end of the text so far, for the detection of the language
        self._sent = False  # audio of an earlier clause

    async def order(self, clause: Clause) -> Order:
        """Check and price a clause."""
        session = self._session
        await session.state.rate_limit.check(session.who.key_id)
        await session.identify()
        language = session.start.language
        if language is None:
            language = await run_in_threadpool(self._language, clause.text)
        self._said = (self._said + clause.text)[-_CONTEXT:]
        return await speech_order(
            session.state,
            session.who,
            session.voice_id,
            clause.text,
            version=session.version,
            language=language,
            options=session.options,
            request_hash=digest("conversation", {"session": session.id, "clause": clause.index}),
            idempotency_key=None,
        )

    async def send(self, clause: Clause, parts: AudioParts) -> None:
        """Send the audio of a clause, with the times of its words if the client wants them."""
        session = self._session
        begins = ClauseBegins(clause=clause.index, text=clause.text, offset=clause.offset)
        first = True
        async for part in parts:
            audio = part.audio
            if first:
                await session.send(begins)
                if self._sent and session.options.format == AudioFormat.MP3:
                    audio = without_tag(audio)
            first, self._sent = False, True
            if session.start.words and part.words:
                words = [_word(each, clause) for each in part.words]
                await session.send(Words(clause=clause.index, words=words))
            for start in range(0, len(audio), PIECE):
                piece = audio[start : start + PIECE]
                if session.start.audio == "binary":
                    await session.send_bytes(piece)
                else:
                    text = b64encode(piece).decode()
                    await session.send(Audio(clause=clause.index, audio=text))

    async def clause_sent(self, clause: Clause, charge: Charge, task_id: str) -> None:
        """Send the price of a clause."""
        session = self._session
        session.clauses += 1
        session.characters += charge.characters
        session.cost += charge.cost
        await session.send(
            ClauseDone(
                clause=clause.index,
                characters=charge.characters,
                credits=to_credits(charge.cost),
                seconds=charge.seconds,
                task=task_id,
            )
        )

    async def clause_failed(self, clause: Clause, error: Exception) -> None:
        """Report a clause that cannot be spoken. Errors of the account end the session."""
        if not isinstance(error, InvalidParameter | TaskError):
            raise error
        known = translate(self._session.websocket, error)
        await self._session.send(failure(known, clause=clause.index))

    async def flushed(self) -> None:
        """Report that everything before a flush is sent."""
        await self._session.send(Flushed())

    def _language(self, text: str) -> str:
        """Return the language of a short clause: that of the text before it, if it can be."""
        if weight(text) < _CLEAR <= weight(self._said):
            version = self._session.version
            before = languages.detect(self._said, version)
            if before in languages.candidates(text, version):
                return before.name
        return "auto"


def failure(error: SoundcloneError, *, clause: int | None = None, fatal: bool = False) -> Failed:
    """Return the message about an error."""
    return Failed(
        code=error.reason if isinstance(error, TaskFailed) else error.word,
        message=error.safe_message,
        param=error.param,
        clause=clause,
        fatal=fatal,
    )


def _options_of(start: Start) -> SpeechOptions:
    form = FORMATS[start.format]
    return SpeechOptions(
        emotion=start.emotion or Emotion.NEUTRAL,
        speed=start.speed or SpeechOptions.speed,
        pitch=start.pitch or SpeechOptions.pitch,
        volume=start.volume or SpeechOptions.volume,
        format=form,
        sample_rate=start.sample_rate or _RATES.get(form),
        subtitles=SubtitleUnit.WORD if start.words else None,
        opening=OPENING,
    )


def _word(word: TimedWord, clause: Clause) -> Word:
    return Word(
        text=clause.text[word.offset : word.offset + word.length],
        offset=clause.offset + word.offset,
        start=word.start,
        end=word.end,
    )


def _parsed(text: str) -> ClientMessage:
    """Return the message of a client. Raises RequestError."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise RequestError('the message is no JSON object; it must be like {"type": "flush"}')
    model = _MODELS.get(str(data.get("type")))
    if model is None:
        raise RequestError(
            f"type is {str(data.get('type'))[:40]!r}; it must be one of {', '.join(_MODELS)}",
            param="type",
        )
    try:
        return model.model_validate(data)
    except ValidationError as error:
        known: SoundcloneError = rejection(error.errors(), expectations_of_model(model))
        raise known from error
