"""Consent of the speaker: by the API, the SDK, the OpenAI-compatible paths and the command line."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import OpenAI

from soundclone_client import Client, Consent, ParameterError, TaskFailed
from tests import media_samples
from tests.acceptance.conftest import ENGINES, tone_service, write_two_people
from tests.service import API, Service, finish, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with tone_service(tmp_path_factory.mktemp("consent")) as running:
        yield running


@pytest.fixture(scope="module")
def key(service: Service) -> str:
    return service.new_key(1000)[1]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample and a consent of a man and a woman, and files that are no consent."""
    folder = tmp_path_factory.mktemp("clips")
    write_two_people(folder, "agrees", 27)
    (folder / "three-bytes.mp3").write_bytes(b"ID3")
    media_samples.write(folder / "tone.wav", "wav", media_samples.tone(8, 16_000), 16_000)
    return folder


def used(service: Service, key: str) -> float:
    spent: float = service.get(f"{API}/user/balance", key)[1]["data"]["used_coin"]
    return spent


def test_the_speaker_agrees(service: Service, key: str, clips: Path) -> None:
    with Client(service.url, key) as client:
        given = Consent(clips / "man-agrees.mp3", speaker="Ion Popescu")
        made = client.clone(clips / "man.wav", text="Hello.", consent=given)
        (voice,) = (each for each in client.voices() if each.model_id == made.model_id)
        assert voice.consent is not None
        assert voice.consent["speaker"] == "Ion Popescu"
        assert voice.consent["recording"] is None
        check = voice.consent["verified"]
        assert check["needed"] <= check["similarity"] <= 1
        assert check["speechSeconds"] > 3
        assert len(check["encoder"]) == 12
        # The voice and its recording are deleted together.
        files = service.folder / "data" / "files"
        assert (files / "voices" / made.model_id / "consent").exists()
        uploads = {path.name for path in (files / "uploads").rglob("*") if path.is_file()}
        assert {"man.wav", "man-agrees.mp3"} <= uploads
        client.delete_voice(made.model_id)
        assert not (files / "voices" / made.model_id).exists()
        uploads = {path.name for path in (files / "uploads").rglob("*") if path.is_file()}
        assert not {"man.wav", "man-agrees.mp3"} & uploads


@pytest.mark.parametrize(
    ("recording", "word", "reason"),
    [
        ("woman-agrees.mp3", "consent_mismatch", r"similarity is -?0\.\d\d, and at least 0\.\d\d"),
        ("three-bytes.mp3", "consent_unusable", "the consent recording cannot be used"),
        ("tone.wav", "consent_unusable", "0.0 s of speech; at least 2 s is needed"),
    ],
)
def test_somebody_else_or_nobody_agrees(
    service: Service, key: str, clips: Path, recording: str, word: str, reason: str
) -> None:
    before = used(service, key)
    with (
        Client(service.url, key) as client,
        pytest.raises(TaskFailed, match=reason) as failed,
    ):
        client.clone(clips / "man.wav", text="Hello.", consent=clips / recording)
    assert failed.value.word == word
    assert used(service, key) == before
    voices = service.folder / "data" / "files" / "voices"
    wait_until(lambda: not any(path.is_file() for path in voices.rglob("*")))


def test_a_consent_is_checked_for_openai_too(service: Service, key: str, clips: Path) -> None:
    with OpenAI(base_url=f"{service.url}/v1", api_key=key, max_retries=0) as client:

        def make(recording: str) -> Any:
            agreed = client.audio.voice_consents.create(
                name="A", language="ro", recording=clips / recording
            )
            return client.audio.voices.create(
                name="A", audio_sample=clips / "man.wav", consent=agreed.id
            )

        for recording, word in (
            ("three-bytes.mp3", "consent_unusable"),
            ("woman-agrees.mp3", "consent_mismatch"),
        ):
            with pytest.raises(openai.BadRequestError) as refused:
                make(recording)
            assert (refused.value.code, refused.value.param) == (word, "consent")
        voice = make("man-agrees.mp3")
        listed = service.get(f"{API}/voices", key)[1]["data"]["list"]
        (found,) = (each for each in listed if each["modelId"] == voice.id)
        assert found["consent"]["recording"] == voice.consent
        assert found["consent"]["verified"]["similarity"] > 0
        # A consent that was created separately may serve other voices, and stays.
        client.audio.voices.delete(voice.id)
        assert client.audio.voice_consents.retrieve(voice.consent).id == voice.consent


