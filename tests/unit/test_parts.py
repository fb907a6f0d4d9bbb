from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from soundclone.core.pricing import share
from soundclone.text import script
from soundclone.text.parts import delivered


def test_each_part_is_billed_up_to_the_next_sentence() -> None:
    text = "  One is said. <#2#>\n\nTwo is said here as well. <#1.5#> Three… <#3#>"
    groups = script.chunks(script.parse(text), opening=12)
    ends = delivered(text, 12)
    assert len(ends) == len(groups) == 3
    # Space around a sentence is billed; markers are not.
    assert ends == (
        len("  One is said. \n\n"),
        len("  One is said. \n\nTwo is said here as well.  "),
        script.billable(text),
    )


def test_parts_of_nothing_but_pauses_add_nothing() -> None:
    text = "One is said." + "<#99#>" * 3 + " Two."
    ends = delivered(text, 12)
    assert len(ends) > 2
    assert set(ends) == {len("One is said. "), len("One is said. Two.")}


@given(st.lists(st.sampled_from(["Word ", "end. ", "。", "字", "<#9#>", "\n", "!? ", "<# "])))
def test_parts_are_the_whole(pieces: list[str]) -> None:
    text = "a" + "".join(pieces)
    ends = delivered(text, 25)
    assert len(ends) == len(script.chunks(script.parse(text), opening=25))
    assert list(ends) == sorted(ends)
    assert ends[0] > 0
    assert ends[-1] == script.billable(text)


@given(st.integers(0, 10**9), st.integers(0, 10**6), st.integers(1, 10_000), st.data())
def test_the_share_is_exact_and_rounded_down(
    rest: int, fee: int, characters: int, data: st.DataObject
) -> None:
    sent = data.draw(st.integers(0, characters))
    price = share(fee + rest, fee, sent, characters)
    if not sent:
        assert price == 0
    else:
        assert fee <= price <= fee + rest
        assert (price - fee) * characters <= rest * sent < (price - fee + 1) * characters
    assert share(fee + rest, fee, characters, characters) == fee + rest
