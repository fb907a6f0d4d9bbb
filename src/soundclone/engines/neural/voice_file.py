"""The voice file of neural engines.

`voice_container` seals the body: safetensors, whose metadata name the engine and its version.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import SynthesisError
from ..voice_container import seal, unseal

MAGIC = b"SCPROMPT"
LARGEST = 50_000_000  # bytes
_NOTE = "soundclone"


@dataclass(frozen=True)
class Prompt:
    """An example of a voice, encoded by a model."""

    arrays: Mapping[str, NDArray[Any]]
    notes: Mapping[str, Any] = field(default_factory=dict)  # values that JSON can hold


def pack(prompt: Prompt, engine: str, version: str) -> bytes:
    """Return the bytes of a prompt. The same prompt gives the same bytes."""
    from safetensors.numpy import save

    note = json.dumps({"engine": engine, "version": version, "notes": dict(prompt.notes)})
    arrays = {name: np.ascontiguousarray(array) for name, array in prompt.arrays.items()}
    body: bytes = save(arrays, {_NOTE: note})
    return seal(MAGIC, body)


def unpack(data: bytes, engine: str, version: str) -> Prompt:
    """Read the result of `pack`.

    Raises SynthesisError if `data` is anything else, or belongs to another engine or version.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    body = unseal(MAGIC, data, LARGEST, engine)
    try:
        arrays = load(body)
        size = int.from_bytes(body[:8], "little")
        note = json.loads(json.loads(body[8 : 8 + size])["__metadata__"][_NOTE])
        made_by, made_in, notes = note["engine"], note["version"], dict(note["notes"])
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise SynthesisError("the voice cannot be read; clone it again") from error
    if (made_by, made_in) != (engine, version):
        raise SynthesisError(
            f"the voice was made by version {made_in!r} of the engine {made_by!r}, this is "
            f"{version!r} of {engine!r}; clone it again"
        )
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise SynthesisError("the voice has values that are not finite; clone it again")
    return Prompt(arrays, notes)
