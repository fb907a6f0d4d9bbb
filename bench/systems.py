"""Speakers, and the clips of each system that speaks as them, for bench/score.py."""

from __future__ import annotations

import wave
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from hearing import RATE, Sound, levelled
from sentences import SCRIPTS

from soundclone.audio.decode import decode
from soundclone.text.languages import LANGUAGES

LONGEST = 13.2  # seconds of a reference that copy-synthesis repeats


@dataclass(frozen=True)
class Speaker:
    """One folder of recordings."""

    name: str
    language: str  # name of `languages.LANGUAGES`
    reference: Sound
    others: tuple[Sound, ...]


Clips = Mapping[int, Sound]  # clips of a speaker by the index of the sentence


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
    """Read a file of any format and mix it to mono. Only plain WAV needs no child process."""
    try:
        with wave.open(str(path)) as file:
            if (file.getsampwidth(), file.getnchannels()) == (2, 1):
                samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
                return Sound(samples / 32768, file.getframerate())
    except wave.Error:
        pass
    decoded = decode(path)
    return Sound(decoded.samples.astype(np.float64), decoded.sample_rate)


def clips(folder: Path, people: Sequence[Speaker], most: int = 0) -> dict[str, dict[int, Sound]]:
    """Read `<speaker>_<n>.wav` of each speaker, with `n` below `most` unless `most` is 0."""
    found: dict[str, dict[int, Sound]] = {}
    for person in people:
        for path in sorted(folder.glob(f"{person.name}_*.wav")):
            index = path.stem.removeprefix(f"{person.name}_")
            if index.isdecimal() and (int(index) < most or not most):
                found.setdefault(person.name, {})[int(index)] = replace(
                    sound(path), text=_text(person.language, int(index))
                )
    if not found:
        raise SystemExit(f"{folder} has no clip of a speaker; {people[0].name}_0.wav would be one")
    return found


def passages(folder: Path, people: Sequence[Speaker]) -> dict[str, Sound]:
    """Read `<speaker>_passage.wav`, joined sentences, of the speakers that have one."""
    paths = {person.name: folder / f"{person.name}_passage.wav" for person in people}
    return {name: sound(path) for name, path in paths.items() if path.is_file()}


def shared(systems: Mapping[str, Mapping[str, Clips]]) -> dict[str, dict[str, dict[int, Sound]]]:
    """Leave out the clips that not every system has, so that all systems speak the same texts."""
    keys = set.intersection(
        *({(name, n) for name, each in s.items() for n in each} for s in systems.values())
    )
    kept: dict[str, dict[str, dict[int, Sound]]] = {}
    for system, people in systems.items():
        kept[system] = {}
        for name, each in people.items():
            if found := {n: clip for n, clip in each.items() if (name, n) in keys}:
                kept[system][name] = found
    return kept


def plain(people: Sequence[Speaker], most: int = 0) -> dict[str, dict[int, Sound]]:
    """Speak with espeak-ng alone: speakers of one language get the same sounds."""
    from soundclone.engines.builtin.frontend import VOICES, Pool

    pool = Pool(size=1)
    said: dict[str, dict[int, Sound]] = {}
    for language in {person.language for person in people} & set(VOICES):
        said[language] = {}
        texts = SCRIPTS.get(language) or (LANGUAGES[language].preview,)
        for index, text in enumerate(texts[: most or None]):
            utterance = pool.speak(text, language)
            said[language][index] = Sound(
                utterance.samples, utterance.sample_rate, _text(language, index)
            )
    pool.close()
    return {person.name: said[person.language] for person in people if person.language in said}


def copied(person: Speaker) -> Sound:
    """Pass the beginning of a reference through the built-in vocoder alone."""
    from soundclone.engines.builtin import vocoder

    samples = levelled(person.reference)[: round(LONGEST * RATE)]
    return Sound(vocoder.synthesise(vocoder.analyse(samples)), vocoder.OUTPUT_RATE)


def _text(language: str, index: int) -> str:
    texts = SCRIPTS.get(language, ())
    return texts[index] if language == "English" and index < len(texts) else ""
