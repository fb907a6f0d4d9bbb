"""Examples for the API: a shell script and a Python program for each task of the studio.

Both read the key from the environment variable SOUNDCLONE_API_KEY, and run without changes.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from fastapi import Request

from ...core.formatting import DAY
from ...core.requests import (
    CloneRequest,
    ConversionRequest,
    JoinedSource,
    SpeechOptions,
    SpeechRequest,
    UrlSource,
    request_of,
)
from ...db.models import Task
from ..state import state_of
from ..tasks import link

API = "/api/open-api/v1"
# Submit a task, wait until it ends, and download its audio. The script must not call `exit`, which
# would close the terminal that it is pasted into.
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
_LINE = 70  # characters of a call on one line


@dataclass(frozen=True)
class Snippet:
    """An example for a shell and in Python."""

    curl: str
    python: str


@dataclass(frozen=True)
class _Value:
    """A value of a request, with its field in JSON and its argument in Python."""

    field: str
    argument: str
    value: object


_CONTROLS = (  # attribute of SpeechOptions, field, argument
    ("emotion", "emotion", "emotion"),
    ("speed", "speed", "speed"),
    ("volume", "vol", "vol"),
    ("pitch", "pitch", "pitch"),
    ("format", "format", "format"),
    ("sample_rate", "sampleRate", "sample_rate"),
    ("channels", "channel", "channel"),
)


def of_task(request: Request, task: Task) -> Snippet | None:
    """Return an example that makes the same task.

    None for a render, and once the task's text is no longer kept.
    """
    made = request_of(task)
    if isinstance(made, CloneRequest):
        return _of_clone(request, task, made)
    if isinstance(made, ConversionRequest):
        return _of_conversion(request, task, made)
    return _of_speech(request, task, made) if isinstance(made, SpeechRequest) else None


def _of_clone(request: Request, task: Task, made: CloneRequest) -> Snippet:
    source = source_of(request, task, made)
    values = list(_text_values(made))
    call = _call("clone", [source], [_Value("contentText", "text", made.text), *values])
    return _example(
        request,
        route="soundCloning/clones",
        body={"fileUrl": source, "contentText": made.text} | _fields(values),
        file="preview.mp3",
        lines=(f"voice = client.{call}", 'client.download(voice, "preview.mp3")'),
        result="print(voice.model_id)",
    )


def _of_speech(request: Request, task: Task, made: SpeechRequest) -> Snippet:
    values = [*_text_values(made), *_control_values(made.options)]
    body = {"modelId": task.voice_id, "contentText": made.text} | _fields(values)
    if unit := made.options.subtitles:
        body["subtitleEnable"] = True
        if unit != "sentence":
            body["subtitleType"] = unit.value
        values.append(_Value("", "subtitles", unit.value))
    file = f"speech.{made.options.format}"
    return _example(
        request,
        route="soundCloning/audios",
        body=body,
        file=file,
        lines=(
            f"speech = client.{_call('speak', [task.voice_id, made.text], values)}",
            f'client.download(speech, "{file}")',
        ),
        result="print(speech.cost)",
    )


def _of_conversion(request: Request, task: Task, made: ConversionRequest) -> Snippet:
    source = source_of(request, task, made)
    values = [
        _Value("maxSeconds", "max_seconds", made.max_seconds),
        *_control_values(made.options),
    ]
    file = f"converted.{made.options.format}"
    return _example(
        request,
        route="soundCloning/voice-conversions",
        body={"modelId": task.voice_id, "fileUrl": source} | _fields(values),
        file=file,
        lines=(
            f"speech = client.{_call('convert', [task.voice_id, source], values)}",
            f'client.download(speech, "{file}")',
        ),
        result="print(speech.cost)",
    )


def _text_values(made: CloneRequest | SpeechRequest) -> Iterator[_Value]:
    yield _Value("soundVersion", "version", made.version.value)
    if made.language:
        yield _Value("language", "language", made.language)


def _control_values(options: SpeechOptions) -> Iterator[_Value]:
    """Return the options that differ from their default."""
    usual = SpeechOptions()
    for name, field, argument in _CONTROLS:
        value = getattr(options, name)
        if value != getattr(usual, name):
            plain = value.value if isinstance(value, StrEnum) else value
            yield _Value(field, argument, plain)


def _fields(values: Iterable[_Value]) -> dict[str, object]:
    return {each.field: each.value for each in values}


def of_voices(request: Request) -> Snippet:
    """Return an example that lists the voices."""
    base = _base(request)
    return Snippet(
        f"curl -sS {base}{API}/voices {_HEADER}",
        _program(base, "for voice in client.voices():", "    print(voice.model_id, voice.active)"),
    )


def of_balance(request: Request) -> Snippet:
    """Return an example that gets the balance."""
    base = _base(request)
    return Snippet(
        f"curl -sS {base}{API}/user/balance {_HEADER}",
        _program(base, "print(client.balance().available)"),
    )


def source_of(request: Request, task: Task, made: CloneRequest | ConversionRequest) -> str:
    """Return a URL of the recording that a task makes a voice from, or converts."""
    if isinstance(made.source, UrlSource):
        return made.source.url
    key = made.source.keys[0] if isinstance(made.source, JoinedSource) else made.source.key
    expires = task.created_at + state_of(request).settings.upload_days * DAY
    return link(request, key, int(expires))


def _example(
    request: Request,
    *,
    route: str,
    body: dict[str, object],
    file: str,
    lines: Iterable[str],
    result: str,
) -> Snippet:
    base = _base(request)
    curl = _SCRIPT.format(
        api=shlex.quote(base + API),
        route=route,
        body=shlex.quote(json.dumps(body, ensure_ascii=False)),
        file=file,
    )
    return Snippet(curl, _program(base, *lines, then=result))


def _call(method: str, positional: Iterable[str], named: Iterable[_Value]) -> str:
    """Return the call of a method of the SDK, on one line if it is short."""
    arguments = [*map(repr, positional), *(f"{each.argument}={each.value!r}" for each in named)]
    one_line = f"{method}({', '.join(arguments)})"
    if len(one_line) < _LINE:
        return one_line
    return f"{method}(\n" + "".join(f"        {each},\n" for each in arguments) + "    )"


def _program(base: str, *lines: str, then: str = "") -> str:
    inside = "\n".join(f"    {line}" for line in lines)
    return (
        "from soundclone_client import Client\n\n"
        f"with Client({base!r}) as client:  # the key is in SOUNDCLONE_API_KEY\n{inside}\n{then}"
    ).rstrip()


def _base(request: Request) -> str:
    return (state_of(request).settings.public_url or str(request.base_url)).rstrip("/")
