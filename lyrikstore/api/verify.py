"""Verification from Python: of a delivery without a store, of a store that need not open.

Example:
    >>> from lyrikstore import verify_delivery                              # doctest: +SKIP
    >>> verify_delivery("delivery", trust_file=trust).verdict               # doctest: +SKIP
    <Verdict.TRUSTED: 'trusted'>
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from lyrikstore.api import stages
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.files import read_at_most, real_path
from lyrikstore.canon.limits import MAX_JSON_BYTES
from lyrikstore.canon.progress import OnProgress, silent
from lyrikstore.canon.timestamps import Clock, now
from lyrikstore.history.log.memory import LogMemory

if TYPE_CHECKING:
    from lyrikstore.audit.file.make import Audit
    from lyrikstore.context import StoreContext
    from lyrikstore.credentials.did import KnownDocument
    from lyrikstore.credentials.model.opened import OpenedCredential
    from lyrikstore.credentials.trust import Trust
    from lyrikstore.history.trees.tree import TreeEntry
    from lyrikstore.objects.parallel.tasks import Pools
    from lyrikstore.verify.deployment.folder import DeployedFolder
    from lyrikstore.verify.report import Report


def verify_delivery(
    path: Path | str,
    *,
    trust_file: Path | str,
    data: Path | str | None = None,
    memory_dir: Path | str | None = None,
    recompute: bool = True,
    clock: Clock = now,
    progress: OnProgress = silent,
) -> "Report":
    """Return the report on a delivery (spec §11.4): every byte, no store, no network.

    Args:
        path: The folder, or the dataset credential in it.
        trust_file: This user's trust file; a missing file means trust in nobody.
        data: The folder of data; by default ``data`` next to the credential, if there is one.
        memory_dir: Folder of this user's remembered log checkpoints; None: they are not used.
        recompute: Whether to compute the measured claims of the credential again, in the same read
        of the data; otherwise the verdict is at best ``valid``.
        clock: The moment of the verdict.
        progress: Progress callback, called per file.

    Raises:
        InvalidInputError: (``unreadable``, ``too-many-files``) the delivery or the trust file.
        FormatError: (``bad-trust``) the trust file is invalid.
        NotFoundError: (``no-file``, ``no-data``) there is no credential, or no such data.
        StorageError: The data or the memory cannot be read.

    Cost: one read of the data.
    """
    from lyrikstore.credentials.model.opened import OpenedCredential
    from lyrikstore.credentials.trust import load_trust
    from lyrikstore.verify.delivery.folder import read_siblings

    credential = Path(path) / "credential.json" if Path(path).is_dir() else Path(path)
    return verify_folder(
        OpenedCredential(read_at_most(credential, MAX_JSON_BYTES + 1)),
        read_siblings(credential),
        data_folder(credential, None if data is None else Path(data)),
        trust=load_trust(Path(trust_file)),
        at=clock(),
        memory=None if memory_dir is None else LogMemory(Path(memory_dir)),
        recompute=recompute,
        progress=progress,
    )


def data_folder(credential: Path, data: Path | None) -> Path | None:
    """Return the folder ``data``; None means ``data`` next to the credential, if it exists.

    Links of a folder that the caller names are resolved: the caller chose their target. The default
    folder is returned unresolved, also if it is a link.
    """
    if data is not None:
        return real_path(data)
    folder = credential.parent / "data"
    return folder if folder.is_dir() or folder.is_symlink() else None


def verify_folder(
    credential: "OpenedCredential",
    siblings: Mapping[str, bytes],
    data: Path | None,
    *,
    trust: "Trust",
    at: datetime,
    memory: LogMemory | None,
    recompute: bool = True,
    status_files: Iterable[bytes] = (),
    fetched: "Iterable[KnownDocument]" = (),
    progress: OnProgress = silent,
) -> "Report":
    """Return the report on a delivery; the files and records of its data folder are read.

    Args:
        credential: The credential, read and opened by the caller.
        siblings: The sibling files, name → bytes.
        data: The folder of data, or None.
        trust: The verifier's trust.
        at: The moment of the verdict.
        memory: Remembered log checkpoints, or None.
        recompute: As for :func:`verify_delivery`.
        status_files: Newer status lists than those among ``siblings``.
        fetched: DID documents that were fetched from the URLs of their DIDs.
        progress: Progress callback, called per file.
    """
    from lyrikstore.curate.readers import iter_records
    from lyrikstore.curate.terms.measures import Measurement
    from lyrikstore.verify.delivery.delivery import verify_delivery as judge
    from lyrikstore.verify.delivery.folder import FolderData

    def record_ids(reader: str, entry: "TreeEntry", stream: BinaryIO) -> Iterable[Digest]:
        return (record.id for record in iter_records(reader, entry.path, stream))

    return judge(
        credential,
        siblings=siblings,
        data=None if data is None else FolderData(data, progress),
        record_ids=record_ids,
        trust=trust,
        at=at,
        memory=memory,
        status_files=status_files,
        fetched=fetched,
        recompute=Measurement if recompute else None,
    )


def verify_deployed_folder(
    folder: "DeployedFolder",
    *,
    trust: "Trust",
    at: datetime,
    memory: LogMemory | None = None,
    status_files: Iterable[bytes] = (),
    progress: OnProgress = silent,
) -> "Report":
    """Return the report on a deployed folder (spec §14.7.7): every file, no store, no network.

    Args:
        folder: As ``deployed_folder`` returns it.
        trust: The verifier's trust.
        at: The moment of the verdict.
        memory: Remembered log checkpoints, or None.
        status_files: Newer status lists than those in it, and key statements of stores.
        progress: Progress callback, called per file.

    Raises:
        IncompleteError: (``linked``) the folder was replaced by a link.
        StorageError: The folder cannot be read.
        LyrikstoreError: As :func:`verify_deployment` and :meth:`DeployedFolder.read_evidence`.

    Cost: one read of the folder.
    """
    from lyrikstore.verify.deployment.deployment import verify_deployment

    return verify_deployment(
        folder.read_evidence(),
        folder.data(progress),
        trust=trust,
        at=at,
        memory=memory,
        status_files=status_files,
        part=folder.part,
    )


def verify_audit_file(
    path: Path, *, trust: "Trust", at: datetime, memory: LogMemory | None = None
) -> "Audit | Report":
    """Return the audit in a file, verified (spec §22.4): no store, no data, no network.

    Arguments and errors are those of :func:`lyrikstore.audit.file.make.read_audit`.
    """
    return stages.read_audit(path, trust=trust, at=at, memory=memory)


def verify_handed_page(
    data: bytes,
    *,
    store: "StoreContext | None",
    trust: "Trust",
    at: datetime,
    recompute: bool = True,
) -> "Report":
    """Return the report on a page of one object (spec §25.3), judged by a store if there is one.

    Args:
        data: The bytes of the file.
        store: The store that it is about; None: none is at hand.
        trust: The verifier's trust.
        at: The moment of the verdict.
        recompute: Whether to compute the evaluations of the object again.

    Raises:
        StorageError: The disk cannot be read.

    Cost: as :func:`lyrikstore.pages.read_back.verify_page`.
    """
    from lyrikstore.pages.read_back import verify_page

    readers = stages.all_readers(recompute=recompute)
    return verify_page(data, context=store, trust=trust, at=at, readers=readers)


def verify_store_at(
    root: Path,
    *,
    trust: "Trust",
    at: datetime,
    memory: LogMemory,
    progress: OnProgress = silent,
    share: float = 1,
    pools: "Pools | None" = None,
) -> "Report":
    """Return the report on the store in a folder with its cards, also if it cannot be opened.

    Arguments and errors are those of :func:`lyrikstore.verify.store.store.verify_store_at`.
    """
    from lyrikstore.verify.store.store import verify_store_at as judge

    return judge(
        root,
        trust=trust,
        at=at,
        memory=memory,
        progress=progress,
        share=share,
        pools=pools,
        readers=stages.all_readers(),
    )
