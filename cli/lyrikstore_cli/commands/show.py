"""``lyrikstore show``: one signed object, whole."""

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, NotFoundError
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.output.attestations import attestation_line, attestation_rows
from lyrikstore_cli.output.reproductions import reproduction_line
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import Store


@declare("show", epilog="lyrikstore show acme/contracts\nlyrikstore show evaluations/acme/m --json")
@click.argument("ref")
@click.option("--raw", is_flag=True, help="Write the stored bytes as they are, to hash them.")
@click.option("--files", is_flag=True, help="List the files instead.")
def command(session: Session, ref: str, raw: bool, files: bool) -> None:
    """Show what REF names: a manifest, or a logged credential, as it was signed.

    To people, the fields of a descriptor that are unknown are named and no more; --json and --raw
    have them. A credential is named by its digest, the start of it, or its urn:uuid.
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
    document = json.loads(manifest.data)
    index = store.log_index(manifest.id)
    attested = attestation_rows(store, [manifest])[manifest.id]
    again = store.query.reproductions_of([manifest]).get(manifest.id, [])
    session.emit(
        "show",
        {
            "id": str(manifest.id),
            "logIndex": index,
            "manifest": document,
            "attestations": attested,
            "reproductions": again,
        },
    )
    session.screen.result(f"{manifest.id}  entry {index} of {store.origin}", "bold")
    unknown = _without_unknown(document["body"])
    _print(session, document)
    if unknown:
        session.screen.result(f"– states nothing of {', '.join(unknown)} (--json has all of it)")
    for row in attested:
        session.screen.result(attestation_line(row))
    for row in again:
        session.screen.result(reproduction_line(row))


def _without_unknown(body: dict[str, Any]) -> list[str]:
    """Take the fields of a descriptor that are unknown out of ``body``, and return their names.

    Where nobody stated anything they are most of a manifest.
    """
    fields = body.get("descriptor", {})
    unknown = [name for name, field in fields.items() if field.get("state") == "unknown"]
    if unknown:
        body["descriptor"] = {name: fields[name] for name in fields if name not in unknown}
    return unknown


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
    # JSON escapes every control character, so the text cannot steer the terminal.
    for line in json.dumps(document, indent=2, ensure_ascii=True).splitlines():
        session.screen.result(line)
