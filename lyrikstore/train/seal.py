"""Sealing: from a worker's output folder to a checkpoint's tree (spec §13.6).

Only files of known names and content become part of a checkpoint; any other file in the folder is
an error.
"""

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NoReturn, Protocol

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, PolicyError, RunFailedError, storage_errors
from lyrikstore.canon.files import read_at_most
from lyrikstore.canon.json import encode, parse
from lyrikstore.canon.text import brief, escape_control
from lyrikstore.context import StoreContext
from lyrikstore.crypto.keys.secret_files import secret_in
from lyrikstore.governance.decide import DecidedUse, decided_inputs
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Attachment, Input, Manifest, sign_manifest
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.train.formats.adapter import ADAPTER_CONFIG, MAX_JSON_BYTES
from lyrikstore.train.formats.base_model import MAX_HEADER_BYTES, check_weights
from lyrikstore.train.formats.formats import Format
from lyrikstore.train.formats.history import MAX_BYTES, ROLE, read_history
from lyrikstore.train.formats.word_counts import LISTS, MAX_VOCABULARY_BYTES
from lyrikstore.verify.evaluation.choice import cross_validation, validation
from lyrikstore.verify.evaluation.choice.candidates import VALIDATION
from lyrikstore.verify.evaluation.choice.cross_validation import CrossValidation
from lyrikstore.verify.evaluation.choice.unlike import UNLIKE
from lyrikstore.verify.evaluation.choice.validation import ValidationScores


class PutsBlobs(Protocol):
    """Writer that stores the files of a checkpoint, or only computes their digests."""

    def put_bytes(self, data: bytes) -> Digest:
        """Store a document and return its digest."""

    def put_data(self, data: bytes) -> Digest:
        """Store a data file and return its digest."""


class Sealed(Struct, frozen=True):
    """The stored files of one checkpoint.

    Attributes:
        tree: Its tree.
        tree_id: Digest of the tree's bytes, which are stored too.
        sums: Digest of the SHA-256 sums, one ``sha256sum`` line per file, stored too.
        sums_bytes: Length of the sums.
    """

    tree: Tree
    tree_id: Digest
    sums: Digest
    sums_bytes: int


def seal(
    folder: Path, writer: PutsBlobs, form: Format, *, base: Digest | None, private: Path
) -> Sealed:
    """Check, canonicalise and store the files of one checkpoint.

    Args:
        folder: The output folder of the worker.
        writer: The writer of the transaction that will log the checkpoint.
        form: The format of the checkpoint.
        base: Tree id of the base model; it replaces the path that PEFT writes.
        private: The staging folder, whose path must not leave this machine.

    Raises:
        RunFailedError: (``bad-output``) a file is missing, unexpected, no regular file, no
            safetensors or JSON, or names a private path.
        StorageError: Storage backend error: disk full, read-only, I/O error.
        LyrikstoreError: As :func:`refuse_secret`.
    """
    with storage_errors("reading the checkpoint"):
        names = {
            path.relative_to(folder).as_posix()
            for path in folder.rglob("*")
            if path.is_symlink() or not path.is_dir()
        }
    if names != form.files:
        name = min(names ^ form.files)
        _refuse(f"{name[:80]} is {'missing' if name in form.files else 'not part of a checkpoint'}")
    entries, sums = [], []
    for name in sorted(form.files):
        data = _read(folder / name)
        if name in form.json_files:
            data = _canonical(name, data, base)
            refuse_secret(name, data)
        else:
            _check_weights(name, data)
        if os.fsencode(private) in data:
            _refuse(f"{name} names a private folder of this machine")
        entries.append(TreeEntry(name, len(data), writer.put_data(data)))
        sums.append(f"{sha256(data).hexdigest()}  {name}\n")
    tree = Tree.of(entries)
    text = "".join(sums).encode("ascii")
    return Sealed(tree, writer.put_bytes(tree.encode()), writer.put_bytes(text), len(text))


def sign_next(
    context: StoreContext,
    kind: str,
    name: str,
    body: Mapping[str, Any],
    inputs: Sequence[Input],
    *,
    sealed: Sealed | None = None,
    parents: Sequence[Digest] | None = None,
    attachments: Iterable[Attachment] = (),
    message: str = "",
) -> Manifest:
    """Return the signed next version of a name, within the transaction that will log it.

    Args:
        context: The store.
        kind: Kind of the manifest.
        name: Full name of the object.
        body: Body of the manifest.
        inputs: Inputs of the manifest.
        sealed: The tree, whose sums are attached; None: the object has no tree.
        parents: The previous versions; None: the version that the name means now.
        attachments: Further attachments.
        message: Free text.
    """
    repo = context.repository
    state = repo.refs.get(name)
    sums = [] if sealed is None else [Attachment("sha256sums", sealed.sums, sealed.sums_bytes)]
    return sign_manifest(
        kind=kind,
        store=repo.store_id,
        name=name,
        parents=([state.id] if state else []) if parents is None else parents,
        inputs=inputs,
        tree=None if sealed is None else sealed.tree_id,
        files=None if sealed is None else sealed.tree.files_id,
        body=dict(body),
        signer=context.signer(),
        created=repo.signing_date(context.clock),
        attachments=[*sums, *attachments],
        message=message,
    )


