"""Numbers recognised by a word beside them: ``MRN 00123``, ``Member ID: W12 345``."""

import re
from collections.abc import Iterator

from msgspec import Struct

from lyrikstore.curate.personal.recognisers.marks import Mark, words

_NUMBER_WORD = (
    r"(?:(?:numbers?|nos?\.?|nrs?\.?|num\.?|ids?|identifiers?|identification|codes?|i\.d\.|nummern?)"
    r"(?![^\W_])"
    r"|\#)"
)
_GAP = (
    rf"(?:[ \t]?{_NUMBER_WORD}){{0,2}}(?:[ \t]?\([A-Za-z.# ]{{1,12}}\))?"
    r"(?:[\s:#=.\u2013-]|(?<![^\W_])(?:is|was|are|lautet|ist|reads|under|ending in|ending"
    r"|ends in|ending with)(?![^\W_])){0,5}"
)
_NEXT = re.compile(r"(?:[\s,;&/]|(?<![^\W_])(?:and|or)(?![^\W_])){1,4}", re.IGNORECASE)
_VALUE = re.compile(
    r"(?-i:[A-Z]{1,3}) \d{5,10}(?![\w/-])"
    r"|[#*xX]{0,12}[A-Z0-9][A-Z0-9*]{0,24}(?:[-/.\u2010\u2011][A-Z0-9*]{1,20}){0,5}",
    re.IGNORECASE,
)
_GROUP = re.compile(
    r" (?:\d{2,6}|[A-Z]{1,3}\d{1,6}|\d{1,6}[A-Z]{1,2}|[A-Z]{1,2})(?![\w/-])(?!\.\w)"
)
_WORD = re.compile(r"[A-Za-z]?[a-z]{1,25}|[A-Z]{5,25}")
MAX_VALUES = 20  # of a list after one label


class Label(Struct, frozen=True):
    """A label that announces a number.

    Attributes:
        kind: The kind of the number.
        pattern: The label, with the characters that may stand between it and the number.
        least: The least count of letters and digits of the number.
        figures: The least count of digits.
    """

    kind: str
    pattern: re.Pattern[str]
    least: int = 4
    figures: int = 3


def _label(kind: str, labels: str, least: int = 4, figures: int = 3, gap: str = _GAP) -> Label:
    pattern = re.compile(rf"(?<![^\W_]){words(labels)}(?![^\W_]){gap}", re.IGNORECASE)
    return Label(kind, pattern, least, figures)


_STRICT = rf"[ \t]?{_NUMBER_WORD}{_GAP}"  # a word for "number" must be there
_STATE = (
    r"(?:[\s:]?(?:\(?[A-Z]{2}\)?|[A-Z][a-z]{3,14})[ :-]{1,2}(?=[A-Z0-9]{0,4}[ -]?[A-Z]{0,3}\d))?"
)

