"""Signatures of links, session cookies and form tokens."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from itsdangerous import BadData, Signer, base64_decode, base64_encode, want_bytes


class StrictSigner(Signer):
    """HMAC signer that accepts a signature in one encoding only.

    `itsdangerous.Signer` ignores characters outside the base64 alphabet, so that many strings
    would verify as the same signature.
    """

    def verify_signature(self, value: str | bytes, sig: str | bytes) -> bool:
        """Return True if `sig` is what `get_signature(value)` returns for one of the secrets."""
        try:
            canonical = base64_encode(base64_decode(sig)) == want_bytes(sig)
        except BadData:
            return False
        return canonical and super().verify_signature(value, sig)


def signer(secrets: Sequence[bytes], purpose: str) -> StrictSigner:
    """Return a signer whose HMAC keys are derived from `secrets` for one purpose.

    Args:
        secrets: The newest first. The first one signs, all of them verify.
        purpose: Name of the kind of value. A signature for one kind is invalid for another.
    """
    return StrictSigner(
        list(reversed(secrets)),  # itsdangerous expects the newest last
        salt=f"soundclone {purpose}".encode(),
        key_derivation="hmac",
        digest_method=hashlib.sha256,
    )
