"""The present state of publishers' terms of data, and deletions that are due (spec §11.7.6).

A publisher delivers data under terms. A revocation, the end of the terms, or a duty to delete the
data counts for every holder of the data, whether it was used or not.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.json import JSON, may_contain
from lyrikstore.canon.quoting import listed, name_some
from lyrikstore.canon.text import pluralize
from lyrikstore.canon.timestamps import format_timestamp
from lyrikstore.credentials.model.credential import DATASET
from lyrikstore.credentials.terms.ends import ends_of
from lyrikstore.credentials.terms.model import Partition, Terms
from lyrikstore.credentials.terms.usage import RowsHeld, partitions_used
from lyrikstore.credentials.terms.vocabulary import DELETE
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import retired_versions
from lyrikstore.verify.checks import PROCEDURES, TRUST_CHECKS
from lyrikstore.verify.credential.credential import CheckedCredential, check_credential
from lyrikstore.verify.credential.status import LoggedStatusUpdates
from lyrikstore.verify.problems import Problems
from lyrikstore.verify.report import (
    Check,
    CheckState,
    Verdict,
    decide,
    first_in,
    not_applicable,
)
from lyrikstore.verify.rights.grants import Published, published
from lyrikstore.verify.rights.judge import LoggedDocument, Reason

_CHECK = "rights.sources"
NOT_DELETED = "not-deleted"
_WORST_FIRST = (Verdict.INVALID, Verdict.INCOMPLETE, Verdict.VALID, Verdict.TRUSTED)


class DeletionDue(Struct, frozen=True):
    """A duty to delete data, because its terms have ended.

    Attributes:
        source: The source with these terms.
        by: When the terms ended.
        here: Names of the datasets that contain some of the data and are not retired.
    """

    source: Manifest
    by: str
    here: tuple[str, ...]

    @property
    def text(self) -> str:
        """The deletion that is due, as text that follows the name of the source."""
        where = f"still here in {name_some(self.here)}" if self.here else "retired"
        return f"its terms required that it be deleted by {self.by}; it is {where}"

    def to_json(self) -> dict[str, JSON]:
        """Return the deletion in the form of a check's detail."""
        return {"dataset": str(self.source.id), "by": self.by, "here": listed(list(self.here))}


class SourceReview:
    """Judges the logged credentials about datasets as of now.

    Args:
        repository: The store.
        trust: The keys that the verifier trusts.
        at: The moment to judge for; the clock floor of the log, if that is later.

    Raises:
        LyrikstoreError: The clock floor of the log cannot be read.
    """

    def __init__(self, repository: Repository, trust: Trust, at: datetime) -> None:
        self._repository = repository
        self._trust = trust
        # ATTACK: a clock set back to before the terms ended. The log knows what time it was.
        self._at = max(at, repository.floor())
        self._notices = repository.derived(LoggedStatusUpdates)
        self._rows = RowsHeld(repository.blobs.open)
        self._retired = retired_versions(repository)
        self.unread = self._notices.unread

    def holds(self, dataset: Manifest) -> bool:
        """Return whether a dataset is not retired."""
        return dataset.id not in self._retired

    def judged(self, source: Manifest, about: Published) -> list["JudgedCredential"]:
        """Return the genuine dataset credentials about a dataset that count, the newest first.

        ATTACK A118: a holder of data that was revoked, or whose terms have ended, logs a credential
        about it by their own key, or by a key made for this. Two sets of credentials count: those
        of the issuer of the first one logged, which came with imported data; and those of other
        issuers whom the verifier trusts, except the importer.
        """
        found = []
        logged = self._repository.credentials_about(about.manifest)
        for identity in dict.fromkeys(entry.id for entry in reversed(logged)):
            try:
                one = LoggedDocument.read(self._repository, identity)
            except LyrikstoreError:  # who asks looks at `unread`
                continue
            if one.opened.kind is not DATASET:
                continue
            outcome = check_credential(
                one.opened, trust=self._trust, at=self._at, status_updates=self._notices.all
            )
            claims = outcome.claims
            if outcome.signature_valid and claims is not None and about.is_meant(claims):
                checks = (*outcome.checks, outcome.check_key(self._notices.all))
                found.append(JudgedCredential(one, outcome, checks))
        publisher = found[-1].outcome.issuer if found else None
        taken_in = source.author if about.manifest != source.id else None
        return [
            one
            for one in found
            if one.outcome.issuer == publisher
            or (one.verdict is Verdict.TRUSTED and one.outcome.issuer != taken_in)
        ]

    def due(
        self,
        source: Manifest,
        judged: Iterable["JudgedCredential"],
        holding: Iterable[Manifest],
        lineage: Lineage,
    ) -> DeletionDue | None:
        """Return the deletion due of a source, or None while any of its terms are in force.

        Args:
            source: A dataset without dataset inputs.
            judged: The judged credentials about it.
            holding: Datasets that may contain some of its data.
            lineage: Every manifest between these datasets and the source.
        """
        holding = list(holding)
        over: list[datetime] = []
        for one in judged:
            claims, until = one.outcome.claims, one.document.opened.valid_until
            if claims is None or one.document.suspect:
                continue
            ends = ends_of(self._used(claims.terms, source, holding, lineage), until)
            ended = [end for end in ends if end.at < self._at]
            if not ended and one.is_in_force:
                return None
            over += [end.at for end in ended if end.delete]
        if not over:
            return None
        here = [one.name for one in holding if self.holds(one)]
        return DeletionDue(source, format_timestamp(max(over)), tuple(dict.fromkeys(here)))

    def _used(
        self,
        terms: Terms,
        source: Manifest,
        holding: Sequence[Manifest],
        lineage: Lineage,
    ) -> Sequence[Partition]:
        """Return the partitions of which datasets contain data: all, if that cannot be followed."""
        try:
            used = partitions_used(
                terms,
                source,
                [one for one in holding if self.holds(one)] or holding,
                lineage=lineage,
                tree_of=self._repository.tree,
                rows=self._rows,
            )
        except LyrikstoreError:
            return terms.partitions
        return terms.named(used.names)


