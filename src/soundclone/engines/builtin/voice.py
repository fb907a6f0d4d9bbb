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
from collections.abc import Mapping
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
class Timbre:
    """Parameters of a speaker for one decoder."""

    voiced: Floats  # mean envelope of voiced frames
    unvoiced: Floats  # mean envelope of unvoiced frames
    spread: Floats  # variation of each cepstrum relative to the decoder, voiced and unvoiced
    code: Floats  # speaker's code, see envelope_decoder
    last: Floats  # fitted last layer of the decoder


@dataclass(frozen=True)
class VoiceData(Prosody):
    """Parameters of a speaker."""

    rate: Floats  # syllables a second, relative to the usual rate of the recording's language
    unvoiced_spread: Floats  # standard deviation of unvoiced frames
    aperiodicity: Floats  # mean over voiced frames, dB
    pauses: Floats  # median in seconds, and standard deviation of the natural log of the pauses
    syllables: Floats  # standard deviation of the levels of syllables, natural log of power
    timbres: Mapping[str, Timbre]  # by name of the decoder
    language: str = ""  # of the recording, "" where it is not known


def _shapes() -> dict[str, tuple[int, ...]]:
    """Return the shapes of the arrays of a voice file, by name."""
    shapes: dict[str, tuple[int, ...]] = {
        "f0": (2,),
        "level": (2,),
        "rate": (1,),
        "unvoiced_spread": (BANDS,),
        "aperiodicity": (1,),
        "pauses": (2,),
        "syllables": (1,),
    }
    for name in envelope_decoder.NAMES:
        net = envelope_decoder.decoder(name)
        of_decoder = {
            "voiced": (BANDS,),
            "unvoiced": (BANDS,),
            "spread": (2, BANDS),
            "code": (net.code_basis.shape[1],),
            "last": net.last.shape,
        }
        shapes |= {f"{name}.{part}": shape for part, shape in of_decoder.items()}
    return shapes


@cache
def version() -> str:
    """Return the version of the format and of the weights that voices depend on."""
    digest = hashlib.sha256()
    for path in sorted((Path(__file__).parent / "weights").glob("*.npz")):
        digest.update(path.read_bytes())
    return f"5-{digest.hexdigest()[:8]}"


def pack(voice: VoiceData) -> bytes:
    """Return the bytes of a voice."""
    arrays = [(name, np.asarray(array, "<f4")) for name, array in _arrays(voice).items()]
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
    return _voice(arrays, language)


def _arrays(voice: VoiceData) -> dict[str, Floats]:
    """Return the arrays of a voice by their names in a voice file."""
    owners: dict[str, VoiceData | Timbre] = {"": voice}
    owners |= {f"{name}.": timbre for name, timbre in voice.timbres.items()}
    return {
        prefix + field.name: getattr(owner, field.name)
        for prefix, owner in owners.items()
        for field in fields(owner)
        if field.name not in ("timbres", "language")
    }


def _voice(arrays: Mapping[str, Floats], language: str) -> VoiceData:
    """Invert `_arrays`."""
    own = {name: array for name, array in arrays.items() if "." not in name}
    timbres = {
        name: Timbre(**{field.name: arrays[f"{name}.{field.name}"] for field in fields(Timbre)})
        for name in envelope_decoder.NAMES
    }
    return VoiceData(**own, timbres=timbres, language=language)
