"""The inputs of a commit: metadata that the publisher states, and options."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from msgspec import Struct, field

from lyrikstore.canon.digest import Digest
from lyrikstore.curate.descriptor import Descriptor
from lyrikstore.curate.readers.fields import FieldRoles

MAX_PROMPT_BYTES = 16 << 20
"""Longest prompts, or template of them."""


class GeneratedBy(Struct, frozen=True):
    """What is said of data that a model wrote (spec §13.15.3).

    Attributes:
        checkpoint: REF of the model.
        prompts: What it was asked with, or the template of that.
        terms: Where the terms of its output stand, such as a URL; empty: not said.
        permits_training: Whether they permit to train on the output: ``yes``, ``no``, ``unknown``.
    """

    checkpoint: str
    prompts: bytes
    terms: str = ""
    permits_training: str = "unknown"


class CommitMetadata(Struct, frozen=True):
    """What is said of a version besides its files (spec §12.4).

    Attributes:
        sheet: CSV, TSV or XLSX with one row per file.
        key: The sheet's join column; None: the first of ``path``, ``file``, ``filename``.
        licence: SPDX expression; for checkpoints the rights as asserted.
        licence_text: The licence's text, attached; None keeps the one of the same licence.
        descriptor: What the publisher states; the rest is measured or ``unknown``.
        reader: How the files become records (spec §9.1); None: what their suffixes say.
        table: Of a workbook of rows, the name of its sheet; None: the one with content.
        roles: Which fields, of rows or of the sheet, are text, label, id …
        measures: What is measured of a sample of the rows: ``tokens``, ``languages``.
        generated: Which model wrote the data; None: nobody says that one did.
        message: Free text, signed with a new version; by itself it makes none.
        source: Of checkpoints, members of the body on what the files were made from: ``package``,
            ``conversion``.
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
    """What a commit does only if it is let.

    Attributes:
        loss: More than a fifth of the files may go, or the sheet, the licence, its text or the
            description that the version before has.
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
    """What a commit was told about records, as ``status`` repeats it.

    Attributes:
        reader: As :class:`CommitMetadata` has it, or empty.
        table: As there.
        roles: The fields that were named.
        measures: As there.
        skip_bad: As :class:`CommitOptions` has it.
    """

    reader: str = ""
    table: str | None = None
    roles: FieldRoles = field(default_factory=FieldRoles)
    measures: tuple[str, ...] = ()
    skip_bad: bool = False

    @classmethod
    def of(cls, stated: CommitMetadata, allow: CommitOptions) -> Self:
        """Return those of a commit."""
        return cls(stated.reader or "", stated.table, stated.roles, stated.measures, allow.skip_bad)


def words_digest(stated: CommitMetadata, allow: CommitOptions) -> Digest:
    """Return the digest of all that decides what a version says, but for files and sheet."""
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
            str(Digest.of(made.prompts)),
            made.terms,
            made.permits_training,
        ]
    return Digest.of(json.dumps(words, sort_keys=True).encode())
