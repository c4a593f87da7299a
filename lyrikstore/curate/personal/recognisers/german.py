"""German passages of a text, and the capitalised German words that are not names.

German writes every noun with a capital, so a capital does not show a name. Two rules decide
instead, without a model: function words show the language of a passage, and endings, the last parts
of compounds and a short list distinguish nouns from names. docs/personal-data.md lists what they
miss.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator

REACH = 200  # code points on both sides of a find from which its language is determined
_GERMAN_WORDS = (
    "aber als am auf aus bei beim betrag bis das dass da\u00df dem den der des die durch ein "
    "eine einem einen einer eines er es frau f\u00fcr geb geboren geburtsdatum geburtsort "
    "haben hat herr herrn ich ihr ihre ihrem ihren ihrer im ist kein keine kunde kunden "
    "kundennummer mandantin mit nach nachname nicht oder patientin rechnung seit sich sie sind "
    "steuernummer strasse stra\u00dfe telefon und unter vertrag vom von vorname war werden wie "
    "wir wird wohnhaft wurde zu zum zur \u00fcber"
)
_ENGLISH_WORDS = (
    "and are at be by for from has have he her his is it not of on or shall she that the this "
    "to we were which with you your"
)
_GERMAN, _ENGLISH = (
    frozenset(words.split()) | frozenset(words.title().split())
    for words in (_GERMAN_WORDS, _ENGLISH_WORDS)
)
_GERMAN_ENDS = ("heit", "inhaber", "kasse", "keit", "nummer", "partner", "schaft", "strasse", "ung")
_LONG = 8  # letters of a noun that such an end makes a German one
_WORD = re.compile(r"[^\W\d_]{1,40}")

ROLE = (
    r"(?:(?:Rechts|Staats|Patent)(?:anwalt|anw\u00e4ltin)|Notar(?:in)?"
    r"|(?:Amts|Straf|Familien|Land)?[Rr]ichter(?:in)?(?: am \w{3,24}gericht)?"
    r"|(?:(?:Ver)?[Mm]iete|(?:Ver)?[Kk]\u00e4ufe|Antragsgegne|Antragstelle|Betreue|Bewerbe"
    r"|B\u00fcrgermeiste|Eigent\u00fcme|Erblasse|Fahre|Gesch\u00e4ftsf\u00fchre|Gl\u00e4ubige"
    r"|Gutachte|Halte|Hausmeiste|Inhabe|Kl\u00e4ge|Kreditnehme|Lehre|Mitarbeite|Pfarre|Pflege"
    r"|Sachbearbeite|Schuldne|Spende|Steuerberate|Versicherungsnehme)r(?:in|s)?"
    r"|(?:Angeklagt|Beg\u00fcnstigt|Beklagt|Beschuldigt|Gesch\u00e4digt|Sachverst\u00e4ndig"
    r"|Steuerpflichtig|Versichert)e[nr]?|(?:Mandant|Patient)(?:in|en)?"
    r"|(?:Haus|Ober|Chef|Zahn|Fach|Not)?(?:[Aa]rzt|[\u00c4\u00e4]rztin)"
    r"|B\u00fcrgen?|B\u00fcrgin|Hebamme|Kunden?|Kundin|Landrat|Landr\u00e4tin|Nachbar(?:in|n)?"
    r"|Pflegekraft|Psychologe|Psychologin|Vormund|Zeugen?|Zeugin"
    r"|Bruder|Ehefrau|Ehemann|Kind|Mutter|Sohn|Tochter|Vater|Witwer?)"
)
"""A pattern of what people are called in court, in a clinic and by an insurer."""

_ENDINGS = (
    r"(?:\w{3,24}(?:ung|heit|keit|schaft|[ts]ion|t\u00e4t|ismus|logie|gra(?:f|ph)ie)(?:en|s)?"
    r"|\w{4,24}nis(?:se|sen|ses)?|\w{2,24}[aou]ment(?:e|en|s)?|\w{1,24}(?:tum|ium)s?|\w{2,24}innen"
    r"|\w{2,24}(?:[^bp\W]recht|schutz)(?:es|s)?|\w{2,24}(?:isch|lich|ig|haft|los|bar|sam)e[nms]?)"
)
_HEADS = (  # also as the last part of a compound
    "abend abkommen ablauf abschnitt absender akte anfrage angabe angebot anhang anlage anruf "
    "anschrift anstalt antrag antr\u00e4ge antwort anzeige arbeit arbeiten artikel auflage "
    "aufsicht auftrag auftr\u00e4ge aufwand ausgabe ausgleich auskunft ausk\u00fcnfte bedarf "
    "befund beginn beh\u00f6rde beispiel beitrag beitr\u00e4ge beleg bereich bericht bescheid "
    "beschluss beschuldigte beschuldigten beschwerde besitz betrag betrieb betr\u00e4ge beweis "
    "bezug bild blut brief datei daten datum dauer diagnose dienst dokument druck einkommen "
    "einsatz einsicht entgelt entwurf erfolg ersatz erwerb euro fahrt farbe fehler firma folge "
    "formular foto frage frist gabe geber geb\u00e4ude geb\u00fchr gefahr gegenstand "
    "gegenst\u00e4nde geld gericht ger\u00e4t gesch\u00e4ft gesetz gespr\u00e4ch gewicht "
    "gewinn gew\u00e4hr gl\u00e4ubiger gruppe gru\u00df gr\u00f6\u00dfe gr\u00fc\u00dfe "
    "gr\u00fc\u00dfen gutachten hilfe hinweis h\u00f6he inhaber inhalt interesse jahr kanzlei "
    "kasse kauf kenntnis klage klinik kontakt konto kontrolle kopie kosten kredit liste lohn "
    "mangel material ma\u00df menge miete minute mitglied mittel monat m\u00e4ngel nachricht "
    "nahme name nehmer nummer nutzer objekt ordner partei partner person pflege pflicht phase "
    "plan platte police polizei praxis preis problem produkt programm projekt protokoll "
    "prozent prozess punkt quelle quote rahmen rate raum regel rente rezept risiko rolle "
    "r\u00e4ume sache satz schein schluss schl\u00fcssel schmerz schmerzen schreiben schrift "
    "schritt schuld schuldner schule sch\u00e4den seite software spiel sprache spruch "
    "spr\u00fcche stand stelle strafe strasse stra\u00dfe studie stunde st\u00e4tte st\u00fcck "
    "summe symptom system s\u00e4tze tarif tatsache telefon termin text therapie titel typ "
    "umbau umfang unfall unf\u00e4lle unterhalt unterlage unternehmen unternehmer urkunde "
    "urlaub ursache urteil verband verbot verbraucher verdacht verfahren verhalten verlust "
    "verm\u00f6gen versand versto\u00df versuch vertrag vertrauen vertr\u00e4ge verzug visite "
    "vollmacht vorgang vorg\u00e4nge vorsatz vorschlag vorsorge vorwurf vorw\u00fcrfe ware "
    "wasser wechsel weise welt wert widerruf woche wohnort wohnsitz wort wunsch zahl zeichen "
    "zeit zeug ziel zins zugang zugriff zustand zweck zweifel"
)
_WHOLE = (  # as words of their own only: many surnames end so
    "ab aber abs absatz alle allee alles als am amt an anfang april arzt auch auf aus ausweis "
    "bank bei beteiligte beteiligten beteiligter bin bis bitte buch da damen damit danach dann "
    "das dass dein deine dem den denn der des deutsche deutschen deutscher deutschland "
    "dezember dich die dienstag dies diese diesem diesen dieser dieses dipl dir direktor "
    "direktorin doch donnerstag dr dritte dritten dritter du durch e-mail ehegatte ehegatten "
    "ein eine einem einen einer eines eltern email ende er erde es etwas fall familie "
    "familienname februar feld filiale form frau fr\u00e4ulein f\u00e4lle f\u00e4llen f\u00fcr "
    "geburtsname gegen gestern gmbh grund gr\u00fcnde g\u00e4ste hallo hat hatte haus hause "
    "haushalten herr herren herrn heute hier hinter ich ihm ihn ihnen ihr ihre ihrem ihren "
    "ihrer im in ist ja januar jede jeder jedes jetzt juli juni kann kanzlerin kein keine kind "
    "kinder kindern kindes kollege kollegen kollegin land laut leben leute liebe lieber "
    "l\u00e4nder med mehr mein meine meinem meinen meiner mensch menschen minister ministerin "
    "mit mitte mittwoch montag morgen m\u00e4dchenname m\u00e4rz nach nachweis nein neue neuen "
    "nicht noch november nun nur ob oder ohne oktober ort plz prof pr\u00e4sident "
    "pr\u00e4sidentin rat recht rechte rechts rechtsanw\u00e4lte risiken samstag schaden "
    "schutz schweiz schwester sehr sein seine seinem seinen seiner seit september sich sie "
    "sind so soweit steuern tag tage tagen tat team teil teile tel telefax tod uhr um und uns "
    "unser unsere unserem unserer unter versicherer vom von vor vorsitzende vorsitzenden "
    "vorsitzender wann war was weg wege weil weitere wenn wer werden wie wir wird wo wurde zu "
    "zug zum zur zusammen zwischen \u00e4rztin \u00f6sterreich \u00fcber"
)
_NO_NAME = re.compile(
    rf"(?!(?:Hartung|Hornung|Richter)\Z)(?:{_ENDINGS}|{ROLE}"
    rf"|\w{{0,24}}(?:{_HEADS.replace(' ', '|')})(?:e|en|es|s|n)?|(?:{_WHOLE.replace(' ', '|')}))",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"\s(?:(?:von|van|zu)(?: (?:der|den|dem))?\s)?")
_NAME_WORD = re.compile(r"[^\W_][\w'\u2019.-]{0,80}")


class Languages:
    """The German passages of a text.

    Args:
        text: Any text; it is read once.

    Attributes:
        mostly_german: Whether it has more German words than English ones: function words, and long
            nouns with a German end.
    """

    def __init__(self, text: str) -> None:
        self._german: list[int] = []
        self._english: list[int] = []
        for word in _WORD.finditer(text):
            long = len(word[0]) >= _LONG and word[0][0].isupper()
            if word[0] in _GERMAN or (long and word[0].endswith(_GERMAN_ENDS)):
                self._german.append(word.start())
            elif word[0] in _ENGLISH:
                self._english.append(word.start())
        self.mostly_german = len(self._german) > len(self._english)

    def is_german(self, start: int, end: int) -> bool:
        """Return whether two German words at least, and more than English ones, are near.

        Cost: O(log n) for a text of n words.
        """
        places = (start - REACH, end + REACH)
        german, english = (
            bisect_left(words, places[1]) - bisect_left(words, places[0])
            for words in (self._german, self._english)
        )
        return german >= 2 and german > english


def is_no_name(word: str) -> bool:
    """Return whether a capitalised German word is a noun, an adjective or a function word.

    A word with hyphens is what its last part is: ``Kfz-Vertrag``.
    """
    return _NO_NAME.fullmatch(word.strip(".,'\u2019-").rpartition("-")[2]) is not None


def names_among(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the places of two or more capitalised words in a row, none of which is a noun."""
    runs: list[tuple[int, int, bool]] = []
    for word in _NAME_WORD.finditer(text, start, end):
        if not word[0][0].isupper() or word[0].isupper() or is_no_name(word[0]):
            continue
        if runs and _BETWEEN.fullmatch(text, runs[-1][1], word.start()):
            runs[-1] = (runs[-1][0], word.end(), True)
        else:
            runs.append((word.start(), word.end(), False))
    yield from ((first, last) for first, last, several in runs if several)


def name_end(text: str, start: int, end: int) -> int:
    """Return the end of a name that nouns may follow; ``start`` if it begins with a noun."""
    last = start
    for word in _NAME_WORD.finditer(text, start, end):
        if not word[0][0].isupper():
            continue  # a particle: "von der Leyen"
        if is_no_name(word[0]):
            return last
        last = word.end()
    return end
