"""`soundclone voices`: an account's voices over HTTP, and protected voices of this machine."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .common import AsJson, fail, print_json, print_table
from .connection import ApiKey, BaseUrl, connected
from .database import transaction

if TYPE_CHECKING:
    from soundclone_client import Client, Voice

    from ..db.models import ProtectedVoice

voices_app = typer.Typer(
    help="Manage voices, and protect voices from cloning.",
    no_args_is_help=True,
)

VoiceName = Annotated[
    str,
    typer.Argument(
        help="Name of the voice, or its id: model_…", metavar="VOICE", show_default=False
    ),
]


ProtectedId = Annotated[
    str, typer.Argument(help="Id of the protected voice: prot_…", metavar="PROTECTED")
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


@voices_app.command("tag")
def tag(
    voice: VoiceName,
    tags: Annotated[
        list[str] | None, typer.Argument(help="New tags; without tags, all are removed")
    ] = None,
    url: BaseUrl = None,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Give a voice tags in place of its former ones."""
    with connected(url, key) as client:
        tagged = client.tag_voice(id_of(client, voice), tags or [])
    if as_json:
        print_json(_data(tagged))
    else:
        known = f"has the tags {', '.join(tagged.tags)}" if tagged.tags else "has no tags"
        typer.echo(f"{tagged.model_id} {known}")


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
    typer.echo(f"deleted results of speech tasks: {done.results}")


@voices_app.command("protect")
def protect(
    file: Annotated[
        Path, typer.Argument(help="Recording of one speaker with 10 s of speech or more")
    ],
    name: Annotated[str, typer.Option(help="Name for your list of protected voices")] = "",
    as_json: AsJson = False,
) -> None:
    """Forbid cloning of a voice on this machine's service.

    The service stores embeddings of the voice and not the recording. New voices that sound like
    the protected one are refused.
    """
    from ..core import protection
    from ..jobs.protection import embeddings_of

    if not file.is_file():
        fail(f"{file} is not a file", "file")
    embeddings = embeddings_of(file)
    with transaction() as session:
        voice = protection.protect(session, name, embeddings)
        row = _protected(voice)
    if as_json:
        print_json(row)
    else:
        typer.echo(f"{voice.id} is protected; {file} is not needed any more")


@voices_app.command("protected")
def protected(as_json: AsJson = False) -> None:
    """List the voices that may not be cloned here."""
    from ..audio import speakers
    from ..core import protection
    from ..core.formatting import moment

    with transaction() as session:
        rows = [_protected(voice) for voice in protection.listing(session)]
    if as_json:
        print_json(rows)
        return
    print_table(
        [
            {
                "id": row["id"],
                "name": row["name"] or "-",
                "speech": f"{row['speechSeconds']:.0f} s",
                "allowed": ", ".join(map(str, allowed)) or "-",
                "since": moment(float(str(row["created"]))),
            }
            for row in rows
            if isinstance(allowed := row["allowed"], list)
        ]
    )
    for row in rows:
        if row["encoder"] != speakers.version():
            typer.secho(
                f"{row['id']} was made by an earlier version and protects nothing; protect the "
                "voice again from a recording",
                fg="yellow",
                err=True,
            )


@voices_app.command("unprotect")
def unprotect(voice: ProtectedId, as_json: AsJson = False) -> None:
    """Permit cloning of a protected voice again."""
    from ..core import protection

    with transaction() as session:
        protection.remove(session, voice)
    if as_json:
        print_json({"id": voice, "protected": False})
    else:
        typer.echo(f"{voice} is not protected any more")


@voices_app.command("allow")
def allow(
    voice: ProtectedId,
    account: Annotated[str, typer.Option(help="Id of the account, see `keys list`")],
    revoke: Annotated[bool, typer.Option("--revoke", help="Revoke the permission")] = False,
    as_json: AsJson = False,
) -> None:
    """Let one account clone a protected voice.

    Use this for the protected person's own account, or if another speaker is refused by mistake.
    """
    from ..core import protection

    with transaction() as session:
        row = _protected(protection.allow(session, voice, account, allowed=not revoke))
    if as_json:
        print_json(row)
    else:
        may = "may no longer clone" if revoke else "may clone"
        typer.echo(f"{account} {may} {voice}")


def _protected(voice: ProtectedVoice) -> dict[str, object]:
    return {
        "id": voice.id,
        "name": voice.name,
        "speechSeconds": voice.speech_seconds,
        "allowed": voice.allowed,
        "encoder": voice.encoder,
        "created": voice.created_at,
    }


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
        "tags": ", ".join(voice.tags) or "-",
        "version": voice.version,
        "engine": voice.engine,
        "speech": f"{voice.speech_seconds:.0f} s",
        "made": moment(voice.created),
        "expires": "never" if voice.expires_at is None else moment(voice.expires_at),
    }
