"""``lyrikstore why``: show what filters did to one record."""

import json
from typing import Any

import click
from msgspec.structs import asdict

from lyrikstore.api.commands import Decision
from lyrikstore.canon.text import escape_control
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.session import Session


@declare("why", epilog="lyrikstore why acme/contracts-clean letter-0231.txt")
@click.argument("ref")
@click.argument("record")
def command(session: Session, ref: str, record: str) -> None:
    """Show what each filter did to RECORD on its way to REF, and why.

    RECORD is a path, also one that `--map-names` replaced; for rows PATH:LINE, or the value of the
    id field; or a record id or its first digits. For a row made from a document, document and page
    are shown.
    """
    found = session.open_store().datasets.why(ref, record)
    session.emit(
        "why",
        {
            "path": found.path,
            "line": found.line,
            "originalPath": found.original_path,
            "documentPath": found.document_path,
            "documentPage": found.document_page,
            "record": found.record,
            "current": found.current,
            "kept": found.kept,
            "id": str(found.dataset.id),
            "root": str(found.root.id),
            "stages": [
                {
                    "id": str(stage.dataset.id),
                    "name": stage.dataset.name,
                    "source": str(stage.source.id),
                    "filter": str(stage.filter.id),
                    "decisions": [_row(decision) for decision in stage.decisions],
                }
                for stage in found.stages
            ],
        },
    )
    screen = session.screen
    place = found.path if found.line is None else f"{found.path}:{found.line}"
    named = "" if found.record is None else f"  record {found.record[:12]}"
    screen.result(f"{escape_control(place)}{named}", "bold")
    if found.document_path is not None:
        page = "" if found.document_page is None else f", page {found.document_page}"
        screen.result(f"  document {escape_control(found.document_path)}{page}")
    if found.original_path is not None:
        screen.result(f"  in its folder  {escape_control(found.original_path)}")
    screen.result(f"  committed in {found.root.name} {found.root.id.short}")
    for stage in found.stages:
        screen.result(
            f"  filter {stage.filter.id.short}, to {stage.dataset.name} {stage.dataset.id.short}:"
        )
        for decision in stage.decisions:
            screen.result(f"    {_sentence(decision)}")
    where = f"{found.dataset.name} {found.dataset.id.short}"
    if not found.kept:
        screen.result(f"✗ not in   {where}")
    elif found.current is None:
        screen.result(f"✓ kept in  {where}")
    else:
        screen.result(f"✓ kept in  {where} as record {found.current[:12]}")


def _row(decision: Decision) -> dict[str, Any]:
    row = asdict(decision)
    row["fileNumber"] = row.pop("file")
    row["other"] = None
    if (other := decision.other) is not None:
        named = {"fileNumber": other.file, "position": other.position, "item": other.item}
        row["other"] = named
    row["filterName"] = row.pop("filter")
    row["newRecord"] = row.pop("new_record")
    row["newPath"] = row.pop("new_path")
    row["newPosition"] = row.pop("new_position")
    return row


def _sentence(decision: Decision) -> str:
    words = [decision.action]
    if decision.filter:
        words.append(f"by {decision.filter}")
    if decision.reason:
        words.append(f"because {decision.reason}")
    if decision.field:
        words.append(f"in {decision.field}")
    if decision.part:
        words.append(f"in part {decision.part}")
    if decision.place:
        place = json.loads(decision.place)
        named = (f"{name} {place[name]}" for name in ("page", "start", "end") if name in place)
        words.append(", ".join((f"from {decision.path}", *named)))
    if decision.detail:
        words.append(f"({decision.detail})")
    return escape_control(" ".join(words))
