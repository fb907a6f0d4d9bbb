"""Reports of abuse on real databases."""

from __future__ import annotations

import time

import pytest

from soundclone.core import abuse
from soundclone.db.session import Database
from soundclone.errors import InvalidParameter, NotFound, Unavailable

FORM = {"reason": "fraud", "subject": "model_1", "message": "A\0 call.", "contact": "a@example.com"}


def test_a_report_is_opened_closed_and_forgotten(database: Database) -> None:
    with database.transaction() as session:
        first = abuse.submit(session, **FORM).id
        second = abuse.submit(session, **FORM).id
        assert abuse.get(session, first).message == "A call."
        assert [each.id for each in abuse.listing(session)] == [first, second]
        closed = abuse.close(session, first, "Voice deleted")
        at = closed.closed_at
        assert abuse.close(session, first).closed_at == at
        assert (closed.note, at is not None) == ("Voice deleted", True)
    with database.transaction() as session:
        assert [each.id for each in abuse.listing(session)] == [second]
        assert len(abuse.listing(session, closed=True)) == 2
        abuse.delete_closed(session, time.time() - 60)
        assert abuse.get(session, first)
        abuse.delete_closed(session, time.time() + 60)
        with pytest.raises(NotFound, match="there is no report"):
            abuse.get(session, first)
        assert abuse.get(session, second)


def test_reports_do_not_fill_the_disk(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(abuse, "MOST_OPEN", 1)
    with database.transaction() as session:
        first = abuse.submit(session, **FORM)
        with pytest.raises(Unavailable, match="1 reports are open"):
            abuse.submit(session, **FORM)
        abuse.close(session, first.id)
        session.flush()
        with pytest.raises(InvalidParameter, match="contact has 201 characters"):
            abuse.submit(session, **FORM | {"contact": "a" * 201})
        assert abuse.submit(session, **FORM).id
