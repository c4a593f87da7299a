"""``lyrikstore gc``: free the space that no version needs."""

from datetime import timedelta
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.output.screen import size
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lyrikstore.api import Collected
    from lyrikstore.api.commands import NamedRemote, Purged

_DAY = 86_400
_UNKNOWN = ("clones", "backups", "check-outs and deliveries", "caches of other users")
"""Places of copies that a store does not know."""
_KEPT = ("bodies of manifests", "trees, which hold paths and sheets")
"""Parts of retired versions that stay readable."""
_NAMED = 20


@declare(
    "gc",
    signs=True,
    appends=True,
    epilog="lyrikstore gc -n\nlyrikstore gc --keep 3 acme/contracts\n"
    "lyrikstore gc --keep 1 --purge acme/contracts",
)
@click.argument("name", required=False)
@click.option(
    "--keep",
    type=click.IntRange(1),
    metavar="N",
    help="Retire versions of NAME before the newest N: their data need not be kept; signed.",
)
@click.option(
    "--grace",
    type=click.FloatRange(0),
    default=14,
    show_default=True,
    metavar="DAYS",
    help="Delete a dropped pack only after it was unused for so many days.",
)
@click.option(
    "--repack-at",
    "threshold",
    type=click.IntRange(1, 100),
    default=25,
    show_default=True,
    metavar="PERCENT",
    help="Rewrite a pack if so much of it is also stored elsewhere; unneeded data always goes.",
)
@click.option(
    "--purge",
    is_flag=True,
    help="Delete all unneeded data at once; no other process may use the store meanwhile.",
)
@click.option(
    "--remote",
    metavar="NAME",
    help="Collect at this remote, the home of the log, such as origin, and not here.",
)
@click.option("-m", "--message", default="", help="A note, signed with the retention.")
@click.option(
    "-n", "--dry-run", is_flag=True, help="Show exactly what would happen; write nothing."
)
def command(
    session: Session,
    name: str | None,
    keep: int | None,
    grace: float,
    threshold: int,
    purge: bool,
    remote: str | None,
    message: str,
    dry_run: bool,
) -> None:
    """Free the space that no version needs, and join the small packs that commits leave.

    Without --keep every logged version stays; only duplicates and leftovers are removed. Nothing is
    deleted at once: a dropped pack waits for the grace period, over at least three runs, so that
    other readers and writers are not disturbed and a wrong clock does no harm.

    NAME is a dataset, checkpoint, evaluation, card or deployment. Retired versions lose files and
    attachments: decisions, salts, predictions, texts, renderings. Manifests with their bodies,
    trees with their sheets, and proofs stay readable for everybody who has the store. Versions that
    were made from retired ones, or share their files, are listed.

    A clone deletes only what its home dropped. Versions are retired and packs joined at the home:
    with --remote NAME if the home is a remote, such as a bucket.

    Leftovers of killed commands are removed too; resume states of filters once they are a day old.

    --purge deletes all of this at once, with the index, remembered sheets and all leftovers of
    killed commands, and then checks that nothing unneeded is left (exit code 5 if something is).
    First stop all other readers and writers of the store: their work would fail. Copies elsewhere
    are not deleted; remotes are listed.
    """
    if (keep is None) != (name is None):
        raise click.UsageError("give both --keep N and NAME, or neither")
    given = click.get_current_context().get_parameter_source
    if purge and ParameterSource.COMMANDLINE in (given("grace"), given("threshold")):
        raise click.UsageError("--purge deletes at once: leave --grace and --repack-at out")
    store = session.open_store(sign=not dry_run and (remote is None or keep is not None))
    with session.progress("repacking"):
        found = store.datasets.gc(
            at=session.place(remote),
            keep=(name, keep) if name and keep else None,
            dry_run=dry_run,
            message=message,
            grace=timedelta(days=grace),
            share=threshold / 100,
            purge=purge,
        )
    others = [one for one in session.remotes().all() if purge and one.name != remote]
    session.emit(
        "gc", {"dryRun": dry_run, **found.to_json(), "purged": _purged(found.purged, others)}
    )
    _show(session, found, dry_run=dry_run)
    if purge:
        _show_purge(session, found.purged, others)


def _purged(purged: "Purged | None", others: "Sequence[NamedRemote]") -> dict[str, object] | None:
    if purged is None:
        return None
    return {
        "freedBytes": purged.bytes,
        "retiredVersions": purged.retired,
        "withAttachments": purged.attached,
        "stillReadable": list(_KEPT),
        "remotesNotReached": [{"name": one.name, "url": one.url} for one in others],
        "unknownCopies": list(_UNKNOWN),
    }


def _show_purge(session: Session, purged: "Purged | None", others: "Sequence[NamedRemote]") -> None:
    screen = session.screen
    for one in others:
        screen.result(f"! not reached: the remote {one.name}, {escape_control(one.url)}")
    screen.result(f"! not reached, because this store does not know them: {', '.join(_UNKNOWN)}")
    if purged is None:
        screen.result("– would also have deleted indexes, remembered sheets and leftovers")
        screen.result(f"– would keep of retired versions, readable by all: {' and '.join(_KEPT)}")
        return
    if purged.retired:
        screen.result(
            f"– kept of {pluralize(purged.retired, 'retired version')}, readable by all: "
            f"{' and '.join(_KEPT)}"
        )
    if purged.attached:
        screen.result(
            f"! {pluralize(purged.attached, 'version')} retired by an earlier release still have "
            "attachments: lyrikstore gc --keep N NAME retires them again"
        )
    screen.result(
        f"✓ purged: {size(purged.bytes)} deleted; a second check found no other data here that no "
        "version needs"
    )


def _show(session: Session, found: "Collected", *, dry_run: bool) -> None:
    screen, plan = session.screen, found.retirement
    mark, would = ("–", "would have ") if dry_run else ("✓", "")
    if plan is not None:
        screen.result(
            f"{mark} {would}retired {pluralize(len(plan.versions), 'version')} "
            f"of {plan.of}; the newest "
            f"{pluralize(plan.keep, 'stays', 'stay')}"
        )
    for along in found.along:
        screen.result(f"{mark} {would}retired with it: {along.name} {along.id.short}")
    if found.plan is not None and found.repacked is not None:
        done = found.repacked
        screen.result(
            f"{mark} looked at {pluralize(found.plan.packs, 'pack')}; "
            f"{size(found.plan.garbage)} of their data "
            "is not needed"
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
    for held in found.held[:_NAMED]:
        how = "shares some of its files" if held.by == "files" else "was made from it"
        screen.result(f"! not retired, and {how}: {held.version.name} {held.version.id.short}")
    if len(found.held) > _NAMED:
        screen.result(f"! and {pluralize(len(found.held) - _NAMED, 'more version')} (--json)")
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
