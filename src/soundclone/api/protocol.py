"""HTTP/1.1 protocol of uvicorn with limits on every client.

uvicorn's fast parser accepts a head of any length and waits for clients without a time limit. This
subclass counts the bytes that it feeds to the parser, and gives every wait a deadline.
"""

from __future__ import annotations

import asyncio
import json
import math
import time
import uuid
from contextlib import suppress
from enum import Enum
from typing import Any

import httptools
from starlette.types import Message, Receive, Scope, Send
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.server import ServerState

from ..errors import RequestError, RequestTimeout, TooLarge
from ..telemetry import CLOSED
from .connections import Guard

_PIECE = 16 * 1024  # bytes of a head to parse before its length is checked
_BLOCK = 64 * 1024  # bytes of a body to parse before its framing is checked
_CHUNK = 9  # bytes of framing of a chunk that has one byte
_LINGER_SECONDS = 2.0  # for bytes that still arrive after a request was rejected
_LINGER_BYTES = 1024 * 1024
_CONNECT = b"CONNECT"
_UPGRADE = frozenset({b"upgrade", b"http2-settings"})  # headers of an upgrade


class Phase(Enum):
    """Part of a request that the server waits for."""

    IDLE = 0  # another request can follow
    HEAD = 1
    BODY = 2
    NOTHING = 3  # the request is complete
    DISCARD = 4  # further bytes are ignored


class _LimitExceeded(Exception):
    """A request exceeds a limit. Raised within the parser to stop it."""


