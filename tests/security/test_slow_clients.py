"""Slow, silent and endless clients: everybody else is still answered, and memory stays bounded."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import psutil
import pytest

from tests import attacks
from tests.attacks import Traffic
from tests.service import API, Service

pytestmark = pytest.mark.slow

MOST = 150  # connections that the service takes
GROWTH = 100_000_000  # bytes of memory


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    environment = {"SOUNDCLONE_MAX_CONNECTIONS": str(MOST)}
    with Service(
        tmp_path_factory.mktemp("slow"), "--no-worker", environment=environment
    ) as running:
        yield running


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until `condition` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


ATTACKS: dict[str, tuple[Callable[[int], AbstractContextManager[Traffic]], int]] = {
    # attack, and the bytes or connections after which it has shown itself
    "many headers": (attacks.many_headers, 20_000_000),
    "an endless header": (attacks.endless_header, 10_000_000),
    "half heads": (
        lambda port: attacks.held_open(port, 2 * MOST, attacks.HALF_A_HEAD, b"y"),
        2 * MOST,
    ),
    "half bodies": (
        lambda port: attacks.held_open(port, 2 * MOST, attacks.half_a_body(), b" "),
        2 * MOST,
    ),
    "silence": (lambda port: attacks.held_open(port, 2 * MOST, b""), 2 * MOST),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_others_are_answered(service: Service, name: str) -> None:
    attack, enough = ATTACKS[name]
    files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(files[1], 4096), files[1]))
    api = psutil.Process(service.pid)
    before = api.memory_info().rss
    with attack(service.port) as traffic:
        until(lambda: max(traffic.sent, traffic.opened) >= enough)
        for _ in range(30):
            assert service.get("/healthz")[0] == 200
        assert api.memory_info().rss - before < GROWTH
    assert service.get("/healthz")[0] == 200


def test_unfinished_uploads_reserve_their_space(service: Service) -> None:
    _, key = service.new_key(1)
    with attacks.unfinished_uploads(service.port, key, 12, 1_000_000) as traffic:
        until(lambda: len(traffic.answers) >= 2)
        stored = service.folder / "data"
        held = sum(path.stat().st_size for path in stored.rglob("*") if path.is_file())
        assert held < 100_000_000
        assert service.get("/healthz")[0] == 200
        assert service.get(f"{API}/user/balance", key)[1]["code"] == 20000


def test_a_slow_client_of_another_account_does_not_matter(service: Service) -> None:
    _, key = service.new_key(1)
    with attacks.held_open(service.port, MOST // 2, attacks.half_a_body(key), b" ") as traffic:
        until(lambda: traffic.opened >= MOST // 2)
        _, other = service.new_key(1)
        body = {"fileUrl": "https://example.com/a.mp3", "contentText": "Hello."}
        assert service.post(f"{API}/soundCloning/clones", body, other)[1]["code"] == 20000
