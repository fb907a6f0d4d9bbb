"""Make a voice from the files of a request, and wait for the voice."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import BinaryIO

from fastapi import Request, UploadFile
from fastapi.concurrency import run_in_threadpool

from ...core import tasks, uploads, voices
from ...core.consents import Agreement
from ...core.keys import Caller
from ...core.requests import CloneRequest, JoinedSource, UploadSource, VoiceSource, request_of
from ...db.models import Task, Voice
from ...errors import InvalidParameter, SoundcloneError
from ..files import keep
from ..orders import submit as submit_order
from ..orders import voice_order
from ..state import AppState, state_of
from ..uploads import release
from .tasks import wait_for_task

WAIT_SECONDS = 300.0  # for the voice of a request
REPEAT_SECONDS = 600.0  # in which the same request returns the same voice
MOST_FILES = 25


async def clone_voice(
    request: Request,
    who: Caller,
    files: Sequence[UploadFile],
    *,
    param: str,
    name: str,
    agreement: Agreement | None,
    request_hash: str,
    idempotency_key: str | None = None,
) -> Voice:
    """Make a voice from one recording or from several, which are joined in order.

    The same request within ten minutes returns the same voice and is charged once. The preview
    speaks a line in the language of the recording.

    Args:
        request: The request.
        who: The caller.
        files: Files of the request, of which `check_files` has checked the sizes.
        param: Name of the field of the files, for errors.
        name: Name of the voice, checked.
        agreement: Consent of the speaker.
        request_hash: Hash of the request with its files, see `orders.digest` and `hash_files`.
        idempotency_key: Header of the request. With a key, repetition has no time limit.

    Raises:
        TaskFailed: The recording cannot become a voice.
        Unavailable: The voice takes too long. It is still being made, and the same request can wait
            again.

    `orders.voice_order` and `tasks.submit` list the other errors.
    """
    state = state_of(request)
    task = await _submit(request, who, files, name, agreement, request_hash, idempotency_key)
    await release(request)  # the files are stored, and the voice takes some time
    try:
        ended = await wait_for_task(
            state,
            task.id,
            seconds=WAIT_SECONDS,
            is_disconnected=request.is_disconnected,
            late=f"the voice was not made within {WAIT_SECONDS:.0f} s and is being made still; "
            "send the same request again to go on waiting",
        )
    except SoundcloneError as error:
        error.param = param
        raise
    return await state.database.read_async(voices.get, ended.voice_id, who.account_id)


def check_files(state: AppState, files: Sequence[UploadFile], param: str) -> None:
    """Check the number and the sizes of the files of a request.

    Raises:
        InvalidParameter: There are too many files, one is empty, or they are too large together.
    """
    if not 1 <= len(files) <= MOST_FILES:
        raise InvalidParameter(
            f"{param} has {len(files)} files; 1 to {MOST_FILES} are taken", param=param
        )
    for file in files:
        if not file.size:
            raise InvalidParameter(f"{param} is empty; a recording is needed", param=param)
    largest, size = state.settings.upload_max_bytes, sum(file.size or 0 for file in files)
    if size > largest:
        raise InvalidParameter(
            f"{param} has {size:,} bytes; at most {largest:,} are taken: "
            "send a shorter recording, or the same one as FLAC or MP3",
            param=param,
        )


async def hash_files(files: Sequence[UploadFile]) -> str:
    """Return a hash of the contents of files, for the hash of a request."""
    hashes = [await run_in_threadpool(_sha256, file.file) for file in files]
    if len(hashes) == 1:
        return hashes[0]
    return hashlib.sha256(" ".join(hashes).encode()).hexdigest()


async def _submit(
    request: Request,
    who: Caller,
    files: Sequence[UploadFile],
    name: str,
    agreement: Agreement | None,
    request_hash: str,
    idempotency_key: str | None,
) -> Task:
    """Return the task that makes the voice: the task of an equal request, or a new one."""
    state = state_of(request)
    if idempotency_key is None:
        earlier: Task | None = await state.database.transaction_async(
            tasks.recent, who.account_id, request_hash, time.time() - REPEAT_SECONDS
        )
        if earlier is not None:
            return earlier
    kept: list[str] = []
    task: Task | None = None
    try:
        for file in files:
            kept.append((await keep(request, who, file))[0])
        source = UploadSource(kept[0]) if len(kept) == 1 else JoinedSource(tuple(kept))
        order = await voice_order(
            state,
            who,
            source,
            name=name,
            agreement=agreement,
            request_hash=request_hash,
            idempotency_key=idempotency_key,
        )
        since = time.time() - REPEAT_SECONDS if idempotency_key is None else None
        task = await submit_order(state, order, since)
        return task
    finally:
        if task is None or not _uses(task, source):
            await discard(state, kept)


def _uses(task: Task, source: VoiceSource) -> bool:
    request = request_of(task)
    return isinstance(request, CloneRequest) and request.source == source


async def discard(state: AppState, keys: Sequence[str]) -> None:
    """Remove uploads that no task needs, so that they do not count towards the quota.

    An upload that cannot be removed now expires later.
    """
    for key in keys:
        with suppress(SoundcloneError):
            await run_in_threadpool(state.storage.delete, key)
            await state.database.transaction_async(uploads.unregister, key)


def _sha256(file: BinaryIO) -> str:
    found = hashlib.sha256()
    while block := file.read(1 << 20):
        found.update(block)
    file.seek(0)
    return found.hexdigest()
