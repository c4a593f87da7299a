"""The sources of a mix's terms: credentials in files, or credentials logged about a dataset."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, LyrikstoreError
from lyrikstore.canon.json import JSON
from lyrikstore.credentials.model.credential import DATASET, GRANT, Claims
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.terms.model import Partition, Terms, UsageLimits, Use
from lyrikstore.credentials.terms.usage import PartitionsUsed, RowsHeld, partitions_used
from lyrikstore.credentials.terms.vocabulary import (
    PERMISSIONS,
    PURPOSES,
    check_words,
    territory_of,
)
from lyrikstore.credentials.trust import Trust
from lyrikstore.curate.terms.contribution import HeldGrant, TermSource
from lyrikstore.curate.terms.holder import other_holder, other_holder_of
from lyrikstore.history.lineage import Lineage, RightsClosure
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.checks import PROCEDURES, TRUST_CHECKS
from lyrikstore.verify.credential.credential import check_credential
from lyrikstore.verify.credential.grant import Holder, check_grant
from lyrikstore.verify.credential.status import StatusUpdates, logged_status_updates
from lyrikstore.verify.delivery.siblings import SiblingFiles
from lyrikstore.verify.log_memory import check_remembered
from lyrikstore.verify.report import (
    Check,
    CheckState,
    Verdict,
    check_of,
    decide,
)
from lyrikstore.verify.rights.about import LoggedTerms, logged_terms
from lyrikstore.verify.rights.freed import Held, SourcesHeld
from lyrikstore.verify.rights.grants import Published, Used, holder_of, within

_SOUND = (CheckState.PASS, CheckState.WARN)  # replaced terms are those of new grants
_Judged = TypeVar("_Judged", TermSource, HeldGrant)


class AssertedModel(Struct, frozen=True):
    """An imported model, whose licence is only asserted.

    Attributes:
        name: Its name.
        id: Id of its manifest.
        asserted: The licence that the committer asserts; None: none.
    """

    name: str
    id: Digest
    asserted: str | None

    def to_json(self) -> dict[str, JSON]:
        """Return the model as JSON, by ``schemas/cli/terms.schema.json``."""
        return {"name": self.name, "id": str(self.id), "asserted": self.asserted}


class Asker(Struct, frozen=True):
    """The user who requests a use: trust, time and key.

    Attributes:
        trust: The user's trust file.
        at: The moment of use.
        key: The user's key as did:key; grants to it count; None: no grant counts.
    """

    trust: Trust
    at: datetime
    key: str | None = None

    def use(
        self,
        acts: tuple[str, ...],
        *,
        territory: Iterable[str] = (),
        seats: int | None = None,
        purposes: tuple[str, ...] = (),
    ) -> Use:
        """Return the requested use; a union of countries stands for its members.

        Raises:
            InvalidInputError: (``unknown-word``) an act, purpose or territory is not in the
                vocabulary; see
                :func:`lyrikstore.credentials.terms.vocabulary.check_territory`.
        """
        check_words("permission", acts, PERMISSIONS)
        check_words("purpose", purposes, PURPOSES)
        return Use(acts, self.at, territory_of(territory), seats, purposes)

    @property
    def not_proven(self) -> list[str]:
        """Return the facts that a mix does not prove, as sentences for messages."""
        grants = "grants that are neither beside a delivery nor imported"
        if self.key is None:
            grants = "grants to you: no key of yours could be read; lyrikstore key list shows yours"
        return [
            "not looked at: the data itself (lyrikstore verify)",
            "not looked at: what the log proofs of a delivery show, and whether its log forked",
            f"not counted: {grants}",
            "words of terms are compared; no contract and no law is read",
        ]


def source_of_file(
    label: str, data: bytes, siblings: Mapping[str, bytes], asker: Asker
) -> TermSource:
    """Return the source of terms for a credential in a file.

    Args:
        label: Its name in messages, if it does not state a name.
        data: The credential's bytes.
        siblings: File name → the sibling files: grants, status lists, successors, and the policies
            with the state of the issuer's key.
        asker: The user who requests the use.

    Raises:
        InvalidInputError: (``not-a-credential``) it does not claim to be a dataset credential. If
            it does but is invalid, all its terms are unknown.
    """
    opened = OpenedCredential(data)
    if opened.kind is GRANT:
        raise InvalidInputError(
            "not-a-credential",
            f"{label} is a licence grant, which has no terms for everybody",
            hint="to see its acts and holder, run: lyrikstore verify; to use it in runs, import "
            "it: docs/grants.md",
        )
    if opened.kind is not DATASET:
        raise InvalidInputError(
            "not-a-credential",
            f"{label} is not a dataset credential of lyrikstore, so it has no terms",
            hint="name the credential.json of a delivery, the delivery's folder, or a dataset",
        )
    others = {name: OpenedCredential(one) for name, one in siblings.items()}
    status_updates = StatusUpdates.among(others.values())
    source, claims = _source(label, opened, asker, status_updates)
    if claims is None or source.credential is None:
        return source
    about = Published(claims.manifest, claims.tree, claims.name, claims.store)
    files = SiblingFiles.unnamed([opened, *(others[name] for name in sorted(others))])
    grants = [one for one in files.all if one.kind is GRANT]
    held = [_held(one, files, about, _all_of, asker, status_updates) for one in grants]
    other = files.other_version(opened, GRANT)
    return replace(source, grants=_worth_naming(held, source), other_version=other)


def _source(
    label: str, opened: OpenedCredential, asker: Asker, status_updates: StatusUpdates
) -> tuple[TermSource, Claims | None]:
    outcome = check_credential(
        opened, trust=asker.trust, at=asker.at, status_updates=status_updates
    )
    claims, checks = outcome.claims, (*outcome.checks, outcome.check_key(status_updates))
    verdict = decide(checks, PROCEDURES["credential"].required)
    decisive = _decisive(checks)
    why = "" if decisive is None else decisive.summary
    if claims is None or not outcome.signature_valid:  # no one has signed its claims
        return TermSource(label, None, why, verdict=verdict), None
    licences = [claims.terms.licence, *(part.licence for part in claims.terms.partitions)]
    described = {field["field"]: field for field in claims.subject["descriptor"]}
    known = TermSource(
        claims.name,
        claims.terms,
        credential=str(opened.digest),
        issuer=outcome.issuer,
        verdict=verdict,
        own_word=other_holder(licences, described.get("origin", {})),
    )
    if verdict is Verdict.INVALID:
        return replace(known, terms=None, problem=why), claims
    return replace(known, note=why), claims


def _held(
    opened: OpenedCredential,
    siblings: SiblingFiles,
    about: Published,
    used: Used,
    asker: Asker,
    status_updates: StatusUpdates,
) -> HeldGrant | None:
    """Return a grant as it applies to the user; None if it is unsigned or about other data."""
    terms = siblings.terms_of(opened)
    key = asker.key
    holder = Holder("") if key is None else holder_of(opened, key, asker.trust, asker.at)
    outcome = check_grant(
        opened,
        trust=asker.trust,
        at=asker.at,
        status_updates=status_updates,
        terms=terms,
        holder=holder,
    )
    grant, checks = outcome.grant, outcome.checks
    if grant is None or not outcome.envelope.signature_valid:
        return None
    if not about.is_meant(grant):
        return None
    partitions: tuple[Partition, ...] = ()
    if terms is not None and check_of(checks, "grant.terms").state in _SOUND:
        partitions = within(grant, terms, used)
    found = HeldGrant(
        str(opened.digest),
        outcome.envelope.issuer,
        grant.holder,
        grant.permits,
        grant.requires,
        UsageLimits.of(grant.limits),
        partitions,
        decide(checks, PROCEDURES["grant"].required),
    )
    if check_of(checks, "grant.holder").state is CheckState.FAIL:
        note = f"it is to {grant.holder}, and not to {key or 'a key of yours'}"
        return replace(found, reason="other-holder" if key else "no-key", note=note)
    decisive = _decisive(checks)
    if decisive is None:
        return found
    return replace(found, reason=str(decisive.detail["reason"]), note=decisive.summary)


def _worth_naming(held: Iterable[HeldGrant | None], source: TermSource) -> tuple[HeldGrant, ...]:
    """Return the grants to the user, and grants to others by the issuer of the terms."""
    # ATTACK: a thousand grants to others, by unknown issuers, hide the grants to the user.
    return tuple(
        one for one in held if one is not None and (one.is_yours or one.issuer == source.issuer)
    )


def _all_of(terms: Terms) -> PartitionsUsed:
    return PartitionsUsed(tuple(partition.name for partition in terms.partitions))


def _decisive(checks: Iterable[Check]) -> Check | None:
    """Return the check because of which a credential is not trusted, or None."""
    for state in (CheckState.FAIL, CheckState.UNCHECKED, CheckState.WARN):
        for check in checks:
            if check.state is state and (state is not CheckState.WARN or check.id in TRUST_CHECKS):
                return check
    return None


def sources_of_datasets(
    repository: Repository, used: Sequence[Manifest], asker: Asker
) -> list[TermSource]:
    """Return the sources of terms for datasets and models in a store.

    The sources of a model are the datasets that it and its base models were trained on (spec
    §12.7); data that it generated has the same sources. For each source the newest credential
    counts that is valid and in force; credentials by an issuer whom the user trusts take
    precedence. Grants to the user in the store's log count, too.

    Args:
        repository: The store.
        used: The datasets and models; filtered datasets use the partitions whose files they kept,
            and unions the sources of which they have a record.
        asker: The user who requests the use.

    Raises:
        NotFoundError, IncompleteError: A part of the lineage is missing.

    Cost: see :func:`terms_of_sources`.
    """
    lineage, closure = _rests_on(repository, used)
    found = terms_of_sources(repository, lineage, closure.sources, closure.datasets, asker)
    ways = [closure.through.get(source.id) for source in closure.sources]
    return [
        replace(one, through="" if model is None else model.name)
        for one, model in zip(found, ways, strict=True)
    ]


def terms_of_sources(
    repository: Repository,
    lineage: Lineage,
    sources: Iterable[Manifest],
    datasets: Sequence[Manifest],
    asker: Asker,
) -> list[TermSource]:
    """Return the terms of each of ``sources`` in a mix of ``datasets``, in the order of sources.

    Args:
        repository: The store.
        lineage: The lineage of the datasets.
        sources: Datasets without dataset inputs.
        datasets: The used datasets, which are made from them.
        asker: The user who requests the use.

    Cost: see :class:`SourcesHeld`, if a dataset was made from several datasets.
    """
    status_updates = logged_status_updates(repository)
    log = check_remembered(repository, repository.checkpoint, repository.records, repository.memory)
    held = SourcesHeld(lineage, repository.tree, repository.blobs.open)
    found = []
    for source in sources:
        records = held.of(datasets, source.id)
        if records.held is Held.NONE:
            found.append(TermSource(source.name, None, freed=source.id))
            continue
        logged = _as_of(log, _logged(repository, lineage, source, datasets, asker, status_updates))
        if records.held is Held.NOT_CHECKED:
            logged = replace(logged, note=logged.note or records.unsure(source.name))
        found.append(logged)
    return found


def asserted_models(repository: Repository, used: Sequence[Manifest]) -> list[AssertedModel]:
    """Return the imported models that datasets and models in a store are derived from.

    Their licence is only asserted by the committer, and permits nothing here.

    Raises:
        NotFoundError, IncompleteError: A part of the lineage is missing.
    """
    return [
        AssertedModel(one.name, one.id, one.body.get("rights", {}).get("asserted"))
        for one in _rests_on(repository, used)[1].models
    ]


def _rests_on(repository: Repository, used: Sequence[Manifest]) -> tuple[Lineage, RightsClosure]:
    start = [one.id for one in used]
    lineage = Lineage.read(repository, *start)
    return lineage, lineage.rests_on(start, strict=True)


def _as_of(log: Check, source: TermSource) -> TermSource:
    # Entries missing from the log could revoke any credential.
    if log.state is CheckState.FAIL:
        return replace(source, terms=None, problem=log.summary, verdict=Verdict.INVALID, grants=())
    if log.state is not CheckState.UNCHECKED:
        return source
    held = tuple(_open(grant, log) for grant in source.grants)
    return replace(_open(source, log), grants=held)


def _open(one: _Judged, log: Check) -> _Judged:
    if one.verdict is Verdict.INVALID:
        return one
    return replace(one, note=log.summary, verdict=Verdict.INCOMPLETE)


def _logged(
    repository: Repository,
    lineage: Lineage,
    source: Manifest,
    datasets: Sequence[Manifest],
    asker: Asker,
    status_updates: StatusUpdates,
) -> TermSource:
    try:
        found = logged_terms(repository, source)
    except LyrikstoreError as error:
        return TermSource(source.name, None, f"whose it is cannot be read: {error.message}")
    about = found.about
    rows = RowsHeld(repository.blobs.open)

    def used(terms: Terms) -> PartitionsUsed:
        return partitions_used(
            terms,
            source,
            datasets,
            lineage=lineage,
            tree_of=repository.tree,
            rows=rows,
        )

    logged, candidates = _sound(source, found)
    for one in logged:
        if one.kind is DATASET:
            candidates.append(_about(source, about, one, asker, status_updates))
    sound = [item for item in candidates if item.terms is not None]
    best = next(
        (item for item in sound if item.verdict is Verdict.TRUSTED), sound[0] if sound else None
    )
    if best is None or best.terms is None:
        best = (
            candidates[0] if candidates else TermSource(source.name, None, "it has no credential")
        )
    else:
        read = used(best.terms)
        best = replace(best, used=read.names, note=best.note or read.unread)
    siblings = SiblingFiles.unnamed(logged)
    grants = [one for one in logged if one.kind is GRANT]
    held = [_held(one, siblings, about, used, asker, status_updates) for one in grants]
    if best.terms is not None and source.id == about.manifest:
        by = next(one.signer for one in logged if str(one.digest) == best.credential)
        stated = [part.licence for part in best.terms.partitions]
        own = by in _own_keys(repository)
        other = other_holder_of(repository, source, stated) if own else None
        best = replace(best, own_word=other)
    return replace(best, grants=_worth_naming(held, best))


def _own_keys(repository: Repository) -> frozenset[str]:
    policy = repository.policy
    return policy.keys.union(item.key for item in policy.retired)


def _sound(source: Manifest, found: LoggedTerms) -> tuple[list[OpenedCredential], list[TermSource]]:
    """Return the credentials logged about a dataset, newest first, and the unreadable ones."""
    silent = [
        TermSource(source.name, None, f"its credential cannot be read: {one.reason}")
        for one in reversed(found.unread)
    ]
    problem = "its credential is by a key compromised by then"
    silent += [
        TermSource(source.name, None, problem, verdict=Verdict.INVALID)
        for one in reversed(found.documents)
        if one.suspect and one.opened.kind is DATASET
    ]
    return [one.opened for one in reversed(found.documents) if not one.suspect], silent


def _about(
    source: Manifest,
    about: Published,
    opened: OpenedCredential,
    asker: Asker,
    status_updates: StatusUpdates,
) -> TermSource:
    found, claims = _source(source.name, opened, asker, status_updates)
    if claims is not None and not about.is_meant(claims):
        problem = "its credential is about something else"  # attack case A44
        return TermSource(source.name, None, problem, verdict=Verdict.INVALID)
    return found
