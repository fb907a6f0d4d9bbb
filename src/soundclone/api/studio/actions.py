"""What is done at the studio: each calls what the API's route of the same purpose calls."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, File, Request, Response, UploadFile
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel, ValidationError
from sqlalchemy.orm import Session

from ...core import keys, tasks, voices
from ...core.consents import LONGEST_SPEAKER, Agreement
from ...core.pricing import to_micro
from ...core.tasks import Order
from ...errors import AuthenticationError, InvalidParameter, NotFound
from ..files import upload
from ..orders import (
    Quote,
    audio_order,
    check_consent,
    clone_order,
    consent_source,
    quote_clone,
    submit,
)
from ..removal import remove_voice
from ..schemas import SoundCloneAudioRequest, SoundCloneCloneRequest
from ..state import state_of
from ..tasks import DAY, checked_id
from ..validation import expectations_of_model, rejection
from . import session
from .rendering import SPOKEN, PublicRoute, StudioRoute, catalogue, language_of, render
from .session import Forbidden, Known, Visitor

router = APIRouter(prefix="/studio", route_class=StudioRoute)
public = APIRouter(prefix="/studio", route_class=PublicRoute)

_NUMBERS = ("speed", "vol", "pitch", "sampleRate", "channel")

Model = TypeVar("Model", bound=BaseModel)


class _Draft(SoundCloneCloneRequest):
    """A request for a voice, before its recording is there."""

    fileUrl: str = ""  # noqa: N815


@public.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Exchange a key for a session."""
    form = await fields(request)
    state = state_of(request)
    target = local(form.get("next", ""))
    try:
        who = await state.database.read_async(
            keys.authenticate, state.settings.secret, form.get("key", "").strip()
        )
    except AuthenticationError as error:
        return render(request, "sign_in.html", 401, next=target, error=error)
    response = RedirectResponse(target, 303)
    if request.state.visitor:
        await session.close_session(request, response)
    await session.open_session(request, response, who.key_id)
    return response


@public.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """End the session in this browser, or all sessions of its key."""
    form = await fields(request)
    response = RedirectResponse("/studio/sign-in", 303)
    await session.close_session(request, response, everywhere="everywhere" in form)
    return response


@router.post("/files/upload")
async def take_file(request: Request, me: Known, file: Annotated[UploadFile, File()]) -> Response:
    """Keep a recording until it is made a voice of."""
    state_of(request).rate_limit.check(me.key.id)
    return await upload(request, me.caller, file)


@router.post("/clones")
async def make_voice(request: Request, me: Known) -> Response:
    """Submit a preview, with what was declared of the speaker's consent."""
    form = await fields(request)
    name = voices.checked_name(form.get("name", ""))
    agreement = await declared(request, me, form)
    body = preview_of(request, form)
    state_of(request).rate_limit.check(me.key.id)
    state = state_of(request)
    order = await clone_order(
        state, body, me.caller, repeated_by(form), name=name, agreement=agreement
    )
    check_consent(state, order)
    task = await submit(state, order)
    return Response(status_code=204, headers={"HX-Redirect": f"/studio/tasks/{task.id}"})


@router.post("/audios")
async def speak(request: Request, me: Known) -> Response:
    """Submit production speech."""
    form = await fields(request)
    body = speech_of(form)
    state_of(request).rate_limit.check(me.key.id)
    state = state_of(request)
    order = await audio_order(state, body, me.caller, repeated_by(form))
    task = await submit(state, order)
    return Response(status_code=204, headers={"HX-Redirect": f"/studio/tasks/{task.id}"})


@router.post("/estimates/{kind}")
async def estimate(request: Request, me: Known, kind: str) -> Response:
    """What the form would cost as it stands, or why it would be refused."""
    state = state_of(request)
    state.rate_limit.check(me.key.id)
    form = await fields(request)
    order: Order | Quote
    if kind == "clone":
        order = await quote_clone(state, preview_of(request, form, _Draft))
    elif form.get("contentText") and form.get("modelId"):
        order = await audio_order(state, speech_of(form), me.caller, None)
    else:
        return Response("")
    available = me.account.posted - me.account.held
    return render(request, "part/estimate.html", order=order, available=available)


@router.delete("/tasks/{id}")
async def cancel(request: Request, me: Known, id: str) -> Response:
    """Call a task off."""
    state = state_of(request)
    keep = state.settings.result_days * DAY
    await state.database.transaction_async(tasks.cancel, checked_id(id), me.account.id, keep=keep)
    return Response(status_code=204, headers={"HX-Redirect": f"/studio/tasks/{id}"})


@router.patch("/voices/{id}")
async def rename(request: Request, me: Known, id: str) -> Response:
    """Give a voice a name."""
    form = await fields(request)
    await state_of(request).database.transaction_async(
        voices.rename, voice_id(id), me.account.id, form.get("name", "")
    )
    return Response(status_code=204, headers={"HX-Refresh": "true"})


@router.delete("/voices/{id}")
async def delete(request: Request, me: Known, id: str) -> Response:
    """Delete a voice with its recordings and its preview."""
    await remove_voice(request, voice_id(id), me.account.id)
    return Response(status_code=204, headers={"HX-Redirect": "/studio/voices"})


