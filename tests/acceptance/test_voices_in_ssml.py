"""A document in which several voices speak, on a real service, also after kill -9."""

from __future__ import annotations

import json
import urllib.request
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from soundclone.audio import loudness, speakers
from soundclone_client import Client, ParameterError
from tests.service import Service, wait_until

from .test_durability import assert_charged_once
from .test_production import COHORT, LINES, RATE, SPEAKERS, embedding, heard

pytestmark = pytest.mark.slow

APART = 2.0  # LU at most between the voices of a text


def document(names: list[str]) -> str:
    """A dialogue whose first voice is the request's."""
    lines = "\n".join(
        f'<voice name="{name}">{line}</voice>' for name, line in zip(names, LINES[1:], strict=True)
    )
    return f"<speak xml:lang='en'>{LINES[0]}\n{lines}\n{lines}\n{LINES[0]}</speak>"


@pytest.mark.timeout(1500)
def test_each_part_of_a_document_has_its_own_voice(tmp_path: Path) -> None:
    with Service(tmp_path, "--no-worker") as service:
        account, key = service.new_key(100)
        worker = service.worker()
        service.wait_for("/readyz")
        with Client(service.url, key) as client:
            usual, *others = [
                client.clone(path, text="Hello.", language="English", name=path.stem).model_id
                for path in SPEAKERS
            ]
            names = [SPEAKERS[1].stem, others[1]]  # a name and an id
            task = client.speak(
                usual,
                document(names),
                text_format="ssml",
                format="wav",
                subtitles="sentence",
                wait=False,
            )
            wait_until(lambda: (client.task(task.id).progress or 0) >= 20)
            service.kill(worker)
            service.worker()
            speech = client.wait(task.id)
            client.download(speech, tmp_path / "dialogue.wav")
            with urllib.request.urlopen(str(speech.subtitle_json), timeout=60) as response:
                cues = json.loads(response.read())
            with pytest.raises(ParameterError, match="line 2, column 1: there is no voice 'X'"):
                client.speak(usual, document(["X", names[1]]), text_format="ssml")
        assert_charged_once(service, account, task.id, float(speech.cost or 0))
        assert service.command("credit", "show", "--account", account, "--json")["held"] == 0
    samples = heard(tmp_path / "dialogue.wav")
    order = [0, 1, 2, 1, 2, 0]
    texts = [LINES[each] for each in order]
    parts: list[list[np.ndarray]] = [[], [], []]
    at = 0
    for cue in cues:
        parts[order[at]].append(samples[cue["start"] * 16 : cue["end"] * 16])
        texts[at] = texts[at].removeprefix(cue["text"]).strip()
        at += not texts[at]
    assert at == len(order), texts
    joined = [np.concatenate(each) for each in parts]
    known = np.array([embedding(heard(path)) for path in SPEAKERS])
    scores = speakers.similarities(np.array(list(map(embedding, joined))), known, COHORT)
    print("similarity of the parts of each voice to each recording:\n", scores.round(2))
    # Two of the speakers are men with similar voices, so all parts count together.
    fits = {
        each: sum(scores[n, who] for n, who in enumerate(each)) for each in permutations(range(3))
    }
    assert max(fits, key=fits.__getitem__) == (0, 1, 2), scores
    levels = [loudness.loudness(each, RATE) for each in joined]
    print("loudness of the parts of each voice:", np.round(levels, 1))
    assert np.ptp(levels) < APART, levels
