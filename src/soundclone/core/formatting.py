"""Times as people read them."""

import time


def moment(seconds: float) -> str:
    """`2026-01-31 17:05 UTC` for seconds since the epoch."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))