@router.post("/keys")
async def make_key(request: Request, me: Known) -> Response:
    """A further key of the account. It is sent to the page's script alone, which shows it once."""
    allow_keys(me)
    form = await fields(request)
    name = voices.checked_name(form.get("name", ""))
    if not name:
        raise InvalidParameter("name is empty; the key needs one, to know it by", param="name")
    settings = state_of(request).settings

    def work(database: Session) -> dict[str, str]:
        key, secret = keys.create(
            database,
            settings.secret,
            account_id=me.account.id,
            name=name,
            quota=to_micro(form.get("quota") or "0"),
        )
        return {"id": key.id, "key": secret}

    return JSONResponse(await state_of(request).database.transaction_async(work))


@router.delete("/keys/{id}")
async def revoke_key(request: Request, me: Known, id: str) -> Response:
    """Refuse one of the account's keys from now on."""
    allow_keys(me)

    def work(database: Session) -> None:
        owned = [key.id for key in keys.listing(database, me.account.id)]
        if id not in owned:
            raise NotFound(f"there is no key {id[:12]!r} in this account")
        keys.revoke(database, id)

    await state_of(request).database.transaction_async(work)
    return Response(status_code=204, headers={"HX-Refresh": "true"})


def allow_keys(me: Visitor) -> None:
    """Raises Forbidden."""
    if not me.manages_keys:
        raise Forbidden(
            f"key {me.key.display} has a quota, so that it cannot make or revoke keys; sign in "
            "with one that has none"
        )


async def declared(request: Request, me: Visitor, form: Mapping[str, str]) -> Agreement:
    """The speaker's consent as the page words it. Raises InvalidParameter when there is none."""
    language = language_of(request)
    who = form.get("consent", "")
    if who not in ("own", "given"):
        raise InvalidParameter(
            "consent is missing; say whose voice it is and that the speaker agrees", param="consent"
        )
    speaker = printable(form.get("speaker", ""))
    if who == "given" and not 0 < len(speaker) <= LONGEST_SPEAKER:
        raise InvalidParameter(
            f"speaker has {len(speaker)} characters; the speaker's name, of at most "
            f"{LONGEST_SPEAKER}, is needed",
            param="speaker",
        )
    recording = form.get("consentRecording", "")
    return Agreement(
        catalogue(language)[f"consent.{who}"],
        me.key.id,
        speaker if who == "given" else "",
        language,
        await consent_source(state_of(request), recording, me.caller) if recording else None,
    )


def preview_of(
    request: Request,
    form: Mapping[str, str],
    model: type[SoundCloneCloneRequest] = SoundCloneCloneRequest,
) -> SoundCloneCloneRequest:
    """The request for a preview. Without a text and a language, the preview speaks the language
    of the page, because the language of a recording is not detected. Raises InvalidParameter."""
    language = form.get("language") or "auto"
    if not form.get("contentText", "").strip() and language == "auto":
        language = SPOKEN[language_of(request)]
    # The page declares consent by fields of its own.
    own = {name: form[name] for name in form if name != "consent"}
    return _model(model, own | {"language": language})


def speech_of(form: Mapping[str, str]) -> SoundCloneAudioRequest:
    """Raises InvalidParameter, with the API's own sentences."""
    subtitles = form.get("subtitles", "")
    extra: dict[str, Any] = {"subtitleEnable": bool(subtitles)}
    if subtitles == "word":
        extra["subtitleType"] = "word"
    return _model(SoundCloneAudioRequest, form, extra)


def _model(
    model: type[Model], form: Mapping[str, str], extra: Mapping[str, Any] | None = None
) -> Model:
    """The request that a form stands for; what was left empty is left out."""
    body: dict[str, Any] = {
        name: _number(form[name]) if name in _NUMBERS else form[name]
        for name in model.model_fields
        if form.get(name)
    }
    try:
        return model.model_validate(body | dict(extra or {}))
    except ValidationError as error:
        raise rejection(error.errors(), expectations_of_model(model)) from error


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:  # the model says what it should have been
        return text


async def fields(request: Request) -> dict[str, str]:
    """The texts of a form, with the line ends that were typed."""
    form = await request.form()
    return {
        name: value.replace("\r\n", "\n") for name, value in form.items() if isinstance(value, str)
    }


def printable(text: str) -> str:
    """A line without white space around it and control characters in it."""
    return "".join(character for character in text if character.isprintable()).strip()


def repeated_by(form: Mapping[str, str]) -> str | None:
    """What the page sends again with a form that it does not know the fate of."""
    given = form.get("idempotency", "")
    return f"studio-{given}" if re.fullmatch("[0-9a-f]{16,64}", given) else None


def voice_id(text: str) -> str:
    """Raises NotFound for what cannot be a voice's id."""
    if not voices.is_id(text):
        raise NotFound(f"there is no voice {text[:60]!r} in this account")
    return text


def local(target: str) -> str:
    """A page of the studio to go to after signing in."""
    return target if re.fullmatch(r"/studio(/[A-Za-z0-9_/-]*)?", target) else "/studio"
