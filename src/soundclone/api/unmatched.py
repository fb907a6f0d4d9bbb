"""Responses to requests that match no route."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from ..errors import NotFound
from .errors import MethodNotAllowed, ServiceRoute, error_response, translate
from .fronts.front import Front, front_of, switched_off

# The contract answers every path below these prefixes with status 200.
CONTRACT = ("/api/open-api/v1", "/api/openapi")
_STATIC_METHODS = ("GET", "HEAD")  # the mount of static files does not list its methods


@dataclass(frozen=True)
class Paths:
    """Routes of the API, by the paths that they match."""

    routes: Sequence[tuple[str, APIRoute]]  # with the prefix that the route's path lacks

    @classmethod
    def of(cls, routers: Iterable[APIRouter], fronts: Iterable[Front]) -> Paths:
        """Collect the routes of routers and of fronts."""
        plain = [("", route) for router in routers for route in router.routes]
        others = [
            (front.base, route)
            for front in fronts
            for part in front.routers
            for route in part.routes
        ]
        return cls([(base, route) for base, route in plain + others if isinstance(route, APIRoute)])

    def at(self, path: str) -> list[APIRoute]:
        """Return every route of a path."""
        return [
            route
            for base, route in self.routes
            if path.startswith(base) and route.path_regex.match(path.removeprefix(base))
        ]

    def is_contract(self, path: str) -> bool:
        """Tell whether a path is below the contract's prefixes and has no route of another kind."""
        if not path.startswith(tuple(f"{prefix}/" for prefix in CONTRACT)) and path not in CONTRACT:
            return False
        found = [route for route in self.at(path) if isinstance(route, ServiceRoute)]
        return not found or any(route.contract for route in found)


def install(
    app: FastAPI, routers: Iterable[APIRouter], fronts: Sequence[Front], off: Sequence[Front]
) -> None:
    """Answer unknown paths and methods in the format of the paths around them.

    Args:
        app: The application.
        routers: Routers of the service's own API.
        fronts: Fronts that are switched on.
        off: Fronts that are switched off.
    """
    paths = Paths.of(routers, fronts)

    @app.exception_handler(HTTPException)
    async def unmatched(request: Request, error: HTTPException) -> Response:
        path = request.url.path
        known = translate(request, error)
        headers = dict(error.headers or {})
        silent = None
        if error.status_code == 404:
            silent = switched_off(off, path, request.headers)
        front = silent or front_of(fronts, path)
        shown = path.removeprefix(front.root if front else "")
        refusal = front.refusal(shown) if front and error.status_code in (404, 405) else None
        if silent:
            known = NotFound(
                f"the API of {silent.title} is switched off on this server, see SOUNDCLONE_FRONTS"
            )
        elif refusal:
            known, headers = NotFound(refusal), {}
        elif error.status_code == 404:
            known = NotFound(f"there is nothing at {shown[:80]!r}; /docs lists the paths")
        elif error.status_code == 405:
            # The first route of a path reports its own methods and omits those of the other routes.
            found = paths.at(path)
            # A word such as `download` is no id, so routes with a parameter do not count.
            found = [route for route in found if "{" not in route.path] or found
            methods = {method for route in found for method in route.methods or ()}
            methods |= set(filter(None, headers.get("Allow", "").split(", ")))
            headers["Allow"] = ", ".join(sorted(methods or _STATIC_METHODS))
            known = MethodNotAllowed(
                f"{request.method[:20]!r} is not a method of this path; it takes {headers['Allow']}"
            )
        if front:
            response = front.respond(known)
        else:
            response = error_response(request, known, contract=paths.is_contract(path))
        response.headers.update(headers)
        return response
