"""A relay between Playwright and the Firefox of a distribution.

Playwright drives an unchanged Firefox with WebDriver BiDi, and cannot open a window if the browser
lacks one of its commands. Firefox 153 has no `emulation.setMediaFeaturesOverride`. `launcher`
writes a program that Playwright starts in place of Firefox. The program starts Firefox, forwards
each message, and reports success for the commands in `OPTIONAL` that Firefox does not know.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import shutil
import sys
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve

OPTIONAL = ("emulation.setMediaFeaturesOverride",)
LISTENING = re.compile(r"WebDriver BiDi listening on (ws://\S+)")


def installed() -> str | None:
    """Return the path of Firefox, or None if there is none."""
    names = (os.environ.get("SOUNDCLONE_FIREFOX", ""), "firefox-esr", "firefox")
    return next(filter(None, map(shutil.which, filter(None, names))), None)


def launcher(program: str, folder: Path) -> Path:
    """Write an executable into `folder` that starts `program` behind a relay."""
    file = folder / "firefox"
    command = shlex.join([sys.executable, str(Path(__file__).resolve()), program])
    file.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    file.chmod(0o755)
    return file


def answered(message: str, optional: set[int]) -> str:
    """Return Firefox's message, or success if it refuses a command of `optional`."""
    if not optional:
        return message
    found = json.loads(message)
    if found.get("id") not in optional:
        return message
    optional.remove(found["id"])
    if found.get("error") != "unknown command":
        return message
    return json.dumps({"type": "success", "id": found["id"], "result": {}})


async def relay(playwright: ServerConnection, firefox: ClientConnection) -> None:
    """Forward messages in both directions until one side closes."""
    optional: set[int] = set()

    async def forth() -> None:
        async for message in playwright:
            if any(method in str(message) for method in OPTIONAL):
                command = json.loads(message)
                if command["method"] in OPTIONAL:
                    optional.add(command["id"])
            await firefox.send(message)
        await firefox.close()

    async def back() -> None:
        async for message in firefox:
            await playwright.send(answered(str(message), optional))
        await playwright.close()

    await asyncio.gather(forth(), back())


async def run(program: str, arguments: list[str]) -> int:
    """Run Firefox with a relay, and return its exit status."""
    process = await asyncio.create_subprocess_exec(
        program, *arguments, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    address = ""

    async def accept(playwright: ServerConnection) -> None:
        async with connect(f"{address}/session", max_size=None, ping_interval=None) as firefox:
            await relay(playwright, firefox)

    async with serve(accept, "127.0.0.1", 0, max_size=None, ping_interval=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async for line in process.stderr:
            text = line.decode(errors="replace")
            if found := LISTENING.search(text):
                address = found[1]
                text = text.replace(address, f"ws://127.0.0.1:{port}")
            sys.stderr.write(text)
            sys.stderr.flush()
        return await process.wait()


if __name__ == "__main__":
    raise SystemExit(asyncio.run(run(sys.argv[1], sys.argv[2:])))
