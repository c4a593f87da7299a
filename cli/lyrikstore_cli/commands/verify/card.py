"""``verify`` with a model card: a file that somebody was handed, and the store that signed it."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lyrikstore.canon.errors import NotFoundError
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import Trust
    from lyrikstore.verify.report import Report


def verify_handed_card(
    session: Session, path: Path, data: bytes, trust: "Trust", at: datetime, *, recompute: bool
) -> "Report":
    """Return the report on a card, by the store that the session has, or by what lies next to it.

    Raises:
        NotFoundError: (``no-store``) there is neither; the card may say which store it is of.
    """
    from lyrikstore.api import verify_card_alone
    from lyrikstore.api.commands import read_siblings, sibling_card, store_named

    store, missing = None, None
    try:
        store = session.open_store()
    except NotFoundError as error:
        if error.kind != "no-store" or session.store_named:
            raise
        missing = error
    if not session.store_named:  # one that happens to be here need not be the one that signed it
        card = sibling_card(data, read_siblings(path, complete=False))
        if card is not None and (store is None or store.id != card.store):
            siblings = read_siblings(path)  # all, or none: among them may be what became of its key
            memory = session.memory()
            return verify_card_alone(data, card, siblings, trust=trust, at=at, memory=memory)
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
