"""Encryption of stored files: what is read back, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from soundclone.config import Settings
from soundclone.encryption import CHUNK, HEADER, Cipher, EncryptionError, is_encrypted, key_name
from soundclone.errors import Unavailable
from soundclone.storage import Storage

ONE, TWO = b"1" * 32, b"2" * 32
SIZES = st.one_of(
    st.integers(0, 100), st.integers(CHUNK - 2, CHUNK + 2), st.integers(2 * CHUNK - 2, 3 * CHUNK)
)


def pattern(size: int) -> bytes:
    return bytes(number % 251 for number in range(size))


def encrypted(data: bytes, *keys: bytes, name: str = "a/b") -> bytes:
    return b"".join(Cipher(keys or (ONE,)).encrypt(name, [data]))


def decrypted(stored: bytes, *keys: bytes, name: str = "a/b") -> bytes:
    return Cipher(keys or (ONE,)).open(name, stored, len(stored)).decrypt(stored[HEADER:])


@given(SIZES, st.integers(1, CHUNK + 1))
def test_what_is_encrypted_is_decrypted(size: int, block: int) -> None:
    data, step = pattern(size), max(block, size // 50)
    blocks = [data[at : at + step] for at in range(0, size, step)]
    stored = b"".join(Cipher([ONE]).encrypt("a/b", blocks))
    assert decrypted(stored) == data
    assert Cipher([ONE]).open("a/b", stored, len(stored)).size == size
    assert data not in stored or size < 8
    assert stored != encrypted(data)  # a new key for each file


@given(SIZES, st.data())
def test_any_range_can_be_read_alone(size: int, choice: st.DataObject) -> None:
    data = pattern(size)
    stored = encrypted(data)
    start = choice.draw(st.integers(0, size))
    end = choice.draw(st.integers(start, size))
    opened = Cipher([ONE]).open("a/b", stored[:HEADER], len(stored))
    span = opened.span(start, end)
    plain = opened.decrypt(stored[span.start : span.end], span.chunk)
    assert plain[span.skip : span.skip + span.size] == data[start:end]


@given(st.integers(0, 3 * CHUNK), st.data())
def test_any_change_is_noticed(size: int, choice: st.DataObject) -> None:
    stored = bytearray(encrypted(pattern(size)))
    position = choice.draw(st.integers(0, len(stored) - 1))
    stored[position] ^= choice.draw(st.integers(1, 255))
    if not is_encrypted(bytes(stored)):
        return  # read as a file that was never encrypted
    with pytest.raises(EncryptionError):
        decrypted(bytes(stored))


@given(st.integers(0, 3 * CHUNK), st.data())
def test_a_file_that_is_cut_off_is_noticed(size: int, choice: st.DataObject) -> None:
    stored = encrypted(pattern(size))
    cut = stored[: choice.draw(st.integers(8, len(stored) - 1))]
    with pytest.raises(EncryptionError):
        decrypted(cut)


def test_chunks_cannot_be_exchanged_or_left_out() -> None:
    stored = encrypted(pattern(3 * CHUNK))
    length = CHUNK + 16
    head, chunks = stored[:HEADER], [stored[HEADER + n * length :][:length] for n in range(3)]
    for order in ((1, 0, 2), (0, 1), (0, 2), (0, 1, 2, 2), (0, 1, 1)):
        with pytest.raises(EncryptionError):
            decrypted(head + b"".join(chunks[number] for number in order))


def test_a_file_belongs_to_its_name_and_its_key() -> None:
    stored = encrypted(b"secret")
    with pytest.raises(EncryptionError, match="altered"):
        decrypted(stored, name="a/c")
    with pytest.raises(EncryptionError, match=rf"needs key {key_name(ONE)}, and .* another key"):
        decrypted(stored, TWO)
    with pytest.raises(EncryptionError, match="is empty"):
        Cipher([]).open("a/b", stored, len(stored))
    assert decrypted(stored, TWO, ONE) == b"secret"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "files"


def opened(folder: Path, *keys: bytes) -> Storage:
    return Storage.open(folder.as_uri(), [b"s" * 32], keys)


@pytest.mark.parametrize("size", [0, 1, CHUNK, 5_000_000])
def test_an_encrypted_store_is_used_like_any_other(folder: Path, tmp_path: Path, size: int) -> None:
    store, data = opened(folder, ONE), pattern(size)
    source = tmp_path / "source"
    source.write_bytes(data)
    store.put("voices/one", data)
    store.put_file("voices/two", source)
    for key in ("voices/one", "voices/two"):
        assert store.size(key) == size
        assert store.get(key) == data
        assert b"".join(store.stream(key)) == data
        assert (
            b"".join(store.stream(key, size // 3, size - 1 if size else 0, 1000))
            == (data[size // 3 : size - 1 if size else 0])
        )
        assert is_encrypted((folder / key).read_bytes())
        assert data[:1000] not in (folder / key).read_bytes() or size < 8
    store.get_file("voices/two", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == data
    assert [key for key, _ in store.list()] == ["voices/one", "voices/two"]
    store.check()
    assert store.delete_prefix("voices") == 2


def test_a_missing_or_wrong_key_is_named(folder: Path) -> None:
    opened(folder, ONE).put("voices/one", b"x" * 100)
    for store in (opened(folder), opened(folder, TWO)):
        with pytest.raises(Unavailable, match="SOUNDCLONE_ENCRYPTION_KEYS"):
            store.get("voices/one")
        with pytest.raises(Unavailable, match="SOUNDCLONE_ENCRYPTION_KEYS"):
            store.size("voices/one")
        with pytest.raises(Unavailable, match="SOUNDCLONE_ENCRYPTION_KEYS"):
            store.stream("voices/one")


def test_a_service_without_the_key_does_not_start(folder: Path) -> None:
    opened(folder).check_encryption()
    assert list(opened(folder).list()) == []
    opened(folder, ONE).check_encryption()
    opened(folder, TWO, ONE).check_encryption()
    for store in (opened(folder), opened(folder, TWO)):
        with pytest.raises(Unavailable, match="SOUNDCLONE_ENCRYPTION_KEYS"):
            store.check_encryption()


def test_files_are_rewritten_with_a_new_key_and_without_any(folder: Path) -> None:
    data = {"plain": b"", "old": pattern(200_000), "new": b"new"}
    for name, store in (("plain", opened(folder)), ("old", opened(folder, ONE))):
        store.put(name, data[name])
    store = opened(folder, TWO, ONE)
    store.put("new", data["new"])
    assert [store.rewrite(name, encrypt=True) for name in data] == [True, True, False]
    assert not store.rewrite("gone", encrypt=True)
    store = opened(folder, TWO)
    assert {name: store.get(name) for name in data} == data
    assert all(store.rewrite(name, encrypt=False) for name in data)
    assert not store.rewrite("old", encrypt=False)
    assert {name: opened(folder).get(name) for name in data} == data


def test_a_key_has_64_digits() -> None:
    settings = Settings(encryption_keys=("0A" * 32, "ff" * 32))
    assert settings.encryption == (b"\n" * 32, b"\xff" * 32)
    for wrong in ("00", "0" * 63, "g" * 64):
        with pytest.raises(ValidationError, match="64 hexadecimal digits"):
            Settings(encryption_keys=("00" * 32, wrong))
