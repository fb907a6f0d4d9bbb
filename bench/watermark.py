"""Measure the watermark: false positives, robustness, cost for the ear, and speed.

Usage:

    python bench/watermark.py null FOLDER... [--keys 16]
    python bench/watermark.py attacks CLIPS [--glob '*_passage.wav'] [--excerpts 2]
    python bench/watermark.py speak SPEAKERS OUT
    python bench/watermark.py quality CLIPS [--glob '*_0.wav'] [--most 40]
    python bench/watermark.py words SPEAKERS [--part 0 1]
    python bench/watermark.py speed CLIPS [--glob '*_passage.wav'] [--synthesis 0.045]

`null` reads recordings of people, joins them and searches windows of 10 s. It also scores wrong
keys, and compares the tail of their scores with the bound behind the p-value.
`attacks` marks clips of one speaker each (bench/speak.py makes them), damages excerpts, and counts
how often each pattern is found and the payload is right.
`speak` makes clips of an engine without controls: the built-in engine, to whose speech the service
applies speed, pitch and emotion.
`words` speaks many English sentences and compares the word errors before and after marking.
`quality` and `words` need the packages of bench/requirements-quality.in.
All print JSON. docs/provenance.md has the figures.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import av.error
import numpy as np
import soxr
import speak as speaking
from av.filter import Graph
from numpy.typing import NDArray
from sentences import MORE, SCRIPTS

from soundclone.audio import loudness
from soundclone.audio.decode import decode
from soundclone.audio.samples import Samples
from soundclone.audio.watermark import LIMIT, PAYLOADS, Embedder, detect_both
from soundclone.audio.watermark import detector as inside
from soundclone.audio.watermark.pattern import BANDS, FRAMES, PERIOD, STEPS, parity
from soundclone.engines.builtin import BuiltinEngine
from soundclone.engines.emotion import Emotion
from soundclone.engines.protocol import Controls, Engine, EngineInfo, Reference
from soundclone.synthesis import prosody

RATE = 24_000  # Hz
SECRET = b"the secret of the benchmark"
SECONDS = 10.0
Damage = Callable[[Samples, np.random.Generator], Samples]


def load(path: Path, rate: int = RATE) -> Samples:
    """Read any audio file as mono samples."""
    return _read(str(path), rate)


def _read(source: str | io.BytesIO, rate: int) -> Samples:
    blocks: list[NDArray[np.float32]] = []
    with av.open(source) as container:
        resampler = av.AudioResampler("flt", "mono", rate)
        for frame in container.decode(audio=0):
            blocks += [each.to_ndarray()[0] for each in resampler.resample(frame)]
        blocks += [each.to_ndarray()[0] for each in resampler.resample(None)]
    return np.concatenate(blocks).astype(np.float32)


def _frame(samples: Samples, rate: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(samples[None].astype(np.float32), "flt", "mono")
    frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
    return frame


def codec(name: str, container: str, kbit: int = 0, rate: int = RATE) -> Damage:
    """Return an encoder and decoder."""

    def damage(samples: Samples, _: np.random.Generator) -> Samples:
        buffer = io.BytesIO()
        with av.open(buffer, "w", format=container) as out:
            stream = out.add_stream(name, rate=rate, layout="mono")
            if kbit:
                stream.bit_rate = kbit * 1000
            context = stream.codec_context
            sample_format = context.format.name if context.format else "s16"
            resampler = av.AudioResampler(
                sample_format, "mono", rate, frame_size=context.frame_size or None
            )
            # FFmpeg's own resampler, because most programs re-encode with FFmpeg.
            for frame in [*resampler.resample(_frame(samples, RATE)), *resampler.resample(None)]:
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
        buffer.seek(0)
        return _read(buffer, RATE)

    return damage


def filtered(*filters: tuple[str, str]) -> Damage:
    """Return a chain of FFmpeg's filters."""

    def damage(samples: Samples, _: np.random.Generator) -> Samples:
        graph = Graph()
        last = graph.add_abuffer(
            sample_rate=RATE, format="flt", layout="mono", time_base=Fraction(1, RATE)
        )
        for name, arguments in filters:
            following = graph.add(name, arguments)
            last.link_to(following)
            last = following
        last.link_to(graph.add("abuffersink"))
        graph.configure()
        graph.push(_frame(samples, RATE))
        graph.push(None)
        blocks = []
        while True:
            try:
                blocks.append(graph.pull().to_ndarray().reshape(-1))
            except (av.error.EOFError, av.error.BlockingIOError):
                return np.concatenate(blocks).astype(np.float32)

    return damage


