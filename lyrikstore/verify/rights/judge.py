"""Whether a logged document gives the right to one use of one dataset (spec §12.7, §11.7.2).

The same function judges before data is used, and again when a use is verified. Pure: the ruling
depends on the arguments alone.
"""

from collections.abc import Container, Sequence
from datetime import datetime
from functools import partial
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.json import as_json
from lyrikstore.canon.quoting import quote
from lyrikstore.credentials.model.credential import DATASET
from lyrikstore.credentials.model.logged import logged_credential
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.terms.ends import TermsEnd, ended_words, ends_of, first_end
from lyrikstore.credentials.terms.model import Answer, Terms, UsageLimits, Use
from lyrikstore.credentials.terms.usage import PartitionsUsed
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.credential.credential import check_credential
from lyrikstore.verify.credential.issuer import is_named_by_a_copy_alone
from lyrikstore.verify.credential.status import StatusUpdates
from lyrikstore.verify.problems import Problems
from lyrikstore.verify.report import ACCEPTED, Check, CheckState
from lyrikstore.verify.rights.grants import Published, Used, judge_grant

_ANSWERS = frozenset(answer.value for answer in Answer)
_UNPINNED = "you pinned no document of that organisation, which would list the key of who uses it"


ENDED_LATER, REVOKED_LATER = "ended-later", "taken-back-later"
"""States of a right after the use that it was for."""


class Reason(Struct, frozen=True):
    """A reason, for programs and for people.

    Attributes:
        code: Stable code, for programs.
        text: Text for people; it follows the name of the document.
        left_out: Whether only content is missing that this copy leaves out by its user's choice.
    """

    code: str
    text: str
    left_out: bool = False


class NamedDataset(Protocol):
    """The id and name of a dataset: its manifest, or an object that represents it."""

    @property
    def id(self) -> Digest:
        """Id of its manifest."""

    @property
    def name(self) -> str:
        """Its name."""


class LoggedDocument(Struct, frozen=True):
    """A credential of a store's log.

    Attributes:
        id: Its digest.
        opened: The opened credential.
        index: Its log index.
        suspect: Whether the key that signed it was compromised by then.
    """

    id: Digest
    opened: OpenedCredential
    index: int
    suspect: bool = False

    @classmethod
    def read(cls, repository: Repository, identity: Digest) -> "LoggedDocument":
        """Return a credential that a store has logged.

        Raises:
            NotFoundError: (``not-logged``) it is not logged as a credential.
            IncompleteError, VerificationError: It is lost or damaged.
        """
        opened, index = (
            logged_credential(repository, identity),
            repository.index_of(identity, "credential"),
        )
        try:
            suspect = repository.is_suspect(opened.data, index)
        except LyrikstoreError:  # the policies cannot be read: what cannot be shown is not so
            suspect = True
        return cls(identity, opened, index, suspect)


class RightCandidate(Struct, frozen=True):
    """The documents that may give a right.

    Attributes:
        credential: A dataset credential.
        grant: A grant to the user that rests on the credential, or None if the credential alone
            must give the right.
    """

    credential: LoggedDocument
    grant: LoggedDocument | None = None

    @property
    def label(self) -> str:
        """The name of the documents, for people."""
        if self.grant is not None:
            return f"grant {self.grant.id.short}"
        return f"credential {self.credential.id.short}"

    @property
    def documents(self) -> tuple[LoggedDocument, ...]:
        """The credential, and the grant if there is one."""
        return (self.credential,) if self.grant is None else (self.grant, self.credential)


class Request(Struct, frozen=True):
    """A planned or past use of one dataset, and the facts by which it is judged.

    Attributes:
        source: A dataset without dataset inputs.
        about: The dataset as its publisher knows it.
        use: The requested use and its moment.
        used: The partitions in use.
        holder: The user's key, as did:key.
        trust: The keys that the verifier trusts.
        status_updates: What issuers had published by then: the entries before the use in the log.
        index: Log index of the use; None if the use is not logged yet.
        now: Later moment of verification, and what issuers have published by then.
    """

    source: NamedDataset
    about: Published
    use: Use
    used: Used
    holder: str
    trust: Trust
    status_updates: StatusUpdates
    index: int | None = None
    now: tuple[datetime, StatusUpdates] | None = None


class Right(Struct, frozen=True, rename="camel", omit_defaults=True):
    """One source dataset, and the credential that allows its use.

    Attributes:
        dataset: The source version.
        name: Its name.
        credential: The logged credential.
        issuer: Issuer of the credential.
        permits: The uses that it permits for every partition in question; for a grant, together
            with its terms.
        partitions: Names of these partitions, if the terms have several.
        grant: The licence grant to the user that allows the use, if the credential alone does not.
        valid_until: End of its validity, or ``None``.
    """

    dataset: Digest
    name: str
    credential: Digest
    issuer: str
    permits: tuple[str, ...]
    valid_until: str | None = None
    partitions: tuple[str, ...] = ()
    grant: Digest | None = None

    def to_json(self) -> dict[str, object]:
        """Return the right as run manifests record it."""
        return {name: value for name, value in as_json(self).items() if name != "name"}


