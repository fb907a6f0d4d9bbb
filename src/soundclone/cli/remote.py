"""`soundclone clone`, `speak`, `convert` and `download`: use a running service over HTTP."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Literal, cast, get_args
from urllib.parse import urlsplit

import typer

from .common import AsJson, fail, print_json, refuse
from .connection import ApiKey, BaseUrl, Quiet, cancelling, connected
from .progress import following, transferring
from .tasks import TaskId
from .verify import SIDECAR
from .voices import VoiceName, id_of

if TYPE_CHECKING:
    from soundclone_client import Client, Task

Version = Literal["v1", "v2"]
Emotion = Literal["happy", "sad", "angry", "fearful", "disgusted", "surprised", "neutral"]
Loudness = Literal["audiobook", "podcast", "broadcast"]
Format = Literal["mp3", "wav", "flac", "ogg"]

SubtitlesFile = Annotated[
    Path | None, typer.Option(help="Where to save subtitles: .srt, .vtt or .json")
]
ByWord = Annotated[bool, typer.Option("--words", help="Make subtitles by word")]
OutputFormat = Annotated[
    Format | None,
    typer.Option(help="Audio format (default: by the ending of the output, or mp3)"),
]
SampleRate = Annotated[
    int | None, typer.Option(help="Hz, 8000 to 48000 (default: 44100; ogg: 48000)")
]
Channels = Annotated[int | None, typer.Option(help="Number of channels", min=1, max=2)]

STANDARD = Path("-")  # standard input or output
LONGEST_TEXT = 1_000_000  # bytes of a file, far more than a service accepts

CLONE_EXAMPLES = """\b
Examples:
  soundclone clone me.mp3 --text "Hello, it is me." -o preview.mp3
  soundclone clone https://media.example.com/me.mp3 --sound-version v2 --language Tamil
  VOICE=$(soundclone clone me.mp3 --quiet)
  soundclone clone anna.mp3 --consent anna-agrees.mp3 --speaker "Anna Berg"

Ctrl-C cancels the task, which then costs nothing."""

SPEAK_EXAMPLES = """\b
Examples:
  soundclone speak Anna --text "Good evening." -o evening.mp3
  soundclone speak model_… -f chapter.txt -o chapter.flac --subtitles chapter.srt
  echo "Good evening." | soundclone speak model_… -o - | ffplay -autoexit -

In the text, <#0.5#> is a pause of half a second. With `-o -`, the audio goes to standard output
and the report to standard error. Ctrl-C cancels the task, which then costs nothing."""


CONVERT_EXAMPLES = """\b
Examples:
  soundclone convert performance.wav --voice Anna -o anna.mp3
  soundclone convert https://media.example.com/line-7.mp3 --voice model_… -o line-7.flac

