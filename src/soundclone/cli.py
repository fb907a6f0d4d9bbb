"""The command line. Commands that run the service work on the settings of this machine; `clone`,
`speak` and `voices` talk to a running one over HTTP."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from . import __version__
from .cli_common import AsJson, fail, print_json, print_table, read_settings
from .cli_models import models_app

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from .client import Client, Task
    from .config import Settings
    from .db.models import Key
    from .db.session import Database

app = typer.Typer(
    help="Voice cloning as a service that you run yourself.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
keys_app = typer.Typer(help="API keys.", no_args_is_help=True)
credit_app = typer.Typer(help="Balances and the ledger.", no_args_is_help=True)
voices_app = typer.Typer(help="Voices of the account whose key is used.", no_args_is_help=True)
app.add_typer(keys_app, name="keys")
app.add_typer(credit_app, name="credit")
app.add_typer(voices_app, name="voices")
app.add_typer(models_app, name="models")

AccountId = Annotated[str, typer.Option("--account", help="acct_…, as `keys list` shows it")]
BaseUrl = Annotated[
    str | None,
    typer.Option("--url", envvar="SOUNDCLONE_BASE_URL", help="Of the service"),
]
ApiKey = Annotated[
    str | None, typer.Option("--key", envvar="SOUNDCLONE_API_KEY", help="sk_…", show_envvar=True)
]


def main() -> None:
    """Entry point: errors that are foreseen end with a sentence and exit code 1."""
    from .config import SettingsError
    from .errors import SoundcloneError

    try:
        app()
    except (SoundcloneError, SettingsError) as error:
        fail(str(error))


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version")] = False,
) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


# The service


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on", min=1, max=65535)] = 8000,
    worker: Annotated[
        bool, typer.Option("--worker/--no-worker", help="Keep a worker running beside it")
    ] = True,
) -> None:
    """Run the API and, unless --no-worker, a worker beside it."""
    import uvicorn

    from . import telemetry
    from .api.app import create_app
    from .jobs.supervisor import Supervisor

    telemetry.configure()
    settings = read_settings()
    with _prepared(settings) as database:
        _first_key(settings, database)
    typer.echo(f"  The studio: {settings.public_url or f'http://{host}:{port}'}/studio\n")
    supervisor = Supervisor(settings) if worker else None
    # uvicorn shuts down at a signal and then raises it again: it must not end us there and then.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if supervisor:
        supervisor.start()
    try:
        uvicorn.run(create_app(settings), host=host, port=port, log_config=None, access_log=False)
    except KeyboardInterrupt:
        pass
    finally:
        if supervisor:
            supervisor.stop()


@app.command()
def worker(
    id: Annotated[str | None, typer.Option(help="Name of this worker", hidden=True)] = None,
    parent: Annotated[int | None, typer.Option(help="Process to end with", hidden=True)] = None,
) -> None:
    """Run a worker: as many as you like, on as many machines, over one database and store."""
    # Before numpy is imported: tasks side by side are what cores are for.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    from . import telemetry
    from .jobs.ids import new_id
    from .jobs.worker import Worker

    telemetry.configure()
    Worker(read_settings(), id or new_id(), parent=parent).run()
    sys.stderr.flush()
    # What did not end within its grace is in threads that would keep the process.
    os._exit(0)


# Keys and credit


@keys_app.command("create")
def keys_create(
    name: Annotated[str, typer.Option(help="To know it by")],
    credit: Annotated[str, typer.Option(help="Credits to pay in")] = "0",
    account: Annotated[
        str | None, typer.Option(help="An account that is there; left out, a new one")
    ] = None,
    quota: Annotated[str, typer.Option(help="Most credits the key may spend; 0: any")] = "0",
    operator: Annotated[
        bool, typer.Option("--operator", help="It opens the operator's page of the studio")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make an API key. It is shown once: only a hash of it is kept."""
    from .core import keys, ledger
    from .core.pricing import to_micro

    settings = read_settings()
    with _transaction(settings) as session:
        account_id = account or ledger.open_account(session, name).id
        key, text = keys.create(
            session,
            settings.secret,
            account_id=account_id,
            name=name,
            quota=to_micro(quota),
            operator=operator,
        )
        if to_micro(credit):
            ledger.credit(session, account_id, to_micro(credit), memo=f"with key {name}")
        key_id = key.id
    if as_json:
        print_json({"account": account_id, "key": text, "id": key_id})
    else:
        typer.echo(f"account  {account_id}\nkey      {text}\n\nKeep it now: it is not shown again.")


