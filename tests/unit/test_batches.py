"""Batches share the work of callers that come at the same time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from soundclone.db.batches import Batches


def test_items_that_arrive_during_a_batch_form_the_next_one() -> None:
    sizes: list[int] = []
    begun, go = threading.Event(), threading.Event()

    def work(items: Sequence[int]) -> Sequence[int]:
        sizes.append(len(items))
        begun.set()
        assert go.wait(10)
        return [each * 10 for each in items]

    async def use() -> None:
        batches: Batches[int, int] = Batches(work, 4, "tests")
        first = asyncio.create_task(batches.do(0))
        await asyncio.to_thread(begun.wait, 10)
        others = [asyncio.create_task(batches.do(each)) for each in range(1, 8)]
        await asyncio.sleep(0)
        go.set()
        assert await asyncio.gather(first, *others) == [each * 10 for each in range(8)]
        batches.close()

    asyncio.run(use())
    assert sizes == [1, 4, 3]


def test_an_error_reaches_its_own_caller() -> None:
    def work(items: Sequence[int]) -> Sequence[int | Exception]:
        return [each if each != 2 else KeyError(each) for each in items]

    async def use() -> None:
        batches: Batches[int, int] = Batches(work, 8, "tests")
        found = await asyncio.gather(*map(batches.do, range(4)), return_exceptions=True)
        assert [found[0], found[1], found[3]] == [0, 1, 3]
        assert isinstance(found[2], KeyError)
        batches.close()

    asyncio.run(use())


def test_an_error_of_the_batch_reaches_all_and_the_next_batch_works() -> None:
    def work(items: Sequence[int]) -> Sequence[int]:
        if 0 in items:
            raise OSError("gone")
        return items

    async def use() -> None:
        batches: Batches[int, int] = Batches(work, 8, "tests")
        with pytest.raises(OSError, match="gone"):
            await batches.do(0)
        assert await batches.do(1) == 1
        batches.close()

    asyncio.run(use())


def test_a_cancelled_item_is_withdrawn_until_its_batch_begins() -> None:
    seen: list[int] = []
    begun, go = threading.Event(), threading.Event()

    def work(items: Sequence[int]) -> Sequence[int]:
        seen.extend(items)
        begun.set()
        assert go.wait(10)
        return items

    async def use() -> None:
        batches: Batches[int, int] = Batches(work, 8, "tests")
        running = asyncio.create_task(batches.do(1))
        await asyncio.to_thread(begun.wait, 10)
        waiting = asyncio.create_task(batches.do(2))
        await asyncio.sleep(0)
        for each in (running, waiting):
            each.cancel()
        await asyncio.gather(running, waiting, return_exceptions=True)
        go.set()
        assert await batches.do(3) == 3
        batches.close()

    asyncio.run(use())
    assert seen == [1, 3]
