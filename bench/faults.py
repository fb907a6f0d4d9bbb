"""Hit a running service with random faults, and check after each batch that nothing is lost.

    .venv/bin/python bench/faults.py [--minutes 30] [--seed 1] [--json] [--log FILE]

Two API processes and three workers run on two "machines", each with a disk of 96 MB and a clock.
They share a Postgres server and a server of the S3 protocol. Engine: tones of `tests/engines`. The
job layer, the API, the ledger and the store are those of the service. Clients submit previews,
speech and streams all the time.

A batch has several faults in six seconds, which overlap at random:

- kill: kill -9 of a worker, an API process, a database connection, the database, or all programs
- stop: SIGSTOP of a worker, an API process or the database, and SIGCONT later
- store: the store answers 500 or 503, or falls silent; half of the requests are still executed
- disk: the disk of a machine, or of the database, is full
- clock: the clock of a machine or of the database steps by up to an hour
- source: the web server of a recording sends half of the file and stalls

After each batch: every accepted task has ended; every result downloads and has the sound of an
undisturbed run, byte for byte; no request was accepted twice; no sentence was spoken again more
often than faults hit the workers that spoke it; each hold is resolved once, and the ledger sums to
zero without holds; every file has an owner; tasks of a dead or stopped worker were taken over
within ten seconds.

The plan of a batch depends only on the seed and its number: `--seed 1 --only 17` repeats one. The
log has a line of JSON for each fault, batch and violation. Full disks need Linux and root, and
clock steps a C compiler. Without these, such faults are left out.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import random
import re
import shutil
import signal
import statistics
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from fcntl import LOCK_EX, LOCK_NB, LOCK_UN, flock
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import select

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.fault_targets import (  # noqa: E402
    BUCKET,
    Clock,
    Disk,
    Postgres,
    Program,
    Sources,
    Store,
    build_clock,
    send,
)
from tests.service import API, free_port  # noqa: E402

from soundclone.core import keys, ledger  # noqa: E402
from soundclone.db.models import Task, Transfer, Upload, Voice  # noqa: E402
from soundclone.db.session import Database  # noqa: E402
from soundclone.storage import Storage  # noqa: E402

SECRET = "0123456789abcdef" * 2
WINDOW = 6.0  # seconds in which the faults of a batch begin
DRAIN = 60.0  # seconds after the last fault in which tasks must end
TAKEOVER = 10.0  # seconds
WORKERS = ("child", "w2", "w3")
APIS = ("api1", "api2")
KINDS: dict[str, float] = {
    "kill worker": 9,
    "kill api": 5,
    "kill connection": 3,
    "kill database": 2,
    "kill all": 0.5,
    "stop worker": 12,
    "stop api": 8,
    "stop database": 5,
    "store 500": 9,
    "store 503": 9,
    "store silence": 7,
    "disk": 9,
    "disk database": 3,
    "clock": 9,
    "clock database": 3,
    "source": 5,
}
DATABASE = {"kill connection", "kill database", "stop database", "disk database", "clock database"}
SYLLABLES = [a + b for a in "bdfgklmnprst" for b in "aeiou"]
TEXTS = (
    "{} says hello.",
    "{} is first. {} is the second. {} ends it.",
    " ".join(
        f"{{}} likes {name} on evenings."
        for name in ("rivers", "hills", "islands", "forests", "meadows", "harbours", "villages",
                     "bridges", "gardens", "towers", "castles", "lamps")
    ),
)  # fmt: skip
SHARES = (5, 4, 1)  # of the texts


@dataclass(frozen=True)
class Fault:
    """A fault of a batch's plan."""

    kind: str
    target: str
    at: float  # seconds after the start of the batch
    lasts: float  # seconds
    detail: float = 0.0


@dataclass(frozen=True)
class Request:
    """A request of a batch's load."""

    kind: str  # speech, stream, clone
    account: int
    text: int
    marker: str
    at: float
    path: str = ""  # of the source


