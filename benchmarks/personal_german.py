"""German labelled texts: templates of this repository, with people and addresses of others.

Names, streets, towns and telephone numbers are those of the German people and places in the list
that presidio-evaluator brings; numbers are drawn, with their check digits.
"""

import re
from collections.abc import Callable
from pathlib import Path

from personal_texts import SLOTS, Labelled, Values, fill, own_templates, wheel

TEMPLATES = "personal_templates_de.txt"
MONTHS = (
    *("Januar", "Februar", "März", "April", "Mai", "Juni"),
    *("Juli", "August", "September", "Oktober", "November", "Dezember"),
)
DAYS = (
    *("ersten", "zweiten", "dritten", "vierten", "fünften", "sechsten"),
    *("siebten", "achten", "neunten", "zehnten", "elften", "zwölften"),
)
PLATES = ("M", "B", "HH", "KL", "STA", "DÜW")


class GermanValues(Values):
    """Values of all kinds, in German forms, from a seed."""

    def __init__(self, folder: Path, seed: int) -> None:
        super().__init__(folder, seed)
        everybody = self.people
        self.people = [one for one in everybody if one["NameSet"] == "German"]
        self.places = [
            one for one in everybody if one["Country"] == "DE" and "Box" not in one["StreetAddress"]
        ]

    def place(self, column: str) -> str:
        """Return a column of somebody who lives in Germany."""
        return self.random.choice(self.places)[column]

    def double(self) -> str:
        """Return a first name and two surnames with a hyphen."""
        other = self.random.choice(self.people)["Surname"]
        return f"{self.person['GivenName']} {self.person['Surname']}-{other}"

    def date(self) -> str:
        """Return a date in one of many forms."""
        day, month, year = self._date()
        name = MONTHS[month - 1]
        return self.random.choice(
            [
                f"{day:02}.{month:02}.{year}",
                f"{day}.{month}.{year}",
                f"{day}. {name} {year}",
                f"{day}. {name} {year}",
                f"{day:02}. {name} {year}",
                f"{day}. {name[:3]}. {year}" if len(name) > 4 else f"{day}. {name} {year}",
                f"{year}-{month:02}-{day:02}",
                f"{day:02}.{month:02}.{year % 100:02}",
            ]
        )

    def date_short(self) -> str:
        """Return a date as one writes it by hand."""
        day, month, year = self._date()
        return self.random.choice(
            [f"{day}.{month}.{year % 100:02}", f"{day}.{month}.", f"{day}. {MONTHS[month - 1]}"]
        )

    def date_words(self) -> str:
        """Return a date in words."""
        month, year = self.random.choice(MONTHS), self._date()[2]
        day = self.random.choice(DAYS)
        return self.random.choice([f"{day} {month}", f"{day} {month} {year}"])

    def month_year(self) -> str:
        """Return a month of a year."""
        return f"{self.random.choice(MONTHS)} {self._date()[2]}"

    def phone(self) -> str:
        """Return a telephone number."""
        given = self.place("TelephoneNumber")
        area, _, rest = given.partition(" ")
        figures = rest.replace(" ", "")
        return self.random.choice(
            [
                given,
                f"{area}/{figures}",
                f"{area} / {rest}",
                f"({area}) {figures}",
                f"{area}-{figures}",
                f"+49 {area[1:]} {figures}",
                f"+49 (0){area[1:]} {figures}",
                f"0049 {area[1:]} {figures}",
                self.shaped("0171 9999999", "0160/99999999", "+49 151 99999999", "0176-99999999"),
            ]
        )

    def iban(self) -> str:
        """Return a German IBAN whose checksum holds."""
        while not (number := super().iban()).startswith("DE"):
            pass
        return number

    def kvnr(self) -> str:
        """Return a health insurance number with its check digit."""
        letter, figures = self.letters(1), self.digits(8)
        return f"{letter}{figures}{_check(letter, figures, (1, 2) * 5)}"

    def rvnr(self) -> str:
        """Return a pension insurance number with its check digit."""
        day, month, year = self._date()
        area = f"{self.random.choice((10, 12, 15, 53, 65)):02}{day:02}{month:02}{year % 100:02}"
        letter, serial = self.letters(1), self.digits(2)
        signs = area + f"{ord(letter) - 64:02}" + serial
        check = _sum(signs, (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1))
        gap = self.random.choice(("", " "))
        return gap.join((area[:2], area[2:], letter, f"{serial}{check}"))

    def steuer_id(self) -> str:
        """Return a tax number with its check digit."""
        figures = self.random.sample("0123456789", 10)
        while figures[0] == "0":
            self.random.shuffle(figures)
        figures[self.random.randint(1, 4)] = figures[self.random.randint(5, 9)]
        product = 10
        for figure in figures:
            product = ((int(figure) + product) % 10 or 10) * 2 % 11
        number = "".join(figures) + str((11 - product) % 10)
        return self.random.choice(
            (number, f"{number[:2]} {number[2:5]} {number[5:8]} {number[8:]}")
        )

    def city(self) -> str:
        """Return a town without the name of its part."""
        town = self.place("City")
        whole = re.search(r"\b(?:am|an|im|in|bei)\b|^(?:Bad|Sankt) ", town)
        return town if whole else town.partition(" ")[0]


