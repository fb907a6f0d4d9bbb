"""Routes for speech in the background, in MiniMax's format."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from ...core import numbered_files, tasks
from ...core.client_voice_ids import VoiceNotFound
from ...core.formatting import DAY
from ...core.keys import Caller
from ...core.requests import SubtitleUnit
from ...db.models import Task, TaskStatus
from ...errors import (
    AuthenticationError,
    Expired,
    Forbidden,
    InsufficientBalance,
    InvalidParameter,
    NotFound,
    RateLimited,
    Unavailable,
)
from ..auth import LimitedSpeaker, TaskReader
from ..orders import TEXT_LIMIT, submit
from ..state import AppState, state_of
from .errors import SUCCESS, MiniMaxRoute, error_responses, trace_id
from .files import RESULT
from .schemas import FileId, T2AAsyncRequest, T2AAsyncResponse, T2AQuery, T2AQueryResponse
from .speech import speech_job

_LARGEST = 4 * (2 * TEXT_LIMIT)  # bytes of a text with its pause markers
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ZIP = b"PK\x03\x04"  # first bytes of an archive

_STATUS = {
    TaskStatus.QUEUED: "Processing",
    TaskStatus.PROCESSING: "Processing",
    TaskStatus.COMPLETED: "Success",
    TaskStatus.FAILED: "Failed",
}

router = APIRouter(route_class=MiniMaxRoute, tags=["MiniMax"])


@router.post(
    "/v1/t2a_async_v2",
    operation_id="minimaxSpeakLater",
    summary="Speak a text in the background (MiniMax)",
    response_model=T2AAsyncResponse,
    responses=error_responses(
        AuthenticationError,
        Forbidden,
        InvalidParameter,
        VoiceNotFound,
        InsufficientBalance,
        RateLimited,
        Unavailable,
    ),
)
async def speak_later(request: Request, body: T2AAsyncRequest, who: LimitedSpeaker) -> JSONResponse:
    """Submit a text, and return at once. The task's id and its file's id are the same number."""
    state = state_of(request)
    text = body.text
    if text is None:
        text = await _uploaded_text(state, body.text_file_id, who)
    elif body.text_file_id:
        raise InvalidParameter(
            "the request has both text and text_file_id; one of them is needed", param="text"
        )
    job = await speech_job(
        state, who, body, text, subtitles=SubtitleUnit.SENTENCE, opening=None, channels=2
    )
    numbers: list[int] = []
    keep = state.settings.task_timeout + state.settings.result_days * DAY

    def record(session: Session, task: Task) -> None:
        file = numbered_files.add_result(session, task.id, who.account_id, RESULT, keep)
        numbers[:] = [file.number]

    task = await submit(state, job.order, record=record)
    return JSONResponse(
        {
            "task_id": numbers[0],
            "file_id": numbers[0],
            "task_token": task.id,
            "usage_characters": job.order.characters,
            "trace_id": trace_id(),
            "base_resp": SUCCESS,
        },
        headers=job.headers,
    )


async def _uploaded_text(state: AppState, number: int | None, who: Caller) -> str:
    """Return the text of an uploaded file.

    Raises:
        InvalidParameter: No file is named, or the file is no text, or too long.
        NotFound: The account has no such file.
    """
    if not number:
        raise InvalidParameter(
            "text is missing; send the text, or text_file_id with the number of an uploaded text",
            param="text",
        )
    file = await state.database.read_async(numbered_files.get, number, who.account_id)
    if file.upload_key is None or file.size > _LARGEST:
        raise InvalidParameter(
            f"file {number} has {file.size:,} bytes; it must be an uploaded text of at most "
            f"{TEXT_LIMIT:,} characters: send a request for each chapter",
            param="text_file_id",
        )
    data = await run_in_threadpool(state.storage.get, file.upload_key)
    if data.startswith(_ZIP):
        data = await run_in_threadpool(_unpacked, data, number)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidParameter(
            f"file {number} is no text in UTF-8; send a .txt file, or a ZIP archive of one",
            param="text_file_id",
        ) from error


def _unpacked(data: bytes, number: int) -> bytes:
    """Return the only text of a ZIP archive.

    Raises:
        InvalidParameter: The archive is damaged or encrypted, or has another number of texts.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            texts = [each for each in archive.infolist() if _is_text(each.filename)]
            if any(each.compress_type not in _COMPRESSIONS for each in texts):
                raise NotImplementedError
            if len(texts) != 1:
                raise InvalidParameter(
                    f"file {number} has {len(texts)} .txt files; the archive must have one, so "
                    "send a request for each text",
                    param="text_file_id",
                )
            with archive.open(texts[0]) as entry:
                text = entry.read(_LARGEST + 1)  # a small archive can unpack to a huge text
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
        raise InvalidParameter(
            f"file {number} cannot be unpacked; send a .txt file, or a ZIP archive of one",
            param="text_file_id",
        ) from error
    if len(text) > _LARGEST:
        raise InvalidParameter(
            f"the text in file {number} is too long; at most {TEXT_LIMIT:,} characters are taken: "
            "send a request for each chapter",
            param="text_file_id",
        )
    return text


def _is_text(name: str) -> bool:
    """Tell whether an entry of an archive is a text, and no metadata of an operating system."""
    parts = name.split("/")
    hidden = any(part.startswith((".", "__MACOSX")) for part in parts)
    return parts[-1].lower().endswith(".txt") and not hidden


@router.get(
    "/v1/query/t2a_async_query_v2",
    operation_id="minimaxQuerySpeech",
    summary="Query speech in the background (MiniMax)",
    response_model=T2AQueryResponse,
    responses=error_responses(
        AuthenticationError, Forbidden, InvalidParameter, NotFound, Unavailable
    ),
)
async def query(
    request: Request,
    task_id: Annotated[FileId, Query(description="The task_id that t2a_async_v2 has returned")],
    who: TaskReader,
) -> JSONResponse:
    """Return the state of a task."""
    return await _query(request, task_id, who)


@router.post(
    "/v1/query/t2a_async_query_v2",
    operation_id="minimaxQuerySpeechByBody",
    summary="Query speech in the background, with a body (MiniMax)",
    response_model=T2AQueryResponse,
    responses=error_responses(
        AuthenticationError, Forbidden, InvalidParameter, NotFound, Unavailable
    ),
)
async def query_by_body(request: Request, body: T2AQuery, who: TaskReader) -> JSONResponse:
    """Return the state of a task, for clients that send the id in a body."""
    return await _query(request, body.task_id, who)


async def _query(request: Request, number: int, who: Caller) -> JSONResponse:
    database = state_of(request).database
    file = await database.read_async(numbered_files.get, number, who.account_id)
    if file.task_id is None:
        raise NotFound(f"there is no task {number} in this account", param="task_id")
    base_resp = SUCCESS
    try:
        task = await database.read_async(tasks.get, file.task_id, who.account_id)
        status = _STATUS[TaskStatus(task.status)]
        if task.status == TaskStatus.FAILED:
            base_resp = SUCCESS | {"status_msg": task.error or "the task failed"}
    except Expired:
        status = "Expired"
    return JSONResponse(
        {
            "task_id": number,
            "status": status,
            "file_id": number,
            "trace_id": trace_id(),
            "base_resp": base_resp,
        }
    )
