from __future__ import annotations

import sys
import unicodedata
from contextlib import suppress
from decimal import Decimal
from itertools import pairwise
from types import FrameType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from soundclone.errors import InvalidParameter
from soundclone.text.cleaning import clean
from soundclone.text.languages import LANGUAGES
from soundclone.text.script import (
    MAX_PAUSES,
    Pause,
    Script,
    Sentence,
    billable,
    check,
    chunks,
    parse,
)
from soundclone.text.splitting import split


def sentences(text: str) -> list[str]:
    return [sentence.text for sentence in parse(text).sentences]


def spoken(text: str) -> str:
    return "".join(c for c in text if unicodedata.category(c)[0] in "LN")


# Pause markers


def test_pauses_between_within_and_around_words() -> None:
    script = parse("<#1#>Hello<#0.01#><#99.99#> wor<#2.50#>ld.<#05#>")
    assert script == Script(
        (
            Pause(Decimal("1")),
            Sentence("Hello", 5),
            Pause(Decimal("0.01")),
            Pause(Decimal("99.99")),
            Sentence("wor", 28),
            Pause(Decimal("2.50")),
            Sentence("ld.", 39),
            Pause(Decimal("5")),
        )
    )


@pytest.mark.parametrize(
    "marker",
    [
        "<##>", "<#0#>", "<#0.00#>", "<#0.001#>", "<#100#>", "<#99.999#>", "<#-1#>", "<#+1#>",
        "<#1e1#>", "<# 1#>", "<#1 #>", "<#1,5#>", "<#.5#>", "<#1.#>", "<#１#>", "<#٣#>", "<#x#>",
        "<#1.5>", "<#1.5", "<#1s#>", "<#\u200b1#>",
    ],
)  # fmt: skip
def test_a_malformed_marker_is_named_with_its_place(marker: str) -> None:
    text = f"One <#1#> two {marker} three"
    for refuse in (parse, billable, lambda text: check(text, 100)):
        with pytest.raises(InvalidParameter) as raised:
            refuse(text)
        assert f"{marker[:20]!r}"[1:-1] in str(raised.value)
        assert "at character 15 is malformed; it must be <#x#>" in str(raised.value)


@pytest.mark.parametrize(
    "text", ["<# and #", "I <#love> it", "a <# b\nc #>", "<#>", "< #1# >", "<"]
)
def test_what_does_not_look_like_a_marker_is_text(text: str) -> None:
    assert billable(text) == len(text)


def test_the_innermost_marker_counts() -> None:
    assert parse("<#<#1#>a").pieces == (Pause(Decimal(1)), Sentence("a", 7))


# Counting and checking


def test_billing_counts_code_points_without_markers() -> None:
    assert billable("") == 0
    assert billable("a<#1.5#>b<#2#>") == 2
    assert billable("👍🏽 e\u0301\r\n") == 7


def test_exactly_the_limit_is_accepted() -> None:
    assert check("é" * 270 + "<#1#>", 270) == 270
    with pytest.raises(
        InvalidParameter, match=r"^the text has 271 characters; at most 270 are allowed$"
    ):
        check("é" * 271, 270)


@pytest.mark.parametrize(
    "text",
    [
        " ",
        "\n\t",
        "...?!",
        "<#1#>",
        "😀 👨\u200d👩",
        "\x07\u200b\ufeff",
        "\u0301",
        "。！",
        "%",
        "ー",
        "ๆ",
    ],
)
def test_nothing_to_speak(text: str) -> None:
    with pytest.raises(InvalidParameter, match="nothing to speak"):
        check(text, 100)


@pytest.mark.parametrize("text", ["a", "7", "好", "ก", "½", "<#1#>א<#1#>"])
def test_something_to_speak(text: str) -> None:
    assert check(text, 100) == billable(text)


def test_text_that_no_one_can_keep() -> None:
    with pytest.raises(InvalidParameter, match=r"^the text is empty"):
        check("", 100)
    with pytest.raises(InvalidParameter, match="surrogate pair at character 3;"):
        check("ab\ud83d", 100)
    with pytest.raises(InvalidParameter, match="NUL character at character 2;"):
        check("a\0", 100)


