"""The check ``rules``: whether every use was decided by the rules in force (spec §21.10)."""

from collections.abc import Sequence
from contextlib import ExitStack

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError, LyrikstoreError
from lyrikstore.canon.json import JSON
from lyrikstore.canon.quoting import listed
from lyrikstore.canon.text import pluralize
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.policy.approving import last_key
from lyrikstore.history.policy.policy import APPROVAL
from lyrikstore.history.repository.repository import Repository
from lyrikstore.objects.chunk.stream import NOT_FETCHED
from lyrikstore.rules.engine import RulesAnswer, RulesEngine, RulesRequest
from lyrikstore.verify.problems import Problems
from lyrikstore.verify.report import Check, not_applicable
from lyrikstore.verify.rules.in_force import (
    DECISION,
    REQUEST,
    RULES,
    WAIVER,
    RulesInForce,
    names_in_force,
    read_pack,
    read_rules,
    waivers_in_force,
)
from lyrikstore.verify.rules.request import RulesQuestion, RulesUse, ask
from lyrikstore.verify.rules.statements import (
    answer_of,
    find_decision_error,
    find_waiver_error,
    read_request,
)
from lyrikstore.verify.rules.uses import ACTIONS, use_of

_CHECK = "rules"
NO_DECISION, OTHER_FACTS, OTHER_RULES, DENIED = (
    "no-decision",
    "other-facts",
    "other-rules",
    "denied",
)
OTHER_USE, NO_ENGINE, REFUSED_TODAY, WAIVED = "other-use", "no-engine", "refused-today", "waived"
_USED = ("dataset", "checkpoint")
_STATEMENTS = frozenset({RULES, WAIVER, DECISION})
_ADJACENT = 2
"""Log entries from a decision to what rests on it, where both are logged together."""

_ENGINE_FAILED = frozenset({"missing-extra", "no-ruling", "worker-died"})


