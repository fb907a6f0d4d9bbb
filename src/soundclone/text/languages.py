"""The forty languages: their names in the API, their codes, and how a text's language is found."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

from ..errors import InvalidParameter
from .cleaning import clean

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

VERSIONS = ("v1", "v2")


@dataclass(frozen=True)
class Language:
    """A language that can be asked for."""

    name: str  # in the API
    code: str  # BCP 47
    version: str  # the first soundVersion that has it, "v1" or "v2"; v2 has those of v1 too
    script: str  # ISO 15924 code of what it is usually written in
    preview: str  # what a preview says when no text is given

    def within(self, version: str) -> bool:
        """Whether `version` has this language."""
        return self.version <= version


# The preview lines greet, say what they are and thank; none tells whether a man or a woman speaks.
# fmt: off
_LANGUAGES = (
    Language("Chinese", "zh", "v1", "Hans",
        "你好，欢迎收听！这是一段新声音的试听，由一段简短的录音制作而成。希望你会喜欢，谢谢你的收听。"),
    Language("Chinese,Yue", "yue", "v1", "Hant",
        "你好，歡迎收聽！呢段係新聲音嘅試聽，係用一段短短嘅錄音整出嚟嘅。希望你會鍾意，多謝你嘅收聽。"),
    Language("English", "en", "v1", "Latn",
        "Hello, and welcome! This is a sample of the new voice, made from one short recording. "
        "Thank you for listening."),
    Language("Arabic", "ar", "v1", "Arab",
        "مرحبًا بكم! هذه عيّنة من الصوت الجديد، صُنعت من تسجيل قصير. "
        "نتمنى أن تنال إعجابكم، وشكرًا على الاستماع."),
    Language("Russian", "ru", "v1", "Cyrl",
        "Здравствуйте! Это пример нового голоса, созданного по короткой записи. "
        "Спасибо, что слушаете, и хорошего вам дня."),
    Language("Spanish", "es", "v1", "Latn",
        "¡Hola! Esta es una muestra de la nueva voz, creada a partir de una breve grabación. "
        "Muchas gracias por escuchar."),
    Language("French", "fr", "v1", "Latn",
        "Bonjour. Voici un extrait de la nouvelle voix, créée à partir d'un court "
        "enregistrement. Merci de votre écoute."),
    Language("Portuguese", "pt", "v1", "Latn",
        "Olá! Esta é uma amostra da nova voz, criada a partir de uma gravação curta. "
        "Agradecemos por ouvir e desejamos bom dia."),
    Language("German", "de", "v1", "Latn",
        "Herzlich willkommen! Dies ist eine Probe der neuen Stimme, erstellt aus einer "
        "kurzen Aufnahme. Danke fürs Zuhören."),
    Language("Turkish", "tr", "v1", "Latn",
        "Merhaba! Bu, kısa bir kayıttan oluşturulan yeni sesin bir örneğidir. "
        "Dinlediğiniz için çok teşekkür ederiz."),
    Language("Dutch", "nl", "v1", "Latn",
        "Hallo en welkom! Dit is een voorbeeld van de nieuwe stem, gemaakt van een korte "
        "opname. Bedankt voor het luisteren."),
    Language("Ukrainian", "uk", "v1", "Cyrl",
        "Вітаємо! Це зразок нового голосу, створеного з короткого запису. "
        "Дякуємо, що слухаєте, і бажаємо вам гарного дня."),
    Language("Vietnamese", "vi", "v1", "Latn",
        "Xin chào! Đây là mẫu thử của giọng nói mới, được tạo ra từ một bản ghi âm ngắn. "
        "Cảm ơn bạn đã lắng nghe."),
    Language("Indonesian", "id", "v1", "Latn",
        "Selamat datang! Ini adalah contoh suara baru yang dibuat dari rekaman singkat. "
        "Terima kasih sudah mendengarkan."),
    Language("Japanese", "ja", "v1", "Jpan",
        "こんにちは。これは短い録音から作られた新しい声のサンプルです。"
        "お楽しみいただければ幸いです。お聞きいただき、ありがとうございます。"),
    Language("Italian", "it", "v1", "Latn",
        "Salve! Questo è un esempio della nuova voce, creata a partire da una breve registrazione. "
        "Grazie per l'ascolto."),
    Language("Korean", "ko", "v1", "Kore",
        "안녕하세요! 이것은 짧은 녹음으로 만든 새 목소리의 샘플입니다. "
        "마음에 드셨으면 좋겠습니다. 들어 주셔서 감사합니다."),
    Language("Thai", "th", "v1", "Thai",
        "สวัสดี ยินดีต้อนรับ นี่คือตัวอย่างของเสียงใหม่ที่สร้างขึ้นจากการบันทึกเสียงสั้น ๆ "
        "ขอบคุณที่รับฟัง ขอให้มีวันที่ดี"),
    Language("Polish", "pl", "v1", "Latn",
        "Dzień dobry! To próbka nowego głosu, stworzonego na podstawie krótkiego nagrania. "
        "Dziękujemy za uwagę."),
    Language("Romanian", "ro", "v1", "Latn",
        "Bună ziua! Aceasta este o mostră a noii voci, realizată pe baza unei scurte înregistrări. "
        "Vă mulțumim că ne ascultați."),
    Language("Greek", "el", "v1", "Grek",
        "Γεια σας! Αυτό είναι ένα δείγμα της νέας φωνής, που δημιουργήθηκε από μια σύντομη "
        "ηχογράφηση. Ευχαριστούμε που ακούτε."),
    Language("Czech", "cs", "v1", "Latn",
        "Dobrý den! Toto je ukázka nového hlasu, vytvořeného z krátké nahrávky. "
        "Děkujeme za poslech a přejeme příjemný den."),
    Language("Finnish", "fi", "v1", "Latn",
        "Hei ja tervetuloa! Tämä on näyte uudesta äänestä, joka on luotu lyhyestä "
        "nauhoituksesta. Kiitos, että kuuntelet."),
    Language("Hindi", "hi", "v1", "Deva",
        "नमस्ते! यह नई आवाज़ का एक नमूना है, जो एक छोटी रिकॉर्डिंग से बनाया गया है। "
        "सुनने के लिए धन्यवाद, आपका दिन शुभ हो।"),
    Language("Bulgarian", "bg", "v2", "Cyrl",
        "Здравейте! Това е образец на новия глас, създаден от кратък запис. "
        "Благодарим ви, че слушате, и ви желаем приятен ден."),
    Language("Danish", "da", "v2", "Latn",
        "Hej og velkommen! Dette er en prøve på den nye stemme, som er lavet ud fra en kort "
        "optagelse. Tak, fordi du lytter med."),
    Language("Hebrew", "he", "v2", "Hebr",
        "שלום וברוכים הבאים! זוהי דוגמה לקול החדש, שנוצר מתוך הקלטה קצרה. "
        "תודה על ההקשבה, ושיהיה לכם יום נעים."),
    Language("Malay", "ms", "v2", "Latn",
        "Selamat datang! Ini ialah contoh suara baharu yang dibuat daripada rakaman "
        "pendek. Terima kasih kerana sudi mendengar."),
    Language("Persian", "fa", "v2", "Arab",
        "سلام و خوش آمدید! این نمونه‌ای از صدای جدید است که از یک ضبط کوتاه ساخته شده است. "
        "از این که گوش می‌دهید سپاسگزاریم."),
    Language("Slovak", "sk", "v2", "Latn",
        "Dobrý deň! Toto je ukážka nového hlasu, vytvoreného z krátkej nahrávky. "
        "Ďakujeme, že počúvate, a prajeme príjemný deň."),
    Language("Swedish", "sv", "v2", "Latn",
        "Välkommen! Det här är ett exempel på den nya rösten, som är skapad utifrån en "
        "kort inspelning. Tack för att du lyssnar."),
    Language("Croatian", "hr", "v2", "Latn",
        "Dobar dan! Ovo je uzorak novog glasa, stvorenog na temelju kratke snimke. "
        "Hvala vam što slušate i želimo vam ugodan dan."),
    Language("Filipino", "fil", "v2", "Latn",
        "Kumusta po! Ito ay halimbawa ng bagong boses na ginawa mula sa isang maikling "
        "rekording. Maraming salamat sa pakikinig."),
    Language("Hungarian", "hu", "v2", "Latn",
        "Üdvözöljük! Ez az új hang mintája, amely egy rövid felvételből készült. "
        "Köszönjük a figyelmet, és szép napot kívánunk."),
    Language("Norwegian", "nb", "v2", "Latn",
        "Hei og velkommen! Dette er en prøve på den nye stemmen, laget av et kort opptak. "
        "Takk for at du lytter, ha en fin dag."),
    Language("Slovenian", "sl", "v2", "Latn",
        "Pozdravljeni! To je vzorec novega glasu, ustvarjenega iz kratkega posnetka. "
        "Hvala, ker poslušate, in želimo vam lep dan."),
    Language("Catalan", "ca", "v2", "Latn",
        "Benvinguts! Aquesta és una mostra de la veu nova, creada a partir d'un "
        "enregistrament breu. Gràcies per escoltar-la."),
    Language("Nynorsk", "nn", "v2", "Latn",
        "Hei og velkomen! Dette er ei prøve på den nye røysta, laga av eit kort opptak. "
        "Takk for at du lyttar, og ha ein fin dag."),
    Language("Tamil", "ta", "v2", "Taml",
        "வணக்கம்! இது ஒரு சிறிய ஒலிப்பதிவிலிருந்து உருவாக்கப்பட்ட புதிய குரலின் மாதிரி. "
        "கேட்டதற்கு நன்றி, இனிய நாளாக அமையட்டும்."),
    Language("Afrikaans", "af", "v2", "Latn",
        "Hallo en welkom! Hierdie is 'n voorbeeld van die nuwe stem, gemaak van 'n kort opname. "
        "Dankie dat jy luister."),
)
# fmt: on

LANGUAGES: dict[str, Language] = {language.name: language for language in _LANGUAGES}

_ALIASES = {
    "mandarin": "Chinese", "putonghua": "Chinese", "cmn": "Chinese", "chinese-mandarin": "Chinese",
    "cantonese": "Chinese,Yue", "yue-chinese": "Chinese,Yue", "chinese-cantonese": "Chinese,Yue",
    "zh-yue": "Chinese,Yue", "zh-hk": "Chinese,Yue", "zh-hant-hk": "Chinese,Yue",
    "zh-mo": "Chinese,Yue", "castilian": "Spanish", "brazilian": "Portuguese",
    "brazilian-portuguese": "Portuguese", "flemish": "Dutch", "bahasa-indonesia": "Indonesian",
    "in": "Indonesian", "bahasa-melayu": "Malay", "bahasa-malaysia": "Malay", "arb": "Arabic",
    "farsi": "Persian", "pes": "Persian", "prs": "Persian", "dari": "Persian", "iw": "Hebrew",
    "tagalog": "Filipino", "tl": "Filipino", "pilipino": "Filipino", "no": "Norwegian",
    "bokmal": "Norwegian", "norwegian-bokmal": "Norwegian", "norwegian-nynorsk": "Nynorsk",
    "moldovan": "Romanian", "mo": "Romanian", "slovene": "Slovenian", "valencian": "Catalan",
}  # fmt: skip

_TAG = re.compile(r"([a-z]{2,3})(?:-[a-z]{4})?(?:-(?:[a-z]{2}|[0-9]{3}))?")


def _key(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name[:64]).casefold()
    letters = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return re.sub(r"[\W_]+", "-", letters).strip("-")


_KEYS = _ALIASES | {
    _key(key): language.name
    for language in LANGUAGES.values()
    for key in (language.name, language.code)
}


def names(version: str) -> tuple[str, ...]:
    """Names of the languages that `version` has, in the order of the API's documentation."""
    if version not in VERSIONS:
        raise InvalidParameter(
            f"soundVersion {version!r:.40} is not known; it must be {' or '.join(VERSIONS)}",
            param="soundVersion",
        )
    return tuple(language.name for language in LANGUAGES.values() if language.within(version))


