"""``lyrikstore index``: the derived database."""

import click

from lyrikstore_cli.command import command as declare
from lyrikstore_cli.session import Session


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Rebuild the index that `query` reads; it can be deleted at any time."""


@declare("rebuild")
def _rebuild(session: Session) -> None:
    """Make the index anew from the log and the signed objects."""
    store = session.open_store()
    with session.progress("indexing"):
        path = store.query.rebuild_index()
    session.emit("index-rebuild", {"path": str(path), "bytes": path.stat().st_size})
    session.screen.result(f"✓ rebuilt  {path}")


command.add_command(_rebuild)
