"""``NOTICE``: the attributions that the terms of a model's data and base require."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.timestamps import format_timestamp
from lyrikstore.credentials.terms.model import Answer, Partition, Terms
from lyrikstore.credentials.terms.vocabulary import DELETE, DUTIES
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.trees.tree import TreeEntry
from lyrikstore.publish.cards.facts import CardFacts
from lyrikstore.publish.cards.gathering.credentials import CredentialFacts
from lyrikstore.publish.cards.vocabulary.rights import DELETION, NO_END
from lyrikstore.publish.markdown import plain
from lyrikstore.train.formats.blend import WITH_WORDS
from lyrikstore.verify.deployment import layout

DERIVATIVE_MODELS = "derivativeModels"
"""The term that permits the redistribution of models that were trained on the data."""

_SHOWN_FIELDS = ("name", "origin", "intellectualProperty", "source")
_NAMES = ("licen", "notice", "copying")
_MAX_TEXT = 1 << 20
_RecordedRight = Mapping[str, Any]
"""A right, as a run records it."""
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
        withheld: Datasets whose terms do not permit the redistribution of models trained on them →
        whether they prohibit it; otherwise the terms do not mention it.
    """

    text: str
    licences: Mapping[str, bytes]
    withheld: Mapping[str, bool]


def notice_of(
    repository: Repository,
    facts: CardFacts,
    rights: Mapping[str, Any] | None = None,
    at: datetime | None = None,
) -> Notice:
    """Return the attributions that the terms of a checkpoint's data and base require.

    Args:
        repository: The store.
        facts: The card facts of the checkpoint, in the current form.
        rights: The member ``rights`` of the deployment; None: it has none.
        at: The moment of the statement.

    Raises:
        VerificationError, IncompleteError: The text of a licence is damaged or missing.
        StorageError: Storage backend error.
    """
    model, data = facts.checkpoint, _DataNotice(repository, facts)
    lines = [f"{model.name} ({model.id})", f"of the store {facts.store}", ""]
    lines += _end(rights, at) if rights is not None and at is not None and "until" in rights else []
    lines += ["Training data", ""]
    for dataset in data.datasets:
        lines += data.lines(dataset)
    lines += ["", "Base model", "", *data.bases()]
    text = "\n".join(lines) + "\n"
    if model.body["format"] in WITH_WORDS:
        text += _WORDS
    return Notice(text, data.licences, data.withheld())


def _end(rights: Mapping[str, Any], at: datetime) -> Iterator[str]:
    """Yield the lines about the end of the rights; ``check.py`` reads two (spec §14.7.9)."""
    yield f"{layout.RIGHTS_UNTIL}: {rights['until']}"
    yield f"{layout.RIGHTS_AS_OF}: {format_timestamp(at)}"
    yield "Then the rights to data of this model end. check.py refuses the folder from then on;"
    yield "whoever has the rights renewed deploys it again."
    if rights["deleteOnExpiry"]:
        yield f"Some of the data has to be deleted then ({DELETE}: {DUTIES[DELETE]})."
    yield ""


