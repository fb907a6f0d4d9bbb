from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from tests.service import Service


@dataclass
class Canary:
    """A server inside the network that nobody may reach; counts who does."""

    port: int
    hits: list[str] = field(default_factory=list)


@pytest.fixture
def canary() -> Iterator[Canary]:
    with socket.create_server(("", 0)) as listener:
        found = Canary(listener.getsockname()[1])

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, peer = listener.accept()
                    with connection:
                        found.hits.append(f"{peer[0]} {connection.recv(200)!r}")

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield found
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def api(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """An API without workers, so that tasks stay queued."""
    environment = {"SOUNDCLONE_REQUESTS_PER_SECOND": "10000"}
    if request.param == "postgres":
        server: str = request.getfixturevalue("postgres_server")
        environment["SOUNDCLONE_DATABASE_URL"] = server
    folder = tmp_path_factory.mktemp(f"api-{request.param}")
    with Service(folder, "--no-worker", environment=environment) as running:
        yield running
