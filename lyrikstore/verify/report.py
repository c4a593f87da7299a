"""What every verification answers: checks with states, one verdict, and what was not proven.

The table of checks, the verdict rule and the JSON form are spec/11-verification.md.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct

from lyrikstore.canon.json import JSON
from lyrikstore.canon.timestamps import format_timestamp


class CheckState(StrEnum):
    """How one check ended."""

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

SETTLED = frozenset({_PASS, _STATED, _NOT_APPLICABLE})
"""States with nothing to object to: it holds, it is only stated, or there is nothing to look at."""


class Verdict(StrEnum):
    """The one word for people and exit codes, worst first."""

    INVALID = "invalid"
    INCOMPLETE = "incomplete"
    VALID = "valid"
    TRUSTED = "trusted"


SPEC_OF: Mapping[str, str] = {
    "format": "spec/10-credentials.md#102-bytes",
    "schema": "spec/10-credentials.md#103-members",
    "proof": "spec/10-credentials.md#105-proof",
    "issuer.binding": "spec/10-credentials.md#105-proof",
    "issuer.document": "spec/11-verification.md#1141-the-credential",
    "trust.issuer": "spec/11-verification.md#113-trust",
    "trust.allowed": "spec/11-verification.md#113-trust",
    "issuer.key": "spec/11-verification.md#1145-the-log",
    "period": "spec/11-verification.md#1141-the-credential",
    "status": "spec/11-verification.md#1141-the-credential",
    "terms": "spec/11-verification.md#1141-the-credential",
    "attestations": "spec/20-attestations-and-grants.md#203-checking-attestations",
    "attestation": "spec/20-attestations-and-grants.md#203-checking-attestations",
    "evidence": "spec/20-attestations-and-grants.md#203-checking-attestations",
    "grant": "spec/20-attestations-and-grants.md#205-checking-grants",
    "grant.terms": "spec/20-attestations-and-grants.md#205-checking-grants",
    "grant.holder": "spec/20-attestations-and-grants.md#205-checking-grants",
    "regulatory": "spec/11-verification.md#1146-claims",
    "manifest": "spec/11-verification.md#1142-the-manifest",
    "manifest.signature": "spec/11-verification.md#1142-the-manifest",
    "data.files": "spec/11-verification.md#1143-the-data",
    "data.tree": "spec/11-verification.md#1143-the-data",
    "terms.partitions": "spec/11-verification.md#1146-claims",
    "records.root": "spec/11-verification.md#1144-the-records",
    "log.inclusion": "spec/11-verification.md#1145-the-log",
    "log.anchor": "spec/11-verification.md#1145-the-log",
    "log.witness": "spec/11-verification.md#113-trust",
    "log.memory": "spec/11-verification.md#1145-the-log",
    "age": "spec/11-verification.md#1146-claims",
    "quality": "spec/11-verification.md#1146-claims",
    "quality.stated": "spec/11-verification.md#1146-claims",
    "store.format": "spec/11-verification.md#116-stores",
    "store.genesis": "spec/11-verification.md#116-stores",
    "log.checkpoint": "spec/11-verification.md#116-stores",
    "log.tiles": "spec/11-verification.md#116-stores",
    "log.transactions": "spec/11-verification.md#116-stores",
    "blobs": "spec/11-verification.md#116-stores",
    "manifests": "spec/11-verification.md#116-stores",
    "lineage": "spec/11-verification.md#116-stores",
    "refs": "spec/11-verification.md#116-stores",
    "credentials": "spec/11-verification.md#116-stores",
    "orphans": "spec/11-verification.md#116-stores",
    "object": "spec/11-verification.md#117-objects",
    "runs": "spec/11-verification.md#117-objects",
    "rights": "spec/11-verification.md#117-objects",
    "card": "spec/14-deliveries-and-cards.md#146-verifying-a-card",
    "card.sources": "spec/14-deliveries-and-cards.md#146-verifying-a-card",
    "card.current": "spec/14-deliveries-and-cards.md#146-verifying-a-card",
    "model": "spec/17-w3c-profile.md#173-model",
    "related": "spec/17-w3c-profile.md#176-related-resources",
    "holder.binding": "spec/17-w3c-profile.md#179-presentations",
    "challenge": "spec/17-w3c-profile.md#179-presentations",
    "presented": "spec/17-w3c-profile.md#179-presentations",
    "envelope": "spec/17-w3c-profile.md#1711-envelopes",
}
"""Every check id and the place that defines it. Ids are append-only."""

W3C_SPEC_OF: Mapping[str, str] = {
    **SPEC_OF,
    "format": "spec/17-w3c-profile.md#172-bytes",
    "proof": "spec/17-w3c-profile.md#174-proofs",
    "issuer.binding": "spec/17-w3c-profile.md#174-proofs",
    "trust.issuer": "spec/17-w3c-profile.md#175-checks",
    "period": "spec/17-w3c-profile.md#175-checks",
    "status": "spec/17-w3c-profile.md#178-status",
    "schema": "spec/17-w3c-profile.md#177-schemas",
}
"""The same in profile ``w3c``, where some ids have another definition."""

TRUST_CHECKS = frozenset(
    {
        "issuer.document",
        "trust.issuer",
        "holder.binding",
        "log.anchor",
        "store.genesis",
        "rights",
        "presented",
        "challenge",
    }
)
"""Those whose ``warn`` means: sound, but by nobody the trust file knows, or for somebody else."""

DOUBTFUL_CHECKS = TRUST_CHECKS | {"quality"}
"""Checks whose ``warn`` makes the verdict at best ``valid``: those, and claims left unmeasured."""

Words = tuple[str, Mapping[str, JSON]]
"""What a check says: its summary and its detail."""


class Check(Struct, frozen=True):
    """One check and how it ended.

    Attributes:
        id: A key of :data:`SPEC_OF`.
        state: How it ended.
        words: What it says; or what words that where somebody reads it, for most who verify many
            ask for verdicts alone.
    """

    id: str
    state: CheckState
    words: Words | Callable[[], Words]

    @property
    def summary(self) -> str:
        """One printable line; attacker-controlled parts are quoted."""
        return self._said()[0]

    @property
    def detail(self) -> Mapping[str, JSON]:
        """JSON-compatible facts; ``reason`` is a stable code where not all is well."""
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
        """Return the check as ``schemas/report.schema.json`` wants it.

        Args:
            profile: That of the report, which says where the check is defined.
        """
        summary, detail = self._said()
        return {
            "id": self.id,
            "state": str(self.state),
            "summary": summary,
            "spec": (W3C_SPEC_OF if profile == "w3c" else SPEC_OF)[self.id],
            "detail": dict(detail),
        }


def passed(check: str, summary: str, **detail: JSON) -> Check:
    """Return a check that held."""
    return Check(check, _PASS, (summary, detail))


def failed(check: str, reason: str, summary: str, **detail: JSON) -> Check:
    """Return a check that did not hold; ``reason`` is its stable code."""
    return Check(check, _FAIL, (summary, {"reason": reason, **detail}))


def warned(check: str, reason: str, summary: str, **detail: JSON) -> Check:
    """Return a check that held with something to say."""
    return Check(check, _WARN, (summary, {"reason": reason, **detail}))


def stated(check: str, summary: str, **detail: JSON) -> Check:
    """Return a check whose subject is only somebody's statement, which nothing here can check."""
    return Check(check, _STATED, (summary, detail))


