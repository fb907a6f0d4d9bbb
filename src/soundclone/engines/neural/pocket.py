"""Pocket TTS by Kyutai: seven languages, faster than speech on one or two processor cores.

    weights     one model for each language, in a folder of its own: config.yaml, model.safetensors
                and the tokenizer
    voice       the transformer's keys and values after it has heard the reference, as safetensors;
                it belongs to the model that it was made with
    processor   whatever SOUNDCLONE_DEVICE says: steps of one frame of a small model gain nothing
                from a GPU

Method: Charles et al., "Continuous Audio Language Models", 2025; package pocket-tts 4. Importing
this module is cheap; the package and torch are imported when a model is first loaded.
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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...config import Settings
from ...errors import EngineUnavailable, NoSpeech, SynthesisError
from ...text.splitting import split
from ...weights import catalogue, store
from ..protocol import Controls, EngineInfo, Reference, Samples, Speech, Voice
from . import cache, device, packages, voice_file
from .reference import best

MODELS = {
    language: model.name
    for model in catalogue.MODELS.values()
    if model.engine == "pocket"
    for language in model.languages
}
"""Name of a model's weights, by name of its language."""

RATE = 24_000  # Hz
_FORMAT = 1  # of what is in a voice
_INSTALL = "pip install 'soundclone[pocket]'"
_SHORTEST = 1.0  # seconds of reference; whoever calls asks for more of it to be speech
_USEFUL = 10.0  # seconds that whole phrases must add up to, to be taken alone
_LONGEST = 30.0  # seconds; the package hears no more of a file
_BLOCK = 10.0  # seconds of reference that are encoded at once
_MARGIN = 0.5  # seconds that the codec's convolutions reach back, and more
_TOKENS = 48  # of a text said at once; of more than 50 the package warns that words are skipped
_LICENCE = (
    "code MIT; weights CC-BY-4.0, which asks that Kyutai's Pocket TTS be named as their source"
)


@dataclass(frozen=True)
class _Loaded:
    """A model."""

    tts: Any  # pocket_tts.TTSModel
    layout: Mapping[str, object]  # see `_layout`: what its voices are like


