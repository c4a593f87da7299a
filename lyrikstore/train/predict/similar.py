"""Similar training records, with their sources, licences and rights."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError, LyrikstoreError, NotFoundError
from lyrikstore.credentials.terms.model import Terms
from lyrikstore.curate.recipes.explain.why import why
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.train.snapshot import CopiedFields, copy_datasets
from lyrikstore.train.worker.staging import Staging
from lyrikstore.verify.rights.judge import LoggedDocument

RevokedRights = Callable[[Iterable[Mapping[str, Any]]], Mapping[Digest, str]]
"""Takes rights as in runs, and returns credential or grant → ``revoked`` or ``suspended``."""


class TrainingRecords(Struct, frozen=True):
    """Copies of the training data, as far as the store has it.

    Attributes:
        datasets: The datasets that the store has.
        files: The staged file of each.
        missing: Name of each other dataset, and why it is missing.
    """

    datasets: tuple[Manifest, ...]
    files: tuple[str, ...]
    missing: tuple[tuple[str, str], ...]

    @classmethod
    def none(cls) -> Self:
        """Return an empty object, without datasets."""
        return cls((), (), ())

    @classmethod
    def copy(
        cls, repo: Repository, train: Sequence[Manifest], run: Manifest, staging: Staging
    ) -> Self:
        """Copy the training records of a run for a worker, every byte checked.

        Raises:
            VerificationError: A blob is damaged.
            StorageError: Storage backend error.

        Cost: one read of the training data, and disk space for its texts.
        """
        data = run.body["config"]["data"]
        text = (data["text"],) if data.get("text") else ()
        fields = CopiedFields(data["label"], text, tuple(data.get("fields", ())))
        datasets, files, missing = [], [], []
        for number, manifest in enumerate(train):
            name = f"train-{number}.jsonl"
            try:
                copy_datasets(repo, [manifest], fields=fields, staging=staging, name=name)
            except (IncompleteError, NotFoundError) as error:
                missing.append((manifest.name, error.message))
                continue
            datasets.append(manifest)
            files.append(name)
        return cls(tuple(datasets), tuple(files), tuple(missing))


class TrainingSources:
    """Finds the sources of training records, and the rights that the run relied on.

    Args:
        repo: The store.
        run: The run.
        known: Its training data.
        revoked: Finds revoked credentials of rights.
    """

    def __init__(
        self,
        repo: Repository,
        run: Manifest,
        known: TrainingRecords,
        revoked: RevokedRights,
    ) -> None:
        self._repo, self._known = repo, known
        self._rights: Sequence[Mapping[str, Any]] = run.body.get("rights", ())
        self._revoked = revoked(self._rights)
        lineage = Lineage.read(repo, *(one.id for one in known.datasets))
        self._sources = [
            list(lineage.rests_on([one.id], strict=True).direct) for one in known.datasets
        ]
        self._found: dict[tuple[int, str], list[Manifest]] = {}
        self._described: dict[Digest, dict[str, Any]] = {}

    def describe(self, one: Mapping[str, Any]) -> dict[str, Any]:
        """Return the JSON object of a similar training record in the result of ``predict``.

        Args:
            one: The record, as the worker found it.

        Cost: if its dataset has several sources, that of ``why``, once per record.
        """
        number = int(one["from"])
        dataset = self._known.datasets[number]
        return {
            "record": one["record"],
            "dataset": dataset.name,
            "labels": list(one["labels"]),
            "likeness": one["likeness"],
            "text": one["text"],
            "comesFrom": [self._source(source) for source in self._of(number, one["record"])],
        }

    def _of(self, number: int, record: str) -> list[Manifest]:
        """Return the source of a record; all possible sources, if it cannot be determined."""
        sources = self._sources[number]
        if len(sources) <= 1:
            return sources
        key = number, record
        if key not in self._found:
            try:
                root = why(self._repo, self._known.datasets[number].id.hex, record).root
                self._found[key] = [root]
            except LyrikstoreError:  # two sources have it, or its lineage is not in this store
                self._found[key] = sources
        return self._found[key]

    def _source(self, source: Manifest) -> dict[str, Any]:
        if source.id not in self._described:
            rights = [one for one in self._rights if one["dataset"] == str(source.id)]
            self._described[source.id] = {
                "id": str(source.id),
                "name": source.name,
                "reliedOn": [self._right(one) for one in rights],
            }
        return self._described[source.id]

    def _right(self, right: Mapping[str, Any]) -> dict[str, Any]:
        revoked = [
            self._revoked[Digest.parse(right[name])]
            for name in ("grant", "credential")
            if name in right and Digest.parse(right[name]) in self._revoked
        ]
        return {
            "credential": right["credential"],
            "grant": right.get("grant"),
            "issuer": right["issuer"],
            **self._terms(right),
            "withdrawn": revoked[0] if revoked else None,
        }

    def _terms(self, right: Mapping[str, Any]) -> dict[str, Any]:
        """Return licences and duties of the data that the run used, from the credential."""
        try:
            opened = LoggedDocument.read(self._repo, Digest.parse(right["credential"])).opened
            subject = (opened.document or {})["credentialSubject"]
            terms = Terms.of(subject["licence"])
        except (LyrikstoreError, KeyError, TypeError):  # `verify` reports the fault
            return {"spdxExpressions": [], "requires": [], "attribution": None}
        names = right.get("partitions")
        parts = terms.named(names) if names else terms.partitions
        licences = [terms.licence_of(one) for one in parts]
        requires = tuple(dict.fromkeys(word for one in parts for word in one.requires))
        issuer = (opened.document or {}).get("issuer")
        called = issuer.get("name") if isinstance(issuer, dict) else None
        attribution = f"{subject.get('name', '')}, by {called or right['issuer']}"
        return {
            "spdxExpressions": list(dict.fromkeys(filter(None, licences))),
            "requires": list(requires),
            "attribution": attribution if "attribution" in requires else None,
        }
