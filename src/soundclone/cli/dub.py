"""`soundclone dub`: speak subtitles at the times of their cues."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .common import FAILED, AsJson, fail, print_json, print_table
from .connection import ApiKey, BaseUrl, Quiet, connected
from .production import (
    Delivery,
    Producer,
    Spoken,
    commit,
    exclusive,
    read_file,
    remove,
    resumable,
    temporary,
    work_folder,
)
from .progress import counting
from .remote import Emotion, Language, Loudness, check_language, check_outputs, format_of
from .signing import sign
from .voices import id_of

if TYPE_CHECKING:
    from ..audio.encode import Encoder
    from ..audio.samples import Samples
    from ..text.imports import Cue
    from ..text.imports.fitting import Fit

DUB_EXAMPLES = """\b
Examples:
  soundclone dub film.srt --voice Anna -o film.wav
  soundclone dub film.vtt --voice Anna -o film.flac --length 61.5 --max-speed 1.3
  ffmpeg -i film.mp4 -i film.wav -map 0:v -map 1:a -c:v copy dubbed.mp4

Each cue begins at its time. Speech that is too long for its cue is spoken faster, at most
--max-speed times. What does not fit even then is cut before the next cue, and reported: the exit
code is 1. Shorten the text of these cues, and run the command again. Only requests whose text has
changed are paid for."""

_LIMIT = 4_000  # characters of a request, so that a changed cue costs little
_PAUSE = 0.6  # seconds between two cues of a request
_BEFORE, _AFTER = 0.03, 0.12  # seconds around the words that belong to their sound
_FADE = 0.03  # seconds at the end of speech that is cut


@dataclass(frozen=True)
class _Cut:
    """Sound of a cue within the speech of its request."""

    audio: Path
    start: float  # seconds
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


def dub(
    source: Annotated[
        Path, typer.Argument(help="Subtitles: an .srt or .vtt file", metavar="SUBTITLES")
    ],
    voice: Annotated[str, typer.Option(help="Name or id of the voice", metavar="VOICE")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Where to save the track")] = Path(
        "track.wav"
    ),
    max_speed: Annotated[
        float, typer.Option(help="Highest speed that makes speech fit", min=1, max=2)
    ] = 1.4,
    overrun: Annotated[
        float, typer.Option(help="Seconds that speech may go on after its cue", min=0, max=5)
    ] = 0.3,
    length: Annotated[
        float | None,
        typer.Option(help="Seconds of the track (default: until the last cue ends)", min=0.1),
    ] = None,
    language: Language = "auto",
    emotion: Annotated[Emotion, typer.Option(help="Emotion of the voice")] = "neutral",
    pitch: Annotated[int, typer.Option(help="Pitch shift in semitones", min=-12, max=12)] = 0,
    loudness: Annotated[
        Loudness, typer.Option(help="Kind of publication, which decides the loudness")
    ] = "broadcast",
    report: Annotated[
        Path | None, typer.Option(help="Where to save a report on each cue, as JSON")
    ] = None,
    url: BaseUrl = None,
    key: ApiKey = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Speak subtitles at the times of their cues."""
    cues = _read(source)
    check_outputs(*(each for each in (output, report) if each))
    format = format_of(output) or "wav"
    check_language(language)
    end = length or max(cue.end for cue in cues) + overrun
    if cues[-1].start >= end:
        fail(f"the last cue begins at {cues[-1].start:g} s; --length must be more", "usage")
    batches = _batches(cues)
    silent = quiet or as_json
    folder = work_folder(output)
    with resumable(), exclusive(folder), connected(url, key) as client:
        delivery = Delivery(
            language,
            emotion=None if emotion == "neutral" else emotion,
            pitch=pitch or None,
            loudness=loudness,
            subtitles="sentence",
        )
        producer = Producer(client, id_of(client, voice), folder, delivery)
        texts = [text for text, _ in batches]
        with counting("speaking", "parts", len(set(texts)), silent) as count:
            spoken = producer.speak(texts, count)
        cuts = [
            cut for batch, each in zip(batches, spoken, strict=True) for cut in _cuts(batch, each)
        ]
        fits = _write(output, format, cues, cuts, end, overrun, max_speed)
    rows = _rows(cues, cuts, fits)
    if report:
        report.write_text(json.dumps(rows, ensure_ascii=False, indent=2) + "\n", "utf-8")
    late = [row for row in rows if row["missing"]]
    if not late:
        remove(folder)
    costs = {each.task_id: each.cost for each in spoken}
    if as_json:
        cost = round(sum(costs.values()), 6)
        print_json({"file": str(output), "seconds": round(end, 3), "cues": rows, "cost": cost})
    elif not quiet:
        _print(output, rows, late, sum(costs.values()))
    if late:
        raise typer.Exit(FAILED)


