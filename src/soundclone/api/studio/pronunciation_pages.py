"""The pages of pronunciation dictionaries, of the account and of projects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from ...core import dictionaries, projects, voices
from ...core.requests import SpeechOptions
from ...db.models import Project, Voice
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

router = APIRouter(prefix="/studio", route_class=StudioRoute)

PAGE = 50  # entries on a page
CHANGED = "pronunciations"  # event of the page after a change


@router.get("/pronunciations")
@router.get("/projects/{project_id}/pronunciations")
async def show(
    request: Request, me: SpeakPage, project_id: str | None = None, skip: int = 0
) -> Response:
    """List the entries of the account, or of a project, in the order of the alphabet.

    Those of a project are shown in the panel of its editor, so a visit leads to the editor.
    """
    skip = min(max(skip, 0), MOST_ENTRIES)

    def work(session: Session) -> tuple[Project | None, Sequence[Entry], Sequence[Voice]]:
        known = voices.listing(session, me.account.id)
        if project_id is None:
            return None, dictionaries.of(session, me.account.id), known
        project = projects.get(session, project_id, me.account.id)
        return project, dictionaries.of_project(session, project.id), known

    project, entries, known = await read_in_thread(request, work)
    if project is not None and "HX-Request" not in request.headers:
        return RedirectResponse(f"/studio/projects/{project.id}", 303)
    here = request.url.path
    found = sorted(entries, key=lambda entry: (entry.written.casefold(), entry.language))
    prices = state_of(request).prices
    return render_page(
        request,
        "pronunciations.html",
        here=here,
        entries=found[skip : skip + PAGE],
        total=len(found),
        skip=skip,
        earlier=_link(here, skip - PAGE) if skip else None,
        later=_link(here, skip + PAGE) if skip + PAGE < len(found) else None,
        voices=known,
        languages=LANGUAGES.values(),
        prices=prices,
        longest=LONGEST,
        most=MOST_ENTRIES,
        page="projects" if project else "speak",
    )


def _link(here: str, skip: int) -> str:
    return f"{here}?" + urlencode({"skip": max(0, skip)})


@router.post("/pronunciations")
@router.post("/projects/{project_id}/pronunciations")
async def add(request: Request, me: Speaker, project_id: str | None = None) -> Response:
    """Add an entry."""
    return await _exchange(request, me, project_id, None, _entry(await fields(request)))


@router.patch("/pronunciations")
@router.patch("/projects/{project_id}/pronunciations")
async def change(request: Request, me: Speaker, project_id: str | None = None) -> Response:
    """Change an entry."""
    form = await fields(request)
    return await _exchange(request, me, project_id, _entry(form, "was-"), _entry(form))


@router.delete("/pronunciations")
@router.delete("/projects/{project_id}/pronunciations")
async def delete(request: Request, me: Speaker, project_id: str | None = None) -> Response:
    """Delete the entry that the query names."""
    return await _exchange(request, me, project_id, _entry(request.query_params), None)


def _entry(form: Mapping[str, str], prefix: str = "") -> Entry:
    return Entry(
        form.get(f"{prefix}written", ""),
        form.get(f"{prefix}spoken", ""),
        form.get(f"{prefix}language", ""),
        bool(form.get(f"{prefix}matchCase")),
        form.get(f"{prefix}ipa", ""),
    )


async def _exchange(
    request: Request,
    me: Speaker,
    project_id: str | None,
    before: Entry | None,
    after: Entry | None,
) -> Response:
    state = state_of(request)
    await state.rate_limit.check(me.key.id)

    def work(session: Session) -> None:
        if project_id is None:
            dictionaries.exchange(session, me.account.id, before, after)
        else:
            project = projects.lock(session, project_id, me.account.id)
            dictionaries.exchange_of_project(session, project, before, after)

    await state.database.transaction_async(work)
    return Response(status_code=204, headers={"HX-Trigger": CHANGED})


@router.post("/pronunciations/speech")
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