LABELS: tuple[Label, ...] = (
    _label(
        "ssn",
        "ssn, social security, soc sec, social security card, ss\\#, ss no",
        least=4,
        figures=4,
    ),
    _label(
        "mrn",
        "mrn, mrns, mr\\#, mr no, medical record, medical records, med rec, med record, "
        "patient id, patient number, patient no, patient identifier, hospital number, "
        "hospital no, hospital id, chart number, chart no, chart \\#, chart id, unit "
        "number, unit no, encounter, visit number, visit id, visit no, record number, "
        "record no, accession number, accession no, accession, specimen id, uhid, ehr id, "
        "emr id, nhs number, nhs no, health record, patientennummer, patienten-id, "
        "patienten-nr\\.?, fallnummer, fall-nr\\.?, aufnahmenummer, laborauftrag, "
        "auftragsnummer, befundnummer",
    ),
    _label("mrn", "chart, charts", least=6, figures=5),
    _label(
        "mrn",
        "case id, clinic number, clinic no, epic id, pt id, fin",
    ),
    _label(
        "health-plan",
        "health plan, health plan beneficiary, plan beneficiary, beneficiary, member, "
        "membership, subscriber, enrollee, insured, plan, payer, group, policy, "
        "policyholder, insurance policy, insurance, insurance card, health insurance, "
        "coverage, benefit, payor, prescription, rx bin, rx group, rx, rxbin, rxgrp, "
        "health card, member/subscriber",
        gap=_STRICT,
    ),
    _label(
        "health-plan",
        "medicare, medicaid, medi-cal, tricare, mbi, hicn, hic, hmo id, ppo id, ohip, "
        "health plan, health insurance claim, member id, subscriber id, policy, kvnr, kv-nummer, "
        "versichertennummer, versicherten-nr\\.?, krankenversichertennummer, "
        "krankenversicherungsnummer, versicherungsnummer, versicherungs-nr\\.?, mitgliedsnummer, "
        "mitglieds-nr\\.?, policennummer, versicherungsschein, versicherungsscheinnummer, "
        "versicherungsschein-nr\\.?",
        figures=5,
        least=6,
    ),
    _label(
        "account",
        "account, accounts, acct, acct\\., a/c, bank account, checking account, savings "
        "account, routing, aba, sort code, routing/transit, transit, iban, bsb, brokerage "
        "account, loan account, wire to account, konto, kontonummer, blz, deposit "
        "account, escrow account, kto\\.?-nr\\.?, depotnummer, darlehensnummer, darlehens-nr\\.?",
    ),
    _label(
        "card",
        "credit card, debit card, card number, card no, visa, mastercard, amex, american "
        "express, discover card, card ending, cc, payment card",
        least=4,
        figures=4,
    ),
    _label(
        "licence-number",
        "license, licence, certificate, certification, registration, permit, credential, "
        "driver's, drivers, driver, pilot's license, medical license, nursing license, "
        "board certification",
        least=4,
        figures=3,
        gap=_STRICT,
    ),
    _label(
        "licence-number",
        "driver's license, driver\u2019s license, drivers license, driver license, driving "
        "license, driver's licence, driver\u2019s licence, driving licence, dl, cdl, medical "
        "license, nursing license, license plate holder, dea, npi, upin, state license, "
        "professional license, pharmacy license, f\u00fchrerschein, operator's license, pilot "
        "license, marriage certificate, birth certificate, f\u00fchrerscheinnummer, "
        "f\u00fchrerschein-nr\\.?, lanr, arztnummer, bsnr, betriebsst\u00e4ttennummer, "
        "approbationsnummer",
        least=5,
        figures=4,
    ),
    _label(
        "passport",
        "passport, passports, reisepass, reisepassnummer, passnummer, pass-nr\\.?",
        least=6,
        figures=4,
    ),
    _label(
        "tax-id",
        "ein, tin, itin, fein, tax id, taxpayer, taxpayer id, tax identification, "
        "employer identification, vat, vat id, vat registration, ust-idnr, ustid, "
        "steuernummer, steuer-nr\\.?, st\\.?-nr\\.?, steuer-id, steuer-idnr\\.?, idnr, "
        "steuer-?identifikationsnummer, abn, nif, tax",
        least=7,
        figures=6,
    ),
    _label(
        "vin",
        "vin, vins, vehicle identification, vehicle id, chassis, frame, fahrgestellnummer, "
        "fahrgestell-nr\\.?, fahrzeug-?identifizierungsnummer",
        least=8,
        figures=3,
    ),
    _label(
        "device",
        "serial, serials, s/n, sn, serial number, device, device serial, imei, meid, udi, "
        "unique device, imsi, iccid, equipment, asset tag, asset, implant, pacemaker, "
        "generator, mac address, device identifier, model/serial, service tag",
        least=5,
        figures=3,
        gap=_STRICT,
    ),
    _label(
        "device",
        "serial, s/n, sn, imei, udi, meid, serial number, pacemaker serial, service tag, "
        "seriennummer, serien-nr\\.?, ger\u00e4tenummer, ger\u00e4te-nr\\.?",
        least=5,
        figures=3,
    ),
    _label(
        "bar-number",
        "bar, state bar, bar association, bar roll, attorney, attorney bar, attorney "
        "registration, juris, ardc, bar card, law license, roll",
        least=4,
        figures=4,
        gap=_STRICT,
    ),
    _label(
        "bar-number",
        "sbn, state bar, bar no",
        least=5,
        figures=5,
    ),
    _label(
        "matter",
        "matter, client matter, client/matter, client-matter, client, engagement, our "
        "file, our ref, your ref, our reference, your reference, file, firm file, "
        "billing, aktenzeichen",
        gap=_STRICT,
        least=4,
        figures=3,
    ),
    _label(
        "matter",
        "matter, client/matter, client-matter, our ref, your ref, our reference, your "
        "reference, our file, file ref, unser zeichen, ihr zeichen, aktenzeichen, "
        "gesch\u00e4ftszeichen, mandatsnummer, mandantennummer",
        least=5,
        figures=4,
    ),
    _label(
        "id-number",
        "employee, staff, student, badge, user, customer, personnel, inmate, prisoner, "
        "alien, registration, national, national insurance, claim, claims, claimant, "
        "voter, applicant, identity card, identity, identification, participant, subject, "
        "study, sample, donor, tracking, confirmation, military, officer, uscis, "
        "personal, id card, incident, police report, loan, physician, provider, "
        "prescriber",
        gap=_STRICT,
    ),
    _label(
        "id-number",
        "nino, a-number, uscis, dod id, claim, badge, employee id, student id, customer "
        "id, personalausweis, sozialversicherungsnummer, identity card, id number, id no, "
        "personalausweisnummer, ausweisnummer, ausweis-nr\\.?, rentenversicherungsnummer, "
        "kundennummer, kunden-nr\\.?, personalnummer, personal-nr\\.?, mitarbeiternummer, "
        "matrikelnummer, schadennummer, schadensnummer, schaden-nr\\.?, vertragsnummer, "
        "vertrags-nr\\.?, spendernummer",
        least=6,
        figures=5,
    ),
)

