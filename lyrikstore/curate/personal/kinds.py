"""The kinds of personal data: names, placeholders, and the Safe Harbor identifier of each.

The letters are those of 45 CFR 164.514(b)(2)(i). Biometric identifiers (P) and photographs (Q) do
not occur in text, and have no kind.
"""

from collections.abc import Mapping

from msgspec import Struct


class PersonalKind(Struct, frozen=True):
    """One kind of personal data.

    Attributes:
        placeholder: The text that replaces it, without the angle brackets.
        meaning: One line for the documentation.
        identifier: The letter of the Safe Harbor identifier; empty if there is none.
        chosen: Whether filters search for it by default.
    """

    placeholder: str
    meaning: str
    identifier: str
    chosen: bool = True


KINDS: Mapping[str, PersonalKind] = {
    "ssn": PersonalKind("SSN", "social security numbers, whole or their last four digits", "G"),
    "card": PersonalKind("CARD", "payment card numbers (Luhn check digit)", "J"),
    "iban": PersonalKind("IBAN", "international bank account numbers (checksum mod 97)", "J"),
    "vin": PersonalKind("VIN", "vehicle identification numbers (check digit, or after VIN)", "L"),
    "mrn": PersonalKind("MRN", "medical record, chart, patient and encounter numbers", "H"),
    "health-plan": PersonalKind(
        "HEALTH-PLAN", "member, subscriber, policy, Medicare and Medicaid numbers", "I"
    ),
    "account": PersonalKind("ACCOUNT", "bank accounts, routing numbers, wallets", "J"),
    "licence-number": PersonalKind(
        "LICENCE-NUMBER", "driver's and professional licences, certificates, DEA, NPI", "K"
    ),
    "bar-number": PersonalKind("BAR-NUMBER", "numbers of lawyers at their bar", "K"),
    "passport": PersonalKind("PASSPORT", "passport numbers", "R"),
    "tax-id": PersonalKind("TAX-ID", "taxpayer and employer numbers", "R"),
    "plate": PersonalKind("PLATE", "licence plates", "L"),
    "device": PersonalKind("DEVICE", "serial numbers, IMEI, UDI, MAC addresses", "M"),
    "matter": PersonalKind("MATTER", "matter and client numbers of a law firm", "R"),
    "id-number": PersonalKind(
        "ID-NUMBER", "other numbers of a person: employee, student, claim, customer", "R"
    ),
    "email": PersonalKind("EMAIL", "e-mail addresses", "F"),
    "url": PersonalKind("URL", "web addresses", "N"),
    "ip": PersonalKind("IP", "IPv4 and IPv6 addresses", "O"),
    "fax": PersonalKind("FAX", "fax numbers", "E"),
    "phone": PersonalKind("PHONE", "telephone numbers", "D"),
    "date": PersonalKind("DATE", "dates in all written forms, except years alone", "C"),
    "age": PersonalKind("AGE", "ages above 89", "C"),
    "address": PersonalKind("ADDRESS", "streets with number, units, post office boxes", "B"),
    "zip": PersonalKind("ZIP", "ZIP and postal codes", "B"),
    "location": PersonalKind("LOCATION", "towns and other places", "B"),
    "person": PersonalKind("PERSON", "names of people", "A"),
    "holder": PersonalKind("COPYRIGHT-HOLDER", "who is named on lines that state a copyright", "A"),
    "docket": PersonalKind("DOCKET", "docket and case numbers of courts", "R", chosen=False),
    "organisation": PersonalKind("ORGANISATION", "names of organisations", "", chosen=False),
    "group": PersonalKind("GROUP", "nationality, religion, political group", "", chosen=False),
}
"""All kinds, the most certain first: of two equally long finds, the earlier kind counts."""

DEFAULT_KINDS: tuple[str, ...] = tuple(name for name, kind in KINDS.items() if kind.chosen)

IDENTIFIERS: Mapping[str, str] = {
    "A": "names",
    "B": "geographic subdivisions smaller than a state",
    "C": "dates except years, ages above 89",
    "D": "telephone numbers",
    "E": "fax numbers",
    "F": "e-mail addresses",
    "G": "social security numbers",
    "H": "medical record numbers",
    "I": "health plan beneficiary numbers",
    "J": "account numbers",
    "K": "certificate and licence numbers",
    "L": "vehicle identifiers and plates",
    "M": "device identifiers and serial numbers",
    "N": "web addresses",
    "O": "IP addresses",
    "P": "biometric identifiers",
    "Q": "full-face photographs",
    "R": "any other unique identifying number",
}
"""The 18 Safe Harbor identifiers."""

FOUND_BY: Mapping[str, frozenset[str]] = {
    "patterns": frozenset(KINDS) - {"organisation", "group"},
    "presidio": frozenset(
        {
            *("person", "location", "date", "phone", "email", "url", "ip", "device", "card"),
            *("account", "iban", "ssn", "tax-id", "passport", "licence-number", "mrn", "group"),
            *("organisation", "id-number"),
        }
    ),
    "rampart": frozenset(
        {
            *("person", "email", "phone", "url", "tax-id", "account", "id-number", "passport"),
            *("licence-number", "address", "location", "zip"),
        }
    ),
}
"""Detector → the kinds that it can find."""

IN_PART = frozenset("R")
"""Identifiers of which detectors find some forms only: any other number has no end."""
