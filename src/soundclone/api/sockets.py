"""WebSockets of the server, within the limits of all connections, and their number per account."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from ..errors import RateLimited
from .connections import Guard


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """WebSocket that counts as a connection and must be read like any other.

    Pings of the server close the connection of a client that is gone.
    """

    head_size = 0  # the head has been read

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
        self._guard = guard

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over the connection from the protocol that has read the head."""
        super().connection_made(transport)
        self._guard.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """End the connection."""
        self._guard.remove(self)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Record that the client reads too slowly."""
        super().pause_writing()
        self._guard.mark_stalled(self)

    def resume_writing(self) -> None:
        """Record that the client reads again."""
        super().resume_writing()
        self._guard.mark_reading(self)

    def check(self, now: float) -> None:
        """Do nothing: the application limits the time between two messages."""

    def drop(self) -> None:
        """Close the connection at once."""
        self.transport.abort()

    def unread(self) -> int:
        """Return the bytes that the client has not read."""
        return self.transport.get_write_buffer_size()


class OpenSockets:
    """WebSockets that are open in this process, by account."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    def count(self, account_id: str) -> int:
        """Return the number of open WebSockets of an account."""
        return self._open[account_id]

    @contextmanager
    def hold(self, account_id: str, most: int) -> Iterator[None]:
        """Count a WebSocket of an account while the context is open.

        Raises:
            RateLimited: The account has as many as it may have.
        """
        if self._open[account_id] >= most:
            raise RateLimited(
                f"this account has {most} open WebSockets, which is the most; close one",
                retry_after=5,
            )
        self._open[account_id] += 1
        try:
            yield
        finally:
            self._open[account_id] -= 1
            if not self._open[account_id]:
                del self._open[account_id]
