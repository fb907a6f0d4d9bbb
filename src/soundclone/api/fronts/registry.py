"""Fronts of the service."""

from __future__ import annotations

from ... import config
from .. import elevenlabs, minimax, openai
from .front import Front

FRONTS: tuple[Front, ...] = (minimax.front, elevenlabs.front, openai.front)
"""Every front. A front that claims original paths stands before the front that has routes there."""


def disabled(settings: config.Settings) -> tuple[Front, ...]:
    """Return the fronts that the settings switch off."""
    return tuple(front for front in FRONTS if front.name not in settings.fronts)


def enabled(settings: config.Settings) -> tuple[Front, ...]:
    """Return the fronts that the settings switch on."""
    return tuple(front for front in FRONTS if front.name in settings.fronts)
