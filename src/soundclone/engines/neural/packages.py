"""Importing the packages of models, which expect more around them than they need."""

from __future__ import annotations

import importlib
import sys
import warnings
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import EngineUnavailable

if TYPE_CHECKING:
    import torch


def installed(name: str) -> bool:
    """Whether a package can be found; it is not imported."""
    try:
        return name in sys.modules or find_spec(name) is not None
    except ImportError:
        return False


def imported(name: str, install: str) -> ModuleType:
    """The package of that name. Raises EngineUnavailable with `install`, the command to run, when
    it or one that it needs cannot be imported."""
    try:
        # Deprecations are for the package's authors; pydub misses a program that is not used.
        with warnings.catch_warnings(action="ignore"):
            _stand_in_for_torchaudio()
            return importlib.import_module(name)
    except (ImportError, OSError) as error:
        raise EngineUnavailable(
            f"the package {name} cannot be imported ({_first_line(error)}); install it by {install}"
        ) from error


def _stand_in_for_torchaudio() -> None:
    """Put a module in torchaudio's place when there is none that works.

    voxcpm and omnivoice import it at once, and use it here for nothing but a change of sample rate;
    its wheels fit one build of torch each, and there are torches without one. With a specification,
    as transformers looks for that to tell whether it is there.
    """
    try:
        importlib.import_module("torchaudio")
    except (ImportError, OSError):  # the latter where it is of another build than torch
        for name in ("torchaudio", "torchaudio.functional"):
            sys.modules[name] = module = ModuleType(name)
            module.__spec__ = ModuleSpec(name, None, is_package=name == "torchaudio")
        stand_in: Any = sys.modules["torchaudio"]
        stand_in.functional = sys.modules["torchaudio.functional"]
        stand_in.functional.resample = resample
        stand_in.__version__ = "0"


def resample(waveform: torch.Tensor, orig_freq: int, new_freq: int) -> torch.Tensor:
    """`waveform` (shape (…, n)) at another sample rate, in Hz; where torchaudio is missing."""
    import soxr
    import torch

    rows = waveform.detach().cpu().float().numpy().reshape(-1, waveform.shape[-1])
    changed = np.stack([soxr.resample(row, orig_freq, new_freq) for row in rows])
    samples = torch.from_numpy(changed.reshape(*waveform.shape[:-1], -1))
    return samples.to(waveform.device, waveform.dtype)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
