"""Pocket TTS by Kyutai: seven languages, faster than real time on one or two processor cores.

    weights     a model per language, each in its folder: config.yaml, model.safetensors and the
                tokenizer
    voice       the transformer's keys and values after the reference, as safetensors; a voice
                belongs to the model that made it
    processor   the CPU, even if SOUNDCLONE_DEVICE names a GPU: a small model that generates one
                frame per step gains nothing there

Method: Charles et al., "Continuous Audio Language Models", 2025; package pocket-tts 4. Importing
this module is cheap. The package and torch are imported when a model is first loaded.
"""

from __future__ import annotations

import importlib.metadata
import logging
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property, partial
from math import prod
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from ...errors import EngineUnavailable, SynthesisError, TaskError
from ...text.splitting import split
from ...weights import catalogue, store
from ..protocol import Controls, EngineInfo, Reference, Samples, Speech, Voice
from ..validation import check_reference, clone_errors
from ..voice_container import CHECKSUM
from . import cache, device, packages, voice_file
from .reference import select_segment

if TYPE_CHECKING:
    from ...config import Settings
    from ..registry import EngineContext

MODELS = {
    language: model.name
    for model in catalogue.MODELS.values()
    if model.engine == "pocket"
    for language in model.languages
}
"""Names of the models in the catalogue, by language."""

RATE = 24_000  # Hz
_FORMAT = 1  # of the arrays in a voice
_INSTALL = "pip install 'soundclone[pocket]'"
_SHORTEST = 1.0  # seconds of reference; callers require more than that of speech
_HIGHEST_RATE = 192_000  # Hz, of a reference
_USEFUL = 10.0  # seconds; whole phrases that are shorter are not selected alone
_LONGEST = 30.0  # seconds of a reference that the package reads
_BLOCK = 10.0  # seconds of a reference that are encoded at once
_MARGIN = 0.5  # seconds; more than the codec's convolutions reach back
_TOKENS = 48  # of a piece of text; with more than 50 the package warns that it may skip words
_LICENCE = (
    "code MIT; weights CC-BY-4.0, which asks that Kyutai's Pocket TTS be named as their source"
)


@dataclass(frozen=True)
class LoadedModel:
    """A model in memory."""

    tts: Any  # pocket_tts.TTSModel
    layout: Mapping[str, object]  # `_layout` of its voices


