"""How what is no word is said, by BCP 47 code: what CLDR does not tell.

Each table is a text of `code=words` with `|` between the entries of different codes.
"""

# ruff: noqa: E501 - tables
from __future__ import annotations


def _table(text: str) -> dict[str, str]:
    pairs = (entry.strip().split("=", 1) for entry in text.split("|"))
    return {code: words for codes, words in pairs for code in codes.split(",")}


AND = _table(
    "en=and|de=und|fr=et|es=y|it=e|pt=e|nl=en|ca=i|ro=și|ru=и|uk=і|pl=i|cs=a|sk=a|bg=и|hr=i|sl=in"
    "|da,nb,nn=og|sv=och|fi=ja|hu=és|tr=ve|el=και|vi=và|id,ms=dan|fil=at|af=en|zh=和|yue=同|ja=アンド"
    "|ko=앤드|th=และ|hi=और|ta=மற்றும்|ar=و|fa=و|he=ו"
)
"""&"""

AT = _table(
    "en=at|de=ät|fr=arobase|es=arroba|it=chiocciola|pt=arroba|nl=apenstaartje|ca=arrova"
    "|ro=arond|ru=собака|uk=равлик|pl=małpa|cs=zavináč|sk=zavináč|bg=кльомба|hr=et|sl=afna"
    "|da=snabel a|nb,nn=krøllalfa|sv=snabel-a|fi=ät|hu=kukac|tr=et|el=παπάκι|vi=a còng|id=et|ms=alias"
    "|fil=at|af=by|zh=艾特|yue=at|ja=アットマーク|ko=골뱅이|th=แอท|hi=ऐट|ta=அட்|ar=آت|fa=ات|he=שטרודל"
)
"""@ in an address"""

DOT = _table(
    "en=dot|de=Punkt|fr=point|es=punto|it=punto|pt=ponto|nl=punt|ca=punt|ro=punct|ru=точка"
    "|uk=крапка|pl=kropka|cs=tečka|sk=bodka|bg=точка|hr=točka|sl=pika|da=punktum|nb,nn=punktum"
    "|sv=punkt|fi=piste|hu=pont|tr=nokta|el=τελεία|vi=chấm|id=titik|ms=titik|fil=dot|af=punt|zh=点"
    "|yue=點|ja=ドット|ko=닷|th=จุด|hi=डॉट|ta=புள்ளி|ar=نقطة|fa=نقطه|he=נקודה"
)
"""A full stop in an address"""

SLASH = _table(
    "en=slash|de=Schrägstrich|fr=slash|es=barra|it=barra|pt=barra|nl=slash|ca=barra|ro=slash"
    "|ru=слэш|uk=слеш|pl=ukośnik|cs=lomítko|sk=lomka|bg=наклонена черта|hr=kosa crta|sl=poševnica"
    "|da=skråstreg|nb,nn=skråstrek|sv=snedstreck|fi=kauttaviiva|hu=perjel|tr=eğik çizgi|el=κάθετος"
    "|vi=gạch chéo|id=garis miring|ms=garis miring|fil=slash|af=skuinsstreep|zh=斜杠|yue=斜線"
    "|ja=スラッシュ|ko=슬래시|th=ทับ|hi=स्लैश|ta=சாய்வு|ar=شرطة مائلة|fa=اسلش|he=לוכסן"
)

DASH = _table(
    "en=dash|de=Bindestrich|fr=tiret|es=guion|it=trattino|pt=hífen|nl=streepje|ca=guió|ro=cratimă"
    "|ru=дефис|uk=дефіс|pl=myślnik|cs=pomlčka|sk=pomlčka|bg=тире|hr=crtica|sl=vezaj|da=bindestreg"
    "|nb,nn=bindestrek|sv=bindestreck|fi=viiva|hu=kötőjel|tr=tire|el=παύλα|vi=gạch ngang"
    "|id=strip|ms=sengkang|fil=dash|af=koppelteken|zh=横杠|yue=橫線|ja=ハイフン|ko=하이픈|th=ขีด|hi=डैश"
    "|ta=கோடு|ar=شرطة|fa=خط تیره|he=מקף"
)

UNDERSCORE = _table(
    "en=underscore|de=Unterstrich|fr=tiret bas|es=guion bajo|it=trattino basso|pt=underline"
    "|nl=underscore|ca=guió baix|ru=подчёркивание|uk=підкреслення|pl=podkreślnik|cs=podtržítko"
    "|sk=podčiarkovník|da,nb,nn=understreg|sv=understreck|fi=alaviiva|tr=alt çizgi|zh=下划线"
    "|yue=底線|ja=アンダーバー|ko=언더바|he=קו תחתון"
)

