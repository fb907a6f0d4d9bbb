"""Tests of the simulation of fleets against results of queueing theory."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import numpy as np
import pytest
from bench.capacity import Fleet, Machines, Traffic, drawn, offered
from bench.footprint import Footprint

NOTHING = Footprint(**{each.name: 0.0 for each in fields(Footprint)})
LENGTH = 20.0  # mean characters of a text in these tests
COSTS = replace(NOTHING, worker_character=1 / LENGTH, worker_clone=5.0)


def erlang_c(servers: int, load: float) -> float:
    """Return the probability that a customer of M/M/c waits."""
    terms = [load**k / math.factorial(k) for k in range(servers)]
    last = load**servers / math.factorial(servers) * servers / (servers - load)
    return last / (sum(terms) + last)


def simulated(machines: Machines, load: float, tasks: int = 15_000) -> Fleet:
    """Run tasks with exponential gaps and lengths, `load` slots busy on average."""
    rng = np.random.default_rng(1)
    moments = np.cumsum(rng.exponential(1 / load, tasks)).tolist()
    lengths = rng.exponential(LENGTH, tasks).clip(1e-6).tolist()
    fleet = Fleet(machines, COSTS, seed=2)
    fleet.run(list(zip(moments, lengths, strict=True)))
    return fleet


@pytest.mark.parametrize("servers", [1, 4])
def test_one_queue_for_all_waits_as_erlang_says(servers: int) -> None:
    load = 0.7 * servers
    machines = Machines(nodes=servers, slots=1, claims=1, claimed=0.0)
    wait = float(np.mean(simulated(machines, load).times.age))
    assert wait == pytest.approx(erlang_c(servers, load) / (servers - load), rel=0.12)


def test_a_queue_at_each_worker_waits_longer_than_one_queue_for_all() -> None:
    one = simulated(Machines(nodes=4, slots=1, claims=1, claimed=0.0), load=2.8, tasks=5000)
    each = simulated(Machines(nodes=4, slots=1, claims=32, claimed=0.0), load=2.8, tasks=5000)
    assert np.percentile(each.times.age, 99) > 1.5 * np.percentile(one.times.age, 99)


def test_all_tasks_end_and_busy_time_is_the_work() -> None:
    fleet = Fleet(Machines(nodes=2, claims=3), COSTS, seed=1)
    fleet.run([(0.0, 10.0)] * 20 + [(1.0, 0.0)] * 5)
    assert len(fleet.times.total) == len(fleet.times.age) == 25
    assert fleet.busy == pytest.approx(20 * 0.5 + 5 * 5.0)


def test_traffic_peaks_at_noon() -> None:
    arrivals = drawn(Traffic(), 20_000, 0, 86_400, np.random.default_rng(1))
    hours = np.histogram([moment for moment, _ in arrivals], 24, (0, 86_400))[0]
    assert len(arrivals) == pytest.approx(20_000, rel=0.03)
    assert hours[11:13].mean() == pytest.approx(2 * 20_000 / 24, rel=0.1)
    assert hours[[0, 23]].mean() < 0.1 * hours[11:13].mean()
    assert np.mean([not characters for _, characters in arrivals]) == pytest.approx(0.05, abs=0.01)


def test_the_offered_load_is_the_mean_of_the_tasks() -> None:
    traffic = Traffic()
    lengths = traffic.characters(np.random.default_rng(3), 50_000)
    fleet = Fleet(Machines(nodes=1), COSTS, seed=1)
    mean = np.mean([sum(fleet.chunks(each)) for each in lengths.tolist()])
    assert offered(COSTS, traffic) == pytest.approx(float(mean), rel=0.05)
