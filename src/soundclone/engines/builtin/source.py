"""The source synthesiser's own voice, as it was measured (`training/source.py`)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .voice import Prosody


@dataclass(frozen=True)
class Source:
    """espeak-ng's prosody in each language, and N frames of its speech in all of them."""

    prosody: dict[str, Prosody]  # by name of language
    inputs: NDArray[np.float32]  # (N, I), of the decoder
    voiced: NDArray[np.bool_]  # (N,)


@cache
def source() -> Source:
    """The packaged measurements, read once."""
    with np.load(Path(__file__).parent / "weights" / "source.npz") as file:
        rows = zip(file["f0"], file["level"], file["rate"], strict=True)
        names = [str(name) for name in file["languages"]]
        return Source(
            prosody={
                name: Prosody(f0=f0, level=level, rate=rate)
                for name, (f0, level, rate) in zip(names, rows, strict=True)
            },
            inputs=file["inputs"].astype(np.float32),
            voiced=file["voiced"],
        )