class BoundedProtocol(HttpToolsProtocol):
    """Connection whose client must keep the limits."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        guard: Guard,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.guard = guard
        self.limits = guard.limits
        self.head_size = 0  # bytes of the unfinished head
        self._phase = Phase.HEAD
        self._deadline = math.inf
        self._counted = 0  # bytes of the head that the guard has counted
        self._piece = 0  # size of the piece that the parser reads
        self._framing = self.limits.framing  # bytes of framing that are still allowed
        self._has_body = False
        self._offers_upgrade = False  # with a body, which the parser would skip
        self._refusal = (400, "the request is not HTTP/1.1 as RFC 9112 defines it")
        self._discarded = 0  # bytes
        self._answered: RequestResponseCycle | None = None  # the oldest request of the pipeline

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the deadline of the first request."""
        super().connection_made(transport)
        self._deadline = time.monotonic() + self.limits.head_seconds
        self.guard.admit(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """End every request of the connection."""
        self._count_head(0)
        self._phase = Phase.DISCARD
        self.guard.remove(self)
        super().connection_lost(exc)
        # uvicorn ends only the newest request.
        for cycle in (self._answered, *(waiting for waiting, _ in self.pipeline)):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()
        self.pipeline.clear()

    def data_received(self, data: bytes) -> None:
        """Parse bytes of the client within the limits."""
        if self._phase is Phase.DISCARD:
            self._discarded += len(data)
            if self._discarded > _LINGER_BYTES:
                self.transport.abort()
            return
        if self._phase is Phase.IDLE:
            self._phase = Phase.HEAD
            self.head_size = 0
            self._deadline = time.monotonic() + self.limits.head_seconds
            self.guard.await_head(self)  # the connection is no longer the longest idle one
        self._unset_keepalive_if_required()
        try:
            if len(data) <= _PIECE:
                self._feed(data)
            else:
                self._feed_in_pieces(memoryview(data))
        except httptools.HttpParserUpgrade:
            if self._should_upgrade():
                self._open_websocket()
                return
            # The server supports no other upgrade. It answers this request and no further ones.
            self.cycle.keep_alive = False
            self._phase = Phase.DISCARD
            self._deadline = math.inf
            self.guard.complete(self)
        except (httptools.HttpParserError, _LimitExceeded):
            self._reject(*self._refusal)

    def _open_websocket(self) -> None:
        """Let the protocol of WebSockets answer, unless an earlier request is in progress."""
        if self.pipeline or (self.cycle is not None and not self.cycle.response_complete):
            self._reject(400, "a WebSocket was requested before an earlier request was answered")
            return
        self._count_head(0)
        self.guard.remove(self)
        self.handle_websocket_upgrade()

    def _feed_in_pieces(self, data: memoryview) -> None:
        start = 0
        while start < len(data) and self._phase is not Phase.DISCARD:
            size = _BLOCK if self._phase is Phase.BODY else _PIECE
            self._feed(data[start : start + size])
            start += size

    def _feed(self, piece: bytes | memoryview) -> None:
        self._piece = len(piece)
        self.head_size += self._piece
        self._framing -= self._piece
        self._parse(piece)
        if self._phase is Phase.BODY:
            if self._framing < 0:
                self._stop_parsing(400, "the chunks of the body bring more framing than content")
        elif self._phase is Phase.HEAD:
            if self.head_size > self.limits.head:
                self._too_long()
            self._count_head(self.head_size)

    def _parse(self, piece: bytes | memoryview) -> None:
        while True:
            try:
                self.parser.feed_data(piece)
                return
            except httptools.HttpParserUpgrade as stop:
                if not self._offers_upgrade:
                    raise
                piece = self._head_without_upgrade() + bytes(piece[stop.args[0] :])
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)

    def _head_without_upgrade(self) -> bytes:
        """Return the head of the request without its offer of an upgrade."""
        self._offers_upgrade = False
        version = self.parser.get_http_version().encode()
        head = b"%s %s HTTP/%s\r\n" % (self.parser.get_method(), self.url, version)
        for name, value in self.headers:
            if name == b"connection":
                kept = [each for each in value.split(b",") if each.strip().lower() not in _UPGRADE]
                value = b",".join(kept)
            if name not in _UPGRADE:
                head += b"%s: %s\r\n" % (name, value)
        return head + b"\r\n"

    def on_message_begin(self) -> None:
        """Start to count the bytes of a head."""
        super().on_message_begin()
        self.head_size = self._piece
        self._has_body = False
        if self._phase is not Phase.HEAD:  # the request follows another in the same piece
            self._phase = Phase.HEAD
            self._deadline = time.monotonic() + self.limits.head_seconds

    def on_url(self, url: bytes) -> None:
        """Check the length of the request line."""
        super().on_url(url)
        if len(self.url) > self.limits.head:
            self._too_long()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Check the number of headers, and ignore trailers."""
        if self._phase is not Phase.HEAD:
            return  # a trailer: the application has read the headers
        super().on_header(name, value)
        if len(self.headers) > self.limits.headers:
            self._stop_parsing(
                431, f"the request has more than {self.limits.headers} headers, which is the most"
            )
        if len(name) in (14, 17) and name.lower() in (b"content-length", b"transfer-encoding"):
            self._has_body = True

    def on_headers_complete(self) -> None:
        """Start the deadline of the body."""
        if self._has_body and self.parser.should_upgrade() and self.parser.get_method() != _CONNECT:
            # Java's client offers HTTP/2 like this with any request. The parser skips the body.
            self._offers_upgrade = True
            return
        if len(self.pipeline) >= self.limits.pipeline:
            self._stop_parsing(400, "too many requests were sent before the first was answered")
        self._count_head(0)
        self._phase = Phase.BODY
        self._framing = self.limits.framing
        self._deadline = time.monotonic() + self.limits.body_seconds
        self.guard.await_body(self)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Extend the deadline by the bytes that have arrived."""
        self._framing = min(self._framing + (1 + _CHUNK) * len(body), self.limits.framing)
        patience = time.monotonic() + self.limits.body_seconds
        self._deadline = min(self._deadline + len(body) / self.limits.body_rate, patience)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the deadline of the request."""
        if self._offers_upgrade:
            return
        super().on_message_complete()
        self._phase = Phase.NOTHING
        self._deadline = math.inf
        self.guard.complete(self)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answered = cycle
        if cycle.more_body and (self._has_body or cycle is not self.cycle):
            app = self._read_whole_body(cycle, app)
        begin = super()._start_asgi_task

        def start() -> None:
            if not cycle.disconnected:  # the client may be gone by now
                begin(cycle, app)

        self.guard.starts.begin(cycle.scope, start)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        if self.timeout_keep_alive_task is None:
            return  # another request is in progress, or the connection closes
        if self._phase is Phase.NOTHING:
            self._phase = Phase.IDLE
        if self._phase is not Phase.DISCARD:
            self.guard.await_head(self)

    def pause_writing(self) -> None:
        """Record that the client reads too slowly."""
        super().pause_writing()
        self.guard.mark_stalled(self)

    def resume_writing(self) -> None:
        """Record that the client reads again."""
        super().resume_writing()
        self.guard.mark_reading(self)

    def shutdown(self) -> None:
        """Close the connection after the current response."""
        super().shutdown()
        if self.cycle is not None and self.cycle.response_started and self.cycle.more_body:
            self.transport.close()  # the rest of the body is not needed

    def check(self, now: float) -> None:
        """Close the connection if a deadline has passed."""
        if self.transport.is_closing():
            if self._deadline == math.inf or self._phase is not Phase.DISCARD:
                self._phase = Phase.DISCARD
                self._deadline = now + self.limits.stall_seconds
            elif now > self._deadline:
                CLOSED.labels("stalled").inc()
                self.transport.abort()
        elif self._phase is Phase.BODY and (
            self.flow.read_paused or self.cycle.waiting_for_100_continue
        ):
            # The server is slow, not the client.
            self._deadline = max(self._deadline, now + self.limits.body_seconds)
        elif now > self._deadline:
            self._expire()

    def _expire(self) -> None:
        if self._phase is Phase.DISCARD:
            self.transport.abort()
        elif self._phase is Phase.HEAD and self.cycle and not self.cycle.response_complete:
            pass  # the earlier request is answered first
        elif self._phase is Phase.BODY:
            self._reject(
                408,
                f"the body came too slowly: {self.limits.body_seconds:g} s passed with less than "
                f"{self.limits.body_rate:,.0f} bytes a second",
            )
        elif self.head_size:
            self._reject(
                408, f"the request head was not complete after {self.limits.head_seconds:g} s"
            )
        else:
            self.transport.close()

    def drop(self) -> None:
        """Close the connection at once."""
        self._count_head(0)
        self.transport.abort()

    def unread(self) -> int:
        """Return the bytes of the response that the client has not read."""
        return self.transport.get_write_buffer_size()

    def _too_long(self) -> None:
        self._stop_parsing(
            431,
            f"the head of the request is longer than {self.limits.head:,} bytes, the most",
        )

    def _stop_parsing(self, status: int, message: str) -> None:
        self._refusal = (status, message)
        raise _LimitExceeded

    def _count_head(self, size: int) -> None:
        if size != self._counted:
            self._counted, change = size, size - self._counted
            self.guard.add_head_bytes(change)

    def _reject(self, status: int, message: str) -> None:
        """Answer for the application, and read on for a moment.

        Closing a connection with unread bytes would also discard the response.
        """
        CLOSED.labels(str(status)).inc()
        self._count_head(0)
        self._phase = Phase.DISCARD
        self._deadline = time.monotonic() + _LINGER_SECONDS
        self.guard.complete(self)
        self.flow.resume_reading()
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if cycle.response_started or self.pipeline:
                self.transport.close()
                return
            cycle.disconnected = True  # drop the response of the application
            cycle.message_event.set()
        content = json.dumps(
            {"code": 20002, "msg": message, "data": {"errorCode": _WORDS[status]}}
        ).encode()
        head = (
            b"content-type: application/json\r\n"
            b"content-length: %d\r\nconnection: close\r\nx-request-id: %s\r\n"
            b"x-content-type-options: nosniff\r\n\r\n" % (len(content), uuid.uuid4().hex.encode())
        )
        self.transport.write(STATUS_LINE[status] + head + content)
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def _read_whole_body(self, cycle: RequestResponseCycle, app: Any) -> Any:
        """Wrap the application for a request with a body.

        If the application answers before the body is complete, read and discard the rest. Many
        clients send the whole body before they read.
        """

        async def run(scope: Scope, receive: Receive, send: Send) -> None:
            early = False

            async def answered(message: Message) -> None:
                nonlocal early
                if message["type"] == "http.response.start" and cycle.more_body:
                    early = True
                    message = {
                        **message,
                        "headers": [*message.get("headers", ()), (b"connection", b"close")],
                    }
                elif early and not message.get("more_body", False):
                    await send({**message, "more_body": True})
                    await self._discard(receive)
                    message = {**message, "body": b""}
                await send(message)

            await app(scope, receive, answered)

        return run

    async def _discard(self, receive: Receive) -> None:
        read = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(self.limits.discard_seconds):
                while read < self.limits.discard:
                    message = await receive()
                    if message["type"] != "http.request" or not message["more_body"]:
                        return
                    read += len(message["body"])


_WORDS = {400: RequestError.word, 408: RequestTimeout.word, 431: TooLarge.word}