def test_pauses_have_a_sum() -> None:
    text = "a" * MAX_PAUSES
    assert check(text + "<#60#>" * (MAX_PAUSES // 60), MAX_PAUSES) == MAX_PAUSES
    with pytest.raises(InvalidParameter, match=r"^the pauses of the text last 3600\.01 s;"):
        check(text + "<#0.01#>" + "<#60#>" * (MAX_PAUSES // 60), MAX_PAUSES)


# Cleaning


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("  a\t\u00a0b \r\n c\r\r\nd  ", "a b\nc\nd"),
        ("a\x00b\x1bc\x7fd", "a b c d"),
        ("wo\u200brd\ufeff co\u00adop\u2060", "word coop"),
        ("\u202eevil\u202c \u2066x\u2069\u200f", "evil x"),
        ("می\u200cدهید \u200c", "می\u200cدهید"),
        ("क्\u200dष", "क्\u200dष"),
        ("a\u200db", "ab"),
        ("e\u0301 \u1112\u1161\u11ab", "é 한"),
        ("Ｈｉ１ ﬁn ｶﾞ 𝗕𝗼𝗹𝗱 ﻼ", "Hi1 fin ガ Bold لا"),
        ("１º 2² ½ …", "1º 2² ½ …"),
        ("a" + "\u0301\u0323" * 5000, "ạ\u0323\u0301\u0301"),
        ("❤\ufe0f\ue000\U000e0041", "❤"),
        ("a\u2028b\u2029c\x85d", "a\nb\nc\nd"),
    ],
)
def test_clean(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_a_line_that_was_only_full_goes_on() -> None:
    wrapped = "A message that some program has broken at\nabout the seventieth column."
    assert clean(wrapped) == wrapped.replace("\n", " ")
    assert clean("milk\neggs") == "milk\neggs"


@given(st.text())
def test_clean_is_idempotent(text: str) -> None:
    assert clean(clean(text)) == clean(text)


# Sentences


@pytest.mark.parametrize(
    "whole",
    [
        "Dr. Smith paid $3.14 on Jan. 5, e.g. in No. 7 of the U.S. bank.",
        "J. S. Bach visited example.org at 5 p.m. yesterday.",
        '"Really?" she asked.',
        "Well... perhaps not.",
        "Am 3. Oktober kam Ludwig XIV. nach z. B. Trier, d.h. fast.",
        "« Vraiment ? » dit-elle.",
        "他说：“你好。”然后走了。",
        "「はい。」と言った。",
        "П. И. Чайковский родился в 1840 г. в Воткинске.",
        "ดร.สมชาย เกิด พ.ศ. 2500",
        "د. أحمد هنا.",
        "डॉ. शर्मा यहाँ हैं।",
        "Jones et al. (2019) said so.",
        "Müller usw. [3] schrieben es.",
        "Иванов и др. (2019) пишут.",
        "El Sr. Pérez y la Sra. Gómez llegaron.",
        "J.-J. Rousseau wrote.",
        "Ο Δρ. Παπαδόπουλος ήρθε.",
    ],
)
def test_one_sentence(whole: str) -> None:
    assert sentences(whole) == [whole]


@pytest.mark.parametrize(
    "several",
    [
        "The answer is no. |We go! |Why? |He left in 1990. |Then it ended.",
        "hello! |how are you? |Fine…",
        "He said “Go.” |Then (quietly.) |I went.",
        "你好！|今天好吗？|好。|走吧",
        "今日は。|「はい。」|「いいえ。」",
        "안녕하세요. |반갑습니다! |정말요?",
        "مرحبا! |كيف حالك؟ |شكرا.",
        "یہ ایک جملہ ہے۔ |دوسرا۔",
        "नमस्ते। |आप कैसे हैं? |ठीक।",
        "Τι κάνεις; |Καλά. |Εσύ;",
        "¡Hola! |¿Qué tal? |Bien.",
        "« Oui ! » |« Non. »",
        "வணக்கம்! |எப்படி இருக்கிறீர்கள்? |நன்றி.",
        "Roses are red\n|violets are blue\n\n|Sugar is sweet",
        'We have guests.\n\n|Dr. Smith asked: "Really?"',
        "List:\n|1. A passport.\n|2. A ticket.",
        'He said:\n|"Mr. Brown left."',
        "One.\n\n|J. R. Tolkien wrote.",
        "Zwei Gäste.\n|„Prof. Weiß und Fr. Grün“, sagte er.",
        "Гости.\n\n|А. С. Пушкин писал.\n|— Проф. Иванов пришёл.",
        "名单：\n|1. 护照。\n|2. 机票。",
        "قائمة:\n|1. جواز السفر.\n|د. أحمد هنا.",
        "मेहमान।\n|डॉ. शर्मा यहाँ हैं।",
        "รายการ\n|1. หนังสือเดินทาง\n|ดร. สมชาย มา",
        "We met Jones et al. |Then we left.",
        "It costs $3. |Then we left.",
    ],
)
def test_several_sentences(several: str) -> None:
    assert sentences(several.replace("|", "")) == [part.strip() for part in several.split("|")]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", "So it is.\n", "So it is.\r\n\r\n", "So it is.\t", "So:\u2028"]),
            st.sampled_from(["", '"', "(", "«", "„", "— ", "• ", "¡"]),
            st.sampled_from(
                ["Dr.", "Mrs.", "J. R.", "1.", "12.", "IV.", "Sr.", "Проф.", "А.", "Δρ."]
            ),
            st.sampled_from(["Smith left.", "Иванов пришёл.", "Παπαδόπουλος ήρθε.", "A passport."]),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_an_abbreviation_is_never_a_sentence(rows: list[tuple[str, str, str, str]]) -> None:
    text = "\n".join(before + mark + short + " " + rest for before, mark, short, rest in rows)
    found = [sentence.text for sentence in parse(text).sentences]
    for _, mark, short, rest in rows:
        assert f"{mark.strip('• ')}{' ' if mark == '— ' else ''}{short} {rest}" in " ".join(found)
        assert not {short, mark + short, mark.strip() + short} & set(found)
    assert sum(rest in sentence for sentence in set(found) for rest in {row[3] for row in rows})


def test_paragraphs_end_before_another_sentence() -> None:
    script = parse("One. Two.\r\n\r\n<#1#>Three\n...\n")
    assert [(s.text, s.paragraph_end) for s in script.sentences] == [
        ("One.", False),
        ("Two.", True),
        ("Three", False),
    ]


@pytest.mark.parametrize("name", LANGUAGES)
def test_preview_lines_keep_their_text(name: str) -> None:
    preview = LANGUAGES[name].preview
    assert " ".join(sentences(preview)).replace(" ", "") == preview.replace(" ", "")
    assert (len(sentences(preview)) == 1) == (name == "Thai")


def test_offsets_lead_to_the_original() -> None:
    text = "\u200bCafe\u0301s  are <#1#>\u202e ﬁne, \u200bhe said.\tYes."
    first, second, third = parse(text).sentences
    assert [first.text, second.text, third.text] == ["Cafés are", "fine, he said.", "Yes."]
    assert text[first.origin(first.text.index("are")) :].startswith("are <#1")
    assert text[second.offset] == "ﬁ"
    assert text[second.origin(second.text.index("he")) :].startswith("he said")
    assert text[third.origin(0) : third.origin(len(third.text))] == "Yes."


def test_long_sentences_are_split_at_the_best_place() -> None:
    clause = "one two three four five six seven eight nine ten, "
    assert [s.goes_on for s in parse(clause * 6 + "<#1#> Yes.").sentences] == [True, False, False]
    parts = sentences(clause * 6)
    assert all(part.endswith("ten,") for part in parts)
    assert all(len(part) <= 220 for part in parts)
    assert sentences("word " * 30 + "and " + "word " * 29)[1].startswith("and word")
    assert {len(part) for part in sentences("好" * 301)} == {75, 76}
    assert all(
        len(part) <= 100 for part in sentences("今天天气很好，我们出去玩。" * 3 + "好，吧" * 70)
    )
    assert [len(part) for part in sentences("a" * 440)] == [220, 220]


def test_a_split_is_never_between_a_letter_and_its_marks() -> None:
    for cluster in ("கி", "กี่", "x\u0323\u0301\u0302\u0303", "🏳🏽", "क्\u200dष"):
        for sentence in parse("a" + cluster * 400).sentences:
            assert not unicodedata.category(sentence.text[0]).startswith("M")
            assert sentence.text[0] != "\u200d"
            assert sentence.text[-1] != "\u200d"


def test_words_tell_where_to_split() -> None:
    text = "กขคง" * 10
    ranges = list(split(text, 0, 40, 15, words=range(0, 40, 4)))
    assert "".join(text[a:b] for a, b in ranges) == text
    assert all(a % 4 == 0 and b - a <= 15 for a, b in ranges)


unicode = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(
            list(".!?…。！ \n\r\t,;:\"'()«»“”-") + list("aÀzБبאก好あ한\u0301\u200d\u200c5")
        ),
    ),
    max_size=300,
).map(lambda text: text.replace("<#", "< #"))


@given(unicode)
@example("".join(language.preview + "\n" for language in LANGUAGES.values()))
def test_every_speakable_character_once_and_in_order(text: str) -> None:
    found = parse(text, limit=30, dense_limit=12).sentences
    assert spoken("".join(sentence.text for sentence in found)) == spoken(clean(text))
    for sentence in found:
        assert spoken(sentence.text) or any(c > "\U0001f2ff" for c in sentence.text)
        assert "\n" not in sentence.text
        assert sentence.text == sentence.text.strip()
        origins = [sentence.origin(index) for index in range(len(sentence.text))]
        assert origins[0] == sentence.offset
        assert all(a <= b for a, b in pairwise(origins))
        for index, origin in enumerate(origins):
            plain = sentence.text[index]
            if plain.isascii() and plain.isalnum() and text[origin].isascii():
                assert text[origin] == plain
    for before, after in pairwise(found):
        assert before.origin(len(before.text) - 1) < after.offset


@given(st.text(st.sampled_from("<#>10.9 a\n"), max_size=60))
def test_markers_never_lose_text(text: str) -> None:
    try:
        count = billable(text)
    except InvalidParameter:
        with pytest.raises(InvalidParameter):
            parse(text)
        return
    script = parse(text)
    pauses = [piece for piece in script.pieces if isinstance(piece, Pause)]
    assert count <= len(text) - 5 * len(pauses)
    assert all(Decimal("0.01") <= pause.seconds < 100 for pause in pauses)


# Chunks


def test_chunks_keep_everything_in_order() -> None:
    script = parse("A sentence of some thirty signs. <#1#>" * 40 + "Last.")
    groups = chunks(script, target=100)
    assert tuple(piece for group in groups for piece in group) == script.pieces
    sizes = [sum(len(s.text) for s in group if isinstance(s, Sentence)) for group in groups]
    assert all(64 <= size <= 100 for size in sizes[:-1])
    assert all(isinstance(group[0], Sentence) for group in groups)
    assert chunks(Script(())) == ()


def test_long_pauses_share_no_chunk() -> None:
    script = parse("One. <#99#><#99#><#99#>Two. <#0.5#>Three.")
    sizes = [len(group) for group in chunks(script, target=100)]
    assert sizes == [2, 1, 1, 3]


# Time


@pytest.mark.parametrize(
    "text",
    [
        "a" + "\u0301" * 9_999, "<#" * 5_000, "<#x" * 3_333, "a " * 5_000, "a\n" * 5_000,
        "." * 9_999 + "a", ". " * 5_000, "\"'" * 5_000, "好" * 10_000, "ก" * 10_000,
        "\u1161" * 10_000, "👨\u200d" * 5_000, "<#0.01#>a" * 3_000, ", " * 5_000, "a" * 10_000,
        " " * 9_999 + "a", "क\u200d" * 5_000, ".)" * 5_000, "\ufdfa" * 10_000, "a.b." * 2_500,
        "α;" * 5_000, ". »" * 3_333, "<#1#" * 2_500,
    ],
)  # fmt: skip
def test_work_grows_with_the_length_of_a_text(text: str) -> None:
    """A text twice as long may cost little more than twice as many calls."""
    half = _calls(text[: len(text) // 2])
    assert _calls(text) < 3 * half + 1_000


def _calls(text: str) -> int:
    """Return how many functions of Python and C are called for a text."""
    count = 0

    def called(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(called)
    try:
        for work in (lambda: check(text, 10_000), lambda: chunks(parse(text)), lambda: clean(text)):
            with suppress(InvalidParameter):
                work()
    finally:
        sys.setprofile(None)
    return count
