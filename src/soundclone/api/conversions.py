"""Route for voice conversions."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from .auth import LimitedSpeaker
from .errors import ServiceRoute
from .openapi import error_responses
from .orders import conversion_order, submit
from .schemas import ConversionResponse, SoundCloneConversionRequest, ok
from .state import state_of
from .tasks import SUBMISSION, IdempotencyKey, view

service_router = APIRouter(prefix="/api/open-api/v1", route_class=ServiceRoute, tags=["Tasks"])


@service_router.post(
    "/soundCloning/voice-conversions",
    operation_id="createSoundCloneConversion",
    summary="Convert a recording to a voice",
    response_model=ConversionResponse,
    responses=error_responses(*SUBMISSION),
    response_description="Task created",
)
async def create_conversion(
    request: Request,
    body: SoundCloneConversionRequest,
    who: LimitedSpeaker,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Turn a recording of another person into the same performance in a voice.

    Timing, melody and emphasis of the performer stay. Poll the task for `audioUrl`. The price of
    `maxSeconds` is held, and the duration of the recording is charged.
    """
    state = state_of(request)
    order = await conversion_order(state, body, who, idempotency_key)
    return JSONResponse(ok(view(request, await submit(state, order))))
