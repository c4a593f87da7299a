"""``verify`` with a model card: a file that somebody was handed, and the store that signed it."""

import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lyrikstore.canon.errors import FormatError, NotFoundError
from lyrikstore.canon.jsontext import parse
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.credentials.report import Report
    from lyrikstore.credentials.trust import Trust

_ENDINGS = frozenset({".md", ".markdown", ".html", ".htm"})


def is_card(path: Path, data: bytes) -> bool:
    """Return whether a file is to be looked at as a card: a text, or the manifest of one."""
    if path.suffix.lower() in _ENDINGS or data.startswith(b"---\n"):
        return True
    if b'"card"' not in data:
        return False
    try:
        document = parse(data)
    except FormatError:
        return False
    return (
        isinstance(document, dict)
        and {"lyrikstore", "kind"} <= document.keys()
        and (document["kind"] == "card")
    )


def verify_handed_card(
    session: Session, path: Path, data: bytes, trust: "Trust", at: datetime
) -> "Report":
    """Return the report on a card, by the store that the session has.

    Raises:
        NotFoundError: (``no-store``) there is none; the card may say which one it is of.
    """
    from lyrikstore.publish.cardcheck import verify_card

    try:
        store = session.open_store(anew=True)
    except NotFoundError as error:
        if error.kind != "no-store":
            raise
        named = re.search(rb"(?:in the store\s+`|\"store\":\")(blake3:[0-9a-f]{64})", data)
        whose = f": it names store {named[1].decode()}" if named else ""
        raise NotFoundError(
            error.kind,
            f"{path} may be a model card, and no store is here that could have signed it{whose}",
            hint=f"a delivery is verified as a folder: lyrikstore verify {path.parent}"
            if (path.parent / "credential.json").is_file()
            else "add the store it was made in: --store PATH; or a clone: lyrikstore clone URL",
        ) from None
    with session.screen.progress("verifying") as meter:
        return verify_card(
            store.repository, data, trust=trust, at=at, memory=session.memory(), progress=meter.add
        )
