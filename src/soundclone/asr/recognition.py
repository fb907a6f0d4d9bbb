"""Speech recognition with Whisper (Radford et al., 2022), by way of faster-whisper.

The package comes with the extra `asr`, the weights with `soundclone models pull`.
"""

from __future__ import annotations

from contextlib import suppress
from ctypes import CDLL, RTLD_GLOBAL
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from ..audio.samples import Samples
from ..errors import EngineUnavailable
from ..telemetry import log
from ..text.languages import LANGUAGES
from ..weights.store import Weights, find, verify

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

    from ..config import Settings

RATE = 16_000  # Hz, of the model's input
WINDOW = 30.0  # seconds of the model's input
_BEAM = 5
_CUT_RANGE = 6.0  # seconds at the end of a window that are searched for the quietest frame
_FRAME = 0.02  # seconds
_SILENCE = 10 ** (-50 / 20)  # of the loudest frame
_MARGIN = 0.2  # seconds of silence that are kept at both ends
_FALLBACKS = {"yue": "zh"}  # for models older than large-v3
_CUBLAS = "libcublas.so.12"  # of the CUDA version that CTranslate2 is built for
_ON_CPU, _ON_GPU = "asr-small", "asr-large-v3-turbo"

_log = log(__name__)


@dataclass(frozen=True)
class RecognizedWord:
    """A recognised word; in Chinese, Japanese and Thai a character or a few."""

    text: str  # with its punctuation, without surrounding space
    start: float  # seconds from the start of the samples
    end: float
    probability: float  # 0-1


@dataclass(frozen=True)
class Transcript:
    """Text of a recording, with the times of its words."""

    text: str
    words: tuple[RecognizedWord, ...]
    language: str  # Whisper's code


@dataclass(frozen=True)
class _Loaded:
    weights: Weights
    device: str
    model: WhisperModel


def code(language: str) -> str:
    """Return Whisper's code of a language of `LANGUAGES`."""
    return LANGUAGES[language].whisper_code


