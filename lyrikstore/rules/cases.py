"""The table of cases of a pack: the answers that its rules must give."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from lyrikstore.canon.errors import FormatError
from lyrikstore.rules.engine import MAX_SECONDS, RulesAnswer, RulesEngine, RulesRequest
from lyrikstore.rules.pack import Case, Pack, PackRule, builtin_pack

SOUND: Final[Mapping[str, Mapping[str, Any]]] = {
    "Dataset": {
        "licences": ["CC-BY-4.0"],
        "rights": "in-force",
        "issuers": ["did:web:publisher.example"],
        "permits": ["train", "evaluate", "commercialUse"],
        "prohibits": [],
        "classification": {
            "personal": "absent",
            "health": "absent",
            "financial": "absent",
            "privileged": "absent",
        },
        "classificationBasis": "measured",
        "deidentification": "none",
        "deidentificationAttested": "no",
        "attesters": [],
        "agreements": [],
        "purposes": ["train"],
        "synthetic": {"share": "none", "outputTerms": "not-applicable"},
        "labelsReviewed": "all",
        "residualPerMille": 0,
        "ageDays": 0,
    },
    "Model": {
        "licences": ["Apache-2.0"],
        "evaluated": "yes",
        "overlap": 0,
        "betterThanBaseline": "yes",
        "card": "approved",
        "reviews": 1,
    },
}
"""Facts with which every rule permits; a case states the facts that differ."""

_CONTEXT: Final[Mapping[str, Mapping[str, Any]]] = {
    **{one: {"purpose": "train", "uses": []} for one in ("train", "evaluate", "issue")},
    **{one: {"target": "onnx"} for one in ("approve", "deploy")},
}


class Outcome(Struct, frozen=True):
    """The result of one case.

    Attributes:
        case: The case.
        ruling: The answer of the rules.
        right: Whether the answer is the required one.
    """

    case: Case
    ruling: RulesAnswer
    right: bool


class TableResult(Struct, frozen=True):
    """The results of all cases of a pack.

    Attributes:
        outcomes: The results of the cases, in their order.
        untested: Rules without which every case has the same answer, in their order.
    """

    outcomes: tuple[Outcome, ...]
    untested: tuple[PackRule, ...]

    @property
    def wrong(self) -> tuple[Outcome, ...]:
        """The cases with another answer than they require."""
        return tuple(one for one in self.outcomes if not one.right)


def run_cases(pack: Pack, *, untested: bool = True) -> TableResult:
    """Return the results of the cases of a pack, and the rules that no case tests.

    A pack that permits nothing is run with the rules of ``core`` that permit.

    Args:
        pack: The pack.
        untested: Whether to find the rules that no case tests.

    Raises:
        FormatError: (``no-ruling``) it takes longer than a minute.
        LyrikstoreError: As :class:`RulesEngine`.

    Cost: one run of all cases, and one more for each rule; about a quarter of a second for a
    built-in pack.
    """
    permits: tuple[PackRule, ...] = ()
    if all(rule.effect == "forbid" for rule in pack.rules):
        permits = tuple(one for one in builtin_pack("core").rules if one.effect == "permit")
    until = time.monotonic() + MAX_SECONDS
    found: list[PackRule] = []
    with RulesEngine((*permits, *pack.rules), pack.file) as engine:
        outcomes = tuple(_outcomes(engine, pack))
        for rule in pack.rules if untested else ():
            # ATTACK: hundreds of rules and cases, each of which is quick.
            if time.monotonic() > until:
                raise FormatError(
                    "no-ruling",
                    f"{pack.file}: its cases took more than {MAX_SECONDS} s",
                    hint="test fewer rules in one pack",
                )
            if all(one.right for one in _outcomes(engine, pack, frozenset({rule.id}))):
                found.append(rule)
    return TableResult(outcomes, tuple(found))


def check_cases(pack: Pack) -> None:
    """Raise `wrong-case` unless the rules of a pack give every case its required answer.

    Args:
        pack: The pack.

    Raises:
        FormatError: (``wrong-case``) a case gets another answer.
        LyrikstoreError: As :class:`RulesEngine`.
    """
    for one in run_cases(pack, untested=False).wrong:
        raise wrong_case(pack, one)


def wrong_case(pack: Pack, outcome: Outcome) -> FormatError:
    """Return the error for a case with another answer than it requires, with file and line."""
    case, ruling = outcome.case, outcome.ruling
    return FormatError(
        "wrong-case",
        f"{pack.file}, line {case.line}: case {case.name!r} must get "
        f"{_words(case.answer, case.rules)} and gets {_words(ruling.answer, ruling.forbidding)}",
        hint="change the rule, or the answer that the case requires",
        details={"file": pack.file, "line": case.line, "case": case.name},
    )


def _outcomes(
    engine: RulesEngine, pack: Pack, leaving_out: frozenset[str] = frozenset()
) -> list[Outcome]:
    requests = [_request_of(case) for case in pack.cases]
    rulings = engine.decide(requests, leaving_out=leaving_out)
    return [
        Outcome(case, ruling, (ruling.answer, ruling.forbidding) == (case.answer, case.rules))
        for case, ruling in zip(pack.cases, rulings, strict=True)
    ]


def _request_of(case: Case) -> RulesRequest:
    return RulesRequest(
        action=case.action,
        kind=case.kind,
        name=case.name,
        facts=dict(_merged(SOUND[case.kind], case.facts)),
        context={**_CONTEXT[case.action], **case.context},
        waived=frozenset(case.waived),
    )


def _merged(sound: Mapping[str, Any], changes: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name in dict.fromkeys((*sound, *changes)):
        before, value = sound.get(name), changes.get(name, sound.get(name))
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            yield name, {**before, **value}
        else:
            yield name, value


def _words(answer: str, rules: Sequence[str]) -> str:
    return f"{answer} ({', '.join(rules)})" if rules else answer
