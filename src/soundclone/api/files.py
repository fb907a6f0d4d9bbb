"""Routes for files: uploads, and downloads by signed links."""

from __future__ import annotations

import mimetypes
import re
import shutil
import time
import unicodedata
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from tempfile import NamedTemporaryFile
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, File, Query, Request, Response, UploadFile
from fastapi import Path as PathParameter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, StreamingResponse

from ..core import files, uploads
from ..core.formatting import DAY
from ..core.keys import Caller
from ..db.models import Upload
from ..errors import (
    AuthenticationError,
    Expired,
    Forbidden,
    InvalidParameter,
    NotFound,
    RateLimited,
    SoundcloneError,
    TooLarge,
    Unavailable,
)
from ..storage import Storage
from .audit import record_download
from .auth import LimitedCloner, authenticate, scopes_of
from .errors import ContractRoute, ServiceRoute
from .openapi import error_responses
from .schemas import UploadResponse, ok
from .state import state_of
from .tasks import link
from .uploads import reserve, reserved

_BLOCK = 64 * 1024  # bytes of a file in memory per client
# Not every system's table of media types has these.
_AUDIO = {
    ".mp3": "audio/mpeg",
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".pcm": "audio/pcm",
    ".ulaw": "audio/basic",
    ".alaw": "audio/x-alaw-basic",
}


class UploadRoute(ContractRoute):
    """Path that accepts a file.

    FastAPI reads the body before it resolves dependencies. Without these checks anybody could fill
    the disk, and an account could exceed its quota.
    """

    async def admit(self, request: Request) -> None:
        """Authenticate the caller and reserve space for the file."""
        who = await authenticate(request, scopes_of(self))
        await reserve(request, who.account_id)


router = APIRouter(route_class=UploadRoute, tags=["Files"])
service_router = APIRouter(route_class=ServiceRoute, tags=["Files"])


class RangeNotSatisfiable(SoundcloneError):
    """The `Range` lies outside the file."""

    word, code, status = "range_not_satisfiable", 20002, 416


@router.post(
    "/api/open-api/v1/files/upload",
    operation_id="uploadFile",
    summary="Upload a recording",
    response_model=UploadResponse,
    responses=error_responses(
        AuthenticationError,
        Forbidden,
        InvalidParameter,
        TooLarge,
        RateLimited,
        Unavailable,
        contract=True,
    ),
)
async def upload(
    request: Request,
    who: LimitedCloner,
    file: Annotated[
        UploadFile,
        File(description="A multipart field with the recording: audio or video, at most 100 MB"),
    ],
) -> JSONResponse:
    """Store a file for three days. Its `url` is a `fileUrl` for a preview.

    Reading the `url` needs no key. Treat it as a secret.
    """
    filename = _plain_name(file)[:255].encode(errors="replace").decode()
    key, expires = await keep(request, who, file)
    shown = None if safe_name(filename) == filename else filename
    return JSONResponse(
        ok(
            {
                "url": link(request, key, int(expires), shown),
                "filename": filename,
                "size": file.size,
                "mime_type": content_type(filename),
            }
        )
    )


async def keep(request: Request, who: Caller, file: UploadFile) -> tuple[str, float]:
    """Store an upload for a limited time.

    Returns:
        The key of the file, and its expiry in Unix seconds.

    Raises:
        InvalidParameter: The file is empty.
        TooLarge: The account's uploads exceed their quota.
    """
    state = state_of(request)
    key = files.new_upload(safe_name(_plain_name(file)))
    size, now = file.size or 0, time.time()
    if not size:
        raise InvalidParameter("the uploaded file is empty; a recording is needed", param="file")
    expires = now + state.settings.upload_days * DAY
    await state.database.transaction_async(
        uploads.register,
        Upload(key=key, account_id=who.account_id, size=size, created_at=now, expires_at=expires),
        quota=state.settings.upload_quota_bytes,
        reservation=reserved(request),
    )
    await run_in_threadpool(_store, state.storage, key, file)
    return key, expires


def _plain_name(file: UploadFile) -> str:
    return PurePosixPath((file.filename or "recording").replace("\\", "/")).name or "recording"


