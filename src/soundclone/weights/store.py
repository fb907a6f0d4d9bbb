"""Find, verify, add and remove the weights of models on this machine.

A model is a folder with a `manifest.json`, which lists the size and the SHA-256 of every file. The
manifest is written last, so a folder without one is not installed.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from ..errors import EngineUnavailable
from .catalogue import CONFIG, MANIFEST, MODELS, Model, is_safe
from .pocket_config import file_name, local, packaged

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Weights:
    """Weights of an installed model."""

    name: str  # of the model: "pocket", "pocket-fr", "voxcpm"
    path: Path  # folder of the files
    digest: str  # of all files, twelve hexadecimal digits


@dataclass(frozen=True)
class File:
    """A file of a model, as installed."""

    size: int  # bytes
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """Files of a model and their origin."""

    model: str
    licence: str
    accepted: str  # time of the acceptance of the licence, ISO 8601
    sources: Mapping[str, str]  # commit by repository; empty for weights added by hand
    files: Mapping[str, File]  # by path relative to the folder, with /

    @property
    def digest(self) -> str:
        """Digest of all names and contents, twelve hexadecimal digits."""
        lines = "".join(f"{file.sha256}  {name}\n" for name, file in sorted(self.files.items()))
        return hashlib.sha256(lines.encode()).hexdigest()[:12]


def find(models: Path, name: str, accepted: Collection[str] = ()) -> Weights:
    """Return the weights of a model, after a check of names and sizes.

    Args:
        models: Folder of the models.
        name: Name of the model.
        accepted: Engines whose non-commercial licences are accepted.

    Raises:
        EngineUnavailable: The model is not installed or damaged, or its licence is not accepted.
            The message has the remedy.
    """
    permit(known(name), accepted)
    return _find(models, name)


def _find(models: Path, name: str) -> Weights:
    folder = models / name
    manifest = read_manifest(models, name)
    for file, expected in manifest.files.items():
        try:
            found = (folder / file).lstat()
        except OSError as error:
            raise _damaged(folder / file, error.strerror or "unreadable", name) from error
        if not stat.S_ISREG(found.st_mode):
            raise _damaged(folder / file, "not a regular file", name)
        if found.st_size != expected.size:
            raise _damaged(folder / file, f"{found.st_size} bytes, not {expected.size}", name)
    return Weights(name, folder, manifest.digest)


def verify(weights: Weights) -> None:
    """Read every file. Raises EngineUnavailable, which names the first damaged one."""
    weights = _find(weights.path.parent, weights.name)
    manifest = read_manifest(weights.path.parent, weights.name)
    for file in sorted(
        path for path in weights.path.rglob("*") if path.is_symlink() or not path.is_dir()
    ):
        name = file.relative_to(weights.path).as_posix()
        if name not in manifest.files and name != MANIFEST:
            raise _damaged(file, "not among those that came", weights.name)
    for name, expected in manifest.files.items():
        if sha256(weights.path / name) != expected.sha256:
            raise _damaged(weights.path / name, "not what it was", weights.name)


def adopt(models: Path, name: str, folder: Path, accepted: Collection[str] = ()) -> Weights:
    """Install a model from files in `folder`, for a machine that cannot reach the hub.

    The licence counts as accepted. Files that do not belong to the model are ignored. A manifest
    beside the files must agree with them.

    Raises:
        EngineUnavailable: A file is missing, is a link, differs from the manifest, or cannot be
            written; or a non-commercial licence is not among the `accepted`.
    """
    model = known(name)
    permit(model, accepted)
    if not folder.is_dir():
        raise EngineUnavailable(f"{folder} is no folder; the files of model {name!r} are in one")
    files = {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if not path.is_dir()
    }
    files = {file: path for file, path in files.items() if model.has(file)}
    config = _take_config(model, files)
    absent = model.lacks([*files, *config])
    if absent:
        raise EngineUnavailable(f"{folder} has no {absent}, which model {name!r} needs")
    for file, path in files.items():
        if path.is_symlink() or not path.is_file() or not is_safe(model, file):
            raise EngineUnavailable(
                f"{path} is not taken: a file of model {name!r} is a regular one, no link, of a "
                "kind that runs no code when it is read"
            )
    given = _read_given_manifest(folder, model)
    needed = sum(path.stat().st_size for path in files.values())
    with staged(models, model, needed) as stage:
        shutil.rmtree(stage, ignore_errors=True)
        came = {file: copy(path, stage / file) for file, path in files.items()}
        came |= {file: write(stage / file, content) for file, content in config.items()}
        for file in sorted({*given.files, *came} if given else ()):
            if given and came.get(file) != given.files.get(file):
                raise EngineUnavailable(
                    f"{folder / file} is not what the manifest beside it says; copy it again"
                )
        sources = given.sources if given else {}
        return install(models, stage, manifest_of(model, sources, came))


def is_installed(models: Path, name: str) -> bool:
    """Return True if a model was installed, even if it is damaged now."""
    return (models / name / MANIFEST).exists()


def _missing(name: str) -> str:
    return (
        f"model {name!r} is not on this machine; fetch it by `soundclone models pull {name}`, or "
        f"add files that you have by `soundclone models add {name} FOLDER`"
    )


def remove(models: Path, name: str) -> bool:
    """Remove a model and unfinished downloads of it. Return False if there was nothing."""
    model = known(name)
    if not models.is_dir():
        return False
    with _alone(models, model):
        folder, stage, former = models / name, _stage(models, name), _former(models, name)
        there = any(map(os.path.lexists, (folder, stage, former)))
        _set_aside(folder, former)
        for each in (former, stage):
            _discard(each)
    return there


def known(name: str) -> Model:
    """Return the model of that name. Raises EngineUnavailable if there is none."""
    model = MODELS.get(name)
    if model is None:
        raise EngineUnavailable(f"there is no model {name!r}; known: {', '.join(MODELS)}")
    return model


def permit(model: Model, accepted: Collection[str]) -> None:
    """Raise EngineUnavailable if the licence is non-commercial and not accepted.

    `accepted` are names of engines.
    """
    if model.noncommercial and model.engine not in accepted:
        raise EngineUnavailable(
            f"model {model.name!r} is licensed for non-commercial use only ({model.licence}); "
            f"where that holds, set SOUNDCLONE_ACCEPT_NONCOMMERCIAL={model.engine}"
        )


def read_manifest(models: Path, name: str) -> Manifest:
    """Return the manifest of a model. Raises EngineUnavailable if it is missing or malformed."""
    path = models / name / MANIFEST
    model = known(name)
    try:
        manifest = _parse(path.read_bytes(), model)
    except FileNotFoundError as error:
        raise EngineUnavailable(_missing(name)) from error
    except OSError as error:
        raise _damaged(path, error.strerror or "unreadable", name) from error
    except ValueError as error:
        raise _damaged(path, str(error), name) from error
    if not manifest.accepted or manifest.licence != model.licence:
        raise EngineUnavailable(
            f"the licence of model {name!r} ({model.licence}) was not accepted; "
            f"run `soundclone models remove {name}` and fetch it again"
        )
    return manifest


def _parse(text: bytes, model: Model) -> Manifest:
    try:
        value = json.loads(text)
        files = {
            file: File(int(row["size"]), str(row["sha256"])) for file, row in value["files"].items()
        }
        manifest = Manifest(
            value["model"], value["licence"], value["accepted"], dict(value["sources"]), files
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError("no manifest") from error
    if manifest.model != model.name or not all(is_safe(model, file) for file in files):
        raise ValueError(f"not one of model {model.name!r}")
    if model.lacks(list(files)) or manifest.digest != value.get("digest"):
        raise ValueError("not what it was")
    return manifest


# A new model is staged in a folder next to its own, and then renamed.


def manifest_of(model: Model, sources: Mapping[str, str], files: Mapping[str, File]) -> Manifest:
    """Return the manifest of files that are installed now, with the licence accepted now."""
    accepted = datetime.now(UTC).isoformat(timespec="seconds")
    return Manifest(model.name, model.licence, accepted, sources, files)


@contextmanager
def staged(models: Path, model: Model, needed: int) -> Iterator[Path]:
    """Lock and return the staging folder of a model. The folder survives an error.

    Raises EngineUnavailable if there is no room for `needed` bytes, if writing fails, or if another
    process holds the lock.
    """
    stage = _stage(models, model.name)
    try:
        stage.mkdir(mode=0o755, parents=True, exist_ok=True)
        with _alone(models, model):
            held = sum(path.lstat().st_size for path in stage.rglob("*") if path.is_file())
            free = shutil.disk_usage(models).free
            if free + held < needed:
                raise EngineUnavailable(
                    f"{models} has {free / 1e6:.0f} MB free; model {model.name!r} needs "
                    f"{(needed - held) / 1e6:.0f} MB more: make room, or set SOUNDCLONE_MODELS_DIR"
                )
            yield stage
    except OSError as error:
        raise EngineUnavailable(
            f"model {model.name!r} cannot be written to {models}: {error.strerror or error}; make "
            "room or set SOUNDCLONE_MODELS_DIR, and try again"
        ) from error


def install(models: Path, stage: Path, manifest: Manifest) -> Weights:
    """Install the staged files: write the manifest, then rename the folder, both atomically."""
    content = asdict(manifest) | {"digest": manifest.digest}
    write(stage / MANIFEST, json.dumps(content, indent=2, sort_keys=True).encode() + b"\n")
    folder, former = models / manifest.model, _former(models, manifest.model)
    _set_aside(folder, former)
    stage.rename(folder)
    _sync(models)
    with suppress(OSError):
        _discard(former)
    return Weights(manifest.model, folder, manifest.digest)


def write(path: Path, content: bytes) -> File:
    """Write a file atomically and durably, so that not even a power cut leaves a part of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("wb") as file:
        file.write(content)
        _flush(file)
    temporary.rename(path)
    _sync(path.parent)
    return File(len(content), hashlib.sha256(content).hexdigest())