class _DataNotice:
    """The lines about the data and base models of a model, and the rights to them.

    Args:
        repository: The store.
        facts: The card facts of the model.
    """

    def __init__(self, repository: Repository, facts: CardFacts) -> None:
        if facts.closure is None:
            raise TypeError("a notice follows the rule of rights")
        self.licences: dict[str, bytes] = {}
        """Name of a file → the text of a licence."""
        self._repository, self._facts, self._closure = repository, facts, facts.closure
        self.datasets = _with_ancestors(facts.closure.datasets, facts.each_dataset)
        """The training data of the model and of its bases, and the ancestors of this data. Test
        sets are not in it: they leave nothing in a model."""
        self._attached = {
            one.id for each in self.datasets for one in each.attachments_in("licence-text")
        }
        self._rights: dict[Digest, list[_RecordedRight]] = {}
        for run in facts.closure.runs:
            for right in run.body.get("rights", ()):
                self._rights.setdefault(Digest.parse(right["dataset"]), []).append(right)

    def lines(self, dataset: Manifest) -> Iterator[str]:
        """Yield the lines about a dataset."""
        terms = self._facts.terms[dataset.id]
        yield f"- {dataset.name} ({dataset.id})"
        through = self._closure.through.get(dataset.id)
        if through is not None and through.id != self._facts.checkpoint.id:
            yield f"  through the model {through.name} ({through.id})"
        if terms.published is not None:
            theirs = terms.published
            yield f"  published as {plain(theirs.name)} ({theirs.manifest})"
            yield f"    in the store {theirs.store}, by {theirs.author}"
        licence = dataset.body.get("licence", {}).get("expression")
        yield f"  licence: {'none is stated' if licence is None else plain(licence)}"
        described: Mapping[str, Any] = dataset.body["descriptor"]
        for name in _SHOWN_FIELDS:
            found = described.get(name, {})
            if found.get("state") == "value":
                yield f"  {name}: {plain(str(found['value']))}"
        for credential in terms.credentials:
            yield from self._credential(dataset, credential)
        attached = [one.id for one in dataset.attachments_in("licence-text")]
        named = [text for one in terms.credentials for text in one.terms.texts]
        for text in dict.fromkeys([*attached, *named]):
            yield self._text(text)

    def _credential(self, dataset: Manifest, credential: CredentialFacts) -> Iterator[str]:
        rights, terms = self._rights_by(dataset, credential), credential.terms
        yield f"  credential: {credential.id}, issued by {plain(credential.issuer)}"
        revocation = self._facts.revocations.get(credential.id)
        if revocation is not None:
            yield f"    {revocation.word}, by log entry {revocation.index}"
        used = _used(terms, rights)
        if any("attribution" in part.requires for part in used):
            name, whom = credential.attribution
            yield f"    attribution: {plain(name)}, by {plain(whom)}"
        for part in used:
            where = "" if len(terms.partitions) == 1 else f", partition {plain(part.name)}"
            if part.licence is not None:
                stated = plain(terms.licence_of(part) or "none is stated")
                yield f"    licence{where}: {stated}"
            for duty in part.requires:
                yield f"    requires{where}: {_duty(duty)}"
                if duty == DELETION:
                    ends = [credential.end_of(part), *(one.get("validUntil") for one in rights)]
                    end = min(filter(None, ends), default=None)
                    yield f"      {f'due {end}' if end else NO_END}"
            said = _SAYS.get(part.answer(DERIVATIVE_MODELS), "not stated")
            term = DERIVATIVE_MODELS
            yield f"    handing on a model that was trained on it{where} ({term}): {said}"
        for grant, right in {one["grant"]: one for one in rights if "grant" in one}.items():
            yield f"    by the grant {grant}: {plain(', '.join(right['permits']))}"
            if "validUntil" in right:
                yield f"      to {plain(right['validUntil'])}"
        for granted in self._facts.terms[dataset.id].relied_on(rights):
            for duty in granted.duties:
                yield f"      requires: {_duty(duty)}"

    def _rights_by(self, dataset: Manifest, credential: CredentialFacts) -> list[_RecordedRight]:
        """Return the rights to a dataset that are based on a credential."""
        rights = self._rights.get(dataset.id, ())
        return [one for one in rights if one["credential"] == str(credential.id)]

    def _text(self, text: Digest) -> str:
        # ATTACK: a publisher names a file that only the buyer has as the text of their licence, so
        # that it is redistributed with a model.
        if text not in self._attached:
            return f"  text of the licence: {text}, which no dataset above has"
        name = f"licences/{text.hex}.txt"
        self.licences[name] = self._repository.blobs.read(text, max_bytes=_MAX_TEXT)
        return f"  text of the licence: {name}"

    def bases(self) -> Iterator[str]:
        """Yield the lines about the base model, and about the first models of its lineage."""
        models, base = self._facts.models, self._facts.base
        if base is None and not models:
            yield "none"
        if base is not None and base.id not in {one.id for one in models}:
            yield f"- {base.name} ({base.id})"
            yield "  made in this store; the data that it was trained on is above"
        for model in models:
            yield f"- {model.name} ({model.id})"
            asserted = model.body.get("rights", {}).get("asserted")
            stated = "none are stated" if asserted is None else plain(asserted)
            yield f"  rights, as asserted by whoever imported it: {stated}"
            below = "licences/base" if len(models) == 1 else f"licences/base/{model.id.short}"
            found = list(_text_entries(self._repository, model))
            for entry in found[:_MOST_TEXTS]:
                name = f"{below}/{entry.path}"
                self.licences[name] = self._repository.blobs.read(entry.blake3, max_bytes=_MAX_TEXT)
                yield f"  text: {name}"
            if len(found) > _MOST_TEXTS:
                yield f"  and {len(found) - _MOST_TEXTS} more texts, which are not here"

    def withheld(self) -> dict[str, bool]:
        """Return the datasets without permission to redistribute → whether they prohibit it."""
        found: dict[str, bool] = {}
        sources = {one.id for one in self._closure.sources}
        for dataset in self.datasets:
            rights = _deciding(self._rights.get(dataset.id, []))
            if not rights and dataset.id not in sources:
                continue
            credentials = self._facts.terms[dataset.id].credentials
            if rights:
                named = {one["credential"] for one in rights}
                counting = [one for one in credentials if str(one.id) in named]
                permitted = all(DERIVATIVE_MODELS in one["permits"] for one in rights)
            else:  # a run of before recorded nothing: whatever is in force counts
                counting = [one for one in credentials if one.id not in self._facts.revocations]
                permitted = any(DERIVATIVE_MODELS in one.terms.permits for one in counting)
            if not permitted:
                parts = (part for one in counting for part in _used(one.terms, rights))
                said = [part.answer(DERIVATIVE_MODELS) is Answer.PROHIBITED for part in parts]
                found[dataset.name] = found.get(dataset.name, False) or any(said)
        return found