def plan(seed: int, number: int, together: int, kinds: dict[str, float]) -> list[Fault]:
    """Return the faults of a batch. Spares one worker, so that tasks can be taken over."""
    dice = random.Random(f"{seed}/{number}/faults")
    spared = dice.choice(WORKERS)
    faults: list[Fault] = []
    while len(faults) < together:
        kind = dice.choices(list(kinds), list(kinds.values()))[0]
        at, lasts, target, detail = dice.uniform(0, WINDOW), dice.uniform(0.3, 3), "", 0.0
        if kind in DATABASE and sum(each.kind in DATABASE for each in faults) >= 2:
            continue
        if kind in ("source", "kill all") and any(each.kind == kind for each in faults):
            continue
        if kind.endswith("worker"):
            target = dice.choice([name for name in WORKERS if name != spared])
        elif kind.endswith("api"):
            target = dice.choice(APIS)
            if target == "api1" and spared == "child" and kind == "kill api":
                target = "api2"  # a worker ends with the API that started it
        elif kind in ("disk", "clock"):
            target = dice.choice("ab")
        if kind == "stop worker":  # shorter than the patience of the others, or longer
            lasts = dice.uniform(1, 4) if dice.random() < 0.5 else dice.uniform(12, 14)
        elif kind == "stop api":
            lasts = dice.uniform(1, 8)
        elif kind == "stop database":
            lasts = dice.uniform(0.5, 5)
        elif kind.startswith("clock"):
            detail = round(dice.choice((-1, 1)) * 3600 ** dice.random(), 3)
        elif kind == "source":
            lasts = dice.uniform(0.5, 6) if dice.random() < 0.8 else 20.0
            detail = round(dice.random(), 3)
        faults.append(Fault(kind, target, round(at, 3), round(lasts, 3), detail))
    return sorted(faults, key=lambda fault: fault.at)


def load_of(seed: int, number: int, faults: list[Fault]) -> list[Request]:
    """Return the requests of a batch."""
    dice = random.Random(f"{seed}/{number}/load")
    requests: list[Request] = []

    def add(kind: str, path: str = "") -> None:
        letters = random.Random(f"{seed}/{number}/{len(requests)}")
        marker = "".join(letters.choice(SYLLABLES) for _ in range(5)).capitalize()
        text = 0 if kind == "clone" else dice.choices(range(len(TEXTS)), SHARES)[0]
        at = dice.uniform(0, WINDOW)
        requests.append(Request(kind, dice.randrange(3), text, marker, at, path))

    for _ in range(10):
        add("speech")
    add("stream")
    stalls = [fault for fault in faults if fault.kind == "source"]
    for fault in stalls:
        add("clone", f"stall-{int(fault.detail * 1000)}-{int(fault.lasts * 1000)}")
    if not stalls and dice.random() < 0.25:
        add("clone", dice.choice(("whole", "upload")))
    return requests


class Log:
    """File of JSON lines."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a")
        self._lock = threading.Lock()

    def write(self, event: str, **fields: object) -> None:
        """Write one line."""
        line = json.dumps({"event": event, "time": round(time.time(), 3), **fields}, default=str)
        with self._lock:
            self._file.write(line + "\n")
            self._file.flush()


@dataclass
class Victim:
    """A worker that was killed or stopped, and its tasks that another one must take over."""

    worker: str
    since: float  # monotonic seconds
    waiting: set[str]
    until: float = float("inf")  # when the worker came back
    took: float | None = None


class Watch:
    """Watches in the database who runs which task, to time takeovers."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._running: dict[str, set[str]] = {}
        self._workers: dict[int, str] = {}
        self._victims: list[Victim] = []
        self._disturbed = 0.0  # when the database last did not answer
        threading.Thread(target=self._loop, daemon=True).start()

    def hit(self, pid: int, lasts: float | None) -> str:
        """Note that a worker was killed, or stopped for `lasts` seconds. Return its id."""
        with self._lock:
            now = time.monotonic()
            worker = self._workers.get(pid, "")
            tasks = set(self._running.get(worker, ()))
            until = float("inf") if lasts is None else now + lasts
            self._victims.append(Victim(worker, now, tasks, until))
            return worker

    def takeovers(self) -> list[float]:
        """Return the seconds of the takeovers since the last call. Late ones are infinite."""
        with self._lock:
            found = [each.took for each in self._victims if each.took is not None]
            self._victims = []
            return found

    def _loop(self) -> None:
        connection: psycopg.Connection[Any] | None = None
        while True:
            begun = time.monotonic()
            try:
                if connection is None:
                    connection = psycopg.connect(self._address, autocommit=True, connect_timeout=2)
                rows = connection.execute(
                    "SELECT workflow_uuid, status, executor_id FROM dbos.workflow_status "
                    "WHERE status IN ('PENDING', 'ENQUEUED') AND name IN ('audio', 'clone')"
                ).fetchall()
                workers = connection.execute("SELECT id, info->>'pid' FROM workers").fetchall()
            except psycopg.Error:
                if connection is not None:
                    connection.close()
                connection = None
                with self._lock:
                    self._disturbed = time.monotonic()
                time.sleep(0.2)
                continue
            now = time.monotonic()
            with self._lock:
                if now - begun > 1:
                    self._disturbed = now
                self._update(now, rows, workers)
            time.sleep(0.2)

    def _update(self, now: float, rows: list[Any], workers: list[Any]) -> None:
        owners = {task: "" if status == "ENQUEUED" else owner for task, status, owner in rows}
        self._running = defaultdict(set)
        for task, owner in owners.items():
            self._running[owner].add(task)
        self._workers |= {int(pid): name for name, pid in workers if pid}
        for victim in self._victims:
            if victim.took is not None or not victim.waiting:
                continue
            victim.waiting = {
                task for task in victim.waiting if owners.get(task) in ("", victim.worker)
            }
            if now > victim.until:
                victim.waiting = set()  # the worker came back and went on
            elif not victim.waiting or now - max(victim.since, self._disturbed) > 3 * TAKEOVER:
                victim.took = now - max(victim.since, self._disturbed)


