"""German texts: names and dates are found, nouns are no names, and the models read along."""

from importlib.util import find_spec

import pytest

from lyrikstore.curate.personal.find import find
from lyrikstore.curate.personal.recognisers.checked import (
    passes_kvnr,
    passes_rvnr,
    passes_steuer_id,
)
from lyrikstore.curate.personal.recognisers.german import (
    Languages,
    is_no_name,
    name_end,
    names_among,
)

NAMED = ("person", "location", "organisation")


def marked(text: str, *kinds: str, by: str = "patterns") -> list[str]:
    chosen = kinds or ("person",)
    return [text[item.start : item.end] for item in find(text, [by], chosen)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Herr Dr. med. Hans-Peter Müller-Lüdenscheidt kam", ["Hans-Peter Müller-Lüdenscheidt"]),
        ("Sehr geehrte Frau Dr. Schmidt, vielen Dank", ["Schmidt"]),
        ("Sehr geehrter Herr Weiß,\nIhre Rechnung", ["Weiß"]),
        ("Dr. Dr. Weber und Prof. Dr. Koch", ["Weber", "Koch"]),
        ("Frau von der Leyen und Herr zu Guttenberg", ["von der Leyen", "zu Guttenberg"]),
        ("Freiherr von und zu Stein", ["von und zu Stein"]),
        ("Herr Richter hat, Frau Richterin Groß nicht", ["Richter", "Groß"]),
        ("Herrn\nMax Weber\nLindenallee 3", ["Max Weber"]),
        ("Herrn Rechtsanwalt Öztürk, Frau Šimić", ["Öztürk", "Šimić"]),
        ("Eheleute Anna Koch und Jan Koch", ["Anna Koch", "Jan Koch"]),
        ("der Kläger Hans Vogel, der Zeuge Fischer", ["Hans Vogel", "Fischer"]),
        ("Richterin am Landgericht Sommer", ["Sommer"]),
        ("die Witwe Eva Berg, geb. Thoma", ["Eva Berg", "Thoma"]),
        ("Mandantin: Eva Berg, Telefon", ["Eva Berg"]),
        ("Nachname Berg, Vorname Eva, geboren am", ["Berg", "Eva"]),
        ("der Patient Berg, Eva, liegt", ["Berg, Eva"]),
        ("Hallo Thomas,\nkannst du", ["Thomas"]),
        ("Mit freundlichen Grüßen\n\ni. A. Eva Berg\nAbteilung Einkauf", ["Eva Berg"]),
        ("Liebe Grüße Petra", ["Petra"]),
        ("bis morgen und VG\nPetra", ["Petra"]),
        ("Mein Name ist Eva Berg, und ich", ["Eva Berg"]),
        ("Herr Jan Wolff war da. Wolffs Auto, Wolff selbst", ["Jan Wolff", "Wolffs", "Wolff"]),
    ],
)
def test_names(text: str, names: list[str]) -> None:
    assert marked(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "Frau Rechnung, Herr Nachname fehlt, die Frau Vorname auch",
        "Patient Aufnahme um acht, der Kunde Vertrag liegt vor, Kunde Rechnung offen",
        "Herr Vorsitzender, Frau Präsidentin, Frau Kollegin",
        "wenn der Versicherte Anspruch hat und der Zeuge Kenntnis erlangt",
        "der Arzt von Beruf, ein Schuldner zum Schein, der Kläger zu Unrecht",
        "Liebe Kolleginnen und Kollegen, liebe Grüße vom Team",
        "Liebe Kundin, mit freundlichen Grüßen Ihre Abteilung Vertrieb",
        "Der Schnee liegt im Wald, und der Vogel sitzt auf dem Dach der Scheune.",
        "in 12345 Fällen und 20000 Haushalten, mit Wohnsitz in Deutschland",
        "Dr. Dr. ",
    ],
)
def test_nouns_are_no_names(text: str) -> None:
    assert marked(text, *NAMED) == []


def test_a_name_ends_before_the_noun() -> None:
    assert marked("Frau Koch Rechnung, Frau Koch Ihre Rechnung, der Kunde Jan Koch Vertrag") == [
        "Koch",
        "Koch",
        "Jan Koch",
    ]


def test_one_word_after_a_role_is_looked_for_nowhere_else() -> None:
    # A noun that the rules do not know would be masked all over the text.
    assert marked("Hat der Zeuge Bedenken, so sind Bedenken zu prüfen.") == ["Bedenken"]


@pytest.mark.parametrize(
    "text",
    [
        "Patient Portal and Patient Rights of the clinic",
        "Kind Regards\nof the team at LG Electronics",
        "Das LG München hat am VG Wort vorbei entschieden",
    ],
)
def test_words_of_two_meanings(text: str) -> None:
    assert marked(text) == []


@pytest.mark.parametrize(
    "date",
    [
        "3. März 1961", "03.03.1961", "März 1961", "15. Jänner 2020", "3. 3. 1961", "02.03.61",
        "15. Mai", "1. bis 3. Mai 2020", "ersten April 2019", "einunddreißigsten Mai",
        "Montag, den 3. Mai 2021", "Weihnachten 2019",
    ],
)  # fmt: skip
def test_dates(date: str) -> None:
    assert marked(f"Er kam {date} an.", "date") == [date]


