"""Deliveries: a folder that a buyer can check without us, a store or a network (spec §14.1-14.3).

The credential is logged only once the data lies there checked, so that neither a half delivery nor
a credential for nothing is left behind.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, NotFoundError
from lyrikstore.canon.json import JSON, parse
from lyrikstore.canon.progress import OnProgress, silent
from lyrikstore.canon.timestamps import Clock
from lyrikstore.credentials.issue import issue
from lyrikstore.credentials.model.credential import DATASET, Claims
from lyrikstore.credentials.model.dataset import build_dataset_credential
from lyrikstore.credentials.terms.claim import text_name
from lyrikstore.credentials.terms.model import Terms
from lyrikstore.credentials.terms.partitioning import assign
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.curate.descriptor import FIELDS
from lyrikstore.curate.terms.measures import Measurement, claims_of, recipes_for
from lyrikstore.curate.terms.offer import Offer
from lyrikstore.history.checkout.checkout import checkout_tree
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.trees.tree import Tree
from lyrikstore.publish.identity.issuer import Issuance, Issuer, check_current
from lyrikstore.publish.identity.key_statements import (
    check_few_statements,
    credential_proof,
    key_statements,
)
from lyrikstore.publish.identity.log_heads import consistency_of
from lyrikstore.publish.imports.attestations import collect
from lyrikstore.publish.issue.atomic_folder import building, check_place, put_in_place, write_files
from lyrikstore.publish.issue.issue import places_for
from lyrikstore.publish.issue.readme import delivery_readme
from lyrikstore.publish.issue.record_commitment import Commitment, commit_to_records

MAX_LICENCE_BYTES = 16 << 20
MAX_VALIDITY = timedelta(days=3660)


class DeliveryResult(Struct, frozen=True):
    """What was issued.

    Attributes:
        folder: The delivery.
        manifest: The dataset version it is about.
        credential: The signed credential.
        credential_id: BLAKE3 of its bytes.
        log_index: Where the credential stands in the log.
        records: The ``records`` manifest.
        records_new: Whether that was made by this call.
        salts_carried: Records that keep the salt they had in the version committed to before.
        files: Files of data delivered.
        bytes: Bytes of data delivered.
        valid_from: First moment of validity.
        valid_until: Last moment of validity, or None for no end.
        descriptor: How many descriptor fields are in each state.
        not_described: Fields that the version's descriptor leaves out altogether; versions made
            by this program leave out none, an imported one may.
    """

    folder: Path
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


def issue_delivery(
    repository: Repository,
    manifest: Manifest,
    destination: Path,
    *,
    signer: Signer,
    clock: Clock,
    offer: Offer,
    issuance: Issuance | None = None,
    valid_for: timedelta | None = None,
    version: str | None = None,
    progress: OnProgress = silent,
) -> DeliveryResult:
    """Issue a credential about a dataset version and write the folder to hand over.

    Args:
        repository: The store, opened to append.
        manifest: A dataset manifest of it that is or was the current one of its name.
        destination: A folder that does not exist or is empty; its parent exists.
        signer: The issuer, or whoever signs for the organisation that is.
        clock: Start of validity.
        offer: What the credential says beyond the manifest.
        issuance: In whose name, and how it may end; None: the signer's, for good.
        valid_for: How long, from the clock's now, at most ten years; None for no end.
        version: A version label for people.
        progress: Progress callback, called per file, in the phases ``records`` and ``data``.

    Raises:
        InvalidInputError: (``wrong-object``) not a dataset, or one without effect in this store;
            (``bad-validity``, ``unknown-word``, ``contradiction``, ``licence-text``,
            ``bad-partition``, ``not-a-folder``) see above.
        ConflictError: (``not-empty``) there is something at the destination; (``ref-moved``)
            somebody else issued meanwhile.
        PolicyError: (``unauthorised``, ``retired-key``) the store's policy does not let this key
            issue; (``too-many-policies``) it says more of its keys than verifiers read;
            (``not-the-issuer``) another one issued what this is to replace.
        IncompleteError, VerificationError, NotFoundError: The data is lost or damaged.
        StorageError: Storage backend error; nothing is left at the destination.

    Cost: reads the data twice, and the version committed to before once; writes it once.
    """
    _check_manifest(repository, manifest)
    check_place(destination)
    check_current(repository.policy, signer)
    check_few_statements(repository)
    valid_from = clock()
    valid_until = _end(valid_from, valid_for)
    issuance = issuance or Issuance()
    issuer = Issuer.of(signer, issuance.organisation, issuance.did_document, valid_from)
    tree = repository.tree(manifest)
    texts = _licence_texts(repository, manifest, offer)
    arguments: dict[str, Any] = {
        "manifest": manifest,
        "tree": tree,
        "log_origin": repository.origin,
        "log_index": repository.index_of(manifest.id),
        "terms": offer.terms,
        "licence_texts": [(name, data) for name, data, _ in texts],
    }
    metadata = issuer.metadata(issuance, DATASET, valid_from, valid_until)
    book, entries = places_for(repository, issuance.status_url, issuer)
    lists = book.signed(entries, issuer.signer, clock)
    metadata = replace(metadata, status=entries)
    recipes = recipes_for([{"use": "exactDuplicateRate/1"}, *offer.measures], tree)
    measurement = Measurement(recipes)
    # Before an hour of reading: do the terms make a credential at all? Records are counted later.
    everything = [manifest.body["records"], *[0] * (len(offer.terms.partitions) - 1)]
    label: dict[str, JSON] = {} if version is None else {"version": version}
    build_dataset_credential(
        metadata, **arguments, records=None, partition_records=everything, more=label
    )
    with building(destination) as folder:
        commitment = commit_to_records(
            repository,
            manifest,
            signer=signer,
            clock=clock,
            measurement=measurement,
            progress=_in_phase(progress, "records"),
        )
        checkout_tree(tree, repository.blobs, folder / "data", progress=_in_phase(progress, "data"))
        document = build_dataset_credential(
            metadata,
            **arguments,
            records=commitment.manifest,
            partition_records=_partition_records(tree, offer.terms, commitment.counts),
            more=label | _claims(manifest, recipes, measurement, offer, issuer.did),
        )
        issuer.pin(document)
        credential = issue(document, issuer.signer, valid_from)
        new = [data for url, data in lists.items() if (url, issuer.did) not in book.lists]
        new += issuer.to_log(repository)
        index = _log(repository, commitment, [*new, credential])
        documents = _documents(repository, manifest, tree, commitment, credential, index)
        documents.update((f"status-{url.rpartition('/')[2]}", lists[url]) for url in lists)
        documents.update((file, data) for _, data, file in texts)
        if issuer.document is not None:
            documents[issuer.file_name] = issuer.document
        about = Claims.of(document["credentialSubject"])
        siblings = tuple(documents.values())
        documents.update(collect(repository, manifest, about, issuer.did, valid_from, siblings))
        documents["README.md"] = delivery_readme(parse(credential), tuple(documents)).encode()
        write_files(folder, documents)
        put_in_place(folder, destination)
    return _result(destination, manifest, tree, commitment, document, credential, index)


def _result(
    destination: Path,
    manifest: Manifest,
    tree: Tree,
    commitment: Commitment,
    document: Mapping[str, Any],
    credential: bytes,
    index: int,
) -> DeliveryResult:
    fields: dict[str, dict[str, Any]] = manifest.body["descriptor"]
    states = [field["state"] for field in fields.values()]
    return DeliveryResult(
        folder=destination,
        manifest=manifest,
        credential=credential,
        credential_id=Digest.of(credential),
        log_index=index,
        records=commitment.manifest,
        records_new=commitment.new,
        salts_carried=commitment.carried,
        files=len(tree.entries),
        bytes=tree.total_bytes,
        valid_from=document["validFrom"],
        valid_until=document.get("validUntil"),
        descriptor={s: states.count(s) for s in ("value", "unknown", "not-applicable")},
        not_described=tuple(sorted(FIELDS.keys() - fields.keys())),
    )


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


def _licence_texts(
    repository: Repository, manifest: Manifest, offer: Offer
) -> list[tuple[str | None, bytes, str]]:
    """Return the licence texts: of which licence, the text, and the name of its file."""
    texts: list[tuple[str | None, bytes, str]] = []
    stated: Mapping[str, str] = manifest.body.get("licence", {})
    if "textDigest" in stated:
        try:
            data = repository.blobs.read(
                Digest.parse(stated["textDigest"]), max_bytes=MAX_LICENCE_BYTES
            )
        except NotFoundError:
            raise NotFoundError(
                "no-licence-text",
                f"{manifest.name} names a licence text that is not in the store",
                hint="commit it again with its licence text",
            ) from None
        texts.append((text_name(stated.get("expression")), data, "LICENCE.txt"))
    known = {data for _, data, _ in texts}
    for name, data in offer.texts:
        if data not in known:
            file = "".join(c if c.isalnum() or c in "-." else "_" for c in name)
            texts.append((name, data, f"LICENCE-{file}.txt"))
    return texts


def _claims(
    manifest: Manifest,
    recipes: Sequence[Mapping[str, JSON]],
    measurement: Measurement,
    offer: Offer,
    issuer: str,
) -> dict[str, JSON]:
    """Return what can be stated beyond the manifest because it was measured just now."""
    quality: list[JSON] = [*claims_of(recipes, measurement.values())]
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


def _log(repository: Repository, commitment: Commitment, credentials: list[bytes]) -> int:
    with open_transaction(repository) as transaction:
        if commitment.new:
            transaction.writer.put_bytes(commitment.salts)
            transaction.log_manifest(commitment.manifest)
        for credential in credentials:
            transaction.log_credential(credential)
        return transaction.commit()[-1]


def _documents(
    repository: Repository,
    manifest: Manifest,
    tree: Tree,
    commitment: Commitment,
    credential: bytes,
    index: int,
) -> dict[str, bytes]:
    documents = {
        "credential.json": credential,
        "manifest.json": manifest.encode(),
        "records.json": commitment.manifest.encode(),
        "records.salts": commitment.salts,
        "tree.jsonl": tree.encode(),
        "genesis.json": repository.genesis.encode(),
        "log.tlog-proof": repository.proof_for(repository.index_of(manifest.id)).encode(),
        **consistency_of(repository),
    }
    proof = credential_proof(repository, index)
    if proof is not None:
        documents["credential.tlog-proof"] = proof
    return documents | key_statements(repository)


def _in_phase(progress: OnProgress, phase: str) -> OnProgress:
    return lambda step: progress(step._replace(phase=phase))
