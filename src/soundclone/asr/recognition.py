"""What is said in a recording, and when: Whisper (Radford et al., 2022), by faster-whisper.

One model per process, loaded when first needed, does one thing at a time. It comes with the extra
`asr`, and its weights with `soundclone models pull`.
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
from ..config import Settings
from ..errors import EngineUnavailable
from ..telemetry import log
from ..text.languages import LANGUAGES
from ..weights.store import Weights, find, verify

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

RATE = 16_000  # Hz, what the model hears
WINDOW = 30.0  # seconds that it hears at once
_BEAM = 5
_CUT = 6.0  # seconds, at the end of a window, in which the quietest place is looked for
_FRAME = 0.02  # seconds
_FLOOR = 10 ** (-50 / 20)  # of the loudest frame; what is below at an end is silence
_MARGIN = 0.2  # seconds of it that are kept
_FALLBACKS = {"yue": "zh"}  # of models that were trained before large-v3 and lack it
_CUBLAS = "libcublas.so.12"  # of the CUDA that CTranslate2 is built for
_ON_CPU, _ON_GPU = "asr-small", "asr-large-v3-turbo"

_log = log(__name__)


@dataclass(frozen=True)
class Heard:
    """A word that was recognised; in Chinese, Japanese and Thai a character, or a few."""

    text: str  # with its punctuation, without space around it
    start: float  # seconds from the start of the samples
    end: float
    probability: float  # 0-1, what the model makes of it


@dataclass(frozen=True)
class Transcript:
    """What was recognised."""

    text: str
    words: tuple[Heard, ...]
    language: str  # the code that the model was told


@dataclass(frozen=True)
class _Loaded:
    weights: Weights
    device: str
    model: WhisperModel


_lock = Lock()  # of the model: held while it is loaded, and while it listens
_loaded: _Loaded | None = None
_broken: tuple[Weights, str] | None = None  # what could not be loaded, and why


def code(language: str) -> str:
    """Whisper's code of a language of `LANGUAGES`."""
    return LANGUAGES[language].whisper_code


def unusable() -> str | None:
    """Why nothing can be recognised here and now, with what to do about it; None when it can.

    Cheap: it loads no model.
    """
    try:
        weights = _weights(Settings())
    except EngineUnavailable as error:
        return error.message
    return _broken[1] if _broken and _broken[0] == weights else None


def transcribe(
    samples: Samples, rate: int, language: str, *, hint: str | None = None
) -> Transcript:
    """What is said in a mono recording, of shape (n,) and finite, at `rate` Hz.

    `language` is a name of `LANGUAGES`. `hint` is text in it that the recording probably resembles,
    such as names that occur, spelled as they should be. The same samples give the same transcript:
    beam search without sampling. Raises EngineUnavailable.
    """
    settings = Settings()
    weights = _weights(settings)
    heard = _at_rate(samples, rate)
    with _lock:
        loaded = _load(weights, settings)
        tongue = _known(loaded, code(language))
        words: list[Heard] = []
        texts: list[str] = []
        for start, end in _windows(heard):
            try:
                text, found = _listen(loaded.model, heard[start:end], tongue, hint)
            except Exception as error:  # of CTranslate2, CUDA and the tokenizer alike
                raise EngineUnavailable(
                    f"speech recognition failed on the {loaded.device} "
                    f"({_first_line(error)}); SOUNDCLONE_ASR=off does without it"
                ) from error
            texts.append(text)
            shift, limit = start / RATE, end / RATE
            words += (_placed(word, shift, limit) for word in found)
    return Transcript(" ".join(filter(None, texts)), tuple(words), tongue)


def close() -> None:
    """Let go of the model."""
    global _loaded
    with _lock:
        _loaded = None


def _weights(settings: Settings) -> Weights:
    """Those of the model that is settled, or that suits the device. Raises EngineUnavailable."""
    if settings.asr == "off":
        raise EngineUnavailable("SOUNDCLONE_ASR is off; set it to auto to recognise speech")
    if find_spec("faster_whisper") is None:
        raise EngineUnavailable(
            "the package faster-whisper is not installed; install it by "
            "pip install 'soundclone[asr]'"
        )
    name = settings.asr_model
    if name and not name.startswith("asr-"):
        raise EngineUnavailable(
            f"SOUNDCLONE_ASR_MODEL is {name!r:.60}, which recognises no speech; it must be "
            f"{_ON_CPU}, {_ON_GPU} or left out"
        )
    return find(settings.models, name or (_ON_GPU if _device(settings) == "cuda" else _ON_CPU))


def _device(settings: Settings) -> str:
    # CTranslate2 knows no other kind of GPU than NVIDIA's.
    if settings.device in ("cpu", "mps"):
        return "cpu"
    try:
        import ctranslate2
    except (ImportError, OSError) as error:
        raise EngineUnavailable(
            f"the package ctranslate2 cannot be imported ({_first_line(error)}); install it again "
            "by pip install 'soundclone[asr]'"
        ) from error
    return "cuda" if ctranslate2.get_cuda_device_count() else "cpu"


