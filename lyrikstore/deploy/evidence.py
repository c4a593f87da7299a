"""The evidence in ``lyrikstore/`` of a deployed folder, each file verified alone (spec §14.7.5).

All files are derived from the deployment's manifest and the store, so they can be written again.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import ConflictError, IncompleteError, InvalidInputError
from lyrikstore.canon.limits import MAX_DEPLOYED_EVIDENCE_BYTES, MAX_SIBLINGS
from lyrikstore.canon.text import pluralize
from lyrikstore.credentials.model.credential import GRANT
from lyrikstore.credentials.model.logged import logged_credential
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.model.status_list import newest_first
from lyrikstore.history.manifests.manifest import Input, Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_attachments
from lyrikstore.publish.cards.approval import newest_card
from lyrikstore.publish.cards.facts import CardFacts
from lyrikstore.publish.cards.gathering.form import FORMATS
from lyrikstore.publish.cards.gathering.values import contains_values
from lyrikstore.publish.cards.offline_card import evidence_of
from lyrikstore.publish.identity.key_statements import credential_proof
from lyrikstore.verify.credential.issuer_key import statements_needed
from lyrikstore.verify.credential.key_statements import check_few
from lyrikstore.verify.credential.log_proofs import PROOF_HEAD
from lyrikstore.verify.credential.status import StatusUpdates, logged_status_updates
from lyrikstore.verify.deployment import layout
from lyrikstore.verify.deployment.credentials import credentials_of, left_out, renewed_by

_MAX_BYTES = 16 << 20
_UNSIGNED = b"""\
This folder is unsigned: nobody signed which files it has, and no log has it.
The manifests beside this file are signed. That the other files of the folder belong
to them, nothing shows.
"""

Files = dict[str, bytes]
"""Name → bytes."""


class Shown(Struct, frozen=True):
    """The choice of credentials in a folder besides those that its run names.

    Attributes:
        renewed: Credentials that renewed rights.
        left_out: Credentials that are left out.
    """

    renewed: tuple[Digest, ...] = ()
    left_out: Collection[Digest] = ()


def inputs_of(
    repository: Repository, facts: CardFacts, approvals: Iterable[Digest]
) -> tuple[Input, ...]:
    """Return the inputs of a deployment of a checkpoint, its card included.

    Args:
        repository: The store.
        facts: The card facts of the checkpoint.
        approvals: The valid approvals of the newest card.
    """
    model = facts.checkpoint
    found = [Input("checkpoint", model.kind, model.id)]
    for role, one in (("run", facts.run), ("base", facts.base)):
        found += [Input(role, one.kind, one.id)] if one is not None else []
    found += [Input("evaluation", one.kind, one.id) for one in facts.evaluations]
    card = newest_card(repository, model)
    if card is not None:
        found.append(Input("card", card.kind, card.id))
        found += [Input("approval", "approval", one) for one in approvals]
    return tuple(found)


def telling_credentials(
    repository: Repository, credentials: Iterable[Digest]
) -> tuple[Digest, ...]:
    """Return the credentials that are disclosed only on request (spec §14.9).

    Args:
        repository: The store.
        credentials: The credentials on which rights are based.

    Returns:
        Those that contain values or paths of the data, by :func:`contains_values`.
    """
    found = {one: logged_credential(repository, one) for one in credentials}
    return tuple(
        one for one, opened in found.items() if opened.kind is not GRANT and contains_values(opened)
    )


def check_pushed(repository: Repository, manifests: Iterable[Digest]) -> None:
    """Raise ``not-pushed`` unless the home log has all manifests, which their log proofs need.

    Raises:
        ConflictError: (``not-pushed``) one of them is not pushed from this clone.
    """
    for identity in manifests:
        if repository.index_of(identity) >= repository.checkpoint.size:
            name = repository.manifest(identity).name
            raise ConflictError(
                "not-pushed",
                f"{name} is not pushed from this clone: it has no place in the home log yet",
                hint="lyrikstore push, then run it again",
            )


def check_writable(
    repository: Repository,
    inputs: Iterable[Input],
    shown: Shown,
    at: datetime,
) -> None:
    """Raise unless the evidence of a deployment can be written and read; called before the work.

    Args:
        repository: The store.
        inputs: As :func:`inputs_of` returns them.
        shown: The credentials to include.
        at: The moment.

    Raises:
        ConflictError: (``not-pushed``) an input is not pushed from this clone; (``ids-alike``) two
        files would have the same name.
        InvalidInputError: (``too-many-files``) more files than a verifier reads.
        LyrikstoreError: Part of the evidence cannot be read.
    """
    files = unsigned_evidence(repository, inputs, shown, at)
    # Beside these: the manifest, its tree and log proof, the report and `model.sig`.
    fits = len(files) + 5 <= MAX_SIBLINGS
    fits &= sum(map(len, files.values())) <= MAX_DEPLOYED_EVIDENCE_BYTES // 2
    if not fits or not check_few(files.values()):
        raise InvalidInputError(
            "too-many-files",
            f"its evidence has {pluralize(len(files), 'file')}, more than a verifier reads",
            hint="retire evaluations that are no longer needed, or train on fewer datasets",
        )


def evidence_files(repository: Repository, deployment: Manifest, at: datetime) -> Files:
    """Return the files by which a deployed folder is verified without the store.

    Args:
        repository: The store.
        deployment: The manifest of the deployment.
        at: The moment; the newest status lists before it are included.

    Returns:
        Path in the folder → bytes.

    Raises:
        LyrikstoreError: Part of the evidence cannot be read.
        LyrikstoreError: As :func:`present_attachments` and :func:`check_pushed`.
    """
    files = _of_log(repository, deployment)
    shown = Shown(renewed_by(deployment), left_out(deployment))
    if deployment.tree is not None:
        files[layout.TREE] = repository.tree(deployment).encode()
    files |= _of_inputs(repository, deployment.inputs, shown, at)
    for role, name in (
        (layout.REPORT_ROLE, layout.REPORT),
        (layout.SIGNED_FILES_ROLE, layout.SIGNED_FILES),
    ):
        (attached,) = present_attachments(repository, deployment, role)
        files[name] = repository.blobs.read(attached.id, max_bytes=_MAX_BYTES)
    return {f"{layout.FOLDER}/{name}": data for name, data in files.items()}


def unsigned_evidence(
    repository: Repository,
    inputs: Iterable[Input],
    shown: Shown,
    at: datetime,
) -> Files:
    """Return the evidence of an unsigned folder: the same, without files that need a signature.

    Args:
        repository: The store.
        inputs: As :func:`inputs_of` returns them, the checkpoint first.
        shown: The credentials to include.
        at: The moment.
    """
    given = tuple(inputs)
    files = _of_log(repository, repository.manifest(given[0].id))
    del files[layout.MANIFEST], files[layout.LOG_PROOF]
    files |= {**_of_inputs(repository, given, shown, at), layout.UNSIGNED: _UNSIGNED}
    return {f"{layout.FOLDER}/{name}": data for name, data in files.items()}


def _of_log(repository: Repository, manifest: Manifest) -> Files:
    check_pushed(repository, [manifest.id])
    return evidence_of(repository, manifest) or {}


def _of_inputs(
    repository: Repository, inputs: Iterable[Input], shown: Shown, at: datetime
) -> Files:
    files: Files = {}
    for item in inputs:
        check_pushed(repository, [item.id])
        one = repository.manifest(item.id)
        name = layout.input_name(one.kind, one.id.short)
        _add(files, f"{name}.json", one.encode())
        proof = repository.proof_for(repository.index_of(one.id))
        _add(files, f"{name}.tlog-proof", proof.encode())
        if item.role == "card" and one.body["profile"] in FORMATS:  # of 0.1.0, a text
            (card,) = present_attachments(repository, one, "card")
            files[layout.CARD] = repository.blobs.read(card.id, max_bytes=_MAX_BYTES)
        if item.role == "run":
            for path, data in _credentials(repository, one, shown, at):
                _add(files, path, data)
    return files


def _add(files: Files, name: str, data: bytes) -> None:
    # ATTACK: an issuer makes two credentials whose ids begin alike, which takes seconds.
    if files.setdefault(name, data) != data:
        raise ConflictError(
            "ids-alike",
            f"two files would have the name {layout.FOLDER}/{name}: their ids start alike",
            hint="train again without one of the two inputs",
        )


def _credentials(
    repository: Repository, run: Manifest, shown: Shown, at: datetime
) -> Iterator[tuple[str, bytes]]:
    """Yield the files of the credentials behind a run's rights, and of their status."""
    status_updates = logged_status_updates(repository)
    for identity in credentials_of(run, shown.renewed):
        if identity in shown.left_out:
            continue
        opened = logged_credential(repository, identity)
        name = f"credential-{identity.short}"
        yield f"{name}.json", opened.data
        proof = credential_proof(repository, repository.index_of(identity, "credential"))
        if proof is not None:
            yield f"{name}.tlog-proof", proof
        yield from _current(opened, name, status_updates, at)


def _current(
    opened: OpenedCredential, name: str, status_updates: StatusUpdates, at: datetime
) -> Iterator[tuple[str, bytes]]:
    for entry in opened.entries:
        issuer = opened.issuer or ""
        newest, _ = newest_first(status_updates.lists.get(entry.url, ()), issuer, at)
        if newest:
            yield f"{name}-{entry.purpose}.json", newest[0].data
    for known in status_updates.documents:
        if known.document.id == opened.issuer:
            yield f"document-{Digest.of(known.data).short}.json", known.data
    try:
        said = statements_needed(opened, status_updates.statements)
    except IncompleteError:
        return  # whoever verifies it says what is missing
    for data in said:
        ending = "tlog-proof" if data.startswith(PROOF_HEAD) else "json"
        yield f"statement-{Digest.of(data).short}.{ending}", data
