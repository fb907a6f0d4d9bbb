"""The sliding window of requests per minute."""

from __future__ import annotations

import pytest

from soundclone.api.rate_limit import RateLimit
from soundclone.errors import RateLimited

from .conftest import Api

SPEECH = {"model": "tts-1", "input": "Hello.", "voice": "nobody"}


class Clock:
    """Seconds that a test sets."""

    def __init__(self, now: float = 6000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def use(limit: RateLimit, times: int, key: str = "a") -> None:
    for _ in range(times):
        limit.check(key)


def refused(limit: RateLimit, key: str = "a") -> float:
    """Seconds to wait after a refusal."""
    with pytest.raises(RateLimited) as caught:
        limit.check(key)
    return caught.value.retry_after


def test_the_limit_is_exact_within_a_minute() -> None:
    limit = RateLimit(5, Clock())
    use(limit, 5)
    assert refused(limit) > 60
    use(limit, 5, "b")


def test_a_refusal_does_not_count() -> None:
    clock = Clock()
    limit = RateLimit(5, clock)
    use(limit, 5)
    for _ in range(100):
        refused(limit)
    clock.now += 120
    use(limit, 5)


@pytest.mark.parametrize("elapsed", [0.0, 1.0, 30.0, 59.0])
@pytest.mark.parametrize("most", [1, 2, 5, 100])
def test_the_time_to_wait_is_enough_and_not_too_long(most: int, elapsed: float) -> None:
    clock = Clock(6000.0 + elapsed)
    limit = RateLimit(most, clock)
    use(limit, most)
    wait = refused(limit)
    clock.now += wait - 1.01
    refused(limit)
    clock.now += 1.02
    limit.check("a")


def test_the_share_of_the_minute_before_counts() -> None:
    clock = Clock(6059.0)
    limit = RateLimit(10, clock)
    use(limit, 10)
    clock.now = 6090.0  # half of the minute before is less than 60 s ago
    use(limit, 5)
    refused(limit)
    clock.now = 6300.0
    use(limit, 10)


def test_every_submission_counts(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.app.state.soundclone.rate_limit, "_limit", 2)
    key = api.new_account().key
    path = "/api/open-api/v1/soundCloning/clones"
    for _ in range(2):
        assert api.post(path, {"fileUrl": "ftp://x"}, key)[1]["code"] == 20002
    response = api.send("POST", path, key=key, body={"fileUrl": "ftp://x"})
    assert response.status_code == (429 if api.real else 200)
    assert response.json()["data"]["errorCode"] == "rate_limited"
    assert int(response.headers["Retry-After"]) >= 1
    answer = api.send("POST", "/v1/audio/speech", key=key, body=SPEECH)
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    assert api.get("/api/open-api/v1/user/balance", key)[1]["code"] == 20000
