"""Gathering of the signed objects that a card is made from (spec §14.4.1)."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.credentials.model.credential import ATTESTATION, CARD_ATTESTATION
from lyrikstore.history.lineage import Lineage, RightsClosure
from lyrikstore.history.manifests.manifest import Input, Manifest
from lyrikstore.history.repository.refs import Flagged, RefTable
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_attachments, retired_versions
from lyrikstore.publish.cards.gathering.ancestry import ancestry_of
from lyrikstore.publish.cards.gathering.credentials import (
    CredentialFacts,
    DatasetTerms,
    attestations_of,
    credentials_about,
    opinions_on,
    terms_about,
)
from lyrikstore.publish.cards.gathering.decisions import NamedDecision, decisions_of
from lyrikstore.publish.cards.gathering.form import USUAL_FORM, CardForm
from lyrikstore.publish.cards.gathering.reviews import DataReviews, reviews_of
from lyrikstore.publish.cards.organisations import LoggedDocuments
from lyrikstore.publish.cards.previous_models import Earlier, Survey
from lyrikstore.publish.status.revoked_rights import Withdrawal, withdrawals
from lyrikstore.verify.datasets.licences import LicenceCount, count_licences, licence_field
from lyrikstore.verify.evaluation.figures.confusion import confusion
from lyrikstore.verify.evaluation.predictions import read_predictions
from lyrikstore.verify.rights.same_bytes import ProhibitingTerms, SharedFiles, read_by


class CardFacts(Struct, frozen=True):
    """All verified inputs of a card; it is made from nothing else.

    Attributes:
        store: Id of the store.
        origin: Name of its log.
        subject: Subject of the card: a checkpoint or a dataset.
        log_index: Log index of the subject.
        version: Number of versions of its name up to it; None if it has no effect.
        previous: The version before.
        files: Number of its files.
        bytes: Their size in bytes.
        run: The run that made it.
        base: The checkpoint that it was trained from.
        datasets: ``(role, manifest)``: the datasets of the run, or the subject in role ``subject``;
            then, in role ``dataset``, the training data of the models it is based on, and every
            dataset that those were made from.
        filters: Filters of those datasets.
        evaluations: Evaluations of the checkpoint, in log order.
        terms: Dataset id → its publisher, and the credentials about it.
        revocations: Credential or grant that a right rests on → its revocation or suspension.
        shared: Run or evaluation → files that its data shares with datasets that prohibit its use.
        attestations: Dataset id → attestations of others about its content.
        said: Attestations in answer to cards of any version, with the log index of each.
        confusions: Evaluation → confusion matrix of its predictions.
        base_bytes: Bytes of the files of ``base``; None without a base.
        earlier: Relevant objects that were logged before the model.
        reproductions: Reproductions of its run, in log order.
        form: Format of the card.
        closure: All that the subject rests on by the rule of rights; None in the formats before
            ``card/3``.
        retired: Evaluations of the checkpoint that were retired, in log order.
        decisions: Run or evaluation → the decision of rules that it names.
        opinions: Opinions of others on the model, in log order.
        licences: Committed dataset → count of its licences, also of records if the card has values.
        reviews: What people reviewed of the datasets.
        signer: DID of the signer of the card; empty: of a draft, nobody yet.
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
    terms: Mapping[Digest, DatasetTerms]
    revocations: dict[Digest, Withdrawal] = field(default_factory=dict)
    shared: Mapping[Digest, Sequence[SharedFiles]] = field(default_factory=dict)
    attestations: Mapping[Digest, tuple[CredentialFacts, ...]] = field(default_factory=dict)
    said: tuple[tuple[CredentialFacts, int], ...] = ()
    confusions: Mapping[Digest, dict[str, Any]] = field(default_factory=dict)
    base_bytes: int | None = None
    earlier: Earlier = Earlier({}, {}, ())
    reproductions: tuple[Manifest, ...] = ()
    form: CardForm = USUAL_FORM
    closure: RightsClosure | None = None
    retired: tuple[Manifest, ...] = ()
    decisions: Mapping[Digest, NamedDecision] = field(default_factory=dict)
    opinions: tuple[CredentialFacts, ...] = ()
    licences: Mapping[Digest, LicenceCount] = field(default_factory=dict)
    reviews: DataReviews = DataReviews()
    signer: str = ""

    @property
    def developers(self) -> frozenset[str]:
        """The keys of whoever made the subject, its run or the card."""
        own = {self.subject.author, self.signer, *([] if self.run is None else [self.run.author])}
        return frozenset(own - {""})

    @property
    def checkpoint(self) -> Manifest:
        """The subject of the card of a model."""
        if self.subject.kind != "checkpoint":
            raise TypeError(f"a card of a {self.subject.kind} has no checkpoint")
        return self.subject

    @property
    def each_dataset(self) -> tuple[Manifest, ...]:
        """Every dataset once, also if it has several roles."""
        return tuple({dataset.id: dataset for _, dataset in self.datasets}.values())

    @property
    def named_by(self) -> dict[Digest, Digest]:
        """Credential of an organisation → the DID document that lists its key."""
        each = (*(one.credentials for one in self.terms.values()), *self.attestations.values())
        found = (
            *(one for some in each for one in some),
            *(one for one, _ in self.said),
            *self.opinions,
        )
        return {one.id: one.named_by for one in found if one.named_by is not None}

    @property
    def models(self) -> tuple[Manifest, ...]:
        """The external models that the subject is based on, without the subject itself."""
        models = () if self.closure is None else self.closure.models
        return tuple(model for model in models if model.id != self.subject.id)

    def author_of(self, dataset: Manifest) -> str:
        """Return the author of the description of a dataset: for an import, its publisher."""
        published = self.terms[dataset.id].published
        return dataset.author if published is None else published.author

    def inputs(self) -> tuple[Input, ...]:
        """Return the objects as inputs of a card manifest, each once per role."""
        inputs = [Input(role_of(self.subject), self.subject.kind, self.subject.id)]
        for role, item in (("base", self.base), ("run", self.run)):
            if item is not None:
                inputs.append(Input(role, item.kind, item.id))
        inputs += [Input(role, "dataset", dataset.id) for role, dataset in self.datasets]
        inputs += [Input("filter", "filter", item.id) for item in self.filters]
        inputs += [Input("evaluation", "evaluation", item.id) for item in self.evaluations]
        inputs += [Input("reproduction", "reproduction", item.id) for item in self.reproductions]
        return tuple(dict.fromkeys(inputs))


