"""The engines of this machine: which of them are usable, and what comes of it."""

from __future__ import annotations

from ..config import Settings
from ..engines import protocol as engines
from ..engines.selection import Offer, Routes
from ..errors import EngineUnavailable


def routes_of(settings: Settings) -> Routes:
    """What the settings say. Raises InvalidParameter."""
    return Routes.of(settings.engine_v1, settings.engine_v2, settings.engine_languages)


def usable(settings: Settings) -> tuple[tuple[Offer, ...], dict[str, str]]:
    """Offers of the engines that are usable here, and by name of each engine that the settings
    may lead to why it is not; "" of one that is."""
    routes = routes_of(settings)
    offers, found = [], {}
    for name in sorted(routes.named().union(engines.names() if routes.open else ())):
        try:
            found[name] = unusable(settings, name) or ""
            if not found[name]:
                offers.append(Offer.of(engines.load(name).info))
        except EngineUnavailable as error:
            found[name] = error.message
        except Exception as error:  # a third party's: it must not end the worker
            found[name] = f"it failed when it was asked: {type(error).__name__}"
    return tuple(offers), found


def unusable(settings: Settings, name: str) -> str | None:
    """Why an engine cannot be used here, or may not be; None when it can. Raises
    EngineUnavailable when there is none of that name."""
    engine = engines.load(name)
    if reason := engine.unusable():
        return reason
    if engine.info.noncommercial and name not in settings.accept_noncommercial:
        return (
            f"its licence ({engine.info.licence}) forbids commercial use; where yours is not, set "
            f"SOUNDCLONE_ACCEPT_NONCOMMERCIAL={name}"
        )
    return None
