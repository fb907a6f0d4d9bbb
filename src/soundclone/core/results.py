"""Bytes of results that an account keeps.

The bytes are estimated and reserved when a task is submitted, measured when the task is completed,
and released when its result is removed.
"""

from __future__ import annotations

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from ..db.models import Account, Task, table_of
from ..engines.emotion import PROFILES
from ..errors import TooLarge
from ..text.duration import Length
from .requests import AudioFormat, SpeechOptions

# Default sample rates in Hz.
_RATES = {
    AudioFormat.WAV: 44_100,
    AudioFormat.FLAC: 44_100,
    AudioFormat.PCM: 24_000,
    AudioFormat.ULAW: 8_000,
    AudioFormat.ALAW: 8_000,
    AudioFormat.ULAW_WAV: 8_000,
}
_BYTE_SAMPLES = frozenset({AudioFormat.ULAW, AudioFormat.ALAW, AudioFormat.ULAW_WAV})
_COMPRESSED = frozenset({AudioFormat.MP3, AudioFormat.AAC, AudioFormat.OGG})
_COMPRESSED_RATE = 16_500  # bytes a second
_FRAMING = 1.05  # of a compressed file over its bit rate
_SLOWEST = 2.0  # longest speech over the estimate, as in `synthesis.allowance`
_HEAD = 4_096  # bytes of headers and tags
_SUBTITLES = 100  # bytes of both files per character

# Constants, because building a statement takes longer than executing it.
_ACCOUNTS, _TASKS = table_of(Account), table_of(Task)
_SIZE = update(_TASKS).where(_TASKS.c.id == bindparam("task")).values(size=bindparam("bytes"))
_RESIZE = (
    update(_ACCOUNTS)
    .where(_ACCOUNTS.c.id == bindparam("account"))
    .values(kept=_ACCOUNTS.c.kept + bindparam("more"))
)


def estimate(options: SpeechOptions, characters: int, length: Length) -> int:
    """Return the most bytes that the files of a task may take."""
    rate = options.speed * PROFILES[options.emotion].rate
    subtitles = _SUBTITLES * characters if options.subtitles else 0
    return estimate_file(options, _SLOWEST * length.speech / rate + length.pauses + 1) + subtitles


def estimate_file(options: SpeechOptions, seconds: float) -> int:
    """Return the most bytes that a file of `seconds` may take."""
    if options.format in _COMPRESSED:
        bytes_a_second = max(_COMPRESSED_RATE, round((options.bit_rate or 0) / 8 * _FRAMING))
    else:
        sample_rate = options.sample_rate or _RATES[options.format]
        width = 1 if options.format in _BYTE_SAMPLES else 2
        bytes_a_second = width * options.channels * sample_rate
    return round(seconds * bytes_a_second) + _HEAD


def check_quota(kept: int, size: int, quota: int) -> None:
    """Check that `size` more bytes fit into the quota. Raises TooLarge."""
    if kept + size > quota:
        raise TooLarge(
            f"the results of this account take {kept:,} bytes and this task may take {size:,}; at "
            f"most {quota:,} are kept at a time; delete results, or wait until some expire"
        )


def resize(session: Session, task_id: str, size: int) -> None:
    """Set the bytes that a task keeps. The transaction must hold the lock of the task's row."""
    account, before = session.execute(
        select(Task.account_id, Task.size).where(Task.id == task_id)
    ).one()
    add(session, account, _measure(session, task_id, before, size))


def measure(session: Session, task: Task, size: int) -> int:
    """Set the bytes that a task keeps, for a task that the transaction has just read.

    Return by how many bytes the results of the account grow. The caller adds the bytes with `add`,
    or together with the charge.
    """
    return _measure(session, task.id, task.size, size)


def add(session: Session, account_id: str, more: int) -> None:
    """Add bytes to the results of an account."""
    if more:
        session.execute(_RESIZE, {"account": account_id, "more": more})


def _measure(session: Session, task_id: str, before: int, size: int) -> int:
    if size != before:
        session.execute(_SIZE, {"task": task_id, "bytes": size})
    return size - before
