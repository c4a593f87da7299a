"""The signed objects a card speaks of (spec §14.4.1)."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct, field

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, LyrikstoreError
from lyrikstore.canon.json import JSON, parse
from lyrikstore.canon.timestamps import parse_timestamp
from lyrikstore.credentials.did import ResolvedKey
from lyrikstore.credentials.model.credential import (
    ATTESTATION,
    CARD_ATTESTATION,
    DATASET,
    CredentialKind,
    check_credential_shape,
    issuer_of,
)
from lyrikstore.crypto.ed25519 import PublicKey
from lyrikstore.crypto.proofs.eddsa_jcs import verify_proof
from lyrikstore.history.manifests.manifest import Input, Manifest
from lyrikstore.history.repository.refs import Flagged, RefTable
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_attachments, retired_versions
from lyrikstore.publish.cards.earlier import Earlier, Survey
from lyrikstore.publish.cards.organisations import LoggedDocuments
from lyrikstore.publish.status.withdrawals import Withdrawal, withdrawals
from lyrikstore.verify.evaluation.confusion import confusion
from lyrikstore.verify.evaluation.predictions import read_predictions
from lyrikstore.verify.rights.same_bytes import ProhibitingTerms, SharedFiles, read_by
from lyrikstore.verify.store.test_sets import bases_of, learnt_by


class CredentialFacts(Struct, frozen=True):
    """A logged credential whose signature holds and is its issuer's.

    Attributes:
        id: BLAKE3 of its bytes.
        document: The signed document, without its proof.
        named_by: Of an organisation's, the DID document that lists the key; else None.
    """

    id: Digest
    document: dict[str, JSON]
    named_by: Digest | None = None


class CardFacts(Struct, frozen=True):
    """Everything a card is made from, verified; nothing else flows into it.

    Attributes:
        store: Id of the store.
        origin: Name of its log.
        subject: What the card is about: a checkpoint or a dataset.
        log_index: Its place in the log.
        version: How many versions of its name there were up to it; None without effect.
        previous: The version before.
        files: Number of its files.
        bytes: Their bytes.
        run: The run that made it.
        base: The checkpoint it starts from.
        datasets: ``(role, manifest)``: what the run names, or the subject in role ``subject``;
            then, in role ``dataset``, what the bases learned from here, and every dataset that
            those were made from.
        filters: Filters of those datasets.
        evaluations: Evaluations of the checkpoint, in log order.
        grants: Dataset id → credentials about it.
        withdrawn: Credential or grant that a right rests on → what took it back.
        shared: Run or evaluation → what its data shares with datasets that prohibit its use.
        attestations: Dataset id → what others attested of its content.
        said: What was attested in answer to cards of any version, with the log index of each.
        confusions: Evaluation → which labels are taken for which, from its predictions.
        base_bytes: Bytes of the files of ``base``; None: there is no base.
        earlier: What was logged before the model that bears on it.
        reproductions: What came when its run was done again, in log order.
        tells_values: Whether values of the data are told: its labels, and suffixes of file names.
        names_trees: Whether trees of the datasets are named, as ``card/1`` does.
        retired: Evaluations of the checkpoint that were retired, in log order.
    """

    store: Digest
    origin: str
    subject: Manifest
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
    attestations: Mapping[Digest, tuple[CredentialFacts, ...]] = field(default_factory=dict)
    said: tuple[tuple[CredentialFacts, int], ...] = ()
    confusions: Mapping[Digest, dict[str, Any]] = field(default_factory=dict)
    base_bytes: int | None = None
    earlier: Earlier = Earlier({}, {}, ())
    reproductions: tuple[Manifest, ...] = ()
    tells_values: bool = False
    names_trees: bool = False
    retired: tuple[Manifest, ...] = ()

    @property
    def checkpoint(self) -> Manifest:
        """The model, of a card that is about one."""
        if self.subject.kind != "checkpoint":
            raise TypeError(f"a card of a {self.subject.kind} has no checkpoint")
        return self.subject

    @property
    def each_dataset(self) -> tuple[Manifest, ...]:
        """Every dataset once, whichever roles it has."""
        return tuple({dataset.id: dataset for _, dataset in self.datasets}.values())

    @property
    def named_by(self) -> dict[Digest, Digest]:
        """Credential of an organisation's → the DID document that lists its key."""
        each = (*self.grants.values(), *self.attestations.values())
        found = (*(one for some in each for one in some), *(one for one, _ in self.said))
        return {one.id: one.named_by for one in found if one.named_by is not None}

    def inputs(self) -> tuple[Input, ...]:
        """Return the objects as the inputs of a card manifest, each once per role."""
        found = [Input(role_of(self.subject), self.subject.kind, self.subject.id)]
        for role, item in (("base", self.base), ("run", self.run)):
            if item is not None:
                found.append(Input(role, item.kind, item.id))
        found += [Input(role, "dataset", dataset.id) for role, dataset in self.datasets]
        found += [Input("filter", "filter", item.id) for item in self.filters]
        found += [Input("evaluation", "evaluation", item.id) for item in self.evaluations]
        found += [Input("reproduction", "reproduction", item.id) for item in self.reproductions]
        return tuple(dict.fromkeys(found))


