"""``lyrikstore filter``: derive a dataset by a recipe."""

from pathlib import Path

import click

from lyrikstore.canon.text import escape_control
from lyrikstore_cli import options
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.session import Session


@declare(
    "filter",
    signs=True,
    epilog="lyrikstore filter acme/contracts --recipe clean.toml --as acme/contracts-clean",
)
@click.argument("refs", nargs=-1, required=True, metavar="REF...")
@click.option(
    "--recipe",
    type=click.Path(path_type=Path),
    help="What to do, in TOML (docs/recipes.md); may be left out with several REFs.",
)
@click.option("--as", "as_name", required=True, help="The name of the derived dataset.")
@options.note
@options.dask
def command(
    session: Session,
    refs: tuple[str, ...],
    recipe: Path | None,
    as_name: str,
    message: str,
    dask: str | None,
) -> None:
    """Derive a dataset from REF by a recipe of built-in filters, and sign both.

    Several REFs are put together first: every file keeps its path, below the name of its dataset;
    nothing is compared, and nothing dropped. The terms of all of them hold for the result.

    Every record dropped or changed gets a reason; `lyrikstore why` tells it. A recipe with a
    split makes NAME.train, NAME.validation and NAME.test.
    """
    from lyrikstore.api import load_recipe

    plan = None if recipe is None else load_recipe(recipe)
    store = session.open_store(sign=True)
    with session.pools(dask) as pools, session.screen.progress("filtering") as meter:
        result = store.datasets.filter(
            refs, plan, as_name, message=message, progress=meter, pools=pools
        )
    session.emit(
        "filter",
        {
            "source": str(result.sources[0].id),
            "sourceVersions": [str(source.id) for source in result.sources],
            "filter": str(result.filter.id),
            "changed": not result.unchanged,
            "parts": [
                {
                    "part": part,
                    "name": manifest.name,
                    "id": str(manifest.id),
                    "logIndex": store.log_index(manifest.id),
                    "counts": dict(result.counts[part]),
                }
                for part, manifest in result.manifests.items()
            ],
            "droppedFor": dict(result.dropped),
            "changedFor": dict(result.changed),
            "unmatched": [
                {"step": item.step, "column": item.column, "value": item.value}
                for item in result.unmatched
            ],
        },
    )
    screen = session.screen
    for title, reasons in (("dropped", result.dropped), ("changed", result.changed)):
        for reason, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0])):
            screen.result(f"  {title:<8} {count:>7}  {reason}")
    for item in result.unmatched:
        screen.result(f"! {escape_control(str(item))}")
    for part, manifest in result.manifests.items():
        counts = result.counts[part]
        numbers = f"{counts['in']} in, {counts['kept']} kept, {counts['dropped']} dropped"
        if counts["elsewhere"]:
            numbers += f", {counts['elsewhere']} in other parts"
        index = result.log_indices.get(part)
        where = f"log entry {index}" if index is not None else "as it was, nothing logged"
        screen.result(f"✓ signed   {manifest.name}  {manifest.id.short}  {numbers}  ({where})")
    named = next(iter(result.manifests.values())).name.removeprefix("datasets/")
    screen.hint(f"why was a record kept or dropped: lyrikstore why {named} RECORD")
