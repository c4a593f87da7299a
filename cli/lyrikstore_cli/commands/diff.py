"""``lyrikstore diff``: show what differs between two versions."""

import json
from typing import TYPE_CHECKING, Any

import click

from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api.commands import FileChange, LicenceChange, RowsDiff

_SHOWN = 5
_TITLES = {"version": "licence", "text": "licence text"}


@declare("diff", epilog="lyrikstore diff acme/contracts~1 acme/contracts")
@click.argument("old")
@click.argument("new")
def command(session: Session, old: str, new: str) -> None:
    """Show what differs between the versions OLD and NEW: licences, files, sheet, statements.

    They may have different names, such as a dataset and one that a filter derived from it. Rows
    that were added, removed, changed or moved are listed, labels and licences first; no other data
    is read.
    """
    found = session.open_store().datasets.diff(old, new)
    session.emit("diff", found.to_json(), version=3)
    say = session.screen.result
    for sign, version in (("−", found.old), ("+", found.new)):
        say(f"{sign} {version.name}  {version.id.short}", "bold")
    for licence in found.licences:
        say(f"! {escape_control(_of_licence(licence))}")
    if found.rows is not None:
        _say_rows(session, found.rows)
    for sign, paths in (("+", found.added), ("−", found.removed)):
        for path in paths:
            called = f"  (in its folder {found.mapped[path]})" if path in found.mapped else ""
            say(f"{sign} {escape_control(path + called)}")
    for change in found.moved:
        say(escape_control(f"moved {change.moved_from} → {change.path}"))
        _say_cells(session, change)
    for change in found.differing:
        say(f"~ {escape_control(change.path)}" + ("" if change.content else "  (sheet alone)"))
        _say_cells(session, change)
    for name, (was, now) in found.fields.items():
        say(escape_control(f"! {name}: {_in_words(was, now)} → {_in_words(now, was)}"))
    if not (found.licences or found.added or found.removed or found.moved or found.differing
            or found.fields or (found.rows and not found.rows.is_empty)):  # fmt: skip
        say("– files, sheet and statements are the same")
        return
    counts = [f"+{len(found.added)} −{len(found.removed)} ~{len(found.differing)}"]
    if found.moved:
        counts.append(f"{len(found.moved)} moved")
    if licences := len(found.licences):
        counts.insert(0, pluralize(licences, "change of licence", "changes of licence"))
    if found.fields:
        counts.append(f"{pluralize(len(found.fields), 'field')} changed in the descriptor")
    say(f"! differs  {', '.join(counts)}")


def _say_rows(session: Session, rows: "RowsDiff") -> None:
    say = session.screen.result
    for shift in rows.shifts:
        was, now = ("nothing" if value is None else value for value in (shift.was, shift.now))
        say(escape_control(f"! {shift.of}: {was} → {now}  ({pluralize(shift.records, 'record')})"))
    for name, places in rows.shown.items():
        count = rows.counts[name]
        if count:
            some = ", ".join(f"{one.path}:{one.line}" for one in places[:_SHOWN])
            more = f" and {count - _SHOWN} more" if count > _SHOWN else ""
            say(escape_control(f"  {name:<8} {count:>7}  {some}{more}"))
    if not rows.by_id and (rows.counts["added"] or rows.counts["removed"]):
        say("  which rows changed is unknown: no field has the role id (commit --id FIELD)")


def _of_licence(change: "LicenceChange") -> str:
    title = _TITLES.get(change.of) or f"{change.column} in the sheet"
    was, now = ("nothing" if value is None else value for value in (change.was, change.now))
    return f"{title}: {was} → {now}  ({pluralize(change.files, 'file')})"


def _say_cells(session: Session, change: "FileChange") -> None:
    for column, values in change.cells.items():
        was, now = ("nothing" if value is None else repr(value) for value in values)
        session.screen.result(escape_control(f"    {column}: {was} → {now}"))


def _in_words(field: dict[str, Any] | None, other: dict[str, Any] | None) -> str:
    """Return the value of a descriptor field, with its basis if only that differs."""
    if field is None:
        return "nothing"
    if field["state"] != "value":
        reason = field.get("reason")
        return f"{field['state']} ({reason})" if reason else str(field["state"])
    value = field["value"]
    shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    same = other is not None and other.get("value") == value
    return f"{shown} ({field['basis']})" if same else shown