def role_of(subject: Manifest) -> str:
    """Return the role in which a card has what it is about among its inputs."""
    return "checkpoint" if subject.kind == "checkpoint" else "subject"


def subject_id(card: Manifest) -> Digest:
    """Return the manifest that a card is about."""
    (found,) = (*card.inputs_in("checkpoint"), *card.inputs_in("subject"))
    return found.id


def gather(repository: Repository, subject: Manifest, card: Manifest | None = None) -> CardFacts:
    """Return what the store knows about a checkpoint or a dataset.

    Args:
        repository: The store.
        subject: A logged manifest of it, of a checkpoint or a dataset.
        card: A card of it: only the evaluations, credentials and status lists that it names. Those
            its author knew of; the log's order does not tell, where it was made in a clone. What
            became known of keys after it was logged makes no liar of its author.

    Raises:
        NotFoundError, IncompleteError, VerificationError: Part of its ancestry is not here, lost
            or damaged; a card of half an ancestry would read as if there was no more.

    Cost: one read of every manifest of the log, and of the ancestry; no data is read.
    """
    cited = None if card is None else {Digest.parse(item) for item in card.body["evidence"]}
    run = base = None
    if subject.kind == "checkpoint":
        run, base = _first(repository, subject, "run"), _first(repository, subject, "base")
        named = [item for item in (run or subject).inputs if item.kind == "dataset"]
        datasets = [(item.role, repository.manifest(item.id)) for item in named]
        datasets += _learned_before(repository, subject, datasets)
    else:
        datasets = [(role_of(subject), subject)]
    ancestors = list(_ancestors(repository, [dataset for _, dataset in datasets]))
    datasets += [("dataset", dataset) for dataset in ancestors]
    filters = dict.fromkeys(
        item.id for _, dataset in datasets for item in dataset.inputs_in("filter")
    )
    tree = repository.tree(subject)
    history = _history(repository, subject.name, card)
    place = history.index(subject.id) if subject.id in history else None
    older = history[place + 1] if place is not None and place + 1 < len(history) else None
    previous = None if older is None else repository.manifest(older)
    log_index = repository.index_of(subject.id)
    survey = Survey(subject, log_index, previous, datasets, cited)
    is_model = subject.kind == "checkpoint"
    evaluations, retired = _walk(repository, subject, survey, card) if is_model else ((), ())
    before = [
        repository.manifest(one.id)
        for model in bases_of(subject, repository.manifest)
        for one in model.inputs_in("run")
    ]
    users = [*([run] if run is not None else []), *before, *evaluations]
    documents = LoggedDocuments(repository, cited)
    attested = _attestations(repository, [dataset for _, dataset in datasets], cited, documents)
    said = tuple(_said(repository, subject, history, cited, documents))
    rights = [right for user in users for right in user.body.get("rights", ())]
    grants = {
        dataset.id: tuple(
            grant
            for grant, _ in credentials_about(repository, dataset.id, DATASET, documents)
            if cited is None or grant.id in cited
        )
        for _, dataset in datasets
    }
    attesting = (*(one for found in attested.values() for one in found), *(one for one, _ in said))
    rights += [{"credential": str(one.id)} for one in attesting]
    rights += [{"credential": str(one.id)} for found in grants.values() for one in found]
    return CardFacts(
        store=repository.store_id,
        origin=repository.origin,
        subject=subject,
        log_index=log_index,
        version=None if place is None else len(history) - place,
        previous=previous,
        files=len(tree.entries),
        bytes=tree.total_bytes,
        run=run,
        base=base,
        datasets=tuple(datasets),
        filters=tuple(repository.manifest(item) for item in filters),
        evaluations=tuple(evaluations),
        retired=tuple(retired),
        grants=grants,
        withdrawn=withdrawals(repository, rights, cited),
        shared=_shared(repository, users, cited),
        attestations=attested,
        said=said,
        confusions=_confusions(repository, evaluations),
        base_bytes=None if base is None or base.tree is None else repository.tree(base).total_bytes,
        earlier=survey.found(),
        reproductions=_reproductions(repository, subject, card),
    )


