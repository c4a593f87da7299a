"""The decisions about records of versions as a table: ``record_decisions`` in queries."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from lyrikstore.curate.recipes.decisions import decision_batches, decision_schema
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_attachments
from lyrikstore.history.repository.source_files import SourceFiles

if TYPE_CHECKING:
    import pyarrow as pa


class DecisionTable:
    """The decision tables of one or more versions (spec §12.6), read in place.

    Args:
        repository: The store.
        manifests: Versions of datasets; repeated ones count once, those without decisions not.
    """

    def __init__(self, repository: Repository, manifests: Iterable[Manifest]) -> None:
        self._repository = repository
        self._manifests = {manifest.id: manifest for manifest in manifests}

    @property
    def schema(self) -> "pa.Schema":
        """Its columns: ``manifest``, ``dataset``, then those of decision tables of every version.

        The path of a file is included for every version of the format.
        """
        import pyarrow as pa

        fields = {
            field.name: field.with_nullable(True)
            for version in (2, 3)
            for field in decision_schema(version)
        }
        own = [pa.field("manifest", pa.string()), pa.field("dataset", pa.string())]
        return pa.schema([*own, *fields.values()])

    def batches(self) -> "Iterator[pa.RecordBatch]":
        """Yield the decisions, in the same order every time.

        Raises:
            FormatError: (``bad-decisions``) a table is damaged.
            VerificationError, IncompleteError: A blob is damaged, missing or retired.

        Cost: one read; memory for some thousand rows.
        """
        import pyarrow as pa

        schema = self.schema
        repository = self._repository
        for manifest in self._manifests.values():
            sources = [repository.manifest(item.id) for item in manifest.inputs_in("source")]
            files = SourceFiles(repository, sources)
            for attachment in present_attachments(repository, manifest, "decisions"):
                with repository.blobs.open(attachment.id) as stream:
                    for batch in decision_batches(stream):
                        count = batch.num_rows
                        found = {name: batch.column(name) for name in batch.schema.names}
                        if "file" in found:
                            numbers = found["file"].to_pylist()
                            found["path"] = pa.array(map(files.path, numbers), pa.string())
                        columns = [
                            pa.repeat(str(manifest.id), count),
                            pa.repeat(manifest.name, count),
                            *(
                                found[field.name].cast(field.type)
                                if field.name in found
                                else pa.nulls(count, field.type)
                                for field in list(schema)[2:]
                            ),
                        ]
                        yield pa.RecordBatch.from_arrays(columns, schema=schema)
