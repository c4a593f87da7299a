"""Finds data in use that the store also contains under terms that prohibit the use.

A user who commits another publisher's files under a new name, and permits their use, has a right by
every rule (spec §12.7). The data can reveal this: the same files, or records with the same content,
are in another dataset, whose publisher prohibits the use. This is not a proof, because two
publishers may have the same public text; so it is a warning, which names the terms (spec §11.7.3).
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError, LyrikstoreError, NotFoundError
from lyrikstore.canon.quoting import listed
from lyrikstore.canon.text import pluralize
from lyrikstore.credentials.model.credential import DATASET
from lyrikstore.credentials.model.logged import logged_credential
from lyrikstore.credentials.terms.model import Terms
from lyrikstore.credentials.terms.partitioning import assign
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import retired_versions
from lyrikstore.history.trees.tree import Tree
from lyrikstore.objects.chunk.stream import NOT_FETCHED
from lyrikstore.verify.datasets.reading import DatasetReading
from lyrikstore.verify.problems import Problems
from lyrikstore.verify.report import Check, not_applicable
from lyrikstore.verify.rights.contents import Contents, count_shared

_CHECK = "rights.same-bytes"


class SharedFiles(Struct, frozen=True):
    """Data of a dataset in use that another dataset contains under terms that prohibit the use.

    Attributes:
        dataset: The source in use.
        files: Number of its files, of those that may have been used, that the other dataset also
            contains.
        name: Name of the other dataset in its credential.
        credential: The credential with the terms.
        issuer: The issuer of the terms.
        words: The uses that they prohibit and that the right in use permits.
        records: Number of records of its other files that have the content of a record there.
    """

    dataset: Manifest
    files: int
    name: str
    credential: Digest
    issuer: str
    words: tuple[str, ...]
    records: int = 0

    def __str__(self) -> str:
        """Return the finding as a sentence for people."""
        held = pluralize(self.files, "file is", "files are")
        if self.records:
            records = pluralize(self.records, "record is", "records are")
            files = f"{pluralize(self.files, 'file')} and " if self.files else ""
            held = f"{files}{records}"
        return (
            f"{self.dataset.name}: {held} also in {self.name}, whose terms, by {self.issuer}, "
            f"prohibit {', '.join(self.words)} (credential {self.credential.short})"
        )

    def to_json(self) -> dict[str, Any]:
        """Return the finding in the form of a report."""
        return {
            "dataset": str(self.dataset.id),
            "files": self.files,
            **({"records": self.records} if self.records else {}),
            "name": self.name,
            "credential": str(self.credential),
            "issuer": self.issuer,
            "prohibits": list(self.words),
        }


class _Prohibiting(Struct, frozen=True):
    id: Digest
    issuer: str
    name: str
    manifest: Digest
    tree: Digest
    terms: Terms


class ProhibitingTerms:
    """The logged terms that prohibit a use, and the files that they are about.

    Of an issuer's credentials about one version, the last logged one counts, whether or not it
    still gives a right: a right that ended is not a permission.

    Args:
        repository: The store.
        cited: Only these credentials count; None: all logged credentials.
        reading: Reads records; None: only files are compared. With ``cited``, only files are
            compared, too.

    Attributes:
        not_compared: Why records could not be compared, as far as this occurred.
        left_out: As that, where this copy leaves the records out by its user's choice.

    Raises:
        IncompleteError, VerificationError: A logged credential is lost or damaged: it may contain a
            prohibition.

    Cost: one read per logged credential, one signature for each that prohibits a use.
    """

    def __init__(
        self,
        repository: Repository,
        cited: Container[Digest] | None = None,
        *,
        reading: DatasetReading | None = None,
    ) -> None:
        self._repository, self._cited = repository, cited is not None
        self._contents = None if reading is None else Contents(repository, reading)
        self.not_compared: dict[str, None] = {}
        self.left_out: dict[str, None] = {}
        found: dict[tuple[str, Digest], _Prohibiting] = {}
        for entry in repository.entries():
            if entry.type != "credential" or (cited is not None and entry.id not in cited):
                continue
            opened = logged_credential(repository, entry.id)
            if opened.kind is not DATASET:
                continue
            if cited is None and repository.is_suspect(opened.data, entry.index):
                continue
            try:
                claims = opened.claims_as(DATASET)
            except LyrikstoreError:
                continue  # what it says is nobody's word; `credentials` names it
            if claims is not None and opened.issuer is not None and opened.signer is not None:
                found[opened.issuer, claims.manifest] = _Prohibiting(
                    entry.id,
                    opened.issuer,
                    claims.name,
                    claims.manifest,
                    claims.tree,
                    claims.terms,
                )
        self._all = [
            one for one in found.values() if any(part.prohibits for part in one.terms.partitions)
        ]
        self._trees: dict[Digest, Tree | None] = {}
        self._by_tree: dict[Digest, list[Manifest]] = {}

    def shared(
        self, rights: Iterable[Mapping[str, Any]], used: Sequence[Manifest]
    ) -> list[SharedFiles]:
        """Return the prohibited data that the sources of a use share.

        Args:
            rights: The rights on which the use relies, as runs record them.
            used: The datasets on which it rests. A file of a source that none of them can contain
                is not counted: a filter keeps paths.

        Raises:
            IncompleteError: (``retired``) the data in use was retired, and its tree is gone.
            LyrikstoreError: A tree that should be here cannot be read.

        Cost: O(files) of each tree that is compared; if records are read, also one read of each
        source and of each dataset that prohibits its use, and 16 bytes for each of their records.
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
            mine = _Mine.of(source, self._own_tree(source), places)
            for one in others:
                tree = self._tree(one.tree)
                if tree is None or not mine.files:
                    continue
                theirs = _Theirs.of(one, tree, words)
                shared = mine.files.keys() & theirs.prohibiting.keys()
                files = sum(len(mine.files[raw]) for raw in shared)
                said = {word for raw in shared for word in theirs.prohibiting[raw]}
                records = self._records(mine, theirs, shared, said)
                if files or records:
                    shown = tuple(sorted(said))
                    yield SharedFiles(source, files, one.name, one.id, one.issuer, shown, records)

    def _records(
        self, mine: "_Mine", theirs: "_Theirs", shared: Container[bytes], said: set[str]
    ) -> int:
        """Return the number of records shared beside files; add prohibited uses to ``said``."""
        rest, about = mine.but(shared), mine.dataset
        if self._cited or not any(rest) or (other := self._dataset(theirs.terms)) is None:
            return 0
        if self._contents is None:
            self.not_compared[f"records of {about.name} were not read"] = None
            return 0
        try:
            here = self._contents.of(about).of_files(rest)
            about = other
            there = self._contents.of(other)
        except LyrikstoreError as error:
            text = f"records of {about.name} cannot be compared: {error.message}"
            self.not_compared[text] = None
            if error.kind == NOT_FETCHED:
                self.left_out[text] = None
            return 0
        for words, chosen in theirs.files_by_words():
            if count_shared(here, there.of_files(chosen)):
                said |= words
        return count_shared(here, there.of_files(list(map(bool, theirs.words))))

    def _dataset(self, terms: _Prohibiting) -> Manifest | None:
        """Return a logged dataset that has the files of these terms; first, the one they name.

        Its manifest declares how its files are read.
        """
        found = self._datasets_of(terms.tree)
        return min(found, key=lambda one: one.id != terms.manifest, default=None)

    def _datasets_of(self, tree: Digest) -> list[Manifest]:
        if not self._by_tree:
            for _, one in self._repository.all_manifests():
                if one.kind == "dataset" and one.tree is not None:
                    self._by_tree.setdefault(one.tree, []).append(one)
        return self._by_tree.get(tree, [])

    def _own_tree(self, dataset: Manifest) -> Tree:
        try:
            return self._repository.tree(dataset)
        except LyrikstoreError as error:
            if dataset.id not in retired_versions(self._repository):
                raise
            raise IncompleteError("retired", error.message) from error

    def _tree(self, identity: Digest) -> Tree | None:
        """Return a tree of this store; None if the store never had it, or retired it."""
        if identity not in self._trees:
            self._trees[identity] = self._read(identity)
        return self._trees[identity]

    def _read(self, identity: Digest) -> Tree | None:
        try:
            with self._repository.blobs.open(identity) as stream:
                return Tree.parse(stream)
        except (NotFoundError, IncompleteError) as error:
            gone = retired_versions(self._repository)
            of = [one.id in gone for one in self._datasets_of(identity)]
            if not all(of):
                raise
            # Whoever made a card saw it: that card cannot be made again without.
            if self._cited and of:
                raise IncompleteError("retired", error.message) from error
            if self._cited:
                raise
            return None


