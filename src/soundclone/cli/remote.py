"""`soundclone clone`, `speak` and `cancel`: use a running service over HTTP."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast, get_args

import typer

from .common import AsJson, fail, print_json, refuse
from .connection import ApiKey, BaseUrl, Quiet, called_off, connected
from .progress import following, transferring
from .voices import VoiceName, id_of

if TYPE_CHECKING:
    from soundclone_client import Client, Task

Version = Literal["v1", "v2"]
Emotion = Literal["happy", "sad", "angry", "fearful", "disgusted", "surprised", "neutral"]
Format = Literal["mp3", "wav", "flac", "ogg"]

STANDARD = Path("-")  # input or output
LONGEST_TEXT = 1_000_000  # bytes that are read: far more than any service takes

CLONE_EXAMPLES = """\b
Examples:
  soundclone clone me.mp3 --text "Hello, it is me." -o preview.mp3
  soundclone clone https://media.example.com/me.mp3 --sound-version v2 --language Tamil
  VOICE=$(soundclone clone me.mp3 --quiet)
  soundclone clone anna.mp3 --consent anna-agrees.mp3 --speaker "Anna Berg"

Ctrl-C cancels the task on the service, which then costs nothing."""

SPEAK_EXAMPLES = """\b
Examples:
  soundclone speak model_… --text "Good evening." -o evening.mp3
  soundclone speak model_… -f chapter.txt -o chapter.flac --subtitles chapter.srt
  echo "Good evening." | soundclone speak model_… -o - | ffplay -autoexit -

In the text, <#0.5#> is a pause of half a second. With `-o -` the audio goes to standard output and
the report to standard error. Ctrl-C cancels the task on the service, which then costs nothing."""


def complete_language() -> list[str]:
    """What a shell may offer."""
    from ..text.languages import LANGUAGES

    return ["auto", *LANGUAGES]


Language = Annotated[
    str,
    typer.Option(
        help="Of the text, as `soundclone languages` names it; auto: found by sentence",
        autocompletion=complete_language,
    ),
]


def clone(
    source: Annotated[
        str, typer.Argument(help="URL or file: 15 to 60 s of somebody speaking", metavar="SOURCE")
    ],
    text: Annotated[
        str | None, typer.Option(help="What the preview says; left out, a line of the language")
    ] = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Of the preview, MP3; - for standard output")
    ] = Path("preview.mp3"),
    language: Language = "auto",
    version: Annotated[
        Version,
        typer.Option("--sound-version", "--version", help="v1: 24 languages; v2: 40"),
    ] = "v1",
    name: Annotated[
        str | None, typer.Option(help="Of the voice: `speak` takes it instead of the id")
    ] = None,
    consent: Annotated[
        str | None,
        typer.Option(
            help="File, URL or cons_… id of a recording in which the speaker agrees",
            metavar="SOURCE",
        ),
    ] = None,
    speaker: Annotated[
        str | None, typer.Option(help="Name of the speaker, who has agreed to be cloned")
    ] = None,
    own_voice: Annotated[
        bool, typer.Option("--own-voice", help="The voice is yours, and you agree")
    ] = False,
    url: BaseUrl = None,
    key: ApiKey = None,
    quiet: Annotated[
        bool, typer.Option("-q", "--quiet", help="Print the voice's id and nothing else")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a voice from a recording and hear a preview of it."""
    from soundclone_client import Consent

    _check_outputs(output)
    if output.suffix.lower() not in ("", ".mp3") and not output.exists():
        refuse(f"{output} has the ending {output.suffix}; previews are MP3: use .mp3")
    _check_language(language)
    if own_voice and speaker:
        refuse("--own-voice and --speaker were given; the voice is yours or somebody else's")
    agreed = Consent(consent, speaker or "", own_voice) if consent or speaker or own_voice else None
    silent = quiet or as_json
    with connected(url, key) as client:
        if not source.lower().startswith(("http://", "https://")) and "://" not in source:
            if not Path(source).is_file():
                fail(f"{source} is no file, and no http(s) URL either", "file")
            with transferring("uploading", silent) as transferred:
                source = client.upload(source, on_progress=transferred).url
        if consent and not _is_remote(consent) and not Path(consent).is_file():
            fail(f"{consent} is no file, no http(s) URL, and no id of a voice consent", "file")
        task = client.clone(
            source,
            text=text,
            version=version,
            language=language,
            consent=agreed,
            name=name,
            wait=False,
        )
        with called_off(task, url, key), following("cloning", silent) as show:
            task = client.wait(task, on_progress=show)
        _save(client, task.audio_url or "", output, silent)
    files = {"preview": output}
    if quiet and not as_json:
        typer.echo(task.model_id, err=_is_standard(output))
    else:
        _report(task, files, as_json)


