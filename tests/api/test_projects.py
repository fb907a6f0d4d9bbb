"""Projects through the API: scripts, takes and renders, without a worker."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import event, func, select

from soundclone.core import account_data, creations, files, removal, renders, takes, tasks
from soundclone.core.requests import TaskResult
from soundclone.db.models import Block, Creation, Project, Render, Take, Task, Transfer
from soundclone.errors import SynthesisError
from soundclone.storage import Storage
from tests import rows

from .conftest import Account, Api, serve

API = "/api/open-api/v1"
PROJECTS = f"{API}/projects"


@dataclass
class Script:
    """A project of a new account, with a voice."""

    api: Api
    credit: float = 100
    account: Account = field(init=False)
    model: str = field(init=False)
    path: str = field(init=False)

    def __post_init__(self) -> None:
        self.account = self.api.new_account(self.credit)
        self.model = self.voice()
        project = self.ok("POST", PROJECTS, {"name": "Book", "modelId": self.model})
        self.path = f"{PROJECTS}/{project['id']}"

    def voice(self, account: str = "") -> str:
        made = rows.voice(
            account or self.account.id, id=f"model_{time.time_ns():032x}", expires_at=None
        )
        with self.api.database.transaction() as session:
            session.add(made)
            return made.id

    def send(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        sent = [(name.replace("_", "-"), value) for name, value in headers.items()]
        response = self.api.send(method, path, body=body, key=self.account.key, headers=sent)
        return response.status_code, response.json() if response.content else None

    def ok(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        status, answer = self.send(method, path, body, **headers)
        assert status in (200, 204), answer
        return answer and answer["data"]

    def insert(self, *texts: str, **options: object) -> list[dict[str, Any]]:
        body = {"blocks": [{"text": text} for text in texts], **options}
        return list(self.ok("POST", f"{self.path}/blocks", body)["list"])

    def blocks(self) -> list[dict[str, Any]]:
        return list(self.ok("GET", f"{self.path}/blocks")["list"])

    def record(self, block: str, body: object = None, **headers: str) -> Any:
        return self.ok("POST", f"{self.path}/blocks/{block}/takes", body or {}, **headers)

    def complete(self, take: Any, seconds: float = 2.0) -> None:
        """Complete a take, as its worker does."""
        key = files.result(take["taskId"], "flac")
        Storage.of(self.api.settings).put(key, b"fLaC")
        with self.api.database.transaction() as session:
            tasks.start(session, take["taskId"])
            result = TaskResult(key, seconds, "builtin", times=key)
            assert tasks.complete(session, take["taskId"], result, keep=60, voice=None, size=4)

    def available(self) -> float:
        return float(self.ok("GET", f"{API}/user/balance")["available"])


@pytest.fixture
def script(real_api: Api) -> Script:
    return Script(real_api)


def texts(blocks: list[dict[str, Any]]) -> list[str]:
    return [block["text"] for block in blocks]


# Scripts


def test_a_script_keeps_the_order_of_its_blocks(script: Script) -> None:
    script.insert("b", "e")
    first, second = script.blocks()
    script.insert("c", "d", after=first["id"])
    script.insert("a", after="start")
    assert texts(script.blocks()) == ["a", "b", "c", "d", "e"]
    script.ok("PATCH", f"{script.path}/blocks/{second['id']}", {"after": "start"})
    assert texts(script.blocks()) == ["e", "a", "b", "c", "d"]
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        page = script.ok("GET", f"{script.path}/blocks?limit=2&cursor={cursor}")
        seen += texts(page["list"])
        cursor = page["nextCursor"]
    assert seen == ["e", "a", "b", "c", "d"]
    project = script.ok("GET", script.path)
    assert (project["blocks"], project["characters"]) == (5, 5)


def test_many_blocks_fit_at_one_place(script: Script) -> None:
    first = script.insert("first", "last")[0]["id"]
    expected: list[str] = []
    for number in range(24):  # halves the room between two blocks each time
        script.insert(str(number), after=first)
        expected.insert(0, str(number))
    assert texts(script.blocks()) == ["first", *expected, "last"]


def test_two_editors_do_not_overwrite_each_other(script: Script) -> None:
    response = script.api.send("GET", script.path, key=script.account.key)
    seen = response.headers["ETag"]
    assert seen == f'"{response.json()["data"]["version"]}"'
    body = {"blocks": [{"text": "a"}]}
    assert script.send("POST", f"{script.path}/blocks", body, If_Match=seen)[0] == 200
    status, answer = script.send("POST", f"{script.path}/blocks", body, If_Match=seen)
    assert (status, answer["data"]["errorCode"]) == (412, "precondition_failed")
    assert script.send("PATCH", script.path, {"name": "x"}, If_Match=seen)[0] == 412
    assert script.send("DELETE", script.path, If_Match=seen)[0] == 412
    assert script.send("PATCH", script.path, {"name": "x"}, If_Match="*")[0] == 200
    assert len(script.blocks()) == 1
    block = script.insert("b")[0]
    own = f"{script.path}/blocks/{block['id']}"
    tag = script.api.send("GET", own, key=script.account.key).headers["ETag"]
    script.insert("c")  # another block does not matter to an editor of this one
    response = script.api.send(
        "PATCH", own, body={"text": "B"}, key=script.account.key, headers=[("If-Match", tag)]
    )
    assert (response.status_code, response.headers["ETag"]) == (200, '"2"')
    assert script.send("PATCH", own, {"text": "C"}, If_Match=tag)[0] == 412
    assert script.send("DELETE", own, If_Match=f'"7", {tag}')[0] == 412
    assert script.send("DELETE", own, If_Match=f'{tag}, "2"')[0] == 204


def test_a_deleted_block_returns_to_its_place(script: Script) -> None:
    ids = [block["id"] for block in script.insert("a", "b", "c")]
    script.ok("DELETE", f"{script.path}/blocks/{ids[1]}")
    assert texts(script.blocks()) == ["a", "c"]
    script.insert("d", after=ids[0])
    assert script.send("GET", f"{script.path}/blocks/{ids[1]}")[0] == 404
    restored = f"{script.path}/blocks/{ids[1]}/restoration"
    assert script.ok("POST", restored)["text"] == "b"
    assert texts(script.blocks()) == ["a", "d", "b", "c"]
    assert script.send("POST", restored)[0] == 404
    assert script.ok("GET", script.path)["blocks"] == 4


def test_values_of_a_block_take_the_place_of_the_projects(script: Script) -> None:
    other = script.voice()
    body = {"blocks": [{"text": "a", "modelId": other, "speed": 1.5, "pitch": -2}]}
    block = script.ok("POST", f"{script.path}/blocks", body)["list"][0]
    assert (block["modelId"], block["speed"], block["emotion"]) == (other, 1.5, None)
    path = f"{script.path}/blocks/{block['id']}"
    changed = script.ok("PATCH", path, {"modelId": None, "speed": None, "emotion": "sad"})
    assert (changed["modelId"], changed["speed"]) == (None, None)
    assert (changed["pitch"], changed["emotion"]) == (-2, "sad")
    take = script.record(block["id"])
    with script.api.database.read() as session:
        task = session.get_one(Task, take["taskId"])
    params = task.params
    assert (task.voice_id, params["emotion"], params["pitch"]) == (script.model, "sad", -2)
    assert (params["format"], params["seed"]) == ("flac", take["seed"])


@pytest.mark.parametrize(
    ("block", "status", "said"),
    [
        ({"text": "x" * 10_001}, 422, "10,001 characters; at most 10,000"),
        ({"kind": "chapter", "text": "x" * 201}, 422, "201 characters; at most 200"),
        ({"text": "a\0b"}, 422, "a NUL character at character 2"),
        ({"text": "a\ud800"}, 422, "half of a surrogate pair"),
        ({"kind": "pause"}, 422, "a block of the kind pause has seconds"),
        ({"kind": "pause", "seconds": 1, "text": "a"}, 422, "a block of the kind pause has no"),
        ({"text": "a", "seconds": 1}, 422, "every other kind has a text and no seconds"),
        ({"kind": "pause", "seconds": 0}, 422, "blocks.0.seconds is 0; it must be a number from"),
        ({"text": "a", "speed": 9}, 422, "blocks.0.speed is 9; it must be a number from 0.5 to 2"),
        ({"text": "a", "emotion": "bored"}, 422, "blocks.0.emotion is 'bored'; it must be one of"),
        ({"text": "a", "kind": "song"}, 422, "blocks.0.kind is 'song'; it must be one of"),
        ({"text": "a", "language": "Klingon"}, 422, "Klingon"),
        ({"text": "a", "modelId": "model_x"}, 404, "there is no voice"),
        ({"text": "a", "textFormat": "ssml" * 9}, 422, "textFormat"),
    ],
)
def test_wrong_blocks_are_refused(
    script: Script, block: dict[str, object], status: int, said: str
) -> None:
    got, answer = script.send("POST", f"{script.path}/blocks", {"blocks": [block]})
    assert (got, said in answer["msg"]) == (status, True), answer
    assert script.blocks() == []


def test_another_account_sees_nothing(script: Script) -> None:
    block = script.insert("a")[0]["id"]
    take = script.record(block)
    other = script.api.new_account()
    model = script.voice(other.id)
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"name": "x"}),
        ("DELETE", "", None),
        ("GET", "/blocks", None),
        ("POST", "/blocks", {"blocks": [{"text": "a"}]}),
        ("GET", f"/blocks/{block}", None),
        ("PATCH", f"/blocks/{block}", {"text": "x"}),
        ("DELETE", f"/blocks/{block}", None),
        ("POST", f"/blocks/{block}/restoration", None),
        ("POST", f"/blocks/{block}/takes", {}),
        ("GET", f"/blocks/{block}/takes", None),
        ("POST", "/takes", {}),
        ("GET", f"/takes/{take['id']}", None),
        ("DELETE", f"/takes/{take['id']}", None),
        ("POST", "/renders", {}),
        ("GET", "/renders", None),
        ("GET", f"/renders/{take['taskId']}", None),
    ):
        response = script.api.send(method, script.path + path, body=body, key=other.key)
        assert response.status_code == 404, (method, path)
    assert script.send("PATCH", script.path, {"modelId": model})[0] == 404
    assert script.api.get(PROJECTS, other.key)[1]["data"]["list"] == []
    mine = script.ok("POST", PROJECTS, {"name": "Other"})["id"]
    assert script.send("GET", f"{PROJECTS}/{mine}/blocks/{block}")[0] == 404
    assert script.send("GET", f"{PROJECTS}/{mine}/takes/{take['id']}")[0] == 404


def test_projects_and_scripts_are_bounded(tmp_path: Any) -> None:
    bounds = {"projects_per_account": 2, "blocks_per_project": 3, "characters_per_project": 10}
    for api in serve(tmp_path, real_status=True, **bounds):
        script = Script(api)
        assert script.send("POST", PROJECTS, {"name": "2"})[0] == 200
        status, answer = script.send("POST", PROJECTS, {"name": "3"})
        assert (status, answer["data"]["errorCode"]) == (413, "too_large")
        ids = [block["id"] for block in script.insert("abc", "def")]
        body: dict[str, object] = {"blocks": [{"text": "a"}, {"text": "b"}]}
        assert script.send("POST", f"{script.path}/blocks", body)[0] == 413
        body = {"blocks": [{"text": "12345"}]}
        assert script.send("POST", f"{script.path}/blocks", body)[0] == 413
        grown = script.send("PATCH", f"{script.path}/blocks/{ids[0]}", {"text": "12345678"})
        assert grown[0] == 413
        script.ok("DELETE", f"{script.path}/blocks/{ids[0]}")
        script.insert("1234", "567")
        assert script.send("POST", f"{script.path}/blocks/{ids[0]}/restoration")[0] == 413
        script.ok("DELETE", script.path)
        assert script.send("POST", PROJECTS, {"name": "3"})[0] == 200


# Takes


def test_an_edited_block_alone_is_charged(script: Script) -> None:
    blocks = script.insert("Call me Ishmael.", "Some years ago.")
    before = script.available()
    recorded = script.ok("POST", f"{script.path}/takes", {})
    assert [each["blockId"] for each in recorded["list"]] == [each["id"] for each in blocks]
    assert (recorded["refused"], recorded["nextCursor"]) == ([], None)
    held = sum(each["cost"] for each in recorded["list"])
    assert script.available() == pytest.approx(before - held)
    assert script.ok("POST", f"{script.path}/takes", {})["list"] == []  # under way
    for take in recorded["list"]:
        script.complete(take)
    assert script.ok("GET", script.path)["unrecorded"] == {"blocks": 0, "characters": 0, "cost": 0}
    changed = script.ok("PATCH", f"{script.path}/blocks/{blocks[0]['id']}", {"text": "Call me Al."})
    assert (changed["state"], changed["take"]["stale"]) == ("stale", True)
    assert changed["take"]["text"] == "Call me Ishmael."
    left = script.ok("GET", script.path)["unrecorded"]
    assert (left["blocks"], left["characters"]) == (1, 11)
    middle = script.available()
    (take,) = script.ok("POST", f"{script.path}/takes", {})["list"]
    assert take["blockId"] == blocks[0]["id"]
    assert script.available() == pytest.approx(middle - left["cost"])
    script.complete(take)
    assert [each["state"] for each in script.blocks()] == ["ready", "ready"]
    # The former words return, and their take fits again.
    again = script.ok(
        "PATCH", f"{script.path}/blocks/{blocks[0]['id']}", {"text": "Call me Ishmael."}
    )
    assert (again["state"], again["takes"]) == ("ready", 2)
    assert again["take"]["text"] == "Call me Ishmael."


def test_takes_are_compared_and_chosen(script: Script) -> None:
    block = script.insert("a b c")[0]["id"]
    path = f"{script.path}/blocks/{block}"
    first = script.record(block, {"seed": 7})
    assert (first["seed"], first["status"], first["chosen"]) == (7, "queued", False)
    assert script.ok("GET", path)["state"] == "recording"
    script.complete(first)
    second = script.record(block, {"choose": False})
    script.complete(second)
    assert script.ok("GET", path)["take"]["id"] == first["id"]
    third = script.record(block)
    assert script.ok("GET", path)["take"]["id"] in (first["id"], second["id"])
    script.complete(third)
    assert script.ok("GET", path)["take"]["id"] == third["id"]
    chosen = script.ok("PATCH", path, {"takeId": second["id"]})
    assert (chosen["takeId"], chosen["take"]["id"]) == (second["id"], second["id"])
    listed = script.ok("GET", f"{path}/takes")["list"]
    assert [each["id"] for each in listed] == [third["id"], second["id"], first["id"]]
    assert [each["chosen"] for each in listed] == [False, True, False]
    assert script.send("PATCH", path, {"takeId": "take_0"})[0] == 404
    script.ok("DELETE", f"{script.path}/takes/{second['id']}")
    assert script.ok("GET", path)["take"]["id"] == third["id"]
    assert script.send("GET", f"{script.path}/takes/{second['id']}")[0] == 404
    assert script.api.send("GET", listed[1]["audioUrl"]).status_code == 404
    audio = script.api.send("GET", listed[0]["audioUrl"])
    assert (audio.status_code, audio.content) == (200, b"fLaC")


def test_a_failed_take_is_refunded_and_a_cancelled_one_is_free(script: Script) -> None:
    block = script.insert("a b c")[0]["id"]
    before = script.available()
    take = script.record(block)
    with script.api.database.transaction() as session:
        tasks.fail(session, take["taskId"], SynthesisError("it was not spoken"), keep=60)
    failed = script.ok("GET", f"{script.path}/takes/{take['id']}")
    assert (failed["status"], failed["errorCode"], failed["cost"]) == (
        "failed",
        "synthesis_failed",
        0,
    )
    assert script.ok("GET", f"{script.path}/blocks/{block}")["state"] == "failed"
    cancelled = script.record(block)
    script.ok("DELETE", f"{script.path}/takes/{cancelled['id']}")
    assert script.available() == before


def test_an_idempotency_key_makes_one_take(script: Script) -> None:
    block = script.insert("a b c")[0]["id"]
    first, again = (script.record(block, Idempotency_Key="k") for _ in range(2))
    assert (first["id"], first["seed"]) == (again["id"], again["seed"])
    script.ok("PATCH", f"{script.path}/blocks/{block}", {"text": "d"})
    status, answer = script.send(
        "POST", f"{script.path}/blocks/{block}/takes", {}, Idempotency_Key="k"
    )
    assert (status, answer["data"]["errorCode"]) == (409, "idempotency_conflict")


def test_an_idempotency_key_inserts_blocks_once(script: Script) -> None:
    body = {"blocks": [{"text": "a b c"}, {"text": "d e f"}]}
    path = f"{script.path}/blocks"
    headers = {"Idempotency_Key": "k", "If_Match": '"1"'}
    first = script.ok("POST", path, body, **headers)
    again = script.ok("POST", path, body, **headers)  # the version has changed since
    assert [row["id"] for row in first["list"]] == [row["id"] for row in again["list"]]
    assert texts(script.blocks()) == ["a b c", "d e f"]
    script.ok("DELETE", f"{path}/{first['list'][0]['id']}")
    assert texts(script.ok("POST", path, body, **headers)["list"]) == ["d e f"]
    status, answer = script.send("POST", path, {"blocks": [{"text": "g"}]}, **headers)
    assert (status, answer["data"]["errorCode"]) == (409, "idempotency_conflict")
    assert texts(script.blocks()) == ["d e f"]


def test_simultaneous_requests_with_one_key_insert_blocks_once(script: Script) -> None:
    def insert(_: int) -> Any:
        body = {"blocks": [{"text": "a b c"}]}
        return script.ok("POST", f"{script.path}/blocks", body, Idempotency_Key="k")

    with ThreadPoolExecutor(4) as pool:
        made = {answer["list"][0]["id"] for answer in pool.map(insert, range(8))}
    assert [row["id"] for row in script.blocks()] == list(made)


def test_an_idempotency_key_creates_one_project(script: Script) -> None:
    def create(_: int) -> Any:
        return script.ok("POST", PROJECTS, {"name": "Other"}, Idempotency_Key="k")

    with ThreadPoolExecutor(4) as pool:
        assert len({answer["id"] for answer in pool.map(create, range(8))}) == 1
    status, answer = script.send("POST", PROJECTS, {"name": "Third"}, Idempotency_Key="k")
    assert (status, answer["data"]["errorCode"]) == (409, "idempotency_conflict")


def test_idempotency_keys_of_blocks_are_forgotten_later(script: Script) -> None:
    body = {"blocks": [{"text": "a b c"}]}
    path = f"{script.path}/blocks"
    script.ok("POST", path, body, Idempotency_Key="k")
    with script.api.database.transaction() as session:
        creations.delete_old(session, time.time() + 1)
    script.ok("POST", path, body, Idempotency_Key="k")
    assert texts(script.blocks()) == ["a b c", "a b c"]


def test_what_cannot_be_recorded_is_refused(script: Script) -> None:
    body = {"blocks": [{"kind": "pause", "seconds": 1}, {"text": ""}, {"text": "a <#x#>"}]}
    pause, empty, broken = script.ok("POST", f"{script.path}/blocks", body)["list"]
    assert [pause["state"], empty["state"], broken["state"]] == ["silent", "silent", "unrecorded"]
    for block, status in ((pause, 409), (empty, 422), (broken, 422)):
        got, _ = script.send("POST", f"{script.path}/blocks/{block['id']}/takes", {})
        assert got == status
    recorded = script.ok("POST", f"{script.path}/takes", {})
    assert recorded["list"] == []
    assert [each["blockId"] for each in recorded["refused"]] == [broken["id"]]
    assert recorded["refused"][0]["errorCode"] == "invalid_parameter"
    script.ok("PATCH", script.path, {"modelId": None})
    script.insert("fine")
    refused = script.ok("POST", f"{script.path}/takes", {})["refused"]
    assert "has no voice; set modelId" in refused[1]["error"]


def test_a_long_script_is_recorded_in_several_requests(script: Script) -> None:
    script.insert(*(f"Sentence {number}." for number in range(60)))
    first = script.ok("POST", f"{script.path}/takes", {})
    assert len(first["list"]) == 50
    second = script.ok("POST", f"{script.path}/takes", {"cursor": first["nextCursor"]})
    assert (len(second["list"]), second["nextCursor"]) == (10, None)


def test_a_request_for_takes_costs_the_same_in_a_long_script(script: Script) -> None:
    for _ in range(12):
        script.insert(*(f"Sentence {number}." for number in range(100)))
    put = {"entries": [{"written": "Nobody", "spoken": "no body"}]}
    script.ok("PUT", f"{script.path}/pronunciations", put)
    statements: list[str] = []
    engine = script.api.database.engine

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    loaded: list[Block] = []

    def count(block: Block, _context: object) -> None:
        loaded.append(block)

    event.listen(engine, "before_cursor_execute", note)
    event.listen(Block, "load", count)
    cursor: str | None = None
    counts: list[tuple[int, int]] = []
    while len(counts) < 3:
        answer = script.ok("POST", f"{script.path}/takes", {"cursor": cursor} if cursor else {})
        assert len(answer["list"]) == 50
        cursor = answer["nextCursor"]
        counts.append((len(statements), len(loaded)))
        statements.clear()
        loaded.clear()
    event.remove(engine, "before_cursor_execute", note)
    event.remove(Block, "load", count)
    assert max(blocks for _, blocks in counts) <= 2 * 51
    # Besides the voice and the dictionaries, which are read for each block.
    assert max(executed for executed, _ in counts) <= 4 * 50 + 60


def test_a_block_that_is_full_of_takes_is_refused_alone(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(takes, "MOST_TAKES", 1)
    one, two = script.insert("One.", "Two.")
    script.complete(script.record(one["id"]))
    script.ok("PATCH", f"{script.path}/blocks/{one['id']}", {"text": "Another."})
    answer = script.ok("POST", f"{script.path}/takes", {})
    assert [take["blockId"] for take in answer["list"]] == [two["id"]]
    assert [(row["blockId"], row["errorCode"]) for row in answer["refused"]] == [
        (one["id"], "too_large")
    ]
    answer = script.ok("POST", f"{script.path}/takes", {})
    assert (answer["list"], len(answer["refused"])) == ([], 1)
    assert script.send("POST", f"{script.path}/blocks/{one['id']}/takes", {})[0] == 413


def test_takes_that_cannot_be_paid_are_refused(real_api: Api) -> None:
    script = Script(real_api, credit=0.05)
    script.insert(*"abcdef")
    recorded = script.ok("POST", f"{script.path}/takes", {})
    assert len(recorded["list"]) == 4  # at 0.0102 credits
    assert {each["errorCode"] for each in recorded["refused"]} == {"insufficient_balance"}
    status, answer = script.send("POST", f"{script.path}/takes", {})
    assert (status, answer["data"]["errorCode"]) == (402, "insufficient_balance")


def test_charges_of_takes_are_those_of_their_tasks(real_api: Api) -> None:
    """Any edits and recordings charge each recorded block once, and nothing else."""
    random = Random(17)
    script = Script(real_api)
    ids = [block["id"] for block in script.insert(*(f"Sentence {each}." for each in range(6)))]
    spoken: dict[str, str] = {}
    expected = 0.0
    for _ in range(5):
        edited = {each: f"Words {random.randrange(10**6)}." for each in random.sample(ids, 2)}
        for block, text in edited.items():
            script.ok("PATCH", f"{script.path}/blocks/{block}", {"text": text})
        left = script.ok("GET", script.path)["unrecorded"]
        made = script.ok("POST", f"{script.path}/takes", {})["list"]
        present = {block["id"]: block["text"] for block in script.blocks()}
        assert {each["blockId"] for each in made} == {
            block for block in ids if spoken.get(block) != present[block]
        }
        spoken = present
        assert sum(each["cost"] for each in made) == pytest.approx(left["cost"])
        expected += left["cost"]
        for take in made:
            script.complete(take)
    with script.api.database.read() as session:
        charged = session.scalar(
            select(func.sum(Transfer.amount)).where(
                Transfer.account_id == script.account.id, Transfer.kind == "capture"
            )
        )
        of_tasks = session.scalar(
            select(func.sum(Task.cost))
            .join(Take, Take.task_id == Task.id)
            .where(Take.account_id == script.account.id)
        )
    assert charged == of_tasks == round(expected * 1_000_000)


def test_two_requests_at_once_record_each_block_once(script: Script) -> None:
    ids = [block["id"] for block in script.insert(*(f"Sentence {each}." for each in range(20)))]
    with ThreadPoolExecutor(3) as threads:
        answers = list(
            threads.map(lambda _: script.ok("POST", f"{script.path}/takes", {}), range(3))
        )
    recorded = [take["blockId"] for answer in answers for take in answer["list"]]
    assert sorted(recorded) == sorted(ids)
    assert [each["takes"] for each in script.blocks()] == [1] * 20


# Renders


def test_a_render_needs_fresh_takes(script: Script) -> None:
    body = {
        "blocks": [
            {"kind": "chapter", "text": "Loomings"},
            {"text": "Call me Ishmael."},
            {"kind": "pause", "seconds": 1.5},
            {"text": " "},
            {"text": "Some years ago."},
        ]
    }
    blocks = script.ok("POST", f"{script.path}/blocks", body)["list"]
    spoken = [blocks[place]["id"] for place in (0, 1, 4)]
    renders_path = f"{script.path}/renders"
    status, answer = script.send("POST", renders_path, {})
    assert (status, answer["data"]["errorCode"]) == (409, "conflict")
    assert "3 blocks without a completed take; record them first" in answer["msg"]
    made = script.ok("POST", f"{script.path}/takes", {})["list"]
    for take in made:
        script.complete(take)
    script.ok("PATCH", f"{script.path}/blocks/{spoken[1]}", {"speed": 1.5})
    status, answer = script.send("POST", renders_path, {})
    assert (status, spoken[1] in answer["msg"]) == (409, True)
    before = script.available()
    render = script.ok("POST", renders_path, {"allowStale": True, "format": "wav", "gap": 0.5})
    assert (render["model"], render["status"], render["cost"]) == (
        "soundCloningRender",
        "queued",
        0,
    )
    assert script.available() == before
    with script.api.database.read() as session:
        plan = renders.plan_of(session, render["id"])
        row = session.get_one(Render, render["id"])
        assert session.get_one(Task, render["id"]).size > 44_100 * 2 * 8
    assert plan is not None
    assert [(each.block_id, each.seconds, each.title) for each in plan.pieces] == [
        (spoken[0], 0, "Loomings"),
        (spoken[1], 0, None),
        (blocks[2]["id"], 1.5, None),
        (spoken[2], 0, None),
    ]
    assert [each.task_id for each in plan.pieces if each.task_id] == [t["taskId"] for t in made]
    assert (plan.gap, row.voices) == (0.5, [script.model])
    again = script.ok("POST", renders_path, {"allowStale": True}, Idempotency_Key="r")
    assert (
        script.ok("POST", renders_path, {"allowStale": True}, Idempotency_Key="r")["id"]
        == (again["id"])
    )
    listed = script.ok("GET", renders_path)["list"]
    assert {each["id"] for each in listed} == {render["id"], again["id"]}
    assert script.ok("GET", f"{renders_path}/{render['id']}")["projectId"] in script.path
    assert script.ok("GET", f"{API}/audios?kind=render")["list"]
    assert script.send("POST", renders_path, {"allowStale": True}, If_Match='"1"')[0] == 412
    cancelled = script.ok("DELETE", f"{API}/audios/{render['id']}")
    assert (cancelled["status"], cancelled["errorCode"]) == ("failed", "cancelled")


def test_a_project_without_words_is_not_rendered(script: Script) -> None:
    script.ok("POST", f"{script.path}/blocks", {"blocks": [{"kind": "pause", "seconds": 1}]})
    status, answer = script.send("POST", f"{script.path}/renders", {})
    assert (status, "no block to speak" in answer["msg"]) == (409, True)


# Lifetime


def completed(script: Script) -> Any:
    """A script with a take and a render, both complete."""
    block = script.insert("a b c")[0]["id"]
    take = script.record(block)
    script.complete(take)
    render = script.ok("POST", f"{script.path}/renders", {})
    script.complete({"taskId": render["id"]})
    return take, render


def test_a_render_names_its_loudness(script: Script) -> None:
    completed(script)
    status, answer = script.send("POST", f"{script.path}/renders", {"loudness": "loud"})
    assert (status, answer["data"]["errorCode"]) == (422, "invalid_parameter")
    made = script.ok("POST", f"{script.path}/renders", {"loudness": "podcast"})
    with script.api.database.transaction() as session:
        assert session.get_one(Task, made["id"]).params["loudness"] == "podcast"


def test_a_take_is_kept_with_its_project_and_a_render_expires(script: Script) -> None:
    take, render = completed(script)
    with script.api.database.read() as session:
        assert session.get_one(Task, take["taskId"]).expires_at is None
        assert session.get_one(Task, render["id"]).expires_at is not None
    polled = script.ok("GET", f"{API}/audios/{take['taskId']}")
    assert ("expiresAt" in polled, polled["status"]) == (False, "completed")
    assert script.api.send("GET", polled["audioUrl"]).status_code == 200


def test_a_deleted_project_leaves_nothing(script: Script) -> None:
    take, _ = completed(script)
    running = script.record(script.insert("d")[0]["id"])
    url = script.ok("GET", f"{script.path}/takes/{take['id']}")["audioUrl"]
    before = script.available()
    script.ok("DELETE", script.path)
    assert script.available() == pytest.approx(before + running["cost"])
    assert script.api.send("GET", url).status_code == 404
    assert script.send("GET", script.path)[0] == 404
    assert script.send("GET", f"{API}/audios/{take['taskId']}")[0] == 404
    with script.api.database.read() as session:
        for table in (Project, Block, Take, Render, Creation):
            owned = select(func.count()).where(table.account_id == script.account.id)
            assert session.scalar(owned.select_from(table)) == 0
        ended = session.get_one(Task, running["taskId"])
        assert (ended.status, ended.error_word) == ("failed", "cancelled")


def test_a_withdrawn_consent_removes_takes_and_renders(script: Script) -> None:
    take, render = completed(script)
    with script.api.database.transaction() as session:
        gone = removal.withdraw(session, script.model, script.account.id)
    assert {take["taskId"], render["id"]} <= set(gone.tasks)
    assert script.blocks()[0]["take"] is None
    assert script.ok("GET", f"{script.path}/renders")["list"] == []
    assert script.send("POST", f"{script.path}/renders", {})[0] == 409
    with script.api.database.transaction() as session:
        tasks.purge(session, take["taskId"])
        tasks.purge(session, render["id"])
        assert takes.of_task(session, take["taskId"]) is None
        assert session.get(Render, render["id"]) is None


def test_the_sweep_finishes_what_a_request_began(script: Script) -> None:
    take, _ = completed(script)
    block = script.blocks()[0]["id"]
    script.ok("DELETE", f"{script.path}/blocks/{block}")
    with script.api.database.transaction() as session:
        assert block not in takes.deleted_blocks(session, time.time() - 60, 10**6)
        assert block in takes.deleted_blocks(session, time.time() + 60, 10**6)
        assert takes.clear_block(session, block) == [take["taskId"]]
        assert session.get(Block, block) is None
        expired = session.get_one(Task, take["taskId"]).expires_at
    assert expired is not None
    assert expired <= time.time()


def test_an_erased_account_has_no_project(script: Script) -> None:
    completed(script)
    script.ok("POST", PROJECTS, {"name": "Other"}, Idempotency_Key="k")
    with script.api.database.transaction() as session:
        running = account_data.close(session, script.account.id)
        account_data.erase(session, script.account.id, running)
        for table in (Project, Block, Take, Render):
            owned = select(func.count()).where(table.account_id == script.account.id)
            assert session.scalar(owned.select_from(table)) == 0


@pytest.mark.slow
def test_projects_on_postgres(tmp_path: Path, postgres_database: str) -> None:
    for api in serve(tmp_path, real_status=True, database_url=postgres_database):
        for test in (
            test_takes_are_compared_and_chosen,
            test_simultaneous_requests_with_one_key_insert_blocks_once,
            test_an_idempotency_key_creates_one_project,
            test_two_requests_at_once_record_each_block_once,
            test_a_take_is_kept_with_its_project_and_a_render_expires,
            test_a_deleted_project_leaves_nothing,
            test_a_withdrawn_consent_removes_takes_and_renders,
        ):
            test(Script(api))
