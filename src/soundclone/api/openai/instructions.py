"""Find the emotion and the pace that instructions in free English request.

A sentence counts if it clearly requests an emotion or a pace. The request may be an order ("Sound
happy"), a description of the voice ("You are sad", "Tone: angry", "in a fearful voice") or bare
words ("Sad, please"). All other sentences are unclear. The caller reports unclear instructions as
ignored, because neutral speech is less wrong than the opposite emotion.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ...engines.emotion import Emotion


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


T = TypeVar("T", Emotion, float)


@dataclass(frozen=True)
class Vocabulary(Generic[T]):
    """Words of one kind of request, each with the value that it requests."""

    adjectives: Mapping[str, T]
    adverbs: Mapping[str, T]
    nouns: Mapping[str, T]

    def get(self, word: str) -> T | None:
        """Return the value that a word requests."""
        return self.adjectives.get(word) or self.adverbs.get(word) or self.nouns.get(word)


def _by_word(lists: Mapping[T, str]) -> dict[str, T]:
    return {word: value for value, words in lists.items() for word in words.split()}


EMOTIONS: Vocabulary[Emotion] = Vocabulary(
    adjectives=_by_word(
        {
            Emotion.HAPPY: "happy cheerful joyful joyous upbeat delighted excited enthusiastic",
            Emotion.SAD: "sad sorrowful mournful melancholic gloomy heartbroken",
            Emotion.ANGRY: "angry furious enraged outraged irate",
            Emotion.FEARFUL: "fearful scared afraid frightened terrified",
            Emotion.DISGUSTED: "disgusted revolted repulsed",
            Emotion.SURPRISED: "surprised astonished amazed astounded",
            Emotion.NEUTRAL: "neutral unemotional emotionless",
        }
    ),
    adverbs=_by_word(
        {
            Emotion.HAPPY: "happily cheerfully joyfully excitedly enthusiastically",
            Emotion.SAD: "sadly sorrowfully mournfully gloomily",
            Emotion.ANGRY: "angrily furiously",
            Emotion.FEARFUL: "fearfully",
            Emotion.DISGUSTED: "disgustedly",
            Emotion.SURPRISED: "surprisedly",
            Emotion.NEUTRAL: "neutrally",
        }
    ),
    nouns=_by_word(
        {
            Emotion.HAPPY: "happiness joy cheerfulness excitement enthusiasm",
            Emotion.SAD: "sadness sorrow grief",
            Emotion.ANGRY: "anger fury rage",
            Emotion.FEARFUL: "fear terror",
            Emotion.DISGUSTED: "disgust",
            Emotion.SURPRISED: "surprise astonishment amazement",
        }
    ),
)
SLOW, FAST = 0.8, 1.25
"""Speeds of slow and fast speech."""
PACES: Vocabulary[float] = Vocabulary(
    adjectives=_by_word({SLOW: "slow unhurried leisurely", FAST: "fast quick rapid brisk"}),
    adverbs=_by_word({SLOW: "slowly slower", FAST: "quickly rapidly briskly faster"}),
    nouns={},
)

# Two words that negate what follows: "anything but sad", "enough with the sad voice".
_NEGATING = re.compile(
    r"\b(?:(?:any|every|no)thing|all|everyone|anyone) but\b"
    r"|\b(?:enough|done|finished|through|away|down) (?:with|of)\b"
)
_NEGATIONS = _words(
    "not no never none nor neither nobody nothing without cannot cant dont doesnt didnt isnt "
    "arent wasnt werent shouldnt mustnt wont wouldnt couldnt aint avoid avoiding avoids refrain "
    "stop quit prevent forbid forbidden prohibited banned hardly scarcely barely rarely seldom "
    "less least lack lacks lacking free opposite reverse unlike except excluding exclude skip "
    "drop remove omit wrong bad hate than instead far minus away clear ban banish hide mask "
    "suppress resist refuse lose ditch overly"
)
# A sentence with one of these words describes a case that may not apply.
_CONDITIONS = _words(
    "if when whenever unless although though while whereas despite until where who whose which "
    "was were had used might maybe perhaps"
)
_CONTRASTS = _words("but however yet")
_ORDERS = _words(
    "speak talk say read tell narrate deliver perform recite announce present sing whisper "
    "shout sound be feel act appear seem look stay remain keep make use express show convey "
    "adopt play pronounce respond answer voice"
)
_SUBJECTS = _words(
    "you speaker voice narrator reader tone mood emotion delivery style affect feeling character"
)
_LINKS = _words("is are be being sound sounds feel feels should must seem seems remain remains")
_TONES = _words(
    "tone tones voice way manner mood style delivery emotion emotions feeling expression "
    "intonation inflection attitude timbre affect demeanor demeanour vibe energy sound pace "
    "tempo speed rate rhythm"
)
_DEGREES = _words(
    "a an bit very slightly little somewhat quite really extremely so more most deeply mildly "
    "rather pretty truly too always please just and or in with of the full clearly audibly"
)
_DETERMINERS = _words("a an the this that these those my your his her its their our some any every")
# Words that begin another part of the sentence. An adjective before them modifies no noun.
_FOLLOWERS = _words(
    "and or in at for to with about from throughout as like today now please always again "
    "enough here all this because since during at once"
)
_FINITE = _words("is are am was were be been i he she they we it has have had do does did who")
_MOST_BARE_WORDS = 8  # of instructions without a verb
_LARGEST_GAP = 6  # words between an order and the emotion


@dataclass
class _Found(Generic[T]):
    asked: set[T] = field(default_factory=set)
    unclear: set[T] = field(default_factory=set)
    refused: set[T] = field(default_factory=set)


def emotion_of(instructions: str) -> Emotion | None:
    """Return the emotion that instructions request.

    None if they request no emotion, several emotions, or are unclear.
    """
    return _requested(instructions, EMOTIONS)


def pace_of(instructions: str) -> float | None:
    """Return the speed that instructions request: SLOW, FAST, or None as for an emotion."""
    return _requested(instructions, PACES)


def _requested(instructions: str, vocabulary: Vocabulary[T]) -> T | None:
    """Return the only value of a vocabulary that instructions clearly request."""
    found: _Found[T] = _Found()
    text = re.sub(r"['’`]", "", instructions.lower())
    text = _NEGATING.sub("not", text)
    for sentence, question in _sentences(text):
        parts = list(_parts(sentence))
        for part in parts:
            words = [word for word in part if word.isalpha()]
            if words and words[-1] in _NEGATIONS:
                return None  # unclear: "You should be sad, but you are not"
        for part in parts:
            doubtful = question or not _CONDITIONS.isdisjoint(sentence)
            _read(part, found, vocabulary, doubtful=doubtful)
    if len(found.asked) != 1 or found.unclear - found.asked or found.refused & found.asked:
        return None
    return found.asked.pop()


def _sentences(text: str) -> Iterator[tuple[list[str], bool]]:
    """Yield the words, commas and colons of each sentence, and True for a question."""
    for sentence, end in re.findall(r"([^.;!?\n…。！？]+)([.;!?\n…。！？]*)", text):
        yield re.findall(r"[a-z]+|[,:]", sentence), "?" in end


def _parts(sentence: Sequence[str]) -> Iterator[list[str]]:
    """Yield the parts of a sentence between contrasting conjunctions."""
    part: list[str] = []
    for word in sentence:
        if word in _CONTRASTS:
            yield part
            part = []
        else:
            part.append(word)
    yield part


def _read(part: list[str], found: _Found[T], vocabulary: Vocabulary[T], *, doubtful: bool) -> None:
    """Record each value that a part of a sentence names in `found`."""
    negation = next((place for place, word in enumerate(part) if word in _NEGATIONS), None)
    for place, word in enumerate(part):
        if (value := vocabulary.get(word)) is None:
            continue
        if negation is not None and negation < place:
            found.refused.add(value)
        elif negation is not None and "," not in part[place:negation]:
            found.unclear.add(value)  # "Sad is not what I want"
        elif doubtful or not _asked(part, place, vocabulary):
            found.unclear.add(value)
        else:
            found.asked.add(value)


def _asked(part: list[str], place: int, vocabulary: Vocabulary[T]) -> bool:
    word = part[place]
    before, after = part[:place], part[place + 1 :]
    if "too" in before[len(_without_degrees(before)) :]:
        return False  # a complaint: "You sound too sad"
    if word in vocabulary.nouns:
        lead = _without_degrees(before)
        kind = [each for each in before[len(lead) :] if each in ("with", "in", "of", "full")]
        direct = bool(lead) and lead[-1] in ("express", "convey", "show")
        return (bool(kind) or direct) and (not lead or _ordered(lead) or _described(lead))
    if word in vocabulary.adjectives:
        if _in_a_tone(before, after):
            return True
        if not _stands_alone(before, after):
            return False
    return _labelled(before) or _ordered(before) or _described(before) or _bare(part, vocabulary)


def _without_degrees(words: Sequence[str]) -> Sequence[str]:
    end = len(words)
    while end and words[end - 1] in _DEGREES:
        end -= 1
    return words[:end]


def _in_a_tone(before: Sequence[str], after: Sequence[str]) -> bool:
    """Tell whether a noun such as tone follows: "in a sad tone", "a very sad, quiet voice"."""
    near = list(after[:4])
    tone = next((place for place, word in enumerate(near) if word in _TONES), None)
    if tone is None or any(word in _DETERMINERS or word == ":" for word in near[:tone]):
        return False
    lead = _without_degrees(before)
    between = before[len(lead) :]
    # Not "steer from a sad tone".
    return not lead or "in" in between or "with" in between or lead[-1] in {*_ORDERS, "at"}


def _stands_alone(before: Sequence[str], after: Sequence[str]) -> bool:
    """Tell whether the adjective modifies no noun: "be sad", not "a sad old man"."""
    if after and after[0] not in _FOLLOWERS and after[0] not in (",", ":"):
        return _addressed(before)
    lead = _without_degrees(before)
    near = [*lead[-1:], *before[len(lead) :]]
    if _DETERMINERS.isdisjoint(near) or before[-1:] in (["bit"], ["little"]):
        return True
    return _addressed(before)


def _addressed(before: Sequence[str]) -> bool:
    """Tell whether the speaker is addressed: "You are a sad man", "like an angry boss"."""
    lead = " ".join(_without_degrees(before))
    return lead.endswith(("you are", "youre", "like", "act as", "speak as")) and any(
        word in ("a", "an") for word in before[-3:]
    )


def _labelled(before: Sequence[str]) -> bool:
    """Tell whether a label precedes: "Tone: warm, sad"."""
    if ":" not in before:
        return False
    colon = len(before) - 1 - list(reversed(before)).index(":")
    label, listed = before[:colon], before[colon + 1 :]
    return bool(label) and label[-1] in _TONES and _FINITE.isdisjoint(listed)


def _ordered(before: Sequence[str]) -> bool:
    """Tell whether an order precedes by a few words: "Please speak very sadly"."""
    near = before[-_LARGEST_GAP - 1 :]
    for place, word in enumerate(near):
        if word not in _ORDERS:
            continue
        lead = before[: len(before) - len(near) + place]
        between = set(near[place + 1 :])
        opens = not lead or lead[-1] in (",", ":") or _may_order(lead)
        if opens and between.isdisjoint(_FINITE | {"about", "of", "that"}):
            return True
    return False


def _may_order(lead: Sequence[str]) -> bool:
    """Tell whether an order may follow: "please", "you should", "I want you to", "try to"."""
    text = " ".join(lead)
    return lead[-1] in _words("please always and then just also really must should will can") or (
        re.search(r"(?:you|it|voice|this|try|sure|need|have|trying) to$", text) is not None
    )


def _described(before: Sequence[str]) -> bool:
    """Tell whether the voice is described: "The speaker is very sad", "You sound sad"."""
    lead = [word for word in _without_degrees(before) if word != ","]
    links = 0
    while lead and lead[-1] in _LINKS:
        lead.pop()
        links += 1
    subject = lead[-1] if lead else ""
    return subject == "youre" or (links > 0 and subject in _SUBJECTS)


def _bare(part: Sequence[str], vocabulary: Vocabulary[T]) -> bool:
    """Tell whether all words describe a manner: "slow, sad"."""
    words = [word for word in part if word.isalpha()]
    determiners = _DETERMINERS - {"a", "an"}
    if len(words) > _MOST_BARE_WORDS or not (_FINITE | determiners).isdisjoint(words):
        return False
    items = [item.split() for item in re.split(r",|\band\b|\bor\b", " ".join(part))]
    return any(
        any(map(vocabulary.get, item))
        and all(word in _DEGREES | _TONES or vocabulary.get(word) for word in item)
        for item in items
    )
