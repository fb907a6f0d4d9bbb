"""Names of MiniMax's models."""

from __future__ import annotations

from ...core.requests import SoundVersion
from ...errors import InvalidParameter

OWN = {"soundclone-v1": SoundVersion.V1, "soundclone-v2": SoundVersion.V2}
"""Names that choose a soundVersion."""

_FAMILY = "speech-"


def version_of(model: str) -> SoundVersion | None:
    """Return the soundVersion that a model names. None: that of the voice.

    Every model of MiniMax's family stands for the version of the voice.

    Raises:
        InvalidParameter: No model has the name.
    """
    if model.startswith(_FAMILY):
        return None
    if model not in OWN:
        raise InvalidParameter(
            f"model is {model[:60]!r}; it must be a speech model such as speech-2.8-hd, or one of "
            f"{', '.join(OWN)}",
            param="model",
        )
    return OWN[model]