class Ruling(Struct, frozen=True):
    """The result for one candidate.

    Attributes:
        fault: Why the candidate gives no right, or None.
        open: Parts that could not be checked; never a success.
        unbelieved: Why the verifier need not trust the issuer, or None. Before a use this is as bad
            as a fault; afterwards the verifier may be a third party with an empty trust file.
        later: The reason if it gave the right, and was revoked or ended after the use; or None.
        right: The right, if there is no fault.
        issuer: The issuer, if a signature proves it.
        end: When the first of the terms that give the right ends, and whether any of them requires
            that the data be deleted then; None without an end.
    """

    fault: Reason | None = None
    open: tuple[Reason, ...] = ()
    unbelieved: Reason | None = None
    later: Reason | None = None
    right: Right | None = None
    issuer: str | None = None
    end: TermsEnd | None = None

    @property
    def against(self) -> Reason | None:
        """Return the first reason against a use that has not begun, or None."""
        return self.fault or next(iter(self.open), None) or self.unbelieved


def note_ruling(
    problems: Problems, label: str, ruling: Ruling, unbelieved: set[str], leave: Container[str] = ()
) -> None:
    """Add the reasons, except a fault, that prevent a right from being shown to hold.

    Args:
        problems: Receives the reasons.
        label: Name of the document, with a space after it.
        ruling: The ruling on the document.
        unbelieved: Receives the issuer, if the verifier need not trust them.
        leave: Codes of reasons that are reported elsewhere.
    """
    found = [(problems.lost, one) for one in ruling.open if ruling.fault is None]
    found += [
        (problems.warnings, one) for one in (ruling.later, ruling.unbelieved) if one is not None
    ]
    for to, reason in found:
        if reason.left_out:
            problems.left_out.append(f"{label}{reason.text}")
        elif reason.code not in leave:
            problems.add(to, reason.code, f"{label}{reason.text}")
    if ruling.unbelieved is not None and ruling.issuer is not None:
        unbelieved.add(ruling.issuer)


def judge(candidate: RightCandidate, request: Request) -> Ruling:
    """Return whether ``candidate`` gives the right that ``request`` is for. Never raises.

    Args:
        candidate: The documents that may give the right.
        request: The use.

    Cost: about two signatures, and two more to judge the later state.
    """
    documents = candidate.documents
    if request.index is not None and any(one.index >= request.index for one in documents):
        return _fault("not-logged", "was logged after what rests on it")
    if any(one.suspect for one in documents):
        # ATTACK: a thief issues terms for an organisation, whose other key grants on them.
        return _fault("compromised", "is by a key that was compromised when it was logged")
    if candidate.grant is not None:
        return _judge_grant(candidate.grant, candidate.credential, request)
    return _judge_credential(candidate.credential, request)


def _judge_credential(one: LoggedDocument, request: Request) -> Ruling:
    use, trust, status_updates = request.use, request.trust, request.status_updates
    outcome = check_credential(one.opened, trust=trust, at=use.at, status_updates=status_updates)
    claims, issuer = outcome.claims, outcome.issuer
    if not outcome.signature_valid or claims is None or issuer is None:
        return _fault("unsound", "does not hold")
    if not request.about.is_meant(claims):
        return _fault("other-dataset", "is about something else")  # attack case A44
    for name in ("period", "trust.allowed"):
        if outcome.check(name).state not in ACCEPTED:
            return _failed(outcome.check(name))
    used = request.used(claims.terms)
    permits = Terms(claims.terms.named(used.names)).permits
    answer, reason = claims.terms.judge(use, used.names)
    if answer is not Answer.PERMITTED:
        permitted = quote(", ".join(permits) or "nothing", 200)
        text = f"does not permit it: {quote(reason, 300)}; permits {permitted}"
        return _not_permitted(Reason(answer.value, text), used, issuer)
    checks = (outcome.check("status"), outcome.check_key(status_updates))
    for check in checks:
        if check.state is CheckState.FAIL:
            return _failed(check)
    ends = ends_of(claims.terms.named(used.names), one.opened.valid_until)
    believed, later = outcome.check("trust.issuer"), None
    if request.now is not None:
        at, said = request.now
        since = check_credential(one.opened, trust=trust, at=at, status_updates=said)
        believed, later = since.check("trust.issuer"), _revocation(since.check("status"))
        allowed, _ = claims.terms.judge(replace(use, at=at), used.names)
        if _is_over(since.check("period")) or allowed is Answer.PROHIBITED:
            later = later or _ended(ended_words(ends, at))
    return Ruling(
        open=_open(checks),
        unbelieved=_unbelieved(believed, outcome.check("issuer.document"), issuer),
        later=later,
        right=Right(
            request.source.id,
            request.source.name,
            one.id,
            issuer,
            permits,
            _valid_until(one.opened),
            used.names if len(claims.terms.partitions) > 1 else (),
        ),
        issuer=issuer,
        end=first_end(ends),
    )


