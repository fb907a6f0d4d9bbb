"""Where neural engines compute, in which type, with which threads, and repeatably."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import EngineUnavailable

if TYPE_CHECKING:
    from ...config import Settings

_generators = threading.RLock()


@dataclass(frozen=True)
class Device:
    """Where a model goes."""

    name: str  # as torch has it: "cpu", "cuda" or "mps"
    dtype: str  # as torch has it: "float32", "bfloat16" or "float16"
    reason: str  # why, for people


def choose(settings: Settings) -> Device:
    """What the settings ask for; left to us, a GPU if there is one, in bfloat16 where it can.

    Imports torch. Raises EngineUnavailable when torch is not installed or finds no such device.
    """
    try:
        import torch
    except Exception as error:  # a library that is missing, or of another version, is any of them
        raise EngineUnavailable(
            f"torch cannot be imported ({error}); install it, such as by "
            "pip install 'soundclone[pocket]'"
        ) from error

    found = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    name = settings.device
    if name == "auto":
        name = "cuda" if found["cuda"] else "mps" if found["mps"] else "cpu"
        reason = "no GPU was found" if name == "cpu" else "a GPU was found"
    elif found[name]:
        reason = "SOUNDCLONE_DEVICE asks for it"
    else:
        raise EngineUnavailable(
            f"SOUNDCLONE_DEVICE is {name!r}, and torch {torch.__version__} finds no such device; "
            "set it to auto or cpu, or install a torch and a driver that support it"
        )
    if settings.dtype != "auto":
        return Device(name, settings.dtype, reason)
    half = name == "cuda" and torch.cuda.is_bf16_supported()
    return Device(name, "bfloat16" if half else "float32", reason)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Compute the same inside for the same seed, on a processor: the same random numbers, and one
    thread within an operation, because sums depend on how many share them. torch's generators
    are left as they were.

    Those generators belong to the process, not to a thread: of several threads that ask for this,
    one is inside at a time.
    """
    import torch

    devices = range(torch.cuda.device_count())
    with _generators, torch.random.fork_rng(devices=devices), threads(1):
        torch.manual_seed(seed % 2**63)
        yield


@contextmanager
def threads(count: int | None = None) -> Iterator[None]:
    """Set torch's threads within an operation to `count` inside (as they are when it is left out),
    and back again afterwards: some packages set them for the whole process when imported."""
    import torch

    before = torch.get_num_threads()
    if count is not None:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
