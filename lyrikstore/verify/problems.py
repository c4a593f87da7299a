"""The problems of one check, collected one by one until the check is closed."""

from dataclasses import dataclass, field

from lyrikstore.canon.errors import IncompleteError, LyrikstoreError, NotFoundError
from lyrikstore.canon.json import JSON
from lyrikstore.canon.quoting import listed, quote
from lyrikstore.canon.text import pluralize
from lyrikstore.objects.chunk.stream import NOT_FETCHED
from lyrikstore.verify.report import Check, failed, passed, unchecked, warned


@dataclass(slots=True)
class Problems:
    """The problems of one check.

    Attributes:
        check: Id of the check.
        bad: Problems that make the check fail.
        lost: Parts that could not be read.
        left_out: Parts that this copy leaves out by its user's choice.
        warnings: Problems that only give a warning.
        codes: Stable codes of the problems that have one.
    """

    check: str
    bad: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    codes: dict[str, str] = field(default_factory=dict)

    def add(self, to: list[str], code: str, text: str) -> None:
        """Add a problem that has a code to one of the lists of this object."""
        to.append(text)
        self.codes.setdefault(text, code)

    @property
    def count(self) -> int:
        """Number of problems, of all sorts."""
        return len(self.bad) + len(self.lost) + len(self.left_out) + len(self.warnings)

    def note(self, what: str, error: LyrikstoreError) -> None:
        """Add an error to the list that its kind belongs to.

        ``warnings`` if data is retired, ``left_out`` if it was not fetched, ``lost`` if it is
        absent for another reason, else ``bad``.
        """
        text = f"{what}: {quote(error.message, 300)}"
        if error.kind == "retired":
            self.add(self.warnings, "retired", text)
            return
        if error.kind == NOT_FETCHED:
            self.left_out.append(what)
            return
        absent = isinstance(error, IncompleteError | NotFoundError)
        (self.lost if absent else self.bad).append(text)

    def note_as(self, to: list[str], code: str, what: str, error: LyrikstoreError) -> None:
        """Add an error with a code to a list, or to ``left_out`` if it was not fetched."""
        if error.kind == NOT_FETCHED:
            self.left_out.append(what)
        else:
            self.add(to, code, f"{what}: {quote(error.message, 300)}")

    def close(self, summary: str, **detail: JSON) -> Check:
        """Return the check: failed, unchecked, warned, or passed with ``summary``.

        Its reason is the code of the first problem, if that problem has one.
        """
        facts = dict(detail)
        first = next((self.codes.get(one) for one in self.bad or self.lost or self.warnings), None)
        if self.bad:
            found = [*self.bad, *self.lost, *self.left_out]
            text = _text(found)
            facts |= self._warned()
            return failed(self.check, first or "problems", text, problems=listed(found), **facts)
        if self.lost:
            text = _text(self.lost)
            lost = listed([*self.lost, *self.left_out])
            facts |= self._warned()
            return unchecked(self.check, first or "lost", text, problems=lost, **facts)
        if self.left_out:
            return self._left_out(facts)
        if self.warnings:
            text = f"{summary}; {_text(self.warnings)}"
            return warned(
                self.check, first or "noted", text, problems=listed(self.warnings), **facts
            )
        return passed(self.check, summary, **facts)

    def _left_out(self, facts: dict[str, JSON]) -> Check:
        more = f"; {_text(self.warnings)}" if self.warnings else ""
        parts = pluralize(len(self.left_out), "part that it needs is", "parts that it needs are")
        text = f"{parts} left out of this copy: {_text(self.left_out)}{more}"
        problems = listed(self.left_out)
        facts |= self._warned()
        return unchecked(self.check, NOT_FETCHED, text, problems=problems, **facts)

    def _warned(self) -> dict[str, JSON]:
        # What a warning says holds also where other parts do not, or were not looked at.
        return {"warnings": listed(self.warnings)} if self.warnings else {}


def _text(problems: list[str]) -> str:
    shown = "; ".join(problem[:200] for problem in problems[:3])
    more = len(problems) - 3
    return f"{shown}; and {more} more" if more > 0 else shown
