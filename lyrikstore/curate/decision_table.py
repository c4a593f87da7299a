"""The decisions about the records of versions, read in place: ``record_decisions`` of a query."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from lyrikstore.curate.recipes.decisions import decision_batches, decision_schema
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository

if TYPE_CHECKING:
    import pyarrow as pa


class DecisionTable:
    """The decision tables of one version or several (spec §12.6); none of those without.

    Args:
        repository: The store.
        manifests: Versions of datasets; one that is named twice is there once.
    """

    def __init__(self, repository: Repository, manifests: Iterable[Manifest]) -> None:
        self._open = repository.blobs.open
        self._manifests = {manifest.id: manifest for manifest in manifests}

    @property
    def schema(self) -> "pa.Schema":
        """Its columns: ``manifest``, ``dataset``, then those of decision tables of version 2."""
        import pyarrow as pa

        own = [pa.field("manifest", pa.string()), pa.field("dataset", pa.string())]
        return pa.schema([*own, *(field.with_nullable(True) for field in decision_schema(2))])

    def batches(self) -> "Iterator[pa.RecordBatch]":
        """Yield the decisions, the same every time.

        Raises:
            FormatError: (``bad-decisions``) a table is damaged.
            VerificationError, IncompleteError: A blob is damaged or lost.

        Cost: one read; memory for some thousand rows.
        """
        import pyarrow as pa

        schema = self.schema
        for manifest in self._manifests.values():
            for attachment in manifest.attachments_in("decisions"):
                with self._open(attachment.id) as stream:
                    for batch in decision_batches(stream):
                        count = batch.num_rows
                        columns = [
                            pa.repeat(str(manifest.id), count),
                            pa.repeat(manifest.name, count),
                            *(
                                batch.column(field.name).cast(field.type)
                                if field.name in batch.schema.names
                                else pa.nulls(count, field.type)
                                for field in list(schema)[2:]
                            ),
                        ]
                        yield pa.RecordBatch.from_arrays(columns, schema=schema)
