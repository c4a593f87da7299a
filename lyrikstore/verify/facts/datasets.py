"""Facts about the partitions of datasets that a use rests on (spec §21.7.1).

A source dataset enters with the facts that its committer stated. What a later step adds, such as a
de-identification or a scan, counts only if all records of the source passed through it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.timestamps import parse_timestamp
from lyrikstore.credentials.model.credential import ATTESTATION, DATASET
from lyrikstore.credentials.terms.claim import licence_ids
from lyrikstore.credentials.terms.model import NO_LICENCE, WHOLE, Partition, Use
from lyrikstore.credentials.terms.usage import RowsHeld, partitions_used
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.lineage import Lineage, RightsClosure
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.policy.approving import last_key
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.credential.attestation import check_attestation
from lyrikstore.verify.credential.status import LoggedStatusUpdates, StatusUpdates
from lyrikstore.verify.datasets.imported import published_manifest
from lyrikstore.verify.facts.resource import Resource, worst_of
from lyrikstore.verify.facts.reviews import LoggedReviews, labels_reviewed
from lyrikstore.verify.report import CheckState
from lyrikstore.verify.rights.grants import published
from lyrikstore.verify.rights.judge import LoggedDocument, Request, RightCandidate
from lyrikstore.verify.rights.search import FoundRight, find_right

NOT_EVALUATED, UNKNOWN, NOT_APPLICABLE = "not-evaluated", "unknown", "not-applicable"
NOT_MEASURED: Final = -1

_CLASSES: Final[Mapping[str, frozenset[str]]] = {
    "personal": frozenset({"pi", "personal", "spi"}),
    "health": frozenset({"phi", "health"}),
    "financial": frozenset({"pfi", "pci", "financial"}),
    "privileged": frozenset({"privilege", "privileged"}),
}
"""Class → the members of the descriptor's field ``classification`` that state it."""

_FOUND_ORDER = ("present", NOT_EVALUATED, "absent")
_BASIS_ORDER = (UNKNOWN, "human-asserted", "tool-asserted", "measured")
_METHOD_ORDER = (
    UNKNOWN,
    "none",
    "redacted",
    "pseudonymised",
    "expert-determination",
    "safe-harbor",
)
_STATES: Final[Mapping[str, str]] = {
    "revoked": "revoked",
    "suspended": "suspended",
    "expired": "ended",
    "superseded": "ended",
}
_STATE_ORDER = ("suspended", "revoked", "ended", UNKNOWN, "none")
_PROVEN = ("format", "schema", "proof", "issuer.binding", "period", "status", "issuer.key")
_GOOD = frozenset({CheckState.PASS, CheckState.STATED, CheckState.NOT_APPLICABLE})
_DAY: Final = 86_400
_SCAN, _REDACT = "scan/", "redact/"


class DataUse(Struct, frozen=True):
    """The use for which rights are looked up.

    Attributes:
        used: Ids of the datasets, and of the model, that are used.
        acts: The permissions that the use needs.
        use: The use as terms judge it, without its acts.
        holder: DID of the user, whose licence grants count; empty: none count.
    """

    used: tuple[Digest, ...]
    use: Use
    holder: str


def dataset_resources(
    repository: Repository, lineage: Lineage, data: DataUse, index: int
) -> Iterator[Resource]:
    """Yield a resource for each partition of each source that a use rests on.

    Args:
        repository: The store.
        lineage: The lineage of what is used.
        data: The use.
        index: Facts follow from the entries before this log index.

    Raises:
        LyrikstoreError: Part of the lineage cannot be followed, or a manifest cannot be read.

    Cost: one ruling for each credential about a source; for terms with several partitions, the
        data is read (:func:`partitions_used`).
    """
    closure = lineage.rests_on(data.used, strict=True)
    facts = _Facts(repository, lineage, closure, data, index)
    for source in closure.sources:
        yield from facts.of(source)