@dataclass
class Counts:
    """Totals of a run."""

    faults: Counter[str] = field(default_factory=Counter)
    missed: int = 0
    batches: int = 0
    tasks: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    violations: Counter[str] = field(default_factory=Counter)
    downloads: int = 0
    sentences: Counter[int] = field(default_factory=Counter)  # by how often each was spoken
    takeovers: list[float] = field(default_factory=list)
    submissions: list[float] = field(default_factory=list)  # seconds
    drains: list[float] = field(default_factory=list)  # seconds


class Site:
    """The service with its machines, and the load on it."""

    def __init__(self, folder: Path, seed: int, log: Log, environment: dict[str, str]) -> None:
        self.folder, self.seed, self.log = folder, seed, log
        self.counts = Counts()
        self._stack = contextlib.ExitStack()
        self._closed = threading.Event()
        try:
            self._start(environment)
        except BaseException:
            self.close()
            raise

    def _start(self, environment: dict[str, str]) -> None:
        folder = self.folder
        self.calls = folder / "calls"
        self.calls.touch()
        self._read = 0  # bytes of `calls`
        logs = folder / "logs"
        logs.mkdir()
        library = build_clock(folder)
        self.kinds = dict(KINDS)
        self.clocks = {name: Clock(folder, name) for name in ("a", "b", "database")}
        self.disks = {name: Disk(folder / name, 96) for name in "ab"}
        self.disks["database"] = Disk(folder / "database", 700)
        for disk in self.disks.values():
            self._stack.callback(disk.unmount)
        if library is None:
            del self.kinds["clock"], self.kinds["clock database"]
        if not all(disk.mounted for disk in self.disks.values()):
            del self.kinds["disk"], self.kinds["disk database"]
        self.store = Store(logs / "store.log", self.seed)
        self._stack.callback(self.store.close)
        self.postgres = Postgres(
            self.disks["database"], self.clocks["database"], library, logs / "postgres.log"
        )
        self._stack.callback(self.postgres.close)
        self.sources = Sources((ROOT / "examples" / "recording.mp3").read_bytes())
        self._stack.callback(self.sources.close)
        self.postgres.start()
        self.ports = {name: free_port() for name in APIS}
        self.base = {
            name: value for name, value in os.environ.items() if not name.startswith("SOUNDCLONE_")
        } | {
            "PYTHONPATH": os.pathsep.join(
                [
                    str(ROOT / "src"),
                    str(ROOT / "tests" / "engines"),
                    os.environ.get("PYTHONPATH", ""),
                ]
            ),
            "SOUNDCLONE_DATABASE_URL": self.postgres.address,
            "SOUNDCLONE_STORAGE_URL": f"s3://{BUCKET}/?endpoint={self.store.url}&region=us-east-1",
            "SOUNDCLONE_SECRET_KEY": SECRET,
            "SOUNDCLONE_FETCH_ALLOW": "127.0.0.1",
            "SOUNDCLONE_ENGINE_V1": "tone",
            "SOUNDCLONE_ENGINE_V2": "tone",  # so that a restart warms no other engine
            "SOUNDCLONE_TEST_CALLS": str(self.calls),
            "SOUNDCLONE_TEST_SECONDS": "0.15",
            "SOUNDCLONE_TEST_PACE": "30",
            "SOUNDCLONE_QUEUE_POLL": "0.5",
            "SOUNDCLONE_SWEEP_INTERVAL": "5",
            "SOUNDCLONE_STREAM_WAIT": "30",
            # The mark's payload differs from task to task. Without it, equal texts sound equal.
            "SOUNDCLONE_WATERMARK": "false",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "FAULTS_LOGS": str(logs),
            **environment,
        }
        self._environments = {
            name: self.base
            | {"SOUNDCLONE_DATA_DIR": str(folder / name / "data")}
            | self.clocks[name].environment(library)
            for name in "ab"
        }
        self.programs = {
            "api1": self._program("api1", "a", "serve", "--port", str(self.ports["api1"])),
            "api2": self._program(
                "api2", "b", "serve", "--no-worker", "--port", str(self.ports["api2"])
            ),
            "w2": self._program("w2", "a", "worker"),
            "w3": self._program("w3", "b", "worker"),
        }
        self._stack.callback(self._end_programs)
        os.environ |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        direct = f"s3://{BUCKET}/?endpoint={self.store.direct}&region=us-east-1"
        self.files = Storage.open(direct)
        self.programs["api1"].start()
        self._wait_ready("api1")
        for program in self.programs.values():
            program.start()
        threading.Thread(target=self._keep, daemon=True).start()
        for name in APIS:
            self._wait_ready(name)
        self.database = Database(
            self.postgres.address.replace("postgresql:", "postgresql+psycopg:"), connections=6
        )
        self.keys = [self._new_key(f"account {number}") for number in range(3)]
        self.watch = Watch(self.postgres.address)
        self.pool = ThreadPoolExecutor(40)
        self.voices: list[str] = []
        self.sounds: dict[tuple[int, int], str] = {}

    def _program(self, name: str, machine: str, *arguments: str) -> Program:
        return Program(name, arguments, self._environments[machine])

    def _wait_ready(self, name: str) -> None:
        deadline = time.monotonic() + 180
        while self._get(f"http://127.0.0.1:{self.ports[name]}/readyz")[0] != 200:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{name} is not ready; see {self.folder}/logs")
            time.sleep(0.2)

    def _new_key(self, name: str) -> tuple[str, str]:
        with self.database.transaction() as session:
            account = ledger.open_account(session, name)
            _, text = keys.create(session, SECRET.encode(), account_id=account.id, name=name)
            ledger.credit(session, account.id, 10_000_000_000_000, name)
            return account.id, text

    def _keep(self) -> None:
        """Start programs again that ended by themselves, such as without a database."""
        while not self._closed.wait(1):
            for program in self.programs.values():
                if program.wanted:
                    program.start()

    def _end_programs(self) -> None:
        self._closed.set()
        for program in self.programs.values():
            program.close()

    def close(self) -> None:
        """Kill all processes and unmount the disks."""
        self._stack.close()

    # The load

    def _get(self, url: str, key: str = "", timeout: float = 10) -> tuple[int, bytes]:
        request = urllib.request.Request(url)
        if key:
            request.add_header("Authorization", f"Bearer {key}")
        return _answer(request, timeout)

    def _post(
        self, name: str, path: str, key: str, body: bytes, timeout: float = 10, **headers: str
    ) -> tuple[int, bytes]:
        url = f"http://127.0.0.1:{self.ports[name]}{path}"
        request = urllib.request.Request(url, data=body, method="POST")
        request.add_header("Authorization", f"Bearer {key}")
        request.add_header("Content-Type", "application/json")
        for header, value in headers.items():
            request.add_header(header.replace("_", "-"), value)
        return _answer(request, timeout)

    def insist(self, path: str, key: str, body: dict[str, str], idempotency: str) -> str | None:
        """Submit a task to one API process after the other until one accepts it."""
        begun = time.monotonic()
        turn = hash(idempotency) % 2
        while time.monotonic() - begun < DRAIN:
            status, answer = self._post(
                APIS[turn % 2], path, key, json.dumps(body).encode(), 5, Idempotency_Key=idempotency
            )
            if status == 200:
                content = json.loads(answer)
                if content["code"] == 20000:
                    self.counts.submissions.append(time.monotonic() - begun)
                    return str(content["data"]["id"])
                self.log.write("refused", answer=content, idempotency=idempotency)
            turn += 1
            time.sleep(0.3)
        return None

    def text(self, request: Request) -> str:
        """Return the text of a request, whose sentences no other request has."""
        return TEXTS[request.text].replace("{}", request.marker)

    def submit(self, request: Request, idempotency: str) -> str | None:
        """Send a request. Return the id of its task."""
        _, key = self.keys[request.account]
        if request.kind == "stream":
            body = {
                "model": "tts-1",
                "voice": self.voices[request.account],
                "input": self.text(request),
                "response_format": "mp3",
            }
            name = APIS[request.account % 2]
            status, content = self._post(
                name, "/v1/audio/speech", key, json.dumps(body).encode(), 90
            )
            whole = status == 200 and len(content) > 0
            self.counts.tasks["streams heard" if whole else "streams broken"] += 1
            return None
        if request.kind == "speech":
            body = {"modelId": self.voices[request.account], "contentText": self.text(request)}
            return self.insist(f"{API}/soundCloning/audios", key, body, idempotency)
        url = f"{self.sources.url}/{request.path}/recording.mp3"
        if request.path == "upload":
            uploaded = self._upload(key)
            if uploaded is None:
                return None
            url = uploaded
        body = {"fileUrl": url, "contentText": self.text(request)}
        return self.insist(f"{API}/soundCloning/clones", key, body, idempotency)

    def _upload(self, key: str) -> str | None:
        content = (ROOT / "examples" / "recording.mp3").read_bytes()
        body = (
            b"--part\r\nContent-Disposition: form-data; name=file; filename=a.mp3\r\n\r\n"
            + content
            + b"\r\n--part--\r\n"
        )
        for turn in range(12):
            status, answer = self._post(
                APIS[turn % 2],
                f"{API}/files/upload",
                key,
                body,
                10,
                Content_Type="multipart/form-data; boundary=part",
            )
            if status == 200 and json.loads(answer)["code"] == 20000:
                return str(json.loads(answer)["data"]["url"])
            time.sleep(0.5)
        return None

    def prepare(self) -> None:
        """Make a voice for each account, and learn what each text sounds like."""
        for account in range(3):
            request = Request("clone", account, 0, "Kalamabatobu", 0, "whole")
            task = self.submit(request, f"{self.seed}/voice/{account}")
            assert task is not None
            self._end([task], 120)
            self.voices.append(self._state(task)["modelId"])
        # The voice is part of the sound: it seeds the room tone.
        requests = [
            Request("speech", account, text, marker, 0)
            for account in range(3)
            for text in range(len(TEXTS))
            for marker in ("Rasadoleti", "Beligosupo")
        ]
        tasks = [
            self.submit(request, f"{self.seed}/sound/{number}")
            for number, request in enumerate(requests)
        ]
        self._end([str(task) for task in tasks], 120)
        for request, task in zip(requests, tasks, strict=True):
            sound = self._sound(self._state(str(task))["audioUrl"])
            known = self.sounds.setdefault((request.account, request.text), sound)
            assert sound == known, "equal texts do not sound equal"
        self._spoken()

    def _end(self, tasks: list[str], timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while any(self._state(task)["status"] not in ("completed", "failed") for task in tasks):
            assert time.monotonic() < deadline, "the first tasks do not end"
            time.sleep(0.2)

    def _state(self, task: str) -> Any:
        account = self._account_of(task)
        return json.loads(self._ask(f"{API}/audios/{task}", self.keys[account][1]))["data"]

    def _account_of(self, task: str) -> int:
        with self.database.read() as session:
            owner = session.get_one(Task, task).account_id
        return [account for account, _ in self.keys].index(owner)

    def _ask(self, path: str, key: str = "") -> bytes:
        """Return the body of a GET that succeeds at one of the API processes."""
        deadline = time.monotonic() + DRAIN
        turn = 0
        while True:
            port = self.ports[APIS[turn % 2]]
            status, body = self._get(f"http://127.0.0.1:{port}{path}", key)
            if status == 200:
                return body
            if time.monotonic() > deadline:
                raise TimeoutError(f"{path}: {status} {body[:200]!r}")
            turn += 1
            time.sleep(0.3)

    def _sound(self, url: str) -> str:
        """Download an MP3 file, and return the hash of its sound."""
        body = self._ask(re.sub("^http://[^/]*", "", url))
        if body[:3] == b"ID3":
            size = 0
            for byte in body[6:10]:
                size = size << 7 | byte
            body = body[10 + size :]
        assert len(body) > 1000, len(body)
        return hashlib.sha256(body).hexdigest()

    # The faults

    def inject(self, fault: Fault, start: float) -> dict[str, object]:
        """Wait for the time of a fault, inject it, and take it back. Return what was hit."""
        time.sleep(max(0.0, start + fault.at - time.monotonic()))
        dice = random.Random(f"{self.seed}/{fault}")
        hit: dict[str, object] = {}
        if fault.kind in ("kill worker", "stop worker", "kill api", "stop api"):
            hit = self._signal(fault)
        elif fault.kind == "kill all":
            for name in WORKERS:
                if pid := self._pid(name):
                    hit[name] = pid
                    send(pid, signal.SIGKILL)
            for program in self.programs.values():
                program.close()
            time.sleep(fault.lasts)
            for program in self.programs.values():
                program.start()
        elif fault.kind == "kill connection":
            self.postgres.kill_backend(dice)
        elif fault.kind == "kill database":
            self.postgres.kill()
            time.sleep(fault.lasts)
            self.postgres.start()
        elif fault.kind == "stop database":
            self.postgres.signal(signal.SIGSTOP)
            time.sleep(fault.lasts)
            self.postgres.signal(signal.SIGCONT)
        elif fault.kind.startswith("store"):
            self.store.fault = fault.kind.split()[1]
            time.sleep(fault.lasts)
            self.store.fault = ""
        elif fault.kind.startswith("disk"):
            disk = self.disks[fault.target or "database"]
            disk.fill()
            time.sleep(fault.lasts)
            disk.empty()
            if not fault.target:
                self.postgres.start()  # it ends when it cannot write its log
        elif fault.kind.startswith("clock"):
            self.clocks[fault.target or "database"].set(fault.detail)
        return hit

    def _pid(self, name: str) -> int | None:
        return self.programs["api1"].child() if name == "child" else self.programs[name].pid

    def _signal(self, fault: Fault) -> dict[str, object]:
        """Kill or stop a program. Wait up to 5 s if it is just being started again."""
        deadline = time.monotonic() + 5
        while (pid := self._pid(fault.target)) is None and time.monotonic() < deadline:
            time.sleep(0.1)
        stops = fault.kind.startswith("stop")
        if not stops and fault.target != "child":
            self.programs[fault.target].wanted = False
        child = self.programs["api1"].child() if fault.target == "api1" else None
        if not send(pid, signal.SIGSTOP if stops else signal.SIGKILL):
            if fault.target != "child":
                self.programs[fault.target].wanted = True
            return {"missed": True}
        assert pid is not None
        hit: dict[str, object] = {"pid": pid}
        if fault.target in WORKERS:
            hit["worker"] = self.watch.hit(pid, fault.lasts if stops else None)
        elif child is not None and not stops:
            hit["child"] = child
        time.sleep(fault.lasts)
        if stops:
            send(pid, signal.SIGCONT)
        elif fault.target != "child":
            self.programs[fault.target].start()
        return hit

    # The checks

    def violate(self, what: str, **fields: object) -> None:
        """Count and log a broken promise."""
        self.counts.violations[what] += 1
        self.log.write("violation", what=what, **fields)
        print(f"  {what}: {fields}", file=sys.stderr, flush=True)

    def batch(self, number: int, together: int) -> None:
        """Inject the faults of a batch under load, and check everything afterwards."""
        faults = plan(self.seed, number, together, self.kinds)
        requests = load_of(self.seed, number, faults)
        self.log.write("batch", number=number, faults=[asdict(each) for each in faults])
        start = time.monotonic()
        began = time.time() - 7300  # clocks are up to an hour off, in both directions

        def request(each: Request, index: int) -> str | None:
            time.sleep(max(0.0, start + each.at - time.monotonic()))
            return self.submit(each, f"{self.seed}/{number}/{index}/{os.getpid()}")

        sent = [self.pool.submit(request, each, index) for index, each in enumerate(requests)]
        hits = [self.pool.submit(self.inject, fault, start) for fault in faults]
        found = [self._result(each) for each in hits]
        self.store.fault = ""
        for fault, hit in zip(faults, found, strict=True):
            missed = hit is None or "missed" in hit
            self.counts.missed += missed
            if not missed:
                self.counts.faults[fault.kind] += 1
            self.log.write("fault", number=number, **asdict(fault), hit=hit)
        lifted = time.monotonic()
        accepted = {
            task: request
            for task, request in zip((self._result(each) for each in sent), requests, strict=True)
            if task
        }
        for name in APIS:
            self._wait_ready(name)
        self._check_ends(accepted, lifted)
        self._check_results(accepted, began)
        self._check_money()
        self._check_sentences(faults, found)
        self._check_files()
        self._check_takeovers(faults)
        self.counts.batches += 1
        self.log.write("checked", number=number, seconds=round(time.monotonic() - start, 1))

    def _result(self, future: Future[Any]) -> Any:
        try:
            return future.result()
        except Exception as error:
            self.violate("the bench failed", error=repr(error))
            return None

    def _check_ends(self, accepted: dict[str, Request], lifted: float) -> None:
        deadline = lifted + DRAIN
        while True:
            with self.database.read() as session:
                active = session.scalars(
                    select(Task.id).where(Task.status.in_(("queued", "processing")))
                ).all()
            if not active or time.monotonic() > deadline:
                break
            time.sleep(0.2)
        self.counts.drains.append(time.monotonic() - lifted)
        for task in active:
            with self.database.read() as session:
                state = session.get_one(Task, task)
                fields = {"status": state.status, "worker": state.worker, "kind": state.kind}
            self.violate("stuck", task=task, **fields)

    def _check_results(self, accepted: dict[str, Request], began: float) -> None:
        with self.database.read() as session:
            rows = {row.id: row for row in session.scalars(select(Task))}
        for task, request in accepted.items():
            row = rows.get(task)
            if row is None:
                self.violate("lost", task=task)
                continue
            self.counts.tasks[f"{request.kind} {row.status}"] += 1
            if row.status == "failed":
                self.counts.failed[f"{request.kind}: {row.error_word}"] += 1
                self.log.write("failed", task=task, word=row.error_word, error=row.error_logged)
            if row.status != "completed":
                continue
            try:
                state = self._state(task)
                sound = self._sound(state["audioUrl"])
            except (TimeoutError, AssertionError, KeyError) as error:
                self.violate("not downloaded", task=task, error=repr(error))
                continue
            self.counts.downloads += 1
            if request.kind == "speech" and sound != self.sounds[request.account, request.text]:
                self.violate("other sound", task=task, text=request.text)
        doubled = Counter(
            (row.account_id, row.idempotency_key) for row in rows.values() if row.idempotency_key
        )
        for (_, key), count in doubled.items():
            if count > 1:
                self.violate("accepted twice", idempotency=key)

    def _check_money(self) -> None:
        with self.database.read() as session:
            audit = ledger.audit(session)
            lines: dict[str, list[Transfer]] = defaultdict(list)
            for line in session.scalars(select(Transfer).where(Transfer.task_id.is_not(None))):
                lines[str(line.task_id)].append(line)
            tasks = {task.id: task for task in session.scalars(select(Task))}
        if not audit.sound or audit.total:
            self.violate("ledger", total=audit.total, wrong=audit.wrong_accounts)
        if audit.held:
            self.violate("held", amount=audit.held)
        for identifier, task in tasks.items():
            kinds = Counter(line.kind for line in lines[identifier])
            sums = Counter[str]()
            for line in lines[identifier]:
                sums[line.kind] += line.amount
            if max(kinds.values(), default=0) > 1 or kinds["hold"] != 1:
                self.violate("charged twice", task=identifier, lines=kinds)
            if sums["capture"] + sums["release"] != sums["hold"]:
                self.violate("hold not resolved", task=identifier, lines=kinds)
            if task.status == "completed" and sums["capture"] != sums["hold"]:
                self.violate("not charged", task=identifier, lines=kinds)

    def _spoken(self) -> dict[str, list[int]]:
        """Return who spoke each sentence since the last call."""
        with self.calls.open("rb") as file:
            file.seek(self._read)
            content = file.read()
        self._read += len(content)
        spoken: dict[str, list[int]] = defaultdict(list)
        for line in content.decode().splitlines():
            pid, _, sentence = line.partition(" ")
            spoken[sentence].append(int(pid))
        return spoken

    def _check_sentences(self, faults: list[Fault], hits: list[dict[str, object] | None]) -> None:
        """Check that each repetition has a fault that could interrupt its worker."""
        everyone = sum(fault.kind in DATABASE - {"clock database"} for fault in faults)
        struck = Counter[object]()
        for fault, hit in zip(faults, hits, strict=True):
            for name, value in (hit or {}).items():
                # A worker ends with the API that started it, as `child` of the fault.
                if name in ("child", *WORKERS) or (name == "pid" and fault.target in WORKERS):
                    struck[value] += 1
        for sentence, speakers in self._spoken().items():
            self.counts.sentences[len(speakers)] += 1
            allowed = 1 + everyone + sum(struck[pid] for pid in set(speakers))
            if len(speakers) > allowed:
                self.violate(
                    "spoken too often", sentence=sentence, speakers=speakers, allowed=allowed
                )

    def _check_files(self) -> None:
        """Every file belongs to a row that leads to its removal, and no process left files."""
        deadline = time.monotonic() + 30
        while (owned := self._orphans()) and time.monotonic() < deadline:
            time.sleep(1)
        for name in owned:
            self.violate("without an owner", file=name)

    def _orphans(self) -> list[str]:
        names = [key for key, _ in self.files.list()]
        with self.database.read() as session:
            tasks = {row.id: row for row in session.scalars(select(Task))}
            voices = {row.id for row in session.scalars(select(Voice))}
            voices |= {row.voice_id for row in tasks.values() if row.status == "failed"}
            uploads = set(session.scalars(select(Upload.key)))
        found = []
        for name in names:
            folder, _, rest = name.partition("/")
            owner = rest.partition("/")[0]
            if folder in ("work", "results"):
                known = owner in tasks
            elif folder == "voices":
                known = owner in voices
            elif folder == "uploads":
                known = name in uploads
            else:
                known = folder == "encryption"
            if not known:
                found.append(name)
        for machine in "ab":
            for lock in (self.folder / machine / "data" / "scratch").glob("*.lock"):
                with contextlib.suppress(FileNotFoundError), lock.open("r+") as file:
                    try:
                        flock(file, LOCK_EX | LOCK_NB)
                    except OSError:
                        continue  # its process lives
                    flock(file, LOCK_UN)
                    found.append(f"{machine}/{lock.name}")
        return found

    def _check_takeovers(self, faults: list[Fault]) -> None:
        found = self.watch.takeovers()
        if any(fault.kind == "kill all" for fault in faults):
            return  # nobody was left to take over
        self.counts.takeovers += found
        for seconds in found:
            if seconds > TAKEOVER:
                self.violate("late takeover", seconds=round(seconds, 1))


def _answer(request: urllib.request.Request, timeout: float) -> tuple[int, bytes]:
    """Return status and body, with status 0 without a whole answer."""
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            with contextlib.suppress(Exception):
                return error.code, error.read()
            return error.code, b""
    except Exception:  # of the connection or in the middle of the answer
        return 0, b""


def _quantile(values: list[float], share: float) -> float:
    return round(sorted(values)[int(share * (len(values) - 1))], 2) if values else 0.0


def report(counts: Counts, seconds: float) -> dict[str, Any]:
    """Return the figures of a run."""
    return {
        "minutes": round(seconds / 60, 1),
        "batches": counts.batches,
        "faults": counts.faults.total(),
        "faults_by_kind": dict(sorted(counts.faults.items())),
        "missed": counts.missed,
        "tasks": dict(sorted(counts.tasks.items())),
        "failed": dict(sorted(counts.failed.items())),
        "downloads": counts.downloads,
        "sentences_by_times_spoken": dict(sorted(counts.sentences.items())),
        "takeovers": len(counts.takeovers),
        "takeover_median_s": round(statistics.median(counts.takeovers or [0]), 2),
        "takeover_p95_s": _quantile(counts.takeovers, 0.95),
        "takeover_max_s": _quantile(counts.takeovers, 1),
        "submission_median_s": _quantile(counts.submissions, 0.5),
        "submission_p99_s": _quantile(counts.submissions, 0.99),
        "submission_max_s": _quantile(counts.submissions, 1),
        "drain_p95_s": _quantile(counts.drains, 0.95),
        "violations": dict(sorted(counts.violations.items())),
    }


def run(
    *,
    seed: int,
    together: int,
    log: Path,
    goes_on: Callable[[int, float, Counts], bool],
    first: int = 0,
    keep: bool = False,
) -> dict[str, Any]:
    """Run batches while `goes_on(batches, seconds, counts)` holds, and return the figures."""
    folder = Path(tempfile.mkdtemp(prefix="soundclone-faults-"))
    folder.chmod(0o755)
    out = Log(log)
    out.write("run", seed=seed, together=together, folder=str(folder))
    site: Site | None = None
    try:
        site = Site(folder, seed, out, {})
        site.prepare()
        begun = time.monotonic()
        number = first
        while goes_on(number - first, time.monotonic() - begun, site.counts):
            site.batch(number, together)
            number += 1
            counts = site.counts
            print(
                f"batch {number}: {counts.faults.total()} faults, {counts.downloads} results, "
                f"{counts.violations.total()} violations, {time.monotonic() - begun:.0f} s",
                file=sys.stderr,
                flush=True,
            )
        figures = report(site.counts, time.monotonic() - begun)
        out.write("report", **figures)
        return figures
    finally:
        if site is not None:
            site.close()
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Parse the command line. Return 1 after a violation."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that no process stays
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--faults", type=int, default=0, help="stop after so many; 0: no limit")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--together", type=int, default=9, help="faults of a batch")
    parser.add_argument("--only", type=int, help="number of the one batch to run")
    parser.add_argument("--log", type=Path, default=Path("faults.jsonl"))
    parser.add_argument("--keep", action="store_true", help="keep the folder with all logs")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    def goes_on(batches: int, seconds: float, counts: Counts) -> bool:
        if options.only is not None:
            return batches == 0
        enough = options.faults and counts.faults.total() >= options.faults
        return not enough and seconds < options.minutes * 60

    figures = run(
        seed=options.seed,
        together=options.together,
        log=options.log,
        goes_on=goes_on,
        first=options.only or 0,
        keep=options.keep,
    )
    if options.json:
        print(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            print(f"{name:28} {value}")
    return 1 if figures["violations"] else 0


if __name__ == "__main__":
    sys.exit(main())
