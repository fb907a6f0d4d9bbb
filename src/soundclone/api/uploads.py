"""Room for the files of a request, reserved before its body is read."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from fastapi import Request
from sqlalchemy.exc import SQLAlchemyError

from ..config import Settings
from ..core import consents, uploads
from ..errors import SoundcloneError, TooLarge
from .state import state_of

JSON_BODY_LIMIT = 300_000  # bytes; 19,000 characters, escaped, and what is around them
MULTIPART_OVERHEAD = 100_000
_CONSENTS = "/v1/audio/voice_consents"
_SAMPLES = "/v1/audio/voices"


@dataclass(frozen=True)
class BodyRoom:
    """The longest body that a path takes."""

    files: bool
    limit: int  # bytes of the file or of the JSON
    allowance: int  # with what is around a file in a form

    def check(self, size: int) -> None:
        """Raises TooLarge."""
        if size > self.allowance:
            other = "; send a shorter recording, or the same one as FLAC or MP3"
            raise TooLarge(
                f"the body is longer than the {self.limit:,} bytes that are taken here"
                + (other if self.files else "")
            )


@dataclass(frozen=True)
class Reservation:
    """Space that an upload may fill."""

    id: str
    renewing: asyncio.Task[None]


def room_of(path: str, settings: Settings) -> BodyRoom:
    """The longest body that a path takes."""
    if path.endswith("/files/upload") or path == _SAMPLES:
        limit = settings.upload_max_bytes
    elif path == _CONSENTS:
        limit = consents.LARGEST
    else:
        return BodyRoom(False, JSON_BODY_LIMIT, JSON_BODY_LIMIT)
    return BodyRoom(True, limit, limit + MULTIPART_OVERHEAD)


async def reserve(request: Request, account_id: str) -> None:
    """Reserve the space that the files of a request will take, if its path takes files: the length
    of its body, or the most when that is not declared. The caller releases it. Raises TooLarge,
    RateLimited."""
    state = state_of(request)
    room = room_of(request.url.path, state.settings)
    if not room.files or request.method != "POST":
        return
    declared = request.headers.get("Content-Length", "")
    size = int(declared) if declared.isdecimal() and len(declared) < 20 else room.limit
    room.check(size)
    identifier = await state.database.transaction_async(
        uploads.reserve,
        account_id,
        size,
        quota=state.settings.upload_quota_bytes,
        most=state.settings.active_uploads_per_account,
    )
    request.state.reservation = Reservation(
        identifier, asyncio.create_task(_renew(request, identifier))
    )


async def release(request: Request) -> None:
    """Give back what the request reserved, if anything: its files are stored, or are not needed."""
    reservation: Reservation | None = getattr(request.state, "reservation", None)
    if reservation is None:
        return
    request.state.reservation = None
    reservation.renewing.cancel()
    with suppress(SQLAlchemyError, SoundcloneError):  # it expires in the end
        await state_of(request).database.transaction_async(uploads.release, reservation.id)


def reserved(request: Request) -> str | None:
    """The id of the request's reservation."""
    reservation: Reservation | None = getattr(request.state, "reservation", None)
    return reservation.id if reservation else None


async def _renew(request: Request, identifier: str) -> None:
    while True:
        await asyncio.sleep(uploads.LEASE / 3)
        with suppress(SQLAlchemyError, SoundcloneError):
            await state_of(request).database.transaction_async(uploads.renew, identifier)
