from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundclone.errors import InvalidParameter
from soundclone.text.languages import LANGUAGES, candidates, detect, detect_each, lookup, names
from soundclone.text.script import check, parse

V1 = (
    "Chinese; Chinese,Yue; English; Arabic; Russian; Spanish; French; Portuguese; German; Turkish; "
    "Dutch; Ukrainian; Vietnamese; Indonesian; Japanese; Italian; Korean; Thai; Polish; Romanian; "
    "Greek; Czech; Finnish; Hindi"
).split("; ")
V2_ONLY = (
    "Bulgarian; Danish; Hebrew; Malay; Persian; Slovak; Swedish; Croatian; Filipino; Hungarian; "
    "Norwegian; Slovenian; Catalan; Nynorsk; Tamil; Afrikaans"
).split("; ")


def test_the_languages_of_the_contract() -> None:
    assert list(names("v1")) == V1
    assert list(names("v2")) == V1 + V2_ONLY
    with pytest.raises(InvalidParameter, match="soundVersion 'v3' is not known"):
        names("v3")


def test_codes_are_unique() -> None:
    assert len({language.code for language in LANGUAGES.values()}) == 40


@pytest.mark.parametrize("name", LANGUAGES)
def test_preview_lines(name: str) -> None:
    language = LANGUAGES[name]
    least = 40 if language.script in ("Hans", "Hant", "Jpan", "Kore") else 95
    assert least <= check(language.preview, 270) <= 120
    assert detect(language.preview, "v2") == language
    if language.within("v1"):
        assert detect(language.preview, "v1") == language


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Chinese,Yue", "Chinese,Yue"),
        ("chinese, yue", "Chinese,Yue"),
        ("Chinese (Cantonese)", "Chinese,Yue"),
        ("yue", "Chinese,Yue"),
        ("yue-Hant-HK", "Chinese,Yue"),
        ("zh-HK", "Chinese,Yue"),
        ("zh", "Chinese"),
        ("zh_CN", "Chinese"),
        ("zh-Hans-CN", "Chinese"),
        ("Mandarin", "Chinese"),
        (" ENGLISH ", "English"),
        ("en-US", "English"),
        ("pt-BR", "Portuguese"),
        ("es-419", "Spanish"),
        ("Bokmål", "Norwegian"),
        ("no", "Norwegian"),
        ("nn-NO", "Nynorsk"),
        ("tl", "Filipino"),
        ("fil", "Filipino"),
        ("iw", "Hebrew"),
        ("Farsi", "Persian"),
    ],
)
def test_lookup_is_tolerant(said: str, meant: str) -> None:
    assert lookup(said, "v2").name == meant


@pytest.mark.parametrize(
    "name", ["", "Klingon", "xx", "zh-wuu", "English please", "auto", "\ud800"]
)
def test_lookup_refuses_what_it_does_not_know(name: str) -> None:
    with pytest.raises(InvalidParameter, match="is not known; v1 has auto, Chinese, Chinese,Yue"):
        lookup(name, "v1")


def test_lookup_names_the_version_that_has_the_language() -> None:
    with pytest.raises(InvalidParameter, match=r"^language Swedish needs soundVersion v2; v1 has"):
        lookup("sv", "v1")


