"""Tables of measured values: means, ratios to real speech and paired differences."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from gallery import Figures

COLUMNS = {
    "hp_similarity": "hp similarity",
    "hp_worst": "hp worst",
    "hp_margin": "hp right − wrong",
    "hp_identified": "hp identified",
    "similarity": "similarity",
    "worst": "worst speaker",
    "margin": "right − wrong",
    "identified": "identified",
    "own_margin": "own right − wrong",
    "own_identified": "identified by own",
    "gmm_margin": "GMM right − wrong",
    "gmm_identified": "identified by GMM",
    "word_errors": "word errors",
    "word_errors_lm": "word errors, LM",
    "naturalness": "DNSMOS OVRL",
    "naturalness_joined": "of clips joined",
    "f0": "F0 off, semitones",
    "f0_spread": "F0 spread off, semitones",
    "spectrum": "spectrum off, dB",
}
PROSODY = {
    "f0_spread": "F0 spread",
    "f0_slope": "F0 slope, difference",
    "level_spread": "level spread",
    "rate": "rate",
    "npvi": "nPVI",
    "pause": "pause",
    "pause_spread": "pause spread",
}
PAIRED = (
    "hp_similarity",
    "hp_margin",
    "similarity",
    "margin",
    "word_errors",
    "word_errors_lm",
    "naturalness",
    "naturalness_joined",
)
NEAR = (0.75, 1.35)  # ratio of a clone to its speaker that counts as near
_SHARES = {key for key in COLUMNS if key.endswith("identified")}

People = Mapping[str, Figures]  # means of each speaker by name


def mean_of(rows: Sequence[Figures]) -> Figures:
    """Return the means of the pieces or clips of one speaker, without unknown values."""
    keys = dict.fromkeys(key for row in rows for key in row)
    return {key: _mean([row.get(key, math.nan) for row in rows]) for key in keys}


def summary(people: People) -> Figures:
    """Return the means over speakers, and the similarity of the worst speaker."""
    total = {key: _mean([each.get(key, math.nan) for each in people.values()]) for key in COLUMNS}
    for worst, key in (("worst", "similarity"), ("hp_worst", "hp_similarity")):
        known = [each[key] for each in people.values() if not math.isnan(each.get(key, math.nan))]
        total[worst] = min(known, default=math.nan)
    return total


def table(head: str, rows: Mapping[str, Figures], digits: int = 3) -> str:
    """Return a Markdown table without the columns that nothing fills."""
    filled = [k for k in COLUMNS if any(not math.isnan(row[k]) for row in rows.values())]

    def cell(key: str, value: float) -> str:
        if math.isnan(value):
            return "–"
        return f"{value:.0%}" if key in _SHARES else f"{value:.{digits}f}"

    return _markdown(
        [head, *(COLUMNS[key] for key in filled)],
        ([name, *(cell(key, row[key]) for key in filled)] for name, row in rows.items()),
    )


def paired(base: str, systems: Mapping[str, People]) -> str:
    """Return mean differences to the system `base` over speakers, with their standard errors."""
    first = systems[base]

    def cell(people: People, key: str) -> str:
        differences = [
            each[key] - first[name][key]
            for name, each in people.items()
            if name in first and key in each and key in first[name]
        ]
        known = [value for value in differences if not math.isnan(value)]
        if not known:
            return "–"
        error = np.std(known, ddof=1) / math.sqrt(len(known)) if len(known) > 1 else math.nan
        return f"{np.mean(known):+.3f} ± {error:.3f}"

    return _markdown(
        [f"minus {base}", *(COLUMNS[key] for key in PAIRED)],
        (
            [name, *(cell(people, key) for key in PAIRED)]
            for name, people in systems.items()
            if name != base
        ),
    )


def prosody(systems: Mapping[str, Mapping[str, Figures]]) -> str:
    """Return, for each system, the median ratio to real speech and the share of near speakers.

    Args:
        systems: For each system and speaker the values of `prosody.ratios`.
    """

    def cell(people: Iterable[Figures], key: str) -> str:
        known = [each[key] for each in people if not math.isnan(each.get(key, math.nan))]
        if not known:
            return "–"
        if key == "f0_slope":
            return f"{np.median(known):+.2f} st/s"
        near = np.mean([NEAR[0] <= value <= NEAR[1] for value in known])
        return f"{np.median(known):.2f} ({near:.0%} of {len(known)})"

    return _markdown(
        ["clone / real, median (share in .75–1.35)", *PROSODY.values()],
        (
            [system, *(cell(people.values(), key) for key in PROSODY)]
            for system, people in systems.items()
        ),
    )


def prosody_values(rows: Mapping[str, Sequence[Figures]]) -> str:
    """Return the median of each measure of prosody over the speakers of each system."""

    def cell(people: Sequence[Figures], key: str) -> str:
        known = [each[key] for each in people if not math.isnan(each[key])]
        return f"{np.median(known):.2f}" if known else "–"

    names = PROSODY | {"f0_slope": "F0 slope, st/s"}
    return _markdown(
        ["median over speakers", *names.values()],
        ([system, *(cell(people, key) for key in names)] for system, people in rows.items()),
    )


def plain(value: object) -> object:
    """Round numbers and replace NaN by None, so that JSON can hold them."""
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 4)
    return value


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in (head, *rows)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]])


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan
