"""Verifying a delivery on this disk, for the commands that go on only if it holds."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.timestamps import now
from lyrikstore_cli.options import read_file
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.credentials.report import Report
    from lyrikstore.history.tree import Entry


def verify_delivered(session: Session, credential: Path, data: Path | None) -> "Report":
    """Return the report on the delivery around ``credential``, judged now.

    Args:
        session: Whose trust file counts.
        credential: The credential's file.
        data: The folder of data; by default ``data`` beside the credential, if there is one.
    """
    from lyrikstore.credentials.datacheck import FolderData, read_siblings
    from lyrikstore.credentials.trust import load_trust
    from lyrikstore.credentials.verify import verify_delivery

    folder = data or credential.parent / "data"
    with session.screen.progress("verifying") as meter:
        source = FolderData(folder, lambda files, size: meter(files, 0, size))
        return verify_delivery(
            read_file(credential),
            siblings=read_siblings(credential),
            data=source if data is not None or folder.is_dir() else None,
            record_ids=record_ids,
            trust=load_trust(session.paths.trust),
            at=now(),
            memory=session.memory(),
        )


def record_ids(reader: str, entry: "Entry", stream: BinaryIO) -> Iterable[Digest]:
    """Return the ids of a file's records, as verification asks for them."""
    from lyrikstore.curate.records import iter_records

    return (record.id for record in iter_records(reader, entry.path, stream))
