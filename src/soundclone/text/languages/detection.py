"""Detection of the language that a text is written in.

The script decides where it can. Telling letters and words decide between languages that share a
script. A naive Bayes classifier over byte n-grams (Lui and Baldwin, 2011; the model of py3langid)
decides the rest.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

from ...errors import InvalidParameter
from ..cleaning import clean
from .catalogue import LANGUAGES, names
from .schema import Language
from .scripts import LETTERS, parts

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

# An ideograph or a syllable stands for several letters: "用 Photoshop 修图" is Chinese.
_WEIGHTS = {"Hani": 3, "Kana": 3, "Kore": 3}
_WORD = 8.0  # nats of a telling word
# A few words are weak evidence: the more common language needs less of it.
_PRIORS = {"v1": 1.0, "v2": 0.0}  # nats
_TRUST = 25.0  # nats by which a sentence has to differ from the language of its text

# The most ideographs for each kana and each Cantonese word. Chinese texts quote a の, and Mandarin
# texts a Cantonese word.
_IDEOGRAPHS_A_KANA = 12
_IDEOGRAPHS_A_WORD = 25


def detect(text: str, version: str) -> Language:
    """Return the language of a soundVersion that a text is most probably written in.

    A text without letters, or with too few to decide, is English. The first call that needs the
    classifier loads it, in about a second. Calls may come from several threads.

    Raises:
        InvalidParameter: no language of the soundVersion has the text's letters.
    """
    cleaned = clean(text)
    return _most_probable(cleaned, _candidates(cleaned, version))


def detect_each(sentences: Sequence[str], version: str, whole: Language) -> list[Language]:
    """Return the language of each sentence of a text, which `detect` found to be in `whole`.

    A sentence is in another language when its letters show it, or when the classifier prefers
    another language by more than _TRUST nats. One sentence is too short to distinguish Chinese,
    Cantonese, and Japanese without kana.
    """
    return [_of_sentence(clean(sentence), version, whole) for sentence in sentences]


def candidates(text: str, version: str) -> tuple[Language, ...]:
    """Return the languages of a soundVersion that a text's letters allow. Loads no classifier.

    Raises:
        InvalidParameter: most letters belong to a script of no language of the soundVersion.
            Another language could not pronounce them.
    """
    return _candidates(clean(text), version)


def _candidates(text: str, version: str) -> tuple[Language, ...]:
    available = names(version)
    counts = {script: len(letter.findall(text)) for script, letter in LETTERS.items()}
    weights = {script: count * _WEIGHTS.get(script, 1) for script, count in counts.items()}
    weights["Hani"] += weights.pop("Kana")
    # Of equals `max` takes the first: Latin words in other scripts are commoner than the reverse.
    script = max(weights, key=lambda script: weights[script])
    if sum(map(str.isalpha, text)) - sum(counts.values()) > weights[script]:
        raise InvalidParameter(
            f"the text is written in letters of no language that can be spoken; {version} has "
            f"{', '.join(available)}",
            param="contentText",
        )
    if not weights[script]:
        return (LANGUAGES["English"],)
    if script == "Hani":
        return (LANGUAGES[_east_asian(text, ideographs=counts["Hani"], kana=counts["Kana"])],)
    written = [language for language in LANGUAGES.values() if language.script == script]
    found = tuple(language for language in written if language.within(version))
    if not found:
        raise InvalidParameter(
            f"the text is written in the letters of {written[0].name}, which needs soundVersion "
            f"v2; {version} has {', '.join(available)}",
            param="contentText",
        )
    return found


def _east_asian(text: str, ideographs: int, kana: int) -> str:
    if kana * _IDEOGRAPHS_A_KANA >= max(ideographs, 1):
        return "Japanese"
    cantonese = len(_letters("Chinese,Yue").findall(text))
    return "Chinese,Yue" if cantonese * _IDEOGRAPHS_A_WORD >= ideographs else "Chinese"


def _of_sentence(sentence: str, version: str, whole: Language) -> Language:
    try:
        found = _candidates(sentence, version)
    except InvalidParameter:
        return whole
    if not any(map(str.isalpha, sentence)):
        return whole
    if whole not in found:
        if "Hani" in parts(found[0].script) and "Hani" in parts(whole.script):
            return found[0] if found[0].name == "Japanese" else whole
        return _most_probable(sentence, found)
    if len(found) == 1:
        return whole
    likely = _most_probable(sentence, found)
    if likely is whole:
        return whole
    if likely.detection.letters and whole.detection.letters:
        others = len(_letters(likely.name).findall(sentence))
        expected = len(_letters(whole.name).findall(sentence))
        return likely if others and not expected else whole
    scores = _scores(sentence)
    return likely if scores[likely.name] - scores[whole.name] > _TRUST else whole


def _most_probable(text: str, candidates: Sequence[Language]) -> Language:
    if len(candidates) == 1:
        return candidates[0]
    letters = {
        language.name: len(_letters(language.name).findall(text))
        for language in candidates
        if language.detection.letters
    }
    if letters and len(set(letters.values())) > 1:
        return LANGUAGES[max(letters, key=lambda name: letters[name])]
    scores = _scores(text)

    def evidence(language: Language) -> float:
        words = _words(language.name)
        count = len(words.findall(text)) if words else 0
        prior = language.detection.prior
        if prior is None:
            prior = _PRIORS[language.version]
        return scores[language.name] + _WORD * count + prior

    return max(candidates, key=evidence)


@cache
def _letters(name: str) -> re.Pattern[str]:
    return re.compile(LANGUAGES[name].detection.letters, re.IGNORECASE)


@cache
def _words(name: str) -> re.Pattern[str] | None:
    words = LANGUAGES[name].detection.words
    return re.compile(rf"\b(?:{'|'.join(words)})\b", re.IGNORECASE) if words else None


def _scores(text: str) -> dict[str, float]:
    """Return the classifier's log probability of each language, in nats up to a constant."""
    scores = dict(_classifier().rank(text))
    return {
        language.name: float(scores.get(language.classifier_code, float("-inf")))
        for language in LANGUAGES.values()
    }


_loading = Lock()


def _classifier() -> LanguageIdentifier:
    # `cache` alone would let two threads load it at the same time.
    with _loading:
        return _load_classifier()


@cache
def _load_classifier() -> LanguageIdentifier:
    # Not py3langid's shared classifier, whose restriction would hold for every user of the package.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    classifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    known = set(classifier.nb_classes)
    codes = {language.classifier_code for language in LANGUAGES.values()}
    classifier.set_languages(sorted(codes & known))
    # The columns of all other languages take 28 MB, and only a later choice would need them.
    classifier._full_model = classifier.nb_ptc, classifier.nb_pc, classifier.nb_classes
    return classifier
