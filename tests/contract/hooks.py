"""Requests that schemathesis does not make up."""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.hook
def filter_case(context: schemathesis.HookContext, case: Any) -> bool:
    """Leave out empty options. The contract's schema has no null, and the service takes null or an
    empty text as an option that was not given."""
    body = case.body
    if not isinstance(body, dict) or context.operation is None:
        return True
    schemas = [each.definition.get("schema", {}) for each in context.operation.body]
    required = {name for schema in schemas for name in _resolved(context, schema)}
    return all(name in required or value not in (None, "") for name, value in body.items())


def _resolved(context: schemathesis.HookContext, schema: Any) -> list[str]:
    """Names of the fields that a body must have."""
    assert context.operation is not None
    while "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        schema = context.operation.schema.raw_schema["components"]["schemas"][name]
    required: list[str] = schema.get("required", [])
    return required
