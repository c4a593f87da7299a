"""Verification of one object and of everything it was made from (spec §11.7)."""

import re

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.quoting import quote
from lyrikstore.canon.text import pluralize
from lyrikstore.context import StoreContext
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.checks import not_proven
from lyrikstore.verify.datasets.check import DatasetChecks
from lyrikstore.verify.deployment.rights import rights_in_base
from lyrikstore.verify.evaluation.choice.candidates import VALIDATION
from lyrikstore.verify.problems import Problems
from lyrikstore.verify.report import Check, Report, failed, passed, unchecked
from lyrikstore.verify.review.check import check_reviews
from lyrikstore.verify.rights.recorded import check_rights
from lyrikstore.verify.rights.same_bytes import check_same_bytes
from lyrikstore.verify.rights.sources import check_sources
from lyrikstore.verify.rules.check import check_rules
from lyrikstore.verify.stated import stated_members
from lyrikstore.verify.store.ancestry import (
    check_contents,
    check_flags,
    check_links,
    check_misdated,
    check_sums,
    hash_blobs,
)
from lyrikstore.verify.store.evaluations import check_evaluations
from lyrikstore.verify.store.log import check_log_state
from lyrikstore.verify.store.readers import NO_READERS, Readers
from lyrikstore.verify.store.statements.approvals import check_approvals
from lyrikstore.verify.store.statements.cards import check_cards_among
from lyrikstore.verify.store.statements.checkpoints import (
    check_checkpoints,
    names_no_label,
    unfollowed,
)
from lyrikstore.verify.store.statements.confinement import unconfined_cause
from lyrikstore.verify.store.statements.deployments import check_deployments
from lyrikstore.verify.store.statements.runs import check_runs
from lyrikstore.verify.times.check import check_timestamps
from lyrikstore.verify.times.outside import OutsideTimes


def verify_object(
    context: StoreContext,
    identity: Digest,
    *,
    readers: Readers = NO_READERS,
    lineage: Lineage | None = None,
) -> Report:
    """Return the report on a logged manifest and its whole ancestry.

    Args:
        context: The open store, and the verifier's trust.
        identity: Id of the manifest, as ``Repository.resolve`` gives it.
        readers: Reads data, and computes answers and cards again; without a reader, its checks are
            unchecked.
        lineage: Its lineage, if the command has already read it from this view of the store; None:
            it is read here.

    Raises:
        StorageError: The disk cannot be read.

    Cost: reads and hashes every blob that the object and its ancestors name, reads the test set of
    each evaluation once more, and the rows of datasets at the cost of :class:`DatasetChecks`.
    """
    if lineage is None:
        context = context.afresh()  # no cache is evidence
        lineage = Lineage.read(context.repository, identity)
    ancestry, repository, trust, at = lineage, context.repository, context.trust, context.clock()
    log = check_log_state(repository, trust=trust, at=at, memory=context.memory)
    broken = Problems("manifests")
    for one, error in ancestry.unread.items():
        broken.note(one.short, error)
    named = check_contents(repository, ancestry.values(), broken)
    _check_effect(repository, ancestry, broken)
    damage = Problems("blobs")
    total = hash_blobs(repository, ancestry.values(), named, damage, context.progress)
    check_sums(repository, ancestry.values(), broken)
    subject = ancestry.get(identity)
    measured = DatasetChecks(repository, ancestry, readers.datasets)
    evaluations = check_evaluations(repository, ancestry, readers)
    made = (
        *log.checks,
        _check_object(repository, identity, ancestry, broken),
        damage.close(
            f"{pluralize(len(named), 'blob')}, {pluralize(total, 'byte')}, each hashed",
            blobs=len(named),
        ),
        broken.close(
            f"{pluralize(len(ancestry), 'manifest')}, signed by keys the policy allows",
            manifests=len(ancestry),
        ),
        check_links(repository, ancestry),
        *measured.checks,
        check_runs(repository, ancestry),
        check_checkpoints(repository, ancestry, readers.records),
        check_approvals(repository, ancestry),
        check_rights(repository, ancestry, trust=trust, at=at),
        check_same_bytes(repository, ancestry, readers.datasets),
        check_sources(repository, subject, ancestry, trust=trust, at=at),
        check_rules(repository, ancestry),
        check_reviews(repository, ancestry, readers.records),
        check_deployments(repository, ancestry),
        check_cards_among(repository, ancestry, readers.cards),
        evaluations,
        _check_times(repository, identity, trust),
    )
    return Report.of(
        "object",
        made,
        subject=str(identity),
        issuer=subject.author if subject is not None else None,
        at=at,
        open_questions=(*_open_questions(ancestry, evaluations), *measured.open_questions),
        without_data=repository.is_without_data,
    )


