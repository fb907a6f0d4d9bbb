"""Units of measurement and amounts of money."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..languages.schema import Forms, Language
from .cldr import Cldr, Number
from .numbers import NumberFormat, is_negative
from .rules import NUMBER, START, Rule, any_of

_SYMBOLS = {
    "$": "USD", "US$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "￥": "JPY", "₹": "INR",
    "₽": "RUB", "₩": "KRW", "₺": "TRY", "₴": "UAH", "₫": "VND", "₪": "ILS", "฿": "THB",
    "₱": "PHP", "R$": "BRL", "zł": "PLN", "Kč": "CZK", "₿": "BTC",
}  # fmt: skip
_SYMBOL_OF = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "KRW": "₩", "CNY": "¥"}
_NO_LETTER = r"(?![^\W\u2e80-\U000323af])"  # ideographs and syllables may follow


class Quantities:
    """Verbalises numbers with units or currencies."""

    def __init__(self, language: Language, cldr: Cldr, number_format: NumberFormat) -> None:
        self._language, self._words, self._cldr = language, language.words, cldr
        self._money, self._scales = language.money, language.scales
        self._format = number_format
        self._joined = "{0} {1}" if language.spaces else "{0}{1}"
        self._units: dict[str, Forms] = {
            **cldr.units,
            **{symbol: {"other": form} for symbol, form in language.units.items()},
        }
        for symbol in language.numbers.not_units:
            self._units.pop(symbol, None)
        self._currencies = {**_SYMBOLS, **language.money.symbols}

    def rules(self) -> Iterator[Rule]:
        """Return the rules of this subject."""
        symbols, codes = any_of(self._currencies), any_of(self._cldr.money)
        scale = rf"(?: ?(?:{any_of([*self._scales.words, *self._scales.short])})(?!\w))?"
        yield Rule(
            "money_after_symbol",
            rf"{START}(?P<symbol>{symbols}|(?:{codes})(?=[ 0-9]))"
            rf" ?(?P<amount>{NUMBER})(?P<scale>{scale})",
            self._cost,
        )
        yield Rule(
            "money_before_symbol",
            rf"{START}(?P<amount_before>{NUMBER})(?P<scale_before>{scale}) ?"
            rf"(?P<symbol_after>{symbols}|{codes}){_NO_LETTER}",
            self._cost,
        )
        yield Rule(
            "unit",
            rf"{START}(?P<unit_sign>[-−])?(?P<measure>{NUMBER})(?P<half_of>[½¼¾])?[ -]?"
            rf"(?P<unit_symbol>{any_of(self._units)})(?![^\W\u2e80-\U000323af]|[²³/])",
            self._unit,
        )

    def _unit(self, match: re.Match[str]) -> str | None:
        number = self._format.parse(match["measure"])
        symbol, sign = match["unit_symbol"], match["unit_sign"]
        half = self._language.fractions.get(match["half_of"] or "")
        if number is None or (match["half_of"] and not half):
            return None
        short = len(symbol) == 1 and symbol.isalpha() and symbol.islower()
        if short and match[0][-2] not in " 0123456789":
            return None  # 5-m is no five metres
        forms = self._units[symbol]
        form = self._cldr.form(forms, number) if "other" in forms else forms.get("one", "{0}")
        if match[0][-len(symbol) - 1] == "-" and self._language.code == "en":
            form = forms.get("one", form)  # a 5-kilometer run
        figure = self._format.write(number)
        if half:
            form = forms.get("other", form)
            joint = f"{self._words.and_} " if self._language.numbers.joined_fractions else ""
            figure = f"{figure} {joint}{half}"
        words = form.replace("{0}", figure)  # some languages have no {0} in the form for one
        if not self._language.spaces:
            words = words.replace(" ", "")
        if is_negative(match, sign):
            return f"{self._words.minus} {words}"
        return (sign or "") + words

    def _cost(self, match: re.Match[str]) -> str | None:
        symbol = match["symbol"] or match["symbol_after"]
        number = self._format.parse(match["amount"] or match["amount_before"])
        currency = self._currencies.get(symbol, symbol)
        sign = symbol if symbol in self._currencies else _SYMBOL_OF.get(currency, "")
        if currency == "CNY" and sign == "¥" and "¥" not in self._money.symbols:
            sign = ""  # ¥ is the yen here
        names = None
        if symbol in self._currencies or sign == "$":
            names = self._money.names.get(sign)
        names = names or self._cldr.money.get(currency)
        if number is None or not names:
            return None
        scale = (match["scale"] or match["scale_before"] or "").strip()
        if scale:
            return self._scaled(number, scale, names)
        return self._amount(number, names, sign)

    def _scaled(self, number: Number, scale: str, names: Forms) -> str:
        """Return an amount with a power of ten: 5 million dollars."""
        words = self._scales.short.get(scale, (scale,))
        one, few, many = words if len(words) == 3 else words * 3
        scale = self._cldr.form({"one": one, "few": few, "other": many}, number)
        name = names.get("many", names["other"])
        if self._scales.of and scale not in self._scales.without_of:
            if self._scales.of_vowel and name[0] in "ae":
                name = self._scales.of_vowel + name
            else:
                name = f"{self._scales.of} {name}"
        figure = self._joined.format(self._format.write(number), scale)
        return self._joined.format(figure, name)

    def _amount(self, number: Number, names: Forms, sign: str) -> str:
        """Return an amount with its hundredths: 5 euros and 20 cents."""
        has_cents = len(number.decimals) == 2
        if has_cents and int(number.decimals) == 0:
            number = Number(number.whole)
        elif has_cents and (cents := self._money.cents.get(sign)):
            count = int(number.decimals)
            small = f"{count} {cents[count != 1]}"
            whole = Number(number.whole)
            if not int(whole.whole):
                return small
            joint = f" {self._words.and_} " if self._money.joined_cents else " "
            return self._joined.format(whole.whole, self._cldr.form(names, whole)) + joint + small
        return self._joined.format(self._format.write(number), self._cldr.form(names, number))