def lookup(name: str, version: str) -> Language:
    """The language that `name` means: its name in the API, a BCP 47 tag or a common other name,
    in any case.

    Raises InvalidParameter when the name is not known or when `version` does not have it.
    """
    spoken = names(version)
    key = _key(name)
    tag = _TAG.fullmatch(key)
    found = _KEYS.get(key) or (_KEYS.get(tag[1]) if tag else None)
    if found is None:
        raise InvalidParameter(
            f"language {name!r:.40} is not known; {version} has auto, {', '.join(spoken)}",
            param="language",
        )
    if found not in spoken:
        raise InvalidParameter(
            f"language {found} needs soundVersion v2; {version} has auto, {', '.join(spoken)}",
            param="language",
        )
    return LANGUAGES[found]


# Letters only, by ISO 15924 code of the script.
_LETTERS = {
    "Hani": re.compile(
        "[\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
    ),
    "Kana": re.compile("[\u3041-\u3096\u30a1-\u30fa\u30fc\u31f0-\u31ff]"),
    "Kore": re.compile("[\u1100-\u11ff\u3131-\u318e\ua960-\ua97c\uac00-\ud7a3\ud7b0-\ud7fb]"),
    "Thai": re.compile("[\u0e01-\u0e30\u0e32\u0e33\u0e40-\u0e46]"),
    "Hebr": re.compile("[\u05d0-\u05ea]"),
    "Grek": re.compile("[\u0370-\u03ff\u1f00-\u1fff]"),
    "Taml": re.compile("[\u0b83-\u0bb9]"),
    "Deva": re.compile("[\u0904-\u0939\u0958-\u0961\u0972-\u097f]"),
    "Cyrl": re.compile("[\u0400-\u052f]"),
    "Arab": re.compile("[\u0620-\u064a\u066e-\u06d3\u06fa-\u06ff\u0750-\u077f]"),
    "Latn": re.compile("[A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff]"),
}


