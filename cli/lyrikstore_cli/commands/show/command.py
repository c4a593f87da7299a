"""``lyrikstore show``: one signed object as text, JSON or its bytes."""

import json
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, LyrikstoreError, NotFoundError
from lyrikstore.canon.text import escape_control
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.output.attestations import attestation_line, attestation_rows
from lyrikstore_cli.output.events import decided_line, event_lines
from lyrikstore_cli.output.key_names import names_in
from lyrikstore_cli.output.reproductions import reproduction_line
from lyrikstore_cli.output.screen import Screen, json_text
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import Manifest, Store
    from lyrikstore_cli.commands.show.view import Called


@declare("show", epilog="lyrikstore show acme/contracts\nlyrikstore show evaluations/acme/m --json")
@click.argument("ref")
@click.option("--raw", is_flag=True, help="Write the stored bytes, which the id is the hash of.")
@click.option("--files", is_flag=True, help="List the files instead.")
def command(session: Session, ref: str, raw: bool, files: bool) -> None:
    """Show the signed object REF as a page of text.

    The page shows what the object is, who signed it and when, its inputs, the rights to use them,
    its approvals, and what it does not prove; --json and --raw have all signed data. A credential
    is named by its digest, the start of the digest, or its urn:uuid, and is shown as JSON.
    """
    if raw and session.options.json:
        raise click.UsageError("--raw and --json exclude each other")
    store = session.open_store()
    try:
        manifest = store.resolve(ref)
    except (NotFoundError, InvalidInputError):
        found = store.credentials.find(ref)
        if found is None:
            raise
        _show_credential(session, store, found, raw=raw)
        return
    if raw:
        sys.stdout.buffer.write(manifest.data)
        return
    if files:
        tree = store.datasets.tree(str(manifest.id))
        entries = [
            {"path": e.path, "bytes": e.bytes, "blake3": e.blake3.hex, "meta": dict(e.meta or {})}
            for e in tree.entries
        ]
        session.emit(
            "show",
            {
                "id": str(manifest.id),
                "name": manifest.name,
                "tree": str(manifest.tree) if manifest.tree else None,
                "contents": entries,
            },
        )
        for entry in tree.entries:
            session.screen.result(f"{entry.blake3.hex}  {entry.path}")
        return
    index = store.log_index(manifest.id)
    attested = attestation_rows(store, [manifest])[manifest.id]
    again = store.query.reproductions_of([manifest]).get(manifest.id, [])
    decided = store.query.decisions_about([manifest]).get(manifest.id, [])
    session.emit(
        "show",
        {
            "id": str(manifest.id),
            "logIndex": index,
            "manifest": json.loads(manifest.data),
            "attestations": attested,
            "reproductions": again,
            "cardDecisions": decided,
        },
    )
    if session.options.json:
        return
    events = store.query.events_of([manifest]).get(manifest.id, [])
    said = [attestation_line(row) for row in attested]
    said += [reproduction_line(row) for row in again]
    said += event_lines(events)
    _page(session, store, ref, manifest, said, [decided_line(row) for row in decided])


def _page(
    session: Session,
    store: "Store",
    ref: str,
    manifest: "Manifest",
    said: list[str],
    decided: list[str],
) -> None:
    """Print a manifest as a page of text: what it is, signer, date, inputs and rights."""
    from lyrikstore_cli.commands.show.registry import VIEWS
    from lyrikstore_cli.commands.show.rules import rows_of_store

    screen, called = session.screen, _called(store)
    page = VIEWS[manifest.kind](manifest, called)
    version = len(store.query.versions(str(manifest.id)))
    who = names_in(store)(manifest.author)
    screen.result(f"{escape_control(manifest.name)}  {manifest.kind}, version {version}", "bold")
    _section(
        screen,
        "",
        [
            ("id", str(manifest.id)),
            ("signed by", f"{who} ({manifest.author})"),
            ("claims", manifest.created),
            ("logged", f"entry {store.log_index(manifest.id)} of {store.origin}"),
            *([("message", manifest.message)] if manifest.message else []),
            *_retired_rows(store, manifest),
        ],
    )
    _section(screen, "What it is", [*page.what, *rows_of_store(store, manifest)])
    sources = [
        (one.role if one.role == one.kind else f"{one.role} {one.kind}", called(str(one.id)))
        for one in manifest.inputs
    ]
    _section(screen, "Made from", sources)
    _section(screen, "Rights", page.rights)
    _section(screen, "Approvals", [("", one) for one in decided])
    _section(screen, "Attestations, reproductions and events", [("", one) for one in said])
    whole = "that its author's statements are true: lyrikstore verify REF shows which were checked"
    unproven = [one.replace("REF", ref) for one in (*page.unproven, whole)]
    _section(screen, "What this does not prove", [("", one) for one in unproven])
    screen.hint("--json prints all of it, --raw the signed bytes")


def _retired_rows(store: "Store", manifest: "Manifest") -> Iterator[tuple[str, str]]:
    """Yield a row if the data of a version was retired, or if this cannot be read."""
    try:
        if manifest.id in store.datasets.retired():
            yield "data", "retired: the store no longer needs to keep it"
    except LyrikstoreError:  # verify shows what is wrong with it
        yield "data", "it cannot be read here whether the data was retired"


def _section(screen: Screen, title: str, rows: Sequence[tuple[str, str]]) -> None:
    """Print a section, if it has rows."""
    if rows and title:
        screen.result()
        screen.result(title, "bold")
    width = max((len(name) for name, _ in rows), default=0)
    for name, value in rows:
        term = f"{escape_control(name):<{width}}  " if width else ""
        screen.result(f"  {term}{escape_control(value)}".rstrip())


def _called(store: "Store") -> "Called":
    """Return a function from an id to the name of the object and the start of its id."""

    def name(identity: str) -> str:
        short = Digest.parse(identity).short
        try:
            return f"{store.resolve(identity).name} ({short})"
        except LyrikstoreError:  # verify shows what is wrong with it
            return f"{short}, which cannot be read here"

    return name


def _show_credential(session: Session, store: "Store", identity: Digest, *, raw: bool) -> None:
    data = store.credentials.read(identity)
    if raw:
        sys.stdout.buffer.write(data)
        return
    document = json.loads(data)
    index = store.log_index(identity)
    session.emit("show", {"id": str(identity), "logIndex": index, "document": document})
    session.screen.result(f"{identity}  entry {index} of {store.origin}", "bold")
    _print(session, document)


def _print(session: Session, document: object) -> None:
    # Control characters are escaped; all other characters are unchanged.
    for line in json_text(document, indent=2).splitlines():
        session.screen.result(line)
