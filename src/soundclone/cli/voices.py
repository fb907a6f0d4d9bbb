"""`soundclone voices`: the voices of an account, over HTTP."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from .common import AsJson, print_json, print_table
from .connection import ApiKey, BaseUrl, connected

voices_app = typer.Typer(help="Voices of the account whose key is used.", no_args_is_help=True)


@voices_app.command("list")
def list_(url: BaseUrl = None, key: ApiKey = None, as_json: AsJson = False) -> None:
    """Voices of the account, newest first."""
    with connected(url, key) as client:
        rows = [asdict(voice) for voice in client.voices()]
    print_json(rows) if as_json else print_table(rows)


@voices_app.command("delete")
def delete(
    model_id: Annotated[str, typer.Argument(help="model_…, as `voices list` shows it")],
    url: BaseUrl = None,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Delete a voice and its recording, for good."""
    with connected(url, key) as client:
        client.delete_voice(model_id)
    if as_json:
        print_json({"modelId": model_id, "deleted": True})
    else:
        typer.echo(f"{model_id} is deleted")
