"""Persian: write the ezafe, the -e that joins a noun to its attribute.

Persian does not write the ezafe after consonants (کتابِ من ketāb-e man). Rules add it after
prepositions that are nouns, and before pronouns and attributive adjectives (G. Lazard, A Grammar of
Contemporary Persian, 1992). espeak-ng knows the short vowels of common words. Arabic ي and ك become
the Persian letters.
"""

from __future__ import annotations

import re

from . import Piece, Reading

_WORD = re.compile(r"[\u0621-\u06ef\u200c]+")
_LETTERS = str.maketrans("يكى", "یکی")

# Nouns that are prepositions or titles: what follows describes them.
_HEADS = frozenset(
    """
    زیر کنار پشت داخل خارج بدون درباره مورد طبق توسط جهت بین میان مثل مانند غیر طول حدود دلیل عنوان
    وسیله خاطر تمام کشور شهر استان دانشگاه وزیر رئیس سازمان شرکت زبان وزارت سراسر نزد ضمن علیه بابت
    پیرامون وسط دور انواع اکثر تحت برابر خیابان میدان دریای رودخانه مجلس
    """.split()
)
_PRONOUNS = frozenset("من تو او ما شما آنها آن‌ها ایشان خود خودم خودت خودش خودمان".split())
_ADJECTIVES = frozenset(
    """
    جدید خوب بزرگ کوچک قدیمی مهم بلند کوتاه زیبا سخت آسان تازه نو گرم سرد روشن تاریک سفید سیاه سرخ
    قرمز آبی سبز زرد قوی ضعیف سریع جوان پیر اصلی اول دوم سوم آخر بعد قبل گذشته آینده جاری فارسی
    ایرانی اسلامی جهانی ملی سیاسی اقتصادی اجتماعی فرهنگی علمی انگلیسی عربی خارجی داخلی عمومی خصوصی
    عالی بد دیگر زیادی فراوان مختلف متحده شمالی جنوبی شرقی غربی انسانی طبیعی مصنوعی قشنگ شاد غمگین
    """.split()
)
_COPULAS = frozenset(
    """
    است هست هستم هستی هستند هستیم نیست نیستند بود بودند نبود باشد شد شدند می‌شود خواهد کرد کردن
    """.split()
)
# After these no ezafe can stand.
_CLOSED = frozenset(
    """
    و که از به با در را تا اگر ولی اما هم یا نیز این آن چه هر یک دو سه چند همه هیچ بر برای چون پس
    امروز دیروز فردا دیشب امشب حالا اکنون الان شاید وقتی زیرا چرا کجا کی بله نه خیلی بسیار فقط همین
    همان من تو او ما شما آنها است هست بود شد کرد گفت دارد داشت روی بالای جلوی سلام می نمی
    """.split()
)
_VERBAL = re.compile("^ن?می|(?:ند|یم|ید|است)$")


def read(text: str) -> Reading:
    """Return the text with an ezafe wherever one is pronounced."""
    pieces: list[Piece] = []
    matches = list(_WORD.finditer(text))
    words = [match[0].translate(_LETTERS).strip("\u200c") for match in matches]
    end = 0
    for n, match in enumerate(matches):
        if end < match.start():
            pieces.append(Piece(text[end : match.start()], end))
        end = match.end()
        after = matches[n + 1] if n + 1 < len(matches) else None
        told = match[0].translate(_LETTERS)
        if after and text[end : after.start()] == " " and _joins(words, n):
            told = _with_ezafe(told)
        pieces.append(Piece(told, match.start()))
    if end < len(text):
        pieces.append(Piece(text[end:], end))
    return Reading(tuple(pieces))


def _joins(words: list[str], n: int) -> bool:
    word, after = words[n], words[n + 1]
    later = words[n + 2] if n + 2 < len(words) else ""
    if word in _CLOSED or _VERBAL.search(word) or after in _CLOSED - _PRONOUNS or len(word) < 2:
        return False
    if word[-1] in "\u064e\u0650\u064f" or (word in _ADJECTIVES and after not in _PRONOUNS):
        return False
    if word in _HEADS or after in _PRONOUNS:
        return True
    return after in _ADJECTIVES and later not in _COPULAS


def _with_ezafe(word: str) -> str:
    if word.endswith("ه"):
        return word + "\u200cی"
    return word + ("ی" if word[-1] in "او" else "" if word.endswith("ی") else "\u0650")
