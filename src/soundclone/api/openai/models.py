"""What a client may put under `model`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse

from ..auth import KnownCaller
from .errors import ModelNotFound, OpenAIRoute
from .schemas import OpenAIModel, OpenAIModelList

OWN = {"soundclone-v1": "v1", "soundclone-v2": "v2"}
"""Our models, and the soundVersion that each stands for."""
RELEASED = 1_767_225_600  # Unix seconds: 1 January 2026
ALIASES = ("tts-1", "tts-1-hd", "gpt-4o-mini-tts", "gpt-4o-mini-tts-2025-12-15")
"""Names that clients bring along. They mean the soundVersion that the voice was made with."""

router = APIRouter(route_class=OpenAIRoute)

ModelName = Annotated[str, Path(description="Name of a model")]


@router.get(
    "/models",
    operation_id="listModels",
    summary="List models",
    response_model=OpenAIModelList,
)
async def list_models(who: KnownCaller) -> JSONResponse:
    """The models that `model` of a request can name."""
    return JSONResponse({"object": "list", "data": [_view(name) for name in OWN]})


@router.get(
    "/models/{name}",
    operation_id="getModel",
    summary="Ask for a model",
    response_model=OpenAIModel,
)
async def get_model(name: ModelName, who: KnownCaller) -> JSONResponse:
    """A model, by its name or by a name of OpenAI's that stands for it."""
    version_of(name)
    return JSONResponse(_view(name))


def version_of(model: str) -> str | None:
    """The soundVersion that a model stands for; None for the voice's own. Raises ModelNotFound."""
    if model in ALIASES:
        return None
    if model not in OWN:
        raise ModelNotFound(
            f"there is no model {model[:60]!r}; there are {', '.join(OWN)}, and for the "
            f"version that the voice was made with {', '.join(ALIASES[:3])}",
            param="model",
        )
    return OWN[model]


def _view(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": RELEASED, "owned_by": "soundclone"}
