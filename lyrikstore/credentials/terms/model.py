"""Terms as values: partitions, each with what its files may be used for (spec/19-terms.md).

Everything here is read from a credential that has the right shape, or written into one. Nothing
infers anything from a licence identifier.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import chain
from typing import Any, Self

from msgspec import Struct, field
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import JSON, as_json
from lyrikstore.canon.text import pluralize
from lyrikstore.canon.timestamps import format_timestamp, parse_timestamp
from lyrikstore.credentials.terms.vocabulary import territory_words, within

WHOLE = "all"
"""Name of the partition of a dataset that has only one."""

NO_LICENCE = "NONE"
"""Of a partition: no licence is stated for its files. SPDX's word, and no licence."""

NOT_DECLARED = ", which the use does not declare"
"""Ends the reason why a use is not permitted that would be, had it said where or for whom it is."""


class Answer(StrEnum):
    """What terms say to a use, worst first."""

    PROHIBITED = "prohibited"
    UNKNOWN = "unknown"
    NOT_STATED = "not-stated"
    UNDECLARED = "undeclared"
    PERMITTED = "permitted"

    @classmethod
    def worst(cls, answers: Iterable["Answer"]) -> "Answer":
        """Return the worst of ``answers``; of none, what nothing stands against: permitted."""
        order = list(cls)
        return min(answers, key=order.index, default=cls.PERMITTED)


class Use(Struct, frozen=True):
    """What somebody wants to do, as far as they say.

    Attributes:
        acts: Words of permissions, all of which are needed.
        at: When.
        territory: Where, ISO 3166; empty: not said.
        seats: How many people, or None: not said.
        purposes: What the work is for; empty: not said.
    """

    acts: tuple[str, ...]
    at: datetime
    territory: tuple[str, ...] = ()
    seats: int | None = None
    purposes: tuple[str, ...] = ()

    @classmethod
    def of_run(cls, body: Mapping[str, Any], at: datetime) -> Self:
        """Return the use that a run is: its purpose, and its config's ``use``; always ``train``.

        ATTACK: a run for the purpose ``evaluate``, on data that nobody may train on. Whatever a
        run is for, it changes parameters of a model by means of the data.

        Args:
            body: Of a run manifest.
            at: The moment.

        Raises:
            FormatError: (``bad-use``) the config declares it in a way that nobody can read.
        """
        return cls._declared(("train", body["purpose"]), body["config"], at)

    @classmethod
    def of_evaluation(cls, config: Mapping[str, Any], at: datetime) -> Self:
        """Return the use that the measuring of what a run made is; what that declared holds here.

        Args:
            config: Of the run; empty where the model is not one's own.
            at: The moment.

        Raises:
            FormatError: (``bad-use``) As :meth:`of_run`.
        """
        return cls._declared(("evaluate",), config, at)

    @classmethod
    def _declared(cls, acts: tuple[str, ...], config: Mapping[str, Any], at: datetime) -> Self:
        declared = config.get("use", {})
        seats = declared.get("seats") if isinstance(declared, dict) else ""
        if seats is not None and type(seats) is not int:
            raise FormatError("bad-use", "the config's use is malformed")
        lists = {name: declared.get(name, []) for name in ("also", "territory", "purposes")}
        for words in lists.values():
            if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
                raise FormatError("bad-use", "the config's use is malformed")
        return cls(
            acts=tuple(dict.fromkeys((*acts, *lists["also"]))),
            at=at,
            territory=tuple(lists["territory"]),
            seats=seats,
            purposes=tuple(lists["purposes"]),
        )


