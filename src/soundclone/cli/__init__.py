"""The command line.

`clone`, `speak`, `convert`, `audiobook`, `dub`, `talk`, `download`, `tasks`, `voices`, `projects`,
`pronunciations`, `webhooks`, `login`, `open`, `mcp` and `wyoming` use a running service over HTTP.
All other commands work on this machine with the settings of the environment.

An expected failure prints one sentence on standard error or, with --json, one line
`{"error": {"word": …, "message": …}}`. Standard output has results only. EPILOGUE lists the exit
codes.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated, NoReturn

import typer
from typer.exceptions import TyperException

from . import audiobook, bridge, dub, local, login, remote, renders, service, talk
from .account import account_app
from .audit import audit_app
from .common import FAILED, INTERRUPTED, WRONG_USAGE, Failure, print_json, read_settings
from .credit import credit_app
from .keys import keys_app
from .models import models_app
from .projects import projects_app
from .pronunciations import pronunciations_app
from .relocate import migrate_to
from .reports import reports_app
from .secret import secret_app
from .storage import backup, storage_app
from .tasks import cancel, tasks_app
from .verify import verify
from .voices import voices_app
from .webhooks import webhooks_app

EPILOGUE = """\b
Exit codes:
    0  success; also when a signal stops serve or worker
    1  failure: standard error names the reason
    2  wrong usage
  130  interrupted by Ctrl-C
  143  ended by SIGTERM

With --json, an error is the line {"error": {"word": …, "message": …}} on standard error. The word
is stable and for programs. Settings are environment variables that begin with SOUNDCLONE_."""

app = typer.Typer(
    help="Run a voice-cloning service, and use it: clone voices and speak with them.",
    epilog=EPILOGUE,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(service.serve)
app.command()(service.worker)
app.command(epilog=remote.CLONE_EXAMPLES)(remote.clone)
app.command(epilog=remote.SPEAK_EXAMPLES)(remote.speak)
app.command(epilog=remote.CONVERT_EXAMPLES)(remote.convert)
app.command(epilog=audiobook.AUDIOBOOK_EXAMPLES)(audiobook.audiobook)
app.command(epilog=dub.DUB_EXAMPLES)(dub.dub)
app.command(epilog=talk.TALK_EXAMPLES)(talk.talk)
app.command()(remote.download)
app.command("cancel")(cancel)
app.command()(verify)
app.command()(login.login)
app.command()(login.logout)
app.command("open")(login.open_studio)
app.command(epilog=bridge.MCP_EXAMPLES)(bridge.mcp)
app.command()(bridge.wyoming)
app.add_typer(tasks_app, name="tasks")
app.add_typer(voices_app, name="voices")
projects_app.command()(renders.render)
app.add_typer(projects_app, name="projects")
app.add_typer(pronunciations_app, name="pronunciations")
app.add_typer(webhooks_app, name="webhooks")
app.add_typer(keys_app, name="keys")
app.add_typer(credit_app, name="credit")
app.add_typer(audit_app, name="audit")
app.add_typer(account_app, name="account")
app.add_typer(secret_app, name="secret")
app.add_typer(reports_app, name="reports")
app.add_typer(storage_app, name="storage")
app.command()(backup)
app.command("migrate-to")(migrate_to)
app.add_typer(models_app, name="models")
app.command()(local.languages)
app.command()(local.doctor)


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version")] = False,
) -> None:
    """Print the version, if asked to."""
    if version:
        from .. import __version__

        typer.echo(__version__)
        raise typer.Exit


def main() -> NoReturn:
    """Run the command line, and end the process with its exit code."""
    code = FAILED
    try:
        code = app(standalone_mode=False) or 0
        if code == INTERRUPTED:  # typer turns a KeyboardInterrupt into this code
            raise Failure("interrupted", "interrupted", INTERRUPTED)
        sys.stdout.flush()
    except typer.Abort:
        code = _report(Failure("the question was not answered", "interrupted"))
    except BrokenPipeError:
        _discard_output()  # the reader, such as `head`, has read enough
    except Exception as error:
        failure = _failure_of(error)
        if failure is None:
            raise
        code = _report(failure)
        try:
            sys.stdout.flush()
        except OSError:  # such as a full disk, which is reported by now
            _discard_output()
    sys.exit(code)


def _failure_of(error: Exception) -> Failure | None:
    """Return the failure that an exception stands for. None if the exception is a bug."""
    from ..config import SettingsError
    from ..errors import SoundcloneError

    if isinstance(error, Failure):
        return error
    if isinstance(error, TyperException):
        return _usage_failure(error)
    if isinstance(error, SoundcloneError):
        return Failure(error.message, error.word)
    if isinstance(error, SettingsError):
        return Failure(str(error), "settings")
    if isinstance(error, OSError):
        reason = error.strerror or str(error)
        return Failure(f"{error.filename}: {reason}" if error.filename else reason, "file")
    return _database_failure(error)


def _usage_failure(error: TyperException) -> Failure:
    message = error.format_message().rstrip(".")
    context = getattr(error, "ctx", None)
    if message.startswith("Usage:"):
        return Failure(error.format_message(), "usage", WRONG_USAGE, help=True)
    if context:
        message += f" (see `{context.command_path} --help`)"
    return Failure(message, "usage", WRONG_USAGE)


def _database_failure(error: Exception) -> Failure | None:
    if "sqlalchemy" not in sys.modules:
        return None
    from alembic.util import CommandError
    from sqlalchemy.exc import ArgumentError, DBAPIError

    from ..db.damage import unusable

    if isinstance(error, ArgumentError):
        return Failure(f"SOUNDCLONE_DATABASE_URL is invalid: {error}", "settings")
    if isinstance(error, CommandError):
        message = "the database was written by a newer version of soundclone; install that version"
        return Failure(f"{message} ({error})", "unavailable")
    if isinstance(error, DBAPIError):
        explained = unusable(error, read_settings().database)
        return Failure(explained.message, explained.word)
    return None


def _report(failure: Failure) -> int:
    if "--json" in sys.argv[1:]:
        print_json({"error": {"word": failure.word, "message": failure.message}}, err=True)
    else:
        if failure.help:
            typer.echo(failure.message, err=True)
        else:
            typer.secho(f"soundclone: {failure.message}", fg="red", err=True)
    return failure.code


def _discard_output() -> None:
    """Redirect standard output, so that Python's exit does not fail to flush it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