def copy(source: Path, target: Path) -> File:
    """Copy a file, and return its size and hash."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    size = 0
    with source.open("rb") as reader, target.open("wb") as writer:
        while chunk := reader.read(_CHUNK):
            digest.update(chunk)
            writer.write(chunk)
            size += len(chunk)
        _flush(writer)
    return File(size, digest.hexdigest())


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _take_config(model: Model, files: dict[str, Path]) -> dict[str, bytes]:
    """Remove the configuration of a pocket model from `files`, and return it with local paths.

    The installed package provides a configuration that `files` lack.
    """
    if not model.config:
        return {}
    path = files.pop(CONFIG, None)
    try:
        text, paths = local(path.read_bytes() if path else packaged(model))
    except (OSError, ValueError) as error:
        raise EngineUnavailable(
            f"{path or CONFIG} is no configuration of pocket-tts: {error}"
        ) from error
    for name in map(file_name, paths):
        if name not in files:
            raise EngineUnavailable(
                f"the files of model {model.name!r} lack {name!r}, which {CONFIG} names"
            )
    return {CONFIG: text}


def _read_given_manifest(folder: Path, model: Model) -> Manifest | None:
    """Return the manifest beside files that were copied from another machine, if there is one."""
    path = folder / MANIFEST
    try:
        return _parse(path.read_bytes(), model)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise EngineUnavailable(
            f"{path} is no manifest of model {model.name!r} ({error}); copy it again, or remove it"
        ) from error


def _damaged(path: Path, what: str, name: str) -> EngineUnavailable:
    return EngineUnavailable(
        f"{path} is damaged ({what}); run `soundclone models remove {name}` and fetch it again"
    )


def _stage(models: Path, name: str) -> Path:
    return models / f".{name}.partial"


def _former(models: Path, name: str) -> Path:
    return models / f".{name}.former"


def _set_aside(folder: Path, former: Path) -> None:
    """Rename a model's folder, so that a power cut cannot leave a part of it as the model."""
    _discard(former)
    if os.path.lexists(folder):
        folder.rename(former)


def _discard(path: Path) -> None:
    """Remove a folder or file. Of a link, remove only the link."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def _alone(models: Path, model: Model) -> Iterator[None]:
    with (models / f".{model.name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise EngineUnavailable(
                f"model {model.name!r} is being written by another process; wait for it to end"
            ) from error
        yield


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