PLUS = _table(
    "en=plus|de=plus|fr=plus|es=más|it=più|pt=mais|nl=plus|ca=més|ro=plus|ru=плюс|uk=плюс|pl=plus"
    "|cs=plus|sk=plus|bg=плюс|hr=plus|sl=plus|da=plus|nb,nn=pluss|sv=plus|fi=plus|hu=plusz|tr=artı"
    "|el=συν|vi=cộng|id=tambah|ms=tambah|fil=plus|af=plus|zh=加|yue=加|ja=プラス|ko=플러스|th=บวก"
    "|hi=प्लस|ta=கூட்டல்|ar=زائد|fa=به‌اضافهٔ|he=פלוס"
)

EQUALS = _table(
    "en=equals|de=gleich|fr=égale|es=igual a|it=uguale|pt=igual a|nl=is|ca=igual a|ro=egal"
    "|ru=равно|uk=дорівнює|pl=równa się|cs=rovná se|sk=rovná sa|bg=равно на|hr=jednako|sl=je enako"
    "|da=er lig med|nb=er lik|nn=er lik|sv=är lika med|fi=on yhtä kuin|hu=egyenlő|tr=eşittir|el=ίσον"
    "|vi=bằng|id=sama dengan|ms=sama dengan|fil=equals|af=is gelyk aan|zh=等于|yue=等於|ja=イコール"
    "|ko=는|th=เท่ากับ|hi=बराबर|ta=சமம்|ar=يساوي|fa=مساوی|he=שווה"
)

TIMES = _table(
    "en=times|de=mal|fr=fois|es=por|it=per|pt=vezes|nl=keer|ca=per|ro=ori|ru=умножить на"
    "|uk=помножити на|pl=razy|cs=krát|sk=krát|bg=по|hr=puta|sl=krat|da=gange|nb=ganger|nn=gonger"
    "|sv=gånger|fi=kertaa|hu=szor|tr=çarpı|el=επί|vi=nhân|id=kali|ms=darab|fil=times|af=maal|zh=乘"
    "|yue=乘|ja=かける|ko=곱하기|th=คูณ|hi=गुणा|ta=பெருக்கல்|ar=في|fa=ضربدر|he=כפול"
)

NUMBER = _table(
    "en=number|de=Nummer|fr=numéro|es=número|it=numero|pt=número|nl=nummer|ca=número|ro=numărul"
    "|ru=номер|uk=номер|pl=numer|cs=číslo|sk=číslo|bg=номер|hr=broj|sl=številka|da=nummer"
    "|nb,nn=nummer|sv=nummer|fi=numero|hu=szám|tr=numara|el=αριθμός|vi=số|id=nomor|ms=nombor"
    "|fil=numero|af=nommer|zh=第|yue=第|ja=ナンバー|ko=번호|th=หมายเลข|hi=नंबर|ta=எண்|ar=رقم|fa=شمارهٔ"
    "|he=מספר"
)
"""№ and # before a number"""

TO = _table(
    "en=to|de=bis|fr=à|es=a|it=a|pt=a|nl=tot|ca=a|ro=până la|ru=до|uk=до|pl=do|cs=až|sk=až|bg=до"
    "|hr=do|sl=do|da=til|nb,nn=til|sv=till|fi=viiva|hu=|tr=ila|el=έως|vi=đến|id=sampai|ms=hingga"
    "|fil=hanggang|af=tot|zh=到|yue=到|ja=から|ko=에서|th=ถึง|hi=से|ta=முதல்|ar=إلى|fa=تا|he=עד"
)
"""The dash between two numbers"""

# Hour and minutes; after the semicolon the full hour. Of languages that are not here the two
# numbers are said.
CLOCK = _table(
    "en={h} {m};{h} o'clock|de={h} Uhr {m};{h} Uhr|fr={h} heures {m};{h} heures"
    "|es={h} y {m};{h} en punto|it={h} e {m};{h} in punto|pt={h} e {m};{h} horas"
    "|nl={h} uur {m};{h} uur|ca={h} i {m};{h} en punt|ro={h} și {m};{h} fix|ru={h} {m};{h} ноль ноль"
    "|uk={h} {m};{h} нуль нуль|cs={h} hodin {m} minut;{h} hodin|sk={h} hodín {m} minút;{h} hodín"
    "|bg={h} и {m};{h} часа|hr={h} i {m};{h} sati|sl={h} in {m};{h}|hu={h} óra {m} perc;{h} óra"
    "|el={h} και {m};{h} ακριβώς|vi={h} giờ {m} phút;{h} giờ|id={h} lewat {m} menit;pukul {h}"
    "|ms={h} {m} minit;pukul {h}|zh={h}点{m}分;{h}点|yue={h}點{m}分;{h}點|ja={h}時{m}分;{h}時"
    "|ko={h}시 {m}분;{h}시|th={h} นาฬิกา {m} นาที;{h} นาฬิกา|hi={h} बजकर {m} मिनट;{h} बजे"
    "|ta={h} மணி {m} நிமிடம்;{h} மணி|ar={h} و{m} دقيقة;{h}|fa={h} و {m} دقیقه;{h}|he={h} ו-{m};{h}"
    "|af={h} uur {m};{h} uur|sv={h} {m};{h}|da={h} {m};{h}|nb,nn={h} {m};{h}|fi={h} {m};{h}"
    "|pl={h} {m};{h} zero zero|tr={h} {m};{h}|fil={h} {m};{h}"
)

