"""Measure the similarity of cloned voices to their speakers, and their intelligibility.

    python bench/quality.py FOLDER [--engine builtin] [--languages en,de] [--out bench/out] [--json]

FOLDER has a folder per speaker, `<language code>_<anything>/`. `ref.wav` becomes the voice. The
outputs are compared with `other_1.wav`, `other_2.wav`, …. The packages of
bench/requirements-quality.in are used for measurements only. The column of a missing package stays
empty. Works offline. docs/quality.md has the figures, their meanings and caveats.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import sys
import time
import warnings
import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from hearing import FRAME, HOP, RATE, Instruments, Sound, in_a_row, levelled, semitones, voiced_f0
from sentences import SCRIPTS

from soundclone.audio.decode import decode
from soundclone.config import Settings
from soundclone.engines.builtin import vocoder
from soundclone.engines.builtin.frontend import VOICES, Pool
from soundclone.engines.protocol import Controls, Engine, Reference
from soundclone.engines.registry import InstalledEngines
from soundclone.errors import SoundcloneError
from soundclone.text.languages import LANGUAGES

LONGEST = 10.0  # seconds of a reference that copy-synthesis says again
COLUMNS = {
    "similarity": "similarity",
    "worst": "worst speaker",
    "margin": "right − wrong",
    "identified": "identified",
    "own_margin": "own right − wrong",
    "identified_own": "identified by own",
    "likelihood": "GMM right − wrong",
    "identified_gmm": "identified by GMM",
    "word_errors": "word errors",
    "naturalness": "DNSMOS OVRL",
    "naturalness_joined": "of clips joined",
    "f0": "F0 off, semitones",
    "f0_spread": "F0 spread off, semitones",
    "spectrum": "spectrum off, dB",
}


@dataclass(frozen=True)
class Speaker:
    """One folder."""

    name: str
    language: str  # name of `languages.LANGUAGES`
    reference: Sound
    others: tuple[Sound, ...]


def speakers(folder: Path, codes: set[str]) -> Iterator[Speaker]:
    """Yield the speakers of a folder whose language code is in `codes`, or all without codes."""
    by_code = {language.code: language.name for language in LANGUAGES.values()}
    for path in sorted(folder.iterdir()):
        code = path.name.split("_")[0]
        if not (path / "ref.wav").is_file() or (codes and code not in codes):
            continue
        others = [sound(file) for file in sorted(path.glob("other_*.wav"))]
        if code not in by_code or not others:
            raise SystemExit(
                f"{path} has {len(others)} other_*.wav and begins with {code!r}; at least one and "
                f"the code of a language are needed: {', '.join(sorted(by_code))}"
            )
        yield Speaker(path.name, by_code[code], sound(path / "ref.wav"), tuple(others))


def sound(path: Path) -> Sound:
    """Decode a file of any format and mix it to mono."""
    decoded = decode(path)
    return Sound(decoded.samples.astype(np.float64), decoded.sample_rate)


def script(language: str) -> tuple[str, ...]:
    """Return the sentences to speak in a language."""
    return SCRIPTS.get(language) or (LANGUAGES[language].preview,)


def cloned(
    engine: Engine, people: Sequence[Speaker]
) -> tuple[dict[str, list[Sound]], dict[str, Any]]:
    """Speak as each speaker and measure the costs. Close the engine afterwards."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    engine.warm()
    said: dict[str, list[Sound]] = {}
    clone = speak = 0.0
    for person in people:
        reference = person.reference
        original = reference.samples.astype(np.float32)
        started = time.process_time()
        voice = engine.clone(
            Reference(original, reference.sample_rate, person.language), person.language
        )
        clone += time.process_time() - started
        said[person.name] = []
        started = time.process_time()
        for text in script(person.language):
            speech = engine.speak(voice, text, Controls(person.language))
            samples = speech.samples.astype(np.float64)
            known = text if person.language == "English" else ""
            said[person.name].append(Sound(samples, speech.sample_rate, known))
        speak += time.process_time() - started
    engine.close()  # the time of its processes counts when they have ended
    speak += resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - children
    seconds = sum(len(s.samples) / s.sample_rate for each in said.values() for s in each)
    unit = 1 if sys.platform == "darwin" else 1024
    return said, {
        "clone_cpu_seconds": round(clone / len(people), 2),
        "real_time_factor": round(speak / seconds, 3),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6),
        "seconds_spoken": round(seconds),
    }


