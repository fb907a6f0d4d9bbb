"""The served OpenAPI document contains the contract's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from soundclone.api.app import create_app
from soundclone.config import Settings

SEED = yaml.safe_load((Path(__file__).parent / "seed.yaml").read_text())
WORDS = {"description", "summary", "example", "examples", "operationId"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return create_app(Settings(data_dir=tmp_path_factory.mktemp("data"))).openapi()


def missing(wanted: Any, found: Any, where: str = "") -> list[str]:
    """List the fields of `wanted` that `found` lacks, without texts for people."""
    if isinstance(wanted, dict):
        if not isinstance(found, dict):
            return [f"{where} is {found!r}"]
        return [
            line
            for name, value in wanted.items()
            if name not in WORDS or not isinstance(value, str | dict)
            for line in (
                missing(value, found[name], f"{where}/{name}")
                if name in found
                else [f"{where}/{name} is absent"]
            )
        ]
    if isinstance(wanted, list):
        if not isinstance(found, list):
            return [f"{where} is {found!r}"]
        return [f"{where} lacks {value!r}" for value in wanted if value not in found]
    return [] if wanted == found else [f"{where} is {found!r}, not {wanted!r}"]


def test_it_is_openapi_3_1(served: dict[str, Any]) -> None:
    assert served["openapi"].startswith("3.1.")


@pytest.mark.parametrize("name", sorted(SEED["components"]["schemas"]))
def test_schemas(served: dict[str, Any], name: str) -> None:
    assert not missing(SEED["components"]["schemas"][name], served["components"]["schemas"][name])


def test_enumerations_and_nulls_are_the_contract_s(served: dict[str, Any]) -> None:
    """Containment lets lists be longer; these must not be."""
    for name, schema in SEED["components"]["schemas"].items():
        for field, wanted in schema["properties"].items():
            found = served["components"]["schemas"][name]["properties"][field]
            for key in ("enum", "type", "default"):
                assert wanted.get(key) == found.get(key), (name, field, key)


def test_paths(served: dict[str, Any]) -> None:
    for path, operations in SEED["paths"].items():
        for method, operation in operations.items():
            found = served["paths"][path][method]
            assert found["operationId"] == operation["operationId"]
            assert not missing(operation["requestBody"], found["requestBody"], path)
            assert not missing(
                operation["responses"]["200"]["content"]["application/json"]["schema"],
                found["responses"]["200"]["content"]["application/json"]["schema"],
                path,
            )


def test_security(served: dict[str, Any]) -> None:
    assert not missing(
        SEED["components"]["securitySchemes"], served["components"]["securitySchemes"]
    )
    operation = served["paths"]["/api/open-api/v1/soundCloning/clones"]["post"]
    assert operation["security"] == [{"bearerAuth": []}]
    assert "security" not in served["paths"]["/api/openapi/model/catalog"]["get"]


def test_every_schema_and_field_has_a_description(served: dict[str, Any]) -> None:
    for name, schema in served["components"]["schemas"].items():
        assert schema.get("description"), f"{name} has no description"
        for field, found in schema.get("properties", {}).items():
            assert found.get("description"), f"{name}.{field} has no description"


def test_every_operation_is_described(served: dict[str, Any]) -> None:
    for path, operations in served["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert operation.get("summary"), f"{where} has no summary"
            assert operation.get("description"), f"{where} has no description"
            for parameter in operation.get("parameters", []):
                assert parameter.get("description"), f"{where}: {parameter['name']}"
            assert all(each["description"] for each in operation["responses"].values()), where
            if path.startswith(("/api/", "/files/", "/v1/")):
                assert "`" in operation["responses"]["default"]["description"], where


def test_missing_notices() -> None:
    assert missing({"type": "string"}, {"type": "integer"}) == ["/type is 'integer', not 'string'"]
    assert missing({"required": ["a"]}, {"required": ["b"]}) == ["/required lacks 'a'"]
    assert missing({"a": {"b": 1}}, {"a": {}}) == ["/a/b is absent"]