def clone(service: Service, key: str, url: str, consent: Any) -> tuple[int, Any]:
    body = {"fileUrl": url, "contentText": "Hello.", "consent": consent}
    return service.post(f"{API}/soundCloning/clones", body, key)


def test_what_a_consent_is(service: Service, key: str, clips: Path) -> None:
    with Client(service.url, key) as client:
        url = client.upload(clips / "man.wav").url
    for consent, reason in (
        ({"speaker": "Ion"}, "consent has neither a declaration nor a recording"),
        ({"declaration": "given"}, "consent.speaker has 0 characters; the speaker's name"),
        ({"declaration": "given", "speaker": "x" * 201}, "consent.speaker has 201 characters"),
        ({"declaration": "yes"}, "own"),
        ({"recording": "cons_" + "0" * 32}, "there is no consent 'cons_0"),
        ({"recording": "ftp://example.com/a.mp3"}, "consent.recording begins with 'ftp'"),
        ("own", "consent"),
    ):
        _, body = clone(service, key, url, consent)
        assert body["code"] == 20002, (consent, body)
        assert reason in body["msg"], (consent, body)
    for nothing in (None, {}, {"declaration": "", "recording": None}, ""):
        _, body = clone(service, key, url, nothing)
        assert body["code"] == 20000, (nothing, body)
    _, body = clone(service, key, url, {"declaration": "own"})
    made = finish(service, body["data"]["id"], key)
    listed = service.get(f"{API}/voices", key)[1]["data"]["list"]
    (found,) = (each for each in listed if each["modelId"] == made["modelId"])
    assert found["consent"]["statement"].startswith("It is my own voice")
    assert found["consent"]["verified"] is None


def test_a_service_may_require_consent(tmp_path: Path) -> None:
    source = "https://media.example.com/a.mp3"
    for policy, needed in (
        ("declared", "consent is missing"),
        ("recorded", "consent.recording"),
        ("verified", "consent.recording"),
        ("recording", "consent.recording"),  # the former name of "verified"
    ):
        folder = tmp_path / policy
        folder.mkdir()
        environment = {"SOUNDCLONE_CONSENT": policy}
        with (
            Service(folder, "--no-worker", environment=environment) as service,
            Client(service.url, service.new_key(100)[1]) as client,
        ):
            with pytest.raises(ParameterError, match=f"{needed}.* this service makes a voice only"):
                client.clone(source, wait=False)
            own = Consent(own_voice=True)
            if policy != "declared":
                with pytest.raises(ParameterError, match="a recording in which the speaker agrees"):
                    client.clone(source, consent=own, wait=False)
                own = Consent("https://media.example.com/agrees.mp3", own_voice=True)
            assert client.clone(source, consent=own, wait=False).status == "queued"


def test_a_policy_may_leave_the_comparison_to_people(tmp_path: Path, clips: Path) -> None:
    environment = {
        "PYTHONPATH": str(ENGINES),
        "SOUNDCLONE_ENGINE_V1": "tone",
        "SOUNDCLONE_CONSENT": "recorded",
    }
    with (
        Service(tmp_path, environment=environment) as service,
        Client(service.url, service.new_key(100)[1]) as client,
    ):
        agent = Consent(clips / "woman-agrees.mp3", speaker="Ion")
        made = client.clone(clips / "man.wav", text="Hello.", consent=agent)
        assert any("sound like two people" in warning for warning in made.warnings)
        (voice,) = client.voices()
        assert voice.consent is not None
        check = voice.consent["verified"]
        assert check["similarity"] < check["needed"]


