"""Inaudible watermark of synthesised speech: two keyed patterns in time and frequency.

Anybody can detect the public pattern. Only the installation can detect the secret pattern, which
carries a payload that leads to the task. `docs/provenance.md` describes the design.
"""

from .code import PAYLOADS
from .detector import LIMIT, Mark, Marks, detect, detect_both
from .embedder import Embedder

__all__ = ["LIMIT", "PAYLOADS", "Embedder", "Mark", "Marks", "detect", "detect_both"]