def plain(people: Sequence[Speaker]) -> dict[str, list[Sound]]:
    """Speak with espeak-ng alone: speakers of one language get the same sounds."""
    pool = Pool(size=1)
    said: dict[str, list[Sound]] = {}
    for language in {person.language for person in people} & set(VOICES):
        said[language] = []
        for text in script(language):
            utterance = pool.speak(text, language)
            known = text if language == "English" else ""
            said[language].append(Sound(utterance.samples, utterance.sample_rate, known))
    pool.close()
    return {person.name: said[person.language] for person in people if person.language in said}


def copied(person: Speaker) -> Sound:
    """Pass the beginning of a reference through the built-in vocoder alone."""
    samples = levelled(person.reference)[: round(LONGEST * RATE)]
    return Sound(vocoder.synthesise(vocoder.analyse(samples)), vocoder.OUTPUT_RATE)


def compare(
    instruments: Instruments, people: Sequence[Speaker], systems: dict[str, dict[str, list[Sound]]]
) -> dict[str, dict[str, list[dict[str, float]]]]:
    """Every output of every system, of copy-synthesis and of the speakers themselves, measured."""
    others = Gallery(instruments, {p.name: list(p.others) for p in people})
    systems = systems | {"copy-synthesis": {p.name: [copied(p)] for p in people}}
    results = {
        system: {name: measured(others, name, said, said) for name, said in each.items()}
        for system, each in systems.items()
    }
    # A recording must not be compared with itself: the reference takes its place.
    rest = Gallery(instruments, {p.name: [p.reference, *p.others[1:]] for p in people})
    results["real speech"] = {
        p.name: measured(rest, p.name, p.others[:1], p.others) for p in people
    }
    return results


def measured(
    gallery: Gallery, name: str, sounds: Sequence[Sound], joined: Sequence[Sound]
) -> list[dict[str, float]]:
    """Every sound that is to be the speaker `name`, and how natural `joined` is as one."""
    flow = gallery.instruments.naturalness(in_a_row(joined))
    return [gallery.compare(name, sound) | {"naturalness_joined": flow} for sound in sounds]


class Gallery:
    """The speakers as they are known from recordings; outputs are compared with all of them."""

    def __init__(self, instruments: Instruments, known: dict[str, list[Sound]]) -> None:
        self.instruments = instruments
        self._people = {name: instruments.hear(sounds) for name, sounds in known.items()}
        self._mixtures = {
            name: instruments.mixture(heard.cepstra) for name, heard in self._people.items()
        }

    def compare(self, name: str, output: Sound) -> dict[str, float]:
        """Everything that is measured of one output that is to be the speaker `name`."""
        heard = self.instruments.hear([output])
        own = self._people[name]
        median, spread = semitones(heard.f0)
        own_median, own_spread = semitones(own.f0)
        row = {
            "word_errors": self.instruments.word_errors(output),
            "naturalness": self.instruments.naturalness(output),
            "f0": abs(median - own_median),
            "f0_spread": abs(spread - own_spread),
            "spectrum": float(np.sqrt(np.mean((heard.spectrum - own.spectrum) ** 2))),
        }
        if heard.embedding is not None:
            near = {
                n: float(heard.embedding @ p.embedding)
                for n, p in self._people.items()
                if p.embedding is not None
            }
            row["similarity"] = near[name]
            row["margin"], row["identified"] = _told_apart(name, near)
        near = {n: float(heard.voice @ p.voice) for n, p in self._people.items()}
        row["own_margin"], row["identified_own"] = _told_apart(name, near)
        scores = {n: score(heard.cepstra) for n, score in self._mixtures.items() if score}
        if scores:
            row["likelihood"], row["identified_gmm"] = _told_apart(name, scores)
        return row


def _told_apart(name: str, scores: dict[str, float]) -> tuple[float, float]:
    wrong = [score for other, score in scores.items() if other != name]
    if not wrong:
        return math.nan, math.nan
    return scores[name] - float(np.mean(wrong)), float(scores[name] > max(wrong))


