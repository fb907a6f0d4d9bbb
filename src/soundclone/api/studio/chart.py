"""Bar charts with round numbers on their axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...core.pricing import to_micro
from ...core.queries import Day

HEIGHT = 100
"""Height of a chart, in its own units."""

WIDTH = 20
"""Width of the place of a bar, in the chart's units."""

_STEPS = 4  # at most, from the bottom to the top of the axis
_GAP = 3  # units on both sides of a bar


@dataclass(frozen=True)
class Bar:
    """Bar of a day."""

    day: Day
    x: int
    y: float
    width: int
    height: float


@dataclass(frozen=True)
class Chart:
    """Chart of the credits that were spent on each day."""

    bars: tuple[Bar, ...]
    ticks: tuple[int, ...]  # micro-credits, from the top of the axis to 0
    starts: tuple[Day, ...]  # days below which the horizontal axis has a date

    @property
    def width(self) -> int:
        """Width of the chart, in its own units."""
        return WIDTH * len(self.bars)

    @property
    def lines(self) -> tuple[float, ...]:
        """Heights of the lines at the ticks, in the chart's units from its top."""
        most = len(self.ticks) - 1
        return tuple(round(HEIGHT * each / most, 2) for each in range(most + 1))


def chart(days: Sequence[Day], dates: int) -> Chart:
    """Return the chart of some days, with `dates` dates that divide the days evenly."""
    ticks = _ticks(max(day.spent for day in days))
    bars = []
    for number, day in enumerate(days):
        height = round(HEIGHT * day.spent / ticks[0], 2)
        bars.append(Bar(day, WIDTH * number + _GAP, HEIGHT - height, WIDTH - 2 * _GAP, height))
    return Chart(tuple(bars), ticks, tuple(days[:: len(days) // dates]))


def _ticks(most: int) -> tuple[int, ...]:
    """Return multiples of 1, 2 or 5 times a power of ten, from at least `most` down to 0."""
    most = most or int(to_micro(1))
    size = 1
    while True:
        for factor in (1, 2, 5):
            step = size * factor
            if step * _STEPS >= most:
                count = -(-most // step)
                return tuple(step * each for each in range(count, -1, -1))
        size *= 10
