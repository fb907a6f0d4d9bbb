"""HTTP server: uvicorn with limits on connections."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from .connections import Guard, Limits, raise_descriptors, reserve
from .protocol import BoundedProtocol
from .sockets import BoundedWebSocket

_BACKLOG = 2048  # connections that wait in the kernel until the server accepts them
_LARGEST_MESSAGE = 1024 * 1024  # bytes of a message of a WebSocket
_UNSENT = 128 * 1024  # bytes in the kernel's buffer: a larger buffer hides slow clients


class BoundedServer(uvicorn.Server):
    """Server that closes every connection when it stops."""

    def __init__(self, config: uvicorn.Config, guard: Guard) -> None:
        super().__init__(config)
        self._guard = guard
        self.on_shutdown: Callable[[], None] | None = None
        """Called when the server begins to stop, before running requests have ended."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop the server and close its connections."""
        if self.on_shutdown:
            self.on_shutdown()
        await super().shutdown(sockets)
        self._guard.close()
        await asyncio.sleep(0)  # so that the loop calls connection_lost


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on an address.

    Raises:
        OSError: The address is in use or does not exist.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    backlog = min(_BACKLOG, reserve(raise_descriptors()) // 2)
    listening = socket.create_server((host, port), family=family, backlog=backlog)
    if option := getattr(socket, "TCP_NOTSENT_LOWAT", None):
        with suppress(OSError):  # connections inherit the option
            listening.setsockopt(socket.IPPROTO_TCP, option, _UNSENT)
    return listening


def server(app: FastAPI, *, connections: int, grace: float) -> BoundedServer:
    """Return a server of `app`.

    Args:
        app: The application.
        connections: Largest number of connections at once. The limit of open files of the process
            can reduce the number.
        grace: Seconds that running requests have to end when the server stops.
    """
    descriptors = raise_descriptors()
    usable = max(16, min(connections, descriptors - reserve(descriptors)))
    return bounded(app, Limits(connections=usable), timeout_graceful_shutdown=round(grace))


def bounded(app: ASGIApp, limits: Limits, **options: Any) -> BoundedServer:
    """Return a server of `app` within `limits`. `options` are uvicorn's."""
    guard = Guard(limits)
    protocol: Any = partial(BoundedProtocol, guard=guard)
    socket: Any = partial(BoundedWebSocket, guard=guard)
    return BoundedServer(
        uvicorn.Config(
            app,
            http=protocol,
            ws=socket,
            ws_max_size=_LARGEST_MESSAGE,
            ws_per_message_deflate=False,  # a window of each connection would take memory
            log_config=None,
            access_log=False,
            backlog=min(_BACKLOG, reserve(raise_descriptors()) // 2),
            timeout_keep_alive=round(limits.idle_seconds),
            **options,
        ),
        guard,
    )
