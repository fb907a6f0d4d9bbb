"""Reference page of the settings, from the fields of their class."""

from __future__ import annotations

from pathlib import Path

from markdown import code, table
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from soundclone.config import Settings

HEAD = """# Settings

Settings are environment variables. A process reads them when it starts. An invalid value stops the
process with a message that names the setting. All processes of a service need the same values.
Clients read the two variables in the first list.
"""
CLIENT = (
    ("`SOUNDCLONE_API_KEY`", "", "API key of `soundclone clone`, `speak` and the Python client"),
    ("`SOUNDCLONE_BASE_URL`", "`http://127.0.0.1:8000`", "Base URL of the service they use"),
)
SECTIONS = {
    "data_dir": "Storage and secrets",
    "max_connections": "Clients",
    "real_status": "API",
    "watermark": "Provenance",
    "fetch_allow": "Sources",
    "voice_days": "Retention",
    "worker_concurrency": "Workers",
    "engine_v1": "Engines",
}
"""Title of each section by its first field."""
DATA_DIR = "~/.local/share/soundclone"


def page() -> str:
    """Return the page as Markdown."""
    sections: list[tuple[str, list[tuple[str, str, str]]]] = []
    for name, field in Settings.model_fields.items():
        if name in SECTIONS:
            sections.append((SECTIONS[name], []))
        assert field.description, f"{name} has no description"
        row = (code(f"SOUNDCLONE_{name.upper()}"), code(_default(field)), field.description)
        sections[-1][1].append(row)
    head = ("variable", "default", "description")
    parts = [HEAD, table(head, CLIENT)]
    for title, rows in sections:
        parts += [f"## {title}\n", table(head, rows)]
    return "\n".join(parts)


def _default(field: FieldInfo) -> str:
    """Return the default as it is written into the variable, or nothing if it is empty."""
    if field.default_factory is not None:
        return DATA_DIR if field.annotation is Path else ""
    value = field.default
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return f"{value:g}"
    return "" if value in (None, (), PydanticUndefined) else str(value)
