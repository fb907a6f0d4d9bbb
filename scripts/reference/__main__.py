"""Write the reference pages of the documentation: `python scripts/reference FOLDER [--dry]`.

Sources are the OpenAPI document, the command line, the settings, the errors and the installed
packages. The examples of the API are run on a new service. With --dry they have no responses.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import cli
import errors
import examples
import licences
import sdk
import settings

import api
from soundclone.api.app import create_app
from soundclone.config import Settings


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/reference")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dry", action="store_true", help="run no examples")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        schema = create_app(Settings(data_dir=Path(folder))).openapi()
        answers = {} if arguments.dry else examples.answers(Path(folder))
    pages = {
        "api": api.page(schema, answers),
        "cli": cli.page(),
        "settings": settings.page(),
        "errors": errors.page(),
        "licences": licences.page(),
        "sdk": sdk.page(),
    }
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages.items():
        (arguments.folder / f"{name}.md").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
