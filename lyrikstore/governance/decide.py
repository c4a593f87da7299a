"""Decisions before a use: the guard that `train`, `evaluate`, `approve` and `deploy` pass.

Nothing is signed if the rules deny (spec §21.8). Without rules in its namespace a use is not
decided.
"""

import re
from collections.abc import Callable

from msgspec import Struct

from lyrikstore.canon.errors import PolicyError
from lyrikstore.canon.json import JSON
from lyrikstore.canon.text import pluralize
from lyrikstore.context import StoreContext
from lyrikstore.history.commit.transaction import TransactionBuilder
from lyrikstore.history.manifests.manifest import Attachment, Input, Manifest, sign_manifest
from lyrikstore.history.manifests.names import Name, with_suffix
from lyrikstore.rules.engine import RulesAnswer, RulesEngine
from lyrikstore.rules.pack import PackRule
from lyrikstore.verify.facts.resource import Resource
from lyrikstore.verify.rules.check import lifted_rules, used_waivers
from lyrikstore.verify.rules.in_force import (
    DECISION,
    REQUEST,
    RULES,
    WAIVER,
    RulesInForce,
    names_in_force,
    read_rules,
    waivers_in_force,
)
from lyrikstore.verify.rules.request import RulesQuestion, RulesUse, ask
from lyrikstore.verify.rules.statements import answer_of

ENGINE = "cedar/4"
_DECISIONS = "decisions"
_READ = re.compile(r"\bresource\.(\w+)(?:\.(\w+))?")


def fact_text(value: JSON) -> str:
    """Return a fact as text: ``train, evaluate``; an empty list is ``none``."""
    if isinstance(value, dict):
        return ", ".join(f"{name}: {one}" for name, one in value.items())
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)


class Denial(Struct, frozen=True):
    """A rule that denies the use of one resource.

    Attributes:
        resource: The resource.
        rule: The rule; None: no rule permits the use.
    """

    resource: Resource
    rule: PackRule | None

    @property
    def found(self) -> dict[str, JSON]:
        """The facts of the resource that the rule reads, by name: ``classification.health``."""
        read = [] if self.rule is None else _READ.findall(self.rule.cedar)
        found: dict[str, JSON] = {}
        for member, part in read:
            value = self.resource.facts.get(member)
            if isinstance(value, dict) and part in value:
                found[f"{member}.{part}"] = value[part]
            elif value is not None:
                found[member] = value
        return found

    @property
    def text(self) -> str:
        """The denial in one line: the rule, the resource, what was found, and what to do."""
        if self.rule is None:
            return f"{self.resource.name}: no rule permits it"
        facts = ", ".join(f"{name} is {fact_text(one)}" for name, one in self.found.items())
        parts = (self.rule.about.rstrip("."), facts and f"found: {facts}", self.rule.remedy)
        said = "; ".join(one for one in parts if one)
        return f"{self.rule.id}: {self.resource.name}: {said}"

    def to_json(self) -> dict[str, JSON]:
        """Return the denial as a member of a result."""
        rule = self.rule
        return {
            "resource": self.resource.name,
            "rule": None if rule is None else rule.id,
            "demand": None if rule is None else rule.about,
            "found": self.found,
            "cite": (rule.cite or None) if rule is not None else None,
            "remedy": (rule.remedy or None) if rule is not None else None,
            "waivable": rule is not None and rule.waivable,
            "evidence": [str(one) for one in self.resource.evidence],
        }


class DecidedUse(Struct, frozen=True):
    """The answers of the rules in force to a use.

    Attributes:
        use: The use.
        rules: The rules in force.
        question: The request with its facts.
        answers: The answer to each resource.
    """

    use: RulesUse
    rules: RulesInForce
    question: RulesQuestion
    answers: tuple[RulesAnswer, ...]

    @property
    def answer(self) -> str:
        """``permit``, ``permit-by-waiver`` or ``deny``: the worst answer to a resource."""
        return answer_of(self.answers)

    @property
    def waivers(self) -> tuple[Manifest, ...]:
        """The waivers that lift a rule."""
        return tuple(used_waivers(self.question, self.answers))

    @property
    def denials(self) -> tuple[Denial, ...]:
        """The rules that deny the use, for each resource."""
        known: dict[str, PackRule | None] = {one.id: one for one in self.rules.rules}
        return tuple(
            Denial(resource, rule)
            for resource, answer in zip(self.question.resources, self.answers, strict=True)
            if answer.answer == "deny"
            for rule in ([known[one] for one in answer.forbidding] or [None])
        )

    def check(self) -> None:
        """Raise `rules-denied` if the rules deny the use."""
        denials = self.denials
        if not denials:
            return
        more = f" (and {pluralize(len(denials) - 1, 'more denial')})" if len(denials) > 1 else ""
        act = self.use.action
        raise PolicyError(
            "rules-denied",
            f"the rules of {self.use.namespace} do not permit to {act}: {denials[0].text}{more}",
            hint=f"see the facts and their evidence: {self._preview()}",
            details={
                "action": act,
                "denied": [{**one.to_json(), "message": one.text} for one in denials],
            },
        )

    def _preview(self) -> str:
        """Return the command that shows the answer for the first dataset, or for the model."""
        use, options = self.use, f"--action {self.use.action}"
        about = use.model.name if use.model is not None else ""
        if "purpose" in use.context and use.data:
            about = use.data[0].short
            options += f" --purpose {use.context['purpose']}"
        command = f"lyrikstore rules check {about} --namespace {use.namespace} --explain"
        return f"{command} {options}"

    def sign(
        self, context: StoreContext, transaction: TransactionBuilder, subject: str
    ) -> Manifest:
        """Return the signed decision, logged by a transaction before what it permits.

        Args:
            context: The store, and the signer.
            transaction: The transaction that logs what is decided.
            subject: Full name of what is decided.
        """
        repository = context.repository
        name = decision_name(subject, self.use.action)
        state = repository.refs.get(name)
        lifted = lifted_rules(self.question, self.answers)
        decision = sign_manifest(
            kind=DECISION,
            store=repository.store_id,
            name=name,
            body={
                "action": self.use.action,
                "answer": self.answer,
                "engine": ENGINE,
                "resources": len(self.question.resources),
                **({"lifted": lifted} if lifted else {}),
            },
            signer=context.signer(),
            created=repository.signing_date(context.clock),
            parents=() if state is None else (state.id,),
            inputs=self._inputs(),
            attachments=[
                Attachment(
                    REQUEST,
                    transaction.writer.put_bytes(self.question.data),
                    len(self.question.data),
                )
            ],
        )
        transaction.log_manifest(decision)
        return decision

    def _inputs(self) -> list[Input]:
        model = self.use.model
        return [
            *(Input("rules", RULES, one.id) for one in self.rules.manifests),
            *(Input("dataset", "dataset", one) for one in self.use.datasets),
            *([] if model is None else [Input("checkpoint", "checkpoint", model.id)]),
            *(Input("waiver", WAIVER, one.id) for one in self.waivers),
        ]


