"""The evidence in an audit file: the log, and signed statements of it (spec §22.1).

>>> about = {"namespace": "acme"}
>>> evidence = AuditEvidence(about, Digest.of(b"genesis"), "note", (), {})
>>> AuditEvidence.parse(evidence.encode()) == evidence
True
"""

from collections.abc import Mapping
from typing import Any, NoReturn, Self, get_args

from msgspec import Struct

from lyrikstore.canon import json
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.limits import (
    MAX_AUDIT_EVIDENCE_BYTES,
    MAX_AUDIT_LEAVES,
    MAX_AUDIT_OBJECT_BYTES,
    MAX_NOTE_BYTES,
)
from lyrikstore.history.log.checkpoint import EntryType, Leaf
from lyrikstore.history.manifests.names import Name

VERSION = 1

_TYPES: Mapping[str, EntryType] = {one[0]: one for one in get_args(EntryType)}
_MEMBERS = {"about", "audit", "checkpoint", "leaves", "objects", "store"}


class AuditEvidence(Struct, frozen=True):
    """The evidence in an audit file; only its form is checked.

    Attributes:
        about: The subject: one of ``{"manifest": ID}``, ``{"credential": ID}``,
            ``{"namespace": SEGMENT}``, ``{"store": ID}``.
        store: Id of the store.
        checkpoint: The log checkpoint, a signed note.
        leaves: Every entry of the log, as many as the log checkpoint says.
        objects: Bytes of manifests and credentials by id, in ascending order.
        since: An older log checkpoint that the auditor kept, a signed note; or None.
    """

    about: Mapping[str, str]
    store: Digest
    checkpoint: str
    leaves: tuple[Leaf, ...]
    objects: Mapping[Digest, bytes]
    since: str | None = None

    def encode(self) -> bytes:
        """Return the canonical JSON of the evidence.

        Raises:
            FormatError: (``bad-audit``) it is too large for an audit file.
        """
        members: dict[str, Any] = {
            "audit": VERSION,
            "about": dict(self.about),
            "store": str(self.store),
            "checkpoint": self.checkpoint,
            "leaves": [f"{one.type[0]}{one.id.hex}" for one in self.leaves],
            "objects": [self.objects[one].decode() for one in sorted(self.objects, key=_raw)],
        }
        if self.since is not None:
            members["since"] = self.since
        data = json.encode(members)
        if len(data) > MAX_AUDIT_EVIDENCE_BYTES:
            refuse(f"the evidence has more than {MAX_AUDIT_EVIDENCE_BYTES} bytes")
        return data

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read evidence.

        Raises:
            FormatError: (``bad-audit``) it is not evidence of this version.
        """
        try:
            document = json.parse_canonical(data, max_bytes=MAX_AUDIT_EVIDENCE_BYTES)
        except FormatError as error:
            raise FormatError("bad-audit", f"the evidence: {error.message}") from None
        if not isinstance(document, dict) or document.keys() - {"since"} != _MEMBERS:
            refuse("the evidence has other members")
        if type(document["audit"]) is not int or document["audit"] != VERSION:
            refuse("evidence of another version")
        leaves = _leaves(document["leaves"])
        return cls(
            _about(document["about"]),
            _digest(document["store"]),
            _note(document["checkpoint"]),
            leaves,
            _objects(document["objects"], {one.id for one in leaves}),
            _note(document["since"]) if "since" in document else None,
        )


def refuse(reason: str) -> NoReturn:
    """Raise ``bad-audit``.

    Raises:
        FormatError: (``bad-audit``) always.
    """
    raise FormatError("bad-audit", f"not an audit file: {reason}")


def _raw(digest: Digest) -> bytes:
    return digest.raw


def _digest(value: object) -> Digest:
    try:
        return Digest.parse(value)
    except FormatError as error:
        refuse(error.message)


def _note(value: object) -> str:
    if not isinstance(value, str) or len(value.encode()) > MAX_NOTE_BYTES:
        refuse("a log checkpoint is a text of limited size")
    return value


def _about(value: object) -> Mapping[str, str]:
    if not isinstance(value, dict) or len(value) != 1:
        refuse("it is about one thing")
    [(word, stated)] = value.items()
    if word == "namespace":
        _namespace(stated)
    elif word in {"manifest", "credential", "store"}:
        _digest(stated)
    else:
        refuse("it is about an unknown thing")
    return {word: stated}


def _namespace(value: object) -> None:
    try:
        Name("datasets", value if isinstance(value, str) else "", "x")
    except FormatError:
        refuse("the namespace that it is about is none")


def _leaves(value: object) -> tuple[Leaf, ...]:
    if not isinstance(value, list) or len(value) > MAX_AUDIT_LEAVES:
        refuse(f"its leaves are not a list of at most {MAX_AUDIT_LEAVES}")
    found = []
    for one in value:
        if not isinstance(one, str) or one[:1] not in _TYPES:
            refuse("a leaf of an unknown type")
        found.append(Leaf(_TYPES[one[0]], _digest(f"blake3:{one[1:]}")))
    return tuple(found)


def _objects(value: object, named: set[Digest]) -> Mapping[Digest, bytes]:
    if not isinstance(value, list):
        refuse("its objects are not a list")
    found: dict[Digest, bytes] = {}
    last = b""
    for one in value:
        data = one.encode() if isinstance(one, str) else b""
        identity = Digest.of(data)
        if not 0 < len(data) <= MAX_AUDIT_OBJECT_BYTES:
            refuse("an object that is no text, or too long")
        if identity.raw <= last:
            refuse("objects out of order, or twice")
        # ATTACK: an object that nobody logged, among those that the log orders.
        if identity not in named:
            refuse(f"object {identity.short} is in no entry of the log")
        found[identity] = data
        last = identity.raw
    return found
