"""What our own recognisers find, what they leave, and that no text makes them slow."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from re import _parser  # type: ignore[attr-defined]

import pytest

from lyrikstore.curate.personal import recognisers
from lyrikstore.curate.personal.find import find
from lyrikstore.curate.personal.kinds import KINDS
from lyrikstore.curate.personal.patterns import find_patterns
from lyrikstore.curate.personal.recognisers.labelled import LABELS


def marked(text: str, kinds: tuple[str, ...] = tuple(KINDS)) -> list[tuple[str, str]]:
    return [(item.kind, text[item.start : item.end]) for item in find(text, ["patterns"], kinds)]


DATES = [
    "July 3, 2019", "July 3rd, 2019", "Jul. 3 2019", "3 July 2019", "3rd July 2019",
    "3rd of July, 2019",
    "July the 3rd", "third of July", "third day of July, 2019", "3rd day of July, 2019",
    "July third, 2019",
    "twenty-first of March, two thousand nineteen", "July 2019", "Jul '19", "July, 2019",
    "July 3-5, 2019",
    "July 3 to August 4, 2019", "July 3 and 5, 2019", "3-5 July 2019", "2019-07-03",
    "2019/7/3", "2019.07.03",
    "2019-07-03T14:30:00Z", "2019-07-03 14:30:00+02:00", "7/3/2019", "07/03/19", "03.07.2019",
    "3. 7. 2019",
    "03-07-2019", "3-Jul-2019", "03JUL2019", "Jul-03-2019", "2019-Jul-03", "07/2019",
    "12 de julio de 2019",
    "3. Juli 2019", "3. M\u00e4rz 2019", "3 juillet 2019", "Tuesday, July 3, 2019",
    "Christmas Day 2019",
    "1st Sept. 2004", "DEC 31, 1999", "31 December", "May 5", "5 May 2001", "March 3, 2019",
    "July 3\u20135, 2019", "January and March 2019",
]  # fmt: skip


@pytest.mark.parametrize("date", DATES)
def test_dates_in_all_written_forms(date: str) -> None:
    for text in (f"It began there: {date}, we think.", f"({date})", date, f"word {date}."):
        assert marked(text, ("date",)) == [("date", date)], text


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("DOB 3/14", "3/14"),
        ("seen on 3/14 at noon", "3/14"),
        ("born 19650312 in", "19650312"),
        ("DOB: 1.2.65", "1.2.65"),
        ("in March he fell", "March"),
        ("late October", "October"),
    ],
)
def test_dates_that_a_word_before_them_explains(text: str, date: str) -> None:
    assert marked(text, ("date",)) == [("date", date)]


@pytest.mark.parametrize(
    "text",
    [
        "in 2019 and 2020", "you may 3 times", "March on, march 4 miles", "version 1.2.19",
        "3/4 of it", "ratio 7/3",
        "Section 3.7.19", "Law No. 11/2010", "1/2 cup", "Regulation 12/2010",
        "410 U.S. 113 (1973)", "30 days",
        "second of these", "He may 2 of them", "$3/4", "24/7", "May he rest",
        "Marketing 3 people", "Junior 5", "Decide 3 things", "Secure 12/15",
    ],
)  # fmt: skip
def test_what_is_no_date(text: str) -> None:
    assert marked(text, ("date",)) == []


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("a 92-year-old man", "92-year-old"), ("92 years old", "92 years old"), ("91 y/o",
        "91 y/o"), ("95 yo F", "95 yo"), ("aged 90", "90"),
        ("age: 101", "101"), ("ninety-two years old", "ninety-two years old"), ("aged ninety",
        "ninety"),
        ("93M with", "93"),
        ("her 95th birthday", "95"), ("in her nineties", "nineties"), ("a centenarian",
        "centenarian"),
        ("90 years of age", "90 years of age"), ("a 99 year old", "99 year old"), ("Age 104",
        "104"),
    ],
)  # fmt: skip
def test_ages_above_89(text: str, age: str) -> None:
    assert marked(text, ("age",)) == [("age", age)]


@pytest.mark.parametrize(
    "text",
    [
        "89 years old",
        "a 45-year-old",
        "for 92 years",
        "aged 90 days",
        "page 92",
        "aged 90.5%",
        "92 mm",
    ],
)
def test_what_is_no_age_above_89(text: str) -> None:
    assert marked(text, ("age",)) == []


NUMBERS = [
    ("SSN 123-45-6789", "ssn", "123-45-6789"),
    ("123 45 6789", "ssn", "123 45 6789"),
    ("Social Security Number: 123456789", "ssn", "123456789"),
    ("SSN ending in 6789", "ssn", "6789"),
    ("xxx-xx-6789", "ssn", "xxx-xx-6789"),
    ("MRN: 00123456", "mrn", "00123456"),
    ("MRN#44-55-66", "mrn", "44-55-66"),
    ("medical record number is A1234567", "mrn", "A1234567"),
    ("Medical Record No. MR-2019-0042", "mrn", "MR-2019-0042"),
    ("Patient ID 778899", "mrn", "778899"),
    ("chart no. 5512", "mrn", "5512"),
    ("Health plan beneficiary number: HPB 993 221 01", "health-plan", "HPB 993 221 01"),
    ("Member ID: W123456789", "health-plan", "W123456789"),
    ("Medicare number 1EG4-TE5-MK73", "health-plan", "1EG4-TE5-MK73"),
    ("(1EG4TE5MK73)", "health-plan", "1EG4TE5MK73"),
    ("policy number POL-882991", "health-plan", "POL-882991"),
    ("subscriber #XQZ88123", "health-plan", "XQZ88123"),
    ("Group No. 00456-A", "health-plan", "00456-A"),
    ("account number 000123456789", "account", "000123456789"),
    ("acct. 4455-6677", "account", "4455-6677"),
    ("account ending in 1234", "account", "1234"),
    ("routing number 021000021", "account", "021000021"),
    ("4111 1111 1111 1111", "card", "4111 1111 1111 1111"),
    ("378282246310005", "card", "378282246310005"),
    ("DE89 3704 0044 0532 0130 00", "iban", "DE89 3704 0044 0532 0130 00"),
    ("to GB82WEST12345698765432 today", "iban", "GB82WEST12345698765432"),
    ("VIN 1HGCM82633A004352", "vin", "1HGCM82633A004352"),
    ("the 1M8GDM9AXKP042788 car", "vin", "1M8GDM9AXKP042788"),
    ("VIN: WAUZZZ8V5KA012345", "vin", "WAUZZZ8V5KA012345"),
    ("license plate 7ABC123", "plate", "7ABC123"),
    ("License plate: CA 7ABC-123", "plate", "7ABC-123"),
    ("plate number ABC 1234", "plate", "ABC 1234"),
    ("Kennzeichen M-AB 1234", "plate", "M-AB 1234"),
    ("bearing TX plate KLM-4471", "plate", "KLM-4471"),
    ("driver's license D1234567", "licence-number", "D1234567"),
    ("license number 12-345678", "licence-number", "12-345678"),
    ("DEA BB1388568", "licence-number", "BB1388568"),
    ("NPI: 1234567893", "licence-number", "1234567893"),
    ("certificate no. C-88123", "licence-number", "C-88123"),
    ("State Bar No. 123456", "bar-number", "123456"),
    ("SBN 234567", "bar-number", "234567"),
    ("passport number X1234567", "passport", "X1234567"),
    ("EIN 12-3456789", "tax-id", "12-3456789"),
    ("serial number SN-99887-A", "device", "SN-99887-A"),
    ("S/N: 4F2290113", "device", "4F2290113"),
    ("IMEI 490154203237518", "device", "490154203237518"),
    ("00:1B:44:11:3A:B7", "device", "00:1B:44:11:3A:B7"),
    ("Matter No. 12345.0001", "matter", "12345.0001"),
    ("employee ID 44821", "id-number", "44821"),
    ("claim number CLM-2019-55", "id-number", "CLM-2019-55"),
    ("Fax: (617) 555-0199", "fax", "(617) 555-0199"),
    ("617-555-0199 (fax)", "fax", "617-555-0199"),
    ("call (617) 555-0123", "phone", "(617) 555-0123"),
    ("to order call 617-555-0123", "phone", "617-555-0123"),
    ("617.555.0123 x44", "phone", "617.555.0123 x44"),
    ("+1-617-555-0123", "phone", "+1-617-555-0123"),
    ("001-617-555-0123x890", "phone", "001-617-555-0123x890"),
    ("+49 (0)89 1234567", "phone", "+49 (0)89 1234567"),
    ("+44 20 7946 0018", "phone", "+44 20 7946 0018"),
    ("020 7946 0018", "phone", "020 7946 0018"),
    ("phone 6175550123", "phone", "6175550123"),
    ("Tel. 089/1234567", "phone", "089/1234567"),
    ("call me at 555-0123", "phone", "555-0123"),
    ("jane.doe@mail.example", "email", "jane.doe@mail.example"),
    ("jane [at] mail [dot] com", "email", "jane [at] mail [dot] com"),
    ("see https://a.example/b?c=1.", "url", "https://a.example/b?c=1"),
    ("www.foo.example", "url", "www.foo.example"),
    ("visit example.com today", "url", "example.com"),
    ("website: Example.com", "url", "Example.com"),
    ("Example.com/patients/44", "url", "Example.com/patients/44"),
    ("from 192.168.4.20:8080", "ip", "192.168.4.20:8080"),
    ("2001:db8::8a2e:370:7334", "ip", "2001:db8::8a2e:370:7334"),
    ("Boston, MA 02134", "zip", "02134"),
    ("ZIP 02134", "zip", "02134"),
    ("02134-1234", "zip", "02134-1234"),
    ("London NW1 6XE", "zip", "NW1 6XE"),
    ("12 Main Street", "address", "12 Main Street"),
    ("at 1600 N. Pennsylvania Ave NW, Suite 400", "address",
    "1600 N. Pennsylvania Ave NW, Suite 400"),
    ("P.O. Box 4411", "address", "P.O. Box 4411"),
    ("Hauptstra\u00dfe 12", "address", "Hauptstra\u00dfe 12"),
    ("12 rue de Rivoli", "address", "12 rue de Rivoli"),
    ("12 Main St, Springfield, IL 62704", "location", "Springfield"),
    ("lives in Springfield", "location", "Springfield"),
    ("Plaintiff Maria Gomez and others", "person", "Maria Gomez"),
    ("Maria Gomez <mg@mail.example>", "person", "Maria Gomez"),
    ("Matter No. 1820-29470", "matter", "1820-29470"),
    ("2370022 (MRN)", "mrn", "2370022"),
    ("tag NMK-0388", "plate", "NMK-0388"),
    ("residing at V\u00e1clava Ha\u0148ky 1420, Dayton", "address", "V\u00e1clava Ha\u0148ky 1420"),
    ("lives on Birch Street", "address", "Birch Street"),
    ("the third of July", "date", "the third of July"),
    ("planned for 6/9", "date", "6/9"),
    ("Mr. Smith", "person", "Smith"),
    ("Dr. Maria van der Berg", "person", "Maria van der Berg"),
    ("Patient name: John Q. Smith", "person", "John Q. Smith"),
    ("Jane Doe, M.D., signed", "person", "Jane Doe"),
    ("/s/ Jane Doe", "person", "Jane Doe"),
    ("Dear Ms. O'Neil", "person", "O'Neil"),
    ("my name is Jos\u00e9", "person", "Jos\u00e9"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "kind", "value"), NUMBERS)
def test_kinds(text: str, kind: str, value: str) -> None:
    assert (kind, value) in marked(text)
    assert (kind, value) in marked(f"Before it: {text}, and after it."), "inside a sentence"


def test_other_digits_than_those_of_ascii_end_no_search() -> None:
    assert marked("٤٥٥٦ ٧٣٧٥ ٨٦٨٩ ٩٨٥٥") == []


@pytest.mark.parametrize(
    "text",
    [
        "MP3.com", "A shop such as Amazon.com sells", "amazon.com, Inc. and others",
        "version 10.0.0.1",
        "Section 1.2.3.4", "GPL-2.0", "License version 2.0", "std::vector", "plan number two",
        "ISBN 978-3-16-148410-0",
        "the bar is open", "member of the board", "policy no later than 2019",
        "negligence, OR OTHER",
        "Apache License 2.0", "RFC 5321", "17 U.S.C. 107", "45 CFR 164.514",
        "Account of the matter", "1,234,567.89",
        "4111 1111 1111 1112", "file.py and README.md", "US$ 12,500,000", "the Agreement",
        "Dear Sir",
    ],
)  # fmt: skip
def test_what_is_nothing(text: str) -> None:
    assert marked(text) == []
    assert marked(f"Now {text} there") == []


@pytest.mark.parametrize(
    ("text", "docket"),
    [
        ("Case No. 0012/2007 was", "0012/2007"),
        ("Case No. 12/2007", "12/2007"),
        ("No. 1:19-cv-01234-ABC", "1:19-cv-01234-ABC"),
        ("Civil Action No. 2:05-cv-00453-JDL", "2:05-cv-00453-JDL"),
        ("Docket No. 555-123-4567", "555-123-4567"),
        ("Index No. 650123/2019", "650123/2019"),
        ("Case C-311/18", "C-311/18"),
        ("1 BvR 16/13", "1 BvR 16/13"),
        ("Application no. 12345/06", "12345/06"),
        ("Case No. 05 CV 1234", "05 CV 1234"),
        ("Docket No. 19 C 3456", "19 C 3456"),
    ],
)
def test_docket_numbers_survive(text: str, docket: str) -> None:
    assert find(text, ["patterns"]) == []
    assert marked(text) == [("docket", docket)]


def test_a_docket_protects_itself_and_nothing_beside_it() -> None:
    text = "Mr. Smith, Case No. 0012/2007, 617-555-0123, SSN 123-45-6789"
    kinds = [item.kind for item in find(text, ["patterns"])]
    assert kinds == ["person", "phone", "ssn"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Case No. 2021-045 617-555-0199", [("docket", "2021-045"), ("phone", "617-555-0199")]),
        ("Case: 617-555-0199", [("phone", "617-555-0199")]),
        ("Patient case: 03/15/1962", [("date", "03/15/1962")]),
        ("Application ID 4711 03/15/1962", [("docket", "4711"), ("date", "03/15/1962")]),
        ("Complaint No. 7 617-555-0123", [("docket", "7"), ("phone", "617-555-0123")]),
        ("Case Nos. 123, 456 and 789", [("docket", "123"), ("docket", "456"), ("docket", "789")]),
    ],
)
def test_what_follows_a_docket_is_none(text: str, found: list[tuple[str, str]]) -> None:
    assert marked(text) == found


def test_what_stands_beside_a_find_is_another_one() -> None:
    assert marked("call 617-555-0123 (fax 617-555-0199)") == [
        ("phone", "617-555-0123"),
        ("fax", "617-555-0199"),
    ]
    assert marked("SSN 123-45-6789, card 4111 1111 1111 1111, not 4111 1111 1111 1112") == [
        ("ssn", "123-45-6789"),
        ("card", "4111 1111 1111 1111"),
    ]
    assert marked("MRN 1234567, 2019-07-03") == [("mrn", "1234567"), ("date", "2019-07-03")]


@pytest.mark.parametrize("phone", ["(617) 555-0123", "617.555.0123", "+49 89 9999999"])
@pytest.mark.parametrize("after", ["", "-", " -", ".", "/", ")", ", 12", "?"])
@pytest.mark.parametrize("lead", ["", "-", ".", "/", "(", ":", "#", "at ", "T:"])
def test_phones_between_signs(lead: str, phone: str, after: str) -> None:
    found = marked(f"see {lead}{phone}{after} there", ("phone", "fax"))
    assert [value.strip("()") for _, value in found] == [phone.strip("()")]


def test_headings_and_holders() -> None:
    assert marked("It ends.\n9.1.1.1 The Party pays; 10.1.2.3 The other") == []
    assert marked("Copyright (c) 2019 Jane Doe") == [("holder", "Jane Doe")]


def test_lists_after_one_label() -> None:
    assert marked("MRNs 123456, 234567 and 345678.") == [
        ("mrn", "123456"),
        ("mrn", "234567"),
        ("mrn", "345678"),
    ]


def test_a_name_is_found_again_whole_and_by_surname() -> None:
    found = marked("Mr. John Smithers came. Smithers left. John Smithers again.", ("person",))
    assert found == [
        ("person", "John Smithers"),
        ("person", "Smithers"),
        ("person", "John Smithers"),
    ]


UNITS = [
    "a", "1", "@", ".", " ", "-", "A", "1 ", "1-", "1.", "A ", "a.", "Ab ", "12 Ab ", "July ",
    "3 July ", "July 3-", "www.", "MRN ", "MRN 12 ",
    "No. ", "Case No. ", "1:", "::", "(1", "+1", "Mr. A", "Dr. ", "A. ", "van ", "van de A",
    "12 Main ", "Ab, ", "Ab, MA ", "copyright ", "x@", "a@b.",
    "http://", "a.com", "\n", ", ", "account number ", "plate ", "is ", "the ", "twenty-",
    "nineteen hundred ", "ninety ", "9999 ", "DE89 3704 ",
    "[at] ", "Tel. ", "1/", "0:", "Ab-", "Aa'", "/s/ ", "1234 1234 1234 ", "P.O. Box ", "#",
    "*", "St ", "ü", "12/12/", f"+{'1' * 41}a ", f"00{'1' * 41}a ",
    "Herr ", "Herr Ab ", "von der Ab ", "der Patient Ab ", "Dr. med. ", "Zeuge A-A ", "geb. Ab, ",
    "Am Ab 1, ", "12345 Ab am Ab ", "geboren am ", "ersten ", "am 3.4.", "das die der ", "0711/",
]  # fmt: skip


@pytest.mark.ci
@pytest.mark.parametrize("unit", UNITS)
def test_a_megabyte_of_anything_is_searched_to_its_end(unit: str) -> None:
    # Quadratic work on a megabyte, 10¹² steps, does not end while the run does.
    text = unit * ((1 << 20) // len(unit)) + "\n"
    found = {
        (item.kind, item.start, item.end) for item in find_patterns(f"{text}SSN 123-45-6789\n")
    }
    assert ("ssn", len(text) + 4, len(text) + 15) in found
    kinds = {kind for kind, start, _ in found if start < len(text)}
    assert kinds == {item.kind for item in find_patterns(unit * 300 + "\n")}


MODULES = [
    importlib.import_module(f"{recognisers.__name__}.{module.name}")
    for module in pkgutil.iter_modules(recognisers.__path__)
]


def repeats(node: object) -> Iterator[tuple[int, int]]:
    """Yield the limit of every repetition, and how many a repetition inside it may add."""
    items = node.data if isinstance(node, _parser.SubPattern) else [node]
    for item in items:
        if isinstance(item, tuple):
            code, value = item if len(item) == 2 else (None, item)
            if code in (_parser.MAX_REPEAT, _parser.MIN_REPEAT):
                yield int(value[1]), max((most for most, _ in repeats(value[2])), default=1)
                yield from repeats(value[2])
            elif isinstance(value, list | tuple | _parser.SubPattern):
                for part in value if isinstance(value, list | tuple) else [value]:
                    yield from repeats(part)
        elif isinstance(item, list | _parser.SubPattern):
            for part in item:
                yield from repeats(part)


def test_no_pattern_repeats_without_a_limit() -> None:
    # So what one search from one place may take has a limit, and the whole is linear.
    patterns = {
        f"{module.__name__}.{name}": value
        for module in MODULES
        for name, value in vars(module).items()
        if isinstance(value, re.Pattern)
    } | {str(place): label.pattern for place, label in enumerate(LABELS)}
    assert len(patterns) > 80
    limits = {name: list(repeats(_parser.parse(one.pattern))) for name, one in patterns.items()}
    assert sum(map(len, limits.values())) > 300
    assert [name for name, all_ in limits.items() if any(most > 2048 for most, _ in all_)] == []
    nested = {name for name, all_ in limits.items() for most, inner in all_ if most * inner > 600}
    assert nested == {
        f"{recognisers.__name__}.network.{name}" for name in ("_SCHEME", "_WWW", "_HOST")
    }


def test_a_repetition_without_a_limit_shows() -> None:
    assert max(most for most, _ in repeats(_parser.parse("x(?:a|b+)c"))) > 2048
    assert (4, 9) in list(repeats(_parser.parse("x(?:a{1,9}|b){0,4}")))