class _Places:
    """The paths that the datasets in use may contain."""

    def __init__(self, trees: Sequence[Tree]) -> None:
        self.digests = {raw for tree in trees for raw in _digests(tree)}
        self._paths: dict[str, list[str]] = {}
        for tree in trees:
            for path in tree.paths:
                self._paths.setdefault(path.rpartition("/")[2], []).append(path)

    def may_hold(self, path: str) -> bool:
        """Return whether the datasets may contain a file of this path, changed or not."""
        below = f"/{path}"  # in a union its dataset's name stands in front
        return any(
            one == path or one.endswith(below)
            for one in self._paths.get(path.rpartition("/")[2], ())
        )


def _digests(tree: Tree) -> list[bytes]:
    return [tree.digests[at : at + 32] for at in range(0, len(tree.digests), 32)]


class _Mine(Struct, frozen=True):
    """A source, and its files that are not empty and may have been used, by their digests."""

    dataset: Manifest
    size: int
    files: Mapping[bytes, Sequence[int]]

    @classmethod
    def of(cls, dataset: Manifest, tree: Tree, places: _Places) -> "_Mine":
        found: dict[bytes, list[int]] = {}
        columns = zip(_digests(tree), tree.sizes, tree.paths, strict=True)
        for number, (raw, size, path) in enumerate(columns):
            if size and (raw in places.digests or places.may_hold(path)):
                found.setdefault(raw, []).append(number)
        return cls(dataset, len(tree), found)

    def but(self, shared: Container[bytes]) -> list[bool]:
        """Return, for each file, whether it is one of these and its digest is not in ``shared``."""
        chosen = [False] * self.size
        for raw, numbers in self.files.items():
            for number in numbers:
                chosen[number] = raw not in shared
        return chosen


