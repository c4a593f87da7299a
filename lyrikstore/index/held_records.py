"""What rests on a dataset and holds no record of it: by way of a union alone (spec §8.7)."""

from collections.abc import Iterable, Mapping
from typing import NoReturn

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError, LyrikstoreError
from lyrikstore.history.manifests.manifest import COMPARED, Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.rights.closure import rights_closure
from lyrikstore.verify.rights.freed import Held, SourcesHeld

_WORST = (Held.SOME, Held.NOT_CHECKED, Held.NONE)


class HeldRecords:
    """Says of what rests on some datasets whether it holds a record of theirs.

    Ask in the order of the log: what rests on something else follows from that.

    Args:
        repository: The store.
        datasets: What was asked about: the datasets in question.
        read: Whether to read records; without, no union is known to hold none.
    """

    def __init__(self, repository: Repository, datasets: Iterable[Digest], *, read: bool) -> None:
        self._repository = repository
        self._roots = {one: self._sources(one) for one in datasets}
        self._reached = dict(self._roots)
        self._known: dict[Digest, Held] = dict.fromkeys(self._roots, Held.SOME)
        if read:
            self._looking = SourcesHeld(repository.manifest, repository.tree, repository.blobs.open)
        else:
            self._looking = SourcesHeld(repository.manifest, _unread, _unread)

    def of(self, identity: Digest, kind: str, links: Mapping[Digest, Iterable[str]]) -> Held:
        """Return whether something holds a record.

        Args:
            identity: What rests on the datasets, in some way.
            kind: Its kind.
            links: What it rests on of all that rests on them, themselves included, and as what.
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
            closure = rights_closure([dataset], self._repository.manifest)
        except LyrikstoreError:
            return frozenset({dataset})
        return frozenset(one.id for one in closure.direct)

    def _data(self, identity: Digest, sources: Iterable[Digest]) -> list[Held]:
        try:
            dataset = self._repository.manifest(identity)
            return [self._looking.of([dataset], source).held for source in sources]
        except LyrikstoreError:
            return [Held.NOT_CHECKED]


def _unread(_: Digest | Manifest) -> NoReturn:
    raise IncompleteError("not-read", "records were not read")
