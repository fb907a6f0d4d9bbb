"""Download models from the hub. An interrupted download is resumed.

Files are downloaded with HTTP range requests (RFC 9110, section 14) instead of huggingface_hub,
which starts a file anew after its process has died.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import EngineUnavailable
from . import pocket_config, store
from .catalogue import CONFIG, Model, is_inside, is_safe
from .store import Weights

_TIMEOUT = 30.0  # seconds without a byte
_TRIES = 5  # attempts without a new byte
_MOST = 3  # times the size in the catalogue
_PAUSE = 1.0  # seconds before the first retry, doubled before each further one
_PARTS = ".parts"
_HASH = re.compile(r"[0-9a-f]{64}|[0-9a-f]{40}")


@dataclass(frozen=True)
class Blob:
    """A file on the hub."""

    name: str  # path in the model's folder
    repository: str
    revision: str  # commit
    file: str  # path in the repository
    size: int  # bytes
    sha256: str  # of a large file, else empty
    git: str  # git's hash of a small file

    @property
    def identity(self) -> str:
        """Hash that names the unfinished download of this content."""
        return self.sha256 or self.git


@dataclass(frozen=True)
class HubListing:
    """Files of a model on the hub, and the page of its licence."""

    model: Model
    page: str  # URL where the licence is shown and accepted
    blobs: tuple[Blob, ...]

    @property
    def size(self) -> int:
        """Total size in bytes."""
        return sum(blob.size for blob in self.blobs)


def pull(
    models: Path,
    name: str,
    *,
    token: str | None = None,
    accepted: Collection[str] = (),
    accept: Callable[[HubListing], bool],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Weights:
    """Download and install a model, unless it is installed.

    Args:
        models: Folder of the models.
        name: Name of the model.
        token: Token for the hub. Defaults to the one in the environment.
        accepted: Engines whose non-commercial licences are accepted.
        accept: Called before the download; returns True to accept the model's licence.
        progress: Called with the bytes that are here, and the bytes in total.

    Raises:
        EngineUnavailable: The hub cannot be reached or refuses, a licence is not accepted, there
            is no room, or a file does not match its hash. The message has the remedy.
    """
    model = store.known(name)
    store.permit(model, accepted)
    if store.is_installed(models, name):
        return store.find(models, name, accepted)
    _require_hub(model)
    from huggingface_hub import get_token

    token = token or get_token()
    listing = look_up(model, token)
    if not accept(listing):
        raise EngineUnavailable(
            f"the licence of model {name!r} ({model.licence}) was not accepted, and nothing was "
            f"fetched; run `soundclone models pull {name} --accept-licence`"
        )
    with store.staged(models, model, listing.size) as stage:
        if store.is_installed(models, name):  # another process was quicker
            shutil.rmtree(stage, ignore_errors=True)
            return store.find(models, name, accepted)
        files = {}
        fetched = _Progress(listing.size, progress)
        for blob in listing.blobs:
            with _hub_errors(model, blob.repository, token):
                _fetch(blob, stage, token, fetched)
            files[blob.name] = store.File(blob.size, store.sha256(stage / blob.name))
        if model.config:
            text, _ = pocket_config.local(pocket_config.packaged(model))
            files[CONFIG] = store.write(stage / CONFIG, text)
        _clear(stage, files)
        sources = {blob.repository: blob.revision for blob in listing.blobs}
        return store.install(models, stage, store.manifest_of(model, sources, files))


def look_up(model: Model, token: str | None) -> HubListing:
    """Return the files of a model on the hub. Raises EngineUnavailable."""
    if model.config:
        _, paths = pocket_config.local(pocket_config.packaged(model))
        blobs = []
        for path in paths:
            at = pocket_config.hub_file(path)
            listed = {blob.file: blob for blob in _list(model, at.repository, at.revision, token)}
            if at.file not in listed:
                raise _unexpected(model, f"{at.repository} has no {at.file}")
            name = pocket_config.file_name(path)
            blobs.append(replace(listed[at.file], name=name))
    else:
        blobs = [
            blob for blob in _list(model, model.repository, "main", token) if model.has(blob.file)
        ]
    names = {blob.name for blob in blobs}
    safe = tuple(b for b in blobs if is_safe(model, b.name) and not _has_safer_twin(b.name, names))
    present = [blob.name for blob in safe]
    if model.config:
        present.append(CONFIG)  # made of the package's configuration
    absent = model.lacks(present)
    if absent:
        raise _unexpected(
            model, f"{model.repository} has no {absent} of a kind that is safe to read"
        )
    listing = HubListing(model, f"{_endpoint()}/{model.repository}", safe)
    if listing.size > _MOST * model.size:
        raise _unexpected(
            model,
            f"it has {listing.size / 1e6:.0f} MB there, where about {model.size / 1e6:.0f} are "
            "expected",
        )
    return listing


def _list(model: Model, repository: str, revision: str, token: str | None) -> list[Blob]:
    from huggingface_hub import HfApi

    with _hub_errors(model, repository, token):
        info = HfApi(endpoint=_endpoint(), token=token or False).model_info(
            repository, revision=revision, files_metadata=True, timeout=_TIMEOUT
        )
        if not info.sha or not info.sha.isalnum():
            raise _unexpected(model, f"{repository} has no commit")
        blobs = []
        for sibling in info.siblings or ():
            name = sibling.rfilename
            if not is_inside(name):
                if not Path(name).name.startswith("."):  # .gitattributes
                    raise _unexpected(model, f"{repository} has a file {name!r}")
                continue
            size = sibling.size
            sha256 = sibling.lfs.sha256 if sibling.lfs else ""
            git = sibling.blob_id or ""
            if not isinstance(size, int) or size < 0 or not _HASH.fullmatch(sha256 or git):
                raise _unexpected(model, f"{repository} has a {name} of unknown size or hash")
            blobs.append(Blob(name, repository, info.sha, name, size, sha256, git))
        return blobs


def _fetch(blob: Blob, stage: Path, token: str | None, progress: _Progress) -> None:
    """Download a file into `stage`, and name it once it is complete and matches its hash."""
    target = stage / blob.name
    if target.is_file() and target.stat().st_size == blob.size and _matches(blob, target):
        progress.add(blob.size)
        return
    part = stage / _PARTS / blob.identity
    part.parent.mkdir(exist_ok=True)
    part.touch()
    progress.add(part.stat().st_size)
    failures = 0
    while (held := part.stat().st_size) < blob.size:
        broken: Exception | None = None
        try:
            _stream(blob, part, held, token, progress)
        except Exception as error:
            if not _transient(error):
                raise
            broken = error
        failures = 0 if part.stat().st_size > held else failures + 1
        if failures == _TRIES:
            raise broken or EngineUnavailable(
                f"{blob.name} of {blob.repository} ends after {held} of {blob.size} bytes, again "
                "and again; run the command again later: what is here is kept"
            )
        if broken:
            time.sleep(_PAUSE * 2 ** max(failures - 1, 0))
    if not _matches(blob, part):
        part.unlink()
        raise EngineUnavailable(
            f"{blob.name} of {blob.repository} did not come as the hub says it is, and was thrown "
            "away; run the command again"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(target)


def _stream(blob: Blob, part: Path, held: int, token: str | None, progress: _Progress) -> None:
    from huggingface_hub import get_session, hf_hub_url
    from huggingface_hub.utils import hf_raise_for_status

    url = hf_hub_url(blob.repository, blob.file, revision=blob.revision, endpoint=_endpoint())
    headers = {"Accept-Encoding": "identity"}
    if held:
        headers["Range"] = f"bytes={held}-"
    if token:
        headers["Authorization"] = f"Bearer {token}"  # not kept when redirected to another host
    with get_session().stream(
        "GET", url, headers=headers, timeout=_TIMEOUT, follow_redirects=True
    ) as response:
        hf_raise_for_status(response)
        with part.open("ab") as file:
            if held and response.status_code != 206:
                file.truncate(0)
                progress.add(-held)
                held = 0
            for chunk in response.iter_bytes():
                chunk = chunk[: blob.size - held]
                file.write(chunk)
                held += len(chunk)
                progress.add(len(chunk))
                if held == blob.size:
                    break


def _matches(blob: Blob, path: Path) -> bool:
    """Return True if a file's hash is the one on the hub."""
    if blob.sha256:
        return store.sha256(path) == blob.sha256
    content = path.read_bytes()
    header = b"blob %d\0" % len(content)
    return hashlib.sha1(header + content, usedforsecurity=False).hexdigest() == blob.git


