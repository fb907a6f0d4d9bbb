from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[1] / ".venv-tools"


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """URL of a server of the S3 protocol. A PUT to `/{bucket}` makes a bucket in it."""
    program = TOOLS / "bin" / "moto_server"
    if not program.exists():
        reason = "no .venv-tools: make it from requirements/tools.txt"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [program, "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(url, timeout=5).close()
                break
            except urllib.error.URLError:
                assert server.poll() is None, "moto_server ended"
                assert time.monotonic() < deadline, "moto_server does not answer"
                time.sleep(0.1)
        yield url
    finally:
        server.terminate()
        server.wait(10)
