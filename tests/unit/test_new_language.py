"""Adding a language takes two files, and rebuilds no voice."""

from __future__ import annotations

import json
import lzma
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import soundclone
from soundclone.engines.builtin.voice import version
from soundclone.text.languages import LANGUAGES
from soundclone.text.languages.loading import InvalidLanguage, load

SOURCE = Path(soundclone.__file__).parent
ESPERANTO = Path(__file__).parents[1] / "texts" / "language" / "eo.toml"
CLDR = {
    "decimal": ",", "group": "\u00a0", "plural": {"one": "n in 1"},
    "months": "januaro februaro marto aprilo majo junio julio aŭgusto septembro oktobro novembro "
    "decembro".split(),
    "date": "d'-a' 'de' MMMM y", "order": "yMd",
    "units": {"kg": {"one": "{0} kilogramo", "other": "{0} kilogramoj"}},
    "money": {"EUR": {"one": "eŭro", "other": "eŭroj"}}, "pattern": "{0} {1}",
    "names": {"😀": "ridanta vizaĝo"},
}  # fmt: skip

PROGRAM = """
import json
import sys
import numpy as np
from soundclone.engines.builtin import BuiltinEngine
from soundclone.engines.protocol import Controls, Reference
from soundclone.text.languages import LANGUAGES, detect, detect_each, lookup, names
from soundclone.text.normalisation import normalise

engine = BuiltinEngine()
new = LANGUAGES["Esperanto"]
source = engine._pool.speak(LANGUAGES["English"].preview * 2, "English")
voice = engine.clone(Reference(source.samples.astype(np.float32), source.sample_rate))
speech = engine.speak(voice, new.preview.split("! ")[0], Controls(new.name))
json.dump(
    {
        "names": names("v2"),
        "engine": sorted(engine.info.languages),
        "version": engine.info.version,
        "lookup": [lookup(name, "v2").name for name in ("eo", "esperanto", "Internacia Lingvo")],
        "detected": [
            detect(LANGUAGES[name].preview, "v2").name for name in ("Esperanto", "Polish")
        ],
        "sentences": [
            each.name
            for each in detect_each([new.preview, LANGUAGES["Greek"].preview], "v2", new)
        ],
        "normalised": normalise(sys.argv[1], new.name).text,
        "words": [word.text for word in speech.words],
        "loudest": float(abs(speech.samples).max()),
    },
    sys.stdout,
)
"""


