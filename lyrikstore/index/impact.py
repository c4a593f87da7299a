"""Impact: all objects that depend on an object, by the links of the log (spec §8.7).

The log is read, not the database of :mod:`lyrikstore.index.build`: the answer must be right
directly after a revocation, without a database. Unreadable entries are listed, for their inputs are
unknown.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NoReturn

from msgspec import Struct, field
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    FormatError,
    IncompleteError,
    LyrikstoreError,
)
from lyrikstore.canon.json import JSON, as_json, encode, parse
from lyrikstore.credentials.model.credential import GRANT, kind_of
from lyrikstore.history.lineage import Lineage, Node
from lyrikstore.history.log.entries import LoggedEntry
from lyrikstore.history.manifests.manifest import COMPARED, Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.resolve import subjects
from lyrikstore.history.repository.store_view import MAX_READ
from lyrikstore.index.log_view import event_text
from lyrikstore.verify.rights.freed import Held, SourcesHeld

MAX_PATH = 64
"""Most links of a path; a chain of ten thousand would otherwise be repeated ten thousand times."""

_WORST = (Held.SOME, Held.NOT_CHECKED, Held.NONE)

_NO_REST = frozenset({"retention"})
"""Kinds that were not made from their inputs: a retention lists data that may be deleted."""


class Affected(Struct, frozen=True):
    """One signed object that depends on a root.

    Attributes:
        id: A manifest or a licence grant.
        kind: The manifest's kind, or ``grant``.
        name: The manifest's name, the grant's ``id``; None for a grant that has none.
        index: Its log index.
        previous: The object on which it depends directly, on a shortest path.
        role: The role of that object: a role of its inputs, or ``rights``, ``terms``, ``subject``.
        counts: Records that a filter read, kept, dropped and changed to make it, or None.
        flagged: Why it has no effect on refs, or None.
        holds: Whether it has a record of the root datasets; False if it depends on them only by
        unions that have none of their records left; None if no root is a dataset.
        event: Description of an event, of rules, or of a waiver; None for other kinds.
    """

    id: Digest
    kind: str
    name: str | None
    index: int
    previous: Digest
    role: str
    counts: Mapping[str, int] | None = None
    flagged: str | None = None
    holds: Held | None = None
    event: str | None = None


class Unfollowed(Struct, frozen=True, rename={"index": "logIndex"}):
    """A log entry that cannot be read, so that its inputs are unknown.

    Attributes:
        id: The logged id.
        index: Its log index.
        type: ``manifest`` or ``credential``.
        kind: ``missing``, ``damaged``, ``newer`` or ``unreadable``.
        summary: One line for people.
    """

    id: Digest
    index: int
    type: str
    kind: str
    summary: str


class Impact(Struct, frozen=True):
    """All objects that depend on some signed objects.

    Attributes:
        roots: The ids of these signed objects.
        affected: The objects that depend on them, by log index.
        unfollowed: Unreadable entries. The result is complete only if there are none.
    """

    roots: tuple[Digest, ...]
    affected: tuple[Affected, ...]
    unfollowed: tuple[Unfollowed, ...]

    def path(self, one: Affected) -> tuple[Digest, tuple[Affected, ...]]:
        """Return the start of a path to ``one``, and the objects on it, ``one`` last.

        It begins at a root, or at an affected object if it would be longer than :data:`MAX_PATH`
        links.
        """
        return _path({found.id: found for found in self.affected}, one)

    def paths(self) -> Iterator[tuple[Affected, Digest, tuple[Affected, ...]]]:
        """Yield each affected object with the result of :meth:`path` for it."""
        found = {one.id: one for one in self.affected}
        return ((one, *_path(found, one)) for one in self.affected)

    def to_json(self) -> dict[str, JSON]:
        """Return the impact in the form of ``schemas/cli/impact.schema.json``."""
        return {
            "roots": [str(root) for root in self.roots],
            "affected": [
                {
                    "id": str(one.id),
                    "kind": one.kind,
                    "name": one.name,
                    "logIndex": one.index,
                    "flagged": one.flagged,
                    "holds": None if one.holds is None else str(one.holds),
                    "eventText": one.event,
                    "counts": None if one.counts is None else dict(one.counts),
                    "start": str(start),
                    "path": [
                        {
                            "role": step.role,
                            "id": str(step.id),
                            "dropped": None if step.counts is None else step.counts["dropped"],
                        }
                        for step in path
                    ],
                }
                for one, start, path in self.paths()
            ],
            "unfollowed": as_json(self.unfollowed),
        }


def impact_of(repository: Repository, roots: Iterable[Digest], *, read: bool = False) -> Impact:
    """Return the objects that depend on ``roots``: manifests or credentials, logged here.

    Args:
        repository: The store.
        roots: Ids of the roots, which are not in the result.
        read: Whether to read the records of unions and their inputs, to find the unions without a
        record of the roots. If False, this is not checked.

    Returns:
        The impact. Unreadable entries never raise: they are in ``unfollowed``.

    Cost: one read and one signature verification per logged manifest; where a root is a credential,
    one read per logged credential too.
    """
    asked = tuple(dict.fromkeys(roots))
    unfollowed: list[Unfollowed] = []
    links = _Links(_read_manifests(repository, unfollowed), unfollowed)
    links.take_in_manifests()
    if any(repository.is_logged(root, "credential") for root in asked):
        for entry in repository.entries():
            if entry.type == "credential":
                links.read_credential(repository, entry)
    flags: dict[int, str] = {}
    with suppress(LyrikstoreError):  # lost manifests: they stand in `unfollowed`
        flags = {item.index: item.summary for item in repository.flagged}
    affected: dict[Digest, Affected] = {}
    waiting = list(asked)
    seen = set(asked)
    for identity in waiting:  # which grows: breadth first, so paths are shortest
        for child, role in links.resting_on(identity):
            if child in seen:
                continue
            seen.add(child)
            waiting.append(child)
            node = links.described(child)
            affected[child] = Affected(
                child,
                node.kind,
                node.name,
                node.index,
                identity,
                role,
                node.counts,
                flags.get(node.index) if node.kind != "grant" else None,
                event=node.event,
            )
    ordered = sorted(affected.values(), key=lambda one: one.index)
    held = _held_records(repository, asked, affected, links, ordered, read=read)
    return Impact(asked, held, tuple(links.unfollowed))


def _held_records(
    repository: Repository,
    asked: Sequence[Digest],
    affected: Mapping[Digest, Affected],
    links: "_Links",
    ordered: Sequence[Affected],
    *,
    read: bool,
) -> tuple[Affected, ...]:
    """Return the affected objects in order, with ``holds`` for the root datasets."""
    lineage = links.lineage
    datasets = [
        *(one for one in asked if one in lineage and lineage[one].kind == "dataset"),
        *(one.id for one in ordered if one.role == "subject" and one.previous in asked),
    ]
    if not datasets:
        return tuple(ordered)
    held = _HeldRecords(repository, lineage, datasets, read=read)
    below: dict[Digest, dict[Digest, list[str]]] = {}
    for above in (*asked, *affected):
        for child, role in links.resting_on(above):
            below.setdefault(child, {}).setdefault(above, []).append(role)
    return tuple(
        replace(one, holds=held.of(one.id, one.kind, below.get(one.id, {}))) for one in ordered
    )


class _HeldRecords:
    """Decides whether an object that depends on the root datasets has a record of theirs.

    Call :meth:`of` in the order of the log: the result for an object depends on earlier ones.

    Args:
        repository: The store.
        lineage: The lineage of the whole log.
        datasets: The root datasets.
        read: Whether to read records; if False, every union counts as having a record.
    """

    def __init__(
        self, repository: Repository, lineage: Lineage, datasets: Iterable[Digest], *, read: bool
    ) -> None:
        self._lineage = lineage
        self._roots = {one: self._sources(one) for one in datasets}
        self._reached = dict(self._roots)
        self._known: dict[Digest, Held] = dict.fromkeys(self._roots, Held.SOME)
        of = (repository.tree, repository.blobs.open) if read else (_unread, _unread)
        self._looking = SourcesHeld(self._lineage, *of)

    def of(self, identity: Digest, kind: str, links: Mapping[Digest, Iterable[str]]) -> Held:
        """Return whether an object has a record of the root datasets.

        Args:
            identity: Id of the object, which depends on the datasets.
            kind: Its kind.
            links: Those of its inputs that are a root or depend on one → their roles.
        """
        if identity in self._roots:
            return Held.SOME
        found, sources = [], frozenset[Digest]()
        for above, roles in links.items():
            made_from = kind == "dataset" and above in self._reached
            for role in roles:
                if made_from and role not in COMPARED:
                    sources |= self._reached[above]
                else:
                    found.append(self._known.get(above, Held.SOME))
        if sources:
            self._reached[identity] = sources
            found += self._data(identity, sources)
        held = min(found, key=_WORST.index, default=Held.SOME)
        self._known[identity] = held
        return held

    def _sources(self, dataset: Digest) -> frozenset[Digest]:
        try:
            closure = self._lineage.rests_on([dataset], strict=True)
        except LyrikstoreError:
            return frozenset({dataset})
        return frozenset(one.id for one in closure.direct)

    def _data(self, identity: Digest, sources: Iterable[Digest]) -> list[Held]:
        try:
            dataset = self._lineage.manifest(identity)
            return [self._looking.of([dataset], source).held for source in sources]
        except LyrikstoreError:
            return [Held.NOT_CHECKED]


def _unread(_: Digest | Manifest) -> NoReturn:
    raise IncompleteError("not-read", "records were not read")


class _Node(Struct, frozen=True):
    kind: str
    name: str | None
    index: int
    counts: Mapping[str, int] | None = None
    event: str | None = None


class _Links(Struct):
    """All links of a log, by their source.

    ``above`` has, for an id, the objects that name it in another place than their inputs, with the
    role; ``foreign``, for a manifest of another store, the datasets imported under it;
    ``spelled``, for the canonical form of a credential, the logged credentials of that form.
    """

    lineage: Lineage
    unfollowed: list[Unfollowed]
    grants: dict[Digest, _Node] = field(default_factory=dict)
    above: dict[Digest, list[tuple[Digest, str]]] = field(default_factory=dict)
    foreign: dict[Digest, list[Digest]] = field(default_factory=dict)
    form: dict[Digest, Digest] = field(default_factory=dict)
    spelled: dict[Digest, list[Digest]] = field(default_factory=dict)

    def resting_on(self, identity: Digest) -> Iterator[tuple[Digest, str]]:
        """Yield the objects that name ``identity``, in log order, with the role."""
        for user in self.lineage.users.get(identity, ()):
            if user.kind not in _NO_REST:
                yield from ((user.id, item.role) for item in user.inputs if item.id == identity)
        yield from self.above.get(identity, ())
        form = self.form.get(identity)
        if form is None:
            return
        # One credential may be logged in two spellings; what names either, rests on both.
        for name in (form, *self.spelled[form]):
            if name != identity:
                yield from self.above.get(name, ())

    def described(self, identity: Digest) -> _Node:
        """Return the description of a manifest or a licence grant."""
        if identity in self.grants:
            return self.grants[identity]
        node = self.lineage.nodes[identity]
        manifest = node.manifest
        derivation = manifest.body.get("derivation") if manifest.kind == "dataset" else None
        counts = derivation["counts"] if derivation else None
        return _Node(manifest.kind, manifest.name, node.index, counts, event_text(manifest))

    def take_in_manifests(self) -> None:
        """Add the links of manifests that are not inputs."""
        for manifest in self.lineage.values():
            for carried in manifest.attachments_in("foreign-manifest"):
                self.foreign.setdefault(carried.id, []).append(manifest.id)
        for delivery in self.lineage.of_kind("delivery"):
            if "credential" in delivery.body:
                named = Digest.parse(delivery.body["credential"])
                self._add(named, delivery.id, "credential")
        for use in self.lineage.of_kind("run", "evaluation"):
            for right in use.body.get("rights", ()):
                for member in ("credential", "grant"):
                    if member in right:
                        self._add(Digest.parse(right[member]), use.id, "rights")

    def read_credential(self, repository: Repository, entry: LoggedEntry) -> None:
        """Add the links of one logged credential; call this after all manifests are added."""
        if entry.id in self.form:
            return
        try:
            data = repository.credential(entry.id)
        except LyrikstoreError as error:
            self.unfollowed.append(_unfollowed(entry, error))
            return
        try:
            document = parse(data)
            form = Digest.of(encode(document))
        except FormatError:  # of a kind that is not known here; runs can name it all the same
            document, form = None, entry.id
        self.form[entry.id] = form
        self.spelled.setdefault(form, []).append(entry.id)
        if isinstance(document, dict) and kind_of(document) is GRANT:
            self.grants[entry.id] = _Node("grant", _text(document.get("id")), entry.index)
            terms = _terms_of(document)
            if terms is not None:
                self._add(terms, entry.id, "terms")
            return
        for urn in sorted(subjects(data)):
            with suppress(FormatError):
                subject = Digest.parse_urn(urn)
                for dataset in (subject, *self.foreign.get(subject, ())):
                    if dataset in self.lineage:
                        self._add(entry.id, dataset, "subject")

    def _add(self, above: Digest, identity: Digest, role: str) -> None:
        self.above.setdefault(above, []).append((identity, role))


def _read_manifests(repository: Repository, unfollowed: list[Unfollowed]) -> Lineage:
    """Return the lineage of the whole log, and add unreadable entries to ``unfollowed``."""
    nodes: dict[Digest, Node] = {}
    for entry in repository.entries():
        if entry.type != "manifest" or entry.id in nodes:
            continue
        try:
            nodes[entry.id] = Node(repository.manifest(entry.id), entry.index)
        except LyrikstoreError as error:
            # Intact bytes that are no manifest are without effect for every reader (8.4).
            if error.kind == "newer-format" or not _is_intact(repository, entry):
                unfollowed.append(_unfollowed(entry, error))
    return Lineage(tuple(nodes), nodes, {}, {})


def _unfollowed(entry: LoggedEntry, error: LyrikstoreError) -> Unfollowed:
    kind = {
        "no-blob": "missing",
        "blob-lost": "missing",
        "not-fetched": "missing",
        "newer-format": "newer",
    }.get(error.kind, "damaged" if not isinstance(error, OSError) else "unreadable")
    return Unfollowed(entry.id, entry.index, entry.type, kind, " ".join(error.message.split()))


def _is_intact(repository: Repository, entry: LoggedEntry) -> bool:
    """Return whether the bytes of an entry can be read, valid or not."""
    try:
        repository.blobs.read(entry.id, max_bytes=MAX_READ)
    except LyrikstoreError:
        return False
    return True


def _terms_of(document: Mapping[str, Any]) -> Digest | None:
    """Return the stated digest of the canonical form of the credential with a grant's terms."""
    try:
        return Digest.parse_urn(document["credentialSubject"]["grant"]["terms"]["digest"])
    except (FormatError, KeyError, TypeError):
        return None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _path(found: Mapping[Digest, Affected], one: Affected) -> tuple[Digest, tuple[Affected, ...]]:
    path = [one]
    while path[-1].previous in found and len(path) < MAX_PATH:
        path.append(found[path[-1].previous])
    return path[-1].previous, tuple(reversed(path))
