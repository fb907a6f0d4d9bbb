"""The page of the settings, from their class and its comments."""

from __future__ import annotations

import ast
import inspect
import re
from dataclasses import dataclass

from markdown import code, table

from soundclone import config

HEAD = """# Settings

Environment variables, read when a process starts. An invalid value stops the process with a message
that names the setting. All processes of a service need the same values. The first list has the two
variables that clients read.
"""
CLIENT = (
    (
        "`SOUNDCLONE_API_KEY`",
        "",
        "the key that `soundclone clone`, `speak` and the Python client use",
    ),
    ("`SOUNDCLONE_BASE_URL`", "`http://127.0.0.1:8000`", "the service that they use"),
)
FACTORIES = {"default_data_dir": "~/.local/share/soundclone"}


@dataclass(frozen=True)
class Setting:
    name: str  # of the variable
    section: str
    default: str
    told: str


def settings() -> list[Setting]:
    """All of them, in their order. What is told of one stands behind it, or in the comment lines
    right below; a comment line after an empty one begins a section."""
    tree = ast.parse(inspect.getsource(config.Settings))
    lines = inspect.getsource(config.Settings).splitlines()
    fields = [
        each
        for each in tree.body[0].body  # type: ignore[attr-defined]
        if isinstance(each, ast.AnnAssign)
    ]
    found, section, seen = [], "", 0
    for field in fields:
        for before, line in zip(lines[seen : field.lineno], lines[seen + 1 :], strict=False):
            if not before.strip() and (heading := re.fullmatch(r"    # (.+)", line)):
                section = heading[1]
        assert isinstance(field.target, ast.Name)
        seen = field.end_lineno or field.lineno
        comments = [lines[seen - 1][field.end_col_offset or 0 :]]
        for line in lines[seen:]:
            if not line.startswith("    # "):
                break
            comments.append(line)
        told = " ".join(each.strip().lstrip("# ") for each in comments).strip()
        name = "SOUNDCLONE_" + field.target.id.upper()
        found.append(Setting(name, section, _default(field.value), told))
    return found


def page() -> str:
    parts = [HEAD, table(("variable", "default", ""), CLIENT)]
    sections: dict[str, list[Setting]] = {}
    for each in settings():
        sections.setdefault(each.section, []).append(each)
    for section, rows in sections.items():
        parts.append(f"## {section}\n")
        parts.append(
            table(
                ("variable", "default", ""),
                [(code(row.name), code(row.default), row.told) for row in rows],
            )
        )
    return "\n".join(parts)


def _default(value: ast.expr | None) -> str:
    """As one would write it into the variable; nothing when it is empty or found out."""
    if isinstance(value, ast.Call):
        given = {each.arg: each.value for each in value.keywords}
        if factory := given.get("default_factory"):
            return FACTORIES.get(ast.unparse(factory), "")
        is_amount = ast.unparse(value.func) == "Decimal"
        return _default(value.args[0] if is_amount else given.get("default"))
    result = eval(ast.unparse(value), {}) if value else None
    if isinstance(result, bool):
        return str(int(result))
    if isinstance(result, float):
        return f"{result:g}"
    return "" if result in (None, ()) else str(result)
