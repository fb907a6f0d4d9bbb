"""A real service in separate processes, for tests that act as clients."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


class Service:
    """`soundclone serve` on a new folder. Use it as a context manager."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        environment: dict[str, str] | None = None,
        python: str | Path = sys.executable,
    ) -> None:
        self.folder = folder
        self.python = str(python)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "service.log"
        self._arguments = arguments
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith("SOUNDCLONE_")
        } | {
            "SOUNDCLONE_DATA_DIR": str(folder / "data"),
            "SOUNDCLONE_FETCH_ALLOW": "127.0.0.1",
            "SOUNDCLONE_STREAM_WAIT": "120",  # the machine of the tests may be slow
            "PYTHONUNBUFFERED": "1",
            **(environment or {}),
        }
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Service:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            if process.poll() is None:
                process.terminate()
        for process in self._processes:
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    @property
    def pid(self) -> int:
        """The process id of the API."""
        return self._processes[0].pid

    def start(self, timeout: float = 300) -> None:
        """Start the API (and its worker, unless --no-worker) and wait until it answers."""
        self.spawn("serve", "--port", str(self.port), *self._arguments)
        self.wait_for("/healthz" if "--no-worker" in self._arguments else "/readyz", timeout)

    def spawn(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Run a soundclone command beside the service, in a new process group."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [self.python, "-m", "soundclone", *arguments],
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._processes.append(process)
        return process

    def worker(self) -> subprocess.Popen[bytes]:
        """Start a separate worker."""
        return self.spawn("worker")

    def children(self) -> list[int]:
        """Process ids of the workers that the API has started and that live."""
        listed = subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid=,stat=,args="], capture_output=True, check=True, text=True
        )
        rows = (line.split(None, 3) for line in listed.stdout.splitlines())
        return [
            int(pid)
            for pid, parent, state, arguments in (row for row in rows if len(row) == 4)
            if int(parent) == self.pid and not state.startswith("Z") and " worker " in arguments
        ]

    def terminate(self) -> None:
        """SIGTERM the API, and wait until it and its worker are gone."""
        process = self._processes.pop(0)
        process.terminate()
        assert process.wait(300) == 0

    def kill(self, *processes: subprocess.Popen[bytes]) -> None:
        """kill -9 the processes with all that they started; all of them when none is named."""
        for process in processes or self._processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            self._processes = [each for each in self._processes if each is not process]

    def command(self, *arguments: str) -> Any:
        """The JSON that a soundclone command prints."""
        done = subprocess.run(
            [self.python, "-m", "soundclone", *arguments],
            env=self.environment,
            capture_output=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)

    def new_key(self, credit: float = 100) -> tuple[str, str]:
        """(account, key) with credit."""
        made = self.command("keys", "create", "--name", "test", "--credit", str(credit), "--json")
        return made["account"], made["key"]

    def wait_for(self, path: str, timeout: float = 300) -> None:
        """Wait until `path` answers with 200."""
        deadline = time.monotonic() + timeout
        while True:
            status, body = self.get(path)
            if status == 200:
                return
            assert time.monotonic() < deadline, f"{path}: {status} {body}\n{self.log.read_text()}"
            time.sleep(0.1)

    def get(self, path: str, key: str | None = None) -> tuple[int, Any]:
        """Status and JSON of a GET; status 0 when nobody answers."""
        return self.request("GET", path, key=key)

    def post(
        self, path: str, body: Any, key: str, headers: Iterable[tuple[str, str]] = ()
    ) -> tuple[int, Any]:
        """Status and JSON of a POST of JSON."""
        return self.request("POST", path, body=body, key=key, headers=headers)

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        key: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
    ) -> tuple[int, Any]:
        url = path if path.startswith("http") else self.url + path
        request = urllib.request.Request(url, method=method)
        if body is not None:
            raw = isinstance(body, bytes)
            request.data = body if raw else json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        if key:
            request.add_header("Authorization", f"Bearer {key}")
        for name, value in headers:
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=120) as response:
                status, content = response.status, response.read()
        except urllib.error.HTTPError as error:
            with error:
                status, content = error.code, error.read()
        except (urllib.error.URLError, ConnectionError):
            return 0, None
        try:
            return status, json.loads(content)
        except ValueError:
            return status, content


API = "/api/open-api/v1"


def wait_until(true: Callable[[], object], timeout: float = 300) -> None:
    """Poll until `true` returns a true value."""
    deadline = time.monotonic() + timeout
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def finish(service: Service, task: str, key: str, timeout: float = 400) -> dict[str, Any]:
    """Poll a task until it has ended; its data."""
    deadline = time.monotonic() + timeout
    while True:
        _, body = service.get(f"{API}/audios/{task}", key)
        if body is not None:
            assert body["code"] == 20000, body
            data: dict[str, Any] = body["data"]
            if data["status"] in ("completed", "failed"):
                return data
        assert time.monotonic() < deadline, f"{body}\n{service.log.read_text()}"
        time.sleep(0.1)
