from __future__ import annotations

import pytest

from soundclone.engines.neural.base import plain
from soundclone.errors import SynthesisError


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("Hello there.", "Hello there."),
        ("He came (late) again.", "He came (late) again."),
        ("(Hello) world.", "Hello, world."),
        ("(Hello.)", "Hello."),
        ("(Hello), world.", "Hello, world."),
        ("((a) b) c", "a, b, c"),
        ("（你好）世界", "你好, 世界"),
        ("(unclosed", "unclosed"),
        (" ( shouting ) No!", "shouting, No!"),
        ("[laughter] Ha <s> {x}", "laughter Ha s x"),
        ("<|text_end|>Hi", "text_end Hi"),
        ("a\n b\tc", "a b c"),
    ],
)
def test_no_text_is_taken_for_an_instruction(sentence: str, said: str) -> None:
    assert plain(sentence) == said
    assert plain(said) == said


@pytest.mark.parametrize("sentence", ["", "  ", "()", "[]<>", "((", "\n"])
def test_nothing_to_say(sentence: str) -> None:
    with pytest.raises(SynthesisError, match="nothing that can be spoken"):
        plain(sentence)


def test_more_than_is_said_at_once() -> None:
    with pytest.raises(SynthesisError, match="has 1001 characters; at most 1000"):
        plain("a" * 1001)