def _has_safer_twin(name: str, names: set[str]) -> bool:
    """Return True for a pickle whose content is also there as safetensors."""
    stem, _, suffix = name.rpartition(".")
    return suffix == "pth" and f"{stem}.safetensors" in names


def _clear(stage: Path, files: dict[str, store.File]) -> None:
    """Remove unfinished downloads, and files of an earlier attempt at another revision."""
    shutil.rmtree(stage / _PARTS, ignore_errors=True)
    for path in stage.rglob("*"):
        if not path.is_dir() and path.relative_to(stage).as_posix() not in files:
            path.unlink()


class _Progress:
    def __init__(self, total: int, report: Callable[[int, int], None]) -> None:
        self._done, self._total, self._report = 0, total, report

    def add(self, size: int) -> None:
        self._done += size
        self._report(self._done, self._total)


# Errors as sentences


def _require_hub(model: Model) -> None:
    try:
        import huggingface_hub  # noqa: F401
    except ImportError as error:
        raise EngineUnavailable(
            f"fetching model {model.name!r} needs a package that is not installed; "
            f"run `pip install 'soundclone[{model.extra}]'`"
        ) from error


def _endpoint() -> str:
    from huggingface_hub import constants

    endpoint: str = os.environ.get("HF_ENDPOINT") or constants.ENDPOINT
    return endpoint.rstrip("/")


