"""Verified copies of the inputs, for workers that have no other data (spec §13.2).

Every byte is read from the store by its digest, so a worker reads exactly the data that the
manifests name; a damaged blob ends the run before its first step.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Self

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, PolicyError
from lyrikstore.canon.json import encode
from lyrikstore.canon.text import pluralize, unknown_word
from lyrikstore.curate.readers import DOCUMENT
from lyrikstore.curate.readers.fields import FieldRoles, say_which
from lyrikstore.curate.readers.rows import as_text
from lyrikstore.curate.recipes.references import read_dataset_records
from lyrikstore.curate.recipes.source import source_reader
from lyrikstore.curate.text import foreign_format, suffix_label
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.records.order_root import document_id
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_tree
from lyrikstore.history.trees.tree import Tree
from lyrikstore.train.bases.chain import first_base, trained_weights
from lyrikstore.train.config import DataConfig
from lyrikstore.train.formats.architectures import family_of
from lyrikstore.train.formats.base_model import (
    CONFIG,
    INDEX,
    MAX_CONFIG_BYTES,
    MAX_HEADER_BYTES,
    MAX_INDEX_BYTES,
    MAX_TOKENIZER_BYTES,
    TOKENIZER,
    WEIGHTS,
    check_model_config,
    check_model_files,
    check_weights,
    read_shards,
)
from lyrikstore.train.formats.tokenizer import check_tokenizer
from lyrikstore.train.worker.staging import BASE, Staging

MAX_TEXT_BYTES = 64 << 20
"""Longest text of one record, in bytes."""

_WORD = re.compile(r"\w\w")


class Snapshot(Struct, frozen=True):
    """Summary of the copied records of datasets.

    Attributes:
        records: Record ids in storage order.
        labels: Label → number of records.
        targets: The labels of each record.
        lengths: Lengths of the texts in code points.
        worded: Whether any text has a word, by the rule of ``tfidf/1``.
        joined: The further fields that records have.
    """

    records: tuple[Digest, ...]
    labels: Mapping[str, int]
    targets: tuple[tuple[str, ...], ...]
    lengths: tuple[int, ...]
    worded: bool = False
    joined: frozenset[str] = frozenset()

    @property
    def several(self) -> int:
        """Number of records with more than one label."""
        return sum(len(one) > 1 for one in self.targets)


class CopiedFields(Struct, frozen=True):
    """The fields of records that are copied.

    Attributes:
        label: The field with the label or the labels; empty: no labels are copied.
        text: The fields with the text; empty: the fields of the role ``text``.
        joined: Further fields, which are used beside the text.
    """

    label: str
    text: tuple[str, ...] = ()
    joined: tuple[str, ...] = ()

    @classmethod
    def of(cls, data: DataConfig) -> Self:
        """Return the fields that a config names."""
        return cls(data.label, (data.text,) if data.text else (), data.fields)


_Copied = tuple[str, Digest, list[str], str, dict[str, str]]


def copy_datasets(
    repo: Repository,
    manifests: Sequence[Manifest],
    *,
    fields: CopiedFields,
    staging: Staging,
    name: str,
) -> Snapshot:
    """Write the texts and labels of datasets as JSON Lines, every file checked.

    Args:
        repo: The store.
        manifests: Datasets of documents or rows, one after the other.
        fields: The fields to copy.
        staging: The folder to write to.
        name: The file to make there; lines are ``{"id", "labels", "text", "fields"}`` in storage
            order.

    Raises:
        InvalidInputError: (``no-reader``) the records or a file have a format without a reader;
            (``no-text``) no field of the rows is the text; (``label-missing``) the label field does
            not exist; similar names are listed; (``not-text``) a file is not UTF-8; (``too-large``)
            a text is longer than :data:`MAX_TEXT_BYTES`.
        VerificationError, IncompleteError: A blob is damaged or missing.
        StorageError: Storage backend error: disk full, read-only, I/O error.
    """
    for manifest in manifests:
        if manifest.kind != "dataset":
            raise InvalidInputError(
                "not-a-dataset", f"{manifest.name} is a {manifest.kind}, not a dataset"
            )
    records: list[Digest] = []
    labels: dict[str, int] = {}
    targets: list[tuple[str, ...]] = []
    lengths: list[int] = []
    worded, found = False, set[str]()
    with staging.create(name) as write:
        for manifest in manifests:
            for _, record, values, text, joined in read_copied(repo, manifest, fields):
                for value in values:
                    labels[value] = labels.get(value, 0) + 1
                records.append(record)
                targets.append(tuple(values))
                lengths.append(len(text))
                found.update(joined)
                worded = worded or _WORD.search(text) is not None
                line = {"id": record.hex, "labels": values, "text": text, "fields": joined}
                write(json.dumps(line).encode("ascii") + b"\n")
    return Snapshot(
        tuple(records),
        dict(sorted(labels.items())),
        tuple(targets),
        tuple(lengths),
        worded,
        frozenset(found),
    )


def read_texts(
    repo: Repository, manifests: Sequence[Manifest], fields: CopiedFields
) -> Iterator[str]:
    """Yield the text of each record in storage order; raises as :func:`copy_datasets`."""
    return (text for _, _, text in read_found(repo, manifests, fields))


def read_found(
    repo: Repository, manifests: Sequence[Manifest], fields: CopiedFields
) -> Iterator[tuple[str, Digest, str]]:
    """Yield place (of rows ``PATH:LINE``), id and text of each record, as :func:`read_texts`."""
    for manifest in manifests:
        for where, record, _, text, _ in read_copied(repo, manifest, fields):
            yield where, record, text


def read_copied(repo: Repository, manifest: Manifest, fields: CopiedFields) -> Iterator[_Copied]:
    """Yield place, id, labels, text and further fields of each record of a dataset."""
    is_rows = source_reader(manifest.body) != DOCUMENT
    return (_rows if is_rows else _documents)(repo, manifest, fields)


def check_single(names: str, label: str, copied: Snapshot) -> None:
    """Raise `InvalidInputError` unless each record has exactly one label.

    Args:
        names: The datasets, for errors.
        label: The field that holds the label.
        copied: Their snapshot.

    Raises:
        InvalidInputError: (``label-missing``) records have no label; (``several-labels``) they have
            more than one.
    """
    records = pluralize(len(copied.targets), "record has", "records have")
    bare = sum(not one for one in copied.targets)
    if bare:
        raise InvalidInputError(
            "label-missing",
            f"{names}: {bare} of {records} no {label!r}",
            hint="drop them with a filter, or name another field in [data] label",
        )
    if several := copied.several:
        raise InvalidInputError(
            "several-labels",
            f"{names}: {several} of {records} more than one {label!r}",
            hint='train with task = "multi-label", or keep those with one, in a filter: where/1',
        )


def _documents(repo: Repository, manifest: Manifest, fields: CopiedFields) -> Iterator[_Copied]:
    """Yield place, id, labels, text and further fields of each document."""
    roles = FieldRoles.of_body(manifest.body)
    label = fields.label
    tree = _labelled_tree(repo, manifest, label) if label else present_tree(repo, manifest)
    for entry in tree.entries:
        # The length in the tree is a claim; the blob's own length is checked before it is read.
        _check_length(entry.path, repo.blobs.size(entry.blake3))
        data = repo.blobs.read(entry.blake3, max_bytes=MAX_TEXT_BYTES)
        meta = entry.meta or {}
        joined = {name: meta[name] for name in fields.joined if name in meta}
        values = [] if not label else roles.texts(meta, label)
        if label and not roles.label_separator:
            values = [meta[label]]
        text = decode_text(entry.path, data)
        yield entry.path, document_id(entry.blake3), values, text, joined


def _rows(repo: Repository, manifest: Manifest, fields: CopiedFields) -> Iterator[_Copied]:
    """Yield place, id, labels, text and further fields of each row."""
    roles = FieldRoles.of_body(manifest.body)
    names = fields.text or roles.text
    if not names:
        raise InvalidInputError(
            "no-text",
            f"no field of {manifest.name} is the text",
            hint=f'[data] text = "FIELD"; or {say_which("--text FIELD")}',
        )
    seen, labelled = set[str](), not fields.label
    for row in read_dataset_records(repo, manifest):
        values = roles.texts(row.fields, fields.label) if fields.label else []
        labelled = labelled or bool(values)
        if not labelled:
            seen.update(row.fields)
        text = replace(row, text_fields=names).require_text("training")
        _check_length(row.place, len(text))
        joined = {
            name: value
            for name in fields.joined
            if (value := as_text(row.fields.get(name))) is not None
        }
        yield row.place, row.id, list(dict.fromkeys(values)), text, joined
    if not labelled and fields.label not in seen:
        raise unknown_word("label-missing", f"label field of {manifest.name}:", fields.label, seen)


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


def decode_text(path: str, data: bytes) -> str:
    """Return the text of one document.

    Args:
        path: Decides the format together with the first bytes; named in errors.
        data: The document.

    Raises:
        InvalidInputError: (``no-reader``) it is a PDF, a picture …; (``not-text``) it is not UTF-8;
            (``too-large``) it is longer than :data:`MAX_TEXT_BYTES`.
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
    """Copy the checked files of a base model into the staged ``base/``; return its settings.

    Args:
        repo: The store.
        manifest: An imported checkpoint, or one that was trained from an imported one as a whole.
        staging: The folder to write to.

    Raises:
        PolicyError: (``unsafe-model``, ``unknown-model``) see
            :mod:`lyrikstore.train.formats.base_model`.
        VerificationError, IncompleteError: A blob is damaged or missing.
        StorageError: Storage backend error: disk full, read-only, I/O error.
        LyrikstoreError: As :func:`first_base`.
    """
    first = first_base(repo, manifest)
    settings, tree = _copy_described(repo, first, staging)
    if first.id != manifest.id:
        staging.write(f"{BASE}/{WEIGHTS}", trained_weights(repo, manifest))
    elif WEIGHTS in tree.by_path:
        copy_weights(repo, tree.by_path[WEIGHTS].blake3, staging, f"{BASE}/{WEIGHTS}")
    else:
        if not family_of(settings).is_decoder:
            raise PolicyError(
                "unknown-model",
                f"the base model has no {WEIGHTS}",
                hint="only generative models are read from several files of weights",
            )
        _copy_shards(repo, tree, staging)
    return settings


