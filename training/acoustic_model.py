"""Write the acoustic model of the built-in engine from pocketsphinx's US-English one.

    python training/acoustic_model.py MODEL src/soundclone/engines/builtin/weights/acoustic.npz

MODEL is the folder `pocketsphinx/model/en-us/en-us` of the pocketsphinx wheel (5.1). Of its phones
only the context-independent states are kept, without the two noise phones. The formats are those
of sphinxtrain's `s3` files; in the 8-bit mixture weights one step is 1024 ln(1.0001).
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

NOISES = 2  # +NSN+ and +SPN+ come first
STATES = 3


def body(path: Path) -> bytes:
    """Return the bytes after the header of a little-endian s3 file."""
    data = path.read_bytes()
    start = data.index(b"endhdr\n") + 7
    if data[start : start + 4] != struct.pack("<I", 0x11223344):
        raise SystemExit(f"{path} is not a little-endian s3 file")
    return data[start + 4 :]


def gaussians(path: Path) -> NDArray[np.float32]:
    """Means or variances: (phones, streams, densities, dimensions)."""
    data = body(path)
    phones, streams, densities = struct.unpack_from("<3i", data)
    widths = struct.unpack_from(f"<{streams}i", data, 12)
    shape = (phones, streams, densities, widths[0])
    return np.frombuffer(data, "<f4", int(np.prod(shape)), 12 + 4 * streams + 4).reshape(shape)


def phone_names(path: Path) -> list[str]:
    """Names of the context-independent phones of a binary `mdef`."""
    data = path.read_bytes()
    (comment,) = struct.unpack_from("<i", data, 8)
    start = 12 + comment
    (count,) = struct.unpack_from("<i", data, start)
    return [name.decode() for name in data[start + 40 :].split(b"\0", count)[:count]]


def mixture_weights(path: Path, states: int, streams: int) -> NDArray[np.uint8]:
    """Quantised negative log weights of the first states: (streams, densities, states)."""
    data = path.read_bytes()
    position = 0
    while (size := struct.unpack_from("<i", data, position)[0]) != 0:  # strings of the header
        position += 4 + size
    densities, senones = struct.unpack_from("<2i", data, position + 4)
    weights = np.frombuffer(data[-streams * densities * senones :], np.uint8)
    return weights.reshape(streams, densities, senones)[:, :, :states]


def self_loops(path: Path) -> NDArray[np.float32]:
    """Probability of staying in each state: (phones, states)."""
    data = body(path)
    shape = struct.unpack_from("<3i", data)
    matrices = np.frombuffer(data, "<f4", int(np.prod(shape)), 16).reshape(shape)
    matrices = matrices / matrices.sum(axis=2, keepdims=True).clip(1e-9)
    return matrices[:, range(STATES), range(STATES)]


def main() -> None:
    model, target = Path(sys.argv[1]), Path(sys.argv[2])
    means = gaussians(model / "means")[NOISES:]
    variances = gaussians(model / "variances")[NOISES:].clip(1e-4)
    names = phone_names(model / "mdef")
    streams = means.shape[1]
    weights = mixture_weights(model / "sendump", STATES * len(names), streams)
    np.savez_compressed(
        target,
        phones=np.array(names[NOISES:]),
        means=means.astype(np.float16),
        log_variances=np.log(variances).astype(np.float16),
        weights=weights[:, :, STATES * NOISES :],
        loops=self_loops(model / "transition_matrices")[NOISES:].astype(np.float16),
    )


if __name__ == "__main__":
    main()