def noise(samples: Samples, random: np.random.Generator) -> Samples:
    """Add white noise 20 dB below the speech."""
    return _mixed(samples, random.normal(0, 1, len(samples)), -20)


def music(samples: Samples, random: np.random.Generator) -> Samples:
    """Add chords with drums 15 dB below the speech."""
    seconds = np.arange(len(samples)) / RATE
    sound = np.zeros(len(samples))
    beat = 0.5
    for bar in range(math.ceil(len(samples) / RATE / (4 * beat))):
        root = 110 * 2 ** (random.integers(0, 12) / 12)
        since = seconds - bar * 4 * beat
        on = (since >= 0) & (since < 4 * beat)
        for note in (0, 4, 7, 12):
            for partial in range(1, 9):
                tone = root * 2 ** (note / 12) * partial
                sound[on] += np.sin(2 * np.pi * tone * since[on]) / partial * np.exp(-since[on])
    for hit in np.arange(0, len(samples) / RATE, beat):
        since = seconds - hit
        on = (since >= 0) & (since < 0.1)
        sound[on] += random.normal(0, 2, on.sum()) * np.exp(-since[on] / 0.02)
    return _mixed(samples, sound, -15)


def _mixed(samples: Samples, other: NDArray[np.float64], decibels: float) -> Samples:
    level = np.sqrt(np.mean(samples**2) / np.mean(other**2)) * 10 ** (decibels / 20)
    return (samples + level * other).astype(np.float32)


def speed(factor: float) -> Damage:
    """Return a change of tempo and pitch together."""
    return lambda samples, _: np.asarray(soxr.resample(samples, RATE * factor, RATE), np.float32)


def gain(decibels: float) -> Damage:
    """Return a change of level, clipped at 16 bits."""

    def damage(samples: Samples, _: np.random.Generator) -> Samples:
        louder = np.clip(samples * 10 ** (decibels / 20), -1, 1)
        return (np.round(louder * 32767) / 32767).astype(np.float32)

    return damage


def cuts(samples: Samples, random: np.random.Generator) -> Samples:
    """Remove three pieces of 0.1 to 0.5 s."""
    for _ in range(3):
        start = int(random.integers(0, len(samples) - RATE))
        samples = np.delete(samples, slice(start, start + int(random.integers(2400, 12_000))))
    return samples


def random_tempo(samples: Samples, random: np.random.Generator) -> Samples:
    return filtered(("atempo", f"{random.uniform(0.95, 1.05):.4f}"))(samples, random)


def random_speed(samples: Samples, random: np.random.Generator) -> Samples:
    return speed(random.uniform(0.95, 1.05))(samples, random)


DAMAGES: dict[str, Damage] = {
    "nothing": lambda samples, _: samples,
    "MP3 64": codec("libmp3lame", "mp3", 64),
    "MP3 32": codec("libmp3lame", "mp3", 32),
    "AAC 48": codec("aac", "adts", 48),
    "Opus 24": codec("libopus", "ogg", 24),
    "Opus 16": codec("libopus", "ogg", 16),
    "G.711": codec("pcm_mulaw", "wav", rate=8000),
    "noise 20 dB": noise,
    "tempo +5 %": filtered(("atempo", "1.05")),
    "tempo -5 %": filtered(("atempo", "0.95")),
    "tempo random": random_tempo,
    "speed +5 %": speed(1.05),
    "speed -5 %": speed(0.95),
    "speed random": random_speed,
    "cuts": cuts,
    "+12 dB": gain(12),
    "-12 dB": gain(-12),
    "equaliser": filtered(
        ("equalizer", "f=150:t=o:w=2:g=6"),
        ("equalizer", "f=1000:t=o:w=2:g=-6"),
        ("equalizer", "f=5000:t=o:w=2:g=6"),
    ),
    "music -15 dB": music,
}
_RESAMPLING = ("tempo", "speed")
SHORT = "MP3 64, 5 s"