def summary(rows: dict[str, list[dict[str, float]]]) -> dict[str, float]:
    """Means over speakers of the means over their outputs; the worst speaker's similarity."""
    means = [
        {key: _mean([row.get(key, math.nan) for row in each]) for key in COLUMNS}
        for each in rows.values()
    ]
    total = {key: _mean([mean[key] for mean in means]) for key in COLUMNS}
    total["worst"] = min((mean["similarity"] for mean in means), default=math.nan)
    return total


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def table(head: str, rows: dict[str, dict[str, float]]) -> str:
    """Markdown, without the columns that nothing fills."""
    shares = {"identified", "identified_own", "identified_gmm"}
    filled = [key for key in COLUMNS if any(not math.isnan(row[key]) for row in rows.values())]

    def cell(key: str, value: float) -> str:
        if math.isnan(value):
            return "–"
        return f"{value:.0%}" if key in shares else f"{value:.2f}"

    lines = [f"| {head} | " + " | ".join(COLUMNS[key] for key in filled) + " |"]
    lines.append("|---" * (len(filled) + 1) + "|")
    for name, row in rows.items():
        lines.append(f"| {name} | " + " | ".join(cell(key, row[key]) for key in filled) + " |")
    return "\n".join(lines)


def write(path: Path, output: Sound) -> None:
    """Write samples as 16-bit WAV."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(output.sample_rate)
        file.writeframes((output.samples.clip(-1, 1) * 32767).astype("<i2").tobytes())


def draw(path: Path, panels: dict[str, Sound]) -> None:
    """Spectrograms side by side, 0 to 8 kHz, at most 4 s of each."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(
        1, len(panels), figsize=(4.5 * len(panels), 3), sharey=True, squeeze=False, layout="tight"
    )
    for axis, (title, output) in zip(axes[0], panels.items(), strict=True):
        samples = levelled(output)[: 4 * RATE]
        axis.specgram(samples, FRAME, RATE, noverlap=FRAME - HOP, vmin=-110, vmax=-40, cmap="magma")
        axis.set(title=title, xlabel="seconds")
    axes[0][0].set_ylabel("Hz")
    figure.savefig(path, dpi=68)
    pyplot.close(figure)


def pictures(out: Path, people: Sequence[Speaker], said: dict[str, list[Sound]]) -> None:
    """Draw `<speaker>.png`, with original and clone, and `clones.png`.

    The latter shows one sentence by the lowest and by the highest voice of the language that has
    the most speakers.
    """
    import matplotlib

    matplotlib.use("Agg")
    for person in people:
        panels = {"original": person.reference, "clone": said[person.name][0]}
        draw(out / f"{person.name}.png", panels)
    languages = [person.language for person in people]
    usual = max(sorted(set(languages)), key=languages.count)
    sentences = [said[person.name][0] for person in people if person.language == usual]
    sentences.sort(key=lambda s: semitones(voiced_f0(levelled(s)))[0])
    draw(out / "clones.png", {"lowest voice": sentences[0], "highest voice": sentences[-1]})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--engine", default="builtin")
    parser.add_argument("--languages", default="", help="codes, comma-separated; all when empty")
    parser.add_argument("--out", type=Path, default=Path("bench/out"))
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # of the instruments' own old ways
    try:
        people = list(speakers(options.folder, set(filter(None, options.languages.split(",")))))
        if not people:
            raise SystemExit(
                f"{options.folder} has no speaker's folder; <code>_<name>/ref.wav is one"
            )
        said, costs = cloned(InstalledEngines(Settings()).load(options.engine), people)
    except (OSError, SoundcloneError) as error:
        raise SystemExit(str(error)) from error
    options.out.mkdir(parents=True, exist_ok=True)
    for name, sounds in said.items():
        for index, output in enumerate(sounds):
            write(options.out / f"{name}_{index}.wav", output)
    instruments = Instruments()
    results = compare(
        instruments, people, {options.engine: said, "espeak-ng as it is": plain(people)}
    )
    try:
        pictures(options.out, people, said)
    except ImportError:
        instruments.notes.append("pictures: none, because matplotlib is not installed")
    of_language = {
        language: {
            p.name: results[options.engine][p.name] for p in people if p.language == language
        }
        for language in sorted({person.language for person in people})
    }
    report: dict[str, Any] = {
        "systems": {system: summary(rows) for system, rows in results.items()},
        "languages": {f"{name} ({len(rows)})": summary(rows) for name, rows in of_language.items()},
        "costs": costs,
        "notes": instruments.notes,
    }
    page = "\n\n".join(
        [
            table("system", report["systems"]),
            table(f"{options.engine}, by language (speakers)", report["languages"]),
            "\n".join(f"- {name.replace('_', ' ')}: {value}" for name, value in costs.items()),
            *instruments.notes,
        ]
    )
    (options.out / "quality.md").write_text(page + "\n")
    print(json.dumps(_plain(report), indent=1) if options.json else page)


def _plain(value: Any) -> Any:
    """Round numbers and replace NaN by None, so that JSON can hold them."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 3)
    return value


if __name__ == "__main__":
    main()