The performer's timing, melody and emphasis stay. Ctrl-C cancels the task, which then costs
nothing."""


def complete_language() -> list[str]:
    """Return the names that a shell completes."""
    from ..text.languages import LANGUAGES

    return ["auto", *LANGUAGES]


Language = Annotated[
    str,
    typer.Option(
        help="Language of the text, see `soundclone languages`; auto detects it by sentence",
        autocompletion=complete_language,
    ),
]


Sidecar = Annotated[
    Path | None,
    typer.Option(
        help="Where to save the Content Credentials of a file that cannot hold them (default: "
        "beside the output, with the ending .c2pa)",
        metavar="FILE",
    ),
]


def clone(
    source: Annotated[
        str, typer.Argument(help="URL or file with 15 to 60 s of speech", metavar="SOURCE")
    ],
    text: Annotated[
        str | None, typer.Option(help="Text of the preview (default: a line in the language)")
    ] = None,
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help="MP3 file for the preview; - for standard output"),
    ] = Path("preview.mp3"),
    language: Language = "auto",
    version: Annotated[
        Version,
        typer.Option("--sound-version", "--version", help="v1 speaks 24 languages, v2 speaks 40"),
    ] = "v1",
    name: Annotated[
        str | None, typer.Option(help="Name of the voice, for `speak` and `voices`")
    ] = None,
    consent: Annotated[
        str | None,
        typer.Option(
            help="Recording of the speaker's consent: a file, a URL or an id cons_…",
            metavar="SOURCE",
        ),
    ] = None,
    speaker: Annotated[
        str | None, typer.Option(help="Name of the speaker, who has agreed to be cloned")
    ] = None,
    own_voice: Annotated[
        bool, typer.Option("--own-voice", help="The voice is your own, and you agree")
    ] = False,
    purpose: Annotated[str, typer.Option(help="Use that the speaker agreed to")] = "",
    until: Annotated[
        datetime | None,
        typer.Option(
            help="Last day of the consent, in UTC; then the service deletes the voice and its "
            "speech",
            formats=["%Y-%m-%d"],
        ),
    ] = None,
    url: BaseUrl = None,
    key: ApiKey = None,
    quiet: Annotated[
        bool, typer.Option("-q", "--quiet", help="Print only the id of the voice")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Clone a voice from a recording, and save a preview of it."""
    from soundclone_client import Consent

    check_outputs(output)
    if output.suffix.lower() not in ("", ".mp3") and not output.exists():
        refuse(f"{output} has the ending {output.suffix}; a preview is MP3: use .mp3")
    check_language(language)
    if own_voice and speaker:
        refuse("--own-voice and --speaker exclude each other; pass one of them")
    agreed = None
    if consent or speaker or own_voice:
        end = until.replace(tzinfo=UTC) + timedelta(days=1) if until else None
        agreed = Consent(consent, speaker or "", own_voice, purpose, end)
    elif purpose or until:
        refuse("--purpose and --until describe a consent; pass --consent, --speaker or --own-voice")
    silent = quiet or as_json
    with connected(url, key) as client:
        source = _uploaded(client, source, silent)
        if consent and not _is_remote(consent) and not Path(consent).is_file():
            fail(f"{consent} is neither a file, an http(s) URL nor the id of a consent", "file")
        task = client.clone(
            source,
            text=text,
            version=version,
            language=language,
            consent=agreed,
            name=name,
            wait=False,
        )
        with cancelling(task, url, key), following("cloning", silent) as show:
            task = client.wait(task, on_progress=show)
        save(client, task.audio_url or "", output, silent)
    files = {"preview": output}
    if quiet and not as_json:
        typer.echo(task.model_id, err=_is_standard(output))
    else:
        _report(task, files, as_json)


def _is_remote(consent: str) -> bool:
    return consent.lower().startswith(("http://", "https://", "cons_"))


