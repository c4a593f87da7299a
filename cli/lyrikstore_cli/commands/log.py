"""``lyrikstore log``: the history of a name, or everything the log says."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.output.attestations import attestation_line, attestation_rows
from lyrikstore_cli.output.key_names import names_in
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api.store import Store
    from lyrikstore.history.repository.repository import Repository

_NOTHING_CAME = "no checkpoint of it is logged: it goes on, was stopped, or failed"


_UNKNOWN: dict[str, Any] = {
    **dict.fromkeys(("kind", "name", "author", "created", "message", "tree")),
    "parents": [],
}
"""What is told of an entry of which nothing more is known."""


@declare("log", epilog="lyrikstore log acme/contracts\nlyrikstore log --audit")
@click.argument("ref", required=False)
@click.option("--audit", is_flag=True, help="Every entry of the log, with who signed it.")
def command(session: Session, ref: str | None, audit: bool) -> None:
    """Show the versions of a name, newest first; with --audit, the whole log, oldest first.

    Dates are what signers claim; the order is what the log proves.
    """
    store = session.open_store()
    if audit and ref is not None:
        raise InvalidInputError(
            "usage", "--audit shows the whole log", hint="leave REF or --audit out"
        )
    if audit:
        _show_entries(session, store)
    elif ref is None:
        _show_names(session, store.repository)
    else:
        _show_versions(session, store, ref)


def _show_entries(session: Session, store: "Store") -> None:
    repository, called = store.repository, names_in(store)
    flagged = {item.index: item.summary for item in repository.flagged}
    wrong = frozenset(repository.policy.misdated)
    rows = []
    for entry in repository.entries():
        row: dict[str, Any] = {"logIndex": entry.index, "type": entry.type}
        row |= {"id": str(entry.id), **_UNKNOWN, "flagged": flagged.get(entry.index)}
        row["wrongDate"] = entry.index in wrong
        if entry.type == "manifest" and entry.index not in flagged:
            row |= _facts(repository.manifest(entry.id))
        if entry.type == "credential":
            row |= _credential_facts(repository.credential(entry.id))
        rows.append(row)
    head = repository.checkpoint
    session.emit(
        "log",
        {
            "origin": repository.origin,
            "logSize": head.size,
            "rootHash": head.root.hex(),
            "entries": rows,
        },
    )
    for row in rows:
        kind = row["kind"] or row["type"]
        if row["type"] == "credential" and kind not in {"document", "statement"}:
            kind = "credential"
        what = f"{kind:<11} {_short(row['id'])}"
        who = f"{row['created'] or '':<20} {escape_control(row['name'] or '')}"
        by = f"  by {called(row['author'])}" if row["author"] else ""
        mark = f"  ! {row['flagged']}" if row["flagged"] else ""
        mark += "  ! an owner says that its date is wrong" if row["wrongDate"] else ""
        session.screen.result(f"{row['logIndex']:>5}  {what}  {who}{by}{mark}".rstrip())
    session.screen.result(
        f"log {repository.origin}: {pluralize(head.size, 'entry')}, root {head.root.hex()[:12]}"
    )


def _show_names(session: Session, repository: "Repository") -> None:
    states = sorted(repository.refs.values(), key=lambda state: state.name)
    session.emit(
        "log",
        {
            "refs": [
                {
                    "name": state.name,
                    "id": str(state.id),
                    "logIndex": state.index,
                    "versionCount": len(state.history),
                }
                for state in states
            ]
        },
    )
    for state in states:
        count = len(state.history)
        session.screen.result(
            f"{escape_control(state.name):<44} {state.id.short}  {pluralize(count, 'version')}"
        )


def _show_versions(session: Session, store: "Store", ref: str) -> None:
    repository, called = store.repository, names_in(store)
    manifest = repository.resolve(ref)
    versions = repository.history(manifest.name)
    versions = versions[[version.id for version in versions].index(manifest.id) :]
    attested = attestation_rows(store, versions)
    came = _checkpoints_of(repository, versions)
    session.emit(
        "log",
        {
            "name": manifest.name,
            "versions": [
                {
                    "id": str(v.id),
                    "logIndex": repository.index_of(v.id),
                    **_facts(v),
                    "attestations": attested[v.id],
                    "checkpoints": [str(one) for one in came.get(v.id, ())],
                }
                for v in versions
            ],
        },
    )
    for version in versions:
        session.screen.result(f"{version.id.short}  {escape_control(version.name)}", "bold")
        session.screen.result(
            f"  logged as entry {repository.index_of(version.id)}, signed by "
            f"{called(version.author)} ({version.author}), claims {version.created}"
        )
        for line in _body_lines(version):
            session.screen.result(f"  {line}")
        if version.kind == "run":
            made = ", ".join(one.short for one in came[version.id])
            session.screen.result(f"  {f'made checkpoint {made}' if made else _NOTHING_CAME}")
        for row in attested[version.id]:
            session.screen.result(f"  {attestation_line(row)}")
        if version.message:
            session.screen.result(f"  {escape_control(version.message)}")


def _checkpoints_of(
    repository: "Repository", runs: Sequence[Manifest]
) -> dict[Digest, list[Digest]]:
    """Return which checkpoints came of each run: one that was tried and left out leaves none."""
    came: dict[Digest, list[Digest]] = {run.id: [] for run in runs if run.kind == "run"}
    names = [name for name in repository.refs if name.startswith("checkpoints/")]
    for name in sorted(names) if came else ():
        for made in reversed(repository.history(name)):
            for run in made.inputs_in("run"):
                if run.id in came:
                    came[run.id].append(made.id)
    return came


def _facts(manifest: Manifest) -> dict[str, Any]:
    return {
        "kind": manifest.kind,
        "name": manifest.name,
        "author": manifest.author,
        "created": manifest.created,
        "message": manifest.message,
        "tree": str(manifest.tree) if manifest.tree else None,
        "parents": [str(parent) for parent in manifest.parents],
    }


def _credential_facts(data: bytes) -> dict[str, Any]:
    # What it says of itself: verify tells whether it holds.
    from lyrikstore.canon.errors import FormatError
    from lyrikstore.canon.json import parse
    from lyrikstore.credentials.model.credential import issuer_of
    from lyrikstore.verify.credential.key_statements import is_statement

    if is_statement(data):  # what another store said of its keys
        return {"kind": "statement"}
    try:
        document = parse(data)
        if "verificationMethod" in document:  # whose keys an issuer's were, then
            return {"kind": "document", "name": str(document["id"])}
        kind = str(document["type"][-1])
    except (FormatError, KeyError, TypeError, IndexError):
        return {}
    return {
        "kind": kind.removesuffix("Credential"),
        "name": _text(document.get("name", document.get("id"))),
        "author": issuer_of(document),
        "created": _moment(document.get("validFrom")),
    }


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _moment(value: object) -> str | None:
    from lyrikstore.canon.errors import FormatError
    from lyrikstore.canon.timestamps import parse_timestamp

    try:
        parse_timestamp(str(value))
    except FormatError:  # whoever issued it may write times otherwise
        return None
    return str(value)


def _body_lines(manifest: Manifest) -> list[str]:
    body = manifest.body
    lines = []
    if manifest.kind == "dataset":
        lines.append(
            f"{pluralize(body['records'], 'record')} in {pluralize(body['fileCount'], 'file')}, "
            f"{pluralize(body['bytes'], 'byte')}"
        )
        if "derivation" in body:
            counts = body["derivation"]["counts"]
            lines.append("  ".join(f"{name} {count}" for name, count in counts.items()))
    if manifest.kind == "retention":
        lines.append(
            f"retires the data of {pluralize(len(manifest.inputs), 'version')} "
            f"of {escape_control(body['of'])}; the "
            f"newest {body['keep']} stay"
        )
    elif manifest.inputs:
        made = ", ".join(
            f"{item.kind if item.role == item.kind else f'{item.role} {item.kind}'} {item.id.short}"
            for item in manifest.inputs
        )
        lines.append(f"made from {made}")
    if manifest.kind in {"run", "evaluation"}:
        lines += _right_lines(body)
    return lines


def _right_lines(body: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a run or evaluation was permitted by, as far as it recorded that."""
    if not body.get("rights"):
        yield "records no right to use the data"
        return
    for right in body["rights"]:
        ids = [Digest.parse(right[name]).short for name in ("dataset", "credential")]
        by = f"credential {ids[1]}" + (
            f" and grant {Digest.parse(right['grant']).short}" if "grant" in right else ""
        )
        words = ", ".join(escape_control(word) for word in right["permits"])
        yield f"may use dataset {ids[0]} by {by}: {words}, to {right.get('validUntil', 'no end')}"


def _short(identity: str) -> str:
    return identity.removeprefix("blake3:")[:12]
