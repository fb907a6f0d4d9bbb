"""Chunks that are spoken before their steps."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from soundclone.db.models import Json, Task
from soundclone.jobs.ahead import Ahead
from soundclone.jobs.runner import Job, Run
from soundclone.jobs.slots import Slots

TIMEOUT = 20.0


@dataclass(frozen=True)
class Pretended:
    """Parts of a job that `Ahead` uses."""

    compute: Slots
    run: Run = field(default_factory=Run)
    task: Task = field(default_factory=lambda: Task(id="audio_1", account_id="account_1"))
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def pools(self) -> Any:
        return SimpleNamespace(compute=self.compute)

    def check(self) -> None:
        if self.ended.is_set():
            raise InterruptedError


def ahead(job: Pretended, count: int, speak: Any) -> Ahead:
    return Ahead(cast(Job, job), count, speak)


def record(job: Job, index: int) -> Json:
    assert job.run.place is not None
    return {"index": index}


def test_the_next_chunks_are_spoken_in_slots_of_their_own() -> None:
    both = threading.Barrier(2, timeout=TIMEOUT)  # breaks unless two threads meet

    def meet(job: Job, index: int) -> Json:
        both.wait()
        return record(job, index)

    job = Pretended(Slots(2))
    with ahead(job, 3, meet) as chunks:
        assert chunks.begun(0) is None
        parts = [chunks._parts[index].future.result(TIMEOUT) for index in (1, 2)]
        assert parts == [{"index": 1}, {"index": 2}]
        for index in (1, 2):
            taken = chunks.begun(index)
            assert taken is not None
            assert taken() == {"index": index}
    assert job.run.place is None
    assert job.compute.taken == 0


def test_a_step_speaks_a_chunk_that_has_no_slot_yet() -> None:
    job = Pretended(Slots(1))
    with ahead(job, 2, record) as chunks, job.compute.hold("account_1"):
        assert chunks.begun(0) is None
        assert chunks.begun(1) is None


def test_one_chunk_at_a_time_is_spoken_after_a_crash() -> None:
    job = Pretended(Slots(2), Run(suspect=True))
    with ahead(job, 2, record) as chunks:
        assert chunks.begun(0) is None
        assert not chunks._parts
        job.run.suspect = False
        assert chunks.begun(0) is None
        assert chunks._parts


def test_the_end_of_the_task_ends_its_threads() -> None:
    job = Pretended(Slots(2))

    def long(part: Job, index: int) -> Json:
        assert job.ended.wait(TIMEOUT)
        part.check()
        return record(part, index)

    with ahead(job, 9, long) as chunks:
        chunks.begun(0)
        while job.compute.taken < 2:
            pass
        job.ended.set()
        taken = chunks.begun(1)
        assert taken is not None
        with pytest.raises(InterruptedError):
            taken()
    assert job.compute.taken == 0
