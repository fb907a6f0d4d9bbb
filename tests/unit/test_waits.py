"""When a stream of an account with many streams will be heard."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from soundclone.api.waits import Wait, Waits


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def begin(waits: Waits, stack: ExitStack, count: int, account: str = "a") -> list[Wait]:
    return [stack.enter_context(waits.of(account, f"{account}{n}")) for n in range(count)]


def test_the_pace_of_the_first_streams_tells_when_the_others_are_heard(
    clock: Clock, stack: ExitStack
) -> None:
    streams = begin(Waits(clock), stack, 20)
    for each in streams[:5]:
        assert streams[19].expected() is None or each is streams[4]
        clock.now += 0.25
        each.end()
    # 1.25 s have passed, and each of the 15 others takes a quarter of a second.
    assert streams[5].expected() == pytest.approx(1.5)
    assert streams[19].expected() == pytest.approx(5.0)
    assert streams[0].expected() is None


def test_refused_streams_let_the_others_advance(clock: Clock, stack: ExitStack) -> None:
    waits = Waits(clock)
    streams = begin(waits, stack, 6)
    with waits.of("a", "refused"):
        last = stack.enter_context(waits.of("a", "last"))
        for each in streams[:5]:
            clock.now += 0.5
            each.end()
        assert last.expected() == pytest.approx(4.0)
    assert last.expected() == pytest.approx(3.5)


def test_a_pause_of_the_workers_makes_the_pace_slower(clock: Clock, stack: ExitStack) -> None:
    streams = begin(Waits(clock), stack, 8)
    for each in streams[:4]:
        clock.now += 0.1
        each.end()
    assert streams[7].expected() == pytest.approx(0.8)
    clock.now += 3.7
    assert streams[7].expected() == pytest.approx(4 * 1.0 + 0.4)


def test_streams_of_other_accounts_and_earlier_ones_count_for_nothing(
    clock: Clock, stack: ExitStack
) -> None:
    waits = Waits(clock)
    with ExitStack() as before:
        for each in begin(waits, before, 6):
            clock.now += 1.0
            each.end()
    busy = begin(waits, stack, 8, "busy")
    for each in busy[:5]:
        clock.now += 1.0
        each.end()
    other = begin(waits, stack, 2, "other")
    assert other[1].expected() is None
    assert busy[7].expected() == pytest.approx(8.0)
