"""Transcriptions in the International Phonetic Alphabet, as espeak-ng speaks them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundclone.core.requests import SoundVersion, SpeechRequest
from soundclone.engines.builtin.frontend import VOICES, Pool, Utterance
from soundclone.engines.builtin.phonemes import mnemonics
from soundclone.synthesis.code_switching import utterances
from soundclone.text import ipa
from soundclone.text.ipa import Transcription
from soundclone.text.normalisation import normalise
from soundclone.text.pronunciation import Entry, apply
from soundclone.text.script import Sentence, parse

SYMBOLS = "".join(sorted(ipa.VOWELS | ipa.CONSONANTS | ipa.MARKS | ipa.STRESS)) + ipa.TONES + " .|͡"


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    pool = Pool(size=1)
    yield pool
    pool.close()


def part(text: str, word: str, sounds: str) -> Transcription:
    start = text.index(word)
    return Transcription(start, start + len(word), sounds)


# The alphabet


@pytest.mark.parametrize(
    ("written", "sounds"),
    [
        ("pɪˈkɑːn", ("p", "ɪ", "ˈ", "k", "ɑː", "n")),
        ("/pɪn/", ("p", "ɪ", "n")),
        ("[ t͡ʃɛk  ɪt ]", ("t", "ʃ", "ɛ", "k", " ", "ɪ", "t")),
        ("ʧiːg", ("t", "ʃ", "iː", "ɡ")),
        ("bɔ̃", ("b", "ɔ\u0303")),
        ("ça", ("ç", "a")),
        ("ma˥˩.mi", ("m", "a", "˥˩", "m", "i")),
    ],
)
def test_sounds(written: str, sounds: tuple[str, ...]) -> None:
    assert ipa.fault(written) is None
    assert ipa.sounds(written) == sounds


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("pI'kA:n", "'I' (U+0049) is no symbol of the alphabet; write ɪ"),
        ("pɪ:n", "':' (U+003A) is no symbol of the alphabet; write ː"),
        ("pɪn!", "'!' (U+0021) is no symbol of the alphabet; write IPA, such as pɪˈkɑːn"),
        ("ma\u030c", "'◌\u030c' (U+030C) is no symbol"),
        ("a\u200b", "U+200B is no symbol"),
        ("ːa", "'ː' (U+02D0) belongs to no letter"),
        ("ˈ.", "it has no sound"),
        ("", "it has no sound"),
        ("a" * 101, "it has 101 characters; at most 100 are allowed"),
    ],
)
def test_faults_name_the_symbol(written: str, reason: str) -> None:
    assert (ipa.fault(written) or "").startswith(reason)


@given(st.text(max_size=12) | st.text(SYMBOLS, max_size=30))
def test_every_transcription_is_refused_or_spoken(written: str) -> None:
    if ipa.fault(written) is None:
        for language in ("English", "Chinese", "Japanese"):
            assert mnemonics(written, language).isprintable()


# The phonemes of espeak-ng


@pytest.mark.parametrize("language", sorted(VOICES))
def test_every_language_has_every_sound(language: str) -> None:
    silent = set("ʔʕʡʢ")
    for letter in sorted(ipa.VOWELS | ipa.CONSONANTS - silent):
        for marks in ("", "ː", "ʰ", "ʲ", "ʷ", "\u0303", "\u0329", "˞", "ʰːʲ"):
            assert mnemonics(letter + marks, language), letter + marks


def heard(spoken: Utterance) -> str:
    return "".join(symbol for _, symbol in spoken.phones if not symbol.startswith("("))


@pytest.mark.parametrize(
    ("language", "text", "word", "sounds", "expected"),
    [
        ("English", "I ate pecan pie.", "pecan", "ˈpiːkæn", "pˈiːkæn"),
        ("English", "I ate pecan pie.", "pecan", "pɪˈkɑːn", "pɪkˈɑːn"),
        ("English", "See Siobhan now.", "Siobhan", "ʃəˈvɔːn", "ʃəvˈɔːn"),
        ("English", "The bass is deep.", "bass", "beɪs", "bˈeɪs"),
        ("French", "Un chat noir.", "chat", "tʃat", "tʃˈat"),
        ("German", "Der Chef kam.", "Chef", "ˈkuːxən", "kˈuːxən"),
        ("Spanish", "Un vino tinto.", "vino", "ˈkaʎe", "kˈaʎe"),
        ("Chinese", "他在重庆工作。", "重庆", "tʂʊŋ˥˩tɕʰiŋ˥˩", "tʂʊŋtɕʰiŋ"),
        ("Japanese", "きょうは箸です", "箸", "haɕi", "häɕi"),
    ],
)
def test_the_sounds_are_spoken(
    pool: Pool, language: str, text: str, word: str, sounds: str, expected: str
) -> None:
    given = part(text, word, sounds)
    spoken = pool.speak(text, language, ipa=(given,))
    assert expected in heard(spoken)
    assert any(each.offset >= given.start and each.text in word for each in spoken.words)
    times = [each.start for each in spoken.words]
    assert times == sorted(times)


def test_ipa_sounds_like_the_respelling(pool: Pool) -> None:
    text = "Ask Siobhan about it."
    transcribed = pool.speak(text, "English", ipa=(part(text, "Siobhan", "ˈʃɪvɔːn"),))
    respelled = pool.speak(text.replace("Siobhan", "Shivawn"), "English")
    written = pool.speak(text, "English")
    assert heard(transcribed) == heard(respelled).replace("ᵻ", "ɪ")
    assert heard(transcribed) != heard(written)
    assert transcribed.samples.size == pytest.approx(respelled.samples.size, rel=0.05)


def test_tones_of_chinese(pool: Pool) -> None:
    text = "妈"
    high, falling = (
        pool.speak(text, "Chinese", ipa=(part(text, text, f"ma{tone}"),)) for tone in ("˥", "˥˩")
    )
    assert high.samples.tobytes() != falling.samples.tobytes()
    assert high.samples.tobytes() == pool.speak(
        text, "Chinese", ipa=(part(text, text, "ma˦˥"),)
    ).samples.tobytes()  # fmt: skip


# The way of a text


def test_an_entry_transcribes_a_word() -> None:
    text = "Dr. Nguyen has 5 km, Nguyen!"
    found = apply(text, [Entry("nguyen", ipa="ŋwiən"), Entry("km", "kay em")])
    assert found.text == "Dr. Nguyen has 5 kay em, Nguyen!"
    assert [found.text[each.start : each.end] for each in found.transcriptions] == ["Nguyen"] * 2


def test_the_markup_of_a_text_prevails_over_entries() -> None:
    text = "Bath and Bath"
    found = apply(text, [Entry("bath", "tub"), Entry("a", ipa="ə")], (Transcription(0, 4, "baθ"),))
    assert found.text == "Bath and tub"
    assert found.transcriptions == (Transcription(0, 4, "baθ"),)


def test_transcribed_words_are_not_normalised() -> None:
    text = "On 3 May Dr. Who ran 5 km"
    found = normalise(text, "English", (part(text, "Dr.", "dɒk"), part(text, "km", "keɪɛm")))
    assert [found.text[each.start : each.end] for each in found.transcriptions] == ["Dr.", "km"]
    assert found.text != text


def test_no_transcription_is_divided() -> None:
    text = "The Яndex 你好 app, " + "word " * 60
    parts = (part(text, "Яndex 你", "jændɛks"), part(text, text[200:260], "a"))
    found = utterances(text, "English", {"English", "Russian", "Chinese"}, transcriptions=parts)
    assert [(each.ipa[0].ipa, each.text[each.ipa[0].start : each.ipa[0].end]) for each in found
            if each.ipa] == [("jændɛks", "Яndex 你"), ("a", text[200:260])]  # fmt: skip
    assert "".join("".join(each.text.split()) for each in found) == "".join(text.split())


@given(
    st.lists(
        st.sampled_from(["Dr. ", "ab ", "你好 ", "5 km ", "3.5 ", "Я ", "x" * 30]), max_size=20
    ),
    st.data(),
)
def test_transcriptions_survive_every_step(words: list[str], data: st.DataObject) -> None:
    text = "go " + "".join(words)
    starts = data.draw(st.sets(st.integers(0, max(len(words) - 1, 0)), max_size=3))
    parts = []
    for index in sorted(starts if words else ()):
        start = 3 + len("".join(words[:index]))
        parts.append(Transcription(start, start + len(words[index].rstrip()), "a"))
    spoken = {"English", "Chinese", "Russian"}
    found = utterances(text, "English", spoken, transcriptions=tuple(parts))
    marked = [each.text[p.start : p.end] for each in found for p in each.ipa]
    assert marked == [text[p.start : p.end] for p in parts]


def test_places_in_a_sentence() -> None:
    text = "One.  Cafe\u0301\u200b au  lait, please."
    (_, sentence) = parse(text).sentences
    start = text.index("au")
    parts = (Transcription(0, 3, "a"), Transcription(start, len(text) - 9, "o lɛ"))
    (found,) = sentence.within(parts)
    assert sentence.text[found.start : found.end] == "au lait"
    assert Sentence("x", 0).within(()) == ()


def test_requests_keep_transcriptions() -> None:
    request = SpeechRequest(
        "One two",
        SoundVersion.V1,
        "builtin",
        pronunciations=(Entry("one", ipa="wʌn"), Entry("two", "too")),
        transcriptions=(Transcription(0, 3, "wʌn"),),
    )
    assert SpeechRequest.from_json(request.to_json()) == request
    assert "ipa" not in request.to_json()["pronunciations"][1]  # as earlier releases read it
    assert "transcriptions" not in SpeechRequest("x", SoundVersion.V1, "builtin").to_json()
