"""`soundclone secret`: rotation of this installation's secret."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from .common import AsJson, fail, print_json, print_table, read_settings
from .database import transaction

if TYPE_CHECKING:
    from ..config import Settings

secret_app = typer.Typer(
    help="Rotate the secret of the installation.",
    no_args_is_help=True,
)

_RESTART = "Restart the service and every worker now: running processes do not know the new secret."


@secret_app.command("rotate")
def rotate(as_json: AsJson = False) -> None:
    """Replace the secret, and keep the former one valid.

    API keys, links and sessions that were made with the former secret stay valid. Each key is
    hashed with the new secret at its next use. Workers encrypt the secrets of webhooks with the
    new secret. Restart all processes of the service after the rotation.
    """
    from ..core import keys

    settings = read_settings()
    if not settings.secret_key:
        with transaction() as session:
            keys.name_secret(session, settings.secrets[-1])
    former = settings.rotate_secret()
    if as_json:
        print_json({"secret": keys.secret_id(settings.secret), "former_file": str(former)})
    else:
        typer.echo(f"The secret is new. {former} keeps the former one.\n{_RESTART}")


@secret_app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the secrets, newest first, with the number of keys and webhooks that depend on each.

    Nothing of a secret is shown.
    """
    from ..core import keys, webhooks
    from ..core.formatting import moment

    settings = read_settings()
    with transaction() as session:
        rows = [
            {
                "secret": keys.secret_id(secret),
                "replaced": replaced,
                "keys": len(keys.depending(session, secret)),
                "webhooks": webhooks.depending(session, secret),
            }
            for secret, replaced in _secrets(settings)
        ]
    if as_json:
        print_json(rows)
        return
    shown = [
        {
            "secret": row["secret"],
            "state": "newest" if number == 0 else "former",
            "replaced": "" if row["replaced"] is None else moment(float(str(row["replaced"]))),
            "keys": row["keys"],
            "webhooks": row["webhooks"],
        }
        for number, row in enumerate(rows)
    ]
    print_table(shown)


@secret_app.command("retire")
def retire(
    force: Annotated[
        bool, typer.Option("--force", help="Retire secrets that keys and links depend on")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove the former secrets that nothing depends on.

    A former secret stays while a valid API key is hashed with it, and while links and sessions
    that were signed with it may be valid. With --force these keys and links stop working. Secrets
    of webhooks are encrypted with the newest secret first.
    """
    from ..core import keys, webhooks
    from ..core.formatting import DAY
    from ..core.sessions import LONGEST

    settings = read_settings()
    if settings.secret_key:
        fail(
            "SOUNDCLONE_FORMER_SECRET_KEYS lists the former secrets; remove those that nothing "
            "depends on, see `soundclone secret list`",
            "settings",
        )
    longest = max(settings.upload_days * DAY, settings.result_days * DAY, LONGEST)
    retired, kept = [], []
    with transaction() as session:
        webhooks.renew_secrets(session, settings.secrets)
        for path in settings.former_secret_files:
            secret = path.read_bytes()
            name, reason = keys.secret_id(secret), ""
            dependent = keys.depending(session, secret)
            valid_until = int(path.suffix[1:]) + longest
            if dependent:
                reason = f"{len(dependent)} valid keys depend on it, such as {dependent[0].id}"
            elif valid_until > time.time():
                left = (valid_until - time.time()) / DAY
                reason = f"links and sessions may be valid for {left:.1f} more days"
            if reason and not force and secret != settings.secret:
                kept.append({"secret": name, "reason": reason})
            else:
                path.unlink()
                retired.append(name)
    if as_json:
        print_json({"retired": retired, "kept": kept})
        return
    for name in retired:
        typer.echo(f"{name} is retired")
    for row in kept:
        typer.echo(f"{row['secret']} stays: {row['reason']}")
    if retired:
        typer.echo("Restart the service and every worker: running processes still accept it.")
    if not retired and not kept:
        typer.echo("there is no former secret")


def _secrets(settings: Settings) -> list[tuple[bytes, float | None]]:
    """Return the secrets, newest first, each with the time of its replacement where known."""
    times: dict[bytes, float] = {}
    if not settings.secret_key:
        times = {path.read_bytes(): float(path.suffix[1:]) for path in settings.former_secret_files}
    return [
        (secret, None if secret == settings.secret else times.get(secret))
        for secret in settings.secrets
    ]