class PocketEngine:
    """Implements `engines.protocol.Engine`. Of all its models and voices, those used last are kept,
    within `Settings.model_memory`."""

    concurrent = False  # a model is safe for one generation at a time

    def __init__(self, settings: Settings | None = None) -> None:
        self._given = settings

    @cached_property
    def _settings(self) -> Settings:
        return self._given or Settings()

    @cached_property
    def loaded(self) -> cache.Cache:
        """What is kept, under ("pocket", "model", …) and ("pocket", "voice", …)."""
        return cache.shared(self._settings.model_memory)

    @cached_property
    def _here(self) -> dict[str, store.Weights]:
        found: dict[str, store.Weights] = {}
        for language, name in MODELS.items():
            with suppress(EngineUnavailable):
                found[language] = store.find(self._settings.models, name)
        return found

    @cached_property
    def info(self) -> EngineInfo:
        """What the engine says of itself: its languages are those whose weights are here.
        `unusable` looks again."""
        try:
            release = importlib.metadata.version("pocket-tts").split(".")[0]
        except importlib.metadata.PackageNotFoundError:
            release = "none"
        return EngineInfo(
            name="pocket",
            version=f"{_FORMAT}-pocket-tts-{release}",
            licence=_LICENCE,
            languages=frozenset(self._here),
            sample_rate=RATE,
            seeded=True,
            rank=20,
            checkpoints={language: each.digest[:8] for language, each in self._here.items()},
            device=f"cpu, {'int8' if self._settings.pocket_int8 else 'float32'}",
        )

    def unusable(self) -> str | None:
        """Look for the package and the weights, read all of them, and load the first."""
        for attribute in ("_here", "info"):
            self.__dict__.pop(attribute, None)
        try:
            self._check()
        except EngineUnavailable as error:
            return error.message
        return None

    def _check(self) -> None:
        _require_packages()
        models = self._settings.models
        if not self._here:
            begun = [name for name in MODELS.values() if (models / name).exists()]
            store.find(models, (begun or ["pocket"])[0])
        for each in self._here.values():
            store.verify(each)
        self._model(next(iter(self._here)))

    def warm(self) -> None:
        """Load the first model and say a word with it. Raises EngineUnavailable."""
        if not self._here:
            self._check()
        language = next(iter(self._here))
        noise = np.random.default_rng(0).standard_normal(2 * RATE, np.float32) / np.float32(10)
        name = self._here[language].name
        try:
            voice = self.clone(Reference(noise, RATE), language)
            speech = self.speak(voice, "Hello.", Controls(language))
        except SynthesisError as error:
            raise EngineUnavailable(
                f"model {name!r} cannot speak here: {error.message}; {_again(name)}"
            ) from error
        if not np.isfinite(speech.samples).all():
            raise EngineUnavailable(
                f"model {name!r} speaks values that are no numbers; {_again(name)}"
            )

    def clone(self, reference: Reference, language: str) -> Voice:
        """Make a voice of those 30 s of the reference that have the most speech; it speaks that
        language alone.

        Raises NoSpeech when there is nothing to hear in it, SynthesisError when it is no recording
        or the language is not spoken, EngineUnavailable when its weights cannot be used.
        """
        samples = _prompt(reference)
        model = self._model(language)
        version = self.info.version_for(language)
        with _explained():
            heard = voice_file.Prompt(_heard(model.tts, samples))
        return Voice(self.info.name, version, voice_file.pack(heard, self.info.name, version))

    def speak(self, voice: Voice, sentence: str, controls: Controls) -> Speech:
        """Say one sentence. It ends when the model says so, and at the latest after two seconds
        and a third of a second for each token, which is the package's bound.

        Raises SynthesisError when there is nothing to say, or the voice is not one of the
        language's model; EngineUnavailable when its weights cannot be used.
        """
        if not any(character.isalnum() for character in sentence):
            raise SynthesisError("the sentence has no letter and no digit; there is nothing to say")
        model = self._model(controls.language)
        state = self._voice(voice, controls.language, model.layout)
        chunks: list[Samples] = []
        with _explained(), device.seeded(controls.seed):
            for piece in _pieces(sentence, model.tts.flow_lm.conditioner.tokenizer.encode):
                chunks.extend(_generate(model.tts, state, piece))
        return Speech(np.concatenate(chunks), RATE)

    def close(self) -> None:
        """Let go of models and voices."""
        self.loaded.forget("pocket")

    def _model(self, language: str) -> _Loaded:
        """The model of a language. Raises SynthesisError, EngineUnavailable."""
        if language not in MODELS:
            raise SynthesisError(f"pocket does not speak {language}; it speaks {', '.join(MODELS)}")
        _require_packages()
        found = self._here.get(language) or store.find(self._settings.models, MODELS[language])
        int8 = self._settings.pocket_int8
        return self.loaded.get(
            ("pocket", "model", found.name, found.digest, "int8" if int8 else "float32"),
            lambda: _load(found, int8),
            _memory(found.path),
        )

    def _voice(self, voice: Voice, language: str, layout: Mapping[str, object]) -> Any:
        version = self.info.version_for(language)
        return self.loaded.get(
            # By its checksum, which `unpack` compares with the rest when it is first read.
            ("pocket", "voice", version, voice.data[: len(voice_file.MAGIC) + 32].hex()),
            lambda: _state(voice_file.unpack(voice.data, self.info.name, version), layout),
            len(voice.data),
        )


def _require_packages() -> None:
    for module, package in (("torch", "torch"), ("pocket_tts", "pocket-tts")):
        if not packages.installed(module):
            raise EngineUnavailable(f"the package {package} is not installed; {_INSTALL}")


