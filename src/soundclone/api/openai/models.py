"""Models of the OpenAI-compatible API."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse

from ...errors import AuthenticationError, Forbidden, Unavailable
from ..auth import TaskReader
from .errors import ModelNotFound, OpenAIRoute, error_responses
from .schemas import AudioModelList, OpenAIModel, OpenAIModelList

MODELS = {"soundclone-v1": "v1", "soundclone-v2": "v2"}
"""Models of the service, with the soundVersion of each."""
RELEASED = 1_767_225_600  # Unix seconds: 1 January 2026
ALIASES = ("tts-1", "tts-1-hd", "gpt-4o-mini-tts", "gpt-4o-mini-tts-2025-12-15")
"""Names of OpenAI's models. They stand for the soundVersion that the voice was made with."""

router = APIRouter(route_class=OpenAIRoute)

ModelName = Annotated[str, Path(description="Name of a model")]


@router.get(
    "/models",
    operation_id="listModels",
    summary="List models",
    response_model=OpenAIModelList,
    responses=error_responses(AuthenticationError, Forbidden, Unavailable),
)
async def list_models(who: TaskReader) -> JSONResponse:
    """Return the models that `model` of a request can name."""
    return JSONResponse({"object": "list", "data": [_view(name) for name in MODELS]})


@router.get(
    "/models/{name}",
    operation_id="getModel",
    summary="Get a model",
    response_model=OpenAIModel,
    responses=error_responses(AuthenticationError, Forbidden, ModelNotFound, Unavailable),
)
async def get_model(name: ModelName, who: TaskReader) -> JSONResponse:
    """Return a model, by its name or by the name of one of OpenAI's models."""
    version_of(name)
    return JSONResponse(_view(name))


@router.get(
    "/audio/models",
    operation_id="listAudioModels",
    summary="List models for chat front ends",
    response_model=AudioModelList,
    responses=error_responses(AuthenticationError, Forbidden, Unavailable),
)
async def list_audio_models(who: TaskReader) -> JSONResponse:
    """Return the models and OpenAI's names for them, as chat front ends read them."""
    return JSONResponse({"models": [{"id": name} for name in (*MODELS, *ALIASES)]})


def version_of(model: str) -> str | None:
    """Return the soundVersion of a model, or None for the version of the voice.

    Raises:
        ModelNotFound: The service has no such model.
    """
    if model in ALIASES:
        return None
    if model not in MODELS:
        raise ModelNotFound(
            f"there is no model {model[:60]!r}; there are {', '.join(MODELS)}, and for the "
            f"version that the voice was made with {', '.join(ALIASES[:3])}",
            param="model",
        )
    return MODELS[model]


def _view(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": RELEASED, "owned_by": "soundclone"}
