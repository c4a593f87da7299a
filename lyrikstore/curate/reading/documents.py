"""The texts of documents that are not plain text, extracted for display and profiles."""

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.extract.limits import MAX_DOCUMENT_BYTES
from lyrikstore.curate.extract.result import Unreadable
from lyrikstore.curate.extract.workers import Extractor
from lyrikstore.curate.readers.fields import DOCUMENT_TEXT
from lyrikstore.curate.recipes.filters.contract import FilterRecord
from lyrikstore.curate.recipes.source import read_start
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.trees.tree import Tree

NO_PARSER = "no-parser"
"""The reason if the packages that read documents are not installed."""

_MOST = MAX_DOCUMENT_BYTES + 1
_PARTLY = frozenset({"pages-without-text", "parts-not-read"})


class ReadDocument(Struct, frozen=True):
    """A document that is not plain text, with its text or the reason why it was not read.

    Attributes:
        record: The record, with its text if that was read.
        reason: Why it was not read: a code of :data:`lyrikstore.curate.extract.result.REASONS`, or
            :data:`NO_PARSER`; empty if it was read.
        is_partly: Whether pages or parts of it were not read.
    """

    record: FilterRecord
    reason: str = ""
    is_partly: bool = False


def read_documents(
    repository: Repository, tree: Tree, records: Sequence[FilterRecord]
) -> Iterator[ReadDocument]:
    """Yield documents with their texts, or with the reasons why they were not read.

    Args:
        repository: The store.
        tree: The files.
        records: Documents without a text.

    Raises:
        VerificationError, IncompleteError: The data is damaged or missing.
        StorageError: (``worker-died``) no process can be started.

    Cost: one read of each document, in processes with limits of time and memory per document.
    """
    if not records:
        return
    files = (
        (one.path, read_start(tree.by_path[one.path], repository.blobs.open, _MOST))
        for one in records
    )
    done = 0
    try:
        with Extractor() as extractor:
            for record, found in zip(records, extractor.map(files), strict=True):
                done += 1
                if isinstance(found, Unreadable):
                    yield ReadDocument(record, found.reason)
                    continue
                fields = {**record.fields, DOCUMENT_TEXT: found.text}
                is_partly = any(note.code in _PARTLY for note in found.notes)
                yield ReadDocument(replace(record, fields=fields), is_partly=is_partly)
    except InvalidInputError as error:
        if error.kind != NO_PARSER:
            raise
        yield from (ReadDocument(one, NO_PARSER) for one in records[done:])
