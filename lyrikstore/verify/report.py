"""Reports: checks with their states, one verdict, and what was not proven.

spec/11-verification.md defines the table of checks, the verdict rule and the JSON form.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.json import JSON
from lyrikstore.canon.timestamps import format_timestamp
from lyrikstore.objects.chunk.stream import NOT_FETCHED
from lyrikstore.verify.checks import CHECKS, DOUBTFUL_CHECKS, PROCEDURES, not_proven


class CheckState(StrEnum):
    """The result of one check."""

    PASS = "pass"  # noqa: S105 - a state, not a secret
    FAIL = "fail"
    WARN = "warn"
    STATED = "stated"
    UNCHECKED = "unchecked"
    NOT_APPLICABLE = "n/a"


# A member of an enum is looked up through its metaclass at every use.
_PASS, _FAIL, _WARN = CheckState.PASS, CheckState.FAIL, CheckState.WARN
_UNCHECKED, _NOT_APPLICABLE = CheckState.UNCHECKED, CheckState.NOT_APPLICABLE
_STATED = CheckState.STATED

ACCEPTED = frozenset({_PASS, _STATED, _NOT_APPLICABLE})
"""States without a problem: the check passed, is only stated, or has no subject."""


class Verdict(StrEnum):
    """The result of a verification, for people and exit codes; the worst comes first."""

    INVALID = "invalid"
    INCOMPLETE = "incomplete"
    VALID_WITHOUT_DATA = "valid-without-data"
    VALID = "valid"
    TRUSTED_WITHOUT_DATA = "trusted-without-data"
    TRUSTED = "trusted"

    @property
    def is_sound(self) -> bool:
        """Whether everything that can be checked holds, whoever signed it."""
        return self not in {Verdict.INVALID, Verdict.INCOMPLETE}

    @property
    def is_without_data(self) -> bool:
        """Whether checks were not made because data was left out by choice."""
        return self in _WITH_DATA

    @property
    def with_data(self) -> "Verdict":
        """The same verdict, without the words that data was left out."""
        return _WITH_DATA.get(self, self)


_WITHOUT_DATA = {
    Verdict.TRUSTED: Verdict.TRUSTED_WITHOUT_DATA,
    Verdict.VALID: Verdict.VALID_WITHOUT_DATA,
}
_WITH_DATA = {without: verdict for verdict, without in _WITHOUT_DATA.items()}


Words = tuple[str, Mapping[str, JSON]]
"""Summary and detail of a check."""


class Check(Struct, frozen=True):
    """One check and its result.

    Attributes:
        id: A key of :data:`~lyrikstore.verify.checks.CHECKS`.
        state: How it ended.
        words: Summary and detail; or a function that makes them on first use, because a caller
            that verifies many things often needs only the verdicts.
    """

    id: str
    state: CheckState
    words: Words | Callable[[], Words]

    @property
    def summary(self) -> str:
        """One printable line; parts that an attacker controls are quoted."""
        return self._said()[0]

    @property
    def detail(self) -> Mapping[str, JSON]:
        """JSON-compatible facts; ``reason`` is a stable code if the check did not pass."""
        return self._said()[1]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Check) and self._facts() == other._facts()

    def __hash__(self) -> int:
        return hash((self.id, self.state))

    def __repr__(self) -> str:
        return f"Check{self._facts()!r}"

    def _facts(self) -> tuple[str, str, Words]:
        return self.id, str(self.state), self._said()

    def _said(self) -> Words:
        return self.words if isinstance(self.words, tuple) else self.words()

    def to_json(self, profile: str | None = None) -> dict[str, Any]:
        """Return the check in the form of ``schemas/report.schema.json``.

        Args:
            profile: Profile of the report; it decides which section defines the check.
        """
        summary, detail = self._said()
        return {
            "id": self.id,
            "state": str(self.state),
            "summary": summary,
            "spec": CHECKS[self.id].place(profile),
            "detail": dict(detail),
        }


def passed(check: str, summary: str, **detail: JSON) -> Check:
    """Return a check that passed."""
    return Check(check, _PASS, (summary, detail))


def failed(check: str, reason: str, summary: str, **detail: JSON) -> Check:
    """Return a check that failed; ``reason`` is its stable code."""
    return Check(check, _FAIL, (summary, {"reason": reason, **detail}))


def warned(check: str, reason: str, summary: str, **detail: JSON) -> Check:
    """Return a check that passed with a warning."""
    return Check(check, _WARN, (summary, {"reason": reason, **detail}))


def stated(check: str, summary: str, **detail: JSON) -> Check:
    """Return a check whose subject is only stated by its signer; nothing here can prove it."""
    return Check(check, _STATED, (summary, detail))


def unchecked(check: str, reason: str, summary: str, **detail: JSON) -> Check:
    """Return a check that could not be made. Never a success (attack case A50)."""
    return Check(check, _UNCHECKED, (summary, {"reason": reason, **detail}))


def is_left_out(check: Check) -> bool:
    """Return whether a check could not be made only because content was left out by choice."""
    return check.state is _UNCHECKED and check.detail.get("reason") == NOT_FETCHED


def not_applicable(check: str, summary: str) -> Check:
    """Return a check that has no subject."""
    return Check(check, _NOT_APPLICABLE, (summary, {}))


def complete(procedure: str, made: Iterable[Check]) -> tuple[Check, ...]:
    """Return every check of a procedure, in its order: those made, and the others as unchecked.

    Raises:
        ValueError: A check was made that is not part of this procedure.
    """
    found, steps = {check.id: check for check in made}, PROCEDURES[procedure]
    if not found.keys() <= set(steps.checks):
        raise ValueError(f"of {', '.join(found)} some are not of {procedure} in spec/checks.json")
    unread = steps.unread
    return tuple(
        found[name] if name in found else unchecked(name, unread.reason, unread.text)
        for name in steps.checks
    )


def check_of(checks: Iterable[Check], check_id: str) -> Check:
    """Return the check with an id.

    Raises:
        KeyError: There is no check with this id.
    """
    for check in checks:
        if check.id == check_id:
            return check
    raise KeyError(check_id)


def first_in(checks: Sequence[Check], *states: CheckState) -> Check | None:
    """Return the first check in the first of ``states`` that a check has, or None."""
    for state in states:
        for check in checks:
            if check.state is state:
                return check
    return None


class Report(Struct, frozen=True):
    """The result of one verification.

    Attributes:
        verdict: The verdict of :func:`decide`.
        checks: Every check of the procedure, in its order, including those not made.
        subject: What was verified: a URN, a store id or a manifest id, as text.
        issuer: DID of the signer, or None if no readable part names it.
        at: The moment for which the subject was judged, ``YYYY-MM-DDTHH:MM:SSZ``.
        not_proven: What no check of this procedure can prove, one sentence each.
        profile: The profile by which the credential was judged: ``lyrik`` or ``w3c``; None if the
            subject is not a credential.
        parts: Reports on the credentials in a presentation, in order.
        left_out: The checks that were not made because content was left out by choice; empty
            unless the verdict may rest on less than all content.
    """

    verdict: Verdict
    checks: tuple[Check, ...]
    subject: str
    issuer: str | None
    at: str
    not_proven: tuple[str, ...]
    profile: str | None = None
    parts: tuple["Report", ...] = ()
    left_out: tuple[Check, ...] = ()

    @classmethod
    def of(
        cls,
        procedure: str,
        made: Iterable[Check],
        *,
        subject: str,
        issuer: str | None,
        at: datetime,
        open_questions: Iterable[str] = (),
        profile: str | None = None,
        parts: tuple["Report", ...] = (),
        without_data: bool = False,
    ) -> "Report":
        """Return the report of a procedure, with the verdict that follows from its checks.

        Args:
            procedure: Name of the procedure in
                :data:`~lyrikstore.verify.checks.PROCEDURES`.
            made: The checks that were made; see :func:`complete`.
            subject: What was verified, printable.
            issuer: The signer, printable, or None.
            at: The moment for which the subject was judged.
            open_questions: What else is not proven, besides what the procedure never proves;
                repeated sentences are omitted.
            profile: The profile by which the credential was judged, or None.
            parts: Reports on the credentials in a presentation.
            without_data: Whether the copy that was verified leaves out content by its user's
                choice, and only such content; see :func:`decide`.
        """
        checks, steps = complete(procedure, made), PROCEDURES[procedure]
        return cls(
            decide(checks, steps.required, without_data=without_data),
            checks,
            subject,
            issuer,
            format_timestamp(at),
            tuple(dict.fromkeys((*map(not_proven, steps.not_proven), *open_questions))),
            profile,
            parts,
            tuple(filter(is_left_out, checks)) if without_data else (),
        )

    def check(self, check_id: str) -> Check:
        """Return the check with an id.

        Raises:
            KeyError: The procedure has no such check.
        """
        return check_of(self.checks, check_id)

    @property
    def standing(self) -> dict[str, str | None] | None:
        """The time until which the issuer is known to stand by the credential, or None.

        ``asOf`` is when the oldest of the newest available status lists was made, or None without a
        list. Later changes of status are unknown. None for a procedure without this check, and if
        the subject is invalid.
        """
        if self.verdict is Verdict.INVALID:
            return None
        for check in self.checks:
            if check.id == "status" or (check.id == "rights.sources" and "asOf" in check.detail):
                as_of = check.detail.get("asOf")
                return {"asOf": as_of if isinstance(as_of, str) else None}
        return None

    def leaving_open(self, *sentences: str) -> Self:
        """Return the report with further sentences of what is not proven, before the others."""
        return replace(self, not_proven=tuple(dict.fromkeys((*sentences, *self.not_proven))))

    def to_json(self) -> dict[str, Any]:
        """Return the report in the form of ``schemas/report.schema.json``."""
        members: dict[str, Any] = {
            "verdict": str(self.verdict),
            "checks": [check.to_json(self.profile) for check in self.checks],
            "subject": self.subject,
            "at": self.at,
            "notProven": list(self.not_proven),
        }
        if self.issuer is not None:
            members["issuer"] = self.issuer
        if self.standing is not None:
            members["standing"] = self.standing
        if self.profile is not None:
            members["profile"] = self.profile
        if self.left_out:
            members["notChecked"] = [
                {"id": one.id, "reason": NOT_FETCHED, "words": one.summary} for one in self.left_out
            ]
        if self.parts:
            members["parts"] = [part.to_json() for part in self.parts]
        return members


def decide(
    checks: Sequence[Check], required: Iterable[str], *, without_data: bool = False
) -> Verdict:
    """Return the verdict that follows from ``checks`` (spec §11.2). Pure.

    Args:
        checks: The checks, made or not.
        required: Ids of checks that must have been made. An absent check counts as unchecked.
        without_data: Whether content was left out by choice, and only such content. Then a check
            that lacks nothing else does not count, and the verdict says so in its name.

    Precedence: invalid, incomplete, valid, trusted. A ``stated`` check counts as made.
    """
    made, doubtful, left_out = set(), False, False
    for check in checks:
        state = check.state
        if state is _FAIL:
            return Verdict.INVALID
        if without_data and state is _UNCHECKED and is_left_out(check):
            made.add(check.id)
            left_out = True
            # What it would have warned of counts, though not all of it was looked at.
            doubtful = doubtful or (check.id in DOUBTFUL_CHECKS and "warnings" in check.detail)
            continue
        if state is not _UNCHECKED:
            made.add(check.id)
        if state is _WARN or state is _UNCHECKED:
            doubtful = doubtful or check.id in DOUBTFUL_CHECKS
    if not made.issuperset(required):
        return Verdict.INCOMPLETE
    verdict = Verdict.VALID if doubtful else Verdict.TRUSTED
    return _WITHOUT_DATA[verdict] if left_out else verdict
