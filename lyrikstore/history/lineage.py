"""Lineage: all manifests that a manifest was made from, each read and verified once (spec §8.6).

A command reads a lineage once, as of one log checkpoint, and passes it to the code that verifies or
shows it: nothing is read after that, and it does not change. Reading does not stop at the first
problem: a lineage lists all of them, because an auditor needs the whole list, and because one lost
manifest must not hide another that is false (attack cases A08, A39).
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, Protocol

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError, NotFoundError, StorageError
from lyrikstore.history.log.checkpoint import SignedCheckpoint
from lyrikstore.history.manifests.manifest import Manifest

ProblemKind = Literal[
    "unlogged", "missing", "damaged", "wrong-kind", "wrong-parent", "logged-later", "cycle"
]

LEARNED = frozenset({"train", "validation"})
"""Roles of training data: validation data chooses among candidates, epochs and settings."""


class LineageSource(Protocol):
    """The members of a store that reading a lineage needs."""

    @property
    def checkpoint(self) -> SignedCheckpoint | None:
        """The log checkpoint of its state; None if it was not verified."""

    def manifest(self, identity: Digest) -> Manifest:
        """Return a logged, verified manifest."""

    def index_of(self, identity: Digest) -> int:
        """Return its log index."""


class Edge(Struct, frozen=True):
    """One link of a lineage: ``child`` was made from ``parent``.

    Attributes:
        child: The manifest that has the other as input.
        parent: The input.
        role: Role of the input, such as ``train``.
        kind: The kind of the input, as the link claims it.
    """

    child: Digest
    parent: Digest
    role: str
    kind: str


class Node(Struct, frozen=True):
    """One manifest of a lineage.

    Attributes:
        manifest: The verified manifest.
        index: Its log index.
    """

    manifest: Manifest
    index: int

    @property
    def id(self) -> Digest:
        """Its id."""
        return self.manifest.id


class Problem(Struct, frozen=True):
    """A problem in a lineage.

    Attributes:
        kind: ``unlogged``: no log entry has this id; ``missing``, ``damaged``: logged, but its
            bytes are missing or damaged; ``wrong-kind``: a link claims another kind;
            ``wrong-parent``: an earlier version is not a manifest of the same name;
            ``logged-later``: it is logged after a manifest that was made from it; ``cycle``.
        id: The manifest with the problem.
        summary: One line for people.
        error: The error of reading it, if it could not be read.
    """

    kind: ProblemKind
    id: Digest
    summary: str
    error: LyrikstoreError | None = None


class RightsClosure(Struct, frozen=True):
    """The datasets and models whose terms apply to some datasets and models (spec §12.7).

    Attributes:
        datasets: The datasets in use: first the requested ones, then the training data of the
            models on the way. They determine the use and the partitions of a source.
        sources: The datasets at the roots of these, made from no other: their terms apply.
        models: The models at the roots, committed from other places: their licence is the one
            that the committer asserts.
        runs: The runs on the way, the nearest first.
        through: Source → the nearest model through which it is reached; sources that are also
            used directly are left out.
        absent: Manifests that cannot be followed; these never count as permitted.
    """

    datasets: tuple[Manifest, ...]
    sources: tuple[Manifest, ...]
    models: tuple[Manifest, ...]
    runs: tuple[Manifest, ...]
    through: dict[Digest, Manifest]
    absent: tuple[Digest, ...]

    @property
    def direct(self) -> tuple[Manifest, ...]:
        """The sources that are used directly, not only through a model."""
        return tuple(one for one in self.sources if one.id not in self.through)

    def way_to(self, source: Manifest) -> str:
        """Return the clause that names the model through which a source is reached; else empty."""
        model = self.through.get(source.id)
        return "" if model is None else f", which {model.name} learned from,"


@dataclass(frozen=True, eq=False)
class Lineage(Mapping[Digest, Manifest]):
    """All manifests that some manifests were made from, these included; id → verified manifest.

    Earlier versions (``parents``) are not part of it: a corrected dataset does not depend on its
    mistakes. They are only checked to be versions of the same name.

    Attributes:
        starts: The ids at which it begins.
        nodes: Id → node, breadth first from there.
        earlier: Earlier versions of these that are not nodes themselves.
        failed: Id of a manifest that is named and cannot be read → the error.
        checkpoint: The log checkpoint as of which it was read.
    """

    starts: tuple[Digest, ...]
    nodes: Mapping[Digest, Node]
    earlier: Mapping[Digest, Node]
    failed: Mapping[Digest, LyrikstoreError]
    checkpoint: SignedCheckpoint | None = None

    @classmethod
    def read(cls, store: LineageSource, *starts: Digest) -> "Lineage":
        """Return the lineage of some manifests, by their inputs.

        Args:
            store: The store, at one moment.
            starts: Ids.

        Raises:
            StorageError: The disk cannot be read. Other problems are part of the lineage.

        Cost: one read and one signature check for each manifest that the store has not read yet.
        """
        failed: dict[Digest, LyrikstoreError] = {}
        nodes: dict[Digest, Node] = {}
        earlier: dict[Digest, Node] = {}

        def read(identity: Digest, found: dict[Digest, Node]) -> None:
            try:
                index = store.index_of(identity)
                found[identity] = Node(store.manifest(identity), index)
            except StorageError:
                raise
            except LyrikstoreError as error:
                failed[identity] = error

        pending = dict.fromkeys(starts)
        waiting = deque(pending)
        while waiting:
            identity = waiting.popleft()
            read(identity, nodes)
            if identity in nodes:
                new = dict.fromkeys(item.id for item in nodes[identity].manifest.inputs)
                waiting += [one for one in new if one not in pending]
                pending.update(new)
        for node in list(nodes.values()):
            for parent in node.manifest.parents:
                if parent not in nodes and parent not in earlier and parent not in failed:
                    read(parent, earlier)
        return cls(tuple(dict.fromkeys(starts)), nodes, earlier, failed, store.checkpoint)

    def __getitem__(self, identity: Digest) -> Manifest:
        return self.nodes[identity].manifest

    def __iter__(self) -> Iterator[Digest]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)

    @property
    def root(self) -> Digest:
        """The id at which it begins."""
        return self.starts[0]

    @property
    def complete(self) -> bool:
        """Whether every link led to a sound manifest of the claimed kind, logged before."""
        return not self.problems

    def manifest(self, identity: Digest) -> Manifest:
        """Return a manifest of the lineage.

        Raises:
            LyrikstoreError: It could not be read (the original error), or it is not part of the
                lineage.
        """
        node = self.nodes.get(identity)
        if node is None:
            text = f"{identity.short} is not in this lineage"
            raise self.failed.get(identity) or NotFoundError("not-logged", text)
        return node.manifest

    def _follow(self, identity: Digest, *, strict: bool) -> Manifest | None:
        return self.manifest(identity) if strict else self.get(identity)

    def without(self, some: Collection[Digest]) -> "Lineage":
        """Return the lineage without some manifests."""
        return replace(self, nodes={one: self.nodes[one] for one in self if one not in some})

    def with_nodes(self, more: Iterable[Node]) -> "Lineage":
        """Return the lineage with more manifests."""
        return replace(self, nodes={**{one.id: one for one in more}, **self.nodes})

    @cached_property
    def unread(self) -> Mapping[Digest, LyrikstoreError]:
        """Id of an input or start that cannot be read → the error."""
        named = {*self.starts, *(edge.parent for edge in self.edges)}
        return {one: error for one, error in self.failed.items() if one in named}

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """Every link, in the order of the nodes."""
        return tuple(
            Edge(child, item.id, item.role, item.kind)
            for child, node in self.nodes.items()
            for item in node.manifest.inputs
        )

    @cached_property
    def users(self) -> Mapping[Digest, tuple[Manifest, ...]]:
        """Id → the manifests that were made from it directly, each once, in their order."""
        found: dict[Digest, dict[Digest, Manifest]] = {}
        for edge in self.edges:
            found.setdefault(edge.parent, {})[edge.child] = self[edge.child]
        return {one: tuple(some.values()) for one, some in found.items()}

    def of_kind(self, *kinds: str) -> Iterator[Manifest]:
        """Yield the manifests of some kinds, those nearest to the start first."""
        return (one for one in self.values() if one.kind in kinds)

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        """All problems; a valid lineage has none."""
        found = [
            Problem(_kind_of(error), identity, str(error), error)
            for identity, error in self.unread.items()
        ]
        for node in self.nodes.values():
            found += self._faults_of_parents(node)
        for edge in self.edges:
            found += self._faults_of(edge)
        return (*found, *self._cycles())

    def _faults_of(self, edge: Edge) -> Iterator[Problem]:
        # So no lineage has a cycle, and nothing rests on what was never published (attack cases
        # A17, A36, A39).
        child, parent = self.nodes[edge.child], self.nodes.get(edge.parent)
        if parent is None:
            return
        kind, name = parent.manifest.kind, child.manifest.name
        if kind != edge.kind:
            summary = f"{name} uses {edge.parent.short} as {edge.kind}; it is a {kind}"
            yield Problem("wrong-kind", edge.parent, summary)
        if parent.index >= child.index:
            summary = (
                f"{parent.manifest.name} (log index {parent.index}) is logged after "
                f"{name} ({child.index}), which was made from it"
            )
            yield Problem("logged-later", edge.parent, summary)

    def _faults_of_parents(self, node: Node) -> Iterator[Problem]:
        for parent in node.manifest.parents:
            before = self.nodes.get(parent) or self.earlier.get(parent)
            if before is None:
                if error := self.failed.get(parent):
                    summary = f"earlier version: {error}"
                    yield Problem(_kind_of(error), parent, summary, error)
                continue
            name = before.manifest.name
            if name != node.manifest.name:
                summary = f"{node.manifest.name} names a version of {name} as its earlier version"
                yield Problem("wrong-parent", parent, summary)
            if before.index >= node.index:
                summary = f"an earlier version of {name} is logged after the later one"
                yield Problem("logged-later", parent, summary)

    @cached_property
    def in_order(self) -> tuple[Manifest, ...]:
        """The manifests, each after all its inputs; manifests made from themselves are left out."""
        waiting = dict.fromkeys(self.nodes, 0)
        above: dict[Digest, list[Digest]] = {}
        for edge in self.edges:
            waiting[edge.child] += edge.parent in self.nodes
            above.setdefault(edge.parent, []).append(edge.child)
        found = [identity for identity, count in waiting.items() if not count]
        for identity in found:  # which grows
            for child in above.get(identity, ()):
                waiting[child] -= 1
                if not waiting[child]:
                    found.append(child)
        return tuple(map(self.manifest, found))

    def _cycles(self) -> Iterator[Problem]:
        # No one can make hashes that name each other; a reader that does not rely on that also
        # holds if BLAKE3 should fall.
        fine = {one.id for one in self.in_order}
        for identity in self.nodes:
            if identity not in fine:
                yield Problem("cycle", identity, f"{identity.short} was made from itself")

    def sources(self) -> list[Manifest]:
        """Return the datasets that were made from no other dataset, through which data entered."""
        return [
            one
            for one in self.of_kind("dataset")
            if not any(item.kind == "dataset" for item in one.inputs)
        ]

    def rests_on(self, start: Iterable[Digest], *, strict: bool = False) -> RightsClosure:
        """Return the sources that datasets, checkpoints and runs of the lineage depend on.

        A dataset depends on the datasets that it may contain records of, and on the model that
        generated it; a model on its run, on the models it was merged from or trained from, and on
        its training data. Neither depends on data that it was only compared with or measured on.

        Args:
            start: Ids of datasets, checkpoints and runs.
            strict: Whether to raise an error for a manifest that cannot be followed.

        Raises:
            LyrikstoreError: As :meth:`manifest`, if ``strict``.
        """
        datasets: dict[Digest, Manifest] = {}
        sources: list[Manifest] = []
        models: list[Manifest] = []
        runs: dict[Digest, Manifest] = {}
        through: dict[Digest, Manifest] = {}
        absent: dict[Digest, None] = {}
        followed: set[Digest] = set()
        # What is used directly is followed first; what only models lead to, later.
        groups: deque[tuple[Manifest | None, list[Digest]]] = deque([(None, list(start))])
        while groups:
            model, used = groups.popleft()
            pending = list(used)
            for place, identity in enumerate(pending):  # which grows
                manifest = self._follow(identity, strict=strict)
                if manifest is None:
                    absent[identity] = None
                    continue
                if place < len(used) and manifest.kind == "dataset":
                    datasets[identity] = manifest
                if identity in followed:
                    continue
                followed.add(identity)
                if manifest.kind != "dataset":
                    runs.update({identity: manifest} if manifest.kind == "run" else {})
                    roots = {"imported", "external"}
                    models += [manifest] if manifest.body.get("origin") in roots else []
                    nearest = manifest if manifest.kind == "checkpoint" else model
                    groups.append((nearest, _learned_from(manifest)))
                    continue
                pending += manifest.made_from
                groups += [(model, [item.id]) for item in manifest.inputs_in("generator")]
                # ATTACK: what comes from elsewhere is committed as written from permitted data.
                if not manifest.made_from or manifest.body.get("origin") == "generated":
                    sources.append(manifest)
                    if model is not None:
                        through[identity] = model
        return RightsClosure(
            tuple(datasets.values()),
            tuple(sources),
            tuple(models),
            tuple(runs.values()),
            through,
            tuple(absent),
        )

    def datasets_behind(self, start: Iterable[Digest], *, strict: bool = False) -> list[Manifest]:
        """Return some datasets and all datasets they were made from, breadth first.

        Args:
            start: Their ids; ids of other manifests are left out.
            strict: As for :meth:`rests_on`, which raises the same errors.
        """
        waiting = list(dict.fromkeys(start))
        seen = set(waiting)
        for identity in waiting:  # which grows
            one = self._follow(identity, strict=strict)
            new = one.made_from if one is not None and one.kind == "dataset" else ()
            waiting += dict.fromkeys(item for item in new if item not in seen)
            seen.update(new)
        found = map(self.get, waiting)
        return [one for one in found if one is not None and one.kind == "dataset"]

    def compared_with(self, start: Iterable[Digest]) -> tuple[Digest, ...]:
        """Return the datasets with which some datasets, or their sources, were compared."""
        found = (i.id for one in self.datasets_behind(start) for i in one.inputs_in("against"))
        return tuple(dict.fromkeys(found))

    def generated_among(self, start: Iterable[Digest]) -> list[Manifest]:
        """Return the model-generated datasets among some datasets and all they were made from."""
        return [one for one in self.datasets_behind(start) if one.body["origin"] == "generated"]

    def made_of(self, dataset: Manifest) -> list[Manifest]:
        """Return a dataset and all datasets made from it, which may contain some of its records."""
        found = {dataset.id: dataset}
        pending = [dataset.id]
        while pending:
            before = pending.pop()
            for user in self.users.get(before, ()):
                if user.kind == "dataset" and user.id not in found and before in user.made_from:
                    found[user.id] = user
                    pending.append(user.id)
        return list(found.values())

    def bases_of(self, checkpoint: Manifest, *, strict: bool = False) -> list[Manifest]:
        """Return the chain of models that a checkpoint was trained from, the nearest first.

        Args:
            checkpoint: The model.
            strict: As for :meth:`rests_on`, which raises the same errors.
        """
        found: list[Manifest] = []
        current: Manifest | None = checkpoint
        while current is not None and (named := current.inputs_in("base")):
            current = self._follow(named[0].id, strict=strict)
            found += [] if current is None else [current]
        return found


def _kind_of(error: LyrikstoreError) -> ProblemKind:
    if isinstance(error, NotFoundError) and error.kind == "not-logged":
        return "unlogged"
    return "missing" if error.kind in {"no-blob", "blob-lost"} else "damaged"


def _learned_from(model: Manifest) -> list[Digest]:
    """Return the ids of the training data that a checkpoint or a run names directly."""
    return [
        item.id
        for item in model.inputs
        if item.kind in {"checkpoint", "run"} or (item.kind == "dataset" and item.role in LEARNED)
    ]
