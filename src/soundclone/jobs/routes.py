"""The engines of this machine: which of them are usable, and what comes of it."""

from __future__ import annotations

from ..config import Settings
from ..errors import EngineUnavailable
from ..speech import engine as engines
from ..speech.routing import Offer, Routes


def routes_of(settings: Settings) -> Routes:
    """What the settings say. Raises InvalidParameter."""
    return Routes.of(settings.engine_v1, settings.engine_v2, settings.engine_languages)


def usable(routes: Routes) -> tuple[tuple[Offer, ...], dict[str, str]]:
    """Offers of the engines that are usable here, and by name of each engine that the routes may
    lead to why it is not; "" of one that is."""
    offers, found = [], {}
    named = routes.named()
    for name in sorted(engines.names() if named is None else named):
        try:
            each = engines.load(name)
            found[name] = each.unusable() or ""
            if not found[name]:
                offers.append(Offer.of(each.info))
        except EngineUnavailable as error:
            found[name] = error.message
        except Exception as error:  # a third party's: it must not end the worker
            found[name] = f"it failed when it was asked: {type(error).__name__}"
    return tuple(offers), found