# What "$" is called where the full name of the US dollar would be stilted, and other coins.
COINS: dict[str, dict[str, dict[str, str]]] = {
    "en": {
        "$": {"one": "dollar", "other": "dollars"},
        "£": {"one": "pound", "other": "pounds"},
        "¥": {"other": "yen"},
        "₹": {"one": "rupee", "other": "rupees"},
        "₩": {"other": "won"},
    },
    "de": {"$": {"other": "Dollar"}, "£": {"other": "Pfund"}, "¥": {"other": "Yen"}},
    "fr": {"$": {"one": "dollar", "other": "dollars"}, "£": {"one": "livre", "other": "livres"}},
    "es": {"$": {"one": "dólar", "other": "dólares"}, "£": {"one": "libra", "other": "libras"}},
    "it": {"$": {"one": "dollaro", "other": "dollari"}, "£": {"other": "sterline"}},
    "pt": {"$": {"one": "dólar", "other": "dólares"}, "£": {"one": "libra", "other": "libras"}},
    "nl": {"$": {"other": "dollar"}, "£": {"other": "pond"}},
    "ru": {
        "$": {"one": "доллар", "few": "доллара", "many": "долларов", "other": "доллара"},
        "₽": {"one": "рубль", "few": "рубля", "many": "рублей", "other": "рубля"},
    },
    "uk": {
        "$": {"one": "долар", "few": "долари", "many": "доларів", "other": "долара"},
        "₴": {"one": "гривня", "few": "гривні", "many": "гривень", "other": "гривні"},
    },
    "pl": {
        "$": {"one": "dolar", "few": "dolary", "many": "dolarów", "other": "dolara"},
        "zł": {"one": "złoty", "few": "złote", "many": "złotych", "other": "złotego"},
    },
    "cs": {
        "$": {"one": "dolar", "few": "dolary", "other": "dolarů"},
        "Kč": {"one": "koruna", "few": "koruny", "other": "korun"},
    },
    "tr": {"$": {"other": "dolar"}, "₺": {"other": "lira"}},
    "sv": {"$": {"other": "dollar"}, "kr": {"one": "krona", "other": "kronor"}},
    "da": {"$": {"other": "dollar"}, "kr": {"one": "krone", "other": "kroner"}},
    "nn": {"kr": {"one": "krone", "other": "kroner"}},
    "nb": {"$": {"other": "dollar"}, "kr": {"one": "krone", "other": "kroner"}},
    "fi": {"$": {"one": "dollari", "other": "dollaria"}},
    "id": {"$": {"other": "dolar"}},
    "ms": {"$": {"other": "dolar"}},
    "vi": {"$": {"other": "đô la"}, "₫": {"other": "đồng"}},
    "ta": {"$": {"other": "டாலர்"}, "₹": {"other": "ரூபாய்"}},
    "ja": {"$": {"other": "ドル"}, "¥": {"other": "円"}, "£": {"other": "ポンド"}},
    "ko": {"$": {"other": "달러"}, "₩": {"other": "원"}, "¥": {"other": "엔"}},
    "zh": {"¥": {"other": "元"}},
    "ar": {"$": {"other": "دولار"}},
    "he": {"$": {"other": "דולר"}},
    "hi": {"$": {"other": "डॉलर"}, "₹": {"one": "रुपया", "other": "रुपये"}},
    "th": {"$": {"other": "ดอลลาร์"}, "฿": {"other": "บาท"}},
    "fil": {"$": {"other": "dolyar"}, "₱": {"other": "piso"}},
}

# Hundredths, said after the whole. Where a language is missing, and it has the Latin, Greek or
# Cyrillic script, their number alone is said; elsewhere the amount is a decimal.
CENTS: dict[str, dict[str, tuple[str, str]]] = {
    "en": {"$": ("cent", "cents"), "€": ("cent", "cents"), "£": ("penny", "pence")},
    "de": {"€": ("Cent", "Cent"), "$": ("Cent", "Cent")},
    "fr": {"€": ("centime", "centimes"), "$": ("cent", "cents")},
    "es": {"€": ("céntimo", "céntimos"), "$": ("centavo", "centavos")},
    "it": {"€": ("centesimo", "centesimi"), "$": ("centesimo", "centesimi")},
    "pt": {"€": ("cêntimo", "cêntimos"), "$": ("centavo", "centavos")},
    "nl": {"€": ("cent", "cent"), "$": ("cent", "cent")},
}

