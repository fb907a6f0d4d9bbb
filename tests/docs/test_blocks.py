"""Every block of README and docs is run, against a real service, in the order of its page."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest

from .conftest import House
from .pages import Page, pages
from .session import Session

pytestmark = pytest.mark.slow

MOST_SKIPPED = 16  # blocks, over all pages
PAGES = pages()


def _parameters() -> list[object]:
    slow = pytest.mark.slow, pytest.mark.timeout(3000)
    return [
        pytest.param(page, id=page.name, marks=slow if page.slow else ())
        for page in PAGES
        if any(not block.skipped for block in page.blocks)
    ]


@pytest.mark.timeout(1500)
@pytest.mark.parametrize("page", _parameters())
def test_blocks_do_what_the_page_says(
    page: Page, house: House, checkout: Path, request: pytest.FixtureRequest
) -> None:
    environment = dict(house.environment)
    wanted = page.path.read_text("utf-8")
    for name, fixture in (("$POSTGRES", "postgres_database"), ("$S3", "s3_endpoint")):
        if name in wanted:
            url = request.getfixturevalue(fixture)
            environment[name[1:]] = url.replace("postgresql+psycopg", "postgresql")
    session = Session(page, checkout, environment, house.words)
    try:
        for block in page.blocks:
            if not block.skipped:
                session.run(block)
    finally:
        session.close()


def test_few_blocks_are_skipped_and_each_has_a_reason(tmp_path: Path) -> None:
    skipped = [(page, block) for page in PAGES for block in page.blocks if block.skipped]
    for page, block in skipped:
        print(f"{page.name}:{block.line}: not run because {block.skipped}")
        if block.language == "sh":
            done = subprocess.run(["bash", "-n"], input=block.text, text=True, check=False)
            assert done.returncode == 0, f"{page.name}:{block.line}"
        elif block.language == "python":
            ast.parse(block.text)
    total = sum(len(page.blocks) for page in PAGES)
    print(f"{len(skipped)} of {total} blocks are not run")
    assert len(skipped) <= MOST_SKIPPED
