"""Partial clones: the selection of data to fetch (spec §15.6).

Data that a partial clone leaves out is *not fetched*, never lost; the file ``partial`` contains the
selection, so that readers can distinguish the two.
"""

from collections.abc import Iterable

from msgspec import Struct

from lyrikstore.canon import json
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, NotFoundError
from lyrikstore.history.repository.clone import read_small
from lyrikstore.objects.backends.base import Backend
from lyrikstore.objects.pack.format import PackRef

PARTIAL = "partial"


class Selection(Struct, frozen=True):
    """The selection of data that a clone fetches; documents are always fetched.

    Attributes:
        only: The REFs whose files are fetched; empty for no data at all.
    """

    only: tuple[str, ...] = ()

    @property
    def is_provable(self) -> bool:
        """Whether the file alone says what is left out: all data, and nothing else.

        With REFs, nothing says which packs were left out, so a lost pack looks the same.
        """
        return not self.only

    def encode(self) -> bytes:
        """Return the bytes of the file ``partial``."""
        return json.encode({"only": list(self.only), "v": 1})


def read_selection(backend: Backend) -> Selection | None:
    """Return the selection of this store; None for all data.

    Raises:
        FormatError: (``bad-partial``) the file is damaged.
    """
    try:
        value = read_small(backend, PARTIAL)
    except NotFoundError:
        return None
    if (
        not isinstance(value, dict)
        or value.keys() != {"only", "v"}
        or value["v"] != 1
        or not isinstance(value["only"], list)
        or not all(isinstance(one, str) for one in value["only"])
    ):
        raise FormatError(
            "bad-partial",
            "the file partial of the store is damaged",
            hint="lyrikstore pull --all-data fetches everything",
        )
    return Selection(tuple(value["only"]))


def documents_of(packs: Iterable[PackRef]) -> list[PackRef]:
    """Return the packs of documents, which every clone needs."""
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
