"""The software bill of materials has every package that is installed with the server."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "scripts" / "sbom.py"


def test_the_bill_lists_the_locked_packages(tmp_path: Path) -> None:
    file = tmp_path / "bill.json"
    subprocess.run([sys.executable, PROGRAM, file], check=True, timeout=300)
    found = json.loads(file.read_text("utf-8"))
    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.6")
    lock = (ROOT / "requirements" / "runtime.txt").read_text("utf-8")
    locked = dict(re.findall(r"(?m)^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)", lock))
    listed = {each["name"]: each for each in found["components"]}
    assert set(listed) == {*locked, "soundclone-client"}
    for name, version in locked.items():
        each = listed[name]
        assert each["version"] == version
        assert each["purl"].startswith("pkg:pypi/")
        for digest in each["hashes"]:
            assert f"sha256:{digest['content']}" in lock
    server = found["metadata"]["component"]
    assert (server["name"], server["type"]) == ("soundclone", "application")
    assert server["version"] == metadata.version("soundclone")
    licensed = [each for each in listed.values() if each.get("licenses")]
    assert len(licensed) > 0.9 * len(listed)
    graph = {each["ref"]: each.get("dependsOn", []) for each in found["dependencies"]}
    direct = graph[server["bom-ref"]]
    for name in ("fastapi", "sqlalchemy", "soundclone-client"):
        assert any(ref.startswith(f"pkg:pypi/{name}@") for ref in direct)
    references = {each["bom-ref"] for each in [server, *found["components"]]}
    assert {ref for needed in graph.values() for ref in needed} <= references


def test_a_wrong_usage_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert runpy.run_path(str(PROGRAM))["main"]([]) == 2
    assert "usage: sbom.py FILE" in capsys.readouterr().err


def test_the_release_publishes_the_bill() -> None:
    workflow = (ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8")
    assert "scripts/sbom.py sbom/soundclone.cdx.json" in workflow