# Words for powers of ten between an amount and its currency, and what joins them to it.
SCALES = _table(
    "en=million,billion,trillion,thousand|de=Million,Millionen,Milliarde,Milliarden,Tausend"
    "|fr=million,millions,milliard,milliards|es=millón,millones,mil|it=milione,milioni,miliardo,miliardi"
    "|pt=milhão,milhões,bilhão,bilhões,mil|nl=miljoen,miljard|ru=тысяч,миллион,миллиона,миллионов,миллиард,"
    "миллиарда,миллиардов|pl=tysięcy,milion,miliony,milionów,miliard,miliardów|sv=miljon,miljoner,"
    "miljard,miljarder|zh=万,亿|yue=萬,億|ja=万,億|ko=만,억|tr=milyon,milyar|id=juta,miliar|vi=triệu,tỷ"
)
SHORT_SCALES: dict[str, dict[str, str]] = {
    "en": {"m": "million", "bn": "billion", "M": "million", "B": "billion", "k": "thousand",
           "K": "thousand", "tn": "trillion"},
    "de": {"Mio.": "Millionen", "Mrd.": "Milliarden", "Tsd.": "Tausend"},
    "fr": {"M": "millions", "Md": "milliards"},
    "es": {"M": "millones"}, "it": {"mln": "milioni", "mld": "miliardi"},
    "nl": {"mln": "miljoen", "mld": "miljard"},
    "ru": {"млн": "миллион|миллиона|миллионов", "млрд": "миллиард|миллиарда|миллиардов",
           "тыс.": "тысяча|тысячи|тысяч"},
    "pl": {"mln": "milion|miliony|milionów", "mld": "miliard|miliardy|miliardów",
           "tys.": "tysiąc|tysiące|tysięcy"},
}  # fmt: skip
OF = _table("fr=de|es=de|it=di|pt=de")

# Words of units that CLDR writes by their symbols, or inherits.
UNITS: dict[str, dict[str, str]] = {
    "zh": {"%": "百分之{0}"},
    "yue": {"%": "百分之{0}", "km": "{0}公里", "m": "{0}米", "cm": "{0}厘米", "kg": "{0}公斤", "g": "{0}克",
            "h": "{0}個鐘", "min": "{0}分鐘", "s": "{0}秒", "m²": "{0}平方米", "km²": "{0}平方公里"},
    "ko": {"%": "{0} 퍼센트", "h": "{0}시간", "min": "{0}분", "s": "{0}초"},
    "ar": {"%": "{0} بالمائة", "l": "{0} لتر"},
    "fa": {"km": "{0} کیلومتر", "cm": "{0} سانتی‌متر", "kg": "{0} کیلوگرم"},
    "nl": {"h": "{0} uur"},
    "vi": {"%": "{0} phần trăm", "km/h": "{0} kilômét trên giờ", "m/s": "{0} mét trên giây"},
    "tr": {"km/h": "saatte {0} kilometre", "m/s": "saniyede {0} metre"},
    "ta": {"km/h": "மணிக்கு {0} கிலோமீட்டர்", "m/s": "விநாடிக்கு {0} மீட்டர்"},
    "th": {"min": "{0} นาที"},
    "ms": {"s": "{0} saat"},
}  # fmt: skip

# Symbols of units that are words of the language, "ha" and "mi" where nothing is said here.
NO_UNITS = _table(
    "en=|de=mi|nl=mi|da=mi|ru=ha mi с В г|uk=ha mi с В г|bg=ha mi с В г|cs=ha mi s V W|sk=ha mi s V W"
    "|sl=ha mi s V W|hr=ha mi s V W|hu=ha mi s|pl=mi W"
)

# Where CLDR's pattern of a long date is not what is said.
DATES = _table(
    "vi='ngày' d 'tháng' M 'năm' y|th=d MMMM y|hr=d. MMMM y|ru=d MMMM y|uk=d MMMM y|bg=d MMMM y"
)

HALVES: dict[str, dict[str, str]] = {
    "en": {"½": "a half", "¼": "a quarter", "¾": "three quarters", "⅓": "a third",
           "⅔": "two thirds", "²": "squared", "³": "cubed"},
    "de": {"½": "einhalb", "¼": "ein Viertel", "¾": "drei Viertel", "⅓": "ein Drittel",
           "⅔": "zwei Drittel", "²": "Quadrat", "³": "hoch drei"},
    "fr": {"½": "et demi", "¼": "un quart", "¾": "trois quarts", "⅓": "un tiers",
           "⅔": "deux tiers", "²": "au carré", "³": "au cube"},
    "es": {"½": "y medio", "¼": "un cuarto", "¾": "tres cuartos", "⅓": "un tercio",
           "⅔": "dos tercios", "²": "al cuadrado", "³": "al cubo"},
    "it": {"½": "e mezzo", "¼": "un quarto", "¾": "tre quarti", "⅓": "un terzo",
           "⅔": "due terzi", "²": "al quadrato", "³": "al cubo"},
    "pt": {"½": "e meio", "¼": "um quarto", "¾": "três quartos", "⅓": "um terço",
           "⅔": "dois terços", "²": "ao quadrado", "³": "ao cubo"},
    "nl": {"½": "een half", "¼": "een kwart", "¾": "driekwart", "²": "kwadraat"},
    "ru": {"½": "с половиной", "¼": "четверть", "¾": "три четверти", "²": "в квадрате"},
    "pl": {"½": "i pół", "¼": "ćwierć", "¾": "trzy czwarte", "²": "do kwadratu"},
    "zh": {"½": "二分之一", "¼": "四分之一", "¾": "四分之三", "⅓": "三分之一", "²": "的平方"},
    "ja": {"½": "二分の一", "¼": "四分の一", "¾": "四分の三", "⅓": "三分の一", "²": "の二乗"},
    "ko": {"½": "이분의 일", "¼": "사분의 일", "¾": "사분의 삼", "²": "제곱"},
}  # fmt: skip
"""Fractions and powers; after a number the first ones are "and a half" """

