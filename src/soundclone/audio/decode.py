"""Decoding of untrusted media with FFmpeg in a sandboxed child process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np

from ..errors import (
    InternalError,
    SourceEncrypted,
    SourceError,
    SourceNoAudio,
    SourceNotMedia,
    SourceTimeout,
    SourceTooLarge,
    SourceTruncated,
)
from ..telemetry import DECODER_FAULTS
from .limits import DecodeLimits
from .samples import Samples
from .sniff import SUPPORTED, describe_other
from .sound import Sound

_BETWEEN = 0.5  # seconds of silence between joined recordings
_REFUSALS: dict[str, type[SourceError]] = {
    kind.word: kind
    for kind in (
        SourceEncrypted,
        SourceNoAudio,
        SourceNotMedia,
        SourceTooLarge,
        SourceTruncated,
    )
}


@dataclass(frozen=True)
class Decoded:
    """Sound of a file: one channel without DC offset."""

    sound: Sound  # full scale is 1.0
    channels: int  # channels of the file
    container: str  # mp3, ogg, wav, mp4, aac, avi, mkv, flv, flac or aiff
    codec: str  # FFmpeg's name

    @property
    def samples(self) -> Samples:
        """Samples of the whole sound, shape (n,)."""
        return self.sound[:]

    @property
    def sample_rate(self) -> int:
        """Sample rate in Hz, at most 48000."""
        return self.sound.rate

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return self.sound.seconds


def join(parts: Sequence[Decoded]) -> Decoded:
    """Join the sounds of several files to one recording, at the highest of their sample rates.

    Half a second of silence separates the sounds, so that no word runs into the next one. The
    properties of the file are those of the first one.
    """
    first = parts[0]
    if len(parts) == 1:
        return first
    rate = max(part.sample_rate for part in parts)

    def blocks() -> Iterator[Samples]:
        for number, part in enumerate(parts):
            if number:
                yield np.zeros(round(_BETWEEN * rate), np.float32)
            yield from part.sound.resampled(rate).blocks()

    return replace(first, sound=Sound.from_blocks(blocks(), rate))


def decode(
    path: Path,
    *,
    limits: DecodeLimits | None = None,
    check: Callable[[], None] = lambda: None,
) -> Decoded:
    """Decode the default or first audio track of a file, whose format is detected.

    Args:
        path: The file.
        limits: Limits other than the usual ones.
        check: Called about twice a second. An exception ends the child process.

    Raises:
        SourceNotMedia, SourceNoAudio, SourceTruncated, SourceEncrypted: The file is unusable.
        SourceTooLarge, SourceTimeout: The file exceeds the limits.
        InternalError: The child process cannot be started.
        OSError: The child process was killed, for example because memory ran out.
    """
    limits = limits or DecodeLimits()
    with (
        path.open("rb") as source,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as scratch,
        tempfile.TemporaryFile() as log,
    ):
        if what := describe_other(source.read(4096)):
            raise SourceNotMedia(f"the file is {what}; a recording is needed: {SUPPORTED}")
        source.seek(0)
        code = _run(source, out, scratch, log, limits, check)
        report = _last_line(log)
        if "refused" in report:
            kind = _REFUSALS.get(str(report["refused"]), SourceNotMedia)
            raise kind(str(report.get("message", ""))[:500])
        if code:
            raise _exit_error(code, log)
        return _decoded(out, report)


def missing_confinement() -> tuple[str, ...]:
    """Return the parts of `confinement` that this system does not support.

    Raises:
        InternalError: The child process cannot be started.
    """
    done = subprocess.run(  # noqa: S603
        _command("--confine"), env=_environment(), capture_output=True, check=False, timeout=60
    )
    try:
        return tuple(map(str, json.loads(done.stdout)))
    except ValueError as error:
        raise InternalError(f"the decoder ended with status {done.returncode}") from error


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-PsB", "-m", f"{__package__}.decode_child", *arguments]


def _environment() -> dict[str, str]:
    # The environment may hold keys, of which the child process needs none.
    kept = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PATH", "TMPDIR")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment["PYTHONPATH"] = os.pathsep.join(entry for entry in sys.path if entry)
    # A process with several threads gets no namespace, and seccomp confines one thread. Threads of
    # numpy's libraries also reserve memory, which counts against the child's limit.
    return environment | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def _run(
    source: IO[bytes],
    out: IO[bytes],
    scratch: IO[bytes],
    log: IO[bytes],
    limits: DecodeLimits,
    check: Callable[[], None],
) -> int:
    child = subprocess.Popen(  # noqa: S603
        _command(json.dumps(asdict(limits)), str(scratch.fileno())),
        stdin=source,
        stdout=out,
        stderr=log,
        env=_environment(),
        pass_fds=[scratch.fileno()],
        start_new_session=True,  # signals to the service do not reach the decoder
    )
    end = time.monotonic() + limits.wall_seconds
    try:
        while (left := end - time.monotonic()) > 0:
            with suppress(subprocess.TimeoutExpired):
                return child.wait(min(left, 0.5))
            check()
        DECODER_FAULTS.labels("timeout").inc()
        raise SourceTimeout(f"decoding the recording took more than {limits.wall_seconds:g} s")
    finally:
        child.kill()
        child.wait()


def _last_line(log: IO[bytes]) -> dict[str, object]:
    size = log.seek(0, os.SEEK_END)
    log.seek(max(0, size - 4096))
    try:
        report = json.loads(log.read().rpartition(b"\n{")[2].join((b"{", b"")))
    except ValueError:
        return {}
    return report if isinstance(report, dict) else {}


_EXITS = {
    -signal.SIGXCPU: "timeout",
    -signal.SIGXFSZ: "size",
    -signal.SIGKILL: "killed",
    -signal.SIGTERM: "killed",
    -signal.SIGINT: "killed",
}
"""Reasons of ends by a signal, for the metrics."""


def _exit_error(code: int, log: IO[bytes]) -> SourceError | InternalError | OSError:
    DECODER_FAULTS.labels(_EXITS.get(code, "crash" if code < 0 else "error")).inc()
    if code == -signal.SIGXCPU:
        return SourceTimeout("decoding the recording takes too much processor time")
    if code == -signal.SIGXFSZ:
        return SourceTooLarge("the recording unpacks to too many bytes")
    if code in (-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT):
        # Another process killed it, perhaps because memory ran out. The file may be good.
        return InterruptedError(f"the decoder was ended by {signal.Signals(-code).name}")
    if code < 0:
        return SourceNotMedia(
            f"the file is damaged: the decoder crashed on it ({signal.Signals(-code).name})"
        )
    log.seek(0)
    trace = log.read(65536).decode(errors="replace").strip()
    return InternalError(f"the decoder ended with status {code}: {trace.splitlines()[-1:]}")


def _decoded(out: IO[bytes], report: dict[str, object]) -> Decoded:
    try:
        rate, channels, count = (
            int(str(report[key])) for key in ("sample_rate", "channels", "samples")
        )
        container, codec = str(report["container"])[:20], str(report["codec"])[:40]
        if min(rate, channels, count) <= 0 or os.fstat(out.fileno()).st_size != 4 * count:
            raise ValueError(report)
    except (KeyError, TypeError, ValueError) as error:
        raise SourceNotMedia("the file is damaged: the decoder answered nonsense") from error
    return Decoded(Sound(out, count, rate), channels, container, codec)
