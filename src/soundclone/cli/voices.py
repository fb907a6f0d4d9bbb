"""`soundclone voices`: list, rename, delete and withdraw voices of an account, over HTTP."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from .common import AsJson, fail, print_json, print_table
from .connection import ApiKey, BaseUrl, connected

if TYPE_CHECKING:
    from soundclone_client import Client, Voice

voices_app = typer.Typer(
    help="List, rename and delete voices of your account, and withdraw consents.",
    no_args_is_help=True,
)

VoiceName = Annotated[
    str,
    typer.Argument(
        help="Name of the voice, or its id: model_…", metavar="VOICE", show_default=False
    ),
]


@voices_app.command("list")
def list_(url: BaseUrl = None, key: ApiKey = None, as_json: AsJson = False) -> None:
    """List voices, newest first."""
    with connected(url, key) as client:
        voices = client.voices()
    if as_json:
        print_json([_data(voice) for voice in voices])
    else:
        print_table([_row(voice) for voice in voices])


@voices_app.command("rename")
def rename(
    voice: VoiceName,
    name: Annotated[str, typer.Argument(help="New name; an empty text removes the name")],
    url: BaseUrl = None,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Rename a voice."""
    with connected(url, key) as client:
        renamed = client.rename_voice(id_of(client, voice), name)
    if as_json:
        print_json(_data(renamed))
    else:
        named = f"is named {renamed.name}" if renamed.name else "has no name"
        typer.echo(f"{renamed.model_id} {named}")


@voices_app.command("delete")
def delete(
    voice: VoiceName, url: BaseUrl = None, key: ApiKey = None, as_json: AsJson = False
) -> None:
    """Delete a voice and its recording.

    This cannot be undone.
    """
    with connected(url, key) as client:
        model_id = id_of(client, voice)
        client.delete_voice(model_id)
    if as_json:
        print_json({"modelId": model_id, "deleted": True})
    else:
        typer.echo(
            f"{voice} is deleted" if voice == model_id else f"{voice} ({model_id}) is deleted"
        )


@voices_app.command("withdraw")
def withdraw(
    voice: VoiceName, url: BaseUrl = None, key: ApiKey = None, as_json: AsJson = False
) -> None:
    """Withdraw the speaker's consent to a voice.

    The service deletes the voice, every voice made with the same kept consent, and everything
    spoken with them. This cannot be undone.
    """
    with connected(url, key) as client:
        model_id = id_of(client, voice)
        done = client.withdraw_consent(model_id)
    if as_json:
        print_json({"modelIds": done.model_ids, "results": done.results, "withdrawn": True})
        return
    for each in done.model_ids:
        typer.echo(f"{each} is deleted")
    typer.echo(f"results of {done.results} speech tasks are deleted")


def id_of(client: Client, voice: str) -> str:
    """Return the id of a voice by its id or name. Ends the command if no voice matches.

    The case of a name matters only if two voices differ in case alone.
    """
    if re.fullmatch(r"model_[0-9a-f]{32}", voice):
        return voice
    voices = client.voices()
    for same in (str.__eq__, lambda one, other: one.casefold() == other.casefold()):
        found = [each.model_id for each in voices if each.name and same(each.name, voice)]
        if len(found) == 1:
            return found[0]
        if found:
            fail(f"{len(found)} voices are named {voice!r}: {', '.join(found)}", "conflict")
    fail(f"there is no voice {voice!r}; `soundclone voices list` shows them", "not_found")


def _data(voice: Voice) -> dict[str, object]:
    """Return the voice in the API's names, and in those of earlier versions of the command."""
    former = asdict(voice)
    del former["raw"]
    return former | dict(voice.raw)


def _row(voice: Voice) -> dict[str, object]:
    from ..core.formatting import moment

    return {
        "voice": voice.model_id,
        "name": voice.name or "-",
        "version": voice.version,
        "engine": voice.engine,
        "speech": f"{voice.speech_seconds:.0f} s",
        "made": moment(voice.created),
        "expires": "never" if voice.expires_at is None else moment(voice.expires_at),
    }
