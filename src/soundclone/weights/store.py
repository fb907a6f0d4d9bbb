"""Whether a model's weights are on this machine, and whether they are what they should be.

A model is a folder with a `manifest.json`, which is written last: a folder without one is not
installed. The manifest has the size and the SHA-256 of every file.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from ..config import Settings
from ..errors import EngineUnavailable
from .catalogue import CONFIG, MANIFEST, MODELS, Model, is_safe
from .pocket_config import file_name, local, packaged

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Weights:
    """Weights of a model that are on this machine."""

    name: str  # of the model: "pocket", "pocket-fr", "voxcpm"
    path: Path  # the folder that they are in
    digest: str  # of the content of all files, twelve hexadecimal digits


@dataclass(frozen=True)
class File:
    """A file of a model as it was when it came."""

    size: int  # bytes
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a model consists of, and where it is from."""

    model: str
    licence: str
    accepted: str  # when the licence was, ISO 8601
    sources: Mapping[str, str]  # repository -> commit; none of weights that were added by hand
    files: Mapping[str, File]  # by name, relative to the folder, with /

    @property
    def digest(self) -> str:
        """Of all names and contents, twelve hexadecimal digits."""
        lines = "".join(f"{file.sha256}  {name}\n" for name, file in sorted(self.files.items()))
        return hashlib.sha256(lines.encode()).hexdigest()[:12]


def find(models: Path, name: str) -> Weights:
    """The weights of a model in the folder `models`. Raises EngineUnavailable, with what to do,
    when they were not fetched, not all of them, or under a licence that was not accepted.

    Looks at names and sizes, not at contents."""
    model = known(name)
    permit(model)
    folder = models / name
    manifest = read_manifest(models, name)
    for file, expected in manifest.files.items():
        try:
            found = (folder / file).lstat()
        except OSError as error:
            raise _damaged(folder / file, error.strerror or "unreadable", name) from error
        if not stat.S_ISREG(found.st_mode):
            raise _damaged(folder / file, "no regular file", name)
        if found.st_size != expected.size:
            raise _damaged(folder / file, f"{found.st_size} bytes, not {expected.size}", name)
    return Weights(name, folder, manifest.digest)


def verify(weights: Weights) -> None:
    """Read every file. Raises EngineUnavailable, which names the first that is not as it was."""
    weights = find(weights.path.parent, weights.name)
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


def adopt(models: Path, name: str, folder: Path) -> Weights:
    """Copy a model's files from `folder`, on a machine that does not reach the hub. Its licence
    counts as accepted. What does not belong to the model is left. A manifest that came with the
    files has to agree with them.

    Raises EngineUnavailable when a file is missing, is a link, is not what the manifest says, or
    cannot be written."""
    model = known(name)
    permit(model)
    if not folder.is_dir():
        raise EngineUnavailable(f"{folder} is no folder; the files of model {name!r} are in one")
    files = {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if not path.is_dir()
    }
    files = {file: path for file, path in files.items() if model.has(file)}
    config = _config_of(model, files)
    absent = model.lacks([*files, *config])
    if absent:
        raise EngineUnavailable(f"{folder} has no {absent}, which model {name!r} needs")
    for file, path in files.items():
        if path.is_symlink() or not path.is_file() or not is_safe(model, file):
            raise EngineUnavailable(
                f"{path} is not taken: a file of model {name!r} is a regular one, no link, of a "
                "kind that runs no code when it is read"
            )
    given = _given(folder, model)
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
    """Whether a model was brought here, in whatever state it is now."""
    return (models / name / MANIFEST).exists()


def missing(name: str) -> str:
    """What to do about a model that is not on this machine."""
    return (
        f"model {name!r} is not on this machine; fetch it by `soundclone models pull {name}`, or "
        f"add files that you have by `soundclone models add {name} FOLDER`"
    )


def remove(models: Path, name: str) -> bool:
    """Remove a model and what was fetched of it; False when there was nothing."""
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
    """The model of that name. Raises EngineUnavailable."""
    model = MODELS.get(name)
    if model is None:
        raise EngineUnavailable(f"there is no model {name!r}; known: {', '.join(MODELS)}")
    return model


def permit(model: Model) -> None:
    """Raises EngineUnavailable when the licence forbids commercial use and nobody has said that
    there is none."""
    if model.noncommercial and model.engine not in Settings().accept_noncommercial:
        raise EngineUnavailable(
            f"model {model.name!r} is licensed for non-commercial use only ({model.licence}); "
            f"where that holds, set SOUNDCLONE_ACCEPT_NONCOMMERCIAL={model.engine}"
        )


def read_manifest(models: Path, name: str) -> Manifest:
    """What came as this model. Raises EngineUnavailable when nothing did, or when the manifest is
    not one that was written here."""
    path = models / name / MANIFEST
    model = known(name)
    try:
        manifest = _parse(path.read_bytes(), model)
    except FileNotFoundError as error:
        raise EngineUnavailable(missing(name)) from error
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


# Bringing a model in: into a folder beside its own, which then takes its place.


def manifest_of(model: Model, sources: Mapping[str, str], files: Mapping[str, File]) -> Manifest:
    """That of files that came now, under a licence that was accepted now."""
    accepted = datetime.now(UTC).isoformat(timespec="seconds")
    return Manifest(model.name, model.licence, accepted, sources, files)


@contextmanager
def staged(models: Path, model: Model, needed: int) -> Iterator[Path]:
    """The folder in which a model is brought together, kept when that breaks off. Raises
    EngineUnavailable when there is no room for `needed` bytes, when writing fails, and when
    somebody else is at it."""
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
    """Make what is in `stage` the model: its manifest, then its name, both as a whole."""
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
    """Write a file so that it is there whole or not at all, also after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("wb") as file:
        file.write(content)
        _flush(file)
    temporary.rename(path)
    _sync(path.parent)
    return File(len(content), hashlib.sha256(content).hexdigest())


def copy(source: Path, target: Path) -> File:
    """Copy a file, and say what it was."""
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
    """Of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _config_of(model: Model, files: dict[str, Path]) -> dict[str, bytes]:
    """The configuration of a model that has one, taken out of `files` if it is there."""
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


def _given(folder: Path, model: Model) -> Manifest | None:
    """The manifest that came with files, from a machine where they were fetched."""
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
    """Take a model out of its place at once: what a power cut leaves is not taken for one."""
    _discard(former)
    if os.path.lexists(folder):
        folder.rename(former)


def _discard(path: Path) -> None:
    """Remove a folder, or what is there instead; of a link to another disk only the link."""
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
