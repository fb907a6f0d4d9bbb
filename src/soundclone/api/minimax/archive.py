"""Results of long texts as one tar: the audio, its subtitles and its measurements."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from ...core.requests import SpeechRequest, SubtitleUnit, TaskResult, request_of
from ...db.models import Task
from ...errors import Expired, NotFound
from ...storage import Storage
from .subtitles import titles

_BLOCK = 64 * 1024  # bytes of a file that are read at once


@dataclass(frozen=True)
class Member:
    """File of an archive."""

    name: str
    size: int  # bytes
    data: bytes | None = None
    key: str | None = None  # in the object store, in place of the data


@dataclass(frozen=True)
class Archive:
    """Archive that is written while it is read."""

    members: tuple[Member, ...]
    time: int  # of the files, in Unix seconds

    @property
    def size(self) -> int:
        """Bytes of the whole archive."""
        stored = sum(tarfile.BLOCKSIZE + _padded(each.size) for each in self.members)
        return stored + 2 * tarfile.BLOCKSIZE

    def blocks(self, storage: Storage) -> Iterator[bytes]:
        """Yield the bytes of the archive."""
        for member in self.members:
            head = tarfile.TarInfo(member.name)
            head.size, head.mtime = member.size, self.time
            yield head.tobuf(tarfile.USTAR_FORMAT)
            yield from _content(member, storage)
            yield bytes(_padded(member.size) - member.size)
        yield bytes(2 * tarfile.BLOCKSIZE)


def archive_of(storage: Storage, task: Task) -> Archive:
    """Return the archive of a completed speech task.

    Raises:
        NotFound: The result is no longer kept.
    """
    result, request = result_and_request(task)
    size = storage.size(result.audio)
    if size is None:
        raise NotFound("the result is no longer kept", param="file_id")
    extension = PurePosixPath(result.audio).suffix
    extra = {
        "audio_length": round(1000 * (result.seconds or 0.0)),
        "audio_size": size,
        "audio_sample_rate": request.options.sample_rate,
        "audio_channel": request.options.channels,
        "usage_characters": task.characters,
        "languages": list(result.languages or ()),
        "task": task.id,
    }
    members = [
        Member(f"speech{extension}", size, key=result.audio),
        _text("speech.titles", subtitles_of(storage, task)),
        _text("speech.extra", json.dumps(extra).encode()),
    ]
    return Archive(tuple(members), int(task.ended_at or task.created_at))


def subtitles_of(storage: Storage, task: Task) -> bytes:
    """Return the subtitles of a completed speech task in MiniMax's format, empty without any.

    Raises:
        NotFound: The result is no longer kept.
    """
    result, request = result_and_request(task)
    if result.subtitles_json is None:
        return b"[]"
    stored = storage.get(result.subtitles_json)
    return titles(stored, request.text, words=request.options.subtitles == SubtitleUnit.WORD)


def result_and_request(task: Task) -> tuple[TaskResult, SpeechRequest]:
    """Return result and request of a completed speech task.

    Raises:
        Expired: They are no longer kept.
    """
    result, request = TaskResult.from_json(task.result), request_of(task)
    if result is None or not isinstance(request, SpeechRequest):
        raise Expired(f"the result of task {task.id} is no longer kept")
    return result, request


def _text(name: str, data: bytes) -> Member:
    return Member(name, len(data), data)


def _content(member: Member, storage: Storage) -> Iterable[bytes]:
    if member.key is None:
        return [member.data or b""]
    return storage.stream(member.key, 0, member.size, _BLOCK)


def _padded(size: int) -> int:
    return -(-size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