def letters_of(character: str) -> str:
    """ISO 15924 code of the script of a letter, "Hani" and "Kana" apart; "" of no script here."""
    return next((script for script, letter in _LETTERS.items() if letter.match(character)), "")


# An ideograph or a syllable stands for several letters: "用 Photoshop 修图" is Chinese.
_WEIGHTS = {"Hani": 3, "Kana": 3, "Kore": 3}

_CANTONESE = re.compile("[嘅咗喺唔冇佢哋啲嗰嚟噉咁乜嘢嘞啱諗谂搵揾瞓攞畀㗎]|係咪|鍾意|钟意")
_HINTS = {
    "Persian": re.compile("[\u067e\u0686\u0698\u06a9\u06af\u06cc]"),
    "Arabic": re.compile("[\u0623\u0624\u0625\u0626\u0629\u0643\u0649\u064a]"),
    "Ukrainian": re.compile("[іїєґ]", re.IGNORECASE),
    "Russian": re.compile("[ыэё]", re.IGNORECASE),
}
"""Letters that, of the languages here that share the script, only this one has."""

# Words that tell apart what the classifier takes for each other in a short text.
_WORDS = {
    name: re.compile(rf"\b(?:{'|'.join(words.split())})\b", re.IGNORECASE)
    for name, words in {
        "Danish": "af hvad noget nogen meget efter uden blev tak jer vejret gør",
        "Norwegian": "hva noe noen mye etter uten ble takk dere været gjør skogen",
        "Nynorsk": "eg ikkje dei kva korleis noko nokon mykje vart frå meir berre vêret gjer eit",
        "Indonesian": "bahwa karena bisa uang kantor bagus kamu",
        "Malay": "bahawa kerana wang pejabat ialah baharu daripada awak",
        "Czech": "jsem jsme není také když hezky děkuji",
        "Russian": "спасибо что это нет вы мы очень",
        "Ukrainian": "дякую що це немає ви ми дуже",
        "Bulgarian": "съм сте какво това благодаря много",
        "Slovak": "som sme tiež keď ako pekne ďakujem",
    }.items()
}
_WORD = 8.0  # nats

