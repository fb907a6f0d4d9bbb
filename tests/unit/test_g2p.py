"""Readings of words and numbers, and their places in the text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soundclone.engines.builtin.ipa import standard
from soundclone.text import languages
from soundclone.text.g2p import arabic, hebrew, mandarin, read
from soundclone.text.g2p.filipino import spoken_number as spoken_filipino
from soundclone.text.g2p.japanese_numbers import spoken_number, with_counter
from soundclone.text.g2p.thai import spoken_number as spoken_thai

WITH_FRONT_END = [
    language.name for language in languages.LANGUAGES.values() if language.speech.front_end
]


def told(text: str, language: str) -> str:
    return " ".join(read(text, language).text.split())


def words(text: str, language: str) -> list[str]:
    spans = read(text, language).words
    assert spans is not None
    return [text[offset : offset + length] for offset, length in spans]


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("今日は東京へ行きます", "キョーワ トーキョーエ イキマス"),
        ("母は花が好きです", "ハハワ ハナガ スキデス"),
        ("これは短い録音から作られた", "コレワ ミジカイ ロクオンカラ ツクラレタ"),
        ("この方は彼の方へ歩いた", "コノ カタワ カレノ ホーエ アルイタ"),
        ("人々と大人と子供たち", "ヒトビトト オトナト コドモタチ"),
        ("日本語を勉強しています", "ニホンゴヲ ベンキョーシテイマス"),
        ("それは何ですか、何が好き", "ソレワ ナンデスカ 、ナニガ スキ"),
        ("庭には二羽鶏がいる", "ニワニワ ニワ ニワトリガ イル"),
        ("東京都港区六本木", "トーキョート ミナトク ロッポンギ"),
        ("七夕の眼鏡と時計", "タナバタノ メガネト トケイ"),
        ("とても美味しい", "トテモ オイシイ"),
        ("憂鬱な鬱", "ユーウツナ ウツ"),
        ("１月１日に三本のビール", "イチガツ ツイタチニ サンボンノ ビール"),
        ("一人で五百円を払った", "ヒトリデ ゴヒャクエンヲ ハラッタ"),
        ("12:30に出る", "ジューニジ サンジュップンニ デル"),
        ("0120-444へ", "ゼロイチニゼロ ヨンヨンヨンエ"),
        ("二〇二四年は10%", "ニセンニジューヨネンワ ジュッパーセント"),
        ("何月何日に何本", "ナンガツ ナンニチニ ナンボン"),
        ("雨が降りそうだ", "アメガ フリソーダ"),
        ("駅で降りましょう", "エキデ オリマショー"),
        ("新しいiPhoneを買う", "アタラシイ iPhoneヲ カウ"),
    ],
)  # fmt: skip
def test_japanese(text: str, spoken: str) -> None:
    assert told(text, "Japanese") == spoken


@pytest.mark.parametrize(
    ("digits", "spoken"),
    [
        ("0", "ゼロ"),
        ("300", "サンビャク"),
        ("1600", "センロッピャク"),
        ("8888", "ハッセンハッピャクハチジューハチ"),
        ("10000", "イチマン"),
        ("120000000", "イチオクニセンマン"),
        ("1000000000000", "イッチョー"),
        ("1.5", "イッテンゴ"),
        ("007", "ゼロゼロナナ"),
        ("1" * 17, "イチ" * 17),
    ],
)
def test_japanese_numbers(digits: str, spoken: str) -> None:
    assert spoken_number(digits) == spoken


@pytest.mark.parametrize(
    ("digits", "following", "spoken"),
    [
        ("1", "本", "イッポン"),
        ("3", "本", "サンボン"),
        ("10", "分", "ジュップン"),
        ("3", "分", "サンプン"),
        ("4", "分", "ヨンプン"),
        ("6", "匹", "ロッピキ"),
        ("3", "階", "サンガイ"),
        ("8", "歳", "ハッサイ"),
        ("20", "歳", "ハタチ"),
        ("2", "人", "フタリ"),
        ("4", "時", "ヨジ"),
        ("9", "月", "クガツ"),
        ("20", "日", "ハツカ"),
        ("1", "日", "イチニチ"),
        ("5", "km走る", "ゴキロ"),
        ("5", "kmh", ""),
        ("5", "犬", ""),
    ],
)
def test_japanese_counters(digits: str, following: str, spoken: str) -> None:
    assert with_counter(digits, following)[1] == spoken


def test_japanese_words_are_phrases() -> None:
    assert words("今日は、iPhoneを3本買った。", "Japanese") == [
        "今日は",
        "iPhoneを",
        "3本",
        "買った",
    ]


@pytest.mark.parametrize(
    ("word", "phonemes"),
    [
        # The five tones on every class of consonant.
        ("มา", "ma:3"), ("ม่า", "ma:5"), ("ม้า", "ma:4"), ("หมา", "ma:1"), ("ใหม่", "ma2j"),
        ("กา", "ka:3"), ("ก่า", "ka:2"), ("ก้า", "ka:5"), ("ก๊า", "ka:4"), ("ก๋า", "ka:1"),
        ("ขา", "k_ha:1"), ("ข่า", "k_ha:2"), ("ข้า", "k_ha:5"), ("ขาด", "k_ha:2t"),
        ("ปะ", "pa2"), ("มาก", "ma:5k"), ("รัก", "*a4k"), ("นก", "no4k"), ("ลูก", "lu:5k"),
        # Vowels around their consonant, and those that are not written.
        ("เธอ", "t_h@:3"), ("เลย", "l@:3j"), ("เกิด", "k@:2t"), ("เสีย", "si@1"), ("เสื้อ", "sW@5"),
        ("บัว", "bu@3"), ("สวน", "su@1n"), ("ด้วย", "du@5j"), ("โต๊ะ", "to4"), ("และ", "lE4"),
        ("เคาะ", "k_hO4"), ("แก้ว", "kE:5w"), ("เข็น", "k_he1n"), ("คน", "k_ho3n"),
        ("พร", "p_hO:3n"),
        ("ธรรม", "t_ha3m"), ("พรรค", "p_ha4k"), ("ไทย", "t_ha3j"), ("คำ", "k_ha3m"),
        # Clusters, silent letters, leading consonants.
        ("กรุง", "k*u3N"), ("ความ", "k_hwa:3m"), ("ทราย", "sa:3j"), ("จริง", "tS;i3N"),
        ("สร้าง", "sa:5N"), ("หญิง", "ji1N"), ("อยู่", "ju:2"), ("อยาก", "ja:2k"),
        ("ศูนย์", "su:1n"), ("จันทร์", "tS;a3n"), ("สัตว์", "sa2t"), ("ถนน", "t_ha2|no1n"),
        ("ตลาด", "ta2|la:2t"), ("สนุก", "sa2|nu2k"), ("ขนม", "k_ha2|no1m"), ("อร่อย", "?a2|*O:2j"),
        # Words that the rules do not tell.
        ("น้ำ", "na:4m"), ("ได้", "da:5j"), ("ไหม", "ma4j"), ("ก็", "kO5"), ("เพชร", "p_he4t"),
        ("สวัสดี", "sa2|wa2t|di:3"), ("ประเทศ", "p*a2|t_he:5t"), ("ศุกร์", "su2k"),
        ("ประวัติศาสตร์", "p*a2|wa2t|ti2|sa:2t"), ("พฤหัสบดี", "p_ha4|*W4|ha2t|sa2|bO:3|di:3"),
    ],
)  # fmt: skip
def test_thai_words(word: str, phonemes: str) -> None:
    assert told(word, "Thai") == phonemes


def test_thai_sentences_are_cut_into_words() -> None:
    text = "ผมไม่รู้ว่าเขาจะไปกรุงเทพมหานครเมื่อไหร่"
    assert words(text, "Thai") == "ผม ไม่ รู้ ว่า เขา จะ ไป กรุงเทพมหานคร เมื่อไหร่".split()
    assert told("พ.ศ.", "Thai") == "p_hO:3.sO:1."
    assert words("เด็ก ๆ 25 คน ใช้Photoshop", "Thai") == ["เด็ก", "ๆ", "25", "คน", "ใช้", "Photoshop"]


@pytest.mark.parametrize(
    ("digits", "said"),
    [
        ("21", "ยี่สิบเอ็ด"),
        ("๑๐๑", "หนึ่งร้อยเอ็ด"),
        ("1,000,000", "หนึ่งล้าน"),
        ("3.14", "สามจุดหนึ่งสี่"),
        ("007", "ศูนย์ศูนย์เจ็ด"),
    ],
)
def test_thai_numbers(digits: str, said: str) -> None:
    assert spoken_thai(digits) == said


def pinyin(text: str) -> str:
    return " ".join("".join(said) for run in [text] for _, said in mandarin._words(run))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        # Characters with several readings
        ("我在银行行走", "wo3 zai4 yin2hang2 xing2zou3"),
        ("长大了很长", "zhang3da4 le5 hen3 chang2"),
        ("我得去跑得快", "wo3 dei3 qu4 pao3 de5 kuai4"),
        ("慢慢地走", "man4 man4 de5 zou3"),
        ("这块地", "zhe4 kuai4 di4"),
        ("了解为了", "liao3jie3 wei4le5"),
        ("吃不了", "chi1bu5liao3"),
        ("重庆很重要", "chong2qing4 hen3 zhong4yao4"),
        ("音乐快乐", "yin1yue4 kuai4le4"),
        ("还有还书", "hai2you3 huan2shu1"),
        ("都是首都", "dou1 shi4 shou3du1"),
        ("会计会议", "kuai4ji4 hui4yi4"),
        ("便宜方便", "pian2yi5 fang1bian4"),
        ("睡觉觉得", "shui4jiao4 jue2de5"),
        ("头发出发", "tou2fa5 chu1fa1"),
        ("大夫的角色", "dai4fu5 de5 jue2se4"),
        ("一只狗", "yi4zhi1 gou3"),
        # The tones of 一 and 不
        ("一个不是", "yi2ge4 bu2shi4"),
        ("一千不好", "yi4 qian1 bu4hao3"),
        ("第一", "di4 yi1"),
        ("二十一", "er4 shi2 yi1"),
        ("试一试", "shi4yi5shi4"),
        ("去不去", "qu4 bu5 qu4"),
        ("一月", "yi1yue4"),
        # The neutral tone
        ("朋友知道东西", "peng2you5 zhi1dao5 dong1xi5"),
    ],
)
def test_mandarin(text: str, said: str) -> None:
    assert pinyin(text) == said


@pytest.mark.parametrize(
    ("syllable", "told"),
    [
        ("hao3", "X'Au214"), ("qiong2", "tS;hj'ong35"), ("xue2", "S;'yE35"), ("yuan2", "j'y&35n"),
        ("shi4", "s.'i.51"), ("zi5", "ts'i[11"), ("nü3", "n'y214"), ("le5", "l'@11"), ("xx1", ""),
    ],
)  # fmt: skip
def test_pinyin_to_phonemes(syllable: str, told: str) -> None:
    assert mandarin.phonemes(syllable) == told


def test_mandarin_years_and_shares() -> None:
    pieces = read("2024年25%，300", "Chinese").pieces
    said = [piece.text for piece in pieces]
    assert said[0] == "'@r51_| l'i35N_| '@r51_| s'i[51_|"
    assert said[2:] == ["pai214|f@55n|ts.'i.55_|", "25", "，300"]


def test_every_syllable_of_pinyin_has_phonemes() -> None:
    from pypinyin import Style, lazy_pinyin

    characters = "".join(map(chr, range(0x4E00, 0x9FA6)))
    row = lazy_pinyin(characters, style=Style.TONE3, neutral_tone_with_five=True)
    assert not {
        syllable for syllable in row if syllable[0].isascii() and not mandarin.phonemes(syllable)
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("銀行行路", "ngan4hong4haang4lou6"),
        ("長大好長", "zoeng2daai6hou2coeng4"),
        ("覺得睡覺", "gok3dak1seoi6gaau3"),
        ("重要", "zung6jiu3"),
        ("唔該五個", "m-4_|goi1ng5_|go3"),
    ],
)
def test_cantonese(text: str, said: str) -> None:
    assert read(text, "Chinese,Yue").text == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("독립", "동닙"), ("같이", "가치"), ("좋다", "조타"), ("읽다", "익따"),
        ("음악을", "으마글"),
        ("꽃잎", "꼰닙"), ("한국어", "한구거"), ("신라", "실라"), ("국물", "궁물"),
        ("입니다", "임니다"),
        ("굳이", "구지"), ("축하", "추카"), ("좋아요", "조아요"), ("많이", "마니"),
        ("않는", "안는"),
        ("싫어", "시러"), ("앉아", "안자"), ("닭을", "달글"), ("값이", "갑씨"), ("없다", "업따"),
        ("종로", "종노"), ("협력", "혐녁"), ("칼날", "칼랄"), ("있습니다", "읻씀니다"),
        ("희망", "히망"),
        ("못하다", "모타다"), ("읽고", "일꼬"), ("넓다", "널따"), ("닿소", "다쏘"),
        ("닫혀", "다처"),
        ("맏형", "마텽"), ("놓는", "논는"), ("12시 3개", "열두 시 세 개"),
        ("20살 21명", "스무 살 스물한 명"),
        ("3개월 2.5시", "3개월 2.5시"),
    ],
)  # fmt: skip
def test_korean(written: str, said: str) -> None:
    assert read(written, "Korean").text == said


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("ng", "n'aN"), ("mga", "maN'a"), ("ngayon", "Naj'on"), ("salamat", "sal'amat"),
        ("maganda", "magand'a"), ("bagong", "bag'oN"), ("siya", "S'a"), ("diyan", "dZ'an"),
        ("kuwento", "kw'Ento"), ("buwan", "bw'an"), ("oo", "?'o?o"), ("mag-aral", "mag?'a*al"),
        ("piña", "p'inja"), ("kabayó", "kabaj'o"), ("Makikinig", "makik'inig"),
        ("15", "labinl'ima"),
    ],
)  # fmt: skip
def test_filipino(word: str, told: str) -> None:
    assert read(word, "Filipino").text.replace("|", "") == told


def test_filipino_leaves_english_words_to_english() -> None:
    voices = [piece.voice for piece in read("shopping sa Makati Church", "Filipino").pieces]
    assert voices == ["en", "", "phonemes", "", "phonemes", "", "en"]


@pytest.mark.parametrize(
    ("digits", "said"),
    [
        ("0", "sero"),
        ("25", "dalawampu't lima"),
        ("400", "apat na raan"),
        ("1234", "isang libo dalawang daan at tatlumpu't apat"),
        ("2,024", "dalawang libo at dalawampu't apat"),
        ("3.14", "tatlo punto isa apat"),
    ],
)
def test_filipino_numbers(digits: str, said: str) -> None:
    assert spoken_filipino(digits) == said


@pytest.mark.parametrize(
    ("language", "written", "said"),
    [
        ("Nynorsk", "Eg veit ikkje kva vener", "Eg veit ikje kva venner"),
        ("Nynorsk", "bygge og byggje", "bygge å bygje"),
        ("Norwegian", "du og meg", "du å mei"),
    ],
)
def test_norwegian(language: str, written: str, said: str) -> None:
    assert read(written, language).text == said


@pytest.mark.parametrize(
    ("word", "said"),
    [
        # Known words, alone and behind prefixes
        ("שלום", "Salom"), ("הילד", "hayéled"), ("לבית", "lebáyit"), ("והכלב", "vehakélev"),
        ("ובוקר", "ubóker"), ("שנוצר", "Senocar"), ("ישראל", "yisra'el"),
        # Pointed words
        ("שָׁלוֹם", "Salom"), ("וּבְרוּכִים", "uvruXim"), ("מֶלֶךְ", "méleX"), ("תּוֹדָה", "toda"),
        ("מִצְוָה", "micva"), ("כָּל", "kol"), ("יִשְׂרָאֵל", "yisra'el"), ("רוּחַ", "rúaX"),
        ("שֻׁלְחָן", "SulXan"), ("אֱלֹהִים", "elohim"),
        # Guesses that the spelling allows
        ("תקנון", "taknon"), ("נוספים", "nosfim"), ("לפרסם", "lefarsem"), ("לרקוד", "lirkod"),
        ("התקדמות", "hitkadmut"), ("משקפיים", "maSkafáyim"), ("ספרייה", "safriya"),
        ('צה"ל', "cahal"), ("ג'ירפה", "jirfa"),
    ],
)  # fmt: skip
def test_hebrew(word: str, said: str) -> None:
    assert hebrew.pronounced(word) == said


def test_hebrew_leaves_numbers_and_latin_words() -> None:
    told = read("שלום 25 Google!", "Hebrew")
    assert [piece.text for piece in told.pieces] == ["S|a|l|'o|m", " 25 Google!"]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        # Known words, with article, prefixes and endings
        ("هذه", "hA*ihi"), ("الشمس", "^a$$ams"), ("القمر", "^alqamar"), ("والشمس", "wa$$ams"),
        ("للناس", "linnAs"), ("بالعربية", "bilEarabiyya"), ("مدرسة", "madrasa"),
        ("مدرستها", "madrasatuhA"), ("كتابهم", "kitAbuhum"), ("الله", "^allAh"),
        # Words with marks, wholly or in part; in pause without their ending
        ("كِتَابٌ", "kitAb"), ("المَدْرَسَةُ", "^almadrasa"), ("وَالشَّمْسِ", "wa$$ams"), ("الصَّوْتِ", "^aSSawt"),
        ("طَيِّبٌ", "Tayyib"), ("شُكْرًا", "$ukran"), ("لِلنَّاسِ", "linnAs"), ("قَالُوا", "qAlU"),
        ("رَسُولٌ", "rasUl"), ("عَلَى", "EalA"), ("مرحبًا", "marHaban"), ("عيّنة", "Eayyina"),
        # Patterns
        ("مطبوع", "maTbUE"), ("تنظيف", "tanZIf"), ("اكتشاف", "^ikti$Af"),
        ("انتخابات", "^intixAbAt"),
        ("المهندس", "^almuhandis"), ("محاولة", "muHAwala"), ("يستخدم", "yastaxdim"),
        ("سينتهي", "sayantahI"), ("لاعب", "lAEib"),
    ],
)  # fmt: skip
def test_arabic(word: str, said: str) -> None:
    assert arabic.pronounced(word) == said


def test_arabic_articles_lose_their_vowel_after_another() -> None:
    assert read("في البيت", "Arabic").text == "f|'i: l|b|'a|j|t"
    assert read("البيت", "Arabic").text == "?|a|l|b|'a|j|t"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("کتاب من روی میز است", "کتابِ من روی میز است"),
        ("خانه ما بزرگ است", "خانه\u200cی ما بزرگ است"),
        ("زبان فارسی", "زبانِ فارسی"),
        ("یک ضبط کوتاه", "یک ضبطِ کوتاه"),
        ("کتاب خوب است", "کتاب خوب است"),
        ("خانه بزرگ است", "خانه بزرگ است"),
        ("امروز من رفتم", "امروز من رفتم"),
        ("سلام، من", "سلام، من"),
        ("كتاب علي", "کتاب علی"),
    ],
)
def test_persian_ezafe(written: str, told: str) -> None:
    assert read(written, "Persian").text == told


SCRIPTS = st.text(
    st.sampled_from(
        "今日は東京へ一二三日ァーッ銀行不是一個得了長สวัดีเกาไ็่้์ๆ๑الشمسةّىיתשלוםוּסלםی‌ه한국꽃잎"
        "நண்हि्aZé9 .,:-'[]()、。！\u0301\u064b\u05b8😀龘ﾊ々〆"
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(SCRIPTS, st.sampled_from(WITH_FRONT_END))
def test_places_are_in_the_text_and_in_order(text: str, language: str) -> None:
    reading = read(text, language)
    for piece in reading.pieces:
        assert 0 <= piece.offset <= len(text)
        assert piece.text
    offsets = [piece.offset for piece in reading.pieces]
    assert offsets == sorted(offsets)
    end = 0
    for offset, length in reading.words or ():
        assert offset >= end
        assert length > 0
        assert text[offset : offset + length].strip()
        end = offset + length
    assert end <= len(text)
    for position in range(len(reading.text)):
        assert 0 <= reading.origin(position, text) <= len(text)


@pytest.mark.parametrize("language", WITH_FRONT_END)
@pytest.mark.parametrize(
    "text",
    ["", " ", "\u0301" * 400, "ー" * 400, "๊" * 400, "あ" * 400, "一" * 400, "9" * 400, "[[" * 200],
)
def test_hostile_texts_are_read(language: str, text: str) -> None:
    assert isinstance(read(text, language).text, str)


@pytest.mark.parametrize("language", sorted(languages.LANGUAGES))
def test_latin_words_and_digits_are_kept_or_read(language: str) -> None:
    line = languages.LANGUAGES[language].preview
    assert read(line + " OK 12", language).text.strip()


@pytest.mark.parametrize(
    ("language", "symbols", "ipa"),
    [
        ("Chinese", ["tɕh", "j", "ˈonɡ", ""], ["tɕʰ", "j", "ˈʊŋ", ""]),
        ("Chinese,Yue", ["k", "ˈo", "k", ""], ["kʰ", "ˈɔː", "k", ""]),
        ("Thai", ["p_h", "a", "(en)"], ["pʰ", "a", "(en)"]),
        ("Korean", ["q", "ˈɐ"], ["k", "ˈɐ"]),
        ("English", ["ˈoʊ", ""], ["ˈoʊ", ""]),
    ],
)
def test_ipa(language: str, symbols: list[str], ipa: list[str]) -> None:
    assert list(standard(symbols, language)) == ipa
