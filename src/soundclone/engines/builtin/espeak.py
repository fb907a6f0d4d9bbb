"""The child process that runs espeak-ng.

espeak-ng has global state, is licensed under the GPL, and parses hostile text in C. It therefore
runs in a separate process, `python -P espeak.py`. `frontend` holds the other end of the pipes. This
module imports nothing of soundclone, so that the process stays small.

A message is its length (4 bytes, big-endian) and that many bytes. A request is a message of JSON:

    voice    name of the voice
    rate     words a minute
    pitch    0-99
    range    0-99
    pieces   [text, voice] of each part of the text; the voice turns the text into phonemes, or is
             "phonemes" if the text is phonemes, or "" if the text is for the voice of the request

The answer is a message of JSON and a message of 16-bit little-endian samples. The JSON has `error`
or `sample_rate`, `phones` as [sample, IPA], and `words` as [sample, offset]. Offsets are in code
points from the start of the joined texts of the pieces.

The samples of espeak-ng also depend on its earlier speech (phases of the flutter, random numbers).
A fork of the newly started process answers each request, so that the same request always gives the
same samples.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import struct
import sys
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

MAX_MESSAGE = 256 * 1024 * 1024  # bytes; an hour of speech at 22,050 Hz is 159 MB

# speak_lib.h of espeak-ng 1.52
_AUDIO_OUTPUT_SYNCHRONOUS = 2
_INITIALIZE = 0x0001 | 0x0002 | 0x8000  # phoneme events, in IPA, return instead of exit
_EVENT_END, _EVENT_WORD, _EVENT_PHONEME = 0, 1, 7
_PARAMETER_RATE, _PARAMETER_PITCH, _PARAMETER_RANGE = 1, 3, 4
_POSITION_CHARACTER = 1
# Phonemes are in [[brackets]], which are removed from texts. SSML (0x10) is off.
_FLAGS = 0x0001 | 0x0100  # UTF-8
# espeak-ng splits a clause that fills its buffer of 800 bytes, even inside phonemes, and crashes on
# a word of 200 phonemes.
_CLAUSE = 700
_PART = re.compile(r".{1,120}(?:[ |]|$)|.{1,120}")
_PUNCTUATION = re.compile(r"[,;:.!?]\s|[、。，；：！？…]")
_SWITCH = re.compile(r"\(([a-z-]+)\)")  # change to the voice of another language, in phonemes


class _Id(ctypes.Union):
    _fields_ = [
        ("number", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("string", ctypes.c_char * 8),
    ]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    ]


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class Espeak:
    """The library espeak-ng, used once per process."""

    def __init__(self) -> None:
        import espeakng_loader

        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = Path(espeakng_loader.get_data_path())
        # espeak-ng truncates the path of its data to 160 bytes. A relative path always fits.
        os.chdir(data.parent)
        self.sample_rate: int = self._library.espeak_Initialize(
            _AUDIO_OUTPUT_SYNCHRONOUS, 0, data.name.encode(), _INITIALIZE
        )
        if self.sample_rate <= 0:
            raise RuntimeError("espeak-ng does not find its data")
        self._callback = _Callback(self._receive)  # kept, because the library has no reference
        self._library.espeak_SetSynthCallback(self._callback)
        self._library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._library.espeak_ng_SetRandSeed(ctypes.c_long(1))  # the default is the time of day
        self._samples = bytearray()
        self._phones: list[tuple[int, str]] = []
        self._words: list[tuple[int, int]] = []

    def _receive(self, samples: Any, count: int, events: Any) -> int:
        if count > 0 and samples:
            self._samples += ctypes.string_at(samples, 2 * count)
        index = 0
        while (event := events[index]).type != _EVENT_END:
            if event.type == _EVENT_PHONEME:
                # Eight bytes without a terminator may end within a character.
                symbol = event.id.string.decode("utf-8", "ignore")
                self._phones.append((event.sample, symbol))
            elif event.type == _EVENT_WORD:
                self._words.append((event.sample, event.text_position - 1))
            index += 1
        return 0

    def speak(
        self, voice: str, rate: int, pitch: int, range_: int, pieces: list[tuple[str, str]]
    ) -> dict[str, Any]:
        """Speak the pieces of a text, once per process. `samples` of the answer are bytes."""
        spoken = _Input(voice.partition("+")[0])
        for text, other in pieces:
            if not other:
                spoken.add_text(text)
            elif other == "phonemes":
                spoken.add_phonemes(text, len(text))
            elif self._library.espeak_SetVoiceByName(other.encode()) != 0:
                return {"error": f"espeak-ng has no voice {other!r}"}
            else:
                spoken.add_phonemes(" ".join(self._phonemes(text)), len(text), other)
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            return {"error": f"espeak-ng has no voice {voice!r}"}
        for parameter, value in (
            (_PARAMETER_RATE, rate),
            (_PARAMETER_PITCH, pitch),
            (_PARAMETER_RANGE, range_),
        ):
            self._library.espeak_SetParameter(parameter, value, 0)
        data = spoken.text.encode()
        status = self._library.espeak_Synth(
            data, len(data) + 1, 0, _POSITION_CHARACTER, 0, _FLAGS, None, None
        )
        if status != 0:
            return {"error": f"espeak-ng ended with status {status}"}
        return {
            "sample_rate": self.sample_rate,
            "phones": self._phones,
            "words": [(sample, spoken.origin(position)) for sample, position in self._words],
            "samples": bytes(self._samples),
        }

    def _phonemes(self, text: str) -> Iterator[str]:
        """Yield a text as phoneme mnemonics of the current voice, clause by clause."""
        data = ctypes.create_string_buffer(text.encode())
        pointer = ctypes.c_void_p(ctypes.addressof(data))
        while pointer.value:
            yield self._library.espeak_TextToPhonemes(
                ctypes.byref(pointer), _FLAGS & 0x0001, 0
            ).decode()


class _Input:
    """The input of espeak-ng, and the origin of each part of it in the pieces."""

    def __init__(self, language: str) -> None:
        self.text = ""
        self._language = language
        self._clause = 0  # bytes since the last punctuation
        self._starts: list[int] = []  # of parts of `text`
        self._origins: list[tuple[int, bool]] = []  # offset in the pieces, and if it is literal
        self._length = 0

    def add_text(self, text: str) -> None:
        """Append text."""
        self._mark(True)
        self._add(text.replace("[[", "[ "))
        self._length += len(text)

    def add_phonemes(self, phonemes: str, length: int, voice: str = "") -> None:
        """Append phonemes for `length` characters. `voice` is given if they are in its table."""
        phonemes = _SWITCH.sub(r" _^_\1 ", phonemes)
        if voice and not voice.startswith(self._language):
            phonemes = f"_^_{voice} {phonemes} _^_{self._language}"
        for part in _PART.findall(phonemes):
            if self._clause + len(part) > _CLAUSE:
                self._add(", ")
            self._add(" ")
            self._mark(False)
            self._add(f"[[{part}]] ")
        self._length += length

    def _add(self, text: str) -> None:
        self.text += text
        clause = _PUNCTUATION.split(text)[-1]
        self._clause = len(clause.encode()) + (self._clause if clause == text else 0)

    def _mark(self, exact: bool) -> None:
        self._starts.append(len(self.text))
        self._origins.append((self._length, exact))

    def origin(self, position: int) -> int:
        """Return the offset in the pieces of a position in `text`."""
        at = max(bisect_right(self._starts, position) - 1, 0)
        origin, exact = self._origins[at]
        return origin + exact * max(position - self._starts[at], 0)


def read_message(stream: IO[bytes]) -> bytes | None:
    """Return the next message; None at the end of the stream or if it is broken."""
    head = stream.read(4)
    if len(head) < 4:
        return None
    (size,) = struct.unpack(">I", head)
    if size > MAX_MESSAGE:
        return None
    data = stream.read(size)
    return data if len(data) == size else None


def write_message(stream: IO[bytes], data: bytes) -> None:
    """Write a message and flush."""
    stream.write(struct.pack(">I", len(data)) + data)
    stream.flush()


def main() -> None:
    """Answer requests until the parent closes its pipe, or until a request is fatal."""
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # output of the library must not mix with the answers
    espeak = Espeak()
    while (request := read_message(requests)) is not None:
        child = os.fork()
        if child == 0:
            _answer(espeak, json.loads(request), answers)
            os._exit(0)
        if os.waitpid(child, 0)[1] != 0:
            sys.exit(1)


def _answer(espeak: Espeak, wanted: dict[str, Any], answers: IO[bytes]) -> None:
    answer = espeak.speak(
        wanted["voice"], wanted["rate"], wanted["pitch"], wanted["range"], wanted["pieces"]
    )
    samples = answer.pop("samples", b"")
    write_message(answers, json.dumps(answer).encode())
    write_message(answers, samples)


if __name__ == "__main__":
    main()
