"""The choice of an engine, by language and by what works, without silent fallbacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.service import API, Service, finish

pytestmark = pytest.mark.slow

CLONES = f"{API}/soundCloning/clones"
AUDIOS = f"{API}/soundCloning/audios"


def lines(path: str) -> list[str]:
    file = Path(path)
    return file.read_text().splitlines() if file.exists() else []


def test_languages_engines_and_models(
    tmp_path: Path, recording: str, test_engines: dict[str, str]
) -> None:
    """v1 is set to an engine of two languages with a model of each, v2 takes what is best."""
    environment = test_engines | {"SOUNDCLONE_ENGINE_V1": "narrow"}
    cloned = environment["SOUNDCLONE_TEST_CALLS"] + ".cloned"
    said = environment["SOUNDCLONE_TEST_CALLS"] + ".said"
    with Service(tmp_path, environment=environment) as service:
        account, key = service.new_key(100)
        _, body = service.get(f"{API}/languages", key)
        engines = {row["name"]: row["engines"] for row in body["data"]["list"]}
        assert engines["English"] == {"v1": "narrow", "v2": "narrow"}
        assert engines["Thai"] == {"v1": None, "v2": "builtin"}
        assert engines["Hebrew"] == {"v2": "builtin"}
        listed = service.command("languages", "--json")
        assert {row["name"]: row["engines"] for row in listed["languages"]} == engines
        assert engines["Danish"] == {"v2": "builtin"}
        assert listed["unusable"]["charity"] == (
            "its licence (CC-BY-NC-4.0) forbids commercial use; where yours is not, set "
            "SOUNDCLONE_ACCEPT_NONCOMMERCIAL=charity"
        )
        service.environment["SOUNDCLONE_ACCEPT_NONCOMMERCIAL"] = "charity"
        accepted = service.command("languages", "--json")
        del service.environment["SOUNDCLONE_ACCEPT_NONCOMMERCIAL"]
        assert {"v2": "charity"} in [row["engines"] for row in accepted["languages"]]

        # Refused before money moves, whether the language is named or found.
        thai = {"fileUrl": recording, "contentText": "Hello.", "language": "Thai"}
        _, refused = service.post(CLONES, thai, key)
        assert refused["code"] == 20002
        assert "no engine here speaks Thai in v1; spoken are: English, French" in refused["msg"]
        polish = {"fileUrl": recording, "contentText": "Zażółć gęślą jaźń, a potem chodź do domu."}
        _, refused = service.post(CLONES, polish, key)
        assert refused["code"] == 20002
        assert "no engine here speaks Polish" in refused["msg"]
        ledger = service.command("credit", "ledger", "--account", account, "--json")
        assert [entry["kind"] for entry in ledger["entries"]] == ["credit"]

        # A voice for each model, made when it is first needed, once.
        _, made = service.post(CLONES, {"fileUrl": recording, "contentText": "Hello you."}, key)
        preview = finish(service, made["data"]["id"], key)
        assert (preview["status"], preview["engine"]) == ("completed", "narrow"), preview
        assert lines(cloned) == ["English"]
        mixed = (
            "The weather was fine, and everybody went home in the evening. "
            "Il faisait très beau, et tout le monde est rentré à la maison le soir."
        )
        for _ in range(2):
            order = {"modelId": preview["modelId"], "contentText": mixed}
            _, made = service.post(AUDIOS, order, key)
            speech = finish(service, made["data"]["id"], key)
            assert speech["languages"] == ["English", "French"], speech
        assert lines(cloned) == ["English", "French"]
        assert {line.split()[0] for line in lines(said)} == {"English", "French"}
        _, listed = service.get(f"{API}/voices", key)
        assert listed["data"]["list"][0]["licence"] == "CC-BY-4.0"

        # Another version means another engine for what this one does not speak: made again from
        # the recording, and said so.
        order = {
            "modelId": preview["modelId"],
            "contentText": "Dzień dobry.",
            "language": "Polish",
            "soundVersion": "v2",
        }
        _, made = service.post(AUDIOS, order, key)
        speech = finish(service, made["data"]["id"], key)
        assert (speech["status"], speech["engine"]) == ("completed", "builtin"), speech


def test_a_voice_whose_engine_is_gone_is_not_spoken_by_another(
    tmp_path: Path, recording: str, test_engines: dict[str, str]
) -> None:
    environment = test_engines | {"SOUNDCLONE_ENGINE_V1": "auto", "SOUNDCLONE_TEST_BRITTLE": "1"}
    with Service(tmp_path, environment=environment) as service:
        account, key = service.new_key(100)
        _, made = service.post(CLONES, {"fileUrl": recording, "contentText": "Hello you."}, key)
        preview = finish(service, made["data"]["id"], key)
        assert preview["engine"] == "narrow", preview
        service.terminate()
        service.environment["SOUNDCLONE_TEST_NARROW"] = "its weights are gone"
        service.start()
        order = {"modelId": preview["modelId"], "contentText": "Hello again."}
        before = service.command("credit", "ledger", "--account", account, "--json")
        _, refused = service.post(AUDIOS, order, key)
        assert refused["code"] == -1
        assert "the voice's engine is 'narrow', which no worker has now" in refused["msg"]
        after = service.command("credit", "ledger", "--account", account, "--json")
        assert after["entries"] == before["entries"]
        # An available engine makes new voices, and the voices name the engine.
        _, made = service.post(CLONES, {"fileUrl": recording, "contentText": "Hello you."}, key)
        assert finish(service, made["data"]["id"], key)["engine"] == "builtin"
        checks = service.command("languages", "--json")
        assert checks["unusable"]["narrow"] == "its weights are gone"