class PocketEngine:
    """The Pocket TTS models as an engine.

    The models and voices used last are kept in memory, within `Settings.model_memory`.
    """

    concurrent = False  # a model supports one generation at a time

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._found: dict[str, store.Weights] | None = None
        self._info: EngineInfo | None = None

    @classmethod
    def create(cls, context: EngineContext) -> Self:
        """Create the engine with the settings of the service."""
        return cls(context.settings)

    @cached_property
    def loaded(self) -> cache.Cache:
        """Loaded models and voices, under ("pocket", "model", …) and ("pocket", "voice", …)."""
        return cache.shared(self._settings.model_memory)

    @property
    def _weights(self) -> dict[str, store.Weights]:
        """Installed weights by language, as of the last call of `unusable`."""
        if self._found is None:
            self._found = {}
            for language, name in MODELS.items():
                with suppress(EngineUnavailable):
                    self._found[language] = store.find(self._settings.models, name)
        return self._found

    @property
    def info(self) -> EngineInfo:
        """Name and capabilities. The languages are the ones whose weights are installed.

        `unusable` refreshes the value.
        """
        if self._info is None:
            try:
                release = importlib.metadata.version("pocket-tts").split(".")[0]
            except importlib.metadata.PackageNotFoundError:
                release = "none"
            self._info = EngineInfo(
                name="pocket",
                version=f"{_FORMAT}-pocket-tts-{release}",
                licence=_LICENCE,
                languages=frozenset(self._weights),
                sample_rate=RATE,
                seeded=True,
                rank=20,
                checkpoints={language: each.digest[:8] for language, each in self._weights.items()},
                device=f"cpu, {'int8' if self._settings.pocket_int8 else 'float32'}",
            )
        return self._info

    def unusable(self) -> str | None:
        """Return the reason why the engine cannot work here, with the remedy; None if it can.

        Looks for the package and the weights again, verifies all weights and loads one model.
        """
        self._found = self._info = None
        try:
            self._check()
        except EngineUnavailable as error:
            return error.message
        return None

    def _check(self) -> None:
        _require_packages()
        models = self._settings.models
        if not self._weights:
            # Report a damaged model rather than one that was never fetched.
            begun = [name for name in MODELS.values() if (models / name).exists()]
            store.find(models, (begun or ["pocket"])[0])
        for each in self._weights.values():
            store.verify(each)
        self.model(next(iter(self._weights)))

    def warm(self) -> None:
        """Load one model and speak a word with it. Raises EngineUnavailable."""
        if not self._weights:
            self._check()
        language = next(iter(self._weights))
        noise = np.random.default_rng(0).standard_normal(2 * RATE, np.float32) / np.float32(10)
        name = self._weights[language].name
        self.model(language)  # its errors name the remedy already
        try:
            voice = self.clone(Reference(noise, RATE), language)
            speech = self.speak(voice, "Hello.", Controls(language))
        except TaskError as error:
            raise EngineUnavailable(
                f"model {name!r} cannot speak here: {error.message}; {_reinstall(name)}"
            ) from error
        if not np.isfinite(speech.samples).all():
            raise EngineUnavailable(
                f"model {name!r} speaks values that are no numbers; {_reinstall(name)}"
            )

    def clone(self, reference: Reference, language: str) -> Voice:
        """Build a voice, which speaks only `language`, from the 30 s with the most speech.

        The reference lasts 1 s or more, at 8 to 192 kHz. Raises as the protocol says.
        """
        samples = _select_samples(reference)
        with clone_errors():
            model = self.model(language)
            version = self.info.version_for(language)
            with _model_errors():
                prompt = voice_file.Prompt(_encode_voice(model.tts, samples))
        return Voice(self.info.name, version, voice_file.pack(prompt, self.info.name, version))

    def speak(self, voice: Voice, sentence: str, controls: Controls) -> Speech:
        """Synthesise a sentence.

        It ends where the model ends it. The package limits it to two seconds and a third of a
        second per token.

        Raises:
            SynthesisError: The sentence has nothing to speak, or another model made the voice.
            EngineUnavailable: The weights of the language cannot be used.
        """
        if not any(character.isalnum() for character in sentence):
            raise SynthesisError("the sentence has no letter and no digit; there is nothing to say")
        model = self.model(controls.language)
        state = self._load_state(voice, controls.language, model)
        chunks: list[Samples] = []
        with _model_errors(), device.seeded(controls.seed):
            for piece in _pieces(sentence, model.tts.flow_lm.conditioner.tokenizer.encode):
                chunks.extend(generate(model.tts, state, piece))
        return Speech(np.concatenate(chunks), RATE)

    def close(self) -> None:
        """Release models and voices."""
        self.loaded.forget("pocket")

    def model(self, language: str) -> LoadedModel:
        """Return the model of a language, loaded if necessary.

        Raises SynthesisError if there is none for the language, EngineUnavailable if the weights
        cannot be used.
        """
        if language not in MODELS:
            raise SynthesisError(f"pocket does not speak {language}; it speaks {', '.join(MODELS)}")
        _require_packages()
        found = self._weights.get(language) or store.find(self._settings.models, MODELS[language])
        int8 = self._settings.pocket_int8
        return self.loaded.get(
            ("pocket", "model", found.name, found.digest, "int8" if int8 else "float32"),
            lambda: _load_model(found, int8),
            _memory(found.path),
        )

    def state(self, voice: Voice, language: str) -> Any:
        """Return the voice as the package's state of a model, loaded if necessary.

        Raises SynthesisError if another model made the voice.
        """
        return self._load_state(voice, language, self.model(language))

    def _load_state(self, voice: Voice, language: str, model: LoadedModel) -> Any:
        version = self.info.version_for(language)
        return self.loaded.get(
            # The key is the checksum, which `unpack` verifies when the voice is first loaded.
            ("pocket", "voice", version, voice.data[: len(voice_file.MAGIC) + CHECKSUM].hex()),
            lambda: _state(voice_file.unpack(voice.data, self.info.name, version), model.layout),
            len(voice.data),
        )


def _require_packages() -> None:
    for module, package in (("torch", "torch"), ("pocket_tts", "pocket-tts")):
        if not packages.installed(module):
            raise EngineUnavailable(f"the package {package} is not installed; {_INSTALL}")