@keys_app.command("list")
def keys_list(as_json: AsJson = False) -> None:
    """Keys of all accounts."""
    from sqlalchemy import select

    from .db.models import Key

    with _transaction(read_settings()) as session:
        rows = [_key_row(key) for key in session.scalars(select(Key).order_by(Key.created_at))]
    if as_json:
        print_json(rows)
    else:
        print_table(rows)


@keys_app.command("revoke")
def keys_revoke(
    key: Annotated[str, typer.Argument(help="key_…, or the first nine characters of the key")],
    as_json: AsJson = False,
) -> None:
    """Refuse a key from now on."""
    from .core import keys

    with _transaction(read_settings()) as session:
        row = _key_row(keys.revoke(session, key))
    print_json(row) if as_json else typer.echo(f"{row['id']} ({row['key']}) is revoked")


@keys_app.command("set-quota")
def keys_set_quota(
    key: Annotated[str, typer.Argument(help="key_…, or the first nine characters of the key")],
    quota: Annotated[str, typer.Argument(help="Most credits the key may spend in all; 0: any")],
    as_json: AsJson = False,
) -> None:
    """Limit what a key may spend."""
    from .core import keys
    from .core.pricing import to_micro

    with _transaction(read_settings()) as session:
        row = _key_row(keys.set_quota(session, key, to_micro(quota)))
    print_json(row) if as_json else typer.echo(f"{row['id']} may spend {quota} credits")


