"""The page of the HTTP API, from its OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import examples
from examples import EXAMPLES, Answer
from markdown import block, code, table

HEAD = """# HTTP API

This page lists every operation of the service. [Use it with OpenAI's SDK](../openai.md) explains
the operations below `/v1`. A running service shows the same operations at `/docs`, where you can
try them. `/openapi.json` describes them for programs.

The examples build on each other, and were run on a new service when this page was built. They need
these variables:

{preamble}
`$URL`, `$TASK`, `$MODEL`, `$AUDIO`, `$CONSENT`, `$ACCOUNT` and `$KEY` hold values from earlier
answers. Lists are shortened to their first item.

**Envelopes.** On paths that begin with `/api/`, every answer is an envelope. `code` is 20000 for
success, 20001 for a bad key, 20002 for a bad request and -1 for any other error. `msg` is the
message, and `data.errorCode` is the [error code](errors.md). Fields without a value are left out.

**Optional fields.** In requests, `null` or an empty text for an optional field means that the
field was not given.

**Unknown paths.** Unknown paths and methods below `/api/open-api/v1` and `/api/openapi` return
status 200 with code 20002, unless `SOUNDCLONE_REAL_STATUS` is 1.

**OpenAI's paths.** Below `/v1`, an error is `{{"error": {{"message": …, "type": …, "param": …,
"code": …}}}}`, with a real status.
"""


def page(schema: Mapping[str, Any], answers: Mapping[str, Answer]) -> str:
    """`answers` are those of the examples, by operation."""
    groups: dict[str, list[str]] = {}
    shown: dict[str, str] = {}
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            text = _operation(schema, path, method, operation, answers, shown)
            groups.setdefault(operation.get("tags", ["Other"])[0], []).append(text)
    parts = [HEAD.format(preamble=block("sh", examples.PREAMBLE))]
    for name, texts in groups.items():
        parts += [f"## {name}\n", *texts]
    return "\n".join(parts)


def _operation(
    schema: Mapping[str, Any],
    path: str,
    method: str,
    operation: Mapping[str, Any],
    answers: Mapping[str, Answer],
    shown: dict[str, str],
) -> str:
    """Return the section of an operation.

    Args:
        schema: The OpenAPI document.
        path: Path of the operation.
        method: HTTP method.
        operation: The operation in the document.
        answers: Responses of the examples.
        shown: Operations described before, by the name of their response's schema.
    """
    name = operation["operationId"]
    parts = [
        f"### {operation.get('summary', name)} {{#{name}}}\n",
        f"`{method.upper()} {path}`\n",
        operation.get("description", "") + "\n",
    ]
    if parameters := operation.get("parameters"):
        rows = [
            (
                code(each["name"]),
                each["in"],
                kind(schema, each["schema"]),
                "yes" if each.get("required") else "",
                each.get("description", ""),
            )
            for each in parameters
        ]
        parts.append(table(("parameter", "in", "type", "needed", ""), rows))
    for media, body in operation.get("requestBody", {}).get("content", {}).items():
        parts.append(f"The body is `{media}`:\n")
        parts.append(
            table(("field", "type", "needed", "default", ""), fields(schema, body["schema"]))
        )
    example, answer = EXAMPLES.get(name), answers.get(name)
    if example:
        parts.append(block("sh", example.command))
    if answer:
        parts.append(block(answer.language, answer.text))
    for media, body in operation["responses"].get("200", {}).get("content", {}).items():
        model = body.get("schema", {})
        if first := shown.get(str(model)):
            parts.append(f"The answer has the fields of [that above](#{first}).\n")
        elif rows := list(fields(schema, model, answer=True)):
            shown[str(model)] = name
            parts.append(f"The answer is `{media}`:\n")
            parts.append(table(("field", "type", ""), [(row[0], row[1], row[4]) for row in rows]))
    return "\n".join(parts)


def fields(
    schema: Mapping[str, Any], of: Mapping[str, Any], prefix: str = "", answer: bool = False
) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield name, type, whether it is needed, default and description of every field.

    Inner fields follow the field that contains them. For an `answer`, leave out the fields of the
    envelope, which all answers share.
    """
    whole = _resolved(schema, of)
    for choice in whole.get("anyOf", ()):
        yield from fields(schema, choice, prefix, answer)
    if whole.get("type") == "array":
        yield from fields(schema, whole.get("items", {}), f"{prefix}[].", answer)
    for name, field in whole.get("properties", {}).items():
        inner = _resolved(schema, _given(field))
        dotted = f"{prefix}{name}"
        inside = inner.get("items", inner)
        if not (answer and dotted in ("code", "msg", "data")):
            default = field.get("default")
            yield (
                code(dotted),
                kind(schema, field),
                "yes" if name in whole.get("required", ()) else "",
                "" if default is None else code(_plain(default)),
                field.get("description") or inner.get("description", ""),
            )
        if "properties" in _resolved(schema, inside):
            below = f"{dotted}[]." if "items" in inner else f"{dotted}."
            yield from fields(schema, inside, below, answer)


def kind(schema: Mapping[str, Any], of: Mapping[str, Any]) -> str:
    """Describe the type and range of a field."""
    of = _resolved(schema, of)
    if choices := of.get("enum"):
        return ", ".join(code(_plain(each)) for each in choices)
    if "const" in of:
        return code(_plain(of["const"]))
    if several := of.get("anyOf"):
        return " or ".join(dict.fromkeys(kind(schema, each) for each in several))
    name = of.get("type", "any")
    name = " or ".join(name) if isinstance(name, list) else str(name)
    if name == "array":
        return f"list of {kind(schema, of.get('items', {}))}"
    if of.get("format") == "binary" or of.get("contentMediaType"):
        return "file"
    words = (("minimum", "from"), ("exclusiveMinimum", "above"), ("maximum", "to"))
    return " ".join([name, *(f"{word} {of[key]:g}" for key, word in words if key in of)])


def _resolved(schema: Mapping[str, Any], of: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" in of:
        found: Mapping[str, Any] = schema["components"]["schemas"][of["$ref"].rpartition("/")[2]]
        return found
    return of


def _given(field: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the type of a nullable field when it is not null."""
    types = [each for each in field.get("anyOf", ()) if each.get("type") != "null"]
    return types[0] if len(types) == 1 else field


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
