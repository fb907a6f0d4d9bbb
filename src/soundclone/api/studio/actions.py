"""Actions of the studio. Each calls the same functions as the API route for its purpose."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, TypeVar

from fastapi import APIRouter, File, Request, Response, UploadFile
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel, ValidationError
from sqlalchemy.orm import Session

from ...core import consents, keys, tasks, voices
from ...core.consents import LONGEST_SPEAKER, Agreement, Terms
from ...core.formatting import DAY
from ...core.keys import Scope
from ...core.pricing import to_micro
from ...core.tasks import Order
from ...errors import AuthenticationError, InvalidParameter, NotFound
from ...telemetry import SIGN_INS_FAILED
from ..account_data import erase, export_response
from ..auth import identify
from ..files import upload
from ..orders import (
    Quote,
    audio_order,
    clone_order,
    consent_source,
    conversion_order,
    quote_clone,
    submit,
)
from ..removal import remove_voice, withdraw_voice
from ..schemas import (
    SoundCloneAudioRequest,
    SoundCloneCloneRequest,
    SoundCloneConversionRequest,
)
from ..state import state_of
from ..tasks import check_kind, checked_id
from ..validation import expectations_of_model, rejection
from . import session
from .rendering import SPOKEN, PublicRoute, StudioRoute, page_language, render_page, strings
from .session import Cloner, Known, Manager, Reader, Speaker, Visitor

router = APIRouter(prefix="/studio", route_class=StudioRoute)
public = APIRouter(prefix="/studio", route_class=PublicRoute)

_NUMBERS = ("speed", "vol", "pitch", "sampleRate", "channel", "maxSeconds")

EXPIRIES = (30, 90, 365)
"""Days until a key expires, as choices of the form."""

OVERLAP_HOURS = 24
"""Hours for which the former text of a key works after a rotation in the studio."""

Model = TypeVar("Model", bound=BaseModel)


class _Draft(SoundCloneCloneRequest):
    """A request for a voice whose recording is not chosen yet."""

    fileUrl: str = ""  # noqa: N815


@public.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Exchange a key for a session."""
    form = await fields(request)
    state = state_of(request)
    target = studio_path(form.get("next", ""))
    try:
        who = await identify(state, form.get("key", "").strip())
    except AuthenticationError as error:
        SIGN_INS_FAILED.labels("key").inc()
        return render_page(request, "sign_in.html", 401, next=target, error=error)
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
async def upload_file(
    request: Request, me: Cloner, file: Annotated[UploadFile, File()]
) -> Response:
    """Store a recording."""
    await state_of(request).rate_limit.check(me.key.id)
    return await upload(request, me.caller, file)


@router.post("/clones")
async def make_voice(request: Request, me: Cloner) -> Response:
    """Submit a voice with its preview and the declaration of consent."""
    form = await fields(request)
    name = voices.checked_name(form.get("name", ""))
    agreement = await agreement_of(request, me, form)
    body = clone_request(request, form)
    state = state_of(request)
    await state.rate_limit.check(me.key.id)
    order = await clone_order(
        state, body, me.caller, idempotency_key(form), name=name, agreement=agreement
    )
    task = await submit(state, order)
    return Response(status_code=204, headers={"HX-Redirect": f"/studio/tasks/{task.id}"})


@router.post("/audios")
async def speak(request: Request, me: Speaker) -> Response:
    """Submit speech."""
    form = await fields(request)
    body = audio_request(form)
    state = state_of(request)
    await state.rate_limit.check(me.key.id)
    order = await audio_order(state, body, me.caller, idempotency_key(form))
    task = await submit(state, order)
    return Response(status_code=204, headers={"HX-Redirect": f"/studio/tasks/{task.id}"})


@router.post("/performances")
async def upload_performance(
    request: Request, me: Speaker, file: Annotated[UploadFile, File()]
) -> Response:
    """Store the recording of a performance."""
    await state_of(request).rate_limit.check(me.key.id)
    return await upload(request, me.caller, file)


@router.post("/conversions")
async def convert(request: Request, me: Speaker) -> Response:
    """Submit a voice conversion."""
    form = await fields(request)
    body = _model(SoundCloneConversionRequest, form)
    state = state_of(request)
    await state.rate_limit.check(me.key.id)
    order = await conversion_order(state, body, me.caller, idempotency_key(form))
    task = await submit(state, order)
    return Response(status_code=204, headers={"HX-Redirect": f"/studio/tasks/{task.id}"})


