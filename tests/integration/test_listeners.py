"""Signs of life about spoken streams, and the end of streams without any."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from soundclone.api.listeners import Listeners
from soundclone.config import Settings
from soundclone.core import files, ledger, listeners, tasks
from soundclone.core.listeners import SILENCE
from soundclone.db.models import Task
from soundclone.db.session import Database
from soundclone.jobs.abandonment import Abandonment
from soundclone.storage import Storage

from .test_ledger import KEEP, customer, hand_over, speak, streamed, submit


def a_spoken_stream(database: Database) -> tuple[str, str]:
    account, key = customer(database, 100)
    task = submit(database, streamed(account, key, 70, characters=7))
    assert speak(database, task)
    return account, task


def signs(database: Database) -> dict[str, float]:
    with database.read() as session:
        return listeners.signs(session)


async def until(true: Callable[[], bool]) -> None:
    for _ in range(30_000):
        if true():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


def test_an_api_gives_signs_of_life_until_the_task_ends(database: Database) -> None:
    _, spoken = a_spoken_stream(database)
    account, key = customer(database, 100)
    queued = submit(database, streamed(account, key, 70, characters=7))

    async def live() -> None:
        mine = Listeners(database, 0.01)
        mine.add(spoken)
        mine.add(queued)
        mine.begin()
        await until(lambda: signs(database)[spoken] >= 3)
        with database.transaction() as session:
            tasks.cancel(session, queued, account, keep=KEEP)
        assert hand_over(database, spoken, 7)
        await until(lambda: not mine.streams)
        await mine.end()

    asyncio.run(live())


def test_streams_without_a_sign_of_life_are_cancelled(database: Database, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, secret_key="x" * 32)
    storage = Storage.of(settings)
    (account, lost), (_, living) = a_spoken_stream(database), a_spoken_stream(database)
    for task in (lost, living):
        storage.put(f"{files.result_folder(task)}/speech.mp3", b"audio")
    elapsed = [0.0]
    abandonment = Abandonment(settings, database, storage, lambda: elapsed[0])

    def check(at: float) -> None:
        elapsed[0] = at
        abandonment.check()
        with database.transaction() as session:
            listeners.renew(session, [living])

    for at in range(0, int(SILENCE), 5):
        check(float(at))
    assert set(signs(database)) == {lost, living}
    check(SILENCE)
    assert set(signs(database)) == {living}
    assert storage.size(f"{files.result_folder(lost)}/speech.mp3") is None
    assert storage.size(f"{files.result_folder(living)}/speech.mp3") == 5
    with database.read() as session:
        row = session.get_one(Task, lost)
        assert (row.status, row.error_word, row.cost, row.size) == ("failed", "cancelled", 0, 0)
        assert "the connection was lost before the speech was sent" in (row.error or "")
        assert ledger.balance(session, account).held == 0
        assert ledger.audit(session).sound


def test_after_a_pause_apis_have_time_for_a_sign_of_life(
    database: Database, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path, secret_key="x" * 32)
    _, task = a_spoken_stream(database)
    elapsed = [0.0]
    abandonment = Abandonment(settings, database, Storage.of(settings), lambda: elapsed[0])
    abandonment.check()
    for elapsed[0] in (500.0, 505.0):  # the database was away
        abandonment.check()
    assert set(signs(database)) == {task}
    elapsed[0] = 500 + SILENCE / 2
    abandonment.check()
    assert not signs(database)
