from __future__ import annotations

import threading
import time

import pytest
from sqlalchemy.exc import OperationalError

from soundclone.errors import NoSpeech, Unavailable
from soundclone.jobs import engine
from soundclone.jobs.runner import Interrupted, Quarantine


def test_suspects_run_alone() -> None:
    quarantine = Quarantine()
    running: list[str] = []
    seen: list[tuple[str, ...]] = []
    lock = threading.Lock()

    def task(name: str, suspect: bool) -> None:
        with quarantine.admit(suspect):
            with lock:
                running.append(name)
                seen.append(tuple(running))
            time.sleep(0.02)
            with lock:
                running.remove(name)

    threads = [
        threading.Thread(
            target=task, args=(f"{'suspect' if n % 3 == 0 else 'good'} {n}", n % 3 == 0)
        )
        for n in range(15)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert len(seen) == 15
    assert not running
    for together in seen:
        assert len(together) == 1 or not any(name.startswith("suspect") for name in together)
    assert any(len(together) > 1 for together in seen)


def test_a_task_that_fails_leaves_its_place() -> None:
    quarantine = Quarantine()
    for suspect in (True, False, True):
        try:
            with quarantine.admit(suspect):
                raise ValueError
        except ValueError:
            pass
    with quarantine.admit(True):
        pass


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
    assert engine._transient(error) is transient


def test_an_interruption_is_no_outcome() -> None:
    """The task engine writes exceptions down as outcomes; this one must pass it by."""
    assert not issubclass(Interrupted, Exception)
