"""Measure reads of a script by the number of its blocks, in processor time.

    .venv/bin/python bench/scripts.py [--blocks 1000 7000] [--rounds 5]

Half of the blocks have a take. The database is an SQLite file. `unrecorded` answers each request
for a project, and `to_record` finds the 50 blocks of a request for takes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from sqlalchemy import select, update
from sqlalchemy.orm import Session

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from growth import customer, opened, order  # noqa: E402
from tests import rows  # noqa: E402

from soundclone.core import dictionaries, projects, takes, tasks  # noqa: E402
from soundclone.core.projects import Draft, Limits, Style  # noqa: E402
from soundclone.db.models import Project, Task, TaskStatus  # noqa: E402
from soundclone.db.session import Database  # noqa: E402
from soundclone.text.pronunciation import Entry  # noqa: E402

WORDS = ("ferry", "island", "coat", "window", "evening", "boat", "answer", "rain", "roof", "year")
ENTRIES = 100  # of the dictionary
LIMITS = Limits(10, 20_000, 10_000_000)


def text(number: int) -> str:
    """Return a sentence of ten words and a number."""
    return " ".join(WORDS[(number * step) % len(WORDS)] for step in range(1, 11)) + f" {number}."


def filled(database: Database, blocks: int) -> str:
    """Make a project, and return its id."""
    account, key, _ = customer(database)
    with database.transaction() as session:
        voice = rows.voice(account, expires_at=None)
        session.add(voice)
        project = projects.create(
            session,
            account,
            key,
            name="Book",
            style=Style(voice_id=voice.id, language="English"),
            limits=LIMITS,
        )
        drafts = [Draft(text=text(number)) for number in range(blocks)]
        made = projects.insert(session, project, drafts, after=None, limits=LIMITS)
        orders = [order(account, key, voice.id) for _ in made[: blocks // 2]]
        done = tasks.submit_all(session, orders, lambda *_: None, active_limit=sys.maxsize)
        for block, task in zip(made, done, strict=False):
            assert isinstance(task, Task)
            takes.add(session, project, block, task, seed=1, digest=block.digest, reading="")
        session.execute(update(Task).values(status=TaskStatus.COMPLETED))
        return project.id


def measured(work: Callable[[], object], rounds: int) -> float:
    """Return the median of the processor milliseconds of a call."""
    found = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return 1000 * median(found)


def reads(database: Database, project_id: str) -> dict[str, Callable[[], object]]:
    """Return the calls to measure."""

    def call(work: Callable[[Session, Project], object]) -> Callable[[], object]:
        def job() -> object:
            with database.read() as session:
                return work(session, session.get_one(Project, project_id))

        return job

    return {
        "unrecorded": call(takes.unrecorded),
        "to_record": call(lambda session, project: takes.to_record(session, project, limit=51)),
    }


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blocks", type=int, nargs="+", default=[1000, 7000])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    for blocks in options.blocks:
        with tempfile.TemporaryDirectory() as folder:
            database = opened(f"sqlite:///{folder}/script.db")
            project = filled(database, blocks)
            for named, entries in (("without dictionary", 0), (f"{ENTRIES} entries", ENTRIES)):
                with database.transaction() as session:
                    locked = session.scalars(select(Project).where(Project.id == project)).one()
                    known = [Entry(f"{WORDS[0]} {number}", "fairy") for number in range(entries)]
                    dictionaries.put_of_project(session, locked, known)
                for name, work in reads(database, project).items():
                    spent = measured(work, options.rounds)
                    print(f"{blocks:6,} blocks, {named:18}: {name:11} {spent:8.1f} ms")
            database.close()


if __name__ == "__main__":
    main()
