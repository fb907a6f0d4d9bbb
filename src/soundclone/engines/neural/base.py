"""Common parts of the engines for models that want a GPU.

`Adapter` decides whether a model can be used, keeps the one model of the process and the voices in
use, and checks what the model is given.
"""

from __future__ import annotations

import hashlib
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

import numpy as np

from ...errors import EngineUnavailable, SoundcloneError, SynthesisError, TaskError
from ...weights import store
from ...weights.catalogue import MODELS
from ..protocol import ControlName, Controls, EngineInfo, Reference, Samples, Speech, Voice
from ..validation import check_controls, check_reference, check_voice, clone_errors
from .cache import Cache, shared
from .device import Device, choose, seeded
from .packages import installed
from .voice_file import Prompt, pack, unpack

if TYPE_CHECKING:
    from ...config import Settings
    from ..registry import EngineContext

T = TypeVar("T")

LONGEST_TEXT = 1000  # characters; texts are split into much shorter sentences before
_SHORTEST = 1.0  # seconds of a reference
_HIGHEST_RATE = 192_000  # Hz, of a reference
_OPENING, _CLOSING = "(（", ")）"
_BRACKETS = str.maketrans(dict.fromkeys("[]{}<>|［］｛｝＜＞｜", " "))


class Adapter(ABC):
    """Base of an engine with one model. Implements `engines.protocol.Engine`.

    The model is loaded when it is first needed, and runs in its own thread, because CUDA graphs
    that torch compiles belong to the thread that compiled them.
    """

    concurrent = False

    name: ClassVar[str]  # of the engine, and of its model in the catalogue
    package: ClassVar[str]  # Python package to import
    format: ClassVar[str]  # version of the prompts that `_make_prompt` returns
    licence: ClassVar[str]
    sample_rate: ClassVar[int]  # Hz
    rank: ClassVar[int]
    native: ClassVar[frozenset[ControlName]]
    needs_transcript: ClassVar[bool] = False

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._model: Any = None
        self._digest: str | None = None  # of the weights of `_model`
        self._failure = ("", "")  # digest of weights that do not load, and the reason
        self._device = ""
        self._thread: ThreadPoolExecutor | None = None
        self._lock = Lock()

    @classmethod
    def create(cls, context: EngineContext) -> Self:
        """Create the engine with the settings of the service."""
        return cls(context.settings)

    @abstractmethod
    def _load_model(self, found: store.Weights, device: Device) -> Any:
        """Load the model. Raises EngineUnavailable."""

    @abstractmethod
    def _make_prompt(self, model: Any, reference: Reference, language: str) -> Prompt:
        """Convert a reference to the model's terms. Raises SourceError."""

    @abstractmethod
    def _load_prompt(self, model: Any, prompt: Prompt) -> Any:
        """Convert a prompt for `_synthesise`. Raises SynthesisError if it is malformed."""

    @abstractmethod
    def _synthesise(self, model: Any, prompt: Any, sentence: str, controls: Controls) -> Samples:
        """Return the samples of a sentence, mono, shape (n,), at `sample_rate`."""

    @cached_property
    def voices(self) -> Cache:
        """Voices in use. All engines of the process share the memory limit."""
        return shared(self.settings.model_memory)

    @property
    def install(self) -> str:
        """The command that installs the package."""
        return f"pip install 'soundclone[{MODELS[self.name].extra}]'"

    @property
    def info(self) -> EngineInfo:
        """Name and capabilities. Without weights, the version is only that of the format."""
        model = MODELS[self.name]
        try:
            digest = self._digest or self._find().digest
        except EngineUnavailable:
            digest = ""
        return EngineInfo(
            name=self.name,
            version=f"{self.format}-{digest}" if digest else self.format,
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
        """Return the reason why the engine cannot work here, with the remedy; None if it can.

        torch is imported only if everything else is in place.
        """
        try:
            found, device = self._requirements()
        except EngineUnavailable as error:
            return error.message
        self._device = f"{device.name} ({device.reason}), {device.dtype}"
        digest, reason = self._failure
        return reason if digest == found.digest else None

    def _find(self) -> store.Weights:
        return store.find(self.settings.models, self.name, self.settings.accept_noncommercial)

    def _requirements(self) -> tuple[store.Weights, Device]:
        store.permit(store.known(self.name), self.settings.accept_noncommercial)
        if not installed(self.package):
            raise EngineUnavailable(
                f"the package {self.package} is not installed; install it by {self.install}"
            )
        found = self._find()
        device = choose(self.settings)
        if device.name == "cpu" and self.settings.device != "cpu":
            raise EngineUnavailable(
                f"{self.name} is far slower than speech on a processor, and {device.reason}; set "
                "SOUNDCLONE_DEVICE=cpu to run it all the same"
            )
        return found, device

    def warm(self) -> None:
        """Load the model, clone a burst of noise and speak a word. Raises EngineUnavailable."""
        version = self._version()
        rng = np.random.default_rng(0)
        burst = rng.standard_normal(3 * 16_000) * 0.1 * np.hanning(3 * 16_000)
        reference = Reference(burst.astype(np.float32), 16_000, "English", "This is a voice.")
        language = "English"
        try:
            prompt = self._run(lambda: self._seeded_prompt(reference, language))
            voice = Voice(self.name, version, pack(prompt, self.name, version))
            self.speak(voice, "Hello.", Controls(language))
        except TaskError as error:
            raise EngineUnavailable(f"{self.name} cannot speak here: {error.message}") from error

    def clone(self, reference: Reference, language: str) -> Voice:
        """Build a voice, which speaks every language of the engine.

        The reference lasts 1 s or more, at 8 to 192 kHz. Raises as the protocol says.
        """
        samples = check_reference(reference, shortest=_SHORTEST, highest_rate=_HIGHEST_RATE)
        reference = replace(reference, samples=samples)
        with clone_errors():
            self._check_language(language)
            version = self._version()
            prompt = self._run(lambda: self._seeded_prompt(reference, language))
        return Voice(self.name, version, pack(prompt, self.name, version))

    def speak(self, voice: Voice, sentence: str, controls: Controls) -> Speech:
        """Synthesise a sentence of at most 1000 characters.

        Raises:
            SynthesisError: The sentence has nothing to speak, a control is out of range, or
                another engine, version or model made the voice.
            EngineUnavailable: The model cannot be loaded.
        """
        self._check_language(controls.language)
        check_controls(controls)
        text = plain(sentence)
        check_voice(voice, self.name, self._version())
        return Speech(self._run(lambda: self._speak(voice, text, controls)), self.sample_rate)

    def bare(self, voice: Voice, sentence: str, controls: Controls) -> Callable[[], Samples]:
        """Return the call of the model that `speak` makes, without checks and cache.

        Benchmarks compare the two.
        """
        prompt = self._load_prompt(self._model, unpack(voice.data, self.name, voice.version))

        def call() -> Samples:
            with seeded(controls.seed):
                return self._synthesise(self._model, prompt, sentence, controls)

        return lambda: self._run(call)

    def _speak(self, voice: Voice, text: str, controls: Controls) -> Samples:
        key = (self.name, "voice", voice.version, hashlib.sha256(voice.data).hexdigest())
        prompt = self.voices.get(
            key,
            lambda: self._load_prompt(self._model, unpack(voice.data, self.name, voice.version)),
            len(voice.data),
        )
        with seeded(controls.seed):
            return self._synthesise(self._model, prompt, text, controls)

    def _seeded_prompt(self, reference: Reference, language: str) -> Prompt:
        with seeded(0):  # the random numbers drawn here must not be missing in another engine
            return self._make_prompt(self._model, reference, language)

    def close(self) -> None:
        """Release the model and the voices. The next use loads them again."""
        with self._lock:
            if self._thread is not None:
                self._thread.shutdown()
            self._thread = self._model = self._digest = None
            self.voices.forget(self.name)

    def _version(self) -> str:
        """Return the version of the model's voices, after loading the model if necessary."""
        self._run(self._ensure_loaded)
        return f"{self.format}-{self._digest}"

    def _ensure_loaded(self) -> None:
        if self._model is not None:
            return
        found, device = self._requirements()
        store.verify(found)
        try:
            # Warnings are for the packages' authors. Parameters are drawn at random before the
            # weights are read.
            with seeded(0), warnings.catch_warnings(action="ignore"):
                self._model = self._load_model(found, device)
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
        """Run `work` in the model's thread. Raises SynthesisError if the model fails."""
        with self._lock:
            if self._thread is None:
                self._thread = ThreadPoolExecutor(1, thread_name_prefix=self.name)
            future = self._thread.submit(work)
        try:
            return future.result()
        except SoundcloneError:
            raise
        except Exception as error:  # only its type is reported: the message may quote the text
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


def plain(sentence: str) -> str:
    """Return a sentence without what models read as instructions.

    Models read a bracketed beginning as a style, and marks in other brackets as tokens. Speech has
    no brackets, so nothing is lost.

    Raises SynthesisError if nothing is left, or the sentence is too long.
    """
    if len(sentence) > LONGEST_TEXT:
        raise SynthesisError(
            f"the sentence has {len(sentence)} characters; at most {LONGEST_TEXT} are said at once"
        )
    text = " ".join(sentence.translate(_BRACKETS).split())
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


def _summary(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {' '.join(lines)[:300]}"
