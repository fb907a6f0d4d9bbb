"""What the adapters of models that want a GPU have in common: when they can be used, the one model
in a process, the voices in use, and what is checked before a model sees it."""

from __future__ import annotations

import hashlib
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from threading import Lock
from typing import Any, ClassVar, TypeVar

import numpy as np

from ...config import Settings
from ...errors import (
    EngineUnavailable,
    NoSpeech,
    SoundcloneError,
    SpeechTooShort,
    SynthesisError,
    TaskError,
)
from ...weights import store
from ...weights.catalogue import MODELS
from ..protocol import Controls, Emotion, EngineInfo, Reference, Samples, Speech, Voice
from .cache import Cache, shared
from .device import Device, choose, seeded
from .packages import installed
from .voice_file import Prompt, pack, unpack

T = TypeVar("T")

LONGEST_TEXT = 1000  # characters; a text comes in sentences that are far shorter
_SHORTEST = 1.0  # seconds of a reference
_SILENT = 1e-5  # of full scale
_RATES = (8_000, 192_000)  # Hz
_OPENING, _CLOSING = "(（", ")）"
_MARKS = str.maketrans(dict.fromkeys("[]{}<>|［］｛｝＜＞｜", " "))


class Adapter(ABC):
    """Implements `engines.protocol.Engine` but for what a model does.

    A model is loaded once, when it is first needed, and runs in a thread of its own: what torch
    compiles with CUDA graphs belongs to the thread that it was compiled in.
    """

    concurrent = False

    name: ClassVar[str]  # of the engine, and of its model in the catalogue
    package: ClassVar[str]  # that is imported
    form: ClassVar[str]  # version of what `_prompt` returns
    licence: ClassVar[str]
    sample_rate: ClassVar[int]  # Hz
    rank: ClassVar[int]
    native: ClassVar[frozenset[str]]
    needs_transcript: ClassVar[bool] = False

    def __init__(self, settings: Settings | None = None) -> None:
        self._given = settings
        self._model: Any = None
        self._digest: str | None = None  # of the weights of `_model`
        self._failure = ("", "")  # the digest of weights that cannot be loaded, and why
        self._device = ""
        self._thread: ThreadPoolExecutor | None = None
        self._lock = Lock()

    @abstractmethod
    def _load(self, found: store.Weights, device: Device) -> Any:
        """The model. Raises EngineUnavailable."""

    @abstractmethod
    def _prompt(self, model: Any, reference: Reference, language: str) -> Prompt:
        """What the model makes of a reference. Raises SourceError."""

    @abstractmethod
    def _checked(self, model: Any, prompt: Prompt) -> Any:
        """A prompt as the model takes it. Raises SynthesisError when it is not of that shape."""

    @abstractmethod
    def _say(
        self, model: Any, prompt: Any, sentences: Sequence[str], controls: Controls
    ) -> list[Samples]:
        """Each sentence, mono, shape (n,), at `sample_rate`."""

    @cached_property
    def settings(self) -> Settings:
        return self._given or Settings()

    @cached_property
    def voices(self) -> Cache:
        """The voices in use; engines share its bound."""
        return shared(self.settings.model_memory)

    @property
    def install(self) -> str:
        """The command that installs the package."""
        return f"pip install 'soundclone[{MODELS[self.name].extra}]'"

    @property
    def info(self) -> EngineInfo:
        """What the engine says of itself; without weights its version is that of the format."""
        model = MODELS[self.name]
        try:
            digest = self._digest or store.find(self.settings.models, self.name).digest
        except EngineUnavailable:
            digest = ""
        return EngineInfo(
            name=self.name,
            version=f"{self.form}-{digest}" if digest else self.form,
            licence=self.licence,
            languages=frozenset(model.languages),
            sample_rate=self.sample_rate,
            needs_transcript=self.needs_transcript,
            native=self.native,
            seeded=True,
            rank=self.rank,
            noncommercial=model.noncommercial,
            device=self._device,
        )

    def unusable(self) -> str | None:
        """Why it cannot work here and now, with what to do; torch is imported once all else that
        it needs is here."""
        try:
            found, device = self._requirements()
        except EngineUnavailable as error:
            return error.message
        self._device = f"{device.name} ({device.reason}), {device.dtype}"
        digest, reason = self._failure
        return reason if digest == found.digest else None

    def _requirements(self) -> tuple[store.Weights, Device]:
        store.permit(store.known(self.name))
        if not installed(self.package):
            raise EngineUnavailable(
                f"the package {self.package} is not installed; install it by {self.install}"
            )
        found = store.find(self.settings.models, self.name)
        device = choose(self.settings)
        if device.name == "cpu" and self.settings.device != "cpu":
            raise EngineUnavailable(
                f"{self.name} is far slower than speech on a processor, and {device.reason}; set "
                "SOUNDCLONE_DEVICE=cpu to run it all the same"
            )
        return found, device

    def warm(self) -> None:
        """Load the model, and have it make a voice of noise and speak with it. Raises
        EngineUnavailable."""
        version = self._version()
        rng = np.random.default_rng(0)
        burst = rng.standard_normal(3 * 16_000) * 0.1 * np.hanning(3 * 16_000)
        reference = Reference(burst.astype(np.float32), 16_000, "English", "This is a voice.")
        language = "English"
        try:
            prompt = self._run(lambda: self._heard(reference, language))
            voice = Voice(self.name, version, pack(prompt, self.name, version))
            self.speak(voice, "Hello.", Controls(language))
        except TaskError as error:
            raise EngineUnavailable(f"{self.name} cannot speak here: {error.message}") from error

    def clone(self, reference: Reference, language: str) -> Voice:
        """Make a voice of a second or more of speech at 8 to 192 kHz. It speaks every language
        that the engine has.

        Raises SourceError when the recording cannot become one, SynthesisError when it is no
        recording at all or the engine lacks the language, EngineUnavailable.
        """
        _check_reference(reference)
        self._check_language(language)
        version = self._version()
        prompt = self._run(lambda: self._heard(reference, language))
        return Voice(self.name, version, pack(prompt, self.name, version))

    def speak(self, voice: Voice, sentence: str, controls: Controls) -> Speech:
        """Say one sentence of at most 1000 characters. Raises SynthesisError when it has nothing
        to say, a control is out of range, or the voice is not one of this engine, these weights
        and this version; EngineUnavailable."""
        return self._speak(voice, [sentence], controls)[0]

    def _speak(self, voice: Voice, sentences: Sequence[str], controls: Controls) -> list[Speech]:
        self._check_controls(controls)
        texts = [plain(sentence) for sentence in sentences]
        version = self._version()
        if voice.engine != self.name:
            raise SynthesisError(
                f"the voice was made by the engine {voice.engine!r}, not by {self.name!r}"
            )
        if voice.version != version:
            raise SynthesisError(
                f"the voice was made by version {voice.version!r} of {self.name}, this is "
                f"{version!r}; clone it again"
            )

        def work() -> list[Samples]:
            key = (self.name, "voice", version, hashlib.sha256(voice.data).hexdigest())
            prompt = self.voices.get(
                key,
                lambda: self._checked(self._model, unpack(voice.data, self.name, version)),
                len(voice.data),
            )
            with seeded(controls.seed):
                return self._say(self._model, prompt, texts, controls)

        return [Speech(samples, self.sample_rate) for samples in self._run(work)]

    def _heard(self, reference: Reference, language: str) -> Prompt:
        with seeded(0):  # or its random numbers would be missing where another engine speaks
            return self._prompt(self._model, reference, language)

    def close(self) -> None:
        """Let go of the model and the voices; the next use loads them again."""
        with self._lock:
            if self._thread is not None:
                self._thread.shutdown()
            self._thread = self._model = self._digest = None
            self.voices.forget(self.name)

    def _version(self) -> str:
        """That of the voices of the model, which is loaded if it is not yet."""
        self._run(self._loaded)
        return f"{self.form}-{self._digest}"

    def _loaded(self) -> None:
        if self._model is not None:
            return
        found, device = self._requirements()
        store.verify(found)
        try:
            # Warnings are for the packages' authors; parameters are random before they are read.
            with seeded(0), warnings.catch_warnings(action="ignore"):
                self._model = self._load(found, device)
        except EngineUnavailable as error:
            self._failure = (found.digest, error.message)
            raise
        except Exception as error:
            reason = (
                f"the weights of {self.name} cannot be loaded by {self.package} "
                f"({_summary(error)}); update the package, or run `soundclone models remove "
                f"{self.name}` and fetch them again"
            )
            self._failure = (found.digest, reason)
            raise EngineUnavailable(reason) from error
        self._digest = found.digest

    def _run(self, work: Callable[[], T]) -> T:
        """Do `work` in the model's thread. Raises SynthesisError where the model fails."""
        with self._lock:
            if self._thread is None:
                self._thread = ThreadPoolExecutor(1, thread_name_prefix=self.name)
            future = self._thread.submit(work)
        try:
            return future.result()
        except SoundcloneError:
            raise
        except Exception as error:  # a model's, whose message may have the text in it
            what = type(error).__name__
            if what == "OutOfMemoryError":
                raise SynthesisError(
                    f"{self.name} ran out of the GPU's memory; give it more room, or run fewer "
                    "engines beside it"
                ) from error
            raise SynthesisError(
                f"{self.name} failed with {what}; another text or recording may help"
            ) from error

    def _check_language(self, language: str) -> None:
        if language not in MODELS[self.name].languages:
            raise SynthesisError(
                f"{self.name} does not speak {language!r:.40}; it speaks "
                f"{len(MODELS[self.name].languages)} languages, such as English"
            )

    def _check_controls(self, controls: Controls) -> None:
        self._check_language(controls.language)
        if controls.emotion not in set(Emotion):
            raise SynthesisError(
                f"emotion is {controls.emotion!r}; it must be one of {', '.join(Emotion)}"
            )
        if not 0.5 <= controls.speed <= 2:
            raise SynthesisError(f"speed is {controls.speed}; it must be within 0.5 and 2")


