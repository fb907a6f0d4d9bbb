"""Images, Compose file and systemd units: settings, sources, secrets and confinement."""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from soundclone.config import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SETTINGS = {f"SOUNDCLONE_{name.upper()}" for name in Settings.model_fields}
IMAGES = ["Dockerfile", "Dockerfile.gpu"]
UNITS = ["soundclone.service", "soundclone-worker@.service"]


def compose() -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    return data


@pytest.mark.parametrize("path", [*IMAGES, *UNITS, "compose.yaml"])
def test_settings_exist(path: str) -> None:
    named = set(re.findall(r"SOUNDCLONE_[A-Z_]+", (DEPLOY / path).read_text("utf-8")))
    assert named
    assert named <= SETTINGS


def test_images_are_pinned() -> None:
    images = [each["image"] for each in compose()["services"].values()]
    assert len(images) == 6
    for image in images:
        name, _, tag = image.partition(":")
        assert "." not in name.partition("/")[0], f"{image} names a registry"
        assert tag == "local" or re.search(r"\d+\.\d+", tag), image


def test_containers_are_hardened() -> None:
    for name, service in compose()["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "privileged" not in service
        for port in service.get("ports", ()):
            assert ":-127.0.0.1:" in port, f"{name} is open to the network"
    for name in ("api", "worker"):
        assert compose()["services"][name]["read_only"] is True


def test_the_time_to_stop_exceeds_the_grace() -> None:
    grace = Settings.model_fields["stop_grace"].default
    for name in ("api", "worker"):
        assert int(compose()["services"][name]["stop_grace_period"].rstrip("s")) > grace
    for unit in UNITS:
        (seconds,) = re.findall(r"TimeoutStopSec=(\d+)", (DEPLOY / unit).read_text("utf-8"))
        assert int(seconds) > grace


def test_secrets_are_written_once_and_privately(tmp_path: Path) -> None:
    shutil.copytree(DEPLOY, tmp_path / "deploy", ignore=shutil.ignore_patterns(".env*"))
    docker = tmp_path / "docker"
    docker.write_text(f'#!/bin/sh\nprintf "%s " "$PWD" "$@" >>{tmp_path}/called\n')
    docker.chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    written = tmp_path / "deploy" / ".env"
    contents = []
    for _ in range(2):
        subprocess.run(
            [tmp_path / "deploy" / "up", "--scale", "worker=2"],
            check=True,
            env=environment,
            capture_output=True,
        )
        contents.append(written.read_text())
    assert contents[0] == contents[1]
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    called = (tmp_path / "called").read_text()
    command = f"{tmp_path}/deploy compose up --detach --build --wait --scale worker=2"
    assert called.split() == (command + " " + command).split()

    values = dict(line.split("=", 1) for line in contents[0].splitlines() if "=" in line)
    wanted = set(re.findall(r"\$\{([A-Z0-9_]+):\?", (DEPLOY / "compose.yaml").read_text()))
    assert wanted
    assert wanted <= {name for name, value in values.items() if value}
    Settings(secret_key=values["SECRET_KEY"], encryption_keys=(values["ENCRYPTION_KEYS"],))
    ignored = subprocess.run(
        ["git", "check-ignore", "deploy/.env", "deploy/.env.new"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert len(ignored.stdout.split()) == 2


def in_context(path: str) -> bool:
    """Tell whether .dockerignore, of which the last match counts, lets a path into the build."""
    kept = True
    for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        pattern, parts = line.removeprefix("!"), Path(path).parts
        names = ["/".join(parts[: n + 1]) for n in range(len(parts))]
        if pattern.startswith("**/"):
            pattern, names = pattern.removeprefix("**/"), list(parts)
        if any(fnmatch.fnmatch(each, pattern) for each in names):
            kept = line.startswith("!")
    return kept


def test_the_build_gets_the_sources_and_nothing_else() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    kept = {path for path in listed.stdout.splitlines() if in_context(path)}
    sources = {path for path in listed.stdout.splitlines() if path.startswith("src/")}
    assert sources <= kept
    assert {"pyproject.toml", "LICENSE", "NOTICE", "README.md"} <= kept
    assert not [path for path in kept if path.startswith(("tests", "docs", "deploy", "."))]
    for each in ("deploy/.env", ".venv/bin/python", ".git/config", "src/soundclone.egg-info/x"):
        assert not in_context(each)
    for image in IMAGES:
        text = (DEPLOY / image).read_text("utf-8")
        for name in re.findall(r"requirements/[\w.$-]+\.txt", text):
            for lock in ("torch", "cuda", "gpu"):
                assert name.replace("$lock", lock) in kept


@pytest.mark.parametrize("image", IMAGES)
def test_images_have_locked_packages_and_no_root(image: str) -> None:
    text = re.sub(r"\\\n", " ", (DEPLOY / image).read_text("utf-8"))
    for line in re.findall(r"pip install [^&;]*", text):
        assert "--require-hashes" in line or "--no-index" in line, line
    (user,) = re.findall(r"^USER (\S+)", text, re.MULTILINE)
    assert user == "10001:10001"
    assert "HEALTHCHECK" in text
    assert text.index("USER ") < text.index("ENTRYPOINT")


def test_the_image_for_gpus_has_the_same_versions() -> None:
    """The image installs this lock without dependencies, so a missing package breaks it."""
    locks = {}
    for name in ("runtime", "gpu"):
        text = (ROOT / "requirements" / f"{name}.txt").read_text("utf-8")
        locks[name] = set(re.findall(r"^([\w.-]+==[^\s;]+)", text, re.MULTILINE))
    assert len(locks["runtime"]) > 40
    assert locks["runtime"] <= locks["gpu"]


def test_units_have_the_same_hardening() -> None:
    both = [(DEPLOY / unit).read_text("utf-8").split("[Service]")[1] for unit in UNITS]
    own = [set(one.splitlines()) - set(other.splitlines()) for one, other in (both, both[::-1])]
    for lines in own:
        assert {line.partition("=")[0] for line in lines} == {
            "StateDirectory",
            "Environment",
            "ExecStart",
        }


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    for unit in UNITS:
        text = (DEPLOY / unit).read_text("utf-8")
        text = re.sub(r"ExecStart=\S+", "ExecStart=/bin/true", text)
        (tmp_path / unit.replace("@", "@1")).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *tmp_path.iterdir()],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Unknown" not in done.stderr
