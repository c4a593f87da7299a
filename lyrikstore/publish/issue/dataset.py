"""Dataset credentials: drafted, measured, signed and logged (spec §14.2).

Their statements beyond the manifest are measured while the records are read. A delivery is a folder
with such a credential and the data (:mod:`lyrikstore.publish.issue.delivery`); use in the own store
needs no folder.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Self

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import JSON
from lyrikstore.canon.progress import OnProgress
from lyrikstore.context import StoreContext
from lyrikstore.credentials.issue import issue
from lyrikstore.credentials.model.credential import DATASET, CredentialMetadata
from lyrikstore.credentials.model.dataset import build_dataset_credential
from lyrikstore.credentials.terms.model import Terms
from lyrikstore.credentials.terms.partitioning import assign
from lyrikstore.curate.descriptor import FIELDS
from lyrikstore.curate.terms.measures import (
    Measurement,
    claims_of,
    licence_recipe,
    recipes_for,
)
from lyrikstore.curate.terms.offer import Offer
from lyrikstore.curate.terms.public_licences import NarrowerTerms, narrower_terms
from lyrikstore.curate.terms.sources import Asker
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_tree
from lyrikstore.history.trees.tree import Tree
from lyrikstore.publish.deliveries import sign_delivery
from lyrikstore.publish.identity.issuer import Issuance, Issuer, check_current
from lyrikstore.publish.identity.key_statements import check_few_statements
from lyrikstore.publish.issue.issue import places_for
from lyrikstore.publish.issue.licence_texts import licence_texts
from lyrikstore.publish.issue.publisher_evidence import CarriedEvidence, carry
from lyrikstore.publish.issue.record_commitment import Commitment, commit_to_records
from lyrikstore.publish.issue.redistribution import FirstPublisher, HeldTerms, hold_to_sources
from lyrikstore.verify.datasets.licences import LicenceCount, count_licences

MAX_VALIDITY = timedelta(days=3660)


class IssueResult(Struct, frozen=True):
    """An issued dataset credential.

    Attributes:
        manifest: The dataset version it is about.
        credential: The signed credential.
        credential_id: BLAKE3 of its bytes.
        log_index: Log index of the credential.
        records: The ``records`` manifest.
        records_new: Whether this call made the ``records`` manifest.
        salts_carried: Number of records that keep their salt of the version committed to before.
        files: Files of the dataset.
        bytes: Bytes of the dataset.
        valid_from: First moment of validity.
        valid_until: Last moment of validity, or None for no end.
        descriptor: How many descriptor fields are in each state.
        not_described: Fields that the version's descriptor omits; only imported versions omit any.
        terms: What it permits, prohibits and requires.
        publishers: The first publishers of the data, where it is not all the issuer's own.
        taken_over: Duties and limits of their terms that the offer did not have, as text.
        left_out: Those publishers whose credential is not part of the delivery.
        licences: The licences that the version and its records state.
        narrower: Where the terms are narrower than the public licence that is stated.
        delivery: The ``delivery`` manifest that names the recipient, or None without a name.
    """

    manifest: Manifest
    credential: bytes
    credential_id: Digest
    log_index: int
    records: Manifest
    records_new: bool
    salts_carried: int
    files: int
    bytes: int
    valid_from: str
    valid_until: str | None
    descriptor: Mapping[str, int]
    not_described: tuple[str, ...]
    terms: Terms
    licences: LicenceCount
    narrower: tuple[NarrowerTerms, ...]
    publishers: tuple[FirstPublisher, ...] = ()
    taken_over: tuple[str, ...] = ()
    left_out: tuple[FirstPublisher, ...] = ()
    delivery: Manifest | None = None


def permit_dataset(
    context: StoreContext,
    ref: str | Manifest,
    *,
    offer: Offer,
    issuance: Issuance | None = None,
    valid_for: timedelta | None = None,
    version: str | None = None,
) -> IssueResult:
    """Issue and log a credential about a dataset version, without a delivery folder.

    For use of the data by users of this store, who have its log.

    Args:
        context: The store, and the signer: the issuer, or a person who signs for the organisation
            that issues. Its trust file decides which publishers of foreign data are believed.
        ref: A dataset version that is or was the current one of its name.
        offer: The terms and statements of the credential beyond the manifest.
        issuance: The issuer's name, and where its status lists are published; None: the signer
            issues, without status lists.
        valid_for: Validity from now, at most ten years; None for no end.
        version: A version label for people.

    Raises:
        InvalidInputError: (``wrong-object``) not a dataset, or a version that never was current in
            this store; (``bad-validity``) the validity is not positive, or more than ten years;
            (``unknown-word``, ``contradiction``, ``licence-text``, ``bad-partition``) the terms
            make no credential.
        ConflictError: (``ref-moved``) another process issued meanwhile.
        PolicyError: (``unauthorised``, ``retired-key``) the store's policy does not let this key
            issue; (``too-many-policies``) the store has more policies than verifiers read;
            (``not-the-issuer``) another issuer issued the credential that this one replaces;
            (``wider-than-sources``) the data rests on data of others, who permit less.
        IncompleteError: (``retired``) a signed retention removed its data.
        IncompleteError, VerificationError, NotFoundError: The data is lost or damaged.

    Cost: reads the data once, and the version committed to before once.
    """
    draft = DatasetDraft.of(context, context.resolve(ref), offer, issuance, valid_for, version)
    return draft.issue(draft.commit_records())[1]


class DatasetDraft(Struct, frozen=True):
    """A draft of a dataset credential, complete but for what is measured in the records."""

    context: StoreContext
    manifest: Manifest
    tree: Tree
    offer: Offer
    issuer: Issuer
    metadata: CredentialMetadata
    arguments: Mapping[str, Any]
    label: Mapping[str, JSON]
    texts: Sequence[tuple[str | None, bytes, str]]
    lists: Mapping[str, bytes]
    new_lists: Sequence[bytes]
    recipes: Sequence[Mapping[str, JSON]]
    measurement: Measurement
    held: HeldTerms
    carried: CarriedEvidence
    licences: LicenceCount

    @classmethod
    def of(
        cls,
        context: StoreContext,
        manifest: Manifest,
        offer: Offer,
        issuance: Issuance | None,
        valid_for: timedelta | None,
        version: str | None,
        *,
        hands_on: bool = False,
    ) -> Self:
        """Return the draft, after a check that these terms make a credential."""
        repository, signer, clock = context.repository, context.signer(), context.clock
        _check_manifest(repository, manifest)
        check_current(repository.policy, signer)
        check_few_statements(repository)
        valid_from = clock()
        issuance = issuance or Issuance()
        issuer = Issuer.of(signer, issuance.organisation, issuance.did_document, valid_from)
        held = hold_to_sources(
            repository,
            manifest,
            offer.terms,
            _end(valid_from, valid_for),
            Asker(context.trust, valid_from, signer.did),
            issuer.did,
            hands_on=hands_on,
        )
        offer = replace(offer, terms=held.terms)
        tree = present_tree(repository, manifest)
        carried = carry(repository, manifest, tree, held.publishers, valid_from)
        texts = licence_texts(repository, manifest, offer)
        arguments: dict[str, Any] = {
            "manifest": manifest,
            "tree": tree,
            "log_origin": repository.origin,
            "log_index": repository.index_of(manifest.id),
            "terms": offer.terms,
            "licence_texts": [(name, data) for name, data, _ in texts],
        }
        metadata = issuer.metadata(issuance, DATASET, valid_from, held.until)
        registry, entries = places_for(repository, issuance.status_url, issuer)
        lists = registry.signed(entries, issuer.signer, clock)
        metadata = replace(metadata, status=entries)
        label: dict[str, JSON] = {} if version is None else {"version": version}
        # Check the terms before the records are read, which may take an hour, and are counted then.
        everything = [manifest.body["records"], *[0] * (len(offer.terms.partitions) - 1)]
        build_dataset_credential(
            metadata, **arguments, records=None, partition_records=everything, more=label
        )
        wanted = [{"use": "exactDuplicateRate/1"}, licence_recipe(manifest.body), *offer.measures]
        recipes = recipes_for([one for one in wanted if one is not None], tree)
        return cls(
            context,
            manifest,
            tree,
            offer,
            issuer,
            metadata,
            arguments,
            label,
            texts,
            lists,
            [data for url, data in lists.items() if (url, issuer.did) not in registry.lists],
            recipes,
            Measurement(recipes),
            held,
            carried,
            count_licences(manifest.body, tree),
        )

    def commit_records(self) -> Commitment:
        """Return a commitment to the records, which are measured while they are read."""
        progress = in_phase(self.context.progress, "records")
        return commit_to_records(self.context, self.manifest, self.measurement, progress)

    def issue(
        self, commitment: Commitment, *, to: str = ""
    ) -> tuple[Mapping[str, Any], IssueResult]:
        """Sign and log the credential; return its document, and the result.

        Args:
            commitment: The commitment to the records.
            to: Name or DID of the recipient, which is logged too; empty: no delivery is logged.
        """
        claims = _claims(self.manifest, self.recipes, self.measurement, self.offer, self.issuer.did)
        document = build_dataset_credential(
            self.metadata,
            **self.arguments,
            records=commitment.manifest,
            partition_records=_partition_records(self.tree, self.offer.terms, commitment.counts),
            more={**self.label, **claims},
        )
        self.issuer.pin(document)
        self.carried.pin(document)
        credential = issue(document, self.issuer.signer, self.metadata.valid_from)
        new = [*self.new_lists, *self.issuer.to_log(self.context.repository), credential]
        delivery = None
        if to:
            delivery = sign_delivery(
                self.context,
                self.manifest,
                form="credential",
                to=to,
                credential=Digest.of(credential),
            )
        index = _log(self.context.repository, commitment, new, delivery)
        fields: dict[str, dict[str, Any]] = self.manifest.body["descriptor"]
        subject: Any = document["credentialSubject"]
        states = [field["state"] for field in fields.values()]
        return document, IssueResult(
            manifest=self.manifest,
            credential=credential,
            credential_id=Digest.of(credential),
            log_index=index,
            records=commitment.manifest,
            records_new=commitment.new,
            salts_carried=commitment.carried,
            files=len(self.tree.entries),
            bytes=self.tree.total_bytes,
            valid_from=str(document["validFrom"]),
            valid_until=None if "validUntil" not in document else str(document["validUntil"]),
            descriptor={s: states.count(s) for s in ("value", "unknown", "not-applicable")},
            not_described=tuple(sorted(FIELDS.keys() - fields.keys())),
            terms=self.offer.terms,
            publishers=self.held.publishers,
            taken_over=self.held.taken_over,
            left_out=self.carried.left_out,
            licences=self.counted,
            narrower=tuple(narrower_terms(Terms.of(subject["licence"]))),
            delivery=delivery,
        )

    @property
    def counted(self) -> LicenceCount:
        """The licences that the dataset states, with the counts measured in its rows."""
        count, recipe = self.licences, licence_recipe(self.manifest.body)
        if count.unstated is not None or recipe is None:
            return count
        share = self.measurement.values()[self.recipes.index(recipe)].value
        return count if share is None else replace(count, unstated=int(share * count.records))


def _end(start: datetime, valid_for: timedelta | None) -> datetime | None:
    if valid_for is None:
        return None
    if not timedelta(0) < valid_for <= MAX_VALIDITY:
        raise InvalidInputError(
            "bad-validity", "the validity of a credential must be above zero, at most ten years"
        )
    return start + valid_for


def _check_manifest(repository: Repository, manifest: Manifest) -> None:
    if manifest.kind != "dataset":
        raise InvalidInputError(
            "wrong-object",
            f"{manifest.name} is a {manifest.kind}; only datasets can be issued",
        )
    state = repository.refs.get(manifest.name)
    if state is None or manifest.id not in state.history:
        raise InvalidInputError(
            "wrong-object",
            f"manifest {manifest.id.short} never was the current {manifest.name} of this store",
            hint="list its versions: lyrikstore log NAME",
        )
    repository.proof_for(repository.index_of(manifest.id))  # raises unless it was pushed


def _claims(
    manifest: Manifest,
    recipes: Sequence[Mapping[str, JSON]],
    measurement: Measurement,
    offer: Offer,
    issuer: str,
) -> dict[str, JSON]:
    """Return the claims beyond the manifest: those measured just now, and those of the offer."""
    own = licence_recipe(manifest.body)
    # The recipe that is added by default is omitted where it cannot measure these records.
    measured = [
        (recipe, value)
        for recipe, value in zip(recipes, measurement.values(), strict=True)
        if recipe != own or value.value is not None
    ]
    quality: list[JSON] = [*claims_of(*map(list, zip(*measured, strict=True)))]
    derivation = manifest.body.get("derivation", {})
    counts = derivation.get("counts", {})
    for reason, count in sorted(derivation.get("dropped", {}).items()):
        quality.append(
            {
                "type": "QualityMeasurement",
                "metric": f"droppedRecords:{reason}"[:200],
                "value": str(count),
                "basis": "tool-asserted",
                "method": f"records the filter dropped for this reason, of {counts['in']} seen",
            }
        )
    claims: dict[str, JSON] = {"quality": [*quality, *map(dict, offer.quality)][:1000]}
    if offer.regulatory:
        claims["regulatory"] = [_warranted(statement, issuer) for statement in offer.regulatory]
    return claims


def _partition_records(tree: Tree, terms: Terms, counts: Sequence[int]) -> list[int]:
    totals = [0] * len(terms.partitions)
    for number, count in zip(assign(tree, terms.partitions), counts, strict=True):
        totals[number] += count
    return totals


def _warranted(statement: Mapping[str, JSON], issuer: str) -> dict[str, JSON]:
    party: dict[str, JSON] = dict(statement["warrantedBy"])
    if party.keys() == {"type"}:
        party["did"] = issuer
    return {**statement, "warrantedBy": party}


def _log(
    repository: Repository,
    commitment: Commitment,
    credentials: list[bytes],
    delivery: Manifest | None,
) -> int:
    with open_transaction(repository) as transaction:
        if commitment.new:
            transaction.writer.put_bytes(commitment.salts)
            transaction.log_manifest(commitment.manifest)
        for credential in credentials:
            transaction.log_credential(credential)
        if delivery is None:
            return transaction.commit()[-1]
        transaction.log_manifest(delivery)
        return transaction.commit()[-2]


def in_phase(progress: OnProgress, phase: str) -> OnProgress:
    """Return a progress callback that adds the name of a phase and calls another callback."""
    return lambda step: progress(step._replace(phase=phase))
