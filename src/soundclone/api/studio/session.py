"""Sessions of visitors, and CSRF tokens.

A signed cookie contains the identifier of the session, never the API key. Each request looks the
session up in the database, so signing out and revoking the key end the session at once.

Each unsafe request must carry a CSRF token, which no other site can read. The token is derived from
the session, or from a cookie of the visit before there is a session. OWASP calls this scheme a
synchroniser token.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from itsdangerous import BadSignature, Signer
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from ...core import keys, sessions
from ...core.keys import Caller, Scope
from ...db.models import Account, Key
from ...errors import AuthenticationError, Forbidden
from ...signing import signer
from ..state import state_of

COOKIE = "soundclone_session"
VISIT = "soundclone_visit"
PATH = "/studio"
SAFE = ("GET", "HEAD", "OPTIONS")


class SignInRequired(AuthenticationError):
    """The request has no session, or the session has ended."""


class CsrfRejected(Forbidden):
    """The request has no valid CSRF token, or comes from another site."""


@dataclass(frozen=True)
class Ticket:
    """Contents of the session cookie."""

    id: str
    expires: int  # unix seconds


@dataclass(frozen=True)
class Visitor:
    """A user with a session."""

    key: Key
    account: Account
    ticket: Ticket
    latest: float  # unix seconds after which the session cannot be extended

    @property
    def caller(self) -> Caller:
        """The visitor as the API's functions expect callers."""
        return Caller(self.key.id, self.key.account_id, keys.scopes_of(self.key))

    @property
    def manages_keys(self) -> bool:
        """True for keys without a quota. Others could create a key that has none."""
        return self.key.quota == 0

    @property
    def pages(self) -> list[str]:
        """Pages of the menu that the key may open."""
        needed: dict[str, tuple[Scope, ...]] = {
            "clone": (Scope.CLONE,),
            "speak": (Scope.READ, Scope.SPEAK),
            "convert": (Scope.READ, Scope.SPEAK),
            "projects": (Scope.READ, Scope.SPEAK),
            "voices": (Scope.READ,),
            "history": (Scope.READ,),
            "account": (Scope.ACCOUNT,),
            "operator": (Scope.OPERATOR,),
        }
        return [name for name, scopes in needed.items() if self.may(*scopes)]

    def may(self, *scopes: str) -> bool:
        """Tell whether the key has all of `scopes`."""
        return {*scopes} <= self.caller.scopes

    def may_rotate(self, key: Key) -> bool:
        """Tell whether the visitor may see the new text of a key, which has the key's rights."""
        return self.manages_keys and keys.covers(self.key, key)


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


def sign_in_url(base_url: str, token: str) -> str:
    """Return the URL of a sign-in link."""
    return f"{base_url.rstrip('/')}{PATH}/sign-in?link={token}"


async def identify(request: Request) -> Visitor | None:
    """Return the visitor of the request's session, or None without a session cookie.

    Raises:
        AuthenticationError: the session has ended or its key was revoked.
    """
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
    """Check the origin and the CSRF token of an unsafe request. Raises CsrfRejected."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise CsrfRejected("this request was sent by another site; use the page itself")
    given = request.headers.get("X-CSRF-Token", "")
    if not given and request.headers.get("Content-Type", "").startswith(
        "application/x-www-form-urlencoded"
    ):
        given = str((await request.form()).get("token", ""))
    secrets = state_of(request).settings.signing_secrets
    identifier = _identifier(request).encode(errors="replace")
    if not _tokens(secrets).verify_signature(identifier, given.encode(errors="replace")):
        raise CsrfRejected("this page is out of date; reload it")


async def open_session(request: Request, response: Response, key_id: str) -> None:
    """Start a session and set its cookie."""
    identifier, expires = await state_of(request).database.transaction_async(sessions.begin, key_id)
    _give(request, response, Ticket(identifier, int(expires)))


async def close_session(request: Request, response: Response, *, everywhere: bool = False) -> None:
    """End the visitor's session, or every session of the visitor's key with `everywhere`."""
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
    """Extend the session in use once half of its idle time has passed."""
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
    """Return the identifier of a visit without a session. Empty for a new visit."""
    return request.cookies.get(cookie_name(request, VISIT), "")


def remember_visit(request: Request, response: Response) -> None:
    """Set a cookie with the identifier that the CSRF token of a visit is derived from."""
    response.set_cookie(
        cookie_name(request, VISIT),
        request.state.visit,
        path=_path(request),
        secure=_encrypted(request),
        httponly=True,
        samesite="strict",
    )


def cookie_name(request: Request, name: str) -> str:
    """Return the name of a cookie, with the prefix `__Host-` over https.

    Browsers accept `__Host-` cookies only from the host itself, so other hosts of the domain
    cannot set them.
    """
    return f"__Host-{name}" if _encrypted(request) else name


def _path(request: Request) -> str:
    return "/" if _encrypted(request) else PATH  # `__Host-` cookies require the path /


def _encrypted(request: Request) -> bool:
    public: str = state_of(request).settings.public_url
    return "https" in (request.url.scheme, public.partition(":")[0])


class Permitted:
    """Dependency that returns the visitor of a route that needs a session.

    Args:
        scopes: Scopes that the key of the session needs, all of them.
    """

    def __init__(self, *scopes: Scope) -> None:
        self.scopes = scopes

    async def __call__(self, request: Request) -> Visitor:
        """Return the visitor.

        Raises:
            Forbidden: The key lacks a scope.
        """
        known: Visitor = request.state.visitor
        check_scopes(known, self.scopes)
        return known


def check_scopes(known: Visitor, scopes: Sequence[Scope]) -> None:
    """Check that the key of a visitor has all of `scopes`. Raises Forbidden."""
    if Scope.OPERATOR in scopes and not known.key.operator:
        raise Forbidden(
            f"key {known.key.display} is not an operator's key; `soundclone keys create "
            "--operator` creates one that can open this page"
        )
    for scope in scopes:
        known.caller.require(scope)


def scopes_of(route: APIRoute) -> tuple[Scope, ...]:
    """Return the scopes that a route of the studio needs, or a dependency of the route."""
    left = [*route.dependant.dependencies]
    for dependency in left:
        if isinstance(dependency.call, Permitted):
            return dependency.call.scopes
        left += dependency.dependencies
    return ()


Known = Annotated[Visitor, Depends(Permitted())]
Reader = Annotated[Visitor, Depends(Permitted(Scope.READ))]
Cloner = Annotated[Visitor, Depends(Permitted(Scope.CLONE))]
Speaker = Annotated[Visitor, Depends(Permitted(Scope.SPEAK))]
SpeakPage = Annotated[Visitor, Depends(Permitted(Scope.READ, Scope.SPEAK))]
Manager = Annotated[Visitor, Depends(Permitted(Scope.ACCOUNT))]
Operator = Annotated[Visitor, Depends(Permitted(Scope.OPERATOR))]
