"""Writer of `text/cldr/*.xz`, the facts of CLDR 48 that speaking the languages needs.

CLDR is the Unicode Common Locale Data Repository.

    uv pip install babel
    npm pack cldr-annotations-full cldr-annotations-derived-full   # and unpack both
    python training/cldr.py cldr-annotations-full cldr-annotations-derived-full [CODE ...]

Without codes it writes the files of all languages that have a file in `text/languages`.

A file is JSON in LZMA: `decimal` and `group` (the separators of numbers), `plural` (the rules, by
category), `months`, `date` (the long pattern), `order` (of day, month, year in numbers), `units`
(by symbol, the written forms by plural category), `money` (the same by ISO 4217 code), `pattern`
(of an amount and its currency), and `names` of emoji and symbols.
"""

from __future__ import annotations

import json
import lzma
import re
import sys
import unicodedata
from pathlib import Path

from babel import Locale

TEXT = Path(__file__).parents[1] / "src/soundclone/text"
TARGET = TEXT / "cldr"
UNITS = {
    "km": "length-kilometer", "m": "length-meter", "cm": "length-centimeter",
    "mm": "length-millimeter", "mi": "length-mile", "ft": "length-foot", "kg": "mass-kilogram",
    "g": "mass-gram", "mg": "mass-milligram", "lb": "mass-pound", "oz": "mass-ounce",
    "t": "mass-tonne", "l": "volume-liter", "ml": "volume-milliliter", "cl": "volume-centiliter",
    "°C": "temperature-celsius", "°F": "temperature-fahrenheit", "°": "angle-degree",
    "km/h": "speed-kilometer-per-hour", "m/s": "speed-meter-per-second",
    "mph": "speed-mile-per-hour", "kB": "digital-kilobyte", "MB": "digital-megabyte",
    "GB": "digital-gigabyte", "TB": "digital-terabyte", "W": "power-watt", "kW": "power-kilowatt",
    "MW": "power-megawatt", "kWh": "energy-kilowatt-hour", "kcal": "energy-kilocalorie",
    "V": "electric-volt", "Hz": "frequency-hertz", "kHz": "frequency-kilohertz",
    "MHz": "frequency-megahertz", "GHz": "frequency-gigahertz", "m²": "area-square-meter",
    "km²": "area-square-kilometer", "cm²": "area-square-centimeter", "m³": "volume-cubic-meter",
    "ha": "area-hectare", "h": "duration-hour", "min": "duration-minute", "s": "duration-second",
    "ms": "duration-millisecond", "%": "concentr-percent",
}  # fmt: skip
MONEY = (
    "USD EUR GBP JPY CNY HKD TWD KRW INR RUB UAH PLN CZK CHF SEK NOK DKK TRY BRL THB VND ILS "
    "IDR MYR PHP HUF RON BGN MXN CAD AUD NZD ZAR SAR AED EGP IRR SGD BTC"
).split()
JOINERS = dict.fromkeys(map(ord, "\u200d\ufe0e\ufe0f"))
TONES = re.compile("[\U0001f3fb-\U0001f3ff]")
ASCII = re.compile("[\0-\x7f]")
SIGNS = ("So", "Sm")  # punctuation and letters are read as such, currencies with amounts


def main(full: Path, derived: Path, codes: list[str]) -> None:
    TARGET.mkdir(exist_ok=True)
    for code in codes or sorted(path.stem for path in (TEXT / "languages").glob("*.toml")):
        packed = json.dumps(table(code, full, derived), ensure_ascii=False, sort_keys=True)
        data = lzma.compress(packed.encode(), preset=9 | lzma.PRESET_EXTREME)
        (TARGET / f"{code}.xz").write_bytes(data)
        print(code, len(packed), len(data))


def table(code: str, full: Path, derived: Path) -> dict[str, object]:
    locale = Locale.parse({"yue": "yue_Hant"}.get(code, code))
    data = locale._data
    parent = Locale.parse("zh_Hant")._data if code == "yue" else data
    symbols = data["number_symbols"]["latn"]
    units = {
        symbol: found
        for symbol, unit in UNITS.items()
        if (
            found := forms(patterns(data["unit_patterns"].get(unit, {})))
            or forms(patterns(parent["unit_patterns"].get(unit, {})))
        )
    }
    for symbol, unit in UNITS.items():  # The language's own symbols: "км", "ק״מ"
        short = forms(data["unit_patterns"].get(unit, {}).get("short", {}))
        for pattern in (each for each in short.values() if "{0}" in each):
            own = pattern.replace("{0}", "").strip(" \u00a0\u202f\u200f")
            word = own.isalpha() and len(own) > 3  # is read as it is
            if symbol in units and own and not own.isascii() and not word:
                units.setdefault(own, units[symbol])
    money = {}
    for currency in MONEY:
        names = forms(data["currency_names_plural"].get(currency, {}))
        names = names or forms(parent["currency_names_plural"].get(currency, {}))
        if not names and currency in data["currency_names"]:
            names = {"other": data["currency_names"][currency]}
        money[currency] = names
    numeric = re.sub(r"[^dMy]", "", str(locale.date_formats["short"].pattern))
    return {
        "decimal": symbols["decimal"],
        "group": symbols["group"],
        "plural": {key: str(rule) for key, rule in locale.plural_form.rules.items()},
        "months": [data["months"]["format"]["wide"][n] for n in range(1, 13)],
        "date": str(locale.date_formats["long"].pattern),
        "order": "".join(dict.fromkeys(numeric)),
        "units": units,
        "money": {key: names for key, names in money.items() if names},
        "pattern": data["currency_unit_patterns"].get("other", "{0} {1}"),
        "names": names_of(code, full, derived),
    }


def patterns(unit: dict[str, dict[str, str]]) -> dict[str, str]:
    return unit.get("long") or unit.get("short") or {}


def forms(patterns: dict[str, str]) -> dict[str, str]:
    """Drop forms that are grammatical cases, repeat a symbol, or equal the form `other`."""
    kept = {
        k: v.replace("\u00a0", " ").replace("\u202f", " ")
        for k, v in patterns.items()
        if k in "zero one two few many other".split() and not set("%٪") & set(v)
    }
    return {k: v for k, v in kept.items() if k == "other" or v != kept.get("other")}


def names_of(code: str, full: Path, derived: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    parents = {"nb": ["no"], "nn": ["no", "nn"], "yue": ["zh-Hant", "yue"]}.get(code, [code])
    for parent in parents:
        for package, key in ((full, "annotations"), (derived, "annotationsDerived")):
            file = package / "package" / key / parent / "annotations.json"
            if not file.exists():
                continue
            entries = json.loads(file.read_text())[key]["annotations"]
            for characters, entry in entries.items():
                plain = characters.translate(JOINERS)
                sign = unicodedata.category(plain[0]) in SIGNS and not TONES.search(plain)
                if sign and not ASCII.match(plain) and entry.get("tts"):
                    found[plain] = entry["tts"][0]
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
