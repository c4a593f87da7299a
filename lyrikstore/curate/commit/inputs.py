"""The inputs of a commit: metadata that the publisher states, and options."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import msgspec
from msgspec import Struct, field

from lyrikstore.canon.digest import Digest
from lyrikstore.curate.descriptor import Descriptor
from lyrikstore.curate.readers.fields import FieldRoles

MAX_PROMPT_BYTES = 16 << 20
"""Largest size of the prompts, or of their template, in bytes."""


class OutsideGenerator(Struct, frozen=True):
    """A program outside the store that generated data, as the publisher states it.

    Attributes:
        name: Its name, such as that of a model.
        version: Its version, as its provider states it.
        provider: Who ran it.
        parameters: What it was called with; decimals are text.
    """

    name: str
    version: str
    provider: str
    parameters: Mapping[str, str | int | bool] = {}


class GeneratedBy(Struct, frozen=True):
    """The model that generated the data, as the publisher states it (spec §13.15.3).

    Attributes:
        checkpoint: REF of the model; empty for a program outside the store.
        prompts: The prompts that the model got, or their template; None for a classifier, which
            has none.
        terms: Where the terms of its output are published, such as a URL; empty: not stated.
        permits_training: Whether they permit training on the output: ``yes``, ``no``, ``unknown``.
        program: The program outside the store; None: a checkpoint generated the data.
        source: REF of the dataset that the data was made from; empty: not stated.
        source_field: The field of each record with its places in that dataset.
    """

    checkpoint: str
    prompts: bytes | None
    terms: str = ""
    permits_training: str = "unknown"
    program: OutsideGenerator | None = None
    source: str = ""
    source_field: str = ""


class CommitMetadata(Struct, frozen=True):
    """The metadata that the publisher states about a version (spec §12.4).

    Attributes:
        sheet: CSV, TSV or XLSX with one row per file.
        key: The sheet's join column; None: the first of ``path``, ``file``, ``filename``.
        licence: SPDX expression; for checkpoints the rights as asserted.
        licence_text: The licence's text, which is attached; None keeps the previous version's text
            if the licence is the same.
        descriptor: The descriptor fields that the publisher states; the others are measured or
            ``unknown``.
        reader: The reader that makes records of the files (spec §9.1); None: chosen by suffix.
        table: The sheet to read in a workbook of rows; None: the only sheet with content.
        roles: The fields, of rows or of the sheet, that are the text, label, id …
        measures: Measures taken of a sample of the rows: ``tokens``, ``languages``.
        generated: The model that generated the data; None: not stated.
        message: Free text, signed with a new version; a new message alone makes no new version.
        source: Members of a checkpoint's body that state what the files were made from:
            ``package``, ``conversion``.
    """

    sheet: Path | None = None
    key: str | None = None
    licence: str | None = None
    licence_text: bytes | None = None
    descriptor: Descriptor | None = None
    reader: str | None = None
    table: str | None = None
    roles: FieldRoles = field(default_factory=FieldRoles)
    measures: tuple[str, ...] = ()
    generated: GeneratedBy | None = None
    message: str = ""
    source: Mapping[str, Any] = {}


class CommitOptions(Struct, frozen=True):
    """What a commit may do beyond the defaults; each option permits one thing.

    Attributes:
        loss: The new version may drop more than a fifth of the files, or the sheet, the licence,
            its text or the description of the previous version.
        orphans: Rows without a file may be left out; files without a row always stay.
        links: Symbolic links that stay inside the folder are followed.
        compose: Names that are not in NFC are recorded in NFC (spec §12.1).
        map_names: Names that the path grammar refuses are recorded under others (spec §12.1.2).
        skip_bad: Malformed lines, and those with the id of an earlier one, are left out.
    """

    loss: bool = False
    orphans: bool = False
    links: bool = False
    compose: bool = False
    map_names: bool = False
    skip_bad: bool = False


class RowOptions(Struct, frozen=True):
    """The options of a commit that concern records; ``status`` repeats them in its commands.

    Attributes:
        reader: See :class:`CommitMetadata`; empty if none was named.
        table: See :class:`CommitMetadata`.
        roles: The roles of fields that the user named.
        measures: See :class:`CommitMetadata`.
        skip_bad: See :class:`CommitOptions`.
    """

    reader: str = ""
    table: str | None = None
    roles: FieldRoles = field(default_factory=FieldRoles)
    measures: tuple[str, ...] = ()
    skip_bad: bool = False

    @classmethod
    def of(cls, stated: CommitMetadata, allow: CommitOptions) -> Self:
        """Return the row options of a commit."""
        return cls(stated.reader or "", stated.table, stated.roles, stated.measures, allow.skip_bad)


def words_digest(stated: CommitMetadata, allow: CommitOptions) -> Digest:
    """Return the digest of all metadata and options that a manifest depends on.

    Files and sheet are not covered: they have digests of their own.
    """
    text = stated.licence_text
    words: dict[str, object] = {
        "key": stated.key,
        "licence": stated.licence,
        "text": None if text is None else str(Digest.of(text)),
        "descriptor": stated.descriptor,
        "reader": stated.reader,
        "roles": stated.roles.to_json(),
        "measures": stated.measures,
        "skipBad": allow.skip_bad,
        "orphans": allow.orphans,
        **({"source": dict(stated.source)} if stated.source else {}),
        **({"table": stated.table} if stated.table is not None else {}),
    }
    if stated.generated is not None:
        made = stated.generated
        words["generated"] = [
            made.checkpoint,
            None if made.prompts is None else str(Digest.of(made.prompts)),
            made.terms,
            made.permits_training,
            *(() if made.program is None else (msgspec.to_builtins(made.program),)),
            *((made.source, made.source_field) if made.source else ()),
        ]
    return Digest.of(json.dumps(words, sort_keys=True).encode())
