"""Every page at the widths of phones, tablets and screens, in both languages."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from tests.browser.conftest import PAGES, Keep, Open, Visit

pytestmark = pytest.mark.slow

SIZES = (
    (320, 640),
    (390, 844),
    (760, 1000),
    (761, 1000),
    (800, 1280),
    (844, 390),
    (900, 700),
    (950, 700),
    (960, 700),
    (1041, 700),
    (768, 1024),
    (1280, 900),
    (1920, 1080),
)
PICTURES = (320, 390, 768, 1280, 1920)
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

# Returns the faults of the layout at the current width.
MEASURE = """() => {
  const wrong = [];
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth !== width)
    wrong.push(`${document.documentElement.scrollWidth} pixels wide`);
  for (const each of document.querySelectorAll(".top a, .top button")) {
    const { left, right, width: own } = each.getBoundingClientRect();
    if (!own || left < 0 || right > width)
      wrong.push(`out of reach: ${each.outerHTML.slice(0, 80)}`);
  }
  for (const each of document.querySelectorAll(".menu a > span, .segments span, td.number")) {
    const text = document.createRange();
    text.selectNodeContents(each);
    const lines = new Set([...text.getClientRects()].map(({ bottom }) => Math.round(bottom / 8)));
    if (!each.querySelector("button, .badge") && lines.size > 1)
      wrong.push(`on ${lines.size} lines: ${each.textContent}`);
  }
  for (const each of document.querySelectorAll(".sentence")) {
    if (each.getBoundingClientRect().width < 200) wrong.push(`narrow: ${each.textContent}`);
  }
  const menu = document.querySelector(".menu");
  const heights = new Set([...(menu?.children ?? [])].map((each) => each.offsetTop));
  if (heights.size > 1) wrong.push("the menu has several lines");
  return wrong;
}"""


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_page_is_wider_than_the_screen(
    visit: Open, key: str, tasks: list[str], keep: Keep, engine: str, language: str
) -> None:
    # Playwright cannot choose the theme in Firefox.
    sizes = SIZES if engine == "chromium" else ((390, 844), (1280, 900))
    themes = THEMES if engine == "chromium" else THEMES[:1]
    window = visit()
    window.expected = ("404",)
    window.sign_in(key)
    page = window.page
    found: dict[tuple[str, int, str], Any] = {}
    for path in (*PAGES, *tasks, "nothing", "sign-in"):
        window.go(f"/studio/{path}?lang={language}")
        for each in page.locator("summary").all():
            each.click()
        for width, height in sizes:
            page.set_viewport_size({"width": width, "height": height})
            for theme in themes if width in PICTURES else themes[:1]:
                page.emulate_media(color_scheme=theme)
                found[path, width, theme] = page.evaluate(MEASURE)
                if width in PICTURES:
                    keep(window, f"{language}-{theme}-{width}-{path.partition('/')[0]}")
    assert not {place: wrong for place, wrong in found.items() if wrong}


@pytest.mark.parametrize("width", [800, 1280])
def test_the_fields_of_a_consent_are_aligned(studio: Visit, width: int) -> None:
    page = studio.page
    studio.go("/studio/clone")
    page.set_viewport_size({"width": width, "height": 900})
    boxes = [page.locator(field).bounding_box() for field in ("#purpose", "#until")]
    tops = {box["y"] for box in boxes if box}
    assert len(tops) == 1