class UsageLimits(Struct, frozen=True, rename="camel", omit_defaults=True):
    """Within what a permission holds.

    Attributes:
        territory: Countries and subdivisions; empty: anywhere.
        use_from: First moment, or None.
        use_until: Last moment, or None.
        seats: How many people at most, or None.
        purposes: What the work may be for; empty: anything permitted.
    """

    territory: tuple[str, ...] = ()
    use_from: datetime | None = None
    use_until: datetime | None = None
    seats: int | None = None
    purposes: tuple[str, ...] = ()

    def judge(self, use: Use) -> tuple[Answer, str]:
        """Return whether ``use`` keeps within the limits, and the limit that decides."""
        rulings = [(Answer.PERMITTED, ""), *self._rulings(use)]
        worst = Answer.worst(answer for answer, _ in rulings)
        return next(ruling for ruling in rulings if ruling[0] is worst)

    def _rulings(self, use: Use) -> Iterable[tuple[Answer, str]]:
        if self.use_from is not None and use.at < self.use_from:
            yield Answer.PROHIBITED, f"only from {format_timestamp(self.use_from)}"
        if self.use_until is not None and use.at > self.use_until:
            yield Answer.PROHIBITED, f"only until {format_timestamp(self.use_until)}"
        if self.territory:
            outside = [place for place in use.territory if not within(place, self.territory)]
            answer = Answer.PROHIBITED if outside else Answer.PERMITTED
            if not use.territory:
                answer = Answer.UNDECLARED
            yield answer, f"only in {', '.join(territory_words(self.territory))}"
        if self.seats is not None:
            answer = Answer.PERMITTED
            if use.seats is None:
                answer = Answer.UNDECLARED
            elif use.seats > self.seats:
                answer = Answer.PROHIBITED
            yield answer, f"for {pluralize(self.seats, 'person', 'people')} at most"
        if self.purposes:
            outside = [word for word in use.purposes if word not in self.purposes]
            answer = Answer.PROHIBITED if outside else Answer.PERMITTED
            if not use.purposes:
                answer = Answer.UNDECLARED
            yield answer, f"only for {', '.join(self.purposes)}"

    def exceeds(self, bounds: "UsageLimits") -> str | None:
        """Return what these limits leave open that ``bounds`` do not, or None."""
        places = all(within(place, bounds.territory) for place in self.territory)
        if bounds.territory and not (self.territory and places):
            return f"outside {', '.join(territory_words(bounds.territory))}"
        if bounds.purposes and not (self.purposes and set(self.purposes) <= set(bounds.purposes)):
            return f"for more than {', '.join(bounds.purposes)}"
        if bounds.seats is not None and (self.seats is None or self.seats > bounds.seats):
            return f"for more than {pluralize(bounds.seats, 'person', 'people')}"
        start, end = bounds.use_from, bounds.use_until
        if start is not None and (self.use_from is None or self.use_from < start):
            return f"before {format_timestamp(start)}"
        if end is not None and (self.use_until is None or self.use_until > end):
            return f"after {format_timestamp(end)}"
        return None

    def end(self, valid_until: str | None) -> str | None:
        """Return the last moment of use, also by the credential that states these limits.

        Args:
            valid_until: Of the credential; None: it has no end.
        """
        stated = None if self.use_until is None else format_timestamp(self.use_until)
        # All moments are of one form, so the order of the texts is that of the moments.
        return min((one for one in (valid_until, stated) if one is not None), default=None)

    def to_json(self) -> dict[str, JSON]:
        """Return the limits as a credential holds them; an empty object for none."""
        members = as_json(self)
        return {"type": "TermLimits", **members} if members else {}

    @classmethod
    def of(cls, members: Mapping[str, Any]) -> Self:
        """Read limits from a document that has the right shape.

        Raises:
            LyrikstoreError: As :func:`parse_timestamp`.
        """
        if not members:
            return cls()
        start, end = members.get("useFrom"), members.get("useUntil")
        return cls(
            territory=tuple(members.get("territory", ())),
            use_from=None if start is None else parse_timestamp(start),
            use_until=None if end is None else parse_timestamp(end),
            seats=members.get("seats"),
            purposes=tuple(members.get("purposes", ())),
        )


_UNLIMITED = UsageLimits()


class Selector(Struct, frozen=True):
    """Files that belong to a partition: one path with what is below it, or values of a column.

    Attributes:
        path: A file, or a folder with all it holds; or None.
        column: A metadata column; or None.
        values: Values of the column, any of which selects.
    """

    path: str | None = None
    column: str | None = None
    values: tuple[str, ...] = ()

    def to_json(self) -> dict[str, JSON]:
        """Return the selector as a credential holds it."""
        if self.path is not None:
            return {"type": "PathSelector", "path": self.path}
        return {"type": "MetadataSelector", "column": self.column, "values": list(self.values)}

    @classmethod
    def of(cls, members: Mapping[str, Any]) -> Self:
        """Read a selector from a document that has the right shape."""
        return cls(members.get("path"), members.get("column"), tuple(members.get("values", ())))


