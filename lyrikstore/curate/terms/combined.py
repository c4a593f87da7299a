"""The terms of several datasets that are used together (spec §19.6).

For every act the union has the worst answer of any partition that it takes files from; duties add
up; limits are intersected. The sources that decide are always named. Nothing is inferred from a
licence identifier.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import JSON, as_json
from lyrikstore.credentials.terms.model import Answer, Partition, UsageLimits, Use
from lyrikstore.credentials.terms.sharealike import share_alike_clashes
from lyrikstore.credentials.terms.vocabulary import PERMISSIONS, within
from lyrikstore.curate.terms.contribution import HeldGrant, TermSource
from lyrikstore.verify.report import Verdict

_Limit = TypeVar("_Limit")

Deciders = tuple[tuple[str, str], ...]
"""The partitions that decide: name of the dataset, name of the partition ('' for all of it)."""


class Conflict(Struct, frozen=True):
    """A conflict between terms that cannot be met together.

    Attributes:
        kind: ``share-alike``, ``territory``, ``period`` or ``purposes``.
        summary: One line.
        between: The partitions whose terms conflict.
    """

    kind: str
    summary: str
    between: Deciders


class Mix(Struct, frozen=True):
    """The terms of a union.

    Attributes:
        sources: The datasets in the union.
        answers: Act → answer, and the partitions that decide it (none if all permit the act).
        duties: Duty → partitions whose terms demand it.
        limits: The limits within which every use must stay.
        conflicts: Conflicts between terms.
        ruling: The answer to the requested use, the reason, and the partitions that decide; None
            if no use was requested.
        worth: The worst verdict of the credentials and grants that decide the ruling.
        freed: Sources of which the union has no record; their terms do not count.
    """

    sources: tuple[TermSource, ...]
    answers: Mapping[str, tuple[Answer, Deciders]]
    duties: Mapping[str, Deciders]
    limits: UsageLimits
    conflicts: tuple[Conflict, ...]
    ruling: tuple[Answer, str, Deciders] | None
    worth: Verdict
    freed: tuple[TermSource, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of the credentials of its sources."""
        return min((source.verdict for source in self.sources), key=list(Verdict).index)

    @property
    def is_open(self) -> bool:
        """Whether the ruling is unknown; an invalid credential permits nothing, which is known."""
        unknown = self.ruling is not None and self.ruling[0] == "unknown"
        return unknown and self.worth != "invalid"

    def grants_short_of(self, acts: Iterable[str], who: Deciders) -> tuple[HeldGrant, ...]:
        """Return the grants for the datasets of ``who`` that give only a part of ``acts``.

        Args:
            acts: The requested acts.
            who: The partitions that decided that they are not permitted.
        """
        wanted, names = set(acts), {name for name, _ in who}
        return tuple(
            grant
            for source in self.sources
            for grant in source.grants
            if source.name in names and grant.reason and wanted.intersection(grant.permits)
        )

    def is_grantable(self, act: str, who: Deciders) -> bool:
        """Return whether all of ``who`` state that they may grant ``act`` individually."""
        parts = {
            (source.name, name): partition.grantable
            for source in self.sources
            for partition in source.partitions
            for name in (partition.name, *([""] if len(source.partitions) == 1 else []))
        }
        return bool(who) and all(act in parts.get(one, ()) for one in who)

    def to_json(self) -> dict[str, Any]:
        """Return the combined terms as JSON, by ``schemas/cli/terms.schema.json``."""
        use = None
        if self.ruling is not None:
            answer, reason, who = self.ruling
            use = {"answer": str(answer), "reason": reason or None, "decidedBy": _parties(who)}
        return {
            "sources": [
                {
                    "name": source.name,
                    "through": source.through or None,
                    "partitions": [partition.name for partition in source.partitions],
                    "trusted": source.verdict is Verdict.TRUSTED,
                    "verdict": str(source.verdict),
                    "credential": source.credential,
                    "issuer": source.issuer,
                    "problem": source.problem or None,
                    "note": source.note or None,
                    "ownWord": None if source.own_word is None else source.own_word.to_json(),
                    "grants": [grant.to_json() for grant in source.grants],
                }
                for source in self.sources
            ],
            "freed": [{"name": one.name, "id": str(one.freed)} for one in self.freed],
            "verdict": str(self.verdict),
            "answers": {
                act: {"answer": str(answer), "decidedBy": _parties(who)}
                for act, (answer, who) in self.answers.items()
            },
            "duties": {duty: _parties(who) for duty, who in self.duties.items()},
            "limits": as_json(self.limits),
            "conflicts": [
                {"kind": item.kind, "summary": item.summary, "between": _parties(item.between)}
                for item in self.conflicts
            ],
            "use": use,
        }


