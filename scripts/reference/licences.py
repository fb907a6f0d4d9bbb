"""Reference page of the licences, from the notices and the installed packages."""

from __future__ import annotations

from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from markdown import block, table
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
HEAD = """# Licences

soundclone is under the Apache License 2.0. The notices at the end of this page name third-party
work inside soundclone and its terms. None of it forbids commercial use. Models of neural engines
are not part of soundclone. `soundclone models licence` shows the licence of each model.

The built-in engine places no condition on the speech that it makes. The person who owns the voice
may do so: [whose voice it is](../limits.md#whose-voice-it-is).

## Packages of the default installation

The licences are from the metadata of the packages. espeak-ng, in espeakng-loader, is under the
GPL, version 3 or later. It runs as a separate process.
"""

UNSAID = {
    "espeakng-loader": "GPL-3.0-or-later (espeak-ng)",
    "pyworld-prebuilt": "MIT, with WORLD (BSD-3-Clause)",
    "tojyutping": "BSD-2-Clause",
}
"""Of packages whose metadata say nothing, what their sources say."""


def page() -> str:
    rows = [
        (each.name, each.version, _licence(each))
        for each in sorted(dependencies(), key=lambda each: each.name.lower())
    ]
    return "\n".join(
        [
            HEAD,
            table(("package", "version", "licence"), rows),
            "## Notices\n",
            block("text", (ROOT / "NOTICE").read_text("utf-8")),
        ]
    )


def dependencies() -> list[Distribution]:
    """All that soundclone, without extras, needs here."""
    found: dict[str, Distribution] = {}
    waiting = [("soundclone", "")]
    while waiting:
        name, extra = waiting.pop()
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue  # for another platform
        found[package.name.lower()] = package
        for text in package.requires or ():
            wanted = Requirement(text)
            if wanted.marker and not wanted.marker.evaluate({"extra": extra}):
                continue
            for each in wanted.extras or {""}:
                if wanted.name.lower() not in found or each:
                    waiting.append((wanted.name, each))
    del found["soundclone"]
    return list(found.values())


def _licence(package: Distribution) -> str:
    """Return the licence expression, or the classifiers, or the first line of the licence field."""
    metadata = package.metadata
    if expression := metadata.get("License-Expression"):
        return str(expression)
    classified = [
        each.rpartition(" :: ")[2]
        for each in metadata.get_all("Classifier") or ()
        if each.startswith("License :: ") and not each.endswith("OSI Approved")
    ]
    written = metadata.get("License") or UNSAID.get(package.name.lower(), "not said")
    return ", ".join(classified) or written.splitlines()[0]
