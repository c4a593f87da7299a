"""``lyrikstore query``: query the index with SQL."""

import csv
import sys

import click

from lyrikstore.api.commands import defuse, formula_cells
from lyrikstore.canon.text import escape_control
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.output.screen import defused_note
from lyrikstore_cli.session import Session

_WIDEST = 80  # ids, DIDs and digests are shorter, so they are never cut


@declare(
    "query",
    epilog='lyrikstore query "select reason, count(*) from decisions group by all"\n'
    'lyrikstore query "select labels, count(*) from records group by all" --records acme/clauses',
)
@click.argument("sql")
@click.option(
    "--records",
    "refs",
    metavar="REF",
    multiple=True,
    help="Also read this dataset, as tables `records` and `record_decisions`; repeatable.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv"]),
    default="table",
    show_default=True,
    help="How to print the rows.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, 1_000_000),
    default=10_000,
    show_default=True,
    help="The most rows to print.",
)
def command(session: Session, sql: str, refs: tuple[str, ...], form: str, limit: int) -> None:
    """Answer one SELECT over the views of docs/index-views.md; "show tables" lists them.

    The index is derived from the signed objects, rebuilt when it is missing or old, and never
    evidence: `verify` does not read it. With --records the rows or documents of a version are a
    table too, which is read in place and not copied. The query runs in a separate process without
    file or network access. In CSV, cells that a spreadsheet would run get an apostrophe; --json has
    the unchanged values.
    """
    store = session.open_store()
    with session.progress("querying"):
        answer = store.query.sql(sql, records=refs, rows=limit)
    session.emit(
        "query",
        {
            "columns": list(answer.columns),
            "rows": [list(row) for row in answer.rows],
            "truncated": answer.truncated,
            "boundaries": dict(answer.boundaries),
        },
    )
    if form == "csv" and not session.options.json:
        table = [list(answer.columns), *([_text(cell) for cell in row] for row in answer.rows)]
        formulas = formula_cells(cell for row in table for cell in row)
        if sys.stdout.isatty():  # ATTACK: a value with an escape sequence in it
            table = [[escape_control(cell) for cell in row] for row in table]
        table = [[defuse(cell) for cell in row] for row in table]
        csv.writer(sys.stdout, lineterminator="\n").writerows(table)
        if formulas:
            session.screen.say(defused_note(formulas))
    else:
        titles = [escape_control(title) for title in answer.columns]
        cells = [[escape_control(_text(cell)) for cell in row] for row in answer.rows]
        widths = [
            min(_WIDEST, max(len(text) for text in column))
            for column in zip(titles, *cells, strict=True)
        ]
        for row in (titles, *cells):
            line = "  ".join(
                f"{_cut(cell, width):<{width}}" for cell, width in zip(row, widths, strict=True)
            )
            session.screen.result(line.rstrip())
        if any(len(cell) > _WIDEST for row in cells for cell in row):
            session.screen.hint(
                "cells that end in … are cut; --format csv and --json print them whole"
            )
    if answer.truncated:
        session.screen.say("! there are more rows: raise --limit")
    if not answer.confined:
        session.screen.say(
            "! this system could not fully confine the query; only DuckDB's own limits applied"
        )


def _text(cell: object) -> str:
    if isinstance(cell, list):
        return f"[{', '.join(map(_text, cell))}]"
    return "" if cell is None else str(cell)


def _cut(cell: str, width: int) -> str:
    return cell if len(cell) <= width else cell[: width - 1] + "…"
