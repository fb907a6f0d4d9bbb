"""Models of neural engines: where they are published, under which licence, and their files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from ..text.languages import LANGUAGES

MANIFEST = "manifest.json"  # in a model's folder: what the model consists of
CONFIG = "config.yaml"  # of a model of pocket, with the names of the files beside it


@dataclass(frozen=True)
class Model:
    """A model that an engine, or the check of what was said, can use."""

    name: str  # on the command line, and of its folder
    engine: str  # that it is for: "pocket", "voxcpm", "omnivoice", "asr"
    extra: str  # of this package: what the engine needs to be installed
    repository: str  # "owner/name" on the hub
    licence: str  # of the weights, an SPDX identifier
    terms: str  # the licence in one sentence
    size: int  # bytes to fetch, about
    languages: tuple[str, ...]  # names of `languages.LANGUAGES` that it speaks, or understands
    needs: tuple[str, ...]  # patterns of file names, each of which has to match one
    takes: tuple[str, ...] = ()  # patterns of further files that are fetched where there are any
    config: str = ""  # of pocket: the name of its configuration in the package pocket_tts
    gated: bool = False  # fetched only by those who agreed to its terms on its page
    noncommercial: bool = False  # the licence forbids commercial use

    def has(self, file: str) -> bool:
        """Whether a file of this name belongs to the model."""
        patterns = self.needs + self.takes
        return file != MANIFEST and any(fnmatchcase(file, pattern) for pattern in patterns)

    def lacks(self, files: list[str]) -> str | None:
        """The first pattern of `needs` that no name in `files` matches."""
        for pattern in self.needs:
            if not any(fnmatchcase(file, pattern) for file in files):
                return pattern
        return None


_SAFE_SUFFIXES = {".safetensors", ".json", ".yaml", ".txt", ".model"}
_SAFE_BY_READER = {
    ("asr", "model.bin"),  # of CTranslate2, which has its own format under that name
    ("voxcpm", "audiovae.pth"),  # a pickle, which voxcpm reads by torch.load(weights_only=True)
}


def is_inside(file: str) -> bool:
    """Whether `file`, a name relative to a model's folder, stays in it and is one that is seen."""
    path = PurePosixPath(file)
    plain = file == str(path) and "\\" not in file and file.isprintable()
    return plain and not path.is_absolute() and not any(p.startswith(".") for p in path.parts)


def is_safe(model: Model, file: str) -> bool:
    """Whether `file` stays in the model's folder and runs no code when it is read: weights are
    safetensors, never pickles that are read as such."""
    known = PurePosixPath(file).suffix in _SAFE_SUFFIXES or (model.engine, file) in _SAFE_BY_READER
    return known and is_inside(file)


_CC_BY = (
    "Free for any use, also commercial, if its makers are named; its makers ask everyone who "
    "fetches it to agree to their terms first, among them not to clone anyone without consent"
)
_APACHE = "Free for any use, also commercial, if the licence and its notices are kept"
_MIT = "Free for any use, also commercial, if the copyright notice is kept"
_CC_BY_NC = "Free for any use that is not commercial, if its makers are named"


def _pocket(name: str, language: str) -> Model:
    return Model(
        name=name,
        engine="pocket",
        extra="pocket",
        repository="kyutai/pocket-tts",
        licence="CC-BY-4.0",
        terms=_CC_BY,
        size=240_000_000,
        languages=(language,),
        needs=(CONFIG, "*.safetensors", "tokenizer.*"),
        config=language.lower(),
        gated=True,
    )


def _asr(name: str, repository: str, size: int, cantonese: bool = False) -> Model:
    return Model(
        name=name,
        engine="asr",
        extra="asr",
        repository=repository,
        licence="MIT",
        terms=_MIT,
        size=size,
        languages=tuple(name for name in LANGUAGES if cantonese or name != "Chinese,Yue"),
        needs=("config.json", "model.bin", "tokenizer.json", "vocabulary.*"),
        takes=("preprocessor_config.json",),
    )


# Of the thirty that its makers list, those that can be asked for.
_VOXCPM_LANGUAGES = (
    "Chinese",
    "Chinese,Yue",
    "English",
    "Arabic",
    "Russian",
    "Spanish",
    "French",
    "Portuguese",
    "German",
    "Turkish",
    "Dutch",
    "Vietnamese",
    "Indonesian",
    "Japanese",
    "Italian",
    "Korean",
    "Thai",
    "Polish",
    "Greek",
    "Finnish",
    "Hindi",
    "Danish",
    "Hebrew",
    "Malay",
    "Swedish",
    "Filipino",
    "Norwegian",
)

_MODELS = (
    _pocket("pocket", "English"),
    _pocket("pocket-fr", "French"),
    _pocket("pocket-de", "German"),
    _pocket("pocket-pt", "Portuguese"),
    _pocket("pocket-it", "Italian"),
    _pocket("pocket-es", "Spanish"),
    _pocket("pocket-nl", "Dutch"),
    Model(
        name="voxcpm",
        engine="voxcpm",
        extra="voxcpm",
        repository="openbmb/VoxCPM2",
        licence="Apache-2.0",
        terms=_APACHE,
        size=5_000_000_000,
        languages=_VOXCPM_LANGUAGES,
        needs=("config.json", "model*.safetensors", "tokenizer.*", "audiovae.*"),
        takes=("*.json",),
    ),
    Model(
        name="omnivoice",
        engine="omnivoice",
        extra="omnivoice",
        repository="k2-fsa/OmniVoice",
        licence="CC-BY-NC-4.0",
        terms=_CC_BY_NC,
        size=3_300_000_000,
        languages=tuple(LANGUAGES),
        needs=("config.json", "model*.safetensors", "tokenizer.*", "audio_tokenizer/*.safetensors"),
        takes=("*.json", "*.txt"),
        noncommercial=True,
    ),
    _asr("asr-tiny", "Systran/faster-whisper-tiny", 78_000_000),
    _asr("asr-small", "Systran/faster-whisper-small", 486_000_000),
    _asr("asr-large-v3-turbo", "mobiuslabsgmbh/faster-whisper-large-v3-turbo", 1_620_000_000, True),
)

MODELS: Mapping[str, Model] = {model.name: model for model in _MODELS}
