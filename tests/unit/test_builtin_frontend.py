"""espeak-ng at arm's length: words, times, hostile texts, dead and hung processes."""

from __future__ import annotations

import gc
import itertools
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soundclone.engines.builtin import espeak, frontend
from soundclone.engines.builtin.frontend import LONGEST, VOICES, Pool
from soundclone.errors import EngineUnavailable, SynthesisError
from soundclone.text import languages as all_languages
from soundclone.text.g2p import read
from soundclone.text.words import word_spans

WITH_FRONT_END = [
    language.name for language in all_languages.LANGUAGES.values() if language.speech.front_end
]


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    pool = Pool(size=2)
    yield pool
    pool.close()


def split(text: str) -> list[str]:
    return [text[offset : offset + length] for offset, length in word_spans(text)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's Mr. Smith's, isn't it?", ["It's", "Mr", "Smith's", "isn't", "it"]),
        ("$5 — or 1,234.5!", ["$5", "or", "1,234.5"]),
        ("今天好，abc。", ["今", "天", "好", "abc"]),
        ("きょうは12時", ["き", "ょ", "う", "は", "12", "時"]),
        ("आज मौसम अच्छा है।", ["आज", "मौसम", "अच्छा", "है"]),
        ("اليوم، جميل؟", ["اليوم", "جميل"]),
        ("«Да» — сказал он…", ["Да", "сказал", "он"]),
        (" ... !? ", []),
    ],
)
def test_tokens(text: str, words: list[str]) -> None:
    assert split(text) == words


@given(st.text(max_size=60))
def test_tokens_are_in_order_and_not_empty(text: str) -> None:
    end = 0
    for offset, length in word_spans(text):
        assert offset >= end
        assert length > 0
        end = offset + length
    assert end <= len(text)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("English", "Hello there, it's 1,234 miles to St. Ives."),
        ("Chinese", "今天天气很好，我们去公园吧。"),
        ("Japanese", "きょうは天気がいいですね。iPhoneを3本、買いました。"),
        ("Chinese", "我在银行用Photoshop，3个人。"),
        ("Hindi", "आज मौसम अच्छा है।"),
        ("Arabic", "الطقس جميل اليوم وسنذهب."),
        ("Thai", "อากาศดีมาก วันนี้"),
        ("Korean", "오늘은 날씨가 좋습니다."),
        ("Russian", "Сегодня хорошая погода 😀."),
    ],
)
def test_every_word_has_its_time(pool: Pool, language: str, text: str) -> None:
    spoken = pool.speak(text, language)
    spans = read(text, language).words or tuple(word_spans(text))
    assert tuple((w.offset, w.length) for w in spoken.words) == spans
    assert [w.text for w in spoken.words] == [text[o : o + n] for o, n in spans]
    seconds = len(spoken.samples) / spoken.sample_rate
    for word in spoken.words:
        assert 0 <= word.start < word.end <= seconds + 1e-6
    for left, right in itertools.pairwise(spoken.words):
        assert left.end <= right.start + 1e-6


def test_a_word_sounds_where_it_is_said_to(pool: Pool) -> None:
    spoken = pool.speak("Mama, mama, mama.", "English")
    quiet = np.ones(len(spoken.samples), bool)
    for word in spoken.words:
        first, last = (round(t * spoken.sample_rate) for t in (word.start, word.end))
        quiet[first:last] = False
    energy = spoken.samples**2
    assert energy[quiet].sum() < 0.02 * energy.sum()


@pytest.mark.parametrize("language", sorted(VOICES))
def test_every_language_speaks(pool: Pool, language: str) -> None:
    spoken = pool.speak("Mama 12", language)
    assert len(spoken.samples) > 0.3 * spoken.sample_rate
    assert np.abs(spoken.samples).max() > 0.05


@pytest.mark.parametrize("language", sorted(VOICES))
def test_every_preview_line_is_spoken(pool: Pool, language: str) -> None:
    """In the time of a sentence: a line that is spelled out takes far longer."""
    line = all_languages.LANGUAGES[language].preview
    spoken = pool.speak(line, language)
    assert 3 < len(spoken.samples) / spoken.sample_rate < 16
    assert spoken.words


@pytest.mark.parametrize("text", ["", "   ", "...", "\x00", "\x01\x02\u200b", "?!"])
def test_nothing_to_say(pool: Pool, text: str) -> None:
    with pytest.raises(SynthesisError, match="nothing that can be spoken"):
        pool.speak(text, "English")


@pytest.mark.parametrize(
    "text", ["<speak>one</speak>", "[[w3:ld]] one", "\x0150P one", "&amp; one"]
)
def test_markup_is_read_not_obeyed(pool: Pool, text: str) -> None:
    said = pool.speak(text, "English")
    plain = pool.speak("one", "English")
    assert len(said.samples) > 1.2 * len(plain.samples)


def test_an_embedded_command_changes_nothing(pool: Pool) -> None:
    commanded = pool.speak("one \x01400S two", "English")
    spelled = pool.speak("one  400S two", "English")
    np.testing.assert_array_equal(commanded.samples, spelled.samples)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40), st.sampled_from(sorted(VOICES)))
def test_any_text_gives_speech_or_a_sentence(text: str, language: str) -> None:
    try:
        spoken = SHARED.speak(text, language)
    except SynthesisError:
        return
    else:
        assert len(spoken.samples)
        assert all(text[w.offset : w.offset + w.length] for w in spoken.words)


