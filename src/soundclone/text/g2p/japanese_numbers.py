"""Japanese numbers and counters, in katakana as pronounced."""

from __future__ import annotations

_DIGITS = "ゼロ イチ ニ サン ヨン ゴ ロク ナナ ハチ キュー".split()
_HUNDREDS = {3: "サンビャク", 6: "ロッピャク", 8: "ハッピャク"}
_THOUSANDS = {3: "サンゼン", 8: "ハッセン"}
_GROUPS = ("", "マン", "オク", "チョー")
_LONGEST = 16  # digits that are read as one number

# The reading of a counter and what it does to the number before it: "k", "s", "h" and "p" double
# its consonant after 1, 6, 8, 10 as far as that is usual; "b" and "g" voice it after 3 besides.
_COUNTERS = {
    "ヶ月": "k カゲツ", "か月": "k カゲツ", "カ月": "k カゲツ", "ヵ月": "k カゲツ",
    "ケ月": "k カゲツ", "個": "k コ", "箇所": "k カショ", "か所": "k カショ", "ヶ所": "k カショ",
    "カ所": "k カショ", "回": "k カイ", "回目": "k カイメ", "階": "g カイ", "軒": "g ケン",
    "件": "k ケン", "巻": "k カン", "曲": "k キョク", "ヶ国": "k カコク", "か国": "k カコク",
    "カ国": "k カコク", "キロ": "k キロ", "km": "k キロ", "kg": "k キロ", "級": "k キュー",
    "機": "k キ", "基": "k キ", "株": "k カブ", "本": "b ホン", "匹": "b ヒキ", "杯": "b ハイ",
    "分": "p フン", "分間": "p フンカン", "泊": "p ハク", "歩": "p ホ", "発": "p ハツ",
    "票": "b ヒョー", "%": "h パーセント", "％": "h パーセント", "パーセント": "h パーセント",
    "ページ": "- ページ", "歳": "s サイ", "才": "s サイ", "冊": "s サツ", "週": "s シュー",
    "週間": "s シューカン", "週目": "s シューメ", "世紀": "s セーキ", "章": "s ショー",
    "種類": "s シュルイ", "足": "s ソク", "隻": "s セキ", "社": "s シャ", "周": "s シュー",
    "周年": "s シューネン", "センチ": "s センチ", "cm": "s センチ", "頭": "s トー", "点": "s テン",
    "通": "s ツー", "着": "s チャク", "等": "s トー", "丁目": "s チョーメ", "トン": "s トン",
    "滴": "s テキ", "月": "- ガツ", "時": "- ジ", "時間": "- ジカン", "年": "- ネン",
    "年間": "- ネンカン", "円": "- エン", "人": "- ニン", "名": "- メー", "日": "- ニチ",
    "日間": "- ニチカン", "枚": "- マイ", "台": "- ダイ", "度": "- ド", "番": "- バン",
    "番目": "- バンメ", "号": "- ゴー", "秒": "- ビョー", "倍": "- バイ", "メートル": "- メートル",
    "m": "- メートル", "グラム": "- グラム", "g": "- グラム", "ミリ": "- ミリ", "mm": "- ミリ",
    "ドル": "- ドル", "語": "- ゴ", "部": "- ブ", "位": "- イ", "代": "- ダイ",
    "年代": "- ネンダイ", "世": "- セー", "割": "- ワリ", "℃": "- ド", "万円": "- マンエン",
    "つ": "- ツ", "年生": "- ネンセー", "話": "- ワ", "問": "- モン",
}  # fmt: skip
_TO_NINE = "ヒトツ フタツ ミッツ ヨッツ イツツ ムッツ ナナツ ヤッツ ココノツ".split()
_DAYS = "フツカ ミッカ ヨッカ イツカ ムイカ ナノカ ヨーカ ココノカ トーカ".split()
_WHOLE = {
    "人": {1: "ヒトリ", 2: "フタリ"},
    "歳": {20: "ハタチ"},
    "才": {20: "ハタチ"},
    "つ": dict(enumerate(_TO_NINE, 1)),
    "日": {1: "ツイタチ", **dict(enumerate(_DAYS, 2)), 14: "ジューヨッカ", 20: "ハツカ"}
    | {24: "ニジューヨッカ"},
    "日間": {number: f"{day}カン" for number, day in enumerate(_DAYS, 2)},
}
# The last digit before some counters.
_LAST = {
    "月": {4: "シ", 7: "シチ", 9: "ク"},
    "時": {4: "ヨ", 7: "シチ", 9: "ク"},
    "時間": {4: "ヨ", 7: "シチ", 9: "ク"},
    "日": {7: "シチ", 9: "ク"},
    "年": {4: "ヨ"},
    "年間": {4: "ヨ"},
    "年生": {4: "ヨ"},
    "円": {4: "ヨ"},
    "人": {4: "ヨ"},
}
_DOUBLED = {  # endings of numbers that lose their last mora to a doubled consonant
    "k": ("イチ", "ロク", "ハチ", "ジュー", "ヒャク"),
    "s": ("イチ", "ハチ", "ジュー"),
    "h": ("イチ", "ハチ", "ジュー"),
    "p": ("イチ", "ロク", "ハチ", "ジュー", "ヒャク"),
}
_P = str.maketrans("ハヒフヘホ", "パピプペポ")
_B = str.maketrans("ハヒフヘホカケ", "バビブベボガゲ")


