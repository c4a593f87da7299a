"""Numbers with a check digit or a distinctive form, found without a word beside them."""

import re
from collections.abc import Iterator, Sequence
from itertools import cycle

from lyrikstore.curate.personal.recognisers.marks import Mark, before, digits

_SSN = re.compile(
    r"(?<![\w.-])(?:\d{3}|[xX*#]{3})([- .\u2010\u2011\u2013])(?:\d{2}|[xX*#]{2})\1\d{4}(?![\w-])"
)
_CARD = re.compile(r"(?<![\w.-])\d{4}([ -]?)\d{4}\1\d{4}\1\d{1,4}(?:\1\d{1,3})?(?![\w-])")
_AMEX = re.compile(r"(?<![\w.-])3[47]\d{2}([ -]?)\d{6}\1\d{5}(?![\w-])")
_DINERS = re.compile(r"(?<![\w.-])3(?:0[0-5]|[689]\d)\d([ -]?)\d{6}\1\d{4}(?![\w-])")
_IBAN = re.compile(r"(?<![^\W_])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![^\W_])")
_VIN = re.compile(r"(?<![^\W_])[A-HJ-NPR-Z0-9]{17}(?![^\W_])", re.IGNORECASE)
_DEA = re.compile(r"(?<![^\W_])[ABCDEFGHJKLMPRSTUX][A-Z9]\d{7}(?![^\W_])")
_MEDICARE = re.compile(
    r"(?<![^\W_])[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d-?[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d-?"
    r"[AC-HJKMNP-RT-Y]{2}\d{2}(?![^\W_])"
)
_WALLET = re.compile(r"(?<![^\W_])(?:bc1[02-9ac-hj-np-z]{25,59}|0x[0-9a-fA-F]{40})(?![^\W_])")
_MAC = re.compile(r"(?<![\w:-])[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![\w:-])")

_STEUER_ID = re.compile(r"(?<![\w.,/-])[1-9]\d(?: ?\d{3}){3}(?![\w/-])(?![.,]\d)")
_KVNR = re.compile(r"(?<![^\W_])[A-Z]\d{9}(?![^\W_])")
_RVNR = re.compile(r"(?<![\w-])\d{2} ?[0-3]\d[01]\d{3} ?[A-Z] ?\d{2} ?\d(?![^\W_])")

_VIN_VALUES = {
    letter: int(value)
    for letter, value in zip("ABCDEFGHJKLMNPRSTUVWXYZ", "12345678123457923456789", strict=True)
} | {str(digit): digit for digit in range(10)}
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_IBAN_LENGTHS = range(15, 35)


def find_checked(text: str) -> Iterator[Mark]:
    """Yield American and German numbers with a check digit or a distinctive form."""
    for found in _SSN.finditer(text):
        if digits(found[0]) and not (found[1] == "." and found[0][0] == "0"):
            yield found.start(), found.end(), "ssn"
    for pattern in (_CARD, _AMEX, _DINERS):
        for found in pattern.finditer(text):
            number = digits(found[0])
            if pattern is _CARD and not _is_card_length(number):
                continue
            if passes_luhn(number):
                yield found.start(), found.end(), "card"
    for found in _IBAN.finditer(text):
        end = _iban_end(found[0])
        if end:
            yield found.start(), found.start() + end, "iban"
    for found in _VIN.finditer(text):
        if passes_vin(found[0]):
            yield found.start(), found.end(), "vin"
    for found in _DEA.finditer(text):
        if passes_dea(found[0]):
            yield found.start(), found.end(), "licence-number"
    for found in _MEDICARE.finditer(text):
        yield found.start(), found.end(), "health-plan"
    for pattern, passes, kind in (
        (_STEUER_ID, passes_steuer_id, "tax-id"),
        (_KVNR, passes_kvnr, "health-plan"),
        (_RVNR, passes_rvnr, "ssn"),
    ):
        for found in pattern.finditer(text):
            if passes(found[0].replace(" ", "")):
                yield found.start(), found.end(), kind
    for found in _WALLET.finditer(text):
        if "commit" not in before(text, found.start()):
            yield found.start(), found.end(), "account"
    for found in _MAC.finditer(text):
        yield found.start(), found.end(), "device"


def _is_card_length(number: str) -> bool:
    lengths = {"2": (16,), "4": (13, 16, 19), "5": (16,), "6": range(16, 20)}
    return len(number) in lengths.get(number[:1], ())  # other digits than ASCII are none


def passes_luhn(number: str) -> bool:
    """Return whether the last digit of ``number`` is its Luhn check digit."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0 and len(set(number)) > 1


def passes_iban(number: str) -> bool:
    """Return whether ``number``, without spaces, leaves 1 modulo 97 (ISO 13616)."""
    if len(number) not in _IBAN_LENGTHS or not number[:2].isalpha() or not number[2:4].isdigit():
        return False
    return int("".join(str(int(letter, 36)) for letter in number[4:] + number[:4])) % 97 == 1


def passes_vin(number: str) -> bool:
    """Return whether the ninth character is the check digit (49 CFR 565.15)."""
    upper = number.upper()
    if not any(letter.isdigit() for letter in upper) or upper.isdigit():
        return False
    rest = (
        sum(
            _VIN_VALUES[letter] * weight for letter, weight in zip(upper, _VIN_WEIGHTS, strict=True)
        )
        % 11
    )
    return upper[8] == ("X" if rest == 10 else str(rest))


def passes_dea(number: str) -> bool:
    """Return whether the last digit is the check digit of a DEA registration."""
    figures = [int(digit) for digit in number[2:]]
    return (sum(figures[0:6:2]) + 2 * sum(figures[1:6:2])) % 10 == figures[6]


def passes_steuer_id(number: str) -> bool:
    """Return whether it is a German tax number: one digit twice or three times, ISO 7064."""
    counts = sorted(number[:10].count(digit) for digit in set(number[:10]))
    if counts[-1] not in (2, 3) or counts[-2] > 1:
        return False
    product = 10
    for digit in number[:10]:
        product = (int(digit) + product) % 10 or 10
        product = product * 2 % 11
    return (11 - product) % 10 == int(number[10])


def passes_kvnr(number: str) -> bool:
    """Return whether the last digit is the check digit of a German health insurance number."""
    return _doubled(_in_figures(number[:-1]), (1, 2)) == int(number[-1])


def passes_rvnr(number: str) -> bool:
    """Return whether the last digit is the check digit of a German pension insurance number."""
    weights = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)
    return _doubled(_in_figures(number[:-1]), weights) == int(number[-1])


def _in_figures(number: str) -> str:
    """Return the number with its letter as its place in the alphabet, in two digits."""
    return "".join(sign if sign.isdigit() else f"{ord(sign) - 64:02}" for sign in number)


def _doubled(number: str, weights: Sequence[int]) -> int:
    """Return the last digit of the sum of the digits of the weighted figures."""
    weighted = (
        int(figure) * weight for figure, weight in zip(number, cycle(weights), strict=False)
    )
    return sum(value // 10 + value % 10 for value in weighted) % 10


def _iban_end(candidate: str) -> int:
    """Return the end of the IBAN in a candidate that may include words after it."""
    end = len(candidate)
    while end > 14:
        if passes_iban(candidate[:end].replace(" ", "")):
            return end
        cut = candidate.rfind(" ", 0, end)
        if cut < 0:
            return 0
        end = cut
    return 0
