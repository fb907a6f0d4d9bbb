"""OmniVoice: 0.8 billion parameters, 24 kHz, all 40 languages, for a GPU, non-commercial.

A sentence is generated as a whole, in 32 steps of unmasking (arXiv 2604.00688). The code is under
Apache-2.0, the weights are under CC-BY-NC-4.0.
"""

from __future__ import annotations

import logging
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from ...asr.recognition import Recognizer
from ...errors import EngineUnavailable, NoSpeech, SynthesisError
from ...text.duration_bounds import duration_bounds
from ...text.languages import LANGUAGES
from ...weights.store import Weights
from ..protocol import ControlName, Controls, Reference, Samples
from .base import Adapter
from .device import Device
from .packages import imported
from .reference import select_segment
from .voice_file import Prompt

if TYPE_CHECKING:
    from ...config import Settings
    from ..registry import EngineContext

_CODES = {"ar": "arb"}  # codes of the model that are not those of BCP 47
_SHORTEST, _LONGEST = 3.0, 10.0  # seconds of a reference, by advice of the authors
_TOKENS = "ref_audio_tokens"
_CODEC = "transformers.models.higgs_audio_v2_tokenizer.modeling_higgs_audio_v2_tokenizer"


def code(language: str) -> str:
    """Return the model's code of a language of `LANGUAGES`."""
    tag = LANGUAGES[language].code
    return _CODES.get(tag, tag)


def import_omnivoice(install: str) -> ModuleType:
    """Import the package omnivoice.

    Raises EngineUnavailable with `install`, the command that installs it.
    """
    codec = imported(_CODEC, install)
    # transformers hides its codec if it was imported before torchaudio, or the stand-in, was there.
    vars(imported("transformers", install))["HiggsAudioV2TokenizerModel"] = (
        codec.HiggsAudioV2TokenizerModel
    )
    return imported("omnivoice", install)


class OmniVoiceEngine(Adapter):
    """The OmniVoice model as an engine. Clones with a transcript of the reference."""

    name: ClassVar[str] = "omnivoice"
    package: ClassVar[str] = "omnivoice"
    format: ClassVar[str] = "1"
    licence: ClassVar[str] = "Apache-2.0 (code), CC-BY-NC-4.0 (weights: no commercial use)"
    sample_rate: ClassVar[int] = 24_000
    rank: ClassVar[int] = 30
    native: ClassVar[frozenset[ControlName]] = frozenset({"speed"})
    needs_transcript: ClassVar[bool] = True

    def __init__(self, settings: Settings, recognizer: Recognizer | None = None) -> None:
        super().__init__(settings)
        self._recognizer = recognizer or Recognizer(settings)

    @classmethod
    def create(cls, context: EngineContext) -> Self:
        """Create the engine with the settings and the speech recognition of the service."""
        return cls(context.settings, context.recognizer)

    def unusable(self) -> str | None:
        """Return the reason why the engine cannot work here, with the remedy; None if it can."""
        return super().unusable() or self._recognition_unusable()

    def _load_model(self, found: Weights, device: Device) -> Any:
        import torch

        omnivoice = import_omnivoice(self.install)
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()
        # At lower levels the package logs texts.
        logging.getLogger("omnivoice").setLevel(logging.ERROR)
        if not (found.path / "audio_tokenizer").is_dir():
            raise EngineUnavailable(
                "the weights of omnivoice have no folder audio_tokenizer; run `soundclone models "
                "remove omnivoice` and fetch them again"
            )
        model = omnivoice.OmniVoice.from_pretrained(
            str(found.path), device_map=device.name, dtype=getattr(torch, device.dtype)
        )
        if missing := _missing_parameter(model, found):
            raise EngineUnavailable(
                f"the weights of omnivoice lack {missing!r}; update the package, or run "
                "`soundclone models remove omnivoice` and fetch them again"
            )
        if model.sampling_rate != self.sample_rate:
            raise EngineUnavailable(
                f"the weights of omnivoice speak at {model.sampling_rate} Hz; {self.sample_rate} "
                "Hz is needed: fetch them again"
            )
        return model

    def _make_prompt(self, model: Any, reference: Reference, language: str) -> Prompt:
        import soxr
        import torch

        rate = reference.sample_rate
        samples = select_segment(reference.samples, rate, _SHORTEST, _LONGEST)
        text = reference.transcript if len(samples) == len(reference.samples) else None
        if text is None:
            text = self._transcribe(samples, rate, reference.language or language)
        least, most = duration_bounds(text)
        seconds = len(samples) / rate
        if not least <= seconds <= most:
            # The model infers the speaking rate from this text.
            raise NoSpeech(
                f"{len(text)} characters were understood in {seconds:.1f} s of the recording, "
                "which cannot be all of it; clear speech without music or noise is needed"
            )
        resampled = soxr.resample(samples, rate, self.sample_rate)
        prompt = model.create_voice_clone_prompt(
            ref_audio=(torch.from_numpy(resampled), self.sample_rate), ref_text=text
        )
        return Prompt(
            {_TOKENS: prompt.ref_audio_tokens.cpu().numpy()},
            {"text": prompt.ref_text, "rms": float(prompt.ref_rms)},
        )

    def _load_prompt(self, model: Any, prompt: Prompt) -> Any:
        import torch
        from omnivoice import VoiceClonePrompt

        tokens = prompt.arrays.get(_TOKENS)
        text, rms = prompt.notes.get("text"), prompt.notes.get("rms")
        frames = _LONGEST * model.audio_tokenizer.config.frame_rate
        if (
            set(prompt.arrays) != {_TOKENS}
            or tokens is None
            or tokens.dtype != np.int64
            or tokens.ndim != 2
            or len(tokens) != model.config.num_audio_codebook
            or not 0 < tokens.shape[1] <= frames
            or not (tokens.min() >= 0 and tokens.max() < model.config.audio_mask_id)
            or not isinstance(text, str)
            or not isinstance(rms, float)
            or not 0 <= rms < 100
        ):
            raise SynthesisError("the voice does not hold what it must; clone it again")
        return VoiceClonePrompt(torch.from_numpy(tokens), text, rms)

    def _synthesise(self, model: Any, prompt: Any, sentence: str, controls: Controls) -> Samples:
        (samples,) = model.generate(
            text=[sentence],
            language=code(controls.language),
            voice_clone_prompt=prompt,
            speed=controls.speed,
        )
        return np.asarray(samples, np.float32)

    def _transcribe(self, samples: Samples, rate: int, language: str) -> str:
        if reason := self._recognition_unusable():
            raise EngineUnavailable(reason)
        return self._recognizer.transcribe(samples, rate, language).text.strip()

    def _recognition_unusable(self) -> str | None:
        reason = self._recognizer.unusable()
        return reason and f"omnivoice needs to know what is said in a recording, and {reason}"


def _missing_parameter(model: Any, found: Weights) -> str | None:
    """Return a parameter that the weights lack, which transformers would draw at random."""
    from safetensors import safe_open

    names: set[str] = set()
    for path in found.path.glob("*.safetensors"):
        with safe_open(path, framework="numpy") as file:
            names.update(file.keys())
    parameters = (
        name for name, _ in model.named_parameters() if not name.startswith("audio_tokenizer.")
    )
    return next((name for name in parameters if name not in names), None)
