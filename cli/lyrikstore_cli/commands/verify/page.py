"""``verify`` of a page of one object, such as a profile, an evaluation or a key letter."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lyrikstore.canon.errors import NotFoundError
from lyrikstore.canon.files import read_at_most
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import Trust
    from lyrikstore.verify.report import Report


def page_in(path: Path) -> bytes | None:
    """Return the bytes of a page that carries its facts; None if the file is something else."""
    from lyrikstore.api.commands import MAX_PAGE, is_page

    if path.suffix not in {".html", ".htm"} or not path.is_file():
        return None
    data = read_at_most(path, MAX_PAGE + 1)
    return data if is_page(data) else None


def verify_page(
    session: Session, data: bytes, trust: "Trust", at: datetime, *, recompute: bool
) -> "Report":
    """Return the report on a page, by the store that the session names or finds.

    Args:
        session: The session.
        data: The bytes of the page.
        trust: The trust to apply.
        at: The time to judge as of.
        recompute: Whether to compute evaluations again.
    """
    from lyrikstore.api.commands import verify_handed_page

    store = None
    try:
        store = session.open_store()
    except NotFoundError as error:
        if error.kind != "no-store" or session.store_named:
            raise
    with session.progress("verifying"):
        return verify_handed_page(data, store=store, trust=trust, at=at, recompute=recompute)