def speak(
    voice: VoiceName,
    text: Annotated[str | None, typer.Option(help="Text to speak")] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "-f", "--file", help="Text file in UTF-8; - for standard input (default: a pipe)"
        ),
    ] = None,
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help="Where to save the audio; - for standard output",
        ),
    ] = Path("speech.mp3"),
    ssml: Annotated[bool, typer.Option("--ssml", help="The text is an SSML document")] = False,
    subtitles: SubtitlesFile = None,
    words: ByWord = False,
    language: Language = "auto",
    emotion: Annotated[Emotion, typer.Option(help="Emotion of the voice")] = "neutral",
    speed: Annotated[float, typer.Option(help="Speaking rate (1 = normal)", min=0.5, max=2)] = 1.0,
    vol: Annotated[float, typer.Option(help="Loudness, above 0 (1 = normal)", min=0, max=10)] = 1.0,
    pitch: Annotated[int, typer.Option(help="Pitch shift in semitones", min=-12, max=12)] = 0,
    format: OutputFormat = None,
    sample_rate: SampleRate = None,
    channel: Channels = None,
    loudness: Annotated[
        Loudness | None,
        typer.Option(help="Loudness of the file for a kind of publication, instead of --vol"),
    ] = None,
    sidecar: Sidecar = None,
    url: BaseUrl = None,
    key: ApiKey = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Speak a text with a cloned voice."""
    if text is not None and file is not None:
        refuse("--text and --file exclude each other; pass one of them")
    if words and subtitles is None:
        refuse("--words requires --subtitles FILE")
    check_outputs(output, *(each for each in (subtitles, sidecar) if each))
    if format is None:
        format = format_of(output)
    if text is None:
        text = _read_text(file)
    if not text.strip():
        fail("the text is empty; it must have at least one letter or digit", "invalid_parameter")
    check_language(language)
    silent = quiet or as_json
    with connected(url, key) as client:
        task = client.speak(
            id_of(client, voice),
            text,
            text_format="ssml" if ssml else None,
            language=language,
            emotion=emotion,
            speed=speed,
            vol=vol,
            pitch=pitch,
            subtitles=("word" if words else "sentence") if subtitles else None,
            format=format,
            sample_rate=sample_rate,
            channel=cast("Literal[1, 2] | None", channel),
            loudness=loudness,
            wait=False,
        )
        with cancelling(task, url, key), following("speaking", silent) as show:
            task = client.wait(task, on_progress=show)
        if subtitles and (link := subtitles_of(task, subtitles)):
            save(client, link, subtitles, silent)
        save(client, task.audio_url or "", output, silent)
        saved = save_credentials(client, task, output, sidecar, silent)
    files = {"speech": output, "subtitles": subtitles, "credentials": saved}
    if as_json or not quiet:
        _report(task, {name: path for name, path in files.items() if path}, as_json)


def subtitles_of(task: Task, path: Path) -> str | None:
    """Return the link to the subtitles in the format that the ending of a file names."""
    links = {".json": task.subtitle_json, ".vtt": task.subtitle_vtt}
    return links.get(path.suffix.lower(), task.subtitle_file)


def convert(
    source: Annotated[
        str, typer.Argument(help="URL or file in which one person speaks", metavar="FILE")
    ],
    voice: Annotated[str, typer.Option(help="Name or id of the voice", metavar="VOICE")],
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help="Where to save the audio; - for standard output"),
    ] = Path("converted.mp3"),
    max_seconds: Annotated[
        int,
        typer.Option(
            help="Most seconds of the recording, whose price is held meanwhile", min=1, max=600
        ),
    ] = 300,
    vol: Annotated[float, typer.Option(help="Loudness, above 0 (1 = normal)", min=0, max=10)] = 1.0,
    format: OutputFormat = None,
    sample_rate: SampleRate = None,
    channel: Channels = None,
    sidecar: Sidecar = None,
    url: BaseUrl = None,
    key: ApiKey = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Convert a recording of another person to a voice."""
    check_outputs(output, *(each for each in (sidecar,) if each))
    if format is None:
        format = format_of(output)
    silent = quiet or as_json
    with connected(url, key) as client:
        model_id = id_of(client, voice)
        task = client.convert(
            model_id,
            _uploaded(client, source, silent),
            max_seconds=max_seconds,
            vol=vol,
            format=format,
            sample_rate=sample_rate,
            channel=cast("Literal[1, 2] | None", channel),
            wait=False,
        )
        with cancelling(task, url, key), following("converting", silent) as show:
            task = client.wait(task, on_progress=show)
        save(client, task.audio_url or "", output, silent)
        saved = save_credentials(client, task, output, sidecar, silent)
    files = {"speech": output, "credentials": saved}
    if as_json or not quiet:
        _report(task, {name: path for name, path in files.items() if path}, as_json)


def _uploaded(client: Client, source: str, silent: bool) -> str:
    """Upload a file, and return its link. Return a URL as it is."""
    if source.lower().startswith(("http://", "https://")) or "://" in source:
        return source
    if not Path(source).is_file():
        fail(f"{source} is neither a file nor an http(s) URL", "file")
    with transferring("uploading", silent) as transferred:
        return client.upload(source, on_progress=transferred).url