@credit_app.command("add")
def credit_add(
    amount: Annotated[str, typer.Argument(help="Credits")],
    account: AccountId,
    memo: Annotated[str, typer.Option(help="What for")] = "",
    reference: Annotated[
        str | None, typer.Option(help="Of the payment: the same one twice is paid in once")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Pay credit into an account."""
    from .core import ledger
    from .core.pricing import to_micro

    with _transaction(read_settings()) as session:
        ledger.credit(session, account, to_micro(amount), memo, reference)
        row = _balance_row(session, account)
    print_json(row) if as_json else print_table([row])


@credit_app.command("show")
def credit_show(account: AccountId, as_json: AsJson = False) -> None:
    """What an account has."""
    with _transaction(read_settings()) as session:
        row = _balance_row(session, account)
    print_json(row) if as_json else print_table([row])


@credit_app.command("ledger")
def credit_ledger(
    account: AccountId,
    limit: Annotated[int | None, typer.Option(help="Only the newest so many lines")] = None,
    as_json: AsJson = False,
) -> None:
    """An account's lines in the ledger, oldest first, and whether the whole ledger adds up."""
    from .core import ledger
    from .core.clock import moment
    from .core.pricing import to_credits

    with _transaction(read_settings()) as session:
        rows = [
            {
                "id": line.id,
                "kind": line.kind,
                "debit": line.debit,
                "credit": line.credit,
                "amount": to_credits(line.amount),
                "amount_micro": line.amount,
                "task": line.task_id,
                "key": line.key_id,
                "resolves": line.resolves,
                "memo": line.memo,
                "created": line.created_at,
            }
            for line in ledger.statement(session, account, limit)
        ]
        audit = ledger.audit(session)
        balance = _balance_row(session, account)
    if as_json:
        print_json({"balance": balance, "entries": rows, "sum": audit.total, "sound": audit.sound})
        return
    print_table(
        [
            {
                "when": moment(float(str(row["created"]))),
                "kind": row["kind"],
                "amount": row["amount"],
                "task": row["task"] or row["memo"],
            }
            for row in rows
        ]
    )
    typer.echo(f"available {balance['available']}; the ledger's sum is {audit.total}")


# Using a service


@app.command()
def clone(
    source: Annotated[str, typer.Argument(help="URL or file: 15 to 60 s of somebody speaking")],
    text: Annotated[str | None, typer.Option(help="What the preview says")] = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="MP3")] = Path("preview.mp3"),
    language: Annotated[str, typer.Option(help="Of the text")] = "auto",
    version: Annotated[str, typer.Option(help="v1 (24 languages) or v2 (40)")] = "v1",
    url: BaseUrl = None,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Make a voice from a recording and hear a preview of it."""
    with _client(url, key) as client, _progress("cloning", as_json) as show:
        task = client.clone(source, text=text, version=version, language=language, on_progress=show)
        client.download(task, output)
    _done(task, {"preview": str(output)}, as_json)


@app.command()
def speak(
    model_id: Annotated[str, typer.Argument(help="model_…, as `clone` prints it")],
    text: Annotated[str | None, typer.Option(help="What to say")] = None,
    file: Annotated[
        Path | None, typer.Option("-f", "--file", help="A text file; - for standard input")
    ] = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="MP3, WAV, FLAC or Ogg")] = (
        Path("speech.mp3")
    ),
    subtitles: Annotated[Path | None, typer.Option(help="Also write this SRT file")] = None,
    words: Annotated[bool, typer.Option(help="Subtitles by word, not by sentence")] = False,
    language: Annotated[str, typer.Option(help="Of the text")] = "auto",
    emotion: str = "neutral",
    speed: Annotated[float, typer.Option(help="0.5 to 2")] = 1.0,
    vol: Annotated[float, typer.Option(help="Above 0, up to 10")] = 1.0,
    pitch: Annotated[int, typer.Option(help="Semitones, -12 to 12")] = 0,
    format: Annotated[
        Literal["mp3", "wav", "flac", "ogg"] | None,
        typer.Option(help="Left out, what the output's name ends with"),
    ] = None,
    sample_rate: Annotated[
        int | None, typer.Option(help="Hz, 8000 to 48000; left out, 44100, of ogg 48000")
    ] = None,
    channel: Annotated[int | None, typer.Option(help="Channels, 1 or 2", min=1, max=2)] = None,
    url: BaseUrl = None,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Say a text in a cloned voice."""
    if (text is None) == (file is None):
        fail("give the text either by --text or by --file")
    if file is not None:
        try:
            text = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            fail(f"{file} cannot be read as a text in UTF-8: {error}")
    assert text is not None
    kind: Literal["word", "sentence"] | None = None
    if subtitles:
        kind = "word" if words else "sentence"
    with _client(url, key) as client, _progress("speaking", as_json) as show:
        task = client.speak(
            model_id,
            text,
            language=language,
            emotion=emotion,
            speed=speed,
            vol=vol,
            pitch=pitch,
            subtitles=kind,
            format=format or _FORMATS.get(output.suffix.lower()),
            sample_rate=sample_rate,
            channel=channel,  # type: ignore[arg-type]
            on_progress=show,
        )
        client.download(task, output)
        if subtitles and task.subtitle_file:
            client.download(task.subtitle_file, subtitles)
    _done(task, {"speech": str(output), "subtitles": str(subtitles or "")}, as_json)


@voices_app.command("list")
def voices_list(url: BaseUrl = None, key: ApiKey = None, as_json: AsJson = False) -> None:
    """Voices of the account."""
    with _client(url, key) as client:
        rows = [asdict(voice) for voice in client.voices()]
    print_json(rows) if as_json else print_table(rows)


@voices_app.command("delete")
def voices_delete(model_id: str, url: BaseUrl = None, key: ApiKey = None) -> None:
    """Delete a voice and its recording, for good."""
    with _client(url, key) as client:
        client.delete_voice(model_id)
    typer.echo(f"{model_id} is deleted")


@app.command()
def cancel(task_id: str, url: BaseUrl = None, key: ApiKey = None) -> None:
    """Call a task off; nothing is charged."""
    with _client(url, key) as client:
        task = client.cancel(task_id)
    typer.echo(f"{task.id}: {task.status} ({task.error or 'it had ended'})")


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Say what works here: engines, codecs, database, storage, disk."""
    from .jobs.doctor import examine

    report = examine(read_settings())
    if as_json:
        print_json(report)
    else:
        for row in report["checks"]:
            mark = "ok  " if row["ok"] else "FAIL"
            typer.secho(
                f"{mark}  {row['name']:<18} {row['detail']}", fg=None if row["ok"] else "red"
            )
    if not report["ok"]:
        raise SystemExit(1)


@app.command()
def languages(as_json: AsJson = False) -> None:
    """Which engine speaks which language on this machine, by soundVersion."""
    from .jobs.routes import routes_of, usable
    from .speech.languages import LANGUAGES

    routes = routes_of(read_settings())
    offers, found = usable(routes)
    table = routes.table(offers)
    rows = [
        {"language": name, "code": LANGUAGES[name].code}
        | {version: engine or "none" for version, engine in table[name].items()}
        for name in table
    ]
    unusable = {name: reason for name, reason in found.items() if reason}
    if as_json:
        listed = [
            {"name": name, "code": LANGUAGES[name].code, "engines": table[name]} for name in table
        ]
        print_json({"languages": listed, "unusable": unusable})
        return
    print_table([{"language": "", "code": "", "v1": "-", "v2": "-"} | row for row in rows])
    for name, reason in unusable.items():
        typer.secho(f"not usable  {name}: {reason}", fg="yellow", err=True)


# Helpers

_FORMATS: dict[str, Literal["mp3", "wav", "flac", "ogg"]] = {
    ".mp3": "mp3",
    ".wav": "wav",
    ".flac": "flac",
    ".ogg": "ogg",
    ".opus": "ogg",
}


@contextmanager
def _prepared(settings: Settings) -> Iterator[Database]:
    from .db.migrate import upgrade
    from .db.session import Database
    from .jobs import engine

    database = Database(settings.database)
    try:
        upgrade(database)
        engine.prepare(database)
        yield database
    finally:
        database.close()


@contextmanager
def _transaction(settings: Settings) -> Iterator[Session]:
    from .db.migrate import upgrade
    from .db.session import Database

    database = Database(settings.database, pool_size=1)
    try:
        upgrade(database)
        with database.write() as session:
            yield session
    finally:
        database.close()


def _first_key(settings: Settings, database: Database) -> None:
    """Print a key with some credit when there is no account yet."""
    from sqlalchemy import select

    from .core import keys, ledger
    from .core.pricing import to_micro
    from .db.models import Account

    with database.write() as session:
        if session.scalar(select(Account.id).limit(1)):
            return
        account = ledger.open_account(session, "first")
        _, text = keys.create(
            session, settings.secret, account_id=account.id, name="first", operator=True
        )
        if settings.starting_credit:
            ledger.credit(session, account.id, to_micro(settings.starting_credit), "first start")
    typer.echo(
        f"\n  Your API key: {text}\n  with {settings.starting_credit} credits on account "
        f"{account.id}.\n  Keep it now: it is not shown again.\n"
    )


@contextmanager
def _client(url: str | None, key: str | None) -> Iterator[Client]:
    from .client import Client, ClientError

    try:
        with Client(url, key) as client:
            yield client
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except (ClientError, ValueError) as error:
        fail(str(error))


@contextmanager
def _progress(what: str, quiet: bool) -> Iterator[Any]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(
        *columns, console=Console(stderr=True), transient=True, disable=quiet
    ) as progress:
        bar = progress.add_task(what, total=100)

        def show(task: Task) -> None:
            progress.update(bar, completed=task.progress or 0, description=f"{what}: {task.status}")

        yield show


def _done(task: Task, files: dict[str, str], as_json: bool) -> None:
    if as_json:
        print_json(dict(task.raw) | {"files": {k: v for k, v in files.items() if v}})
        return
    if task.model_id:
        typer.echo(f"voice    {task.model_id}")
    for name, path in files.items():
        if path:
            typer.echo(f"{name:<8} {path}")
    if task.cost is not None:
        typer.echo(f"cost     {task.cost} credits")
    for warning in task.raw.get("warnings") or ():
        typer.secho(f"note     {warning}", fg="yellow")


def _key_row(key: Key) -> dict[str, Any]:
    from .core.pricing import to_credits

    return {
        "id": key.id,
        "account": key.account_id,
        "name": key.name,
        "key": key.display,
        "quota": to_credits(key.quota),
        "used": to_credits(key.used),
        "operator": key.operator,
        "revoked": key.revoked_at is not None,
    }


def _balance_row(session: Session, account: str) -> dict[str, Any]:
    from .core import ledger
    from .core.pricing import to_credits

    balance = ledger.balance(session, account)
    return {
        "account": account,
        "balance": to_credits(balance.credited),
        "used": to_credits(balance.used),
        "held": to_credits(balance.held),
        "available": to_credits(balance.available),
    }