def mix(sources: Sequence[TermSource], use: Use | None = None) -> Mix:
    """Return the terms of the union of ``sources``.

    Args:
        sources: The datasets, each with its used partitions; of some no record may be used.
        use: The requested use, if any.

    Cost: O(partitions × words); 300 ms once, if share-alike licences must be compared.
    """
    freed = tuple(source for source in sources if source.freed is not None)
    sources = _distinct_names([source for source in sources if source.freed is None])
    if use is not None:
        sources = tuple(
            replace(one, grants=tuple(grant.asked(use) for grant in one.grants)) for one in sources
        )
    parts = [(source, partition) for source in sources for partition in source.partitions]
    own = {word for _, part in parts for word in (*part.permits, *part.prohibits)}
    demands = [(_label(source, part), part.requires, part.limits) for source, part in parts]
    for source in sources:
        grant = None if use is None else _best(source, use)[1]
        if grant is not None:
            # A grant permits its acts within its limits and duties, and within those of the terms
            # that it is based on; the publisher may have other terms for everybody by now.
            demands += [(_label(source, one), one.requires, one.limits) for one in grant.partitions]
            demands.append(((source.name, ""), grant.requires, grant.limits))
    duties: dict[str, dict[tuple[str, str], None]] = {}
    narrowing = _Narrowing()
    for who, requires, limits in demands:
        narrowing.add(who, limits)
        for duty in requires:
            duties.setdefault(duty, {})[who] = None
    ruling, worth = (None, Verdict.TRUSTED) if use is None else _worst(sources, use)
    return Mix(
        sources,
        {
            act: _worst(sources, act)[0][::2]
            for act in (*PERMISSIONS, *sorted(own - PERMISSIONS.keys()))
        },
        {duty: tuple(who) for duty, who in sorted(duties.items())},
        narrowing.limits,
        (*narrowing.conflicts, *_share_alike(parts)),
        ruling,
        worth,
        freed,
    )


def _distinct_names(sources: Sequence[TermSource]) -> tuple[TermSource, ...]:
    # Two credentials about one dataset may have different terms, so a decision must name one.
    often = Counter(source.name for source in sources)
    return tuple(
        replace(source, name=f"{source.name}, credential {Digest.parse(source.credential).short}")
        if often[source.name] > 1 and source.credential is not None
        else source
        for source in sources
    )


class _Ruling(Struct, frozen=True):
    answer: Answer
    reason: str
    who: tuple[str, str]
    verdict: Verdict


def _worst(
    sources: Iterable[TermSource], wanted: str | Use
) -> tuple[tuple[Answer, str, Deciders], Verdict]:
    """Return the worst answer with its reason and deciders, and the worst verdict of these."""
    rulings = [ruling for source in sources for ruling in _best(source, wanted)[0]]
    worst = Answer.worst(ruling.answer for ruling in rulings)
    found = [ruling for ruling in rulings if ruling.answer is worst]
    worth = min((one.verdict for one in found), key=list(Verdict).index, default=Verdict.TRUSTED)
    if worst is Answer.PERMITTED:
        return (worst, "", ()), worth
    return (worst, found[0].reason, tuple(ruling.who for ruling in found)), worth


def _best(source: TermSource, wanted: str | Use) -> tuple[list[_Ruling], HeldGrant | None]:
    """Return the rulings of a dataset's terms, or of the grant that permits more than them."""
    own = _of_terms(source, wanted)
    best, by, order = own, None, [*Answer]
    # In this case it is unknown whether a grant that would permit it is valid.
    order.append(order.pop(order.index(Answer.UNKNOWN)))
    order.append(order.pop(order.index(Answer.PERMITTED)))
    for grant in source.grants:
        if not source.lets_count(grant):
            continue
        given = _of_grant(source, grant, wanted)
        if order.index(_answer(given)) > order.index(_answer(best)):
            best, by = given, grant
    return best, by


