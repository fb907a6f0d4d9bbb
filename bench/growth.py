"""Measure how the service behaves as clients, tasks, voices and lines of the ledger grow.

    .venv/bin/python bench/growth.py clients|queue|voices|ledger [--database URL] [--number N]

`--database` names an empty Postgres database, or a prefix of such databases for `voices` and
`ledger`, which need one for each size, such as URL_1000. Without it, the figures are those of
SQLite. Ratios come from one run, in which the measurements take turns.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from load import BARE, measured, processor_seconds, request  # noqa: E402
from tests import rows  # noqa: E402
from tests.service import API, Service, free_port  # noqa: E402

from soundclone.config import Settings  # noqa: E402
from soundclone.core import keys, ledger, queries, tasks, voices  # noqa: E402
from soundclone.core.formatting import DAY  # noqa: E402
from soundclone.core.requests import TaskResult  # noqa: E402
from soundclone.core.tasks import Order  # noqa: E402
from soundclone.db.migrate import upgrade  # noqa: E402
from soundclone.db.models import Task, TaskKind, TaskStatus  # noqa: E402
from soundclone.db.session import Database  # noqa: E402
from soundclone.jobs import queue  # noqa: E402

SECRET = b"x" * 32
ACCOUNTS = 20  # that share the queue
KEEP = DAY  # seconds for which results are kept
FULL = 10**12  # micro-credits
WARM_UP = 10  # calls that do not count, if there are more
PATIENCE = 8.0  # seconds for the calls of one kind
POLL = Settings.model_fields["queue_poll"].default


def opened(url: str) -> Database:
    """Return a migrated database."""
    database = Database(url.replace("postgresql://", "postgresql+psycopg://", 1))
    upgrade(database)
    queue.prepare(database)
    return database


def customer(database: Database) -> tuple[str, str, str]:
    """Return account, id of the key and text of the key of a new account with credit."""
    with database.transaction() as session:
        account = ledger.open_account(session, "growth")
        ledger.credit(session, account.id, FULL)
        key, secret = keys.create(session, SECRET, account_id=account.id, name="growth")
        return account.id, key.id, secret


def order(account: str, key: str, voice: str | None = None) -> Order:
    """Return a small order."""
    wanted = rows.speech_request() if voice else rows.clone_request()
    return Order(account, key, wanted, 1, 1000, "growth", size=1000, voice_id=voice)


def memory(pid: int) -> float:
    """Return the resident memory of a process in MB, from Linux's /proc."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1000
    return 0.0


def clients(url: str, seconds: float) -> None:
    """Print polls and submissions of 1, 10 and 100 clients, and their ratio to a bare route."""
    environment = {"SOUNDCLONE_REQUESTS_PER_SECOND": "100000"}
    environment |= {"SOUNDCLONE_ACTIVE_TASKS_PER_KEY": "1000000"}
    if url:
        environment["SOUNDCLONE_DATABASE_URL"] = url
    port = free_port()
    bare = subprocess.Popen([sys.executable, "-c", BARE, str(port)], stderr=subprocess.DEVNULL)
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            Service(Path(folder), "--no-worker", environment=environment) as service,
        ):
            _, key = service.new_key(1_000_000)
            body = {"fileUrl": "https://example.com/a.mp3", "contentText": "Hello."}
            path = f"{API}/soundCloning/clones"
            ids = [service.post(path, body, key)[1]["data"]["id"] for _ in range(100)]
            polls = [request("GET", f"{API}/audios/{task}", key) for task in ids]
            plain = [request("GET", f"/bare/{task}") for task in ids]
            print("clients | bare/s | polls/s | ratio | median ms | submissions/s | median ms")
            for number in (1, 10, 100):
                by = (number, seconds)
                of_bare = measured(port, bare.pid, plain, *by)
                of_polls = measured(service.port, service.pid, polls, *by)
                submitted = measured(
                    service.port, service.pid, [request("POST", path, key, body)], *by
                )
                assert not of_polls["bad"]
                assert not submitted["bad"]
                ratio = of_polls["per_second"] / of_bare["per_second"]
                print(
                    f"{number} | {of_bare['per_second']} | {of_polls['per_second']} | "
                    f"{ratio:.0%} | {of_polls['median_ms']} | {submitted['per_second']} | "
                    f"{submitted['median_ms']}",
                    flush=True,
                )
    finally:
        bare.terminate()
        bare.wait()


