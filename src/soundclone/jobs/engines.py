"""Find the engines that work on this machine."""

from __future__ import annotations

from ..config import Settings
from ..engines.registry import InstalledEngines
from ..engines.selection import EngineCapability, EngineSelector
from ..errors import EngineUnavailable


def selector_of(settings: Settings) -> EngineSelector:
    """Parse the engines of the settings. Raises InvalidParameter."""
    return EngineSelector.parse(settings.engine_v1, settings.engine_v2, settings.engine_languages)


def usable(
    installed: InstalledEngines, selector: EngineSelector
) -> tuple[tuple[EngineCapability, ...], dict[str, str]]:
    """Try the engines that the settings allow.

    Returns:
        Capabilities of the usable engines, and for each engine tried the reason why it is not
        usable, or "".
    """
    capabilities, reasons = [], {}
    for name in sorted(selector.named().union(installed.names() if selector.allows_any else ())):
        try:
            reasons[name] = installed.unusable(name) or ""
            if not reasons[name]:
                capabilities.append(EngineCapability.from_info(installed.load(name).info))
        except EngineUnavailable as error:
            reasons[name] = error.message
        except Exception as error:  # a third party's engine must not end the worker
            reasons[name] = f"it failed when it was asked: {type(error).__name__}"
    return tuple(capabilities), reasons
