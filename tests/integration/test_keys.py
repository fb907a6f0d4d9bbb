"""API keys on real databases: scopes, expiry, rotation, and older secrets of the service."""

from __future__ import annotations

import time

import pytest
from alembic import command
from sqlalchemy import text, update

from soundclone.core import keys, ledger, sessions
from soundclone.core.keys import Scope
from soundclone.db.migrate import configuration, upgrade
from soundclone.db.models import Key
from soundclone.db.session import Database
from soundclone.errors import AuthenticationError, Forbidden, InvalidParameter, StateConflict

OLD, NEW = b"old secret " * 4, b"new secret " * 4


def new_key(database: Database, secret: bytes = NEW, **options: object) -> tuple[str, str]:
    """Id and text of a key of a new account."""
    with database.transaction() as session:
        account = ledger.open_account(session, "test")
        key, text_of_key = keys.create(
            session,
            secret,
            account_id=account.id,
            name="test",
            **options,  # type: ignore[arg-type]
        )
        return key.id, text_of_key


def caller(database: Database, key: str, *secrets: bytes) -> keys.Caller:
    with database.read() as session:
        return keys.authenticate(session, secrets or (NEW,), key)


def test_a_key_has_its_scopes(database: Database) -> None:
    _, key = new_key(database, scopes={Scope.SPEAK, Scope.READ})
    found = caller(database, key)
    assert found.scopes == {Scope.READ, Scope.SPEAK}
    found.require(Scope.CLONE, Scope.SPEAK)
    with pytest.raises(Forbidden, match="lacks the scope clone; its scopes are read, speak"):
        found.require(Scope.CLONE)
    assert caller(database, new_key(database)[1]).scopes == keys.USUAL
    with pytest.raises(InvalidParameter, match="'write' is not a scope; the scopes are read, "):
        new_key(database, scopes=["write"])
    with pytest.raises(InvalidParameter, match="at least one scope"):
        new_key(database, scopes=[])


def test_an_expired_key_is_refused(database: Database) -> None:
    key_id, key = new_key(database, expires_at=time.time() + 60)
    assert caller(database, key).key_id == key_id
    with database.transaction() as session:
        session.execute(update(Key).values(expires_at=time.time() - 1))
    with pytest.raises(AuthenticationError, match="expired on 20"):
        caller(database, key)
    with database.transaction() as session:
        with pytest.raises(AuthenticationError, match="expired"):
            keys.holder(session, key_id)
        with pytest.raises(StateConflict, match=r"expired on .*; create a new key"):
            keys.rotate(session, NEW, key_id, overlap=0)
    with pytest.raises(InvalidParameter, match="is past"):
        new_key(database, expires_at=time.time() - 1)


def rotate(database: Database, key_id: str, overlap: float) -> str:
    with database.transaction() as session:
        return keys.rotate(session, NEW, key_id, overlap=overlap)[1]


def test_a_rotated_key_works_until_the_end_of_the_overlap(database: Database) -> None:
    key_id, first = new_key(database, quota=7, scopes={Scope.READ})
    second = rotate(database, key_id, 60)
    for key in (first, second):
        assert caller(database, key).key_id == key_id
    assert caller(database, second).scopes == {Scope.READ}
    with database.transaction() as session:
        session.execute(update(Key).values(previous_until=time.time() - 1))
    with pytest.raises(AuthenticationError, match="was replaced, and stopped working on 20"):
        caller(database, first)
    third = rotate(database, key_id, 60)
    fourth = rotate(database, key_id, 60)
    assert caller(database, third).key_id == caller(database, fourth).key_id == key_id
    for key in (first, second):
        with pytest.raises(AuthenticationError, match="not known"):
            caller(database, key)
    with pytest.raises(InvalidParameter, match="721 hours; it must be from 0 to 720"):
        rotate(database, key_id, 721 * 3600)


def test_a_rotation_without_overlap_ends_sessions_and_links(database: Database) -> None:
    key_id, first = new_key(database)
    with database.transaction() as session:
        identifier, _ = sessions.begin(session, key_id)
        link, _ = sessions.issue_link(session, key_id)
    rotate(database, key_id, 60)
    with database.read() as session:
        assert sessions.find(session, identifier)[1].id == key_id
    rotate(database, key_id, 0)
    with pytest.raises(AuthenticationError):
        caller(database, first)
    with database.transaction() as session:
        with pytest.raises(AuthenticationError):
            sessions.find(session, identifier)
        with pytest.raises(AuthenticationError):
            sessions.redeem_link(session, link)


def test_keys_of_an_older_secret_are_hashed_with_the_newest(database: Database) -> None:
    key_id, first = new_key(database, OLD)
    with database.transaction() as session:
        _, second = keys.rotate(session, OLD, key_id, overlap=60)
    for key in (first, second):
        assert caller(database, key, NEW, OLD).outdated
        with pytest.raises(AuthenticationError):
            caller(database, key, NEW)
        with database.transaction() as session:
            keys.rehash(session, (NEW, OLD), key)
        found = caller(database, key, NEW)
        assert (found.key_id, found.outdated) == (key_id, False)
    with database.read() as session:
        row = session.get_one(Key, key_id)
        assert row.secret_id == row.previous_secret_id == keys.secret_id(NEW)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_existing_keys_keep_their_permissions(
    kind: str, request: pytest.FixtureRequest, tmp_path: object
) -> None:
    url = f"sqlite:///{tmp_path}/old.db"
    if kind == "postgres":
        url = request.getfixturevalue("postgres_database")
    database = Database(url)
    with database.engine.connect() as connection:
        command.upgrade(configuration(connection), "0006")
        connection.execute(
            text(
                "INSERT INTO accounts (id, name, credited, posted, held, active, turn, created_at) "
                "VALUES ('a', 'a', 0, 0, 0, 0, 0, 0)"
            )
        )
        for name, operator in (("one", "false"), ("two", "true")):
            connection.execute(
                text(
                    "INSERT INTO keys (id, account_id, name, display, hash, quota, used, held, "
                    f"active, operator, created_at) VALUES ('{name}', 'a', '', '', '{name}', 0, 0, "
                    f"0, 0, {operator}, 0)"
                )
            )
        connection.commit()
    upgrade(database)
    with database.read() as session:
        one, two = session.get_one(Key, "one"), session.get_one(Key, "two")
        assert keys.scopes_of(one) == keys.USUAL
        assert keys.scopes_of(two) == frozenset(Scope)
        assert (one.expires_at, one.operator, two.operator) == (None, False, True)
    database.close()
