"""Simulate a fleet: machines, database, store, cost and queue age for many tasks a day.

    .venv/bin/python bench/footprint.py --json >footprint.json
    .venv/bin/python bench/capacity.py footprint.json [--day 10000,1000000,100000000] [--json]
    .venv/bin/python bench/capacity.py footprint.json --check [--minutes 3]

A discrete-event simulation of arrivals, claims, slots and chunks. Service times and costs of a task
come from `bench/footprint.py`. The traffic is an assumption, see `Traffic`. `--check` runs a real
service on Postgres under random load and compares its times with those of the simulation.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections import deque
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import simpy

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.footprint import CHUNK, Footprint, Subject, postgres  # noqa: E402

DAY = 86_400.0
BUSY = 0.6  # share of a database's cores that may be busy
Arrivals = list[tuple[float, float]]
"""Seconds from the start and characters of each task, in order; 0 characters are a preview."""


@dataclass(frozen=True)
class Traffic:
    """Assumptions about clients. Replace them with the figures of your ledger."""

    previews: float = 0.05  # share of tasks
    median: float = 200.0  # characters of a text
    spread: float = 1.2  # sigma of the logarithm of the characters; 10,000 at most
    peak: float = 2.0  # busiest moment of the day, relative to its mean; a sine
    polls: float = 3.0  # of each task
    audio: float = 0.075  # seconds of audio for each character
    kept: float = 3.0  # days that results are kept

    def characters(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Draw the lengths of `count` texts; 0 is a preview."""
        drawn = np.clip(rng.lognormal(math.log(self.median), self.spread, count), 1, 10_000)
        drawn[rng.random(count) < self.previews] = 0
        return drawn

    def mean(self) -> float:
        """Return the mean characters of a text, without previews."""
        drawn = replace(self, previews=0.0).characters(np.random.default_rng(0), 200_000)
        return float(drawn.mean())


@dataclass(frozen=True)
class Machines:
    """A fleet of equal workers. The default is two slots on two cores, as `soundclone worker`."""

    nodes: int
    slots: int = 2  # SOUNDCLONE_WORKER_CONCURRENCY
    claims: int = 32  # SOUNDCLONE_WORKER_TASKS
    claimed: float = 0.02  # seconds from a submission to the start of its task


@dataclass
class Times:
    """Seconds of each simulated task, in the order of their ends."""

    age: list[float] = field(default_factory=list)  # from submission to the first slot
    total: list[float] = field(default_factory=list)  # from submission to the end


class Fleet:
    """Workers that claim tasks at random, and share their slots between the chunks of their tasks.

    A task stays with the worker that claimed it. A worker with `claims` tasks claims no more, and
    tasks that no worker claims wait in the order of their submission.
    """

    def __init__(self, machines: Machines, costs: Footprint, seed: int) -> None:
        self.env = simpy.Environment()
        self.times = Times()
        self._machines = machines
        self._costs = costs
        self._rng = np.random.default_rng(seed)
        self._slots = [
            simpy.PriorityResource(self.env, machines.slots) for _ in range(machines.nodes)
        ]
        self._claimed = [0] * machines.nodes
        self._free = list(range(machines.nodes))  # nodes that still claim
        self._waiting: deque[simpy.Event] = deque()
        self._count = 0
        self.busy = 0.0  # slot seconds

    def chunks(self, characters: float) -> list[float]:
        """Return the seconds of each step of a task; 0 characters are a preview."""
        if not characters:
            return [self._costs.worker_clone]
        count = max(1, round(characters / CHUNK))
        seconds = self._costs.worker_character * characters / count
        return [self._costs.worker_task + seconds, *[seconds] * (count - 1)]

    def _claim(self) -> int:
        """Take a random node that may claim a task, and return its number."""
        place = int(self._rng.integers(len(self._free)))
        node = self._free[place]
        self._claimed[node] += 1
        if self._claimed[node] == self._machines.claims:
            self._free[place] = self._free[-1]
            self._free.pop()
        return node

    def _release(self, node: int) -> None:
        if self._claimed[node] == self._machines.claims:
            self._free.append(node)
        self._claimed[node] -= 1
        if self._waiting:
            self._waiting.popleft().succeed()

    def task(self, characters: float, *, counted: bool) -> Generator[simpy.Event, Any, None]:
        """Run one task from its submission to its end."""
        submitted = self.env.now
        yield self.env.timeout(self._machines.claimed)
        while not self._free:
            event = self.env.event()
            self._waiting.append(event)
            yield event
        node = self._claim()
        first = True
        for seconds in self.chunks(characters):
            self._count += 1
            with self._slots[node].request(priority=self._count) as slot:
                yield slot
                if first and counted:
                    self.times.age.append(self.env.now - submitted)
                first = False
                yield self.env.timeout(seconds)
                self.busy += seconds
        self._release(node)
        if counted:
            self.times.total.append(self.env.now - submitted)

    def run(self, arrivals: Arrivals, warm: float = 0.0) -> None:
        """Run all tasks to their ends. Tasks of the first `warm` seconds are not counted."""

        def source() -> Generator[simpy.Event, Any, None]:
            for moment, characters in arrivals:
                yield self.env.timeout(moment - self.env.now)
                self.env.process(self.task(characters, counted=moment >= warm))

        self.env.process(source())
        self.env.run()


