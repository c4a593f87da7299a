"""What may be done with data and with models, kept beside real stores: slow, simple and exact.

For every record it is known whose it is, and for every model all that it learned from. Whoever has
a store knows the documents that it logged, and of their issuers what these had said by the time
their lists were last fetched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lyrikstore.history.manifests.manifest import Manifest

Files = frozenset[str]
"""Names of files, each of which may be a partition of its own."""

FRESH = timedelta(days=14)
"""For how long a fetched list is believed at least: it is renewed when half of its time is over."""


@dataclass(frozen=True)
class Wish:
    """A use: the words of permissions, and in which country; empty: it does not say."""

    acts: frozenset[str]
    place: str = ""


PLACES = ("", "DE", "FR")
REDISTRIBUTION = Wish(frozenset({"redistribute"}))


@dataclass(frozen=True)
class Part:
    """The terms of one file."""

    permits: frozenset[str] = frozenset()
    prohibits: frozenset[str] = frozenset()
    requires: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()
    until: datetime | None = None
    grantable: frozenset[str] = frozenset()

    def allows(self, wish: Wish, at: datetime, given: frozenset[str] = frozenset()) -> bool:
        """Return whether a use is allowed to whom ``given`` is granted besides."""
        words = (self.permits | given) - self.prohibits
        here = not self.places or wish.place in self.places
        return wish.acts <= words and here and (self.until is None or at <= self.until)


@dataclass(eq=False, repr=False)
class Document:
    """A credential, or a grant under one.

    Attributes:
        data: Its bytes.
        issuer: DID.
        about: What it is about.
        parts: File → its terms.
        end: Last moment of validity, or None.
        listed: Whether published lists say that it holds.
        under: Of a grant, the credential.
        holder: Of a grant, whose it is.
        gives: What it grants besides the terms.
        duties: What a grant requires besides the terms.
        said: Moment → whether it holds from then on, as its issuer says.
        successor: What its issuer put in its place; what was granted under it stays granted.
    """

    data: bytes
    issuer: str
    about: Source
    parts: Mapping[str, Part]
    end: datetime | None = None
    listed: bool = True
    under: Document | None = None
    holder: str = ""
    gives: frozenset[str] = frozenset()
    duties: frozenset[str] = frozenset()
    said: list[tuple[datetime, bool]] = field(default_factory=list)
    revoked: bool = False
    successor: Document | None = None

    def holds(self, as_of: datetime) -> bool:
        """Return whether its issuer had not taken it back by then."""
        return ([True] + [value for moment, value in self.said if moment <= as_of])[-1]

    def gives_right(self, files: Files, wish: Wish, at: datetime) -> bool:
        """Return whether it allows a use of these files, where it is in force."""
        return all(self.parts[one].allows(wish, at, self.gives) for one in files)

    def requires(self, files: Files) -> frozenset[str]:
        """Return the duties that come with these files."""
        return self.duties.union(*(self.parts[one].requires for one in files))


@dataclass(eq=False, repr=False)
class Source:
    """A dataset that documents are about: somebody committed it, or bought and offers it.

    Attributes:
        name: Its name where it is issued.
        owner: DID of whoever issues the documents.
        files: Its files.
        documents: What was said of it.
        held: Whether it holds other sources, which whoever issues it bought or has elsewhere.
    """

    name: str
    owner: str
    files: Files
    documents: list[Document] = field(default_factory=list)
    held: bool = False


Rests = dict[Source, Files]
"""Source → those of its files of which something is left."""


@dataclass(frozen=True)
class Row:
    """A record, the source and the file that it comes from, and the model that wrote it."""

    id: str
    text: str
    source: Source
    file: str
    writer: Model | None = None


@dataclass(eq=False, repr=False)
class Data:
    """A version of a dataset in one store.

    Attributes:
        manifest: Its manifest there.
        files: Path → its records.
        over: What it was made from, whether anything of that is left or not.
        offered: What it is in the eyes of whom it is issued to; None: it never was.
    """

    manifest: Manifest
    files: dict[str, list[Row]]
    over: Rests
    offered: Source | None = None

    @property
    def rows(self) -> list[Row]:
        return [row for rows in self.files.values() for row in rows]

    @property
    def owners(self) -> set[str]:
        """Whose its records are."""
        return {row.source.owner for row in self.rows}

    def rests_in(self, path: str) -> Rests:
        """Return what one file holds, and what models learned that wrote of it."""
        rows = self.files[path]
        learned = {row.writer for row in rows} - {None}
        return united(
            [
                *({row.source: frozenset({row.file})} for row in rows),
                *(one.rests for one in learned if one is not None),
            ]
        )

    @property
    def rests(self) -> Rests:
        """What it holds, and what models learned that wrote of it."""
        return united(map(self.rests_in, self.files))


@dataclass(eq=False, repr=False)
class Model:
    """A model in one store.

    Attributes:
        manifest: Its manifest.
        learned: The data that it was trained on.
        bases: The models that it was made from.
        recorded: Source → the documents of the rights that its run recorded.
        wish: What its run was for.
        honest: Whether its run recorded what it was allowed, and nothing was left out.
    """

    manifest: Manifest
    learned: tuple[Data, ...]
    bases: tuple[Model, ...] = ()
    recorded: Mapping[Source, Document] = field(default_factory=dict)
    wish: Wish = Wish(frozenset({"train"}))
    honest: bool = True

    @property
    def rests(self) -> Rests:
        """All that it learned from, and what its bases did."""
        return united(one.rests for one in (*self.learned, *self.bases))

    @property
    def over(self) -> Rests:
        """The same, with all that this was made from."""
        return united(one.over for one in (*self.learned, *self.bases))


Thing = Data | Model


def united(found: Iterable[Rests]) -> Rests:
    """Return what all of these are together."""
    whole: Rests = {}
    for one in found:
        for source, files in one.items():
            whole[source] = whole.get(source, frozenset()) | files
    return whole


@dataclass(eq=False, repr=False)
class Knowledge:
    """What one store knows.

    Attributes:
        me: DID of who uses the data there; of what it issues it knows everything.
        documents: What it logged.
        heard: Issuer → when its lists were last fetched, of one's own when they were last renewed.
    """

    me: str
    documents: list[Document] = field(default_factory=list)
    heard: dict[str, datetime] = field(default_factory=dict)

    def in_force(self, one: Document, at: datetime) -> bool:
        """Return whether a document is known here and not known to have ended."""
        if one.under is not None and (one.holder != self.me or not self._stand(one.under, at)):
            return False
        return self._valid(one, at) and not self._replaced(one) and self._upheld(one, at)

    def _stand(self, terms: Document, at: datetime) -> bool:
        """Return whether terms stand under which something was granted."""
        return self._valid(terms, at) and (self._replaced(terms) or self._upheld(terms, at))

    def _valid(self, one: Document, at: datetime) -> bool:
        return one in self.documents and (one.end is None or at <= one.end)

    def _replaced(self, one: Document) -> bool:
        return one.successor in self.documents

    def _upheld(self, one: Document, at: datetime) -> bool:
        return one.holds(at if one.issuer == self.me else self.heard[one.issuer])

    def giving(
        self, source: Source, files: Files, wish: Wish, at: datetime, *, anywhere: bool = False
    ) -> list[Document]:
        """Return the documents that allow a use of a source here, or somewhere."""
        known = [one for one in source.documents if self.in_force(one, at)]
        wishes = [Wish(wish.acts, place) for place in PLACES] if anywhere else [wish]
        return [one for one in known if any(one.gives_right(files, w, at) for w in wishes)]

    def allowed(self, rests: Rests, wish: Wish, at: datetime) -> bool:
        """Return whether all sources allow a use."""
        return all(self.giving(*item, wish, at) for item in rests.items())

    def is_sound(self, thing: Thing, at: datetime) -> bool:
        """Return whether all rights that models on the way recorded hold still."""
        if isinstance(thing, Data):
            models = [one for row in thing.rows if row.writer for one in lineage(row.writer)]
        else:
            models = lineage(thing)
        return all(
            one.honest
            and all(
                self.in_force(said, at) and said.gives_right(one.over[source], one.wish, at)
                for source, said in one.recorded.items()
            )
            for one in models
        )

    def hands_on(self, rests: Rests, part: Part, end: datetime | None, at: datetime) -> bool:
        """Return whether all sources of a file that is offered let one offer it under these terms.

        One's own sources are not looked at. A source lets one if a document of it, which permits to
        hand on, permits every use that these terms permit, at every moment, for the same duties.
        """
        others = {source: files for source, files in rests.items() if source.owner != self.me}
        return all(
            any(
                _is_within(part, end, one, files, at)
                for one in self.giving(source, files, REDISTRIBUTION, at, anywhere=True)
            )
            for source, files in others.items()
        )

    def is_stale(self, rests: Rests, at: datetime) -> bool:
        """Return whether lists of one of the issuers are too old to say that anything holds."""
        issuers = {one.issuer for source in rests for one in source.documents if one.listed}
        return any(at - self.heard.get(one, at) > FRESH for one in issuers)


def _is_within(part: Part, end: datetime | None, one: Document, files: Files, at: datetime) -> bool:
    ends = [one.end, end, *(each.until for each in (part, *one.parts.values()))]
    moments = [at, *(moment + timedelta(seconds=1) for moment in ends if moment is not None)]
    moments.append(max(moments) + timedelta(days=9999))
    uses = [
        (Wish(frozenset({word}), place), moment)
        for word in part.permits | part.grantable
        for place in PLACES
        for moment in moments
        if end is None or moment <= end
    ]
    return one.requires(files) <= part.requires and all(
        (one.end is None or moment <= one.end) and one.gives_right(files, wish, moment)
        for wish, moment in uses
        if part.allows(wish, moment, part.grantable)
    )


def lineage(model: Model) -> list[Model]:
    """Return a model and what it was made from, by way of bases and of what they wrote."""
    found, pending = [], [model]
    while pending:
        one = pending.pop()
        if one not in found:
            found.append(one)
            writers = [row.writer for data in one.learned for row in data.rows if row.writer]
            pending += [*one.bases, *writers]
    return found