def _history(repository: Repository, name: str, card: Manifest | None) -> tuple[Digest, ...]:
    """Return the versions of a name, newest first: now, or as they were when a card was logged."""
    refs = repository.refs
    if card is not None and repository.policy.suspects:
        index, steps = repository.index_of(card.id), repository.table.steps
        place = (one.index if isinstance(one, Flagged) else one[0] for one in steps)
        before = (one for one, at in zip(steps, place, strict=True) if at < index)
        refs = RefTable.after(before).refs
    return refs[name].history if name in refs else ()


def _learned_before(
    repository: Repository, subject: Manifest, datasets: Iterable[tuple[str, Manifest]]
) -> list[tuple[str, Manifest]]:
    """Return what the models learned from that a checkpoint was trained on from."""
    known = {dataset.id for _, dataset in datasets}
    learnt = (one for model in bases_of(subject, repository.manifest) for one in learnt_by(model))
    found = (repository.manifest(one) for one in dict.fromkeys(learnt) if one not in known)
    return [("dataset", one) for one in found]


def _reproductions(
    repository: Repository, subject: Manifest, card: Manifest | None
) -> tuple[Manifest, ...]:
    """Return the reproductions of a checkpoint: those with effect, or those that a card names."""
    if card is None:
        names = [name for name in repository.refs if name.startswith("reproductions/")]
        found = [one for name in names for one in repository.history(name)]
    else:
        found = [repository.manifest(one.id) for one in card.inputs_in("reproduction")]
    about = [one for one in found if subject.id in {i.id for i in one.inputs_in("checkpoint")}]
    return tuple(sorted(about, key=lambda one: repository.index_of(one.id)))


def _attestations(
    repository: Repository,
    datasets: Iterable[Manifest],
    cited: Container[Digest] | None,
    documents: LoggedDocuments,
) -> dict[Digest, tuple[CredentialFacts, ...]]:
    found = {}
    for dataset in datasets:
        if dataset.tree is not None:
            about = credentials_about(repository, dataset.tree, ATTESTATION, documents)
            known = tuple(one for one, _ in about if cited is None or one.id in cited)
            if known:
                found[dataset.id] = known
    return found


