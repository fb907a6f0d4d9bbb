"""Remake every weight of the built-in engine and of the speaker network, in their order.

    python training/remake.py CORPUS POCKETSPHINX WORK [--only STEP …]

CORPUS is as in `features.py`, and POCKETSPHINX is the folder of pocketsphinx's model en-us. WORK
takes the measured clips. A step that ended leaves a mark in WORK and is not repeated, so the
command can be interrupted. The scripts read the weights of earlier steps from the package. All
steps take about four hours of one processor core.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PACKAGE = HERE.parent / "src" / "soundclone"


@dataclass(frozen=True)
class Step:
    """A script with its arguments, in which {names} stand for folders."""

    script: str
    arguments: tuple[str, ...]
    name: str = ""  # of the mark, if other than the script's

    @property
    def mark(self) -> str:
        """Name of the step among the marks and for --only."""
        return self.name or self.script


STEPS = (
    Step("acoustic_model", ("{pocketsphinx}", "{engine}/acoustic.npz")),
    Step("corpus", ("{corpus}", "{work}/clips")),
    Step("recogniser", ("{work}/clips", "{engine}/recogniser.npz", "2200")),
    Step("spoken_language", ("{work}/clips", "{engine}/language.npz")),
    Step("features", ("{corpus}", "{work}/features")),
    *(
        Step(
            "decoder",
            (name, "{work}/features", f"{{engine}}/decoder-{name}.npz"),
            f"decoder-{name}",
        )
        for name in ("english", "multilingual")
    ),
    Step("source", ("{engine}/source.npz",)),
    Step("extension", ("{corpus}", "{engine}/extension.npz")),
    Step("prosody_model", ("{work}/clips", "{engine}/prosody.npz", "10")),
    Step("postfilter", ("{corpus}", "{work}/clips", "{engine}/postfilter.npz")),
    Step("speaker", ("{corpus}", "{audio}/speaker.npz")),
    Step("cohort", ("{corpus}", "{audio}/cohort.npz")),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the steps that are not marked as done. Return the exit status of the first failure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("pocketsphinx", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--only", nargs="+", choices=[step.mark for step in STEPS])
    options = parser.parse_args(arguments)
    places = {
        "corpus": options.corpus,
        "pocketsphinx": options.pocketsphinx,
        "work": options.work,
        "engine": PACKAGE / "engines" / "builtin" / "weights",
        "audio": PACKAGE / "audio" / "weights",
    }
    options.work.mkdir(parents=True, exist_ok=True)
    for step in STEPS:
        mark = options.work / f"{step.mark}.done"
        if mark.exists() or (options.only and step.mark not in options.only):
            continue
        print(step.mark, flush=True)
        done = subprocess.run(  # noqa: S603
            [
                sys.executable,
                HERE / f"{step.script}.py",
                *(argument.format(**places) for argument in step.arguments),
            ],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            check=False,
        )
        if done.returncode:
            return done.returncode
        mark.touch()
    return 0


if __name__ == "__main__":
    sys.exit(main())
