"""Catalogue of models: repository, licence, languages and files of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from ..text.languages import LANGUAGES

MANIFEST = "manifest.json"  # in a model's folder, lists its files
CONFIG = "config.yaml"  # in the folder of a pocket model, names the files beside it


@dataclass(frozen=True)
class Model:
    """A model of a neural engine, or of speech recognition."""

    name: str  # on the command line, and of the folder
    engine: str  # "pocket", "voxcpm", "omnivoice", or "asr"
    extra: str  # extra of this package with the requirements of the engine
    repository: str  # "owner/name" on the hub
    licence: str  # of the weights, SPDX identifier
    terms: str  # summary of the licence, one sentence
    size: int  # approximate bytes to download
    languages: tuple[str, ...]  # names of `languages.LANGUAGES`
    needs: tuple[str, ...]  # patterns of file names; each must match a file
    takes: tuple[str, ...] = ()  # patterns of optional files
    config: str = ""  # name of a pocket model's configuration in the package pocket_tts
    gated: bool = False  # only for users who accepted the terms on its page
    noncommercial: bool = False  # the licence forbids commercial use

    def has(self, file: str) -> bool:
        """Return True if a file of this name belongs to the model."""
        patterns = self.needs + self.takes
        return file != MANIFEST and any(fnmatchcase(file, pattern) for pattern in patterns)

    def lacks(self, files: list[str]) -> str | None:
        """Return the first pattern of `needs` that matches none of `files`."""
        for pattern in self.needs:
            if not any(fnmatchcase(file, pattern) for file in files):
                return pattern
        return None


_SAFE_SUFFIXES = {".safetensors", ".json", ".yaml", ".txt", ".model"}
_SAFE_BY_READER = {
    ("asr", "model.bin"),  # a format of CTranslate2
    ("voxcpm", "audiovae.pth"),  # read with torch.load(weights_only=True)
}


def is_inside(file: str) -> bool:
    """Return True if `file`, relative to a model's folder, stays in it and is not hidden."""
    path = PurePosixPath(file)
    plain = file == str(path) and "\\" not in file and file.isprintable()
    return plain and not path.is_absolute() and not any(p.startswith(".") for p in path.parts)


def is_safe(model: Model, file: str) -> bool:
    """Return True if `file` stays in the model's folder and runs no code when it is read.

    Weights are safetensors, never pickles that are unpickled.
    """
    known = PurePosixPath(file).suffix in _SAFE_SUFFIXES or (model.engine, file) in _SAFE_BY_READER
    return known and is_inside(file)


_CC_BY = (
    "Free for any use, also commercial, with attribution. Its authors ask everyone who downloads "
    "it to accept their terms first, such as not to clone anyone without consent"
)
_APACHE = "Free for any use, also commercial, if the licence and its notices are kept"
_MIT = "Free for any use, also commercial, if the copyright notice is kept"
_CC_BY_NC = "Free for non-commercial use, with attribution"


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


# The languages of the model that the service supports.
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