# Days of a month, where they are ordinals: 1 to 20, what comes before the units of 21 to 29, and
# 30; 31 is made of 30 and 1. In the case that a date has.
ORDINALS: dict[str, str] = {
    "de": "erste zweite dritte vierte fünfte sechste siebte achte neunte zehnte elfte zwölfte "
    "dreizehnte vierzehnte fünfzehnte sechzehnte siebzehnte achtzehnte neunzehnte zwanzigste "
    "einundzwanzigste zweiundzwanzigste dreiundzwanzigste vierundzwanzigste fünfundzwanzigste "
    "sechsundzwanzigste siebenundzwanzigste achtundzwanzigste neunundzwanzigste dreißigste "
    "einunddreißigste",
    "ru": "первого второго третьего четвёртого пятого шестого седьмого восьмого девятого десятого "
    "одиннадцатого двенадцатого тринадцатого четырнадцатого пятнадцатого шестнадцатого "
    "семнадцатого восемнадцатого девятнадцатого двадцатого двадцать+ тридцатого тридцать+",
    "uk": "першого другого третього четвертого п'ятого шостого сьомого восьмого дев'ятого десятого "
    "одинадцятого дванадцятого тринадцятого чотирнадцятого п'ятнадцятого шістнадцятого "
    "сімнадцятого вісімнадцятого дев'ятнадцятого двадцятого двадцять+ тридцятого тридцять+",
    "pl": "pierwszego drugiego trzeciego czwartego piątego szóstego siódmego ósmego dziewiątego "
    "dziesiątego jedenastego dwunastego trzynastego czternastego piętnastego szesnastego "
    "siedemnastego osiemnastego dziewiętnastego dwudziestego dwudziestego+ trzydziestego "
    "trzydziestego+",
    "cs": "prvního druhého třetího čtvrtého pátého šestého sedmého osmého devátého desátého "
    "jedenáctého dvanáctého třináctého čtrnáctého patnáctého šestnáctého sedmnáctého osmnáctého "
    "devatenáctého dvacátého dvacátého+ třicátého třicátého+",
    "sk": "prvého druhého tretieho štvrtého piateho šiesteho siedmeho ôsmeho deviateho desiateho "
    "jedenásteho dvanásteho trinásteho štrnásteho pätnásteho šestnásteho sedemnásteho "
    "osemnásteho devätnásteho dvadsiateho dvadsiateho+ tridsiateho tridsiateho+",
    "hr": "prvog drugog trećeg četvrtog petog šestog sedmog osmog devetog desetog jedanaestog "
    "dvanaestog trinaestog četrnaestog petnaestog šesnaestog sedamnaestog osamnaestog "
    "devetnaestog dvadesetog dvadeset+ tridesetog trideset+",
    "bg": "първи втори трети четвърти пети шести седми осми девети десети единадесети дванадесети "
    "тринадесети четиринадесети петнадесети шестнадесети седемнадесети осемнадесети "
    "деветнадесети двадесети двадесет-и+ тридесети тридесет-и+",
    "da": "første anden tredje fjerde femte sjette syvende ottende niende tiende ellevte tolvte "
    "trettende fjortende femtende sekstende syttende attende nittende tyvende enogtyvende "
    "toogtyvende treogtyvende fireogtyvende femogtyvende seksogtyvende syvogtyvende "
    "otteogtyvende niogtyvende tredivte enogtredivte",
    "nb": "første andre tredje fjerde femte sjette syvende åttende niende tiende ellevte tolvte "
    "trettende fjortende femtende sekstende syttende attende nittende tjuende tjueførste "
    "tjueandre tjuetredje tjuefjerde tjuefemte tjuesjette tjuesyvende tjueåttende tjueniende "
    "trettiende trettiførste",
    "sv": "första andra tredje fjärde femte sjätte sjunde åttonde nionde tionde elfte tolfte "
    "trettonde fjortonde femtonde sextonde sjuttonde artonde nittonde tjugonde tjugoförsta "
    "tjugoandra tjugotredje tjugofjärde tjugofemte tjugosjätte tjugosjunde tjugoåttonde "
    "tjugonionde trettionde trettioförsta",
    "fi": "ensimmäinen toinen kolmas neljäs viides kuudes seitsemäs kahdeksas yhdeksäs kymmenes "
    "yhdestoista kahdestoista kolmastoista neljästoista viidestoista kuudestoista "
    "seitsemästoista kahdeksastoista yhdeksästoista kahdeskymmenes kahdeskymmenes+ "
    "kolmaskymmenes kolmaskymmenes+",
}


