"""Requests for outside time, and the logging of what outsiders answered (spec §7.10)."""

from base64 import b64encode
from typing import Any

from msgspec import Struct

from lyrikstore.canon.errors import FormatError, InvalidInputError, VerificationError
from lyrikstore.canon.timestamps import format_timestamp
from lyrikstore.context import StoreContext
from lyrikstore.history.commit.events import sign_event
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.log.checkpoint import LogCheckpoint
from lyrikstore.history.log.cosignature import Cosignature
from lyrikstore.history.log.merkle import consistency_proof
from lyrikstore.history.log.note import split_note
from lyrikstore.history.manifests.kinds import GENESIS_NAME
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.times.outside import OutsideTime, OutsideTimes
from lyrikstore.verify.times.rfc3161 import make_request, read_response


class AddedTime(Struct, frozen=True):
    """An outside time that was logged.

    Attributes:
        manifest: The ``timestamp`` manifest.
        index: Its log index.
        time: What it shows.
    """

    manifest: Manifest
    index: int
    time: OutsideTime


def stamp_request(repository: Repository) -> bytes:
    """Return a request to a time stamp authority (RFC 3161) about the log checkpoint of the home.

    Raises:
        InvalidInputError: (``missing-extra``) the extra ``timestamps`` is not installed.
    """
    return make_request(repository.checkpoint.head.text.encode())


def witness_request(repository: Repository) -> bytes:
    """Return a request to a witness (C2SP ``add-checkpoint``) about the log checkpoint of the home.

    It begins at the largest log checkpoint that a witness cosigned, as the log says, or at none.
    """
    signed = repository.checkpoint
    old = max(
        (
            one.body["size"]
            for _, one in repository.all_manifests()
            if one.kind == "timestamp" and "cosignature" in one.body
        ),
        default=0,
    )
    hashes = repository.records.hashes[: signed.size]
    proof = consistency_proof(hashes, old) if 0 < old < signed.size else []
    lines = "".join(f"{b64encode(one).decode()}\n" for one in proof)
    return f"old {old}\n{lines}\n".encode() + signed.note


def add_time(context: StoreContext, data: bytes) -> AddedTime:
    """Log what a time stamp authority or a witness answered.

    Args:
        context: The store, and the signer; the trust file names the authority or witness.
        data: The authority's response (DER), or the note with the witness's signature line.

    Raises:
        FormatError: (``bad-timestamp-response``, ``bad-note``) it is neither.
        VerificationError: (``other-imprint``, ``bad-log-signature``) it is about no log checkpoint
            of this log, or does not hold.
        InvalidInputError: (``unknown-outsider``) the trust file names neither who answered;
            (``missing-extra``) the extra ``timestamps`` is not installed.
        LyrikstoreError: The policy does not let the signer log this, or the store cannot be
            written.
    """
    repository = context.repository
    times = OutsideTimes(repository, repository.origin, context.trust)
    is_note = data[:1] not in {b"\x30", b""}
    body = _cosigned(context, times, data) if is_note else _stamped(context, times, data)
    manifest = sign_event(
        repository,
        "timestamp",
        GENESIS_NAME,
        body,
        signer=context.signer(),
        clock=context.clock,
    )
    with open_transaction(repository) as transaction:
        transaction.log_manifest(manifest)
        index = transaction.commit()[0]
    seen = OutsideTimes(repository, repository.origin, context.trust).read(manifest)
    return AddedTime(manifest, index, seen)


def _stamped(context: StoreContext, times: OutsideTimes, data: bytes) -> dict[str, Any]:
    from lyrikstore.verify.times.rfc3161 import verify_response

    stamped = read_response(data)
    repository = context.repository
    signed = repository.checkpoint
    for size in sorted({*repository.records.ends, signed.size}, reverse=True):
        if not 0 < size <= signed.size:
            continue
        text = times.head(size).text.encode()
        try:
            authority = verify_response(stamped, text, context.trust.authorities)
        except VerificationError:
            continue
        if authority is None:
            raise _unknown(stamped.by, "trust add NAME --authority FILE.pem")
        return {
            "size": size,
            "time": format_timestamp(stamped.time),
            "by": stamped.by,
            "response": b64encode(data).decode(),
        }
    raise VerificationError("other-imprint", "it is about no log checkpoint of this log")


def _cosigned(context: StoreContext, times: OutsideTimes, data: bytes) -> dict[str, Any]:
    text, lines = split_note(data)
    head = LogCheckpoint.parse(text)
    if head.size > context.repository.checkpoint.size or times.head(head.size) != head:
        raise VerificationError("other-imprint", "it is about no log checkpoint of this log")
    found = ""
    for name, signature in lines:
        try:
            one = Cosignature.parse(name, b64encode(signature).decode())
        except FormatError:
            continue  # the line of the log itself, or of a kind that nobody here knows
        found = name
        if any(
            each.name == name and one.holds(head, each.public) for each in context.trust.witnesses
        ):
            return {
                "size": head.size,
                "time": format_timestamp(one.time),
                "by": name,
                "cosignature": one.payload,
            }
        if any(each.name == name for each in context.trust.witnesses):
            text = f"the cosignature of {name[:80]} does not hold"
            raise VerificationError("bad-log-signature", text)
    if not found:
        raise FormatError("bad-note", "the note has no signature line of a witness")
    raise _unknown(found, "trust add 'NAME+KEYID+…' --witness")


def _unknown(who: str, command: str) -> InvalidInputError:
    return InvalidInputError(
        "unknown-outsider",
        f"your trust file does not name {who[:80]!r}, so nobody here can check what it says",
        hint=f"compare its key by another channel, then: lyrikstore {command}",
    )
