"""Messages for requests that do not match their schema.

A message names the field, its value and what the field accepts. The last part comes from the
schema: the values of an enumeration, the range of a number, or else the first phrase of the
description.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from ..errors import InvalidParameter, RequestError

Schema = Mapping[str, Any]
_PARTS = ("body", "query", "header", "path")


@cache
def expectations_of(endpoint: Callable[..., Any]) -> Mapping[str, str]:
    """Return what each parameter and each body field of an endpoint accepts, by its name."""
    found: dict[str, str] = {}
    for name, hint in get_type_hints(endpoint, include_extras=True).items():
        if isinstance(hint, type) and issubclass(hint, BaseModel):
            found |= expectations_of_model(hint)
        elif get_origin(hint) is Annotated:
            field = next((each for each in get_args(hint) if isinstance(each, FieldInfo)), None)
            if field is not None and field.description:
                schema = TypeAdapter(hint).json_schema()
                found[field.alias or name] = expectation(
                    schema | {"description": field.description}
                )
    return found


@cache
def expectations_of_model(model: type[BaseModel]) -> Mapping[str, str]:
    """Return what each field of a request's body accepts.

    A nested field is named `outer.inner`, also where `outer` is a list.
    """
    schema = model.model_json_schema()
    return dict(_expectations(schema, schema.get("$defs", {})))


def _expectations(
    schema: Schema, definitions: Mapping[str, Schema], prefix: str = ""
) -> Iterator[tuple[str, str]]:
    for name, field in schema["properties"].items():
        yield prefix + name, expectation(field)
        kinds = field.get("anyOf", [field.get("items", field)])  # two, if it may be null
        references = (kind.get("$ref", "").rpartition("/")[2] for kind in kinds)
        nested = next((definitions[each] for each in references if each in definitions), None)
        if nested is not None:
            yield from _expectations(nested, definitions, f"{prefix}{name}.")


def expectation(schema: Schema) -> str:
    """Return what a field accepts: values, a range, or the first phrase of its description."""
    kinds = [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]
    kind = kinds[0] if len(kinds) == 1 else {}
    if "const" in kind:
        return _quoted(kind["const"])
    if "enum" in kind:
        values = [_quoted(each) for each in kind["enum"]]
        if len(values) == 2:
            return " or ".join(values)
        return "one of " + ", ".join(map(str, kind["enum"]))
    if kind.get("type") == "boolean":
        return "true or false"
    if bounds := _range(kind):
        return ("a whole number" if kind["type"] == "integer" else "a number") + bounds
    phrase = re.split(r"(?<!\")[.:;](?:\s|$)", schema["description"], maxsplit=1)[0]
    first = phrase.split(" ", 1)[0]
    return phrase if any(each.isupper() for each in first[1:]) else phrase[0].lower() + phrase[1:]


def _range(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}"
    above = schema.get("exclusiveMinimum")
    if above is not None and high is not None:
        return f" above {above:g} and up to {high:g}"
    return ""


def _quoted(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def rejection(errors: Sequence[Any], expectations: Mapping[str, str]) -> RequestError:
    """Return the error for the first of the validation errors that pydantic reports."""
    first = errors[0]
    where, kind = first["loc"], first["type"]
    if kind == "json_invalid":
        return RequestError(f"the body is not JSON: {first['ctx']['error']}")
    names = [str(part) for part in where if part not in _PARTS]
    if not names:
        return RequestError(
            "the body must be a JSON object, sent with Content-Type: application/json"
        )
    while names[-1].isdigit() and len(names) > 1:  # an item of a list, which the list describes
        names.pop()
    name = ".".join(names)
    takes = expectations.get(".".join(part for part in names if not part.isdigit()))
    if takes is None:
        name = names[0]
        takes = expectations.get(name)
    if kind == "missing":
        message = f"{name} is missing" + (f"; it is {takes}" if takes else "")
        return InvalidParameter(message, param=name)
    value = _shown(first.get("input"))
    if takes is None:
        return InvalidParameter(f"{name} is {value}: {first['msg']}", param=name)
    return InvalidParameter(f"{name} is {value}; it must be {takes}", param=name)


def _shown(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value) if isinstance(value, str | int | float) else f"a JSON {type(value).__name__}"
    return text if len(text) <= 60 else text[:57] + "…"
