"""Terms as values: partitions with permissions, prohibitions, duties and limits (spec/19-terms.md).

These values are read from a credential that satisfies its schema, or written into one. Nothing is
inferred from a licence identifier.
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
"""SPDX's word for a partition without a stated licence; it is not a licence."""

NOT_DECLARED = ", which the use does not declare"
"""End of the reason why a use is refused that does not state its territory, seats or purposes."""


class Answer(StrEnum):
    """The answer of terms to a use, worst first."""

    PROHIBITED = "prohibited"
    UNKNOWN = "unknown"
    NOT_STATED = "not-stated"
    UNDECLARED = "undeclared"
    PERMITTED = "permitted"

    @classmethod
    def worst(cls, answers: Iterable["Answer"]) -> "Answer":
        """Return the worst of ``answers``; without answers, permitted."""
        order = list(cls)
        return min(answers, key=order.index, default=cls.PERMITTED)


class Use(Struct, frozen=True):
    """A use of data, as the user declares it.

    Attributes:
        acts: The needed permissions, all of them.
        at: The moment of the use.
        territory: Its territory, ISO 3166; empty: not declared.
        seats: Number of people; None: not declared.
        purposes: Purposes of the work; empty: not declared.
    """

    acts: tuple[str, ...]
    at: datetime
    territory: tuple[str, ...] = ()
    seats: int | None = None
    purposes: tuple[str, ...] = ()

    @classmethod
    def of_run(cls, body: Mapping[str, Any], at: datetime) -> Self:
        """Return the use of data by a run: its purpose, its config's ``use``, and always ``train``.

        ATTACK: a run with the purpose ``evaluate``, on data that must not be used for training. A
        run of any purpose changes parameters of a model by means of the data.

        Args:
            body: Body of a run manifest.
            at: The moment.

        Raises:
            FormatError: (``bad-use``) the config's ``use`` is malformed.
        """
        return cls._declared(("train", body["purpose"]), body["config"], at)

    @classmethod
    def of_evaluation(cls, config: Mapping[str, Any], at: datetime) -> Self:
        """Return the use of data by an evaluation of a run's model, as the run declares it.

        Args:
            config: Config of the run; empty for a model of another store.
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
    """The limits of a permission.

    Attributes:
        territory: Countries and subdivisions; empty: anywhere.
        use_from: First moment, or None.
        use_until: Last moment, or None.
        seats: Most people, or None.
        purposes: Allowed purposes of the work; empty: any purpose.
    """

    territory: tuple[str, ...] = ()
    use_from: datetime | None = None
    use_until: datetime | None = None
    seats: int | None = None
    purposes: tuple[str, ...] = ()

    def judge(self, use: Use) -> tuple[Answer, str]:
        """Return whether ``use`` is within the limits, and the limit that decides."""
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
        """Return the reason why these limits are wider than ``bounds``, or None."""
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
        """Return the last moment of use: the earlier end of these limits and of their credential.

        Args:
            valid_until: End of the credential; None: it has no end.
        """
        stated = None if self.use_until is None else format_timestamp(self.use_until)
        # All moments are of one form, so the order of the texts is that of the moments.
        return min((one for one in (valid_until, stated) if one is not None), default=None)

    def to_json(self) -> dict[str, JSON]:
        """Return the limits in the form of a credential; an empty object for no limits."""
        members = as_json(self)
        return {"type": "TermLimits", **members} if members else {}

    @classmethod
    def of(cls, members: Mapping[str, Any]) -> Self:
        """Return the limits in a document that satisfies the schema.

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
    """A selector of files: a path with everything below it, or values of a column.

    Attributes:
        path: A file, or a folder with all its files; or None.
        column: A metadata column; or None.
        values: Values of the column; a file with any of them is selected.
    """

    path: str | None = None
    column: str | None = None
    values: tuple[str, ...] = ()

    def to_json(self) -> dict[str, JSON]:
        """Return the selector in the form of a credential."""
        if self.path is not None:
            return {"type": "PathSelector", "path": self.path}
        return {"type": "MetadataSelector", "column": self.column, "values": list(self.values)}

    @classmethod
    def of(cls, members: Mapping[str, Any]) -> Self:
        """Return the selector in a document that satisfies the schema."""
        return cls(members.get("path"), members.get("column"), tuple(members.get("values", ())))