def _check_times(repository: Repository, identity: Digest, trust: Trust) -> Check:
    """Return ``timestamps``: the outside times of the log, and by when the object existed."""
    times = OutsideTimes(repository, repository.origin, trust)
    try:
        gone = {one.id for one in repository.flagged}
        some = [one for _, one in repository.all_manifests() if one.id not in gone]
        index = repository.index_of(identity)
    except LyrikstoreError as error:
        return unchecked("timestamps", "lost", quote(error.message, 300))
    return check_timestamps(times, some, index)


def _check_object(
    repository: Repository,
    identity: Digest,
    ancestry: Lineage,
    problems: Problems,
) -> Check:
    subject = ancestry.get(identity)
    if subject is None:
        reason = (problems.bad + problems.lost)[:1] or ["it cannot be read"]
        return failed("object", "unreadable", reason[0])
    index = repository.index_of(identity)
    summary = f"{subject.kind} {subject.name}, log entry {index}, signed by {subject.author}"
    return passed(
        "object",
        summary,
        kind=subject.kind,
        name=subject.name,
        index=index,
        author=subject.author,
        stated={kind: list(some) for kind, some in _stated(ancestry).items()},
    )


def _stated(ancestry: Lineage) -> dict[str, list[str]]:
    """Return the members that are only stated, by kind of manifest, for kinds that have some."""
    kinds = sorted({one.kind for one in ancestry.values()})
    found = {
        kind: stated_members(kind, [one.body for one in ancestry.values() if one.kind == kind])
        for kind in kinds
    }
    return {kind: some for kind, some in found.items() if some}


def _check_effect(repository: Repository, ancestry: Lineage, problems: Problems) -> None:
    try:
        check_flags(repository, ancestry, problems)
        check_misdated(repository, problems)
    except LyrikstoreError as error:
        problems.note("which manifests the policy allows", error)


def _open_questions(ancestry: Lineage, evaluations: Check) -> list[str]:
    open_questions: list[str] = []
    if any(item.kind in {"checkpoint", "run"} for item in ancestry.values()):
        open_questions += map(not_proven, ("training", "evaluation", "weights"))
    unasked = evaluations.detail.get("notAsked")
    if isinstance(unasked, list):
        open_questions += [not_proven("answers-again", str(one)) for one in unasked]
    for kind, some in _stated(ancestry).items():
        first = dict.fromkeys(re.split(r"[.[]", one)[0] for one in some)
        open_questions.append(not_proven("stated", kind, ", ".join(first)))
    if names_no_label(ancestry):  # ATTACK A92: a config that names none, so that nobody looks.
        open_questions.append(not_proven("stated", "checkpoint", VALIDATION))
    open_questions += [not_proven("choice", name) for name in unfollowed(ancestry)]
    for manifest in ancestry.values():
        cause = unconfined_cause(manifest.body) if manifest.kind == "run" else None
        if cause is not None:
            open_questions.append(not_proven("unconfined", manifest.name, cause))
        if manifest.kind == "checkpoint" and manifest.body["origin"] == "imported":
            open_questions.append(rights_in_base(manifest))
    return open_questions
