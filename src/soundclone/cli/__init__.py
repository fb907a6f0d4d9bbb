"""The command line. Commands that run the service work on the settings of this machine; `clone`,
`speak`, `cancel`, `tasks` and `voices` talk to a running one over HTTP.

What goes wrong in a way that was foreseen ends the command with one sentence on standard error or,
with --json, one line `{"error": {"word": …, "message": …}}` there; standard output has results
only. The exit codes are in EPILOGUE.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated, NoReturn

import typer
from typer.exceptions import TyperException

from . import local, remote, service
from .common import FAILED, INTERRUPTED, WRONG_USAGE, Failure, print_json, read_settings
from .credit import credit_app
from .keys import keys_app
from .models import models_app
from .tasks import tasks_app
from .voices import voices_app

EPILOGUE = """\b
Exit codes:
    0  it worked; serve and worker were stopped
    1  it failed: a sentence on standard error says what, and what to do
    2  it was called wrongly
  130  interrupted by Ctrl-C
  143  ended by SIGTERM

With --json an error is a line {"error": {"word": …, "message": …}} on standard error: the word is
stable, the message is for people. Settings are environment variables, SOUNDCLONE_*."""

app = typer.Typer(
    help="Voice cloning as a service that you run yourself.",
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
app.command()(remote.cancel)
app.add_typer(tasks_app, name="tasks")
app.add_typer(voices_app, name="voices")
app.add_typer(keys_app, name="keys")
app.add_typer(credit_app, name="credit")
app.add_typer(models_app, name="models")
app.command()(local.languages)
app.command()(local.doctor)


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version")] = False,
) -> None:
    if version:
        from .. import __version__

        typer.echo(__version__)
        raise typer.Exit


def main() -> NoReturn:
    """Entry point."""
    code = FAILED
    try:
        code = app(standalone_mode=False) or 0
        if code == INTERRUPTED:  # what typer makes of a KeyboardInterrupt
            raise Failure("interrupted", "interrupted", INTERRUPTED)
        sys.stdout.flush()
    except typer.Abort:
        code = _say(Failure("nothing was answered", "interrupted"))
    except BrokenPipeError:
        _forget_output()  # whoever read it has what they wanted
    except Exception as error:
        failure = _foreseen(error)
        if failure is None:
            raise
        code = _say(failure)
        try:
            sys.stdout.flush()
        except OSError:  # of a disk that is full, say: it is said already
            _forget_output()
    sys.exit(code)


def _foreseen(error: Exception) -> Failure | None:
    """What an exception that no command has handled means; None when it is a fault of ours."""
    from ..config import SettingsError
    from ..errors import SoundcloneError

    if isinstance(error, Failure):
        return error
    if isinstance(error, TyperException):
        return _of_the_usage(error)
    if isinstance(error, SoundcloneError):
        return Failure(error.message, error.word)
    if isinstance(error, SettingsError):
        return Failure(str(error), "settings")
    if isinstance(error, OSError):
        reason = error.strerror or str(error)
        return Failure(f"{error.filename}: {reason}" if error.filename else reason, "file")
    return _of_the_database(error)


def _of_the_usage(error: TyperException) -> Failure:
    message = error.format_message().rstrip(".")
    context = getattr(error, "ctx", None)
    if message.startswith("Usage:"):
        return Failure(error.format_message(), "usage", WRONG_USAGE, help=True)
    if context:
        message += f" (see `{context.command_path} --help`)"
    return Failure(message, "usage", WRONG_USAGE)


def _of_the_database(error: Exception) -> Failure | None:
    if "sqlalchemy" not in sys.modules:
        return None
    from alembic.util import CommandError
    from sqlalchemy.exc import ArgumentError, DBAPIError

    from ..db.damage import unusable

    if isinstance(error, ArgumentError):
        return Failure(f"SOUNDCLONE_DATABASE_URL is not right: {error}", "settings")
    if isinstance(error, CommandError):
        message = "the database was written by a newer version of soundclone; install that version"
        return Failure(f"{message} ({error})", "unavailable")
    if isinstance(error, DBAPIError):
        explained = unusable(error, read_settings().database)
        return Failure(explained.message, explained.word)
    return None


def _say(failure: Failure) -> int:
    if "--json" in sys.argv[1:]:
        print_json({"error": {"word": failure.word, "message": failure.message}}, err=True)
    else:
        if failure.help:
            typer.echo(failure.message, err=True)
        else:
            typer.secho(f"soundclone: {failure.message}", fg="red", err=True)
    return failure.code


def _forget_output() -> None:
    """Python would write what is left at its end, and complain that it cannot."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
