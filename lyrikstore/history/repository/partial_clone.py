"""Partial clones: the selection of content to fetch (spec §15.6).

Content that a partial clone leaves out is *not fetched*, never lost; the file ``partial`` contains
the selection, so that readers can distinguish the two.
"""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from lyrikstore.canon import json
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, InvalidInputError, NotFoundError
from lyrikstore.history.manifests.kinds import KINDS
from lyrikstore.objects.backends.base import Backend
from lyrikstore.objects.pack.format import PACK_MAX, PackRef

PARTIAL = "partial"

MAX_OWN_PACKS = 64
"""Maximum number of packs that an audit clone keeps; then they are merged."""

_MAX_BYTES = 1 << 14
_AUDIT = "audit"


class Selection(Struct, frozen=True):
    """The selection of content that a clone fetches.

    Attributes:
        only: The REFs whose files are fetched besides all documents; empty for no data at all.
        for_audit: Whether of the documents, too, only those without data are fetched: manifests,
            credentials, and the attachments that :func:`is_audited` names.
        packs: The packs that an audit clone made of these; no transaction record names them.
    """

    only: tuple[str, ...] = ()
    for_audit: bool = False
    packs: tuple[PackRef, ...] = ()

    @property
    def is_provable(self) -> bool:
        """Whether the file alone says what is left out.

        With REFs, nothing says which packs were left out, so a lost pack looks the same.
        """
        return not self.only

    def encode(self) -> bytes:
        """Return the bytes of the file ``partial``."""
        if not self.for_audit:
            return json.encode({"only": list(self.only), "v": 1})
        packs = [{"bytes": one.bytes, "id": str(one.id)} for one in self.packs]
        return json.encode({"for": _AUDIT, "packs": packs, "v": 1})


def is_audited(kind: str, role: str) -> bool:
    """Return whether an attachment of a manifest has no data, so that an audit clone has it."""
    return kind in KINDS and role in KINDS[kind].audited


def read_selection(backend: Backend) -> Selection | None:
    """Return the selection of this store; None for all data.

    Raises:
        FormatError: (``bad-partial``) the file is damaged.
    """
    try:
        data = backend.read(PARTIAL, 0, _MAX_BYTES + 1)
    except NotFoundError:
        return None
    try:
        if len(data) > _MAX_BYTES:
            raise _bad_partial()
        value = json.parse_canonical(data)
        if not isinstance(value, dict) or value.get("v") != 1:
            raise _bad_partial()
        if value.keys() == {"only", "v"} and _are_texts(value["only"]):
            return Selection(tuple(value["only"]))
        if value.keys() == {"for", "packs", "v"} and value["for"] == _AUDIT:
            return Selection(for_audit=True, packs=tuple(map(_pack, value["packs"])))
    except (AttributeError, FormatError, KeyError, TypeError):
        raise _bad_partial() from None
    raise _bad_partial()


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _pack(value: Any) -> PackRef:
    if value.keys() != {"bytes", "id"} or type(value["bytes"]) is not int:
        raise _bad_partial()
    if not 0 < value["bytes"] <= PACK_MAX:
        raise _bad_partial()
    return PackRef(Digest.parse(value["id"]), value["bytes"], "documents")


def _bad_partial() -> FormatError:
    return FormatError(
        "bad-partial",
        "the file partial of the store is damaged",
        hint="lyrikstore pull --all-data fetches everything",
    )


def refuse_audit_clone(selection: Selection | None, what: str) -> None:
    """Raise `audit-clone` if this is a clone for an audit.

    Args:
        selection: The selection of the clone.
        what: What cannot be done there, as a clause of the message.

    Raises:
        InvalidInputError: (``audit-clone``) its data stays at the home.
    """
    if selection is not None and selection.for_audit:
        raise InvalidInputError(
            "audit-clone",
            f"this clone was made for an audit: {what}",
            hint="whoever may have the data makes another clone: lyrikstore clone URL",
        )


def documents_of(packs: Iterable[PackRef]) -> list[PackRef]:
    """Return the packs of documents, which every clone needs but one for an audit."""
    return [pack for pack in packs if pack.role == "documents"]


def holders(backend: Backend, packs: Iterable[PackRef], wanted: set[Digest]) -> list[PackRef]:
    """Return the packs that contain any of ``wanted``, according to their footers.

    Cost: one or two ranged reads per pack.
    """
    from lyrikstore.objects.pack.format import read_index

    raws = {digest.raw for digest in wanted}
    found = []
    for pack in packs:
        digests = read_index(backend, pack).digests
        if any(digests[at : at + 32] in raws for at in range(0, len(digests), 32)):
            found.append(pack)
    return found
