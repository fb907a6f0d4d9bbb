"""Measurements of the source synthesiser's voice, written by `training/source.py`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...text.languages import LANGUAGES
from . import envelope_decoder
from .voice import Prosody


@dataclass(frozen=True)
class Source:
    """espeak-ng's prosody in each language, and N frames of its speech in all of them."""

    measured: dict[str, Prosody]  # by name of language
    inputs: dict[str, NDArray[np.float32]]  # (N, I), of each decoder by name
    voiced: NDArray[np.bool_]  # (N,)

    def prosody(self, language: str) -> Prosody:
        """Return espeak-ng's prosody in a language.

        The weights hold the languages that were there when they were made. A later language has
        its prosody in its own file, or takes the mean of the measured ones, so that adding it
        changes neither the weights nor the version of any voice.
        """
        if language in self.measured:
            return self.measured[language]
        if own := LANGUAGES[language].speech.prosody:
            return Prosody(*(np.array(row, np.float32) for row in (own.f0, own.level)))
        known = self.measured.values()
        return Prosody(
            f0=np.mean([prosody.f0 for prosody in known], axis=0, dtype=np.float32),
            level=np.mean([prosody.level for prosody in known], axis=0, dtype=np.float32),
        )


@cache
def source() -> Source:
    """Return the packaged measurements, read once."""
    with np.load(Path(__file__).parent / "weights" / "source.npz") as file:
        rows = zip(file["f0"], file["level"], strict=True)
        names = [str(name) for name in file["languages"]]
        return Source(
            measured={
                name: Prosody(f0=f0, level=level)
                for name, (f0, level) in zip(names, rows, strict=True)
            },
            inputs={name: file[name].astype(np.float32) for name in envelope_decoder.NAMES},
            voiced=file["voiced"],
        )
