"""Contents of the wheels and sdists of the server and the SDK, and a test of them installed."""

from __future__ import annotations

import email
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.service import Service

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "soundclone"
SDK = ROOT / "clients" / "python"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
BIGGEST = 5_000_000  # bytes of a file
BIGGEST_WHEEL = 20_000_000

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]


def python(version: str) -> Path | None:
    """Find an interpreter of that version on the PATH or among pyenv's."""
    found = shutil.which(f"python{version}")
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for each in [*([Path(found)] if found else []), *pyenv.glob(f"{version}.*/bin/python")]:
        code = "import ensurepip, sys; print('%d.%d' % sys.version_info[:2])"
        done = subprocess.run([each, "-c", code], capture_output=True, text=True, check=False)
        if done.stdout.strip() == version:
            return each
    return None


def build(source: Path, target: Path, *kinds: str) -> list[Path]:
    """Build with the installed tools, without network."""
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", *kinds, "--outdir", target, source],
        check=True, capture_output=True, cwd=target.parent,
    )  # fmt: skip
    return sorted(target.iterdir())


@dataclass(frozen=True)
class Built:
    """The distributions that were built from the tree."""

    sdist: Path
    wheel: Path
    sdk_sdist: Path
    sdk_wheel: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("built")
    (sdist,) = build(ROOT, folder / "sdist", "--sdist")
    (wheel,) = build(ROOT, folder / "wheel", "--wheel")
    (sdk_sdist,) = build(SDK, folder / "sdk-sdist", "--sdist")
    (sdk_wheel,) = build(SDK, folder / "sdk-wheel", "--wheel")
    return Built(sdist, wheel, sdk_sdist, sdk_wheel)


def contents(wheel: Path) -> dict[str, str]:
    """Return the name and digest of every file."""
    with zipfile.ZipFile(wheel) as opened:
        return {
            name: hashlib.sha256(opened.read(name)).hexdigest()
            for name in opened.namelist()
            if not name.endswith("/")
        }


