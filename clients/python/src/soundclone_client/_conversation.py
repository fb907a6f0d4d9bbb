"""Conversations: speech of a text that arrives in pieces, over a WebSocket."""

from __future__ import annotations

import asyncio
import json
import threading
from base64 import b64decode
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Generator,
    Iterable,
    Iterator,
    Mapping,
)
from contextlib import AsyncExitStack, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from . import _wire
from ._errors import ClientError, Unreachable

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection as AsyncConnection
    from websockets.sync.client import ClientConnection

PATH = "/v1/audio/speech/stream"
_PENDING = 9_000  # characters that are not spoken: the server refuses more than 10,000
_PIECE = 1_000  # characters of one message
_MISSING = "conversations need the package websockets: pip install 'soundclone-client[talk]'"


@dataclass(frozen=True)
class WordTime:
    """Word and the time at which it is heard."""

    text: str
    offset: int  # in all text of the conversation
    start: float  # seconds from the beginning of the clause's audio
    end: float


@dataclass(frozen=True)
class SpeechEvent:
    """Event of a conversation.

    Attributes:
        type: `clause` begins a clause, whose `words` and `audio` follow. `clause_done` has its
            price. `flushed` and `cancelled` answer the client. `error` reports a clause that was
            not spoken, or a refused message.
        clause: Number of the clause.
        text: Text of the clause that begins.
        offset: Position of that text in all text of the conversation.
        audio: Piece of the audio.
        words: Times of words.
        characters: Charged characters of the event's clause or clauses.
        credits: Charged credits of them.
        seconds: Duration of the clause.
        task: Id of the clause's task.
        code: Stable word of the error.
        message: The error for people.
    """

    type: Literal["clause", "words", "audio", "clause_done", "flushed", "cancelled", "error"]
    clause: int | None = None
    text: str = ""
    offset: int = 0
    audio: bytes = b""
    words: tuple[WordTime, ...] = ()
    characters: int = 0
    credits: float = 0.0
    seconds: float | None = None
    task: str | None = None
    code: str = ""
    message: str = ""


_TYPES = ("clause", "words", "audio", "clause_done", "flushed", "cancelled", "error")


class Conversation:
    """Speech of a text that arrives in pieces.

    One thread may send while another one iterates over the events. Leaving the context ends the
    conversation at once, at the price of what was delivered.

    Example:
        with client.converse("Anna") as talk:
            for block in talk.speak(words_of_a_language_model):
                player.write(block)
    """

    def __init__(self, url: str, headers: Mapping[str, str], start: Mapping[str, object]) -> None:
        self._url = url
        self._headers = headers
        self._start = start
        self._socket: ClientConnection | None = None
        self._stack = ExitStack()
        self._flow = _Flow()
        self._moved = threading.Condition()

    def __enter__(self) -> Self:
        """Connect, and wait until the server is ready."""
        try:
            from websockets.sync.client import connect
        except ImportError as error:
            raise ClientError(_MISSING) from error
        with ExitStack() as stack, _reaching(self._url):
            self._socket = stack.enter_context(
                connect(self._url, additional_headers=self._headers, max_size=None)
            )
            self._send(self._start)
            _ready(self._socket.recv())
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self._stack.close()

    def send(self, text: str) -> None:
        """Send a piece of the text, which may end within a word.

        The server refuses text beyond 10,000 characters that wait to be spoken with an `error`.
        """
        self._send({"type": "text", "text": text})
        self._flow.sent += len(text)

    def flush(self) -> None:
        """Have everything spoken that has been sent. The event `flushed` follows the last audio."""
        self._send({"type": "flush"})

    def cancel(self) -> None:
        """End the present speech, and drop the rest of its text. The event `cancelled` follows."""
        self._send({"type": "cancel"})

    def ping(self) -> None:
        """Keep a silent conversation open."""
        self._send({"type": "ping"})

    def __iter__(self) -> Iterator[SpeechEvent]:
        """Yield events until the connection ends.

        Raises:
            ApiError: The server ended the conversation with an error.
            Unreachable: The connection broke.
        """
        assert self._socket is not None
        while True:
            with _reaching(self._url):
                frame = self._socket.recv()
            event = self._flow.event(frame)
            with self._moved:
                self._moved.notify_all()
            if event is not None:
                yield event

    def speak(self, pieces: Iterable[str]) -> Generator[bytes, None, None]:
        """Send pieces of text from another thread, and yield the audio as it arrives.

        The audio ends when all pieces are spoken. Closing the generator cancels the rest.

        Args:
            pieces: The text, such as the words of a language model. Any length.

        Yields:
            Blocks of audio.

        Raises:
            ApiError: A clause could not be spoken.
            Unreachable: The connection broke.
        """
        failures: list[BaseException] = []
        stopped = threading.Event()

        def send() -> None:
            try:
                for piece in _split(pieces):
                    with self._moved:
                        while self._flow.pending > _PENDING and not stopped.is_set():
                            self._moved.wait(1)
                    if stopped.is_set():
                        return
                    self.send(piece)
                self.flush()
            except BaseException as error:
                failures.append(error)
                assert self._socket is not None
                self._socket.close()

        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        complete = False
        try:
            for event in self:
                if event.type == "audio":
                    yield event.audio
                elif event.type == "error":
                    raise _wire.error_of_word(event.code, event.message)
                elif event.type == "flushed":
                    complete = True
                    return
        except Unreachable:
            if failures:
                raise failures[0] from None
            raise
        finally:
            stopped.set()
            if not complete:
                with suppress(ClientError):
                    self.cancel()

    def _send(self, message: Mapping[str, object]) -> None:
        assert self._socket is not None, "use the conversation as a context manager"
        with _reaching(self._url):
            self._socket.send(json.dumps(message))


