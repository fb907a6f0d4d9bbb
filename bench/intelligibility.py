"""Measure how well the sounds of each language are recognised in our speech and in real speech.

    python bench/intelligibility.py speak SPEAKERS OUT [--voices en_a,de_b] [--sentences 2]
    python bench/intelligibility.py score FEATURES NAME=FOLDER [NAME=FOLDER …] [--json FILE]

`speak` speaks the sentences of bench/sentences.py, or the preview line, in each language as some of
the speakers. An earlier release can run `speak` too. `score` compares those clips with the clips of
the corpus that training/corpus.py measured in FEATURES.

The phone error rate is the edit distance between the sounds that the engine's own recogniser
decodes and the sounds that espeak-ng reads in the text, per sound of the text. Similar sounds count
as equal, because espeak-ng's symbols are finer than the differences that people hear. The score is
the mean log-posterior of a frame on the best path through the sounds of the text. It needs no
search through all sounds.

The recogniser was trained on most of the real speakers, and its labels come from espeak-ng. So the
rates of real speech are flattered, and a ratio says more about a system than a rate does.
"""

from __future__ import annotations

import argparse
import json
import sys
import wave
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sentences import SCRIPTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

VOICES = "en_ls1998,de_cml3363"
REAL_CLIPS = 12  # of each language
SHORTEST = 12  # sounds of a real clip

CLASSES = (
    "i ɪ ᵻ ɨ y ʏ ʉ", "e ɛ ø œ ɘ ɵ æ eɪ ei", "ə ɚ ɜ ɝ ɞ ɐ ʌ ɤ", "a ɑ ɶ ɒ ɑ~ a~ ɐ~ æ~", "u ʊ ɯ",
    "o ɔ oʊ ou əʊ o~ ɔ~", "aɪ ai ɑi", "ɔɪ oi", "aʊ au", "e~ ɛ~ œ~", "i~ ɪ~", "u~ ʊ~", "ə~",
    "p b pʰ ɓ", "t d ʈ ɖ tʰ ʈʰ ɗ ɾ", "k ɡ q ɢ kʰ ɠ c ɟ", "tʃ tɕ tʂ dʒ dʑ dʐ tʃʰ tɕʰ tʂʰ",
    "ts dz tsʰ", "f v ɸ β ʋ", "θ ð", "s z", "ʃ ʒ ʂ ʐ ɕ ʑ ç", "x ɣ χ ʁ h ɦ ħ ʕ", "m ɱ",
    "n ɳ ɲ", "ŋ ɴ", "l ɫ ɭ ʎ ʟ əl", "ɹ r ɻ ɽ ʀ ɰ", "w ʍ", "j ɥ",
)  # fmt: skip
"""Sounds that count as equal. Voicing is not compared, because languages place it differently."""

