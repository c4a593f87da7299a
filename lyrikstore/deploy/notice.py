"""``NOTICE``: whose data and whose base model a model rests on, and what they ask for it."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.credentials.model.credential import DATASET
from lyrikstore.credentials.terms.model import Answer, Terms
from lyrikstore.credentials.terms.vocabulary import DUTIES
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.trees.tree import TreeEntry
from lyrikstore.publish.cards.facts import CardFacts, credentials_about
from lyrikstore.publish.cards.organisations import LoggedDocuments
from lyrikstore.publish.markdown import plain
from lyrikstore.train.formats import blend, word_counts
from lyrikstore.verify.rights.closure import rights_closure

HAND_ON = "derivativeModels"
"""The word of terms that lets one hand on a model that was trained on the data."""

_ROLES = frozenset({"train", "validation", "dataset"})  # a test set leaves nothing in a model
_TOLD = ("name", "origin", "intellectualProperty", "source")
_NAMES = ("licen", "notice", "copying")
_MAX_TEXT = 1 << 20
_MOST_TEXTS = 100
_WORDS = """
Words of the training data

The model has words and pairs of words that are in two training records or more (where no word is
in two, all of them). Names can be among them.
"""
_SAYS = {
    Answer.PERMITTED: "permitted",
    Answer.PROHIBITED: "prohibited",
}


class Notice(Struct, frozen=True):
    """The attributions of a model.

    Attributes:
        text: The file.
        licences: Name of a file → the text of a licence.
        withheld: Datasets whose terms do not permit to hand on a model of theirs → whether they
            prohibit it; else they do not say.
    """

    text: str
    licences: Mapping[str, bytes]
    withheld: Mapping[str, bool]


def notice_of(repository: Repository, facts: CardFacts) -> Notice:
    """Return the attributions that the terms of a checkpoint's data and base ask for.

    Args:
        repository: The store.
        facts: What it knows about the checkpoint.

    Raises:
        VerificationError, IncompleteError: The text of a licence is damaged or lost.
        StorageError: Storage backend error.
    """
    model = facts.checkpoint
    lines = [f"{model.name} ({model.id})", f"of the store {facts.store}", "", "Training data", ""]
    licences: dict[str, bytes] = {}
    withheld: dict[str, bool] = {}
    rests_on = rights_closure([model.id], repository.manifest)
    datasets = {one.id: one for role, one in facts.datasets if role in _ROLES}
    datasets |= {one.id: one for one in (*rests_on.datasets, *rests_on.sources)}
    relied = frozenset(
        Digest.parse(right["credential"]) for run in rests_on.runs for right in run.body["rights"]
    )
    for dataset in datasets.values():
        lines += _dataset(repository, dataset, facts, relied, withheld)
        for attached in dataset.attachments_in("licence-text"):
            name = f"licences/{attached.id.hex}.txt"
            licences[name] = repository.blobs.read(attached.id, max_bytes=_MAX_TEXT)
            lines.append(f"  text of the licence: {name}")
    lines += ["", "Base model", ""]
    bases = {one.id: one for one in ([facts.base] if facts.base else []) + [*rests_on.models]}
    for base in bases.values():
        lines += _base(repository, base, licences)
    lines += [] if bases else ["none"]
    text = "\n".join(lines) + "\n"
    if model.body["format"] in {word_counts.FORMAT, blend.FORMAT}:
        text += _WORDS
    return Notice(text, licences, withheld)


def _base(repository: Repository, base: Manifest, licences: dict[str, bytes]) -> Iterator[str]:
    yield f"- {base.name} ({base.id})"
    if base.body["origin"] != "imported":
        yield "  made here of the training data, and of the base model, named in this file"
        return
    asserted = base.body.get("rights", {}).get("asserted")
    stated = "none are stated" if asserted is None else plain(asserted)
    yield f"  rights, as asserted by whoever imported it: {stated}"
    found = list(_text_entries(repository, base))
    for entry in found[:_MOST_TEXTS]:
        name = f"licences/base/{entry.path}"
        if licences.setdefault(name, text := _text(repository, entry)) != text:
            name = f"licences/base/{base.id.short}/{entry.path}"
            licences[name] = text
        yield f"  text: {name}"
    if len(found) > _MOST_TEXTS:
        yield f"  and {len(found) - _MOST_TEXTS} more texts, which are not here"


def _text(repository: Repository, entry: TreeEntry) -> bytes:
    return repository.blobs.read(entry.blake3, max_bytes=_MAX_TEXT)


def _dataset(
    repository: Repository,
    dataset: Manifest,
    facts: CardFacts,
    relied: frozenset[Digest],
    withheld: dict[str, bool],
) -> Iterator[str]:
    yield f"- {dataset.name} ({dataset.id})"
    licence = dataset.body.get("licence", {}).get("expression")
    yield f"  licence: {'none is stated' if licence is None else plain(licence)}"
    described: Mapping[str, Any] = dataset.body["descriptor"]
    for name in _TOLD:
        found = described.get(name, {})
        if found.get("state") == "value":
            yield f"  {name}: {plain(str(found['value']))}"
    # What was imported is permitted by whoever published it, under the manifest that it has there.
    documents = LoggedDocuments(repository, None)
    known = [dataset.id] if dataset.id not in facts.grants else []  # facts have the others
    known += [published.id for published in dataset.attachments_in("foreign-manifest")]
    theirs = [
        grant
        for identity in known
        for grant, _ in credentials_about(repository, identity, DATASET, documents)
    ]
    for grant in (*facts.grants.get(dataset.id, ()), *theirs):
        subject: Any = grant.document["credentialSubject"]
        issuer: Any = grant.document["issuer"]
        terms = Terms.of(subject["licence"])
        said = issuer["id"] if isinstance(issuer, dict) else issuer
        yield f"  credential: {grant.id}, issued by {plain(str(said))}"
        if "attribution" in terms.requires:
            called = issuer.get("name") if isinstance(issuer, dict) else None
            name = subject.get("name") or dataset.name
            yield f"    attribution: {plain(str(name))}, by {plain(str(called or said))}"
        for part in terms.partitions:
            where = "" if len(terms.partitions) == 1 else f", partition {plain(part.name)}"
            if part.licence is not None:
                yield f"    licence{where}: {plain(part.licence)}"
            for duty in part.requires:
                meaning = f" ({DUTIES[duty]})" if duty in DUTIES else ""
                yield f"    requires{where}: {plain(duty)}{meaning}"
            answer = part.answer(HAND_ON)
            said = _SAYS.get(answer, "not stated")
            yield f"    handing on a model that was trained on it{where} ({HAND_ON}): {said}"
            if grant.id in relied and answer is not Answer.PERMITTED:
                prohibited = answer is Answer.PROHIBITED
                withheld[dataset.name] = withheld.get(dataset.name, False) or prohibited


def _text_entries(repository: Repository, base: Manifest) -> Iterator[TreeEntry]:
    for entry in repository.tree(base).entries:
        name = entry.path.rpartition("/")[2]
        if name.lower().startswith(_NAMES) and entry.bytes <= _MAX_TEXT:
            yield entry
