"""Files that a right is about and that the store also holds under terms that prohibit it.

Whoever commits somebody else's files anew under a name of their own, and permits their use, has a
right by every rule (spec §12.7). The bytes tell: the same files lie in another dataset, whose
publisher said no. That is no proof, since two people may have one public text; so it is a warning,
which names the terms (spec §11.7.3).
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError, LyrikstoreError, NotFoundError
from lyrikstore.canon.quoting import listed
from lyrikstore.canon.text import pluralize
from lyrikstore.credentials.model.credential import DATASET
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.terms.model import Terms
from lyrikstore.credentials.terms.partitioning import assign
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import retired_versions
from lyrikstore.history.trees.tree import Tree
from lyrikstore.verify.problems import Problems
from lyrikstore.verify.report import Check, not_applicable
from lyrikstore.verify.rights.closure import rights_closure

_CHECK = "rights.same-bytes"


class SharedFiles(Struct, frozen=True):
    """Files of a dataset in use that are also in another, under terms that prohibit the use.

    Attributes:
        dataset: The source in use.
        files: How many of its files that may have been used.
        name: The other dataset, as its credential calls it.
        credential: The credential with the terms.
        issuer: Whose terms they are.
        words: What they prohibit of what the right in use permits.
    """

    dataset: Manifest
    files: int
    name: str
    credential: Digest
    issuer: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        """Return it as a sentence for people."""
        held = pluralize(self.files, "file is", "files are")
        return (
            f"{self.dataset.name}: {held} also in {self.name}, whose terms, by {self.issuer}, "
            f"prohibit {', '.join(self.words)} (credential {self.credential.short})"
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as a report has it."""
        return {
            "dataset": str(self.dataset.id),
            "files": self.files,
            "name": self.name,
            "credential": str(self.credential),
            "issuer": self.issuer,
            "prohibits": list(self.words),
        }


class _Prohibiting(Struct, frozen=True):
    id: Digest
    issuer: str
    name: str
    tree: Digest
    terms: Terms


class ProhibitingTerms:
    """The logged terms that prohibit something, and the files that they are about.

    Of the credentials of an issuer about one version the last that was logged counts, whether or
    not it still gives a right: a right that ended is not a permission.

    Args:
        repository: The store.
        cited: Only these credentials count; None: all that are logged.

    Raises:
        IncompleteError, VerificationError: A logged credential is lost or damaged: it may be what
            prohibits.

    Cost: one read per logged credential, one signature for each that prohibits something.
    """

    def __init__(self, repository: Repository, cited: Container[Digest] | None = None) -> None:
        self._repository, self._cited = repository, cited is not None
        found: dict[tuple[str, Digest], _Prohibiting] = {}
        for entry in repository.entries():
            if entry.type != "credential" or (cited is not None and entry.id not in cited):
                continue
            data = repository.credential(entry.id)
            opened = OpenedCredential(data)
            if opened.kind is not DATASET:
                continue
            if cited is None and repository.is_suspect(data, entry.index):
                continue
            try:
                claims = opened.claims_as(DATASET)
            except LyrikstoreError:
                continue  # what it says is nobody's word; `credentials` names it
            if claims is not None and opened.issuer is not None and opened.signer is not None:
                found[opened.issuer, claims.manifest] = _Prohibiting(
                    entry.id, opened.issuer, claims.name, claims.tree, claims.terms
                )
        self._all = [
            one for one in found.values() if any(part.prohibits for part in one.terms.partitions)
        ]
        self._trees: dict[Digest, Tree | None] = {}

    def shared(
        self, rights: Iterable[Mapping[str, Any]], used: Sequence[Manifest]
    ) -> list[SharedFiles]:
        """Return what is shared with the sources of a use.

        Args:
            rights: The rights that it relies on, as runs record them.
            used: The datasets it rests on. A file of a source that none of them can hold is not
                counted: a filter keeps paths.

        Raises:
            IncompleteError: (``retired``) the data in use was retired, and its tree is gone.
            LyrikstoreError: A tree that should be here cannot be read.

        Cost: O(files) of each tree that is compared.
        """
        return list(self._shared(rights, used)) if self._all else []

    def _shared(
        self, rights: Iterable[Mapping[str, Any]], used: Sequence[Manifest]
    ) -> Iterator[SharedFiles]:
        places: _Places | None = None
        for right in rights:
            words = frozenset(right["permits"])
            others = [
                one
                for one in self._all
                # Whoever says both may permit what they prohibited.
                if one.issuer != right["issuer"]
                and any(words & set(part.prohibits) for part in one.terms.partitions)
            ]
            if not others:
                continue
            source = self._repository.manifest(Digest.parse(right["dataset"]))
            places = places or _Places([self._own_tree(dataset) for dataset in used])
            mine = _held(self._own_tree(source), places)
            for one in others:
                tree = self._tree(one.tree)
                if tree is None or not mine:
                    continue
                files, said = _prohibited(tree, one.terms, words, mine)
                if files:
                    shown = tuple(sorted(said))
                    yield SharedFiles(source, files, one.name, one.id, one.issuer, shown)

    def _own_tree(self, dataset: Manifest) -> Tree:
        try:
            return self._repository.tree(dataset)
        except LyrikstoreError as error:
            if dataset.id not in retired_versions(self._repository):
                raise
            raise IncompleteError("retired", error.message) from error

    def _tree(self, identity: Digest) -> Tree | None:
        """Return a tree that this store holds; None if it never did, or let it go."""
        if identity not in self._trees:
            self._trees[identity] = self._read(identity)
        return self._trees[identity]

    def _read(self, identity: Digest) -> Tree | None:
        try:
            with self._repository.blobs.open(identity) as stream:
                return Tree.parse(stream)
        except (NotFoundError, IncompleteError) as error:
            gone = retired_versions(self._repository)
            of = [
                one.id in gone
                for _, one in self._repository.all_manifests()
                if one.kind == "dataset" and one.tree == identity
            ]
            if not all(of):
                raise
            # Whoever made a card saw it: that card cannot be made again without.
            if self._cited and of:
                raise IncompleteError("retired", error.message) from error
            if self._cited:
                raise
            return None


