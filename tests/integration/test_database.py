"""Guarantees of the API's access to the database."""

from __future__ import annotations

import asyncio
import time

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import IntegrityError, InternalError, OperationalError
from sqlalchemy.orm import Session

from soundclone.core import ledger
from soundclone.db.models import Account
from soundclone.db.point_reads import PointRead
from soundclone.db.session import Database

FIND = PointRead.of(lambda wanted: select(Account.name).where(Account.id == wanted[0]), "id")


def test_a_point_read_sees_what_was_committed(database: Database) -> None:
    async def use() -> None:
        account = await database.transaction_async(ledger.open_account, "one")
        row = await database.fetch_one_async(FIND, id=account.id)
        assert row is not None
        assert row.name == "one"
        assert await database.fetch_one_async(FIND, id="acct_nobody") is None
        await database.transaction_async(
            lambda session: session.execute(text("UPDATE accounts SET name = 'two'"))
        )
        row = await database.fetch_one_async(FIND, id=account.id)
        assert row is not None
        assert row.name == "two"

    asyncio.run(use())


def test_many_point_reads_at_once(database: Database) -> None:
    async def use() -> None:
        account = await database.transaction_async(ledger.open_account, "one")
        rows = await asyncio.gather(
            *(database.fetch_one_async(FIND, id=account.id) for _ in range(200))
        )
        assert {row.name for row in rows if row} == {"one"}

    asyncio.run(use())


def test_point_reads_that_are_sent_together_each_get_their_row(database: Database) -> None:
    async def use() -> None:
        made = [
            (await database.transaction_async(ledger.open_account, f"name {each}")).id
            for each in range(5)
        ]
        wanted = [*made, "acct_nobody"] * 20
        rows = await asyncio.gather(*(database.fetch_one_async(FIND, id=each) for each in wanted))
        names = [row and row.name for row in rows]
        assert names == [*(f"name {each}" for each in range(5)), None] * 20

    asyncio.run(use())


def test_a_connection_that_the_server_ended_is_replaced(database: Database) -> None:
    if database.sqlite:
        pytest.skip("SQLite has no server")

    async def use() -> None:
        account = await database.transaction_async(ledger.open_account, "one")
        await asyncio.gather(*(database.fetch_one_async(FIND, id=account.id) for _ in range(50)))
        await database.fetch_one_async(FIND, id=account.id)
        with database.transaction() as session:
            end_other_connections(session)
        await asyncio.sleep(0.2)
        rows = await asyncio.gather(
            *(database.fetch_one_async(FIND, id=account.id) for _ in range(50))
        )
        assert {row.name for row in rows if row} == {"one"}
        again = await database.fetch_one_async(FIND, id=account.id)
        assert again is not None
        assert again.name == "one"

    asyncio.run(use())


def test_sessions_that_the_server_ended_are_replaced(database: Database) -> None:
    if database.sqlite:
        pytest.skip("SQLite has no server")
    with database.read() as one, database.read() as two:  # the pool has two connections
        assert one.scalar(text("SELECT 1")) == two.scalar(text("SELECT 1")) == 1
    with database.transaction() as session:
        end_other_connections(session)
    time.sleep(0.2)
    with database.read() as one, database.read() as two:
        assert one.scalar(text("SELECT 2")) == two.scalar(text("SELECT 2")) == 2


def end_other_connections(session: Session) -> None:
    session.execute(
        text(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
    )


def test_locks_of_a_process_that_hangs_are_freed(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stopped process keeps its connections, and Postgres its transactions."""
    if database.sqlite:
        pytest.skip("the lock of an SQLite file belongs to a process")
    monkeypatch.setattr("soundclone.db.session.IDLE_IN_TRANSACTION", 0.5)
    with database.transaction() as session:
        account = ledger.open_account(session, "one")
    hanging = Database(database.engine.url.render_as_string(hide_password=False))
    with Session(hanging.engine) as held:
        ledger.lock(held, account.id)
        begun = time.monotonic()
        with database.transaction() as session:
            session.execute(text("SET LOCAL lock_timeout = '30s'"))
            ledger.lock(session, account.id)
        assert time.monotonic() - begun < 20
        with pytest.raises(OperationalError):  # which is tried again
            held.execute(text("SELECT 1"))
    hanging.close()


def test_a_snapshot_neither_waits_for_writers_nor_sees_them(database: Database) -> None:
    count = select(func.count()).select_from(Account)
    with database.transaction() as writing:
        ledger.open_account(writing, "one")
        with database.snapshot() as reading:
            assert reading.scalar(count) == 0
            writing.commit()
            assert reading.scalar(count) == 0
    with database.snapshot() as reading:
        assert reading.scalar(count) == 1


def test_reading_writes_nothing(database: Database) -> None:
    with database.transaction() as session:
        account = ledger.open_account(session, "one").id
    with database.read() as session:
        session.get_one(Account, account).name = "two"
        session.add(Account(id="acct_new", name="new", created_at=0.0))
        session.scalars(select(Account.name)).all()  # a query flushes in other sessions
    with database.read() as session:
        assert session.scalars(select(Account.name)).all() == ["one"]


def test_a_statement_that_writes_is_refused_while_reading(database: Database) -> None:
    if database.sqlite:
        pytest.skip("SQLite has no transactions for reading alone")
    with database.read() as session, pytest.raises(InternalError, match="read-only"):
        session.execute(insert(Account).values(id="acct_new", name="new", created_at=0.0))


def test_reading_keeps_prepared_statements(database: Database) -> None:
    if database.sqlite:
        pytest.skip("only the driver of Postgres prepares statements")
    for _ in range(10):
        with database.read() as session:
            session.scalars(select(Account.name)).all()
    with database.engine.connect() as connection:
        names = select(func.count()).select_from(text("pg_prepared_statements"))
        assert connection.scalar(names)


def test_an_error_leaves_nothing(database: Database) -> None:
    async def use() -> None:
        account = await database.transaction_async(ledger.open_account, "one")

        def twice(session: object) -> None:
            ledger.open_account(session, "two")  # type: ignore[arg-type]
            session.add(Account(id=account.id, name="again", created_at=0.0))  # type: ignore[attr-defined]
            session.flush()  # type: ignore[attr-defined]

        with pytest.raises(IntegrityError):
            await database.transaction_async(twice)
        with database.read() as session:
            assert session.scalar(select(func.count()).select_from(Account)) == 1

    asyncio.run(use())


def test_fractions_of_a_second_whatever_sqlite_python_was_built_with(database: Database) -> None:
    """dbos' columns have them as their default on Python 3.12 and newer."""
    if database.sqlite:
        with database.read() as session:
            now = session.scalar(text("SELECT unixepoch('subsec')"))
        assert now == pytest.approx(time.time(), abs=5)


def test_a_server_that_is_away_is_said_to_be() -> None:
    """Also by the first read of all, which has no connection to give up yet."""
    away = Database("postgresql+psycopg://nobody@127.0.0.1:1/none")
    with pytest.raises(OperationalError):
        asyncio.run(away.fetch_one_async(FIND, id="acct_x"))
    away.close()
