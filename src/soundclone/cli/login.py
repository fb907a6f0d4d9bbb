"""`soundclone login`, `logout` and `open`: sign in to a service."""

from __future__ import annotations

import sys
import webbrowser
from typing import Annotated

import typer

from . import credentials
from .common import AsJson, fail, print_json
from .connection import ApiKey, BaseUrl, connected


def login(
    url: Annotated[
        str | None,
        typer.Option(
            "--url",
            envvar="SOUNDCLONE_BASE_URL",
            help="Base URL of the service (default: asked for, or http://127.0.0.1:8000)",
            show_default=False,
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            "--key",
            envvar="SOUNDCLONE_API_KEY",
            help="API key (default: asked for, or read from standard input)",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Store the URL and API key of a service.

    Both are checked first, and stored in a file that only you can read. Options and environment
    variables take precedence over the stored login.
    """
    terminal = sys.stdin.isatty()
    if not url:
        url = credentials.DEFAULT_URL
        if terminal:
            url = str(typer.prompt("URL of the service", default=credentials.DEFAULT_URL, err=True))
    if not key and terminal:
        key = str(typer.prompt("API key", hide_input=True, err=True))
    key = key or sys.stdin.readline()
    url, key = url.strip(), key.strip()
    if not key:
        fail("no API key was given; pass --key, or pipe the key in", "unauthenticated")
    with connected(url, key) as client:
        name = client.key_balance().name
    path = credentials.store(credentials.Login(url, key))
    if as_json:
        print_json({"url": url, "key": name, "file": str(path)})
    else:
        typer.echo(f"logged in to {url} with key {name}; stored in {path}")


def logout(as_json: AsJson = False) -> None:
    """Remove the stored URL and API key. The key remains valid."""
    path = credentials.remove()
    if as_json:
        print_json({"file": None if path is None else str(path)})
    else:
        typer.echo("no login was stored" if path is None else f"removed {path}")


def open_studio(
    url: BaseUrl = None,
    key: ApiKey = None,
    show: Annotated[
        bool, typer.Option("--print", help="Print the sign-in link instead of opening a browser")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Open the studio in a browser, signed in.

    The sign-in link works once, for ten minutes. With --json the link is printed only.
    """
    with connected(url, key) as client:
        link = client.sign_in_link()
    if as_json:
        print_json({"url": link.url, "expiresAt": link.expires_at})
    elif show:
        typer.echo(link.url)
    elif webbrowser.open(link.url):
        typer.echo(f"opened {link.url.partition('?')[0].removesuffix('/sign-in')}")
    else:
        typer.echo(f"no browser was found; open this link within ten minutes:\n{link.url}")
