"""Requests that schemathesis makes up from the served document."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api.site import served
from tests.service import Service

pytestmark = pytest.mark.slow

# The service refuses some values that the schema accepts, with a message: an invalid URL, a text
# without a letter, a language that no engine speaks.
NOT_CHECKED = ["positive_data_acceptance"]
# With status 200 for everything, there is nothing to tell acceptance from refusal by.
BY_STATUS = [
    "negative_data_rejection",
    "missing_required_header",
    "ignored_auth",
    "unsupported_method",
]


PARTS = {
    "own": "--exclude-path-regex=^/(v1|elevenlabs|minimax)/|/projects",
    "projects": "--include-path-regex=/projects",
    "openai": "--include-path-regex=^/v1/",
    "elevenlabs": "--include-path-regex=^/elevenlabs/",
    "minimax": "--include-path-regex=^/minimax/v1/",
}
EXAMPLES = {"minimax": 10, "elevenlabs": 5, "projects": 3}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", PARTS)
def test_schemathesis(service: Service, real: bool, part: str, tmp_path: Path) -> None:
    if part != "own" and not real:
        pytest.skip("the setting changes nothing on these paths")
    _, key = service.new_key(1000)
    by_status = real and part != "minimax"  # whose errors have status 200
    excluded = NOT_CHECKED if by_status else [*NOT_CHECKED, *BY_STATUS]
    explore(
        service.url,
        key,
        tmp_path,
        f"--max-examples={EXAMPLES.get(part, 30)}",
        PARTS[part],
        # 503 without a worker is right there.
        "--exclude-path=/readyz",
        # These wait for a worker.
        "--exclude-path=/verify",
        "--exclude-path=/elevenlabs/v1/voices/add",
        f"--exclude-checks={','.join(excluded)}",
    )


@pytest.mark.timeout(300)
def test_requests_that_make_a_voice(tmp_path: Path) -> None:
    """These wait for the voice, which a pretended worker makes of anything."""
    with served(tmp_path / "data") as site:
        explore(
            site.url,
            site.api.new_account(1000).key,
            tmp_path,
            "--max-examples=10",
            "--include-path=/elevenlabs/v1/voices/add",
            f"--exclude-checks={','.join(NOT_CHECKED)}",
        )


def explore(url: str, key: str, folder: Path, *options: str) -> None:
    """Send requests that schemathesis makes up, and check the answers."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "schemathesis.cli",
            "--config-file",
            str(Path(__file__).with_name("schemathesis.toml")),
            "run",
            f"{url}/openapi.json",
            "--header",
            f"Authorization: Bearer {key}",
            "--phases=examples,coverage,fuzzing",
            "--seed=1",
            *options,
        ],
        env=os.environ | {"SCHEMATHESIS_HOOKS": str(Path(__file__).with_name("hooks.py"))},
        cwd=folder,
        capture_output=True,
        check=False,
        timeout=800,
    )
    assert done.returncode == 0, done.stdout.decode()[-6000:] + done.stderr.decode()[-2000:]
