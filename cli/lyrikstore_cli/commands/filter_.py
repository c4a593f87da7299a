"""``lyrikstore filter``: derive a dataset by a recipe."""

from typing import TYPE_CHECKING

import click

from lyrikstore.canon.text import escape_control
from lyrikstore_cli import options
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.output.given_away import warn_of_denial
from lyrikstore_cli.output.screen import Screen
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import FilterResult


@declare(
    "filter",
    signs=True,
    appends=True,
    epilog="lyrikstore filter acme/contracts --recipe clean.toml --as acme/contracts-clean",
)
@click.argument("refs", nargs=-1, required=True, metavar="REF...")
@click.option(
    "--recipe",
    type=click.Path(),
    metavar="FILE|NAME",
    help="The recipe, a TOML file (docs/recipes.md) or a built-in one: finance, health, legal; "
    "optional with several REFs.",
)
@click.option("--as", "as_name", required=True, help="The name of the derived dataset.")
@options.note
@options.dask
@click.option("-n", "--dry-run", is_flag=True, help="Show the result; write nothing.")
def command(
    session: Session,
    refs: tuple[str, ...],
    recipe: str | None,
    as_name: str,
    message: str,
    dask: str | None,
    dry_run: bool,
) -> None:
    """Derive a dataset from REF by a recipe of built-in filters, and sign dataset and recipe.

    Several REFs are united first: every file keeps its path, below the name of its dataset; the
    union compares and drops nothing. The terms of all of them apply to the result. The same command
    continues interrupted work.

    Every dropped or changed record gets a reason, which `lyrikstore why` shows. A recipe with a
    split makes NAME.train, NAME.validation and NAME.test.
    """
    from lyrikstore.api import load_recipe

    plan = None if recipe is None else load_recipe(recipe)
    store = session.open_store(sign=True)
    with session.pools(dask) as pools, session.progress("filtering"):
        result = store.datasets.filter(
            refs, plan, as_name, message=message, dry_run=dry_run, pools=pools
        )
    session.emit(
        "filter",
        {
            "source": str(result.sources[0].id),
            "sourceVersions": [str(source.id) for source in result.sources],
            "filter": None if result.filter is None else str(result.filter.id),
            "changed": not (result.unchanged or dry_run),
            "dryRun": dry_run,
            "parts": [
                {
                    "part": part,
                    "name": name,
                    "id": str(version.id) if (version := result.manifests.get(part)) else None,
                    "logIndex": store.log_index(version.id) if version else None,
                    "counts": dict(result.counts[part]),
                }
                for part, name in result.names.items()
            ],
            "droppedFor": dict(result.dropped),
            "changedFor": dict(result.changed),
            "reportedFor": dict(result.reported),
            "shown": [
                {"reason": reason, "path": one.path, "line": one.position + 1, "record": one.record}
                for reason, some in result.examples.items()
                for one in some
            ],
            "largeDrops": [
                {
                    "step": one.step,
                    "filterName": one.use,
                    "in": one.came,
                    "droppedFor": dict(one.reasons),
                    "hint": one.hint,
                }
                for one in result.large_drops
            ],
            "unmatched": [
                {"step": item.step, "column": item.column, "value": item.value}
                for item in result.unmatched
            ],
            "notes": list(result.notes),
        },
    )
    screen = session.screen
    _print_reasons(screen, result, dry_run=dry_run)
    for item in (*result.large_drops, *result.unmatched):
        screen.result(f"! {escape_control(str(item))}")
    for note in result.notes:
        screen.result(f"! {escape_control(note)}")
    for part, name in result.names.items():
        counts = result.counts[part]
        made = f" and {counts['made']} made" if "made" in counts else ""
        numbers = f"{counts['in']} in{made}, {counts['kept']} kept, {counts['dropped']} dropped"
        if counts["elsewhere"]:
            numbers += f", {counts['elsewhere']} in other parts"
        if dry_run:
            screen.result(f"– nothing was written; {name} would be  {numbers}")
            continue
        manifest = result.manifests[part]
        index = result.log_indices.get(part)
        where = f"log entry {index}" if index is not None else "unchanged, nothing logged"
        screen.result(f"✓ signed   {manifest.name}  {manifest.id.short}  {numbers}  ({where})")
    if result.manifests:
        denial = store.rules.foresee_denial(list(result.manifests.values()), "train")
        warn_of_denial(screen, denial)
    if not dry_run:
        named = next(iter(result.names.values())).removeprefix("datasets/")
        screen.hint(f"to see why a record was kept or dropped: lyrikstore why {named} RECORD")


def _print_reasons(screen: Screen, result: "FilterResult", *, dry_run: bool) -> None:
    for title, reasons in (
        ("dropped", result.dropped),
        ("changed", result.changed),
        ("found", result.reported),
    ):
        for reason, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0])):
            screen.result(f"  {title:<8} {count:>7}  {reason}")
            for one in result.examples.get(reason, ()) if dry_run else ():
                place = f"{one.path}:{one.position + 1}"
                detail = f" ({one.detail})" if one.detail else ""
                screen.result(f"             {escape_control(place + detail)}")
