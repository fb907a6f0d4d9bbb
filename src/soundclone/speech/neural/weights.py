"""Which weights the neural engines need, where they are kept, and whether they are what they
should be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Weights:
    """Weights of a model that are on this machine."""

    name: str  # of the model: "pocket", "pocket-fr", "voxcpm"
    path: Path  # the folder that they are in
    digest: str  # of the content of all files, twelve hexadecimal digits


def find(models: Path, name: str) -> Weights:
    """The weights of a model in the folder `models`. Raises EngineUnavailable, with what to do,
    when they were not fetched, not all of them, or under a licence that was not accepted."""
    raise NotImplementedError


def verify(weights: Weights) -> None:
    """Read every file. Raises EngineUnavailable, which names the first that is not as it was."""
    raise NotImplementedError