@contextmanager
def _model_errors() -> Iterator[None]:
    """Raise SynthesisError where the package fails, without its message, which may quote text."""
    try:
        yield
    except Exception as error:
        raise SynthesisError(
            f"pocket failed with {type(error).__name__}; another text or recording may help"
        ) from error


def _load_model(found: store.Weights, int8: bool) -> LoadedModel:
    """Load a model and check that it can clone. Raises EngineUnavailable."""
    if store.find(found.path.parent, found.name) != found:
        raise EngineUnavailable(
            f"model {found.name!r} is not the one that the service started with; restart the "
            "service, and voices are made again for it"
        )
    try:
        with device.threads():
            from pocket_tts import TTSModel
    except Exception as error:  # a library of another version may raise anything
        raise EngineUnavailable(
            f"the package pocket-tts cannot be imported ({_first_line(error)}); "
            f"install it again: {_INSTALL}"
        ) from error
    # Warnings of the package quote the text.
    logging.getLogger("pocket_tts").setLevel(logging.ERROR)
    with TemporaryDirectory(prefix="soundclone-") as folder:
        config = Path(folder) / "config.yaml"
        config.write_text(_config(found), encoding="utf-8")
        try:
            with device.seeded(0), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torch's quantisation is deprecated
                model = TTSModel.load_model(config=config, quantize=int8)
            # Otherwise the number of frames decoded at once, and so rounding, depends on timing.
            model.max_decoder_frames_per_call = 1
            low, high = (_encode_voice(model, _tone(hertz)) for hertz in (110, 990))
        except Exception as error:  # five packages raise their own
            reason = _first_line(error)
            raise EngineUnavailable(
                f"model {found.name!r} cannot be loaded ({reason}); {_reinstall(found.name)}"
            ) from error
    if model.sample_rate != RATE:
        raise EngineUnavailable(
            f"model {found.name!r} speaks at {model.sample_rate} Hz, not {RATE}; "
            f"{_reinstall(found.name)}"
        )
    # Weights without voice cloning also accept a recording. Weights that the package does not
    # recognise encode every recording alike.
    differ = any(not np.array_equal(low[name], high[name]) for name in low)
    finite = all(np.isfinite(array).all() for array in (*low.values(), *high.values()))
    if not (model.has_voice_cloning and differ and finite):
        raise EngineUnavailable(
            f"the weights of model {found.name!r} cannot clone voices; accept the terms on "
            f"the page of those that can, set HF_TOKEN, and {_reinstall(found.name)}"
        )
    return LoadedModel(model, _layout(low))


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]


def _reinstall(name: str) -> str:
    return f"run `soundclone models remove {name}` and `soundclone models pull {name}`"


def _config(found: store.Weights) -> str:
    """Return the model's configuration with absolute paths and without the fallback.

    If the package cannot read the weights, it falls back to weights that cannot clone. Raises
    EngineUnavailable.
    """
    import yaml

    path = found.path / "config.yaml"
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        config.pop("weights_path_without_voice_cloning", None)
        config["weights_path"]  # without the key, the package uses random parameters
        for section in (
            config,
            config["flow_lm"],
            config["mimi"],
            config["flow_lm"]["lookup_table"],
        ):
            for key in {"weights_path", "tokenizer_path"} & set(section):
                name = section[key]
                if name != PurePath(name).name:
                    raise ValueError(
                        f"{key} is {name!r}, which is not the name of a file beside it"
                    )
                section[key] = str((found.path / name).absolute())
    except (OSError, ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError) as error:
        raise EngineUnavailable(
            f"{path} cannot be used ({_first_line(error)}); {_reinstall(found.name)}"
        ) from error
    text: str = yaml.safe_dump(config)
    return text


def _memory(folder: Path) -> int:
    """Return the bytes of a model in float32, by the headers of its weights. int8 takes less."""
    from safetensors import SafetensorError, safe_open

    size = 0
    for path in folder.glob("*.safetensors"):
        with suppress(OSError, SafetensorError), safe_open(path, "numpy") as file:
            size += 4 * sum(prod(file.get_slice(name).get_shape()) for name in list(file.keys()))
    return size


def _tone(hertz: float) -> Samples:
    """Return a second of a sine wave."""
    return np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE).astype(np.float32)


