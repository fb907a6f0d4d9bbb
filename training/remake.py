"""Remake every weight of the built-in engine and of the speaker network, in their order.

    python training/remake.py CORPUS POCKETSPHINX WORK [--only STEP …] [--smoke]

CORPUS is as in `features.py`, and POCKETSPHINX is the folder of pocketsphinx's model en-us. WORK
takes the measured clips. A step that ended leaves a mark in WORK and is not repeated, so the
command can be interrupted. The scripts read the weights of earlier steps from the package. All
steps take about four hours of one processor core. The last step speaks with the new weights.

`--smoke` takes the same steps with a few speakers and hardly any training, in some minutes. It
writes to a copy of the package in WORK, so the weights of the package stay as they are.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from soundclone.text.languages import LANGUAGES

HERE = Path(__file__).parent
SOURCE = HERE.parent / "src"
RECORDING = HERE.parent / "examples" / "recording.mp3"

# Of a small corpus: languages, speakers of a language, clips of a speaker
SMALL_LANGUAGES, SMALL_SPEAKERS, SMALL_CLIPS = 4, 10, 4
SNR, BANDWIDTH, CLIPPED = 35.0, 7500.0, 1e-4  # that every step accepts: dB, Hz, share of samples
LEAST = 6.0  # seconds of speech of a speaker


@dataclass(frozen=True)
class Step:
    """A script with its arguments, in which {names} stand for folders."""

    script: str
    arguments: tuple[str, ...]
    name: str = ""  # of the mark, if other than the script's
    amount: tuple[str, ...] = ()  # of training, if other than the script's
    small: tuple[str, ...] = ()  # the same with --smoke

    @property
    def mark(self) -> str:
        """Name of the step among the marks and for --only."""
        return self.name or self.script


STEPS = (
    Step("silero", ("{audio}/silero.npz",)),
    Step("acoustic_model", ("{pocketsphinx}", "{engine}/acoustic.npz")),
    Step("corpus", ("{corpus}", "{work}/clips")),
    Step("recogniser", ("{work}/clips", "{engine}/recogniser.npz"), "", ("2200",), ("12",)),
    Step("spoken_language", ("{work}/clips", "{engine}/language.npz")),
    Step("features", ("{corpus}", "{work}/features")),
    *(
        Step(
            "decoder",
            (name, "{work}/features", f"{{engine}}/decoder-{name}.npz"),
            f"decoder-{name}",
            small=("100",),
        )
        for name in ("english", "multilingual")
    ),
    Step("source", ("{engine}/source.npz",)),
    Step("extension", ("{corpus}", "{engine}/extension.npz")),
    Step("intonation", ("{work}/clips", "{corpus}"), small=("2",)),
    Step("prosody_model", ("{work}/clips", "{engine}/prosody.npz"), "", ("10",), ("2",)),
    Step(
        "postfilter",
        ("{corpus}", "{work}/clips", "{engine}/postfilter.npz"),
        small=("--steps", "5"),
    ),
    Step("speaker", ("{corpus}", "{audio}/speaker.npz"), small=("--steps", "3")),
    Step("cohort", ("{corpus}", "{audio}/cohort.npz")),
    Step("check", ("{recording}",)),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the steps that are not marked as done. Return the exit status of the first failure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("pocketsphinx", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--only", nargs="+", choices=[step.mark for step in STEPS])
    parser.add_argument("--smoke", action="store_true", help="train hardly anything, on a copy")
    options = parser.parse_args(arguments)
    work = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    source, corpus = SOURCE, options.corpus.resolve()
    if options.smoke:
        source, corpus = copy_of_package(work / "src"), small_corpus(corpus, work / "corpus")
    places = {
        "corpus": corpus,
        "pocketsphinx": options.pocketsphinx.resolve(),
        "work": work,
        "engine": source / "soundclone" / "engines" / "builtin" / "weights",
        "audio": source / "soundclone" / "audio" / "weights",
        "recording": RECORDING,
    }
    for step in STEPS:
        mark = work / f"{step.mark}.done"
        if mark.exists() or (options.only and step.mark not in options.only):
            continue
        print(step.mark, flush=True)
        amount = step.small if options.smoke else step.amount
        done = subprocess.run(  # noqa: S603
            [
                sys.executable,
                HERE / f"{step.script}.py",
                *(argument.format(**places) for argument in step.arguments),
                *amount,
            ],
            env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(source)},
            check=False,
        )
        if done.returncode:
            return done.returncode
        mark.touch()
    return 0


def copy_of_package(target: Path) -> Path:
    """Copy the package to a folder, unless it is there. Return the folder."""
    if not target.exists():
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(SOURCE / "soundclone", target / "soundclone", ignore=ignored)
    return target


def small_corpus(corpus: Path, target: Path) -> Path:
    """Write the tables of a small part of a corpus, and link its audio. Return the folder.

    It has English and the languages of the service with the most speakers of several good clips.
    """
    if target.exists():
        return target
    rows, quality = table(corpus / "MANIFEST.tsv"), table(corpus / "QUALITY.tsv")
    spoken = {language.code for language in LANGUAGES.values()}
    clips: dict[str, list[str]] = defaultdict(list)
    for path, row in rows.items():
        if path in quality and row["transcript"] and _is_good(quality[path]):
            clips[row["speaker"]].append(path)
    speakers: dict[str, list[str]] = defaultdict(list)
    for speaker, paths in sorted(clips.items()):
        seconds = sum(float(quality[path]["speech_s"]) for path in paths[:SMALL_CLIPS])
        code = rows[paths[0]]["language"]
        if code in spoken and len(paths) > 1 and seconds >= LEAST:
            speakers[code].append(speaker)
    by_size = sorted(speakers, key=lambda code: (code != "en", -len(speakers[code]), code))
    chosen = [
        path
        for code in by_size[:SMALL_LANGUAGES]
        for speaker in speakers[code][:SMALL_SPEAKERS]
        for path in clips[speaker][:SMALL_CLIPS]
    ]
    target.mkdir()
    for name, lines in (("MANIFEST.tsv", rows), ("QUALITY.tsv", quality)):
        write_table(target / name, [lines[path] for path in chosen])
    for folder in sorted({Path(path).parts[0] for path in chosen}):
        (target / folder).symlink_to(corpus / folder)
    return target


def _is_good(quality: dict[str, str]) -> bool:
    return (
        float(quality["snr_db_est"]) >= SNR
        and float(quality["bandwidth_hz"]) >= BANDWIDTH
        and float(quality["clip_frac"]) < CLIPPED
    )


def table(path: Path) -> dict[str, dict[str, str]]:
    """Read a table of the corpus, by the path of the clip."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {row["path"]: row for row in rows}


def write_table(path: Path, rows: list[dict[str, str]]) -> None:
    """Write rows as `table` reads them."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("\t".join(rows[0]) + "\n")
        file.writelines("\t".join(row.values()) + "\n" for row in rows)


if __name__ == "__main__":
    sys.exit(main())
