"""Voice consents: recordings in which a speaker agrees."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from ...core import consents
from ...db.models import Consent
from ...errors import SoundcloneError
from ..auth import KnownCaller, LimitedCaller
from .errors import OpenAIRoute

router = APIRouter(prefix="/audio/voice_consents", route_class=OpenAIRoute)


class Renaming(BaseModel):
    name: str


@router.post("")
async def create(
    request: Request,
    who: LimitedCaller,
    name: Annotated[str, Form()],
    language: Annotated[str, Form()],
    recording: Annotated[UploadFile, File()],
) -> JSONResponse:
    """Keep a recording of consent until it is deleted."""
    state = request.app.state
    data = await recording.read(consents.LARGEST + 1)
    consent = consents.new(who.account_id, name, language, data[:64], len(data))
    key = consent.recording
    await run_in_threadpool(state.storage.put, key, data)
    try:
        await state.database.run(consents.add, consent)
    except SoundcloneError:
        await run_in_threadpool(state.storage.delete, key)
        raise
    return JSONResponse(_view(consent))


@router.get("")
async def listing(
    request: Request,
    who: KnownCaller,
    after: Annotated[str | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> JSONResponse:
    """The account's consents, newest first, a page at a time."""
    found, more = await request.app.state.database.look(
        consents.listing, who.account_id, after=after, limit=limit
    )
    data = [_view(consent) for consent in found]
    return JSONResponse(
        {
            "object": "list",
            "data": data,
            "first_id": data[0]["id"] if data else None,
            "last_id": data[-1]["id"] if data else None,
            "has_more": more,
        }
    )


@router.get("/{consent_id}")
async def retrieve(request: Request, consent_id: str, who: KnownCaller) -> JSONResponse:
    found = await request.app.state.database.look(consents.get, consent_id, who.account_id)
    return JSONResponse(_view(found))


@router.post("/{consent_id}")
async def update(
    request: Request, consent_id: str, body: Renaming, who: KnownCaller
) -> JSONResponse:
    renamed = await request.app.state.database.run(
        consents.rename, consent_id, who.account_id, body.name
    )
    return JSONResponse(_view(renamed))


@router.delete("/{consent_id}")
async def delete(request: Request, consent_id: str, who: KnownCaller) -> JSONResponse:
    """Delete a consent and its recording, for good."""
    state = request.app.state
    found = await state.database.look(consents.get, consent_id, who.account_id)
    # In this order: what fails is still listed, and can be tried again.
    await run_in_threadpool(state.storage.delete, found.recording)
    await state.database.run(consents.delete, consent_id, who.account_id)
    return JSONResponse({"id": consent_id, "object": "audio.voice_consent", "deleted": True})


def _view(consent: Consent) -> dict[str, Any]:
    return {
        "id": consent.id,
        "object": "audio.voice_consent",
        "created_at": int(consent.created_at),
        "name": consent.name,
        "language": consent.language,
    }
