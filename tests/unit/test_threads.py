from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from soundclone.audio import threads


@pytest.mark.parametrize("most", [1, 3])
def test_results_are_in_the_order_of_the_items(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(threads, "_MOST", most)
    assert threads.map_in_threads(lambda item: item * item, range(7)) == [
        0, 1, 4, 9, 16, 25, 36,
    ]  # fmt: skip
    assert threads.map_in_threads(str, ()) == []
    assert threads.run_beside(lambda: "this", lambda: "other") == ("this", "other")
    assert list(threads.one_ahead(iter("items"))) == ["i", "t", "e", "m", "s"]
    assert list(threads.one_ahead(())) == []


def test_blocks_are_computed_beside_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_MOST", 2)
    both = threading.Barrier(2, timeout=10)  # breaks unless two threads meet
    threads.map_in_threads(lambda _: both.wait(), range(2))
    threads.run_beside(both.wait, both.wait)

    def items() -> Iterator[int]:
        yield 0
        both.wait()
        yield 1

    for item in threads.one_ahead(items()):
        if item == 0:
            both.wait()


def test_an_error_reaches_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_MOST", 2)
    for fail in (
        lambda: threads.map_in_threads(lambda item: 1 // item, (1, 0)),
        lambda: threads.run_beside(lambda: 1, lambda: 1 // 0),
        lambda: list(threads.one_ahead(1 // item for item in (1, 0))),
    ):
        with pytest.raises(ZeroDivisionError):
            fail()