def _copy_described(
    repo: Repository, manifest: Manifest, staging: Staging
) -> tuple[dict[str, Any], Tree]:
    tree = present_tree(repo, manifest)
    check_model_files(tree)
    entries = tree.by_path
    config = repo.blobs.read(entries[CONFIG].blake3, max_bytes=MAX_CONFIG_BYTES)
    settings = check_model_config(config)
    # Only the checked settings reach the loader, not the file that they came in.
    staging.write(f"{BASE}/{CONFIG}", encode(settings))
    tokenizer = repo.blobs.read(entries[TOKENIZER].blake3, max_bytes=MAX_TOKENIZER_BYTES)
    check_tokenizer(tokenizer)
    staging.write(f"{BASE}/{TOKENIZER}", tokenizer)
    return settings, tree


def _copy_shards(repo: Repository, tree: Tree, staging: Staging) -> None:
    entries = tree.by_path
    index = repo.blobs.read(entries[INDEX].blake3, max_bytes=MAX_INDEX_BYTES)
    named = read_shards(index, entries.keys())
    for shard in sorted(set(named.values())):
        wanted = {tensor for tensor, file in named.items() if file == shard}

        def check(
            found: Mapping[str, tuple[int, ...]],
            shard: str = shard,
            wanted: frozenset[str] = frozenset(wanted),
        ) -> None:
            if found.keys() != wanted:
                tensor = min(found.keys() ^ wanted)
                raise PolicyError(
                    "unsafe-model",
                    f"{shard}: {INDEX} contradicts it about the tensor {tensor[:80]}",
                    hint="commit a complete copy of the model",
                )

        copy_weights(repo, entries[shard].blake3, staging, f"{BASE}/{shard}", check)


