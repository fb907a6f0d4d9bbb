"""Sessions of visitors, and tokens against forged requests.

A signed cookie names the session. The cookie holds an identifier, never the key. Each request
looks the session up, so that signing out and revoking the key end it on the server.
An unsafe request carries a token that is derived from the session (or, before there is one, from
a cookie of the visit), which no other site can read: the synchroniser token of OWASP's guide.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Response
from itsdangerous import BadSignature, Signer
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from ...core import sessions
from ...core.keys import Caller
from ...db.models import Account, Key
from ...errors import AuthenticationError, RequestError
from ...signing import signer
from ..state import state_of

COOKIE = "soundclone_session"
VISIT = "soundclone_visit"
PATH = "/studio"
SAFE = ("GET", "HEAD", "OPTIONS")


class SignInRequired(AuthenticationError):
    """There is no session, or it is over."""


class Forbidden(RequestError):
    word, status = "forbidden", 403


class CsrfRejected(Forbidden):
    """The request does not come from a page of ours."""


@dataclass(frozen=True)
class Ticket:
    """The contents of the session's cookie."""

    id: str
    expires: int  # unix seconds


@dataclass(frozen=True)
class Visitor:
    """Somebody who is signed in."""

    key: Key
    account: Account
    ticket: Ticket
    latest: float  # unix seconds at which the session ends at the latest

    @property
    def caller(self) -> Caller:
        return Caller(self.key.id, self.key.account_id)

    @property
    def manages_keys(self) -> bool:
        """A key with a quota could otherwise make itself another without one."""
        return self.key.quota == 0


def write(secrets: Sequence[bytes], ticket: Ticket) -> str:
    """Return the value of a session cookie, signed with the first of `secrets`."""
    return _sessions(secrets).sign(f"{ticket.id}.{ticket.expires}").decode()


def read(secrets: Sequence[bytes], cookie: str) -> Ticket | None:
    """Parse a session cookie. Return None if it is forged or has expired."""
    try:
        text = _sessions(secrets).unsign(cookie.encode(errors="replace")).decode()
    except BadSignature:
        return None
    identifier, _, expires = text.partition(".")
    return Ticket(identifier, int(expires)) if int(expires) > time.time() else None


def token(secrets: Sequence[bytes], identifier: str) -> str:
    """Return the CSRF token of a session's or visit's identifier."""
    return _tokens(secrets).get_signature(identifier.encode(errors="replace")).decode()


def _sessions(secrets: Sequence[bytes]) -> Signer:
    return signer(secrets, "studio session")


def _tokens(secrets: Sequence[bytes]) -> Signer:
    return signer(secrets, "studio token")


async def identify(request: Request) -> Visitor | None:
    """The visitor whose session the request belongs to. Raises AuthenticationError if the session
    has ended or its key was revoked."""
    state = state_of(request)
    ticket = read(
        state.settings.signing_secrets, request.cookies.get(cookie_name(request, COOKIE), "")
    )
    if ticket is None:
        return None

    def work(session: Session) -> Visitor:
        row, key = sessions.find(session, ticket.id)
        latest = row.created_at + sessions.LONGEST
        return Visitor(key, session.get_one(Account, key.account_id), ticket, latest)

    found: Visitor = await state.database.read_async(work)
    return found


def token_of(request: Request) -> str:
    """Return the CSRF token of the request's session or visit."""
    return token(state_of(request).settings.signing_secrets, _identifier(request))


def _identifier(request: Request) -> str:
    known: Visitor | None = request.state.visitor
    identifier: str = known.ticket.id if known else request.state.visit
    return identifier


async def check_token(request: Request) -> None:
    """Raises CsrfRejected."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise CsrfRejected("this request was made by another site; use the page itself")
    given = request.headers.get("X-CSRF-Token", "")
    if not given and request.headers.get("Content-Type", "").startswith(
        "application/x-www-form-urlencoded"
    ):
        given = str((await request.form()).get("token", ""))
    secrets = state_of(request).settings.signing_secrets
    identifier = _identifier(request).encode(errors="replace")
    if not _tokens(secrets).verify_signature(identifier, given.encode(errors="replace")):
        raise CsrfRejected("this page is too old to be used; load it again")


async def open_session(request: Request, response: Response, key_id: str) -> None:
    """Start a session and give the browser its cookie."""
    identifier, expires = await state_of(request).database.transaction_async(sessions.begin, key_id)
    _give(request, response, Ticket(identifier, int(expires)))


async def close_session(request: Request, response: Response, *, everywhere: bool = False) -> None:
    """End the visitor's session; with `everywhere`, every session of the visitor's key."""
    known: Visitor | None = request.state.visitor
    if known:
        run = state_of(request).database.transaction_async
        if everywhere:
            await run(sessions.end_all, known.key.id)
        else:
            await run(sessions.end, known.ticket.id)
    request.state.visitor = None
    response.delete_cookie(
        cookie_name(request, COOKIE),
        path=_path(request),
        secure=_encrypted(request),
        httponly=True,
        samesite="strict",
    )


async def renew(request: Request, response: Response) -> None:
    """Extend a session that is being used and half of whose time is over."""
    known: Visitor | None = getattr(request.state, "visitor", None)
    if known is None or known.ticket.expires > time.time() + sessions.IDLE / 2:
        return
    if known.ticket.expires >= int(known.latest):
        return
    with suppress(SQLAlchemyError):  # the next request tries again
        expires = await state_of(request).database.transaction_async(
            sessions.extend, known.ticket.id
        )
        if expires is not None:
            _give(request, response, Ticket(known.ticket.id, int(expires)))


def _give(request: Request, response: Response, ticket: Ticket) -> None:
    response.set_cookie(
        cookie_name(request, COOKIE),
        write(state_of(request).settings.signing_secrets, ticket),
        max_age=max(1, ticket.expires - int(time.time())),
        path=_path(request),
        secure=_encrypted(request),
        httponly=True,
        samesite="strict",
    )


def visit_of(request: Request) -> str:
    """The identifier of a visit without a session; empty for a new visit."""
    return request.cookies.get(cookie_name(request, VISIT), "")


def remember_visit(request: Request, response: Response) -> None:
    """Give a browser without a session an identifier to derive its token from."""
    response.set_cookie(
        cookie_name(request, VISIT),
        request.state.visit,
        path=_path(request),
        secure=_encrypted(request),
        httponly=True,
        samesite="strict",
    )


def cookie_name(request: Request, name: str) -> str:
    """The name of a cookie on this connection. Browsers accept a `__Host-` cookie only from this
    very host over https, so that no other host of the domain can plant one."""
    return f"__Host-{name}" if _encrypted(request) else name


def _path(request: Request) -> str:
    return "/" if _encrypted(request) else PATH  # a `__Host-` cookie has to have this path


def _encrypted(request: Request) -> bool:
    public: str = state_of(request).settings.public_url
    return "https" in (request.url.scheme, public.partition(":")[0])


async def visitor(request: Request) -> Visitor:
    """The one who is signed in; the route has seen to it that there is one."""
    known: Visitor = request.state.visitor
    return known


async def operator(request: Request) -> Visitor:
    """Raises Forbidden for a visitor whose key is no operator's."""
    known: Visitor = request.state.visitor
    if not known.key.operator:
        raise Forbidden(
            f"key {known.key.display} is no operator's; `soundclone keys create --operator` "
            "makes one that opens this page"
        )
    return known


Known = Annotated[Visitor, Depends(visitor)]
Operator = Annotated[Visitor, Depends(operator)]
