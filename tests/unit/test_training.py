"""One command makes every weight of the package."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]
STEPS = runpy.run_path(str(ROOT / "training" / "remake.py"))["STEPS"]


def test_every_weight_is_made_by_a_step() -> None:
    weights = {path.name for path in (ROOT / "src").rglob("weights/*.npz")}
    made = [Path(argument).name for step in STEPS for argument in step.arguments]
    assert weights == {name for name in made if name.endswith(".npz")}


def test_every_step_has_its_script() -> None:
    for step in STEPS:
        assert (ROOT / "training" / f"{step.script}.py").exists(), step
