"""Child process of `credentials.read`: reads the manifest of standard input, and prints a report.

The argument is the descriptor of a file with the sidecar, which is empty if there is none. The
process confines itself before it parses the first byte.
"""

from __future__ import annotations

import io
import json
import os
import resource
import sys
from contextlib import suppress

import c2pa

from .confinement import confine
from .credentials import MEDIA_TYPES, SETTINGS, STATEMENT

_LARGEST = 1 << 29  # bytes of a file that is read
_SYNTHETIC = (
    "trainedAlgorithmicMedia",
    "compositeWithTrainedAlgorithmicMedia",
    "compositeSynthetic",
    "algorithmicMedia",
)


def main(manifest: int) -> dict[str, object]:
    """Return the report. `manifest` is the descriptor of the sidecar."""
    data = sys.stdin.buffer.read(_LARGEST)
    with open(manifest, "rb") as file:
        file.seek(0)
        sidecar = file.read() or None
    context = c2pa.Context(settings=c2pa.Settings.from_dict(SETTINGS))
    # Read a file without a manifest, so that the library allocates what it needs before it is
    # confined.
    with suppress(c2pa.C2paError):
        c2pa.Reader.try_create("audio/wav", io.BytesIO(_SILENCE), context=context)
    _limit()
    confine()
    media_type = media_type_of(data)
    try:
        reader = None
        if media_type is not None:
            reader = c2pa.Reader.try_create(media_type, io.BytesIO(data), context=context)
        # The manifest in the file comes first, because a sidecar may belong to a file of the same
        # name in another format.
        if reader is None and sidecar is not None:
            if media_type != MEDIA_TYPES["m4a"]:
                media_type = "application/octet-stream"
            reader = c2pa.Reader.try_create(media_type, io.BytesIO(data), sidecar, context=context)
        if reader is None:
            return report()
        active = reader.get_active_manifest() or {}
        state = reader.get_validation_state()
    except c2pa.C2paError:
        return report(found=True)
    signature = active.get("signature_info") or {}
    return report(
        found=True,
        valid=state in ("Valid", "Trusted"),
        synthetic=synthetic(active),
        signer=str(signature.get("issuer") or signature.get("common_name") or ""),
        facts=statement(active),
    )


def report(
    *,
    found: bool = False,
    valid: bool = False,
    synthetic: bool = False,
    signer: str = "",
    facts: dict[str, str] | None = None,
) -> dict[str, object]:
    """Return a report in the form that `credentials.read` reads."""
    known = facts or {"engine": "", "consent": ""}
    return {"found": found, "valid": valid, "synthetic": synthetic, "signer": signer} | known


def statement(manifest: dict[str, object]) -> dict[str, str]:
    """Return the engine and the class of consent that a manifest of soundclone states."""
    assertions = manifest.get("assertions")
    for assertion in assertions if isinstance(assertions, list) else ():
        if assertion.get("label") == STATEMENT:
            data = assertion.get("data", {})
            return {name: str(data.get(name, "")) for name in ("engine", "consent")}
    return {"engine": "", "consent": ""}


def synthetic(manifest: dict[str, object]) -> bool:
    """Return True if an action of the manifest names a synthetic source."""
    assertions = manifest.get("assertions")
    for assertion in assertions if isinstance(assertions, list) else ():
        if str(assertion.get("label", "")).startswith("c2pa.actions"):
            for action in assertion.get("data", {}).get("actions", ()):
                kind = str(action.get("digitalSourceType", "")).rpartition("/")[2]
                if kind in _SYNTHETIC:
                    return True
    return False


def media_type_of(data: bytes) -> str | None:
    """Return the media type of a file that may hold a manifest, by its first bytes."""
    if data[:4] == b"RIFF":
        return MEDIA_TYPES["wav"]
    if data[:4] == b"fLaC":
        return MEDIA_TYPES["flac"]
    if data[4:8] == b"ftyp":
        return MEDIA_TYPES["m4a"]
    if data[:3] == b"ID3" or (data[:1] == b"\xff" and data[1:2] >= b"\xe0"):
        return MEDIA_TYPES["mp3"]
    return None


def _limit() -> None:
    for name, bound in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 16),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_AS, 2 << 30),  # not enforced by macOS
        (resource.RLIMIT_CPU, 20),
    ):
        with suppress(ValueError, OSError):
            resource.setrlimit(name, (bound, bound))


_SILENCE = b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data\0\0\0\0"

if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))), flush=True)
    os._exit(0)  # a library whose memory ran out may crash at a normal exit
