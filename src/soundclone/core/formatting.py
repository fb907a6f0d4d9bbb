"""Times for people, and the length of a day."""

import time

DAY = 86_400.0
"""Seconds of a day."""


def moment(seconds: float) -> str:
    """Format seconds since the epoch: `2026-01-31 17:05 UTC`."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))