class JudgedCredential(Struct, frozen=True):
    """A genuine dataset credential, and its state as of now.

    Attributes:
        document: The credential, as it is logged.
        outcome: The outcome of its own checks.
        checks: These checks, and the check of its key.
    """

    document: LoggedDocument
    outcome: CheckedCredential
    checks: tuple[Check, ...]

    @property
    def verdict(self) -> Verdict:
        """The verdict of a verification of the credential alone, without its data."""
        if self.document.suspect:
            return Verdict.INVALID
        return decide(self.checks, PROCEDURES["credential"].required)

    @property
    def is_in_force(self) -> bool:
        """Whether the credential is known neither to be revoked nor to have ended."""
        states = [self.outcome.check(name).state for name in ("period", "status")]
        return CheckState.FAIL not in states

    @property
    def why(self) -> Reason:
        """The reason why the verdict is not better."""
        if self.document.suspect:
            return Reason("compromised", "is by a key that was compromised when it was logged")
        states = {
            Verdict.INVALID: CheckState.FAIL,
            Verdict.INCOMPLETE: CheckState.UNCHECKED,
        }.get(self.verdict, CheckState.WARN)
        checks = [
            one for one in self.checks if states is not CheckState.WARN or one.id in TRUST_CHECKS
        ]
        check = first_in(checks, states)
        if check is None:
            return Reason("noted", "holds")
        return Reason(str(check.detail["reason"]), check.summary)


