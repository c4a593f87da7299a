"""``lyrikstore checkout``: the files of a version, in a folder."""

from pathlib import Path

import click

from lyrikstore_cli.command import command as declare
from lyrikstore_cli.session import Session
from lyrikstore_cli.ui import size


@declare("checkout", epilog="lyrikstore checkout acme/contracts~1 before")
@click.argument("ref")
@click.argument("folder", type=click.Path(path_type=Path))
def command(session: Session, ref: str, folder: Path) -> None:
    """Write the files of REF to FOLDER, which must be new or empty; each file is verified."""
    store = session.open_store()
    manifest = store.resolve(ref)
    with session.screen.progress("writing") as meter:
        tree = store.checkout(manifest, folder, progress=meter)
    session.emit(
        "checkout",
        {
            "id": str(manifest.id),
            "folder": str(folder),
            "files": len(tree.entries),
            "bytes": tree.total_bytes,
        },
    )
    session.screen.result(
        f"✓ wrote    {len(tree.entries)} files, {size(tree.total_bytes)}, to {folder} "
        f"({manifest.name} {manifest.id.short})"
    )