@settings(max_examples=60, deadline=None)
@given(
    st.text(
        st.sampled_from(
            "今東京へ一3ーッ銀行不สวัเกา์ๆ๑الشمسّىשלוםּם한꽃ngaZé9 .,'[]|()_^。\u0301\u064b😀\u200c"
        ),
        max_size=60,
    ),
    st.sampled_from(WITH_FRONT_END),
)
def test_any_mixture_of_scripts_gives_speech_or_a_sentence(text: str, language: str) -> None:
    try:
        spoken = SHARED.speak(text, language)
    except SynthesisError:
        return
    ends = [0, *(word.offset + word.length for word in spoken.words)]
    for end, word in zip(ends, spoken.words, strict=False):
        assert word.offset >= end
        assert word.text == text[word.offset : word.offset + word.length]
        assert word.start <= word.end
    assert ends[-1] <= len(text)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("Chinese", "长城银行的朋友们在这里" * 9),
        ("Chinese,Yue", "長城銀行嘅朋友喺呢度" * 40),
        ("Thai", "ประเทศไทยมีภาษาไทยเป็นภาษาราชการ" * 12),
        ("Thai", "กฬ" * 200),
        ("Hebrew", "הילד הולך לבית הספר " * 19),
        ("Filipino", "9" * 400),
    ],
)
def test_long_clauses_are_not_cut_within_phonemes(pool: Pool, language: str, text: str) -> None:
    """espeak-ng would spell what it is left with in English."""
    assert not any("(en)" in symbol for _, symbol in pool.speak(text, language).phones)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("Japanese", "新しいiPhoneを3本、買いました。"),
        ("Chinese", "我在银行用Photoshop，等了3个人。"),
        ("Chinese,Yue", "我喺銀行用Photoshop，等3個人。"),
        ("Thai", "ผมซื้อ iPhone 3 เครื่อง"),
        ("Arabic", "اشتريت iPhone في 2024"),
        ("Hebrew", "קניתי iPhone ב 2024"),
        ("Korean", "아이폰 iPhone 3개를 샀어요"),
    ],
)
def test_latin_words_among_other_scripts_are_words(pool: Pool, language: str, text: str) -> None:
    """Said in English at once; letters by their names would take more vowels."""
    symbols = [symbol for _, symbol in pool.speak(text, language).phones]
    begin = symbols.index("(en)")
    assert sum(s.startswith(("ˈ", "ˌ")) for s in symbols[begin : begin + 12]) <= 4


SHARED = Pool(size=1)


@pytest.fixture(scope="module", autouse=True)
def _close_shared() -> Iterator[None]:
    yield
    SHARED.close()


def test_too_long_and_unknown(pool: Pool) -> None:
    with pytest.raises(SynthesisError, match=f"{LONGEST + 1} characters"):
        pool.speak("a" * (LONGEST + 1), "English")
    with pytest.raises(SynthesisError, match="'Klingon'"):
        pool.speak("nuqneH", "Klingon")


def test_the_same_words_in_the_same_samples(pool: Pool) -> None:
    first = pool.speak("The same again.", "English")
    pool.speak("Etwas anderes.", "German", 300)
    np.testing.assert_array_equal(first.samples, pool.speak("The same again.", "English").samples)


def test_a_dead_child_is_replaced(pool: Pool) -> None:
    pool.speak("one", "English")
    for child in list(pool._idle):
        os.kill(child._process.pid, signal.SIGKILL)
    assert pool.speak("two", "English").words


def test_a_hung_child_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool(size=1, timeout=300.0)
    pool.speak("one", "English")
    (child,) = pool._idle
    os.kill(child._process.pid, signal.SIGSTOP)
    # The process that takes its place has all the time that it needs to start.
    ask = child.ask
    monkeypatch.setattr(child, "ask", lambda request, timeout: ask(request, 0.5))
    assert pool.speak("two", "English").words
    pool.close()


def test_espeak_that_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    pool = Pool(size=1, timeout=300.0)
    with pytest.raises(EngineUnavailable, match="does not start"):
        pool.check()
    with pytest.raises(EngineUnavailable, match="does not start"):
        pool.speak("one", "English")


def test_many_callers_share_few_processes() -> None:
    pool = Pool(size=2)
    texts = ["one", "two", "three", "four", "five", "six"]
    spoken: dict[str, str] = {}

    def say(text: str) -> None:
        spoken[text] = pool.speak(text, "English").words[0].text

    threads = [threading.Thread(target=say, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert spoken == {text: text for text in texts}
    assert len(pool._idle) <= 2
    pool.close()
    assert pool._idle == []


def test_a_forgotten_pool_ends_its_processes() -> None:
    pool = Pool(size=1)
    pool.speak("one", "English")
    process = pool._idle[0]._process
    del pool
    gc.collect()
    assert process.poll() is not None


def test_the_child_is_told_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOUNDCLONE_SECRET_KEY", "hush")
    pool = Pool(size=1)
    pool.speak("one", "English")
    environment = f"/proc/{pool._idle[0]._process.pid}/environ"
    if os.path.exists(environment):  # noqa: PTH110
        with open(environment, "rb") as file:  # noqa: PTH123
            assert b"hush" not in file.read()
    pool.close()


def test_voices_are_the_languages() -> None:
    assert set(frontend.VOICES) == set(all_languages.LANGUAGES)


def test_a_process_of_espeak_imports_no_other_module_of_the_package() -> None:
    listed = f"import runpy, sys; runpy.run_path({espeak.__file__!r}); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", listed], capture_output=True, check=True, text=True
    )
    assert not {"soundclone", "numpy"} & set(done.stdout.split())
