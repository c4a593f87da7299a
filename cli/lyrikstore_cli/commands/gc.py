"""``lyrikstore gc``: free the space of what no version needs any more."""

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.output.screen import size
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import Collected

_DAY = 86_400


@declare("gc", signs=True, epilog="lyrikstore gc -n\nlyrikstore gc --keep 3 acme/contracts")
@click.argument("name", required=False)
@click.option(
    "--keep",
    type=click.IntRange(1),
    metavar="N",
    help="Sign that versions of NAME before the newest N need no longer be kept as data.",
)
@click.option(
    "--grace",
    type=click.FloatRange(0),
    default=14,
    show_default=True,
    metavar="DAYS",
    help="Delete a dropped pack only after it was seen unneeded for so long.",
)
@click.option(
    "--threshold",
    type=click.IntRange(1, 100),
    default=25,
    show_default=True,
    metavar="PERCENT",
    help="Rewrite a pack when so much of it is garbage.",
)
@click.option(
    "--remote",
    metavar="NAME",
    help="Collect there, at the home of the log, and not here; such as origin.",
)
@click.option("-m", "--message", default="", help="A note, signed with the retention.")
@click.option("-n", "--dry-run", is_flag=True, help="Say exactly what would happen; write nothing.")
def command(
    session: Session,
    name: str | None,
    keep: int | None,
    grace: float,
    threshold: int,
    remote: str | None,
    message: str,
    dry_run: bool,
) -> None:
    """Free the space of what no version needs, and join the small packs that commits leave.

    Without --keep every version that was ever logged stays; only duplicates and leftovers go.
    Nothing is deleted at once: what is dropped waits for the grace, over at least three runs, so
    that other readers and writers are not disturbed and a wrong clock does no harm. Manifests,
    trees and proofs of retired versions stay.

    In a clone only what the home dropped is deleted. Versions are retired, and packs joined, at
    the home: with --remote NAME if that is a remote, such as a bucket.
    """
    if (keep is None) != (name is None):
        raise click.UsageError("--keep N and NAME go together")
    store = session.open_store(sign=not dry_run and (remote is None or keep is not None))
    with session.screen.progress("repacking") as meter:
        found = store.datasets.gc(
            at=session.place(remote),
            keep=(name, keep) if name and keep else None,
            dry_run=dry_run,
            message=message,
            grace=timedelta(days=grace),
            share=threshold / 100,
            progress=meter,
        )
    session.emit("gc", {"dryRun": dry_run, **found.to_json()})
    _show(session, found, dry_run=dry_run)


def _show(session: Session, found: "Collected", *, dry_run: bool) -> None:
    screen, plan = session.screen, found.retirement
    mark, would = ("–", "would have ") if dry_run else ("✓", "")
    if plan is not None:
        screen.result(
            f"{mark} {would}retired {pluralize(len(plan.versions), 'version')} "
            f"of {plan.of}; the newest "
            f"{pluralize(plan.keep, 'stays', 'stay')}"
        )
    if found.plan is not None and found.repacked is not None:
        done = found.repacked
        screen.result(
            f"{mark} looked at {pluralize(found.plan.packs, 'pack')}; "
            f"{size(found.plan.garbage)} of what is in "
            "them is not needed"
        )
        for pack, why in done.skipped.items():
            screen.result(f"! left alone: pack {pack.short}: {escape_control(why)}")
        if done.dropped:
            before = sum(pack.bytes for pack in done.dropped)
            after = sum(pack.bytes for pack in done.added)
            screen.result(
                f"{mark} {would}rewritten {pluralize(len(done.dropped), 'pack')}, {size(before)}, "
                f"as {len(done.added)}, {size(after)}; "
                f"{pluralize(done.blobs, 'blob')} copied, each hashed"
            )
    swept = found.swept
    if swept.waiting:
        longest = max(swept.waiting.values()) / _DAY
        one, many = ("would wait", "would wait") if dry_run else ("waits", "wait")
        screen.result(
            f"– {pluralize(len(swept.waiting), 'dropped pack ' + one, 'dropped packs ' + many)} "
            f"to be deleted, the oldest for {pluralize(round(longest), 'day')}"
        )
    screen.result(
        f"{mark} {would}deleted {pluralize(len(swept.deleted), 'pack')}, {size(swept.bytes)}"
    )
