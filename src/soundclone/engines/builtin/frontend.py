"""Speak text with the source synthesiser, espeak-ng.

`Pool` keeps processes of `espeak` and replaces the ones that die or hang.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import unicodedata
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ...errors import EngineUnavailable, SynthesisError
from ...text.g2p import PHONEMES, Piece, Reading, read
from ...text.ipa import Transcription
from ...text.languages import LANGUAGES
from ...text.words import Word, word_spans
from . import espeak
from .espeak import read_message, write_message
from .ipa import standard
from .phonemes import mnemonics

VOICES = {
    language.name: language.speech.espeak_voice
    for language in LANGUAGES.values()
    if language.speech.espeak_voice
}
"""Voices of espeak-ng by name of the language."""

VARIANT = "+f5"  # recognised best by far after conversion, for all speakers
RATE = 160  # words a minute
RATES = (80, 450)  # words a minute, limits of espeak-ng
PITCH, RANGE = 50, 50  # the middle of the scales of espeak-ng

MARGIN = 0.03  # seconds of silence kept before and after speech
SILENCE = 10 ** (-45 / 20)  # of the loudest sample
LONGEST = 400  # characters in a request, which bounds the memory of the analysis


@dataclass(frozen=True)
class Utterance:
    """Speech of the source synthesiser."""

    samples: NDArray[np.float64]  # mono, shape (n,), full scale is 1.0
    sample_rate: int  # Hz
    phones: tuple[tuple[float, str], ...]  # start in seconds, IPA; "" is a pause
    words: tuple[Word, ...]


def check_language(language: str) -> None:
    """Raise SynthesisError if espeak-ng has no voice for a language."""
    if language not in VOICES:
        raise SynthesisError(f"the builtin engine does not speak {language!r}")


class _Died(Exception):
    """The child process ended, or hung and was killed, before it answered."""


class _Child:
    """A process of `espeak`."""

    def __init__(self) -> None:
        keep = ("PATH", "HOME", "LANG", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH")
        self._process = subprocess.Popen(  # noqa: S603
            # As a file, because importing the package takes 30 MB and most of a second.
            [sys.executable, "-P", espeak.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # so that its forks can be killed with it
            env={name: os.environ[name] for name in keep if name in os.environ},
        )

    def ask(self, request: dict[str, object], timeout: float) -> tuple[dict[str, object], bytes]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        watchdog = threading.Timer(timeout, self._kill)
        watchdog.daemon = True
        watchdog.start()
        try:
            write_message(self._process.stdin, json.dumps(request).encode())
            answer = read_message(self._process.stdout)
            samples = read_message(self._process.stdout)
        except OSError as error:
            raise _Died from error
        finally:
            watchdog.cancel()
        if answer is None or samples is None:
            raise _Died
        heard: dict[str, object] = json.loads(answer)
        return heard, samples

    def _kill(self) -> None:
        with contextlib.suppress(OSError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def end(self) -> None:
        self._kill()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()  # type: ignore[union-attr]
        self._process.wait()


class Pool:
    """Up to `size` processes of espeak-ng. Each serves one caller at a time."""

    def __init__(self, size: int = 4, timeout: float = 20.0) -> None:
        self._room = threading.BoundedSemaphore(size)
        self._size = size
        self._timeout = timeout  # seconds for a request, including the start of the process
        self._idle: list[_Child] = []
        self._lock = threading.Lock()
        self._closed = False
        weakref.finalize(self, _end, self._idle)

    def speak(
        self,
        text: str,
        language: str,
        rate: float = RATE,
        ipa: Sequence[Transcription] = (),
    ) -> Utterance:
        """Speak a text, and trim the silence before and after it.

        Args:
            text: At most LONGEST characters.
            language: Key of VOICES.
            rate: Words a minute, rounded and clipped to RATES.
            ipa: Sounds of parts of the text, in order.

        Raises:
            SynthesisError: There is nothing to speak.
            EngineUnavailable: espeak-ng does not start.
        """
        check_language(language)
        if len(text) > LONGEST:
            raise SynthesisError(
                f"the sentence has {len(text)} characters; at most {LONGEST} can be said at once"
            )
        text = _harmless(text)
        reading = _reading(text, language, ipa)
        answer, data = self._ask(
            {
                "voice": VOICES[language] + VARIANT,
                "rate": int(np.clip(round(rate), *RATES)),
                "pitch": PITCH,
                "range": RANGE,
                "pieces": [(piece.text, piece.voice) for piece in reading.pieces],
            }
        )
        if "error" in answer:
            raise SynthesisError(str(answer["error"]))
        return _utterance(text, language, reading, answer, data)

    def _ask(self, request: dict[str, object]) -> tuple[dict[str, object], bytes]:
        with self._room:
            for _ in range(2):  # an idle child may have died for an unrelated reason
                child = self._take()
                try:
                    answer = child.ask(request, self._timeout)
                except _Died:
                    child.end()
                    continue
                except BaseException:
                    child.end()
                    raise
                self._give_back(child)
                return answer
        if request["pieces"] == _PROBE:
            raise EngineUnavailable("espeak-ng does not start; reinstall espeakng-loader")
        self.check()
        raise SynthesisError("espeak-ng ended or hung on this sentence twice")

    def check(self) -> None:
        """Speak a word. Raises EngineUnavailable if that fails."""
        request: dict[str, object] = {
            "voice": VOICES["English"],
            "rate": RATE,
            "pitch": PITCH,
            "range": RANGE,
            "pieces": _PROBE,
        }
        answer, samples = self._ask(request)
        if "error" in answer or not np.any(np.frombuffer(samples, "<i2")):
            raise EngineUnavailable("espeak-ng says nothing; reinstall espeakng-loader")

    def warm(self) -> None:
        """Start a process for each core, so that no speaker waits for the start of one.

        Raises EngineUnavailable if espeak-ng does not work.
        """
        self.check()
        with self._lock:
            missing = min(self._size, os.cpu_count() or 1) - len(self._idle)
        for _ in range(missing):
            self._give_back(_Child())

    def close(self) -> None:
        """Stop idle processes now, and busy ones after their answer."""
        with self._lock:
            self._closed = True
            _end(self._idle)

    def _take(self) -> _Child:
        with self._lock:
            self._closed = False
            if self._idle:
                return self._idle.pop()
        return _Child()

    def _give_back(self, child: _Child) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(child)
                return
        child.end()


def _end(children: list[_Child]) -> None:
    while children:
        children.pop().end()


_PROBE = [("hello", "")]


def _harmless(text: str) -> str:
    """Replace code points that control espeak-ng with spaces, so that offsets stay the same.

    Controls (U+0001 begins an embedded command), lone surrogates and unassigned code points are
    replaced. The two joiners stay, because Persian and Indic spelling needs them.
    """
    blank = {"Cc", "Cf", "Cs", "Co", "Cn"}
    return "".join(
        " " if unicodedata.category(c) in blank and c not in "\u200c\u200d" else c for c in text
    )


def _reading(text: str, language: str, ipa: Sequence[Transcription]) -> Reading:
    """Return the pronunciation of a sentence, with the given sounds of its parts."""
    if not ipa:
        return read(text, language)
    pieces: list[Piece] = []
    words: list[tuple[int, int]] = []
    at = 0

    def add_text(end: int) -> None:
        between = text[at:end]
        if not any(map(str.isalnum, between)):
            pieces.extend([Piece(between, at)] if between else [])
            return
        said = read(between, language)
        pieces.extend(replace(piece, offset=piece.offset + at) for piece in said.pieces)
        spans = word_spans(between) if said.words is None else said.words
        words.extend((offset + at, length) for offset, length in spans)

    for part in ipa:
        add_text(part.start)
        pieces.append(Piece(mnemonics(part.ipa, language), part.start, PHONEMES))
        written = text[part.start : part.end]
        words.extend((offset + part.start, length) for offset, length in word_spans(written))
        at = part.end
    add_text(len(text))
    return Reading(tuple(pieces), tuple(words))


def _utterance(
    text: str, language: str, reading: Reading, answer: dict[str, object], data: bytes
) -> Utterance:
    sample_rate = answer["sample_rate"]
    assert isinstance(sample_rate, int)
    phones: list[tuple[int, str]] = answer["phones"]  # type: ignore[assignment]
    events: list[tuple[int, int]] = answer["words"]  # type: ignore[assignment]
    samples = np.frombuffer(data, "<i2") / 32768.0
    loud = np.flatnonzero(np.abs(samples) > SILENCE * np.abs(samples).max(initial=0.0))
    if not any(symbol for _, symbol in phones) or loud.size == 0:
        raise SynthesisError("the sentence has nothing that can be spoken")
    margin = round(MARGIN * sample_rate)
    first = max(int(loud[0]) - margin, 0)
    last = min(int(loud[-1]) + margin, len(samples))
    seconds = (last - first) / sample_rate

    def time(sample: int) -> float:
        return min(max((sample - first) / sample_rate, 0.0), seconds)

    symbols = standard((symbol for _, symbol in phones), language)
    spoken = tuple((time(p[0]), symbol) for p, symbol in zip(phones, symbols, strict=True))
    spans = list(word_spans(text) if reading.words is None else reading.words)
    heard = [(time(sample), reading.origin(position, text)) for sample, position in events]
    return Utterance(
        samples=samples[first:last],
        sample_rate=sample_rate,
        phones=spoken,
        words=tuple(_words(text, spans, heard, spoken, seconds)),
    )


def _words(
    text: str,
    spans: list[tuple[int, int]],
    events: list[tuple[float, int]],
    phones: tuple[tuple[float, str], ...],
    seconds: float,
) -> Iterator[Word]:
    """Yield the words with their times.

    espeak-ng reports several times for one word ("1,234"), and one time for several words (a run of
    kana). Words between two reported places share the time in proportion to their length.
    """
    groups: list[tuple[float, int]] = []  # time, index of the first word
    for start, offset in events:
        index = next((k for k, (o, n) in enumerate(spans) if offset < o + n), None)
        if index is not None and (not groups or index > groups[-1][1]):
            groups.append((start, index))
    groups.append((seconds, len(spans)))
    if groups[0][1] > 0:
        groups[0] = (groups[0][0], 0)
    for (start, begin), (end, stop) in pairwise(groups):
        # A final pause belongs to no word.
        sounding = [k for k, (p, symbol) in enumerate(phones) if symbol and start <= p < end]
        if sounding and sounding[-1] + 1 < len(phones):
            end = min(end, phones[sounding[-1] + 1][0])
        lengths = np.cumsum([0] + [n for _, n in spans[begin:stop]])
        edges = start + (end - start) * lengths / lengths[-1]
        for (offset, length), (left, right) in zip(spans[begin:stop], pairwise(edges), strict=True):
            yield Word(text[offset : offset + length], float(left), float(right), offset, length)