def _is_remote(consent: str) -> bool:
    return consent.lower().startswith(("http://", "https://", "cons_"))


def speak(
    voice: VoiceName,
    text: Annotated[str | None, typer.Option(help="What to say")] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "-f", "--file", help="A text file in UTF-8; - or left out: standard input, from a pipe"
        ),
    ] = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="MP3, WAV, FLAC or Ogg; - for standard output")
    ] = Path("speech.mp3"),
    subtitles: Annotated[Path | None, typer.Option(help="Also write this SRT file")] = None,
    words: Annotated[bool, typer.Option("--words", help="Subtitles by word")] = False,
    language: Language = "auto",
    emotion: Annotated[Emotion, typer.Option(help="How it is said")] = "neutral",
    speed: Annotated[float, typer.Option(help="Of speaking", min=0.5, max=2)] = 1.0,
    vol: Annotated[float, typer.Option(help="Loudness, above 0", min=0, max=10)] = 1.0,
    pitch: Annotated[int, typer.Option(help="Semitones", min=-12, max=12)] = 0,
    format: Annotated[
        Format | None,
        typer.Option(help="Left out, what the output's name ends with, or else mp3"),
    ] = None,
    sample_rate: Annotated[
        int | None, typer.Option(help="Hz, 8000 to 48000; left out, 44100, of ogg 48000")
    ] = None,
    channel: Annotated[int | None, typer.Option(help="Channels", min=1, max=2)] = None,
    url: BaseUrl = None,
    key: ApiKey = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Say a text in a cloned voice."""
    if text is not None and file is not None:
        refuse("a text was given by --text and by --file; one of them is needed")
    if words and subtitles is None:
        refuse("--words is of subtitles; name their file by --subtitles")
    _check_outputs(output, *([subtitles] if subtitles else []))
    if format is None:
        format = _format_of(output)
    if text is None:
        text = _read_text(file)
    if not text.strip():
        fail("the text is empty; it must have at least one letter or digit", "invalid_parameter")
    _check_language(language)
    silent = quiet or as_json
    with connected(url, key) as client:
        task = client.speak(
            id_of(client, voice),
            text,
            language=language,
            emotion=emotion,
            speed=speed,
            vol=vol,
            pitch=pitch,
            subtitles=("word" if words else "sentence") if subtitles else None,
            format=format,
            sample_rate=sample_rate,
            channel=cast("Literal[1, 2] | None", channel),
            wait=False,
        )
        with called_off(task, url, key), following("speaking", silent) as show:
            task = client.wait(task, on_progress=show)
        if subtitles and task.subtitle_file:
            _save(client, task.subtitle_file, subtitles, silent)
        _save(client, task.audio_url or "", output, silent)
    files = {"speech": output} | ({"subtitles": subtitles} if subtitles else {})
    if as_json or not quiet:
        _report(task, files, as_json)


def cancel(
    task_id: Annotated[str, typer.Argument(help="audio_…")],
    url: BaseUrl = None,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Call a task off; nothing is charged. One that has ended stays as it is."""
    with connected(url, key) as client:
        task = client.cancel(task_id)
    if as_json:
        print_json(task.raw)
    else:
        typer.echo(f"{task.id}: {task.status} ({task.error or 'it had ended'})")


