"""``lyrikstore lock``: pin versions in a file beside the code that uses them."""

from pathlib import Path

import click

from lyrikstore.canon.errors import IncompleteError, InvalidInputError
from lyrikstore.canon.files import replace_file
from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.session import Session


@declare("lock", epilog="lyrikstore lock acme/clean.train acme/clean.test\nlyrikstore lock --check")
@click.argument("refs", nargs=-1, metavar="[REF...]")
@click.option("--update", is_flag=True, help="Pin the current version of every name in it.")
@click.option(
    "--check", is_flag=True, help="Change nothing; check that the store has the pinned versions."
)
def command(session: Session, refs: tuple[str, ...], update: bool, check: bool) -> None:
    """Pin the versions that REFs name in lyrik.lock, a file to keep in Git beside the code.

    `lyrikstore checkout --locked NAME FOLDER` writes the pinned version. `--check` is for CI: it
    fails unless the store has every pinned version at the same place of the same log; newer
    versions are only reported.
    """
    from lyrikstore.api import LockFile
    from lyrikstore.api.commands import find_lock

    if sum((bool(refs), update, check)) != 1:
        raise click.UsageError("give REFs, --update or --check, and only one of these")
    datasets = session.open_store().datasets
    known = find_lock(Path.cwd()) if update or check else Path("lyrik.lock")
    old = LockFile.load(known) if known.exists() or update or check else None
    if update and old is not None:
        refs = tuple(one.name for one in old.versions)
    if not refs and not check:
        hint = "lyrikstore lock REF…"
        raise InvalidInputError("bad-lock", f"{known} names no version", hint=hint)
    lock = old if check and old is not None else datasets.lock(refs, old)
    states = datasets.check_lock(lock)
    data = lock.encode()
    changed = not check and (old is None or old.encode() != data)
    if changed:
        replace_file(known, data)
    session.emit(
        "lock",
        {
            "lockFile": str(known),
            "changed": changed,
            "holds": all(one.holds for one in states),
            "locked": [one.to_json() for one in states],
        },
    )
    for one in states:
        sign = "✓" if one.state == "same" else "!" if one.holds else "✗"
        named = f"{one.version.name}  {one.version.id.short}  entry {one.version.log_index}"
        session.screen.result(f"{sign} {one.state:<8} {escape_control(named)}")
    broken = [one for one in states if not one.holds]
    if broken:
        raise IncompleteError(
            "lock-broken",
            f"{pluralize(len(broken), 'version')} of {known} are not at their place in the log",
            hint="if they are newer than this copy of the store: lyrikstore pull",
        )
    done = "wrote" if changed else "checked" if check else "same"
    session.screen.result(f"✓ {done:<8} {known}, {pluralize(len(states), 'version')}")