_PLATE_WORDS = words(
    "license plate, licence plate, license plates, number plate, plate, plates, vehicle tag, "
    "license tag, "
    "tag, registration plate, vehicle registration, vehicle reg, car registration, registration "
    "mark, vrm, "
    "kennzeichen, amtliches kennzeichen, lic plate, reg no, registration no, registration number"
)
_PLATE = re.compile(
    rf"(?<![^\W_]){_PLATE_WORDS}(?![^\W_])(?:[ \t]?{_NUMBER_WORD})?"
    r"(?:[\s:#=.,(\u201c\"']|(?<![^\W_])(?:is|was|of|reads|reading|bearing|no)(?![^\W_])){1,5}"
    rf"{_STATE}",
    re.IGNORECASE,
)
_GERMAN_PLATE = re.compile(
    r"(?i:kennzeichens?)[\s:,]{1,3}"
    r"(?P<value>[A-Z\u00c4\u00d6\u00dc]{1,3}-[A-Z]{1,2} ?\d{1,4}[EH]?)(?!\w)"
)
_PLATE_VALUE = re.compile(
    r"(?=[A-Z0-9 \u00b7-]{0,7}\d)[A-Z0-9\u00c4\u00d6\u00dc]{1,8}(?:[ \u00b7-][A-Z0-9]{1,4}"
    r"(?![a-z])){0,2}(?![a-z0-9-])"
)
_PLATE_BEFORE = re.compile(
    r"(?<![\w-])(?P<value>[A-Z0-9]{2,4}[ -]?[A-Z0-9]{2,4})(?= \(?(?:[A-Z]{2} )?(?:license "
    r"|licence |number )?plates?(?![^\W_]))"
)


_BEFORE = re.compile(
    r"(?<![\w.-])(?P<value>[A-Z0-9][A-Z0-9-]{4,19}),? \((?:the |his |her |their )?"
    r"(?P<label>MRN|SSN|VIN|NPI|DEA"
    r"|medical record|member|policy|account|passport|driver|license|serial)(?![^\W_])",
    re.IGNORECASE,
)
_BEFORE_KINDS = {
    "mrn": "mrn",
    "medical record": "mrn",
    "ssn": "ssn",
    "vin": "vin",
    "npi": "licence-number",
    "dea": "licence-number",
    "member": "health-plan",
    "policy": "health-plan",
    "account": "account",
    "passport": "passport",
    "driver": "licence-number",
    "license": "licence-number",
    "serial": "device",
}


def find_labelled(text: str) -> Iterator[Mark]:
    """Yield the numbers beside a label, and further ones of a list: ``MRNs 12345 and 67890``."""
    for found in _BEFORE.finditer(text):
        if sum(sign.isdigit() for sign in found["value"]) >= 4:
            yield *found.span("value"), _BEFORE_KINDS[found["label"].lower()]
    for label in LABELS:
        for found in label.pattern.finditer(text):
            yield from _values(text, found.end(), label)


def find_plates(text: str) -> Iterator[Mark]:
    """Yield licence plates: after a word for one, with or without the state, or before it."""
    for found in _GERMAN_PLATE.finditer(text):
        yield *found.span("value"), "plate"
    for found in _PLATE.finditer(text):
        value = _PLATE_VALUE.match(text, found.end())
        if value is not None and _is_plate(value[0]):
            yield value.start(), value.end(), "plate"
    for found in _PLATE_BEFORE.finditer(text):
        if _is_plate(found["value"]):
            yield found.start("value"), found.end("value"), "plate"


def _is_plate(value: str) -> bool:
    signs = sum(character.isalnum() for character in value)
    figures = sum(character.isdigit() for character in value)
    return 3 <= signs <= 9 and figures >= 1 and not (value.isdigit() and signs < 5)


def _values(text: str, start: int, label: Label) -> Iterator[Mark]:
    first: list[str] = []
    for at in range(MAX_VALUES):
        value = _VALUE.match(text, start)
        if value is None or _WORD.fullmatch(value[0]):
            return
        form = [sign for sign in value[0] if not sign.isalnum()]
        if at and form != first:
            return  # of another form, so no further number of the list
        first = form
        end = _groups(text, value.end())
        # A group after the first may be a word: of "12345 in" only the number is one.
        while not _is_number(text[start:end], label):
            if end == value.end():
                return
            end = value.end()
        yield start, end, label.kind
        following = _NEXT.match(text, end)
        if following is None:
            return
        start = following.end()


def _groups(text: str, end: int) -> int:
    for _ in range(6):
        group = _GROUP.match(text, end)
        if group is None:
            break
        end = group.end()
    return end


def _is_number(value: str, label: Label) -> bool:
    figures = sum("0" <= character <= "9" for character in value)
    signs = sum(character.isalnum() for character in value)
    if figures < label.figures or signs < label.least:
        return False
    # Dates and amounts are found elsewhere: "policy no later than 2019".
    return not re.fullmatch(r"(?:19|20)\d\d|\d{1,2}[/.]\d{1,2}[/.]\d{2,4}", value)
