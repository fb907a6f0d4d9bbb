"""One command makes every weight of the package."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]
REMAKE = runpy.run_path(str(ROOT / "training" / "remake.py"))
STEPS = REMAKE["STEPS"]


def test_every_weight_is_made_by_a_step() -> None:
    weights = {path.name for path in (ROOT / "src").rglob("weights/*.npz")}
    made = [Path(argument).name for step in STEPS for argument in step.arguments]
    assert weights == {name for name in made if name.endswith(".npz")}


def test_every_step_has_its_script() -> None:
    for step in STEPS:
        assert (ROOT / "training" / f"{step.script}.py").exists(), step


def test_a_small_corpus_has_good_clips_of_few_speakers(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    (corpus / "audio").mkdir(parents=True)
    clips, quality = [], []
    for number in range(60):
        language, speaker = ("en", "fr", "xx")[number % 3], f"s{number // 6}-{number % 3}"
        path = f"audio/{number}.opus"
        clips.append(
            {"path": path, "speaker": speaker, "language": language, "transcript": "Hello."}
        )
        noisy = number in (0, 1)
        quality.append(
            {
                "path": path,
                "snr_db_est": "20.0" if noisy else "40.0",
                "bandwidth_hz": "12000",
                "clip_frac": "0.0e+00",
                "speech_s": "5.0",
            }
        )
    REMAKE["write_table"](corpus / "MANIFEST.tsv", clips)
    REMAKE["write_table"](corpus / "QUALITY.tsv", quality)
    small = REMAKE["small_corpus"](corpus, tmp_path / "small")
    rows = REMAKE["table"](small / "MANIFEST.tsv")
    assert {row["language"] for row in rows.values()} == {"en", "fr"}
    assert len({row["speaker"] for row in rows.values()}) == 18  # the noisy two have one good clip
    assert rows.keys() == REMAKE["table"](small / "QUALITY.tsv").keys()
    assert (small / "audio").resolve() == corpus / "audio"
