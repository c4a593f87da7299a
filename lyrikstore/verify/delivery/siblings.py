"""The sibling files of a credential, found by the digests that name them (spec §11.4, §20.5)."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Self

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import encode, may_contain, parse
from lyrikstore.credentials.model.credential import DATASET


class SiblingFiles:
    """The sibling files of a credential, found by what they are, never by what they are called.

    Args:
        files: Name → bytes, size-capped by the caller. Each is hashed once, and read once however
            many grants name it.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        named = sorted(files.items(), reverse=True)  # of several names the first
        self.by_digest: Mapping[Digest, tuple[str, bytes]] = {
            Digest.of(data): (name, data) for name, data in named
        }

    @classmethod
    def unnamed(cls, files: Iterable[bytes]) -> Self:
        """Return files that nobody gave names, in this order."""
        return cls({f"{number:09d}": data for number, data in enumerate(files)})

    def find(self, wanted: Digest) -> bytes | None:
        """Return the file with this digest, or None."""
        found = self.by_digest.get(wanted)
        return None if found is None else found[1]

    def terms_of(self, grant: bytes) -> bytes | None:
        """Return the dataset credential that a grant names, in whatever spelling, or None."""
        try:
            named = parse(grant)["credentialSubject"]["grant"]["terms"]["digest"]
        except (FormatError, KeyError, TypeError, IndexError):
            return None
        return self._dataset_credentials.get(named) if isinstance(named, str) else None

    @cached_property
    def all(self) -> list[bytes]:
        """Each file once, in the order of their names."""
        return [data for _, data in sorted(self.by_digest.values())]

    @cached_property
    def _dataset_credentials(self) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for data in self.all:
            if may_contain(data, DATASET.type):
                try:
                    found.setdefault(Digest.of(encode(parse(data))).urn, data)
                except FormatError:
                    continue
        return found