LANGUAGES_OF_CORPUS = {"sv-SE": "sv", "zh-CN": "zh", "zh-TW": "zh", "zh-HK": "yue"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    speaking = commands.add_parser("speak")
    speaking.add_argument("speakers", type=Path)
    speaking.add_argument("out", type=Path)
    speaking.add_argument("--voices", default=VOICES)
    speaking.add_argument("--sentences", type=int, default=2)
    scoring = commands.add_parser("score")
    scoring.add_argument("features", type=Path)
    scoring.add_argument("systems", nargs="*")
    scoring.add_argument("--real", type=int, default=REAL_CLIPS)
    scoring.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.command == "speak":
        speak(options.speakers, options.out, options.voices.split(","), options.sentences)
    else:
        score(options)


def speak(speakers: Path, out: Path, names: Sequence[str], most: int) -> None:
    """Write OUT/<language>_<voice>_<n>.wav and the texts."""
    from soundclone.audio.decode import decode
    from soundclone.engines.builtin import BuiltinEngine
    from soundclone.engines.protocol import Controls, Reference
    from soundclone.text.languages import LANGUAGES

    out.mkdir(parents=True, exist_ok=True)
    engine = BuiltinEngine()
    voices = {}
    for name in names:
        found = decode(speakers / name / "ref.wav")
        voices[name] = engine.clone(Reference(found.samples, found.sample_rate))
    texts = {}
    for language, details in LANGUAGES.items():
        for number, text in enumerate((SCRIPTS.get(language) or (details.preview,))[:most]):
            for name, voice in voices.items():
                clip = f"{language}_{name}_{number}"
                speech = engine.speak(voice, text, Controls(language))
                texts[clip] = {"language": language, "text": text}
                with wave.open(str(out / f"{clip}.wav"), "wb") as file:
                    file.setnchannels(1)
                    file.setsampwidth(2)
                    file.setframerate(speech.sample_rate)
                    file.writeframes((speech.samples.clip(-1, 1) * 32767).astype("<i2").tobytes())
    (out / "texts.json").write_text(json.dumps(texts, ensure_ascii=False, indent=1))
    engine.close()


@dataclass
class Errors:
    """Sums over the clips of a language."""

    edits: int = 0
    sounds: int = 0
    score: float = 0.0
    frames: int = 0
    clips: int = 0

    def add(self, scores: NDArray[np.float32], read: NDArray[np.int64]) -> None:
        """Add a clip with the log-posteriors `scores` in which the sounds `read` are spoken."""
        from soundclone.engines.builtin import recogniser

        classes = merged_classes()
        heard, _ = recogniser.decode(scores)
        wanted = classes[read]
        self.edits += distance(wanted, classes[heard[heard > 0]])
        self.sounds += len(wanted)
        self.score += path_score(scores, read)
        self.frames += len(scores)
        self.clips += 1

    def figures(self) -> dict[str, float]:
        """Return the phone error rate, the mean score and the number of clips."""
        return {
            "per": self.edits / max(self.sounds, 1),
            "score": self.score / max(self.frames, 1),
            "clips": self.clips,
        }


def merged_classes() -> NDArray[np.int64]:
    """Return the class of each sound."""
    from soundclone.engines.builtin.sounds import SOUNDS

    classes = np.arange(len(SOUNDS))
    for group in CLASSES:
        members = [SOUNDS.index(sound) for sound in group.split() if sound in SOUNDS]
        classes[members] = members[0]
    return classes


def distance(wanted: NDArray[np.int64], heard: NDArray[np.int64]) -> int:
    """Return the edit distance (Levenshtein, 1966) of two sequences."""
    row = np.arange(len(heard) + 1)
    steps = row.copy()
    for number, sound in enumerate(wanted, 1):
        best = np.minimum(row[:-1] + (heard != sound), row[1:] + 1)
        row = np.minimum.accumulate(np.concatenate([[number], best]) - steps) + steps
    return int(row[-1])


def path_score(scores: NDArray[np.float32], read: NDArray[np.int64]) -> float:
    """Return the sum of log-posteriors on the best path through `read`, with optional pauses."""
    order = np.zeros(2 * len(read) + 1, np.int64)
    order[1::2] = read
    emitted = scores[:, order]
    best = np.full(len(order), -1e30)
    best[:2] = emitted[0, :2]
    over = np.arange(len(order)) % 2 == 1  # a sound may follow a sound without a pause
    for row in emitted[1:]:
        one = np.concatenate([[-1e30], best[:-1]])
        two = np.where(over, np.concatenate([[-1e30, -1e30], best[:-2]]), -1e30)
        best = np.maximum(np.maximum(best, one), two) + row
    return float(best[-2:].max())


def spoken(folder: Path) -> Iterator[tuple[str, NDArray[np.float32], NDArray[np.int64]]]:
    """Yield language, log-posteriors and sounds of the text of each clip of a folder."""
    from soundclone.audio.decode import decode
    from soundclone.engines.builtin import listening, recogniser, sounds
    from soundclone.engines.builtin.frontend import Pool

    pool, read = Pool(size=1), {}
    for clip, row in json.loads((folder / "texts.json").read_text()).items():
        language, text = row["language"], row["text"]
        if (language, text) not in read:
            said = pool.speak(text, language)
            read[language, text] = sounds.sequence(said.phones, said.words, text)[0]
        found = decode(folder / f"{clip}.wav")
        rows, _ = listening.measure(found.samples, found.sample_rate)
        yield (
            language,
            recogniser.log_posteriors(rows),
            read[language, text][:, sounds.SOUND].astype(np.int64),
        )
    pool.close()


def real(features: Path, most: int) -> Iterator[tuple[str, NDArray[np.float32], NDArray[np.int64]]]:
    """Yield the same as `spoken` of clips of the corpus, at most `most` of a language."""
    from soundclone.engines.builtin import recogniser, sounds
    from soundclone.text.languages import LANGUAGES

    names = {language.code.split("-")[0]: name for name, language in LANGUAGES.items()}
    names |= {"zh": "Chinese", "yue": "Chinese,Yue"}
    count: dict[str, int] = defaultdict(int)
    paths = sorted(features.glob("*.npz"))
    for index in np.random.default_rng(5).permutation(len(paths)):
        with np.load(paths[index]) as file:
            code = str(file["language"])
            language = names.get(LANGUAGES_OF_CORPUS.get(code, code))
            if language is None or "rows" not in file.files or count[language] >= most:
                continue
            read = file["rows"][:, sounds.SOUND].astype(np.int64)
            read = read[read > 0]
            if len(read) < SHORTEST:
                continue
            count[language] += 1
            rows = recogniser.inputs(
                file["envelope"], file["level"], file["f0"], file["active"], file["free"]
            )
        yield language, recogniser.log_posteriors(rows), read


def score(options: argparse.Namespace) -> None:
    """Print the figures of each language, and the languages that are recognised worst."""
    from soundclone.text.languages import LANGUAGES

    sources = {"real": real(options.features, options.real)}
    for system in options.systems:
        name, _, folder = system.partition("=")
        sources[name] = spoken(Path(folder))
    table: dict[str, dict[str, dict[str, float]]] = {}
    for name, clips in sources.items():
        sums: dict[str, Errors] = defaultdict(Errors)
        for language, scores, read in clips:
            sums[language].add(scores, read)
        table[name] = {language: found.figures() for language, found in sums.items()}
    if options.json:
        options.json.write_text(json.dumps(table, ensure_ascii=False, indent=1))
    systems = [name for name in table if name != "real"]
    print("| language | real PER (clips), score |", *(f"{n} PER, score, ratio |" for n in systems))
    print("|---" * (2 + len(systems)) + "|")
    ratios: dict[str, dict[str, float]] = {name: {} for name in systems}
    for language in LANGUAGES:
        cells = [language]
        of_real = table["real"].get(language)
        cells.append(
            f"{of_real['per']:.2f} ({of_real['clips']}), {of_real['score']:.2f}" if of_real else "-"
        )
        for name in systems:
            own = table[name].get(language)
            if own is None:
                cells.append("-")
                continue
            text = f"{own['per']:.2f}, {own['score']:.2f}"
            if of_real:
                ratios[name][language] = own["per"] / of_real["per"]
                text += f", {ratios[name][language]:.2f}"
            cells.append(text)
        print("|", " | ".join(cells), "|")
    for name, found in ratios.items():
        worst = sorted(found, key=lambda language: -found[language])[:5]
        rates = [own["per"] for own in table[name].values()]
        print(
            f"{name}: PER {np.mean(rates):.3f} over {len(rates)} languages, median ratio "
            f"{np.median(list(found.values())):.2f}, worst",
            ", ".join(f"{language} {found[language]:.2f}" for language in worst),
        )


if __name__ == "__main__":
    sys.exit(main())