class _Facts:
    """Computes the facts of the sources of one use."""

    def __init__(
        self,
        repository: Repository,
        lineage: Lineage,
        closure: RightsClosure,
        data: DataUse,
        index: int,
    ) -> None:
        self._repository, self._lineage, self._closure = repository, lineage, closure
        self._data, self._index = data, index
        self._behind = {one.id for one in lineage.datasets_behind(d.id for d in closure.datasets)}
        logged = repository.derived(LoggedStatusUpdates)
        self._updates: StatusUpdates = logged.before(index)
        self._unread = tuple(
            f"log entry {at} cannot be read: {error.message}"
            for at, error in logged.unread
            if at < index
        )
        self._now: datetime = repository.floor(index)
        self._rows = RowsHeld(repository.blobs.open)
        self._used = frozenset(one.id for one in closure.datasets)
        self._reviews = LoggedReviews(repository, index)

    def of(self, source: Manifest) -> Iterator[Resource]:
        """Yield the resources of one source."""
        right = self._right(source)
        on_the_way = self._on_the_way(source)
        evidence = {source.id, *right.evidence, *(one.id for one in on_the_way)}
        deidentification = self._deidentification(source, on_the_way, evidence)
        reviewed, reviews = labels_reviewed(on_the_way, self._filtered, self._used, self._reviews)
        evidence |= reviews
        common = {
            "rights": right.state,
            "issuers": sorted(right.issuers),
            **_classified(on_the_way),
            **deidentification,
            "agreements": sorted(_words_of(source, "agreements")),
            "purposes": sorted(_words_of(source, "purposes")),
            "synthetic": self._synthetic(source, on_the_way),
            "labelsReviewed": reviewed,
            "residualPerMille": self._residual(on_the_way),
            "ageDays": self._age(source),
        }
        about = frozenset(one.id for one in on_the_way)
        for partition in right.partitions:
            name = f"{source.name} {source.id.hex[:16]}"
            if len(right.partitions) > 1 or partition.name != WHOLE:
                name += f" {partition.name}"
            yield Resource(
                "Dataset",
                name,
                {
                    **common,
                    "licences": sorted(_licences(partition, right.licence)),
                    "permits": sorted(set(partition.permits)),
                    "prohibits": sorted(set(partition.prohibits)),
                },
                tuple(sorted(evidence)),
                about,
                (*self._unread, *right.unread),
            )

    def _on_the_way(self, source: Manifest) -> list[Manifest]:
        """Return the source, and the datasets made from it that the use rests on, in log order."""
        made = [one for one in self._lineage.made_of(source) if one.id in self._behind]
        return sorted(made, key=lambda one: self._repository.index_of(one.id))

    def _right(self, source: Manifest) -> "_FoundTerms":
        about = published(self._repository, source)
        used = partial(
            partitions_used,
            source=source,
            datasets=self._closure.datasets,
            lineage=self._lineage,
            tree_of=self._repository.tree,
            rows=self._rows,
        )
        request = Request(
            source,
            about,
            Use(
                self._data.use.acts,
                self._now,
                self._data.use.territory,
                self._data.use.seats,
                self._data.use.purposes,
            ),
            used,
            self._data.holder,
            Trust(),
            self._updates,
            self._index,
        )
        found = find_right(self._repository, request)
        if found.given is None:  # what it permits is a fact of its own
            without_acts = Use((), self._now, *_limits(self._data.use))
            again = find_right(self._repository, _with_use(request, without_acts))
            found = again if again.given is not None else found
        stated = source.body.get("licence", {}).get("expression")
        if found.given is None:
            candidates = [candidate for candidate, _ in found.made]
            return _FoundTerms(
                _state_of(found), (), (Partition(WHOLE),), stated, _ids(candidates), ()
            )
        candidate, ruling = found.given
        claims = candidate.credential.opened.claims_as(DATASET)
        if claims is None or ruling.right is None:  # a right has both
            return _FoundTerms(UNKNOWN, (), (Partition(WHOLE),), stated, _ids([candidate]), ())
        names = used(claims.terms)
        granted = () if candidate.grant is None else ruling.right.permits
        partitions = tuple(
            one.with_grant(granted)
            for one in claims.terms.named(names.names) or claims.terms.partitions
        )
        return _FoundTerms(
            "in-force",
            tuple(filter(None, (ruling.issuer,))),
            partitions,
            claims.terms.licence or stated,
            _ids([candidate]),
            tuple(filter(None, (names.unread,))),
        )

    def _deidentification(
        self, source: Manifest, on_the_way: Sequence[Manifest], evidence: set[Digest]
    ) -> dict[str, Any]:
        """Return the method that all records of a source passed through, and who attests it."""
        attested = {one.id: dict(self._attestations(one)) for one in on_the_way}

        def method(one: Manifest) -> str | None:
            if attested[one.id]:
                return "expert-determination"
            if one.id == source.id:
                return _method_at_source(one)
            redacted = any(use.startswith(_REDACT) for use in self._steps(one))
            return "redacted" if redacted else None

        found = self._through(on_the_way, method, _METHOD_ORDER, "none")
        known = {one.id for one in on_the_way if attested[one.id]}
        yes = self._through(
            on_the_way, lambda one: "yes" if one.id in known else None, ("no", "yes"), "no"
        )
        evidence.update(identity for some in attested.values() for identity in some)
        attesters = {issuer for some in attested.values() for issuer in some.values()}
        return {
            "deidentification": found,
            "deidentificationAttested": yes,
            "attesters": sorted(attesters),
        }

    def _through(
        self,
        on_the_way: Sequence[Manifest],
        of: Callable[[Manifest], str | None],
        order: Sequence[str],
        missing: str,
    ) -> str:
        """Return the worst word over the ways from what is used to a source.

        On each way the word nearest to the use counts. A way without a word gives ``missing``.
        """
        # ATTACK A166: a union of redacted records with those they were redacted from.
        known: dict[Digest, str | None] = {}
        for one in on_the_way:
            own = of(one)
            before = [known[parent] for parent in one.made_from if parent in known]
            if own is not None:
                known[one.id] = own
            elif not before:
                known[one.id] = None
            else:
                known[one.id] = worst_of([word or missing for word in before], order)
        ends = [known[one.id] for one in self._closure.datasets if one.id in known]
        return worst_of([word or missing for word in ends] or [missing], order)

    def _attestations(self, dataset: Manifest) -> Iterator[tuple[Digest, str]]:
        """Yield the determinations about a dataset by others that are in force, with issuers."""
        about = published(self._repository, dataset) if not dataset.made_from else None
        named = dataset.id if about is None else about.manifest
        author = dataset.author if about is None else about.author
        for entry in self._repository.credentials_about(named):
            if entry.index >= self._index:
                continue
            try:
                one = LoggedDocument.read(self._repository, entry.id)
            except LyrikstoreError:  # `unread` has it
                continue
            if one.opened.kind is not ATTESTATION or one.suspect:
                continue
            checked = check_attestation(
                one.opened, trust=Trust(), at=self._now, status_updates=self._updates
            )
            statement, issuer = checked.statement, checked.envelope.issuer
            if (
                statement.get("kind") == "deidentification"
                and statement["examined"]["content"] == "checked"
                and all(checked.state(check) in _GOOD for check in _PROVEN)
                and issuer is not None
                and self._is_another(issuer, {author, dataset.author})
            ):
                yield one.id, issuer

    def _is_another(self, issuer: str, authors: set[str]) -> bool:
        """Return whether an issuer is none of the authors, nor succeeds one or is succeeded."""
        # ATTACK: an author attests their own work with the key that theirs was replaced by.
        policy = self._repository.policy_before(self._index)
        return last_key(policy, issuer) not in {last_key(policy, one) for one in authors}

    def _synthetic(self, source: Manifest, on_the_way: Sequence[Manifest]) -> dict[str, str]:
        """Return the share of generated texts, and whether their terms permit training."""
        stated_by = published_manifest(self._repository, source) or source
        generators = list(stated_by.body.get("generators", ()))
        for one in on_the_way:
            generators += one.body.get("generators", ())
        value = _value_of(stated_by, "synthetic")
        share = value if value in {"none", "some", "all"} else UNKNOWN
        if not generators:
            terms = NOT_APPLICABLE if share in {"none", UNKNOWN} else UNKNOWN
            return {"share": share, "outputTerms": terms}
        permits = {one["outputTerms"]["permitsTraining"] for one in generators}
        terms = next((word for word in ("no", "unknown", "yes") if word in permits), "unknown")
        whole = stated_by.body.get("origin") == "generated"
        return {
            "share": "all" if whole else "some",
            "outputTerms": {"no": "prohibits", "yes": "trains"}.get(terms, UNKNOWN),
        }

    def _residual(self, on_the_way: Sequence[Manifest]) -> int:
        """Return how many of 1,000 records had personal data at the last scan of all records."""

        def scanned(one: Manifest) -> str | None:
            count = self._scanned(one)
            return None if count is None else str(count)

        counts = [scanned(one) for one in on_the_way]
        order = ["missing", *sorted({one for one in counts if one}, key=int, reverse=True)]
        found = self._through(on_the_way, scanned, order, "missing")
        return NOT_MEASURED if found == "missing" else int(found)

    def _steps(self, dataset: Manifest) -> list[str]:
        """Return the steps of the filters that made a dataset, such as ``redact/3``, in order."""
        return [step["use"] for step in self._filtered(dataset)]

    def _filtered(self, dataset: Manifest) -> list[Mapping[str, Any]]:
        """Return the steps of the filters that made a dataset, with their settings."""
        filters = [self._lineage.get(one.id) for one in dataset.inputs_in("filter")]
        return [step for one in filters if one for step in one.body.get("steps", ())]

    def _scanned(self, dataset: Manifest) -> int | None:
        """Return the records with personal data among 1,000 that a scan found, rounded up."""
        derivation = dataset.body.get("derivation")
        used = self._steps(dataset)
        if derivation is None or not any(use.startswith(_SCAN) for use in used):
            return None
        last = max(at for at, use in enumerate(used) if use.startswith(_SCAN))
        if any(use.startswith(_REDACT) for use in used[last:]):
            return None  # what was found before the redaction says nothing of what is left
        # Several kinds in one record are counted several times: never too few.
        found: int = sum(
            int(count)
            for reason, count in derivation.get("reported", {}).items()
            if reason.startswith("found-")
        )
        records = max(1, int(dataset.body["records"]))
        return min(1000, -(-1000 * found // records))

    def _age(self, source: Manifest) -> int:
        """Return the days from the date of the publisher's manifest to the latest logged date."""
        stated_by = published_manifest(self._repository, source) or source
        try:
            made = parse_timestamp(stated_by.created)
        except LyrikstoreError:
            return NOT_MEASURED
        return max(0, int((self._now - made).total_seconds()) // _DAY)


class _FoundTerms(Struct, frozen=True):
    """The terms of a source that count, and their state."""

    state: str
    issuers: tuple[str, ...]
    partitions: tuple[Partition, ...]
    licence: str | None
    evidence: tuple[Digest, ...]
    unread: tuple[str, ...]


def _limits(use: Use) -> tuple[tuple[str, ...], int | None, tuple[str, ...]]:
    return use.territory, use.seats, use.purposes


def _with_use(request: Request, use: Use) -> Request:
    return Request(
        request.source,
        request.about,
        use,
        request.used,
        request.holder,
        request.trust,
        request.status_updates,
        request.index,
    )


def _ids(candidates: Iterable[RightCandidate]) -> tuple[Digest, ...]:
    return tuple(document.id for one in candidates for document in one.documents)


def _state_of(found: FoundRight) -> str:
    """Return the state of the rights to a source for which no candidate gives one."""
    states = {"none"}
    for _, ruling in found.made:
        if ruling.fault is None:
            states.add(UNKNOWN)
        else:
            states.add(_STATES.get(ruling.fault.code, "none"))
    if not found.made and found.why.code == "unreadable":
        states.add(UNKNOWN)
    return worst_of(states, _STATE_ORDER)


def _licences(partition: Partition, whole: str | None) -> set[str]:
    stated = partition.licence or whole
    if stated == NO_LICENCE:
        return {NO_LICENCE}
    return set(licence_ids(stated)) or {UNKNOWN}


def _field(dataset: Manifest, name: str) -> Mapping[str, Any]:
    found = dataset.body.get("descriptor", {}).get(name, {})
    return found if isinstance(found, Mapping) and found.get("state") == "value" else {}


def _value_of(dataset: Manifest, name: str) -> Any:
    return _field(dataset, name).get("value")


def _classified(on_the_way: Sequence[Manifest]) -> dict[str, Any]:
    """Return the classes of a source's data, and the basis.

    What the source states counts; a dataset made from it can only make it worse.
    """
    # ATTACK A177: a selection of the data, described as free of what nobody looked for.
    found: dict[str, list[str]] = {name: [] for name in _CLASSES}
    bases: list[str] = []
    for one in on_the_way:
        field = _field(one, "classification")
        value = field.get("value")
        stated = value if isinstance(value, Mapping) else {}
        is_source = one is on_the_way[0]
        if stated or is_source:
            base = field.get("basis")
            bases.append(base if base in _BASIS_ORDER else UNKNOWN)
        for name, members in _CLASSES.items():
            words = [str(stated[member]) for member in sorted(members & stated.keys())]
            if is_source and not words:
                words = [NOT_EVALUATED]
            found[name] += [word if word in _FOUND_ORDER else NOT_EVALUATED for word in words]
    return {
        "classification": {name: worst_of(words, _FOUND_ORDER) for name, words in found.items()},
        "classificationBasis": worst_of(bases, _BASIS_ORDER),
    }


def _words_of(dataset: Manifest, name: str) -> set[str]:
    """Return the words of a descriptor's field that is a word or a list of words."""
    value = _value_of(dataset, name)
    values = value if isinstance(value, list) else [value]
    return {word for word in values if isinstance(word, str)}


def _method_at_source(dataset: Manifest) -> str | None:
    """Return the method of de-identification that the committer of a source states, or None."""
    value = _value_of(dataset, "deidentification")
    word = value.get("method") if isinstance(value, Mapping) else value
    if isinstance(word, str) and word.startswith("personal data replaced by "):
        return "redacted"  # as `redact` states it, in a dataset that was imported since
    return word if word in _METHOD_ORDER else None