@router.post("/estimates/{kind}")
async def estimate(request: Request, me: Known, kind: str) -> Response:
    """Show the price of the form, or its errors, without submitting it."""
    state = state_of(request)
    await state.rate_limit.check(me.key.id)
    form = await fields(request)
    order: Order | Quote
    me.caller.require(Scope.CLONE if kind == "clone" else Scope.SPEAK)
    if kind == "clone":
        order = await quote_clone(state, clone_request(request, form, _Draft))
    elif form.get("contentText") and form.get("modelId"):
        order = await audio_order(state, audio_request(form), me.caller, None)
    else:
        return Response("")
    available = me.account.posted - me.account.held
    return render_page(request, "part/estimate.html", order=order, available=available)


@router.delete("/tasks/{id}")
async def cancel(request: Request, me: Reader, id: str) -> Response:
    """Cancel a task."""
    state = state_of(request)
    await check_kind(state, id, me.caller)
    keep = state.settings.result_days * DAY
    await state.database.transaction_async(tasks.cancel, checked_id(id), me.account.id, keep=keep)
    return Response(status_code=204, headers={"HX-Redirect": f"/studio/tasks/{id}"})


@router.delete("/voices/{id}")
async def delete(request: Request, me: Cloner, id: str) -> Response:
    """Delete a voice, its recordings and its preview."""
    await remove_voice(request, voice_id(id), me.caller)
    return Response(status_code=204, headers={"HX-Redirect": "/studio/voices"})


@router.delete("/voices/{id}/consent")
async def withdraw(request: Request, me: Cloner, id: str) -> Response:
    """Withdraw the consent to a voice: delete the voice and everything spoken with it."""
    await withdraw_voice(request, voice_id(id), me.caller)
    return Response(status_code=204, headers={"HX-Redirect": "/studio/voices"})


@router.post("/keys")
async def create_key(request: Request, me: Manager) -> Response:
    """Create a key of the account. Only this response contains the key.

    The key has no scope that the visitor's key lacks, and does not outlive that key.
    """
    form, sent = await fields(request), await request.form()
    scopes = keys.parse_scopes(map(str, sent.getlist("scopes"))) if "scopes" in sent else keys.USUAL
    scopes &= me.caller.scopes - {Scope.OPERATOR}
    expires = keys.expiry_after(_days(form["expires"])) if form.get("expires") else None
    if me.key.expires_at is not None:
        expires = min(expires or me.key.expires_at, me.key.expires_at)
    settings = state_of(request).settings

    def work(database: Session) -> dict[str, str]:
        key, secret = keys.issue(
            database,
            settings.secret,
            keys.holder(database, me.key.id),
            name=form.get("name", ""),
            quota=to_micro(form.get("quota") or "0"),
            scopes=scopes,
            expires_at=expires,
        )
        return {"id": key.id, "key": secret}

    return JSONResponse(await state_of(request).database.transaction_async(work))


@router.delete("/keys/{id}")
async def revoke_key(request: Request, me: Manager, id: str) -> Response:
    """Revoke a key of the account."""
    keys.check_manages(me.key)

    def work(database: Session) -> None:
        keys.revoke(database, keys.get(database, id, me.account.id).id)

    await state_of(request).database.transaction_async(work)
    return Response(status_code=204, headers={"HX-Refresh": "true"})


@router.post("/keys/{id}/rotation")
async def rotate_key(request: Request, me: Manager, id: str) -> Response:
    """Replace the text of a key. The former text works for `OVERLAP_HOURS`."""
    keys.check_manages(me.key)
    settings = state_of(request).settings

    def work(database: Session) -> dict[str, str]:
        key = keys.get(database, id, me.account.id)
        keys.check_covers(me.key, key)
        key, text = keys.rotate(database, settings.secret, key.id, overlap=OVERLAP_HOURS * 3600)
        return {"id": key.id, "key": text}

    return JSONResponse(await state_of(request).database.transaction_async(work))


@router.get("/account/export")
async def export_account(request: Request, me: Manager) -> Response:
    """Return an archive with everything that is stored for the account."""
    await state_of(request).rate_limit.check(me.key.id)
    return await export_response(state_of(request), me.account.id)


@router.post("/account/erasure")
async def erase_account(request: Request, me: Manager) -> Response:
    """Erase the account, and show what was erased. The visitor must type the id of the account."""
    await state_of(request).rate_limit.check(me.key.id)
    form = await fields(request)
    report = await erase(state_of(request), me.caller, form.get("confirm", "").strip())
    request.state.visitor = None  # the session was erased, too
    response = render_page(request, "erased.html", report=report, page="")
    await session.close_session(request, response)
    session.remember_visit(request, response)
    return response