class AsyncConversation:
    """Speech of a text that arrives in pieces, for asyncio. `Conversation` blocks.

    Example:
        async with client.converse("Anna") as talk:
            async for block in talk.speak(words_of_a_language_model):
                player.write(block)
    """

    def __init__(self, url: str, headers: Mapping[str, str], start: Mapping[str, object]) -> None:
        self._url = url
        self._headers = headers
        self._start = start
        self._socket: AsyncConnection | None = None
        self._stack = AsyncExitStack()
        self._flow = _Flow()
        self._moved = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Connect, and wait until the server is ready."""
        try:
            from websockets.asyncio.client import connect
        except ImportError as error:
            raise ClientError(_MISSING) from error
        async with AsyncExitStack() as stack:
            with _reaching(self._url):
                self._socket = await stack.enter_async_context(
                    connect(self._url, additional_headers=self._headers, max_size=None)
                )
                await self._send(self._start)
                _ready(await self._socket.recv())
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connection."""
        await self._stack.aclose()

    async def send(self, text: str) -> None:
        """Send a piece of the text, which may end within a word."""
        await self._send({"type": "text", "text": text})
        self._flow.sent += len(text)

    async def flush(self) -> None:
        """Have everything spoken that has been sent. The event `flushed` follows the last audio."""
        await self._send({"type": "flush"})

    async def cancel(self) -> None:
        """End the present speech, and drop the rest of its text. The event `cancelled` follows."""
        await self._send({"type": "cancel"})

    async def ping(self) -> None:
        """Keep a silent conversation open."""
        await self._send({"type": "ping"})

    async def __aiter__(self) -> AsyncIterator[SpeechEvent]:
        """Yield events until the connection ends. `Conversation` lists the errors."""
        assert self._socket is not None
        while True:
            with _reaching(self._url):
                frame = await self._socket.recv()
            event = self._flow.event(frame)
            self._moved.set()
            if event is not None:
                yield event

    async def speak(
        self, pieces: AsyncIterable[str] | Iterable[str]
    ) -> AsyncGenerator[bytes, None]:
        """Send pieces of text, and yield the audio as it arrives, as `Conversation.speak` does."""

        async def send() -> None:
            try:
                async for piece in _asynchronous(pieces):
                    for part in _split([piece]):
                        while self._flow.pending > _PENDING:
                            self._moved.clear()
                            await self._moved.wait()
                        await self.send(part)
                await self.flush()
            except Exception:
                assert self._socket is not None
                await self._socket.close()
                raise

        sender = asyncio.create_task(send())
        complete = False
        try:
            async for event in self:
                if event.type == "audio":
                    yield event.audio
                elif event.type == "error":
                    raise _wire.error_of_word(event.code, event.message)
                elif event.type == "flushed":
                    complete = True
                    return
        except Unreachable:
            if sender.done() and (failure := sender.exception()):
                raise failure from None
            raise
        finally:
            sender.cancel()
            if not complete:
                with suppress(ClientError):
                    await self.cancel()

    async def _send(self, message: Mapping[str, object]) -> None:
        assert self._socket is not None, "use the conversation as a context manager"
        with _reaching(self._url):
            await self._socket.send(json.dumps(message))


class _Flow:
    """Events of a connection, and the text that waits to be spoken."""

    def __init__(self) -> None:
        self.sent = 0  # characters
        self._spoken = 0  # characters
        self._clause: int | None = None
        self._end = 0  # of the clause, in characters

    @property
    def pending(self) -> int:
        """Characters that are sent and not spoken."""
        return self.sent - self._spoken

    def event(self, frame: str | bytes) -> SpeechEvent | None:
        """Return the event of a frame, None for messages that are no event.

        Raises:
            ApiError: The server ends the conversation with an error.
        """
        if isinstance(frame, bytes):
            return SpeechEvent("audio", self._clause, audio=frame)
        data: dict[str, Any] = json.loads(frame)
        kind = data.get("type")
        if kind == "error" and data.get("fatal"):
            raise _wire.error_of_word(str(data.get("code")), str(data.get("message")))
        if kind not in _TYPES:
            return None
        if kind == "clause":
            self._clause = data["clause"]
            self._end = data["offset"] + len(data["text"])
        elif kind == "clause_done":
            self._spoken = max(self._spoken, self._end)
        elif kind in ("flushed", "cancelled"):
            self._spoken = self.sent
        known = {name: data[name] for name in SpeechEvent.__dataclass_fields__ if name in data}
        if "audio" in known:
            known["audio"] = b64decode(known["audio"])
        if "words" in known:
            known["words"] = tuple(
                WordTime(each["text"], each["offset"], each["start"], each["end"])
                for each in known["words"]
            )
        return SpeechEvent(**known)


@contextmanager
def _reaching(url: str) -> Iterator[None]:
    """Raise Unreachable instead of the exceptions of the WebSocket library."""
    from websockets.exceptions import WebSocketException

    try:
        yield
    except (OSError, WebSocketException) as error:
        raise _wire.unreachable(url, error) from error


def _ready(frame: str | bytes) -> None:
    """Check the answer to `start`. Raises ApiError."""
    data = json.loads(frame)
    if data.get("type") == "error":
        raise _wire.error_of_word(str(data.get("code")), str(data.get("message")))


def _split(pieces: Iterable[str]) -> Iterator[str]:
    for piece in pieces:
        for start in range(0, len(piece), _PIECE):
            yield piece[start : start + _PIECE]


async def _asynchronous(pieces: AsyncIterable[str] | Iterable[str]) -> AsyncIterator[str]:
    if isinstance(pieces, AsyncIterable):
        async for piece in pieces:
            yield piece
    else:
        for piece in pieces:
            yield piece
