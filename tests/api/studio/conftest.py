"""Visitors of the studio: clients of the application in this process, each with its cookies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx2
import pytest
from starlette.testclient import TestClient

from ..conftest import Api, serve

Visit = Callable[[], httpx2.Client]


def visitor_of(served: Api) -> httpx2.Client:
    """Return a client without cookies that shares the event loop of the application.

    Do not use the client as a context manager: it would start the application again.
    """
    client = TestClient(served.app, raise_server_exceptions=False, follow_redirects=False)
    client.portal = served.client.portal
    return client


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """An application for the tests of a module."""
    yield from serve(tmp_path_factory.mktemp("studio"))


@pytest.fixture
def visit(studio: Api) -> Iterator[Visit]:
    """Make another visitor."""
    with ExitStack() as closing:

        def open_visit() -> httpx2.Client:
            client = visitor_of(studio)
            closing.callback(client.close)
            return client

        yield open_visit


@pytest.fixture
def visitor(visit: Visit) -> httpx2.Client:
    """A visitor without a session."""
    return visit()