def spoken_number(digits: str) -> str:
    """Return ASCII digits in katakana, with or without a decimal point: "1.5" -> "イッテンゴ"."""
    whole, point, decimals = digits.partition(".")
    if len(whole) > _LONGEST or (whole.startswith("0") and len(whole) > 1):
        said = "".join(_DIGITS[int(digit)] for digit in whole)
    else:
        said = _integer(int(whole))
    if point:
        said = _doubled(said, "s") + "テン" + "".join(_DIGITS[int(digit)] for digit in decimals)
    return said


def with_counter(digits: str, following: str, dated: bool = False) -> tuple[str, str]:
    """Return the counter at the start of `following`, and number and counter as pronounced.

    Both are empty if `following` begins with no counter. Empty digits stand for 何, "how many". If
    `dated`, a month precedes, so 1日 is the first day of the month.
    """
    counter = next((following[:n] for n in range(5, 0, -1) if following[:n] in _COUNTERS), "")
    after = following[len(counter) : len(counter) + 1]
    if not counter or (counter[-1].isascii() and after.isascii() and after.isalpha()):
        return "", ""
    if not digits:
        group, reading = _COUNTERS[counter].split()
        first = reading[0].translate({"p": _P, "b": _B, "g": _B}.get(group, {}))
        return counter, "ナン" + first + reading[1:]
    if "." in digits or len(digits) > _LONGEST:
        return counter, spoken_number(digits) + _COUNTERS[counter][2:]
    number = int(digits)
    if counter == "日" and number == 1 and not dated:
        return counter, "イチニチ"
    if said := _WHOLE.get(counter, {}).get(number):
        return counter, said
    group, reading = _COUNTERS[counter].split()
    said = spoken_number(digits)
    last = number % 10
    if last in _LAST.get(counter, {}):
        said = said.removesuffix(_DIGITS[last]) + _LAST[counter][last]
    if group == "-":
        return counter, said + reading
    shape = {"g": "k", "b": "p"}.get(group, group)
    doubled = _doubled(said, shape)
    if doubled != said:
        return counter, doubled + (reading.translate(_P) if shape == "p" else reading)
    if said.endswith("サン") and group in "gb":
        return counter, said + reading[0].translate(_B) + reading[1:]
    if counter in ("分", "分間", "泊", "歩", "発") and said.endswith(("サン", "ヨン")):
        return counter, said + reading.translate(_P)
    return counter, said + reading


def _doubled(said: str, group: str) -> str:
    for ending in _DOUBLED[group]:
        if said.endswith(ending):
            return said[:-1] + "ッ"
    return said


def _integer(number: int) -> str:
    if number == 0:
        return _DIGITS[0]
    said = ""
    for power in reversed(range(len(_GROUPS))):
        group = number // 10 ** (4 * power) % 10**4
        if group:
            part = _below_ten_thousand(group)
            said += (_doubled(part, "s") if power == 3 else part) + _GROUPS[power]
    return said


def _below_ten_thousand(number: int) -> str:
    thousands, hundreds, tens, ones = (number // 10**n % 10 for n in (3, 2, 1, 0))
    said = ""
    if thousands:
        said += _THOUSANDS.get(thousands) or ("" if thousands == 1 else _DIGITS[thousands]) + "セン"
    if hundreds:
        said += _HUNDREDS.get(hundreds) or ("" if hundreds == 1 else _DIGITS[hundreds]) + "ヒャク"
    if tens:
        said += ("" if tens == 1 else _DIGITS[tens]) + "ジュー"
    return said + (_DIGITS[ones] if ones else "")
