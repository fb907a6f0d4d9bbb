"""The configuration of a pocket-tts model: a YAML file that says which files the model has."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..errors import EngineUnavailable
from .catalogue import Model

_HUB_PATH = re.compile(r"hf://(?P<repository>[\w.-]+/[\w.-]+)/(?P<file>[^@]+)@(?P<revision>\w+)")
_PATHS = ("weights_path", "tokenizer_path")
_FALLBACK = "weights_path_without_voice_cloning"


@dataclass(frozen=True)
class HubFile:
    """A file on the hub."""

    repository: str  # "owner/name"
    file: str  # its path there
    revision: str  # a commit


def packaged(model: Model) -> bytes:
    """The configuration that the installed package pocket_tts has for a model. Raises
    EngineUnavailable when the package is not installed, or has none."""
    spec = find_spec("pocket_tts")  # finds it without importing it, and torch with it
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder) / "config" / f"{model.config}.yaml"
        if path.is_file():
            return path.read_bytes()
    raise EngineUnavailable(
        f"model {model.name!r} needs a package that is not installed, or another version of it; "
        f"run `pip install 'soundclone[{model.extra}]'`"
    )


def local(text: bytes) -> tuple[bytes, list[str]]:
    """A configuration in which every path is the name of a file beside it, and the paths that it
    had. The weights that cannot clone are left out: they are what the package falls back to
    without a word. Raises ValueError when it is no configuration."""
    import yaml

    paths: list[str] = []

    def localise(node: Any) -> Any:
        if not isinstance(node, dict):
            return node
        kept = {key: value for key, value in node.items() if key != _FALLBACK}
        for key in _PATHS:
            if isinstance(path := kept.get(key), str):
                paths.append(path)
                kept[key] = file_name(path)
        return {key: localise(value) for key, value in kept.items()}

    try:
        config = localise(yaml.safe_load(text))
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError("it is no YAML") from error
    if not isinstance(config, dict) or not paths:
        raise ValueError("it names no weights")
    return yaml.safe_dump(config, sort_keys=True).encode(), paths


def file_name(path: str) -> str:
    """What a path in a configuration is called beside it."""
    return path.partition("@")[0].rpartition("/")[2]


def hub_file(path: str) -> HubFile:
    """Where a path in a packaged configuration points to. Raises ValueError."""
    match = _HUB_PATH.fullmatch(path)
    if not match:
        raise ValueError(f"{path!r} is no file of a commit on the hub")
    return HubFile(match["repository"], match["file"], match["revision"])