def _sum(figures: str, weights: tuple[int, ...]) -> int:
    values = (int(figure) * weight for figure, weight in zip(figures, weights, strict=True))
    return sum(value // 10 + value % 10 for value in values) % 10


def _check(letter: str, figures: str, weights: tuple[int, ...]) -> int:
    return _sum(f"{ord(letter) - 64:02}{figures}", weights)


GERMAN_SLOTS: dict[str, tuple[str, Callable[[GermanValues], str]]] = {
    **SLOTS,
    "date": ("C", GermanValues.date),
    "date_short": ("C", GermanValues.date_short),
    "date_words": ("C", GermanValues.date_words),
    "month_year": ("C", GermanValues.month_year),
    "phone": ("D", GermanValues.phone),
    "fax": ("E", GermanValues.phone),
    "iban": ("J", GermanValues.iban),
    "double_name": ("A", GermanValues.double),
    "noble_name": (
        "A",
        lambda v: f"{v.random.choice(('von', 'von der', 'zu'))} {v.person['Surname']}",
    ),
    "street": ("B", lambda v: v.place("StreetAddress")),
    "city": ("B", GermanValues.city),
    "zip": ("B", lambda v: v.place("ZipCode").zfill(5)),
    "month": ("C", lambda v: v.random.choice(MONTHS)),
    "mrn": ("H", lambda v: v.shaped("9999999", "99999999", "P-999999", "2023-99999")),
    "kvnr": ("I", GermanValues.kvnr),
    "policy": ("I", lambda v: v.shaped("99.999.999-9", "LV 9999999", "9-99.999.999-9", "99999999")),
    "rvnr": ("G", GermanValues.rvnr),
    "account": ("J", lambda v: v.shaped("9999999999", "99999999", "999 999 99", "9999999")),
    "licence": ("K", lambda v: v.shaped("999999999", "A999AA99A99")),
    "plate": (
        "L",
        lambda v: f"{v.random.choice(PLATES)}-{v.letters(2)} {v.random.randint(1, 9999)}",
    ),
    "steuer_id": ("R", GermanValues.steuer_id),
    "steuernummer": ("R", lambda v: v.shaped("999/999/99999", "99/999/99999", "999/9999/9999")),
    "kunde": ("R", lambda v: v.shaped("9999999", "99999999", "K-999999", "2022-999999")),
    "matter": ("R", lambda v: v.shaped("9999/99", "99999-99", "9999/99 AB")),
    "ausweis": ("R", lambda v: v.shaped("L99A99A999", "T999999999")),
    "pass": ("R", lambda v: v.shaped("C99A99A99", "C9AA9A999")),
    "docket": ("", lambda v: v.shaped("12 O 345/23", "9 C 999/22", "4 StR 99/21", "VI ZR 99/20")),
}


def german(folder: Path, seed: int, times: int) -> list[Labelled]:
    """Return the German templates, filled."""
    return list(fill(own_templates(TEMPLATES), GermanValues(folder, seed), times, GERMAN_SLOTS))


def german_licences(folder: Path) -> list[Labelled]:
    """Return the licence texts in German, which have no labels: hardly anybody is named in them."""
    made = []
    with wheel(folder, "scancode_toolkit_mini") as archive:
        for name in sorted(archive.namelist()):
            if re.fullmatch(
                r"licensedcode/data/licenses/[^/]+-(?:de|at)\.LICENSE|.*/dbisl-1\.0\.LICENSE", name
            ):
                text = archive.read(name).decode("utf-8").split("\n---\n", 1)[1]
                if len(re.findall(r"\b(?:der|und|nicht)\b", text)) > 20:
                    made.append(Labelled(text, ()))
    return made
