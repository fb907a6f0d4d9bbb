"""A shell script and a Python program that repeat a step of the studio.

Each takes the key from the environment variable SOUNDCLONE_API_KEY, and runs as it is shown.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from ...core.requests import CloneRequest, SpeechOptions, UrlSource, request_of
from ...db.models import Task
from ..state import state_of
from ..tasks import DAY, link

API = "/api/open-api/v1"
# Submits a task, waits until it ends, and downloads its audio. No `exit`: it would close the
# terminal that the lines are pasted into.
_SCRIPT = """\
api={api}
auth="Authorization: Bearer $SOUNDCLONE_API_KEY"
task=$(curl -sS "$api/{route}" -H "$auth" -H 'Content-Type: application/json' -d {body})
id=$(printf '%s' "$task" | sed -n 's/.*"data":{{"id":"\\([^"]*\\)".*/\\1/p')
while [ -n "$id" ]; do
  task=$(curl -sS "$api/audios/$id" -H "$auth")
  case $task in *'"status":"queued"'*|*'"status":"processing"'*) sleep 1 ;; *) break ;; esac
done
url=$(printf '%s' "$task" | sed -n 's/.*"audioUrl":"\\([^"]*\\)".*/\\1/p')
if [ -n "$url" ]; then curl -sS -o {file} "$url"; else printf '%s\\n' "$task"; fi"""
_HEADER = '-H "Authorization: Bearer $SOUNDCLONE_API_KEY"'
_CLONE = {"text": "contentText", "version": "soundVersion", "language": "language"}
_SPEAK = _CLONE | {
    "emotion": "emotion",
    "speed": "speed",
    "vol": "vol",
    "pitch": "pitch",
    "format": "format",
    "sample_rate": "sampleRate",
    "channels": "channel",
}
_USUAL: Mapping[str, Any] = {"language": "auto", **SpeechOptions().to_json()}
_IN_PYTHON = {"channels": "channel"}


@dataclass(frozen=True)
class Snippet:
    """The same for a shell and in Python."""

    curl: str
    python: str


def of_task(request: Request, task: Task) -> Snippet | None:
    """Commands that make such a task, wait for it and download it; None once the text of the task
    is no longer kept."""
    made = request_of(task)
    if made is None:
        return None
    params = task.params
    fields = _CLONE if isinstance(made, CloneRequest) else _SPEAK
    chosen = {name: params[name] for name in fields if _differs(params, name)}
    body = {fields[name]: value for name, value in chosen.items()}
    if isinstance(made, CloneRequest):
        source = source_of(request, task, made)
        route, body = "soundCloning/clones", {"fileUrl": source} | body
        call = _call("clone", source, _named(chosen))
        file = "preview.mp3"
        shown = "print(task.model_id)"
    else:
        route, body = "soundCloning/audios", {"modelId": task.voice_id} | body
        named = _named(chosen)
        text = named.pop("text")
        if params.get("subtitles"):
            body["subtitleEnable"] = True
            named["subtitles"] = params["subtitles"]
            if params["subtitles"] == "word":
                body["subtitleType"] = "word"
        call = _call("speak", task.voice_id, named, text)
        file = f"speech.{params.get('format', 'mp3')}"
        shown = "print(task.cost)"
    base = _base(request)
    curl = _SCRIPT.format(
        api=shlex.quote(base + API),
        route=route,
        body=shlex.quote(json.dumps(body, ensure_ascii=False)),
        file=file,
    )
    program = _program(
        base, f"task = client.{call}", f'client.download(task, "{file}")', then=shown
    )
    return Snippet(curl, program)


def of_voices(request: Request) -> Snippet:
    """How the voices are listed."""
    return Snippet(
        f"curl -sS {_base(request)}{API}/voices {_HEADER}",
        _program(
            _base(request),
            "for voice in client.voices():",
            "    print(voice.model_id, voice.active)",
        ),
    )


def of_balance(request: Request) -> Snippet:
    """How the balance is asked for."""
    return Snippet(
        f"curl -sS {_base(request)}{API}/user/balance {_HEADER}",
        _program(_base(request), "print(client.balance().available)"),
    )


def _differs(params: Mapping[str, Any], name: str) -> bool:
    return params.get(name) is not None and params[name] != _USUAL.get(name, object())


def _named(chosen: Mapping[str, Any]) -> dict[str, Any]:
    return {_IN_PYTHON.get(name, name): value for name, value in chosen.items()}


def source_of(request: Request, task: Task, made: CloneRequest) -> str:
    """Return a URL of the recording that a task makes a voice from."""
    if isinstance(made.source, UrlSource):
        return made.source.url
    days: float = state_of(request).settings.upload_days
    return link(request, made.source.key, int(task.created_at + days * DAY))


def _call(method: str, first: str, named: Mapping[str, Any], *more: str) -> str:
    arguments = [repr(first), *map(repr, more)]
    arguments += [f"{name}={value!r}" for name, value in named.items()]
    one_line = f"{method}({', '.join(arguments)})"
    if len(one_line) < 70:
        return one_line
    return f"{method}(\n" + "".join(f"        {each},\n" for each in arguments) + "    )"


def _program(base: str, *lines: str, then: str = "") -> str:
    inside = "\n".join(f"    {line}" for line in lines)
    return (
        "from soundclone_client import Client\n\n"
        f"with Client({base!r}) as client:  # its key is in SOUNDCLONE_API_KEY\n{inside}\n{then}"
    ).rstrip()


def _base(request: Request) -> str:
    public: str = state_of(request).settings.public_url
    return (public or str(request.base_url)).rstrip("/")