def _encode_voice(model: Any, samples: Samples) -> dict[str, NDArray[Any]]:
    """Return the tensors of the model's state after `samples`, shape (n,) at `RATE`.

    Names are those of the package's `export_model_state`.
    """
    import torch

    mimi = model.mimi
    mimi.encode_to_latent = partial(encode_in_blocks, mimi, mimi.encode_to_latent)
    try:
        # The random numbers drawn here must not be missing in another engine.
        with device.seeded(0):
            state = model.get_state_for_audio_prompt(torch.from_numpy(samples)[None])
    finally:
        del mimi.encode_to_latent  # restores the method of the class
    return {
        f"{module}/{name}": tensor.numpy()
        for module, tensors in state.items()
        for name, tensor in tensors.items()
    }


def encode_in_blocks(mimi: Any, encode: Callable[[Any], Any], audio: Any) -> Any:
    """Encode `audio`, shape (1, 1, n), with the codec's method `encode`, 10 s at a time.

    The result equals `encode(audio)` but for rounding. The codec computes attention between all
    pairs of frames although it uses only close ones, so that 30 s take half a gigabyte. Each block
    is preceded by as much audio as its attention and convolutions reach back.
    """
    import torch

    frame = mimi.frame_size
    transformer = mimi.encoder_transformer.transformer
    reach = sum(layer.self_attn.context for layer in transformer.layers) / mimi.encoder_frame_rate
    before = round((reach + _MARGIN) * mimi.frame_rate) * frame
    latents = []
    for start in range(0, audio.shape[-1], step := round(_BLOCK * mimi.frame_rate) * frame):
        first = max(0, start - before)
        latent = encode(audio[..., first : start + step])
        latents.append(latent[:, (start - first) // frame :])
    return torch.cat(latents, dim=1)


def _layout(arrays: Mapping[str, NDArray[Any]]) -> dict[str, object]:
    """Map the name of each array to its dtype and its shape without the third axis (time)."""
    return {
        name: (array.dtype, array.shape[:2] + array.shape[3:]) for name, array in arrays.items()
    }


def _state(voice: voice_file.Prompt, layout: Mapping[str, object]) -> Any:
    """Convert a voice to the state that the package generates from. Raises SynthesisError."""
    import torch

    # The package allocates memory for as many frames as the offsets claim.
    frames = {array.shape[2] for array in voice.arrays.values() if array.ndim > 2}
    claimed = {array.item() for name, array in voice.arrays.items() if name.endswith("/offset")}
    if _layout(voice.arrays) != layout or frames != claimed or len(claimed) != 1:
        raise SynthesisError("the voice does not hold what its model needs; clone it again")
    state: dict[str, dict[str, Any]] = {}
    for path, array in voice.arrays.items():
        module, _, name = path.partition("/")
        state.setdefault(module, {})[name] = torch.tensor(array)
    return state


def generate(model: Any, state: Any, text: str) -> Iterator[Samples]:
    """Yield the samples of a text while they are generated. `state` does not change."""
    stop = threading.Event()
    try:
        for chunk in model.generate_audio_stream(state, text, stop=stop):
            yield chunk.numpy()
    finally:
        stop.set()  # otherwise the package's thread continues after an error


def _select_samples(reference: Reference) -> Samples:
    """Return the part of a reference that the model hears, at `RATE`.

    The part ends between words, because the model would complete a word that is cut. Raises
    SourceError.
    """
    import soxr

    samples = check_reference(reference, shortest=_SHORTEST, highest_rate=_HIGHEST_RATE)
    samples = select_segment(samples, reference.sample_rate, _USEFUL, _LONGEST)
    resampled: Samples = soxr.resample(samples, reference.sample_rate, RATE)
    return resampled


def _pieces(text: str, tokens: Callable[[str], list[int]]) -> list[str]:
    """Split a text at breath pauses into pieces of at most `_TOKENS` tokens."""
    limit = len(text)
    while True:
        pieces = [text[start:end] for start, end in split(text, 0, len(text), limit)]
        most = max(len(tokens(piece)) for piece in pieces)
        if most <= _TOKENS or limit == 1:
            return [piece for piece in pieces if any(c.isalnum() for c in piece)]
        limit = max(1, min(limit - 1, limit * _TOKENS // most))
