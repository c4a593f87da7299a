"""Verifying a delivery on this disk, for the commands that go on only if it holds."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.timestamps import now
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.history.trees.tree import TreeEntry
    from lyrikstore.verify.report import Report


def verify_delivered(
    session: Session,
    path: Path,
    data: Path | None,
    *,
    credential: bytes,
    siblings: Mapping[str, bytes],
) -> "Report":
    """Return the report on the delivery around a credential, judged now.

    ATTACK: whoever can write to the delivery has one credential verified and another one signed
    for or taken in. So the caller reads it, once, and goes on with the very bytes judged here.

    Args:
        session: Whose trust file counts.
        path: The credential's file.
        data: The folder of data; by default ``data`` next to the credential, if there is one.
        credential: What is in that file.
        siblings: The sibling files.
    """
    from lyrikstore.curate.terms.measures import Measurement
    from lyrikstore.verify.delivery.delivery import verify_delivery
    from lyrikstore.verify.delivery.folder import FolderData

    folder = data or path.parent / "data"
    with session.screen.progress("verifying") as meter:
        source = FolderData(folder, meter)
        return verify_delivery(
            credential,
            siblings={**siblings, **own_log(session, credential, siblings)},
            data=source if data is not None or folder.is_dir() else None,
            record_ids=record_ids,
            trust=session.trust(),
            at=now(),
            memory=session.memory(),
            recompute=Measurement,
        )


def own_log(session: Session, credential: bytes, siblings: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return what the store here shows of the log of a delivery, if the delivery is of it."""
    from lyrikstore.publish.identity.log_heads import own_consistency

    try:
        session.store_folder()  # a buyer has none, and need not load what opens one
        repository = session.open_store().repository
        if repository.store_id.hex.encode() not in credential:
            return {}
        shown = own_consistency(repository, session.memory(), siblings.values())
    except LyrikstoreError:  # damaged, perhaps: which does not keep a delivery from being verified
        return {}
    return {} if shown is None else {"the log here": shown}


def record_ids(reader: str, entry: "TreeEntry", stream: BinaryIO) -> Iterable[Digest]:
    """Return the ids of a file's records, as verification asks for them."""
    from lyrikstore.curate.readers import iter_records

    return (record.id for record in iter_records(reader, entry.path, stream))
