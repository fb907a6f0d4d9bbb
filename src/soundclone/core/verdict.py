"""Verdict on a file: the layers of provenance that were found in it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..db.models import Json

Stretches = tuple[tuple[float, float], ...]
"""Start and end of parts of a sound, in seconds."""


@dataclass(frozen=True)
class WatermarkFinding:
    """Search for the watermark."""

    found: bool = False
    p_value: float = 1.0  # probability of this score in a sound without a watermark
    task: str | None = None
    stretches: Stretches = ()


@dataclass(frozen=True)
class CredentialsFinding:
    """Search for Content Credentials."""

    found: bool = False
    valid: bool = False  # the signature and the hashes match
    synthetic: bool = False  # the manifest names a synthetic source
    signer: str = ""


@dataclass(frozen=True)
class RegisterFinding:
    """Search of the register of results."""

    found: bool = False
    task: str | None = None
    exact: bool = False  # the file is the result itself, byte for byte
    stretches: Stretches = ()


@dataclass(frozen=True)
class Verdict:
    """Findings about one file."""

    watermark: WatermarkFinding
    c2pa: CredentialsFinding
    register: RegisterFinding
    seconds: float  # duration of the sound

    @property
    def synthetic(self) -> bool:
        """True if at least one layer shows that the sound is synthetic."""
        claimed = self.c2pa.valid and self.c2pa.synthetic
        return self.watermark.found or claimed or self.register.found

    def without_tasks(self) -> Verdict:
        """Return the verdict for people who are not the operator."""
        return replace(
            self,
            watermark=replace(self.watermark, task=None),
            register=replace(self.register, task=None),
        )

    def to_json(self, *, details: bool = False) -> Json:
        """Return the verdict in the documented form. `details` adds stretches and the signer."""
        mark, claim, entry = self.watermark, self.c2pa, self.register
        shown: Json = {
            "synthetic": self.synthetic,
            "watermark": {"found": mark.found, "p_value": mark.p_value, "task": mark.task},
            "c2pa": {"found": claim.found, "valid": claim.valid},
            "register": {"found": entry.found, "task": entry.task},
        }
        if details:
            shown["seconds"] = self.seconds
            shown["watermark"]["stretches"] = _listed(mark.stretches)
            shown["c2pa"] |= {"synthetic": claim.synthetic, "signer": claim.signer}
            shown["register"] |= {"exact": entry.exact, "stretches": _listed(entry.stretches)}
        return shown

    @classmethod
    def from_json(cls, data: Json) -> Verdict:
        """Read a verdict that `to_json` wrote with details."""
        mark, entry = dict(data["watermark"]), dict(data["register"])
        mark["stretches"] = _parsed(mark["stretches"])
        entry["stretches"] = _parsed(entry["stretches"])
        return cls(
            WatermarkFinding(**mark),
            CredentialsFinding(**data["c2pa"]),
            RegisterFinding(**entry),
            data["seconds"],
        )


def _listed(stretches: Stretches) -> list[list[float]]:
    return [[round(start, 2), round(end, 2)] for start, end in stretches]


def _parsed(stretches: list[list[float]]) -> Stretches:
    return tuple((start, end) for start, end in stretches)
