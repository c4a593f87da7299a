"""The result of a commit."""

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
    """The result of a commit: the new version, if any, and its changes.

    Attributes:
        manifest: The new version, or ``None`` if the content is unchanged (or for a dry run).
        current: The current version after the commit; ``None`` only for a dry run of a new name.
        log_index: The index of the new version in the log.
        tree_id: Id of the snapshot's tree.
        added: Paths that only the new version has.
        removed: Paths that only the previous version has.
        changed: Paths whose content or metadata changed.
        files: Number of files in the version.
        bytes: Total size of these files.
        bytes_read: Number of bytes that had to be read.
        orphan_files: Files without a row.
        orphan_rows: Rows without a file.
        ignored: Files that were left out, with the reason.
        composed: Paths of files whose names in the folder are not in NFC.
        mapped: Path to the name in the folder, of files whose names the path grammar refuses.
        large_loss: Whether more than a fifth of the previous version's files are gone.
        dropped: Metadata that the previous version states and this one does not, as phrases.
        licences: The licences that the version and its records state; None for a model.
        textless: Licences without a public text that the version names but has no text of.
        how: The reader of the files; None if nothing had to be read.
        rows: The checked rows, if the files are rows.
        roles: The roles of the fields.
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
    """Return the licences without a public text that a dataset names but has no text of."""
    stated = body.get("licence", {})
    own = own_ids(stated.get("expression"))
    if "textDigest" in stated:
        own -= {text_name(stated["expression"])}
    return tuple(sorted(own))
