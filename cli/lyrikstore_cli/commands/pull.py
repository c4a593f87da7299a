"""``lyrikstore pull``: fetch and verify what others pushed."""

import click

from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.commands.credential import say_shared_places
from lyrikstore_cli.output.screen import size
from lyrikstore_cli.session import Session


@declare("pull", epilog="lyrikstore pull\nlyrikstore pull --all-data")
@click.argument("remote", required=False)
@click.option("--all-data", is_flag=True, help="Also fetch the data that a partial clone left out.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be fetched; change nothing.")
def command(session: Session, remote: str | None, all_data: bool, dry_run: bool) -> None:
    """Fetch new entries and data from REMOTE (by default `origin`, or the only remote).

    All data is verified on arrival. A remote is refused if its log is older than the one seen
    before, or contradicts it.
    """
    store = session.open_store()
    source = session.remotes().find(remote)
    with session.progress("pulling"):
        result = store.remotes.pull(
            source.place(session.environment), all_data=all_data, dry_run=dry_run
        )
    changed = bool(result.packs.files or result.before != result.after)
    # Places drawn here may equal fetched ones. `push` warns again, until one is superseded.
    has_grown = not dry_run and result.before != result.after
    shared = store.credentials.shared_places() if has_grown else []
    session.emit(
        "pull",
        {
            "remote": source.name,
            "url": source.url,
            "changed": not dry_run and changed,
            "dryRun": dry_run,
            "logSizeBefore": result.before,
            "logSize": result.after,
            "packs": result.packs.files,
            "bytes": result.packs.bytes,
            "notFetched": result.missing,
            "sharedPlaces": [[str(one.id) for one in group] for group in shared],
        },
    )
    screen = session.screen
    mark, would = ("–", "would have ") if dry_run else ("✓", "")
    if result.packs.files:
        screen.result(
            f"{mark} {would}fetched  {pluralize(result.packs.files, 'pack')}, "
            f"{size(result.packs.bytes)}, from {escape_control(source.url)}"
        )
    if not changed:
        screen.result(f"– nothing new: the log has {pluralize(result.after, 'entry')}")
    if result.before != result.after:
        grown = pluralize(result.after - result.before, "new entry", "new entries")
        screen.result(f"{mark} log      {grown}, {result.after} in all")
    if result.missing and not store.is_for_audit:
        screen.result(
            f"! {pluralize(result.missing, 'pack is', 'packs are')} not fetched; "
            "lyrikstore pull --all-data fetches them"
        )
    say_shared_places(screen, shared)