class _Theirs(Struct, frozen=True):
    """A dataset under terms that prohibit a use.

    Attributes:
        terms: The terms.
        words: For each file, the uses in question that they prohibit.
        prohibiting: The same by the digest of a file, for files with a prohibition.
    """

    terms: _Prohibiting
    words: Sequence[frozenset[str]]
    prohibiting: Mapping[bytes, frozenset[str]]

    @classmethod
    def of(cls, terms: _Prohibiting, tree: Tree, words: frozenset[str]) -> "_Theirs":
        said = [words & set(part.prohibits) for part in terms.terms.partitions]
        by_file = [said[number] for number in assign(tree, terms.terms.partitions)]
        found: dict[bytes, frozenset[str]] = {}
        for raw, some in zip(_digests(tree), by_file, strict=True):
            if some:
                found[raw] = found.get(raw, frozenset()) | some
        return cls(terms, by_file, found)

    def files_by_words(self) -> Iterator[tuple[frozenset[str], list[bool]]]:
        """Yield each set of prohibited uses, and for each file whether the set applies to it."""
        for words in set(self.words) - {frozenset()}:
            yield words, [one == words for one in self.words]


def check_same_bytes(
    repository: Repository,
    ancestry: Lineage,
    reading: DatasetReading | None = None,
) -> Check:
    """Return ``rights.same-bytes`` of the runs and evaluations in ``ancestry``.

    Args:
        repository: The store.
        ancestry: The manifests in question; the check ``lineage`` names those that cannot be
            followed.
        reading: Reads records; None: only files are compared.

    Returns:
        The check: a warning if files or records are shared, listed in ``detail.shared``, or if
        records cannot be compared.
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
        used = ancestry.rests_on(_rests_on(use)).datasets
        try:
            terms = terms or ProhibitingTerms(repository, reading=reading)
            found.update((str(one), one) for one in terms.shared(use.body["rights"], used))
        except LyrikstoreError as error:
            # ATTACK: whoever holds the store damages the list of files that would tell. One that a
            # signed retention let go is another matter.
            worse = problems.warnings if error.kind == "retired" else problems.lost
            problems.note_as(worse, "not-compared", "files cannot be compared", error)
    for text in found:
        problems.add(problems.warnings, "prohibited-elsewhere", text)
    for text in terms.not_compared if terms is not None else ():
        if terms is not None and text in terms.left_out:
            problems.left_out.append(text)
        else:
            problems.add(problems.warnings, "not-compared", text)
    shared = {"shared": listed([one.to_json() for one in found.values()])} if found else {}
    what = "files" if reading is None else "files and records"
    return problems.close(f"{what} of the data in use were looked for under other terms", **shared)


def _rests_on(use: Manifest) -> list[Digest]:
    """Return the datasets that a run or an evaluation read, and the checkpoint trained on from."""
    return [*read_by(use), *(item.id for item in use.inputs_in("base"))]


def read_by(use: Manifest) -> list[Digest]:
    """Return the datasets that a run or an evaluation read by the rights it recorded."""
    roles = ("train", "validation") if use.kind == "run" else ("test",)
    return [item.id for role in roles for item in use.inputs_in(role)]
