"""Dubbing: speech at the times of cues, and what does not fit."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soundclone.audio import book
from soundclone.cli import main
from soundclone.text import subtitles
from soundclone.text.imports import Cue
from soundclone.text.imports.fitting import GAP, fit, rooms
from tests.production import MODEL, PACE, RATE, Studio

Run = Callable[..., str]


@pytest.fixture
def studio(monkeypatch: pytest.MonkeyPatch) -> Studio:
    studio = Studio()
    studio.install(monkeypatch)
    return studio


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str, code: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["soundclone", "dub", *arguments, "--voice", MODEL])
        with pytest.raises(SystemExit) as ended:
            main()
        output, error = capfd.readouterr()
        assert ended.value.code == code, error
        return output or error

    return command


def srt(*rows: tuple[float, float, str]) -> str:
    return subtitles.to_srt(subtitles.Cue(a, b, text, 0, len(text)) for a, b, text in rows)


def heard(path: str) -> list[tuple[float, float]]:
    """Return start and end of each part of a file that is not silent, in seconds."""
    samples = np.concatenate(list(book.read(Path(path))))
    loud = np.abs(samples) > 0.02
    # The zeros within a tone are no silence.
    edges = np.flatnonzero(np.diff(np.concatenate([[0], loud.astype(int), [0]])))
    found: list[tuple[float, float]] = []
    for start, end in edges.reshape(-1, 2) / RATE:
        if found and start - found[-1][1] < 0.02:
            found[-1] = found[-1][0], end
        else:
            found.append((start, end))
    return found


def test_cues_keep_their_times(studio: Studio, run: Run) -> None:
    long = "It is long. " * 90  # two sentences are one cue
    Path("film.srt").write_text(
        srt((1, 3, "Hello there, you."), (4, 5, "♪"), (6.5, 8.1, long.strip()), (9, 11, "End."))
    )
    report = json.loads(run("film.srt", "-o", "film.wav", "--length", "12", "--json"))
    found = heard("film.wav")
    assert [start for start, _ in found] == pytest.approx([1, 6.5, 9], abs=0.06)
    assert report["seconds"] == 12
    assert sum(map(len, book.read(Path("film.wav")))) == 12 * RATE
    first, second, third = report["cues"]
    assert (first["speed"], third["speed"]) == (1, 1)
    assert second["room"] == pytest.approx(1.9)
    assert second["speed"] == pytest.approx(second["spoken"] / second["room"], abs=0.01)
    assert 1 < second["speed"] < 1.4
    assert found[1][1] <= 8.1 + 0.3
    assert len(studio.charges) == 1  # one text, one fee
    assert not Path(".film.wav.parts").exists()


def test_what_does_not_fit_is_reported(studio: Studio, run: Run) -> None:
    words = "word " * 200  # 2 s
    assert PACE * len(words) == pytest.approx(2, abs=0.01)
    Path("film.srt").write_text(srt((0.5, 1, words.strip()), (1.2, 3, "Next.")))
    text = run("film.srt", "-o", "film.wav", "--report", "report.json", code=1)
    first, second = json.loads(Path("report.json").read_text())
    assert first["speed"] == 1.4
    assert first["missing"] == pytest.approx(first["spoken"] / 1.4 - (0.7 - GAP), abs=0.01)
    assert second["missing"] == 0
    assert "seconds too long" in text
    assert heard("film.wav")[-1][0] == pytest.approx(1.2, abs=0.06)
    assert max(end for _, end in heard("film.wav")[:-1]) <= 1.2 - GAP + 0.01
    # The next run with a shorter text pays for that text only.
    Path("film.srt").write_text(srt((0.5, 1, "Short."), (1.2, 3, "Next.")))
    run("film.srt", "-o", "film.wav")
    assert len(studio.charges) == 2


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("Only a text.", 1, "has no cues"),
        (srt((0, 1, "...")), 1, "has no text|has no cues"),
        (srt((20, 21, "Late.")), 1, "--length must be more"),
    ],
)
def test_refused(studio: Studio, run: Run, text: str, code: int, message: str) -> None:
    Path("film.srt").write_text(text)
    output = run("film.srt", "-o", "film.wav", "--length", "10", code=code)
    assert any(part in output for part in message.split("|"))
    assert not studio.charges


@given(
    st.lists(st.tuples(st.floats(0, 5), st.floats(0.1, 5), st.floats(0.1, 9)), min_size=1),
    st.floats(1, 2),
    st.floats(0, 2),
)
@settings(max_examples=200, deadline=None)
def test_fits(rows: list[tuple[float, float, float]], fastest: float, overrun: float) -> None:
    cues: list[Cue] = []
    at = 0.0
    for gap, length, _ in rows:
        cues.append(Cue(at + gap, at + gap + length, "x"))
        at += gap + length
    for cue, room, (_, _, seconds) in zip(cues, rooms(cues, at, overrun), rows, strict=True):
        found = fit(cue, room, seconds, fastest)
        assert found.start == cue.start
        assert 1 <= found.speed <= fastest
        assert seconds / found.speed <= room + found.missing + 0.006
        if found.missing:
            assert found.speed == fastest
        elif found.speed > 1:
            assert seconds / found.speed == pytest.approx(room, abs=0.006)
    for (cue, room), following in zip(
        zip(cues, rooms(cues, at, overrun), strict=True), cues[1:], strict=False
    ):
        assert cue.start + room <= max(following.start - GAP, cue.start + GAP) + 1e-9
