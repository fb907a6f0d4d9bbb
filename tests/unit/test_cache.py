from __future__ import annotations

import threading

import pytest

from soundclone.engines.neural.cache import Cache, shared


def fail() -> object:
    raise AssertionError("it was to be here already")


def test_what_is_here_is_not_made_again() -> None:
    cache = Cache(100)
    first = cache.get(("pocket", "voice", "a"), object, 40)
    assert cache.get(("pocket", "voice", "a"), fail, 40) is first
    assert (cache.size, len(cache), cache.statistics.hits) == (40, 1, 1)
    assert cache.statistics.made == {"voice": 1}


def test_the_least_recently_used_goes() -> None:
    cache = Cache(100)
    for name in "ab":
        cache.get(("pocket", "voice", name), object, 40)
    cache.get(("pocket", "voice", "a"), fail, 40)
    cache.get(("pocket", "voice", "c"), object, 40)
    assert ("pocket", "voice", "a") in cache
    assert ("pocket", "voice", "b") not in cache
    assert cache.statistics.evicted == {"voice": 1}


def test_a_model_makes_room_for_itself_before_it_is_loaded() -> None:
    cache = Cache(100)
    for number in range(10):
        cache.get(("pocket", "voice", str(number)), object, 10)
    seen: list[int] = []
    cache.get(("pocket", "model", "en"), lambda: seen.append(cache.size), 75)
    assert seen == [20]
    assert cache.size == 95


def test_a_thousand_voices_stay_within_the_limit() -> None:
    cache = Cache(1000)
    for number in range(1000):
        cache.get(("pocket", "voice", str(number)), object, 7 + number % 90)
        assert cache.size <= 1000
    assert cache.statistics.made["voice"] - cache.statistics.evicted["voice"] == len(cache)


def test_what_is_larger_than_the_limit_is_kept_alone() -> None:
    cache = Cache(100)
    cache.get(("pocket", "voice", "a"), object, 40)
    large = cache.get(("pocket", "model", "en"), object, 500)
    assert len(cache) == 1
    assert cache.get(("pocket", "model", "en"), fail, 500) is large
    cache.get(("pocket", "voice", "a"), object, 40)
    assert cache.size == 40


def test_what_could_not_be_made_is_not_kept() -> None:
    cache = Cache(100)

    def broken() -> object:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        cache.get(("pocket", "model", "en"), broken, 10)
    assert len(cache) == cache.size == 0
    cache.get(("pocket", "model", "en"), object, 10)


def test_an_engine_that_is_closed_leaves_the_others_alone() -> None:
    cache = Cache(100)
    cache.get(("pocket", "model", "en"), object, 30)
    cache.get(("voxcpm", "model"), object, 30)
    cache.forget("pocket")
    assert cache.size == 30
    assert ("voxcpm", "model") in cache


def test_threads_keep_the_sum_right() -> None:
    cache = Cache(500)

    def use(start: int) -> None:
        for number in range(300):
            cache.get(("pocket", "voice", str((start + number * 7) % 40)), object, 30)

    users = [threading.Thread(target=use, args=(start,)) for start in range(8)]
    for user in users:
        user.start()
    for user in users:
        user.join()
    assert cache.size == 30 * len(cache) <= 500


def test_engines_share_one() -> None:
    assert shared(12345) is shared(12345)
    assert shared(12345) is not shared(54321)