@pytest.mark.parametrize(
    ("text", "dates"),
    [
        ("geb. 3.3.61", ["3.3.61"]),
        ("Rechnungsdatum: 3.3.61", ["3.3.61"]),
        ("bis zum 31.12. kündigen", ["31.12."]),
        ("vom 1.3. bis 5.3.2020", ["1.3.", "5.3.2020"]),
        ("im Mai und seit Juni", ["Mai", "Juni"]),
        ("Ziffer 1.2.19, Abschnitt 03.04.19, im Jahr 1961, am 33.14.", []),
        ("der erste Mann, die zweite Instanz", []),
    ],
)
def test_dates_that_a_word_explains(text: str, dates: list[str]) -> None:
    assert marked(text, "date") == dates


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("92 Jahre alt", "age", "92 Jahre alt"),
        ("die 95-jährige Frau", "age", "95-jährige"),
        ("im Alter von 93 Jahren", "age", "93"),
        ("Hauptstraße 12-14, 80331 München", "address", "Hauptstraße 12-14"),
        ("Unter den Linden 7, 10117 Berlin", "address", "Unter den Linden 7"),
        ("Am Alten Markt 3, D-70173 Stuttgart", "address", "Am Alten Markt 3"),
        ("Kieler Str. 4 in", "address", "Kieler Str. 4"),
        ("Eva Berg, 67435 Neustadt an der Weinstraße", "zip", "67435"),
        ("Eva Berg, 67435 Neustadt an der Weinstraße", "location", "Neustadt an der Weinstraße"),
        ("wohnhaft in Bad Homburg Telefon", "location", "Bad Homburg"),
        ("geboren am 3. März 1961 in Köln", "location", "Köln"),
        ("+49 (0)89 1234-567", "phone", "+49 (0)89 1234-567"),
        ("unter 0711/9988776 zu", "phone", "0711/9988776"),
        ("Telefax: 089 / 123 45 67", "fax", "089 / 123 45 67"),
        ("der 86 095 742 719 ist", "tax-id", "86 095 742 719"),
        ("Steuernummer 143/815/08154", "tax-id", "143/815/08154"),
        ("die A123456780 gilt", "health-plan", "A123456780"),
        ("Versicherungsscheinnummer: LV 1234567", "health-plan", "LV 1234567"),
        ("die 65 170839 J 003 gilt", "ssn", "65 170839 J 003"),
        ("Ihre Kundennummer lautet 4455667", "id-number", "4455667"),
        ("Fall-Nr. 2023-4711", "mrn", "2023-4711"),
        ("mit dem Kennzeichen KL-EU 3835", "plate", "KL-EU 3835"),
        ("Führerscheinnummer B072RRE2I55", "licence-number", "B072RRE2I55"),
        ("Aktenzeichen 12 O 345/23", "docket", "12 O 345/23"),
    ],
)
def test_other_kinds(text: str, kind: str, value: str) -> None:
    assert value in marked(text, kind)


def test_what_looks_like_it_is_nothing() -> None:
    for text in (
        "nach § 100f und § 111m",
        "in 100 m Tiefe",
        "die Landesstraße 274",
        "nach Nummer 1.2.3.4 und Absatz 3.1.1.2",
        "die 86095742718, die A123456789 und die 65 170839 J 004",
    ):
        assert find(text, ["patterns"]) == [], text


def test_check_digits() -> None:
    for passes, right in (
        (passes_steuer_id, "47036892816"),
        (passes_kvnr, "T555558879"),
        (passes_rvnr, "15070649C103"),
    ):
        assert passes(right)
        assert [last for last in "0123456789" if passes(right[:-1] + last)] == [right[-1]]
    assert not passes_steuer_id("11111111111"), "one digit more than three times"


def test_passages_have_their_own_language() -> None:
    german = "Der Kläger hat die Kosten des Rechtsstreits zu tragen. "
    text = "The party shall pay. " * 200 + german * 40
    languages = Languages(text)
    assert not languages.mostly_german
    assert not languages.is_german(100, 110)
    assert languages.is_german(len(text) - 100, len(text) - 90)
    assert not Languages("Rechnung offen").is_german(0, 8), "too little says what it is"


def test_nouns() -> None:
    for noun in ("Zeugnis", "Ehegatten", "Kfz-Vertrag", "Hausarzt", "Schadensersatz", "Mietrecht",
                 "Freiheit", "Anträge", "Bürgerliche"):  # fmt: skip
        assert is_no_name(noun), noun
    for name in ("Hartung", "Albrecht", "Denis", "Wolfgang", "Neuhaus", "Koch", "Clement", "Jung",
                 "Richter", "Ludwig", "Marie"):  # fmt: skip
        assert not is_no_name(name), name


def test_places_of_names() -> None:
    text = "Frau Anna Koch Vertrag Jan von der Heide Rechnung Berg"
    assert [text[a:b] for a, b in names_among(text, 0, len(text))] == [
        "Anna Koch",
        "Jan von der Heide",
    ]
    assert text[5 : name_end(text, 5, len(text))] == "Anna Koch"
    assert name_end(text, 0, len(text)) == 0


@pytest.mark.skipif(
    find_spec("presidio_analyzer") is None, reason="NOT RUN, install lyrikstore[pii]"
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of spaCy's own dependencies
@pytest.mark.xdist_group("personal-models")
def test_nouns_are_no_names_for_presidio() -> None:
    prose = (
        "Die Beklagte hat den Antrag auf Leistung mit Schreiben abgelehnt. Der Anspruch folgt aus "
        "dem Vertrag. Die Wirtschaft begrüßte den Schritt, die Opposition die Finanzierung nicht."
    )
    assert marked(prose, *NAMED, "date", by="presidio") == []
    text = f"{prose} Gestern hat Rechtsanwalt Jürgen Weiß mit Sabine Albrecht telefoniert."
    assert marked(text, by="presidio") == ["Jürgen Weiß", "Sabine Albrecht"]
