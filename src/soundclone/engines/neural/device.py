"""Choose the device and number format of neural engines, and make torch reproducible."""

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
    """Device and number format of a model."""

    name: str  # torch's name: "cpu", "cuda" or "mps"
    dtype: str  # torch's name: "float32", "bfloat16" or "float16"
    reason: str  # of the choice, for people


def choose(settings: Settings) -> Device:
    """Return the device of the settings, by default a GPU if there is one.

    The default format is bfloat16 on a GPU that supports it. Imports torch. Raises
    EngineUnavailable if torch is not installed or does not find the device.
    """
    try:
        import torch
    except Exception as error:  # a missing library, or one of another version, raises anything
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
    """Make computations on a CPU reproducible, and restore torch's generators afterwards.

    The same seed gives the same random numbers. One thread computes each operation, because the
    rounding of sums depends on the number of threads. The generators belong to the process, so one
    thread at a time is inside.
    """
    import torch

    devices = range(torch.cuda.device_count())
    with _generators, torch.random.fork_rng(devices=devices), threads(1):
        torch.manual_seed(seed % 2**63)
        yield


@contextmanager
def threads(count: int | None = None) -> Iterator[None]:
    """Set torch's threads per operation to `count`, if given, and restore the number afterwards.

    Some packages change the number for the whole process when they are imported.
    """
    import torch

    before = torch.get_num_threads()
    if count is not None:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
