"""The bytes of a neural engine's voice: what its model made of a recording.

    8 bytes   magic
    32 bytes  SHA-256 of all that follows
    the rest  safetensors, with a note of which engine they belong to, in which version

Nothing in it is executed, and nothing is believed before its checksum is right.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import SynthesisError

MAGIC = b"SCPROMPT"
LARGEST = 50_000_000  # bytes
_NOTE = "soundclone"


@dataclass(frozen=True)
class Prompt:
    """An example of a voice, in a model's terms."""

    arrays: Mapping[str, NDArray[Any]]
    notes: Mapping[str, Any] = field(default_factory=dict)  # what JSON can hold


def pack(prompt: Prompt, engine: str, version: str) -> bytes:
    """The bytes of a prompt: the same for the same prompt."""
    from safetensors.numpy import save

    note = json.dumps({"engine": engine, "version": version, "notes": dict(prompt.notes)})
    arrays = {name: np.ascontiguousarray(array) for name, array in prompt.arrays.items()}
    body: bytes = save(arrays, {_NOTE: note})
    return MAGIC + hashlib.sha256(body).digest() + body


def unpack(data: bytes, engine: str, version: str) -> Prompt:
    """Read what `pack` made. Raises SynthesisError when it is anything else, or belongs to another
    engine or version."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    again = "clone it again"
    if len(data) > LARGEST:
        raise SynthesisError(f"the voice has {len(data)} bytes; at most {LARGEST} are expected")
    if not data.startswith(MAGIC):
        raise SynthesisError(f"the voice is not one of the engine {engine!r}; {again}")
    body = data[len(MAGIC) + 32 :]
    if hashlib.sha256(body).digest() != data[len(MAGIC) : len(MAGIC) + 32]:
        raise SynthesisError(f"the voice is damaged: its checksum does not match; {again}")
    try:
        arrays = load(body)
        size = int.from_bytes(body[:8], "little")
        note = json.loads(json.loads(body[8 : 8 + size])["__metadata__"][_NOTE])
        made_by, made_in, notes = note["engine"], note["version"], dict(note["notes"])
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise SynthesisError(f"the voice cannot be read; {again}") from error
    if (made_by, made_in) != (engine, version):
        raise SynthesisError(
            f"the voice was made by version {made_in!r} of the engine {made_by!r}, this is "
            f"{version!r} of {engine!r}; {again}"
        )
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise SynthesisError(f"the voice has values that are not finite; {again}")
    return Prompt(arrays, notes)
