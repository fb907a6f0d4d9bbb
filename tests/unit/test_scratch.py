from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from soundclone.scratch import remove_abandoned, scratch_folder

HOLDER = """
import sys, tempfile
from pathlib import Path
from soundclone.scratch import scratch_folder
with scratch_folder(Path(sys.argv[1])):
    Path(tempfile.mkdtemp(), "recording").write_bytes(b"a voice")
    print("ready", flush=True)
    sys.stdin.read()
"""


@contextmanager
def holder(root: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process with a temporary file in a folder below `root`."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin
    assert process.stdout
    try:
        assert process.stdout.readline() == b"ready\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def recordings(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_temporary_files_lie_in_the_folder(tmp_path: Path) -> None:
    before = tempfile.gettempdir()
    with scratch_folder(tmp_path / "scratch") as folder:
        assert folder.parent == tmp_path / "scratch"
        assert folder.stat().st_mode & 0o777 == 0o700
        with tempfile.NamedTemporaryFile() as file:
            assert Path(file.name).parent == folder
        shell = subprocess.run(
            ["sh", "-c", "echo $TMPDIR"], capture_output=True, check=True, text=True
        )
        assert shell.stdout.strip() == str(folder)
        (folder / "left").write_bytes(b"")
    assert list((tmp_path / "scratch").iterdir()) == []
    assert tempfile.gettempdir() == before


def test_a_killed_process_leaves_nothing(tmp_path: Path) -> None:
    with holder(tmp_path) as living, holder(tmp_path) as dead:
        assert len(recordings(tmp_path)) == 2
        assert remove_abandoned(tmp_path) == 0
        dead.kill()
        dead.wait()
        assert remove_abandoned(tmp_path) == 1
        assert len(recordings(tmp_path)) == 1
        assert living.poll() is None
    assert remove_abandoned(tmp_path) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_start_removes_what_is_left(tmp_path: Path) -> None:
    with holder(tmp_path):
        pass
    assert len(recordings(tmp_path)) == 1
    with scratch_folder(tmp_path) as folder:
        assert sorted(tmp_path.iterdir()) == [folder, folder.with_name(f"{folder.name}.lock")]


def test_a_folder_of_this_process_is_in_use(tmp_path: Path) -> None:
    with scratch_folder(tmp_path) as folder:
        assert remove_abandoned(tmp_path) == 0
        assert folder.is_dir()


def test_no_folder_no_work(tmp_path: Path) -> None:
    assert remove_abandoned(tmp_path / "absent") == 0


def test_many_starts_at_once(tmp_path: Path) -> None:
    """Each start looks for abandoned folders while others make theirs."""
    script = HOLDER.replace("sys.stdin.read()", "assert Path(tempfile.gettempdir()).is_dir()")
    for _ in range(3):
        started = [
            subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE)
            for _ in range(os.cpu_count() or 2)
        ]
        for process in started:
            process.communicate(timeout=60)
            assert process.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_what_was_written_while_a_folder_was_removed_goes_later(tmp_path: Path) -> None:
    root = tmp_path / "scratch"
    with scratch_folder(root) as ended:
        pass
    foreign = root / "not-ours"
    foreign.mkdir()
    (ended / "soundclone-late").mkdir(parents=True)
    (ended / "soundclone-late" / "recording.wav").write_bytes(b"voice")
    with scratch_folder(root) as living:
        assert sorted(each.name for each in root.iterdir() if each.is_dir()) == sorted(
            [living.name, foreign.name]
        )
        assert remove_abandoned(root) == 0
        assert living.exists()
