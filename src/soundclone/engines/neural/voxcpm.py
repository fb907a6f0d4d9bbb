"""VoxCPM2: 2 billion parameters, 48 kHz, 27 languages, for a GPU.

A language model plans patches of 0.16 s, and a diffusion decoder generates each ("VoxCPM:
Tokenizer-Free TTS for Context-Aware Speech Generation and True-to-Life Voice Cloning", arXiv
2509.24650). Code and weights are under Apache-2.0.
"""

from __future__ import annotations

import io
import json
import os
import shutil
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import numpy as np

from ...errors import EngineUnavailable, SynthesisError
from ...text.duration_bounds import duration_bounds
from ...weights.store import Weights
from ..protocol import ControlName, Controls, Emotion, Reference, Samples
from .base import Adapter
from .device import Device
from .packages import imported
from .reference import select_segment
from .voice_file import Prompt

STYLES = {
    Emotion.NEUTRAL: "",
    Emotion.HAPPY: "cheerful tone",
    Emotion.SAD: "sad tone",
    Emotion.ANGRY: "angry tone",
    Emotion.FEARFUL: "frightened tone",
    Emotion.DISGUSTED: "disgusted tone",
    Emotion.SURPRISED: "surprised tone",
}
"""Style of each emotion, in English for every language.

The model takes a style in brackets at the beginning of a text. Later brackets are read aloud.
"""

_SHORTEST, _LONGEST = 5.0, 30.0  # seconds of a reference that are used
_EXTRA_PATCHES = 2  # beyond the longest duration, so that an endless sentence is noticed
_FEATURES = "ref_audio_feat"


class VoxCPMEngine(Adapter):
    """The VoxCPM2 model as an engine."""

    name: ClassVar[str] = "voxcpm"
    package: ClassVar[str] = "voxcpm"
    format: ClassVar[str] = "1"
    licence: ClassVar[str] = "Apache-2.0 (code and weights)"
    sample_rate: ClassVar[int] = 48_000
    rank: ClassVar[int] = 40
    native: ClassVar[frozenset[ControlName]] = frozenset({"emotion"})

    def _load_model(self, found: Weights, device: Device) -> Any:
        imported("voxcpm", self.install)
        from voxcpm.model import voxcpm2

        class Model(voxcpm2.VoxCPM2Model):  # type: ignore[misc]
            def load_state_dict(self, state: Any, strict: bool = False) -> Any:
                # The package is lenient, and would speak with parameters that it never read.
                return super().load_state_dict(state, strict=True)

        voxcpm2.tqdm = iter  # no progress bar in the log of a service
        compiled = device.name == "cuda" and _has_compiler()
        with TemporaryDirectory(prefix="soundclone-") as temporary:
            folder = _link_with_dtype(found.path, Path(temporary), device.dtype)
            model = Model.from_local(str(folder), optimize=compiled, device=device.name)
        if model.sample_rate != self.sample_rate:
            raise EngineUnavailable(
                f"the weights of voxcpm speak at {model.sample_rate} Hz; {self.sample_rate} Hz is "
                "needed: fetch those of VoxCPM2"
            )
        return model

    def _make_prompt(self, model: Any, reference: Reference, language: str) -> Prompt:
        import soundfile
        import soxr

        rate = model.audio_vae.sample_rate
        samples = select_segment(reference.samples, reference.sample_rate, _SHORTEST, _LONGEST)
        recording = io.BytesIO()  # a recording of a person must not stay on a disk
        soundfile.write(
            recording,
            soxr.resample(samples, reference.sample_rate, rate),
            rate,
            format="WAV",
            subtype="FLOAT",
        )
        recording.seek(0)
        cache = model.build_prompt_cache(reference_wav_path=recording)
        return Prompt({_FEATURES: cache[_FEATURES].float().cpu().numpy()})

    def _load_prompt(self, model: Any, prompt: Prompt) -> Any:
        import torch

        features = prompt.arrays.get(_FEATURES)
        shape = (model.patch_size, model.audio_vae.latent_dim)
        if (
            set(prompt.arrays) != {_FEATURES}
            or features is None
            or features.dtype != np.float32
            or features.ndim != 3
            or features.shape[1:] != shape
            or not 0 < len(features) <= ceil(_LONGEST / _patch_seconds(model))
        ):
            raise SynthesisError("the voice does not hold what it must; clone it again")
        return {_FEATURES: torch.from_numpy(features), "mode": "reference"}

    def _synthesise(self, model: Any, prompt: Any, sentence: str, controls: Controls) -> Samples:
        style = STYLES[controls.emotion]
        text = f"({style}){sentence}" if style else sentence
        _, most = duration_bounds(sentence)
        patches = ceil(most / _patch_seconds(model)) + _EXTRA_PATCHES
        needed = len(prompt[_FEATURES]) + len(model.text_tokenizer(text)) + patches + 3
        if needed > model.config.max_length:
            raise SynthesisError(
                f"the sentence has {len(sentence)} characters and may last {most:.0f} s; shorter "
                "ones are said at once"
            )
        audio, _, _ = model.generate_with_prompt_cache(
            target_text=text,
            prompt_cache=prompt,
            max_len=patches,
            retry_badcase_ratio_threshold=patches,  # tokens per second depend on the script
            retry_badcase=False,
        )
        samples: Samples = audio.squeeze(0).float().cpu().numpy()
        return samples


def _patch_seconds(model: Any) -> float:
    """Return the seconds of a patch."""
    return float(model.patch_size * model.chunk_size / model.audio_vae.sample_rate)


def _has_compiler() -> bool:
    """Return True if there is a C compiler, which torch needs to compile with triton."""
    return bool(os.environ.get("CC") or any(map(shutil.which, ("clang", "gcc", "cc"))))


def _link_with_dtype(weights: Path, folder: Path, dtype: str) -> Path:
    """Fill `folder` with links to the weights and a configuration with another number format.

    The package uses the format of the configuration on every device.
    """
    for path in weights.iterdir():
        if path.name != "config.json":
            (folder / path.name).symlink_to(path.absolute())
    config = json.loads((weights / "config.json").read_bytes())
    (folder / "config.json").write_text(json.dumps(config | {"dtype": dtype}))
    return folder
