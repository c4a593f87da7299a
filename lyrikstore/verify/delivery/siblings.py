"""The sibling files of a credential, found by the digests that name them (spec §11.4, §20.5)."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Self

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import may_contain
from lyrikstore.credentials.model.credential import DATASET
from lyrikstore.credentials.model.opened import OpenedCredential


class SiblingFiles:
    """The sibling files of a credential, found by what they are, never by what they are called.

    Args:
        files: Name → bytes, size-capped by the caller. Each is hashed once, and opened once however
            many ask what it says.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        opened = {name: OpenedCredential(files[name]) for name in sorted(files)}
        self._put(opened.values())
        self.names: Mapping[str, Digest] = {name: one.digest for name, one in opened.items()}

    @classmethod
    def unnamed(cls, files: Iterable[OpenedCredential]) -> Self:
        """Return files that nobody gave names, in this order."""
        found = cls({})
        found._put(files)
        return found

    def _put(self, files: Iterable[OpenedCredential]) -> None:
        self.by_digest: dict[Digest, OpenedCredential] = {}
        for one in files:
            self.by_digest.setdefault(one.digest, one)

    def find(self, wanted: Digest) -> bytes | None:
        """Return the file with this digest, or None."""
        found = self.by_digest.get(wanted)
        return None if found is None else found.data

    def terms_of(self, grant: OpenedCredential) -> OpenedCredential | None:
        """Return the dataset credential that a grant names, in whatever spelling, or None."""
        try:
            named = (grant.document or {})["credentialSubject"]["grant"]["terms"]["digest"]
        except (KeyError, TypeError, IndexError):
            return None
        return self._dataset_credentials.get(named) if isinstance(named, str) else None

    @property
    def all(self) -> Iterable[OpenedCredential]:
        """Each file once, in the order of their names."""
        return self.by_digest.values()

    @cached_property
    def _dataset_credentials(self) -> dict[str, OpenedCredential]:
        found: dict[str, OpenedCredential] = {}
        for one in self.all:
            if may_contain(one.data, DATASET.type) and one.id is not None:
                found.setdefault(one.id.urn, one)
        return found
