"""Helm chart: settings, metrics and values exist. With `helm`, the chart is rendered too."""

from __future__ import annotations

import importlib
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from soundclone.config import Settings

from .test_containers import SETTINGS
from .test_monitoring import RULES, exported

CHART = Path(__file__).parents[2] / "deploy" / "helm" / "soundclone"
TEMPLATES = sorted((CHART / "templates").iterdir())
NEEDED = {"existingSecret": "s", "storageUrl": "s3://voices"}


def values() -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    return data


def problems(data: dict[str, Any]) -> list[str]:
    """Return what the chart's schema finds wrong with values."""
    schema = json.loads((CHART / "values.schema.json").read_text("utf-8"))
    validator = importlib.import_module("jsonschema").Draft7Validator
    validator.check_schema(schema)
    return [error.message for error in validator(schema).iter_errors(data)]


def test_the_schema_accepts_the_values_and_refuses_mistakes() -> None:
    assert problems(values()) == []
    worker = values()["workers"]["builtin"]
    mistakes: tuple[dict[str, Any], ...] = (
        {"replicas": 3},
        {"storageUrl": "file:///files"},
        {"settings": {"SOUNDCLONE_ASR": "off"}},
        {"workers": {}},
        {"workers": {"builtin": worker | {"minReplicas": 0}}},
        {"workers": {"Built in": worker}},
    )
    for wrong in mistakes:
        assert problems(values() | wrong), wrong


def test_settings_and_metrics_exist() -> None:
    text = "\n".join(path.read_text("utf-8") for path in TEMPLATES)
    named = set(re.findall(r"SOUNDCLONE_[A-Z_]+[A-Z]", text))
    assert len(named) >= 4
    assert named <= SETTINGS
    assert {f"SOUNDCLONE_{name}" for name in re.findall(r'dict "([A-Z_]+)" "', text)} <= SETTINGS
    metrics = re.findall(r"max\((\w+)\{(\w+)=", text)
    assert len(metrics) == 2
    for name, label in metrics:
        assert label in exported()[name]
    assert (CHART / "files" / "rules.yml").resolve() == RULES


def test_pods_get_more_time_than_the_grace() -> None:
    grace = Settings.model_fields["stop_grace"].default
    text = "\n".join(path.read_text("utf-8") for path in TEMPLATES)
    seconds = [int(each) for each in re.findall(r"terminationGracePeriodSeconds: (\d+)", text)]
    assert len(seconds) == 2
    assert min(seconds) >= grace + 5


def test_the_chart_has_the_version_of_the_service() -> None:
    from soundclone import __version__

    chart = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))
    assert chart["version"] == chart["appVersion"] == __version__


@pytest.mark.skipif(not shutil.which("helm"), reason="helm is not installed")
def test_helm_renders_the_chart(tmp_path: Path) -> None:
    more = {"ingress": {"enabled": True, "tlsSecret": "tls"}, "monitoring": {"enabled": True}}
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(NEEDED | more))
    done = subprocess.run(
        ["helm", "template", "x", CHART, "--values", tmp_path / "values.yaml"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    objects = [each for each in yaml.safe_load_all(done.stdout) if each]
    kinds = [each["kind"] for each in objects]
    assert sorted(set(kinds)) == [
        "Deployment", "Ingress", "PodDisruptionBudget", "PodMonitor", "PrometheusRule",
        "ScaledObject", "Service", "ServiceAccount",
    ]  # fmt: skip
    for each in objects:
        if each["kind"] == "PrometheusRule":
            assert each["spec"] == yaml.safe_load(RULES.read_text("utf-8"))
        if each["kind"] == "Deployment":
            pod = each["spec"]["template"]["spec"]
            assert pod["securityContext"]["runAsNonRoot"]
            (container,) = pod["containers"]
            assert container["securityContext"]["readOnlyRootFilesystem"]
            assert each["spec"]["selector"]["matchLabels"].items() <= (
                each["spec"]["template"]["metadata"]["labels"].items()
            )
    refused = subprocess.run(["helm", "template", "x", CHART], capture_output=True, check=False)
    assert refused.returncode != 0