def _load(weights: Weights, settings: Settings) -> _Loaded:
    """The model, if it is the one that was loaded last, or else read now."""
    global _loaded, _broken
    device = _device(settings)
    if _loaded and (_loaded.weights, _loaded.device) == (weights, device):
        return _loaded
    _loaded = None  # before the next: there may be no room for both
    verify(weights)
    try:
        model = _read(weights, device)
    except Exception as error:  # the tokenizer's package raises nothing narrower
        remedy = f"check it by `soundclone models verify {weights.name}`"
        if device == "cuda":
            remedy += f", and {_CUBLAS} by pip install nvidia-cublas-cu12"
        reason = (
            f"speech recognition cannot load model {weights.name!r} on the {device} "
            f"({_first_line(error)}); {remedy}"
        )
        _broken = (weights, reason)
        _log.warning("speech recognition is off", model=weights.name, device=device)
        raise EngineUnavailable(reason) from error
    _loaded, _broken = _Loaded(weights, device, model), None
    return _loaded


def _read(weights: Weights, device: str) -> WhisperModel:
    from faster_whisper import WhisperModel

    # Without it the package would look for another model's on the network.
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
        # Missing libraries of CUDA are noticed when something is computed, not before.
        _listen(model, np.zeros(RATE, np.float32), "en", None)
    return model


def _load_cublas() -> None:
    """Load the library that CTranslate2 looks for by its name alone, if it came as a package: that
    of torch may be of another version of CUDA."""
    with suppress(ModuleNotFoundError):
        package = find_spec("nvidia.cublas")
        for folder in (package and package.submodule_search_locations) or ():
            for name in ("libcublasLt.so.12", _CUBLAS):
                with suppress(OSError):
                    CDLL(str(Path(folder) / "lib" / name), mode=RTLD_GLOBAL)


def _known(loaded: _Loaded, tongue: str) -> str:
    """The code as this model has it. Raises EngineUnavailable when it has none."""
    for each in (tongue, _FALLBACKS.get(tongue)):
        multilingual = loaded.model.model.is_multilingual
        token = loaded.model.hf_tokenizer.token_to_id(f"<|{each}|>")
        if each and (token is not None if multilingual else each == "en"):
            return each
    raise EngineUnavailable(
        f"model {loaded.weights.name!r} does not recognise {tongue!r}; SOUNDCLONE_ASR_MODEL names "
        f"another, such as {_ON_GPU}"
    )


def _listen(
    model: WhisperModel, samples: Samples, tongue: str, hint: str | None
) -> tuple[str, list[Heard]]:
    """Text and words of one window."""
    segments, _ = model.transcribe(
        samples,
        language=tongue,
        beam_size=_BEAM,
        temperature=0.0,
        condition_on_previous_text=False,
        # Angle brackets could be read as the model's own tokens.
        initial_prompt=hint.replace("<|", " ").strip() or None if hint else None,
        # Where it has to tell times, the model goes on behind the last one it told, into silence,
        # where it makes up texts. So it hears the window once, and times come of its attention.
        without_timestamps=True,
        word_timestamps=True,
        vad_filter=False,
    )
    segment = next(iter(segments), None)
    if segment is None:
        return "", []
    words = [
        Heard(word.word.strip(), float(word.start), float(word.end), float(word.probability))
        for word in segment.words or ()
        if word.word.strip()
    ]
    return segment.text.strip(), words


def _placed(word: Heard, shift: float, limit: float) -> Heard:
    """A word of a window as one of the recording, within the window."""
    start = min(max(word.start + shift, shift), limit)
    return Heard(word.text, start, min(max(word.end + shift, start), limit), word.probability)


def _at_rate(samples: Samples, rate: int) -> Samples:
    if rate == RATE:
        return np.asarray(samples, np.float32)
    import soxr

    return np.asarray(soxr.resample(samples, rate, RATE), np.float32)


def _windows(samples: Samples) -> list[tuple[int, int]]:
    """Ranges of samples of at most WINDOW, cut where it is quietest, without silence at the ends:
    in silence the model hears what is not there."""
    size = round(_FRAME * RATE)
    frames = samples[: len(samples) // size * size].astype(np.float64).reshape(-1, size)
    energy = np.square(frames).mean(axis=1)
    active = np.flatnonzero(energy > _FLOOR**2 * energy.max(initial=0.0))
    if not len(active):
        return []
    margin = round(_MARGIN / _FRAME)
    start, end = max(int(active[0]) - margin, 0), min(int(active[-1]) + 1 + margin, len(energy))
    longest, reach = round(WINDOW / _FRAME), round(_CUT / _FRAME)
    found = []
    while end - start > longest:
        latest = start + longest
        cut = latest - reach + int(np.argmin(energy[latest - reach : latest]))
        found.append((start * size, cut * size))
        start = cut
    return [*found, (start * size, end * size)]


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
