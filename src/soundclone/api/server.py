"""The HTTP server: uvicorn with bounded connections."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from functools import partial
from typing import Any

import uvicorn
from fastapi import FastAPI

from .connections import Guard, Limits, raise_descriptors, reserve
from .protocol import BoundedProtocol

_BACKLOG = 2048  # connections that the kernel keeps until they are accepted
_UNSENT = 128 * 1024  # bytes in the kernel's buffer: with more, a slow reader looks like none


class BoundedServer(uvicorn.Server):
    """A server that leaves no connection open at its end."""

    def __init__(self, config: uvicorn.Config, guard: Guard) -> None:
        super().__init__(config)
        self._guard = guard

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        self._guard.close()
        await asyncio.sleep(0)  # the loop tells the connections


def listen(host: str, port: int) -> socket.socket:
    """A socket that clients can connect to. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    backlog = min(_BACKLOG, reserve(raise_descriptors()) // 2)
    listening = socket.create_server((host, port), family=family, backlog=backlog)
    if option := getattr(socket, "TCP_NOTSENT_LOWAT", None):
        with suppress(OSError):  # connections inherit it
            listening.setsockopt(socket.IPPROTO_TCP, option, _UNSENT)
    return listening


def server(app: FastAPI, *, connections: int, grace: float) -> uvicorn.Server:
    """A server of `app` that takes at most `connections` at once, fewer where the process may open
    few files. `grace`: seconds for requests under way when it is stopped."""
    descriptors = raise_descriptors()
    most = max(16, min(connections, descriptors - reserve(descriptors)))
    return bounded(app, Limits(connections=most), timeout_graceful_shutdown=round(grace))


def bounded(app: Any, limits: Limits, **options: Any) -> uvicorn.Server:
    """A server of `app` within `limits`; `options` are uvicorn's."""
    guard = Guard(limits)
    protocol: Any = partial(BoundedProtocol, guard=guard)
    return BoundedServer(
        uvicorn.Config(
            app,
            http=protocol,
            ws="none",
            log_config=None,
            access_log=False,
            backlog=min(_BACKLOG, reserve(raise_descriptors()) // 2),
            timeout_keep_alive=round(limits.idle_seconds),
            **options,
        ),
        guard,
    )
