"""Productions on a real service: a dialogue of three voices, and a dubbed minute."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import soxr

from soundclone.audio import book, speakers
from soundclone.audio.samples import Samples
from soundclone.text import subtitles
from soundclone_client import Client
from tests.service import Service

from .conftest import RECORDING
from .test_cli import Shell

pytestmark = pytest.mark.slow

RECORDINGS = Path(__file__).parents[1] / "recordings"
SPEAKERS = (RECORDINGS / "man.opus", RECORDINGS / "woman.opus", RECORDING)
LINES = (
    "Good evening, and welcome aboard. The ferry to the islands leaves in a quarter of an hour.",
    "Thank you very much. Could you tell me where I can leave my bicycle during the crossing?",
    "You may put it next to the lifeboats, but please tie it well, because the sea is rough today.",
)
COHORT = speakers.cohort("whole")
RATE = 16_000  # Hz, of the speaker embedding
FRAME = 160  # samples, 10 ms
LATE = 0.15  # seconds between a cue and its first sound
OVERRUN = 0.35  # seconds of speech after a cue, of which 0.3 s are the command's default
QUIET = 10 ** (-45 / 20)  # level below which nothing is heard


def heard(path: Path) -> Samples:
    """Samples at the rate of the speaker embedding."""
    samples = np.concatenate(list(book.read(path)))
    return np.asarray(soxr.resample(samples, book.sample_rate(path), RATE), np.float32)


def embedding(samples: Samples) -> Samples:
    """Embedding of the parts that are not silent."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    loud = np.sqrt((frames**2).mean(axis=1)) > QUIET
    return speakers.mean_embedding(frames[loud].ravel())


@pytest.mark.timeout(900)
def test_each_line_of_a_dialogue_has_its_own_voice(service: Service, tmp_path: Path) -> None:
    with Client(service.url, service.new_key(100)[1]) as client:
        voices = [
            client.clone(path, text="Hello.", language="English").model_id for path in SPEAKERS
        ]
        project = client.create_project("Dialogue", language="English")
        blocks = client.add_blocks(
            project.id,
            [
                {"text": line, "model_id": voices[(number + turn) % 3]}
                for turn in range(2)
                for number, line in enumerate(LINES)
            ],
        )
        for seed, block in enumerate(blocks):
            client.wait(client.record_block(project.id, block.id, seed=seed).task_id)
        render = client.render(project.id, format="wav", gap=0.5)
        client.download(render, tmp_path / "dialogue.wav")
        with urllib.request.urlopen(str(render.timeline_url), timeout=60) as response:
            timeline = json.loads(response.read())
    assert [row["block"] for row in timeline] == [block.id for block in blocks]
    samples = heard(tmp_path / "dialogue.wav")
    known = np.array([embedding(heard(path)) for path in SPEAKERS])
    lines = [samples[row["start"] * 16 : row["end"] * 16] for row in timeline]
    each = speakers.similarities(np.array(list(map(embedding, lines))), known, COHORT)
    print("similarity of each line to each recording:\n", each.round(2))
    # Two lines together, because a line alone is short.
    own = [voices.index(str(block.model_id)) for block in blocks]
    joined = [np.concatenate([lines[n] for n in range(6) if own[n] == v]) for v in range(3)]
    scores = speakers.similarities(np.array(list(map(embedding, joined))), known, COHORT)
    print("similarity of the lines of each voice to each recording:\n", scores.round(2))
    assert scores.argmax(axis=1).tolist() == [0, 1, 2], scores


@pytest.mark.timeout(900)
def test_a_dubbed_minute_begins_each_cue_at_its_time(service: Service, tmp_path: Path) -> None:
    key = service.new_key(100)[1]
    with Client(service.url, key) as client:
        voice = client.clone(RECORDING, text="Hello.", language="English").model_id
    times = [(number * 5.0 + 0.4, number * 5.0 + 4.8) for number in range(12)]
    cues = [
        subtitles.Cue(start, end, LINES[number % 3].partition(". ")[0], 0, 1)
        for number, (start, end) in enumerate(times)
    ]
    (tmp_path / "film.srt").write_text(subtitles.to_srt(cues), "utf-8")
    shell = Shell(service, key, tmp_path)
    arguments = ("-o", "film.wav", "--language", "English", "--length", "60", "--json")
    report = json.loads(shell.good("dub", "film.srt", "--voice", voice, *arguments))
    assert [row["missing"] for row in report["cues"]] == [0] * 12
    samples = heard(tmp_path / "film.wav")
    assert len(samples) == 60 * RATE
    levels = np.sqrt((samples.reshape(-1, FRAME) ** 2).mean(axis=1))
    loud = np.flatnonzero(levels > QUIET) * FRAME / RATE
    offsets = [float(loud[loud > start - 0.2][0]) - start for start, _ in times]
    ends = [float(loud[loud < start + 4.8][-1]) - end for start, end in times]
    print("seconds from each cue to its first sound:", np.round(offsets, 3))
    print("speeds:", [row["speed"] for row in report["cues"]])
    assert max(map(abs, offsets)) < LATE, offsets
    assert max(ends) < OVERRUN, ends
