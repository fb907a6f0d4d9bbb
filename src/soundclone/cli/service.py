"""`soundclone serve` and `soundclone worker`: run the service on this machine."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .common import fail, private_files, read_settings

if TYPE_CHECKING:
    import socket

    from ..config import Settings
    from ..db.session import Database


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on", min=1, max=65535)] = 8000,
    worker: Annotated[
        bool, typer.Option("--worker/--no-worker", help="Run a worker as well")
    ] = True,
) -> None:
    """Run the API and a worker.

    The first start creates an API key with some credit. The key is printed on a terminal, and
    otherwise written to a file. A terminal also shows a link that signs in to the studio once.

    Ctrl-C or SIGTERM stops the service with exit code 0. Running tasks may end within
    SOUNDCLONE_STOP_GRACE seconds; another worker repeats the rest.
    """
    from .. import telemetry, tracing

    telemetry.configure()
    tracing.configure()
    private_files()
    settings = read_settings()
    # Listen first: if the port is taken, nothing is created, not even the data directory.
    with _listen(host, port) as listening:
        _run(settings, listening, url_of(host, port), worker)


def url_of(host: str, port: int) -> str:
    """Return the address of the service for a browser."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _run(settings: Settings, listening: socket.socket, url: str, worker: bool) -> None:
    from ..api.app import create_app
    from ..api.server import server as make_server
    from ..db.migrate import upgrade
    from ..db.session import Database
    from ..jobs import queue
    from ..jobs.supervisor import Supervisor
    from ..storage import Storage

    # uvicorn shuts down at a signal and then raises the signal again. The worker must still be
    # stopped afterwards. As process 1 of a container, a process without a handler ignores SIGTERM.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    _warn_of_root()
    settings.create_secret()
    Storage.of(settings).check_encryption()  # fails early, with a reason
    _warn_of_the_secret(settings)
    with _scratch(settings):
        database = Database(settings.database)
        try:
            upgrade(database)
            queue.prepare(database)
            _first_key(settings, database)
            signing_in = _sign_in_line(database, settings.public_url or url)
        finally:
            database.close()
        typer.echo(
            f"  The studio: {settings.public_url or url}/studio\n"
            f"{signing_in}"
            f"  Another key: {_another_key(settings)}\n"
        )
        server = make_server(
            create_app(settings),
            connections=settings.max_connections,
            grace=settings.stop_grace,
        )
        supervisor = Supervisor(settings) if worker else None
        if supervisor:
            server.on_shutdown = supervisor.begin_stop  # beside running requests
            supervisor.start()
        try:
            server.run(sockets=[listening])
        except KeyboardInterrupt:
            pass
        finally:
            if supervisor:
                supervisor.stop()
    if not server.started:
        fail("the service could not start; the log lines above name the reason")


def worker(
    id: Annotated[str | None, typer.Option(help="Name of the worker", hidden=True)] = None,
    parent: Annotated[int | None, typer.Option(help="Process to end with", hidden=True)] = None,
) -> None:
    """Run a worker.

    Any number of workers, on any number of machines, share one database and one object store.
    Ctrl-C or SIGTERM stops a worker the way it stops `serve`.
    """
    # Before numpy is imported. Each core runs another task, so a task needs one thread.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    from .. import memory, telemetry, tracing

    memory.use_one_pool()  # before other threads begin
    from ..jobs.ids import new_id
    from ..jobs.worker import Worker

    memory.keep_returning()
    telemetry.configure()
    tracing.configure()
    private_files()
    settings = read_settings()
    settings.create_secret()
    _warn_of_the_secret(settings)
    with _scratch(settings):
        Worker(settings, id or new_id(), parent=parent).run()
    tracing.flush()
    sys.stderr.flush()
    # Tasks that did not end within the grace run in threads, which would keep the process alive.
    os._exit(0)


@contextmanager
def _scratch(settings: Settings) -> Iterator[None]:
    """Keep the temporary files of this process in the data directory."""
    from ..scratch import scratch_folder

    with ExitStack() as stack:
        try:
            stack.enter_context(scratch_folder(settings.scratch))
        except OSError as error:
            fail(f"{settings.scratch} cannot be used for temporary files: {error.strerror}")
        yield


