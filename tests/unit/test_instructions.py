"""Emotions that instructions in plain English ask for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundclone.api.openai.instructions import ADVERBS, NOUNS, emotion_of
from soundclone.engines.protocol import Emotion


@pytest.mark.parametrize("emotion", Emotion)
@pytest.mark.parametrize(
    "frame",
    [
        "{}",
        "{}.",
        "Very {}, please!",
        "Be {}.",
        "Sound {}!",
        "Please sound a little {}.",
        "Speak in a {} tone.",
        "in a {} voice",
        "Use a very {}, quiet voice.",
        "Tone: {}",
        "Tone: warm, {} and calm",
        "Emotion: {}.\nPace: slow.",
        "**Mood:** {}",
        "The speaker is {}.",
        "You are {}.",
        "You’re {} today.",
        "You should be {}.",
        "I want you to sound {} throughout.",
        "Slow and {}",
        "It should not be fast. Sound {}.",
        "Don't shout; be {}.",
        "Speak like a {} child.",
    ],
)
def test_an_emotion_that_is_asked_for(emotion: str, frame: str) -> None:
    assert emotion_of(frame.format(emotion)) == emotion


@pytest.mark.parametrize(
    ("instructions", "emotion"),
    [
        ("Speak sadly", "sad"),
        ("Please read this very angrily.", "angry"),
        ("Whisper fearfully, and slowly.", "fearful"),
        ("Speak with sadness.", "sad"),
        ("Speak with a lot of anger", "angry"),
        ("Full of happiness", "happy"),
        ("Be happy, not sad", "happy"),
        ("Not sad but happy", "happy"),
        ("Be happy, but never sad.", "happy"),
        ("Do not be sad. Be happy.", "happy"),
        ("Happy! Very happy!", "happy"),
    ],
)
def test_other_forms_and_contrasts(instructions: str, emotion: str | None) -> None:
    assert emotion_of(instructions) == emotion


@pytest.mark.parametrize(
    "instructions",
    [
        "Do not be sad",
        "Don't be sad.",
        "Don’t sound sad!",
        "not sad",
        "Not too sad, please",
        "never sad",
        "You must not sound sad or angry.",
        "Do not, under any circumstances, be sad.",
        "Avoid a sad tone.",
        "Speak without sadness.",
        "Anything but that: no sad voice",
        "Sad is not what I want.",
        "To be sad is wrong.",
        "It is wrong to be sad.",
        "Less sad, please",
        "neither sad nor angry",
        "Be sad? Never!",
        "Be sad? No.",
        "You should be sad, but you are not.",
        "Instead of sad, something else",
        "Stop being sad",
        "Rather than sad",
        "The opposite of sad",
        "Don't speak sadly",
        "unhappy",
    ],
)
def test_a_negation_is_never_the_emotion(instructions: str) -> None:
    assert emotion_of(instructions) is None


@pytest.mark.parametrize(
    "instructions",
    [
        "",
        "Like a pirate.",
        "The speaker is a sad old man, but today he is excited",
        "Happy and sad at once.",
        "Be happy and surprised.",
        "Read this sad story cheerfully.",
        "Tell them the sad news in a calm voice.",
        "Speak about your anger calmly.",
        "If the text is sad, speak softly.",
        "Everyone in the story was sad.",
        "Although you are sad, laugh.",
        "Sadly, the speaker has lost his keys. Speak normally.",
        "请用悲伤的语气",
        "\ud800",
    ],
)
def test_doubt_is_no_emotion(instructions: str) -> None:
    assert emotion_of(instructions) is None


def test_forms_are_of_the_engines_emotions() -> None:
    assert {*ADVERBS.values(), *NOUNS.values()} == set(Emotion)


@given(
    st.lists(
        st.sampled_from(
            "not never but be sad happy speak sadly in a tone , . : ? ! you are the man".split()
        )
    )
)
def test_any_words_can_be_read(words: list[str]) -> None:
    assert emotion_of(" ".join(words)) in (None, "sad", "happy")


@given(st.sampled_from(["Do not {}", "Never {}", "Don't {}"]), st.sampled_from(Emotion), st.data())
def test_no_order_after_a_negation_is_followed(
    frame: str, emotion: str, data: st.DataObject
) -> None:
    order = data.draw(
        st.sampled_from(["be {}", "sound {}", "speak in a {} voice", "use a {} tone", "be too {}"])
    )
    assert emotion_of(frame.format(order.format(emotion))) is None