def _transient(error: Exception) -> bool:
    import httpx2

    if isinstance(error, httpx2.TransportError):
        return True
    status = getattr(getattr(error, "response", None), "status_code", 0)
    return status == 429 or status >= 500


def _unexpected(model: Model, what: str) -> EngineUnavailable:
    return EngineUnavailable(
        f"model {model.name!r} cannot be fetched from {_endpoint()}: {what}; see whether there is "
        "a newer version of soundclone"
    )


@contextmanager
def _hub_errors(model: Model, repository: str, token: str | None) -> Iterator[None]:
    """Raise EngineUnavailable, with the remedy, for errors of the hub and the network."""
    import httpx2
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, OfflineModeIsEnabled

    here = f"{_endpoint()}/{repository}"
    try:
        yield
    except GatedRepoError as error:
        whose = "as the owner of that token" if token else "and set HF_TOKEN to a token of yours"
        had = "the token in HF_TOKEN may not" if token else "without a token nobody may"
        raise EngineUnavailable(
            f"{had} fetch model {model.name!r}: agree to its terms on {here} {whose}"
        ) from error
    except HfHubHTTPError as error:
        raise EngineUnavailable(_refusal(here, error.response, token)) from error
    except OfflineModeIsEnabled as error:
        raise EngineUnavailable(
            f"model {model.name!r} cannot be fetched while HF_HUB_OFFLINE is set; unset it, or add "
            f"files that you have by `soundclone models add {model.name} FOLDER`"
        ) from error
    except httpx2.HTTPError as error:
        raise EngineUnavailable(
            f"the hub at {_endpoint()} cannot be reached, or broke off "
            f"({type(error).__name__}); run the command again: what is here is kept"
        ) from error
    except (
        httpx2.InvalidURL,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        RecursionError,
    ) as error:
        raise EngineUnavailable(
            f"{_endpoint()} does not answer as a hub does; see whether HF_ENDPOINT is right"
        ) from error


def _refusal(here: str, response: Any, token: str | None) -> str:
    status = response.status_code
    if status == 401:
        state = "is not valid" if token else "is not set"
        return f"the hub refuses {here} (status 401): HF_TOKEN {state}; set it to a token of yours"
    if status == 404:
        return f"{here}, or the commit or file that is needed of it, is not there (status 404)"
    if status == 429 or status >= 500:
        return f"the hub is not able to give {here} now (status {status}); try again later"
    return f"the hub refuses {here} (status {status}); see whether HF_TOKEN may read it"