def _listen(host: str, port: int) -> socket.socket:
    """Listen on the port. Ends the command if the port is taken."""
    from ..api.server import listen

    try:
        return listen(host, port)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while")[0]
        fail(f"{host} port {port} is not available: {reason}; choose another with --port")


def _warn_of_root() -> None:
    """Warn about running as root outside a container: the service reads untrusted files."""
    marks = (Path("/.dockerenv"), Path("/run/.containerenv"))
    contained = "container" in os.environ or any(mark.exists() for mark in marks)
    if hasattr(os, "geteuid") and os.geteuid() == 0 and not contained:
        from ..telemetry import log

        log(__name__).warning(
            "the service runs as root; use an account that owns only the data folder",
            guide="docs/howto/team.md",
        )


def _warn_of_the_secret(settings: Settings) -> None:
    from ..telemetry import log

    if warning := settings.secret_warning:
        log(__name__).warning("secret is readable by others", detail=warning)


def _first_key(settings: Settings, database: Database) -> None:
    """Create an operator's key with some credit if there is no account yet.

    Only a terminal shows the key, because other outputs end up in logs.
    """
    from sqlalchemy import select

    from ..core import keys, ledger
    from ..core.pricing import to_micro
    from ..db.models import Account

    with database.transaction() as session:
        if session.scalar(select(Account.id).limit(1)):
            return
        account = ledger.open_account(session, "first")
        _, text = keys.create(
            session, settings.secret, account_id=account.id, name="first", scopes=keys.Scope
        )
        if settings.starting_credit:
            ledger.credit(session, account.id, to_micro(settings.starting_credit), "first start")
        where, advice = text, "Save the key now: it is not shown again."
        if not sys.stdout.isatty():
            where = f"in the file {_kept(settings.data_dir / 'first-key', text)}"
            advice = "Save the key elsewhere, and remove the file."
    typer.echo(
        f"\n  Your API key: {where}\n  with {settings.starting_credit} credits on account "
        f"{account.id}.\n  {advice}\n"
    )


def _sign_in_line(database: Database, base_url: str) -> str:
    """Return a line with a sign-in link for the oldest operator's key.

    Returns:
        An empty text if the output is not a terminal, because other outputs end up in logs, or if
        there is no operator's key.
    """
    from sqlalchemy import select

    from ..api.studio.session import sign_in_url
    from ..core import keys, sessions
    from ..db.models import Key

    if not sys.stdout.isatty():
        return ""
    with database.transaction() as session:
        key_id = session.scalar(
            select(Key.id)
            .where(
                Key.scopes.contains(keys.Scope.OPERATOR.value),
                Key.revoked_at.is_(None),
                Key.expires_at.is_(None) | (Key.expires_at > time.time()),
            )
            .order_by(Key.created_at)
            .limit(1)
        )
        if key_id is None:
            return ""
        token, _ = sessions.issue_link(session, key_id)
    minutes = sessions.LINK // 60
    return f"  Sign in once, within {minutes} minutes: {sign_in_url(base_url, token)}\n"


def _another_key(settings: Settings) -> str:
    """Return a shell command that creates a key for this service.

    The command works from any folder. It names settings that hold secrets, without their values.
    """
    program = Path(sys.argv[0]).absolute()
    command = (
        [str(program)] if program.name == "soundclone" else [sys.executable, "-m", "soundclone"]
    )
    command += ["keys", "create", "--name", "me", "--credit", "100", "--operator"]
    folder = str(settings.data_dir.absolute())
    given = {"DATABASE_URL": settings.database_url, "SECRET_KEY": settings.secret_key}
    secret = "".join(f"SOUNDCLONE_{name}=… " for name, value in given.items() if value)
    return f"{secret}SOUNDCLONE_DATA_DIR={shlex.quote(folder)} {shlex.join(command)}"


def _kept(path: Path, text: str) -> Path:
    """Write a file that only its owner can read. Returns its absolute path."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)  # left over from a database that was removed
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text + "\n")
    return path.absolute()
