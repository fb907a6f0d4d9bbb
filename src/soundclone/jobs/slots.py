"""Places in a worker, shared fairly between accounts.

A worker has more tasks under way than it has processors. Each step that computes holds a place
while it runs. A free place goes to the waiting account that holds the fewest places, and of
several such accounts to the one that had a place least recently. A long step offers its place now
and then (`breathe`), so an account with many long tasks and an account with one short task
advance side by side.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

_CHECK = 0.2  # seconds between looks at whether a waiting ticket is still wanted
_RESERVED = 0.2  # seconds that a place is kept for the next step of an account
_QUANTUM = 0.25  # seconds that a place is kept at least
_REMEMBERED = 1000  # accounts whose last turn is known


def _wanted() -> None:
    """Check nothing."""


@dataclass(eq=False)
class _Ticket:
    account: str
    alone: bool
    check: Callable[[], None]
    number: int
    tool: str | None = None  # that the place comes with
    begun: bool = False  # had a place before, so it holds memory
    held: bool = False
    since: float = field(default=0.0)  # when the place was got


class Slots:
    """`places`, of which one account holds at most `per_account`.

    An account that holds none gets one of `extra` more places at once, when the others are
    taken: a short task does not wait for the end of somebody's long step.
    """

    def __init__(self, places: int, *, extra: int = 0, per_account: int | None = None) -> None:
        self.places = places
        self._extra = extra
        self._per_account = places + extra if per_account is None else per_account
        self._changed = threading.Condition()
        self._numbers = count()
        self._waiting: list[_Ticket] = []
        self._held: Counter[str] = Counter()
        self._served: dict[str, int] = {}  # when each account last had a place, oldest first
        self._left: dict[str, float] = {}  # when accounts gave up their only place
        self._tools: set[str] = set()
        self._alone = False

    @contextmanager
    def hold(
        self, account: str, *, alone: bool = False, check: Callable[[], None] = _wanted
    ) -> Iterator[Place]:
        """Wait for a place, and keep it for the block. `alone`: nobody else has a place
        meanwhile. `check` is called about twice a second of waiting; what it raises ends the
        waiting."""
        ticket = _Ticket(account, alone, check, next(self._numbers))
        self._wait(ticket)
        try:
            yield Place(self, ticket)
        finally:
            self._leave(ticket)

    def _wait(self, ticket: _Ticket) -> None:
        try:
            ticket.check()
            with self._changed:
                self._waiting.append(ticket)
                self._grant()
            while True:
                with self._changed:
                    if self._changed.wait_for(lambda: ticket.held, _CHECK):
                        return
                    self._grant()  # a reservation may be over
                ticket.check()
        except BaseException:
            self._leave(ticket)
            raise

    def _leave(self, ticket: _Ticket) -> None:
        with self._changed:
            if ticket in self._waiting:
                self._waiting.remove(ticket)
            elif ticket.held:
                self._release(ticket)
                if not self._held[ticket.account]:
                    self._left[ticket.account] = time.monotonic()
            self._grant()

    def _release(self, ticket: _Ticket) -> None:
        ticket.held = False
        self._held[ticket.account] -= 1
        self._held += Counter()  # accounts that hold none need no memory
        self._stamp(ticket.account)
        if ticket.alone:
            self._alone = False
        if ticket.tool:
            self._tools.discard(ticket.tool)

    def _grant(self) -> None:
        """Give free places away."""
        while able := [ticket for ticket in self._waiting if self._may(ticket)]:
            ticket = min(able, key=self._order)
            # One that has begun holds memory: it goes before others of its account.
            ticket = next((each for each in able if each.begun and _same(each, ticket)), ticket)
            self._waiting.remove(ticket)
            ticket.held = ticket.begun = True
            ticket.since = time.monotonic()
            self._held[ticket.account] += 1
            self._stamp(ticket.account)
            self._alone = ticket.alone
            if ticket.tool:
                self._tools.add(ticket.tool)
        self._changed.notify_all()

    def _stamp(self, account: str) -> None:
        self._served.pop(account, None)
        self._served[account] = next(self._numbers)
        if len(self._served) > _REMEMBERED:
            del self._served[next(iter(self._served))]

    def _order(self, ticket: _Ticket) -> tuple[int, int, int]:
        """Key by which the next ticket is chosen, the smallest first."""
        account = ticket.account
        return self._held[account], self._served.get(account, -1), ticket.number

    def _may(self, ticket: _Ticket) -> bool:
        taken, own = self._held.total(), self._held[ticket.account]
        if self._alone or ticket.tool in self._tools or own >= self._per_account:
            return False
        if ticket.alone:
            return not taken
        if any(each.alone for each in self._waiting):
            return False
        if own:
            return taken + self._reserved(ticket.account) < self.places
        return taken < self.places + self._extra

    def _reserved(self, account: str) -> int:
        """Places kept for other accounts. Without these, a second long step would begin between
        two steps of a short task and slow it down."""
        since = time.monotonic() - _RESERVED
        self._left = {
            each: left for each, left in self._left.items() if left > since and not self._held[each]
        }
        return len(self._left) - (account in self._left)

    def _breathe(self, ticket: _Ticket) -> None:
        ticket.check()
        with self._changed:
            if ticket.alone or time.monotonic() - ticket.since < _QUANTUM:
                return
            if not self._owes(ticket):
                return
            self._release(ticket)
            ticket.number = next(self._numbers)
        self._wait(ticket)

    def _owes(self, ticket: _Ticket) -> bool:
        """True when the place of a ticket should go to somebody else now."""
        own = self._held[ticket.account]
        if self._held.total() > self.places and own > 1 and own == max(self._held.values()):
            return True  # somebody has an extra place
        return any(
            each.alone or (self._held[each.account] < own and each.tool in (None, ticket.tool))
            for each in self._waiting
        )

    def _take(self, ticket: _Ticket, tool: str) -> None:
        with self._changed:
            free = tool not in self._tools
            if free:
                self._tools.add(tool)
            else:
                self._release(ticket)
            ticket.tool = tool
        if not free:
            self._wait(ticket)

    def _put_back(self, ticket: _Ticket) -> None:
        with self._changed:
            if ticket.held and ticket.tool:
                self._tools.discard(ticket.tool)
            ticket.tool = None
            self._grant()


@dataclass(frozen=True)
class Place:
    """A place that is held."""

    _slots: Slots
    _ticket: _Ticket

    def breathe(self) -> None:
        """Offer the place to accounts that hold fewer, and wait to get it back. Called between
        the parts of a long step; raises what `check` raises."""
        self._slots._breathe(self._ticket)

    @contextmanager
    def using(self, tool: str) -> Iterator[None]:
        """Keep a tool for the block that one place at a time may use. The place is given up
        while the tool is waited for."""
        self._slots._take(self._ticket, tool)
        try:
            yield
        finally:
            self._slots._put_back(self._ticket)


def _same(one: _Ticket, other: _Ticket) -> bool:
    return one.account == other.account