def unchecked(check: str, reason: str, summary: str, **detail: JSON) -> Check:
    """Return a check that could not be made. Never a success (attack case A50)."""
    return Check(check, _UNCHECKED, (summary, {"reason": reason, **detail}))


def not_applicable(check: str, summary: str) -> Check:
    """Return a check that has nothing to look at."""
    return Check(check, _NOT_APPLICABLE, (summary, {}))


def check_of(checks: Iterable[Check], check_id: str) -> Check:
    """Return the check of that id.

    Raises:
        KeyError: There is none.
    """
    for check in checks:
        if check.id == check_id:
            return check
    raise KeyError(check_id)


def first_in(checks: Sequence[Check], *states: CheckState) -> Check | None:
    """Return the first check that ended in the first of ``states`` that any ended in, if any."""
    for state in states:
        for check in checks:
            if check.state is state:
                return check
    return None


class Report(Struct, frozen=True):
    """The answer of one verification.

    Attributes:
        verdict: What :func:`decide` said.
        checks: Every check of the procedure, in its order, also those not made.
        subject: What was verified: a URN, a store or manifest id, as text.
        issuer: Who signed it, as a DID, or None where nothing readable says so.
        at: The moment it was judged for, ``YYYY-MM-DDTHH:MM:SSZ``.
        not_proven: What no check of this procedure can show, one sentence each.
        profile: As what the credential was judged: ``lyrik`` or ``w3c``; None if it is none.
        parts: Reports on the credentials in a presentation, in order.
    """

    verdict: Verdict
    checks: tuple[Check, ...]
    subject: str
    issuer: str | None
    at: str
    not_proven: tuple[str, ...]
    profile: str | None = None
    parts: tuple["Report", ...] = ()

    @classmethod
    def of(
        cls,
        checks: Iterable[Check],
        required: Iterable[str],
        *,
        subject: str,
        issuer: str | None,
        at: datetime,
        not_proven: Iterable[str],
        profile: str | None = None,
        parts: tuple["Report", ...] = (),
    ) -> "Report":
        """Return the report on ``checks``, with the verdict that follows from them.

        Args:
            checks: Every check of the procedure, in its order.
            required: Ids of those that must have been made; see :func:`decide`.
            subject: What was verified, printable.
            issuer: Who signed it, printable, or None.
            at: The moment it was judged for.
            not_proven: What no check of this procedure can show; repeated lines are left out.
            profile: Of what kind the credential was taken to be, or None.
            parts: Reports on the credentials in a presentation.
        """
        made = tuple(checks)
        return cls(
            decide(made, required),
            made,
            subject,
            issuer,
            format_timestamp(at),
            tuple(dict.fromkeys(not_proven)),
            profile,
            parts,
        )

    def check(self, check_id: str) -> Check:
        """Return the check of that id.

        Raises:
            KeyError: The procedure has no such check.
        """
        return check_of(self.checks, check_id)

    def to_json(self) -> dict[str, Any]:
        """Return the report as ``schemas/report.schema.json`` wants it."""
        members: dict[str, Any] = {
            "verdict": str(self.verdict),
            "checks": [check.to_json(self.profile) for check in self.checks],
            "subject": self.subject,
            "at": self.at,
            "notProven": list(self.not_proven),
        }
        if self.issuer is not None:
            members["issuer"] = self.issuer
        if self.profile is not None:
            members["profile"] = self.profile
        if self.parts:
            members["parts"] = [part.to_json() for part in self.parts]
        return members


def decide(checks: Sequence[Check], required: Iterable[str]) -> Verdict:
    """Return the verdict over ``checks`` (spec §11.2). Pure.

    Args:
        checks: Every check made or left unmade.
        required: Ids that must have been made. One that is absent counts as unchecked.

    Precedence: invalid, incomplete, valid, trusted. What is ``stated`` counts as made.
    """
    made, doubtful = set(), False
    for check in checks:
        state = check.state
        if state is _FAIL:
            return Verdict.INVALID
        if state is not _UNCHECKED:
            made.add(check.id)
        if state is _WARN or state is _UNCHECKED:
            doubtful = doubtful or check.id in DOUBTFUL_CHECKS
    if not made.issuperset(required):
        return Verdict.INCOMPLETE
    return Verdict.VALID if doubtful else Verdict.TRUSTED
