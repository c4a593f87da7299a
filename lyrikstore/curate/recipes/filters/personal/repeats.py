"""Search for repeats of found values in the same record (spec §12.5.28)."""

import re
import unicodedata
from collections.abc import Iterator

from lyrikstore.curate.personal.found import Found

MAX_KNOWN, MAX_WORDS = 1000, 8
"""Most values of a record that are searched for again, and most words of a value."""

REPEATED = "repeated"
"""The detector name of repeats."""

_WORD = re.compile(r"[^\W_](?:[^\W_]|[\u0300-\u036f])*")
"""Letters and digits, with combining accents of decomposed text."""

_RUN = re.compile(r"\d+")
_NAMES = frozenset(("person", "holder"))
_NUMBERS = frozenset(
    (
        "ssn",
        "card",
        "iban",
        "vin",
        "mrn",
        "health-plan",
        "account",
        "licence-number",
        "bar-number",
        "passport",
        "tax-id",
        "plate",
        "device",
        "matter",
        "id-number",
        "phone",
        "fax",
    )
)
"""Kinds that detectors often recognize by surrounding words only."""

_LEAST_DIGITS, _LEAST_LETTERS = 4, 3
_TITLES = frozenset(("herr", "herrn", "frau", "prof", "med", "dipl", "ing", "the", "and", "und"))
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "æ": "ae"})


class Repeats:
    """The values found in a record, and the words of found names, to search for again.

    A whole value is searched for everywhere. A word of a name that was found in the text of the
    record is searched for in its other fields only: in a text the word may have another meaning.
    """

    def __init__(self) -> None:
        self._whole: dict[tuple[str, ...], str] = {}  # words of a value → its kind
        self._lengths: dict[str, set[int]] = {}  # first word → numbers of words of values
        self._words: dict[str, bool] = {}  # word of a name → whether to search the text, too
        self._parts: dict[tuple[str, str], str] = {}
        self._numbers: set[str] = set()  # without separators

    def note(self, text: str, found: list[Found], *, is_text: bool) -> None:
        """Add the values found in a text."""
        for item in found:
            self._note(item.kind, text[item.start : item.end], anywhere=not is_text)

    def note_masked(self, value: str) -> None:
        """Add the value of a masked field, if it is a number or a name with a capital letter."""
        if sum(map(str.isdecimal, value)) >= _LEAST_DIGITS:
            self._note("id-number", value, anywhere=True)
        elif any(word[0].isupper() for word in _WORD.findall(value)):
            self._note("person", value, anywhere=len(_WORD.findall(value)) == 1)

    def parts(self) -> Iterator[tuple[str, str, str]]:
        """Yield kind, part and whole value: words of names, and numbers written as one word."""
        for (kind, word), whole in self._parts.items():
            yield kind, word, whole

    def find(self, text: str, *, is_text: bool) -> list[Found]:
        """Return the repeats of values in a text, in order.

        Args:
            text: Any text.
            is_text: Whether this is the text of the record.

        Cost: O(length), as values have few words.
        """
        if not self._whole and not self._words:
            return []
        words = [(word.start(), word.end(), _fold(word[0])) for word in _WORD.finditer(text)]
        found: list[Found] = []
        at = 0
        while at < len(words):
            start, end, word = words[at]
            length = 1
            for several in sorted(self._lengths.get(word, ()), reverse=True):
                if at + several > len(words):
                    continue
                kind = self._whole.get(tuple(one[2] for one in words[at : at + several]))
                if kind is not None:
                    length, end = several, words[at + several - 1][1]
                    found.append(Found(start, end, kind, REPEATED))
                    break
            else:
                wanted = self._words.get(word)
                if wanted is not None and (wanted or not is_text) and text[start].isupper():
                    found.append(Found(start, end, "person", REPEATED))
                elif self._numbers:
                    found += self._glued(text, start, end)
            at += length
        return found

    def _glued(self, text: str, start: int, end: int) -> Iterator[Found]:
        """Yield found numbers within a word, such as in MRN10482231."""
        for run in _RUN.finditer(text, start, end):
            kind = self._whole.get((_fold(run[0]),))
            if kind is not None:
                yield Found(*run.span(), kind, REPEATED)

    def stands_in(self, path: str) -> bool:
        """Return whether a path contains a word of a name, or a whole value."""
        spelt = _fold(path)
        for form in {_plain(spelt), _plain(spelt.translate(_UMLAUTS))}:
            words = set(_WORD.findall(form))
            for word in self._words:
                for one in {_plain(word), _plain(word.translate(_UMLAUTS))}:
                    if one in words or (len(one) > _LEAST_LETTERS and one in form):
                        return True
        joined = "".join(self._words_of(path))
        if any(number in joined for number in self._numbers):
            return True
        return bool(self.find(path, is_text=False))

    def _note(self, kind: str, value: str, *, anywhere: bool) -> None:
        if kind not in _NAMES | _NUMBERS:
            return
        known = self._words_of(value)
        if kind in _NUMBERS and sum(map(str.isdecimal, value)) >= _LEAST_DIGITS:
            self._keep(known, kind)
            if len(self._numbers) < MAX_KNOWN:
                joined = "".join(known)
                self._numbers.add(joined)
                self._keep((joined,), kind)
                self._parts.setdefault((kind, joined), value)
        if kind not in _NAMES:
            return
        if len(known) > 1:
            self._keep(known, kind)
        for word in _WORD.findall(value)[:MAX_WORDS]:
            folded = _fold(word)
            if len(word) < _LEAST_LETTERS or not word[0].isupper() or not _composed(word).isalpha():
                continue
            if folded not in _TITLES and len(self._words) < MAX_KNOWN:
                self._words[folded] = self._words.get(folded, False) or anywhere
                self._parts.setdefault((kind, word), value)

    def _keep(self, known: tuple[str, ...], kind: str) -> None:
        if 1 <= len(known) <= MAX_WORDS and len(self._whole) < MAX_KNOWN:
            self._whole.setdefault(known, kind)
            self._lengths.setdefault(known[0], set()).add(len(known))

    def _words_of(self, value: str) -> tuple[str, ...]:
        return tuple(_fold(word) for word in _WORD.findall(value))


def _composed(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _fold(text: str) -> str:
    return _composed(text).casefold()


def _plain(text: str) -> str:
    """Return a folded text without accents."""
    spread = unicodedata.normalize("NFD", text)
    return "".join(sign for sign in spread if not unicodedata.combining(sign))