def _duty(word: str) -> str:
    return plain(word) + (f" ({DUTIES[word]})" if word in DUTIES else "")


def _deciding(rights: list[_RecordedRight]) -> list[_RecordedRight]:
    """Return the rights to one dataset that are still in force, of rights in the order of runs.

    The last right is the newest. An earlier one counts for partitions that the last does not name.
    """
    if not rights or not rights[0].get("partitions"):
        return rights[:1]
    known = set(rights[0]["partitions"])
    others = [one for one in rights[1:] if not known >= set(one.get("partitions") or {""})]
    return [rights[0], *others]


def _used(terms: Terms, rights: Iterable[_RecordedRight]) -> tuple[Partition, ...]:
    """Return the partitions that some rights cover; all partitions if one of them names none."""
    named = [one.get("partitions", ()) for one in rights]
    if not named or not all(named):
        return terms.partitions
    return terms.named(name for names in named for name in names)


def _with_ancestors(
    datasets: Iterable[Manifest], known: Iterable[Manifest]
) -> tuple[Manifest, ...]:
    by_id, pending = {one.id: one for one in known}, list(datasets)
    seen = {one.id for one in pending}
    for one in pending:  # which grows
        new = [by_id[made] for made in one.made_from if made not in seen and made in by_id]
        seen.update(each.id for each in new)
        pending += new
    return tuple(pending)


def _text_entries(repository: Repository, base: Manifest) -> Iterator[TreeEntry]:
    for entry in repository.tree(base).entries:
        name = entry.path.rpartition("/")[2]
        if name.lower().startswith(_NAMES) and entry.bytes <= _MAX_TEXT:
            yield entry