# In nats. A few words are weak evidence: the commoner language needs less of it.
_PRIORS = {"English": 4.0, "v1": 1.0, "v2": 0.0}


def detect(text: str, version: str) -> Language:
    """The language of `version` that `text` is most probably written in.

    The script decides where it can, telling letters and words where two languages share one, and
    a naive Bayes classifier over byte n-grams (Lui and Baldwin, 2011; the model of py3langid) the
    rest. A text without letters, or with too few to tell, is English. The first call that needs
    the classifier loads it, in about a second; calls may come from several threads.

    Raises InvalidParameter as `candidates` does.
    """
    return _told_apart(clean(text), candidates(text, version))


def detect_each(sentences: Sequence[str], version: str, whole: Language) -> list[Language]:
    """The language of each sentence of a text in `whole`, which `detect` found.

    A sentence is in another language when its letters say so, or when the classifier would need
    more than _TRUST nats to take it for `whole`. Chinese and Cantonese are not told apart a
    sentence at a time, nor is Japanese without kana from either.
    """
    return [_within(clean(sentence), version, whole) for sentence in sentences]


_TRUST = 25.0


def _within(sentence: str, version: str, whole: Language) -> Language:
    try:
        found = candidates(sentence, version)
    except InvalidParameter:
        return whole
    if not any(map(str.isalpha, sentence)):
        return whole
    if whole not in found:
        ideographs = {"Chinese", "Chinese,Yue", "Japanese"}
        if found[0].name in ideographs and whole.name in ideographs:
            return found[0] if found[0].name == "Japanese" else whole
        return _told_apart(sentence, found)
    if len(found) == 1:
        return whole
    told = _told_apart(sentence, found)
    if told == whole:
        return whole
    if told.name in _HINTS and whole.name in _HINTS:
        own, other = (len(_HINTS[each.name].findall(sentence)) for each in (whole, told))
        return told if other and not own else whole
    scores = dict(_classifier().rank(sentence))
    return told if scores[_label(told)] - scores[_label(whole)] > _TRUST else whole


