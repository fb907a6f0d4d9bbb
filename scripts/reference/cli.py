"""The page of the command line, from its commands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args, get_origin

import typer.main
from markdown import block, code, table

from soundclone.cli import app

HEAD = """# Command line

These are the commands of `soundclone`. `soundclone COMMAND --help` shows the same text.
"""
KINDS = {str: "text", int: "whole number", float: "number", Path: "file or folder"}
PLAIN = (str, int, float, Path)


def page() -> str:
    return "\n".join([HEAD, *_commands(typer.main.get_command(app), "soundclone")])


def _commands(command: Any, name: str) -> list[str]:
    """Return the texts of a command, or of all commands of a group."""
    if hasattr(command, "commands"):
        parts = [f"## {name}\n\n{_text(command.help)}\n"] if " " in name else []
        return parts + [
            text
            for each in command.commands.values()
            if not each.hidden
            for text in _commands(each, f"{name} {each.name}")
        ]
    level = "#" * (name.count(" ") + 1)
    shown = [each for each in command.params if not each.hidden and each.name != "help"]
    usage = [name, *(_word(each) for each in shown if not _is_option(each))]
    if any(_is_option(each) for each in shown):
        usage.append("[OPTIONS]")
    parts = [f"{level} {name}\n", _text(command.help) + "\n", block("text", " ".join(usage))]
    if shown:
        parts.append(table(("", "takes", "default", ""), map(_parameter, shown)))
    if command.epilog:
        parts.append(block("text", _text(command.epilog)))
    return ["\n".join(parts)]


def _is_option(parameter: Any) -> bool:
    return bool(parameter.opts[0].startswith("-"))


def _word(argument: Any) -> str:
    word = (argument.metavar or argument.name).upper()
    return word if argument.required else f"[{word}]"


def _parameter(parameter: Any) -> tuple[str, str, str, str]:
    names = [_word(parameter)]
    flag = False
    if _is_option(parameter):
        flag = parameter.is_flag
        # Of a switch that is off, nobody needs the opposite.
        names = [*parameter.opts, *(parameter.secondary_opts if parameter.default else ())]
    kind = parameter.type_descriptor.annotation
    several = get_origin(kind) in (list, tuple)
    kind = get_args(kind)[0] if several else kind
    takes = KINDS.get(kind) or ", ".join(get_args(kind)) or getattr(kind, "__name__", "")
    default = None if flag or not isinstance(parameter.default, PLAIN) else parameter.default
    told = parameter.help or ""
    if parameter.envvar:
        told = f"{told} (or the variable `{parameter.envvar}`)"
    return ", ".join(map(code, names)), "" if flag else takes, code(default), told


def _text(text: str | None) -> str:
    return re.sub(r"\x08\n?", "", text or "").strip()
