"""``redact/3``: as ``redact/2``, and nothing that it took out can be read back (spec §12.5.28)."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import ClassVar, TypeGuard

from blake3 import blake3

from lyrikstore.canon.json import JSON
from lyrikstore.curate.extract.rows import ATTACHMENTS, PAGES, PATH, TEXT, page_starts, traces_of
from lyrikstore.curate.personal.found import Found, join_overlapping
from lyrikstore.curate.readers.fields import DOCUMENT_TEXT
from lyrikstore.curate.recipes.filters.contract import Candidate, Change, FieldChange, Keep, Outcome
from lyrikstore.curate.recipes.filters.personal.redact import (
    Numbers,
    RedactTyped,
    described,
)
from lyrikstore.curate.recipes.filters.personal.repeats import Repeats
from lyrikstore.curate.recipes.filters.personal.search import PersonalFilter, map_strings, strings
from lyrikstore.curate.recipes.filters.redact import MASK

_ADDRESSES = frozenset({"from", "to", "cc"})
_ANGLE = re.compile(r"<[^<>]{1,320}>")
_NAME = re.compile(r"(?:\"(?P<quoted>[^\"]*)\"|(?P<bare>[^\"<>@,;:]*))\s*\Z")
_LONGEST_NAME = 200
_SUFFIX = re.compile(r"\.(?:txt|text|md|html?|xhtml|eml|json|xml|csv)", re.IGNORECASE)
_REPLACED = re.compile(r"doc-[0-9a-f]{12}(?:-[0-9]+)?(?:\.[a-z]+)?")
_LISTED = frozenset({"name", "type", "bytes", "blake3"})


class RedactRecords(RedactTyped):
    """Replaces what is found by placeholders, everywhere in the record where it stands again.

    The path and the places of a chunk are not searched: a path that holds what was found is
    replaced, the digest of the text as it was goes, and so do names and digests of attachments.
    """

    USE: ClassVar[str] = "redact/3"
    GIVES_AWAY: ClassVar[str] = ""
    SUCCESSOR: ClassVar[str] = ""
    TAKES_OUT: ClassVar[bool] = True

    def decide(self, candidate: Candidate) -> Outcome:
        """Return the record with placeholders."""
        record = _Record(self, candidate)
        record.drop_traces()
        record.mask()
        record.replace()
        path = record.replace_path()
        if not record.changes:
            return Keep()
        return Change(record.fields, tuple(record.changes), path=path)

    def raw(self, text: str) -> list[Found]:
        """Return what the detectors find in a text."""
        return PersonalFilter.find(self, text)


class _Record:
    """A record that is redacted."""

    def __init__(self, step: RedactRecords, candidate: Candidate) -> None:
        self._step, self._candidate = step, candidate
        self.fields: dict[str, JSON] = dict(candidate.fields)
        self.changes: list[FieldChange] = []
        self._masked = (
            candidate.others() if step.mask is None else sorted(step.mask & self.fields.keys())
        )
        self._repeats = Repeats()

    def drop_traces(self) -> None:
        """Drop what depends on texts, or on files, as they were."""
        if self._candidate.is_document:
            return
        traces = sorted(traces_of(self.fields))
        for name in traces:
            del self.fields[name]
            self._tell(name, "trace-dropped")
        listed = self.fields.get(ATTACHMENTS)
        if _lists_attachments(listed):
            kept: list[JSON] = [
                {name: one[name] for name in one if name not in ("name", "blake3")}
                for one in listed
            ]
            if kept != listed:
                self.fields[ATTACHMENTS] = kept
                self._tell(ATTACHMENTS, "names-dropped", len(kept))

    def replace(self) -> None:
        """Put placeholders for what is found, and for what of that stands elsewhere."""
        names = [
            name
            for name, _ in self._step.names(self._candidate)
            if name in self.fields and name not in self._masked and not self._is_path(name)
        ]
        texts = {name: list(strings(self.fields[name])) for name in names}
        found = {name: [self._find(name, text) for text in texts[name]] for name in names}
        for name in names:
            for text, finds in zip(texts[name], found[name], strict=True):
                self._repeats.note(text, finds, is_text=name in self._candidate.text_fields)
        numbers = Numbers(self._candidate, zip3=self._step.zip3)
        for kind, part, whole in self._repeats.parts():
            numbers.count_as(kind, part, whole)
        for name in names:
            again = [
                self._again(name, text, finds)
                for text, finds in zip(texts[name], found[name], strict=True)
            ]
            if any(again):
                self._put(name, again, numbers)

    def mask(self) -> None:
        """Replace the fields that go as a whole."""
        for name in self._masked:
            if self.fields.get(name) not in (None, MASK) and not self._is_path(name):
                value = self.fields[name]
                for text in [str(value)] if isinstance(value, int) else strings(value):
                    self._repeats.note_masked(text)
                self.fields[name] = MASK
                self._tell(name, "masked")

    def replace_path(self) -> str | None:
        """Replace a path that holds what was found; return it, if it is that of a document."""
        is_document = self._candidate.is_document
        path = self._candidate.path if is_document else self.fields.get(PATH)
        if not isinstance(path, str) or not (is_document or self._is_path(PATH)):
            return None
        is_masked = not is_document and PATH in self._masked
        if _REPLACED.fullmatch(path) or not (is_masked or self._holds(path)):
            return None
        text = self._text()
        new = f"doc-{blake3(text.encode()).hexdigest(6)}"
        if not is_document:
            self.fields[PATH] = new
            self._tell(PATH, "path-replaced")
            return None
        suffix = _SUFFIX.fullmatch(path[path.rindex(".") :]) if "." in path else None
        self.changes.append(FieldChange(PATH, "path-replaced", 1))
        return new + (suffix[0].lower() if suffix else "")

    def _is_path(self, name: str) -> bool:
        return (
            name == PATH
            and not self._candidate.is_document
            and isinstance(self.fields.get(TEXT), str)
            and isinstance(self.fields.get(PATH), str)
        )

    def _find(self, name: str, text: str) -> list[Found]:
        found = self._step.raw(text)
        if name in _ADDRESSES and "person" in self._step.kinds:
            found = join_overlapping([*found, *_display_names(text)])
        return self._step.refine(text, found)

    def _again(self, name: str, text: str, found: list[Found]) -> list[Found]:
        more = self._repeats.find(text, is_text=name in self._candidate.text_fields)
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
            self.changes.extend(described(self._candidate.called(name), here))
        pages = page_starts(self.fields)
        if name == TEXT and isinstance(old, str) and pages:
            (here,) = found
            moved = _moved(pages, here, lambda one: len(numbers.placeholder_of(old, one)))
            self.fields[PAGES] = list[JSON](moved)

    def _holds(self, path: str) -> bool:
        if self._repeats.stands_in(path):
            return True
        return any(
            self._step.refine(text, self._step.raw(text))
            for text in dict.fromkeys((path, re.sub(r"[_/]", " ", path)))
        )

    def _text(self) -> str:
        if self._candidate.is_document:
            value = self.fields.get(DOCUMENT_TEXT)
            return value if isinstance(value, str) else ""
        texts = (
            text for name in self._candidate.text_fields for text in strings(self.fields.get(name))
        )
        return "\n\n".join(texts)

    def _tell(self, name: str, reason: str, count: int = 1) -> None:
        self.changes.append(FieldChange(self._candidate.called(name), reason, count))


def _display_names(text: str) -> Iterator[Found]:
    """Yield the names that stand before addresses of mail."""
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


def _lists_attachments(value: JSON) -> TypeGuard[list[dict[str, JSON]]]:
    """Return whether a value is what the row of a message says of its attachments."""
    return isinstance(value, list) and all(
        isinstance(one, Mapping) and "bytes" in one and one.keys() <= _LISTED for one in value
    )


def _moved(
    pages: Sequence[int], found: Sequence[Found], length: Callable[[Found], int]
) -> list[int]:
    """Return where pages begin once what was found is replaced by placeholders of some length."""
    moved: list[int] = []
    shift = at = 0
    for page in pages:
        while at < len(found) and found[at].start < page:
            # A find that goes over to the next page stays on the one where it begins.
            shift += length(found[at]) - (found[at].end - found[at].start)
            at += 1
        last = found[at - 1].end if at else 0
        moved.append(max(page, last) + shift)
    return moved
