"""Verified copies of the inputs, for workers that see nothing else (spec §13.2).

Every byte comes from the store through its digest, so what the worker reads is what the manifests
name; a damaged blob ends the run before its first step.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import encode
from lyrikstore.canon.text import pluralize, unknown_word
from lyrikstore.curate.readers import DOCUMENT
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.readers.rows import as_texts
from lyrikstore.curate.recipes.references import read_candidates
from lyrikstore.curate.recipes.source import source_reader
from lyrikstore.curate.text import foreign_format, suffix_label
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.records.order_root import document_id
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_tree
from lyrikstore.history.trees.tree import Tree
from lyrikstore.train.formats.base_model import (
    CONFIG,
    MAX_CONFIG_BYTES,
    MAX_HEADER_BYTES,
    MAX_TOKENIZER_BYTES,
    TOKENIZER,
    WEIGHTS,
    check_model_config,
    check_model_files,
    check_tokenizer,
    check_weights,
)
from lyrikstore.train.worker.staging import BASE, Staging

MAX_TEXT_BYTES = 64 << 20
"""Longest text of one record."""

MAX_LABELS, MAX_LABEL_BYTES = 1000, 64 << 10
"""Most labels, and bytes of them in all: what one signed evaluation holds, thrice, with figures."""


class Snapshot(Struct, frozen=True):
    """What was copied of datasets.

    Attributes:
        records: Record ids in storage order.
        labels: Label → number of records.
    """

    records: tuple[Digest, ...]
    labels: Mapping[str, int]


def copy_datasets(
    repo: Repository, manifests: Sequence[Manifest], *, label: str, staging: Staging, name: str
) -> Snapshot:
    """Write the texts and labels of datasets as JSON Lines, every file checked.

    Args:
        repo: The store.
        manifests: Datasets of documents or rows, one after the other.
        label: The column or field that holds the label.
        staging: Where to write.
        name: File to make there; lines are ``{"id", "label", "text"}`` in storage order.

    Raises:
        InvalidInputError: (``no-reader``) records that are not read, or a file that holds no text;
            (``no-text``) rows of which no field is the text; (``label-missing``) no such field,
            near ones named, or records without a label; (``several-labels``) records with more
            than one; (``not-text``) not UTF-8; (``too-large``) a text longer than
            :data:`MAX_TEXT_BYTES`.
        VerificationError, IncompleteError: A blob is damaged or lost.
        StorageError: Storage backend error: disk full, read-only, I/O error.
    """
    for manifest in manifests:
        if manifest.kind != "dataset":
            raise InvalidInputError(
                "not-a-dataset", f"{manifest.name} is a {manifest.kind}, not a dataset"
            )
    records: list[Digest] = []
    labels: dict[str, int] = {}
    with staging.create(name) as write:
        for manifest in manifests:
            is_rows = source_reader(manifest.body) != DOCUMENT
            read = _rows if is_rows else _documents
            for record, value, text in read(repo, manifest, label):
                labels[value] = labels.get(value, 0) + 1
                records.append(record)
                line = {"id": record.hex, "label": value, "text": text}
                write(json.dumps(line).encode("ascii") + b"\n")
    return Snapshot(tuple(records), dict(sorted(labels.items())))


def _documents(
    repo: Repository, manifest: Manifest, label: str
) -> Iterator[tuple[Digest, str, str]]:
    """Yield id, label and text of each document."""
    for entry in _labelled_tree(repo, manifest, label).entries:
        # What the tree says of a length is a claim; the blob's own decides before it is read.
        _check_length(entry.path, repo.blobs.size(entry.blake3))
        data = repo.blobs.read(entry.blake3, max_bytes=MAX_TEXT_BYTES)
        value = (entry.meta or {})[label]
        yield document_id(entry.blake3), value, decode_text(entry.path, data)


def _rows(repo: Repository, manifest: Manifest, label: str) -> Iterator[tuple[Digest, str, str]]:
    """Yield id, label and text of each row."""
    roles = FieldRoles.of_body(manifest.body)
    if not roles.text:
        raise InvalidInputError(
            "no-text",
            f"no field of {manifest.name} is the text",
            hint="say which when it is committed: --text FIELD",
        )
    separator = roles.label_separator if roles.label == label else ""
    bare, several, example, seen = 0, 0, "", set[str]()
    for row in read_candidates(repo, manifest):
        labels = as_texts(row.fields.get(label), separator)
        if len(labels) == 1 and not (bare or several):
            text = row.require_text("training")
            _check_length(f"{row.path}:{row.position + 1}", len(text))
            yield row.id, labels[0], text
        elif len(labels) != 1:
            example = example or f"{row.path}:{row.position + 1}"
            bare, several = bare + (not labels), several + (len(labels) > 1)
            seen.update(row.fields)
    records = pluralize(manifest.body["records"], "record has", "records have")
    if bare and label not in seen and bare == manifest.body["records"]:
        raise unknown_word("label-missing", f"label field of {manifest.name}:", label, seen)
    if bare:
        raise InvalidInputError(
            "label-missing",
            f"{manifest.name}: {bare} of {records} no {label!r}, such as {example}",
            hint="drop them with a filter, or name another field in [data] label",
        )
    if several:
        raise InvalidInputError(
            "several-labels",
            f"{manifest.name}: {several} of {records} more than one {label!r}, such as {example}",
            hint=f"keep those with one, in a filter: where/1 with sql = 'len({label}) = 1'",
        )


def _labelled_tree(repo: Repository, manifest: Manifest, label: str) -> Tree:
    tree = present_tree(repo, manifest)
    bare = [entry.path for entry in tree.entries if not (entry.meta or {}).get(label)]
    columns = manifest.body.get("metadata", {}).get("columns", ())
    if bare and columns and label not in columns:
        raise unknown_word("label-missing", f"label column of {manifest.name}:", label, columns)
    if bare:
        raise InvalidInputError(
            "label-missing",
            f"{manifest.name}: {len(bare)} of "
            f"{pluralize(len(tree.entries), 'file has', 'files have')} no {label!r}, "
            f"such as {bare[0]}",
            hint="drop them with a filter, or name another column in [data] label",
            details={"paths": bare[:100]},
        )
    return tree


def check_labels(name: str, labels: Collection[str]) -> None:
    """Return if an evaluation can hold figures for each of ``labels``.

    Known before the first step, rather than when hours of work cannot be signed.

    Raises:
        InvalidInputError: (``too-many-labels``) it cannot; ``name`` is the dataset's.
    """
    if len(labels) > MAX_LABELS or sum(len(label.encode()) for label in labels) > MAX_LABEL_BYTES:
        raise InvalidInputError(
            "too-many-labels",
            f"{name} has {pluralize(len(labels), 'label')}; "
            f"{MAX_LABELS}, of {MAX_LABEL_BYTES} bytes in all, "
            "are the most",
            hint="is [data] label the right column? if so, join rare labels in the sheet",
        )


def decode_text(path: str, data: bytes) -> str:
    """Return the text of one document.

    Args:
        path: Decides the format together with the first bytes; named in errors.
        data: The document.

    Raises:
        InvalidInputError: (``no-reader``) it is a PDF, a picture …; (``not-text``) not UTF-8;
            (``too-large``) longer than :data:`MAX_TEXT_BYTES`.
    """
    foreign = foreign_format(path, data[:16])
    if foreign is not None:
        raise InvalidInputError(
            "no-reader",
            f"{path}: no reader for {suffix_label(path, foreign)}",
            hint="extract its text first",
        )
    _check_length(path, len(data))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInputError(
            "not-text", f"{path}: not UTF-8 (byte {error.start})", hint="convert it to UTF-8"
        ) from None


def _check_length(path: str, size: int) -> None:
    if size > MAX_TEXT_BYTES:
        raise InvalidInputError(
            "too-large",
            f"{path}: longer than {MAX_TEXT_BYTES} bytes",
            hint="cut it into several documents",
        )


def copy_base(repo: Repository, manifest: Manifest, staging: Staging) -> dict[str, Any]:
    """Write the files of a base model that a worker may see into ``base/``; return its settings.

    Each is checked.

    Args:
        repo: The store.
        manifest: An imported checkpoint.
        staging: Where to write.

    Raises:
        PolicyError: (``unsafe-model``, ``unknown-model``) see
            :mod:`lyrikstore.train.formats.base_model`.
        InvalidInputError: (``not-a-model``) the manifest is something else.
        VerificationError, IncompleteError: A blob is damaged or lost.
        StorageError: Storage backend error: disk full, read-only, I/O error.
    """
    if manifest.kind != "checkpoint" or manifest.body["origin"] != "imported":
        raise InvalidInputError(
            "not-a-model",
            f"{manifest.name} is not an imported checkpoint",
            hint="import the base model with: lyrikstore commit DIR -d checkpoints/…",
        )
    tree = present_tree(repo, manifest)
    check_model_files(tree)
    entries = tree.by_path
    config = repo.blobs.read(entries[CONFIG].blake3, max_bytes=MAX_CONFIG_BYTES)
    settings = check_model_config(config)
    # Only the settings that were looked at reach the loader, not the file they came in.
    staging.write(f"{BASE}/{CONFIG}", encode(settings))
    tokenizer = repo.blobs.read(entries[TOKENIZER].blake3, max_bytes=MAX_TOKENIZER_BYTES)
    check_tokenizer(tokenizer)
    staging.write(f"{BASE}/{TOKENIZER}", tokenizer)
    copy_weights(repo, entries[WEIGHTS].blake3, staging, f"{BASE}/{WEIGHTS}")
    return settings


def copy_weights(repo: Repository, digest: Digest, staging: Staging, name: str) -> None:
    """Write a file of weights, its head checked before and its digest while it is read.

    Raises:
        PolicyError: (``unsafe-model``) it is not safetensors.
        VerificationError, IncompleteError, StorageError: It is damaged, lost, or cannot be written.
    """
    with repo.blobs.open(digest) as stream, staging.create(name) as write:
        head = stream.read(8)
        head += stream.read(min(int.from_bytes(head, "little"), MAX_HEADER_BYTES))
        check_weights(PurePosixPath(name).name, head, repo.blobs.size(digest))
        write(head)
        # To the end: the stream raises there if the whole is not the blob.
        while part := stream.read(1 << 20):
            write(part)
