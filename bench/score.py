"""Score folders of clips side by side: similarity, intelligibility, naturalness and prosody.

    python bench/score.py SPEAKERS [NAME=]FOLDER… [--quick] [--languages en] [--sentences 2]
        [--base NAME] [--no-dnsmos] [--thorough] [--speakers] [--json FILE]

SPEAKERS has a folder per speaker, `<language code>_<anything>/`, with `ref.wav` and `other_1.wav`,
`other_2.wav`, …. FOLDER has clips `<speaker>_<n>.wav`, where n is the index of the sentence in
bench/sentences.py. `<speaker>_passage.wav`, if there is one, has sentences in a row, whose pauses
are measured. bench/speak.py writes such a folder. Only the clips that all folders have are
scored. Differences to the first folder, or to `--base`, are paired over speakers.

`--quick` scores two sentences of each speaker, without DNSMOS. Measured values are cached in the
folder of temporary files, so that a second run measures new clips only. Packages:
bench/requirements-quality.in. The column of a missing package stays empty. docs/quality.md explains
the columns.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np
import prosody
import report
from gallery import Figures, Gallery
from hearing import RATE, Array, Instruments, Sound, in_a_row, levelled, pieces
from report import mean_of
from systems import Clips, Speaker, clips, copied, passages, shared, speakers

PIECE = 3.3  # seconds of all pieces whose similarity is measured
MOST = 8  # pieces of a speaker
REAL, COPY = "real speech", "copy-synthesis"
GROUPS = ("English", "other languages")


@dataclass(frozen=True)
class Options:
    """Extent of a measurement."""

    dnsmos: bool = True
    thorough: bool = False  # also the measures that no decision rests on
    copies: bool = False  # also score copy-synthesis, which takes time


@dataclass
class Scores:
    """Measured values of all systems."""

    means: dict[str, dict[str, Figures]] = field(default_factory=dict)  # by system and speaker
    prosody: dict[str, dict[str, Figures]] = field(default_factory=dict)
    ratios: dict[str, dict[str, Figures]] = field(default_factory=dict)


def measure(
    instruments: Instruments,
    people: Sequence[Speaker],
    systems: Mapping[str, Mapping[str, Clips]],
    options: Options,
    joined: Mapping[str, Mapping[str, Sound]] = MappingProxyType({}),
) -> Scores:
    """Measure every system, real speech and, if wanted, copy-synthesis.

    Real speech and copy-synthesis are pieces of the reference. The other recordings of the
    speaker, with which all pieces are compared, serve nothing else but the prosody of real speech.

    Args:
        instruments: Models that measure speech.
        people: All speakers.
        systems: Clips of each system and speaker.
        options: Extent of the measurement.
        joined: Passages of each system and speaker, whose pauses are measured.
    """
    gallery = Gallery(instruments, {p.name: p.others for p in people}, options.thorough)
    scores = Scores()
    for system, each in systems.items():
        scores.means[system] = {
            name: _speaker(instruments, gallery, name, list(said.values()), options)
            for name, said in each.items()
        }
    references = {REAL: {p.name: [p.reference] for p in people}}
    if options.copies:
        references[COPY] = {p.name: [copied(p)] for p in people}
    for system, of in references.items():
        scores.means[system] = {
            name: _reference(instruments, gallery, name, sounds, options)
            for name, sounds in of.items()
        }
    real = {p.name: _prosody(instruments, [p.reference, *p.others]) for p in people}
    for system, each in systems.items():
        ours = {name: _prosody(instruments, list(said.values())) for name, said in each.items()}
        for name, passage in joined.get(system, {}).items():
            if name in ours:
                whole = _prosody(instruments, [passage])
                ours[name] = dataclasses.replace(
                    ours[name], pause=whole.pause, pause_spread=whole.pause_spread
                )
        scores.prosody[system] = {n: dataclasses.asdict(p) for n, p in ours.items()}
        scores.ratios[system] = {n: prosody.ratios(p, real[n]) for n, p in ours.items()}
    scores.prosody[REAL] = {n: dataclasses.asdict(p) for n, p in real.items()}
    return scores


def _speaker(
    instruments: Instruments, gallery: Gallery, name: str, said: Sequence[Sound], options: Options
) -> Figures:
    row = mean_of([gallery.compare(name, piece) for piece in pieces(said, PIECE, MOST)])
    row["word_errors"] = _mean([instruments.word_errors(clip) for clip in said])
    row["word_errors_lm"] = _mean([instruments.word_errors(clip, flat=False) for clip in said])
    return row | _natural(instruments, [levelled(clip) for clip in said], options)


def _reference(
    instruments: Instruments, gallery: Gallery, name: str, sounds: Sequence[Sound], options: Options
) -> Figures:
    cut = pieces(sounds, PIECE, MOST)
    row = mean_of([gallery.compare(name, piece) for piece in cut])
    return row | _natural(instruments, cut, options)


def _natural(instruments: Instruments, parts: Sequence[Array], options: Options) -> Figures:
    if not options.dnsmos:
        return {}
    return {
        "naturalness": _mean([instruments.naturalness(part) for part in parts]),
        "naturalness_joined": instruments.naturalness(in_a_row(parts)),
    }


def _prosody(instruments: Instruments, sounds: Sequence[Sound]) -> prosody.Prosody:
    at_rate = [levelled(sound) for sound in sounds]
    return prosody.measure(
        [prosody.contour(samples, RATE, instruments.f0(samples)) for samples in at_rate]
    )


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan


def page(scores: Scores, people: Sequence[Speaker], base: str, each_speaker: bool) -> str:
    """Return the tables of English and of the other languages as Markdown."""
    parts = []
    for group in GROUPS:
        names = [p.name for p in people if (p.language == "English") == (group == "English")]
        means = {
            system: {name: of[name] for name in names if name in of}
            for system, of in scores.means.items()
        }
        means = {system: of for system, of in means.items() if of}
        if not means:
            continue
        count = max(len(of) for of in means.values())
        parts.append(
            report.table(f"{group} ({count})", {s: report.summary(of) for s, of in means.items()})
        )
        spoken = {system: of for system, of in means.items() if system in scores.ratios}
        if base in spoken and len(spoken) > 1:
            parts.append(report.paired(base, spoken))
        if each_speaker:
            for system, of in spoken.items():
                parts.append(
                    report.table(system, {n: report.summary({n: row}) for n, row in of.items()})
                )
    parts.append(report.prosody(scores.ratios))
    parts.append(report.prosody_values({s: list(of.values()) for s, of in scores.prosody.items()}))
    return "\n\n".join(parts)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that bench/quality.py has too."""
    parser.add_argument("--languages", default="", help="codes, comma-separated; all when empty")
    parser.add_argument("--sentences", type=int, default=0, help="of each speaker; 0: all")
    parser.add_argument("--quick", action="store_true", help="two sentences, without DNSMOS")
    parser.add_argument("--no-dnsmos", action="store_true", help="leave out DNSMOS, which is slow")
    parser.add_argument("--thorough", action="store_true", help="all measures, copy-synthesis too")
    parser.add_argument("--speakers", action="store_true", help="also print each speaker")


