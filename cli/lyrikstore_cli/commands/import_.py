"""``lyrikstore import``: import deliveries, and credentials about datasets of this store."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore_cli import options
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.commands.verify.delivery import verify_delivered
from lyrikstore_cli.external_program import external_options, external_request, show_external
from lyrikstore_cli.options import DELIVERED, EXISTING, credential_file, read_file
from lyrikstore_cli.report import to_believe
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import ExternalRun, FieldRoles, ImportResult, Store


@declare(
    "import",
    signs=True,
    appends=True,
    epilog="lyrikstore import attestation.json\nlyrikstore import delivery --as theirs/contracts\n"
    "lyrikstore import --trained out --input acme/rows --as acme/model",
)
@click.argument("targets", nargs=-1, type=DELIVERED)
@click.option(
    "--data", type=click.Path(path_type=Path), help="The data, if it is not beside TARGET."
)
@options.field_roles
@click.option("--trained", type=EXISTING, help="A folder with a model that another tool trained.")
@external_options
def command(
    session: Session,
    targets: tuple[Path, ...],
    data: Path | None,
    roles: "FieldRoles",
    trained: Path | None,
    **external: Any,
) -> None:
    """Import TARGETS: credentials that others issued, status lists, or deliveries.

    A credential is verified and has to be about a dataset of this store; it is logged byte for byte
    and included in later deliveries. A delivery of another store becomes a dataset of this one,
    with the same content, hence the same tree id, and all that its store signed. From a delivery of
    this store only the attestations of others are imported. Attestations and grants in a delivery
    that are about something else, or invalid, are left out and listed. An import trusts nobody: see
    `trust add`. The roles of fields are imported too; `--text`, `--label` and so on set them where
    the publisher did not, also for a delivery that was imported before.

    `--trained` imports a model that another tool trained (docs/any-trainer.md), with `--input` and
    `--as`: its files are checked like those of a run, and the rights as of now. The training was
    not observed, which run, checkpoint and card state.
    """
    if roles.names and not all(target.is_dir() for target in targets):
        raise click.UsageError("--text, --label and so on are for deliveries")
    if trained is not None:
        if targets or data or roles.names:
            raise click.UsageError("--trained takes no TARGETS, no --data and no roles of fields")
        _import_trained(session, trained, external_request(external))
        return
    if not targets:
        raise click.UsageError("name what to import: TARGETS, or --trained FOLDER")
    if external["inputs"]:
        raise click.UsageError("--input needs --trained FOLDER")
    store = session.open_store(sign=True)
    rows = []
    for target in targets:
        found = _import_target(session, store, target, external["name"] or None, data, roles)
        version = found.manifest
        rows.append(
            {
                "target": str(target),
                "logged": [str(one) for one in found.logged],
                "loggedBefore": [str(one) for one in found.known],
                "id": None if version is None else str(version.id),
                "name": None if version is None else version.name,
                "changed": found.new,
                "aside": [
                    {"file": file, "kind": why.kind, "reason": why.message}
                    for file, why in found.skipped.items()
                ],
            }
        )
        shown = escape_control(str(target))
        if version is not None and found.new:
            session.screen.result(f"✓ imported {version.name} {version.id.short} from {shown}")
        if found.logged:
            session.screen.result(
                f"✓ logged   {pluralize(len(found.logged), 'document')} from {shown}"
            )
        for file, why in found.skipped.items():
            cause = why.message if file in why.message else f"{file}: {why.message}"
            session.screen.result(f"! left out  {escape_control(cause)}")
        if not found.logged and not found.new:
            session.screen.result(f"– nothing new in {shown}")
    session.emit("import", {"imported": rows})


def _import_trained(session: Session, folder: Path, request: "ExternalRun") -> None:
    store = session.open_store(sign=True)
    with session.progress("importing", phases=True):
        made = store.models.import_trained(folder, request)
    show_external(session, made, "import", 1)


def _import_target(
    session: Session,
    store: "Store",
    target: Path,
    name: str | None,
    data: Path | None,
    roles: "FieldRoles",
) -> "ImportResult":
    from lyrikstore.api import OpenedCredential
    from lyrikstore.api.commands import data_folder, read_siblings

    path = credential_file(target)
    siblings = dict(read_siblings(path))
    credential = OpenedCredential(read_file(path))
    if not target.is_dir():
        return store.credentials.import_credentials({path.name: credential.data}, siblings)
    if store.credentials.is_about_ours(credential):
        return store.credentials.import_attestations(siblings)
    report = verify_delivered(session, credential, siblings, data_folder(path, data))
    for step in to_believe(report):
        session.screen.hint(f"you do not trust its publisher yet; {step}")
    place = data or target / "data"
    with session.progress("importing"):
        return store.credentials.import_delivery(
            credential.data, siblings, place, report, name, roles=roles
        )