def role_of(subject: Manifest) -> str:
    """Return the role of the subject among the inputs of its card."""
    return "checkpoint" if subject.kind == "checkpoint" else "subject"


def subject_id(card: Manifest) -> Digest:
    """Return the manifest id of the subject of a card."""
    (subject,) = (*card.inputs_in("checkpoint"), *card.inputs_in("subject"))
    return subject.id


def gather(
    repository: Repository,
    subject: Manifest,
    card: Manifest | None = None,
    form: CardForm = USUAL_FORM,
    lineage: Lineage | None = None,
    signer: str = "",
) -> CardFacts:
    """Return all facts of the store about a checkpoint or a dataset.

    Args:
        repository: The store.
        subject: A logged manifest of it, of a checkpoint or a dataset.
        card: A card of it: only the evaluations, credentials and status lists that it names are
            used. Its author knew these; the order of the log does not show that, if the card was
            made in a clone. Facts about keys that were logged later do not make the card false.
        form: Format of a new card; the format of ``card`` is used if it is given.
        lineage: Lineage of the subject, if it was read before.
        signer: DID of the signer of a new card; empty: not known yet.

    Raises:
        FormatError: (``bad-import``) imported data has the manifest of another dataset.
        NotFoundError, IncompleteError, VerificationError: Part of its ancestry is not in the store,
            lost or damaged; a card with half an ancestry would look complete.

    Cost: one read of every manifest of the log, and of the ancestry; no data is read.
    """
    cited = None if card is None else {Digest.parse(item) for item in card.body["evidence"]}
    form = form if card is None else CardForm.of(card.body)
    lineage = lineage or Lineage.read(repository, subject.id)
    run = base = None
    if subject.kind == "checkpoint":
        run, base = _first(lineage, subject, "run"), _first(lineage, subject, "base")
        named = [item for item in (run or subject).inputs if item.kind == "dataset"]
        datasets = [(item.role, lineage.manifest(item.id)) for item in named]
    else:
        datasets = [(role_of(subject), subject)]
    ancestry = ancestry_of(lineage, subject, datasets, run, form)
    datasets = [*ancestry.datasets]
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
    users = [*([run] if run is not None else []), *ancestry.runs, *evaluations]
    documents = LoggedDocuments(repository, cited)
    every = [dataset for _, dataset in datasets]
    attested = attestations_of(repository, every, ATTESTATION, cited, documents)
    said = tuple(_said(repository, subject, history, cited, documents))
    opinions: tuple[CredentialFacts, ...] = ()
    if is_model and form.has_opinions:
        opinions = opinions_on(repository, subject, cited, documents)
    rights = [right for user in users for right in user.body.get("rights", ())]
    terms = {
        dataset.id: terms_about(repository, dataset, cited, documents, form) for dataset in every
    }
    attesting = (
        *(one for found in attested.values() for one in found),
        *(one for one, _ in said),
        *opinions,
    )
    rights += [{"credential": str(one.id)} for one in attesting]
    rights += [{"credential": str(one.id)} for found in terms.values() for one in found.credentials]
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
        filters=tuple(map(lineage.manifest, filters)),
        evaluations=tuple(evaluations),
        retired=tuple(retired),
        terms=terms,
        revocations=withdrawals(repository, rights, cited),
        shared=_shared(repository, users, cited),
        attestations=attested,
        said=said,
        confusions=_confusions(repository, evaluations),
        base_bytes=None if base is None or base.tree is None else repository.tree(base).total_bytes,
        earlier=survey.found(),
        reproductions=_reproductions(repository, subject, card),
        form=form,
        closure=ancestry.closure,
        decisions=decisions_of(repository, filter(None, [run, *evaluations])),
        opinions=opinions,
        licences=_licences(repository, every, form),
        reviews=reviews_of(repository, datasets, map(lineage.manifest, filters), card, cited)
        if form.claims_by_evidence
        else DataReviews(),
        signer=signer if card is None else card.author,
    )


