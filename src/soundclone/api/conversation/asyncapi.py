"""The AsyncAPI document of the WebSockets, made from the types of their messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from ... import __version__
from ..fronts import registry
from ..fronts.front import Channel
from ..state import State
from .messages import CLIENT_MESSAGES, SERVER_MESSAGES, type_of
from .session import PATH

_DESCRIPTION = """\
Speech for a text that arrives in pieces. The client sends `start`, then `text` as it arrives, and
`flush` at the end of an answer. The server speaks each clause as soon as the clause is complete.
`cancel` ends an answer early, at the price of what was delivered."""
_AUDIO = "audio_frame"
_Mode = Literal["validation", "serialization"]

router = APIRouter(include_in_schema=False)


CONVERSATION = Channel(
    name="conversation",
    address=PATH,
    title="Conversation",
    client={type_of(model): model for model in CLIENT_MESSAGES},
    server={type_of(model): model for model in SERVER_MESSAGES},
)
"""The service's own WebSocket."""


@router.get("/asyncapi.json")
async def get_document(request: Request, state: State) -> JSONResponse:
    """Return the AsyncAPI document of the WebSockets that are switched on."""
    url = request.base_url
    secure = url.scheme == "https"
    fronts = registry.enabled(state.settings)
    channels = [channel for front in fronts for channel in front.channels]
    return JSONResponse(document(url.netloc, "wss" if secure else "ws", channels))


def document(host: str, protocol: str = "ws", channels: Sequence[Channel] = ()) -> dict[str, Any]:
    """Return the AsyncAPI document of a server.

    Args:
        host: Name and port of the server.
        protocol: ws or wss.
        channels: WebSockets of the fronts.
    """
    all_channels = [CONVERSATION, *channels]
    named = {
        _key(channel, name): (name, model, mode)
        for channel in all_channels
        for name, model, mode in _models(channel)
    }
    payloads, schemas = models_json_schema(
        list(dict.fromkeys((model, mode) for _, model, mode in named.values())),
        ref_template="#/components/schemas/{model}",
    )
    messages = {
        key: _message(name, model, payloads[model, mode])
        for key, (name, model, mode) in named.items()
    }
    messages[_AUDIO] = {
        "name": _AUDIO,
        "title": "Binary frame",
        "summary": "Piece of the audio of the last `clause`, in a session with `audio: binary`.",
        "contentType": "application/octet-stream",
        "payload": {"type": "string", "format": "binary"},
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "soundclone conversation",
            "version": __version__,
            "description": _DESCRIPTION,
        },
        "defaultContentType": "application/json",
        "servers": {
            "this": {
                "host": host,
                "protocol": protocol,
                "security": [{"$ref": "#/components/securitySchemes/bearerAuth"}],
            }
        },
        "channels": {channel.name: _channel(channel) for channel in all_channels},
        "operations": dict(_operations(all_channels)),
        "components": {
            "messages": messages,
            "schemas": schemas["$defs"],
            "securitySchemes": {
                "bearerAuth": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key: sk_…. Clients that cannot set headers send "
                    "`api_key` in `start`. ElevenLabs' clients send `xi-api-key`.",
                }
            },
        },
    }


def _models(channel: Channel) -> Iterator[tuple[str, type[BaseModel], _Mode]]:
    """Yield the name of each message, its model and the direction of its schema."""
    for name, model in channel.client.items():
        yield name, model, "validation"
    for name, model in channel.server.items():
        yield name, model, "serialization"


def _key(channel: Channel, name: str) -> str:
    """Return the key of a message, which is unique in the document."""
    return name if channel is CONVERSATION else f"{channel.name}.{name}"


def _keys(channel: Channel, names: Iterable[str], *, server: bool) -> list[str]:
    extra = [_AUDIO] if server and channel is CONVERSATION else []
    return [*(_key(channel, name) for name in names), *extra]


def _message(name: str, model: type[BaseModel], payload: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "title": name,
        "summary": (model.__doc__ or "").strip(),
        "payload": payload,
    }


def _channel(channel: Channel) -> dict[str, Any]:
    names = [
        *_keys(channel, channel.client, server=False),
        *_keys(channel, channel.server, server=True),
    ]
    binding: dict[str, Any] = {"method": "GET", "bindingVersion": "0.1.0"}
    if channel.query:
        properties = {
            name: {"type": "string", "description": text} for name, text in channel.query.items()
        }
        binding["query"] = {"type": "object", "properties": properties}
    found: dict[str, Any] = {
        "address": channel.address,
        "title": channel.title,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {"ws": binding},
    }
    if channel.parameters:
        found["parameters"] = {
            name: {"description": text} for name, text in channel.parameters.items()
        }
    return found


def _operations(channels: Sequence[Channel]) -> Iterator[tuple[str, dict[str, Any]]]:
    for channel in channels:
        for server, action, verb, summary in (
            (False, "receive", "listen", "Receive the client's text and requests"),
            (True, "send", "speak", "Send audio, times, prices and errors"),
        ):
            names = _keys(channel, channel.server if server else channel.client, server=server)
            place = f"#/channels/{channel.name}"
            yield (
                verb if channel is CONVERSATION else f"{channel.name}.{verb}",
                {
                    "action": action,
                    "summary": summary,
                    "channel": {"$ref": place},
                    "messages": [{"$ref": f"{place}/messages/{name}"} for name in names],
                },
            )
