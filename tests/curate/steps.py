"""Counts what a search costs: a regular expression engine that counts its steps instead of time.

It does what :mod:`re` does with the parts of patterns that the finders use, slowly, one character
a step, without the shortcuts that make ``re`` fast where a text is kind.
"""

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType, ModuleType
from typing import Any

import pytest

_parser = re._parser  # type: ignore[attr-defined]  # the tree that re compiles
_REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")
_CATEGORIES: dict[str, Callable[[str], bool]] = {
    "CATEGORY_SPACE": str.isspace,
    "CATEGORY_DIGIT": str.isdecimal,
    "CATEGORY_WORD": lambda char: char.isalnum() or char == "_",
}
Then = Callable[[int], int | None]
Span = tuple[int, int]


@dataclass
class Steps:
    """How many steps there were so far."""

    count: int = 0


@dataclass
class Found:
    """A match, as far as the finders look at one."""

    text: str
    groups: dict[int, Span]
    names: dict[str, int]

    def span(self) -> Span:
        """Return start and end."""
        return self.groups[0]

    def start(self) -> int:
        """Return the start."""
        return self.groups[0][0]

    def end(self) -> int:
        """Return the end."""
        return self.groups[0][1]

    def __getitem__(self, group: int | str) -> str | None:
        place = self.groups.get(self.names[group] if isinstance(group, str) else group)
        return None if place is None else self.text[slice(*place)]


class Counted:
    """A compiled pattern whose searches count their steps.

    Args:
        pattern: The pattern.
        steps: Where to count.
    """

    def __init__(self, pattern: re.Pattern[str], steps: Steps) -> None:
        self._tree = list(_parser.parse(pattern.pattern, pattern.flags))
        self._names = dict(pattern.groupindex)
        self._ignore = bool(pattern.flags & re.IGNORECASE)
        self._steps = steps

    def match(self, text: str, start: int = 0, stop: int | None = None) -> Found | None:
        """Return the match at ``start``."""
        return self._try(text, start, _end(text, stop), lambda at: at)

    def fullmatch(self, text: str, start: int = 0, stop: int | None = None) -> Found | None:
        """Return the match of everything from ``start`` on."""
        end = _end(text, stop)
        return self._try(text, start, end, lambda at: at if at == end else None)

    def search(self, text: str, start: int = 0, stop: int | None = None) -> Found | None:
        """Return the first match from ``start`` on."""
        return next(self.finditer(text, start, stop), None)

    def finditer(self, text: str, start: int = 0, stop: int | None = None) -> Iterator[Found]:
        """Yield every match, one after the other."""
        end = _end(text, stop)
        while start <= end:
            found = self._try(text, start, end, lambda at: at)
            if found is None:
                start += 1
                continue
            yield found
            start = max(found.end(), start + 1)

    def _try(self, text: str, start: int, end: int, then: Then) -> Found | None:
        groups: dict[int, Span] = {}
        last = _Attempt(text, end, groups, self._steps, self._ignore).walk(
            self._tree, 0, start, then
        )
        return None if last is None else Found(text, {**groups, 0: (start, last)}, self._names)


