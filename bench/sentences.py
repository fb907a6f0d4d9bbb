"""Sentences that bench/quality.py synthesises."""

from __future__ import annotations

# fmt: off
SCRIPTS: dict[str, tuple[str, ...]] = {
    "English": (
        "My neighbour grows tomatoes behind the old garage.",
        "Every Thursday the train to the coast leaves at seven.",
        "She packed a warm jacket, two books and a bottle of water.",
        "Nobody expected the little bridge to survive the flood.",
        "Could you please shut the window before it rains?",
        "He fixed the radio with a spoon and a piece of string.",
        "The museum is closed on Monday, but the garden stays open.",
        "Fresh bread and black coffee make a good breakfast.",
    ),
    "German": (
        "Am Sonntag fahren wir mit dem Rad an den See.",
        "Die Bäckerei an der Ecke öffnet schon um sechs Uhr.",
        "Hast du den Schlüssel wirklich überall gesucht?",
    ),
    "Spanish": (
        "El domingo vamos en bicicleta hasta el lago.",
        "La panadería de la esquina abre a las seis de la mañana.",
        "¿Has buscado la llave por todas partes?",
    ),
    "French": (
        "Dimanche, nous irons au lac à vélo.",
        "La boulangerie du coin ouvre dès six heures du matin.",
        "As-tu vraiment cherché la clé partout ?",
    ),
    "Italian": (
        "Domenica andiamo al lago in bicicletta.",
        "Il panificio all'angolo apre già alle sei del mattino.",
        "Hai davvero cercato la chiave dappertutto?",
    ),
    "Portuguese": (
        "No domingo vamos de bicicleta até o lago.",
        "A padaria da esquina abre às seis da manhã.",
        "Você procurou mesmo a chave em todos os lugares?",
    ),
    "Dutch": (
        "Zondag gaan we met de fiets naar het meer.",
        "De bakkerij op de hoek gaat al om zes uur open.",
        "Heb je echt overal naar de sleutel gezocht?",
    ),
    "Polish": (
        "W niedzielę pojedziemy rowerami nad jezioro.",
        "Piekarnia na rogu otwiera się już o szóstej rano.",
        "Czy naprawdę wszędzie szukałeś klucza?",
    ),
    "Korean": (
        "일요일에는 자전거를 타고 호수에 갈 거예요.",
        "모퉁이 빵집은 아침 여섯 시에 문을 엽니다.",
        "열쇠를 정말 다 찾아봤어요?",
    ),
    "Japanese": (
        "にちようびは、じてんしゃで、みずうみまでいきます。",
        "かどのパンやさんは、あさろくじにあきます。",
        "かぎは、ほんとうにぜんぶさがしましたか。",
    ),
    "Chinese": (
        "星期天我们骑自行车去湖边。",
        "街角的面包店早上六点就开门。",
        "你真的到处都找过钥匙了吗？",
    ),
    "Russian": (
        "В воскресенье мы поедем на велосипедах к озеру.",
        "Булочная на углу открывается уже в шесть утра.",
        "Ты действительно везде искал ключ?",
    ),
}
# fmt: on

MORE = (
    "The farmer drove his old truck across the frozen field.",
    "A small dog waited for hours outside the bakery.",
    "We painted the kitchen wall a bright shade of yellow.",
    "The teacher wrote three long words on the board.",
    "My sister plays the violin in a city orchestra.",
    "They carried the piano up four flights of stairs.",
    "A cold wind blew the leaves along the empty street.",
    "The doctor asked him to breathe slowly and count to ten.",
    "Her grandmother kept silver coins in a wooden box.",
    "The ship arrived in the harbour shortly before midnight.",
    "He bought a ticket for the last bus to the airport.",
    "Several students forgot to bring their passports.",
    "The chef added salt, pepper and a little lemon juice.",
    "Please turn off the lights when you leave the office.",
    "The children built a castle out of sand and shells.",
    "An old map showed the path through the mountains.",
    "She answered every question without looking at her notes.",
    "The price of sugar has doubled since last winter.",
    "Two brothers opened a shop for used bicycles.",
    "The river turned brown after a week of heavy rain.",
    "Nobody noticed that the picture was hanging upside down.",
    "I usually drink tea with milk in the afternoon.",
    "The judge listened to both sides before she decided.",
    "A thick fog covered the valley until noon.",
    "The mechanic changed the tires in less than an hour.",
    "His uncle taught him how to sail on the lake.",
    "The library lends films and music as well as books.",
    "Our neighbours complained about the noise from the party.",
    "The cat jumped from the roof and landed on a cushion.",
    "You can see the whole island from the top of the tower.",
    "The actor learned his lines on the train to work.",
    "A broken pipe flooded the basement last night.",
    "The company sells paper, pens and office furniture.",
    "They planted apple trees behind the school.",
    "The pilot announced a delay because of the storm.",
    "She found a letter from her father in the drawer.",
    "The boys shared a large pizza after the football game.",
    "A young woman was reading a newspaper on the bench.",
    "The engine makes a strange sound when the weather is cold.",
    "We crossed the border early in the morning.",
    "The nurse closed the curtains so that he could sleep.",
    "Most visitors come here to see the famous garden.",
)
"""English sentences for comparisons that need many."""

COMMON = """
about above across afraid after again against ago air all almost alone along already also always
angry animal another answer any apple arm around ask autumn away baby back bad bag ball bank basket
beach bear beautiful because bed bell below best better between big bird blue boat body born both
box boy brave bright bring broken brother brown build burn bus buy cake call camera candle captain
car card careful carry castle cat catch chair cheap cheese child circle city clean clear clever
climb clock cloud cold colour corner count country cousin cow cross crowd cry cup cut dance dark
daughter deep desert dinner doctor dog door down dream dress drink drive dry duck dust early earth
east easy eat edge eight empty engine evening eye face fall family famous far farm fast father
feather fence few field fight finger finish fire fish flag floor flower follow foot forest forget
four fox friend frog front game gate gentle gift girl glass goat gold grass great green ground
guess hair hand happy hard hat head healthy heart heavy hill history hold honey horse hospital hot
hour house hungry hunt husband ice island jump kettle key kind king kitchen knee knife ladder lake
lamp language large late laugh leaf left lemon letter library light lion listen live lucky market
"""
"""Words that nobody says, so that the recogniser has something to confuse."""
