"""Each threat of docs/security.md names tests that exist, and docs/privacy.md names all data."""

from __future__ import annotations

import ast
import re

import pytest

from soundclone.core import account_data

from .pages import ROOT

SECURITY = (ROOT / "docs" / "security.md").read_text("utf-8")
PRIVACY = (ROOT / "docs" / "privacy.md").read_text("utf-8")


def threats() -> list[tuple[str, list[str]]]:
    """Each row of the tables of threats: the threat, and the tests that it names."""
    section = SECURITY.partition("\n## Threats\n")[2].partition("\n## ")[0]
    rows = [line.split(" | ") for line in section.splitlines() if line.startswith("| ")]
    found = [(row[0].strip("| "), re.findall(r"`([^`]+::[^`]+)`", row[-1])) for row in rows]
    return [row for row in found if row[0] != "Threat"]


@pytest.mark.parametrize(("threat", "named"), threats(), ids=lambda value: str(value)[:50])
def test_a_threat_names_tests_that_exist(threat: str, named: list[str]) -> None:
    assert named, f"{threat} names no test"
    for name in named:
        file, _, test = name.partition("::")
        path = ROOT / "tests" / file
        assert path.exists(), name
        tree = ast.parse(path.read_text("utf-8"))
        functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert test in functions, name


def test_there_are_threats_of_each_kind() -> None:
    assert len(threats()) > 30
    for heading in ("Assets", "Trust boundaries", "Threats"):
        assert f"\n## {heading}\n" in SECURITY


def test_the_description_of_an_export_names_each_table() -> None:
    row = next(line for line in PRIVACY.splitlines() if "data/TABLE.jsonl" in line)
    tables = {table.name for table in account_data.exported_tables()}
    assert tables == set(re.findall(r"`([a-z_]+)`", row.partition(" | ")[2]))


def test_the_description_of_storage_names_each_folder() -> None:
    for folder in ("uploads/", "voices/", "consents/", "results/", "work/", "scratch/"):
        assert f"`{folder}`" in PRIVACY
