"""`soundclone pronunciations`: the dictionaries of an account and of its projects, over HTTP."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .common import AsJson, fail, print_json, print_table, refuse
from .connection import ApiKey, BaseUrl, connected
from .production import read_file
from .projects import id_of
from .remote import STANDARD, check_outputs

if TYPE_CHECKING:
    from soundclone_client import Client, Pronunciation

pronunciations_app = typer.Typer(
    help="Manage the pronunciations of an account or project.",
    no_args_is_help=True,
)

_LARGEST = 2**20  # bytes of a file of entries; a dictionary has at most 1,000
_YES, _NO = ("true", "yes", "1"), ("", "false", "no", "0")

Written = Annotated[str, typer.Argument(help="Word or phrase as it is written", metavar="WRITTEN")]
OfLanguage = Annotated[
    str,
    typer.Option(help="Language whose sentences the entry applies to (default: all languages)"),
]
OfProject = Annotated[
    str | None,
    typer.Option(
        "--project",
        help="Name or id of the project whose dictionary is meant (default: the account's)",
        metavar="PROJECT",
    ),
]


@pronunciations_app.command("list")
def list_(
    project: OfProject = None, url: BaseUrl = None, key: ApiKey = None, as_json: AsJson = False
) -> None:
    """List the entries of the dictionary."""
    with connected(url, key) as client:
        entries = _Dictionary(client, project).entries()
    _print(entries, as_json)


@pronunciations_app.command("add")
def add(
    written: Written,
    spoken: Annotated[
        str, typer.Argument(help="What is spoken in place of the word", metavar="[SPOKEN]")
    ] = "",
    ipa: Annotated[
        str,
        typer.Option("--ipa", help="Its sounds instead, such as pɪˈkɑːn", metavar="IPA"),
    ] = "",
    language: OfLanguage = "",
    match_case: Annotated[
        bool, typer.Option("--match-case", help="Match only the same case")
    ] = False,
    project: OfProject = None,
    url: BaseUrl = None,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Add an entry, or replace that of the same word."""
    from soundclone_client import Pronunciation

    if bool(spoken) == bool(ipa):
        refuse("give either SPOKEN or --ipa")
    entry = Pronunciation(written, spoken, language=language, match_case=match_case, ipa=ipa)
    with connected(url, key) as client:
        dictionary = _Dictionary(client, project)
        entries = dictionary.replace(_merged(dictionary.entries(), [entry]))
    _print(entries, as_json)


@pronunciations_app.command("remove")
def remove(
    written: Written,
    language: Annotated[
        str | None, typer.Option(help="Remove only the entry of this language")
    ] = None,
    project: OfProject = None,
    url: BaseUrl = None,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Remove the entries of a word."""
    with connected(url, key) as client:
        dictionary = _Dictionary(client, project)
        known = dictionary.entries()
        kept = [
            each
            for each in known
            if each.written != written
            or (language is not None and each.language.casefold() != language.casefold())
        ]
        if len(kept) == len(known):
            fail(
                f"there is no entry for {written!r}"
                + (f" in {language}" if language else "")
                + "; `soundclone pronunciations list` shows them",
                "not_found",
            )
        entries = dictionary.replace(kept)
    _print(entries, as_json)


@pronunciations_app.command("import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(help="CSV file in UTF-8 with a head; - for standard input", metavar="FILE"),
    ],
    replace: Annotated[
        bool, typer.Option("--replace", help="Remove all entries that the file lacks")
    ] = False,
    project: OfProject = None,
    url: BaseUrl = None,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Add the entries of a CSV file.

    The head of the file names its columns: written, spoken or ipa or both, and, if needed, language
    and match_case.
    """
    read = _parse(_read(file), str(file) if file != STANDARD else "standard input")
    with connected(url, key) as client:
        dictionary = _Dictionary(client, project)
        before = [] if replace else dictionary.entries()
        entries = dictionary.replace(_merged(before, read))
    _print(entries, as_json)


@pronunciations_app.command("export")
def export(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="CSV file; - for standard output")
    ] = STANDARD,
    project: OfProject = None,
    url: BaseUrl = None,
    key: ApiKey = None,
) -> None:
    """Write the entries as CSV, which `import` reads."""
    if output != STANDARD:
        check_outputs(output)
    with connected(url, key) as client:
        text = _format(_Dictionary(client, project).entries())
    if output == STANDARD:
        sys.stdout.buffer.write(text.encode())
        sys.stdout.flush()
    else:
        output.write_bytes(text.encode())


