"""Data of one language, as its file holds it.

Each class is a table of the file, and each attribute a key of the table. An attribute without a
default is a key that every file must have. `loading` reads a file into these classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

VERSIONS = ("v1", "v2")
"""Versions of the API's `soundVersion`; each has the languages of those before it too."""

DATE_STYLES = ("", "english", "german")
"""Names of classes with rules for dates, in `normalisation.dates`."""

Forms = Mapping[str, str]
"""Words by plural category of the Unicode CLDR: zero, one, two, few, many, other."""


@dataclass(frozen=True)
class Prosody:
    """Measured prosody of espeak-ng's voice; `training/prosody.py` prints the numbers."""

    f0: tuple[float, ...]  # mean and standard deviation of natural log F0 in Hz
    level: tuple[float, ...]  # mean and standard deviation over active frames


@dataclass(frozen=True)
class Speech:
    """Settings of the built-in engine."""

    espeak_voice: str = (
        ""  # "" where espeak-ng has no voice; the built-in engine lacks the language
    )
    syllables: float = 0.0  # usual rate, syllables a second; 0 takes that of espeak-ng
    espeak_syllables: float = 0.0  # of espeak-ng at 160 words a minute; 0 takes the mean
    final_fall: float = 1.0  # share of espeak-ng's fall at the end of a phrase that people have
    declination: float = 0.0  # semitones a second by which people's phrases fall less
    front_end: str = ""  # module of `text.g2p`; "" leaves pronunciation to espeak-ng
    prosody: Prosody | None = None  # None takes the mean of the measured languages


@dataclass(frozen=True)
class Recognition:
    """Facts about speech recognition by Whisper."""

    whisper_code: str = ""  # "" where it is the language's code
    well_recognised: bool = False  # trained on a thousand hours and more


@dataclass(frozen=True)
class Detection:
    """Evidence that a text is in this language."""

    classifier_code: str = ""  # in py3langid; "" where it is the language's code
    prior: float | None = None  # nats; None takes 1 for languages of v1 and 0 for later ones
    letters: str = ""  # regular expression: letters that no other language of the script has
    words: tuple[str, ...] = ()  # common here, and unknown in the languages it is mistaken for


@dataclass(frozen=True)
class Sentences:
    """Words that help to find the ends of sentences. Abbreviations are lower case, without dots."""

    titles: tuple[str, ...] = ()  # abbreviations before a name: a sentence continues after them
    numbered: tuple[str, ...] = ()  # the same before a number only
    cited: tuple[str, ...] = ()  # the same before a number or a bracket: "et al. (2019)"
    conjunctions: tuple[str, ...] = ()  # a long sentence is split before them
    question_words: tuple[str, ...] = ()  # a question that begins with one falls at its end
    question_openers: tuple[str, ...] = ()  # prepositions and conjunctions before such a word


@dataclass(frozen=True)
class Words:
    """Names of signs."""

    at: str  # @ in an address
    dot: str  # a full stop in an address
    slash: str
    dash: str
    plus: str
    equals: str
    times: str  # ×
    minus: str
    number: str  # № and # before a number
    to: str  # a dash between two numbers
    # `and` is a keyword of Python.
    and_: str = field(metadata={"key": "and"})
    underscore: str = ""  # "" takes `dash`
    percent_before: str = ""  # % before a number; "" where the language writes it behind
    comma: str = ", "  # between the names of two emoji


@dataclass(frozen=True)
class Clock:
    """Times of day: {h} is the hour and {m} the minute."""

    hour: str  # a full hour
    minutes: str
    below_ten: str = "{m}"  # minutes from 1 to 9
    unit: str = ""  # word for "o'clock" that writers put behind the digits


@dataclass(frozen=True)
class Dates:
    """Days of a month."""

    style: str = ""  # one of DATE_STYLES, where the data is not enough
    pattern: str = ""  # of a long date, as the CLDR writes it; "" takes the CLDR's
    first_day: str = ""  # of a month, where only the first one is an ordinal
    days: tuple[str, ...] = ()  # ordinals from 1 to 31, in the case that a date has


@dataclass(frozen=True)
class Numbers:
    """Written forms of numbers."""

    indian_groups: bool = False  # 1,00,000 is a number
    joined_fractions: bool = False  # "two AND a half"
    not_units: tuple[str, ...] = ("ha", "mi")  # symbols of units that are words of the language


@dataclass(frozen=True)
class Money:
    """Amounts of money, beyond the CLDR's names of currencies."""

    symbols: Mapping[str, str] = field(default_factory=dict)  # ISO 4217 code by local symbol
    joined_cents: bool = False  # "five euros AND twenty cents"
    names: Mapping[str, Forms] = field(default_factory=dict)  # by symbol, instead of the CLDR's
    cents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # one and several, by symbol


@dataclass(frozen=True)
class Scales:
    """Powers of ten between an amount and its currency."""

    words: tuple[str, ...] = ()
    short: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # Abbreviations, with one word or those for one, few and many.
    of: str = ""  # between a word and the currency: "un millón DE euros"
    of_vowel: str = ""  # the same before a vowel, without a space
    without_of: tuple[str, ...] = ()


@dataclass(frozen=True)
class Abbreviations:
    """Words of abbreviations, by the place that an abbreviation has to have."""

    always: Mapping[str, str] = field(default_factory=dict)
    before_number: Mapping[str, str] = field(default_factory=dict)
    after_number: Mapping[str, str] = field(default_factory=dict)
    before_name: Mapping[str, str] = field(default_factory=dict)  # before a capital
    after_name: Mapping[str, str] = field(default_factory=dict)  # before no capital


@dataclass(frozen=True, eq=False)
class Language:
    """Everything that the service knows about a language, apart from the CLDR's data."""

    name: str  # in the API
    code: str  # BCP 47
    version: str  # the first soundVersion that has it
    script: str  # ISO 15924
    preview: str  # text of a voice's preview
    display: Mapping[str, str]  # name by language of the studio
    words: Words
    clock: Clock
    position: int = 1000  # in lists of languages; equal ones are ordered by name
    aliases: tuple[str, ...] = ()  # further names, as `catalogue.key` writes them
    spaces: bool = True  # between words
    default_for: tuple[str, ...] = ()  # scripts that it reads within other languages
    speech: Speech = Speech()
    recognition: Recognition = Recognition()
    detection: Detection = Detection()
    sentences: Sentences = Sentences()
    dates: Dates = Dates()
    numbers: Numbers = Numbers()
    fractions: Mapping[str, str] = field(default_factory=dict)
    # Words of ½ ¼ ¾ ⅓ ⅔ and of the powers ² ³ after a number.
    units: Mapping[str, str] = field(default_factory=dict)  # by symbol, instead of the CLDR's
    money: Money = field(default_factory=Money)
    scales: Scales = field(default_factory=Scales)
    abbreviations: Abbreviations = field(default_factory=Abbreviations)

    def within(self, version: str) -> bool:
        """Return true if the soundVersion `version` has this language."""
        return self.version <= version

    @property
    def whisper_code(self) -> str:
        """Whisper's code of the language."""
        return self.recognition.whisper_code or self.code

    @property
    def classifier_code(self) -> str:
        """py3langid's code of the language."""
        return self.detection.classifier_code or self.code
