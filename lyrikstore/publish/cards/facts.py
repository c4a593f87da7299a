"""The signed objects a model card speaks of (spec §14.4.1)."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.json import JSON, parse
from lyrikstore.credentials.model.credential import DATASET, check_credential_shape, issuer_of
from lyrikstore.crypto.proofs.eddsa_jcs import verify_proof
from lyrikstore.history.manifests.manifest import Input, Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.publish.status.withdrawals import Withdrawal, withdrawals
from lyrikstore.verify.rights.same_bytes import ProhibitingTerms, SharedFiles, read_by


class CredentialFacts(Struct, frozen=True):
    """A logged credential whose signature holds and is its issuer's.

    Attributes:
        id: BLAKE3 of its bytes.
        document: The signed document, without its proof.
    """

    id: Digest
    document: dict[str, JSON]


class CardFacts(Struct, frozen=True):
    """Everything a card is made from, verified; nothing else flows into it.

    Attributes:
        store: Id of the store.
        origin: Name of its log.
        checkpoint: The model.
        log_index: Its place in the log.
        version: How many versions of its name there were up to it; None without effect.
        previous: The version before.
        files: Number of its files.
        bytes: Their bytes.
        run: The run that made it.
        base: The checkpoint it starts from.
        datasets: ``(role, manifest)``: what the run names, then every dataset those were made
            from, in role ``dataset``.
        filters: Filters of those datasets.
        evaluations: Evaluations of the checkpoint, in log order.
        grants: Dataset id → credentials about it.
        withdrawn: Credential or grant that a right rests on → what took it back.
        shared: Run or evaluation → what its data shares with datasets that prohibit its use.
    """

    store: Digest
    origin: str
    checkpoint: Manifest
    log_index: int
    version: int | None
    previous: Manifest | None
    files: int
    bytes: int
    run: Manifest | None
    base: Manifest | None
    datasets: tuple[tuple[str, Manifest], ...]
    filters: tuple[Manifest, ...]
    evaluations: tuple[Manifest, ...]
    grants: dict[Digest, tuple[CredentialFacts, ...]]
    withdrawn: dict[Digest, Withdrawal] = field(default_factory=dict)
    shared: Mapping[Digest, Sequence[SharedFiles]] = field(default_factory=dict)

    def inputs(self) -> tuple[Input, ...]:
        """Return the objects as the inputs of a card manifest, each once per role."""
        found = [Input("checkpoint", "checkpoint", self.checkpoint.id)]
        for role, item in (("base", self.base), ("run", self.run)):
            if item is not None:
                found.append(Input(role, item.kind, item.id))
        found += [Input(role, "dataset", dataset.id) for role, dataset in self.datasets]
        found += [Input("filter", "filter", item.id) for item in self.filters]
        found += [Input("evaluation", "evaluation", item.id) for item in self.evaluations]
        return tuple(dict.fromkeys(found))


def gather(repository: Repository, checkpoint: Manifest, card: Manifest | None = None) -> CardFacts:
    """Return what the store knows about a checkpoint.

    Args:
        repository: The store.
        checkpoint: A logged checkpoint manifest of it.
        card: A card of it: only the evaluations, credentials and status lists that it names. Those
            its author knew of; the log's order does not tell, where it was made in a clone.

    Raises:
        NotFoundError, IncompleteError, VerificationError: Part of its ancestry is not here, lost
            or damaged; a card of half an ancestry would read as if there was no more.

    Cost: one read of every evaluation and of the ancestry; no data is read.
    """
    cited = None if card is None else {Digest.parse(item) for item in card.body["evidence"]}
    run = _first(repository, checkpoint, "run")
    named = [item for item in (run or checkpoint).inputs if item.kind == "dataset"]
    datasets = [(item.role, repository.manifest(item.id)) for item in named]
    ancestors = list(_ancestors(repository, [dataset for _, dataset in datasets]))
    datasets += [("dataset", dataset) for dataset in ancestors]
    filters = dict.fromkeys(
        item.id for _, dataset in datasets for item in dataset.inputs_in("filter")
    )
    tree = repository.tree(checkpoint)
    state = repository.refs.get(checkpoint.name)
    history = state.history if state is not None else ()
    evaluations = tuple(_evaluations(repository, checkpoint, card))
    users = [*([run] if run is not None else []), *evaluations]
    rights = [right for user in users for right in user.body.get("rights", ())]
    place = history.index(checkpoint.id) if checkpoint.id in history else None
    older = history[place + 1] if place is not None and place + 1 < len(history) else None
    return CardFacts(
        store=repository.store_id,
        origin=repository.origin,
        checkpoint=checkpoint,
        log_index=repository.index_of(checkpoint.id),
        version=None if place is None else len(history) - place,
        previous=None if older is None else repository.manifest(older),
        files=len(tree.entries),
        bytes=tree.total_bytes,
        run=run,
        base=_first(repository, checkpoint, "base"),
        datasets=tuple(datasets),
        filters=tuple(repository.manifest(item) for item in filters),
        evaluations=evaluations,
        grants={
            dataset.id: tuple(
                grant
                for grant in _grants(repository, dataset)
                if cited is None or grant.id in cited
            )
            for _, dataset in datasets
        },
        withdrawn=withdrawals(repository, rights, cited),
        shared=_shared(repository, users, cited),
    )


def _shared(
    repository: Repository, users: Iterable[Manifest], cited: Container[Digest] | None
) -> dict[Digest, Sequence[SharedFiles]]:
    terms = ProhibitingTerms(repository, cited)
    return {
        user.id: terms.shared(
            user.body.get("rights", ()), [repository.manifest(item) for item in read_by(user)]
        )
        for user in users
    }


def _first(repository: Repository, manifest: Manifest, role: str) -> Manifest | None:
    found = manifest.inputs_in(role)
    return repository.manifest(found[0].id) if found else None


def _ancestors(repository: Repository, datasets: list[Manifest]) -> Iterator[Manifest]:
    seen = {dataset.id for dataset in datasets}
    pending = list(datasets)
    while pending:
        for identity in pending.pop(0).made_from:
            if identity not in seen:
                seen.add(identity)
                found = repository.manifest(identity)
                pending.append(found)
                yield found


def _evaluations(
    repository: Repository, checkpoint: Manifest, card: Manifest | None
) -> Iterator[Manifest]:
    if card is not None:
        named = sorted({item.id for item in card.inputs_in("evaluation")}, key=repository.index_of)
        found = [repository.manifest(identity) for identity in named]
        yield from (one for one in found if _is_about(one, checkpoint))
        return
    refs = repository.refs
    for _, manifest in repository.all_manifests():
        if manifest.kind != "evaluation" or manifest.name not in refs:
            continue
        # One without effect was said by nobody whom the policy lets speak.
        if _is_about(manifest, checkpoint) and manifest.id in refs[manifest.name].history:
            yield manifest


def _is_about(evaluation: Manifest, checkpoint: Manifest) -> bool:
    return [item.id for item in evaluation.inputs_in("checkpoint")] == [checkpoint.id]


def _grants(repository: Repository, dataset: Manifest) -> Iterator[CredentialFacts]:
    for entry in repository.credentials_about(dataset.id):
        try:
            document = parse(repository.credential(entry.id))
            check_credential_shape(document, DATASET)
            verified = verify_proof(document)
            issuer = issuer_of(document)
        except LyrikstoreError:
            continue  # a credential that does not verify says nothing a card could repeat
        if verified.verification_method.partition("#")[0] == issuer:
            yield CredentialFacts(entry.id, verified.document_without_proof)
