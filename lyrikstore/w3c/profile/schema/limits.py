"""Limits of foreign JSON Schemas: supported features and maximum cost (spec §17.7).

ATTACK: 24 definitions that each apply the next one twice cost 2^24 steps on one number; a schema
that refers to itself does the same on a nested document. A validator would not return. So the steps
are counted first: schema values, references followed and states of patterns, times the values of
the document.

Libraries differ in unusual patterns and pointers. Only features that all of them interpret alike
are supported, so that verifiers do not come to different outcomes.
"""

import re
from typing import Any

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import JSON
from lyrikstore.canon.limits import (
    MAX_PATTERN_CHARACTERS,
    MAX_SCHEMA_NESTING,
    MAX_SCHEMA_STEPS,
    SCHEMA_STEP_CHARACTERS,
)
from lyrikstore.canon.text import pluralize

_POINTER = re.compile(r"#(?:/[A-Za-z0-9._~!$&'()*+,;=:@-]*)+")
_ESCAPE = r"\\(?:[tnrfv^$\\.*+?()\[\]{}|/-]|x[0-9A-Fa-f]{2}|u(?![dD][89a-fA-F])[0-9A-Fa-f]{4})"
_KIND = r"\\(?:[dDwWsS]|[pP]\{[LMNPSZ][a-z]?\})"
_MEMBER = rf"(?:[^\\\[\]&~-]|&(?!&)|~(?!~)|{_ESCAPE})"
_CLASS = rf"\[(?:\^|(?!\^))-?(?:{_MEMBER}(?:-{_MEMBER})?|{_KIND})+-?\]"
_TIMES = r"(?:[*+?]|\{(?:1000|[0-9]{1,3})(?:,(?:1000|[0-9]{1,3})?)?\})\??"
_ATOM = rf"(?:[^\\^$*+?()\[\]{{}}|]|{_ESCAPE}|{_KIND}|{_CLASS}|\))"
_PATTERN = re.compile(rf"(?:{_ATOM}(?:{_TIMES})?|\((?:\?:)?|[|^$])*")
_BOUND = re.compile(r"(\)?)\{(?:[0-9]+,)?([0-9]+),?\}")


def check_cost(schema: dict[str, Any], document: JSON) -> None:
    """Raise ``schema-cost`` if applying a schema needs more than :data:`MAX_SCHEMA_STEPS` steps.

    Raises:
        FormatError: (``schema-cost``) more steps; (``schema-recursive``) it refers to itself;
            (``schema-remote``) it refers to another text, or to a missing place;
            (``schema-pattern``) a pattern that libraries interpret differently.
    """
    size, longest = _size(document)
    steps = _Counter(schema, longest).count(schema, 0) * size
    if steps > MAX_SCHEMA_STEPS:
        raise FormatError(
            "schema-cost", f"applying it may take {pluralize(min(steps, 10**18), 'step')}"
        )


class _Counter:
    def __init__(self, schema: dict[str, Any], longest: int) -> None:
        self._schema = schema
        self._longest = longest
        self._known: dict[str, int] = {}
        self._open: set[str] = set()

    def count(self, value: JSON, depth: int) -> int:
        if depth > MAX_SCHEMA_NESTING:
            raise FormatError("schema-cost", "its references are nested too deeply")
        if isinstance(value, list):
            return 1 + sum(self.count(item, depth + 1) for item in value)
        if not isinstance(value, dict):
            return 1
        if "$dynamicRef" in value or "$recursiveRef" in value:
            raise FormatError("schema-recursive", "it refers to itself")
        if depth and "$id" in value:  # would give "#" below it another meaning
            raise FormatError("schema-remote", "a schema within it has an $id of its own")
        total = 1 + sum(map(_weight, _patterns(value)))
        total += sum(self.count(item, depth + 1) for item in value.values())
        if value.get("uniqueItems") is True:  # each with each
            total += self._longest
        if isinstance(value.get("$ref"), str):
            total += self._referred(value["$ref"], depth)
        return total

    def _referred(self, reference: str, depth: int) -> int:
        if reference in self._open:
            raise FormatError("schema-recursive", f"{reference[:80]!a} refers to itself")
        if reference not in self._known:
            self._open.add(reference)
            self._known[reference] = self.count(self._target(reference), depth + 1)
            self._open.discard(reference)
        return self._known[reference]

    def _target(self, reference: str) -> JSON:
        target: JSON = self._schema
        if reference == "#":
            raise FormatError("schema-recursive", "it refers to itself")
        if not _POINTER.fullmatch(reference):
            raise FormatError("schema-remote", f"it refers to another text: {reference[:80]!a}")
        for part in reference.removeprefix("#/").split("/"):
            name = part.replace("~1", "/").replace("~0", "~")
            target = target.get(name) if isinstance(target, dict) else None
        if not isinstance(target, dict | bool):
            raise FormatError("schema-remote", f"it has no {reference[:80]!a}")
        return target


def _patterns(schema: dict[str, Any]) -> list[str]:
    named = schema.get("patternProperties")
    patterns = [schema.get("pattern"), *(named if isinstance(named, dict) else ())]
    return [pattern for pattern in patterns if isinstance(pattern, str)]


def _weight(pattern: str) -> int:
    """Return the maximum number of states of a pattern: its length times its repetitions."""
    if len(pattern) > MAX_PATTERN_CHARACTERS or not _PATTERN.fullmatch(pattern):
        raise FormatError("schema-pattern", f"a pattern not applied here: {pattern[:80]!a}")
    most, nested = 1, 1
    for group, bound in _BOUND.findall(pattern):
        if group:
            nested *= max(1, int(bound))
        else:
            most = max(most, int(bound))
    return len(pattern) * most * nested


def _size(document: JSON) -> tuple[int, int]:
    size, longest = 0, 0
    pending = [document]
    while pending:
        value = pending.pop()
        size += 1
        if isinstance(value, str):
            size += len(value) // SCHEMA_STEP_CHARACTERS
        elif isinstance(value, list):
            longest = max(longest, len(value))
            pending.extend(value)
        elif isinstance(value, dict):
            size += sum(len(name) for name in value) // SCHEMA_STEP_CHARACTERS
            pending.extend(value.values())
    return size, longest
