"""Read the configuration of a pocket-tts model, a YAML file that names the model's files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ..errors import EngineUnavailable
from .catalogue import Model

_HUB_PATH = re.compile(r"hf://(?P<repository>[\w.-]+/[\w.-]+)/(?P<file>[^@]+)@(?P<revision>\w+)")
_PATHS = ("weights_path", "tokenizer_path")
_FALLBACK = "weights_path_without_voice_cloning"


@dataclass(frozen=True)
class HubFile:
    """A file on the hub."""

    repository: str  # "owner/name"
    file: str  # path in the repository
    revision: str  # commit


def packaged(model: Model) -> bytes:
    """Return the configuration of a model in the installed package pocket_tts.

    Raises EngineUnavailable if the package is not installed, or has none.
    """
    spec = find_spec("pocket_tts")  # an import would load torch
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder) / "config" / f"{model.config}.yaml"
        if path.is_file():
            return path.read_bytes()
    raise EngineUnavailable(
        f"model {model.name!r} needs a package that is not installed, or another version of it; "
        f"run `pip install 'soundclone[{model.extra}]'`"
    )


def local(text: bytes) -> tuple[bytes, list[str]]:
    """Return a configuration whose paths are names of files beside it, and the original paths.

    Weights that cannot clone are left out, because the package falls back to them silently. Raises
    ValueError if `text` is no configuration.
    """
    import yaml

    paths: list[str] = []

    def localise(node: object) -> object:
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
    """Return the name of the file that a path of a configuration refers to."""
    return path.partition("@")[0].rpartition("/")[2]


def hub_file(path: str) -> HubFile:
    """Parse a path of a packaged configuration. Raises ValueError if it is not on the hub."""
    match = _HUB_PATH.fullmatch(path)
    if not match:
        raise ValueError(f"{path!r} is no file of a commit on the hub")
    return HubFile(match["repository"], match["file"], match["revision"])
