"""Routes for files in MiniMax's format: uploads with numbers, and results of long texts."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, Query, Request, Response, UploadFile
from fastapi import Path as PathParameter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, StreamingResponse
from sqlalchemy.orm import Session

from ...core import files, numbered_files, tasks, uploads
from ...core.keys import Caller, Scope
from ...db.models import NumberedFile, Task, TaskStatus
from ...errors import (
    AuthenticationError,
    Expired,
    Forbidden,
    InvalidParameter,
    NotFound,
    RateLimited,
    StateConflict,
    TooLarge,
    Unavailable,
)
from ..audit import record_download, record_links
from ..auth import Authorised, TaskOwner, TaskReader
from ..errors import ServiceRoute
from ..files import content_type, disposition, keep, safe_name
from ..fronts.tasks import TaskFailed
from ..openapi import error_responses as service_responses
from ..state import AppState, state_of
from ..tasks import link
from .archive import archive_of, subtitles_of
from .errors import SUCCESS, MiniMaxRoute, error_responses
from .links import ARCHIVE, SUBTITLES, archive_link
from .schemas import (
    FileDeletedResponse,
    FileDeletion,
    FileId,
    FileListResponse,
    FileResponse,
)

RESULT = "t2a_async"
"""Purpose of the results of long texts."""

_BLOCK = 64 * 1024  # bytes of a file that are read at once
_TEXT = "t2a_async_input"
_PURPOSE = re.compile(r"[A-Za-z0-9_-]{1,64}")
_RESULT_KEY = re.compile(r"results/(audio_[0-9a-f-]{36})/(" + f"{SUBTITLES}|{ARCHIVE})")

router = APIRouter(route_class=MiniMaxRoute, tags=["MiniMax"])
public_router = APIRouter(route_class=ServiceRoute, tags=["MiniMax"])

Number = Annotated[FileId, Query(description="The file_id of a file")]
_Uploader = Annotated[Caller, Depends(Authorised(Scope.CLONE, Scope.SPEAK, limited=True))]


@router.post(
    "/v1/files/upload",
    operation_id="minimaxUploadFile",
    summary="Upload a file (MiniMax)",
    response_model=FileResponse,
    responses=error_responses(
        AuthenticationError, Forbidden, InvalidParameter, TooLarge, RateLimited, Unavailable
    ),
)
async def upload(
    request: Request,
    who: _Uploader,
    file: Annotated[
        UploadFile, File(description="A file with a recording, or with a text for t2a_async_v2")
    ],
    purpose: Annotated[
        str,
        Form(description="A word such as voice_clone, prompt_audio or t2a_async_input: the use"),
    ] = "voice_clone",
) -> JSONResponse:
    """Store a file for three days, and give it a number."""
    _check_purpose(purpose)
    who.require(Scope.SPEAK if purpose == _TEXT else Scope.CLONE)
    key, _ = await keep(request, who, file)
    name = "".join(filter(str.isprintable, file.filename or ""))[:255] or "recording"
    found = await state_of(request).database.transaction_async(
        numbered_files.add_upload, key, who.account_id, purpose, name
    )
    return JSONResponse({"file": _view(found), "base_resp": SUCCESS})


def _check_purpose(purpose: str) -> None:
    """Raise InvalidParameter unless a purpose is a word."""
    if not _PURPOSE.fullmatch(purpose):
        raise InvalidParameter(
            f"purpose is {purpose[:40]!r}; it must be a word such as voice_clone", param="purpose"
        )


@router.get(
    "/v1/files/list",
    operation_id="minimaxListFiles",
    summary="List files (MiniMax)",
    response_model=FileListResponse,
    responses=error_responses(AuthenticationError, Forbidden, InvalidParameter, Unavailable),
)
async def listing(
    request: Request,
    who: TaskReader,
    purpose: Annotated[
        str | None, Query(description="Purpose of the files. Default: all files")
    ] = None,
) -> JSONResponse:
    """Return the account's uploads that have a number and the results of long texts."""
    if purpose:
        _check_purpose(purpose)
    found = await state_of(request).database.read_async(
        numbered_files.listing, who.account_id, purpose or None
    )
    return JSONResponse({"files": [_view(file) for file in found], "base_resp": SUCCESS})


@router.get(
    "/v1/files/retrieve",
    operation_id="minimaxGetFile",
    summary="Get a file (MiniMax)",
    response_model=FileResponse,
    responses=error_responses(
        AuthenticationError, Forbidden, InvalidParameter, NotFound, Expired, Unavailable
    ),
)
async def retrieve(request: Request, file_id: Number, who: TaskReader) -> JSONResponse:
    """Return a file with a link to its contents, which needs no key.

    The result of a long text is a tar with the audio, `*.titles` and `*.extra`.
    """
    state = state_of(request)
    file = await state.database.read_async(numbered_files.get, file_id, who.account_id)
    view = _view(file)
    if file.upload_key is not None:
        name = None if safe_name(file.filename) == file.filename else file.filename
        view["download_url"] = link(request, file.upload_key, int(file.expires_at), name)
    else:
        task = await _finished_task(state, file, who)
        await record_links(request, task.id, task.status, who.key_id)
        assert task.expires_at is not None
        archive = await run_in_threadpool(archive_of, state.storage, task)
        view["bytes"] = archive.size
        view["download_url"] = archive_link(request, task.id, int(task.expires_at))
    return JSONResponse({"file": view, "base_resp": SUCCESS})


