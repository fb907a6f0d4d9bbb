"""OmniVoice: 0.8 billion parameters, 24 kHz, all forty languages; for a GPU, non-commercial.

All of a sentence is made at once, in 32 steps that unmask it (arXiv 2604.00688). The code is under
Apache-2.0, the weights under CC-BY-NC-4.0.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from ...errors import EngineUnavailable, NoSpeech, SynthesisError
from ...text.duration_bounds import duration_bounds
from ...text.languages import LANGUAGES
from ...weights.store import Weights
from ..protocol import Controls, Reference, Samples, Speech, Voice
from .base import Adapter
from .device import Device
from .packages import imported
from .reference import best
from .voice_file import Prompt

_OTHERS = {"ar": "arb"}  # where the model's code of a language is not the one of BCP 47
BATCH = 8  # sentences at once

_SHORTEST, _LONGEST = 3.0, 10.0  # seconds of a reference, which its authors advise
_TOKENS = "ref_audio_tokens"
_CODEC = "transformers.models.higgs_audio_v2_tokenizer.modeling_higgs_audio_v2_tokenizer"


def code(language: str) -> str:
    """The model's code of a language, by its name."""
    tag = LANGUAGES[language].code
    return _OTHERS.get(tag, tag)


def the_package(install: str) -> ModuleType:
    """omnivoice. Raises EngineUnavailable with `install`, the command to run."""
    codec = imported(_CODEC, install)
    # Where something else imported it before there was a torchaudio, or a stand-in for it,
    # transformers has made up its mind that its codec cannot be used.
    vars(imported("transformers", install))["HiggsAudioV2TokenizerModel"] = (
        codec.HiggsAudioV2TokenizerModel
    )
    return imported("omnivoice", install)


class OmniVoiceEngine(Adapter):
    """Implements `engines.protocol.Engine`."""

    name: ClassVar[str] = "omnivoice"
    package: ClassVar[str] = "omnivoice"
    form: ClassVar[str] = "1"
    licence: ClassVar[str] = "Apache-2.0 (code), CC-BY-NC-4.0 (weights: no commercial use)"
    sample_rate: ClassVar[int] = 24_000
    rank: ClassVar[int] = 30
    native: ClassVar[frozenset[str]] = frozenset({"speed"})
    needs_transcript: ClassVar[bool] = True

    def unusable(self) -> str | None:
        """Why it cannot work here and now, with what to do; None when it can."""
        return super().unusable() or _deaf()

    def speak_many(
        self, voice: Voice, sentences: Sequence[str], controls: Controls
    ) -> list[Speech]:
        """Say sentences together, eight at a time, which takes a GPU hardly longer than one.
        The seed is for all: a sentence sounds otherwise among others than alone. Raises as
        `speak` does."""
        return self._speak(voice, sentences, controls)

    def _load(self, found: Weights, device: Device) -> Any:
        import torch

        omnivoice = the_package(self.install)
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()
        # It writes texts to its log at a level that somebody may have asked for.
        logging.getLogger("omnivoice").setLevel(logging.ERROR)
        if not (found.path / "audio_tokenizer").is_dir():
            raise EngineUnavailable(
                "the weights of omnivoice have no folder audio_tokenizer; run `soundclone models "
                "remove omnivoice` and fetch them again"
            )
        model = omnivoice.OmniVoice.from_pretrained(
            str(found.path), device_map=device.name, dtype=getattr(torch, device.dtype)
        )
        if missing := _unread(model, found):
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

    def _prompt(self, model: Any, reference: Reference, language: str) -> Prompt:
        import soxr
        import torch

        rate = reference.sample_rate
        samples = best(reference.samples, rate, _SHORTEST, _LONGEST)
        text = reference.transcript if len(samples) == len(reference.samples) else None
        if text is None:
            text = _transcript(samples, rate, reference.language or language)
        least, most = duration_bounds(text)
        seconds = len(samples) / rate
        if not least <= seconds <= most:
            # It measures the speaker's pace by this text.
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

    def _checked(self, model: Any, prompt: Prompt) -> Any:
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

    def _say(
        self, model: Any, prompt: Any, sentences: Sequence[str], controls: Controls
    ) -> list[Samples]:
        spoken: list[Samples] = []
        for start in range(0, len(sentences), BATCH):
            spoken += model.generate(
                text=list(sentences[start : start + BATCH]),
                language=code(controls.language),
                voice_clone_prompt=prompt,
                speed=controls.speed,
            )
        return [np.asarray(samples, np.float32) for samples in spoken]


def _transcript(samples: Samples, rate: int, language: str) -> str:
    """What is said. Raises EngineUnavailable when speech cannot be recognised here."""
    from ...asr import recognition

    if reason := _deaf():
        raise EngineUnavailable(reason)
    return recognition.transcribe(samples, rate, language).text.strip()


def _deaf() -> str | None:
    """Why what is said in a recording cannot be found out here."""
    from ...asr import recognition

    reason = recognition.unusable()
    return reason and f"omnivoice needs to know what is said in a recording, and {reason}"


def _unread(model: Any, found: Weights) -> str | None:
    """A parameter of the model that its files do not have; transformers makes one up."""
    from safetensors import safe_open

    names: set[str] = set()
    for path in found.path.glob("*.safetensors"):
        with safe_open(path, framework="numpy") as file:
            names.update(file.keys())
    own = (name for name, _ in model.named_parameters() if not name.startswith("audio_tokenizer."))
    return next((name for name in own if name not in names), None)
