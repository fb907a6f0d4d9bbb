"""Requests that come at once begin in turns."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from soundclone.api.starts import Starts

STRANGER = {"path": "/docs", "headers": [(b"host", b"x")]}
CUSTOMER = {"path": "/v1/models", "headers": [(b"authorization", b"Bearer x")]}
PROBE: dict[str, Any] = {"path": "/healthz", "headers": []}


def order(*scopes: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    """The requests as they begin, each with the turn of the event loop."""
    begun: list[tuple[int, dict[str, Any]]] = []

    async def run() -> None:
        turn = 0
        starts = Starts()

        def note(scope: dict[str, Any]) -> None:
            begun.append((turn, scope))

        for scope in scopes:
            starts.begin(scope, partial(note, scope))
        while len(begun) < len(scopes):
            await asyncio.sleep(0)
            turn += 1

    asyncio.run(run())
    return begun


def test_a_few_begin_at_once() -> None:
    assert [turn for turn, _ in order(*[STRANGER] * 5)] == [0] * 5


def test_many_begin_in_turns_and_in_order() -> None:
    strangers = [{**STRANGER, "number": number} for number in range(100)]
    begun = order(*strangers)
    assert [scope for _, scope in begun] == strangers
    turns = [turn for turn, _ in begun]
    assert max(turns.count(turn) for turn in turns) <= 2 * 16
    assert turns == sorted(turns)


def test_customers_and_probes_go_before_strangers() -> None:
    begun = [scope for _, scope in order(*[STRANGER] * 1000, CUSTOMER, PROBE)]
    assert begun.index(CUSTOMER) < 20
    assert begun.index(PROBE) < 20


def test_strangers_are_not_forgotten() -> None:
    begun = [scope for _, scope in order(*[CUSTOMER] * 1000, STRANGER)]
    assert begun.index(STRANGER) < 40


def test_connections_are_accepted_before_strangers_are_answered() -> None:
    begun: list[int] = []

    async def run() -> None:
        starts = Starts()
        for turn in range(80):
            starts.accepted()
            starts.begin(STRANGER, partial(begun.append, turn))
            if turn == 40:
                before = len(begun)
                starts.begin(CUSTOMER, lambda: begun.append(-1))
                assert begun[before:] == [-1]
            await asyncio.sleep(0)
        assert 5 <= len(begun) - 1 <= 20
        for _ in range(20):
            await asyncio.sleep(0)

    asyncio.run(run())
    assert [turn for turn in begun if turn >= 0] == list(range(80))
