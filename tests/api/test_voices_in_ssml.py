"""Speech requests whose SSML names several voices: what is stored, charged and refused."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from sqlalchemy import func, select

from soundclone.core import ledger
from soundclone.core.requests import SpeechRequest
from soundclone.db.models import Task, TaskVoice
from tests import rows

from .conftest import Account, Api

AUDIOS = "/api/open-api/v1/soundCloning/audios"
DIALOGUE = """<speak xml:lang="en">It was late.
<voice name="Anna">Who is there?</voice>
<voice name="{}">It is me.</voice></speak>"""


def voice(api: Api, account: str, name: str | None = None, **columns: Any) -> str:
    made = rows.voice(account, id=f"model_{uuid.uuid4().hex}", name=name, **columns)
    with api.database.transaction() as session:
        session.add(made)
        return made.id


def submitted(api: Api, owner: Account, model: str, document: str) -> tuple[int, Any]:
    body = {"modelId": model, "contentText": document, "textFormat": "ssml"}
    return api.post(AUDIOS, body, owner.key)


def test_a_dialogue(real_api: Api) -> None:
    owner = real_api.new_account()
    usual, anna = voice(real_api, owner.id), voice(real_api, owner.id, "Anna")
    bob = voice(real_api, owner.id)
    status, answer = submitted(real_api, owner, usual, DIALOGUE.format(bob))
    assert status == 200, answer
    with real_api.database.read() as session:
        task = session.get_one(Task, answer["data"]["id"])
        request = SpeechRequest.from_json(task.params)
        beside = session.scalars(select(TaskVoice.voice_id).where(TaskVoice.task_id == task.id))
        assert sorted(beside) == sorted([anna, bob])
        assert ledger.balance(session, owner.id).held == task.cost
    text = "It was late.\nWho is there?\nIt is me.\n"
    assert (request.text, task.voice_id) == (text.replace(".\nW", ". \nW"), usual)
    said = {request.text[turn.start :].split("\n")[0]: turn.voice_id for turn in request.turns}
    assert said == {"Who is there?": anna, "It is me.": bob}
    # The markup is not charged: a text with one voice costs the same.
    plain = {"modelId": usual, "contentText": request.text, "language": "English"}
    _, alone = real_api.post(AUDIOS, plain, owner.key)
    assert alone["data"]["cost"] == answer["data"]["cost"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Nobody", "SSML, line 3, column 1: there is no voice 'Nobody'"),
        ("Foreign", "SSML, line 3, column 1: there is no voice 'Foreign'"),
        ("Expired", "SSML, line 3, column 1: there is no voice 'Expired'"),
        ("Twin", "SSML, line 3, column 1: 2 voices are named 'Twin'"),
        ("Tone", "SSML, line 3, column 1: voice 'Tone' is spoken by 'tone'"),
        ("model_" + "f" * 32, "line 3, column 1: there is no voice 'model_ffff"),
    ],
)
def test_a_wrong_voice_costs_nothing(real_api: Api, name: str, said: str) -> None:
    owner, other = real_api.new_account(), real_api.new_account()
    usual = voice(real_api, owner.id, "Anna")
    for each in ("Twin", "Twin"):
        voice(real_api, owner.id, each)
    voice(real_api, other.id, "Foreign")
    voice(real_api, owner.id, "Expired", expires_at=1.0)
    voice(real_api, owner.id, "Tone", engine="tone")
    status, answer = submitted(real_api, owner, usual, DIALOGUE.format(name))
    assert (status, answer["data"]["errorCode"]) == (422, "invalid_parameter"), answer
    assert said in answer["msg"]
    with real_api.database.read() as session:
        balance = ledger.balance(session, owner.id)
        tasks = session.scalar(select(func.count()).where(Task.account_id == owner.id))
    assert (balance.held, balance.used, tasks) == (0, 0, 0)


def test_a_block_of_a_project_has_one_voice(real_api: Api) -> None:
    owner = real_api.new_account()
    projects = "/api/open-api/v1/projects"
    anna = voice(real_api, owner.id, "Anna")
    made = real_api.post(projects, {"name": "a", "modelId": anna}, owner.key)[1]["data"]["id"]
    blocks = f"{projects}/{made}/blocks"
    block = {"text": DIALOGUE.format("Anna"), "textFormat": "ssml"}
    draft = real_api.post(blocks, {"blocks": [block]}, owner.key)[1]["data"]["list"][0]["id"]
    status, answer = real_api.post(f"{blocks}/{draft}/takes", {}, owner.key)
    assert status == 422, answer
    assert "SSML, line 2, column 1: <voice> is not supported here: a block has" in answer["msg"]
