"""``verify`` of a delivery, with what a store here shows of its log."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.timestamps import now
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import OpenedCredential, Trust
    from lyrikstore.api.commands import KnownDocument
    from lyrikstore.verify.report import Report


def verify_delivered(
    session: Session,
    credential: "OpenedCredential",
    siblings: Mapping[str, bytes],
    data: Path | None,
    *,
    trust: "Trust | None" = None,
    at: datetime | None = None,
    status_files: Iterable[bytes] = (),
    fetched: "Sequence[KnownDocument]" = (),
    recompute: bool = True,
) -> "Report":
    """Return the report on the delivery around a credential.

    ATTACK: a program that can write to the delivery has one credential verified and another one
    attested or imported. So the caller reads it once, and uses the bytes that are verified here.

    Args:
        session: The session, with its trust file and memory of logs.
        credential: The credential.
        siblings: The files next to it.
        data: The folder of data, or None.
        trust: The trust to apply; by default that file.
        at: The time to judge as of; by default now.
        status_files: Newer status lists.
        fetched: DID documents fetched from the URLs of their DIDs.
        recompute: Whether to compute measured claims again.
    """
    from lyrikstore.api.commands import verify_folder

    with session.progress("verifying") as progress:
        return verify_folder(
            credential,
            {**siblings, **own_log(session, credential.data, siblings.values())},
            data,
            trust=trust or session.trust(),
            at=at or now(),
            memory=session.memory(),
            status_files=status_files,
            fetched=fetched,
            recompute=recompute,
            progress=progress,
        )


def own_log(session: Session, signed: bytes, beside: Iterable[bytes]) -> dict[str, bytes]:
    """Return log evidence of the store here, if it issued the signed document.

    Args:
        session: The session, with its store and memory of logs.
        signed: The signed document, which names its store.
        beside: The files beside it.
    """
    from lyrikstore.api.commands import own_consistency

    try:
        session.store_folder()  # a buyer has no store, and need not load the code that opens one
        repository = session.open_store().repository
        if repository.store_id.hex.encode() not in signed:
            return {}
        shown = own_consistency(repository, session.memory(), beside)
    except LyrikstoreError:  # a damaged store does not prevent the verification
        return {}
    return {} if shown is None else {"the log here": shown}
