"""``lyrikstore status``: show how committed folders differ from the current versions."""

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore_cli import options
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.output.screen import Screen
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import FolderStatus

SHOWN = 10


@declare("status", epilog="lyrikstore status\nlyrikstore status documents --json")
@click.argument("path", required=False, type=click.Path(path_type=Path))
def command(session: Session, path: Path | None) -> None:
    """Show what a commit would change, for the folders that were committed from this machine.

    PATH limits this to folders at, below or above it. Unchanged files are not read, and nothing is
    written to the store.
    """
    statuses = session.open_store().datasets.status(path)
    clean = all(status.clean for status in statuses)
    folders = [status.to_json() for status in statuses]
    session.emit("status", {"clean": clean, "folders": folders})
    if not statuses:
        session.screen.result("– no folder was committed to this store from here")
        session.screen.hint("lyrikstore commit PATH -d NAMESPACE/NAME")
    for status in statuses:
        _show(session.screen, status)


def _show(screen: Screen, status: "FolderStatus") -> None:
    folder = escape_control(_shown(status.folder))
    screen.result(f"{status.name}  {status.current.short}  {folder}", "bold")
    if status.problem:
        screen.result(f"✗ {escape_control(status.problem)}")
        name = status.name.removeprefix("datasets/")
        screen.hint(
            f"if the folder was moved, commit it at its new place: lyrikstore commit PATH -d {name}"
        )
        return
    if status.moved:
        screen.result("! the current version is not the one last committed from this folder")
    _list(screen, "+", (_named(status, path) for path in status.added))
    _list(screen, "−", status.removed)
    _list(screen, "~", (_named(status, path) for path in status.changed))
    _list(screen, "✗", (f"{item.path}: {item.reason}" for item in status.unreadable))
    if status.sheet_changed:
        screen.result(f"! the metadata sheet changed: {escape_control(_shown(status.sheet))}")
    if status.clean:
        screen.result(f"– nothing changed in {pluralize(status.files, 'file')}")
        return
    counts = f"+{len(status.added)} −{len(status.removed)} ~{len(status.changed)}"
    if status.unreadable:
        screen.result(f"✗ changed {counts}; {len(status.unreadable)} cannot be committed")
        screen.hint(status.unreadable[0].hint)
    else:
        screen.result(f"! changed {counts}")
        screen.hint(escape_control(_commit(status)))


def _commit(status: "FolderStatus") -> str:
    # With all that the last version states: `commit` refuses to lose it without --yes.
    from lyrikstore.api.commands import KEY_COLUMNS

    words = ["lyrikstore", "commit", _shown(status.folder)]
    words += ["-d", status.name.removeprefix("datasets/")]
    if status.sheet:
        words += ["--metadata", _shown(status.sheet)]
        words += ["--key", status.key] if status.key not in {"", *KEY_COLUMNS} else []
    if status.licence:
        words += ["--licence", status.licence]
    rows = status.rows
    words += ["--reader", rows.reader] if rows.reader else []
    words += ["--sheet", rows.table] if rows.table else []
    words += options.role_words(rows.roles)
    words += [word for name in rows.measures for word in ("--statistic", name)]
    words += ["--skip-bad"] if rows.skip_bad else []
    words += ["--map-names"] if status.map_names else []
    return shlex.join(words) + (" --describe FILE" if status.described else "")


def _named(status: "FolderStatus", path: str) -> str:
    was = status.mapped.get(path)
    return path if was is None else f"{path} (here {was})"


def _list(screen: Screen, mark: str, items: Iterable[str]) -> None:
    from lyrikstore.canon.text import brief

    paths = list(items)
    for path in paths[:SHOWN]:
        screen.result(f"  {mark} {escape_control(brief(path))}")
    if len(paths) > SHOWN:
        screen.result(f"  {mark} and {len(paths) - SHOWN} more (all of them with --json)")


def _shown(path: str) -> str:
    # Relative to the current folder, if it is in there.
    place, here = Path(path), Path.cwd()
    return str(place.relative_to(here)) if place.is_relative_to(here) else path
