"""`soundclone models`: download, verify and remove the models of neural engines."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .common import INTERRUPTED, AsJson, Failure, print_json, print_table, read_settings
from .progress import transferring

if TYPE_CHECKING:
    from ..config import Settings
    from ..weights.catalogue import Model
    from ..weights.store import Weights

models_app = typer.Typer(
    help="Download, verify and remove models of neural engines.", no_args_is_help=True
)


def complete_model() -> list[str]:
    """Return the names that a shell completes."""
    from ..weights.catalogue import MODELS

    return list(MODELS)


Name = Annotated[
    str, typer.Argument(help="Name of the model, see `models list`", autocompletion=complete_model)
]
AcceptLicence = Annotated[
    bool, typer.Option("--accept-licence", help="Accept the licence without a question")
]


@models_app.command("list")
def models_list(as_json: AsJson = False) -> None:
    """List models, and whether each is installed."""
    from ..weights.catalogue import MODELS

    settings = read_settings()
    rows = [_row(settings, model) for model in MODELS.values()]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        spoken = row["languages"]
        row["languages"] = spoken[0] if len(spoken) == 1 else f"{len(spoken)} languages"
        row["size"] = _size(row["size"])
        del row["terms"], row["detail"]
    print_table(rows)


@models_app.command("pull")
def models_pull(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME...",
            help="Names, see `models list`",
            autocompletion=complete_model,
        ),
    ],
    language: Annotated[
        str | None, typer.Option(help="Download the model of the same engine for this language")
    ] = None,
    accept_licence: AcceptLicence = False,
    as_json: AsJson = False,
) -> None:
    """Download models.

    An interrupted download continues with the missing files.
    """
    from ..weights import download

    settings = read_settings()
    rows = []
    for model in [_chosen(name, language) for name in names]:

        def accept(listing: download.HubListing, model: Model = model) -> bool:
            return _accepted(model, accept_licence, f"{_size(listing.size)} from {listing.page}")

        try:
            with transferring(model.name, as_json) as show:
                found = download.pull(
                    settings.models,
                    model.name,
                    accepted=settings.accept_noncommercial,
                    accept=accept,
                    progress=show,
                )
        except KeyboardInterrupt:
            kept = "interrupted; the same command continues the download"
            raise Failure(kept, "interrupted", INTERRUPTED) from None
        rows.append(_here(found))
        if not as_json:
            typer.echo(f"{model.name} is installed, {found.digest} in {found.path}")
    if as_json:
        print_json(rows)


@models_app.command("add")
def models_add(
    name: Name,
    folder: Annotated[Path, typer.Argument(help="Folder with the files of the model")],
    accept_licence: AcceptLicence = False,
    as_json: AsJson = False,
) -> None:
    """Install a model from files on this machine.

    This needs no connection to the hub.
    """
    from ..errors import EngineUnavailable
    from ..weights import store

    settings = read_settings()
    model = store.known(name)
    store.permit(model, settings.accept_noncommercial)
    if not _accepted(model, accept_licence, str(folder)):
        raise EngineUnavailable(
            f"the licence of model {name!r} ({model.licence}) was not accepted; "
            f"run `soundclone models add {name} {folder} --accept-licence`"
        )
    found = store.adopt(settings.models, name, folder, settings.accept_noncommercial)
    if as_json:
        print_json(_here(found))
    else:
        typer.echo(f"{name} is installed, {found.digest} in {found.path}")


@models_app.command("verify")
def models_verify(
    name: Annotated[
        str | None,
        typer.Argument(
            help="Name (default: all installed models)",
            autocompletion=complete_model,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check every file of a model against its digest."""
    from ..errors import EngineUnavailable
    from ..weights import store
    from ..weights.catalogue import MODELS

    settings = read_settings()
    models, accepted = settings.models, settings.accept_noncommercial
    chosen = [name] if name else [each for each in MODELS if store.is_installed(models, each)]
    rows = []
    for each in chosen:
        try:
            store.verify(store.find(models, each, accepted))
            rows.append({"name": each, "ok": True, "detail": "as it came"})
        except EngineUnavailable as error:
            rows.append({"name": each, "ok": False, "detail": error.message})
    print_json(rows) if as_json else print_table(rows)
    if not all(row["ok"] for row in rows):
        raise SystemExit(1)


@models_app.command("remove")
def models_remove(name: Name, as_json: AsJson = False) -> None:
    """Remove a model and its unfinished download."""
    from ..weights import store

    gone = store.remove(read_settings().models, name)
    if as_json:
        print_json({"name": name, "removed": gone})
    else:
        typer.echo(f"{name} is removed" if gone else f"{name} was not installed")


@models_app.command("licence")
def models_licence(name: Name, as_json: AsJson = False) -> None:
    """Show the licence of a model."""
    from ..weights import store

    model = store.known(name)
    if as_json:
        row = {"name": model.name, "licence": model.licence, "terms": model.terms}
        print_json(row | {"gated": model.gated, "noncommercial": model.noncommercial})
    else:
        typer.echo(f"{model.name}: {model.licence}\n{model.terms}.")


def _chosen(name: str, language: str | None) -> Model:
    """Return the named model or, with a language, the model of its engine for that language."""
    from ..errors import EngineUnavailable
    from ..text.languages import LANGUAGES
    from ..weights import store
    from ..weights.catalogue import MODELS

    named = store.known(name)
    if language is None:
        return named
    family = [named, *(model for model in MODELS.values() if model.engine == named.engine)]
    for model in family:
        for spoken in model.languages:
            if language.lower() in (spoken.lower(), LANGUAGES[spoken].code.lower()):
                return model
    known = sorted({spoken for model in family for spoken in model.languages})
    raise EngineUnavailable(
        f"no model of engine {named.engine!r} speaks {language!r}; they speak {', '.join(known)}"
    )


def _accepted(model: Model, accepted: bool, source: str) -> bool:
    """Show the licence, and ask for acceptance unless the command line has it."""
    gate = "; agree to its terms on that page first" if model.gated else ""
    typer.echo(f"{model.name}: {source}{gate}\n{model.licence}: {model.terms}.", err=True)
    if accepted or not sys.stdin.isatty():
        return accepted
    return typer.confirm("Accept this licence?", err=True)


def _row(settings: Settings, model: Model) -> dict[str, Any]:
    from ..errors import EngineUnavailable
    from ..weights import store

    state, detail = "absent", ""
    if store.is_installed(settings.models, model.name):
        try:
            store.find(settings.models, model.name, settings.accept_noncommercial)
            state = "here"
        except EngineUnavailable as error:
            state, detail = "unusable", error.message
    return {
        "name": model.name,
        "engine": model.engine,
        "languages": list(model.languages),
        "size": model.size,
        "licence": model.licence,
        "terms": model.terms,
        "state": state,
        "detail": detail,
    }


def _here(found: Weights) -> dict[str, str]:
    return {"name": found.name, "path": str(found.path), "digest": found.digest}


def _size(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
