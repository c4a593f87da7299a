"""Cedar in a process of its own: checking rules and answering requests (spec/21-rules.md §21.3).

ATTACK: twenty thousand brackets in a policy end the process that parses them. So Cedar runs in a
process with limits of memory and time, and without its answer nothing is permitted.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from importlib.util import find_spec
from typing import Any, Final

from msgspec import Struct

from lyrikstore.canon.errors import FormatError, InvalidInputError, LyrikstoreError
from lyrikstore.objects.parallel.limited import LimitedProcess, ending, limit_time
from lyrikstore.objects.parallel.tasks import (
    Message,
    Stream,
    answer_request,
    receive,
    receive_answer,
    send_request,
)
from lyrikstore.rules.pack import Answer, PackRule, bad_rule

MAX_SECONDS: Final = 60
"""Wall time for checking rules, or for the answers to one list of requests."""

MAX_ANSWER_BYTES: Final = 64 << 20
_MEMORY_BYTES: Final = 1 << 30
_TARGET: Final = "lyrikstore.rules.engine:talk"
_NAMESPACE: Final = "Lyrik"


class RulesRequest(Struct, frozen=True):
    """A request: may the holder of a key use this dataset or model for this action?

    Attributes:
        action: The action, such as ``train``.
        kind: ``Dataset`` or ``Model``.
        name: Name of the dataset or model; unique in a list of requests.
        facts: All attributes that the schema gives the kind.
        context: All attributes that the schema gives the context of the action.
        key: DID of the person who acts.
        roles: The roles of that key.
        waived: Ids of rules for which a waiver is in force.
    """

    action: str
    kind: str
    name: str
    facts: Mapping[str, Any]
    context: Mapping[str, Any]
    key: str = "did:key:unknown"
    roles: tuple[str, ...] = ()
    waived: frozenset[str] = frozenset()


class RulesAnswer(Struct, frozen=True):
    """The answer to a request.

    Attributes:
        answer: ``permit``, ``permit-by-waiver`` or ``deny``.
        forbidding: Ids of the rules that forbid the action, sorted, including lifted rules.
        lifted: Ids of the rules that waivers lift, sorted; empty if the answer is ``deny``.
        errors: Errors of the evaluation; with any error the answer is ``deny``.
    """

    answer: Answer
    forbidding: tuple[str, ...] = ()
    lifted: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


class RulesEngine:
    """Checked rules, and the process that answers requests by them; a context manager.

    Args:
        rules: The rules of one pack or several.
        file: The name in messages of the file with the rules.

    Raises:
        FormatError: (``bad-rules``) a rule is not one Cedar policy of its effect, names what the
            schema does not have, or ends the engine.
        InvalidInputError: (``missing-extra``) the extra ``rules`` is not installed.
        StorageError: (``worker-died``) no process can be started.

    Cost: a process of about 60 MB; about 20 ms to start it, Python included, then about ten
    microseconds for each rule and request.
    """

    def __init__(self, rules: Sequence[PackRule], file: str) -> None:
        if find_spec("cedarpy") is None:
            raise InvalidInputError(
                "missing-extra",
                "rules need the engine Cedar, which is not installed",
                hint='pip install "lyrikstore[rules]"',
            )
        self._rules = tuple(rules)
        self._file = file
        self._process = LimitedProcess(_TARGET, _MEMORY_BYTES)
        try:
            self._check()
        except BaseException:
            self._process.end()
            raise

    def __enter__(self) -> "RulesEngine":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.end()

    def decide(
        self, requests: Sequence[RulesRequest], *, leaving_out: frozenset[str] = frozenset()
    ) -> list[RulesAnswer]:
        """Return the answers, in the order of the requests.

        Args:
            requests: The requests.
            leaving_out: Ids of rules that are not applied.

        Raises:
            FormatError: (``no-ruling``) the engine died or did not answer in time.
        """
        rules = [one for one in self._rules if one.id not in leaving_out]
        first = self._ask(rules, requests)
        lifted = [_liftable(rules, *both) for both in zip(requests, first, strict=True)]
        # A waiver lifts what forbids, and grants nothing: without those rules it is asked again.
        again: dict[frozenset[str], list[int]] = {}
        for place, ids in enumerate(lifted):
            if ids:
                again.setdefault(ids, []).append(place)
        answers = list(first)
        for ids, places in again.items():
            left = [one for one in rules if one.id not in ids]
            found = self._ask(left, [requests[place] for place in places])
            for place, ruling in zip(places, found, strict=True):
                if ruling.answer == "permit":
                    before = first[place]
                    answers[place] = RulesAnswer(
                        "permit-by-waiver", before.forbidding, tuple(sorted(ids))
                    )
        return answers

    def _ask(
        self, rules: Sequence[PackRule], requests: Sequence[RulesRequest]
    ) -> list[RulesAnswer]:
        task = {
            "policies": [one.cedar for one in rules],
            "requests": [_cedar_request(one, place) for place, one in enumerate(requests)],
            "entities": [
                entity
                for place, one in enumerate(requests)
                for entity in _cedar_entities(one, place)
            ],
        }
        found = self._exchange({"decide": task}, "no-ruling")
        rulings = []
        for allowed, numbers, errors in found["rulings"]:
            ids = sorted({rules[int(number)].id for number in numbers})
            named = {one.id for one in rules if one.effect == "forbid"}
            rulings.append(
                RulesAnswer(
                    "permit" if allowed and not errors else "deny",
                    tuple(one for one in ids if one in named),
                    errors=tuple(map(str, errors)),
                )
            )
        if len(rulings) != len(requests):
            raise FormatError("no-ruling", "the rules engine left requests without an answer")
        return rulings

    def _check(self) -> None:
        policies = [one.cedar for one in self._rules]
        found = self._exchange({"check": {"policies": policies}}, "bad-rules")
        for number, reason in found["faults"]:
            raise bad_rule(self._file, self._rules[int(number)], str(reason)[:300])
        for rule, effect in zip(self._rules, found["effects"], strict=True):
            if effect != rule.effect:
                raise bad_rule(
                    self._file, rule, f"its Cedar policy does not have the effect {rule.effect}"
                )

    def _exchange(self, task: dict[str, Any], kind: str) -> dict[str, Any]:
        self._process.stream.begin(MAX_SECONDS, MAX_ANSWER_BYTES)
        try:
            send_request(self._process.stream, {}, Message({}, (json.dumps(task).encode(),)))
            answers = list(receive_answer(self._process.stream))
            return dict(json.loads(answers[0].buffers[0]))
        except TimeoutError:
            reason = f"the rules engine did not answer within {MAX_SECONDS} s"
        except LyrikstoreError as error:
            if error.kind != "worker-died":
                raise
            reason = f"the rules engine ended with {ending(self._process.end(wait=True))}"
        except (OSError, RuntimeError, ValueError, LookupError, TypeError):
            reason = f"the rules engine ended with {ending(self._process.end(wait=True))}"
        raise FormatError(
            kind, f"{self._file}: {reason}", hint="shorten the rules, or nest them less deeply"
        )


def _liftable(
    rules: Sequence[PackRule], request: RulesRequest, ruling: RulesAnswer
) -> frozenset[str]:
    """Return the forbidding rules of a request, if waivers lift all of them; else none."""
    if ruling.answer != "deny" or ruling.errors or not ruling.forbidding:
        return frozenset()
    waivable = {one.id for one in rules} - {one.id for one in rules if not one.waivable}
    ids = frozenset(ruling.forbidding)
    return ids if ids <= waivable and ids <= request.waived else frozenset()


def _uid(kind: str, name: str) -> dict[str, Any]:
    return {"type": f"{_NAMESPACE}::{kind}", "id": name}


def _text(kind: str, name: str) -> str:
    return f"{_NAMESPACE}::{kind}::{json.dumps(name)}"


def _cedar_request(request: RulesRequest, place: int) -> dict[str, Any]:
    return {
        "principal": _text("Key", f"{place}"),
        "action": _text("Action", request.action),
        "resource": _text(request.kind, f"{place}"),
        "context": dict(request.context),
    }


def _cedar_entities(request: RulesRequest, place: int) -> Iterator[dict[str, Any]]:
    key = {"did": request.key, "roles": list(request.roles)}
    yield {"uid": _uid("Key", f"{place}"), "attrs": key, "parents": []}
    facts = {**request.facts, "name": request.name}
    yield {"uid": _uid(request.kind, f"{place}"), "attrs": facts, "parents": []}


def schema_text() -> str:
    """Return the schema of the facts that rules may read, in the language of Cedar."""
    return files(__package__).joinpath("schema.cedarschema").read_text("utf-8")


# The side of the process.


def talk(stream: Stream) -> None:
    """Answer requests until the stream ends; the main function of the process."""
    while (request := receive(stream)) is not None:
        answer_request(stream, _answer, request)


def _answer(
    _setup: Mapping[str, Any], _task: Mapping[str, Any], data: bytes
) -> Iterator[tuple[Any, ...]]:
    limit_time(MAX_SECONDS)
    task = json.loads(data)
    found = _decide(**task["decide"]) if "decide" in task else _check_policies(**task["check"])
    yield {}, json.dumps(found).encode()


def _check_policies(policies: Sequence[str]) -> dict[str, Any]:
    import cedarpy

    effects: list[str] = []
    faults: list[tuple[int, str]] = []
    schema = schema_text()
    for number, text in enumerate(policies):
        try:
            found = json.loads(cedarpy.policies_to_json_str(text))
        except ValueError as error:
            effects.append("")
            faults.append((number, str(error)))
            continue
        static = list(found["staticPolicies"].values())
        if len(static) != 1 or found["templates"]:
            effects.append("")
            faults.append((number, "it must contain exactly one Cedar policy"))
            continue
        effects.append(static[0]["effect"])
        if static[0].get("annotations"):
            faults.append((number, "its policy has annotations; they stand beside it"))
            continue
        result = cedarpy.validate_policies(text, schema)
        if not result.validation_passed:
            faults.append((number, "; ".join(map(_without_number, result.errors))))
    return {"effects": effects, "faults": faults}


def _without_number(fault: object) -> str:
    return re.sub(r"\[policy0\] for policy `policy0`, ", "", str(fault))


def _decide(
    policies: Sequence[str], requests: Sequence[dict[str, Any]], entities: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    import cedarpy

    text = "\n".join(policies)
    found = cedarpy.is_authorized_batch(list(requests), text, list(entities), schema_text())
    return {
        "rulings": [
            (
                one.decision.name == "Allow",
                [int(name.removeprefix("policy")) for name in one.diagnostics.reasons],
                list(map(str, one.diagnostics.errors)),
            )
            for one in found
        ]
    }
