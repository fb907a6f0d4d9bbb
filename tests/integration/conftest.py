"""Each test runs on a SQLite file and on a Postgres server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from soundclone.db.migrate import upgrade
from soundclone.db.session import Database
from soundclone.jobs import queue


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database at the present schema, with the task engine's tables."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'test.db'}"
    else:
        url = request.getfixturevalue("postgres_database")
    opened = Database(url)
    upgrade(opened)
    queue.prepare(opened)
    yield opened
    opened.close()