def _said(
    repository: Repository,
    subject: Manifest,
    history: tuple[Digest, ...],
    cited: Container[Digest] | None,
    documents: LoggedDocuments,
) -> Iterator[tuple[CredentialFacts, int]]:
    """Yield what was attested in answer to cards of every version of the subject's name."""
    for version in dict.fromkeys((subject.id, *history)):
        for one, index in credentials_about(repository, version, CARD_ATTESTATION, documents):
            about: Any = one.document["credentialSubject"]
            of = repository.manifest(version)
            # ATTACK: signed for one model, logged about another, by a clone that checks nothing.
            if of.tree is None or of.files is None:
                continue
            named = (of.tree.urn, of.files.urn, of.name)
            if (about["id"], about["files"], about["name"]) != named:
                continue
            if cited is None or one.id in cited:
                yield one, index


def _confusions(
    repository: Repository, evaluations: Iterable[Manifest]
) -> dict[Digest, dict[str, Any]]:
    found = {}
    for one in evaluations:
        for attached in present_attachments(repository, one, "predictions"):
            with repository.blobs.open(attached.id) as stream:
                try:
                    table = confusion(read_predictions(stream))
                except FormatError:
                    continue  # ATTACK: junk; verify of the evaluation names it
            if table is not None:
                found[one.id] = table
    return found


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


def _named(repository: Repository, subject: Manifest, card: Manifest) -> Iterator[Manifest]:
    """Yield the evaluations that a card names, in log order."""
    named = sorted({item.id for item in card.inputs_in("evaluation")}, key=repository.index_of)
    found = [repository.manifest(identity) for identity in named]
    yield from (one for one in found if _tests(one, subject))


def _walk(
    repository: Repository, subject: Manifest, survey: Survey, card: Manifest | None
) -> tuple[Sequence[Manifest], Sequence[Manifest]]:
    """Show a survey the log; return the evaluations of the subject, and the retired ones."""
    # What has no effect nobody says whom the policy lets speak. What a card names had effect for
    # its author: a key that is revoked since makes no liar of them.
    flagged = {one.index for one in repository.flagged} if card is None else set()
    # ATTACK A76: the body of a retired evaluation stays, and would say it again in every card.
    gone = retired_versions(repository) if card is None else frozenset()
    found: list[Manifest] = []
    retired: list[Manifest] = []
    for entry, manifest in repository.all_manifests():
        if entry.index in flagged:
            continue
        is_gone = manifest.kind == "evaluation" and manifest.id in gone
        if not is_gone:
            survey.see(entry.index, manifest)
        if manifest.kind == "evaluation" and _tests(manifest, subject):
            (retired if is_gone else found).append(manifest)
    if card is None:
        return found, retired
    # A card has those that it shows among its inputs, and retired ones among its evidence alone.
    named = list(_named(repository, subject, card))
    cited = {*card.body["evidence"]} - {str(one.id) for one in named}
    return named, [one for one in found if str(one.id) in cited]


def _tests(evaluation: Manifest, checkpoint: Manifest) -> bool:
    # ATTACK: figures of data that somebody chose after training, as those of a locked test set.
    if evaluation.body.get("purpose") is not None:
        return False
    return [item.id for item in evaluation.inputs_in("checkpoint")] == [checkpoint.id]


def credentials_about(
    repository: Repository, about: Digest, kind: CredentialKind, documents: LoggedDocuments
) -> Iterator[tuple[CredentialFacts, int]]:
    """Yield the credentials about a manifest or tree that hold, each with its log index."""
    for entry in repository.credentials_about(about):
        keys: list[ResolvedKey] = []
        try:
            document = parse(repository.credential(entry.id))
            check_credential_shape(document, kind)
            made = parse_timestamp(document["validFrom"])

            def resolve(method: str, made: datetime = made) -> PublicKey:
                keys.append(documents.find(method, made))  # noqa: B023
                return keys[0].key  # noqa: B023

            verified = verify_proof(document, resolve=resolve)
        except LyrikstoreError:
            continue  # a credential that does not verify says nothing a card could repeat
        if keys[0].did == issuer_of(document):
            signed = verified.document_without_proof
            yield CredentialFacts(entry.id, signed, keys[0].digest), entry.index
