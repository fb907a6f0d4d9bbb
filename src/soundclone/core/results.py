"""Bytes of results that an account keeps: estimated and reserved when a task is submitted, measured
when it has completed, and given back when the result goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from ..db.models import Account, Task
from ..engines.emotion import PROFILES
from ..errors import TooLarge
from ..text.duration import Length

FILES = ("audio", "subtitles", "subtitles_json")
"""Fields of a task's result that name files."""

_RATES = {"wav": 44_100, "flac": 44_100, "pcm": 24_000}  # Hz, the defaults
_BYTES_A_SECOND = {"mp3": 16_500, "aac": 16_500, "ogg": 16_500}
_SLOWEST = 2.0  # times the estimate: the worker's allowance
_HEAD = 4_096  # bytes of headers and tags
_SUBTITLES = 100  # bytes a character, of both files

# Made once: building a statement takes longer than running it.
_RESIZE = (
    update(Account)
    .where(Account.id == bindparam("account"))
    .values(kept=Account.kept + bindparam("more"))
    .execution_options(synchronize_session=False)
)


def estimate(params: Mapping[str, Any], characters: int, length: Length) -> int:
    """The most bytes that the result of a task may have, by the parameters of its job."""
    form = params.get("format", "mp3")
    rate: float = params.get("speed", 1.0) * PROFILES[params.get("emotion", "neutral")].rate
    seconds = _SLOWEST * length.speech / rate + length.pauses + 1
    if form in _BYTES_A_SECOND:
        bytes_a_second = _BYTES_A_SECOND[form]
    else:
        channels: int = params.get("channels", 1)
        bytes_a_second = 2 * channels * int(params.get("sample_rate") or _RATES[form])
    subtitles = _SUBTITLES * characters if params.get("subtitles") else 0
    return round(seconds * bytes_a_second) + _HEAD + subtitles


def check_quota(kept: int, size: int, quota: int) -> None:
    """Raises TooLarge when a task that may need `size` bytes does not fit beside those `kept`."""
    if kept + size > quota:
        raise TooLarge(
            f"the results of this account take {kept:,} bytes and this task may take {size:,}; at "
            f"most {quota:,} are kept at a time; delete results, or wait until some expire"
        )


def resize(session: Session, task_id: str, size: int) -> None:
    """Note how many bytes a task keeps. This transaction must hold the lock of the task's row."""
    account, before = session.execute(
        select(Task.account_id, Task.size).where(Task.id == task_id)
    ).one()
    if size != before:
        session.execute(update(Task).where(Task.id == task_id).values(size=size))
        session.execute(_RESIZE, {"account": account, "more": size - before})
