"""The page of the account's voices, with the sound of each."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from ...audio.recording_report import RecordingReport
from ...core import files, voices
from ...core.requests import TaskResult
from ...core.voices import Order, Selection
from ...db.models import Task, TaskStatus, Voice
from ...errors import NotFound
from ..audit import record_recording_link
from ..state import state_of
from . import snippets
from .actions import fields, printable, voice_id
from .pages import read_in_thread, recording_link
from .rendering import StudioRoute, render_page
from .session import Cloner, Reader

router = APIRouter(prefix="/studio/voices", route_class=StudioRoute)

PAGE = 24  # voices on a page
_LINK = 3600.0  # seconds until a link to a preview expires


@dataclass(frozen=True)
class VoiceCard:
    """A voice, as its card shows it."""

    voice: Voice
    has_preview: bool
    report: RecordingReport | None

    @property
    def preview(self) -> Sequence[int]:
        """Outline of the preview, empty if an earlier release made the voice."""
        return self._outline("preview")

    @property
    def recording(self) -> Sequence[int]:
        """Outline of the recording, empty if an earlier release made the voice."""
        return self._outline("recording")

    def _outline(self, name: str) -> Sequence[int]:
        found: Sequence[int] = (self.voice.waveforms or {}).get(name, ())
        return found


def _cards(session: Session, found: Sequence[Voice]) -> list[VoiceCard]:
    """Return the cards of voices. An earlier release kept a preview as long as its task."""
    older = [voice.task_id for voice in found if not voice.waveforms]
    kept = session.scalars(
        select(Task.id).where(
            Task.id.in_(older),
            Task.status == TaskStatus.COMPLETED,
            Task.expires_at > time.time(),
        )
    ).all()
    return [
        VoiceCard(
            voice,
            bool(voice.waveforms) or voice.task_id in kept,
            RecordingReport.from_json(voice.recording_report),
        )
        for voice in found
    ]


@router.get("")
async def show(
    request: Request,
    me: Reader,
    search: str = "",
    tag: str = "",
    order: str = Order.NEWEST,
    skip: int = 0,
) -> Response:
    """List the voices of the account that a search finds."""
    order = Order(order) if order in tuple(Order) else Order.NEWEST
    skip = min(max(skip, 0), 1_000_000)

    def work(session: Session) -> tuple[Selection, list[VoiceCard]]:
        found = voices.search(
            session,
            me.account.id,
            text=printable(search),
            tag=tag,
            order=order,
            offset=skip,
            limit=PAGE,
        )
        return found, _cards(session, found.voices)

    found, cards = await read_in_thread(request, work)
    chosen = {"search": search, "tag": tag, "order": order}

    def link(offset: int) -> str:
        return "/studio/voices?" + urlencode(chosen | {"skip": offset})

    return render_page(
        request,
        "voices.html",
        cards=cards,
        total=found.total,
        tags=found.tags,
        search=search,
        tag=tag,
        order=order,
        orders=tuple(Order),
        skip=skip,
        earlier=link(max(0, skip - PAGE)) if skip else None,
        later=link(skip + PAGE) if skip + PAGE < found.total else None,
        snippet=snippets.of_voices(request),
        page="voices",
    )


@router.patch("/{id}")
async def change(request: Request, me: Cloner, id: str) -> Response:
    """Change the name and the tags of a voice, and show its card again."""
    form = await fields(request)
    tags = form["tags"].replace("，", ",").split(",") if "tags" in form else None

    def work(session: Session) -> VoiceCard:
        voice = voices.change(
            session, voice_id(id), me.account.id, name=form.get("name"), tags=tags
        )
        session.flush()
        return _cards(session, [voice])[0]

    card = await state_of(request).database.transaction_async(work)
    if not request.headers.get("HX-Target", "").startswith("card-"):
        return Response(status_code=204, headers={"HX-Refresh": "true"})
    return render_page(request, "part/voice.html", card=card)


@router.get("/{id}/recording")
async def recording(request: Request, me: Reader, id: str) -> Response:
    """Redirect to the recording that a voice was made from."""
    voice = await state_of(request).database.read_async(voices.get, voice_id(id), me.account.id)
    link = await recording_link(request, voice)
    if link is None:
        raise NotFound("the recording of this voice is no longer available")
    await record_recording_link(request, voice, me.key.id)
    return RedirectResponse(link, 303)


@router.get("/{id}/preview")
async def preview(request: Request, me: Reader, id: str) -> Response:
    """Redirect to the preview of a voice."""

    def work(session: Session) -> tuple[Voice, str | None]:
        voice = voices.current(session, voice_id(id), me.account.id)
        task = session.get(Task, voice.task_id)
        result = TaskResult.from_json(task.result) if task else None
        return voice, result.audio if result else None

    voice, made = await state_of(request).database.read_async(work)
    storage = state_of(request).storage
    for key in (files.voice_preview(voice.id), made):
        if key and await run_in_threadpool(storage.size, key) is not None:
            return RedirectResponse(storage.sign(key, int(time.time() + _LINK)), 303)
    raise NotFound("the preview of this voice is no longer available")