def _of_terms(source: TermSource, wanted: str | Use) -> list[_Ruling]:
    if source.terms is None:
        return [_Ruling(Answer.UNKNOWN, source.problem, (source.name, ""), source.verdict)]
    return [
        _shown(*_judge(partition, wanted), _label(source, partition), source.verdict, source.note)
        for partition in source.partitions
    ]


def _of_grant(source: TermSource, grant: HeldGrant, wanted: str | Use) -> list[_Ruling]:
    who = source.name, ""
    if grant.verdict is Verdict.INVALID:
        return [_Ruling(Answer.PROHIBITED, grant.note, who, grant.verdict)]
    rulings = [(*_judge(part, wanted), _label(source, part)) for part in grant.parts]
    if isinstance(wanted, Use):
        rulings.append((*grant.limits.judge(wanted), who))
    return [_shown(*ruling, grant.verdict, grant.note) for ruling in rulings]


def _shown(
    answer: Answer, reason: str, who: tuple[str, str], verdict: Verdict, note: str
) -> _Ruling:
    # Terms that are not shown to be valid permit nothing; a prohibition needs no such proof.
    if answer is Answer.PERMITTED and verdict is Verdict.INCOMPLETE:
        return _Ruling(Answer.UNKNOWN, note, who, verdict)
    return _Ruling(answer, reason, who, verdict)


def _answer(rulings: Iterable[_Ruling]) -> Answer:
    return Answer.worst(ruling.answer for ruling in rulings)


def _judge(partition: Partition, wanted: str | Use) -> tuple[Answer, str]:
    if isinstance(wanted, Use):
        return partition.judge(wanted)
    return partition.answer(wanted), ""


def _label(source: TermSource, partition: Partition) -> tuple[str, str]:
    several = source.terms is not None and len(source.terms.partitions) > 1
    return source.name, partition.name if several else ""


@dataclass(slots=True)
class _Narrowing:
    """The intersection of limits, and the conflicts where it is empty."""

    limits: UsageLimits = field(default_factory=UsageLimits)
    conflicts: list[Conflict] = field(default_factory=list)
    _from: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def add(self, who: tuple[str, str], other: UsageLimits) -> None:
        """Intersect the limits with those of one partition."""
        now = self.limits
        start = max(filter(None, (now.use_from, other.use_from)), default=None)
        end = min(filter(None, (now.use_until, other.use_until)), default=None)
        if other.use_from is not None or other.use_until is not None:
            over = start is not None and end is not None and start > end
            start, end = self._keep(
                "period", who, over, (now.use_from, now.use_until), (start, end)
            )
        territory = now.territory
        if other.territory:
            both = _common(now.territory, other.territory) if now.territory else other.territory
            territory = self._keep("territory", who, not both, now.territory, both)
        purposes = now.purposes
        if other.purposes:
            shared = tuple(word for word in now.purposes if word in other.purposes)
            shared = shared if now.purposes else other.purposes
            purposes = self._keep("purposes", who, not shared, now.purposes, shared)
        seats = min(filter(None, (now.seats, other.seats)), default=None)
        self.limits = UsageLimits(territory, start, end, seats, purposes)

    def _keep(
        self, kind: str, who: tuple[str, str], clash: bool, old: _Limit, new: _Limit
    ) -> _Limit:
        before = self._from.setdefault(kind, [])
        if clash:
            what = {"period": "moment", "territory": "place", "purposes": "purpose"}[kind]
            summary = f"there is no {what} at which the terms of all of them permit anything"
            self.conflicts.append(Conflict(kind, summary, (*before, who)))
            return old
        before.append(who)
        return new


def _common(one: Sequence[str], other: Sequence[str]) -> tuple[str, ...]:
    inside = [place for place in one if within(place, other)]
    inside += [place for place in other if within(place, one)]
    return tuple(sorted(set(inside)))


def _share_alike(parts: Iterable[tuple[TermSource, Partition]]) -> list[Conflict]:
    by_licence: dict[str | None, list[tuple[str, str]]] = {}
    for source, partition in parts:
        if "shareAlike" in partition.requires and source.terms is not None:
            licence = source.terms.licence_of(partition)
            by_licence.setdefault(licence, []).append(_label(source, partition))
    return [Conflict("share-alike", *clash) for clash in share_alike_clashes(by_licence)]


def _parties(who: Deciders) -> list[JSON]:
    return [{"dataset": name, "partition": part or None} for name, part in who]
