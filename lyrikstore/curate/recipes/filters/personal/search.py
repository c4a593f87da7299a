"""The base class of filters for personal data: detectors, kinds and fields to search."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import JSON
from lyrikstore.curate.personal.detectors import DETECTORS, detector_facts, open_detector
from lyrikstore.curate.personal.find import find
from lyrikstore.curate.personal.found import Found
from lyrikstore.curate.personal.kinds import DEFAULT_KINDS, KINDS
from lyrikstore.curate.recipes.filters.contract import TEXT, Decide, Filter, FilterRecord, Outcome
from lyrikstore.curate.recipes.filters.parameters import Parameter

DETECTORS_PARAMETER = Parameter(
    "detectors",
    "strings",
    "the detectors to use; `presidio` and `rampart` need the extra `pii`",
    default=["patterns"],
    choices=tuple(DETECTORS),
)
KINDS_PARAMETER = Parameter(
    "kinds",
    "strings",
    "kinds of personal data to find",
    default=list(DEFAULT_KINDS),
    choices=tuple(KINDS),
)
TEXT_PARAMETER = Parameter("text", "boolean", "whether to search the text", default=True)
COLUMNS_PARAMETER = Parameter("columns", "columns", "the other fields to search", default="*")

Replace = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class PersonalFilter(Filter):
    """Base class of filters that search for personal data.

    Attributes:
        detectors: Keys of ``DETECTORS``, in its order.
        kinds: Keys of ``KINDS``.
        text: Whether to search the text.
        columns: The other fields to search; ``None``: all.
    """

    detectors: tuple[str, ...]
    kinds: frozenset[str]
    text: bool
    columns: frozenset[str] | None

    SEARCHES: ClassVar[tuple[Parameter, ...]] = (
        DETECTORS_PARAMETER,
        KINDS_PARAMETER,
        TEXT_PARAMETER,
        COLUMNS_PARAMETER,
    )

    @classmethod
    def searched(cls, values: Mapping[str, Any], *, other: bool = False) -> dict[str, Any]:
        """Return the attributes of this class for parameter values.

        Raises:
            InvalidInputError: (``bad-recipe``) the step searches nothing, and ``other`` is False.
        """
        if not values["text"] and values["columns"] == [] and not other:
            raise InvalidInputError(
                "bad-recipe",
                f"{cls.USE} searches neither the text nor another field",
                hint="omit text = false, or name columns",
            )
        return {
            "detectors": tuple(name for name in DETECTORS if name in values["detectors"]),
            "kinds": frozenset(values["kinds"]),
            "text": values["text"],
            "columns": None if values["columns"] == "*" else frozenset(values["columns"]),
        }

    def reads(self) -> tuple[str, ...]:
        """Return the inputs of the step: the text, and its columns or all fields."""
        fields = [TEXT] if self.text else []
        if self.columns is None:
            return (*fields, "meta:*")
        return (*fields, *(f"meta:{name}" for name in sorted(self.columns)))

    def libraries(self) -> Mapping[str, str]:
        """Return the versions of the detectors and of their packages."""
        facts = detector_facts(self.detectors)
        versions = (detector.split("/") for detector in facts.detectors)
        return {f"personal-{name}": number for name, number in versions} | dict(facts.libraries)

    def models(self) -> Sequence[Mapping[str, str]]:
        """Return the models of the detectors."""
        return detector_facts(self.detectors).models

    def start(self) -> Decide:
        """Return the decision function.

        Raises:
            LyrikstoreError: As :func:`open_detector`.
        """
        for name in self.detectors:
            open_detector(name)
        return self.decide

    @abstractmethod
    def decide(self, record: FilterRecord) -> Outcome:
        """Return the decision on a record."""

    def find(self, text: str) -> list[Found]:
        """Return the finds in a text."""
        return find(text, self.detectors, self.kinds)

    def names(self, record: FilterRecord) -> Iterator[tuple[str, bool]]:
        """Yield the fields to search, and whether each is the text; the text comes first."""
        if self.text:
            record.require_text(self.USE)
            yield from ((name, True) for name in record.text_fields if name in record.fields)
        for name in record.others():
            if self.columns is None or name in self.columns:
                yield name, False

    def counts(self, record: FilterRecord) -> dict[str, dict[str, int]]:
        """Return field, as named in decisions → kind → number of finds."""
        counted: dict[str, dict[str, int]] = {}
        for name, _ in self.names(record):
            for text in strings(record.fields[name]):
                for item in self.find(text):
                    kinds = counted.setdefault(record.called(name), {})
                    kinds[item.kind] = kinds.get(item.kind, 0) + 1
        return counted


def strings(value: JSON) -> Iterator[str]:
    """Yield the strings in a value, at any depth, without numbers and member names."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings(item)


def map_strings(value: JSON, replace: Replace) -> JSON:
    """Return the value with every string replaced; the same object if none changed."""
    if isinstance(value, str):
        return replace(value)
    if isinstance(value, list):
        items = [map_strings(item, replace) for item in value]
        return items if any(a is not b for a, b in zip(items, value, strict=True)) else value
    if isinstance(value, dict):
        members = {name: map_strings(item, replace) for name, item in value.items()}
        return members if any(members[name] is not value[name] for name in value) else value
    return value
