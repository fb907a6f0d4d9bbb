"""Check a release before it is built, and take its notes from the changelog.

`release.py check TAG` fails unless the tag is `v` and the version of both distributions, and the
changelog has a section for this version. `release.py notes TAG` prints that section.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DISTRIBUTIONS = ("pyproject.toml", "clients/python/pyproject.toml")
USAGE = "usage: release.py check|notes TAG"


def check(root: Path, tag: str) -> list[str]:
    """Return what is wrong with a release under this tag: one sentence for each problem."""
    problems = []
    for name in DISTRIBUTIONS:
        project = tomllib.loads((root / name).read_text("utf-8"))["project"]
        if tag != f"v{project['version']}":
            problems.append(f"{name} has version {project['version']}; tag {tag} needs {tag[1:]}")
    if not notes(root, tag):
        problems.append(f"CHANGELOG.md has no section [{tag[1:]}] with a date and an entry")
    return problems


def notes(root: Path, tag: str) -> str:
    """Return the changelog's section for a tag, without its heading, or an empty string."""
    changelog = (root / "CHANGELOG.md").read_text("utf-8")
    heading = rf"^## \[{re.escape(tag.removeprefix('v'))}\] - \d{{4}}-\d\d-\d\d$"
    match = re.search(heading + r"(.*?)(?=^## |\Z)", changelog, re.DOTALL | re.MULTILINE)
    return match[1].strip() if match else ""


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Run a command and return its exit code."""
    match arguments:
        case ["check", tag]:
            problems = check(root, tag)
            for problem in problems:
                print(problem, file=sys.stderr)
            return int(bool(problems))
        case ["notes", tag]:
            print(notes(root, tag))
            return 0
    print(USAGE, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
