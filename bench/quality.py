"""Measure the similarity of cloned voices to their speakers, their intelligibility and prosody.

    python bench/quality.py SPEAKERS [--engine builtin] [--out bench/out] [--languages en,de]
        [--against PYTHON [--against-path DIR:DIR]] [--quick] [--thorough] [--json]

SPEAKERS has a folder per speaker, `<language code>_<anything>/`. `ref.wav` becomes the voice. The
outputs are compared with `other_1.wav`, `other_2.wav`, …. `--against` is the Python of an
environment with an earlier release, which then speaks the same texts for the same speakers and is
scored in the same run. `--against-path` is the PYTHONPATH of that interpreter. `--thorough` adds
espeak-ng alone, copy-synthesis, and the measures by other encoders.

The packages of bench/requirements-quality.in are used for measurements only. The column of a
missing package stays empty. Works offline. docs/quality.md has the figures, their meanings and
caveats. bench/score.py scores clips that exist already.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import report
import score
from hearing import FRAME, HOP, RATE, Instruments, Sound, levelled, semitones
from systems import Clips, Speaker, clips, passages, plain, shared

NEW, OLD, SOURCE = "this version", "earlier release", "espeak-ng alone"


def spoken(folder: Path, options: argparse.Namespace, python: str, path: str | None) -> None:
    """Run bench/speak.py with another interpreter, in a folder without this version's sources."""
    command = [
        *(python, str(Path(__file__).with_name("speak.py").resolve())),
        *(str(options.people.resolve()), str(folder.resolve())),
        *("--engine", options.engine, "--languages", options.languages),
        *("--sentences", str(_most(options))),
    ]
    environment = dict(os.environ) if path is None else {**os.environ, "PYTHONPATH": path}
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(command, env=environment, cwd=folder, check=False)
    if done.returncode:
        raise SystemExit(f"{python} could not speak; bench/speak.py ended with {done.returncode}")


def draw(path: Path, panels: Mapping[str, Sound]) -> None:
    """Draw spectrograms side by side, 0 to 8 kHz, at most 4 s of each."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(
        1, len(panels), figsize=(4.5 * len(panels), 3), sharey=True, squeeze=False, layout="tight"
    )
    for axis, (title, output) in zip(axes[0], panels.items(), strict=True):
        samples = levelled(output)[: 4 * RATE]
        axis.specgram(samples, FRAME, RATE, noverlap=FRAME - HOP, vmin=-110, vmax=-40, cmap="magma")
        axis.set(title=title, xlabel="seconds")
    axes[0][0].set_ylabel("Hz")
    figure.savefig(path, dpi=68)
    pyplot.close(figure)


def pictures(
    out: Path, instruments: Instruments, people: Sequence[Speaker], said: Mapping[str, Clips]
) -> None:
    """Draw `<speaker>.png`, with original and clone, and `clones.png`.

    The latter shows one sentence by the lowest and by the highest voice of the language that has
    the most speakers.
    """
    import matplotlib

    matplotlib.use("Agg")
    for person in people:
        draw(
            out / f"{person.name}.png",
            {"original": person.reference, "clone": said[person.name][0]},
        )
    languages = [person.language for person in people]
    usual = max(sorted(set(languages)), key=languages.count)
    sentences = [said[person.name][0] for person in people if person.language == usual]
    sentences.sort(key=lambda s: semitones(instruments.f0(levelled(s)))[0])
    draw(out / "clones.png", {"lowest voice": sentences[0], "highest voice": sentences[-1]})


def _most(options: argparse.Namespace) -> int:
    return int(options.sentences or (2 if options.quick else 0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("people", type=Path, metavar="SPEAKERS")
    parser.add_argument("--engine", default="builtin")
    parser.add_argument("--out", type=Path, default=Path("bench/out"))
    parser.add_argument("--against", metavar="PYTHON", help="interpreter with an earlier release")
    parser.add_argument("--against-path", metavar="DIR:DIR", help="PYTHONPATH of --against")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    score.arguments(parser)
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # of old packages that measure
    people = score.chosen(options.people, options.languages)
    most = _most(options)
    spoken(options.out / "new", options, sys.executable, None)
    folders = {NEW: options.out / "new"}
    if options.against:
        spoken(options.out / "earlier", options, options.against, options.against_path)
        folders[OLD] = options.out / "earlier"
    systems = shared({name: clips(folder, people, most) for name, folder in folders.items()})
    if options.thorough:
        systems[SOURCE] = plain(people, most)
    instruments = Instruments()
    thorough = options.thorough
    scores = score.measure(
        instruments,
        people,
        systems,
        score.Options(not (options.quick or options.no_dnsmos), thorough, copies=thorough),
        {name: passages(folder, people) for name, folder in folders.items()},
    )
    try:
        pictures(options.out, instruments, people, systems[NEW])
    except ImportError:
        instruments.notes.append("pictures: none, because matplotlib is not installed")
    costs = {
        name: json.loads((folder / "costs.json").read_text()) for name, folder in folders.items()
    }
    languages = {
        f"{language} ({sum(p.language == language for p in people)})": report.summary(
            {p.name: scores.means[NEW][p.name] for p in people if p.language == language}
        )
        for language in sorted({person.language for person in people})
    }
    page = "\n\n".join(
        [
            score.page(scores, people, OLD if options.against else NEW, options.speakers),
            report.table(f"{options.engine}, by language (speakers)", languages, digits=2),
            *(
                "\n".join(f"- {key.replace('_', ' ')}, {name}: {v}" for key, v in of.items())
                for name, of in costs.items()
            ),
            *instruments.notes,
        ]
    )
    (options.out / "quality.md").write_text(page + "\n")
    values = {
        "means": scores.means,
        "prosody": scores.prosody,
        "ratios": scores.ratios,
        "costs": costs,
        "notes": instruments.notes,
    }
    (options.out / "quality.json").write_text(json.dumps(report.plain(values), indent=1) + "\n")
    print(json.dumps(report.plain(values), indent=1) if options.json else page)


if __name__ == "__main__":
    main()