def candidates(text: str, version: str) -> tuple[Language, ...]:
    """The languages of `version` that `text` may be in by its letters alone. Loads nothing, so
    that an API node can refuse what `detect` would refuse later.

    Raises InvalidParameter when most letters belong to a script that no language of `version` is
    written in: another language could not pronounce them.
    """
    spoken = names(version)
    text = clean(text)
    counts = {script: len(letter.findall(text)) for script, letter in _LETTERS.items()}
    weights = {script: count * _WEIGHTS.get(script, 1) for script, count in counts.items()}
    weights["Hani"] += weights.pop("Kana")
    # Of equals `max` takes the first: Latin words in other scripts are commoner than the reverse.
    script = max(weights, key=lambda script: weights[script])
    if sum(map(str.isalpha, text)) - sum(counts.values()) > weights[script]:
        raise InvalidParameter(
            f"the text is written in letters of no language that can be spoken; {version} has "
            f"{', '.join(spoken)}",
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
            f"v2; {version} has {', '.join(spoken)}",
            param="contentText",
        )
    return found


def _east_asian(text: str, ideographs: int, kana: int) -> str:
    # Shares, because Chinese texts quote a の, and Mandarin ones a Cantonese word.
    if kana * 12 >= max(ideographs, 1):
        return "Japanese"
    return "Chinese,Yue" if len(_CANTONESE.findall(text)) * 25 >= ideographs else "Chinese"


def _told_apart(text: str, candidates: Sequence[Language]) -> Language:
    if len(candidates) == 1:
        return candidates[0]
    hints = {
        language: len(_HINTS[language.name].findall(text))
        for language in candidates
        if language.name in _HINTS
    }
    if hints and len(set(hints.values())) > 1:
        return max(hints, key=lambda language: hints[language])
    scores = dict(_classifier().rank(text))

    def evidence(language: Language) -> float:
        words = len(_WORDS[language.name].findall(text)) if language.name in _WORDS else 0
        prior = _PRIORS.get(language.name, _PRIORS[language.version])
        return float(scores[_label(language)]) + _WORD * words + prior

    return max(candidates, key=evidence)


def _label(language: Language) -> str:
    return {"nb": "no", "fil": "tl"}.get(language.code, language.code)


_loading = Lock()


def _classifier() -> LanguageIdentifier:
    # `cache` alone would let two threads load it at the same time.
    with _loading:
        return _load_classifier()


@cache
def _load_classifier() -> LanguageIdentifier:
    # An instance of our own: the restriction of py3langid's shared one would be everyone's.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    classifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    classifier.set_languages([_label(language) for language in LANGUAGES.values()])
    return classifier
