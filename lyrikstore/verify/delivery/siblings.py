"""The sibling files of a credential, found by the digests that name them (spec §11.4, §20.5)."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Self

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import may_contain
from lyrikstore.credentials.model.credential import DATASET, GRANT, CredentialKind
from lyrikstore.credentials.model.opened import OpenedCredential


class SiblingFiles:
    """The sibling files of a credential, found by content, never by name.

    Args:
        files: Name → bytes, size-capped by the caller. Each is hashed and parsed at most once.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        opened = {name: OpenedCredential(files[name]) for name in sorted(files)}
        self._put(opened.values())
        self.names: Mapping[str, Digest] = {name: one.digest for name, one in opened.items()}

    @classmethod
    def unnamed(cls, files: Iterable[OpenedCredential]) -> Self:
        """Return files without names, in this order."""
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

    def named(self, name: str) -> bytes | None:
        """Return the file of this name, or None; the name does not prove its content."""
        digest = self.names.get(name)
        return None if digest is None else self.find(digest)

    def terms_of(self, grant: OpenedCredential) -> OpenedCredential | None:
        """Return the dataset credential that a grant names, in any spelling, or None."""
        try:
            named = (grant.document or {})["credentialSubject"]["grant"]["terms"]["digest"]
        except (KeyError, TypeError, IndexError):
            return None
        return self._dataset_credentials.get(named) if isinstance(named, str) else None

    def other_version(self, opened: OpenedCredential, among: CredentialKind) -> Digest | None:
        """Return the manifest of another version of the dataset that a credential is about.

        Nothing is verified: the result follows from what the files state, and no check depends on
        it.

        Args:
            opened: A grant or a dataset credential.
            among: The kind of the files that are searched.

        Returns:
            The first version by its digest that these files are about; None if a file is about this
            version, or no file is about this dataset.
        """
        dataset, manifest = _dataset_meant(opened)
        found = self._versions(among).get(dataset, set()) if dataset is not None else set()
        return None if manifest in found else min(found, default=None)

    def _versions(self, kind: CredentialKind) -> dict[tuple[str, str], set[Digest]]:
        """Return dataset → its versions among files of this kind; computed once."""
        if kind.type not in self._known_versions:
            found = self._known_versions[kind.type] = {}
            for one in self.all:
                if may_contain(one.data, kind.type) and one.kind is kind:
                    dataset, manifest = _dataset_meant(one)
                    if dataset is not None and manifest is not None:
                        found.setdefault(dataset, set()).add(manifest)
        return self._known_versions[kind.type]

    @cached_property
    def _known_versions(self) -> dict[str, dict[tuple[str, str], set[Digest]]]:
        return {}

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


def _dataset_meant(opened: OpenedCredential) -> tuple[tuple[str, str] | None, Digest | None]:
    """Return name, store and manifest of the dataset that a credential is about."""
    try:
        subject = (opened.document or {})["credentialSubject"]
        about = subject["grant"]["dataset"] if opened.kind is GRANT else subject
        name, store, manifest = about["name"], about["store"], about["manifest"]
        if isinstance(name, str) and isinstance(store, str) and isinstance(manifest, str):
            return (name, store), Digest.parse_urn(manifest)
    except (KeyError, TypeError, FormatError):
        pass
    return None, None
