from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.service import Service


@pytest.fixture(scope="session", params=["contract", "real"])
def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """An API without a worker: with the contract's statuses, and with real ones."""
    environment = {"SOUNDCLONE_REAL_STATUS": "1"} if request.param == "real" else {}
    folder = tmp_path_factory.mktemp("service")
    with Service(folder, "--no-worker", environment=environment) as running:
        yield running


@pytest.fixture
def real(service: Service) -> bool:
    """Return True if the service answers with real statuses."""
    return "SOUNDCLONE_REAL_STATUS" in service.environment
