"""Encryption of stored files with AES-256-GCM, and of short texts in the database.

An encrypted file consists of a header and chunks.

- The header has 8 bytes `SCENC001`, 8 bytes that name the key, and 32 random bytes.
- A chunk has 64 KiB of plaintext, and 16 bytes that authenticate the chunk.

The key of a file is derived (HKDF-SHA256) from the installation's key, the random bytes and the
name of the file. So a file that is renamed, or put in the place of another one, does not decrypt.
The nonce of a chunk is its number and a byte that is 1 for the last chunk, as in the STREAM
construction (Hoang et al., 2015). So chunks that are cut off, repeated or exchanged do not decrypt.
Any range of a file can be read without the rest.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
HEADER = 48
"""Bytes before the first chunk."""

CHUNK = 64 * 1024
_MAGIC = b"SCENC001"
_NAME = 8
_TAG = 16
_STORED = CHUNK + _TAG


class EncryptionError(Exception):
    """A file cannot be decrypted."""


def is_encrypted(head: bytes) -> bool:
    """Tell whether a file that begins with `head` is encrypted."""
    return head.startswith(_MAGIC)


def key_name(key: bytes) -> str:
    """Return a name of a key that reveals nothing about the key."""
    return _key_name(key).hex()


def _key_name(key: bytes) -> bytes:
    return hmac.new(key, b"soundclone encryption key", hashlib.sha256).digest()[:_NAME]


@dataclass(frozen=True)
class Span:
    """Stored bytes that contain a range of a file's plaintext."""

    start: int  # first stored byte
    end: int  # stored byte after the last one
    chunk: int  # number of the first chunk
    skip: int  # bytes of the first chunk before the range
    size: int  # bytes of the range


class EncryptedFile:
    """Layout and key of one encrypted file."""

    def __init__(self, key: bytes, name: str, header: bytes, stored: int) -> None:
        self._aead = _aead(key, name, header)
        body = stored - HEADER
        self._chunks = -(-body // _STORED)
        self.size = body - _TAG * self._chunks
        """Bytes of the plaintext."""
        if self._chunks < 1 or body - (self._chunks - 1) * _STORED < _TAG:
            raise EncryptionError("it is cut off")

    def span(self, start: int, end: int) -> Span:
        """Return the stored bytes for a range of the plaintext. An empty range has no bytes."""
        start, end = min(start, self.size), min(end, self.size)
        first = start // CHUNK
        after = max(first, -(-end // CHUNK)) if end > start else first
        return Span(
            HEADER + first * _STORED,
            HEADER + min(after * _STORED, self.size + _TAG * self._chunks),
            first,
            start - first * CHUNK,
            max(0, end - start),
        )

    def decrypt(self, data: bytes, first: int = 0) -> bytes:
        """Return the plaintext of whole chunks, of which the first has the number `first`.

        Raises:
            EncryptionError: A chunk was altered.
        """
        plain = [
            self._open(data[at : at + _STORED], first + number)
            for number, at in enumerate(range(0, len(data), _STORED))
        ]
        return b"".join(plain)

    def _open(self, chunk: bytes, number: int) -> bytes:
        from cryptography.exceptions import InvalidTag

        try:
            return self._aead.decrypt(_nonce(number, number == self._chunks - 1), chunk, None)
        except (InvalidTag, ValueError) as error:
            raise EncryptionError("it was altered or damaged") from error


class Cipher:
    """Encrypts files with the first key, and decrypts files of every key.

    Args:
        keys: Keys of 32 bytes, the newest first.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = tuple(keys)

    @cached_property
    def _by_name(self) -> dict[bytes, bytes]:
        return {_key_name(key): key for key in self._keys}

    def is_current(self, head: bytes) -> bool:
        """Tell whether a file that begins with `head` is encrypted with the newest key."""
        name = head[len(_MAGIC) : len(_MAGIC) + _NAME]
        return is_encrypted(head) and name == _key_name(self._keys[0])

    def encrypt(self, name: str, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the stored bytes of a file.

        Args:
            name: Name of the file, which decryption needs too.
            blocks: The plaintext, in blocks of any size.
        """
        header = _MAGIC + _key_name(self._keys[0]) + os.urandom(HEADER - len(_MAGIC) - _NAME)
        yield header
        aead = _aead(self._keys[0], name, header)
        number, pending = 0, bytearray()
        for block in blocks:
            pending += block
            while len(pending) > CHUNK:  # at least one byte stays for the last chunk
                yield aead.encrypt(_nonce(number, False), bytes(pending[:CHUNK]), None)
                del pending[:CHUNK]
                number += 1
        yield aead.encrypt(_nonce(number, True), bytes(pending), None)

    def open(self, name: str, head: bytes, stored: int) -> EncryptedFile:
        """Return an encrypted file.

        Args:
            name: Name that the file was encrypted with.
            head: The first `HEADER` bytes of the file, or more.
            stored: Bytes of the file.

        Raises:
            EncryptionError: The key is missing, or the file is cut off.
        """
        if len(head) < HEADER:
            raise EncryptionError("it is cut off")
        wanted = head[len(_MAGIC) : len(_MAGIC) + _NAME]
        key = self._by_name.get(wanted)
        if key is None:
            has = "has another key" if self._keys else "is empty"
            raise EncryptionError(
                f"it needs key {wanted.hex()}, and SOUNDCLONE_ENCRYPTION_KEYS {has}"
            )
        return EncryptedFile(key, name, head[:HEADER], stored)


def _aead(key: bytes, name: str, header: bytes) -> AESGCM:
    # Imported here, because most installations do not encrypt.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    info = b"soundclone file " + name.encode()
    return AESGCM(HKDF(SHA256(), KEY_BYTES, salt=header, info=info).derive(key))


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def seal(secrets: Sequence[bytes], purpose: str, text: str) -> str:
    """Encrypt a short text with the newest secret of the installation.

    Args:
        secrets: Secrets of the installation, the newest first.
        purpose: Owner of the text, such as an id. The text decrypts only with the same purpose.
        text: The text.
    """
    return _fernet(secrets, purpose).encrypt(text.encode()).decode()


def unseal(secrets: Sequence[bytes], purpose: str, sealed: str) -> str:
    """Decrypt a text that `seal` encrypted with any of the secrets.

    Raises:
        EncryptionError: No secret fits, or the text was altered.
    """
    from cryptography.fernet import InvalidToken

    try:
        return _fernet(secrets, purpose).decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise EncryptionError("it needs another secret, or was altered") from error


def _fernet(secrets: Sequence[bytes], purpose: str) -> MultiFernet:
    from cryptography.fernet import Fernet, MultiFernet
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    info = b"soundclone text " + purpose.encode()
    keys = (HKDF(SHA256(), KEY_BYTES, salt=None, info=info).derive(each) for each in secrets)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])