class Partition(Struct, frozen=True):
    """Files of a dataset with the same terms, and these terms.

    Attributes:
        name: The publisher's name for it.
        permits: Permitted acts.
        prohibits: Explicitly prohibited acts.
        requires: Duties.
        grantable: Acts that a grant may further permit to a named holder (spec §20.4).
        limits: Limits of the permissions.
        select: Selectors of its files; empty: the files that no other partition selects.
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
        """Return the answer to ``use``, and the word or limit that decides."""
        rulings = [(self.answer(act), act) for act in use.acts]
        rulings.append(self.limits.judge(use))
        worst = Answer.worst(answer for answer, _ in rulings)
        return next(ruling for ruling in rulings if ruling[0] is worst)

    def answer(self, act: str) -> Answer:
        """Return the answer to one act, without regard to limits."""
        if act in self.prohibits:
            return Answer.PROHIBITED
        return Answer.PERMITTED if act in self.permits else Answer.NOT_STATED

    def with_grant(self, words: Iterable[str]) -> Self:
        """Return these terms for the holder of a grant that further permits ``words``."""
        return replace(self, permits=tuple(dict.fromkeys((*self.permits, *words))))

    def to_json(self) -> dict[str, JSON]:
        """Return the partition in the form of a credential, without its counts."""
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
        """Return the partition in a document that satisfies the schema.

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
        partitions: All partitions, at least one, or only those in use.
        licence: The SPDX expression that the dataset's manifest states for all of it, or None.
        texts: Digest of a licence text → id of the licence, or None if it is not stated.
    """

    partitions: tuple[Partition, ...]
    licence: str | None = None
    texts: Mapping[Digest, str | None] = field(default_factory=dict)

    def judge(self, use: Use, names: Iterable[str] | None = None) -> tuple[Answer, str]:
        """Return the answer to ``use``, and the reason: partition and word or limit.

        Args:
            use: The use.
            names: Names of the partitions in use; all by default.
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
        """Return the partitions with these names, in the order of the terms."""
        wanted = set(names)
        return tuple(partition for partition in self.partitions if partition.name in wanted)

    def licence_of(self, partition: Partition) -> str | None:
        """Return the stated licence of a partition's files, or None."""
        stated = partition.licence or self.licence
        return None if stated == NO_LICENCE else stated

    @property
    def permits(self) -> tuple[str, ...]:
        """Acts that every partition permits and none prohibits, each word once."""
        if not self.partitions:
            return ()
        first, *others = self.partitions
        common = set(first.permits).intersection(*[part.permits for part in others])
        common.difference_update(self.prohibits)
        return tuple(dict.fromkeys(word for word in first.permits if word in common))

    @property
    def prohibits(self) -> tuple[str, ...]:
        """Acts that any partition prohibits."""
        return _union([partition.prohibits for partition in self.partitions])

    @property
    def requires(self) -> tuple[str, ...]:
        """Duties of any partition."""
        return _union([partition.requires for partition in self.partitions])

    @classmethod
    def of(cls, licence: Mapping[str, Any]) -> Self:
        """Return the terms in the ``licence`` of a credential that satisfies the schema.

        Raises:
            FormatError: (``bad-timestamp``, ``bad-digest``) a timestamp or digest is invalid.
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
    """Return terms with one partition for all files."""
    words = (tuple(permits), tuple(prohibits), tuple(requires))
    return Terms((Partition(WHOLE, *words, grantable=tuple(grantable)),))


def _union(words: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(words)))