def _days(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise InvalidParameter(
            f"the expiry {text[:20]!r} is not a number of days", param="expires"
        ) from error


async def agreement_of(request: Request, me: Visitor, form: Mapping[str, str]) -> Agreement:
    """Return the declaration of consent in the language of the page.

    Raises InvalidParameter, NotFound and Expired.
    """
    language = page_language(request)
    who = form.get("consent", "")
    if who not in ("own", "given"):
        raise InvalidParameter(
            "consent is missing; choose whose voice it is and declare the consent", param="consent"
        )
    speaker = printable(form.get("speaker", ""))
    if who == "given" and not 0 < len(speaker) <= LONGEST_SPEAKER:
        raise InvalidParameter(
            f"speaker has {len(speaker)} characters; a name of 1 to {LONGEST_SPEAKER} characters "
            "is needed",
            param="speaker",
        )
    terms = consents.checked_terms(form.get("purpose", ""), _end_of_day(form.get("until", "")))
    recording = form.get("consentRecording", "")
    source, limits = None, Terms()
    if recording:
        source, limits = await consent_source(state_of(request), recording, me.caller)
    return Agreement(
        strings(language)[f"consent.{who}"],
        me.key.id,
        speaker if who == "given" else "",
        language,
        source,
        terms.within(limits),
    )


def _end_of_day(date: str) -> float | None:
    """Return the end of a day in UTC, None for an empty date. Raises InvalidParameter."""
    if not date:
        return None
    try:
        return datetime.strptime(date, "%Y-%m-%d").replace(tzinfo=UTC).timestamp() + DAY
    except ValueError as error:
        raise InvalidParameter(
            f"the consent ends on {date[:20]!r}; a date such as 2027-12-31 is needed",
            param="expires_at",
        ) from error


def clone_request(
    request: Request,
    form: Mapping[str, str],
    model: type[SoundCloneCloneRequest] = SoundCloneCloneRequest,
) -> SoundCloneCloneRequest:
    """Return the API's request for the clone form. Raises InvalidParameter.

    The page shows the preview's sentence before there is a recording. Without a text and a
    language, the preview therefore uses the language of the page.
    """
    language = form.get("language") or "auto"
    if not form.get("contentText", "").strip() and language == "auto":
        language = SPOKEN[page_language(request)]
    # `consent` is an object in the API and a choice in the form. `agreement_of` reads the choice.
    given = {name: form[name] for name in form if name != "consent"}
    return _model(model, given | {"language": language})


def audio_request(form: Mapping[str, str]) -> SoundCloneAudioRequest:
    """Return the API's request for the form of the speak page. Raises InvalidParameter."""
    subtitles = form.get("subtitles", "")
    extra: dict[str, object] = {"subtitleEnable": bool(subtitles)}
    if subtitles == "word":
        extra["subtitleType"] = "word"
    return _model(SoundCloneAudioRequest, form, extra)


def _model(
    model: type[Model], form: Mapping[str, str], extra: Mapping[str, object] | None = None
) -> Model:
    """Validate a form as a request of the API. Empty fields count as left out."""
    body: dict[str, object] = {
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
    except ValueError:  # the validation of the model reports the value
        return text


async def fields(request: Request) -> dict[str, str]:
    """Return the text fields of a form. Browsers send line ends as CRLF; these become LF."""
    form = await request.form()
    return {
        name: value.replace("\r\n", "\n") for name, value in form.items() if isinstance(value, str)
    }


def printable(text: str) -> str:
    """Remove control characters, and white space at both ends."""
    return "".join(character for character in text if character.isprintable()).strip()


def idempotency_key(form: Mapping[str, str]) -> str | None:
    """Return the key that identifies repeated submissions of a form."""
    given = form.get("idempotency", "")
    return f"studio-{given}" if re.fullmatch("[0-9a-f]{16,64}", given) else None


def voice_id(text: str) -> str:
    """Return `text` if it is a well-formed id of a voice. Raises NotFound."""
    if not voices.is_id(text):
        raise NotFound(f"there is no voice {text[:60]!r} in this account")
    return text


def studio_path(target: str) -> str:
    """Return `target` if it is a path of the studio, otherwise the studio's first page."""
    return target if re.fullmatch(r"/studio(/[A-Za-z0-9_/-]*)?", target) else "/studio"