def ordinal(code: str, day: int) -> str:
    """The day of a month, 1 to 31, in words; "" where the language is not in the table."""
    words = ORDINALS.get(code, "").split()
    if not words:
        return ""
    if len(words) == 31:
        return words[day - 1]
    if day <= 20:
        return words[day - 1]
    if day == 30:
        return words[21]
    tens = words[20] if day < 30 else words[22]
    return tens.replace("-", " ").replace("+", " ") + words[day % 10 - 1]


# An entry that ends with "#" stands before a number only.
ABBREVIATIONS: dict[str, dict[str, str]] = {
    "en": {
        "Dr.": "Doctor", "Dr": "Doctor", "Mr.": "Mister", "Mrs.": "Missus", "Ms.": "Miz",
        "Prof.": "Professor", "St.": "Saint", "Gen.": "General", "Sgt.": "Sergeant",
        "Capt.": "Captain", "e.g.": "for example", "i.e.": "that is", "etc.": "et cetera",
        "vs.": "versus", "approx.": "approximately", "No.#": "number", "Nos.#": "numbers",
        "p.#": "page", "pp.#": "pages", "Vol.#": "volume", "Fig.#": "figure", "Jr.": "Junior",
        "Sr.": "Senior", "Inc.": "Incorporated", "Ltd.": "Limited", "a.m.": "A M", "p.m.": "P M",
        "Jan.#": "January", "Feb.#": "February", "Mar.#": "March", "Apr.#": "April",
        "Aug.#": "August", "Sept.#": "September", "Oct.#": "October", "Nov.#": "November",
        "Dec.#": "December", "w/": "with", "w/o": "without",
    },
    "de": {
        "z. B.": "zum Beispiel", "z.B.": "zum Beispiel", "d. h.": "das heißt",
        "d.h.": "das heißt", "u. a.": "unter anderem", "u.a.": "unter anderem",
        "usw.": "und so weiter", "bzw.": "beziehungsweise", "ca.": "circa", "Dr.": "Doktor",
        "Prof.": "Professor", "Nr.": "Nummer", "Str.": "Straße", "St.": "Sankt", "Hr.": "Herr",
        "Fr.": "Frau", "inkl.": "inklusive", "zzgl.": "zuzüglich", "ggf.": "gegebenenfalls",
        "evtl.": "eventuell", "vgl.": "vergleiche", "S.#": "Seite", "Abs.": "Absatz",
        "Art.": "Artikel", "Mio.": "Millionen", "Mrd.": "Milliarden", "o. Ä.": "oder Ähnliches",
        "i. d. R.": "in der Regel", "u. U.": "unter Umständen", "Tel.": "Telefon", "Std.": "Stunden",
    },
    "fr": {
        "M.": "monsieur", "MM.": "messieurs", "Mme": "madame", "Mmes": "mesdames",
        "Mlle": "mademoiselle", "Dr": "docteur", "Dr.": "docteur", "Me": "maître",
        "p. ex.": "par exemple", "etc.": "et cetera", "c.-à-d.": "c'est-à-dire", "n°": "numéro",
        "N°": "numéro", "p.#": "page", "av.": "avenue", "bd": "boulevard", "St": "saint",
        "Ste": "sainte", "1er": "premier", "1re": "première", "env.": "environ", "tél.": "téléphone",
    },
    "es": {
        "Sr.": "señor", "Sra.": "señora", "Srta.": "señorita", "Sres.": "señores",
        "Dr.": "doctor", "Dra.": "doctora", "D.": "don", "D.ª": "doña", "Ud.": "usted",
        "Uds.": "ustedes", "p. ej.": "por ejemplo", "p.ej.": "por ejemplo", "etc.": "etcétera",
        "EE. UU.": "Estados Unidos", "EE.UU.": "Estados Unidos", "n.º": "número", "núm.": "número",
        "pág.": "página", "págs.": "páginas", "Av.": "avenida", "Avda.": "avenida",
        "aprox.": "aproximadamente", "tel.": "teléfono", "a. C.": "antes de Cristo",
        "d. C.": "después de Cristo",
    },
    "it": {
        "sig.": "signor", "Sig.": "Signor", "sig.ra": "signora", "Sig.ra": "Signora",
        "dott.": "dottor", "Dott.": "Dottor", "dott.ssa": "dottoressa", "Dr.": "dottor",
        "prof.": "professor", "Prof.": "Professor", "ing.": "ingegner", "avv.": "avvocato",
        "ecc.": "eccetera", "es.": "esempio", "p. es.": "per esempio", "pag.": "pagina",
        "n.#": "numero", "ca.": "circa", "tel.": "telefono", "S.p.A.": "esse pi a",
    },
    "pt": {
        "Sr.": "senhor", "Sra.": "senhora", "Srta.": "senhorita", "Dr.": "doutor",
        "Dra.": "doutora", "Prof.": "professor", "p. ex.": "por exemplo", "etc.": "et cetera",
        "n.º": "número", "nº": "número", "pág.": "página", "Av.": "avenida", "R.": "rua",
        "aprox.": "aproximadamente", "tel.": "telefone", "Ltda.": "limitada",
    },
    "nl": {
        "dhr.": "de heer", "mevr.": "mevrouw", "mw.": "mevrouw", "dr.": "doctor",
        "drs.": "doctorandus", "prof.": "professor", "bijv.": "bijvoorbeeld", "bv.": "bijvoorbeeld",
        "d.w.z.": "dat wil zeggen", "enz.": "enzovoort", "o.a.": "onder andere", "ca.": "circa",
        "nr.": "nummer", "blz.": "bladzijde", "m.b.t.": "met betrekking tot", "i.p.v.": "in plaats van",
        "t/m": "tot en met", "a.u.b.": "alstublieft", "jl.": "jongstleden",
    },
    "ru": {
        "г.": "года", "т. е.": "то есть", "т.е.": "то есть", "т. д.": "так далее", "т.д.": "так далее",
        "т. п.": "тому подобное", "т.п.": "тому подобное", "т. к.": "так как", "т.к.": "так как",
        "др.": "другие", "г-н": "господин", "г-жа": "госпожа", "ул.": "улица", "им.": "имени",
        "стр.": "страница", "руб.": "рублей", "коп.": "копеек", "тыс.": "тысяч", "млн": "миллионов",
        "млрд": "миллиардов", "напр.": "например", "см.": "смотри", "проф.": "профессор",
        "тел.": "телефон", "н. э.": "нашей эры", "гг.": "годы", "ок.": "около",
    },
    "uk": {
        "р.": "року", "т. д.": "так далі", "т.д.": "так далі", "тобто": "тобто", "вул.": "вулиця",
        "ім.": "імені", "стор.": "сторінка", "грн": "гривень", "коп.": "копійок", "тис.": "тисяч",
        "млн": "мільйонів", "млрд": "мільярдів", "напр.": "наприклад", "проф.": "професор",
        "див.": "дивись", "ін.": "інші",
    },
    "pl": {
        "np.": "na przykład", "itd.": "i tak dalej", "itp.": "i tym podobne", "tzn.": "to znaczy",
        "tj.": "to jest", "m.in.": "między innymi", "dr": "doktor", "prof.": "profesor",
        "ul.": "ulica", "nr": "numer", "str.": "strona", "ok.": "około", "tys.": "tysięcy",
        "mln": "milionów", "mld": "miliardów", "godz.": "godzina", "św.": "święty",
        "gr": "groszy", "tzw.": "tak zwany", "r.": "roku",
    },
    "cs": {
        "např.": "například", "atd.": "a tak dále", "apod.": "a podobně", "tj.": "to jest", "tzn.": "to znamená",
        "tzv.": "takzvaný", "č.": "číslo", "str.": "strana", "ul.": "ulice",
        "hod.": "hodin", "resp.": "respektive", "cca": "cirka", "mj.": "mimo jiné",
    },
    "sk": {
        "napr.": "napríklad", "atď.": "a tak ďalej", "t. j.": "to jest", "tzv.": "takzvaný",
        "č.": "číslo", "str.": "strana", "ul.": "ulica", "resp.": "respektíve", "cca": "cirka",
    },
    "sv": {
        "t.ex.": "till exempel", "t. ex.": "till exempel", "bl.a.": "bland annat",
        "bl. a.": "bland annat", "dvs.": "det vill säga", "osv.": "och så vidare", "m.m.": "med mera",
        "ca": "cirka", "kl.": "klockan", "nr": "nummer", "s.k.": "så kallad",
        "f.d.": "före detta", "t.o.m.": "till och med", "p.g.a.": "på grund av",
    },
    "da": {
        "f.eks.": "for eksempel", "bl.a.": "blandt andet", "dvs.": "det vil sige",
        "osv.": "og så videre", "m.m.": "med mere", "ca.": "cirka", "kl.": "klokken", "kr.": "kroner",
        "nr.": "nummer", "pga.": "på grund af", "mht.": "med hensyn til",
    },
    "nb": {
        "f.eks.": "for eksempel", "bl.a.": "blant annet", "dvs.": "det vil si",
        "osv.": "og så videre", "m.m.": "med mer", "ca.": "cirka", "kl.": "klokka",
        "nr.": "nummer", "pga.": "på grunn av", "mht.": "med hensyn til",
    },
    "nn": {
        "t.d.": "til dømes", "bl.a.": "mellom anna", "dvs.": "det vil seie",
        "osv.": "og så vidare", "ca.": "cirka", "kl.": "klokka", "nr.": "nummer",
    },
    "fi": {
        "esim.": "esimerkiksi", "ym.": "ynnä muuta", "jne.": "ja niin edelleen", "n.#": "noin",
        "klo": "kello", "mm.": "muun muassa", "eli": "eli", "ks.": "katso", "ts.": "toisin sanoen",
        "nro": "numero", "s.#": "sivu",
    },
    "hu": {
        "pl.": "például", "stb.": "satöbbi", "kb.": "körülbelül", "ún.": "úgynevezett",
        "dr.": "doktor", "ill.": "illetve", "u.": "utca", "db": "darab", "Ft": "forint",
    },
    "tr": {
        "vb.": "ve benzeri", "vs.": "vesaire", "örn.": "örneğin", "Dr.": "Doktor",
        "Prof.": "Profesör", "Doç.": "Doçent", "Sn.": "Sayın", "Cad.": "Caddesi",
        "Sok.": "Sokağı", "No.": "numara", "TL": "lira", "yy.": "yüzyıl",
    },
    "ro": {
        "dl.": "domnul", "d-na": "doamna", "dna.": "doamna", "dr.": "doctor", "nr.": "numărul",
        "str.": "strada", "etc.": "et cetera", "ex.": "exemplu", "pag.": "pagina",
    },
    "el": {
        "π.χ.": "παραδείγματος χάριν", "κ.": "κύριος", "κα": "κυρία", "δηλ.": "δηλαδή",
        "κ.λπ.": "και λοιπά", "κλπ.": "και λοιπά", "σελ.": "σελίδα", "αρ.": "αριθμός",
        "μ.μ.": "μετά μεσημβρίαν", "π.μ.": "προ μεσημβρίας",
    },
    "bg": {
        "г.": "година", "напр.": "например", "т.е.": "тоест", "т.н.": "така наречения", "и др.": "и други",
        "ул.": "улица", "г-н": "господин", "г-жа": "госпожа", "д-р": "доктор", "лв.": "лева",
        "стр.": "страница", "бул.": "булевард", "гр.": "град",
    },
    "hr": {
        "npr.": "na primjer", "itd.": "i tako dalje", "tj.": "to jest", "dr.": "doktor",
        "ul.": "ulica", "br.": "broj", "str.": "stranica", "tzv.": "takozvani", "sv.": "sveti",
    },
    "sl": {
        "npr.": "na primer", "itd.": "in tako dalje", "oz.": "oziroma", "tj.": "to je",
        "dr.": "doktor", "ul.": "ulica", "št.": "številka", "str.": "stran", "t. i.": "tako imenovani",
    },
    "ca": {
        "Sr.": "senyor", "Sra.": "senyora", "Dr.": "doctor", "Dra.": "doctora",
        "p. ex.": "per exemple", "etc.": "etcètera", "núm.": "número", "pàg.": "pàgina",
        "av.": "avinguda",
    },
    "af": {
        "mnr.": "meneer", "mev.": "mevrou", "dr.": "dokter", "bv.": "byvoorbeeld",
        "ens.": "ensovoorts", "d.w.s.": "dit wil sê", "nr.": "nommer", "bl.": "bladsy",
    },
    "id": {
        "dll.": "dan lain-lain", "dsb.": "dan sebagainya", "dst.": "dan seterusnya",
        "Jl.": "Jalan", "yg": "yang", "No.": "nomor", "hlm.": "halaman", "Bpk.": "Bapak",
        "a.n.": "atas nama",
    },
    "ms": {
        "dll.": "dan lain-lain", "dsb.": "dan sebagainya", "Jln.": "Jalan", "No.": "nombor",
        "Dr.": "Doktor", "En.": "Encik", "Pn.": "Puan",
    },
    "vi": {
        "TP.": "thành phố", "TS.": "tiến sĩ", "ThS.": "thạc sĩ", "GS.": "giáo sư",
        "v.v.": "vân vân", "VD:": "ví dụ",
    },
    "fil": {"G.": "Ginoo", "Gng.": "Ginang", "Bb.": "Binibini", "Dr.": "Doktor", "atbp.": "at iba pa"},
    "ar": {"د.": "دكتور", "أ.": "أستاذ", "م.": "مهندس", "ص.": "صفحة", "إلخ": "إلى آخره"},
    "he": {"ד״ר": "דוקטור", 'ד"ר': "דוקטור", "פרופ׳": "פרופסור", "וכו׳": "וכולי", "ע״י": "על ידי",
           'ע"י': "על ידי", "גב׳": "גברת", "עמ׳": "עמוד", "רח׳": "רחוב", 'ארה"ב': "ארצות הברית"},
    "hi": {"डॉ.": "डॉक्टर", "डॉ॰": "डॉक्टर", "श्री.": "श्री", "रु.": "रुपये", "प्रो.": "प्रोफ़ेसर",
           "कि.मी.": "किलोमीटर"},
    "ta": {"திரு.": "திரு", "டாக்.": "டாக்டர்", "எ.கா.": "எடுத்துக்காட்டாக"},
}  # fmt: skip
