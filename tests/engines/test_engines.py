"""Engines of a third party, found by their entry points: quick, and with bad habits.

`SOUNDCLONE_TEST_CALLS` names a file that gets a line for each sentence said; a sentence takes
`SOUNDCLONE_TEST_SECONDS`. `SOUNDCLONE_TEST_PACE` is the number of characters a second.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import numpy as np

from soundclone.engines.protocol import Controls, EngineInfo, Reference, Speech, Voice
from soundclone.errors import SynthesisError
from soundclone.text.languages import LANGUAGES


class Tone:
    """Says every sentence as a tone, by default a fifteenth of a second a character."""

    info = EngineInfo(
        "tone",
        os.environ.get("SOUNDCLONE_TEST_VERSION", "1"),
        "Apache-2.0",
        frozenset(LANGUAGES),
        24_000,
    )
    concurrent = True

    def unusable(self) -> str | None:
        return None

    def warm(self) -> None:
        if seconds := os.environ.get("SOUNDCLONE_TEST_WARM"):
            Path(os.environ["SOUNDCLONE_TEST_CALLS"]).write_text("warming up\n")
            time.sleep(float(seconds))

    def clone(self, reference: Reference, language: str) -> Voice:
        return Voice(self.info.name, self.info.version, str(len(reference.samples)).encode())

    def speak(self, voice: Voice, sentence: str, controls: Controls) -> Speech:
        if voice.version != self.info.version:
            raise SynthesisError(f"voice is of version {voice.version}, not {self.info.version}")
        if calls := os.environ.get("SOUNDCLONE_TEST_CALLS"):
            with Path(calls).open("a") as file:
                file.write(f"{os.getpid()} {sentence}\n")
        time.sleep(float(os.environ.get("SOUNDCLONE_TEST_SECONDS", "0")))
        pace = int(os.environ.get("SOUNDCLONE_TEST_PACE", "15"))
        times = np.arange(len(sentence) * 24_000 // pace) / 24_000
        return Speech((0.2 * np.sin(2 * np.pi * 220 * times)).astype(np.float32), 24_000)

    def close(self) -> None:
        pass


class Deadly(Tone):
    """Takes its process along."""

    info = EngineInfo("deadly", "1", "Apache-2.0", frozenset(LANGUAGES), 24_000)

    def clone(self, reference: Reference, language: str) -> Voice:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


class Fickle(Tone):
    """Goes wrong at most seeds where the text asks for it."""

    info = EngineInfo("fickle", "1", "Apache-2.0", frozenset(LANGUAGES), 24_000, seeded=True)

    def speak(self, voice: Voice, sentence: str, controls: Controls) -> Speech:
        said = super().speak(voice, sentence, controls)
        seeds = Path(os.environ["SOUNDCLONE_TEST_CALLS"] + ".seeds")
        with seeds.open("a") as file:
            file.write(f"{controls.seed}\n")
        again = len(set(seeds.read_text().split())) > 1
        if "always" in sentence or ("once" in sentence and not again):
            noise = np.random.default_rng(controls.seed).standard_normal(60 * 24_000)
            return Speech((0.1 * noise).astype(np.float32), 24_000)
        return said


class Broken(Tone):
    """Says a sentence and is then broken."""

    info = EngineInfo("broken", "1", "Apache-2.0", frozenset(LANGUAGES), 24_000)

    def speak(self, voice: Voice, sentence: str, controls: Controls) -> Speech:
        if "silence" in sentence:
            return Speech(np.zeros(24_000, np.float32), 24_000)
        raise ZeroDivisionError("secret text of the customer")


class Narrow(Tone):
    """Speaks two languages, with a model of each; writes down which voices it makes."""

    info = EngineInfo(
        "narrow",
        "1",
        "CC-BY-4.0",
        frozenset({"English", "French"}),
        24_000,
        rank=50,
        checkpoints={"English": "aa", "French": "bb"},
    )

    def unusable(self) -> str | None:
        return os.environ.get("SOUNDCLONE_TEST_NARROW") or None

    def clone(self, reference: Reference, language: str) -> Voice:
        with Path(os.environ["SOUNDCLONE_TEST_CALLS"] + ".cloned").open("a") as file:
            file.write(f"{language}\n")
        version = self.info.version_for(language)
        return Voice(self.info.name, version, version.encode())

    def speak(self, voice: Voice, sentence: str, controls: Controls) -> Speech:
        assert voice.data.decode() == voice.version == self.info.version_for(controls.language)
        with Path(os.environ["SOUNDCLONE_TEST_CALLS"] + ".said").open("a") as file:
            file.write(f"{controls.language} {sentence}\n")
        times = np.arange(len(sentence) * 1600) / 24_000
        return Speech((0.2 * np.sin(2 * np.pi * 330 * times)).astype(np.float32), 24_000)


class Brittle(Tone):
    """Wants to be the best, and breaks when it is warmed up."""

    info = EngineInfo("brittle", "1", "Apache-2.0", frozenset({"English"}), 24_000, rank=60)

    def unusable(self) -> str | None:
        return None if os.environ.get("SOUNDCLONE_TEST_BRITTLE") else "it is not asked for"

    def warm(self) -> None:
        raise ZeroDivisionError


class Charity(Tone):
    """The best of all, and not for commercial use."""

    info = EngineInfo(
        "charity", "1", "CC-BY-NC-4.0", frozenset({"Danish"}), 24_000, rank=70, noncommercial=True
    )
