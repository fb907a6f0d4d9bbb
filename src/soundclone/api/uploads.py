"""Space for the files of a request, reserved before the body is read."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass

from fastapi import Request
from sqlalchemy.exc import SQLAlchemyError

from ..config import Settings
from ..core import consents, uploads
from ..errors import SoundcloneError, TooLarge
from ..text.imports import LARGEST as LARGEST_DOCUMENT
from .state import state_of

JSON_BODY_LIMIT = 300_000  # bytes: 19,000 escaped characters and the other fields
MULTIPART_OVERHEAD = 100_000  # bytes of a form around its file
_CONSENTS = "/v1/audio/voice_consents"
_SAMPLES = re.compile(
    r"/v1/audio/voices|/elevenlabs/v1/voices/(?:add|[^/]+/edit)"
    r"|/studio/performances"
    r"|/elevenlabs/v1/(?:speech-to-speech|voice-changer)/[^/]+(?:/stream)?"
)
_VERIFY = ("/verify", "/studio/verify")
_IMPORT = "/studio/projects"


@dataclass(frozen=True)
class BodySpace:
    """Longest body that a path accepts."""

    files: bool
    limit: int  # bytes of the file or of the JSON
    allowance: int  # bytes of the whole body
    kept: bool = True  # the files count towards the uploads of the account
    remedy: str = "send a shorter recording, or the same one as FLAC or MP3"

    def check(self, size: int) -> None:
        """Check the size of a body.

        Raises:
            TooLarge: The body is longer than the path accepts.
        """
        if size > self.allowance:
            raise TooLarge(
                f"the body is longer than the {self.limit:,} bytes that are taken here"
                + (f"; {self.remedy}" if self.files else "")
            )


@dataclass(frozen=True)
class Reservation:
    """Reserved space for one upload."""

    id: str
    renewing: asyncio.Task[None]


def space_of(path: str, settings: Settings) -> BodySpace:
    """Return the longest body that a path accepts."""
    if path.endswith("/files/upload") or _SAMPLES.fullmatch(path):
        limit = settings.upload_max_bytes
    elif path == _CONSENTS:
        limit = consents.LARGEST
    elif path in _VERIFY:
        limit = settings.verify_max_bytes
        return BodySpace(True, limit, limit + MULTIPART_OVERHEAD, kept=False)
    elif path == _IMPORT:
        limit = LARGEST_DOCUMENT
        remedy = "send the document without its pictures, or in parts"
        return BodySpace(True, limit, limit + MULTIPART_OVERHEAD, kept=False, remedy=remedy)
    else:
        return BodySpace(False, JSON_BODY_LIMIT, JSON_BODY_LIMIT)
    return BodySpace(True, limit, limit + MULTIPART_OVERHEAD)


async def reserve(request: Request, account_id: str) -> None:
    """Reserve space for the files of a request, if its path accepts files.

    The size is the declared length of the body, or else the largest that the path accepts. The
    caller must call `release`.

    Raises:
        TooLarge: The body or the account's uploads would exceed their limit.
        RateLimited: The account has too many uploads in progress.
    """
    state = state_of(request)
    space = space_of(request.url.path, state.settings)
    if not (space.files and space.kept) or request.method != "POST":
        return
    declared = request.headers.get("Content-Length", "")
    size = int(declared) if declared.isdecimal() and len(declared) < 20 else space.limit
    space.check(size)
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
    """Release the space that the request has reserved, if any."""
    reservation: Reservation | None = getattr(request.state, "reservation", None)
    if reservation is None:
        return
    request.state.reservation = None
    reservation.renewing.cancel()
    with suppress(SQLAlchemyError, SoundcloneError):  # the reservation also expires
        await state_of(request).database.transaction_async(uploads.release, reservation.id)


def reserved(request: Request) -> str | None:
    """Return the id of the request's reservation."""
    reservation: Reservation | None = getattr(request.state, "reservation", None)
    return reservation.id if reservation else None


async def _renew(request: Request, identifier: str) -> None:
    while True:
        await asyncio.sleep(uploads.LEASE / 3)
        with suppress(SQLAlchemyError, SoundcloneError):
            await state_of(request).database.transaction_async(uploads.renew, identifier)