def _licences(
    repository: Repository, datasets: Iterable[Manifest], form: CardForm
) -> dict[Digest, LicenceCount]:
    """Return dataset → count of its licences; those of records only if the card has values."""
    found = {}
    for dataset in datasets:
        if form.claims_by_evidence and not list(dataset.made_from):
            by_record = form.contains_values and licence_field(dataset.body) is not None
            tree = repository.tree(dataset) if by_record else None
            found[dataset.id] = count_licences(dataset.body, tree)
    return found


def _history(repository: Repository, name: str, card: Manifest | None) -> tuple[Digest, ...]:
    """Return the versions of a name, newest first, now or at the time when a card was logged."""
    refs = repository.refs
    if card is not None and repository.policy.suspects:
        index, steps = repository.index_of(card.id), repository.table.steps
        place = (one.index if isinstance(one, Flagged) else one[0] for one in steps)
        before = (one for one, at in zip(steps, place, strict=True) if at < index)
        refs = RefTable.after(before).refs
    return refs[name].history if name in refs else ()


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


def _said(
    repository: Repository,
    subject: Manifest,
    history: tuple[Digest, ...],
    cited: Container[Digest] | None,
    documents: LoggedDocuments,
) -> Iterator[tuple[CredentialFacts, int]]:
    """Yield the attestations in answer to cards of all versions of the subject's name."""
    for version in dict.fromkeys((subject.id, *history)):
        for one, index in credentials_about(repository, version, CARD_ATTESTATION, documents):
            about: Any = one.document["credentialSubject"]
            of = repository.manifest(version)
            # ATTACK: an attestation about one model is logged about another by an altered clone.
            if of.tree is None or of.files is None or "card" not in about["attestation"]:
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
                    continue  # ATTACK: malformed predictions; `verify` reports them
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


def _first(lineage: Lineage, manifest: Manifest, role: str) -> Manifest | None:
    found = manifest.inputs_in(role)
    return lineage.manifest(found[0].id) if found else None


def _named(repository: Repository, subject: Manifest, card: Manifest) -> Iterator[Manifest]:
    """Yield the evaluations that a card names, in log order."""
    named = sorted({item.id for item in card.inputs_in("evaluation")}, key=repository.index_of)
    found = [repository.manifest(identity) for identity in named]
    yield from (one for one in found if _tests(one, subject))


def _walk(
    repository: Repository, subject: Manifest, survey: Survey, card: Manifest | None
) -> tuple[Sequence[Manifest], Sequence[Manifest]]:
    """Pass the log to a survey; return the evaluations of the subject, and the retired ones."""
    # Entries without effect were signed by keys that the policy does not permit. Objects in a card
    # had effect for its author: a key that was revoked later does not make the card false.
    flagged = {one.index for one in repository.flagged} if card is None else set()
    # ATTACK A76: the body of a retired evaluation remains in the store, but not in new cards.
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
    # A card has its evaluations among its inputs, and retired ones only among its evidence.
    named = list(_named(repository, subject, card))
    cited = {*card.body["evidence"]} - {str(one.id) for one in named}
    return named, [one for one in found if str(one.id) in cited]


def _tests(evaluation: Manifest, checkpoint: Manifest) -> bool:
    # ATTACK: figures on data that was chosen after training, shown as those of a locked test set.
    if evaluation.body.get("purpose") is not None:
        return False
    return [item.id for item in evaluation.inputs_in("checkpoint")] == [checkpoint.id]