def log_next(
    context: StoreContext,
    kind: str,
    name: str,
    body: Mapping[str, Any],
    inputs: Sequence[Input],
    message: str = "",
    *,
    hold: Callable[[], None] | None = None,
    decided: DecidedUse | None = None,
) -> tuple[Manifest, int]:
    """Sign and log the next version of a name; return its manifest and its position in the log.

    Args:
        context: The store.
        kind: Kind of the manifest.
        name: Full name of the object.
        body: Body of the manifest.
        inputs: Inputs of the manifest.
        message: Free text.
        hold: Called under the lock, to check again what may have changed in the log.
        decided: What the rules answer to it, logged before it; None: no rules decide it.

    Raises:
        ConflictError, LockedError, StorageError: As any transaction.
    """
    with open_transaction(context.repository) as transaction:
        inputs = [*inputs, *decided_inputs(context, transaction, decided, name)]
        manifest = sign_next(context, kind, name, body, inputs, message=message)
        transaction.log_manifest(manifest)
        if hold is not None:
            transaction.hold(hold)
        return manifest, transaction.commit()[-1]


def _read(path: Path) -> bytes:
    # Through one descriptor, without following links: the checked bytes are the stored ones.
    with storage_errors(f"reading {path.name}"):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                _refuse(f"{path.name} is not a regular file")
            return file.read()


def _canonical(name: str, data: bytes, base: Digest | None) -> bytes:
    last = name.rpartition("/")[2]
    limit = MAX_VOCABULARY_BYTES if last in LISTS else MAX_JSON_BYTES
    try:
        document = parse(data, max_bytes=limit, floats=True, nulls=True)
        if not isinstance(document, list if last in LISTS else dict):
            _refuse(f"{name} is not a {'list' if last in LISTS else 'JSON object'}")
        if last == ADAPTER_CONFIG and isinstance(document, dict):
            document["base_model_name_or_path"] = str(base)
            document["target_modules"] = sorted(document.get("target_modules") or [])
        return encode(document)
    except FormatError as error:
        _refuse(f"{name}: {error.message}")


def _check_weights(name: str, data: bytes) -> None:
    length = min(int.from_bytes(data[:8], "little"), MAX_HEADER_BYTES)
    try:
        check_weights(name, data[: 8 + length], len(data))
    except PolicyError as error:
        _refuse(error.message)
    refuse_secret(name, data[: 8 + length])


def refuse_secret(path: str, data: bytes) -> None:
    """Raise `secret-found` if a file of a checkpoint holds a recognizable secret.

    Args:
        path: Path of the file.
        data: Its content; of weights only the header, which lists the tensors.

    Raises:
        RunFailedError: (``secret-found``) it holds a private key, or credentials.
    """
    if held := secret_in(path, data):
        raise RunFailedError(
            "secret-found",
            f"the checkpoint cannot be sealed: {brief(escape_control(path))} contains a {held}",
            hint="nothing was stored; remove it from the output, and replace it if others saw it",
            details={"holds": {path: held}},
        )


def _refuse(reason: str) -> NoReturn:
    raise RunFailedError(
        "bad-output", f"the checkpoint cannot be sealed: {reason}", hint="nothing was stored"
    )


def seal_history(
    made: Mapping[str, Any], writer: PutsBlobs, *, private: Path
) -> Iterator[Attachment]:
    """Yield the training history as an attachment, if the candidate was trained in steps.

    Args:
        made: The worker's result for the checkpoint.
        writer: The writer of the transaction that will log the checkpoint.
        private: The staging folder.

    Raises:
        StorageError: The file cannot be read or written.
        LyrikstoreError: As :func:`read_history`.
    """
    if "history" in made:
        data = read_at_most(private / str(made["history"]), MAX_BYTES + 1)
        read_history(data)
        yield Attachment(ROLE, writer.put_bytes(data), len(data))


def seal_unlike(
    made: Mapping[str, Any], writer: PutsBlobs, *, private: Path
) -> tuple[dict[str, Any], list[Attachment]]:
    """Return the checkpoint's rule for texts unlike the training data, and its attachments.

    Args:
        made: The worker's result for the checkpoint.
        writer: The writer of the transaction that will log the checkpoint.
        private: The staging folder.

    Returns:
        The members of the checkpoint's body, and its attachments; both empty if the worker made no
        such rule.

    Raises:
        RunFailedError: (``bad-output``) the rule cannot be loaded.
        StorageError: The file cannot be read or written.
    """
    if UNLIKE not in made:
        return {}, []
    about, attached = made[UNLIKE], []
    if not isinstance(about, dict) or about.keys() != {"method", "limit"}:
        _refuse("the rule for texts unlike the training data needs method and limit")
    if "distances" in made:
        data = _read(private / str(made["distances"]))
        _check_weights(UNLIKE, data)
        attached.append(Attachment(UNLIKE, writer.put_data(data), len(data)))
    return {UNLIKE: about}, attached


def seal_validation(
    scores: ValidationScores | CrossValidation | None, writer: PutsBlobs
) -> tuple[dict[str, Any], Attachment] | None:
    """Return the member of a checkpoint that describes its validation scores, and their attachment.

    Args:
        scores: Scores of each candidate on the records that they are compared on; None: no scores
            are kept.
        writer: The writer of the transaction that will log the checkpoint.

    Returns:
        None if there are no scores, or the file would be longer than the limit of readers.

    Raises:
        StorageError: The file cannot be written.
    """
    data = None if scores is None else scores.write()
    if scores is None or data is None:
        return None
    whole = isinstance(scores, ValidationScores)
    form = validation.FORMAT if whole else cross_validation.FORMAT
    stated = {"format": form, "count": len(scores.expected)}
    return stated, Attachment(VALIDATION, writer.put_bytes(data), len(data))
