"""``lyrikstore show``: one signed object, whole."""

import json
import sys

import click

from lyrikstore_cli.command import command as declare
from lyrikstore_cli.session import Session


@declare("show", epilog="lyrikstore show acme/contracts\nlyrikstore show evaluations/acme/m --json")
@click.argument("ref")
@click.option("--raw", is_flag=True, help="Write the stored bytes as they are, to hash them.")
@click.option("--files", is_flag=True, help="List the files instead.")
def command(session: Session, ref: str, raw: bool, files: bool) -> None:
    """Show the manifest that REF names: as it was signed, with its place in the log."""
    store = session.open_store()
    manifest = store.resolve(ref)
    if raw:
        sys.stdout.buffer.write(manifest.data)
        return
    if files:
        tree = store.repository.tree(manifest)
        entries = [
            {"path": e.path, "bytes": e.bytes, "blake3": e.blake3.hex, "meta": dict(e.meta or {})}
            for e in tree.entries
        ]
        session.emit("show", {"id": str(manifest.id), "files": entries})
        for entry in tree.entries:
            session.screen.result(f"{entry.blake3.hex}  {entry.path}")
        return
    document = json.loads(manifest.data)
    index = store.repository.index_of(manifest.id)
    session.emit("show", {"id": str(manifest.id), "index": index, "manifest": document})
    session.screen.result(f"{manifest.id}  entry {index} of {store.origin}", "bold")
    # JSON escapes every control character, so the text cannot steer the terminal.
    for line in json.dumps(document, indent=2, ensure_ascii=True).splitlines():
        session.screen.result(line)
