"""A dataset's files and fields as Croissant 1.1, so that loaders read a checkout (spec §23.5)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from msgspec import Struct

from lyrikstore.audit.statements.statement import ExportedObject, hash_blob
from lyrikstore.canon.json import JSON
from lyrikstore.curate.readers.cells import separator_of
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.readers.records import PARQUET
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.records.order_root import DOCUMENT
from lyrikstore.history.records.rows import JSONL
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_tree
from lyrikstore.history.trees.tree_entry import TreeEntry
from lyrikstore.publish.cards.card import draft_card
from lyrikstore.publish.cards.rendering.croissant import describe_dataset, media_type
from lyrikstore.verify.datasets.body import companions_of, stats_of

_ROWS = {JSONL: "application/jsonlines", PARQUET: "application/x-parquet"}
_TABLES = {",": "text/csv", "\t": "text/tab-separated-values"}
"""Separator of the cells of a table → media type of tables that loaders read."""

_TEXTS = ("text/plain", "text/markdown")
"""Media types of documents that loaders read as texts."""

_MAX_HEADER = 64 << 10

_TYPES: Mapping[frozenset[str], str] = {
    frozenset({"string"}): "sc:Text",
    frozenset({"boolean"}): "sc:Boolean",
    frozenset({"integer"}): "sc:Integer",
    frozenset({"number"}): "sc:Float",
    frozenset({"integer", "number"}): "sc:Float",
}
"""JSON types of the values of a field → the type of the field."""

_SPECIAL = re.compile(r"[*?[]")
"""Characters with a meaning in a glob pattern."""


_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
"""Names of fields that can be part of an id."""


class _File(Struct, frozen=True):
    """One file: where it is, its media type, and whether loaders find records in it."""

    entry: TreeEntry
    media: str
    loads: bool


class _Field(Struct, frozen=True):
    """One field of a record set: its name in the files, its type, and whether it has a list."""

    name: str
    type: str
    several: bool = False


def describe_files(verified: ExportedObject) -> dict[str, JSON]:
    """Return a Croissant document for the folder into which a dataset is checked out.

    It has what the dataset's card states, each file with its SHA-256, and record sets of the rows,
    or of the documents that are texts. It is not signed.

    Args:
        verified: The dataset.

    Raises:
        IncompleteError: (``retired``) the version was retired.
        LyrikstoreError: A manifest or a file cannot be read, or no card can be made.

    Cost: that of a card, and one read of the files.
    """
    repository, dataset = verified.repository, verified.manifest
    document = describe_dataset(draft_card(repository, dataset).content)
    del document["lyrik:card"]  # this card was made now, and is in no store
    files = list(_files(repository, dataset))
    fields = list(_fields(dataset))
    sets = _by_format(dataset, files) if fields else {}
    document["distribution"] = [
        *(_file_object(repository, number, one) for number, one in enumerate(files, start=1)),
        *(_file_set(name, some) for name, some in sets.items()),
    ]
    if sets:
        document["recordSet"] = [_record_set(name, fields) for name in sets]
    return document


def _files(repository: Repository, dataset: Manifest) -> Iterator[_File]:
    reader, tree = dataset.body["reader"], present_tree(repository, dataset)
    companions = companions_of(dataset.body, tree)
    for one in tree.entries:
        media = media_type(PurePosixPath(one.path).suffix)
        if one.path in companions:
            yield _File(one, media, loads=False)
        elif reader == DOCUMENT:
            yield _File(one, media, loads=media in _TEXTS)
        elif reader in _ROWS:
            yield _File(one, _ROWS[reader], loads=True)
        else:
            with repository.blobs.open(one.blake3) as stream:
                header = stream.readline(_MAX_HEADER).decode(errors="replace")
            table = _TABLES.get(separator_of(header))
            yield _File(one, table or "text/csv", loads=table is not None)


def _by_format(dataset: Manifest, files: Sequence[_File]) -> Mapping[str, Sequence[_File]]:
    """Return name of a record set → its files; loaders read the files of one set alike."""
    loaded = [one for one in files if one.loads]
    if dataset.body["reader"] == DOCUMENT:
        return {"documents": loaded} if loaded else {}
    kinds = list(dict.fromkeys(one.media for one in loaded))
    return {
        "records" if at == 1 else f"records-{at}": [one for one in loaded if one.media == kind]
        for at, kind in enumerate(kinds, start=1)
    }


def _fields(dataset: Manifest) -> Iterator[_Field]:
    if dataset.body["reader"] == DOCUMENT:
        yield _Field("fullpath", "sc:Text")
        yield _Field("content", "sc:Text")
        return
    roles = FieldRoles.of_body(dataset.body)
    for one in stats_of(dataset.body).get("fields", ()):
        name, kinds = one["field"], frozenset(kind["type"] for kind in one["types"])
        if kinds in _TYPES:
            yield _Field(name, _TYPES[kinds])
        elif kinds == {"list"} and name in (*roles.text, roles.label):
            yield _Field(name, "sc:Text", several=True)


def _file_object(repository: Repository, number: int, file: _File) -> JSON:
    entry = file.entry
    return {
        "@type": "cr:FileObject",
        "@id": f"file-{number}",
        "name": entry.path,
        "contentUrl": entry.path,
        "contentSize": f"{entry.bytes} B",
        "encodingFormat": file.media,
        "sha256": hash_blob(repository, entry.blake3),
        "identifier": entry.blake3.urn,
    }


def _file_set(name: str, files: Sequence[_File]) -> JSON:
    media = {one.media for one in files}
    # Loaders try the formats in this order, and know texts only as plain ones.
    named = ["text/plain", *sorted(media - {"text/plain"})] if media <= {*_TEXTS} else [*media]
    patterns: list[JSON] = [_SPECIAL.sub(r"[\g<0>]", one.entry.path) for one in files]
    return {
        "@type": "cr:FileSet",
        "@id": f"{name}-files",
        "name": f"files of {name}",
        "encodingFormat": [*named] if len(named) > 1 else named[0],
        "includes": patterns,
    }


def _record_set(name: str, fields: Sequence[_Field]) -> JSON:
    by = "fileProperty" if name == "documents" else "column"
    described: list[JSON] = []
    for number, one in enumerate(fields, start=1):
        known = one.name if _NAME.fullmatch(one.name) else f"-{number}"
        described.append(
            {
                "@type": "cr:Field",
                "@id": f"{name}/{known}",
                "name": one.name,
                "dataType": one.type,
                **({"isArray": True, "arrayShape": "-1"} if one.several else {}),
                "source": {"fileSet": {"@id": f"{name}-files"}, "extract": {by: one.name}},
            }
        )
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "field": described}
