"""`soundclone talk`: speak standard input while it is still being written."""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated, Literal, get_args

import typer

from .common import fail, refuse
from .connection import ApiKey, BaseUrl, Quiet, connected
from .remote import STANDARD, Emotion, Language, check_language, check_outputs
from .voices import VoiceName

TalkFormat = Literal["mp3", "pcm", "opus", "aac", "ulaw", "alaw"]

TALK_EXAMPLES = """\b
Examples:
  ollama run llama3 "Tell me a story." | soundclone talk Anna -o - | ffplay -autoexit -nodisp -
  soundclone talk Anna -o notes.mp3 < notes.txt

The speech begins when the first clause has been written. With `-o -`, the audio goes to standard
output. Ctrl-C ends the speech, which costs what was delivered."""

_BLOCK = 4096  # bytes of a read


def talk(
    voice: VoiceName,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Where to save the audio; - for standard output")
    ] = Path("speech.mp3"),
    language: Language = "auto",
    emotion: Annotated[Emotion, typer.Option(help="Emotion of the voice")] = "neutral",
    speed: Annotated[float, typer.Option(help="Speaking rate (1 = normal)", min=0.25, max=4)] = 1.0,
    vol: Annotated[float, typer.Option(help="Loudness, above 0 (1 = normal)", min=0, max=10)] = 1.0,
    pitch: Annotated[int, typer.Option(help="Pitch shift in semitones", min=-12, max=12)] = 0,
    format: Annotated[
        TalkFormat | None,
        typer.Option(help="Audio format (default: by the ending of the output, or mp3)"),
    ] = None,
    url: BaseUrl = None,
    key: ApiKey = None,
    quiet: Quiet = False,
) -> None:
    """Speak standard input with a cloned voice as it arrives."""
    if sys.stdin.isatty() and not quiet:
        typer.echo("Type the text; end it with Ctrl-D.", err=True)
    check_outputs(output)
    if format is None:
        format = _format_of(output)
    check_language(language)
    with connected(url, key) as client:
        conversation = client.converse(
            voice,
            language=None if language == "auto" else language,
            emotion=emotion,
            speed=speed,
            volume=vol,
            pitch=pitch,
            format=format,
        )
        with conversation as session, closing(session.speak(_pieces())) as blocks:
            if output == STANDARD:
                for block in blocks:
                    sys.stdout.buffer.write(block)
                    sys.stdout.flush()
                return
            with output.open("wb") as file:
                for block in blocks:
                    file.write(block)
    if not quiet:
        typer.echo(f"speech   {output}")


def _pieces() -> Iterator[str]:
    """Yield standard input as it is written."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    try:
        while block := os.read(sys.stdin.fileno(), _BLOCK):
            yield decoder.decode(block)
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        fail("standard input is not UTF-8; convert the text to UTF-8", "file")


def _format_of(output: Path) -> TalkFormat:
    ending = output.suffix.lower().removeprefix(".").replace("ogg", "opus")
    if not ending:
        return "mp3"
    formats: tuple[TalkFormat, ...] = get_args(TalkFormat)
    known = next((each for each in formats if each == ending), None)
    return known or refuse(
        f"{output} has the unknown ending .{ending}; use one of .{', .'.join(formats)}"
    )