def _read_text(file: Path | None) -> str:
    name = "standard input"
    try:
        if file is None and sys.stdin.isatty():
            refuse("there is no text; give it by --text, by --file or through a pipe")
        if file is None or file == STANDARD:
            data = sys.stdin.buffer.read(LONGEST_TEXT + 1)
        else:
            name = str(file)
            with file.open("rb") as opened:
                data = opened.read(LONGEST_TEXT + 1)
        text = data.decode("utf-8-sig")
    except OSError as error:
        fail(f"{name} cannot be read: {error.strerror}", "file")
    except UnicodeDecodeError as error:
        fail(f"{name} is no text in UTF-8: its byte {error.start} is not; convert it", "file")
    if len(data) > LONGEST_TEXT:
        fail(f"{name} is longer than 1 MB; a text has at most 10,000 characters", "too_large")
    return text


def _check_outputs(*outputs: Path) -> None:
    """Before anything is paid for."""
    if sum(map(_is_standard, outputs)) > 1:
        refuse("two outputs go to standard output; one can")
    for output in outputs:
        if _is_standard(output):
            if sys.stdout.isatty():
                refuse("standard output is a terminal; send it into a pipe or a file")
        elif output.is_dir():
            fail(f"{output} is a folder; name a file in it", "file")
        elif not output.parent.is_dir():
            fail(f"{output} cannot be written: there is no folder {output.parent}", "file")
        elif not os.access(output.parent, os.W_OK):
            fail(f"{output} cannot be written: {output.parent} is not writable", "file")


def _is_standard(path: Path) -> bool:
    return path == STANDARD


def _save(client: Client, link: str, output: Path, silent: bool) -> None:
    """Download to a file, or into a pipe or a device, which must not be replaced by a file."""
    with transferring("downloading", silent) as transferred:
        if not _is_standard(output) and (output.is_file() or not output.exists()):
            client.download(link, output, on_progress=transferred)
            return
        with tempfile.TemporaryDirectory() as folder:
            part = client.download(link, Path(folder) / "download", on_progress=transferred)
            with part.open("rb") as whole:
                if _is_standard(output):
                    shutil.copyfileobj(whole, sys.stdout.buffer)
                    sys.stdout.flush()
                else:
                    with output.open("wb") as opened:
                        shutil.copyfileobj(whole, opened)


def _format_of(output: Path) -> Format | None:
    """The format that the ending of the name stands for; None for a name without one."""
    ending = output.suffix.lower().removeprefix(".")
    known = next((each for each in get_args(Format) if each == ending.replace("opus", "ogg")), None)
    # A device or a pipe with a dot in its name takes any format.
    if ending and known is None and (output.is_file() or not output.exists()):
        refuse(
            f"{output} has the unknown ending .{ending}; use .mp3, .wav, .flac, .ogg or .opus, or "
            "name a format with --format"
        )
    return known


def _check_language(name: str) -> None:
    """Refuse an unknown language before a recording is uploaded or a voice is looked for."""
    from ..errors import InvalidParameter
    from ..text.languages import lookup

    if name.strip().lower() != "auto":
        try:
            lookup(name, "v2")
        except InvalidParameter as error:
            fail(error.message, error.word)


def _report(task: Task, files: dict[str, Path], as_json: bool) -> None:
    """What was made. On standard error where standard output has the audio."""
    err = any(map(_is_standard, files.values()))
    if as_json:
        print_json(dict(task.raw) | {"files": {k: str(v) for k, v in files.items()}}, err=err)
        return
    if task.model_id:
        typer.echo(f"voice    {task.model_id}", err=err)
    for name, path in files.items():
        typer.echo(f"{name:<8} {path}", err=err)
    if task.cost is not None:
        typer.echo(f"cost     {task.cost} credits", err=err)
    for warning in task.warnings:
        typer.secho(f"note     {warning}", fg="yellow", err=err)
