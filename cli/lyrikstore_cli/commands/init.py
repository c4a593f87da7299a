"""``lyrikstore init``: create a store."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lyrikstore.api.commands import STORE_FOLDER
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import Store


@declare("init", signs=True, epilog="lyrikstore key new && lyrikstore init")
@click.argument("directory_", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
@click.option("--origin", help="The log's name, such as example.org/data; by default a random one.")
@click.option(
    "--writer",
    "writers",
    multiple=True,
    metavar="DID",
    help="A further key that may sign here; repeat it.",
)
@click.option(
    "--log-key",
    "log_keys",
    multiple=True,
    metavar="KEY",
    help="A further key (did:key or Multikey) that may sign the log, until it is retired.",
)
def command(
    session: Session,
    directory_: Path,
    origin: str | None,
    writers: tuple[str, ...],
    log_keys: tuple[str, ...],
) -> None:
    """Create a store in DIR (by default here), with a log of its own.

    Your key signs the store's first entry; a new key, kept next to yours, signs its log. Your own
    key is added to your trust file, for this store only.

    Another person who pushes to this store needs two keys: one to sign with (--writer), and one for
    the log (--log-key). Both can be added later: lyrikstore key admit.
    """
    from lyrikstore.api import Store

    session.refuse_store()
    folder = directory_ / STORE_FOLDER
    if (folder / "format").exists():
        store = Store.open(folder, memory_dir=session.paths.memory, trust_file=session.paths.trust)
        _emit(session, store, folder, changed=False)
        session.screen.result(f"– the store {folder} exists already ({store.id.short})")
        return
    signer = session.signer()
    store = Store.create(
        folder,
        signer=signer,
        keys=session.keys(),
        memory_dir=session.paths.memory,
        trust_file=session.paths.trust,
        origin=origin,
        writers=writers,
        log_keys=log_keys,
    )
    _emit(session, store, folder, changed=True)
    session.screen.result(f"✓ created  {folder}  store {store.id.short}, log {store.origin}")
    session.screen.result(f"✓ trusted  {signer.did}, for this store only ({session.paths.trust})")
    session.screen.hint("back up your keys, nobody can restore them: lyrikstore key backup -o FILE")


def _emit(session: Session, store: "Store", folder: Path, *, changed: bool) -> None:
    session.emit(
        "init",
        {
            "changed": changed,
            "store": str(store.id),
            "path": str(folder),
            "origin": store.origin,
            "founder": store.founder,
        },
    )