@contextmanager
def _explained() -> Iterator[None]:
    """Raises SynthesisError where the package fails; its message may have the text in it."""
    try:
        yield
    except Exception as error:
        raise SynthesisError(
            f"pocket failed with {type(error).__name__}; another text or recording may help"
        ) from error


def _load(found: store.Weights, int8: bool) -> _Loaded:
    """A model that can clone. Raises EngineUnavailable."""
    if store.find(found.path.parent, found.name) != found:
        raise EngineUnavailable(
            f"model {found.name!r} is not the one that the service started with; restart the "
            "service, and voices are made again for it"
        )
    try:
        with device.threads():
            from pocket_tts import TTSModel
    except Exception as error:  # a library of another version, too
        raise EngineUnavailable(
            f"the package pocket-tts cannot be imported ({_first_line(error)}); "
            f"install it again: {_INSTALL}"
        ) from error
    # Its warnings quote the text.
    logging.getLogger("pocket_tts").setLevel(logging.ERROR)
    with TemporaryDirectory(prefix="soundclone-") as folder:
        config = Path(folder) / "config.yaml"
        config.write_text(_config(found), encoding="utf-8")
        try:
            with device.seeded(0), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torch's quantisation is on its way out
                model = TTSModel.load_model(config=config, quantize=int8)
            # Otherwise as many frames are decoded at once as happen to be ready, and sums differ.
            model.max_decoder_frames_per_call = 1
            low, high = (_heard(model, _tone(hertz)) for hertz in (110, 990))
        except Exception as error:  # each of five packages raises its own
            reason = _first_line(error)
            raise EngineUnavailable(
                f"model {found.name!r} cannot be loaded ({reason}); {_again(found.name)}"
            ) from error
    if model.sample_rate != RATE:
        raise EngineUnavailable(
            f"model {found.name!r} speaks at {model.sample_rate} Hz, not {RATE}; "
            f"{_again(found.name)}"
        )
    # The package takes a recording as samples although it cannot clone. Weights that hear nothing
    # it does not know: then all recordings are the same.
    differ = any(not np.array_equal(low[name], high[name]) for name in low)
    finite = all(np.isfinite(array).all() for array in (*low.values(), *high.values()))
    if not (model.has_voice_cloning and differ and finite):
        raise EngineUnavailable(
            f"the weights of model {found.name!r} cannot clone voices; accept the terms on "
            f"the page of those that can, set HF_TOKEN, and {_again(found.name)}"
        )
    return _Loaded(model, _layout(low))


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]


def _again(name: str) -> str:
    return f"run `soundclone models remove {name}` and `soundclone models pull {name}`"


def _config(found: store.Weights) -> str:
    """The model's configuration with absolute paths, and nothing to fall back on: where the
    package cannot read weights, it takes those that cannot clone. Raises EngineUnavailable."""
    import yaml

    path = found.path / "config.yaml"
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        config.pop("weights_path_without_voice_cloning", None)
        config["weights_path"]  # without it the package goes on with random numbers
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
            f"{path} cannot be used ({_first_line(error)}); {_again(found.name)}"
        ) from error
    text: str = yaml.safe_dump(config)
    return text


def _memory(folder: Path) -> int:
    """Bytes of a model in float32, from the headers of its weights; an upper bound of int8."""
    from safetensors import SafetensorError, safe_open

    size = 0
    for path in folder.glob("*.safetensors"):
        with suppress(OSError, SafetensorError), safe_open(path, "numpy") as file:
            size += 4 * sum(prod(file.get_slice(name).get_shape()) for name in list(file.keys()))
    return size


def _tone(hertz: float) -> Samples:
    """A second of it."""
    return np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE).astype(np.float32)


