"""Parts of a test set: by the values of fields, and by the length of texts (spec §13.9.6).

``slices/2`` is the rule. ATTACK A75: what makes slices is published with every evaluation and card,
so few fields do unless somebody names them, no slice is of a few records, and what none of them has
follows from no difference. Evaluations without ``slicing`` are by the rule before it.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from lyrikstore.verify.evaluation.answers import Numbers
from lyrikstore.verify.evaluation.limits import JUDGED_RECORDS
from lyrikstore.verify.evaluation.predictions import MAX_SLICES

LENGTH = "@length"
"""The field name of slices by length."""

OTHERS = "@others"
"""The value of the slice with all records that are in no other slice of its field."""

RULE = "slices/2"

PERSONAL_SCAN, PERSONAL_VALUES = "personal-scan", "personal-values"
FEW, MANY = "few-records", "many-slices"
"""Reasons why a field makes no slices: a scan found personal data in it; its values look like
personal data; too few of its parts have enough records; earlier fields already make too many
slices.
"""

PERSONAL = frozenset({PERSONAL_SCAN, PERSONAL_VALUES})

HELD = ("label", "text", "group")
"""Members of ``data`` of a config whose fields make no slices unless a config names them."""

QUARTERS = ("shortest", "short", "long", "longest")
MOST_VALUES, MAX_CHARACTERS, MOST_FIELDS = 20, 256, 8
"""Most values of a field, characters of a value, and fields that are chosen by default."""


class Division(Struct, frozen=True):
    """A test set divided into slices.

    Attributes:
        slices: Field and value of each slice, at most :data:`MAX_SLICES`.
        members: For each record the numbers of the slices that it is in, ascending.
        slicing: The member of the evaluation's body that says by which rule, and what is left out.
    """

    slices: list[tuple[str, str]]
    members: list[list[int]]
    slicing: dict[str, Any]


def usual_fields(test: Mapping[str, Any], held: Collection[str | None]) -> list[str]:
    """Return the default slice fields, ``@length`` included.

    Args:
        test: Body of the test set.
        held: Fields that are the label, the text or the group of the run.
    """
    roles = test.get("fields", {})
    licences = [roles["licence"]] if roles.get("licence") else ["licence", "license"]
    others = {
        *roles.get("text", ()),
        *(roles.get(one) for one in ("label", "id", "group", "split")),
    }
    fields = dict.fromkeys([*licences, "language", "source"])
    return [*(name for name in fields if name not in others and name not in held), LENGTH]


def divide(
    fields: Sequence[str],
    values: Mapping[str, Sequence[Sequence[str]]],
    lengths: Sequence[int],
    personal: Mapping[str, str],
) -> Division:
    """Return the slices of a test set by ``slices/2``.

    Args:
        fields: The fields in question, in their order; ``@length`` may be one.
        values: Field → for each record its texts, in storage order; of the others at least.
        lengths: Bytes of each record's text.
        personal: Field → why it makes no slices, of :data:`PERSONAL`.
    """
    slices: list[tuple[str, str]] = []
    members: list[list[int]] = [[] for _ in lengths]
    left: dict[str, str] = {}
    for field in sorted(fields, key=lambda name: name == LENGTH):  # by length comes last
        if field in personal:
            left[field] = personal[field]
            continue
        if field == LENGTH:
            enough = len(lengths) // len(QUARTERS) >= JUDGED_RECORDS
            texts: Sequence[Sequence[str]] = [
                (QUARTERS[quarter],) for quarter in length_quarters(lengths).tolist()
            ]
            lines, rest = ([*QUARTERS], 0) if enough else ([], len(lengths))
        else:
            texts = values[field]
            if not any(map(any, texts)):
                continue
            lines, rest = _large_enough(texts)
        if not lines or len(slices) + len(lines) + bool(rest) > MAX_SLICES:
            left[field] = MANY if lines else FEW
            continue
        first = len(slices)
        numbers = {value: first + at for at, value in enumerate(lines)}
        slices += [(field, value) for value in lines]
        if rest:
            slices.append((field, OTHERS))
        for at, some in enumerate(texts):
            found = sorted({numbers[one] for one in some if one in numbers})
            members[at] += found or [len(slices) - 1]
    left_out = [{"field": field, "reason": left[field]} for field in fields if field in left]
    return Division(slices, members, {"rule": RULE, **({"leftOut": left_out} if left_out else {})})


def _large_enough(texts: Sequence[Sequence[str]]) -> tuple[list[str], int]:
    """Return the values with slices of their own, and the number of records in none of them."""
    counts = Counter(value for some in texts for value in set(some) if value and value != OTHERS)
    enough = {
        value: count for value, count in counts.items() if JUDGED_RECORDS <= count < len(texts)
    }
    lines = _in_order(enough)
    while lines:
        own = frozenset(lines)
        rest = sum(own.isdisjoint(some) for some in texts)
        # ATTACK A75: figures of a single record, from those of all less those of every slice.
        if rest == 0 or rest >= JUDGED_RECORDS:
            return lines, rest
        lines.pop()
    return [], len(texts)


def find_slices(
    values: Mapping[str, Sequence[Sequence[str]]], lengths: Sequence[int] | None
) -> tuple[list[tuple[str, str]], list[list[int]]]:
    """Return the slices of a test set by the rule before ``slices/2``, and the members of each.

    Args:
        values: Field → for each record its texts, in storage order.
        lengths: Bytes of each record's text, for slices by length; None: there are none.

    Returns:
        Field and value of each slice, at most :data:`MAX_SLICES`; and their numbers, record by
        record, ascending.
    """
    slices: list[tuple[str, str]] = []
    members: list[list[int]] = [[] for _ in next(iter(values.values()), lengths or ())]
    for field, texts in values.items():
        numbers: dict[str, int] = {}
        for value in _commonest(texts)[: MAX_SLICES - len(slices)]:
            numbers[value] = len(slices)
            slices.append((field, value))
        for at, some in enumerate(texts):
            members[at] += sorted({numbers[one] for one in some if one in numbers})
    if lengths is not None and len(slices) + len(QUARTERS) <= MAX_SLICES:
        quarters = length_quarters(lengths)
        named = sorted(set(quarters.tolist()))
        for at, quarter in enumerate(quarters.tolist()):
            members[at].append(len(slices) + named.index(quarter))
        slices += [(LENGTH, QUARTERS[one]) for one in named]
    return slices, members


class FewValues:
    """Finds the fields of slices before ``slices/2``, if no field was named.

    Those with some values, and few.

    Args:
        fields: The fields in question, sorted by their bytes.
    """

    def __init__(self, fields: Iterable[str]) -> None:
        self._found: dict[str, set[str]] = {name: set() for name in fields}

    def drop(self, values: Mapping[str, Sequence[str]]) -> list[str]:
        """Add the values of a record; return the fields that are excluded because of them."""
        dropped = []
        for name, some in values.items():
            found = self._found.get(name)
            if found is None:
                continue
            found.update(some)
            if len(found) > MOST_VALUES or any(len(one) > MAX_CHARACTERS for one in some):
                dropped.append(name)
        for name in dropped:
            del self._found[name]
        return dropped

    @property
    def kept(self) -> list[str]:
        """The fields that have at least two values, and not too many."""
        return [name for name, found in self._found.items() if len(found) > 1]


def group_field(config: Mapping[str, Any], test: Mapping[str, Any]) -> str | None:
    """Return the field by which records are grouped and drawn together (spec §13.9.4), or None.

    Args:
        config: Of the run; where it names none, the dataset says.
        test: Body of the dataset.
    """
    found = config.get("data", {}).get("group") or test.get("fields", {}).get("group")
    return str(found) if found else None


def length_quarters(lengths: Sequence[int]) -> Numbers:
    """Return the length quarter of each record, 0 to 3; equal lengths keep storage order."""
    order = np.argsort(np.asarray(lengths, np.int64), kind="stable")
    quarters = np.empty(len(lengths), np.int64)
    quarters[order] = np.arange(len(lengths)) * 4 // max(1, len(lengths))
    return quarters


def _commonest(texts: Iterable[Sequence[str]]) -> list[str]:
    return _in_order(Counter(value for some in texts for value in set(some) if value))


def _in_order(counts: Mapping[str, int]) -> list[str]:
    named = [value for value in counts if len(value) <= MAX_CHARACTERS]
    return sorted(named, key=lambda value: (-counts[value], value.encode()))[:MOST_VALUES]
