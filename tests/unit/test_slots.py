"""Places in a worker: fair between accounts, and free again when somebody leaves."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

import pytest

from soundclone.jobs.slots import Place, Slots

TIMEOUT = 30.0


class Held:
    """A ticket in a thread that keeps its place until it is let go."""

    def __init__(
        self,
        slots: Slots,
        account: str,
        *,
        alone: bool = False,
        due: float = math.inf,
        spare: bool = False,
        tool: str | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self.account = account
        self.got = threading.Event()
        self.left = threading.Event()
        self.place: Place | None = None
        self.error: BaseException | None = None
        self._commands: list[Callable[[Place], None]] = []
        self._wake = threading.Condition()
        self._done = False

        def work() -> None:
            try:
                with slots.hold(account, alone=alone, due=due, spare=spare, check=check) as place:
                    if tool:
                        with place.using(tool):
                            self._stay(place)
                    else:
                        self._stay(place)
            except BaseException as error:
                self.error = error
            self.left.set()

        self.thread = threading.Thread(target=work, daemon=True)
        self.thread.start()

    def _stay(self, place: Place) -> None:
        self.place = place
        self.got.set()
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._commands or self._done, TIMEOUT)
                if not self._commands:
                    return
                command = self._commands.pop()
            command(place)
            self.got.set()

    def yield_slot(self) -> None:
        """Offer the place; `got` is set again when it is back."""
        time.sleep(0.3)  # longer than the least time that a place is kept
        self.got.clear()
        with self._wake:
            self._commands.append(Place.yield_slot)
            self._wake.notify()

    def go(self) -> None:
        with self._wake:
            self._done = True
            self._wake.notify()
        assert self.left.wait(TIMEOUT)


def waits(held: Held, seconds: float = 0.3) -> bool:
    return not held.got.wait(seconds)


def holds(held: Held) -> bool:
    return held.got.wait(TIMEOUT)


def test_an_urgent_step_goes_before_others_of_its_account() -> None:
    slots = Slots(1)
    long = Held(slots, "a")
    assert holds(long)
    next_one, urgent = Held(slots, "a"), Held(slots, "a", due=0.0)
    assert waits(next_one)
    long.yield_slot()
    assert holds(urgent)
    assert waits(long)
    urgent.go()
    assert holds(long)
    assert waits(next_one)
    long.go()
    assert holds(next_one)
    next_one.go()


def test_the_step_that_is_due_first_goes_first() -> None:
    slots = Slots(1)
    listener = Held(slots, "a", due=10.0)
    assert holds(listener)
    later = Held(slots, "a", due=30.0)
    assert waits(later)
    silent = Held(slots, "a", due=20.0)
    assert waits(silent)
    listener.yield_slot()
    assert holds(listener), "nobody was due earlier"
    assert listener.place
    listener.place.set_due(25.0)
    listener.yield_slot()
    assert holds(silent)
    assert waits(listener)
    silent.go()
    assert holds(listener)
    assert waits(later)
    listener.go()
    assert holds(later)
    later.go()


def test_a_free_place_is_used_by_whoever_wants_it() -> None:
    slots = Slots(2)
    a, b = Held(slots, "a"), Held(slots, "a")
    assert holds(a)
    assert holds(b)
    c = Held(slots, "a")
    assert waits(c)
    a.go()
    assert holds(c)
    for each in (b, c):
        each.go()


def test_a_free_place_goes_to_the_account_that_holds_the_fewest() -> None:
    slots = Slots(2)
    first, second = Held(slots, "a"), Held(slots, "a")
    assert holds(first)
    assert holds(second)
    backlog = [Held(slots, "a") for _ in range(5)]
    time.sleep(0.1)
    other = Held(slots, "b")
    assert waits(other)
    first.go()
    assert holds(other)
    assert all(waits(each, 0.05) for each in backlog)
    second.go()
    other.go()
    for each in backlog:
        each.go()


def test_a_newcomer_takes_an_extra_place_at_once() -> None:
    slots = Slots(2, extra=1)
    a = [Held(slots, "a") for _ in range(5)]
    deadline = time.monotonic() + TIMEOUT
    while sum(each.got.is_set() for each in a) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert sum(each.got.is_set() for each in a) == 2, "none of the extra places is for them"
    newcomer = Held(slots, "b")
    assert holds(newcomer)
    again, another = Held(slots, "b"), Held(slots, "c")
    assert waits(again)
    assert waits(another), "the extra places are bounded"
    newcomer.go()
    assert holds(another)
    for each in (another, again, *a):
        each.go()


def test_a_long_step_shares_its_place() -> None:
    """An account that holds all places gives one away, and gets it back."""
    slots = Slots(1)
    long = Held(slots, "a")
    assert holds(long)
    long.yield_slot()
    assert holds(long), "nobody else wants it"
    short = Held(slots, "b")
    assert waits(short)
    long.yield_slot()
    assert holds(short)
    assert waits(long)
    short.go()
    assert holds(long)
    long.go()


def test_a_long_step_goes_before_other_tasks_of_its_account() -> None:
    """It holds memory, and they do not yet."""
    slots = Slots(1)
    long = Held(slots, "a")
    assert holds(long)
    next_one, short = Held(slots, "a"), Held(slots, "b")
    assert waits(short)
    long.yield_slot()
    assert holds(short)
    short.go()
    assert holds(long)
    assert waits(next_one)
    long.go()
    assert holds(next_one)
    next_one.go()


def test_too_many_at_once_become_fewer() -> None:
    """After an extra place was taken, the account that holds the most gives one back."""
    slots = Slots(2, extra=1)
    one, two = Held(slots, "a"), Held(slots, "a")
    assert holds(one)
    assert holds(two)
    newcomer = Held(slots, "b")
    assert holds(newcomer)
    one.yield_slot()
    two.yield_slot()
    time.sleep(0.3)
    assert sorted((one.got.is_set(), two.got.is_set())) == [False, True]
    newcomer.go()
    assert holds(one)
    assert holds(two)
    one.go()
    two.go()


def test_a_place_is_kept_between_two_steps_of_a_task() -> None:
    """Long tasks of another account do not come between them."""
    slots = Slots(2, extra=1)
    one, two = Held(slots, "a"), Held(slots, "a")
    assert holds(one)
    assert holds(two)
    with slots.hold("b"):
        one.yield_slot()
        two.yield_slot()
        time.sleep(0.3)
    with slots.hold("b"):
        assert sorted((one.got.is_set(), two.got.is_set())) == [False, True]
    assert holds(one)
    assert holds(two)
    one.go()
    two.go()


def test_an_account_has_a_share() -> None:
    slots = Slots(4, per_account=2)
    own = [Held(slots, "a") for _ in range(2)]
    assert all(holds(each) for each in own)
    third, other = Held(slots, "a"), Held(slots, "b")
    assert holds(other)
    assert waits(third)
    own[0].go()
    assert holds(third)
    for each in (own[1], third, other):
        each.go()


def test_nobody_starves() -> None:
    """Others get as many turns as a greedy account, however much it submits."""
    slots = Slots(2, extra=1)
    turns: list[str] = []
    lock = threading.Lock()
    stop = threading.Event()

    def work(account: str) -> None:
        while not stop.is_set():
            with slots.hold(account), lock:
                turns.append(account)
            time.sleep(0.001)

    accounts = ["greedy"] * 12 + ["b", "c"]
    threads = [threading.Thread(target=work, args=(each,)) for each in accounts]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + TIMEOUT
    while min(turns.count(each) for each in ("greedy", "b", "c")) < 20:
        assert time.monotonic() < deadline, {each: turns.count(each) for each in set(accounts)}
        time.sleep(0.05)
    stop.set()
    for thread in threads:
        thread.join(TIMEOUT)
    assert not slots._held
    assert not slots._waiting


def test_whoever_is_no_longer_wanted_leaves_the_line() -> None:
    class GoneError(Exception):
        pass

    gone = threading.Event()

    def check() -> None:
        if gone.is_set():
            raise GoneError

    slots = Slots(1)
    first = Held(slots, "a")
    assert holds(first)
    cancelled = Held(slots, "b", check=check)
    last = Held(slots, "c")
    assert waits(cancelled)
    gone.set()
    assert cancelled.left.wait(TIMEOUT)
    assert isinstance(cancelled.error, GoneError)
    first.go()
    assert holds(last)
    last.yield_slot()
    assert holds(last)
    last.go()


def test_a_long_step_ends_when_it_is_no_longer_wanted() -> None:
    gone = threading.Event()

    def check() -> None:
        if gone.is_set():
            raise InterruptedError

    slots = Slots(1)
    long = Held(slots, "a", check=check)
    assert holds(long)
    other = Held(slots, "b")
    gone.set()
    long.yield_slot()
    assert long.left.wait(TIMEOUT)
    assert isinstance(long.error, InterruptedError)
    assert holds(other)
    other.go()


def test_suspects_run_alone() -> None:
    slots = Slots(2, extra=1)
    running: list[str] = []
    seen: list[tuple[str, ...]] = []
    lock = threading.Lock()

    def task(name: str, account: str, alone: bool) -> None:
        with slots.hold(account, alone=alone) as place:
            with lock:
                running.append(name)
                seen.append(tuple(running))
            time.sleep(0.02)
            place.yield_slot()
            with lock:
                running.remove(name)

    threads = [
        threading.Thread(
            target=task,
            args=(f"{'suspect' if n % 3 == 0 else 'good'} {n}", "abc"[n % 2], n % 3 == 0),
        )
        for n in range(15)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT)
    assert len(seen) == 15
    assert not running
    for together in seen:
        assert len(together) == 1 or not any(name.startswith("suspect") for name in together)


def test_a_suspect_need_not_wait_for_the_end_of_a_long_step() -> None:
    slots = Slots(1)
    long = Held(slots, "a")
    assert holds(long)
    suspect = Held(slots, "b", alone=True)
    assert waits(suspect)
    long.yield_slot()
    assert holds(suspect)
    suspect.go()
    assert holds(long)
    long.go()


@pytest.mark.parametrize("alone", [True, False])
def test_a_step_that_fails_leaves_its_place(alone: bool) -> None:
    slots = Slots(1)
    for _ in range(2):
        with (
            pytest.raises(ZeroDivisionError),
            slots.hold("a", alone=alone) as place,
            place.using("x"),
        ):
            raise ZeroDivisionError
    with slots.hold("a"):
        pass
    assert not slots._tools


def test_whoever_waits_for_a_tool_holds_no_place() -> None:
    """An engine that can do one thing at a time does not stop the others."""
    slots = Slots(2)
    busy = Held(slots, "a", tool="engine")
    assert holds(busy)
    waiting = Held(slots, "b", tool="engine")
    assert waits(waiting)
    other = Held(slots, "c", tool="another engine")
    assert holds(other)
    other.go()
    busy.go()
    assert holds(waiting)
    waiting.go()
    assert not slots._tools


def test_a_tool_changes_hands_in_the_middle_of_a_long_step() -> None:
    slots = Slots(2)
    long = Held(slots, "a", tool="engine")
    assert holds(long)
    short = Held(slots, "b", tool="engine")
    assert waits(short)
    long.yield_slot()
    assert holds(short)
    assert waits(long)
    short.go()
    assert holds(long)
    long.go()


def test_spare_slots_go_to_other_steps_of_the_account() -> None:
    slots = Slots(2)
    step, spare = Held(slots, "one"), Held(slots, "one", spare=True)
    assert step.got.wait(TIMEOUT)
    assert spare.got.wait(TIMEOUT)
    second = Held(slots, "one", spare=True)
    third = Held(slots, "one")
    assert waits(third)
    spare.yield_slot()
    assert third.got.wait(TIMEOUT)
    assert waits(second)
    assert waits(spare)
    third.go()
    step.go()
    for held in (spare, second):
        assert held.got.wait(TIMEOUT)
        held.go()
