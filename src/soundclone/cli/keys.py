"""`soundclone keys`: accounts' API keys, on this machine's database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .common import AsJson, print_fields, print_json, print_table, read_settings
from .database import transaction

if TYPE_CHECKING:
    from ..db.models import Key

keys_app = typer.Typer(
    help="Create, list, rotate, revoke and limit API keys.", no_args_is_help=True
)

KeyName = Annotated[str, typer.Argument(help="Id of the key, key_…, or its first nine characters")]


@keys_app.command("create")
def create(
    name: Annotated[str, typer.Option(help="Name of the key")],
    credit: Annotated[str, typer.Option(help="Credits to add to the account")] = "0",
    account: Annotated[
        str | None, typer.Option(help="Existing account of the key (default: a new account)")
    ] = None,
    quota: Annotated[str, typer.Option(help="Most credits to spend; 0 means no limit")] = "0",
    scopes: Annotated[
        str,
        typer.Option(help="Scopes separated by commas: read, speak, clone, account and operator"),
    ] = "read,speak,clone,account",
    operator: Annotated[
        bool, typer.Option("--operator", help="Add the scope operator to the scopes")
    ] = False,
    expires: Annotated[
        float | None, typer.Option(help="Days until the key expires (default: never)")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create an API key, and print it once.

    Only a hash of the key is stored.
    """
    from ..core import keys, ledger
    from ..core.pricing import to_micro

    settings = read_settings()
    allowed = keys.parse_scopes(scopes.split(","))
    expires_at = None if expires is None else keys.expiry_after(expires)
    with transaction(new=True) as session:
        settings.create_secret()
        account_id = account or ledger.open_account(session, name).id
        key, text = keys.create(
            session,
            settings.secret,
            account_id=account_id,
            name=name,
            quota=to_micro(quota),
            scopes=allowed | {keys.Scope.OPERATOR} if operator else allowed,
            expires_at=expires_at,
        )
        if to_micro(credit):
            ledger.credit(session, account_id, to_micro(credit), memo=f"with key {name}")
        key_id = key.id
    if as_json:
        print_json({"account": account_id, "key": text, "id": key_id})
    else:
        typer.echo(
            f"account  {account_id}\nkey      {text}\n\nSave the key: it is not shown again."
        )


@keys_app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the keys of all accounts."""
    from sqlalchemy import select

    from ..core.formatting import moment
    from ..db.models import Key

    with transaction() as session:
        found = session.scalars(select(Key).order_by(Key.created_at)).all()
        rows = [_row(key) for key in found]
    if as_json:
        print_json(rows)
        return
    for row, key in zip(rows, found, strict=True):
        del row["operator"]  # one of the scopes
        row["scopes"] = ",".join(key.scopes.split())
        row["expires"] = "never" if key.expires_at is None else moment(key.expires_at)
    print_table(rows)


@keys_app.command("rotate")
def rotate(
    key: KeyName,
    overlap: Annotated[
        float, typer.Option(help="Hours for which the former key still works, at most 720")
    ] = 24.0,
    as_json: AsJson = False,
) -> None:
    """Replace a key by a new one, and print it once.

    Name, scopes, quota and expiry stay. With --overlap 0 the former key stops working at once, and
    its sessions in the studio end.
    """
    from ..core import keys
    from ..core.formatting import moment

    settings = read_settings()
    with transaction() as session:
        rotated, text = keys.rotate(session, settings.secret, key, overlap=overlap * 3600)
        row = {"id": rotated.id, "key": text, "former_until": rotated.previous_until}
    if as_json:
        print_json(row)
        return
    until = rotated.previous_until
    former = "no longer works" if until is None else f"works until {moment(until)}"
    print_fields({"id": row["id"], "key": text, "former key": former})
    typer.echo("\nSave the key: it is not shown again.")


@keys_app.command("revoke")
def revoke(key: KeyName, as_json: AsJson = False) -> None:
    """Revoke a key.

    Requests with the key are refused from now on.
    """
    from ..core import keys

    with transaction() as session:
        row = _row(keys.revoke(session, key))
    print_json(row) if as_json else typer.echo(f"{row['id']} ({row['key']}) is revoked")


@keys_app.command("set-quota")
def set_quota(
    key: KeyName,
    quota: Annotated[str, typer.Argument(help="Most credits to spend; 0 means no limit")],
    as_json: AsJson = False,
) -> None:
    """Limit the credits that a key may spend."""
    from ..core import keys
    from ..core.pricing import to_micro

    with transaction() as session:
        row = _row(keys.set_quota(session, key, to_micro(quota)))
    most = f"at most {row['quota']:g} credits" if row["quota"] else "without a limit"
    print_json(row) if as_json else typer.echo(f"{row['id']} may spend {most}")


def _row(key: Key) -> dict[str, object]:
    from ..core.pricing import to_credits

    return {
        "id": key.id,
        "account": key.account_id,
        "name": key.name,
        "key": key.display,
        "quota": to_credits(key.quota),
        "used": to_credits(key.used),
        "scopes": key.scopes.split(),
        "operator": key.operator,
        "expires": key.expires_at,
        "revoked": key.revoked_at is not None,
    }
