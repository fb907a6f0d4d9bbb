"""Make the recordings of docs/samples.md on a running service: a clone for each language.

    SOUNDCLONE_API_KEY=sk_… .venv/bin/python bench/samples.py [LANGUAGE…]
    .venv/bin/python bench/samples.py --check

The voices are clones of the bundled recording and of the two recordings of the tests. Originals are
cut to their first seconds. `--check` measures the level of the ends of the clones.
"""

from __future__ import annotations

import math
import sys
import tempfile
from pathlib import Path

import av
import numpy as np

from soundclone.audio.decode import decode
from soundclone.text.languages import LANGUAGES
from soundclone_client import Client

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "docs" / "samples"
RECORDINGS = {
    "bundled": ROOT / "examples" / "recording.mp3",
    "woman": ROOT / "tests" / "recordings" / "woman.opus",
    "man": ROOT / "tests" / "recordings" / "man.opus",
}
OWN = {"Slovenian": ("woman",), "Romanian": ("man",), "English": tuple(RECORDINGS)}
"""Who says a language when it is not their turn: those who speak it, and all in English."""
ORIGINAL = 9.0  # seconds that are kept of an original
BITS = 48_000  # a second: small enough to be kept with the source
ENDING = 0.15  # seconds at the end of a clone, in which nobody speaks any more
QUIET = -40.0  # dBFS


def main() -> None:
    if sys.argv[1:] == ["--check"]:
        sys.exit(check())
    turns = {language: ("woman", "man")[number % 2] for number, language in enumerate(LANGUAGES)}
    wanted = sys.argv[1:] or list(LANGUAGES)
    SAMPLES.mkdir(exist_ok=True)
    with Client() as client, tempfile.TemporaryDirectory() as folder:
        spoken = Path(folder) / "spoken.wav"
        voices = {name: client.clone(path, version="v2") for name, path in RECORDINGS.items()}
        for name, path in RECORDINGS.items():
            shrink(path, SAMPLES / f"original-{name}.mp3", ORIGINAL)
        for language in wanted:
            known = LANGUAGES[language]
            for name in OWN.get(language, (turns[language],)):
                task = client.speak(
                    voices[name].model_id,
                    known.preview,
                    language=language,
                    version="v2",
                    format="wav",
                    sample_rate=24_000,
                )
                client.download(task, spoken)
                shrink(spoken, SAMPLES / f"{known.code}-{name}.mp3")


def shrink(source: Path, target: Path, seconds: float = math.inf) -> None:
    """Write the first seconds of a recording, or all of it, as a small MP3."""
    with av.open(source) as recording, av.open(target, "w") as copy:
        stream = copy.add_stream("libmp3lame", rate=24_000, layout="mono", bit_rate=BITS)
        copy.metadata["comment"] = "See docs/samples.md"
        resampler = av.AudioResampler("fltp", "mono", 24_000)
        kept = 0
        for frame in [*recording.decode(audio=0), None]:  # None: the rest of the resampler
            for part in resampler.resample(frame):
                if kept < seconds * 24_000:
                    copy.mux(stream.encode(part))
                    kept += part.samples
        copy.mux(stream.encode(None))
    print(f"{target.name}: {target.stat().st_size} bytes")


def check() -> int:
    """Print the level of each clone. Return the number of clones that do not end in silence."""
    cut = 0
    for path in sorted(SAMPLES.glob("*.mp3")):
        if path.name.startswith("original-"):
            continue
        decoded = decode(path)
        ending = decoded.samples[-round(ENDING * decoded.sample_rate) :]
        level = 20 * math.log10(max(float(np.sqrt(np.mean(ending**2))), 1e-6))
        cut += level > QUIET
        print(f"{path.name:<14} {decoded.seconds:5.2f} s, ends at {level:6.1f} dBFS")
    print(f"{cut} cut off")
    return cut


if __name__ == "__main__":
    main()