def sources(source: Path, package: str) -> set[str]:
    """Return the files of a package as git lists them, the way a wheel names them."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", package],
        cwd=source, capture_output=True, text=True, check=True,
    )  # fmt: skip
    names = (name.removeprefix("src/") for name in listed.stdout.splitlines())
    return {name for name in names if (source / "src" / name).is_file()}


def metadata(wheel: Path) -> email.message.Message:
    with zipfile.ZipFile(wheel) as opened:
        (name,) = (name for name in opened.namelist() if name.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(opened.read(name))


def test_the_sdk_is_a_small_wheel_of_its_own(built: Built, tmp_path: Path) -> None:
    found = contents(built.sdk_wheel)
    info = {name for name in found if ".dist-info/" in name}
    assert set(found) - info == sources(SDK, "src/soundclone_client")
    assert "soundclone_client/py.typed" in found
    assert any(name.endswith("licenses/LICENSE") for name in info)
    assert (SDK / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    head = metadata(built.sdk_wheel)
    listed = head.get_all("Requires-Dist") or []
    required = [name for name in listed if "extra ==" not in name]
    assert [name.partition(">")[0] for name in required] == ["httpx2"]
    assert contents(unpacked(built.sdk_sdist, tmp_path)) == found


def test_server_and_sdk_have_one_version(built: Built) -> None:
    server, sdk = metadata(built.wheel), metadata(built.sdk_wheel)
    assert server["Version"] == sdk["Version"]
    assert f"soundclone-client=={sdk['Version']}" in (server.get_all("Requires-Dist") or [])


def unpacked(sdist: Path, folder: Path) -> Path:
    """Build a wheel from an sdist."""
    with tarfile.open(sdist) as opened:
        # Python 3.11 before 3.11.4 has no filters.
        if hasattr(tarfile, "data_filter"):
            opened.extractall(folder, filter="data")
        else:
            opened.extractall(folder)
    (source,) = folder.iterdir()
    (wheel,) = build(source, folder / "again", "--wheel")
    return wheel


def test_the_wheel_has_the_package_and_nothing_else(built: Built) -> None:
    sdist, wheel = built.sdist, built.wheel
    found = contents(wheel)
    info = {name for name in found if ".dist-info/" in name}
    assert set(found) - info == sources(ROOT, "src/soundclone")
    assert {
        "soundclone/py.typed",
        "soundclone/db/migrations/script.py.mako",
        "soundclone/audio/weights/README.md",
        "soundclone/audio/weights/cohort.npz",
        "soundclone/audio/weights/silero.npz",
        "soundclone/audio/weights/speaker.npz",
        "soundclone/text/g2p/japanese.xz",
        "soundclone/engines/builtin/weights/README.md",
        "soundclone/engines/builtin/weights/decoder-english.npz",
        "soundclone/engines/builtin/weights/decoder-multilingual.npz",
        "soundclone/text/cldr/zh.xz",
        "soundclone/api/studio/templates/base.html",
        "soundclone/api/studio/vendor/htmx/htmx.min.js",
    } <= set(found)
    assert any(name.startswith("soundclone/db/migrations/versions/0001") for name in found)
    with zipfile.ZipFile(wheel) as opened:
        sizes = {each.filename: each.file_size for each in opened.infolist()}
    assert max(sizes.values()) < BIGGEST, max(sizes, key=sizes.__getitem__)
    assert wheel.stat().st_size < BIGGEST_WHEEL
    assert sdist.stat().st_size < BIGGEST_WHEEL


def test_what_is_not_ours_comes_with_its_licence(built: Built) -> None:
    wheel = built.wheel
    found = set(contents(wheel))
    (metadata,) = (name for name in found if name.endswith(".dist-info/METADATA"))
    licences = metadata.replace("METADATA", "licenses/")
    with zipfile.ZipFile(wheel) as opened:
        head = email.message_from_bytes(opened.read(metadata))
        notice = opened.read(licences + "NOTICE").decode()
    for file in head.get_all("License-File") or ():
        assert licences + file in found
    vendored = [
        folder.name
        for folder in (PACKAGE / "api" / "studio" / "vendor").iterdir()
        if folder.is_dir()
    ]
    assert vendored
    for name in vendored:
        assert f"{licences}src/soundclone/api/studio/vendor/{name}/LICENSE" in found
    for what in (
        "pocketsphinx",
        "Silero VAD",
        "mecab-ipadic",
        "Common Locale Data Repository",
        "htmx",
    ):
        assert what in notice
    expression = head["License-Expression"].split(" AND ")
    assert {"Apache-2.0", "BSD-2-Clause", "MIT", "NAIST-2003", "Unicode-3.0"} <= set(expression)
    assert head["Version"] in (ROOT / "CHANGELOG.md").read_text()
    assert head["Description-Content-Type"] == "text/markdown"


def test_the_sdist_makes_the_same_wheel(built: Built, tmp_path: Path) -> None:
    again = unpacked(built.sdist, tmp_path)
    (source,) = (path for path in tmp_path.iterdir() if path.name != "again")
    roots = {path.name for path in source.iterdir()}
    assert {"LICENSE", "NOTICE", "CHANGELOG.md", "README.md", "pyproject.toml"} <= roots
    others = {"tests", "training", "bench", "docs", "examples", "scripts", "clients", ".ci"}
    assert not roots & others
    assert contents(again) == contents(built.wheel)


@pytest.fixture(params=PYTHONS)
def installed(request: pytest.FixtureRequest, built: Built, tmp_path: Path) -> Path:
    """Install the locked packages and both wheels in a fresh environment. Returns its programs."""
    interpreter = python(request.param)
    if interpreter is None:
        pytest.skip(f"there is no Python {request.param} here")
    subprocess.run([interpreter, "-m", "venv", tmp_path / "venv"], check=True)
    programs = tmp_path / "venv" / "bin"
    pip = [str(programs / "python"), "-m", "pip", "--disable-pip-version-check"]
    locked = subprocess.run(
        [*pip, "install", "-q", "--no-compile", "--require-hashes", "--only-binary", ":all:",
         "-r", ROOT / "requirements" / "runtime.txt"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if locked.returncode and ("No matching distribution" not in locked.stderr):
        reason = f"the locked packages cannot be had: {locked.stderr[-300:]}"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    assert locked.returncode == 0, locked.stderr
    subprocess.run(
        [*pip, "install", "-q", "--no-deps", "--no-index", built.sdk_wheel, built.wheel], check=True
    )
    subprocess.run([*pip, "check"], check=True, capture_output=True)
    return programs


def test_it_works_on_its_own(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a folder outside the repository: a voice is made, and speaks."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    shutil.copy(ROOT / "examples" / "recording.mp3", folder / "me.mp3")
    monkeypatch.chdir(folder)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    (folder / "service").mkdir()
    with Service(folder / "service", python=installed / "python") as service:
        environment = service.environment | {
            "SOUNDCLONE_BASE_URL": service.url,
            "SOUNDCLONE_API_KEY": service.new_key()[1],
        }

        def run(*arguments: str) -> str:
            done = subprocess.run(
                [installed / "soundclone", *arguments],
                env=environment, capture_output=True, check=False, timeout=180, text=True,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            return done.stdout

        code = "import soundclone.client, soundclone_client; print(soundclone_client.__version__)"
        version = subprocess.check_output([installed / "python", "-c", code], text=True)
        assert version == run("--version")
        assert run("--version").strip() in (ROOT / "CHANGELOG.md").read_text()
        assert "Exit codes:" in run("--help")
        report = json.loads(run("doctor", "--json"))
        assert report["ok"], report
        voice = run("clone", "me.mp3", "--text", "Hello.", "--quiet").strip()
        run("speak", voice, "--text", "Good evening.", "-o", "evening.flac")
        assert (folder / "evening.flac").read_bytes()[:4] == b"fLaC"
        for page in ("/docs", "/studio", "/static/htmx/htmx.min.js"):
            assert service.get(page)[0] == 200, page
        service.terminate()
    log = service.log.read_text()
    assert "Traceback" not in log
    assert "Warning" not in log
