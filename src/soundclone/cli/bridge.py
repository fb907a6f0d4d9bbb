"""`soundclone mcp` and `wyoming`: give programs with other protocols the use of a service."""

from __future__ import annotations

import ipaddress
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from . import credentials
from .common import fail, refuse
from .connection import ApiKey, BaseUrl
from .remote import Emotion

MCP_EXAMPLES = """\b
Examples:
  soundclone mcp --folder ~/voices
  soundclone mcp --http --port 8765

An MCP client starts the first command itself. In HTTP mode each client sends its own API key."""


def mcp(
    folder: Annotated[
        Path | None,
        typer.Option(
            help="Folder in which tools may read recordings and save speech (default: no files)",
            show_default=False,
        ),
    ] = None,
    http: Annotated[
        bool, typer.Option("--http", help="Listen for streamable HTTP, instead of stdio")
    ] = False,
    host: Annotated[str, typer.Option(help="Address to listen on, with --http")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="Port to listen on, with --http", min=1, max=65535)
    ] = 8765,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="Further host name in requests, with --http; may be repeated"),
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(help="Origin of web pages that may connect, with --http; may be repeated"),
    ] = None,
    url: BaseUrl = None,
    key: ApiKey = None,
) -> None:
    """Serve MCP tools that use a running service."""
    _require("mcp")
    if http and folder:
        refuse("--folder and --http exclude each other: HTTP clients would share the files")
    if not http and (allow_host or allow_origin):
        refuse("--allow-host and --allow-origin require --http")
    if folder is not None and not folder.is_dir():
        fail(f"{folder} is not a folder", "file")
    from .bridges import mcp as bridge
    from .bridges.folder import Folder

    login = credentials.resolve(url, key)
    base = login.url or credentials.DEFAULT_URL
    if not base.lower().startswith(("http://", "https://")):
        fail(f"the URL is {base!r}; it must begin with http:// or https://", "invalid_parameter")
    if not http:
        access = bridge.Bridge(base, _key_of(login), Folder(folder) if folder else None)
        bridge.build(access).run("stdio")
        return
    import uvicorn

    _warn_if_public(host, "anybody who reaches the port can try keys, and keys are sent in clear")
    app = bridge.http_app(bridge.Bridge(base), host, allow_host or (), allow_origin or ())
    shown = f"[{host}]" if ":" in host else host
    typer.echo(f"MCP at http://{shown}:{port}{bridge.PATH}, for the service at {base}", err=True)
    uvicorn.run(app, host=host, port=port, log_level="warning")


def wyoming(
    uri: Annotated[
        str, typer.Option(help="Address to listen on: tcp://HOST:PORT or unix:///PATH")
    ] = "tcp://127.0.0.1:10200",
    voice: Annotated[
        str | None,
        typer.Option(help="Voice of requests that name none (default: the newest voice)"),
    ] = None,
    emotion: Annotated[Emotion, typer.Option(help="Emotion of all speech")] = "neutral",
    speed: Annotated[
        float, typer.Option(help="Speaking rate of all speech (1 = normal)", min=0.5, max=2)
    ] = 1.0,
    url: BaseUrl = None,
    key: ApiKey = None,
) -> None:
    """Serve the voices of an account to Home Assistant.

    Wyoming has no keys: everybody who reaches the address speaks at the expense of the account.
    """
    _require("wyoming")
    import asyncio

    from soundclone_client import AsyncClient, ClientError

    from .bridges import wyoming as bridge

    login = credentials.resolve(url, key)
    base = login.url or credentials.DEFAULT_URL
    try:
        host = bridge.checked_uri(uri)
        client = AsyncClient(base, _key_of(login), retries=1)
    except ValueError as error:
        fail(str(error), "invalid_parameter")
    if host:
        _warn_if_public(host, "everybody who reaches the port speaks at the expense of the account")

    def started(warning: str) -> None:
        typer.echo(f"Wyoming at {uri}, for the service at {base}", err=True)
        if warning:
            typer.secho(f"warning: {warning}", fg="yellow", err=True)

    options = bridge.Options(voice, None if emotion == "neutral" else emotion, speed)
    try:
        asyncio.run(bridge.serve(client, base, uri, options, started))
    except ClientError as error:
        fail(error.message, error.word)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        fail(f"{uri} is not available: {reason}; choose another with --uri")


def _key_of(login: credentials.Login) -> str:
    key = (login.key or "").strip()
    if not key:
        fail(
            "there is no API key; run `soundclone login`, set SOUNDCLONE_API_KEY, or pass --key",
            "unauthenticated",
        )
    return key


def _require(package: str) -> None:
    """End the command if an optional package is missing."""
    if find_spec(package) is None:
        fail(
            f"the package {package} is not installed; run `pip install 'soundclone[{package}]'`",
            "not_installed",
        )


def _warn_if_public(host: str, risk: str) -> None:
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    if not local:
        typer.secho(f"warning: {host} is not a loopback address: {risk}", fg="yellow", err=True)