@router.get(
    "/v1/files/retrieve_content",
    operation_id="minimaxGetFileContent",
    summary="Download a file (MiniMax)",
    response_class=Response,
    responses={
        200: {
            "description": "The bytes of the file. An error is JSON with `base_resp`",
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
                "application/json": {"schema": {"type": "object"}},
            },
        }
    },
)
async def retrieve_content(request: Request, file_id: Number, who: TaskReader) -> Response:
    """Return the bytes of a file."""
    state = state_of(request)
    file = await state.database.read_async(numbered_files.get, file_id, who.account_id)
    if file.upload_key is None:
        return await _archive(state, await _finished_task(state, file, who), file.filename)
    size = await run_in_threadpool(state.storage.size, file.upload_key)
    if size is None:
        raise NotFound(f"file {file_id} is no longer kept", param="file_id")
    blocks = await run_in_threadpool(state.storage.stream, file.upload_key, 0, size, _BLOCK)
    headers = {
        "Content-Length": str(size),
        "Content-Disposition": disposition(file.filename),
        # An upload must not run as a page of this origin.
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return StreamingResponse(blocks, headers=headers, media_type=content_type(file.filename))


@router.post(
    "/v1/files/delete",
    operation_id="minimaxDeleteFile",
    summary="Delete a file (MiniMax)",
    response_model=FileDeletedResponse,
    responses=error_responses(
        AuthenticationError, Forbidden, InvalidParameter, NotFound, StateConflict, Unavailable
    ),
)
async def delete(request: Request, body: FileDeletion, who: TaskOwner) -> JSONResponse:
    """Delete an upload, or the result of a long text. The voice of an upload stays."""
    state = state_of(request)
    file = await state.database.read_async(numbered_files.get, body.file_id, who.account_id)
    if file.upload_key is not None:
        who.require(Scope.SPEAK if file.purpose == _TEXT else Scope.CLONE)
        await run_in_threadpool(state.storage.delete, file.upload_key)
    else:
        who.require(Scope.SPEAK)
        assert file.task_id is not None
        await state.database.transaction_async(tasks.discard, file.task_id, who.account_id)
        await run_in_threadpool(state.storage.delete_prefix, files.result_folder(file.task_id))

    def forget(session: Session) -> None:
        if file.upload_key is not None:
            uploads.unregister(session, file.upload_key)
        numbered_files.remove(session, file.number)

    await state.database.transaction_async(forget)
    return JSONResponse({"file_id": body.file_id, "deleted": True, "base_resp": SUCCESS})


@public_router.get(
    "/files/{key:path}",
    operation_id="minimaxDownload",
    summary="Download a result (MiniMax)",
    responses=service_responses(InvalidParameter, NotFound, Expired, Unavailable),
)
async def download(
    request: Request,
    key: Annotated[str, PathParameter(description="Key of the file, from the link")],
    expires: Annotated[
        int,
        Query(
            description="Part of a link, which must be used as the service gave it: when the link "
            "expires, in Unix seconds"
        ),
    ],
    signature: Annotated[
        str,
        Query(
            description="Part of a link, which must be used as the service gave it: its signature"
        ),
    ],
) -> Response:
    """Return subtitles, or the result of a long text, by a signed link. Needs no key."""
    state = state_of(request)
    state.storage.verify(key, expires, signature)
    match = _RESULT_KEY.fullmatch(key)
    task = await state.database.read_async(_task, match[1]) if match else None
    if match is None or task is None or task.status != TaskStatus.COMPLETED:
        raise NotFound("this file is no longer kept here")
    await record_download(request, key)
    if match[2] == ARCHIVE:
        return await _archive(state, task, ARCHIVE)
    return Response(
        await run_in_threadpool(subtitles_of, state.storage, task),
        media_type="application/json",
        headers={"Access-Control-Allow-Origin": "*", "Cache-Control": "private, max-age=3600"},
    )


def _task(session: Session, task_id: str) -> Task | None:
    return session.get(Task, task_id)


async def _finished_task(state: AppState, file: NumberedFile, who: Caller) -> Task:
    """Return the completed task whose result a file is.

    Raises:
        StateConflict: The task has not ended.
        TaskFailed: The task has failed.
        Expired: The result is no longer kept.
    """
    assert file.task_id is not None
    task = await state.database.read_async(tasks.get, file.task_id, who.account_id)
    if task.status == TaskStatus.FAILED:
        raise TaskFailed(task.error or "the task failed", task.error_word or "")
    if task.status != TaskStatus.COMPLETED:
        raise StateConflict(
            f"file {file.number} is not made yet; query the task until its status is Success",
            param="file_id",
        )
    return task


async def _archive(state: AppState, task: Task, filename: str) -> Response:
    archive = await run_in_threadpool(archive_of, state.storage, task)
    headers = {
        "Content-Length": str(archive.size),
        "Content-Disposition": disposition(filename),
        "Access-Control-Allow-Origin": "*",
        "Cache-Control": "private, max-age=3600",
    }
    blocks = archive.blocks(state.storage)
    return StreamingResponse(blocks, headers=headers, media_type="application/x-tar")


def _view(file: NumberedFile) -> dict[str, object]:
    return {
        "file_id": file.number,
        "bytes": file.size,
        "created_at": int(file.created_at),
        "filename": file.filename,
        "purpose": file.purpose,
    }
