"""Reading of a document in a child process, with limits on time and memory.

The time that Markdown takes may grow with the square of its length, so a hostile file could occupy
the process of the caller for an hour.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import PurePath
from typing import IO

from ...errors import InvalidParameter
from .document import Chapter, Cue, Document, refuse
from .reading import LARGEST, SUFFIXES, read_document

SECONDS = 30  # of processor time
_WAIT = 4 * SECONDS  # of a busy machine
_MEMORY = 3 << 30  # bytes


def read_limited(file: IO[bytes], name: str) -> Document:
    """Read a document without its cover in a child process.

    Args:
        file: The file. It must have a descriptor.
        name: Its name.

    Raises:
        InvalidParameter: The file has an unknown format or is damaged, or reading it exceeds a
            limit.
    """
    suffix = PurePath(name).suffix.lower()
    command = [sys.executable, "-PsB", "-m", __name__, suffix if suffix in SUFFIXES else ""]
    file.seek(0)
    try:
        done = subprocess.run(  # noqa: S603
            command,
            stdin=file.fileno(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # The environment may hold secrets, of which the child process needs none.
            env={"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)},
            timeout=_WAIT,
            check=False,
        )
        answer = json.loads(done.stdout) if done.returncode == 0 else None
    except subprocess.TimeoutExpired:
        answer = None
    if answer is None:
        raise refuse("reading it takes too much time or memory; import it in parts")
    if "refused" in answer:
        raise InvalidParameter(answer["refused"], param="file")
    return Document(
        tuple(Chapter(each["title"], tuple(each["paragraphs"])) for each in answer["chapters"]),
        answer["title"],
        answer["author"],
        answer["language"],
        tuple(Cue(**each) for each in answer["cues"]),
        ssml=answer["ssml"],
    )


def main(suffix: str) -> dict[str, object]:
    """Return the document of standard input, or the reason why it is refused."""
    for limit, most in ((resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_AS, _MEMORY)):
        with suppress(ValueError, OSError):  # macOS limits no address space
            resource.setrlimit(limit, (most, most))
    try:
        document = read_document(sys.stdin.buffer.read(LARGEST + 1), f"document{suffix}")
    except InvalidParameter as error:
        return {"refused": error.message}
    return {name: value for name, value in asdict(document).items() if name != "cover"}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
