"""The SDK and a project, on a service whose tasks a pretended worker completes."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from soundclone_client import Client, ParameterError, RateLimitError, TaskFailed
from tests import rows

from .site import served


def test_a_script_becomes_a_file(tmp_path: Path) -> None:
    with served(tmp_path / "data") as site:
        account = site.api.new_account()
        voice = rows.voice(account.id, expires_at=None)
        with site.api.database.transaction() as session:
            session.add(voice)
        with Client(site.url, account.key) as client:
            project = client.create_project("Moby Dick", model_id=voice.id, language="English")
            texts = ["Loomings", *(f"Sentence {number}." + "x" * 9_000 for number in range(30))]
            made = client.add_blocks(project.id, texts, if_version=project.version)
            assert [block.text for block in made] == texts  # in several requests
            for block in made[2:]:
                client.delete_block(project.id, block.id)
            pause = client.add_blocks(
                project.id, [{"kind": "pause", "seconds": 1.5}], after=made[0].id
            )[0]
            assert [block.id for block in client.blocks(project.id)] == [
                made[0].id,
                pause.id,
                made[1].id,
            ]
            changed = client.update_block(
                project.id, made[0].id, if_version=1, kind="chapter", speed=0.9
            )
            assert (changed.kind, changed.speed, changed.version) == ("chapter", 0.9, 2)
            with pytest.raises(ParameterError) as refused:
                client.update_block(project.id, made[0].id, if_version=1, text="x")
            assert refused.value.word == "precondition_failed"
            assert client.update_block(project.id, made[0].id, speed=None).speed is None
            with pytest.raises(ParameterError, match="2 blocks without a completed take"):
                client.render(project.id)
            left = client.project(project.id).unrecorded
            assert left is not None
            recorded = client.record_project(project.id)
            assert (len(recorded.takes), recorded.refused) == (2, ())
            assert sum(take.cost for take in recorded.takes) == pytest.approx(left.cost)
            other = client.record_block(project.id, made[0].id, seed=5, choose=False)
            client.wait(other.task_id)
            takes = client.takes(project.id, made[0].id)
            assert [(take.seed == 5, take.chosen) for take in takes] == [
                (True, False),
                (False, True),
            ]
            block = client.update_block(project.id, made[0].id, take_id=other.id)
            assert block.take is not None
            assert block.take.id == other.id
            client.delete_take(project.id, other.id)
            assert client.restore_block(project.id, made[2].id).text == texts[2]
            client.delete_block(project.id, made[2].id)
            twice = [client.add_blocks(project.id, ["x"], idempotency_key="k") for _ in range(2)]
            assert twice[0] == twice[1]
            client.delete_block(project.id, twice[0][0].id)
            render = client.render(project.id, format="wav", gap=0.2, loudness="podcast")
            assert (render.kind, render.cost, render.status) == ("render", 0, "completed")
            client.download(render, tmp_path / "book.wav")
            assert client.update_project(project.id, name="Other").name == "Other"
            assert [each.name for each in client.projects()] == ["Other"]
            again = [client.create_project("Emma", idempotency_key="k2").id for _ in range(2)]
            assert again[0] == again[1]
            client.delete_project(again[0])
            client.delete_project(project.id)
            assert list(client.projects()) == []


def test_more_blocks_than_a_key_may_have_tasks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("soundclone_client._wire.pause_before_retry", lambda *_: 0.0)
    with served(tmp_path / "data") as site:
        account = site.account()
        site.api.settings.active_tasks_per_key = 2
        with site.client(account) as client:
            voice = client.voices()[0].model_id
            project = client.create_project("Long", model_id=voice, language="English").id
            texts = [f"Sentence {number}." for number in range(60)]
            client.add_blocks(project, [*texts[:55], "Here we stumble.", *texts[55:], "  "])
            site.worker.paused.set()
            with pytest.raises(RateLimitError):  # after two takes
                client.record_project(project, wait=False)
            resumed = threading.Timer(2.0, site.worker.paused.clear)
            resumed.start()
            seen: list[tuple[int, int]] = []
            with pytest.raises(TaskFailed, match="stumble"):
                client.record_project(project, on_progress=lambda *now: seen.append(now))
            resumed.join()
            assert seen == [(number, 61) for number in range(1, 62)]
            states = [block.state for block in client.blocks(project)]
            assert states == ["ready"] * 55 + ["failed"] + ["ready"] * 5 + ["silent"]
            assert site.tasks(account) == 61
            again = client.record_project(project, check=False)
            (failed,) = again.takes
            assert (failed.status, failed.cost, again.refused) == ("failed", 0, ())
            assert failed.error is not None
            assert "stumble" in failed.error


def test_other_work_of_the_key_uses_its_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("soundclone_client._wire.pause_before_retry", lambda *_: 0.0)
    with served(tmp_path / "data") as site:
        site.api.settings.active_tasks_per_key = 1
        site.worker.paused.set()
        with site.client(site.account()) as client:
            voice = client.voices()[0].model_id
            client.speak(voice, "Something else.", wait=False)
            project = client.create_project("Long", model_id=voice, language="English").id
            client.add_blocks(project, ["One.", "Two."])
            with pytest.raises(RateLimitError):
                client.record_project(project)