def download(
    task_id: TaskId,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="Where to save the audio; - for standard output (default: speech or preview, "
            "with the ending of the format)",
        ),
    ] = None,
    subtitles: Annotated[
        Path | None, typer.Option(help="Where to save subtitles: .srt, .vtt or .json")
    ] = None,
    sidecar: Sidecar = None,
    url: BaseUrl = None,
    key: ApiKey = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Download the result of a completed task.

    Content Credentials that the audio file cannot hold are saved beside the file.
    """
    silent = quiet or as_json
    with connected(url, key) as client:
        task = client.task(task_id)
        if not task.audio_url:
            fail(f"task {task.id} has no audio; it is {task.status}", "conflict")
        if subtitles and not task.subtitle_file:
            fail(f"task {task.id} was made without subtitles", "conflict")
        if output is None:
            ending = PurePosixPath(urlsplit(task.audio_url).path).suffix
            output = Path(("preview" if task.kind == "clone" else "speech") + ending)
        check_outputs(output, *(each for each in (subtitles, sidecar) if each))
        if subtitles and (link := subtitles_of(task, subtitles)):
            save(client, link, subtitles, silent)
        save(client, task.audio_url, output, silent)
        saved = save_credentials(client, task, output, sidecar, silent)
    files = {task.kind: output, "subtitles": subtitles, "credentials": saved}
    if as_json or not quiet:
        _report(task, {name: path for name, path in files.items() if path}, as_json)


def save_credentials(
    client: Client, task: Task, output: Path, sidecar: Path | None, silent: bool
) -> Path | None:
    """Save the Content Credentials beside the output, if the task has a file of them.

    Returns:
        The path. None if there is no such file, or if the output is a pipe or a device.
    """
    if not task.credentials_url:
        return None
    if sidecar is None:
        if _is_standard(output) or not output.is_file():
            return None
        sidecar = output.with_suffix(SIDECAR)
    save(client, task.credentials_url, sidecar, silent)
    return sidecar


def _read_text(file: Path | None) -> str:
    name = "standard input"
    try:
        if file is None and sys.stdin.isatty():
            refuse("there is no text; pass --text or --file, or pipe it in")
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
        fail(f"{name} is not UTF-8 at byte {error.start}; convert the file to UTF-8", "file")
    if len(data) > LONGEST_TEXT:
        fail(f"{name} is longer than 1 MB; a text has at most 10,000 characters", "too_large")
    return text


def check_outputs(*outputs: Path) -> None:
    """Refuse outputs that cannot be written, before a task is charged."""
    if sum(map(_is_standard, outputs)) > 1:
        refuse("two outputs go to standard output; only one can")
    for output in outputs:
        if _is_standard(output):
            if sys.stdout.isatty():
                refuse("standard output is a terminal; redirect it to a pipe or a file")
        elif output.is_dir():
            fail(f"{output} is a folder; name a file in it", "file")
        elif not output.parent.is_dir():
            fail(f"{output} cannot be written: there is no folder {output.parent}", "file")
        elif not os.access(output.parent, os.W_OK):
            fail(f"{output} cannot be written: {output.parent} is not writable", "file")


def _is_standard(path: Path) -> bool:
    return path == STANDARD


def save(client: Client, link: str, output: Path, silent: bool) -> None:
    """Download to a file, a pipe or a device.

    A pipe or a device is written to, not replaced by a file.
    """
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


def format_of(output: Path) -> Format | None:
    """Return the format by the ending of the name; None for a name without ending."""
    ending = output.suffix.lower().removeprefix(".")
    known = next((each for each in get_args(Format) if each == ending.replace("opus", "ogg")), None)
    # A device or a pipe with a dot in its name takes any format.
    if ending and known is None and (output.is_file() or not output.exists()):
        refuse(
            f"{output} has the unknown ending .{ending}; use .mp3, .wav, .flac, .ogg or .opus, or "
            "name a format with --format"
        )
    return known


def check_language(name: str) -> None:
    """Refuse an unknown language before a recording is uploaded or a voice is looked up."""
    from ..errors import InvalidParameter
    from ..text.languages import lookup

    if name.strip().lower() != "auto":
        try:
            lookup(name, "v2")
        except InvalidParameter as error:
            fail(error.message, error.word)


def _report(task: Task, files: dict[str, Path], as_json: bool) -> None:
    """Print the result; on standard error if standard output has the audio."""
    err = any(map(_is_standard, files.values()))
    if as_json:
        print_json(dict(task.raw) | {"files": {k: str(v) for k, v in files.items()}}, err=err)
        return
    fields = {
        "voice": task.model_id,
        **files,
        "cost": None if task.cost is None else f"{task.cost} credits",
    }
    width = max(8, *map(len, files))
    for name, value in fields.items():
        if value is not None:
            typer.echo(f"{name:<{width}} {value}", err=err)
    for warning in task.warnings:
        typer.secho(f"{'note':<{width}} {warning}", fg="yellow", err=err)