def staged_base(staging: Staging) -> tuple[str, ...]:
    """Return the names of the copied files of the base model, weights included, sorted."""
    return tuple(sorted(name for name in staging.written if name.startswith(f"{BASE}/")))


def staged_weights(staging: Staging) -> list[str]:
    """Return the names of the copied weight files of the base model."""
    return [
        name.removeprefix(f"{BASE}/")
        for name in staged_base(staging)
        if name.endswith(".safetensors")
    ]


def copy_weights(
    repo: Repository,
    digest: Digest,
    staging: Staging,
    name: str,
    check: Callable[[Mapping[str, tuple[int, ...]]], None] = lambda _: None,
) -> None:
    """Copy a weight file; its header is checked before, and its digest while it is read.

    Args:
        repo: The store.
        digest: The digest of the file.
        staging: The folder to write to.
        name: The name of the copy.
        check: Called with tensor → shape before the file is written; it may raise.

    Raises:
        VerificationError, IncompleteError, StorageError: The file is damaged or missing, or the
            copy
            cannot be written.
        LyrikstoreError: As :func:`check_weights`.
    """
    with repo.blobs.open(digest) as stream, staging.create(name) as write:
        head = stream.read(8)
        head += stream.read(min(int.from_bytes(head, "little"), MAX_HEADER_BYTES))
        check(check_weights(PurePosixPath(name).name, head, repo.blobs.size(digest)))
        write(head)
        # To the end: there the stream raises if the digest is not that of the blob.
        while part := stream.read(1 << 20):
            write(part)
