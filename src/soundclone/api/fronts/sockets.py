"""WebSockets of clients that send text and receive speech."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from contextlib import suppress

from anyio import CancelScope, move_on_after, sleep
from fastapi import WebSocket, WebSocketDisconnect

from ...errors import RequestTimeout, SoundcloneError
from ..errors import translate
from ..state import state_of

PIECE = 48_000  # bytes of audio in a message: many clients accept no message above 1 MiB
_TAG_HEAD = 10  # bytes
_CLOSE_CODES = {503: 1013, 429: 1013}
_REASON = 120  # bytes: a close frame has room for 123
_MESSAGES_PER_SECOND = 200.0  # of a client, beyond which the server reads more slowly
_BURST = 400  # messages that a client may send at once


class SpeechSocket(ABC):
    """One connection of a client, from the handshake to the close."""

    def __init__(self, websocket: WebSocket) -> None:
        self.websocket = websocket
        self.state = state_of(websocket)
        self.disconnected = False
        self._active_at = time.monotonic()  # last message of either side
        self._pace = Pace()

    async def run(self) -> None:
        """Serve the client until either side ends the connection."""
        await self.websocket.accept()
        failure: BaseException | None = None
        try:
            await self.serve()
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
            status = await self.refuse(known)
            code = _CLOSE_CODES.get(status, 1011 if status >= 500 else 1008)
            reason = known.safe_message.encode()[:_REASON].decode(errors="ignore")
            await self.websocket.close(code, reason)

    @abstractmethod
    async def serve(self) -> None:
        """Answer messages. Return to close the connection; an exception closes it with an error."""

    @abstractmethod
    async def refuse(self, error: SoundcloneError) -> int:
        """Send an error that ends the connection, and return its HTTP status."""

    @abstractmethod
    def is_speaking(self) -> bool:
        """Tell whether speech is on its way, so that the client need not send anything."""

    async def is_disconnected(self) -> bool:
        """Tell whether the client has closed the connection."""
        return self.disconnected

    async def send_text(self, text: str) -> None:
        """Send a text frame, and wait while the client reads too slowly.

        Raises:
            WebSocketDisconnect: The client is gone.
        """
        await self.websocket.send_text(text)
        self._active_at = time.monotonic()

    async def send_bytes(self, data: bytes) -> None:
        """Send a binary frame like `send_text`."""
        await self.websocket.send_bytes(data)
        self._active_at = time.monotonic()

    async def receive(self, idle: float, remedy: str) -> str:
        """Return the text of the next message, which is empty for a binary frame.

        Args:
            idle: Seconds without a message of either side after which the connection ends.
            remedy: End of the error message, which names a message that keeps the connection.

        Raises:
            RequestTimeout: No message arrives in time.
            WebSocketDisconnect: The client is gone.
        """
        since = time.monotonic()
        while True:
            with move_on_after(max(0.05, max(since, self._active_at) + idle - time.monotonic())):
                received = await self.websocket.receive()
                break
            if self.is_speaking():
                self._active_at = time.monotonic()
            elif time.monotonic() >= max(since, self._active_at) + idle:
                raise RequestTimeout(f"no text has arrived for {idle:g} s; {remedy}")
        await self._pace.keep()
        if received["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(received.get("code", 1006))
        return received.get("text") or ""

    async def watch(self, scope: CancelScope) -> None:
        """Read until the client is gone, and cancel `scope` then."""
        while (await self.websocket.receive())["type"] != "websocket.disconnect":
            await self._pace.keep()
        self.disconnected = True
        scope.cancel()


class Pace:
    """Rate at which the server reads the messages of a client."""

    def __init__(
        self, rate: float = _MESSAGES_PER_SECOND, burst: int = _BURST, *, now: float | None = None
    ) -> None:
        self._interval = 1 / rate
        self._lead = burst / rate  # seconds by which a burst may be early
        self._due = (time.monotonic() if now is None else now) - self._lead

    def delay(self, now: float) -> float:
        """Count a message, and return the seconds to wait before the next one is read."""
        self._due = max(self._due + self._interval, now - self._lead)
        return max(0.0, self._due - now)

    async def keep(self) -> None:
        """Count a message, and wait if there were too many."""
        if (seconds := self.delay(time.monotonic())) > 0:
            await sleep(seconds)


def without_tag(audio: bytes) -> bytes:
    """Return the beginning of an MP3 without its ID3v2 tag, which only a file begins with."""
    if not audio.startswith(b"ID3") or len(audio) < _TAG_HEAD:
        return audio
    size = 0
    for byte in audio[6:_TAG_HEAD]:  # seven bits in each byte
        size = size << 7 | byte & 0x7F
    return audio[_TAG_HEAD + size :]


def _first(group: BaseException) -> BaseException:
    """Return the first exception of nested groups."""
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return group