@given(st.text(max_size=200))
def test_lookup_raises_nothing_else(name: str) -> None:
    with suppress(InvalidParameter):
        assert lookup(name, "v2").name in LANGUAGES


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("", "English"),
        ("12:30, <#1.5#> 😀", "English"),
        ("Hi", "English"),
        ("Hello", "English"),
        ("Test", "English"),
        ("OK", "English"),
        ("A short preview sentence for voice cloning.", "English"),
        ("Buenos días", "Spanish"),
        ("Bonjour", "French"),
        ("Dzień dobry", "Polish"),
        ("Ｈｅｌｌｏ, this is wide English text.", "English"),
        ("用 Photoshop 修图", "Chinese"),
        ("唔該", "Chinese,Yue"),
        ("我哋今日去邊度食飯？", "Chinese,Yue"),
        ("我們今天去哪裡吃飯？關係很好。", "Chinese"),
        ("她在日记里写下了「の」这个字，然后合上了本子，关灯睡觉。", "Chinese"),
        ("東京都知事選挙の結果", "Japanese"),
        ("ありがとう", "Japanese"),
        ("오늘 iPhone 을 샀어요", "Korean"),
        ("Сегодня хорошая погода, мы идём гулять.", "Russian"),
        ("Сьогодні гарна погода, ми йдемо гуляти.", "Ukrainian"),
        ("Днес времето е хубаво и отиваме на разходка.", "Bulgarian"),
        ("امروز هوا خوب است و به گردش می‌رویم.", "Persian"),
        ("الطقس جميل اليوم وسنذهب في نزهة.", "Arabic"),
        ("Været er fint i dag, så vi går en tur i skogen.", "Norwegian"),
        ("Vejret er godt i dag, så vi går en tur i skoven.", "Danish"),
        ("Vêret er fint i dag, så vi går ein tur i skogen.", "Nynorsk"),
        ("Saya tidak tahu kerana awak tidak datang.", "Malay"),
        ("Saya tidak tahu karena kamu tidak datang.", "Indonesian"),
        ("Dnes je hezky", "Czech"),
        ("Dnes je pekne", "Slovak"),
        ("Спасибо за помощь", "Russian"),
        ("Guten Morgen, wie geht es Ihnen heute?", "German"),
        ("Goedemorgen, hoe gaat het vandaag met u?", "Dutch"),
        ("Buongiorno a tutti, come state oggi?", "Italian"),
        ("Bom dia a todos, como vocês estão hoje?", "Portuguese"),
    ],
)
def test_detect(text: str, name: str) -> None:
    assert detect(text, "v2").name == name


def test_detect_keeps_to_the_languages_of_the_version() -> None:
    assert detect(LANGUAGES["Persian"].preview, "v1").name == "Arabic"
    assert detect(LANGUAGES["Bulgarian"].preview, "v1").within("v1")
    for find in (candidates, detect):
        with pytest.raises(
            InvalidParameter, match="letters of Hebrew, which needs soundVersion v2"
        ):
            find("שלום לכולם", "v1")
        with pytest.raises(InvalidParameter, match="letters of no language that can be spoken"):
            find("გამარჯობა", "v2")


@given(st.text(max_size=200), st.sampled_from(["v1", "v2"]))
def test_detect_is_total_and_repeatable(text: str, version: str) -> None:
    try:
        language = detect(text, version)
    except InvalidParameter:
        return
    assert language.within(version)
    assert language in candidates(text, version)
    assert detect(text, version) == language


@pytest.mark.parametrize("name", LANGUAGES)
def test_sentences_of_one_language_stay_in_it(name: str) -> None:
    whole = LANGUAGES[name]
    sentences = [sentence.text for sentence in parse(whole.preview).sentences]
    assert detect_each(sentences, "v2", whole) == [whole] * len(sentences)


@pytest.mark.parametrize(
    ("whole", "sentence", "name"),
    [
        ("English", "Guten Morgen, wie geht es Ihnen heute, und was machen Sie?", "German"),
        ("German", "Good morning, and thank you very much for waiting for us.", "English"),
        ("Russian", "Thank you for everything.", "English"),
        ("Chinese", "ありがとうございます。", "Japanese"),
        ("Chinese", "Thank you.", "English"),
        ("Japanese", "東京都知事選挙。", "Japanese"),
        ("Chinese,Yue", "好。", "Chinese,Yue"),
        ("Russian", "Дякую їй за це.", "Ukrainian"),
        ("Persian", "12:30, 😀", "Persian"),
        ("Norwegian", "Ja.", "Norwegian"),
        ("Spanish", "OK, Google.", "Spanish"),
        ("English", "გამარჯობა", "English"),
        ("English", "", "English"),
    ],
)
def test_a_sentence_in_another_language(whole: str, sentence: str, name: str) -> None:
    assert detect_each([sentence], "v2", LANGUAGES[whole])[0].name == name


@given(st.lists(st.text(max_size=60), max_size=4), st.sampled_from(["v1", "v2"]))
def test_each_sentence_has_a_language_of_the_version(sentences: list[str], version: str) -> None:
    found = detect_each(sentences, version, LANGUAGES["English"])
    assert len(found) == len(sentences)
    assert all(language.within(version) for language in found)


def test_detect_from_several_threads() -> None:
    languages = [*LANGUAGES.values()] * 5
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda each: detect(each.preview, "v2"), languages)) == languages


def test_import_loads_no_classifier() -> None:
    code = (
        "import sys, soundclone.text.languages, soundclone.text.script\n"
        "sys.exit(bool({'numpy', 'py3langid'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=300).returncode == 0
