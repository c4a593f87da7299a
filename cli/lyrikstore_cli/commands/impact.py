"""``lyrikstore impact``: show what depends on an object."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lyrikstore.canon.errors import InvalidInputError, NotFoundError
from lyrikstore.canon.files import no_file
from lyrikstore.canon.text import escape_control
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.commands.credential import named_credential
from lyrikstore_cli.output.impact import in_kinds, path_words, say_unfollowed
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import Store
    from lyrikstore.canon.digest import Digest


_HOLDS = {
    "none": "  holds no record of it",
    "not-checked": "  may hold no record of it: not checked",
}


@declare(
    "impact", epilog="lyrikstore impact acme/contracts\nlyrikstore impact delivery/credential.json"
)
@click.argument("id_", metavar="ID")
def command(session: Session, id_: str) -> None:
    """Show every version, run, checkpoint, evaluation and card that depends on ID, and how.

    ID is a REF, such as a dataset version, a filter or a checkpoint, or a credential that is logged
    here: its file, its delivery, its digest, the start of the digest, or its urn:uuid. On a
    credential depend the objects that recorded it as their right, the dataset that it is about, and
    grants under its terms. Objects made from several datasets that no longer hold a record of ID
    are marked; for this they and these datasets are read once.

    Exit code 5 if a part of the log cannot be read: its dependencies are unknown.
    """
    store = session.open_store()
    identity, called = _find(store, id_)
    impact = store.query.impact(identity, read=True)
    session.emit("impact", impact.to_json())
    screen = session.screen
    if impact.affected:
        screen.result(f"{called}: {in_kinds(impact.affected)}", "bold")
    elif not impact.unfollowed:
        screen.result(f"nothing in this store depends on {called}")
    for one, start, path in impact.paths():
        mark = _HOLDS.get(str(one.holds), "") + (f"  ! {one.flagged}" if one.flagged else "")
        screen.result(
            f"{one.index:>5}  {one.kind} {escape_control(one.name or '')}  {one.id.short}{mark}"
        )
        if one.event is not None:
            screen.result(f"       {escape_control(one.event)}")
        since = "" if start in impact.roots else f"from {start.short}: "
        screen.result(f"       {since}{escape_control(path_words(path))}")
    say_unfollowed(screen, impact)
    if impact.unfollowed:
        raise click.exceptions.Exit(5)


def _find(store: "Store", text: str) -> "tuple[Digest, str]":
    """Return the id of the object that a text names, and its description."""
    path = Path(text)
    if not path.exists() and (path.suffix == ".json" or text.startswith((".", "/"))):
        raise no_file(path)
    named = named_credential(text)
    try:
        if named == text:
            manifest = store.resolve(text)
            return (
                manifest.id,
                f"{manifest.kind} {escape_control(manifest.name)} {manifest.id.short}",
            )
    except (NotFoundError, InvalidInputError):
        if store.credentials.find(text) is None:
            raise
    found = store.credentials.find(named)
    if found is None:
        raise NotFoundError(
            "no-credential", f"{text[:200]} is not logged as a credential in this store"
        )
    return found, f"credential {found.short}"
