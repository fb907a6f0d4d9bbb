"""The voice file of the built-in engine.

`voice_container` seals the body, which is

    4 bytes   length of the header, little-endian
    header    JSON: {"version": …, "language": …, "arrays": [[name, dtype, shape], …]}
    arrays    raw, little-endian, in the order of the header
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
from ..voice_container import seal, unseal
from . import envelope_decoder
from .vocoder import BANDS

MAGIC = b"SCVOICE\x01"
LARGEST = 5_000_000  # bytes

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Prosody:
    """Prosody of a speaker, at analysis.LEVEL."""

    f0: Floats  # mean and standard deviation of natural log F0
    level: Floats  # mean and standard deviation over active frames


@dataclass(frozen=True)
class VoiceData(Prosody):
    """Parameters of a speaker."""

    rate: Floats  # syllables a second, relative to the usual rate of the recording's language
    voiced: Floats  # mean envelope of voiced frames
    unvoiced: Floats  # mean envelope of unvoiced frames
    unvoiced_spread: Floats  # standard deviation of unvoiced frames
    spread: Floats  # variation of each cepstrum relative to the decoder, voiced and unvoiced
    aperiodicity: Floats  # mean over voiced frames, dB
    code: Floats  # speaker's code, see envelope_decoder
    last: Floats  # fitted last layer of the decoder
    pauses: Floats  # median in seconds, and standard deviation of the natural log of the pauses
    syllables: Floats  # standard deviation of the levels of syllables, natural log of power
    language: str = ""  # of the recording, "" where it is not known


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
        "pauses": (2,),
        "syllables": (1,),
    }


@cache
def version() -> str:
    """Return the version of the format and of the weights that voices depend on."""
    digest = hashlib.sha256()
    for path in sorted((Path(__file__).parent / "weights").glob("*.npz")):
        digest.update(path.read_bytes())
    return f"4-{digest.hexdigest()[:8]}"


def pack(voice: VoiceData) -> bytes:
    """Return the bytes of a voice."""
    names = [f.name for f in fields(voice) if f.name != "language"]
    arrays = [(name, np.asarray(getattr(voice, name), "<f4")) for name in names]
    header = json.dumps(
        {
            "version": version(),
            "language": voice.language,
            "arrays": [[n, a.dtype.str, a.shape] for n, a in arrays],
        }
    ).encode()
    body = struct.pack("<I", len(header)) + header + b"".join(a.tobytes() for _, a in arrays)
    return seal(MAGIC, body)


def unpack(data: bytes) -> VoiceData:
    """Read the result of `pack`. Raises SynthesisError if `data` is anything else."""
    body = unseal(MAGIC, data, LARGEST, "builtin")
    try:
        (size,) = struct.unpack_from("<I", body)
        header = json.loads(body[4 : 4 + size])
        made_by, language = header["version"], str(header.get("language", ""))
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
    return VoiceData(**arrays, language=language)
