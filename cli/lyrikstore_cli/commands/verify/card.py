"""``verify`` of a model card file, by the store that signed it or by its evidence."""

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
"""Most bytes of a card: a page of 16 MiB, and as much evidence in base64."""


def verify_handed_card(
    session: Session,
    path: Path,
    trust: "Trust",
    at: datetime,
    *,
    recompute: bool,
    status_files: "Sequence[bytes]" = (),
) -> "Report":
    """Return the report on a card, verified in the session's store or by the files beside it.

    Raises:
        NotFoundError: (``no-store``) There is neither; the message names the card's store.
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
    if not session.store_named:  # a store found here need not be the one that signed it
        text, files = open_card(data, _beside(path, complete=False))
        card = sibling_card(text, files)
        if card is not None and (store is None or store.id != card.store):
            # All of them: one may show that its key was revoked.
            text, files = open_card(data, _beside(path, complete=True))
            files |= {f"--status/{number}": one for number, one in enumerate(status_files)}
            memory = session.memory()
            return verify_card_alone(text, card, files, trust=trust, at=at, memory=memory)
    if store is None:
        named = store_named(data)
        whose = f": it names store {named}" if named else ""
        raise NotFoundError(
            "no-store",
            f"{path} may be a model card, but neither its store nor its evidence file "
            f"was found{whose}",
            hint=f"a delivery is verified as a folder: lyrikstore verify {path.parent}"
            if (path.parent / "credential.json").is_file()
            else "name its store or a clone with --store PATH; or ask for the evidence file that "
            "lyrikstore card --evidence writes",
        ) from missing
    with session.progress("verifying"):
        return store.models.verify_card(data, trust=trust, at=at, recompute=recompute)


def _beside(path: Path, *, complete: bool) -> dict[str, bytes]:
    """Return the files beside a card, with its evidence, which may be larger than others."""
    from lyrikstore.api.commands import EVIDENCE_ENDING, read_siblings

    files = dict(read_siblings(path, complete=complete))
    called = path.name.rpartition(".")[0] + EVIDENCE_ENDING
    if called != path.name:
        files[called] = read_at_most(path.with_name(called), _MOST + 1, absent=b"")
    return files
