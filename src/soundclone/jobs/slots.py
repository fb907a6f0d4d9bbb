"""Slots of a worker, shared fairly between accounts.

A worker runs more tasks than it has processors. Each step that computes holds a slot while it runs.
A free slot goes to the waiting account that holds the fewest slots, and among those to the account
that had a slot least recently. A long step yields its slot from time to time (`yield_slot`), so an
account with many long tasks and an account with one short task advance side by side.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

_CHECK = 0.2  # seconds between two checks whether a waiting step is still needed
_RESERVED = 0.2  # seconds for which a slot is reserved for the next step of an account
_QUANTUM = 0.25  # seconds for which a step keeps its slot at least
_REMEMBERED = 1000  # accounts whose last turn is remembered


def _no_check() -> None:
    """Accept every step."""


@dataclass(eq=False)
class _Ticket:
    account: str
    alone: bool
    check: Callable[[], None]
    number: int
    tool: str | None = None  # engine that the slot includes
    due: float = math.inf
    spare: bool = False
    begun: bool = False  # had a slot before, so its step holds memory
    held: bool = False
    granted: threading.Event = field(default_factory=threading.Event)  # since the last wait
    since: float = field(default=0.0)  # monotonic seconds when the slot was granted


class Slots:
    """`places` slots, of which one account holds at most `per_account`.

    An account that holds no slot gets one of `extra` more when all others are taken, so a short
    task does not wait for the end of another account's long step.
    """

    def __init__(self, places: int, *, extra: int = 0, per_account: int | None = None) -> None:
        self.places = places
        self._extra = extra
        self._per_account = places + extra if per_account is None else per_account
        self._lock = threading.Lock()
        self._numbers = count()
        self._waiting: list[_Ticket] = []
        self._held: Counter[str] = Counter()
        self._served: dict[str, int] = {}  # when each account last had a place, oldest first
        self._left: dict[str, float] = {}  # when accounts gave up their only place
        self._tools: set[str] = set()
        self._alone = False

    @property
    def taken(self) -> int:
        """Number of slots that steps hold now."""
        with self._lock:
            return self._held.total()

    @contextmanager
    def hold(
        self,
        account: str,
        *,
        alone: bool = False,
        due: float = math.inf,
        spare: bool = False,
        check: Callable[[], None] = _no_check,
    ) -> Iterator[Place]:
        """Wait for a slot, and hold it for the block.

        Args:
            account: Id of the account.
            alone: True if no other step may hold a slot meanwhile.
            due: Monotonic seconds when the step should begin. Among the steps of an account, the
                one that is due first goes first.
            spare: True if all other steps of its account go first.
            check: Called several times a second while waiting. What it raises ends the wait.
        """
        ticket = _Ticket(account, alone, check, next(self._numbers), due=due, spare=spare)
        self._wait(ticket)
        try:
            yield Place(self, ticket)
        finally:
            self._leave(ticket)

    def _wait(self, ticket: _Ticket) -> None:
        try:
            ticket.check()
            ticket.granted.clear()
            with self._lock:
                self._waiting.append(ticket)
                self._grant()
            # Each ticket has an event, because waking all that wait would cost more than a step.
            while not ticket.granted.wait(_CHECK):
                with self._lock:
                    self._grant()  # a reservation may have expired
                ticket.check()
        except BaseException:
            self._leave(ticket)
            raise

    def _leave(self, ticket: _Ticket) -> None:
        with self._lock:
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
        self._held += Counter()  # drops accounts without slots
        self._stamp(ticket.account)
        if ticket.alone:
            self._alone = False
        if ticket.tool:
            self._tools.discard(ticket.tool)

    def _grant(self) -> None:
        """Grant free slots to waiting steps."""
        while able := [ticket for ticket in self._waiting if self._may(ticket)]:
            ticket = min(able, key=self._order)
            # A step that has begun holds memory, so it goes before others of its account.
            if ticket.due == math.inf:
                begun = (
                    each
                    for each in able
                    if each.begun and _same(each, ticket) and each.spare <= ticket.spare
                )
                ticket = next(begun, ticket)
            self._waiting.remove(ticket)
            ticket.held = ticket.begun = True
            ticket.since = time.monotonic()
            ticket.granted.set()
            self._held[ticket.account] += 1
            self._stamp(ticket.account)
            self._alone = ticket.alone
            if ticket.tool:
                self._tools.add(ticket.tool)

    def _stamp(self, account: str) -> None:
        self._served.pop(account, None)
        self._served[account] = next(self._numbers)
        if len(self._served) > _REMEMBERED:
            del self._served[next(iter(self._served))]

    def _order(self, ticket: _Ticket) -> tuple[int, int, bool, float, int]:
        """Return the sort key of waiting steps. The smallest goes first."""
        account = ticket.account
        turn = self._held[account], self._served.get(account, -1)
        return *turn, *_rank(ticket), ticket.number

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
        """Return the number of slots that are reserved for other accounts.

        Without reservations, a second long step would start between two steps of a short task.
        """
        since = time.monotonic() - _RESERVED
        self._left = {
            each: left for each, left in self._left.items() if left > since and not self._held[each]
        }
        return len(self._left) - (account in self._left)

    def _yield_slot(self, ticket: _Ticket) -> None:
        ticket.check()
        with self._lock:
            if ticket.alone or time.monotonic() - ticket.since < _QUANTUM:
                return
            if not self._owes(ticket):
                return
            self._release(ticket)
            ticket.number = next(self._numbers)
        self._wait(ticket)

    def _owes(self, ticket: _Ticket) -> bool:
        """Tell whether the slot of a step should go to another account now."""
        own = self._held[ticket.account]
        if self._held.total() > self.places and own > 1 and own == max(self._held.values()):
            return True  # another account has an extra slot
        return any(
            each.alone
            or (
                each.tool in (None, ticket.tool)
                and (
                    self._held[each.account] < own
                    or (_same(each, ticket) and _rank(each) < _rank(ticket))
                )
            )
            for each in self._waiting
        )

    def _take(self, ticket: _Ticket, tool: str) -> None:
        with self._lock:
            free = tool not in self._tools
            if free:
                self._tools.add(tool)
            else:
                self._release(ticket)
            ticket.tool = tool
        if not free:
            self._wait(ticket)

    def _put_back(self, ticket: _Ticket) -> None:
        with self._lock:
            if ticket.held and ticket.tool:
                self._tools.discard(ticket.tool)
            ticket.tool = None
            self._grant()


@dataclass(frozen=True)
class Place:
    """A slot that a step holds."""

    _slots: Slots
    _ticket: _Ticket

    def yield_slot(self) -> None:
        """Yield the slot to accounts that hold fewer, and wait to get it back.

        A step calls this between its parts. Raises what `check` raises.
        """
        self._slots._yield_slot(self._ticket)

    def set_due(self, due: float) -> None:
        """Change when the step is due, for the next `yield_slot`."""
        self._ticket.due = due

    @contextmanager
    def using(self, tool: str) -> Iterator[None]:
        """Hold a tool that one step at a time may use, such as an engine.

        The slot is released while the step waits for the tool.
        """
        self._slots._take(self._ticket, tool)
        try:
            yield
        finally:
            self._slots._put_back(self._ticket)


def _rank(ticket: _Ticket) -> tuple[bool, float]:
    """Return the rank of a step among those of its account. The smallest goes first."""
    return ticket.spare, ticket.due


def _same(one: _Ticket, other: _Ticket) -> bool:
    return one.account == other.account
