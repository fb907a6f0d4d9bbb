"""Write a software bill of materials of the server: CycloneDX 1.6 in JSON.

`sbom.py FILE` lists soundclone, its SDK and each locked package of `requirements/runtime.txt` with
versions, hashes of the files that `scripts/setup` accepts, licences, and the dependencies between
them. Licences and dependencies come from the installed packages.
"""

from __future__ import annotations

import hashlib
import re
import sys
import tomllib
import uuid
from importlib import metadata
from pathlib import Path

from cyclonedx.factory.license import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.bom_ref import BomRef
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
LOCK = "requirements/runtime.txt"
_LOCKED = re.compile(
    r"(?m)^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)[^\n]*((?:\n +--hash=[^\n]+)+)"
)


def bill(root: Path = ROOT) -> Bom:
    """Return the bill of materials of a checkout."""
    lock = (root / LOCK).read_text("utf-8")
    bom = Bom(
        serial_number=uuid.uuid5(uuid.NAMESPACE_URL, hashlib.sha256(lock.encode()).hexdigest())
    )
    server = _own(root / "pyproject.toml", ComponentType.APPLICATION)
    bom.metadata.component = server
    components = {"soundclone": server}
    for component in (
        _own(root / "clients/python/pyproject.toml", ComponentType.LIBRARY),
        *(_locked(*found) for found in _LOCKED.findall(lock)),
    ):
        components[canonicalize_name(component.name)] = component
        bom.components.add(component)
    for name, component in components.items():
        needed = [components[each] for each in sorted(_requirements(name)) if each in components]
        bom.register_dependency(component, needed)
    return bom


def _own(path: Path, kind: ComponentType) -> Component:
    project = tomllib.loads(path.read_text("utf-8"))["project"]
    return _component(project["name"], project["version"], kind, project.get("license"))


def _locked(name: str, version: str, hashes: str) -> Component:
    component = _component(name, version, ComponentType.LIBRARY, _licence(name))
    for digest in re.findall(r"--hash=sha256:([0-9a-f]{64})", hashes):
        component.hashes.add(HashType(alg=HashAlgorithm.SHA_256, content=digest))
    return component


def _component(name: str, version: str, kind: ComponentType, licence: object) -> Component:
    url = PackageURL("pypi", name=canonicalize_name(name), version=version)
    licences = [LicenseFactory().make_from_string(licence)] if isinstance(licence, str) else []
    return Component(
        name=name,
        version=version,
        type=kind,
        purl=url,
        bom_ref=BomRef(str(url)),
        licenses=licences,
    )


def _licence(name: str) -> str | None:
    """Return the licence that an installed package names, None if it is not installed."""
    try:
        found = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return None
    if expression := found.get("License-Expression"):
        return str(expression)
    classifiers = [
        each.rpartition(" :: ")[2]
        for each in found.get_all("Classifier") or ()
        if each.startswith("License :: ")
    ]
    text = str(found.get("License") or "").strip()
    short = text if text and "\n" not in text and len(text) < 80 else ""
    return short or (classifiers[0] if classifiers else None)


def _requirements(name: str) -> set[str]:
    """Return the packages that an installed package needs here, without its extras."""
    try:
        texts = metadata.requires(name) or ()
    except metadata.PackageNotFoundError:
        return set()
    needed = map(Requirement, texts)
    return {
        canonicalize_name(each.name)
        for each in needed
        if each.marker is None or each.marker.evaluate({"extra": ""})
    }


def main(arguments: list[str]) -> int:
    """Write the bill, and return the exit code."""
    if len(arguments) != 1:
        print("usage: sbom.py FILE", file=sys.stderr)
        return 2
    text = JsonV1Dot6(bill()).output_as_string(indent=1)
    Path(arguments[0]).write_text(text + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