def check_sources(
    repository: Repository,
    subject: Manifest | None,
    ancestry: Lineage,
    *,
    trust: Trust,
    at: datetime,
) -> Check:
    """Return ``rights.sources``: whether the publishers of a dataset's data still stand by it.

    For imported data the credential of its publisher with the best verdict decides, as in the
    verification of its delivery.

    Args:
        repository: The store.
        subject: The verified object; the check applies to it if it is a dataset.
        ancestry: The object, and everything it was made from.
        trust: The keys that the verifier trusts.
        at: The moment of verification; the latest date in the log, if that is later.

    Returns:
        The check; ``detail.asOf`` is when the oldest status list about imported data was made, or
        None if some of this data has none; ``detail.due`` lists the data that must be deleted.

    Cost: one signature for each credential about a source; for those with several partitions, the
    data is read.
    """
    if subject is None or subject.kind != "dataset":
        return not_applicable(_CHECK, "no dataset")
    closure = ancestry.rests_on([subject.id])
    problems = Problems(_CHECK)
    try:
        review = SourceReview(repository, trust, at)
    except LyrikstoreError as error:
        problems.note("what the log says of time, or of what was retired", error)
        return problems.close("")
    as_of: list[str | None] = []
    due: list[DeletionDue] = []
    unbelieved: set[str] = set()
    imports = 0
    for identity in closure.absent:
        problems.add(problems.lost, "absent", f"{identity.short} cannot be followed")
    for source in closure.direct:
        try:
            about = published(repository, source)
        except LyrikstoreError as error:
            problems.add(problems.bad, error.kind, f"{source.name}: {error.message}")
            continue
        judged = review.judged(source, about)
        holding = ancestry.made_of(source)
        delete = review.due(source, judged, holding, ancestry)
        due += [] if delete is None else [delete]
        if about.manifest == source.id:
            if delete is not None and delete.here:
                problems.add(problems.warnings, NOT_DELETED, f"{source.name}: {delete.text}")
            continue
        imports += 1
        held = any(review.holds(one) for one in holding)
        best = max(judged, key=lambda one: _WORST_FIRST.index(one.verdict), default=None)
        _judge_import(source, best, delete, problems, held=held)
        made = None if best is None else best.outcome.check("status").detail.get("asOf")
        as_of.append(made if isinstance(made, str) else None)
        if best is not None and best.verdict is Verdict.VALID and best.outcome.issuer:
            unbelieved.add(best.outcome.issuer)
    for index, unread in review.unread if imports else ():
        # ATTACK: whoever holds the store damages the list that takes the terms back.
        text = f"log entry {index} cannot be read, and may take terms back: {unread.message}"
        problems.add(problems.lost, "unread-notice", text)
    if not imports and not due and not problems.count:
        return not_applicable(_CHECK, "no data of others, and none that has to be deleted")
    detail: dict[str, JSON] = {}
    if as_of:
        detail["asOf"] = None if None in as_of else min(one for one in as_of if one)
    if unbelieved:
        detail["unbelieved"] = sorted(unbelieved)
    if due:
        detail["due"] = listed([one.to_json() for one in due])
    stands = pluralize(imports, "publisher stands", "publishers stand")
    said = f"{stands} by what was taken in" if imports else "nothing has to be deleted"
    return problems.close(said, **detail)


def note_deletions(
    repository: Repository,
    lineage: Lineage,
    problems: Problems,
    *,
    trust: Trust,
    at: datetime,
) -> None:
    """Add the data of a store that must be deleted by now and is still present.

    Args:
        repository: The store.
        lineage: The manifests with effect.
        problems: Receives the deletions due, before all other warnings.
        trust: The keys that the verifier trusts.
        at: The moment of verification.

    Cost: one signature for each credential about data for which a credential requires deletion.
    """
    review: SourceReview | None = None
    due: list[str] = []
    for source in lineage.of_kind("dataset"):
        if source.made_from:
            continue
        try:
            about = published(repository, source)
            if not _may_have_duty(repository, about.manifest):
                continue
            review = review or SourceReview(repository, trust, at)
            holding = lineage.made_of(source)
            found = review.due(source, review.judged(source, about), holding, lineage)
        except LyrikstoreError:
            continue  # what cannot be read, or is of another dataset, other checks say
        if found is not None and found.here:
            due.append(f"{source.name}: {found.text}")
    for text in reversed(due):
        problems.warnings.insert(0, text)
        problems.codes[text] = NOT_DELETED


def _may_have_duty(repository: Repository, manifest: Digest) -> bool:
    logged = {entry.id for entry in repository.credentials_about(manifest)}
    return any(may_contain(repository.credential(one), DELETE) for one in logged)


def _judge_import(
    source: Manifest,
    best: JudgedCredential | None,
    delete: DeletionDue | None,
    problems: Problems,
    *,
    held: bool,
) -> None:
    """Add the problems of imported data."""
    more = "" if delete is None else f"; {delete.text}"
    if best is None:
        text = f"{source.name}: no credential of its publisher is logged here"
        problems.add(problems.warnings, "not-logged", text)
        return
    why, label = best.why, f"{source.name}: credential {best.document.id.short}"
    kept = {
        # Whoever deleted it, as its terms may require, holds nothing that they are about.
        Verdict.INVALID: problems.bad if held else problems.warnings,
        Verdict.INCOMPLETE: problems.lost,
        Verdict.VALID: problems.warnings,
    }.get(best.verdict)
    if kept is not None:
        problems.add(kept, why.code, f"{label}: {why.text}{more}")
    elif delete is not None and delete.here:
        problems.add(problems.warnings, NOT_DELETED, f"{label}{more}")