class Recognizer:
    """A Whisper model, loaded on first use. Threads may share a recogniser and take turns."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = Lock()  # held while the model is loaded, and while it runs
        self._loaded: _Loaded | None = None
        self._failed: tuple[Weights, str] | None = None  # weights that did not load, and why

    def unusable(self) -> str | None:
        """Return the reason why speech cannot be recognised here, with the remedy; None if it can.

        Loads no model.
        """
        if self._loaded is not None:
            return None
        try:
            weights = self._find()
        except EngineUnavailable as error:
            return error.message
        return self._failed[1] if self._failed and self._failed[0] == weights else None

    def transcribe(self, samples: Samples, rate: int, language: str) -> Transcript:
        """Transcribe a recording. The same samples give the same transcript.

        Args:
            samples: Mono, shape (n,), finite.
            rate: Sample rate in Hz.
            language: Name of `LANGUAGES`.

        Raises:
            EngineUnavailable: Recognition is off, not installed, or fails.
        """
        resampled = _resample(samples, rate)
        with self._lock:
            loaded = self._loaded or self._load()
            tag = _supported_code(loaded, code(language))
            words: list[RecognizedWord] = []
            texts: list[str] = []
            for start, end in _windows(resampled):
                try:
                    text, found = _transcribe_window(loaded.model, resampled[start:end], tag)
                except Exception as error:  # CTranslate2, CUDA and the tokenizer raise anything
                    raise EngineUnavailable(
                        f"speech recognition failed on the {loaded.device} "
                        f"({_first_line(error)}); SOUNDCLONE_ASR=off does without it"
                    ) from error
                texts.append(text)
                shift, limit = start / RATE, end / RATE
                words += (_shifted(word, shift, limit) for word in found)
        return Transcript(" ".join(filter(None, texts)), tuple(words), tag)

    def close(self) -> None:
        """Release the model."""
        with self._lock:
            self._loaded = None

    def _find(self) -> Weights:
        """Return the weights that the settings name or the device suits."""
        settings = self._settings
        if settings.asr == "off":
            raise EngineUnavailable("SOUNDCLONE_ASR is off; set it to auto to recognise speech")
        for package in ("faster_whisper", "rapidfuzz"):
            if find_spec(package) is None:
                raise EngineUnavailable(
                    f"the package {package.replace('_', '-')} is not installed; install it by "
                    "pip install 'soundclone[asr]'"
                )
        name = settings.asr_model
        if name and not name.startswith("asr-"):
            raise EngineUnavailable(
                f"SOUNDCLONE_ASR_MODEL is {name!r:.60}, which recognises no speech; it must be "
                f"{_ON_CPU}, {_ON_GPU} or left out"
            )
        if not name:
            name = _ON_GPU if self._device() == "cuda" else _ON_CPU
        return find(settings.models, name)

    def _device(self) -> str:
        # CTranslate2 supports no GPU but NVIDIA's.
        if self._settings.device in ("cpu", "mps"):
            return "cpu"
        try:
            import ctranslate2
        except (ImportError, OSError) as error:
            raise EngineUnavailable(
                f"the package ctranslate2 cannot be imported ({_first_line(error)}); install it "
                "again by pip install 'soundclone[asr]'"
            ) from error
        return "cuda" if ctranslate2.get_cuda_device_count() else "cpu"

    def _load(self) -> _Loaded:
        weights, device = self._find(), self._device()
        verify(weights)
        try:
            model = _load_model(weights, device)
        except Exception as error:  # the tokenizer's package raises nothing narrower
            remedy = f"check it by `soundclone models verify {weights.name}`"
            if device == "cuda":
                remedy += f", and {_CUBLAS} by pip install nvidia-cublas-cu12"
            reason = (
                f"speech recognition cannot load model {weights.name!r} on the {device} "
                f"({_first_line(error)}); {remedy}"
            )
            self._failed = (weights, reason)
            _log.warning("speech recognition is off", model=weights.name, device=device)
            raise EngineUnavailable(reason) from error
        self._loaded = _Loaded(weights, device, model)
        return self._loaded


def _load_model(weights: Weights, device: str) -> WhisperModel:
    from faster_whisper import WhisperModel

    # Without the file, the package would fetch the tokenizer of another model.
    if not (weights.path / "tokenizer.json").is_file():
        raise ValueError("it has no tokenizer.json")
    if device == "cuda":
        _load_cublas()
    model = WhisperModel(
        str(weights.path),
        device=device,
        compute_type="float16" if device == "cuda" else "int8",
        local_files_only=True,
    )
    if model.hf_tokenizer.token_to_id("<|startoftranscript|>") is None:
        raise ValueError("its tokenizer is not Whisper's")
    if device == "cuda":
        # Missing CUDA libraries are noticed only when something is computed.
        _transcribe_window(model, np.zeros(RATE, np.float32), "en")
    return model


def _load_cublas() -> None:
    """Load cuBLAS from the package nvidia-cublas-cu12, if it is installed.

    CTranslate2 looks for the library by name alone and might find the one of torch, which may be
    built for another version of CUDA.
    """
    with suppress(ModuleNotFoundError):
        package = find_spec("nvidia.cublas")
        for folder in (package and package.submodule_search_locations) or ():
            for name in ("libcublasLt.so.12", _CUBLAS):
                with suppress(OSError):
                    CDLL(str(Path(folder) / "lib" / name), mode=RTLD_GLOBAL)


def _supported_code(loaded: _Loaded, tag: str) -> str:
    """Return `tag` or its fallback. Raises EngineUnavailable if the model has neither."""
    for each in (tag, _FALLBACKS.get(tag)):
        multilingual = loaded.model.model.is_multilingual
        token = loaded.model.hf_tokenizer.token_to_id(f"<|{each}|>")
        if each and (token is not None if multilingual else each == "en"):
            return each
    raise EngineUnavailable(
        f"model {loaded.weights.name!r} does not recognise {tag!r}; SOUNDCLONE_ASR_MODEL names "
        f"another, such as {_ON_GPU}"
    )


def _transcribe_window(
    model: WhisperModel, samples: Samples, tag: str
) -> tuple[str, list[RecognizedWord]]:
    """Return the text and the words of at most `WINDOW` seconds."""
    segments, _ = model.transcribe(
        samples,
        language=tag,
        beam_size=_BEAM,
        temperature=0.0,
        condition_on_previous_text=False,
        # With timestamps, the model decodes the rest of the window again after the last one, which
        # is silence, and makes up text there. Word times come from the attention weights instead.
        without_timestamps=True,
        word_timestamps=True,
        vad_filter=False,
    )
    segment = next(iter(segments), None)
    if segment is None:
        return "", []
    words = [
        RecognizedWord(
            word.word.strip(), float(word.start), float(word.end), float(word.probability)
        )
        for word in segment.words or ()
        if word.word.strip()
    ]
    return segment.text.strip(), words


def _shifted(word: RecognizedWord, shift: float, limit: float) -> RecognizedWord:
    """Return a word of a window with times in the recording, clipped to the window."""
    start = min(max(word.start + shift, shift), limit)
    return RecognizedWord(
        word.text, start, min(max(word.end + shift, start), limit), word.probability
    )


def _resample(samples: Samples, rate: int) -> Samples:
    if rate == RATE:
        return np.asarray(samples, np.float32)
    import soxr

    return np.asarray(soxr.resample(samples, rate, RATE), np.float32)


def _windows(samples: Samples) -> list[tuple[int, int]]:
    """Return ranges of samples of at most `WINDOW` seconds, cut where the recording is quietest.

    Silence at both ends is left out, because the model makes up text there.
    """
    size = round(_FRAME * RATE)
    frames = samples[: len(samples) // size * size].astype(np.float64).reshape(-1, size)
    energy = np.square(frames).mean(axis=1)
    active = np.flatnonzero(energy > _SILENCE**2 * energy.max(initial=0.0))
    if not len(active):
        return []
    margin = round(_MARGIN / _FRAME)
    start, end = max(int(active[0]) - margin, 0), min(int(active[-1]) + 1 + margin, len(energy))
    longest, reach = round(WINDOW / _FRAME), round(_CUT_RANGE / _FRAME)
    found = []
    while end - start > longest:
        latest = start + longest
        cut = latest - reach + int(np.argmin(energy[latest - reach : latest]))
        found.append((start * size, cut * size))
        start = cut
    return [*found, (start * size, end * size)]


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