def plain(sentence: str) -> str:
    """A sentence without what models take for instructions: a style in brackets at its beginning,
    and marks and tokens in other brackets. Nobody says brackets.

    Raises SynthesisError when nothing is left to say, or when there is too much.
    """
    if len(sentence) > LONGEST_TEXT:
        raise SynthesisError(
            f"the sentence has {len(sentence)} characters; at most {LONGEST_TEXT} are said at once"
        )
    text = " ".join(sentence.translate(_MARKS).split())
    while text.startswith(tuple(_OPENING)):
        text = text[1:].lstrip()
        closing = min((at for each in _CLOSING if (at := text.find(each)) >= 0), default=-1)
        if closing >= 0:
            head, tail = text[:closing].rstrip(), text[closing + 1 :].lstrip()
            comma = "," if head[-1:].isalnum() and tail[:1].isalnum() else ""
            text = f"{head}{comma} {tail}" if tail[:1].isalnum() else head + tail
    if not any(character.isprintable() and not character.isspace() for character in text):
        raise SynthesisError("the sentence has nothing that can be spoken")
    return text


def _check_reference(reference: Reference) -> None:
    samples = np.asarray(reference.samples)
    if not _RATES[0] <= reference.sample_rate <= _RATES[1]:
        raise SynthesisError(
            f"the reference has {reference.sample_rate} Hz; {_RATES[0]} to {_RATES[1]} Hz are "
            "understood"
        )
    if samples.ndim != 1:
        raise SynthesisError(
            f"the reference has {samples.ndim} dimensions; samples of one channel are needed"
        )
    seconds = len(samples) / reference.sample_rate
    if seconds < _SHORTEST:
        raise SpeechTooShort(
            f"the reference lasts {seconds:.1f} s; at least {_SHORTEST:.0f} s is needed"
        )
    if not np.isfinite(samples).all():
        raise SynthesisError("the reference has samples that are not finite numbers")
    if not np.any(np.abs(samples) > _SILENT):
        raise NoSpeech("the reference is silent; a recording of one person speaking is needed")


def _summary(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {' '.join(lines)[:300]}"