class _Dictionary:
    """The dictionary of the account, or of a project."""

    def __init__(self, client: Client, project: str | None) -> None:
        self._client = client
        self._project = id_of(client, project) if project else None

    def entries(self) -> list[Pronunciation]:
        return self._client.pronunciations(project_id=self._project)

    def replace(self, entries: Iterable[Pronunciation]) -> list[Pronunciation]:
        return self._client.set_pronunciations(entries, project_id=self._project)


def _merged(before: Iterable[Pronunciation], added: Iterable[Pronunciation]) -> list[Pronunciation]:
    """Return entries of which each word, language and case has the last one."""
    found = {
        (each.written, each.language.casefold(), each.match_case): each
        for each in (*before, *added)
    }
    return list(found.values())


def _read(file: Path) -> bytes:
    if file == STANDARD:
        data = sys.stdin.buffer.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            fail(f"standard input has more than {_LARGEST // 2**20} MB", "too_large")
        return data
    return read_file(file, _LARGEST)


def _parse(data: bytes, name: str) -> list[Pronunciation]:
    """Return the entries of a CSV file. Ends the command if a line is wrong."""
    from soundclone_client import Pronunciation

    columns = {field.name: field for field in fields(Pronunciation)}
    try:
        rows = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        head = list(rows.fieldnames or ())
        if "written" not in head or not {"spoken", "ipa"} & set(head) or set(head) - set(columns):
            fail(
                f"{name} has the head {','.join(head)!r}; its columns must be written, spoken or "
                "ipa or both, and, if needed, language and match_case",
                "file",
            )
        found = []
        for row in rows:
            if None in row or None in row.values():
                fail(f"{name}, line {rows.line_num}: there must be {len(head)} values", "file")
            values: dict[str, object] = {k: v.strip() for k, v in row.items()}
            if "match_case" in row:
                values["match_case"] = _truth(row["match_case"], f"{name}, line {rows.line_num}")
            found.append(Pronunciation(**values))  # type: ignore[arg-type]
    except UnicodeDecodeError as error:
        fail(f"{name} is not UTF-8 at byte {error.start}; convert the file to UTF-8", "file")
    except csv.Error as error:
        fail(f"{name} is not CSV: {error}", "file")
    if not found:
        fail(f"{name} has no entries below its head", "file")
    return found


def _truth(text: str, place: str) -> bool:
    word = text.strip().lower()
    if word not in (*_YES, *_NO):
        fail(f"{place}: match_case is {text!r}; it must be true or false", "file")
    return word in _YES


def _format(entries: Iterable[Pronunciation]) -> str:
    from soundclone_client import Pronunciation

    text = io.StringIO()
    table = csv.writer(text)
    names = [field.name for field in fields(Pronunciation)]
    table.writerow(names)
    for entry in entries:
        values = asdict(entry)
        table.writerow(
            [str(v).lower() if isinstance(v := values[name], bool) else v for name in names]
        )
    return text.getvalue()


def _print(entries: Sequence[Pronunciation], as_json: bool) -> None:
    if as_json:
        print_json([asdict(each) for each in entries])
        return
    print_table(
        [
            {
                "written": each.written,
                "spoken": f"/{each.ipa}/" if each.ipa else each.spoken,
                "language": each.language or "all",
                "case": "same" if each.match_case else "any",
            }
            for each in entries
        ]
    )