def work(url: str, name: str, stop: Any) -> None:
    """Take tasks from the queue until `stop` is set. The tasks do nothing but end."""
    database = Database(url)

    def end(task_id: str) -> None:
        with database.transaction() as session:
            tasks.complete(session, task_id, TaskResult("results/x"), keep=KEEP, voice=None)

    def run(task_id: str) -> None:
        with database.transaction() as session:
            tasks.start(session, task_id)
        queue.step("end", end, task_id)

    queue.workflow(TaskKind.CLONE, run)
    queue.launch(database, name, ["builtin"], tasks=32, tasks_per_account=8, poll=POLL)
    stop.wait()
    queue.stop(5)


def drain(url: str, number: int) -> None:
    """Print how fast two workers drain a queue, and their memory as they do."""
    with tempfile.TemporaryDirectory() as folder:
        database = opened(url or f"sqlite:///{folder}/growth.db")
        payers = [customer(database)[:2] for _ in range(ACCOUNTS)]
        waiting = queue.Queue(database)
        started = time.perf_counter()
        for first in range(0, number, 100):
            orders = [order(*payers[each % ACCOUNTS]) for each in range(first, first + 100)]
            with database.transaction() as session:
                tasks.submit_all(session, orders, waiting.enqueue, active_limit=number)
        print(f"submitted {number} tasks at {number / (time.perf_counter() - started):.0f}/s")
        context = multiprocessing.get_context("spawn")
        stop = context.Event()
        engine = database.engine.url.render_as_string(hide_password=False)
        workers = [
            context.Process(target=work, args=(engine, f"worker_{each}", stop)) for each in (1, 2)
        ]
        for worker in workers:
            worker.start()
        ended_tasks = (
            select(func.count()).select_from(Task).where(Task.status == TaskStatus.COMPLETED)
        )
        before, share, began = 0, 0, 0.0
        print("done | tasks/s since the row before | memory of the workers in MB")
        last = 0.0
        while before < number:
            time.sleep(0.5)
            with database.read() as session:
                done = session.scalar(ended_tasks) or 0
            now = time.perf_counter()
            if done and not began:  # both workers have imported everything
                began, last, before, first_done = now, now, done, done
            if began and done >= min(number, (share + 1) * number // 5):
                rate = (done - before) / max(1e-9, now - last)
                sizes = " ".join(f"{memory(worker.pid or 0):.0f}" for worker in workers)
                print(f"{done} | {rate:.0f} | {sizes}", flush=True)
                share, before, last = done * 5 // number, done, now
        spent = sum(processor_seconds(worker.pid or 0) for worker in workers) / number
        print(
            f"drained at {(number - first_done) / (last - began):.0f}/s, "
            f"{spent * 1000:.1f} ms of processor time of the workers for each task"
        )
        stop.set()
        for worker in workers:
            worker.join(30)
        with database.read() as session:
            audit = ledger.audit(session)
            assert audit.sound
            assert audit.held == 0
        database.close()


def fill_ledger(database: Database, account: str, key: str, lines: int) -> None:
    """Write holds and captures of the last 60 days, half of them for one account.

    Tasks are known for 30 days, and each account has 20 voices.
    """
    others = [customer(database)[:2] for _ in range(9)]
    with database.transaction() as session:
        for payer, its_key, pairs in [
            (account, key, lines // 4),
            *((*other, lines // 4 // len(others)) for other in others),
        ]:
            parameters = {
                "account": payer,
                "key": its_key,
                "pairs": pairs,
                "start": time.time() - 60 * DAY,
                "gap": 60 * DAY / pairs,
                "known": pairs // 2,
            }
            session.execute(
                text(
                    "INSERT INTO tasks (id, kind, status, account_id, key_id, voice_id, params, "
                    "characters, cost, fee, delivered, size, turn, request_hash, progress, "
                    "attempts, result, created_at) "
                    "WITH RECURSIVE n(i) AS (SELECT :known + 1 UNION ALL SELECT i + 1 FROM n "
                    "WHERE i < :pairs) "
                    "SELECT :account || '_' || i, 'audio', 'completed', :account, :key, "
                    ":account || '_' || (i % 20), '{}', 1, 10, 0, 0, 0, i, '', 100, 0, '{}', "
                    ":start + i * :gap FROM n".replace(":account", "CAST(:account AS varchar)")
                ),
                parameters,
            )
            for kind, debit, credit, resolves in (
                ("hold", ":account", "'held'", "NULL"),
                ("capture", ":account", "'revenue'", "'hold:' || :account || '_' || i"),
            ):
                session.execute(
                    text(
                        "INSERT INTO transfers (id, kind, debit, credit, amount, account_id, "
                        "key_id, task_id, resolves, memo, created_at) "
                        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                        "WHERE i < :pairs) "
                        f"SELECT '{kind}:' || CAST(:account AS varchar) || '_' || i, '{kind}', "
                        f"{debit}, {credit}, 10, :account, :key, "
                        f"CAST(:account AS varchar) || '_' || i, {resolves}, '', "
                        ":start + i * :gap FROM n".replace(":account", "CAST(:account AS varchar)")
                    ),
                    parameters,
                )
            session.execute(
                text("UPDATE accounts SET posted = posted - :spent WHERE id = :account"),
                {"spent": 10 * pairs, "account": payer},
            )


def fill_voices(database: Database, account: str, number: int) -> list[str]:
    """Make voices and return their ids."""
    ids = [f"model_{each:032x}" for each in range(number)]
    with database.transaction() as session:
        session.add_all(
            rows.voice(account, id=each, expires_at=None, activated_at=0.0, name=each)
            for each in ids
        )
    return ids


def analyze(database: Database) -> None:
    """Update the statistics, as Postgres does by itself after a while."""
    with database.engine.connect() as connection:
        connection.execute(text("ANALYZE"))
        connection.commit()


def first_voices(session: Session, account: str) -> object:
    """Return the first page of an account's voices."""
    return voices.page(session, account, limit=20)


def compare(sizes: list[int], calls: dict[str, list[Callable[[], object]]]) -> None:
    """Print the median times of each call at each size. The sizes take turns."""
    print("median ms | " + " | ".join(f"{size:,}" for size in sizes))
    for name, variants in calls.items():
        taken: list[list[float]] = [[] for _ in sizes]
        end = time.monotonic() + PATIENCE
        for _ in range(WARM_UP + 100):
            for which, call in enumerate(variants):
                started = time.perf_counter()
                call()
                taken[which].append((time.perf_counter() - started) * 1000)
            if time.monotonic() > end:
                break
        medians = (statistics.median(each[WARM_UP:] or each) for each in taken)
        print(f"{name} | " + " | ".join(f"{each:.2f}" for each in medians), flush=True)


class Subject:
    """Database with an account, and the requests of the account."""

    def __init__(self, url: str, loop: asyncio.AbstractEventLoop) -> None:
        self.database = opened(url)
        self.account, self.key, self.secret = customer(self.database)
        self.waiting = queue.Queue(self.database)
        self.loop = loop
        self.task = ""
        self.voice: str | None = None

    def submit(self) -> None:
        """Submit a task."""
        with self.database.transaction() as session:
            self.task = tasks.submit(
                session,
                order(self.account, self.key, self.voice),
                self.waiting.enqueue,
                active_limit=10**6,
                result_quota=10**12,
            ).id

    def charge(self) -> None:
        """Submit a task and complete it."""
        self.submit()
        with self.database.transaction() as session:
            tasks.start(session, self.task)
            tasks.complete(session, self.task, TaskResult("results/x"), keep=KEEP, voice=None)

    def poll(self) -> None:
        """Poll the last task."""
        hashed = keys.digest(self.secret, SECRET)
        row = self.loop.run_until_complete(
            self.database.fetch_one_async(tasks.POLL, key=hashed, task=self.task)
        )
        assert row is not None

    def read(self, query: Callable[..., object], *arguments: object) -> Callable[[], object]:
        """Return a call of a query for the account."""

        def call() -> object:
            with self.database.read() as session:
                return query(session, self.account, *arguments)

        return call


def url_of(url: str, folder: str, size: int) -> str:
    """Return the URL of the database of a size."""
    if not url:
        return f"sqlite:///{folder}/{size}.db"
    head, mark, tail = url.partition("?")
    return f"{head}_{size}{mark}{tail}"


def last_block(session: Session, account: str) -> object:
    """Return the last block of the CSV of an account."""
    before = ledger.statement(session, account, 501)[0]
    return ledger.lines_after(session, account, before)


def audited(session: Session, _account: str) -> object:
    """Check the whole ledger."""
    found = ledger.audit(session)
    assert found.sound
    return found


def grow(what: str, url: str, number: int) -> None:
    """Compare databases with few and with many voices or lines of the ledger."""
    loop = asyncio.new_event_loop()
    sizes = [1, number] if what == "voices" else [10**each for each in range(3, 10)]
    sizes = [each for each in sizes if each <= number]
    with tempfile.TemporaryDirectory() as folder:
        subjects = [Subject(url_of(url, folder, size), loop) for size in sizes]
        started = time.perf_counter()
        for subject, size in zip(subjects, sizes, strict=True):
            if what == "voices":
                subject.voice = fill_voices(subject.database, subject.account, size)[0]
            else:
                fill_ledger(subject.database, subject.account, subject.key, size)
            analyze(subject.database)
            subject.submit()
        print(f"filled in {time.perf_counter() - started:.0f} s", flush=True)

        def reads(query: Callable[..., object], *arguments: object) -> list[Callable[[], object]]:
            return [subject.read(query, *arguments) for subject in subjects]

        calls = {
            "submission": [subject.submit for subject in subjects],
            "submission and charge": [subject.charge for subject in subjects],
            "poll": [subject.poll for subject in subjects],
            "balance": reads(ledger.balance),
            "usage, 30 days": reads(queries.usage),
            "usage by voice, 30 days": reads(queries.usage_by_voice),
            "tasks, first page": reads(queries.history),
            "voices, first 20": reads(first_voices),
        }
        if what == "ledger":
            calls |= {
                "ledger, first page": reads(queries.ledger_entries),
                "CSV, last block": reads(last_block),
                "check of the whole ledger": reads(audited),
            }
        compare(sizes, calls)
        for subject in subjects:
            subject.waiting.close()
            subject.database.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["clients", "queue", "voices", "ledger"])
    parser.add_argument("--database", default="", help="URL; SQLite if empty")
    parser.add_argument("--number", type=int, default=0, help="of tasks, voices or lines")
    parser.add_argument("--seconds", type=float, default=3, help="of each measurement of clients")
    options = parser.parse_args()
    if options.what == "clients":
        clients(options.database, options.seconds)
    elif options.what == "queue":
        drain(options.database, options.number or 10_000)
    else:
        usual = 1000 if options.what == "voices" else 1_000_000
        grow(options.what, options.database, options.number or usual)


if __name__ == "__main__":
    main()
