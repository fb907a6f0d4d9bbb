"""Makes the recordings of docs/samples.md: each language by a clone, on a running service.

    SOUNDCLONE_API_KEY=sk_… .venv/bin/python bench/samples.py [LANGUAGE…]

The voices are of the bundled recording and of the two that the tests have; the originals are cut to
their first seconds.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import av

from soundclone.client import Client
from soundclone.speech.languages import LANGUAGES

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


def main() -> None:
    wanted = sys.argv[1:] or list(LANGUAGES)
    SAMPLES.mkdir(exist_ok=True)
    with Client() as client, tempfile.TemporaryDirectory() as folder:
        spoken = Path(folder) / "spoken.wav"
        voices = {name: client.clone(path, version="v2") for name, path in RECORDINGS.items()}
        for name, path in RECORDINGS.items():
            shrink(path, SAMPLES / f"original-{name}.mp3")
        for number, language in enumerate(wanted):
            known = LANGUAGES[language]
            for name in OWN.get(language, (("woman", "man")[number % 2],)):
                model = voices[name].model_id
                assert model
                task = client.speak(
                    model,
                    known.preview,
                    language=language,
                    version="v2",
                    format="wav",
                    sample_rate=24_000,
                )
                client.download(task, spoken)
                shrink(spoken, SAMPLES / f"{known.code}-{name}.mp3")


def shrink(source: Path, target: Path) -> None:
    """The beginning of a recording as a small MP3."""
    with av.open(source) as recording, av.open(target, "w") as copy:
        stream = copy.add_stream("libmp3lame", rate=24_000, layout="mono", bit_rate=BITS)
        copy.metadata["comment"] = "See docs/samples.md"
        resampler = av.AudioResampler("fltp", "mono", 24_000)
        kept = 0
        for frame in recording.decode(audio=0):
            for part in resampler.resample(frame):
                if kept < ORIGINAL * 24_000:
                    copy.mux(stream.encode(part))
                    kept += part.samples
        copy.mux(stream.encode(None))
    print(f"{target.name}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