def _heard(model: Any, samples: Samples) -> dict[str, NDArray[Any]]:
    """The tensors of the model's state after it has heard `samples`, shape (n,) at RATE; named as
    in the files of the package's `export_model_state`."""
    import torch

    mimi = model.mimi
    mimi.encode_to_latent = partial(_encode, mimi, mimi.encode_to_latent)
    try:
        # It draws random numbers, which would be missing where another engine speaks.
        with device.seeded(0):
            state = model.get_state_for_audio_prompt(torch.from_numpy(samples)[None])
    finally:
        del mimi.encode_to_latent  # the method of its class is there again
    return {
        f"{module}/{name}": tensor.numpy()
        for module, tensors in state.items()
        for name, tensor in tensors.items()
    }


def _encode(mimi: Any, encode: Callable[[Any], Any], audio: Any) -> Any:
    """What `encode`, the codec's own method, makes of `audio`, shape (1, 1, n), but for rounding.

    It keeps a number for each pair of moments, although it then uses only those that are close, so
    that 30 s take half a gigabyte. Here it is given 10 s at a time, after as much of what comes
    before as can matter.
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
    """Types, and shapes without the third axis, which is time."""
    return {
        name: (array.dtype, array.shape[:2] + array.shape[3:]) for name, array in arrays.items()
    }


def _state(voice: voice_file.Prompt, layout: Mapping[str, object]) -> Any:
    """What the package generates from. Raises SynthesisError."""
    import torch

    # The package makes room for as many moments as a voice says that it has.
    moments = {array.shape[2] for array in voice.arrays.values() if array.ndim > 2}
    told = {array.item() for name, array in voice.arrays.items() if name.endswith("/offset")}
    if _layout(voice.arrays) != layout or moments != told or len(told) != 1:
        raise SynthesisError("the voice does not hold what its model needs; clone it again")
    state: dict[str, dict[str, Any]] = {}
    for path, array in voice.arrays.items():
        module, _, name = path.partition("/")
        state.setdefault(module, {})[name] = torch.tensor(array)
    return state


def _generate(model: Any, state: Any, text: str) -> Iterator[Samples]:
    """Samples as they come; `state` stays as it is, as the package works on a copy."""
    stop = threading.Event()
    try:
        for chunk in model.generate_audio_stream(state, text, stop=stop):
            yield chunk.numpy()
    finally:
        stop.set()  # its thread would go on when we do not


def _prompt(reference: Reference) -> Samples:
    """What the model is to hear: at RATE, no longer than it can use, and not cut within a word,
    which it would go on to say. Raises NoSpeech, SynthesisError."""
    import soxr

    samples = np.asarray(reference.samples, np.float32)
    if not 8_000 <= reference.sample_rate <= 192_000:
        raise SynthesisError(
            f"the reference has {reference.sample_rate} Hz; 8000 to 192000 Hz are understood"
        )
    if samples.ndim != 1:
        raise SynthesisError(f"the reference has the shape {samples.shape}; one channel is needed")
    seconds = samples.size / reference.sample_rate
    if seconds < _SHORTEST:
        raise NoSpeech(f"the reference lasts {seconds:.1f} s; at least {_SHORTEST:.0f} s is needed")
    if not np.isfinite(samples).all():
        raise SynthesisError("the reference has samples that are not finite numbers")
    if not np.any(np.abs(samples) > 1e-5):
        raise NoSpeech("the reference is silent; a recording of one person speaking is needed")
    samples = best(samples, reference.sample_rate, _USEFUL, _LONGEST)
    heard: Samples = soxr.resample(samples, reference.sample_rate, RATE)
    return heard


def _pieces(text: str, tokens: Callable[[str], list[int]]) -> list[str]:
    """The text in pieces short enough to be said without skipping words, cut where one breathes."""
    limit = len(text)
    while True:
        pieces = [text[start:end] for start, end in split(text, 0, len(text), limit)]
        most = max(len(tokens(piece)) for piece in pieces)
        if most <= _TOKENS or limit == 1:
            return [piece for piece in pieces if any(c.isalnum() for c in piece)]
        limit = max(1, min(limit - 1, limit * _TOKENS // most))
