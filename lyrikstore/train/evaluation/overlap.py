"""Search for test records in the training data of a model and of its base models (§13.7)."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError, InvalidInputError, PolicyError
from lyrikstore.canon.text import pluralize
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.recipes.references import read_dataset_records
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.train.snapshot import CopiedFields, read_texts
from lyrikstore.verify.store.test_sets import ALL_DATA, is_mostly_seen, trained_on


class LearnedData(Struct, frozen=True):
    """The training data of a checkpoint and of the models it is based on.

    Attributes:
        repository: The store.
        datasets: The datasets that are searched, the checkpoint's own first.
        unread: The other datasets: they are not in this store, or no field of them is a text.
        own: Ids of the datasets of the checkpoint's own run.
        fields: The fields by which the run reads its datasets; None: only record ids are compared.
    """

    repository: Repository
    datasets: tuple[Manifest, ...]
    unread: tuple[Manifest, ...]
    own: frozenset[Digest]
    fields: CopiedFields | None

    @classmethod
    def of(
        cls,
        repository: Repository,
        checkpoint: Manifest,
        fields: CopiedFields | None,
        unread: Collection[str] | None = None,
    ) -> "LearnedData":
        """Return the training data of a checkpoint and of the models it is based on.

        Args:
            repository: The store.
            checkpoint: The model.
            fields: The fields by which its run reads its data; None: texts are not compared.
            unread: Ids of the datasets that an evaluation left out, to verify it; None: each
                dataset is tried.

        Raises:
            NotFoundError: A manifest of the lineage is not in this store.
        """
        own = frozenset(trained_on(checkpoint))
        lineage = Lineage.read(repository, checkpoint.id)
        found = lineage.rests_on([checkpoint.id], strict=True).datasets
        learned = cls(repository, found, (), own, fields)
        left = [one for one in found if one.id not in own and learned.is_unread(one, unread)]
        read = tuple(one for one in found if one not in left)
        return cls(repository, read, tuple(left), own, fields)

    def is_unread(self, dataset: Manifest, unread: Collection[str] | None) -> bool:
        """Return whether a dataset is left out."""
        if unread is not None:
            return str(dataset.id) in unread
        try:
            if self.fields is None:
                next(read_dataset_records(self.repository, dataset), None)
            else:
                next(self._texts(dataset, self.fields), None)
        except (IncompleteError, InvalidInputError):
            return True
        return False

    def texts(self) -> Iterator[str]:
        """Yield the text of each record; raises as :func:`copy_datasets`."""
        for dataset in self.datasets:
            if self.fields is not None:
                yield from self._texts(dataset, self.fields)

    def _texts(self, dataset: Manifest, fields: CopiedFields) -> Iterator[str]:
        if dataset.id in self.own:
            return read_texts(self.repository, [dataset], fields)
        roles = FieldRoles.of_body(dataset.body)
        text = () if roles.text else fields.text
        return read_texts(self.repository, [dataset], CopiedFields("", text))

    def count_seen(self, records: Iterable[Digest]) -> int:
        """Return how many of some records have the id of a training record.

        Cost: one read of all the data; memory for ``records`` alone.
        """
        ids = list(records)
        wanted, seen = frozenset(ids), set[Digest]()
        for dataset in self.datasets:
            dataset_ids = (row.id for row in read_dataset_records(self.repository, dataset))
            seen.update(one for one in dataset_ids if one in wanted)
        return sum(one in seen for one in ids)

    def check_unseen(self, test: Manifest, records: Iterable[Digest]) -> int:
        """Return how many records of a test set are in the training data.

        Raises:
            PolicyError: (``test-is-train``) too many for a test.
        """
        ids = list(records)
        seen = self.count_seen(ids)
        if is_mostly_seen(seen, len(ids)):
            raise PolicyError(
                "test-is-train",
                f"{test.name}: the model was trained on {seen} of its "
                f"{pluralize(len(ids), 'record')}",
                hint="evaluate on the part that was split off before the run",
            )
        return seen

    def overlap(self, exact: int) -> dict[str, Any]:
        """Return the member ``overlap`` of an evaluation, without near duplicates."""
        unread = [str(one.id) for one in self.unread]
        found = {"exact": exact, "checked": ALL_DATA}
        return {**found, "unread": unread} if unread else found
