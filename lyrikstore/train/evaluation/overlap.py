"""What of a test set a model has seen: in its own data, and in all that it rests on (§13.7)."""

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
    """The datasets that a checkpoint and the models it rests on learned from.

    Attributes:
        repository: The store.
        datasets: Those that are looked at, the checkpoint's own first.
        unread: The others: they are not here, or no field of them is a text.
        own: Ids of the checkpoint's own.
        fields: By which fields its run reads these; None: only record ids are compared.
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
        """Return what a checkpoint rests on.

        Args:
            repository: The store.
            checkpoint: The model.
            fields: By which fields its run reads its data; None: texts are not compared.
            unread: Ids of datasets that are left out, for whoever verifies; None: those are found
                out, by one look at each.

        Raises:
            NotFoundError: A manifest on the way is not here.
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
        """Yield the text of each record; raises as copying them does."""
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
        """Return how many of some records have the id of a record that was learned from.

        Cost: one read of all the data; memory for ``records`` alone.
        """
        asked = list(records)
        wanted, seen = frozenset(asked), set[Digest]()
        for dataset in self.datasets:
            ids = (row.id for row in read_dataset_records(self.repository, dataset))
            seen.update(one for one in ids if one in wanted)
        return sum(one in seen for one in asked)

    def check_unseen(self, test: Manifest, records: Iterable[Digest]) -> int:
        """Return how many records of a test set were learned from.

        Raises:
            PolicyError: (``test-is-train``) so many that it tests nothing.
        """
        asked = list(records)
        seen = self.count_seen(asked)
        if is_mostly_seen(seen, len(asked)):
            raise PolicyError(
                "test-is-train",
                f"{test.name}: the model learned from {seen} of its "
                f"{pluralize(len(asked), 'record')}",
                hint="evaluate on the part that was split off before the run",
            )
        return seen

    def overlap(self, exact: int) -> dict[str, Any]:
        """Return the member ``overlap`` of an evaluation, but for near duplicates."""
        unread = [str(one.id) for one in self.unread]
        found = {"exact": exact, "checked": ALL_DATA}
        return {**found, "unread": unread} if unread else found
