"""``lyrikstore checkout``: write the files of a version to a folder."""

from pathlib import Path

import click

from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore_cli import options
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.output.screen import formula_warning, size
from lyrikstore_cli.session import Session


@declare(
    "checkout",
    signs=True,
    appends=True,
    epilog="lyrikstore checkout acme/contracts~1 before\n"
    "lyrikstore checkout acme/contracts documents --metadata sheet.csv\n"
    "lyrikstore checkout acme/clauses table --format parquet\n"
    "lyrikstore checkout acme/clauses asked --without labels --to Vendor\n"
    "lyrikstore checkout --locked acme/clauses data",
)
@click.argument("ref")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--metadata",
    type=click.Path(path_type=Path),
    help="Write the sheet's rows about the files to this new CSV file.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv", "parquet"]),
    help="Convert its records (rows or documents) to files of this format.",
)
@click.option(
    "--without",
    multiple=True,
    metavar="FIELD",
    help="Leave this field out, such as the label of a test set; each record gets its number. "
    "This is logged. Repeat it for more fields.",
)
@click.option("--to", default="", metavar="NAME", help="With --without: the recipient.")
@click.option(
    "--locked", is_flag=True, help="REF is a name; write its version of the nearest lyrik.lock."
)
def command(
    session: Session,
    ref: str,
    folder: Path,
    metadata: Path | None,
    form: str | None,
    without: tuple[str, ...],
    to: str,
    locked: bool,
) -> None:
    """Write the files of REF to FOLDER, which must be new or empty; each file is verified.

    Files converted by `--format` have other bytes and are no longer the version.

    `--without` writes one file of records, by default JSON Lines. Answers refer to the number in
    its field `record`: `lyrikstore evaluate NAME --on REF --predictions FILE`.
    """
    if to and not without:
        raise click.UsageError(
            "--to names the recipient of a file without fields: add --without FIELD"
        )
    if metadata is not None:
        options.check_new(metadata)
        if without:
            raise click.UsageError(
                "--metadata writes all columns of the sheet: leave it or --without out"
            )
    form = form or ("jsonl" if without else None)
    store = session.open_store(sign=bool(without))
    if locked:
        from lyrikstore.api import LockFile
        from lyrikstore.api.commands import find_lock

        manifest = store.datasets.locked(LockFile.load(find_lock(Path.cwd())), ref)
    else:
        manifest = store.resolve(ref)
    with session.progress("writing"):
        converted = 0
        if form is not None:
            tree, converted = store.datasets.convert(
                str(manifest.id), folder, form, without=without, to=to
            )
        else:
            tree = store.datasets.checkout(str(manifest.id), folder)
    key = None
    if metadata is not None:
        from lyrikstore.api.commands import formula_cells, sheet_of

        sheet, key = sheet_of(tree)
        options.write_new(metadata, sheet)
    session.emit(
        "checkout",
        {
            "id": str(manifest.id),
            "name": manifest.name,
            "folder": str(folder),
            "files": len(tree.entries),
            "bytes": tree.total_bytes,
            "sheet": None if metadata is None else str(metadata),
            "keyColumn": key,
            "format": form,
            "fieldsLeftOut": list(without),
        },
    )
    session.screen.result(
        f"✓ wrote    {pluralize(len(tree.entries), 'file')}, {size(tree.total_bytes)}, to {folder} "
        f"({manifest.name} {manifest.id.short})"
    )
    if without:
        left = ", ".join(map(escape_control, without))
        session.screen.result(f"✓ logged   the hand-over without {left}")
    if converted:
        session.screen.result(formula_warning(converted))
    if metadata is not None:
        session.screen.result(f"✓ wrote    {metadata}, whose column {key} names the file")
        if formulas := formula_cells(
            cell for meta in tree.metas.values() for cell in meta.values()
        ):
            session.screen.result(formula_warning(formulas))