def _judge_grant(one: LoggedDocument, terms: LoggedDocument, request: Request) -> Ruling:
    given = partial(
        judge_grant,
        one.opened,
        terms.opened,
        request.about,
        used=request.used,
        holder=request.holder,
        trust=request.trust,
    )
    found = given(request.use, status_updates=request.status_updates)
    holder, issuer = found.check("grant.holder"), found.outcome.envelope.issuer
    if holder.state is CheckState.FAIL:
        return _fault("other-holder", holder.summary)
    if found.fault is not None:
        fault, claims = Reason(*found.fault), terms.opened.claims_as(DATASET)
        if fault.code not in _ANSWERS or claims is None:
            return Ruling(fault)
        return _not_permitted(fault, request.used(claims.terms), issuer)
    if found.grant is None or issuer is None:
        return _fault("unsound", "does not hold")
    checks = [found.check(name) for name in ("issuer.key", "status", "grant.terms")]
    if checks[-1].state is CheckState.WARN:  # replaced terms are those of new grants
        checks.pop()
    open_ones = _open(checks)
    if holder.state is CheckState.UNCHECKED:
        text = f"is for {found.grant.holder}; {_UNPINNED}"
        open_ones = (Reason(str(holder.detail["reason"]), text), *open_ones)
    limited = UsageLimits.of(found.grant.limits).use_until
    ends = ends_of(found.partitions, one.opened.valid_until, limited)
    believed, later = found.check("trust.issuer"), None
    if request.now is not None:
        at, said = request.now
        since = given(replace(request.use, at=at), status_updates=said)
        believed = since.check("trust.issuer")
        later = _revocation(since.check("status")) or _revocation(since.check("grant.terms"))
        if _is_over(since.check("period")) or since.code == Answer.PROHIBITED:
            later = later or _ended(ended_words(ends, at))
    return Ruling(
        open=open_ones,
        unbelieved=_unbelieved(believed, found.check("issuer.document"), issuer),
        later=later,
        right=Right(
            request.source.id,
            request.source.name,
            terms.id,
            issuer,
            found.permits,
            _valid_until(one.opened),
            found.names,
            one.id,
        ),
        issuer=issuer,
        end=first_end(ends),
    )


def _not_permitted(why: Reason, used: PartitionsUsed, issuer: str | None) -> Ruling:
    if used.unread:  # it may hold of fewer partitions: then no wrong is shown, and no right
        reason = Reason("absent", f"{why.text}; {used.unread}", used.left_out)
        return Ruling(open=(reason,), issuer=issuer)
    return Ruling(why)


def _fault(code: str, text: str) -> Ruling:
    return Ruling(fault=Reason(code, text))


def _failed(check: Check) -> Ruling:
    return _fault(str(check.detail["reason"]), f"is not in force: {check.summary}")


def _open(checks: Sequence[Check]) -> tuple[Reason, ...]:
    # A warning too: of a list that was made later and cannot be read, say.
    return tuple(
        Reason(str(check.detail["reason"]), f"is not known to be in force: {check.summary}")
        for check in checks
        if check.state not in ACCEPTED
    )


def _unbelieved(believed: Check, document: Check, issuer: str) -> Reason | None:
    if believed.state is not CheckState.PASS:
        text = f"is by {issuer}, whom your trust file does not name as a publisher of it"
        return Reason(str(believed.detail["reason"]), text)
    if is_named_by_a_copy_alone(document):
        text = f"is by {issuer} only as a document says that was taken in with it"
        return Reason(str(document.detail["reason"]), text)
    return None


def _revocation(check: Check) -> Reason | None:
    """Return the reason if ``status`` or ``grant.terms`` shows a revocation, else None."""
    if check.state is not CheckState.FAIL or check.detail["reason"] not in _REVOKED:
        return None
    return Reason(REVOKED_LATER, f"has been {check.detail['reason']} since")


def _is_over(period: Check) -> bool:
    return period.state is CheckState.FAIL and period.detail["reason"] == "expired"


def _ended(words: str | None) -> Reason | None:
    return None if words is None else Reason(ENDED_LATER, words)


_REVOKED = ("revoked", "suspended", "superseded")


def _valid_until(opened: OpenedCredential) -> str | None:
    value = (opened.document or {}).get("validUntil")
    return value if isinstance(value, str) else None