def pairs() -> list[tuple[str, str]]:
    """Return all pairs of damages, at most one of which changes tempo or speed."""
    names = [name for name in DAMAGES if name != "nothing"]
    return [
        (one, other)
        for one in names
        for other in names
        if one != other and not (one.startswith(_RESAMPLING) and other.startswith(_RESAMPLING))
    ]


def embed(samples: Samples, payload: int, rate: int = RATE, block: int = 1 << 18) -> Samples:
    """Mark samples as the service does: watermark, then limiter."""
    embedder, limiter = Embedder(rate, SECRET, payload), loudness.Limiter(rate)
    parts = [
        limiter.process(embedder.process(samples[at : at + block]))
        for at in range(0, len(samples), block)
    ]
    return np.concatenate([*parts, limiter.process(embedder.finish()), limiter.flush()])


def limited(samples: Samples) -> Samples:
    """Limit samples as the service does without a mark."""
    limiter = loudness.Limiter(RATE)
    return np.concatenate([limiter.process(samples), limiter.flush()])


def levelled(samples: Samples) -> Samples:
    """Return speech at the loudness of the service's results."""
    gain_db = loudness.TARGET - loudness.loudness(samples, RATE)
    return (samples * 10 ** (gain_db / 20)).astype(np.float32)


def speakers(folder: Path, pattern: str) -> dict[str, Samples]:
    """Return the clips of each speaker joined. The speaker is the folder or the file's name."""
    found: dict[str, list[Samples]] = {}
    for path in sorted(folder.rglob(pattern)):
        name = path.parent.name if path.parent != folder else path.stem.rpartition("_")[0]
        found.setdefault(name, []).append(load(path))
    return {name: levelled(np.concatenate(parts)) for name, parts in found.items()}


def excerpts(
    samples: Samples, seconds: float, count: int, random: np.random.Generator
) -> list[Samples]:
    """Cut pieces at random."""
    length = round(seconds * RATE)
    starts = random.integers(0, max(1, len(samples) - length + 1), count)
    return [samples[start : start + length] for start in starts]


def attacks(options: argparse.Namespace) -> dict[str, object]:
    """Damage excerpts and count what is found."""
    random = np.random.default_rng(options.seed)
    rows: dict[str, list[tuple[bool, bool, bool]]] = {}
    misses: list[str] = []
    everything = pairs()

    def search(name: str, piece: Samples, payload: int, label: str) -> None:
        marks = detect_both(piece, RATE, SECRET)
        assert marks.secret is not None
        right = marks.secret.payload == payload
        rows.setdefault(name, []).append((marks.public.found, marks.secret.found, right))
        if not (marks.public.found and right):
            misses.append(
                f"{label}: public {marks.public.p_value:.1e} secret {marks.secret.p_value:.1e}"
            )
            print(misses[-1], file=sys.stderr, flush=True)

    for name, clip in speakers(options.clips, options.glob).items():
        payload = int(random.integers(0, PAYLOADS))
        # A stream is marked in the blocks in which its sentences arrive.
        marked = embed(clip, payload, block=options.block)
        length = 1.06 * (SECONDS + 1.5)
        for piece in excerpts(marked, length, options.excerpts, random):
            for kind, damage in DAMAGES.items():
                damaged = damage(piece, random)[: round(SECONDS * RATE)]
                search(kind, damaged, payload, f"{name} {kind}")
            five = DAMAGES["MP3 64"](piece, random)[RATE : 6 * RATE]
            search(SHORT, five, payload, f"{name} {SHORT}")
            for _ in range(options.pairs):
                one, other = everything[random.integers(len(everything))]
                damaged = DAMAGES[other](DAMAGES[one](piece, random), random)
                search("two", damaged[: round(SECONDS * RATE)], payload, f"{name} {one} + {other}")
        print(name, file=sys.stderr, flush=True)
    return {
        "rates": {
            name: {
                "excerpts": len(found),
                "public": float(np.mean([each[0] for each in found])),
                "secret": float(np.mean([each[1] for each in found])),
                "payload": float(np.mean([each[2] for each in found])),
            }
            for name, found in rows.items()
        },
        "misses": misses,
    }


