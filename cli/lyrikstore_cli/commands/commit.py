"""``lyrikstore commit``: sign a folder of files as a version."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore_cli import options
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.licences import say_licences, warn_of_gaps, warn_of_textless
from lyrikstore_cli.output.screen import Screen, size
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import (
        CommitMetadata,
        CommitResult,
        Descriptor,
        FieldRoles,
        GeneratedBy,
        Store,
    )
    from lyrikstore.api.commands import Listing

SHOWN = 10


@declare(
    "commit",
    signs=True,
    appends=True,
    epilog="lyrikstore commit documents -d acme/contracts --metadata sheet.xlsx\n"
    "lyrikstore commit rows.jsonl.gz -d acme/clauses --text text --label labels\n"
    "lyrikstore commit model -d checkpoints/acme/base",
)
@click.argument("path", type=click.Path(path_type=Path))
@click.option("-d", "--dataset", "name", required=True, help="The name: NAMESPACE/NAME.")
@click.option("--metadata", type=click.Path(path_type=Path), help="A CSV, TSV or XLSX sheet.")
@click.option("--key", help="The sheet's column that names the file.")
@click.option("--licence", "licence", metavar="SPDX", help="The licence, such as CC-BY-4.0.")
@click.option(
    "--licence-text",
    type=click.Path(path_type=Path),
    help="A file with the licence's text, kept with the version.",
)
@click.option(
    "--describe",
    type=click.Path(path_type=Path),
    help="A file with what you state about the data (docs/descriptor.md).",
)
@click.option(
    "--reader", metavar="READER", help="How files are read as records, if not by their suffixes."
)
@click.option(
    "--sheet", "table", metavar="NAME", help="The sheet of a workbook that holds the rows."
)
@options.field_roles
@click.option("--skip-bad", is_flag=True, help="Leave out and list malformed lines.")
@click.option(
    "--statistic",
    "measures",
    multiple=True,
    type=click.Choice(["tokens", "languages"]),
    help="Measure this on 1,000 rows sampled by their ids; repeat it for both.",
)
@click.option(
    "--generated-by",
    metavar="CHECKPOINT|FILE.toml",
    help="The model that wrote the data: of this store, or described by a file.",
)
@click.option(
    "--prompts",
    type=click.Path(path_type=Path),
    help="The prompts of that model, or their template; kept with the version.",
)
@click.option("--output-terms", metavar="URL", help="The URL of the terms of its output.")
@click.option(
    "--output-trains",
    type=click.Choice(["yes", "no", "unknown"]),
    default="unknown",
    help="Whether these terms permit training on its output.",
)
@options.note
@click.option(
    "--nfc", is_flag=True, help="Record names in Unicode form C, such as those of files from a Mac."
)
@click.option(
    "--map-names",
    is_flag=True,
    help="Record and list names that are not allowed, such as `e.V.`, under allowed names.",
)
@click.option("--follow-links", is_flag=True, help="Follow symbolic links inside the folder.")
@click.option(
    "--allow-orphans", is_flag=True, help="Leave out rows of the sheet that name no file."
)
@click.option(
    "--yes",
    is_flag=True,
    help="Allow the loss of over a fifth of the files, of sheet, licence or description.",
)
@options.dask
@click.option("-n", "--dry-run", is_flag=True, help="Show what would change; write nothing.")
def command(
    session: Session,
    path: Path,
    name: str,
    metadata: Path | None,
    key: str | None,
    licence: str | None,
    licence_text: Path | None,
    describe: Path | None,
    reader: str | None,
    table: str | None,
    roles: "FieldRoles",
    skip_bad: bool,
    measures: tuple[str, ...],
    generated_by: str | None,
    prompts: Path | None,
    output_terms: str | None,
    output_trains: str,
    message: str,
    nfc: bool,
    map_names: bool,
    follow_links: bool,
    allow_orphans: bool,
    yes: bool,
    dask: str | None,
    dry_run: bool,
) -> None:
    """Sign PATH, a folder or a file, as the new version of a dataset.

    Files of rows (.jsonl, .csv, .tsv, .parquet; the first also as .gz and .zst) are read and
    checked row by row; every other file is one record, and a sheet can describe these. PATH may be
    a workbook (.xlsx) of rows. If a folder holds a single table, you have to state what it is.
    `--text`, `--label` and so on name fields of the rows, or columns of the sheet.

    A commit is a snapshot: files that are gone from PATH leave the dataset; so do sheet, licence
    and description if they are not given again. The text of a licence stays with the licence.
    Files that `.lyrikignore` names are left out and listed. If nothing changed, nothing is logged.
    A name below `checkpoints/` imports a base model. For data that a model of this store generated,
    give `--generated-by` and `--prompts`: the terms and data of that model then apply to it too.
    A file `.toml` describes a program outside this store, with its prompts and output terms.
    """
    generated = _generated(generated_by, prompts, output_terms, output_trains)
    listing = session.listing(path, metadata, follow_links=follow_links)
    from lyrikstore.api import CommitMetadata, CommitOptions

    stated = CommitMetadata(
        sheet=metadata,
        key=key,
        licence=licence,
        licence_text=_licence_text(licence_text),
        descriptor=_described(describe),
        reader=reader,
        table=table,
        roles=roles,
        measures=measures,
        generated=generated,
        message=message,
    )
    allow = CommitOptions(
        loss=yes,
        orphans=allow_orphans,
        links=follow_links,
        compose=nfc,
        map_names=map_names,
        skip_bad=skip_bad,
    )

    def commit(
        path: Path, stated: CommitMetadata, listing: "Listing | None"
    ) -> "tuple[Store, CommitResult]":
        with (
            listing or contextlib.nullcontext(),
            session.pools(dask) as pools,
            session.progress("committing"),
        ):
            store = session.open_store(sign=True)
            return store, store.datasets.commit(
                path,
                name,
                stated,
                allow=allow,
                dry_run=dry_run,
                pools=pools,
                listing=listing,
            )

    try:
        store, result = commit(path, stated, listing)
    except InvalidInputError as error:
        path, stated = _ask_about_table(session, error, path, stated)
        store, result = commit(path, stated, None)
    session.emit("commit", _as_json(result, store, name, dry_run=dry_run))
    _print_result(session.screen, result, store, path, name, dry_run=dry_run, yes=yes)


def _ask_about_table(
    session: Session, error: InvalidInputError, path: Path, stated: "CommitMetadata"
) -> "tuple[Path, CommitMetadata]":
    """Ask what the single table of a folder is; return the path and metadata to commit.

    Raises:
        InvalidInputError: The error itself, if it is another one or there is no terminal.
    """
    table = error.details.get("table")
    if error.kind != "which-table" or not isinstance(table, str):
        raise error
    others = ("sheet",) if error.details.get("othersBeside") else ()
    answer = session.choose(escape_control(error.message), ("rows", *others, "document"))
    if answer is None:
        raise error
    if answer == "rows":
        return path / table, stated
    if answer == "sheet":
        return path, replace(stated, sheet=path / table)
    return path, replace(stated, reader="document/1")


def _generated(
    checkpoint: str | None, prompts: Path | None, terms: str | None, trains: str
) -> "GeneratedBy | None":
    if checkpoint is None:
        if prompts is not None or terms is not None or trains != "unknown":
            raise click.UsageError(
                "--prompts and --output-… describe a model: add --generated-by CHECKPOINT"
            )
        return None
    if checkpoint.endswith(".toml"):
        if prompts is not None or terms is not None or trains != "unknown":
            raise click.UsageError(f"{checkpoint} states prompts and terms itself")
        from lyrikstore.api.commands import read_generator_file

        return read_generator_file(Path(checkpoint))
    if prompts is None:
        raise click.UsageError("--generated-by needs the prompts: --prompts FILE")
    from lyrikstore.api import GeneratedBy
    from lyrikstore.api.commands import MAX_PROMPT_BYTES
    from lyrikstore.canon.files import read_at_most

    data = read_at_most(prompts, MAX_PROMPT_BYTES + 1)
    return GeneratedBy(checkpoint, data, terms or "", trains)


def _as_json(result: "CommitResult", store: "Store", name: str, *, dry_run: bool) -> dict[str, Any]:
    from lyrikstore.api.commands import mapped_json

    current = result.current
    return {
        "name": current.name if current else name,
        "changed": result.manifest is not None,
        "dryRun": dry_run,
        "id": str(current.id) if current else None,
        "logIndex": store.log_index(current.id) if current else None,
        "tree": str(result.tree_id),
        "files": result.files,
        "bytes": result.bytes,
        "bytesRead": result.bytes_read,
        "added": list(result.added),
        "removed": list(result.removed),
        "modified": list(result.changed),
        "unsaid": list(result.dropped),
        "orphanFiles": list(result.orphan_files),
        "orphanRows": [row.key for row in result.orphan_rows],
        "composed": list(result.composed),
        "mapped": mapped_json(result.mapped),
        "reader": current.body.get("reader") if current else result.how and result.how.reader,
        "recordCount": _records(result),
        "fieldRoles": current.body.get("fields", {}) if current else result.roles.to_json(),
        "companions": list(result.rows.companions) if result.rows else [],
        "skipped": [
            {"path": item.path, "line": item.line, "reason": item.reason}
            for item in (result.rows.skipped if result.rows else ())
        ],
        "notes": list(result.rows.warnings) if result.rows else [],
        **_licences(result),
        "licencesWithoutText": list(result.textless),
        "ignored": [{"path": item.path, "reason": item.reason} for item in result.ignored],
    }


def _licences(result: "CommitResult") -> dict[str, Any]:
    if result.licences is not None:
        return result.licences.to_json()
    rights = result.current.body.get("rights", {}) if result.current else {}
    return {
        "licence": rights.get("asserted"),
        "licenceField": None,
        "licenceCounts": [],
        "licencesUnstated": None,
    }


def _print_result(
    screen: Screen,
    result: "CommitResult",
    store: "Store",
    path: Path,
    name: str,
    *,
    dry_run: bool,
    yes: bool,
) -> None:
    current = result.current
    changes = f"+{len(result.added)} −{len(result.removed)} ~{len(result.changed)}"
    screen.result(
        f"✓ read     {pluralize(result.files, 'file')}, {size(result.bytes)}, of which "
        f"{size(result.bytes_read)} was new or changed"
    )
    _print_rows(screen, result)
    _name(screen, "! files without a row in the sheet", result.orphan_files)
    _name(screen, "! rows without a file", [row.key for row in result.orphan_rows])
    _name(screen, "! names recorded in Unicode form C", result.composed)
    _say_mapped(screen, result)
    _name(screen, "– left out", [f"{item.path} ({item.reason})" for item in result.ignored])
    litter = _litter(result.added)
    _name(screen, "! recorded files of the desktop, not of the data", litter)
    if litter:
        screen.hint(
            f"to leave them out, list them in {escape_control(path)}/.lyrikignore, one per line"
        )
    if result.licences is not None:
        say_licences(screen, result.licences)
    for field in result.dropped:
        screen.result(f"! no longer stated: {escape_control(field)}")
    if dry_run:
        screen.result(f"– nothing was written; {name} would change by {changes}")
        if result.dropped and not yes:
            screen.hint("without -n, state it again or add --yes")
        if result.large_loss and not yes:
            screen.hint("without -n, add --yes: more than a fifth of the files would leave")
    elif result.manifest is None and current is not None:
        screen.result(f"– nothing new: {current.name} is at {current.id.short} already")
    elif result.manifest is not None:
        screen.result(f"✓ signed   {result.manifest.name}  {result.manifest.id.short}  {changes}")
        if store.is_clone:
            screen.result(
                "✓ logged   in the log of this clone; lyrikstore push sends it to the home log"
            )
        else:
            screen.result(f"✓ logged   entry {result.log_index} of {store.origin}")
        if result.manifest.kind == "dataset" and _is_model(result.added):
            screen.hint("these files look like a model, to be named checkpoints/NAMESPACE/NAME")
    if result.licences is not None:
        warn_of_gaps(screen, result.licences)
    warn_of_textless(screen, result.textless)


def _records(result: "CommitResult") -> int | None:
    if result.rows is not None:
        return result.rows.statistics.records
    current = result.current
    records: int | None = current.body.get("records") if current else None
    return records


def _print_rows(screen: Screen, result: "CommitResult") -> None:
    rows, how = result.rows, result.how
    if rows is None:
        if how is not None and how.other:
            _name(screen, "! files of rows that are read as whole documents", how.other)
            screen.hint("--reader jsonl/1, csv/2 or parquet/1 reads such files row by row")
        return
    kind = rows.reader.partition("/")[0]
    screen.result(f"✓ rows     {pluralize(rows.statistics.records, 'record')} ({kind})")
    fields = rows.roles.to_json()
    roles = ", ".join(
        f"{role}: {escape_control(' + '.join(names) if isinstance(names, list) else names)}"
        for role, names in sorted(fields.items(), reverse=True)
    )
    screen.result(f"  fields   {roles or 'no roles; name them with --text, --label, --id'}")
    label = rows.roles.label
    if (labels := rows.statistics.labels.get(label)) is not None:
        several = rows.statistics.several[label]
        more = f", {pluralize(several, 'record')} with several" if several else ""
        screen.result(f"  labels   {pluralize(len(labels), 'value')}{more}")
    _name(screen, "– companion files, which are not records", rows.companions)
    _name(screen, "! left out", [f"{b.path} line {b.line} ({b.reason})" for b in rows.skipped])
    for warning in rows.warnings:
        screen.result(f"! {escape_control(warning)}")


def _described(path: Path | None) -> "Descriptor | None":
    from lyrikstore.api import load_descriptor

    return load_descriptor(path) if path else None


def _is_model(added: Sequence[str]) -> bool:
    return "config.json" in added and any(
        path.endswith(".safetensors") and "/" not in path for path in added
    )


def _litter(added: Sequence[str]) -> list[str]:
    if not added:
        return []
    from lyrikstore.api.commands import is_litter

    return [path for path in added if is_litter(path)]


def _say_mapped(screen: Screen, result: "CommitResult") -> None:
    if result.mapped:
        screen.result(f"! names recorded as allowed names: {pluralize(len(result.mapped), 'file')}")
    for path, was in sorted(result.mapped.items())[:SHOWN]:
        screen.result(f"  {escape_control(was)}  as  {escape_control(path)}")
    if len(result.mapped) > SHOWN:
        screen.result(f"  and {len(result.mapped) - SHOWN} more (all of them with --json)")


def _name(screen: Screen, title: str, names: "tuple[str, ...] | list[str]") -> None:
    if not names:
        return
    shown = ", ".join(escape_control(one) for one in names[:SHOWN])
    more = f" and {len(names) - SHOWN} more (all of them with --json)" if len(names) > SHOWN else ""
    screen.result(f"{title}: {len(names)}: {shown}{more}")


def _licence_text(path: Path | None) -> bytes | None:
    if path is None:
        return None
    from lyrikstore.api.commands import read_licence_text

    return read_licence_text(path)
