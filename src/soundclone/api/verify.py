"""Verification of files, for anybody: no key is needed.

The API has no decoder. A verification is a row and a job, and the request waits for the worker.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated

from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, RedirectResponse, Response
from sqlalchemy import select

from ..core import files, verifications
from ..core.keys import Scope
from ..core.verdict import Verdict
from ..db.models import Verification
from ..db.point_reads import PointRead
from ..errors import (
    AuthenticationError,
    InvalidParameter,
    RateLimited,
    RequestError,
    TooLarge,
    Unavailable,
)
from ..fetch.urls import check_source_url
from .auth import bearer, identify
from .errors import ServiceRoute
from .openapi import error_responses
from .rate_limit import sender_of
from .schemas import VerdictView
from .state import AppState, state_of

_WAIT = 120.0  # seconds for the worker
_MOST_SIDECAR = 1_000_000  # bytes
_POLL = 0.1  # seconds between two looks at the row
_OUTCOME = PointRead.of(
    lambda wanted: select(
        Verification.verdict, Verification.error, Verification.error_word, Verification.ended_at
    ).where(Verification.id == wanted[0]),
    "id",
)


class VerifyRoute(ServiceRoute):
    """Path that takes a file without a key. The address is limited before the body is read."""

    async def admit(self, request: Request) -> None:
        """Count the request of the address. Raises RateLimited."""
        if request.method == "POST":
            await admit(request)


router = APIRouter(route_class=VerifyRoute, tags=["Provenance"])


async def admit(request: Request) -> None:
    """Count a verification of the client's address. Raises RateLimited."""
    state = state_of(request)
    host = request.client.host if request.client else ""
    await state.verification_limit.check(sender_of(host, state.settings.secret))
    await state.database.read_async(verifications.check_room)


@router.get("/verify", include_in_schema=False)
async def page() -> Response:
    """Redirect to the page of the studio."""
    return RedirectResponse("/studio/verify")


@router.post(
    "/verify",
    operation_id="verify",
    summary="Verify a file",
    openapi_extra={"security": [{}, {"bearerAuth": []}]},  # the key is optional
    response_model=VerdictView,
    responses=error_responses(
        RequestError, InvalidParameter, AuthenticationError, TooLarge, RateLimited, Unavailable
    ),
)
async def verify(
    request: Request,
    file: Annotated[UploadFile | None, File(description="Recording to verify")] = None,
    url: Annotated[
        str | None, Form(description="Public URL of a recording, instead of `file`")
    ] = None,
    sidecar: Annotated[
        UploadFile | None,
        File(description="Content Credentials beside the recording, a .c2pa file of at most 1 MB"),
    ] = None,
    details: Annotated[
        bool, Query(description="Add stretches, the duration and the signer to the response")
    ] = False,
) -> JSONResponse:
    """Search a recording for the marks of synthetic speech from this service.

    Needs no key. With an operator's key the response also names the task.
    """
    operator = await _is_operator(request)
    verdict = await examine(state_of(request), file, url, sidecar)
    shown = verdict if operator else verdict.without_tasks()
    return JSONResponse(shown.to_json(details=details))


async def examine(
    state: AppState, file: UploadFile | None, url: str | None, sidecar: UploadFile | None = None
) -> Verdict:
    """Let a worker examine a file or a URL, and return its verdict.

    Args:
        state: State of the application.
        file: The recording.
        url: URL of the recording, instead of `file`.
        sidecar: Content Credentials beside the recording.

    Raises:
        InvalidParameter: Not exactly one of both is given, or the file cannot be examined.
        RateLimited: The service has too many verifications at once.
        TooLarge: The file or its sidecar is too large.
        Unavailable: No worker has answered in time.
    """
    chosen = file if file is not None and (file.size or file.filename) else None
    address = (url or "").strip() or None
    if (chosen is None) == (address is None):
        raise InvalidParameter("a file or a URL is needed, and not both", param="file")
    beside = sidecar if sidecar is not None and sidecar.size else None
    if beside is not None and (beside.size or 0) > _MOST_SIDECAR:
        raise TooLarge(
            f"the sidecar has {beside.size:,} bytes; at most {_MOST_SIDECAR:,} are taken"
        )
    identifier = verifications.new_id()
    if chosen is not None:
        if not chosen.size:
            raise InvalidParameter("the file is empty; a recording is needed", param="file")
        if chosen.size > state.settings.verify_max_bytes:
            raise TooLarge(
                f"the file has {chosen.size:,} bytes; at most "
                f"{state.settings.verify_max_bytes:,} are taken"
            )
        await run_in_threadpool(_store, state, files.verification(identifier), chosen)
    elif address is not None:
        check_source_url(address, "url")
    if beside is not None:
        await run_in_threadpool(_store, state, files.verification_sidecar(identifier), beside)
    try:
        await state.database.transaction_async(
            verifications.submit, identifier, address, state.queue.enqueue_verification
        )
    except RateLimited:
        kept = (files.verification(identifier), files.verification_sidecar(identifier))
        await run_in_threadpool(state.storage.delete_all, (), kept)
        raise
    return await _outcome(state, identifier, "file" if chosen is not None else "url")


def _store(state: AppState, key: str, file: UploadFile) -> None:
    with NamedTemporaryFile() as copy:
        shutil.copyfileobj(file.file, copy, 1 << 20)
        copy.flush()
        state.storage.put_file(key, Path(copy.name))


async def _outcome(state: AppState, identifier: str, field: str) -> Verdict:
    end = time.monotonic() + _WAIT
    while time.monotonic() < end:
        row = await state.database.fetch_one_async(_OUTCOME, id=identifier)
        if row is None:
            break
        if row.ended_at is not None:
            if row.verdict is not None:
                return Verdict.from_json(row.verdict)
            raise InvalidParameter(row.error or "the service failed at this file", param=field)
        await asyncio.sleep(_POLL)
    raise Unavailable("no worker has examined the file in time; try again later")


async def _is_operator(request: Request) -> bool:
    """Return True for an operator's key. Raises AuthenticationError for an unusable key."""
    if "Authorization" not in request.headers:
        return False
    caller = await identify(state_of(request), bearer(request.headers["Authorization"]))
    return Scope.OPERATOR in caller.scopes
