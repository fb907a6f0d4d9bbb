"""The space of uploads, reserved on real databases."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

import pytest
from sqlalchemy import select, update

from soundclone.core import uploads
from soundclone.db.models import Upload, UploadReservation
from soundclone.db.session import Database
from soundclone.errors import RateLimited, TooLarge
from tests.integration.test_ledger import customer


def kept(account: str, size: int, name: str = "a") -> Upload:
    now = time.time()
    return Upload(
        key=f"uploads/{name}", account_id=account, size=size, created_at=now, expires_at=now + 99
    )


def reserve(database: Database, account: str, size: int, most: int = 10) -> str:
    with database.transaction() as session:
        return uploads.reserve(session, account, size, quota=100, most=most)


def reserved(database: Database) -> list[int]:
    with database.read() as session:
        return list(session.scalars(select(UploadReservation.size)))


def test_the_real_size_replaces_the_reservation(database: Database) -> None:
    account, _ = customer(database, 0)
    reservation = reserve(database, account, 60)
    with database.transaction() as session:
        uploads.register(session, kept(account, 30), quota=100, reservation=reservation)
    assert reserved(database) == []
    reserve(database, account, 70)


def test_what_is_under_way_counts(database: Database) -> None:
    account, _ = customer(database, 0)
    other, _ = customer(database, 0)
    first = reserve(database, account, 60)
    with pytest.raises(RateLimited, match="under way may come to 60 bytes, and 0 are kept") as full:
        reserve(database, account, 41)
    assert full.value.retry_after
    reserve(database, other, 100)
    with database.transaction() as session:
        uploads.release(session, first)
    reserve(database, account, 100)


def test_what_is_kept_counts(database: Database) -> None:
    account, _ = customer(database, 0)
    with database.transaction() as session:
        uploads.register(session, kept(account, 60), quota=100)
    with pytest.raises(TooLarge, match="come to 101 bytes; at most 100 are kept"):
        reserve(database, account, 41)
    reserve(database, account, 40)


def test_few_are_under_way_at_once(database: Database) -> None:
    account, _ = customer(database, 0)
    together = threading.Barrier(8)
    taken: list[str] = []

    def upload() -> None:
        together.wait()
        with suppress(RateLimited):
            taken.append(reserve(database, account, 1, most=3))

    threads = [threading.Thread(target=upload) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 3
    with pytest.raises(RateLimited, match="3 uploads of this account are under way"):
        reserve(database, account, 1, most=3)


def test_a_reservation_ends_with_its_process(database: Database) -> None:
    account, _ = customer(database, 0)
    lost, alive = reserve(database, account, 50), reserve(database, account, 50)
    with database.transaction() as session:
        session.execute(update(UploadReservation).values(expires_at=time.time() - 1))
        uploads.renew(session, alive)
    reserve(database, account, 50)
    with pytest.raises(RateLimited):
        reserve(database, account, 1)
    with database.transaction() as session:
        uploads.release(session, lost)
