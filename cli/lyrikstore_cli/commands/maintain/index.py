"""``lyrikstore maintain index``: rebuild the derived database."""

from lyrikstore_cli.command import command as declare
from lyrikstore_cli.session import Session


@declare("index")
def command(session: Session) -> None:
    """Rebuild the index that `query` reads, from the log and the signed objects.

    The index is derived data and can be deleted at any time.
    """
    store = session.open_store()
    with session.progress("indexing"):
        path = store.query.rebuild_index()
    session.emit("index-rebuild", {"path": str(path), "bytes": path.stat().st_size})
    session.screen.result(f"✓ rebuilt  {path}")
