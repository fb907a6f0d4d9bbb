"""Check a release before it is built, and take its notes from the changelog.

`release.py check TAG` compares the tag with the version of both distributions, with the version of
the client that the server requires, and with the changelog. `release.py notes TAG` prints the
changelog's section.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DISTRIBUTIONS = ("pyproject.toml", "clients/python/pyproject.toml")
CLIENT = "soundclone-client"
USAGE = "usage: release.py check|notes TAG"


def check(root: Path, tag: str) -> list[str]:
    """Return what is wrong with a release under this tag: one sentence for each problem."""
    problems = []
    wanted = tag.removeprefix("v")
    if tag == wanted:
        problems.append(f'tag {tag} does not begin with "v"')
    for name in DISTRIBUTIONS:
        project = tomllib.loads((root / name).read_text("utf-8"))["project"]
        if project["version"] != wanted:
            problems.append(f"{name} has version {project['version']}; tag {tag} needs {wanted}")
        for requirement in project.get("dependencies", ()):
            if requirement.startswith(CLIENT) and requirement != f"{CLIENT}=={wanted}":
                problems.append(f"{name} requires {requirement}; tag {tag} needs =={wanted}")
    if not notes(root, tag):
        problems.append(f"CHANGELOG.md has no section [{wanted}] with a date and an entry")
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