def chosen(folder: Path, languages: str) -> list[Speaker]:
    """Read the speakers of a folder. `languages` has codes separated by commas."""
    people = list(speakers(folder, set(filter(None, languages.split(",")))))
    if not people:
        raise SystemExit(f"{folder} has no speaker's folder; <code>_<name>/ref.wav is one")
    return people


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("people", type=Path, metavar="SPEAKERS")
    parser.add_argument("folders", nargs="+", metavar="[NAME=]FOLDER")
    parser.add_argument("--base", default="", help="system to compare with; the first if empty")
    parser.add_argument("--json", type=Path, help="file for the values of each speaker")
    arguments(parser)
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # of old packages that measure
    people = chosen(options.people, options.languages)
    most = options.sentences or (2 if options.quick else 0)
    folders = {}
    for argument in options.folders:
        name, _, folder = argument.rpartition("=")
        folders[name or Path(folder).name] = Path(folder)
    base = options.base or next(iter(folders))
    if base not in folders:
        raise SystemExit(f"--base {base} is none of the systems {', '.join(folders)}")
    systems = shared({name: clips(folder, people, most) for name, folder in folders.items()})
    instruments = Instruments()
    scores = measure(
        instruments,
        people,
        systems,
        Options(
            dnsmos=not (options.quick or options.no_dnsmos),
            thorough=options.thorough,
            copies=options.thorough,
        ),
        {name: passages(folder, people) for name, folder in folders.items()},
    )
    print(page(scores, people, base, options.speakers))
    print(*instruments.notes, sep="\n")
    if options.json:
        options.json.write_text(json.dumps(report.plain(dataclasses.asdict(scores)), indent=1))


if __name__ == "__main__":
    main()
