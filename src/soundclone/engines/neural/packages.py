"""Import the packages of models, even if dependencies that they do not need are missing."""

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
    """Return True if a package is installed, without importing it."""
    try:
        return name in sys.modules or find_spec(name) is not None
    except ImportError:
        return False


def imported(name: str, install: str) -> ModuleType:
    """Import and return a package.

    Raises EngineUnavailable with `install`, the command that installs it, if the package or a
    dependency cannot be imported.
    """
    try:
        # Deprecations are for the package's authors. pydub warns of a missing program, not needed.
        with warnings.catch_warnings(action="ignore"):
            _stand_in_for_torchaudio()
            return importlib.import_module(name)
    except (ImportError, OSError) as error:
        raise EngineUnavailable(
            f"the package {name} cannot be imported ({_first_line(error)}); install it by {install}"
        ) from error


def _stand_in_for_torchaudio() -> None:
    """Provide a stand-in for torchaudio if there is none that works.

    voxcpm and omnivoice import torchaudio, and use only its resampling. Each wheel of torchaudio
    fits one build of torch, and some builds have none. The stand-in has a module specification,
    because transformers looks for it.
    """
    try:
        importlib.import_module("torchaudio")
    except (ImportError, OSError):  # OSError if torchaudio is built for another torch
        for name in ("torchaudio", "torchaudio.functional"):
            sys.modules[name] = module = ModuleType(name)
            module.__spec__ = ModuleSpec(name, None, is_package=name == "torchaudio")
        stand_in: Any = sys.modules["torchaudio"]
        stand_in.functional = sys.modules["torchaudio.functional"]
        stand_in.functional.resample = resample
        stand_in.__version__ = "0"


def resample(waveform: torch.Tensor, orig_freq: int, new_freq: int) -> torch.Tensor:
    """Resample `waveform`, shape (…, n), from `orig_freq` to `new_freq` in Hz."""
    import soxr
    import torch

    rows = waveform.detach().cpu().float().numpy().reshape(-1, waveform.shape[-1])
    changed = np.stack([soxr.resample(row, orig_freq, new_freq) for row in rows])
    samples = torch.from_numpy(changed.reshape(*waveform.shape[:-1], -1))
    return samples.to(waveform.device, waveform.dtype)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