def _store(storage: Storage, key: str, file: UploadFile) -> None:
    with NamedTemporaryFile() as copy:
        shutil.copyfileobj(file.file, copy, 1 << 20)
        copy.flush()
        storage.put_file(key, Path(copy.name))


@service_router.get(
    "/files/{key:path}",
    operation_id="getFile",
    summary="Download a file",
    responses=error_responses(
        InvalidParameter, NotFound, Expired, RangeNotSatisfiable, Unavailable
    ),
)
@service_router.head("/files/{key:path}", include_in_schema=False)
async def download(
    request: Request,
    key: Annotated[str, PathParameter(description="Key of the file, from the link")],
    expires: Annotated[
        int,
        Query(
            description="Part of a link to a file, which must be used as the service gave it: "
            "when the link expires, in Unix seconds"
        ),
    ],
    signature: Annotated[
        str,
        Query(
            description="Part of a link to a file, which must be used as the service gave it: its "
            "signature"
        ),
    ],
    filename: Annotated[
        str | None, Query(description="A name under which a browser saves the file")
    ] = None,
) -> Response:
    """Return a file by its signed link. Needs no key, and supports Range."""
    storage = state_of(request).storage
    storage.verify(key, expires, signature, filename)
    size = await run_in_threadpool(storage.size, key)
    if size is None:
        raise NotFound("this file is no longer kept here")
    start, end = byte_range(request.headers.get("Range"), size)
    if request.method == "GET" and start == 0:  # later parts belong to a download that began
        await record_download(request, key)
    partial = (start, end) != (0, size)
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Length": str(end - start),
        # An upload must not run as a page of this origin.
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, max-age=3600",
        "Content-Disposition": disposition(filename or PurePosixPath(key).name),
        "Access-Control-Allow-Origin": "*",
    }
    if partial:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"

    def blocks() -> Iterator[bytes]:
        if request.method != "HEAD":
            yield from storage.stream(key, start, end, _BLOCK)

    return StreamingResponse(
        blocks(),
        status_code=206 if partial else 200,
        headers=headers,
        media_type=content_type(key),
    )


def byte_range(header: str | None, size: int) -> tuple[int, int]:
    """Return the range of a Range header (RFC 9110, 14.1) as its start and its exclusive end.

    The range is the whole file if the header is missing, malformed or has several ranges.

    Raises:
        RangeNotSatisfiable: The range lies outside the file.
    """
    match = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", (header or "").strip())
    if not match or match.group(0) == "bytes=-":
        return 0, size
    first, last = match.groups()
    if first:
        start, end = int(first), min(int(last) + 1 if last else size, size)
        if last and int(last) < int(first):
            return 0, size
    else:
        start, end = max(0, size - int(last)), size
    if start >= end:
        raise RangeNotSatisfiable(f"the range {header} lies outside the file's {size} bytes")
    return start, end


def safe_name(filename: str) -> str:
    """Return an ASCII file name for a key and a header.

    The extension stays even if no letter of the stem is ASCII.
    """
    stem, dot, extension = PurePosixPath(filename).name.rpartition(".")
    stem, extension = (_ascii(stem), _ascii(extension)) if dot else (_ascii(extension), "")
    stem = stem[-90:].lstrip(".-") or "recording"
    return f"{stem}.{extension[:10]}" if extension else stem


def _ascii(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", plain)
    return re.sub(r"\.{2,}", ".", plain).strip(".-")


def disposition(filename: str) -> str:
    """Return the Content-Disposition header of a file name, with an ASCII fallback (RFC 6266)."""
    header = f'inline; filename="{safe_name(filename)}"'
    if safe_name(filename) == filename:
        return header
    plain = "".join(filter(str.isprintable, PurePosixPath(filename).name))
    return f"{header}; filename*=UTF-8''{quote(plain, safe='')}"


def content_type(name: str) -> str:
    """Return the media type of an audio, video or subtitle file, else that of plain bytes."""
    if name.lower().endswith(".srt"):
        return "application/x-subrip"
    if name.lower().endswith(".json"):
        return "application/json"
    if kind := _AUDIO.get(PurePosixPath(name).suffix.lower()):
        return kind
    guessed = mimetypes.guess_type(name)[0] or ""
    return guessed if guessed.startswith(("audio/", "video/")) else "application/octet-stream"
