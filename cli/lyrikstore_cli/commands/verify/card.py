"""``verify`` with a model card: a file that somebody was handed, and the store that signed it."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lyrikstore.canon.errors import NotFoundError
from lyrikstore.canon.files import read_at_most
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lyrikstore.api import Trust
    from lyrikstore.verify.report import Report


_MOST = 3 << 24
"""Longest card that is read: a page of 16 MiB, and as much evidence behind it, in base64."""


def verify_handed_card(
    session: Session,
    path: Path,
    trust: "Trust",
    at: datetime,
    *,
    recompute: bool,
    status_files: "Sequence[bytes]" = (),
) -> "Report":
    """Return the report on a card, by the store that the session has, or by what lies next to it.

    Raises:
        NotFoundError: (``no-store``) there is neither; the card may say which store it is of.
    """
    from lyrikstore.api import verify_card_alone
    from lyrikstore.api.commands import open_card, sibling_card, store_named

    data = read_at_most(path, _MOST + 1)
    store, missing = None, None
    try:
        store = session.open_store()
    except NotFoundError as error:
        if error.kind != "no-store" or session.store_named:
            raise
        missing = error
    if not session.store_named:  # one that happens to be here need not be the one that signed it
        text, files = open_card(data, _beside(path, complete=False))
        card = sibling_card(text, files)
        if card is not None and (store is None or store.id != card.store):
            # All, or none: among them may be what became of its key.
            text, files = open_card(data, _beside(path, complete=True))
            files |= {f"--status/{number}": one for number, one in enumerate(status_files)}
            memory = session.memory()
            return verify_card_alone(text, card, files, trust=trust, at=at, memory=memory)
    if store is None:
        named = store_named(data)
        whose = f": it names store {named}" if named else ""
        raise NotFoundError(
            "no-store",
            f"{path} may be a model card; neither its store is here, nor beside it the evidence of "
            f"who signed it{whose}",
            hint=f"a delivery is verified as a folder: lyrikstore verify {path.parent}"
            if (path.parent / "credential.json").is_file()
            else "add the store it was made in, --store PATH, or a clone of it; or ask for what "
            "lyrikstore card --evidence writes beside a card",
        ) from missing
    with session.progress("verifying"):
        return store.models.verify_card(data, trust=trust, at=at, recompute=recompute)


def _beside(path: Path, *, complete: bool) -> dict[str, bytes]:
    """Return the files next to a card, and its evidence, which may be larger than others."""
    from lyrikstore.api.commands import EVIDENCE_ENDING, read_siblings

    files = dict(read_siblings(path, complete=complete))
    called = path.name.rpartition(".")[0] + EVIDENCE_ENDING
    if called != path.name:
        files[called] = read_at_most(path.with_name(called), _MOST + 1, absent=b"")
    return files
