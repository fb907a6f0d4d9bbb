"""Alert rules and dashboard: every metric and label that they use is exported by the service."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

import soundclone.telemetry as telemetry

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = DEPLOY / "prometheus" / "rules.yml"
DASHBOARD = DEPLOY / "grafana" / "dashboards" / "soundclone.json"
OF_PROMETHEUS = {"up": {"job", "instance"}}
ALWAYS = {"job", "instance", "le"}
_NAME = re.compile(r"\b(?:soundclone|process|python|up)(?:[:_]\w+)?\b")
_SELECTOR = re.compile(r"\b([a-z_]+)\{([^}]*)\}")


def exported() -> dict[str, set[str]]:
    """Return the labels of every sample name that an API process or a worker exports."""
    found = dict(OF_PROMETHEUS)
    for name, each in vars(telemetry).items():
        if isinstance(each, MetricWrapperBase):
            for family in each.describe():
                assert family.type in ("counter", "gauge", "histogram"), name
                labels = {*each._labelnames, *ALWAYS}
                ends = {
                    "counter": ("_total",),
                    "gauge": ("",),
                    "histogram": ("_bucket", "_sum", "_count"),
                }[family.type]
                found |= {family.name + end: labels for end in ends}
    # Gauges of the process, which exist on Linux alone.
    for family in REGISTRY.collect():
        if family.name.startswith("process_"):
            found |= {sample.name: {*sample.labels, *ALWAYS} for sample in family.samples}
    return found


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    return list(json.loads(DASHBOARD.read_text("utf-8"))["panels"])


def expressions() -> Iterator[tuple[str, str]]:
    for rule in rules():
        yield rule.get("alert") or rule["record"], rule["expr"]
    for panel in panels():
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]


def test_metrics_and_labels_exist() -> None:
    known = exported()
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    unquoted = [(where, re.sub(r'"[^"]*"', '""', text)) for where, text in expressions()]
    used = {(where, name) for where, text in unquoted for name in _NAME.findall(text)}
    assert len(used) > 40
    assert {
        (where, name) for where, name in used if name not in known and name not in recorded
    } == (set())
    for where, text in expressions():
        for name, selector in _SELECTOR.findall(text):
            labels = set(re.findall(r'(\w+)\s*[=!]~?\s*"', selector))
            assert labels <= known[name], (where, name)


def test_every_metric_is_shown() -> None:
    """A metric that nothing shows is forgotten."""
    shown = " ".join(text for _, text in expressions())
    for name in exported():
        if name.startswith("soundclone") and not name.endswith(("_count", "_sum")):
            assert name in shown


def test_the_words_of_failures_exist() -> None:
    from soundclone import errors

    words = {each.word for each in vars(errors).values() if hasattr(each, "word")}
    (expression,) = (r["expr"] for r in rules() if r.get("record") == "soundclone:failed_ratio")
    (matched,) = re.findall('word=~"([^"]+)"', expression)
    assert set(matched.split("|")) <= words


def test_alerts_explain_themselves() -> None:
    for rule in rules():
        if "alert" in rule:
            assert rule["labels"]["severity"] in ("critical", "warning", "info")
            assert rule["annotations"]["summary"]
            assert rule["for"]


def test_panels_have_ids_and_do_not_overlap() -> None:
    seen: set[tuple[int, int]] = set()
    assert len({panel["id"] for panel in panels()}) == len(panels())
    for panel in panels():
        box = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(box["x"], box["x"] + box["w"])
            for y in range(box["y"], box["y"] + box["h"])
        }
        assert box["x"] + box["w"] <= 24
        assert not cells & seen, panel["title"]
        seen |= cells


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
def test_prometheus_accepts_the_rules() -> None:
    folder = DEPLOY / "prometheus"
    for command in (["check", "config", "prometheus.yml"], ["test", "rules", "rules_test.yml"]):
        done = subprocess.run(
            ["promtool", *command], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