def drawn(
    traffic: Traffic, daily: float, start: float, end: float, rng: np.random.Generator
) -> Arrivals:
    """Draw arrivals between two times of a day with `daily` tasks, whose peak is at noon."""
    mean = daily / DAY
    highest = mean * traffic.peak
    moments = np.sort(rng.uniform(start, end, rng.poisson(highest * (end - start))))
    rates = mean * (1 + (traffic.peak - 1) * np.cos(2 * np.pi * (moments / DAY - 0.5)))
    moments = moments[rng.random(len(moments)) * highest < rates]
    lengths = traffic.characters(rng, len(moments))
    return list(zip((moments - start).tolist(), lengths.tolist(), strict=True))


@dataclass(frozen=True)
class Prices:
    """Assumed prices. Replace them by yours."""

    core_hour: float = 0.04
    gpu_hour: float = 0.60
    gigabyte_month: float = 0.023
    database_core_hour: float = 0.10


@dataclass(frozen=True)
class Row:
    """A fleet that serves so many tasks a day."""

    tasks_a_day: float
    peak_tasks_a_second: float
    nodes: int
    utilisation: float  # of the slots, at the peak
    age_p50: float  # seconds, at the peak
    age_p99: float
    total_p50: float
    total_p99: float
    core_hours_a_day: float  # with as many nodes all day
    core_hours_followed: float  # with nodes that follow the load at the utilisation of the peak
    gpu_hours_a_day: float  # if a GPU engine spoke everything, at `--gpu-factor`
    transactions_a_second: float  # at the peak
    idle_transactions_a_second: float  # of the workers' polls and heartbeats
    wal_megabytes_a_second: float
    database_cores: float  # busy, at the peak
    databases: int  # of `--database-cores` cores, 60 % busy
    rows_gigabytes_a_day: float
    stored_terabytes: float  # results of the days that they are kept, and voices of 30 days
    cost_a_day: float
    cost_a_million_characters: float
    simulated: int  # tasks


def offered(costs: Footprint, traffic: Traffic) -> float:
    """Return the slot seconds of the mean task."""
    text = costs.worker_task + costs.worker_character * traffic.mean()
    return (1 - traffic.previews) * text + traffic.previews * costs.worker_clone


def simulate(
    machines: Machines, costs: Footprint, traffic: Traffic, daily: float, tasks: int, seed: int
) -> tuple[Fleet, float]:
    """Simulate the busiest stretch of the day with about so many tasks. Return its seconds."""
    length = min(DAY, tasks / (daily / DAY * traffic.peak))
    start = (DAY - length) / 2
    arrivals = drawn(traffic, daily, start, start + length, np.random.default_rng(seed))
    fleet = Fleet(machines, costs, seed)
    fleet.run(arrivals, warm=min(0.2 * length, 600.0))
    return fleet, length


