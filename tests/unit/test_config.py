from __future__ import annotations

import stat
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from soundclone.config import Settings, SettingsError


def test_defaults_need_nothing(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    assert settings.database == f"sqlite:///{tmp_path}/soundclone.db"
    assert settings.storage == f"file://{tmp_path}/files"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgres_is_reached_by_psycopg(tmp_path: Path, scheme: str) -> None:
    settings = Settings(data_dir=tmp_path, database_url=f"{scheme}://me@host/db")
    assert settings.database == "postgresql+psycopg://me@host/db"


def test_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOUNDCLONE_PRICES", '{"sound-cloning-audio": 3.1}')
    prices = Settings().price_list
    assert prices["sound-cloning-audio"] == Decimal("3.1")
    assert prices["sound-cloning-clone"] == 10


@pytest.mark.parametrize(
    "prices", ['{"sound": 1}', "[1]", "1", "{", '{"sound-cloning-audio": "x"}']
)
def test_wrong_prices(monkeypatch: pytest.MonkeyPatch, prices: str) -> None:
    monkeypatch.setenv("SOUNDCLONE_PRICES", prices)
    with pytest.raises(ValidationError):
        Settings()


@pytest.mark.parametrize("name", ["requests_per_second", "stop_grace", "voice_days"])
def test_numbers_have_an_end(name: str) -> None:
    with pytest.raises(ValidationError, match="finite number"):
        Settings.model_validate({name: "inf"})


def test_a_worker_beats_before_it_is_held_for_lost() -> None:
    assert Settings(heartbeat=10, worker_lost_after=20).worker_lost_after == 20
    with pytest.raises(ValidationError, match="6 s; 20 s or more are needed, twice the heartbeat"):
        Settings(heartbeat=10)


def test_hosts_that_may_be_fetched_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOUNDCLONE_FETCH_ALLOW", "127.0.0.1, nas.local ,10.0.0.0/8,,::1")
    assert Settings().fetch_allow == ("127.0.0.1", "nas.local", "10.0.0.0/8", "::1")


@pytest.mark.parametrize("entry", ["10.0.0.0/33", "host:80", "http://host", "a b"])
def test_what_is_no_host(monkeypatch: pytest.MonkeyPatch, entry: str) -> None:
    monkeypatch.setenv("SOUNDCLONE_FETCH_ALLOW", entry)
    with pytest.raises(ValidationError, match=r"media\.example\.com"):
        Settings()


def test_the_secret_is_created_once_and_kept_private(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"secret\.key does not exist"):
        _ = Settings(data_dir=tmp_path).secret
    assert list(tmp_path.iterdir()) == []
    for _ in range(2):
        Settings(data_dir=tmp_path / "data").create_secret()
    first = Settings(data_dir=tmp_path / "data").secret
    assert len(first) == 64
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["secret.key"]
    assert stat.S_IMODE((tmp_path / "data" / "secret.key").stat().st_mode) == 0o600
    Settings(data_dir=tmp_path / "data").create_secret()
    assert Settings(data_dir=tmp_path / "data").secret == first


def test_a_secret_from_the_environment_needs_no_file(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, secret_key="given " * 6)
    settings.create_secret()
    assert settings.secret == b"given " * 6
    assert list(tmp_path.iterdir()) == []


def test_a_secret_that_is_too_short(tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        Settings(data_dir=tmp_path, secret_key="guess me")
    (tmp_path / "secret.key").write_bytes(b"")
    with pytest.raises(SettingsError, match="0 bytes; 32"):
        _ = Settings(data_dir=tmp_path).secret


def test_a_rotated_secret_stays_valid(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with pytest.raises(SettingsError, match="does not exist"):
        settings.rotate_secret()
    settings.create_secret()
    first = settings.secret
    files = [settings.rotate_secret()]
    second = settings.secret
    files.append(settings.rotate_secret())
    assert len({first, second, settings.secret}) == 3
    again = Settings(data_dir=tmp_path)
    assert again.secrets == again.signing_secrets == (settings.secret, second, first)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    assert again.former_secret_files == files[::-1]
    files[0].chmod(0o640)
    assert "mode 0640" in again.secret_warning
    files[0].write_bytes(b"")
    with pytest.raises(SettingsError, match="0 bytes; 32"):
        _ = Settings(data_dir=tmp_path).secrets


def test_former_secrets_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOUNDCLONE_FORMER_SECRET_KEYS", f"{'n' * 32},{'o' * 32}")
    settings = Settings(secret_key="s" * 32)
    assert settings.secrets == settings.signing_secrets == (b"s" * 32, b"n" * 32, b"o" * 32)
    with pytest.raises(SettingsError, match="SOUNDCLONE_SECRET_KEY sets the secret"):
        settings.rotate_secret()


def test_signing_keys_replace_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings(secret_key="s" * 32).signing_secrets == (b"s" * 32,)
    monkeypatch.setenv("SOUNDCLONE_SIGNING_KEYS", f"{'n' * 32}, {'o' * 32}")
    assert Settings(secret_key="s" * 32).signing_secrets == (b"n" * 32, b"o" * 32)
    monkeypatch.setenv("SOUNDCLONE_SIGNING_KEYS", f"{'n' * 32},short")
    with pytest.raises(ValidationError, match="key 2 has 5 bytes; 32 or more are needed"):
        Settings()


def test_every_setting_has_a_description() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
