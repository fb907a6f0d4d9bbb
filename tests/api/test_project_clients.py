"""The SDK and a project, on a service whose tasks a pretended worker completes."""

from __future__ import annotations

from pathlib import Path

import pytest

from soundclone_client import Client, ParameterError
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
