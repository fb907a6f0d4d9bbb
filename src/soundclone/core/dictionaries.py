"""Pronunciation dictionaries of accounts and projects.

The dictionary of an account applies to all its speech. The dictionary of a project applies to the
blocks of its script, and prevails.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from sqlalchemy import delete
from sqlalchemy.orm import Session

from ..db.models import Dictionary, Project, ProjectDictionary
from ..errors import InvalidParameter, NotFound
from ..text import languages
from ..text.cleaning import clean
from ..text.ipa import fault
from ..text.lexicon import Lexicon
from ..text.pronunciation import LONGEST, MOST_ENTRIES, Entry
from . import ledger, projects

_VERSION = "v2"  # has the languages of all versions


def checked(entries: Sequence[Entry], param: str, most: int = MOST_ENTRIES) -> tuple[Entry, ...]:
    """Return entries with clean texts and with the names of their languages.

    Raises:
        InvalidParameter: An entry is empty, too long, names an unknown language or is there twice,
            or there are too many.
    """
    if len(entries) > most:
        raise InvalidParameter(
            f"{param} has {len(entries):,} entries; at most {most:,} are allowed", param=param
        )
    found: dict[tuple[str, str, bool], Entry] = {}
    for number, entry in enumerate(entries, 1):
        written, spoken, ipa = map(clean, (entry.written, entry.spoken, entry.ipa))
        if ipa:
            _check_ipa(number, spoken, ipa, param)
        for name, text in (("written", written), *([] if ipa else [("spoken", spoken)])):
            if not any(map(str.isalnum, text)) or len(text) > LONGEST or "<#" in text:
                raise InvalidParameter(
                    f"{name} of entry {number} is {text[:40]!r}; it must have a letter or a digit, "
                    f"at most {LONGEST} characters and no pause marker",
                    param=param,
                )
        language = languages.lookup(entry.language, _VERSION).name if entry.language else ""
        place = (written if entry.match_case else written.casefold(), language, entry.match_case)
        if place in found:
            raise InvalidParameter(
                f"entry {number} has {written!r} again; each word may be there once for a language",
                param=param,
            )
        found[place] = Entry(written, spoken, language, entry.match_case, ipa)
    return tuple(found.values())


def _check_ipa(number: int, spoken: str, ipa: str, param: str) -> None:
    """Raise InvalidParameter if the sounds of an entry have a fault, or a spoken form beside."""
    if spoken:
        raise InvalidParameter(
            f"entry {number} has spoken {spoken[:40]!r} and ipa {ipa[:40]!r}; leave one of them "
            "out",
            param=param,
        )
    if reason := fault(ipa):
        raise InvalidParameter(f"ipa of entry {number} is {ipa[:60]!r}: {reason}", param=param)


def of(session: Session, account_id: str) -> tuple[Entry, ...]:
    """Return the entries of an account."""
    row = session.get(Dictionary, account_id)
    return () if row is None else tuple(Entry(**entry) for entry in row.entries)


def put(session: Session, account_id: str, entries: Sequence[Entry]) -> None:
    """Replace the entries of an account."""
    session.merge(
        Dictionary(
            account_id=account_id,
            entries=[entry.to_json() for entry in entries],
            updated_at=time.time(),
        )
    )


def exchange(session: Session, account_id: str, before: Entry | None, after: Entry | None) -> None:
    """Replace, add or delete one entry of an account.

    Args:
        session: The transaction.
        account_id: Id of the account.
        before: The entry to replace or delete, None to add one.
        after: The new entry, None to delete one.

    Raises:
        NotFound: The dictionary has no entry `before`.
        InvalidParameter: The new entry is wrong or there twice, or there are too many.
    """
    ledger.lock(session, account_id)
    put(session, account_id, _exchanged(of(session, account_id), before, after))


def _exchanged(
    known: Sequence[Entry], before: Entry | None, after: Entry | None
) -> Sequence[Entry]:
    entries = list(known)
    at = len(entries)
    if before is not None:
        if before not in entries:
            raise NotFound(f"the dictionary has no entry {before.written[:40]!r} any more")
        at = entries.index(before)
        del entries[at]
    if after is not None:
        (entry,) = checked([after], "written")
        entries.insert(at, entry)
        checked(entries, "written")
    return entries


def remove(session: Session, account_id: str) -> None:
    """Delete the entries of an account."""
    session.execute(delete(Dictionary).where(Dictionary.account_id == account_id))


# Projects


def of_project(session: Session, project_id: str) -> tuple[Entry, ...]:
    """Return the entries of a project."""
    row = session.get(ProjectDictionary, project_id)
    return () if row is None else tuple(Entry(**entry) for entry in row.entries)


def put_of_project(session: Session, project: Project, entries: Sequence[Entry]) -> None:
    """Replace the entries of a locked project. Without entries the row is deleted."""
    if entries:
        session.merge(
            ProjectDictionary(
                project_id=project.id,
                account_id=project.account_id,
                entries=[entry.to_json() for entry in entries],
                updated_at=time.time(),
            )
        )
    else:
        session.execute(delete(ProjectDictionary).where(ProjectDictionary.project_id == project.id))
    projects.touch(project)


def exchange_of_project(
    session: Session, project: Project, before: Entry | None, after: Entry | None
) -> None:
    """Replace, add or delete one entry of a locked project, as `exchange` does.

    Raises:
        NotFound: The dictionary has no entry `before`.
        InvalidParameter: The new entry is wrong or there twice, or there are too many.
    """
    entries = _exchanged(of_project(session, project.id), before, after)
    put_of_project(session, project, entries)


def lexicon(session: Session, project: Project) -> Lexicon:
    """Return the entries that apply to the blocks of a project."""
    own = of_project(session, project.id)
    return Lexicon(joined(of(session, project.account_id), own))


def joined(usual: Sequence[Entry], own: Sequence[Entry]) -> tuple[Entry, ...]:
    """Return entries and more particular ones, which replace those of the same word."""
    words = {entry.written.casefold() for entry in own}
    return (*(entry for entry in usual if entry.written.casefold() not in words), *own)
