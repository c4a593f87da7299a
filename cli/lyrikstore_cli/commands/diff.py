"""``lyrikstore diff``: what differs between two versions."""

import click

from lyrikstore.canon.text import escape_control
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.session import Session


@declare("diff", epilog="lyrikstore diff acme/contracts~1 acme/contracts")
@click.argument("old")
@click.argument("new")
def command(session: Session, old: str, new: str) -> None:
    """Say what differs between the versions OLD and NEW: files, sheet, and what is stated.

    They may be of two names, such as a dataset and what a filter made of it. No data is read.
    """
    found = session.open_store().datasets.diff(old, new)
    session.emit("diff", found.to_json())
    say = session.screen.result
    for sign, version in (("−", found.old), ("+", found.new)):
        say(f"{sign} {version.name}  {version.id.short}", "bold")
    for sign, paths in (("+", found.added), ("−", found.removed)):
        for path in paths:
            say(f"{sign} {escape_control(path)}")
    for change in found.differing:
        say(f"~ {escape_control(change.path)}" + ("" if change.content else "  (sheet alone)"))
        for column, values in change.cells.items():
            was, now = ("nothing" if value is None else repr(value) for value in values)
            say(escape_control(f"    {column}: {was} → {now}"))
    for field in found.fields:
        say(f"! states otherwise: {escape_control(field)}")
    counts = f"+{len(found.added)} −{len(found.removed)} ~{len(found.differing)}"
    if not (found.added or found.removed or found.differing or found.fields):
        say("– files, sheet and statements are alike")
    else:
        say(f"! differs  {counts}")
