"""Emotions that instructions in plain English ask for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundclone.api.openai.instructions import EMOTIONS, FAST, SLOW, emotion_of, pace_of
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
        ("Speak in a cheerful and upbeat tone.", "happy"),
        ("Tone: furious", "angry"),
        ("Sound terrified.", "fearful"),
        ("Read the text with grief.", "sad"),
        ("Read each line in an astonished voice", "surprised"),
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
        "Sound anything but sad.",
        "Be everything but sad",
        "Enough with the sad tone",
        "I am done with the sad voice.",
        "Away with the sad voice!",
        "Keep away from a sad tone.",
        "Steer clear of a sad tone.",
        "You sound too sad.",
        "Hide any sadness; refuse to be sad.",
        "Do not be gloomy",
        "No cheerful voice, please",
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
    assert {*EMOTIONS.adverbs.values(), *EMOTIONS.nouns.values()} == set(Emotion)
    assert set(Emotion) <= EMOTIONS.adjectives.keys()


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


@pytest.mark.parametrize(
    ("instructions", "pace"),
    [
        ("Speak slowly.", SLOW),
        ("Please speak a little slower", SLOW),
        ("Pace: slow and steady.", SLOW),
        ("Slow, sad", SLOW),
        ("Be happy, and talk very fast!", FAST),
        ("Read this quickly.", FAST),
        ("Speak at a brisk pace", FAST),
        ("Do not speak slowly", None),
        ("Don't be too fast.", None),
        ("You speak too fast.", None),
        ("Speak slowly, then quickly.", None),
        ("Never rush; not fast", None),
        ("The story is about a slow train.", None),
        ("", None),
    ],
)
def test_a_pace(instructions: str, pace: float | None) -> None:
    assert pace_of(instructions) == pace


@given(st.sampled_from(["Do not {}", "Never {}", "Don't {}", "You {} too much; stop. Not {}"]))
def test_no_pace_after_a_negation_is_followed(frame: str) -> None:
    for order in ("speak slowly", "talk fast", "be too quick", "use a slow pace"):
        assert pace_of(frame.replace("{}", order)) is None
