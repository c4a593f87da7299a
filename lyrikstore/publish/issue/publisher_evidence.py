"""Evidence of first publishers in a delivery of redistributed data (spec §14.1, §19.9).

A delivery contains their credentials and all that these rest on, so that a buyer can verify them
offline.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError, LyrikstoreError, PolicyError
from lyrikstore.credentials.model.credential import sha256_multibase
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.model.redistribution import CREDENTIAL_TYPE, MAX_SOURCES
from lyrikstore.credentials.model.status_list import newest_first
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.store_view import MAX_READ
from lyrikstore.history.trees.tree import Tree
from lyrikstore.publish.issue.redistribution import FirstPublisher
from lyrikstore.verify.credential.issuer_key import statements_needed
from lyrikstore.verify.credential.key_statements import check_few
from lyrikstore.verify.credential.log_proofs import PROOF_HEAD
from lyrikstore.verify.credential.status import StatusUpdates, logged_status_updates
from lyrikstore.verify.redistribution import first_credentials

MAX_FILES = 128
MAX_BYTES = 1 << 20
"""Limits of this evidence; a buyer's verifier refuses a folder of more than 512 files."""


class CarriedEvidence(Struct, frozen=True):
    """The evidence in a delivery about data of others.

    Attributes:
        credentials: Credentials and grants that the new credential names; each is in a file.
        files: File name → bytes: these credentials, what they rest on, and the manifests from the
            import to this dataset.
        left_out: Publishers whose evidence is omitted, as it would show what a filter removed.
        named: Credentials and grants of the omitted publishers, which are only named.
    """

    credentials: tuple[OpenedCredential, ...] = ()
    files: tuple[tuple[str, bytes], ...] = ()
    left_out: tuple[FirstPublisher, ...] = ()
    named: tuple[OpenedCredential, ...] = ()

    def pin(self, document: dict[str, Any]) -> None:
        """Add to an unsigned credential the digests of the credentials that it rests on."""
        if self.credentials:
            document["relatedResource"] += [
                {
                    "id": one.digest.urn,
                    "mediaType": CREDENTIAL_TYPE,
                    "digestMultibase": sha256_multibase(one.data),
                }
                for one in self.credentials
            ]
        if self.named:
            document["evidence"] = [
                {
                    "id": one.digest.urn,
                    "type": ["Report"],
                    "name": f"{one.issuer} {_dataset_of(one)}"[:1000],
                    "digestMultibase": sha256_multibase(one.data),
                }
                for one in self.named
            ]


