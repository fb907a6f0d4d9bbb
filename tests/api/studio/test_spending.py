"""The chart and the ledger of the account page, and the export of the ledger."""

from __future__ import annotations

import csv
import io
import time
from urllib.parse import unquote

import httpx2
import pytest

from soundclone.api.studio.chart import chart
from soundclone.core import keys, ledger
from soundclone.core.formatting import DAY
from soundclone.core.queries import Day

from ..conftest import Api
from .visitors import new_key, sign_in


@pytest.mark.parametrize(
    ("most", "ticks"),
    [
        (0, [1_000_000, 500_000, 0]),
        (1, [1, 0]),
        (4, [4, 3, 2, 1, 0]),
        (5, [6, 4, 2, 0]),
        (870_000, [1_000_000, 500_000, 0]),
        (20_000_001, [30_000_000, 20_000_000, 10_000_000, 0]),
    ],
)
def test_the_axis_has_round_numbers(most: int, ticks: list[int]) -> None:
    made = chart([Day(DAY * each, most if each == 3 else 0, 0) for each in range(28)], 4)
    top, *_, bottom = made.ticks
    assert bottom == 0
    assert top >= most
    assert 2 <= len(made.ticks) <= 5
    assert len({one - other for one, other in zip(made.ticks, made.ticks[1:], strict=False)}) == 1
    assert list(made.ticks) == ticks
    assert [day.start for day in made.starts] == [0, 7 * DAY, 14 * DAY, 21 * DAY]
    assert made.bars[3].height == pytest.approx(100 * most / top, abs=0.01)
    assert made.bars[3].y + made.bars[3].height == pytest.approx(100)
    assert (made.lines[0], made.lines[-1]) == (0, 100)


def test_the_page_and_the_export(studio: Api, visitor: httpx2.Client) -> None:
    key = new_key(studio)
    sign_in(visitor, key)
    with studio.database.transaction() as session:
        account = keys.authenticate(session, studio.settings.secrets, key).account_id
        for number in range(45):
            memo = "=1+1" if number == 44 else f"invoice {number}"
            ledger.credit(session, account, 1_500_000, memo)
            time.sleep(0.001)  # so that the entries have an order
    page = visitor.get("/studio/account").text
    assert "invoice 5<" in page
    assert "invoice 4<" not in page
    older = unquote(page.partition("before=")[2].partition("#")[0])
    page = visitor.get("/studio/account", params={"before": older, "days": 84}).text
    assert "invoice 4<" in page
    assert "invoice 5<" not in page
    assert "in the last 84 days" in page
    assert "in the last 28 days" in visitor.get("/studio/account?days=9").text
    response = visitor.get("/studio/account/ledger.csv")
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert f"{account}-ledger.csv" in response.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert len(rows) == 45
    assert (rows[0]["entry"], rows[0]["balance change"]) == ("credit", "1.500000")
    assert rows[0]["note"] == "invoice 0"
    assert rows[44]["note"] == "'=1+1"  # no formula