def size(
    machines: Machines,
    costs: Footprint,
    traffic: Traffic,
    daily: float,
    options: argparse.Namespace,
) -> tuple[Machines, Fleet, float]:
    """Find the smallest fleet whose queue age has a 99th percentile of `--age` seconds at most."""
    load = daily / DAY * traffic.peak * offered(costs, traffic) / machines.slots
    low, high = max(1, math.floor(load)), 0
    step = max(1, round(math.sqrt(load)))
    best: tuple[Machines, Fleet, float] | None = None
    nodes = low
    while not high or high - low > max(1, high // 50):
        tried = replace(machines, nodes=nodes)
        fleet, length = simulate(tried, costs, traffic, daily, options.tasks, options.seed)
        if np.percentile(fleet.times.age, 99) <= options.age:
            best, high = (tried, fleet, length), nodes
            if nodes == 1:
                break
        else:
            low, step = nodes, 2 * step
        nodes = (low + high) // 2 if high else nodes + step
    assert best
    return best


def row(
    machines: Machines,
    costs: Footprint,
    traffic: Traffic,
    daily: float,
    options: argparse.Namespace,
) -> Row:
    """Size a fleet, and report what it needs."""
    sized, fleet, length = size(machines, costs, traffic, daily, options)
    prices = Prices()
    peak = daily / DAY * traffic.peak
    speech, previews = daily * (1 - traffic.previews), daily * traffic.previews
    characters = speech * traffic.mean()
    seconds = offered(costs, traffic) * daily
    utilisation = fleet.busy / (sized.nodes * sized.slots * length)
    share = traffic.previews
    chunks = traffic.mean() / CHUNK
    commits = (1 - share) * (costs.commits_task + costs.commits_chunk * max(0.0, chunks - 1))
    commits += share * costs.commits_clone + traffic.polls
    database = (1 - share) * costs.database_task + share * costs.database_clone
    database += traffic.polls * costs.database_poll
    wal = (1 - share) * costs.wal_task + share * costs.wal_clone
    results = speech * costs.stored_task + characters * costs.stored_character
    stored = results * traffic.kept + previews * costs.stored_clone * 30
    cores = peak * database + sized.nodes * costs.idle_database
    databases = math.ceil(cores / (BUSY * options.database_cores))
    core_hours = sized.nodes * sized.slots * 24.0
    cost = core_hours * prices.core_hour + stored / 1e9 * prices.gigabyte_month / 30
    cost += math.ceil(cores / BUSY) * 24 * prices.database_core_hour
    return Row(
        tasks_a_day=daily,
        peak_tasks_a_second=peak,
        nodes=sized.nodes,
        utilisation=utilisation,
        age_p50=float(np.percentile(fleet.times.age, 50)),
        age_p99=float(np.percentile(fleet.times.age, 99)),
        total_p50=float(np.percentile(fleet.times.total, 50)),
        total_p99=float(np.percentile(fleet.times.total, 99)),
        core_hours_a_day=core_hours,
        core_hours_followed=seconds / 3600 / utilisation,
        gpu_hours_a_day=characters * traffic.audio * options.gpu_factor / 3600,
        transactions_a_second=peak * commits,
        idle_transactions_a_second=sized.nodes * costs.idle_commits,
        wal_megabytes_a_second=peak * wal / 1e6,
        database_cores=cores,
        databases=databases,
        rows_gigabytes_a_day=daily * costs.row_bytes / 1e9,
        stored_terabytes=stored / 1e12,
        cost_a_day=cost,
        cost_a_million_characters=cost / characters * 1e6,
        simulated=len(fleet.times.total),
    )


def check(costs: Footprint, traffic: Traffic, options: argparse.Namespace) -> dict[str, object]:
    """Compare a real service under random load with the simulation of the same arrivals."""
    light = replace(traffic, previews=0.02, median=150.0, spread=0.8)
    daily = options.load * 2 * DAY / offered(costs, light)
    rng = np.random.default_rng(options.seed)
    flat = replace(light, peak=1.0)
    arrivals = drawn(flat, daily, 0, 60 * options.minutes, rng)
    with ExitStack() as stack:
        subject = Subject(stack, stack.enter_context(postgres(options.database)))
        submitted: list[str] = []
        started = time.monotonic()
        for moment, characters in arrivals:
            time.sleep(max(0.0, started + moment - time.monotonic()))
            submitted.append(
                subject.speak(max(1, round(characters))) if characters else subject.clone()
            )
        while subject.meter.unfinished():
            time.sleep(0.5)
        real = subject.meter.times(submitted)
    fleet = Fleet(Machines(1), costs, options.seed)
    fleet.run(arrivals)

    def summary(times: list[float]) -> dict[str, float]:
        return {f"p{q}": round(float(np.percentile(times, q)), 2) for q in (50, 90, 99)}

    return {
        "tasks": len(arrivals),
        "slots in use": round(options.load, 2),
        "real seconds to the end": summary(real),
        "simulated": summary(fleet.times.total),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("footprint", type=Path, help="JSON of bench/footprint.py")
    parser.add_argument("--day", default="1e4,1e6,1e8", help="tasks a day")
    parser.add_argument("--age", type=float, default=2.0, help="99th percentile of the queue age")
    parser.add_argument("--claims", type=int, default=32, help="SOUNDCLONE_WORKER_TASKS")
    parser.add_argument("--tasks", type=int, default=200_000, help="simulated tasks at most, about")
    parser.add_argument("--gpu-factor", type=float, default=0.3, help="real-time factor on a GPU")
    parser.add_argument("--database-cores", type=int, default=32, help="of one Postgres")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--check", action="store_true", help="compare with a real service")
    parser.add_argument("--minutes", type=float, default=3.0, help="of the real service")
    parser.add_argument("--load", type=float, default=0.6, help="share of the slots in use")
    parser.add_argument("--database", default="", help="URL of an empty Postgres database")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    costs = Footprint(**json.loads(options.footprint.read_text()))
    traffic = Traffic()
    if options.check:
        print(json.dumps(check(costs, traffic, options), indent=None if options.json else 2))
        return
    machines = Machines(1, claims=options.claims)
    rows = [
        asdict(row(machines, costs, traffic, float(daily), options))
        for daily in options.day.split(",")
    ]
    if options.json:
        print(json.dumps(rows))
        return
    for name in rows[0]:
        print(f"{name:<28}", *(f"{each[name]:>12.4g}" for each in rows))


if __name__ == "__main__":
    main()