@dataclass
class _Attempt:
    text: str
    end: int
    groups: dict[int, Span]
    steps: Steps
    ignore: bool

    def walk(self, items: Sequence[Any], number: int, at: int, then: Then) -> int | None:
        """Return where the whole ends if ``items`` from ``number`` on and what follows match."""
        if number == len(items):
            return then(at)
        self.steps.count += 1
        op, value = str(items[number][0]), items[number][1]

        def rest(place: int) -> int | None:
            return self.walk(items, number + 1, place, then)

        if op in _REPEATS:
            low, high, inner = value
            if len(inner) == 1 and _is_single(inner[0]) and op != "MIN_REPEAT":
                keeps = op == "POSSESSIVE_REPEAT"
                return self._run(inner[0], int(low), int(high), at, rest, keeps)
            assert op == "MAX_REPEAT", op
            return self._repeat(list(inner), int(low), int(high), at, rest)
        if op == "BRANCH":
            ends = (self.walk(list(branch), 0, at, rest) for branch in value[1])
            return next((end for end in ends if end is not None), None)
        if op == "SUBPATTERN":
            return self._group(value[0], list(value[3]), at, rest)
        if op in {"ASSERT", "ASSERT_NOT"}:
            direction, inner = value
            place = at if direction > 0 else at - inner.getwidth()[0]
            held = place >= 0 and self.walk(list(inner), 0, place, lambda end: end) is not None
            return rest(at) if held == (op == "ASSERT") else None
        if op == "AT":
            name = str(value)
            here = {"AT_BEGINNING": at == 0, "AT_END_STRING": at == self.end}[name]
            return rest(at) if here else None
        return rest(at + 1) if self._is(items[number], at) else None

    def _run(self, item: Any, low: int, high: int, at: int, rest: Then, keeps: bool) -> int | None:
        count = 0
        while count < high and self._is(item, at + count):
            count += 1
            self.steps.count += 1
        least = max(count, low) if keeps else low
        while count >= least:
            end = rest(at + count)
            if end is not None:
                return end
            count -= 1
            self.steps.count += 1
        return None

    def _repeat(self, items: list[Any], low: int, high: int, at: int, rest: Then) -> int | None:
        def again(place: int) -> int | None:
            if place == at and low <= 0:  # an empty turn is no progress
                return None
            return self._repeat(items, low - 1, high - 1, place, rest)

        end = self.walk(items, 0, at, again) if high > 0 else None
        return rest(at) if end is None and low <= 0 else end

    def _group(self, group: int | None, items: list[Any], at: int, rest: Then) -> int | None:
        before = self.groups.get(group) if group is not None else None

        def close(place: int) -> int | None:
            if group is not None:
                self.groups[group] = (at, place)
            return rest(place)

        end = self.walk(items, 0, at, close)
        if end is None and group is not None:
            self.groups.pop(group, None)
            if before is not None:
                self.groups[group] = before
        return end

    def _is(self, item: Any, at: int) -> bool:
        if at >= self.end:
            return False
        spellings = {self.text[at]}
        if self.ignore:
            spellings |= {self.text[at].lower(), self.text[at].upper()}
        return any(_holds(item, char) for char in spellings)


def count_patterns(module: ModuleType, steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every pattern of a module count its steps."""
    for name, value in list(vars(module).items()):
        if isinstance(value, re.Pattern):
            monkeypatch.setattr(module, name, Counted(value, steps))


@contextmanager
def count_lines(module: ModuleType, steps: Steps) -> Iterator[None]:
    """Count every line of a module that runs meanwhile as a step, too."""

    def trace(frame: FrameType, event: str, _: object) -> Any:
        steps.count += event == "line"
        return trace if frame.f_code.co_filename == module.__file__ else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


def _end(text: str, stop: int | None) -> int:
    return len(text) if stop is None else min(stop, len(text))


def _is_single(item: Any) -> bool:
    return str(item[0]) in {"LITERAL", "NOT_LITERAL", "IN", "ANY"}


def _holds(item: Any, char: str) -> bool:
    op, value = str(item[0]), item[1]
    if op == "LITERAL":
        return ord(char) == value
    if op == "NOT_LITERAL":
        return ord(char) != value
    if op == "ANY":
        return char != "\n"
    if op == "RANGE":
        return bool(value[0] <= ord(char) <= value[1])
    if op == "CATEGORY":
        name = str(value)
        return _CATEGORIES[name.replace("_NOT_", "_")](char) != ("_NOT_" in name)
    assert op == "IN", op
    wanted = [one for one in value if str(one[0]) != "NEGATE"]
    return any(_holds(one, char) for one in wanted) != (len(wanted) < len(value))