@pytest.fixture(scope="module")
def with_esperanto(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package with the two files of a language that it lacks."""
    root = tmp_path_factory.mktemp("copy")
    text = root / "soundclone" / "text"
    shutil.copytree(SOURCE, root / "soundclone", ignore=shutil.ignore_patterns("studio", "*.pyc"))
    shutil.copy(ESPERANTO, text / "languages" / "eo.toml")
    (text / "cldr" / "eo.xz").write_bytes(lzma.compress(json.dumps(CLDR).encode()))
    return root


def test_a_new_language_is_spoken_and_no_voice_is_rebuilt(with_esperanto: Path) -> None:
    written = "D-ro Zamenhof: 5 km, 1 kg, 2 kg, 10–12 & 17:30, la 2026-05-03; 3 €, a-b@c.org 😀"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, written],
        env={**os.environ, "PYTHONPATH": str(with_esperanto)},
        capture_output=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["names"] == [*LANGUAGES, "Esperanto"]
    assert set(found["engine"]) == {*LANGUAGES, "Esperanto"}
    assert found["version"] == version()
    assert found["lookup"] == ["Esperanto"] * 3
    assert found["detected"] == ["Esperanto", "Polish"]
    assert found["sentences"] == ["Esperanto", "Greek"]
    assert found["normalised"] == (
        "doktoro Zamenhof: 5 kilometroj, 1 kilogramo, 2 kilogramoj, 10 ĝis 12 kaj la 17a kaj 30, "
        "la 3-a de majo 2026; 3 eŭroj, a streketo b heliko c punkto org, ridanta vizaĝo"
    )
    assert found["words"] == ["Saluton", "kaj", "bonvenon"]
    assert 0.01 < found["loudest"] <= 1


@pytest.mark.parametrize("code", sorted(language.code for language in LANGUAGES.values()))
def test_every_file_can_be_used(code: str) -> None:
    assert load(SOURCE / "text" / "languages" / f"{code}.toml").code == code


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('to = "ĝis"\n', "", "words.to is missing; every language must have it"),
        ("[words]", "[words", "not a TOML file: Expected ']' at the end of a table declaration"),
        ('"v2"', '"v9"', "version is 'v9'; it must be v1 or v2"),
        ('"Latn"', '"Roma"', "script is 'Roma'; it must be one of Arab, Cyrl, Deva"),
        ('code = "eo"', 'code = "epo"', "code is 'epo'; it must be the file's name, 'eo'"),
        ('version = "v2"', "version = 2", "version is 2; it must be a string"),
        ("{h}a kaj {m}", "{h}a", "clock.minutes is 'la {h}a'; it must be a text with {h}, {m}"),
        ("[clock]", "[clocks]", "clocks is not known; the file may have name, code, version"),
        ('dot = "', 'point = "', "words.point is not known; words may have at, dot, slash"),
        (
            'zh = "世界语"',
            'zh = ""',
            "display.zh is ''; it must be the language's name in the studio",
        ),
        ('"[ĉĝĥĵŝŭ]"', '"[ĉĝ"', "detection.letters is no regular expression: unterminated"),
        ('["d-ro", "s-ro"]', '["d-ro", 2]', "sentences.titles[1] is 2; it must be a string"),
        ('"{0} kil', '"0 kil', "units.km is '0 kilometroj'; it must be a text with {0}"),
        (
            'espeak_voice = "eo"',
            "final_fall = -0.5",
            "speech.final_fall is -0.5; it must be a share from 0 to 2",
        ),
        (
            'espeak_voice = "eo"',
            "declination = nan",
            "speech.declination is nan; it must be semitones a second from -2 to 2",
        ),
        ("[units]", "[dates]\ndays = ['unua']\n[units]", "dates.days is '1 words'; it must be 31"),
    ],
)
def test_a_wrong_file_is_refused_with_its_field(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    folder = tmp_path / "languages"
    folder.mkdir()
    (tmp_path / "cldr").mkdir()
    (tmp_path / "cldr" / "eo.xz").touch()
    text = ESPERANTO.read_text("utf-8")
    assert old in text
    (folder / "eo.toml").write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(InvalidLanguage) as caught:
        load(folder / "eo.toml")
    assert str(caught.value).startswith(f"eo.toml: {message}")


def test_a_language_needs_its_data_of_the_cldr(tmp_path: Path) -> None:
    folder = tmp_path / "languages"
    folder.mkdir()
    shutil.copy(ESPERANTO, folder)
    with pytest.raises(InvalidLanguage, match=r"eo.toml: cldr/eo.xz is missing; write it with"):
        load(folder / "eo.toml")


def test_two_languages_have_no_name_in_common(tmp_path: Path) -> None:
    from soundclone.text.languages.catalogue import Catalogue

    folder = tmp_path / "languages"
    shutil.copytree(SOURCE / "text" / "languages", folder, ignore=shutil.ignore_patterns("*.py"))
    shutil.copytree(SOURCE / "text" / "cldr", tmp_path / "cldr")
    (tmp_path / "cldr" / "eo.xz").touch()
    text = ESPERANTO.read_text("utf-8").replace("internacia-lingvo", "Valencian")
    (folder / "eo.toml").write_text(text, "utf-8")
    with pytest.raises(InvalidLanguage, match="'Valencian' is a name of Catalan too"):
        len(Catalogue(folder))
