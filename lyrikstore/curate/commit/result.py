"""What a commit did, for whoever asked for it."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from lyrikstore.canon.digest import Digest
from lyrikstore.credentials.terms.claim import own_ids, text_name
from lyrikstore.curate.commit.rows.read import CommittedRows
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.readers.recognise import Recognised
from lyrikstore.curate.scan.walk import Ignored
from lyrikstore.curate.sheets.sheet import Row
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.verify.datasets.licences import LicenceCount


class CommitResult(Struct, frozen=True):
    """What a commit did.

    Attributes:
        manifest: The new version, or ``None`` if the content is as it was (or for a dry run).
        current: The current version after it; ``None`` only for a dry run of a new name.
        log_index: Where the new version stands in the log.
        tree_id: Id of the snapshot's tree.
        added: Paths that are new.
        removed: Paths that are gone.
        changed: Paths with other content or metadata.
        files: How many files the version has.
        bytes: And how many bytes.
        bytes_read: How many of them had to be read.
        orphan_files: Files without a row.
        orphan_rows: Rows without a file.
        ignored: What was left out, and why.
        composed: Paths of files whose names in the folder are not in NFC.
        mapped: Path to the name in the folder, of files whose names the path grammar refuses.
        large_loss: Whether more than a fifth of the files went.
        dropped: What the version before stated about its files and this one does not.
        licences: What it and its records state of licences; None for a model.
        textless: Licences of its own that it names, of which it has no text.
        how: How the files were read; None where nothing had to be looked at.
        rows: What was found of rows, if they are rows.
        roles: Which field has which role.
    """

    manifest: Manifest | None
    current: Manifest | None
    log_index: int | None
    tree_id: Digest
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    files: int
    bytes: int
    bytes_read: int
    orphan_files: tuple[str, ...]
    orphan_rows: tuple[Row, ...]
    ignored: tuple[Ignored, ...]
    composed: tuple[str, ...]
    mapped: Mapping[str, str]
    large_loss: bool
    dropped: tuple[str, ...]
    licences: LicenceCount | None
    textless: tuple[str, ...] = ()
    how: Recognised | None = None
    rows: CommittedRows | None = None
    roles: FieldRoles = field(default_factory=FieldRoles)


def textless(body: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the licences without a public text that a dataset names, and gives no text of."""
    stated = body.get("licence", {})
    own = own_ids(stated.get("expression"))
    if "textDigest" in stated:
        own -= {text_name(stated["expression"])}
    return tuple(sorted(own))
