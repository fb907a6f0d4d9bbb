"""HTTP/1.1 as uvicorn speaks it, within limits that hold against any client.

uvicorn's fast parser accepts a head of any length and waits for any client for ever. This subclass
measures what it feeds to the parser and gives every wait a deadline.
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
from starlette.types import Receive, Scope, Send
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

_PIECE = 16 * 1024  # bytes of a head that are parsed before its length is looked at
_BLOCK = 64 * 1024  # the same of a body
_CHUNK = 9  # bytes of framing that a byte of the body may bring with it, as a chunk of its own
_LEAVING = 2.0  # seconds to read what was on its way when a request was refused
_LEFT = 1024 * 1024  # and the bytes of it
_CONNECT = b"CONNECT"
_OFFER = frozenset({b"upgrade", b"http2-settings"})  # headers, and what Connection names


class Phase(Enum):
    """The next thing that has to come from the client."""

    IDLE = 0  # another request, or none
    HEAD = 1
    BODY = 2
    NOTHING = 3  # the request is whole
    DEAF = 4  # whatever comes is thrown away


class _Excess(Exception):
    """A limit was passed within the parser. It makes the parser stop."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

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
        self.head_size = 0  # bytes of the head that is being read
        self._phase = Phase.HEAD
        self._deadline = math.inf
        self._counted = 0  # bytes of the head that the guard knows of
        self._piece = 0  # bytes that are being parsed
        self._framing = self.limits.framing  # bytes that may come beside the body
        self._has_body = False
        self._offer = False  # of another protocol, with a body that the parser does not read
        self._refusal = (400, "the request is not HTTP/1.1 as RFC 9112 defines it")
        self._left = 0  # bytes that came while deaf
        self._answered: RequestResponseCycle | None = None  # the oldest: others wait in a pipeline

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._deadline = time.monotonic() + self.limits.head_seconds
        self.guard.admit(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._count_head(0)
        self._phase = Phase.DEAF
        self.guard.forget(self)
        super().connection_lost(exc)
        # uvicorn tells only the newest request that its client is gone.
        for cycle in (self._answered, *(waiting for waiting, _ in self.pipeline)):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()
        self.pipeline.clear()

    def data_received(self, data: bytes) -> None:
        if self._phase is Phase.DEAF:
            self._left += len(data)
            if self._left > _LEFT:
                self.transport.abort()
            return
        if self._phase is Phase.IDLE:
            self._phase = Phase.HEAD
            self.head_size = 0
            self._deadline = time.monotonic() + self.limits.head_seconds
            self.guard.waits(self)  # it is no longer the one that has been silent longest
        self._unset_keepalive_if_required()
        try:
            if len(data) <= _PIECE:
                self._feed(data)
            else:
                self._feed_in_pieces(memoryview(data))
        except httptools.HttpParserUpgrade:
            # Nothing is upgraded to: the request is answered as it stands, and is the last.
            self.cycle.keep_alive = False
            self._phase = Phase.DEAF
            self._deadline = math.inf
            self.guard.served(self)
        except (httptools.HttpParserError, _Excess):
            self._refuse(*self._refusal)

    def _feed_in_pieces(self, data: memoryview) -> None:
        start = 0
        while start < len(data) and self._phase is not Phase.DEAF:
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
                self._excess(400, "the chunks of the body bring more framing than content")
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
                if not self._offer:
                    raise
                piece = self._without_offer() + bytes(piece[stop.args[0] :])
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)

    def _without_offer(self) -> bytes:
        """The request head that was parsed, for a client that stays with HTTP/1.1."""
        self._offer = False
        version = self.parser.get_http_version().encode()
        head = b"%s %s HTTP/%s\r\n" % (self.parser.get_method(), self.url, version)
        for name, value in self.headers:
            if name == b"connection":
                kept = [each for each in value.split(b",") if each.strip().lower() not in _OFFER]
                value = b",".join(kept)
            if name not in _OFFER:
                head += b"%s: %s\r\n" % (name, value)
        return head + b"\r\n"

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.head_size = self._piece
        self._has_body = False
        if self._phase is not Phase.HEAD:  # it follows another in the same piece
            self._phase = Phase.HEAD
            self._deadline = time.monotonic() + self.limits.head_seconds

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > self.limits.head:
            self._too_long()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._phase is not Phase.HEAD:
            return  # a trailer, which comes after the application has read the headers
        super().on_header(name, value)
        if len(self.headers) > self.limits.headers:
            self._excess(
                431, f"the request has more than {self.limits.headers} headers, which is the most"
            )
        if len(name) in (14, 17) and name.lower() in (b"content-length", b"transfer-encoding"):
            self._has_body = True

    def on_headers_complete(self) -> None:
        if self._has_body and self.parser.should_upgrade() and self.parser.get_method() != _CONNECT:
            # Java's client offers HTTP/2 so, with any request. The parser skips the body.
            self._offer = True
            return
        if len(self.pipeline) >= self.limits.pipeline:
            self._excess(400, "too many requests were sent before the first was answered")
        self._count_head(0)
        self._phase = Phase.BODY
        self._framing = self.limits.framing
        self._deadline = time.monotonic() + self.limits.body_seconds
        self.guard.sends(self)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._framing = min(self._framing + (1 + _CHUNK) * len(body), self.limits.framing)
        patience = time.monotonic() + self.limits.body_seconds
        self._deadline = min(self._deadline + len(body) / self.limits.body_rate, patience)
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._offer:
            return
        super().on_message_complete()
        self._phase = Phase.NOTHING
        self._deadline = math.inf
        self.guard.served(self)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answered = cycle
        if cycle.more_body and (self._has_body or cycle is not self.cycle):
            app = self._answering(cycle, app)
        begin = super()._start_asgi_task

        def start() -> None:
            if not cycle.disconnected:  # while it waited
                begin(cycle, app)

        self.guard.starts.begin(cycle.scope, start)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.timeout_keep_alive_task is None:
            return  # another request is being answered, or the connection ends
        if self._phase is Phase.NOTHING:
            self._phase = Phase.IDLE
        if self._phase is not Phase.DEAF:
            self.guard.waits(self)

    def pause_writing(self) -> None:
        super().pause_writing()
        self.guard.stalls(self)

    def resume_writing(self) -> None:
        super().resume_writing()
        self.guard.flows(self)

    def shutdown(self) -> None:
        super().shutdown()
        if self.cycle is not None and self.cycle.response_started and self.cycle.more_body:
            self.transport.close()  # it was answered; the rest of its body is of no use

    def check(self, now: float) -> None:
        """End the connection if its time is over."""
        if self.transport.is_closing():
            if self._deadline == math.inf or self._phase is not Phase.DEAF:
                self._phase = Phase.DEAF
                self._deadline = now + self.limits.stall_seconds
            elif now > self._deadline:
                CLOSED.labels("stalled").inc()
                self.transport.abort()
        elif self._phase is Phase.BODY and (
            self.flow.read_paused or self.cycle.waiting_for_100_continue
        ):
            self._deadline = max(self._deadline, now + self.limits.body_seconds)  # we are slow
        elif now > self._deadline:
            self._expire()

    def _expire(self) -> None:
        if self._phase is Phase.DEAF:
            self.transport.abort()
        elif self._phase is Phase.HEAD and self.cycle and not self.cycle.response_complete:
            pass  # the request before it is answered first
        elif self._phase is Phase.BODY:
            self._refuse(
                408,
                f"the body came too slowly: {self.limits.body_seconds:g} s passed with less than "
                f"{self.limits.body_rate:,.0f} bytes a second",
            )
        elif self.head_size:
            self._refuse(
                408, f"the request head was not complete after {self.limits.head_seconds:g} s"
            )
        else:
            self.transport.close()

    def drop(self) -> None:
        """End the connection at once."""
        self._count_head(0)
        self.transport.abort()

    def unread(self) -> int:
        """Bytes of the answer that the client has not taken."""
        return self.transport.get_write_buffer_size()

    def _too_long(self) -> None:
        self._excess(
            431,
            f"the head of the request is longer than {self.limits.head:,} bytes, the most",
        )

    def _excess(self, status: int, sentence: str) -> None:
        self._refusal = (status, sentence)
        raise _Excess

    def _count_head(self, size: int) -> None:
        if size != self._counted:
            self._counted, change = size, size - self._counted
            self.guard.head(change)

    def _refuse(self, status: int, sentence: str) -> None:
        """Answer for the application, and read on for a moment: a connection that is closed with
        bytes unread loses the answer, too."""
        CLOSED.labels(str(status)).inc()
        self._count_head(0)
        self._phase = Phase.DEAF
        self._deadline = time.monotonic() + _LEAVING
        self.guard.served(self)
        self.flow.resume_reading()
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if cycle.response_started or self.pipeline:
                self.transport.close()
                return
            cycle.disconnected = True  # what the application still answers is not sent
            cycle.message_event.set()
        content = json.dumps(
            {"code": 20002, "msg": sentence, "data": {"errorCode": _WORDS[status]}}
        ).encode()
        head = (
            b"content-type: application/json\r\n"
            b"content-length: %d\r\nconnection: close\r\nx-request-id: %s\r\n"
            b"x-content-type-options: nosniff\r\n\r\n" % (len(content), uuid.uuid4().hex.encode())
        )
        self.transport.write(STATUS_LINE[status] + head + content)
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def _answering(self, cycle: RequestResponseCycle, app: Any) -> Any:
        """The application, for a request with a body: if it answers before the body is there, the
        rest is read and thrown away, because many clients send all before they read."""

        async def run(scope: Scope, receive: Receive, send: Send) -> None:
            early = False

            async def answered(message: Any) -> None:
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
