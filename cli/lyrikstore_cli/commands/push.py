"""``lyrikstore push``: send local entries to the home log, or update a mirror."""

from collections.abc import Sequence

import click

from lyrikstore.api import Manifest
from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.commands.credential import say_shared_places
from lyrikstore_cli.output.screen import Screen, size
from lyrikstore_cli.session import Session


@declare(
    "push",
    passphrase=True,
    appends=True,
    epilog="lyrikstore remote add origin s3://bucket/archive\nlyrikstore push",
)
@click.argument("remote", required=False)
@click.option(
    "--mirror", is_flag=True, help="Make the remote a copy that receives no other entries."
)
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be pushed; change nothing.")
def command(session: Session, remote: str | None, mirror: bool, dry_run: bool) -> None:
    """Send what REMOTE lacks (by default `origin`, or the only remote).

    The first remote that a store is pushed to becomes the home of its log: from then on this folder
    is a clone of it, and new commits wait here until they are pushed. With --mirror the home stays
    here and the remote is a copy. The current status lists are written there too, as status/NAME,
    for a web server to serve. Exit code 15: another writer changed a name meanwhile; nothing was
    pushed.
    """
    store = session.open_store()
    target = session.remotes().find(remote)
    place = target.place(session.environment)
    with session.progress("pushing"):
        result = store.remotes.push(
            place,
            mirror=mirror or target.mirror,
            dry_run=dry_run,
        )
    lists = store.credentials.publish_lists(place, dry_run=dry_run)
    unfinished = store.credentials.unfinished_lists()
    shared = store.credentials.shared_places()
    changed = bool(result.packs.files or lists or result.before != result.after)
    session.emit(
        "push",
        {
            "remote": target.name,
            "url": target.url,
            "changed": changed and not dry_run,
            "dryRun": dry_run,
            "what": result.what,
            "logSizeBefore": result.before,
            "logSize": result.after,
            "logged": [str(one) for one in result.logged],
            "overtaken": [str(one.id) for one in result.overtaken],
            "pending": result.pending,
            "packs": result.packs.files,
            "bytes": result.packs.bytes,
            "published": lists,
            "unfinished": unfinished,
            "sharedPlaces": [[str(one.id) for one in group] for group in shared],
        },
    )
    screen = session.screen
    mark, would = ("–", "would have ") if dry_run else ("✓", "")
    if result.packs.files:
        screen.result(
            f"{mark} {would}copied   {pluralize(result.packs.files, 'pack')}, "
            f"{size(result.packs.bytes)}, to {escape_control(target.url)}"
        )
    _say_overtaken(screen, result.overtaken)
    for name in lists:
        screen.result(f"{mark} {would}published {escape_control(name)}")
    for name in unfinished:
        screen.result(
            f"! not published: {escape_control(name)} was signed in two places at once, and lacks "
            "changes of the other list"
        )
        screen.hint("merge them: lyrikstore credential publish -o FOLDER, then lyrikstore push")
    say_shared_places(screen, shared)
    there = pluralize(result.after, "entry")
    if not changed:
        screen.result(f"– nothing new: the log at {escape_control(target.name)} has {there}")
    elif dry_run:
        screen.result(
            f"– nothing was changed; the log there would grow from {result.before} to {there}"
        )
    elif result.before != result.after:
        grown = pluralize(result.after - result.before, "entry")
        screen.result(f"✓ logged   {grown}; the log there has {result.after}")
    if result.what == "moved" and not dry_run:
        screen.result(
            f"! the home of this log is {escape_control(target.url)} from now on: new commits here "
            "wait until you push"
        )
    if result.what == "filled" and result.pending:
        screen.result(
            f"! {pluralize(result.pending, 'entry waits', 'entries wait')} for a push to the home; "
            "a mirror does not accept them"
        )


def _say_overtaken(screen: Screen, overtaken: Sequence[Manifest]) -> None:
    # They stay permanently, and every push finds them again: one line for each name.
    for name in dict.fromkeys(manifest.name for manifest in overtaken):
        ids = [manifest.id.short for manifest in overtaken if manifest.name == name]
        if len(ids) == 1:
            screen.result(f"! overtaken: {name} {ids[0]} stays here, without effect")
        else:
            screen.result(
                f"! overtaken: {pluralize(len(ids), 'version')} of {name} stay here, without "
                f"effect, the newest {ids[-1]} (lyrikstore log --audit)"
            )