class WholeFiles:
    """Test whether a tree contains all files of other trees, with bytes, metadata and path.

    ATTACK A72: if a file was removed or changed, the digest of the other tree would let a reader
    check guesses about it. A union puts folders before a path, and changes nothing else.

    Args:
        tree: The tree.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    @cached_property
    def _places(self) -> dict[bytes, list[int]]:
        places: dict[bytes, list[int]] = {}
        for at in range(len(self._tree)):
            places.setdefault(self._tree.digests[at * 32 : at * 32 + 32], []).append(at)
        return places

    def hold(self, source: Tree) -> bool:
        """Return whether the tree contains every file of ``source``."""
        paths, metas = self._tree.paths, self._tree.metas
        return all(
            any(
                f"/{paths[one]}".endswith(f"/{path}")
                and (metas.get(one) or {}) == (source.metas.get(at) or {})
                for one in self._places.get(source.digests[at * 32 : at * 32 + 32], ())
            )
            for at, path in enumerate(source.paths)
        )


def carry(
    repository: Repository,
    manifest: Manifest,
    tree: Tree,
    publishers: Sequence[FirstPublisher],
    at: datetime,
) -> CarriedEvidence:
    """Return the evidence for the delivery of a dataset that rests on data of others.

    Args:
        repository: The store.
        manifest: The dataset.
        tree: Its tree.
        publishers: The first publishers of its data.
        at: The moment of issuing.

    Raises:
        PolicyError: (``too-many-sources``) the evidence is more than a buyer's verifier reads.
        LyrikstoreError: A dataset that it was made from is lost or damaged.

    Cost: one read of the tree of every dataset between the imports and this dataset.
    """
    if not publishers:
        return CarriedEvidence()
    status_updates = logged_status_updates(repository)
    kept, whole = WholeFiles(tree), list[FirstPublisher]()
    left_out: list[FirstPublisher] = []
    for publisher in publishers:
        is_whole = _is_whole(repository, manifest, kept, publisher.source)
        (whole if is_whole else left_out).append(publisher)
    files: dict[str, bytes] = {}
    carried: dict[Digest, OpenedCredential] = {}
    for publisher in whole:
        for credential in _credentials(repository, publisher):
            carried[credential.digest] = credential
            files |= _with(credential, status_updates, at)
        for start, data in _manifests(repository, manifest, publisher.source):
            files[f"{start}-{Digest.of(data).short}.json"] = data
    for data in _between(repository, manifest, kept, [publisher.source for publisher in whole]):
        files[f"source-{Digest.of(data).short}.json"] = data
    size = sum(map(len, files.values()))
    named = {
        credential.digest: credential
        for publisher in left_out
        for credential in _credentials(repository, publisher)
        if credential.digest not in carried
    }
    many = len(carried) + len(named) > MAX_SOURCES or len(files) > MAX_FILES or size > MAX_BYTES
    if many or not check_few(files.values()):
        raise PolicyError(
            "too-many-sources",
            f"{manifest.name} rests on more credentials and files of other publishers than fit "
            "into a delivery",
            hint="issue its sources separately",
        )
    return CarriedEvidence(
        tuple(carried.values()), tuple(files.items()), tuple(left_out), tuple(named.values())
    )


def _is_whole(
    repository: Repository, manifest: Manifest, kept: WholeFiles, source: Manifest
) -> bool:
    try:
        return source.id == manifest.id or kept.hold(repository.tree(source))
    except LyrikstoreError:  # for example, its data is retired
        return False


def _dataset_of(one: OpenedCredential) -> str:
    subject = (one.document or {})["credentialSubject"]
    name: str = subject["grant"]["dataset"]["name"] if "grant" in subject else subject["name"]
    return name


def _credentials(repository: Repository, one: FirstPublisher) -> Iterator[OpenedCredential]:
    """Yield a publisher's credential and grant, and the credentials that these rest on."""
    for signed in (one.credential, one.grant):
        if signed is not None:
            yield signed
            yield from first_credentials(repository, signed)


def _with(one: OpenedCredential, status_updates: StatusUpdates, at: datetime) -> dict[str, bytes]:
    files = {f"source-{one.digest.short}.json": one.data}
    for entry in one.entries:
        newest, _ = newest_first(status_updates.lists.get(entry.url, ()), one.issuer or "", at)
        if newest:
            files[f"source-{one.digest.short}-{entry.purpose}.json"] = newest[0].data
    # Superseded terms are revoked, but grants under them remain: the buyer must see the new terms.
    for later in status_updates.successors.get(one.id.urn, ()) if one.id is not None else ():
        if later.issuer == one.issuer:
            files[f"source-{later.digest.short}.json"] = later.data
    for known in status_updates.documents:
        if known.document.id == one.issuer:
            files[f"source-{one.digest.short}-did.json"] = known.data
    with suppress(IncompleteError):  # the verifier's check of the key reports what is missing
        for data in statements_needed(one, status_updates.statements):
            ending = "tlog-proof" if data.startswith(PROOF_HEAD) else "json"
            files[f"statement-{Digest.of(data).short}.{ending}"] = data
    return files


def _manifests(
    repository: Repository, manifest: Manifest, source: Manifest
) -> Iterator[tuple[str, bytes]]:
    """Yield (start of the file name, bytes) of the manifests of an import, for a delivery."""
    if source.id != manifest.id:
        yield "source", source.encode()
    for start, role in (("source", "foreign-manifest"), ("statement", "foreign-genesis")):
        for one in source.attachments_in(role)[:1]:
            yield start, repository.blobs.read(one.id, max_bytes=MAX_READ)


def _between(
    repository: Repository, manifest: Manifest, whole: WholeFiles, sources: Sequence[Manifest]
) -> Iterator[bytes]:
    """Yield the manifests between the sources and a dataset, those whose files it all contains."""
    made: dict[Digest, Manifest] = {}
    pending, seen = [*manifest.made_from], set[Digest]()
    while pending:
        identity = pending.pop()
        if identity in seen:
            continue
        seen.add(identity)
        with suppress(LyrikstoreError):
            one = repository.manifest(identity)
            if one.made_from and whole.hold(repository.tree(one)):
                made[identity] = one
                pending += one.made_from
    leading, before = {one.id for one in sources}, -1
    while before != len(leading):
        before = len(leading)
        leading |= {one.id for one in made.values() if leading.intersection(one.made_from)}
    yield from (one.encode() for one in made.values() if one.id in leading)
