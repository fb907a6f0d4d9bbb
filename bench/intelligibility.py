"""Measure how well the sounds of each language are recognised in our speech and in real speech.

    python bench/intelligibility.py texts CORPUS FEATURES TEXTS [--real 6]
    python bench/intelligibility.py speak SPEAKERS OUT [--voices en_a,de_b] [--texts TEXTS]
    python bench/intelligibility.py score FEATURES NAME=FOLDER [NAME=FOLDER …] [--json FILE]

`texts` writes the transcripts of the clips that stand for real speech. `speak` speaks these texts,
each as one of the speakers in turn. Without texts of a language, all speakers speak the sentences
of bench/sentences.py, or the preview line. An earlier release can run `speak` too. `score` compares
those clips with the clips of the corpus that training/corpus.py measured in FEATURES.

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
import csv
import json
import sys
import wave
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sentences import SCRIPTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

VOICES = "en_ls1998,de_cml3363"
REAL_CLIPS = 6  # of each language
SHORTEST, LONGEST = 12, 80  # sounds of a real clip

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
    writing = commands.add_parser("texts")
    writing.add_argument("corpus", type=Path)
    writing.add_argument("features", type=Path)
    writing.add_argument("texts", type=Path)
    writing.add_argument("--real", type=int, default=REAL_CLIPS)
    speaking = commands.add_parser("speak")
    speaking.add_argument("speakers", type=Path)
    speaking.add_argument("out", type=Path)
    speaking.add_argument("--voices", default=VOICES)
    speaking.add_argument("--sentences", type=int, default=2, help="of bench/sentences.py")
    speaking.add_argument("--texts", type=Path)
    scoring = commands.add_parser("score")
    scoring.add_argument("features", type=Path)
    scoring.add_argument("systems", nargs="*")
    scoring.add_argument("--real", type=int, default=REAL_CLIPS)
    scoring.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.command == "texts":
        write_texts(options.corpus, options.features, options.texts, options.real)
    elif options.command == "speak":
        texts = json.loads(options.texts.read_text()) if options.texts else {}
        speak(options.speakers, options.out, options.voices.split(","), options.sentences, texts)
    else:
        score(options)


def write_texts(corpus: Path, features: Path, target: Path, most: int) -> None:
    """Write the transcripts of the clips that `real` yields, by name of the language."""
    with (corpus / "MANIFEST.tsv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        transcripts = {row["path"]: row["transcript"] for row in rows}
    texts: dict[str, list[str]] = defaultdict(list)
    for language, clip, _ in chosen(features, most):
        texts[language].append(transcripts[str(clip["path"])])
    target.write_text(json.dumps(texts, ensure_ascii=False, indent=1))


def speak(
    speakers: Path, out: Path, names: Sequence[str], most: int, texts: dict[str, list[str]]
) -> None:
    """Write OUT/<language>_<voice>_<n>.wav and the texts.

    Args:
        speakers: Folder of the speakers.
        out: Folder of the clips.
        names: The speakers.
        most: Sentences of bench/sentences.py in a language.
        texts: Texts by name of the language, spoken instead of these sentences.
    """
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
    spoken = {}
    for language, details in LANGUAGES.items():
        usual = (SCRIPTS.get(language) or (details.preview,))[:most]
        for number, text in enumerate(texts.get(language, usual)):
            turn = [names[number % len(names)]] if language in texts else names
            for name in turn:
                clip = f"{language}_{name}_{number}"
                speech = engine.speak(voices[name], text, Controls(language))
                spoken[clip] = {"language": language, "text": text}
                with wave.open(str(out / f"{clip}.wav"), "wb") as file:
                    file.setnchannels(1)
                    file.setsampwidth(2)
                    file.setframerate(speech.sample_rate)
                    file.writeframes((speech.samples.clip(-1, 1) * 32767).astype("<i2").tobytes())
    (out / "texts.json").write_text(json.dumps(spoken, ensure_ascii=False, indent=1))
    engine.close()


@dataclass
class Errors:
    """Sums over the clips of a language."""

    edits: int = 0
    sounds: int = 0
    heard: int = 0
    score: float = 0.0
    frames: int = 0
    clips: int = 0

    def add(self, scores: NDArray[np.float32], read: NDArray[np.int64]) -> None:
        """Add a clip with the log-posteriors `scores` in which the sounds `read` are spoken."""
        from soundclone.engines.builtin import recogniser

        classes = merged_classes()
        heard, _ = recogniser.decode(scores)
        heard = heard[heard > 0]
        wanted = classes[read]
        self.edits += distance(wanted, classes[heard])
        self.sounds += len(wanted)
        self.heard += len(heard)
        self.score += path_score(scores, read)
        self.frames += len(scores)
        self.clips += 1

    def figures(self) -> dict[str, float]:
        """Return the phone error rate, the mean score and the number of clips.

        The length is the number of decoded sounds per sound of the text: under 1, more sounds are
        missed than added.
        """
        return {
            "per": self.edits / max(self.sounds, 1),
            "length": self.heard / max(self.sounds, 1),
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


def chosen(features: Path, most: int) -> Iterator[tuple[str, dict[str, Any], NDArray[np.int64]]]:
    """Yield language, arrays and sounds of clips of the corpus, at most `most` of a language."""
    from soundclone.engines.builtin import sounds
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
            if not SHORTEST <= len(read) <= LONGEST:
                continue
            count[language] += 1
            yield language, dict(file), read


def real(features: Path, most: int) -> Iterator[tuple[str, NDArray[np.float32], NDArray[np.int64]]]:
    """Yield the same as `spoken` of the chosen clips of the corpus."""
    from soundclone.engines.builtin import recogniser

    names = ("envelope", "level", "f0", "active", "free")
    for language, clip, read in chosen(features, most):
        rows = recogniser.inputs(*(clip[name] for name in names))
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
    columns = (f"{name} PER, length, score, ratio |" for name in systems)
    print("| language | real PER (clips), length, score |", *columns)
    print("|---" * (2 + len(systems)) + "|")
    ratios: dict[str, dict[str, float]] = {name: {} for name in systems}
    for language in LANGUAGES:
        cells = [language]
        of_real = table["real"].get(language)
        cells.append(
            f"{of_real['per']:.2f} ({of_real['clips']}), {of_real['length']:.2f}, "
            f"{of_real['score']:.2f}"
            if of_real
            else "-"
        )
        for name in systems:
            own = table[name].get(language)
            if own is None:
                cells.append("-")
                continue
            text = f"{own['per']:.2f}, {own['length']:.2f}, {own['score']:.2f}"
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
