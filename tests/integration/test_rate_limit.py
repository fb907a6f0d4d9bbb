"""The sliding window of requests per minute."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select

from soundclone.api.rate_limit import RateLimit, ReportLimits
from soundclone.core import request_counts
from soundclone.core.request_counts import Want, Window
from soundclone.db.models import RequestCount
from soundclone.db.session import Database
from soundclone.errors import RateLimited

NewLimit = Callable[..., RateLimit]


class Clock:
    """Seconds that a test sets."""

    def __init__(self, now: float = 6000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def new_limit(database: Database) -> Iterator[Callable[..., RateLimit]]:
    """Makes limits that share a database, like processes."""
    made: list[RateLimit] = []

    def make(per_minute: int, clock: Clock | None = None) -> RateLimit:
        made.append(RateLimit(database, "test", per_minute, clock=clock))
        return made[-1]

    yield make
    for each in made:
        each.close()


def use(limit: RateLimit, times: int, key: str = "a") -> None:
    async def requests() -> None:
        for _ in range(times):
            await limit.check(key)

    asyncio.run(requests())


def refused(limit: RateLimit, key: str = "a") -> float:
    """Seconds to wait after a refusal."""
    with pytest.raises(RateLimited) as caught:
        asyncio.run(limit.check(key))
    return caught.value.retry_after


def test_the_limit_is_exact_within_a_minute(new_limit: NewLimit) -> None:
    limit = new_limit(5, Clock())
    use(limit, 5)
    assert refused(limit) > 60
    use(limit, 5, "b")


def test_a_refusal_does_not_count(new_limit: NewLimit) -> None:
    clock = Clock()
    limit = new_limit(5, clock)
    use(limit, 5)
    for _ in range(100):
        refused(limit)
    clock.now += 120
    use(limit, 5)


def test_requests_at_once_are_counted_like_others(new_limit: NewLimit) -> None:
    one, two = new_limit(150, Clock()), new_limit(150, Clock())

    async def requests() -> int:
        checks = [each.check("a") for each in (one, two) for _ in range(100)]
        outcomes = await asyncio.gather(*checks, return_exceptions=True)
        assert all(each is None or isinstance(each, RateLimited) for each in outcomes)
        return outcomes.count(None)

    assert asyncio.run(requests()) == 150


def test_processes_share_the_limit(new_limit: NewLimit) -> None:
    clock = Clock()
    one, two = new_limit(5, clock), new_limit(5, clock)
    use(one, 3)
    use(two, 2)
    for limit in (one, two):
        assert refused(limit) > 60


def test_what_one_process_reserves_is_little(new_limit: NewLimit) -> None:
    clock = Clock()
    one, two = new_limit(1000, clock), new_limit(1000, clock)
    use(one, 1)  # of 10 that it has reserved
    use(two, 990)
    refused(two)
    use(one, 9)
    refused(one)
    clock.now += 1.5  # a process looks again after a second
    refused(two)
    clock.now = 6090.0
    use(two, 500)
    refused(one)


def test_the_clock_of_the_database_counts(new_limit: NewLimit) -> None:
    one, two = new_limit(3), new_limit(3)
    use(one, 3)
    assert 1 <= refused(two) <= 120


def test_old_counts_are_deleted(new_limit: NewLimit, database: Database) -> None:
    use(new_limit(3, Clock()), 1, "old")
    use(new_limit(3), 1, "new")
    with database.transaction() as session:
        request_counts.delete_old(session)
    with database.read() as session:
        assert session.scalars(select(RequestCount.sender)).all() == ["test:new"]


@pytest.mark.parametrize("elapsed", [0.0, 1.0, 30.0, 59.0])
@pytest.mark.parametrize("most", [1, 2, 5, 100])
def test_the_time_to_wait_is_enough_and_not_too_long(most: int, elapsed: float) -> None:
    window = Window(100, 0, 0)
    want = Want("a", most, most)
    assert window.take(want, elapsed).number == most
    wait = window.take(want, elapsed).seconds
    for later, number in ((wait - 0.01, 0), (wait + 0.01, 1)):
        minutes, seconds = divmod(elapsed + later, 60)
        moved = Window(100, window.current, window.previous)
        moved.advance(100 + int(minutes))
        assert moved.take(Want("a", most, 1), seconds).number == number


def test_the_share_of_the_minute_before_counts(new_limit: NewLimit) -> None:
    clock = Clock(6059.0)
    limit = new_limit(10, clock)
    use(limit, 10)
    clock.now = 6090.0  # half of the minute before is less than 60 s ago
    use(limit, 5)
    refused(limit)
    clock.now = 6300.0
    use(limit, 10)


def test_reports_are_limited_by_address_and_in_total(database: Database) -> None:
    limits = ReportLimits(database, per_address=2, in_total=5)

    async def use() -> None:
        for _ in range(2):
            await limits.check("192.0.2.1")
        with pytest.raises(RateLimited, match="wait a minute and send the report again"):
            await limits.check("192.0.2.1")
        for last in range(2, 5):
            await limits.check(f"192.0.2.{last}")
        with pytest.raises(RateLimited):
            await limits.check("192.0.2.9")

    asyncio.run(use())
    limits.close()