class Partition(Struct, frozen=True):
    """The files of a dataset that are under equal terms, and those terms.

    Attributes:
        name: What the publisher calls it.
        permits: What may be done.
        prohibits: What is forbidden in so many words.
        requires: Duties.
        grantable: What may be granted besides to somebody by name (spec §20.4).
        limits: Within what it is permitted.
        select: Its files are those that any of these selects; empty: those of no other partition.
        licence: SPDX expression, or None.
    """

    name: str
    permits: tuple[str, ...] = ()
    prohibits: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    limits: UsageLimits = field(default_factory=UsageLimits)
    select: tuple[Selector, ...] = ()
    licence: str | None = None
    grantable: tuple[str, ...] = ()

    def judge(self, use: Use) -> tuple[Answer, str]:
        """Return what these terms say to ``use``, and the word or limit that decides."""
        rulings = [(self.answer(act), act) for act in use.acts]
        rulings.append(self.limits.judge(use))
        worst = Answer.worst(answer for answer, _ in rulings)
        return next(ruling for ruling in rulings if ruling[0] is worst)

    def answer(self, act: str) -> Answer:
        """Return what these terms say to one act, limits aside."""
        if act in self.prohibits:
            return Answer.PROHIBITED
        return Answer.PERMITTED if act in self.permits else Answer.NOT_STATED

    def with_grant(self, words: Iterable[str]) -> Self:
        """Return these terms as they are for whom ``words`` are granted besides."""
        return replace(self, permits=tuple(dict.fromkeys((*self.permits, *words))))

    def to_json(self) -> dict[str, JSON]:
        """Return the partition as a credential holds it, without its counts."""
        members: dict[str, JSON] = {"type": "Partition", "name": self.name}
        for member in ("permits", "prohibits", "requires", "grantable"):
            words: tuple[str, ...] = getattr(self, member)
            if words:  # RDF knows no empty set
                members[member] = list(dict.fromkeys(words))
        if self.select:
            members["select"] = [selector.to_json() for selector in self.select]
        if self.licence is not None:
            members["spdxExpression"] = self.licence
        limits = self.limits.to_json()
        if limits:
            members["limits"] = limits
        return members

    @classmethod
    def of(cls, members: Mapping[str, Any]) -> Self:
        """Read a partition from a document that has the right shape.

        Raises:
            FormatError: (``bad-timestamp``) see :meth:`UsageLimits.of`.
        """
        return cls(
            name=members["name"],
            permits=tuple(members.get("permits", ())),
            prohibits=tuple(members.get("prohibits", ())),
            requires=tuple(members.get("requires", ())),
            limits=UsageLimits.of(members["limits"]) if "limits" in members else _UNLIMITED,
            select=tuple([Selector.of(item) for item in members.get("select", ())]),
            licence=members.get("spdxExpression"),
            grantable=tuple(members.get("grantable", ())),
        )


class Terms(Struct, frozen=True):
    """The terms of a whole dataset.

    Attributes:
        partitions: At least one, or those of them that are used.
        licence: The SPDX expression that the dataset's manifest states for all of it, or None.
        texts: Licence texts: digest to the id of the licence, where that is said.
    """

    partitions: tuple[Partition, ...]
    licence: str | None = None
    texts: Mapping[Digest, str | None] = field(default_factory=dict)

    def judge(self, use: Use, names: Iterable[str] | None = None) -> tuple[Answer, str]:
        """Return what the terms say to ``use``, and why: partition and word or limit.

        Args:
            use: What is wanted.
            names: The partitions that are used; all by default.
        """
        chosen = self.partitions if names is None else self.named(names)
        rulings = [(*partition.judge(use), partition.name) for partition in chosen]
        worst = Answer.worst(answer for answer, _, _ in rulings)
        for answer, reason, name in rulings:
            if answer is worst:
                return answer, self._explain(answer, reason, name)
        return worst, ""

    def _explain(self, answer: Answer, reason: str, name: str) -> str:
        said = {
            Answer.PROHIBITED: f"prohibited: {reason}",
            Answer.NOT_STATED: f"{reason} is not permitted",
            Answer.UNDECLARED: f"permitted {reason}{NOT_DECLARED}",
        }.get(answer, "")
        return said if len(self.partitions) == 1 or not said else f"{said} (partition {name})"

    def named(self, names: Iterable[str]) -> tuple[Partition, ...]:
        """Return the partitions called ``names``, in their own order."""
        wanted = set(names)
        return tuple(partition for partition in self.partitions if partition.name in wanted)

    def licence_of(self, partition: Partition) -> str | None:
        """Return the licence that is stated for the files of a partition, or None."""
        stated = partition.licence or self.licence
        return None if stated == NO_LICENCE else stated

    @property
    def permits(self) -> tuple[str, ...]:
        """What every partition permits and none prohibits, each word once."""
        if not self.partitions:
            return ()
        first, *others = self.partitions
        common = set(first.permits).intersection(*[part.permits for part in others])
        common.difference_update(self.prohibits)
        return tuple(dict.fromkeys(word for word in first.permits if word in common))

    @property
    def prohibits(self) -> tuple[str, ...]:
        """What any partition prohibits."""
        return _union([partition.prohibits for partition in self.partitions])

    @property
    def requires(self) -> tuple[str, ...]:
        """What any partition requires."""
        return _union([partition.requires for partition in self.partitions])

    @classmethod
    def of(cls, licence: Mapping[str, Any]) -> Self:
        """Read the ``licence`` of a credential that has the right shape.

        Raises:
            FormatError: (``bad-timestamp``, ``bad-digest``) a moment or digest that is none.
        """
        return cls(
            partitions=tuple([Partition.of(item) for item in licence["partitions"]]),
            licence=licence.get("spdxExpression"),
            texts={
                Digest.parse_urn(text["digest"]): text.get("name")
                for text in licence.get("texts", ())
            },
        )


def whole(
    permits: Sequence[str],
    prohibits: Sequence[str] = (),
    requires: Sequence[str] = (),
    grantable: Sequence[str] = (),
) -> Terms:
    """Return terms that are the same for every file."""
    words = (tuple(permits), tuple(prohibits), tuple(requires))
    return Terms((Partition(WHOLE, *words, grantable=tuple(grantable)),))


def _union(words: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(words)))
