"""``lyrikstore clone``: make a verified copy of a store to work in."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lyrikstore.api.commands import STORE_FOLDER
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, LyrikstoreError
from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore.canon.timestamps import now
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.options import named_values, remote_options
from lyrikstore_cli.output.screen import size
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import Store


@declare(
    "clone",
    epilog="lyrikstore clone s3://bucket/archive\n"
    "lyrikstore clone sftp://host/archive --only acme/contracts",
)
@click.argument("url")
@click.argument("directory_", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option("--no-data", is_flag=True, help="Fetch manifests and proofs, but no files.")
@click.option(
    "--only",
    multiple=True,
    metavar="REF",
    help="Fetch only the files of REF; repeat it for several.",
)
@click.option(
    "--for-audit", is_flag=True, help="Fetch no file, path or record: only what shows how it went."
)
@remote_options
@click.option("--store-id", "expected", metavar="ID", help="The expected id of the store.")
def command(
    session: Session,
    url: str,
    directory_: Path | None,
    no_data: bool,
    only: tuple[str, ...],
    for_audit: bool,
    options: tuple[str, ...],
    expected: str | None,
) -> None:
    """Make a verified copy of the store at URL in DIR (by default the last part of URL).

    Your commits wait in a local log until you push them. All data is verified on arrival. Without
    --store-id any store at URL is accepted: compare the printed id with the one that its owner
    gives you. An interrupted clone continues when the command is run again.
    """
    from lyrikstore.api import Store
    from lyrikstore.api.commands import NamedRemote, NamedRemotes, place_of

    session.refuse_store()
    if sum((no_data, bool(only), for_audit)) > 1:
        raise InvalidInputError("usage", "--no-data, --only and --for-audit exclude each other")
    place = place_of(url)
    origin = NamedRemote("origin", place, options=named_values(options))
    folder = directory_ or Path(_last_part(place))
    root = folder / STORE_FOLDER
    with session.progress("cloning") as progress:
        store, result = Store.clone(
            origin.place(session.environment),
            root,
            memory_dir=session.paths.memory,
            trust_file=session.paths.trust,
            expected=Digest.parse(expected) if expected else None,
            only=only if no_data or only else None,
            for_audit=for_audit,
            progress=progress,
        )
    remotes = NamedRemotes(session.paths.remotes, root)
    for stale in remotes.all():
        remotes.remove(stale.name)  # of an earlier store in this folder
    remotes.add(origin)
    founder, store_id = store.founder, store.id
    trusted = store.trust.vouches_for(founder, store=store_id, at=now()) is not None
    known = result.known or trusted
    naming = _naming_data(store) if for_audit else ()
    session.emit(
        "clone",
        {
            "store": str(store_id),
            "path": str(root),
            "url": place,
            "founder": founder,
            "known": known,
            "logSize": result.after,
            "packs": result.packs.files,
            "bytes": result.packs.bytes,
            "notFetched": result.missing,
            "namingData": list(naming),
        },
    )
    screen = session.screen
    screen.result(
        f"✓ cloned   {escape_control(place)} to {folder}  store "
        f"{store_id.short}, {pluralize(result.after, 'log entry')}"
    )
    screen.result(f"✓ fetched  {pluralize(result.packs.files, 'pack')}, {size(result.packs.bytes)}")
    if for_audit:
        screen.result(
            "– files, paths and records stay at the home: lyrikstore verify says what holds"
        )
        if naming:
            screen.result(
                f"! {pluralize(len(naming), 'signed statement names', 'signed statements name')} "
                f"paths or sheet values of data: {escape_control(', '.join(naming[:3]))}"
                f"{', …' if len(naming) > 3 else ''}"
            )
    elif result.missing:
        screen.result(
            f"! {pluralize(result.missing, 'pack is', 'packs are')} "
            "not fetched; lyrikstore pull --all-data fetches them"
        )
    if not known:
        screen.result(
            f"! first seen here: store {store_id}, founded by {escape_control(founder)}; compare "
            "both with its owner by another channel"
        )


def _naming_data(store: "Store") -> tuple[str, ...]:
    try:
        return store.naming_data()
    except LyrikstoreError:
        return ()  # `verify` says what is lost


def _last_part(url: str) -> str:
    parts = [part for part in url.split("/") if part and part != STORE_FOLDER]
    name = parts[-1] if parts else "store"
    return name if not name.startswith((".", "-")) and ":" not in name else "store"