class _Places:
    """What the datasets that were read hold."""

    def __init__(self, trees: Sequence[Tree]) -> None:
        self.digests = {raw for tree in trees for raw in _digests(tree)}
        self._paths: dict[str, list[str]] = {}
        for tree in trees:
            for path in tree.paths:
                self._paths.setdefault(path.rpartition("/")[2], []).append(path)

    def may_hold(self, path: str) -> bool:
        """Return whether a file of this path may be in them, changed or not."""
        below = f"/{path}"  # in a union its dataset's name stands in front
        return any(
            one == path or one.endswith(below)
            for one in self._paths.get(path.rpartition("/")[2], ())
        )


def _digests(tree: Tree) -> list[bytes]:
    return [tree.digests[at : at + 32] for at in range(0, len(tree.digests), 32)]


def _held(tree: Tree, places: _Places) -> dict[bytes, int]:
    """Return how many files of a source, that are not empty and may be used, have which digest."""
    found: dict[bytes, int] = {}
    for raw, size, path in zip(_digests(tree), tree.sizes, tree.paths, strict=True):
        if size and (raw in places.digests or places.may_hold(path)):
            found[raw] = found.get(raw, 0) + 1
    return found


def _prohibited(
    tree: Tree, terms: Terms, words: frozenset[str], mine: Mapping[bytes, int]
) -> tuple[int, set[str]]:
    """Return how many files of ``mine`` are in ``tree`` where terms prohibit, and what of words."""
    said = [words & set(part.prohibits) for part in terms.partitions]
    numbers = assign(tree, terms.partitions)
    shared: set[bytes] = set()
    found: set[str] = set()
    for raw, number in zip(_digests(tree), numbers, strict=True):
        if said[number] and raw in mine:
            shared.add(raw)
            found |= said[number]
    return sum(mine[raw] for raw in shared), found


def check_same_bytes(repository: Repository, ancestry: Mapping[Digest, Manifest]) -> Check:
    """Return ``rights.same-bytes`` of the runs and evaluations in ``ancestry``.

    Args:
        repository: The store.
        ancestry: The manifests in question; what cannot be followed, ``lineage`` names.

    Returns:
        The check: a warning where files are shared, in ``detail.shared``.
    """
    problems = Problems(_CHECK)
    uses = [
        one
        for one in ancestry.values()
        if one.kind in {"run", "evaluation"} and one.body.get("rights")
    ]
    if not uses:
        return not_applicable(_CHECK, "no run and no evaluation in its ancestry")
    found: dict[str, SharedFiles] = {}
    terms: ProhibitingTerms | None = None
    for use in uses:
        used = rights_closure(_rests_on(use), ancestry.get).datasets
        try:
            terms = terms or ProhibitingTerms(repository)
            found.update((str(one), one) for one in terms.shared(use.body["rights"], used))
        except LyrikstoreError as error:
            # ATTACK: whoever holds the store damages the list of files that would tell. One that a
            # signed retention let go is another matter.
            worse = problems.odd if error.kind == "retired" else problems.lost
            problems.add(worse, "not-compared", f"files cannot be compared: {error.message}")
    for text in found:
        problems.add(problems.odd, "prohibited-elsewhere", text)
    shared = {"shared": listed([one.to_json() for one in found.values()])} if found else {}
    return problems.close("files of the data in use were looked for under other terms", **shared)


def _rests_on(use: Manifest) -> list[Digest]:
    """Return the datasets that a run or an evaluation read, and what it was trained on from."""
    return [*read_by(use), *(item.id for item in use.inputs_in("base"))]


def read_by(use: Manifest) -> list[Digest]:
    """Return the datasets that a run or an evaluation read by the rights it recorded."""
    roles = ("train", "validation") if use.kind == "run" else ("test",)
    return [item.id for role in roles for item in use.inputs_in(role)]
