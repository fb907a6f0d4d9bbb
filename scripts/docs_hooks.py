"""Hooks of the site builder for pages that are also read in the repository."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
COMMENT = re.compile(r"^[ ]*<!-- test:.*?-->\n", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((\.\./[^)#\s]+)(?:#[^)]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add CONTRIBUTING.md, which is in the root of the repository, to the site."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    text = re.sub(r"\]\((?!https?:|#)([^)]+)\)", r"](../\1)", text).replace("](../docs/", "](")
    files.append(File.generated(config, "contributing.md", content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Remove comments for the tests. Replace links to files that the site lacks by their paths."""
    docs = Path(config.docs_dir)
    folder = docs / PurePosixPath(page.file.src_uri).parent

    def unlinked(link: re.Match[str]) -> str:
        target = (folder / link[2]).resolve()
        if target.is_relative_to(docs):
            return link[0]
        if not target.exists():
            raise PluginError(f"{page.file.src_uri} links to {link[2]}, which is not there")
        path = f"`{target.relative_to(ROOT)}`"
        return path if link[1].strip("`") in path else f"{link[1]} ({path})"

    return LINK.sub(unlinked, COMMENT.sub("", markdown))