def test_a_consent_that_is_withdrawn_or_ends_takes_everything_along(
    tmp_path: Path, clips: Path
) -> None:
    environment = {
        "PYTHONPATH": str(ENGINES),
        "SOUNDCLONE_ENGINE_V1": "tone",
        "SOUNDCLONE_SWEEP_INTERVAL": "1",
    }
    with (
        Service(tmp_path, environment=environment) as service,
        Client(service.url, (key := service.new_key(100)[1])) as client,
    ):
        files = tmp_path / "data" / "files"
        until = datetime.now(UTC) + timedelta(days=2)
        agreed = Consent(clips / "man-agrees.mp3", "Ion", purpose="A guide", until=until)
        made = client.clone(clips / "man.wav", text="Hello.", consent=agreed)
        (voice,) = client.voices()
        assert voice.consent is not None
        assert voice.consent["purpose"] == "A guide"
        assert voice.consent["expiresAt"] == int(until.timestamp())
        spoken = client.speak(made.model_id, "Hello.")
        assert client.voices()[0].expires_at == int(until.timestamp())
        assert (files / "results" / spoken.id).exists()
        done = client.withdraw_consent(made.model_id)
        assert (done.model_ids, done.results) == ((made.model_id,), 1)
        assert client.voices() == []
        for kept in (f"results/{spoken.id}", f"results/{made.id}", f"voices/{made.model_id}"):
            assert not (files / kept).exists()
        with pytest.raises(ParameterError, match=r"was deleted on .* the speaker's consent"):
            client.task(spoken.id)
        with pytest.raises(ParameterError, match="was deleted, because the speaker's consent"):
            client.speak(made.model_id, "Hello.")
        # The end of a consent does the same.
        soon = datetime.now(UTC) + timedelta(seconds=15)
        made = client.clone(clips / "man.wav", text="Hello.", consent=Consent(own_voice=True,
                            until=soon))  # fmt: skip
        spoken = client.speak(made.model_id, "Hello.")
        deadline = time.monotonic() + 60
        while (files / "results" / spoken.id).exists():
            assert time.monotonic() < deadline, "the result is still there"
            time.sleep(0.5)
        assert client.voices() == []
        # The command line withdraws too, and a consent that is over cannot be given.
        made = client.clone(clips / "man.wav", text="Hello.", name="Ion")
        run = subprocess.run(
            [service.python, "-m", "soundclone", "voices", "withdraw", "ion", "--json",
             "--url", service.url, "--key", key],
            env=service.environment, capture_output=True, text=True, check=True, timeout=120,
        )  # fmt: skip
        assert json.loads(run.stdout)["modelIds"] == [made.model_id]
        past = Consent(own_voice=True, until=datetime.now(UTC) - timedelta(days=1))
        with pytest.raises(ParameterError, match="the end must be in the future"):
            client.clone(clips / "man.wav", consent=past, wait=False)


def test_the_command_line_takes_a_consent(
    service: Service, key: str, clips: Path, tmp_path: Path
) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                *(service.python, "-m", "soundclone", "clone", str(clips / "woman.wav")),
                *("--url", service.url, "--key", key, "--text", "Hello.", "--quiet"),
                *("-o", str(tmp_path / "preview.mp3"), *arguments),
            ],
            env=service.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    agreed = run("--consent", str(clips / "woman-agrees.mp3"), "--speaker", "Ana Novak")
    assert agreed.returncode == 0, agreed.stderr
    listed = service.get(f"{API}/voices", key)[1]["data"]["list"]
    (found,) = (each for each in listed if each["modelId"] == agreed.stdout.strip())
    assert found["consent"]["speaker"] == "Ana Novak"
    assert found["consent"]["verified"] is not None
    other = run("--consent", str(clips / "man-agrees.mp3"))
    assert (other.returncode, "sound like two people" in other.stderr) == (1, True)
    assert "is neither a file" in run("--consent", "missing.mp3").stderr
    assert run("--own-voice", "--speaker", "Ana").returncode == 2
