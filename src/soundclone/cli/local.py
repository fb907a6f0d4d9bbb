"""`soundclone doctor` and `soundclone languages`: examine this machine."""

from __future__ import annotations

import typer

from .common import FAILED, AsJson, print_json, print_table, read_settings
from .progress import spinner


def doctor(as_json: AsJson = False) -> None:
    """Check that this machine can run the service.

    The checks cover engines, codecs, database, storage, disk and workers. FAIL marks a
    required part that does not work, and makes the exit code 1. "no" marks an optional part that
    does not work.
    """
    from ..jobs.doctor import examine

    with spinner("checking", as_json) as show:
        report = examine(read_settings(), show)
    if as_json:
        print_json(report.to_json())
    else:
        for row in report.checks:
            mark, colour = ("ok", None) if row.ok else ("no", "bright_black")
            if row.needed and not row.ok:
                mark, colour = "FAIL", "red"
            typer.secho(f"{mark:<4}  {row.name:<18} {row.detail}", fg=colour)
    if not report.ok:
        raise typer.Exit(FAILED)


def languages(as_json: AsJson = False) -> None:
    """List languages, and the engine that speaks each.

    The columns v1 and v2 are the versions of voices.
    """
    from ..engines.registry import InstalledEngines
    from ..jobs.engines import selector_of, usable
    from ..text.languages import LANGUAGES

    with spinner("looking for engines", as_json):
        settings = read_settings()
        selector = selector_of(settings)
        offers, found = usable(InstalledEngines(settings), selector)
    table = selector.table(offers)
    unusable = {name: reason for name, reason in found.items() if reason}
    if as_json:
        listed = [
            {"name": name, "code": LANGUAGES[name].code, "engines": table[name]} for name in table
        ]
        print_json({"languages": listed, "unusable": unusable})
        return
    rows = [
        {"language": name, "code": LANGUAGES[name].code}
        | {version: engine or "none" for version, engine in table[name].items()}
        for name in table
    ]
    print_table([{"language": "", "code": "", "v1": "-", "v2": "-"} | row for row in rows])
    for name, reason in unusable.items():
        typer.secho(f"not usable  {name}: {reason}", fg="yellow", err=True)
