"""Verifying a delivery on this disk, with what the store here knows of its log."""

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

    ATTACK: whoever can write to the delivery has one credential verified and another one signed
    for or taken in. So the caller reads it, once, and goes on with the very bytes judged here.

    Args:
        session: Whose trust file and memory of logs count.
        credential: The credential.
        siblings: The files next to it.
        data: The folder of data, or None.
        trust: Whom the user believes, if not whom that file says.
        at: The moment to judge for; now, if left out.
        status_files: Newer status lists.
        fetched: DID documents that came from where their DIDs say.
        recompute: Whether to measure again what the credential measured.
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
    """Return what the store here shows of the log of what was handed over, if it is of this store.

    Args:
        session: Whose store and memory of logs it is.
        signed: What was handed over: it names its store.
        beside: The files next to it.
    """
    from lyrikstore.api.commands import own_consistency

    try:
        session.store_folder()  # a buyer has none, and need not load what opens one
        repository = session.open_store().repository
        if repository.store_id.hex.encode() not in signed:
            return {}
        shown = own_consistency(repository, session.memory(), beside)
    except LyrikstoreError:  # damaged, perhaps: which does not keep it from being verified
        return {}
    return {} if shown is None else {"the log here": shown}
