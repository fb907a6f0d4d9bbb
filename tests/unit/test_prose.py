"""Tests of `scripts/prose`."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_spec = importlib.util.spec_from_file_location("prose", ROOT / "scripts" / "prose.py")
assert _spec is not None
assert _spec.loader is not None
prose = importlib.util.module_from_spec(_spec)
sys.modules["prose"] = prose  # dataclasses look their module up
_spec.loader.exec_module(prose)

LONG = " ".join(["word"] * 33) + "."


def reasons(name: str, source: str) -> list[tuple[int, str]]:
    """Return the line and the reason of each finding."""
    found = [(place.line, prose.first_reason(place)) for place in prose.places(name, source)]
    return [(line, reason) for line, reason in found if reason]


@pytest.mark.parametrize(
    ("docstring", "reason"),
    [
        ("What the worker does when it stops.", "opens with “What”"),
        ("Of several voices, the newest.", "opens with “Of”"),
        ("The one that was used last.", "opens with “The one”"),
        ("How to add a language.", None),
        ("Decode a recording in a sandbox.", None),
        ("Return the theme's colours.", None),
        ("Offset in bytes.", None),
        ("Return words of their own.", "“of their own”"),
        (f"Return it.\n\n{LONG}", "33 words in one sentence"),
        (
            "Return it.\n\nArgs:\n" + "    name: " + "word " * 20 + "\n    path: " + "word " * 20,
            None,
        ),
        ("Return it, as here:\n\n        " + "word " * 40 + "\n\n    End.", None),
        ("- " + "word " * 20 + "\n- " + "word " * 20, None),
    ],
)
def test_docstrings(docstring: str, reason: str | None) -> None:
    found = reasons("a.py", f'def f():\n    """{docstring}"""\n')
    assert found == ([(2, reason)] if reason else [])


def test_comments_on_consecutive_lines_are_one_place() -> None:
    half = "# " + " ".join(["word"] * 17)
    assert reasons("a.py", f"{half}\n{half}\n") == [(1, "34 words in one sentence")]
    assert reasons("a.py", f"{half}\n\n{half}\n") == []
    assert reasons("a.py", f"x = 1  {half}\ny = 2  {half}\n") == []


def test_strings_and_directives_are_not_comments() -> None:
    assert reasons("a.py", "x = '# whoever calls this function'\n") == []
    assert reasons("a.py", "x = 1  # noqa: S603, whoever calls this\n") == []
    assert reasons("a.py", "x = 1  # whoever calls this\n") == [(1, "“whoever”")]


def test_markdown_sentences_run_over_lines() -> None:
    half = " ".join(["word"] * 17)
    assert reasons("a.md", f"# Title\n\n{half}\n{half}.\n") == [(3, "34 words in one sentence")]
    assert reasons("a.md", f"{half}.\n{half}.\n") == []
    assert reasons("a.md", f"- {half}\n- {half}\n") == []


@pytest.mark.parametrize(
    "text",
    [
        "```sh\necho for want of a nail -->\necho for want of another\n```",
        "<!-- test: sh\n# for want of a nail\necho for want of another\n-->",
        "Call `whoever` to see the account.",
        "[The account](whatever.md)",
        "![Whatever you see here](picture.png)",
    ],
)
def test_markdown_that_is_no_prose(text: str) -> None:
    assert reasons("a.md", text) == []
    assert reasons("a.md", f"{text}\n\nWhoever reads this.") != []


def test_table_cells_are_places() -> None:
    table = "| name | meaning |\n|---|---|\n| rate | whatever the engine returns |\n"
    assert reasons("a.md", table) == [(3, "“whatever”")]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one hard place among two in `src`, and none in README."""
    (tmp_path / "src" / "vendor").mkdir(parents=True)
    (tmp_path / "src" / "a.py").write_text('"""Decode a recording."""\n# whoever calls this\n')
    (tmp_path / "src" / "vendor" / "b.py").write_text("# whoever calls this\n")
    (tmp_path / "README.md").write_text("Clone a voice.\n")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    (tmp_path / "src" / "untracked.py").write_text("# whoever calls this\n")
    return tmp_path


def test_shares(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert prose.main([], repository) == 1
    assert capsys.readouterr().out.splitlines() == [
        "src/a.py:2: “whoever”: whoever calls this",
        "source: 50.0% of 2 places are hard to read; limit 2%",
        "documentation: 0.0% of 1 places are hard to read; limit 3%",
    ]
    (repository / "src" / "a.py").write_text('"""Decode a recording."""\n')
    assert prose.main([], repository) == 0


def test_paths(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert prose.main(["src"], repository) == 0
    assert prose.main(["--strict", "src"], repository) == 1
    assert prose.main(["--strict", "README.md"], repository) == 0
    assert "src/a.py:2" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="2"):
        prose.main(["--strict"], repository)


def test_the_check_holds_itself_to_its_rules() -> None:
    findings, count = prose.check(ROOT, ["scripts/prose.py", "CODE_OF_CONDUCT.md"])
    assert findings == []
    assert count > 0
