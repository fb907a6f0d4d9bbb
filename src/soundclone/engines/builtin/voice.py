"""The voice file: what the engine keeps of a person.

    8 bytes   magic
    32 bytes  SHA-256 of all that follows
    4 bytes   length of the header, little-endian
    header    JSON: {"version": …, "arrays": [[name, dtype, shape], …]}
    arrays    raw, little-endian, in the header's order

Nothing in it is executed, and nothing is believed before it has the shape that it must have.
"""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass, fields
from functools import cache
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import SynthesisError
from . import envelope_decoder
from .vocoder import BANDS

MAGIC = b"SCVOICE\x01"
LARGEST = 5_000_000  # bytes

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Prosody:
    """How somebody speaks, brought to analysis.LEVEL."""

    f0: Floats  # mean and standard deviation of natural log F0
    level: Floats  # mean and standard deviation over active frames
    rate: Floats  # vowels a second; in a voice, over the source's


@dataclass(frozen=True)
class VoiceData(Prosody):
    """A person."""

    voiced: Floats  # mean envelope of voiced frames
    unvoiced: Floats  # of the others
    unvoiced_spread: Floats  # their standard deviation
    spread: Floats  # variation over the decoder's, of each cepstrum, voiced and unvoiced
    aperiodicity: Floats  # mean over voiced frames, dB
    code: Floats  # see decoder
    last: Floats  # the decoder's last layer, fitted


def _shapes() -> dict[str, tuple[int, ...]]:
    net = envelope_decoder.weights()
    return {
        "f0": (2,),
        "level": (2,),
        "rate": (1,),
        "voiced": (BANDS,),
        "unvoiced": (BANDS,),
        "unvoiced_spread": (BANDS,),
        "spread": (2, BANDS),
        "aperiodicity": (1,),
        "code": (net.code_basis.shape[1],),
        "last": net.last.shape,
    }


@cache
def version() -> str:
    """Of the format and of the weights that voices belong to."""
    digest = hashlib.sha256()
    for path in sorted((Path(__file__).parent / "weights").glob("*.npz")):
        digest.update(path.read_bytes())
    return f"1-{digest.hexdigest()[:8]}"


def pack(voice: VoiceData) -> bytes:
    """The file's bytes."""
    arrays = [(f.name, np.asarray(getattr(voice, f.name), "<f4")) for f in fields(voice)]
    header = json.dumps(
        {"version": version(), "arrays": [[n, a.dtype.str, a.shape] for n, a in arrays]}
    ).encode()
    body = struct.pack("<I", len(header)) + header + b"".join(a.tobytes() for _, a in arrays)
    return MAGIC + hashlib.sha256(body).digest() + body


def unpack(data: bytes) -> VoiceData:
    """Read the file's bytes. Raises SynthesisError when they are anything else."""
    if len(data) > LARGEST:
        raise SynthesisError(f"the voice has {len(data)} bytes; at most {LARGEST} are expected")
    if not data.startswith(MAGIC):
        raise SynthesisError("the voice is not one of the builtin engine; clone it again")
    body = data[len(MAGIC) + 32 :]
    if hashlib.sha256(body).digest() != data[len(MAGIC) : len(MAGIC) + 32]:
        raise SynthesisError("the voice is damaged: its checksum does not match; clone it again")
    try:
        (size,) = struct.unpack_from("<I", body)
        header = json.loads(body[4 : 4 + size])
        made_by = header["version"]
        names = {name: (dtype, tuple(shape)) for name, dtype, shape in header["arrays"]}
    except (struct.error, ValueError, KeyError, TypeError) as error:
        raise SynthesisError("the voice's header cannot be read; clone it again") from error
    if made_by != version():
        raise SynthesisError(
            f"the voice was made by version {made_by!r} of the builtin engine, this is "
            f"{version()!r}; clone it again"
        )
    shapes = _shapes()
    if names != {name: ("<f4", shape) for name, shape in shapes.items()} or len(body) != (
        4 + size + 4 * sum(prod(shape) for shape in shapes.values())
    ):
        raise SynthesisError("the voice does not hold what it must; clone it again")
    arrays: dict[str, Floats] = {}
    position = 4 + size
    for name, (_, shape) in names.items():
        values = np.frombuffer(body, "<f4", prod(shape), position).astype(np.float32)
        if not np.isfinite(values).all():
            raise SynthesisError(f"the voice's {name} is not finite; clone it again")
        arrays[name] = values.reshape(shape)
        position += 4 * prod(shape)
    return VoiceData(**arrays)