def real_speech(options: argparse.Namespace) -> Iterator[Samples]:
    """Yield windows of recordings, joined."""
    length = round(SECONDS * RATE)
    waiting: list[Samples] = []
    size = 0
    part, parts = options.part
    for folder in options.folders:
        paths = sorted(each for each in folder.rglob("*") if each.suffix in (".opus", ".wav"))
        for path in paths[part::parts]:
            try:
                waiting.append(load(path))
            except (av.error.FFmpegError, IndexError, ValueError):
                continue  # a damaged file of the difficult inputs
            size += len(waiting[-1])
            if size >= length:
                joined = np.concatenate(waiting)
                for start in range(0, size - length + 1, length):
                    yield joined[start : start + length]
                waiting = [joined[size // length * length :]]
                size = len(waiting[0])


def null(options: argparse.Namespace) -> dict[str, object]:
    """Search recordings of people, with the patterns in use and with wrong keys."""
    random = np.random.default_rng(options.seed)
    signs = random.choice([-1.0, 1.0], (options.keys, STEPS, BANDS)).astype(np.float32)
    wrong = np.conj(np.fft.rfft(signs * (parity() == 0), axis=1)).transpose(1, 2, 0)
    wrong = np.ascontiguousarray(wrong, np.complex64)  # (frequency, band, key)
    thresholds = np.arange(3.0, 8.0, 0.5)
    above = np.zeros(len(thresholds))
    compared = windows = 0
    values: dict[str, list[float]] = {"public": [], "secret": [], "short": [], "wrong": []}
    for window in real_speech(options):
        sound = inside._Sound(window, RATE)
        search = inside._Search(sound.power(0))
        values["public"].append(search.public().p_value)
        for start in sound.starts(inside._SHORT):
            short = inside._Search(sound.power(start, inside._SHORT), all_speeds=False)
            values["short"].append(short.public().p_value)
        if windows % options.secret_every == 0:
            values["secret"].append(search.secret(SECRET).p_value)
        windows += 1
        if windows % 50 == 0:
            print(windows, {n: min(v, default=1) for n, v in values.items()}, file=sys.stderr)
        if windows % options.keys_every:
            continue
        spectra = np.ascontiguousarray(search._spectra.transpose(1, 0, 2))
        scores = np.fft.irfft(spectra @ wrong, STEPS, axis=0)  # (shift, alignment, key)
        scores /= np.sqrt(search._public_energy.T[:, :, None] + 1e-6)
        above += [(scores > each).sum() for each in thresholds]
        compared += scores.size
        # The first alignments have the original speed.
        for part, place in ((scores[:, :FRAMES], 0), (scores[:, FRAMES:], PERIOD)):
            best = part.max(axis=(0, 1))
            values["wrong"] += [inside._p_value(float(s), search.tried(place) // 2) for s in best]
    bound = [inside._BOUND * math.erfc(z / math.sqrt(2)) / 2 for z in thresholds]
    return {
        "hours": windows * SECONDS / 3600,
        "windows": windows,
        "smallest p": {name: min(found) for name, found in values.items() if found},
        "found": {name: sum(p <= LIMIT for p in found) for name, found in values.items()},
        "searches": {name: len(found) for name, found in values.items()},
        "share of wrong keys with p at most": {
            f"{level:g}": float(np.mean(np.array(values["wrong"]) <= level))
            for level in (0.1, 0.01, 1e-3, 1e-4)
        },
        "scores compared": compared,
        "share above z, and bound": {
            f"{z:g}": (count / max(1, compared), limit)
            for z, count, limit in zip(thresholds, above, bound, strict=True)
        },
    }


def text_of(path: Path) -> str:
    """Return the English text of a clip of bench/speak.py, or an empty one."""
    number = path.stem.rpartition("_")[2]
    known = path.stem.startswith("en_") and number.isdigit()
    return SCRIPTS["English"][int(number)] if known else ""


def quality(options: argparse.Namespace) -> dict[str, object]:
    """Compare clips before and after marking."""
    from hearing import Instruments, Sound
    from hearing import levelled as for_measures

    instruments = Instruments()
    rows = []
    for path in sorted(options.clips.rglob(options.glob))[: options.most]:
        clip = levelled(load(path))
        marked = embed(clip, len(rows) * 97_531 % PAYLOADS)
        # The limiter changes both alike, so the mark is compared after it.
        clean = limited(clip)
        snr = 10 * np.log10(np.sum(clean**2) / np.sum((marked - clean) ** 2))
        sounds = [
            for_measures(Sound(np.asarray(each, np.float64), RATE)) for each in (clean, marked)
        ]
        reference = options.speakers and (
            options.speakers / path.stem.rpartition("_")[0] / "other_1.wav"
        )
        quality_of = [instruments.naturalness(each) for each in sounds]
        likeness = [math.nan, math.nan]
        if reference and reference.exists():
            target = instruments.embed(
                for_measures(Sound(np.asarray(load(reference), np.float64), RATE))
            )
            voices = [instruments.embed(each) for each in sounds]
            if target is not None and all(each is not None for each in voices):
                likeness = [float(target @ each) for each in voices if each is not None]
        errors = [
            instruments.word_errors(Sound(np.asarray(each, np.float64), RATE, text_of(path)))
            for each in (clean, marked)
        ]
        rows.append((snr, quality_of[1] - quality_of[0], likeness[1] - likeness[0], *errors))
        print(path.stem, *np.round(rows[-1], 3), file=sys.stderr, flush=True)
    table = np.array(rows)
    return {
        "clips": len(rows),
        "SNR of the mark, dB": {"mean": table[:, 0].mean(), "lowest": table[:, 0].min()},
        "DNSMOS OVRL": np.nanmean(table[:, 1]),
        "similarity": np.nanmean(table[:, 2]),
        "word errors": {"before": np.nanmean(table[:, 3]), "after": np.nanmean(table[:, 4])},
        "notes": instruments.notes,
    }


@dataclass(frozen=True)
class WithoutControls:
    """Engine that hides its controls, so that the service applies them."""

    engine: BuiltinEngine

    @property
    def info(self) -> EngineInfo:
        return replace(self.engine.info, native=frozenset())

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)


def speak(options: argparse.Namespace) -> dict[str, object]:
    """Write a passage of each speaker by an engine without controls."""
    engine = WithoutControls(BuiltinEngine())
    options.out.mkdir(parents=True, exist_ok=True)
    people = speaking.people_of(options.speakers, set())
    for name, (language, path) in people.items():
        voice = engine.clone(reference(path, language), language)
        controls = Controls(language, Emotion.HAPPY, speed=1.1, pitch=2)
        texts = speaking.script(language, 3)
        speeches = [prosody.speak(cast(Engine, engine), voice, text, controls) for text in texts]
        samples = speaking.passage(texts, speeches)
        speaking.write(options.out / f"{name}_passage.wav", samples, speeches[0].sample_rate)
        print(name, file=sys.stderr, flush=True)
    return {"speakers": len(people)}


def reference(path: Path, language: str) -> Reference:
    """Read the recording of a speaker."""
    decoded = decode(path)
    return Reference(decoded.samples.astype(np.float32), decoded.sample_rate, language)


def word_errors(options: argparse.Namespace) -> dict[str, object]:
    """Compare the word errors before and after marking, clip by clip."""
    from hearing import Instruments, Sound, words

    instruments = Instruments(texts=MORE)
    engine = BuiltinEngine()
    part, parts = options.part
    people = speaking.people_of(options.speakers, {"en"})
    rows = []
    for person, (name, (language, path)) in enumerate(people.items()):
        if person % parts != part:
            continue
        voice = engine.clone(reference(path, language), language)
        for number, text in enumerate(MORE[: options.sentences]):
            speech = engine.speak(voice, text, Controls(language))
            clip = levelled(soxr.resample(speech.samples, speech.sample_rate, RATE))
            marked = embed(clip, (len(MORE) * person + number) * 97_531 % PAYLOADS)
            count = len(words(text))
            errors = [
                instruments.word_errors(Sound(np.asarray(each, np.float64), RATE, text), flat)
                for flat in (True, False)
                for each in (limited(clip), marked)
            ]
            rows.append([count, *(round(each * count) for each in errors)])
            print(name, number, *rows[-1], file=sys.stderr, flush=True)
    table = np.array(rows)
    return {"clips": len(table)} | {
        name: compared(table[:, 0], table[:, 1 + 2 * index], table[:, 2 + 2 * index])
        for index, name in enumerate(("flat vocabulary", "language model"))
    }


def compared(
    counts: NDArray[np.int_], before: NDArray[np.int_], after: NDArray[np.int_]
) -> dict[str, object]:
    """Return both word error rates and their difference with its standard error over clips."""
    difference = (after - before).sum() / counts.sum()
    spread = np.square(after - before - difference * counts).sum()
    error = math.sqrt(spread) / counts.sum()
    return {
        "before": before.sum() / counts.sum(),
        "after": after.sum() / counts.sum(),
        "difference": difference,
        "standard error": error,
        "p": math.erfc(abs(difference) / error / math.sqrt(2)) if error else 1.0,
        "clips with more, fewer": [int((after > before).sum()), int((after < before).sum())],
    }


def timed(options: argparse.Namespace) -> dict[str, object]:
    """Time the embedder and the detector, in processor time per second of sound."""
    clips = list(speakers(options.clips, options.glob).values())[:8]
    seconds = sum(map(len, clips)) / RATE
    embed(clips[0][:RATE], 0)
    detect_both(clips[0], RATE, SECRET)
    costs: dict[str, float] = {}
    marked = [embed(clip, 1) for clip in clips]
    for name, work in (
        ("embedding", lambda: [_only_marked(clip) for clip in clips]),
        ("detection, marked", lambda: [detect_both(clip, RATE, SECRET) for clip in marked]),
        ("detection, not marked", lambda: [detect_both(clip, RATE, SECRET) for clip in clips]),
    ):
        tries = []
        for _ in range(3):
            started = time.process_time()
            work()
            tries.append((time.process_time() - started) / seconds)
        costs[name] = min(tries)
    return {**costs, "embedding, of synthesis": costs["embedding"] / options.synthesis}


def _only_marked(samples: Samples) -> None:
    embedder = Embedder(RATE, SECRET, 1)
    embedder.process(samples)
    embedder.finish()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=0)
    commands = parser.add_subparsers(required=True)
    each = commands.add_parser("null")
    each.add_argument("folders", type=Path, nargs="+")
    each.add_argument("--keys", type=int, default=16, help="wrong keys")
    each.add_argument("--part", type=int, nargs=2, default=(0, 1), help="part and number of parts")
    each.add_argument("--keys-every", type=int, default=1, help="windows per search of wrong keys")
    each.add_argument("--secret-every", type=int, default=1, help="windows per search of a secret")
    each.set_defaults(work=null)
    each = commands.add_parser("attacks")
    each.add_argument("clips", type=Path)
    each.add_argument("--glob", default="*_passage.wav")
    each.add_argument("--excerpts", type=int, default=2, help="of each speaker")
    each.add_argument("--pairs", type=int, default=4, help="of damages, for each excerpt")
    each.add_argument("--block", type=int, default=1 << 18, help="samples embedded at a time")
    each.set_defaults(work=attacks)
    each = commands.add_parser("quality")
    each.add_argument("clips", type=Path)
    each.add_argument("--glob", default="*_0.wav")
    each.add_argument("--speakers", type=Path, help="folders with other_1.wav, for the similarity")
    each.add_argument("--most", type=int, default=40, help="clips")
    each.set_defaults(work=quality)
    each = commands.add_parser("speak")
    each.add_argument("speakers", type=Path)
    each.add_argument("out", type=Path)
    each.set_defaults(work=speak)
    each = commands.add_parser("words")
    each.add_argument("speakers", type=Path)
    each.add_argument("--sentences", type=int, default=len(MORE), help="of each speaker")
    each.add_argument("--part", type=int, nargs=2, default=(0, 1), help="part and number of parts")
    each.set_defaults(work=word_errors)
    each = commands.add_parser("speed")
    each.add_argument("clips", type=Path)
    each.add_argument("--glob", default="*_passage.wav")
    each.add_argument(
        "--synthesis", type=float, default=0.045, help="processor seconds per second of speech"
    )
    each.set_defaults(work=timed)
    options = parser.parse_args()
    print(json.dumps(options.work(options), indent=1, default=float))


if __name__ == "__main__":
    main()