class Engines:
    """Engines by the rules that they decide by; a context manager that ends them."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._known: dict[tuple[Digest, ...], RulesEngine] = {}

    def __enter__(self) -> "Engines":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def decide(self, rules: RulesInForce, requests: Sequence[RulesRequest]) -> list[RulesAnswer]:
        """Return the answers to some requests, in their order.

        Raises:
            LyrikstoreError: As :class:`RulesEngine`.
        """
        key = tuple(one.id for one in rules.manifests)
        if key not in self._known:
            file = ", ".join(one.name for one in rules.manifests)
            engine = RulesEngine(rules.rules, file)
            self._known[key] = self._stack.enter_context(engine)
        return self._known[key].decide(requests)


def check_rules(repository: Repository, ancestry: Lineage) -> Check:
    """Return ``rules``: whether the uses among some manifests were decided by the rules in force.

    Facts are computed again as of each decision, compared byte for byte, and decided again; then
    once more as of now, which only gives a warning.

    Args:
        repository: The store.
        ancestry: The manifests in question.

    Cost: as :func:`lyrikstore.verify.rules.request.ask`, twice for each use; a process for each
        set of rules.
    """
    problems = Problems(_CHECK)
    count, waived = 0, dict[Digest, None]()
    with Engines() as engines:
        for subject in ancestry.values():
            label = f"{subject.name} ({subject.id.short})"
            try:
                if error_text := _error_of(repository, subject, engines):
                    problems.add(problems.bad, OTHER_FACTS, f"{label}: {error_text}")
                if subject.kind not in ACTIONS:
                    continue
                review = _Review(repository, subject, label, problems, engines, ancestry)
                if review.check():
                    count += 1
                    waived.update((one.id, None) for one in review.waivers)
                    for one in review.waivers:
                        text = f"{label}: permitted by {one.name} until {one.body['until']}"
                        problems.add(problems.warnings, WAIVED, text)
            except LyrikstoreError as error:
                if error.kind in _ENGINE_FAILED:  # could not check is no verdict on the use
                    text = f"{label}: its rules cannot be evaluated: {error.message}"
                    problems.add(problems.lost, NO_ENGINE, text)
                else:
                    problems.note(label, error)
    if not count and not problems.count:
        return not_applicable(_CHECK, "no rules: no namespace of its ancestry has any")
    detail: dict[str, JSON] = {"decisions": count}
    if waived:
        detail["waivers"] = listed([str(one) for one in waived])
    said = pluralize(count, "use was permitted", "uses were permitted")
    return problems.close(f"{said} by the rules in force", **detail)


def _error_of(repository: Repository, statement: Manifest, engines: Engines) -> str | None:
    """Return why a pack, a waiver or a decision is not sound by itself; else None.

    Raises:
        LyrikstoreError: It cannot be read, or the engine fails.
    """
    if statement.kind not in _STATEMENTS:
        return None
    if statement.kind == RULES:
        read_pack(repository, statement)
        return None
    if statement.kind == WAIVER:
        return find_waiver_error(repository, statement)
    rules = read_rules(repository, [repository.manifest(i.id) for i in statement.inputs_in(RULES)])
    request = read_request(repository, statement)
    return find_decision_error(statement, request, engines.decide(rules, request.requests))


class _Review:
    """The review of one use."""

    def __init__(
        self,
        repository: Repository,
        subject: Manifest,
        label: str,
        problems: Problems,
        engines: Engines,
        ancestry: Lineage,
    ) -> None:
        self._ancestry = ancestry
        self._repository, self._subject, self._label = repository, subject, label
        self._problems, self._engines = problems, engines
        self.waivers: tuple[Manifest, ...] = ()

    def check(self) -> bool:
        """Add the problems of the use; return whether rules decide it.

        Raises:
            LyrikstoreError: A manifest, a pack or a fact cannot be read; or the engine fails.
        """
        repository, subject = self._repository, self._subject
        use = use_of(repository, subject)
        if use is None:
            return False
        index = repository.index_of(subject.id)
        named = subject.inputs_in(DECISION)
        in_force = names_in_force(repository, use.namespaces, index)
        if subject.kind == APPROVAL:  # an approver signs approvals only: it is decided here
            if in_force:
                self._check_approval(use, read_rules(repository, in_force), index)
            return bool(in_force)
        if not named:
            # ATTACK A169: a run that no rule was asked about.
            if in_force:
                self._bad(NO_DECISION, "no rule decided it, and its namespace has rules")
            return bool(in_force)
        decision = repository.manifest(named[0].id)
        self._check_decision(decision, use, index)
        self._check_today(use, decision.author)
        return True

    def _check_decision(self, decision: Manifest, use: RulesUse, index: int) -> None:
        repository, subject = self._repository, self._subject
        at = repository.index_of(decision.id)
        policy = repository.policy_before(index)
        if at >= index:
            self._bad(NO_DECISION, "its decision was logged after it")
        if last_key(policy, decision.author) != last_key(policy, subject.author):
            self._bad("other-key", "another key signed its decision")
        if decision.body["action"] != use.action:
            self._bad(OTHER_USE, "its decision is about another action")
        stated = {role: [one.id for one in decision.inputs_in(role)] for role in _USED}
        model = [] if use.model is None else [use.model.id]
        if stated != {"dataset": list(use.datasets), "checkpoint": model}:
            self._bad(OTHER_USE, "its decision names other data, or another model")
        manifests = [repository.manifest(one.id) for one in decision.inputs_in(RULES)]
        rules = read_rules(repository, manifests)
        lifted = {one.id for one in decision.inputs_in(WAIVER)}
        waivers = waivers_in_force(repository, rules, at, user=decision.author)
        question = ask(repository, use, waivers, index=at, user=decision.author)
        if decision.attachments_in(REQUEST)[0].id != Digest.of(question.data):
            self._require_fetched(question)
            if question.unread:
                text = f"{self._label}: its facts cannot be computed again: {question.unread[0]}"
                self._problems.add(self._problems.lost, "lost", text)
            else:
                self._check_difference(decision, question)
        answers = self._engines.decide(rules, question.requests)
        if fault := _denied(question, answers):
            self._bad(DENIED, f"the rules that its decision names deny it: {fault}")
        elif answer_of(answers) != decision.body["answer"]:
            self._bad(OTHER_FACTS, f"the rules answer {answer_of(answers)}")
        elif decision.body["resources"] != len(question.resources):
            self._bad(OTHER_FACTS, f"the request has {len(question.resources)} resources")
        self._check_evidence(question)
        used = used_waivers(question, answers)
        rules_lifted = lifted_rules(question, answers) != decision.body.get("lifted", [])
        if (rules_lifted or {one.id for one in used} != lifted) and not question.unread:
            self._bad("other-waivers", "its decision names other waivers than lift its rules")
        self.waivers = tuple(used)
        self._check_current(decision, use, rules, (at, index))

    def _check_difference(self, decision: Manifest, question: RulesQuestion) -> None:
        """Add that a signed request differs from the one that is computed again.

        Other facts are a warning here: whether the use is permitted follows from those that are
        computed again. Entries of others, logged between a decision in a clone and its push, change
        facts without any fault of its author.
        """
        signed = read_request(self._repository, decision)
        if signed.about != question.request.about:
            self._bad(OTHER_USE, "the request of its decision is about another use")
            return
        text = f"{self._label}: the facts of its decision are not those of the log before it"
        self._problems.add(self._problems.warnings, OTHER_FACTS, text)

    def _check_evidence(self, question: RulesQuestion) -> None:
        """Add an evaluation or a card from which facts follow, and that is not verified with it."""
        # ATTACK A179: an evaluation that nobody made, so that a model counts as evaluated.
        for resource in question.resources:
            for one in resource.evidence if resource.kind == "Model" else ():
                if one not in self._ancestry and self._subject.kind == "deployment":
                    text = f"its facts follow from {one.short}, which it was not made from"
                    self._bad(OTHER_FACTS, text)

    def _check_approval(self, use: RulesUse, rules: RulesInForce, index: int) -> None:
        user = self._subject.author
        waivers = waivers_in_force(self._repository, rules, index, user=user)
        question = ask(self._repository, use, waivers, index=index, user=user)
        self._require_fetched(question)
        answers = self._engines.decide(rules, question.requests)
        if fault := _denied(question, answers):
            self._bad(DENIED, f"the rules in force denied it: {fault}")
        self.waivers = tuple(used_waivers(question, answers))

    def _check_current(
        self, decision: Manifest, use: RulesUse, rules: RulesInForce, moments: tuple[int, int]
    ) -> None:
        """Add that a decision is older than what rests on it, or names other rules than in force.

        Whatever was logged before the use counts: facts, and the rules in force.
        """
        decided, used = moments
        repository, label = self._repository, self._label
        named = [one.id for one in rules.manifests]
        current = names_in_force(repository, use.namespaces, used)
        same = named == [one.id for one in current]
        together = repository.entry_of(decision.id).seq == repository.entry_of(self._subject.id).seq
        if same and together and used - decided <= _ADJACENT:
            return
        # ATTACK A170: rules that were replaced, because they permit what the new ones deny.
        # ATTACK A175: a decision of before an attestation was revoked, cited by a later run.
        newer = read_rules(repository, current)
        waivers = waivers_in_force(repository, newer, used, user=decision.author)
        question = ask(repository, use, waivers, index=used, user=decision.author)
        self._require_fetched(question)
        fault = _denied(question, self._engines.decide(newer, question.requests)) if current else ""
        if fault:
            what = DENIED if same else OTHER_RULES
            text = f"{label}: the rules in force when it was logged deny it: {fault}"
            self._problems.add(self._problems.bad, what, text)
        elif not same:
            text = f"{label}: its decision names other rules than were in force when it was logged"
            self._problems.add(self._problems.warnings, OTHER_RULES, text)

    def _check_today(self, use: RulesUse, user: str) -> None:
        """Add a warning if the rules of now deny the use, by what is known now."""
        repository = self._repository
        try:
            rules = read_rules(repository, names_in_force(repository, use.namespaces, None))
            if not rules.manifests:
                return
            waivers = waivers_in_force(repository, rules, None, user=user)
            question = ask(repository, use, waivers, index=None, user=user)
            self._require_fetched(question)
            fault = _denied(question, self._engines.decide(rules, question.requests))
        except LyrikstoreError as error:  # of today's rules: what was decided before stands
            if error.kind in _ENGINE_FAILED or error.kind == NOT_FETCHED:
                raise
            fault = f"today's rules cannot be read: {error.message}"
        if fault:
            text = f"{self._label}: would be refused today: {fault}"
            self._problems.add(self._problems.warnings, REFUSED_TODAY, text)

    def _require_fetched(self, question: RulesQuestion) -> None:
        """Raise `not-fetched` if facts hang on content that this copy leaves out by choice.

        Without it the facts are worse than they were, so that rules would seem to deny the use.
        """
        if question.unread and self._repository.is_without_data:
            raise IncompleteError(NOT_FETCHED, question.unread[0])

    def _bad(self, code: str, text: str) -> None:
        self._problems.add(self._problems.bad, code, f"{self._label}: {text}")


def used_waivers(question: RulesQuestion, answers: Sequence[RulesAnswer]) -> list[Manifest]:
    """Return the waivers that lifted a rule, each once, in the order of the resources."""
    found: dict[Digest, Manifest] = {}
    for waivers, answer in zip(question.waivers, answers, strict=True):
        for rule in answer.lifted:
            found.setdefault(waivers[rule].manifest.id, waivers[rule].manifest)
    return list(found.values())


def lifted_rules(question: RulesQuestion, answers: Sequence[RulesAnswer]) -> list[JSON]:
    """Return the rules that waivers lift, as a decision states them."""
    return [
        {"rule": rule, "resource": resource.name, "waiver": str(waivers[rule].manifest.id)}
        for resource, waivers, answer in zip(
            question.resources, question.waivers, answers, strict=True
        )
        for rule in answer.lifted
    ]


def _denied(question: RulesQuestion, answers: Sequence[RulesAnswer]) -> str:
    """Return the rules that deny the first resource that is denied; empty: nothing is denied."""
    for resource, answer in zip(question.resources, answers, strict=True):
        if answer.answer == "deny":
            by = ", ".join(answer.forbidding) or "no rule permits it"
            return f"{resource.name}: {by}"
    return ""
