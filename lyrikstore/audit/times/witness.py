"""Witnesses by file: cosign a log checkpoint that extends what was seen before (spec §7.10)."""

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from msgspec import Struct

from lyrikstore.audit.file.container import is_audit_file, read_container
from lyrikstore.audit.file.evidence import AuditEvidence
from lyrikstore.canon.base64 import decode_base64
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import ConflictError, FormatError, VerificationError
from lyrikstore.canon.files import read_at_most, replace_file
from lyrikstore.canon.limits import MAX_LOG_PROOF_HASHES, MAX_NOTE_BYTES
from lyrikstore.canon.text import pluralize
from lyrikstore.canon.timestamps import Clock, now
from lyrikstore.credentials.trust import Trust
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.history.log import merkle
from lyrikstore.history.log.checkpoint import LogCheckpoint, SignedCheckpoint, open_checkpoint
from lyrikstore.history.log.cosignature import Cosignature, cosign, witness_key
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.log.note import split_note

_MAX_REQUEST = 2 * MAX_NOTE_BYTES
_FOLDER = "witnessed"


class Cosigned(Struct, frozen=True):
    """A log checkpoint with the signature line of a witness.

    Attributes:
        note: The note.
        head: What it says of the log.
        before: Number of entries that the witness had cosigned before; None: the log is new to it.
        cosignature: The new line.
        key: The verifier key of the witness, for trust files.
    """

    note: bytes
    head: LogCheckpoint
    before: int | None
    cosignature: Cosignature
    key: str


class _Request(Struct, frozen=True):
    note: bytes
    old: int
    proof: tuple[bytes, ...]
    leaves: tuple[bytes, ...] | None


def witness_checkpoint(
    path: Path,
    *,
    trust: Trust,
    memory: LogMemory,
    state: Path,
    signer: Signer,
    clock: Clock = now,
) -> Cosigned:
    """Cosign the log checkpoint in a file, after checking that it extends what was seen before.

    Args:
        path: A request of the owner of the log (C2SP ``add-checkpoint``), or an audit file.
        trust: Names the log and its key.
        memory: Is locked meanwhile, so that one witness signs one thing after another.
        state: The user's folder for what they cosigned.
        signer: The key of the witness; its DID is the name in the line.
        clock: The time of the witness.

    Raises:
        NotFoundError, InvalidInputError: (``no-file``, ``unreadable``) the file cannot be read.
        FormatError: (``bad-note``, ``bad-checkpoint``, ``bad-audit``) it is neither.
        VerificationError: (``unknown-log-key``) the trust file names no log with this key;
            (``bad-log-signature``) its signature does not hold; (``witness-fork``) the log
            contradicts what was seen; (``witness-rollback``) it is shorter.
        ConflictError: (``stale-request``) it begins at another size than the one seen last.
        StorageError: The state cannot be written.
    """
    request = _read(path)
    signed = open_checkpoint(request.note, [one.key for one in trust.logs])
    head = signed.head
    place = state / _FOLDER / Digest.of(head.origin.encode()).hex
    with memory.signing():
        last = _last(place)
        _check(request, head, last)
        line = cosign(head, signer.did, signer, clock())
        place.parent.mkdir(parents=True, exist_ok=True)
        replace_file(place, head.text.encode())
    return Cosigned(
        _with_line(signed, line),
        head,
        None if last is None else last.size,
        line,
        witness_key(signer.did, signer.public),
    )


def _check(request: _Request, head: LogCheckpoint, last: LogCheckpoint | None) -> None:
    """Raise unless a head extends the one seen last."""
    if last is None:
        if request.leaves is None and request.old != 0:
            _stale(0)
        return
    if head.size < last.size:
        raise VerificationError(
            "witness-rollback",
            f"a log of {pluralize(head.size, 'entry')}, and this witness saw {last.size}",
        )
    if request.leaves is not None:
        extends = merkle.root(request.leaves[: last.size]) == last.root
    elif head.size == last.size:
        extends = head.root == last.root
    elif request.old != last.size:
        _stale(last.size)
    else:
        extends = _is_consistent(request.proof, last, head)
    if not extends:
        raise VerificationError(
            "witness-fork",
            f"the log does not extend the {pluralize(last.size, 'entry')} that this witness saw",
        )


def _is_consistent(proof: Sequence[bytes], last: LogCheckpoint, head: LogCheckpoint) -> bool:
    try:
        merkle.verify_consistency(last.size, head.size, proof, last.root, head.root)
    except VerificationError:
        return False
    return True


def _stale(size: int) -> NoReturn:
    raise ConflictError(
        "stale-request",
        f"this witness saw {pluralize(size, 'entry')} last, and the request begins elsewhere",
        hint="ask the owner for an audit file, which shows all: lyrikstore audit -o audit.html",
    )


def _last(place: Path) -> LogCheckpoint | None:
    data = read_at_most(place, MAX_NOTE_BYTES, absent=b"")
    return LogCheckpoint.parse(data.decode()) if data else None


def _with_line(signed: SignedCheckpoint, line: Cosignature) -> bytes:
    return signed.note + line.line.encode()


def _read(path: Path) -> _Request:
    if is_audit_file(path):
        evidence = AuditEvidence.parse(read_container(path).evidence)
        note = evidence.checkpoint.encode()
        leaves = tuple(one.hash for one in evidence.leaves)
        head = LogCheckpoint.parse(split_note(note)[0])
        if len(leaves) != head.size or merkle.root(leaves) != head.root:
            raise FormatError("bad-audit", "its entries do not give the root of its checkpoint")
        return _Request(note, 0, (), leaves)
    data = read_at_most(path, _MAX_REQUEST + 1)
    if len(data) > _MAX_REQUEST:
        raise FormatError("bad-note", f"more than {_MAX_REQUEST} bytes")
    head_lines, separator, note = data.partition(b"\n\n")
    first, *lines = head_lines.decode("utf-8", "replace").split("\n")
    word, _, number = first.partition(" ")
    if not separator or word != "old" or not number.isdecimal() or len(number) > 16:
        raise FormatError("bad-note", "neither a request to a witness nor an audit file")
    if len(lines) > MAX_LOG_PROOF_HASHES:
        raise FormatError("bad-note", f"more than {MAX_LOG_PROOF_HASHES} hashes")
    proof = tuple(decode_base64(one, "bad-note") for one in lines)
    return _Request(note, int(number), proof, None)
