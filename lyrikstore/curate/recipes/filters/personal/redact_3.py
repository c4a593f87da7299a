"""``redact/3``: as ``redact/2``, but leaves no traces of removed values (spec §12.5.28)."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import ClassVar, TypeGuard
from urllib.parse import unquote

from blake3 import blake3

from lyrikstore.canon.json import JSON
from lyrikstore.curate.extract.rows import (
    ATTACHMENTS,
    END,
    PAGE,
    PAGES,
    PART,
    PATH,
    START,
    TEXT,
    page_starts,
    traces_of,
)
from lyrikstore.curate.personal.found import Found, join_overlapping
from lyrikstore.curate.readers.fields import DOCUMENT_TEXT
from lyrikstore.curate.recipes.filters.contract import (
    Change,
    FieldChange,
    FilterRecord,
    Keep,
    Outcome,
)
from lyrikstore.curate.recipes.filters.personal.redact import (
    Numbers,
    RedactTyped,
    described,
)
from lyrikstore.curate.recipes.filters.personal.repeats import Repeats
from lyrikstore.curate.recipes.filters.personal.search import PersonalFilter, map_strings, strings
from lyrikstore.curate.recipes.filters.redact import MASK
from lyrikstore.curate.scan.mapping import ORIGINAL_PATH

_ADDRESSES = frozenset({"from", "to", "cc"})
_ANGLE = re.compile(r"<[^<>]{1,320}>")
_NAME = re.compile(r"(?:\"(?P<quoted>[^\"]*)\"|(?P<bare>[^\"<>@,;:]*))\s*\Z")
_LONGEST_NAME = 200
_SUFFIX = re.compile(r"\.(?:txt|text|md|html?|xhtml|eml|json|xml|csv)", re.IGNORECASE)
_REPLACED = re.compile(r"doc-[0-9a-f]{12}(?:-[0-9]+)?(?:\.[a-z]+)?")
_LISTED = frozenset({"name", "type", "bytes", "blake3"})
_OF_SHARDS = frozenset({"date", "age", "zip", "location", "url"})
"""Kinds that are common in names of files with many rows, such as dates; not replaced there."""

_PLACES = frozenset({PAGES, PAGE, PART, START, END, ATTACHMENTS})


class RedactRecords(RedactTyped):
    """Filter that replaces personal data by placeholders, with its repeats in the whole record.

    The path and the positions of a chunk are not searched. A path that contains a found value is
    replaced; the digest of the original text, and names and digests of attachments are dropped.
    """

    USE: ClassVar[str] = "redact/3"
    GIVES_AWAY: ClassVar[str] = ""
    SUCCESSOR: ClassVar[str] = ""
    TAKES_OUT: ClassVar[bool] = True

    def decide(self, record: FilterRecord) -> Outcome:
        """Return the record with placeholders, or `Keep` if nothing is replaced."""
        redaction = _Redaction(self, record)
        redaction.drop_traces()
        redaction.mask()
        redaction.replace()
        path = redaction.replace_path()
        if not redaction.changes:
            return Keep()
        return Change(redaction.fields, tuple(redaction.changes), path=path or redaction.file)

    def raw(self, text: str) -> list[Found]:
        """Return the finds of the detectors in a text."""
        return PersonalFilter.find(self, text)


class _Redaction:
    """The redaction of one record: its new fields, and what changed in them."""

    def __init__(self, step: RedactRecords, record: FilterRecord) -> None:
        self._step, self._record = step, record
        self.fields: dict[str, JSON] = dict(record.fields)
        self.changes: list[FieldChange] = []
        self._masked = (
            record.others() if step.mask is None else sorted(step.mask & self.fields.keys())
        )
        self._repeats = Repeats()
        self.file: str | None = None

    def drop_traces(self) -> None:
        """Drop fields that depend on the original texts or files."""
        if self._record.is_document:
            return
        traces = sorted(traces_of(self.fields))
        for name in traces:
            del self.fields[name]
            self._add_change(name, "trace-dropped")
        listed = self.fields.get(ATTACHMENTS)
        if _lists_attachments(listed):
            kept: list[JSON] = [
                {name: one[name] for name in one if name not in ("name", "blake3")}
                for one in listed
            ]
            if kept != listed:
                self.fields[ATTACHMENTS] = kept
                self._add_change(ATTACHMENTS, "names-dropped", len(kept))

    def replace(self) -> None:
        """Replace finds by placeholders, and repeats of found values in other fields."""
        names = [
            name
            for name, _ in self._step.names(self._record)
            if name in self.fields
            and name not in self._masked
            and not self._is_path(name)
            and not self._is_original(name)
        ]
        texts = {name: list(strings(self.fields[name])) for name in names}
        found = {name: [self._find(name, text) for text in texts[name]] for name in names}
        for name in names:
            for text, finds in zip(texts[name], found[name], strict=True):
                self._repeats.note(text, finds, is_text=name in self._record.text_fields)
        numbers = Numbers(self._record, zip3=self._step.zip3)
        for kind, part, whole in self._repeats.parts():
            numbers.count_as(kind, part, whole)
        for name in names:
            again = [
                self._again(name, text, finds)
                for text, finds in zip(texts[name], found[name], strict=True)
            ]
            if any(again):
                self._put(name, again, numbers)
            self._replace_numbers(name, numbers)

    def mask(self) -> None:
        """Replace the whole values of masked fields."""
        for name in self._masked:
            if self.fields.get(name) not in (None, MASK) and not self._is_path(name):
                for text in (*strings(self.fields[name]), *_numbers_in(self.fields[name])):
                    self._repeats.note_masked(text)
                self.fields[name] = MASK
                self._add_change(name, "masked")

    def replace_path(self) -> str | None:
        """Replace a path that contains a found value; return the new path of a document."""
        self._rename_file()
        new = self._new_path()
        original = self.fields.get(ORIGINAL_PATH)
        # ATTACK A145: the original name of a file reveals what its new path does not contain.
        if self._is_original(ORIGINAL_PATH) and (
            any(change.reason == "path-replaced" for change in self.changes)
            or (
                isinstance(original, str)
                and (_found_in(self._step, original) or self._holds(original))
            )
        ):
            del self.fields[ORIGINAL_PATH]
            self._add_change(ORIGINAL_PATH, "trace-dropped")
        return new

    def _new_path(self) -> str | None:
        is_document = self._record.is_document
        path = self._record.path if is_document else self.fields.get(PATH)
        if not isinstance(path, str) or not (is_document or self._is_path(PATH)):
            return None
        is_masked = not is_document and PATH in self._masked
        # ATTACK A72: a file may have a name that looks like a replaced one.
        goes = not _REPLACED.fullmatch(path) and (is_masked or _found_in(self._step, path))
        if not (goes or self._holds(path)):
            return None
        text = self._text()
        new = f"doc-{blake3(text.encode()).hexdigest(6)}"
        if not is_document:
            if new == path:
                return None
            self.fields[PATH] = new
            self._add_change(PATH, "path-replaced")
            return None
        suffix = _SUFFIX.fullmatch(path[path.rindex(".") :]) if "." in path else None
        self.changes.append(FieldChange(PATH, "path-replaced", 1))
        return new + (suffix[0].lower() if suffix else "")

    def _rename_file(self) -> None:
        """Request a new file name for a row if the name of its file contains a found value."""
        path = self._record.path
        if self._record.is_document or not (
            self._holds(path) or _found_in(self._step, path, but=_OF_SHARDS)
        ):
            return
        self.file = path
        if self.fields.get(PATH) != path:  # in a row of a document, the path field is the file
            self._add_change(PATH, "file-renamed")

    def _is_original(self, name: str) -> bool:
        """Return whether a field contains the original path of a document."""
        return (
            name == ORIGINAL_PATH
            and name in self.fields
            and (self._record.is_document or self._is_path(PATH))
        )

    def _is_path(self, name: str) -> bool:
        return (
            name == PATH
            and not self._record.is_document
            and isinstance(self.fields.get(PATH), str)
            and any(
                isinstance(self.fields.get(one), str) for one in (TEXT, *self._record.text_fields)
            )
        )

    def _find(self, name: str, text: str) -> list[Found]:
        found = self._step.raw(text)
        if name in _ADDRESSES and "person" in self._step.kinds:
            found = join_overlapping([*found, *_display_names(text)])
        return self._step.refine(text, found)

    def _again(self, name: str, text: str, found: list[Found]) -> list[Found]:
        more = self._repeats.find(text, is_text=name in self._record.text_fields)
        if not more:
            return found
        return self._step.refine(text, join_overlapping([*found, *more]))

    def _put(self, name: str, found: Sequence[list[Found]], numbers: Numbers) -> None:
        old = self.fields[name]
        finds = iter(found)

        def put(text: str) -> str:
            here = next(finds)
            return numbers.replace(text, here) if here else text

        self.fields[name] = map_strings(old, put)
        for here in found:
            self.changes.extend(described(self._record.called(name), here))
        pages = page_starts(self.fields)
        if name == TEXT and isinstance(old, str) and pages:
            (here,) = found
            moved = _moved(pages, here, lambda one: len(numbers.placeholder_of(old, one)))
            self.fields[PAGES] = list[JSON](moved)

    def _replace_numbers(self, name: str, numbers: Numbers) -> None:
        """Replace JSON numbers that repeat a value found elsewhere by placeholders."""
        if self._record.is_document or name in _PLACES:
            return
        gone: list[Found] = []

        def put(number: str, value: JSON) -> JSON:
            found = self._repeats.find(number, is_text=False)
            if [(one.start, one.end) for one in found] != [(0, len(number))]:
                return value
            gone.extend(found)
            return numbers.placeholder_of(number, found[0])

        self.fields[name] = _map_numbers(self.fields[name], put)
        self.changes.extend(described(self._record.called(name), gone))

    def _holds(self, path: str) -> bool:
        # partition/1 writes %20 for a blank.
        return any(map(self._repeats.stands_in, dict.fromkeys((path, unquote(path)))))

    def _text(self) -> str:
        if self._record.is_document:
            value = self.fields.get(DOCUMENT_TEXT)
            return value if isinstance(value, str) else ""
        texts = (
            text for name in self._record.text_fields for text in strings(self.fields.get(name))
        )
        return "\n\n".join(texts)

    def _add_change(self, name: str, reason: str, count: int = 1) -> None:
        self.changes.append(FieldChange(self._record.called(name), reason, count))


@lru_cache(maxsize=1024)
def _found_in(step: RedactRecords, path: str, but: frozenset[str] = frozenset()) -> bool:
    """Return whether a path contains personal data; cached, as all rows of a file share it."""
    texts = dict.fromkeys((path, re.sub(r"[_/]", " ", path)))
    found = (one for text in texts for one in step.refine(text, step.raw(text)))
    return any(one.kind not in but for one in found)


def _display_names(text: str) -> Iterator[Found]:
    """Yield the display names before e-mail addresses."""
    before = 0
    for angle in _ANGLE.finditer(text):
        least = max(before, angle.start() - _LONGEST_NAME - 2)
        before = angle.end()
        match = _NAME.search(text[least : angle.start()])
        group = "quoted" if match is not None and match["quoted"] is not None else "bare"
        whole = match[group] if match is not None else ""
        name = whole.strip()
        if match is not None and any(map(str.isalpha, name)):
            start = least + match.start(group) + len(whole) - len(whole.lstrip())
            yield Found(start, start + len(name), "person", "patterns")


def _numbers_in(value: JSON) -> Iterator[str]:
    """Yield the JSON numbers in a value, at any depth, as text."""
    numbers: list[str] = []

    def keep(number: str, value: JSON) -> JSON:
        numbers.append(number)
        return value

    _map_numbers(value, keep)
    yield from numbers


def _map_numbers(value: JSON, put: Callable[[str, JSON], JSON]) -> JSON:
    """Return the value with every number replaced; the same object if none changed."""
    if isinstance(value, list):
        items = [_map_numbers(item, put) for item in value]
        return items if any(a is not b for a, b in zip(items, value, strict=True)) else value
    if isinstance(value, dict):
        members = {name: _map_numbers(item, put) for name, item in value.items()}
        return members if any(members[name] is not value[name] for name in value) else value
    if isinstance(value, int) and not isinstance(value, bool):
        return put(str(value), value)
    return value


def _lists_attachments(value: JSON) -> TypeGuard[list[dict[str, JSON]]]:
    """Return whether a value is a message's list of attachments."""
    return isinstance(value, list) and all(
        isinstance(one, Mapping) and "bytes" in one and one.keys() <= _LISTED for one in value
    )


def _moved(
    pages: Sequence[int], found: Sequence[Found], length: Callable[[Found], int]
) -> list[int]:
    """Return the starts of pages after finds are replaced by placeholders of given lengths."""
    moved: list[int] = []
    shift = at = 0
    for page in pages:
        while at < len(found) and found[at].start < page:
            # A find that continues on the next page belongs to the page where it begins.
            shift += length(found[at]) - (found[at].end - found[at].start)
            at += 1
        last = found[at - 1].end if at else 0
        moved.append(max(page, last) + shift)
    return moved
