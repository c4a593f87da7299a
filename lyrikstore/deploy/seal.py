"""Storing, signing and logging of a deployed folder's files (spec §14.7.5).

The log entry is the commit point: before it, nothing is visible; after it, the store has all files
of the folder, which can be written again.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    ConflictError,
    FormatError,
    InvalidInputError,
    LyrikstoreError,
    PolicyError,
    RunFailedError,
    VerificationError,
)
from lyrikstore.context import StoreContext
from lyrikstore.deploy.build import WrittenFile
from lyrikstore.governance.decide import DecidedUse, decided_inputs
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.kinds import KINDS
from lyrikstore.history.manifests.manifest import Attachment, Input, Manifest, sign_manifest
from lyrikstore.history.manifests.names import Name, parse_name
from lyrikstore.history.repository.refs import Flagged
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.objects.store.transactions import LogItem, TransactionLog
from lyrikstore.verify.deployment import layout
from lyrikstore.verify.deployment.model_sig import model_sig_of, signed_bytes, statement_of
from lyrikstore.verify.report import Report

DEPLOYMENT = "deployment"
_PREFIX = KINDS[DEPLOYMENT].prefix


class Signing(Struct, frozen=True):
    """Name of a deployment, and its push to the home log.

    Attributes:
        name: Its name, with or without ``deployments/``; empty: derived from its checkpoint and
        target.
        push: Function that pushes the pending entries of a clone; None without a remote.
    """

    name: str = ""
    push: Callable[[], object] | None = None

    def name_for(self, checkpoint: Manifest, target: str) -> str:
        """Return the full name of a deployment.

        Args:
            checkpoint: The deployed checkpoint.
            target: Name of the target.

        Raises:
            InvalidInputError: (``bad-name``) it is not a valid name of a deployment.
        """
        if not self.name:
            of = Name.parse(checkpoint.name)
            try:
                return str(Name(_PREFIX, of.namespace, f"{of.leaf}.{target}"))
            except FormatError as error:
                hint = "name it: --as NAMESPACE/NAME"
                raise InvalidInputError("bad-name", error.message, hint=hint) from None
        text = self.name if self.name.count("/") != 1 else f"{_PREFIX}/{self.name}"
        name = parse_name(text)
        if name.prefix != _PREFIX:
            raise InvalidInputError(
                "bad-name",
                f"{name} is not a name of a deployment",
                hint=f"names of deployments start with {_PREFIX}/",
            )
        return str(name)


def check_may_log(context: StoreContext, signing: Signing, name: str) -> None:
    """Raise unless a deployment can be signed, logged and pushed; called before the work.

    Raises:
        PolicyError: (``unauthorised``) the policy does not let the signer sign a deployment.
        ConflictError: (``not-pushed``) the clone has other pending entries, or no remote.
    """
    repository, signer = context.repository, context.signer().did
    if not repository.policy.allows(signer, DEPLOYMENT, name):
        raise PolicyError(
            "unauthorised",
            f"the policy in force does not let {signer} sign {name}",
            hint="see who may sign: lyrikstore show policies/store/main; or write an unsigned "
            "folder: --no-sign",
        )
    if not repository.is_mirror:
        return
    if signing.push is None:
        raise ConflictError(
            "not-pushed",
            "a deployment from a clone must be pushed, and this clone has no remote",
            hint="add one: lyrikstore remote add origin URL; or write an unsigned folder: "
            "--no-sign",
        )
    if repository.pending:
        raise ConflictError(
            "not-pushed",
            "a deployment from a clone must be pushed, and other entries wait to be pushed here",
            hint="run: lyrikstore push; then run this again",
        )


def log_deployment(
    context: StoreContext,
    folder: Path,
    files: Mapping[str, WrittenFile],
    *,
    name: str,
    body: Mapping[str, Any],
    inputs: Sequence[Input],
    report: Report,
    again: Callable[[], None],
    decided: DecidedUse | None = None,
) -> Manifest:
    """Store, sign and log the files of a folder that is being built.

    Args:
        context: The store, opened to append, and who signs.
        folder: The folder.
        files: Path → size and digests of each written file.
        name: Full name of the deployment.
        body: Body of its manifest, without ``oms``.
        inputs: Inputs of its manifest.
        report: The report of the verification before.
        again: Called to check the rights again if the log has grown since; raises.
        decided: What the rules answer to it, logged before it; None: no rules decide it.

    Raises:
        RunFailedError: (``bad-output``) a file has other bytes than were written.
        LyrikstoreError: As :meth:`TransactionBuilder.commit`; nothing was logged.

    Cost: reads every file once; memory is flat.
    """
    repository = context.repository
    signed = sign_files({path: one.sha256 for path, one in files.items()})
    attached = {layout.REPORT_ROLE: report_file(report), layout.SIGNED_FILES_ROLE: signed.bundle}
    with open_transaction(repository) as transaction:
        writer, entries = transaction.writer, []
        for path, written in files.items():
            # ATTACK: whoever runs as the same user rewrites it before it is stored.
            if writer.put_file(folder / path) != (written.blake3, written.size):
                raise RunFailedError("bad-output", f"{path} changed after it was written")
            entries.append(TreeEntry(path, written.size, written.blake3))
        tree = Tree.of(entries)
        writer.put_bytes(tree.encode())
        state = repository.refs.get(name)
        inputs = [*inputs, *decided_inputs(context, transaction, decided, name)]
        manifest = sign_manifest(
            kind=DEPLOYMENT,
            store=repository.store_id,
            name=name,
            body={**body, "oms": {"publicKey": signed.public_key}},
            signer=context.signer(),
            created=repository.signing_date(context.clock),
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
        transaction.hold(again)
        with once_logged(repository, manifest):
            transaction.commit()
    return manifest


def push_logged(repository: Repository, signing: Signing, deployment: Manifest) -> None:
    """Push a deployment from a clone to the home log; raise unless it has effect there.

    Raises:
        VerificationError: (``not-verified``) the deployment has no effect.
        LyrikstoreError: As a push.
    """
    if repository.is_mirror and signing.push is not None:
        signing.push()
        repository.refresh()
    check_has_effect(repository, deployment)


def check_has_effect(repository: Repository, deployment: Manifest) -> None:
    """Raise ``not-verified`` unless a logged deployment moved its name.

    Raises:
        VerificationError: (``not-verified``) the deployment is flagged.
        LyrikstoreError: As :attr:`Repository.table`.
    """
    flag = _flag_of(repository, deployment)
    if flag is not None:
        raise VerificationError(
            "not-verified",
            f"{deployment.name} has no effect: {flag.summary}",
            hint="deploy its checkpoint again",
        )


def _flag_of(repository: Repository, deployment: Manifest) -> Flagged | None:
    flagged = (one for one in repository.flagged if one.id == deployment.id)
    return next((one for one in flagged if one.reason != "already-logged"), None)


@contextmanager
def once_logged(repository: Repository, deployment: Manifest) -> Iterator[None]:
    """Add to the hint of errors that the deployment is logged, and how to write its folder."""
    try:
        yield
    except BaseException as error:
        with suppress(LyrikstoreError):
            repository.refresh()
            logged = repository.is_logged(deployment.id, "manifest")
            if logged and _flag_of(repository, deployment) is None:
                _say_logged(error, deployment, "is logged")
            elif not logged and _is_recorded(repository, deployment.id):
                _say_logged(error, deployment, "is logged by the next command that signs here")
        raise


def _is_recorded(repository: Repository, identity: Digest) -> bool:
    """Return whether the newest record has a manifest, so that the next command publishes it."""
    own = repository.own_log
    log, slot = TransactionLog(own.backend), len(own.records.transactions)
    return log.taken(slot) and LogItem("manifest", identity) in log.read(slot).log


def _say_logged(error: BaseException, deployment: Manifest, logged: str) -> None:
    message = f"{deployment.name} ({deployment.id.short}) {logged}"
    again = f"lyrikstore deploy --again {deployment.id.hex} -o FOLDER writes it"
    if isinstance(error, LyrikstoreError):
        error.message = f"{error.message}; {message}"
        error.hint = f"{error.hint}; then {again}" if error.hint else again
        error.details["deployment"] = str(deployment.id)
    else:
        error.add_note(f"{message}: {again}")


def report_file(report: Report) -> bytes:
    """Return a report as the bytes of ``report.json``."""
    text = json.dumps(report.to_json(), ensure_ascii=False, indent=2, sort_keys=True)
    return text.encode() + b"\n"


class SignedFiles(Struct, frozen=True):
    """The signature of a folder's files by a one-time key.

    Attributes:
        bundle: The bytes of ``model.sig``.
        public_key: The key, in PEM, as the deployment's manifest names it.
    """

    bundle: bytes
    public_key: str


def sign_files(files: Mapping[str, bytes]) -> SignedFiles:
    """Sign files with a new key whose private half is not stored; return the signature.

    Args:
        files: Path → SHA-256, of each file outside ``lyrikstore/``.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    statement = statement_of(files)
    signature = key.sign(signed_bytes(statement), ec.ECDSA(SHA256()))
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return SignedFiles(model_sig_of(statement, signature, pem), pem)