def decision_name(subject: str, action: str) -> str:
    """Return the full name of the decisions about what a name means."""
    name = Name.parse(subject)
    return f"{_DECISIONS}/{name.namespace}/{with_suffix(name.leaf, f'.{action}')}"


def decide_use(context: StoreContext, use: RulesUse) -> DecidedUse | None:
    """Return what the rules in force answer to a use; None: its namespace has no rules.

    Args:
        context: The store, and the user.
        use: The use.

    Raises:
        LyrikstoreError: A manifest, a pack or a fact cannot be read: this never counts as
            permitted.
        InvalidInputError: (``missing-extra``) the engine is not installed.

    Cost: as :func:`lyrikstore.verify.rules.request.ask`, and a process of some 60 MB.
    """
    repository = context.repository
    manifests = names_in_force(repository, use.namespaces, None)
    return decide_by(context, use, read_rules(repository, manifests)) if manifests else None


def decide_by(context: StoreContext, use: RulesUse, rules: RulesInForce) -> DecidedUse:
    """Return what some rules answer to a use.

    Args:
        context: The store, and the user.
        use: The use.
        rules: The rules; without manifests they are only tried, and the waivers of the rules in
            force lift theirs.

    Raises:
        LyrikstoreError: As :func:`decide_use`.
    """
    repository, user, in_force = context.repository, context.user or "", rules
    if not rules.manifests:
        in_force = read_rules(repository, names_in_force(repository, use.namespaces, None))
    waivers = waivers_in_force(repository, in_force, None, user=user)
    question = ask(repository, use, waivers, index=None, user=user)
    with RulesEngine(rules.rules, ", ".join(one.file for one in rules.packs)) as engine:
        return DecidedUse(use, rules, question, tuple(engine.decide(question.requests)))


def require_permit(context: StoreContext, use: RulesUse) -> DecidedUse | None:
    """Return the decision that permits a use; None: its namespace has no rules.

    Args:
        context: The store, and the user.
        use: The use.

    Raises:
        PolicyError: (``rules-denied``) the rules deny it; nothing was signed.
        LyrikstoreError: As :func:`decide_use`.
    """
    decided = decide_use(context, use)
    if decided is not None:
        decided.check()
    return decided


def still_permits(
    context: StoreContext, use: RulesUse, decided: DecidedUse | None
) -> Callable[[], None]:
    """Return a function that decides again if the log has grown, and raises on a change.

    Args:
        context: The store, and the user.
        use: The use.
        decided: The decision that :func:`require_permit` returned.
    """

    def decide_again() -> None:
        # ATTACK A126: an attestation is revoked, or rules are added, while a run is planned.
        now = require_permit(context, use)
        before = None if decided is None else (decided.question.data, decided.rules.manifests)
        if before != (None if now is None else (now.question.data, now.rules.manifests)):
            raise PolicyError(
                "rules-denied",
                "the rules, or facts that they read, changed in the meantime",
                hint="nothing was logged; run the command again",
            )

    return context.again(decide_again)


def decided_and_held(
    context: StoreContext, use: RulesUse, held: Callable[[], None]
) -> tuple[DecidedUse | None, Callable[[], None]]:
    """Return the decision that permits a use, and a function that checks it and ``held`` again.

    Args:
        context: The store, and the user.
        use: The use.
        held: What else is checked again under the lock.

    Raises:
        PolicyError, LyrikstoreError: As :func:`require_permit`.
    """
    decided = require_permit(context, use)
    again = still_permits(context, use, decided)

    def check_again() -> None:
        held()
        again()

    return decided, check_again


def decided_inputs(
    context: StoreContext,
    transaction: TransactionBuilder,
    decided: DecidedUse | None,
    subject: str,
) -> list[Input]:
    """Return the input that names a decision, which is signed and logged here; without, none."""
    if decided is None:
        return []
    return [Input(DECISION, DECISION, decided.sign(context, transaction, subject).id)]
