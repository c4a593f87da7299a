"""What several datasets under several terms may be used for together (spec §19.6).

The union answers to every act with the worst answer of any partition that it takes files from;
duties add up; limits narrow each other down. What decides is always named. Nothing is inferred
from a licence identifier.
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
"""Who decides: name of the dataset, name of the partition ('' for all of it)."""


class Conflict(Struct, frozen=True):
    """Terms that cannot all be kept.

    Attributes:
        kind: ``share-alike``, ``territory``, ``period`` or ``purposes``.
        summary: One line.
        between: Those whose terms exclude each other.
    """

    kind: str
    summary: str
    between: Deciders


class Mix(Struct, frozen=True):
    """The terms of a union.

    Attributes:
        sources: What it is made of.
        answers: Act → answer, and who decides it (nobody, where all permit).
        duties: Duty → whose terms demand it.
        limits: Within what everything is permitted.
        conflicts: What excludes each other.
        ruling: What the union answers to the use that was asked for, why, and who decides; None
            if none was.
        worth: The worst of what the credentials and grants are worth that decide the ruling.
        freed: Sources of which a union holds no record: their terms do not count.
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
        """The worst of what the credentials of its sources are worth."""
        return min((source.verdict for source in self.sources), key=list(Verdict).index)

    @property
    def is_open(self) -> bool:
        """Whether the ruling is not known; what does not hold permits nothing, and that is."""
        unknown = self.ruling is not None and self.ruling[0] == "unknown"
        return unknown and self.worth != "invalid"

    def grants_short_of(self, acts: Iterable[str], who: Deciders) -> tuple[HeldGrant, ...]:
        """Return the grants of some of ``acts`` by the datasets of ``who`` that do not give them.

        Args:
            acts: What was asked for.
            who: Who decided that it is not permitted.
        """
        wanted, names = set(acts), {name for name, _ in who}
        return tuple(
            grant
            for source in self.sources
            for grant in source.grants
            if source.name in names and grant.reason and wanted.intersection(grant.permits)
        )

    def is_grantable(self, act: str, who: Deciders) -> bool:
        """Return whether all of ``who`` say that they may grant ``act`` to somebody by name."""
        parts = {
            (source.name, name): partition.grantable
            for source in self.sources
            for partition in source.partitions
            for name in (partition.name, *([""] if len(source.partitions) == 1 else []))
        }
        return bool(who) and all(act in parts.get(one, ()) for one in who)

    def to_json(self) -> dict[str, Any]:
        """Return the mix as ``schemas/cli/terms.schema.json`` wants it."""
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
    """Return what the union of ``sources`` may be used for.

    Args:
        sources: The datasets, each with the partitions that are used; of some no record is.
        use: What is wanted, if anything in particular.

    Cost: O(partitions × words); 300 ms once, where share-alike licences have to be compared.
    """
    freed = tuple(source for source in sources if source.freed is not None)
    sources = _told_apart([source for source in sources if source.freed is None])
    if use is not None:
        sources = tuple(
            replace(one, grants=tuple(grant.asked(use) for grant in one.grants)) for one in sources
        )
    parts = [(source, partition) for source in sources for partition in source.partitions]
    own = {word for _, part in parts for word in (*part.permits, *part.prohibits)}
    asked = [(_label(source, part), part.requires, part.limits) for source, part in parts]
    for source in sources:
        grant = None if use is None else _best(source, use)[1]
        if grant is not None:
            # It gives what it gives within its limits, for its duties, and for those of the terms
            # that it rests on: the publisher may say something else to everybody by now.
            asked += [(_label(source, one), one.requires, one.limits) for one in grant.partitions]
            asked.append(((source.name, ""), grant.requires, grant.limits))
    duties: dict[str, dict[tuple[str, str], None]] = {}
    narrowing = _Narrowing()
    for who, requires, limits in asked:
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


def _told_apart(sources: Sequence[TermSource]) -> tuple[TermSource, ...]:
    # Two credentials about one dataset may say different things: what decides a no is one of them.
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
    """Return the worst answer, why and who decides it, and what that rests on is worth."""
    rulings = [ruling for source in sources for ruling in _best(source, wanted)[0]]
    worst = Answer.worst(ruling.answer for ruling in rulings)
    found = [ruling for ruling in rulings if ruling.answer is worst]
    worth = min((one.verdict for one in found), key=list(Verdict).index, default=Verdict.TRUSTED)
    if worst is Answer.PERMITTED:
        return (worst, "", ()), worth
    return (worst, found[0].reason, tuple(ruling.who for ruling in found)), worth


def _best(source: TermSource, wanted: str | Use) -> tuple[list[_Ruling], HeldGrant | None]:
    """Return what everybody may do with a dataset, or what a grant gives where it gives more."""
    own = _of_terms(source, wanted)
    best, by, order = own, None, [*Answer]
    # Whether a grant holds that would permit it is what is not known then.
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
    # What is not shown to hold permits nothing; a no needs no proof that it still stands.
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
    """Limits that narrow each other down, until nothing is left."""

    limits: UsageLimits = field(default_factory=UsageLimits)
    conflicts: list[Conflict] = field(default_factory=list)
    _from: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def add(self, who: tuple[str, str], other: UsageLimits) -> None:
        """Narrow the limits down by those of one partition."""
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
