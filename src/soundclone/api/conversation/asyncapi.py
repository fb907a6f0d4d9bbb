"""The AsyncAPI document of the conversation, made from the types of its messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from ... import __version__
from .messages import CLIENT_MESSAGES, SERVER_MESSAGES, type_of
from .session import PATH

_DESCRIPTION = """\
Speech for a text that arrives in pieces. The client sends `start`, then `text` as it arrives, and
`flush` at the end of an answer. The server speaks each clause as soon as the clause is complete.
`cancel` ends an answer early, at the price of what was delivered."""
_AUDIO = "audio_frame"

router = APIRouter(include_in_schema=False)


@router.get("/asyncapi.json")
async def get_document(request: Request) -> JSONResponse:
    """Return the AsyncAPI document."""
    url = request.base_url
    secure = url.scheme == "https"
    return JSONResponse(document(url.netloc, "wss" if secure else "ws"))


def document(host: str, protocol: str = "ws") -> dict[str, Any]:
    """Return the AsyncAPI document of a server.

    Args:
        host: Name and port of the server.
        protocol: ws or wss.
    """
    models: list[tuple[type[BaseModel], Literal["validation", "serialization"]]] = [
        *((model, "validation") for model in CLIENT_MESSAGES),
        *((model, "serialization") for model in SERVER_MESSAGES),
    ]
    _, schemas = models_json_schema(models, ref_template="#/components/schemas/{model}")
    client, server = [*map(type_of, CLIENT_MESSAGES)], [*map(type_of, SERVER_MESSAGES), _AUDIO]
    messages = {type_of(model): _message(model) for model in (*CLIENT_MESSAGES, *SERVER_MESSAGES)}
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
        "channels": {
            "conversation": {
                "address": PATH,
                "title": "Conversation",
                "messages": {
                    name: {"$ref": f"#/components/messages/{name}"} for name in (*client, *server)
                },
                "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
            }
        },
        "operations": {
            "listen": _operation("receive", "Receive the client's text and requests", client),
            "speak": _operation("send", "Send audio, times, prices and errors", server),
        },
        "components": {
            "messages": messages,
            "schemas": schemas["$defs"],
            "securitySchemes": {
                "bearerAuth": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key: sk_…. Clients that cannot set headers send "
                    "`api_key` in `start`.",
                }
            },
        },
    }


def _message(model: type[BaseModel]) -> dict[str, Any]:
    name = type_of(model)
    return {
        "name": name,
        "title": name,
        "summary": (model.__doc__ or "").strip(),
        "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
    }


def _operation(action: str, summary: str, messages: Sequence[str]) -> dict[str, Any]:
    return {
        "action": action,
        "summary": summary,
        "channel": {"$ref": "#/channels/conversation"},
        "messages": [{"$ref": f"#/channels/conversation/messages/{name}"} for name in messages],
    }
