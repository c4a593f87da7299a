"""Credentials about datasets: said, measured, signed and logged (spec §14.2).

What they say beyond the manifest is measured while the records are read. A delivery is the folder
that goes with one (:mod:`lyrikstore.publish.issue.delivery`); one's own use needs none.
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
from lyrikstore.publish.issue.hand_on import FirstPublisher, HeldTerms, hold_to_sources
from lyrikstore.publish.issue.issue import places_for
from lyrikstore.publish.issue.licence_texts import licence_texts
from lyrikstore.publish.issue.publisher_evidence import CarriedEvidence, carry
from lyrikstore.publish.issue.record_commitment import Commitment, commit_to_records
from lyrikstore.verify.datasets.licences import LicenceCount, count_licences

MAX_VALIDITY = timedelta(days=3660)


class IssueResult(Struct, frozen=True):
    """What was issued.

    Attributes:
        manifest: The dataset version it is about.
        credential: The signed credential.
        credential_id: BLAKE3 of its bytes.
        log_index: Where the credential stands in the log.
        records: The ``records`` manifest.
        records_new: Whether that was made by this call.
        salts_carried: Records that keep the salt they had in the version committed to before.
        files: Files of the dataset.
        bytes: Bytes of the dataset.
        valid_from: First moment of validity.
        valid_until: Last moment of validity, or None for no end.
        descriptor: How many descriptor fields are in each state.
        not_described: Fields that the version's descriptor leaves out altogether; versions made
            by this program leave out none, an imported one may.
        terms: What it permits, prohibits and requires.
        publishers: Whose data it is about, where it is not all the issuer's own.
        taken_over: What their terms demand that the offer did not say, for people.
        left_out: Those of them whose credential does not go with the data.
        licences: What the version and its records state of licences.
        narrower: Where its terms are narrower than the public licence that is stated.
        delivery: The log entry that says to whom it was handed, where somebody was named.
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
    """Issue and log a credential about a dataset version, and write nothing to hand over.

    For what one's own people do with one's own data, who have the log.

    Args:
        context: The store, and the issuer, or whoever signs for the organisation that is; the trust
            is theirs in publishers of others' data.
        ref: A dataset version that is or was the current one of its name.
        offer: What the credential says beyond the manifest.
        issuance: In whose name, and how it may end; None: the signer's.
        valid_for: How long, from the clock's now, at most ten years; None for no end.
        version: A version label for people.

    Raises:
        InvalidInputError: (``wrong-object``) not a dataset, or one without effect in this store;
            (``bad-validity``, ``unknown-word``, ``contradiction``, ``licence-text``,
            ``bad-partition``) see above.
        ConflictError: (``ref-moved``) somebody else issued meanwhile.
        PolicyError: (``unauthorised``, ``retired-key``) the store's policy does not let this key
            issue; (``too-many-policies``) it says more of its keys than verifiers read;
            (``not-the-issuer``) another one issued what this is to replace;
            (``wider-than-sources``) it rests on data of others, who permit less.
        IncompleteError: (``retired``) a signed retention says that its data goes.
        IncompleteError, VerificationError, NotFoundError: The data is lost or damaged.

    Cost: reads the data once, and the version committed to before once.
    """
    draft = DatasetDraft.of(context, context.resolve(ref), offer, issuance, valid_for, version)
    return draft.issue(draft.commit_records())[1]


class DatasetDraft(Struct, frozen=True):
    """A credential about a dataset, up to what has to be measured for it."""

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
        """Return it, once it is known that these terms make a credential."""
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
        book, entries = places_for(repository, issuance.status_url, issuer)
        lists = book.signed(entries, issuer.signer, clock)
        metadata = replace(metadata, status=entries)
        label: dict[str, JSON] = {} if version is None else {"version": version}
        # Before an hour of reading: do the terms make a credential? Records are counted later.
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
            [data for url, data in lists.items() if (url, issuer.did) not in book.lists],
            recipes,
            Measurement(recipes),
            held,
            carried,
            count_licences(manifest.body, tree),
        )

    def commit_records(self) -> Commitment:
        """Return a commitment to the records, which are measured on the way."""
        progress = in_phase(self.context.progress, "records")
        return commit_to_records(self.context, self.manifest, self.measurement, progress)

    def issue(
        self, commitment: Commitment, *, to: str = ""
    ) -> tuple[Mapping[str, Any], IssueResult]:
        """Sign and log it; return what it says, and what was made.

        Args:
            commitment: To the records.
            to: To whom it is handed, which is logged with it; empty: to nobody by name.
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
        """What is stated of licences, with what was measured of rows; once they were read."""
        found, recipe = self.licences, licence_recipe(self.manifest.body)
        if found.unstated is not None or recipe is None:
            return found
        share = self.measurement.values()[self.recipes.index(recipe)].value
        return found if share is None else replace(found, unstated=int(share * found.records))


def _end(start: datetime, valid_for: timedelta | None) -> datetime | None:
    if valid_for is None:
        return None
    if not timedelta(0) < valid_for <= MAX_VALIDITY:
        raise InvalidInputError(
            "bad-validity", "a credential is valid for more than nothing and at most ten years"
        )
    return start + valid_for


def _check_manifest(repository: Repository, manifest: Manifest) -> None:
    if manifest.kind != "dataset":
        raise InvalidInputError(
            "wrong-object",
            f"{manifest.name} is a {manifest.kind}; deliveries are made of datasets",
        )
    state = repository.refs.get(manifest.name)
    if state is None or manifest.id not in state.history:
        raise InvalidInputError(
            "wrong-object",
            f"manifest {manifest.id.short} never was the current {manifest.name} of this store",
            hint="lyrikstore log lists the versions",
        )
    repository.proof_for(repository.index_of(manifest.id))  # before any work: it was pushed


def _claims(
    manifest: Manifest,
    recipes: Sequence[Mapping[str, JSON]],
    measurement: Measurement,
    offer: Offer,
    issuer: str,
) -> dict[str, JSON]:
    """Return what can be stated beyond the manifest because it was measured just now."""
    own = licence_recipe(manifest.body)
    # What nobody asked for is left out where these records cannot be measured by it.
    found = [
        (recipe, value)
        for recipe, value in zip(recipes, measurement.values(), strict=True)
        if recipe != own or value.value is not None
    ]
    quality: list[JSON] = [*claims_of(*map(list, zip(*found, strict=True)))]
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
    """Return a listener that tells another one which phase it is."""
    return lambda step: progress(step._replace(phase=phase))
