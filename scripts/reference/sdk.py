"""Reference page of the Python SDK, from its docstrings and annotations."""

from __future__ import annotations

import dataclasses
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator

from markdown import block, code, table

import soundclone_client as sdk

HEAD = """# Python SDK, in full

Every class and method of `soundclone_client`. [Python SDK](../sdk.md) is the overview.

`AsyncClient` has the methods of `Client` for asyncio. Await each of them, but iterate over `stream`
and `tasks` with `async for`, and use `converse` with `async with`. `AsyncConversation` has the
methods of `Conversation` for asyncio.
"""
SECTIONS = {
    "Args": "Parameters",
    "Attributes": "Attributes",
    "Returns": "Returns",
    "Yields": "Yields",
    "Raises": "Raises",
    "Example": "Example",
}
_HEADING = re.compile(rf"^({'|'.join(SECTIONS)}):\n", re.MULTILINE)
_ENTRY = re.compile(r"^(\w+): ", re.MULTILINE)
_FIELD = re.compile(r"^    (\w+): [^#\n]*?(?:  # (.*))?$", re.MULTILINE)


def page() -> str:
    classes = [getattr(sdk, name) for name in sdk.__all__ if inspect.isclass(getattr(sdk, name))]
    errors = [each for each in classes if issubclass(each, Exception)]
    data = [each for each in classes if dataclasses.is_dataclass(each)]
    return "\n".join(
        [
            HEAD,
            "## Client\n",
            block("text", f"Client{_signature(sdk.Client.__init__)}"),
            _prose(sdk.Client),
            *(_method(name, function) for name, function in _methods(sdk.Client)),
            "## Conversation\n",
            _prose(sdk.Conversation),
            *(
                _method(name, function, prefix="Conversation.")
                for name, function in _methods(sdk.Conversation)
            ),
            "## Results\n",
            *map(_fields, data),
            "## Errors\n",
            table(("Class", "Base class", "Meaning"), map(_error, _in_order(errors))),
        ]
    )


def _methods(kind: type) -> Iterator[tuple[str, Callable[..., object]]]:
    """Yield the public methods in the order of the source."""
    for name, function in vars(kind).items():
        if not name.startswith("_") and inspect.isfunction(function):
            yield name, function


def _method(name: str, function: Callable[..., object], *, prefix: str = "") -> str:
    shown = block("text", f"{name}{_signature(function)}")
    return f"### {prefix}{name}\n\n{shown}\n{_prose(function)}"


def _signature(function: Callable[..., object]) -> str:
    """Return the signature without `self`, with a line for each parameter if it is long."""
    signature = inspect.signature(function)
    parameters = [each for each in signature.parameters.values() if each.name != "self"]
    words = [str(each.replace(annotation=Annotation(each.annotation))) for each in parameters]
    for at, each in enumerate(parameters):
        if each.kind is each.KEYWORD_ONLY:
            words.insert(at, "*")
            break
    result = signature.return_annotation
    end = ")" if result in ("None", None) else f") -> {result}"
    line = f"({', '.join(words)}{end}"
    return line if len(line) < 80 else "(\n    " + ",\n    ".join(words) + f",\n{end}"


class Annotation(str):
    """Annotation that a signature shows as the source has it, without quotes."""

    def __repr__(self) -> str:
        return str(self)


def _prose(thing: object) -> str:
    """Return the docstring as Markdown: its sections become lists."""
    first, *rest = _HEADING.split(_doc(thing))
    parts = [first.strip() + "\n"]
    for name, body in zip(rest[::2], rest[1::2], strict=True):
        body = textwrap.dedent(body).strip()
        if name == "Example":
            parts.append(f"**Example**\n\n{block('python', body)}")
            continue
        _, *entries = _ENTRY.split(body)
        lines = [
            f"- `{entry}`: {' '.join(text.split())}"
            for entry, text in zip(entries[::2], entries[1::2], strict=True)
        ]
        parts.append(f"**{SECTIONS[name]}**\n\n" + ("\n".join(lines) or body) + "\n")
    return "\n".join(parts)


def _doc(thing: object) -> str:
    return inspect.getdoc(thing) or ""


def _fields(kind: type) -> str:
    """Return a table of the fields of a dataclass, with the comments beside them."""
    comments: dict[str, str] = {}
    types: dict[str, str] = {}
    for each in reversed(kind.__mro__[:-1]):
        comments |= {name: text or "" for name, text in _FIELD.findall(inspect.getsource(each))}
        types |= vars(each).get("__annotations__", {})
    rows = [(code(name), code(types[name]), comments.get(name, "")) for name in types]
    # A dataclass without a docstring gets its signature as one.
    doc = "" if _doc(kind).startswith(f"{kind.__name__}(") else _prose(kind)
    return f"### {kind.__name__}\n\n{doc}\n" + table(("Field", "Type", "Meaning"), rows)


def _error(kind: type) -> tuple[str, str, str]:
    own = vars(kind).get("__doc__") or ""
    text = " ".join(inspect.cleandoc(own).split())
    return code(kind.__name__), code(kind.__bases__[0].__name__), text


def _in_order(errors: list[type]) -> list[type]:
    """Return the errors with every class after its base class."""
    return sorted(errors, key=lambda kind: [each.__name__ for each in reversed(kind.__mro__)])
