from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from soundclone.db.migrate import upgrade
from soundclone.db.session import Database
from soundclone.errors import NoSpeech, Unavailable
from soundclone.jobs import queue
from soundclone.jobs.runner import Interrupted, Run, Watch


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (Unavailable("the store is away"), True),
        (OperationalError("SELECT 1", {}, Exception()), True),
        (ConnectionResetError(), True),
        (NoSpeech("nothing there"), False),
        (ZeroDivisionError(), False),
        (KeyError(), False),
    ],
)
def test_what_is_tried_again(error: Exception, transient: bool) -> None:
    assert queue._transient(error) is transient


def test_an_interruption_is_no_outcome() -> None:
    """The task engine writes exceptions down as outcomes; this one must pass it by."""
    assert not issubclass(Interrupted, Exception)


def test_a_task_that_is_taken_up_twice_stays_watched(tmp_path: Path) -> None:
    """A worker that was thought dead may get its own task back while its first run goes on."""
    database = Database(f"sqlite:///{tmp_path / 'database'}")
    upgrade(database)
    watch = Watch(database, every=0.01)
    stale, present = Run(), Run()
    first, second = ExitStack(), ExitStack()
    with first, second:
        first.enter_context(watch.over("audio_1", stale))
        second.enter_context(watch.over("audio_1", present))
        first.close()
        present.ended.clear()
        assert present.ended.wait(60), "there is no such task, so it has ended"
    database.close()
