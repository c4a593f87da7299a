"""The manifest of a deployed folder: its files stored, signed and logged (spec §14.7.5).

Before the log has it, nothing has happened; from then on the store has all that the folder needs,
and it can be written again from there.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from msgspec import Struct

from lyrikstore.canon.errors import (
    ConflictError,
    FormatError,
    InvalidInputError,
    LyrikstoreError,
    PolicyError,
    RunFailedError,
)
from lyrikstore.canon.timestamps import Clock
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.deploy.signed_files import sign_files
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.kinds import KINDS
from lyrikstore.history.manifests.manifest import Attachment, Input, Manifest, sign_manifest
from lyrikstore.history.manifests.names import Name, parse_name
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.verify.deployment import layout
from lyrikstore.verify.report import Report

DEPLOYMENT = "deployment"
_PREFIX = KINDS[DEPLOYMENT].prefix


class Signing(Struct, frozen=True):
    """Who signs a deployment, and how it gets into the home log.

    Attributes:
        signer: Signs its manifest.
        name: What it is called, with or without ``deployments/``; empty: after its checkpoint and
            target.
        push: Pushes what waits in a clone; None where there is nowhere to push to.
    """

    signer: Signer
    name: str = ""
    push: Callable[[], object] | None = None

    def name_for(self, checkpoint: Manifest, target: str) -> str:
        """Return the full name of a deployment.

        Args:
            checkpoint: What is deployed.
            target: What to.

        Raises:
            InvalidInputError: (``bad-name``) it is no name of a deployment.
        """
        if not self.name:
            of = Name.parse(checkpoint.name)
            try:
                return str(Name(_PREFIX, of.namespace, f"{of.leaf}.{target}"))
            except FormatError as error:
                hint = "name it: --as NAMESPACE/NAME"
                raise InvalidInputError("bad-name", error.message, hint=hint) from None
        given = self.name if self.name.count("/") != 1 else f"{_PREFIX}/{self.name}"
        name = parse_name(given)
        if name.prefix != _PREFIX:
            raise InvalidInputError(
                "bad-name",
                f"a deployment cannot be called {name}",
                hint=f"its names start with {_PREFIX}/",
            )
        return str(name)


def check_may_log(repository: Repository, signing: Signing, name: str) -> None:
    """Return if a deployment can be logged under a name, and shown to be: before the work.

    Raises:
        PolicyError: (``unauthorised``) the policy does not let the signer say this.
        ConflictError: (``not-pushed``) in a clone, something else waits to be pushed, or there is
            nowhere to push to.
    """
    signer = signing.signer.did
    if not repository.policy.allows(signer, DEPLOYMENT, name):
        raise PolicyError(
            "unauthorised",
            f"the policy in force does not let {signer} sign {name}",
            hint="lyrikstore show policies/store/main says who may; --no-sign writes an unsigned "
            "folder",
        )
    if not repository.is_mirror:
        return
    if signing.push is None:
        raise ConflictError(
            "not-pushed",
            "what is deployed from a clone is pushed first, and no remote is known",
            hint="lyrikstore remote add origin URL; or --no-sign writes an unsigned folder",
        )
    if repository.pending:
        raise ConflictError(
            "not-pushed",
            "what is deployed from a clone is pushed first, and something else waits here",
            hint="lyrikstore push, then run it again",
        )


def log_deployment(
    repository: Repository,
    built: Path,
    sums: Mapping[str, bytes],
    *,
    exported: Mapping[str, str],
    name: str,
    body: Mapping[str, Any],
    inputs: Sequence[Input],
    report: Report,
    signer: Signer,
    clock: Clock,
) -> Manifest:
    """Store, sign and log the files of a folder that is being built.

    Args:
        repository: The store, opened to append.
        built: The folder.
        sums: Path → SHA-256 of each file.
        exported: Path → BLAKE3 of those that a worker wrote.
        name: Full name of the deployment.
        body: What its manifest says, without ``oms``.
        inputs: What it was made from.
        report: The report of the verification before.
        signer: Who says so.
        clock: Tells the claimed time.

    Raises:
        RunFailedError: (``bad-output``) a file is not what the worker wrote.
        LyrikstoreError: As :meth:`TransactionBuilder.commit`; nothing was logged.

    Cost: reads every file once; memory is flat.
    """
    signed = sign_files(sums)
    attached = {layout.REPORT_ROLE: report_file(report), layout.SIGNED_FILES_ROLE: signed.bundle}
    with open_transaction(repository) as transaction:
        writer, entries = transaction.writer, []
        for path in sums:
            digest, size = writer.put_file(built / path)
            # ATTACK: whoever runs as the same user rewrites it before it is stored.
            if exported.get(path, digest.hex) != digest.hex:
                raise RunFailedError("bad-output", f"{path} is not what the worker wrote")
            entries.append(TreeEntry(path, size, digest))
        tree = Tree.of(entries)
        writer.put_bytes(tree.encode())
        state = repository.refs.get(name)
        manifest = sign_manifest(
            kind=DEPLOYMENT,
            store=repository.store_id,
            name=name,
            body={**body, "oms": {"publicKey": signed.public_key}},
            signer=signer,
            created=repository.signing_date(clock),
            parents=() if state is None else (state.id,),
            inputs=inputs,
            tree=tree.id,
            files=tree.files_id,
            attachments=[
                Attachment(role, writer.put_bytes(data), len(data))
                for role, data in attached.items()
            ],
        )
        transaction.log_manifest(manifest, tree)
        with once_logged(repository, manifest):
            transaction.commit()
    return manifest


def push_logged(repository: Repository, signing: Signing) -> None:
    """Bring what was logged in a clone to the home log; raises as a push."""
    if repository.is_mirror and signing.push is not None:
        signing.push()
        repository.refresh()


@contextmanager
def once_logged(repository: Repository, deployment: Manifest) -> Iterator[None]:
    """Have what goes wrong say so if the deployment is logged by then, and how it is written."""
    try:
        yield
    except BaseException as error:
        with suppress(LyrikstoreError):
            repository.refresh()
            if repository.is_logged(deployment.id, "manifest"):
                _say_logged(error, deployment)
        raise


def _say_logged(error: BaseException, deployment: Manifest) -> None:
    said = f"{deployment.name} ({deployment.id.short}) is logged"
    again = f"lyrikstore deploy --again {deployment.id.hex} -o FOLDER writes it"
    if isinstance(error, LyrikstoreError):
        error.message = f"{error.message}; {said}"
        error.hint = f"{error.hint}; then {again}" if error.hint else again
        error.details["deployment"] = str(deployment.id)
    else:
        error.add_note(f"{said}: {again}")


def report_file(report: Report) -> bytes:
    """Return a report as a file."""
    text = json.dumps(report.to_json(), ensure_ascii=False, indent=2, sort_keys=True)
    return text.encode() + b"\n"
