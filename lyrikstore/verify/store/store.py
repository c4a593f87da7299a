"""Verification of a whole store (spec §11.6)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    FormatError,
    IncompleteError,
    KeyMaterialError,
    LyrikstoreError,
    NotFoundError,
    StorageError,
    VerificationError,
)
from lyrikstore.canon.progress import OnProgress, silent
from lyrikstore.canon.quoting import quote
from lyrikstore.canon.text import pluralize
from lyrikstore.context import StoreContext
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.log.entries import check_format
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.repository.repository import Repository
from lyrikstore.objects.backends.base import NOT_A_FILE, LocalBackend
from lyrikstore.objects.parallel.tasks import Pools
from lyrikstore.verify.datasets.check import DatasetChecks
from lyrikstore.verify.datasets.reading import DatasetReading
from lyrikstore.verify.log_memory import not_known_lost
from lyrikstore.verify.problems import Problems
from lyrikstore.verify.report import Check, CheckState, Report, unchecked, warned
from lyrikstore.verify.review.check import check_reviews
from lyrikstore.verify.rights.recorded import check_rights
from lyrikstore.verify.rights.same_bytes import check_same_bytes
from lyrikstore.verify.rules.check import check_rules
from lyrikstore.verify.store.ancestry import (
    BackgroundCheck,
    check_contents,
    check_flags,
    check_links,
    check_misdated,
)
from lyrikstore.verify.store.credentials import check_logged_credentials
from lyrikstore.verify.store.log import check_log_state, check_tiles, opening_failed
from lyrikstore.verify.store.packs import check_blobs, check_orphans, check_packs_alone
from lyrikstore.verify.store.readers import NO_READERS, CheckCards, Readers, ReadRecords
from lyrikstore.verify.store.statements.approvals import check_approvals
from lyrikstore.verify.store.statements.cards import check_cards_among
from lyrikstore.verify.store.statements.checkpoints import check_checkpoints
from lyrikstore.verify.store.statements.deployments import check_deployments
from lyrikstore.verify.store.statements.runs import check_runs
from lyrikstore.verify.times.check import check_timestamps
from lyrikstore.verify.times.outside import OutsideTimes


def verify_store(
    context: StoreContext,
    *,
    share: float = 1,
    pools: Pools | None = None,
    readers: Readers = NO_READERS,
) -> Report:
    """Return the report on a whole store: every byte of it is read and hashed.

    Args:
        context: The open store, and the verifier's trust. The log checkpoint is remembered if the
            verdict is ``trusted`` or ``valid``; progress is said in bytes, from another thread.
        share: How many of the packs to read: 1 for all; less leaves the verdict incomplete, for
            what was not read is not known to be there. 0 reads no tree either.
        pools: Makes the workers that read the packs, if they are not to be processes here.
        readers: Who reads datasets, and makes the cards with effect again; what is left out is
            unchecked, as are datasets with a ``share`` of less than 1, and cards with 0. Of a whole
            store no evaluation is computed again.

    Raises:
        StorageError: The disk cannot be read.

    Cost: reads every pack once, and the rows of datasets as :class:`DatasetChecks` says; one
    signature per manifest and credential; some 100 bytes of memory per blob that a manifest names;
    one pass over the manifests per card. With share 0, the footers instead of the packs, and no
    card.
    """
    context = context.afresh()  # no cache is evidence
    repository, trust, at, memory = (
        context.repository,
        context.trust,
        context.clock(),
        context.memory,
    )
    log = check_log_state(repository, trust=trust, at=at, memory=memory)
    records = log.records or repository.records
    with BackgroundCheck(partial(check_blobs, repository, context.progress, share, pools)) as blobs:
        lineage, contents = _check_manifests(repository, trees=share > 0)
        effect = Problems("rights")
        flagged = _without_effect(repository, effect)
        counting = lineage.without(flagged)
        reading = readers.datasets if share == 1 else None
        measured = DatasetChecks(repository, counting, reading)
        made = {
            check.id: check
            for check in (
                *log.checks,
                contents,
                check_tiles(repository, records),
                check_links(repository, lineage),
                *measured.checks,
                _check_refs(repository),
                check_logged_credentials(repository, counting, trust, at),
                *_check_effects(
                    repository,
                    counting,
                    effect,
                    trust,
                    at,
                    trees=share > 0,
                    reading=reading,
                    check_cards=readers.cards if share > 0 else None,
                    read_records=readers.records if share == 1 else None,
                ),
                check_timestamps(
                    OutsideTimes(repository, repository.origin, trust), counting.values()
                ),
                check_orphans(repository, records),
                blobs.result(),
            )
        }
    unknown = (*not_known_lost(repository, memory), *measured.open_questions)
    report = _report(made, repository, at, unknown)
    sound = report.verdict.is_sound
    seen = report.check("log.memory").state is CheckState.PASS
    if log.signed is not None and sound and seen:
        try:
            memory.remember_head(log.signed.head, log.signed.signers, repository.store_id)
        except StorageError as error:  # a full or read-only HOME: the verdict stands
            made["log.memory"] = warned("log.memory", error.kind, quote(error.message, 300))
            return _report(made, repository, at, unknown)
    return report


def verify_store_at(
    root: Path,
    *,
    trust: Trust,
    at: datetime,
    memory: LogMemory,
    progress: OnProgress = silent,
    share: float = 1,
    pools: Pools | None = None,
    readers: Readers = NO_READERS,
) -> Report:
    """Return the report on the store in the folder ``root``, also where it cannot be opened.

    Args:
        root: The ``.lyrikstore`` folder.
        trust: The keys that the verifier trusts.
        at: The moment for which the result holds.
        memory: The log checkpoints that were signed and seen before.
        progress: Progress callback, in bytes, called from another thread.
        share: As for :func:`verify_store`.
        pools: As for :func:`verify_store`.
        readers: As for :func:`verify_store`.

    Raises:
        NotFoundError: (``no-store``) there is no store.
        FormatError: (``newer-format``) a later version made it.
        StorageError: The disk cannot be read.
    """
    try:
        check_format(LocalBackend(root))
    except FormatError as error:
        if error.kind == "newer-format":
            raise
        return _unopened(root, error, at)
    try:
        repository = Repository.open(root, memory=memory)
    except (
        FormatError,
        IncompleteError,
        KeyMaterialError,
        NotFoundError,
        VerificationError,
    ) as error:
        return _unopened(root, error, at)
    except StorageError as error:
        # A disk that says no says nothing about the store; a link where a record was does.
        if error.kind != NOT_A_FILE:
            raise
        return _unopened(root, error, at)
    context = StoreContext(
        repository, memory, root, clock=lambda: at, believed=trust, progress=progress
    )
    return verify_store(context, share=share, pools=pools, readers=readers)


def _unopened(root: Path, error: LyrikstoreError, at: datetime) -> Report:
    failure = opening_failed(error)
    made = {failure.id: failure}
    # A record of a later version in a store of this one; a genesis that no pack has, because one
    # of both was changed: neither is shown.
    if isinstance(error, IncompleteError | NotFoundError) or error.kind == "newer-format":
        made["log.transactions"] = unchecked("log.transactions", error.kind, error.message[:300])
    made["blobs"] = check_packs_alone(LocalBackend(root))
    return Report.of("store", made.values(), subject=str(root.resolve()), issuer=None, at=at)


def _report(
    made: dict[str, Check], repository: Repository, at: datetime, open_questions: Sequence[str]
) -> Report:
    return Report.of(
        "store",
        made.values(),
        subject=str(repository.store_id),
        issuer=repository.genesis.author,
        at=at,
        open_questions=open_questions,
        without_data=repository.is_without_data,
    )


def _invalid(repository: Repository) -> frozenset[Digest]:
    # Intact bytes that are no manifest have no effect for anybody; `refs` reports them.
    try:
        flagged = repository.flagged
    except LyrikstoreError:
        return frozenset()
    return frozenset(item.id for item in flagged if item.reason == "invalid")


def _check_manifests(repository: Repository, *, trees: bool) -> tuple[Lineage, Check]:
    problems = Problems("manifests")
    invalid = _invalid(repository)
    logged = [one.id for one in repository.entries() if one.type == "manifest"]
    lineage = Lineage.read(repository, *(one for one in logged if one not in invalid))
    for one, error in lineage.unread.items():
        if one in lineage.starts:
            index = repository.index_of(one)
            problems.note(f"log entry {index} ({one.short})", error)
    count = len(lineage)
    holds = f"{pluralize(count, 'manifest')}, signatures hold"
    if trees or problems.bad or problems.lost:
        named = check_contents(repository, lineage.values(), problems) if trees else {}
        summary = f"{holds}; {pluralize(len(named), 'blob is', 'blobs are')} there"
        return lineage, problems.close(summary, manifests=count)
    summary = f"{holds}; the trees they name were not read"
    return lineage, unchecked("manifests", "not-read", summary, manifests=count)


def _without_effect(repository: Repository, problems: Problems) -> frozenset[Digest]:
    """Return the manifests that are logged without effect; note why if they are unknown."""
    try:
        return frozenset(one.id for one in repository.flagged if one.reason != "already-logged")
    except LyrikstoreError as error:
        problems.note("what has effect cannot be known", error)
        return frozenset()


_OF_EFFECTS = (
    "runs",
    "checkpoints",
    "approvals",
    "rights",
    "rights.same-bytes",
    "rules",
    "reviews",
    "deployment.made-from",
    "card.sources",
)


def _check_effects(
    repository: Repository,
    counting: Lineage,
    unknown: Problems,
    trust: Trust,
    at: datetime,
    *,
    trees: bool,
    reading: DatasetReading | None,
    check_cards: CheckCards | None,
    read_records: ReadRecords | None,
) -> Iterator[Check]:
    """Yield the checks of all manifests with effect against each other, from runs to cards."""
    if unknown.count:
        for check in _OF_EFFECTS:
            yield replace(unknown, check=check).close("")
        return
    yield check_runs(repository, counting)
    if trees:
        yield check_checkpoints(repository, counting, None)
    else:
        yield unchecked("checkpoints", "not-read", "the files of checkpoints were not read")
    yield check_approvals(repository, counting)
    yield check_rights(repository, counting, trust=trust, at=at, of_models=True)
    yield check_same_bytes(repository, counting, reading)
    yield check_rules(repository, counting)
    yield check_reviews(repository, counting, read_records)
    yield check_deployments(repository, counting)
    yield check_cards_among(repository, counting, check_cards)


def _check_refs(repository: Repository) -> Check:
    problems = Problems("refs")
    try:
        refs = repository.refs
        logged = [entry.id for entry in repository.entries() if entry.type == "manifest"]
        check_flags(repository, logged, problems)
    except LyrikstoreError as error:
        problems.note("refs cannot be derived", error)
        return problems.close("")
    # Logged without effect: somebody tried, and did not succeed. Worth saying, no damage.
    problems.warnings, problems.bad = problems.warnings + problems.bad, []
    check_misdated(repository, problems)
    return problems.close(
        f"{pluralize(len(refs), 'name')}, each derived from the log", refs=len(refs)
    )
