from __future__ import annotations

import pytest
from sqlalchemy.exc import OperationalError

from soundclone.errors import NoSpeech, Unavailable
from soundclone.jobs import engine
from soundclone.jobs.runner import Interrupted


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (Unavailable("the store is away"), True),
        (OperationalError("SELECT 1", {}, Exception()), True),
        (ConnectionResetError(), True),
        (NoSpeech("nothing there"), False),
        (ZeroDivisionError(), False),
        (KeyError(), False),
    ],
)
def test_what_is_tried_again(error: Exception, transient: bool) -> None:
    assert engine._transient(error) is transient


def test_an_interruption_is_no_outcome() -> None:
    """The task engine writes exceptions down as outcomes; this one must pass it by."""
    assert not issubclass(Interrupted, Exception)
