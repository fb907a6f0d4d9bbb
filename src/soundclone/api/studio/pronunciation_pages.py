"""The page of the account's pronunciation dictionary, whose entries can be heard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from ...core import dictionaries, voices
from ...core.requests import SpeechOptions
from ...db.models import Voice
from ...text.languages import LANGUAGES
from ...text.pronunciation import LONGEST, MOST_ENTRIES, Entry
from ..errors import CLIENT_CLOSED_REQUEST
from ..fronts.speaking import OPENING, begin_speech
from ..fronts.streaming import ClientDisconnected, TaskAudioResponse
from ..orders import digest, speech_order
from ..state import state_of
from .actions import fields
from .pages import read_in_thread
from .rendering import StudioRoute, render_page
from .session import Speaker, SpeakPage

router = APIRouter(prefix="/studio/pronunciations", route_class=StudioRoute)

PAGE = 50  # entries on a page


@router.get("")
async def show(request: Request, me: SpeakPage, skip: int = 0) -> Response:
    """List the entries in the order of the alphabet."""
    skip = min(max(skip, 0), MOST_ENTRIES)

    def work(session: Session) -> tuple[Sequence[Entry], Sequence[Voice]]:
        return dictionaries.of(session, me.account.id), voices.listing(session, me.account.id)

    entries, known = await read_in_thread(request, work)
    found = sorted(entries, key=lambda entry: (entry.written.casefold(), entry.language))
    prices = state_of(request).prices
    return render_page(
        request,
        "pronunciations.html",
        entries=found[skip : skip + PAGE],
        total=len(found),
        earlier=_link(skip - PAGE) if skip else None,
        later=_link(skip + PAGE) if skip + PAGE < len(found) else None,
        voices=known,
        languages=LANGUAGES.values(),
        prices=prices,
        longest=LONGEST,
        most=MOST_ENTRIES,
        page="speak",
    )


def _link(skip: int) -> str:
    return "/studio/pronunciations?" + urlencode({"skip": max(0, skip)})


@router.post("")
async def add(request: Request, me: Speaker) -> Response:
    """Add an entry."""
    return await _exchange(request, me, None, _entry(await fields(request)))


@router.patch("")
async def change(request: Request, me: Speaker) -> Response:
    """Change an entry."""
    form = await fields(request)
    return await _exchange(request, me, _entry(form, "was-"), _entry(form))


@router.delete("")
async def delete(request: Request, me: Speaker) -> Response:
    """Delete the entry that the query names."""
    return await _exchange(request, me, _entry(request.query_params), None)


def _entry(form: Mapping[str, str], prefix: str = "") -> Entry:
    return Entry(
        form.get(f"{prefix}written", ""),
        form.get(f"{prefix}spoken", ""),
        form.get(f"{prefix}language", ""),
        bool(form.get(f"{prefix}matchCase")),
    )


async def _exchange(
    request: Request, me: Speaker, before: Entry | None, after: Entry | None
) -> Response:
    state = state_of(request)
    await state.rate_limit.check(me.key.id)
    await state.database.transaction_async(dictionaries.exchange, me.account.id, before, after)
    return Response(status_code=204, headers={"HX-Refresh": "true"})


@router.post("/speech")
async def speak(request: Request, me: Speaker) -> Response:
    """Speak the written word of an entry, which need not be in the dictionary yet."""
    state = state_of(request)
    await state.rate_limit.check(me.key.id)
    form = await fields(request)
    (entry,) = dictionaries.checked([_entry(form)], "written")
    order = await speech_order(
        state,
        me.caller,
        form.get("modelId", ""),
        entry.written,
        version=None,
        language=entry.language or "auto",
        options=SpeechOptions(opening=OPENING),
        request_hash=digest("pronunciation", form),
        idempotency_key=None,
        pronunciations=[entry],
    )
    try:
        speech = await begin_speech(state, order, request.is_disconnected)
    except ClientDisconnected:
        return Response(status_code=CLIENT_CLOSED_REQUEST)
    return TaskAudioResponse(
        speech.chunks, speech.cancel, media_type="audio/mpeg", headers={"Cache-Control": "no-store"}
    )