def _read(source: Path) -> tuple[Cue, ...]:
    from ..errors import InvalidParameter
    from ..text.imports import LARGEST, read_document
    from ..text.script import check

    try:
        cues = read_document(read_file(source, LARGEST), source.name).cues
    except InvalidParameter as error:
        fail(f"{source}: {error.message}", "file")
    # Signs such as "♪" are no speech, and subtitles have no pause markers.
    cues = tuple(cue for cue in cues if any(map(str.isalnum, cue.text)))
    if not cues:
        fail(f"{source} has no cues; `soundclone audiobook` speaks texts and books", "file")
    for number, cue in enumerate(cues, 1):
        try:
            check(_line(cue), _LIMIT)
        except InvalidParameter as error:
            fail(f"cue {number}: {error.message}", error.word)
    return cues


def _line(cue: Cue) -> str:
    return cue.text.replace("<#", "<")


Batch = tuple[str, list[tuple[int, int]]]


def _batches(cues: Sequence[Cue]) -> list[Batch]:
    """Join the cues to texts with a pause after each, and the place of each cue in its text.

    A whole text has one melody, and one fee.
    """
    batches: list[Batch] = []
    text = ""
    places: list[tuple[int, int]] = []
    for cue in cues:
        line = _line(cue)
        if places and len(text) + len(line) > _LIMIT:
            batches.append((text, places))
            text, places = "", []
        places.append((len(text), len(text) + len(line)))
        text += f"{line}\n<#{_PAUSE:g}#>"
    return [*batches, (text, places)]


def _cuts(batch: Batch, spoken: Spoken) -> Iterator[_Cut]:
    """Yield where each cue of a text is in its speech. A cue is one or several sentences."""
    assert spoken.cues is not None
    sentences = json.loads(spoken.cues.read_text("utf-8"))
    for start, end in batch[1]:
        times = [
            (row["start"] / 1000, row["end"] / 1000)
            for row in sentences
            if start <= row["offset"] < end
        ]
        if times:
            first, last = min(a for a, _ in times), max(b for _, b in times)
            yield _Cut(spoken.audio, max(first - _BEFORE, 0.0), last + _AFTER)
        else:
            yield _Cut(spoken.audio, 0.0, 0.0)


def _write(
    output: Path,
    format: str,
    cues: Sequence[Cue],
    cuts: Sequence[_Cut],
    end: float,
    overrun: float,
    fastest: float,
) -> list[Fit]:
    """Write the track. Return the place of each cue."""
    from ..audio import book
    from ..audio.encode import SYNTHETIC, Encoder
    from ..text.imports import fitting

    rate = book.sample_rate(cuts[0].audio)
    fits = [
        fitting.fit(cue, room, cut.seconds, fastest)
        for cue, room, cut in zip(cues, fitting.rooms(cues, end, overrun), cuts, strict=True)
    ]
    with (
        temporary(output) as part,
        Encoder(part, format, sample_rate_in=rate, tags=SYNTHETIC, seconds=end) as encoder,
    ):
        position, whole = 0, round(end * rate)
        for cut, fit in zip(cuts, fits, strict=True):
            samples = _sound(cut, fit, rate)
            # A cue that overlaps the one before begins after it.
            start = max(round(fit.start * rate), position)
            samples = samples[: max(whole - start, 0)]
            _silence(encoder, start - position)
            encoder.write(samples)
            position = start + len(samples)
        _silence(encoder, whole - position)
        encoder.close()
        sign(part, output, format, cuts[0].audio)
        commit(part, output)
    return fits


def _silence(encoder: Encoder, count: int) -> None:
    import numpy as np

    for start in range(0, count, 1 << 18):
        encoder.write(np.zeros(min(1 << 18, count - start), np.float32))


def _sound(cut: _Cut, fit: Fit, rate: int) -> Samples:
    """Return the samples of a cue at its speed, faded out where they are cut."""
    import numpy as np

    from ..audio import book
    from ..engines.protocol import Speech
    from ..synthesis.prosody import stretch_time

    samples = book.part(cut.audio, round(cut.start * rate), round(cut.end * rate))
    samples = stretch_time(Speech(samples, rate), fit.speed).samples
    room = round(fit.room * rate)
    if len(samples) > room:
        samples = samples[:room].copy()
        fade = min(round(_FADE * rate), room)
        samples[room - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    return samples


def _rows(
    cues: Sequence[Cue], cuts: Sequence[_Cut], fits: Sequence[Fit]
) -> list[dict[str, object]]:
    return [
        {
            "cue": number,
            "start": cue.start,
            "end": cue.end,
            "spoken": round(cut.seconds, 3),
            "room": round(fit.room, 3),
            "speed": round(fit.speed, 3),
            "missing": round(fit.missing, 3),
            "text": cue.text,
        }
        for number, (cue, cut, fit) in enumerate(zip(cues, cuts, fits, strict=True), 1)
    ]


def _print(
    output: Path, rows: Sequence[dict[str, object]], late: Sequence[dict[str, object]], cost: float
) -> None:
    faster = [row for row in rows if row["speed"] != 1]
    typer.echo(f"track    {output}")
    typer.echo(f"cues     {len(rows)}, of which {len(faster)} faster and {len(late)} too long")
    typer.echo(f"cost     {cost:g} credits")
    if late:
        print_table(
            [
                {"cue": row["cue"], "seconds too long": row["missing"], "text": row["text"]}
                for row in late
            ]
        )
