"""The page of the account's projects, with the import of documents."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from tempfile import SpooledTemporaryFile
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, File, Request, Response, UploadFile
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.orm import Session

from ...core import imports, projects, voices
from ...core.imports import Unit
from ...core.projects import LONGEST_NAME, Draft, Limits, Style
from ...core.requests import SoundVersion
from ...db.models import Project, Voice
from ...errors import RateLimited
from ...text.imports import LARGEST, SUFFIXES, Document
from ...text.imports.limited import read_limited
from ...text.languages import LANGUAGES
from ..orders import language_of
from ..projects import check_style, limits_of, remove_project
from ..state import state_of
from .actions import fields
from .pages import read_in_thread
from .rendering import StudioRoute, render_page
from .session import Speaker, SpeakPage

router = APIRouter(prefix="/studio/projects", route_class=StudioRoute)

PAGE = 20  # projects on a page
_PATIENCE = 5.0  # seconds to wait for other imports
_reading = threading.BoundedSemaphore(2)  # child processes at once


@router.get("")
async def show(request: Request, me: SpeakPage, cursor: str = "") -> Response:
    """List the projects of the account, and show the form that creates one."""

    def work(session: Session) -> tuple[Sequence[Project], str | None, Sequence[Voice]]:
        found, following = projects.page(session, me.account.id, limit=PAGE, cursor=cursor or None)
        return found, following, voices.listing(session, me.account.id)

    found, following, known = await read_in_thread(request, work)
    return render_page(
        request,
        "projects.html",
        projects=found,
        older="/studio/projects?" + urlencode({"cursor": following}) if following else None,
        cursor=cursor,
        voices=known,
        names={voice.id: voice for voice in known},
        languages=LANGUAGES.values(),
        units=tuple(Unit),
        suffixes=SUFFIXES,
        largest=LARGEST,
        longest_name=LONGEST_NAME,
        page="projects",
    )


@router.post("")
async def create(
    request: Request, me: Speaker, file: Annotated[UploadFile | None, File()] = None
) -> Response:
    """Create a project, empty or with the blocks of a document."""
    state = state_of(request)
    await state.rate_limit.check(me.key.id)
    form = await fields(request)
    style = _style(form)
    limits = limits_of(state)
    name = form.get("name", "").strip()
    blocks: Sequence[Draft] = ()
    if file is not None and file.filename:
        unit = Unit(form["unit"]) if form.get("unit") in tuple(Unit) else Unit.SENTENCE
        known = await read_in_thread(
            request, lambda session: voices.listing(session, me.account.id)
        )
        names = {voice.id: voice.name or "" for voice in known}
        document, blocks = await run_in_threadpool(_import, file, unit, limits, names)
        name = name or imports.name_of(document, file.filename)
        style = style if style.language else replace(style, language=imports.language_of(document))

    def work(session: Session) -> Project:
        check_style(session, me.account.id, style)
        project = projects.create(
            session, me.account.id, me.key.id, name=name, style=style, limits=limits
        )
        if blocks:
            projects.insert(session, project, blocks, after=None, limits=limits)
        return project

    project = await state.database.transaction_async(work)
    return Response(status_code=204, headers={"HX-Redirect": f"/studio/projects/{project.id}"})


def _style(form: dict[str, str]) -> Style:
    """Return the voice and the language of the form. Raises InvalidParameter."""
    language = language_of(form.get("language") or "auto", SoundVersion.V2)
    return Style(voice_id=form.get("modelId") or None, language=language.name if language else None)


def _import(
    file: UploadFile, unit: Unit, limits: Limits, names: Mapping[str, str]
) -> tuple[Document, Sequence[Draft]]:
    if not _reading.acquire(timeout=_PATIENCE):
        raise RateLimited("other documents are being read; try again in a moment", 5.0)
    try:
        assert isinstance(file.file, SpooledTemporaryFile)
        file.file.rollover()  # to a file with a descriptor
        document = read_limited(file.file, file.filename or "")
        return document, imports.drafts(document, unit, limits, names)
    finally:
        _reading.release()


@router.patch("/{id}")
async def rename(request: Request, me: Speaker, id: str) -> Response:
    """Rename a project, and show its card again."""
    name = (await fields(request)).get("name", "")

    def work(session: Session) -> tuple[Project, Voice | None]:
        project = projects.change(session, id, me.account.id, versions=None, name=name, style={})
        session.flush()
        chosen = Style.from_json(project.style).voice_id
        return project, session.get(Voice, chosen) if chosen else None

    project, voice = await state_of(request).database.transaction_async(work)
    names = {voice.id: voice} if voice else {}
    return render_page(
        request, "part/project.html", project=project, names=names, longest_name=LONGEST_NAME
    )


@router.delete("/{id}")
async def delete(request: Request, me: Speaker, id: str) -> Response:
    """Delete a project with its texts, takes and renders."""
    await remove_project(state_of(request), id, me.caller, None)
    return Response(status_code=204, headers={"HX-Redirect": "/studio/projects"})
