"""Importing a delivery of another store as a dataset, under our own signature (spec §20.7).

The import has the same tree, and so the same tree id. Its manifest is signed and logged by this
store, has the origin `imported`, and attaches the documents of the other store byte for byte. Names
in the other store are not affected.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    ConflictError,
    FormatError,
    IncompleteError,
    InvalidInputError,
    LyrikstoreError,
    VerificationError,
    storage_errors,
)
from lyrikstore.canon.progress import OnProgress, Progress
from lyrikstore.context import StoreContext
from lyrikstore.credentials.model.credential import DATASET, Claims
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.curate.commit.statement import Statement, current_version, put_attachment
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.reading.datasets import StoredDatasets
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.log.checkpoint import Leaf, TlogProof
from lyrikstore.history.manifests.manifest import Manifest, parse_manifest
from lyrikstore.history.manifests.names import parse_name
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.trees.tree import Tree
from lyrikstore.objects.store.writer import BlobWriter
from lyrikstore.publish.imports.import_credentials import (
    Content,
    ImportResult,
    accept,
    attestations_among,
    carried_among,
    open_files,
)
from lyrikstore.publish.imports.imported_roles import add_roles, said_before, with_roles
from lyrikstore.verify.credential.key_statements import Statements
from lyrikstore.verify.datasets.body import find_record_faults
from lyrikstore.verify.datasets.imported import imported_body, published_manifest
from lyrikstore.verify.datasets.reading import MeasuredRecords, measured_records
from lyrikstore.verify.report import CheckState, Report, Verdict

_ROLES = ("foreign-credential", "foreign-manifest", "foreign-genesis", "foreign-log-proof")
NO_ROLES = FieldRoles()


def import_delivery(
    context: StoreContext,
    credential: bytes,
    siblings: Mapping[str, bytes],
    data: Path,
    report: Report,
    name: str | None = None,
    *,
    roles: FieldRoles | None = None,
) -> ImportResult:
    """Import a delivery, with the attestations and grants in it that are about its dataset.

    Args:
        context: The store, and the signer; only pinned DID documents of its trust file are used.
        credential: The delivery's credential.
        siblings: File name → the sibling files.
        data: The folder of its data.
        report: The report of :func:`lyrikstore.verify.delivery.delivery.verify_delivery` about it,
            made just now.
        name: Name of the dataset in this store; by default its name in the publisher's store.
        roles: Roles of fields for which the publisher states none.

    Returns:
        What was logged; nothing if all of it was logged before.

    Raises:
        VerificationError: (``does-not-verify``) the delivery does not verify.
        IncompleteError: (``not-checked``) part of it is missing.
        InvalidInputError: (``own-delivery``) this store issued it.
        ConflictError: (``name-taken``) the name belongs to another dataset in this store.
        LyrikstoreError: As :func:`with_roles` and :func:`add_roles`.

    Cost: reads the data once more.
    """
    repository, signer, roles = context.repository, context.signer(), roles or NO_ROLES
    _require_sound(report)
    opened, files = OpenedCredential(credential), open_files(siblings)
    claims = opened.claims_as(DATASET)
    if claims is None:
        raise FormatError("bad-credential", "the file is not a dataset credential")
    if claims.store == repository.store_id:
        raise InvalidInputError("own-delivery", "this store issued this delivery itself")
    full_name = str(parse_name(name or claims.name))
    found = {Digest.of(content): content for content in siblings.values()}
    foreign = parse_manifest(found[claims.manifest])
    documents = _documents(credential, claims, foreign, found, siblings)
    current = current_version(repository, full_name)
    listing = Tree.parse(found[claims.tree])
    again = _is_again(repository, current, claims, full_name)
    body = _body(foreign, roles, current if again else None, listing, data)
    # An import of an earlier version of lyrikstore may lack roles; then it is imported again.
    known_here = again and current is not None and current.body == body
    if not known_here:
        _require_ids(body, listing, data)
    at = context.clock()
    skipped: dict[str, LyrikstoreError] = {}
    with open_transaction(repository) as transaction:
        put = transaction.writer.put_bytes
        manifest = current if known_here else None
        new = manifest is None
        if manifest is None:
            _put_data(transaction.writer, listing, data, context.progress)
            put(listing.encode())
            statement = Statement(
                "dataset",
                full_name,
                body,
                listing,
                attachments=[put_attachment(put, role, content) for role, content in documents],
            )
            manifest = statement.sign(context, current, signer, "Imported")
            transaction.log_manifest(manifest, listing)
        wanted, carried = {"credential.json": opened}, carried_among(opened, files)
        others = {
            name: one for name, one in attestations_among(files).items() if name not in carried
        }
        content = Content.of(repository, manifest)
        accepted = list(accept(context, wanted, others, files, skipped, content, at, carried))
        logged = tuple(transaction.log_credential(one) for one in accepted)
        if new or logged:
            transaction.commit()
    kept = [one for name, one in (wanted | others).items() if name not in skipped]
    known = tuple(one.digest for one in kept if one.data not in accepted)
    return ImportResult(logged, known, manifest, new, skipped)


def _require_sound(report: Report) -> None:
    if report.verdict is Verdict.INVALID:
        failed = next(check for check in report.checks if check.state is CheckState.FAIL)
        raise VerificationError(
            "does-not-verify",
            f"the delivery does not verify: {failed.id}: {failed.summary[:500]}",
        )
    if report.verdict is Verdict.INCOMPLETE:
        missing = next(check for check in report.checks if check.state is CheckState.UNCHECKED)
        raise IncompleteError(
            "not-checked",
            f"the delivery could not be checked: {missing.id}: {missing.summary[:500]}",
        )


def _require_ids(body: Mapping[str, Any], listing: Tree, data: Path) -> None:
    """Raise ``does-not-verify`` if several rows have the same id, which verifying does not detect.

    ATTACK A88: an importer would sign the same false statement, and its store would not verify.
    """
    if "id" not in body.get("fields", {}):
        return
    try:
        measured = _measured(body, listing, data)
    except InvalidInputError as error:
        raise VerificationError("does-not-verify", f"datasets: {error.message}") from error
    for fault in find_record_faults(body, measured):
        raise VerificationError("does-not-verify", f"datasets: {fault}")


def _measured(body: Mapping[str, Any], listing: Tree, data: Path) -> MeasuredRecords:
    paths = {entry.blake3: data / entry.path for entry in listing.entries}
    with storage_errors(f"reading {data}"):
        return measured_records(StoredDatasets(), body, listing, lambda one: paths[one].open("rb"))


def _is_again(repository: Repository, current: Manifest | None, claims: Claims, name: str) -> bool:
    """Return whether the current version imports this delivery; refuse any other dataset."""
    if current is None:
        return False
    before = published_manifest(repository, current)
    if before is not None and (before.store, before.name) == (claims.store, claims.name):
        return before.id == claims.manifest
    raise ConflictError(
        "name-taken",
        f"{name} is another dataset in this store than that of the delivery",
        hint="import it under another name: --as NAMESPACE/NAME",
    )


def _body(
    foreign: Manifest, given: FieldRoles, current: Manifest | None, listing: Tree, data: Path
) -> dict[str, Any]:
    """Return the body of the import, with the roles that an earlier import of it stated."""
    body = imported_body(foreign.body)
    stated = FieldRoles.of_body(body)
    if current is not None:
        given = said_before(stated, given, FieldRoles.of_body(current.body))
    roles = add_roles(stated, given, name=foreign.name)
    if roles == stated:
        return body
    return with_roles(body, roles, lambda one: _measured(one, listing, data))


def _documents(
    credential: bytes,
    claims: Claims,
    foreign: Manifest,
    found: Mapping[Digest, bytes],
    siblings: Mapping[str, bytes],
) -> list[tuple[str, bytes]]:
    """Return the documents of the other store, by role, by which this store can verify it again."""
    proof = _log_proof(claims, foreign.author, siblings.values())
    documents = list(
        zip(_ROLES, (credential, found[claims.manifest], found[claims.store], proof), strict=True)
    )
    if claims.records is not None:
        records = found[claims.records[0]]
        salts = parse_manifest(records).attachments_in("salts")[0].id
        documents += [("foreign-records", records), ("salts", found[salts])]
    documents += [("licence-text", found[text]) for text in claims.terms.texts]
    return documents


def _log_proof(claims: Claims, author: str, files: Iterable[bytes]) -> bytes:
    """Return the valid log proof of the manifest among ``files``; verification has found one.

    ATTACK: a forged proof of the same entry, put there to be stored instead of the valid one.
    """
    statements = Statements.among(files)
    leaf = Leaf("manifest", claims.manifest)
    for history, _ in statements.about(author, claims.store):
        for data in statements.proof_files.files:
            with suppress(LyrikstoreError):
                proof = TlogProof.parse(data)
                if proof.index == claims.log_index:
                    history.check_head(proof.verify(leaf, history.log_keys))
                    return data
    raise IncompleteError("not-checked", "log.inclusion: no log proof of the manifest is valid")


def _put_data(writer: BlobWriter, listing: Tree, data: Path, progress: OnProgress) -> None:
    moved = 0
    paths = [data / path for path in listing.paths]
    stored = writer.put_files(paths, sizes=listing.sizes)
    for done, (at, digest, size) in enumerate(stored, start=1):
        # The data was verified a moment ago; store exactly the bytes that the tree lists.
        if digest.raw != listing.digests[at * 32 : at * 32 + 32] or size != listing.sizes[at]:
            raise VerificationError(
                "changed-meanwhile", f"{listing.paths[at]} changed while it was imported"
            )
        moved += size
        progress(Progress(done, len(paths), moved))
