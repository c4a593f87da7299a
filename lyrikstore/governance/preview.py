"""Answers of rules to a use that is only planned, and what other rules would change.

Nothing is signed or logged (spec §21.11).
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, LyrikstoreError
from lyrikstore.context import StoreContext
from lyrikstore.credentials.terms.model import Use
from lyrikstore.governance.decide import DecidedUse, decide_by, decide_use
from lyrikstore.governance.packs import CORE
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.manifests.names import Name
from lyrikstore.rules.engine import RulesAnswer
from lyrikstore.rules.pack import Pack, combined
from lyrikstore.rules.settings import load_rules
from lyrikstore.verify.facts.resource import Resource
from lyrikstore.verify.rules.in_force import (
    RulesInForce,
    names_in_force,
    read_pack,
    read_rules,
)
from lyrikstore.verify.rules.request import RulesUse, touched_by
from lyrikstore.verify.rules.uses import ACTIONS, use_of

_PREFIX = "rules/"


class ChangedAnswer(Struct, frozen=True):
    """A use that other rules would decide otherwise.

    Attributes:
        name: Full name of the use: a run, an evaluation, an approval or a deployment; or of what
            is to be used.
        resource: The resource that is decided otherwise.
        before: The answer of the rules before.
        after: The answer of the other rules.
    """

    name: str
    resource: Resource
    before: RulesAnswer
    after: RulesAnswer


class ForeseenDenial(Struct, frozen=True):
    """A use of new data that the rules in force would deny, or that they could not be asked about.

    Attributes:
        action: ``train`` or ``issue``.
        name: Full name of the first dataset.
        rules: Ids of the rules that would deny it; empty if no rule permits it.
        unchecked: Why the rules could not be asked; empty if they were asked.
    """

    action: str
    name: str
    rules: tuple[str, ...] = ()
    unchecked: str = ""

    @property
    def text(self) -> str:
        """The warning, in one line."""
        use = f"to {self.action} with it" if self.action == "train" else f"to {self.action} it"
        if self.unchecked:
            return f"its rules were not asked whether they permit {use}: {self.unchecked}"
        return f"its rules would not permit {use}: {', '.join(self.rules) or 'no rule permits it'}"


def foresee_denial(
    context: StoreContext, data: Sequence[Manifest], action: str
) -> ForeseenDenial | None:
    """Return that the rules in force would deny a use of datasets; None: they permit it.

    Without rules nothing is computed, and the result is None. Raises nothing for rules that cannot
    be evaluated: the result says so.

    Args:
        context: The store, and the user.
        data: Datasets of one namespace; at least one.
        action: ``train`` or ``issue``; both with the purpose ``train``.

    Cost: as :func:`lyrikstore.governance.decide.decide_use`, where there are rules.
    """
    name = data[0].name
    namespace = Name.parse(name).namespace
    try:
        ids = [one.id for one in data]
        decided = decide_use(
            context, _use_of_data(context, action, namespace, ids, ("train",), "train")
        )
    except LyrikstoreError as error:
        return ForeseenDenial(action, name, unchecked=error.message)
    if decided is None or not decided.denials:
        return None
    rules = dict.fromkeys(one.rule.id for one in decided.denials if one.rule is not None)
    return ForeseenDenial(action, name, tuple(rules))


def check_use(
    context: StoreContext,
    ref: str,
    *,
    purpose: str = "train",
    action: str = "",
    also: Sequence[str] = (),
    packs: Sequence[str] = (),
    namespace: str = "",
) -> DecidedUse:
    """Return what rules answer to a use that is only planned.

    Args:
        context: The store, and the user.
        ref: A dataset or a checkpoint that is to be used; or a run, an evaluation, an approval or
            a deployment, whose use is decided as of now.
        purpose: The purpose of training.
        action: ``train``, ``evaluate``, ``approve`` or ``deploy``; empty: ``train`` for a dataset,
            ``deploy`` for a checkpoint.
        also: Further permissions that the use needs.
        packs: Packs or files that decide in place of the rules in force; ``core`` is added.
        namespace: The namespace whose rules decide; empty: that of the object.

    Raises:
        InvalidInputError: (``no-rules``) the namespace has no rules, and no pack is named;
            (``wrong-object``) rules decide no use of it.
        LyrikstoreError: As :func:`lyrikstore.governance.decide.decide_use`.
    """
    repository = context.repository
    use = planned_use(context, repository.resolve(ref), purpose, action, also, namespace)
    if packs:
        return decide_by(context, use, _with_core([load_rules(one) for one in packs]))
    manifests = names_in_force(repository, use.namespaces, None)
    if not manifests:
        raise InvalidInputError(
            "no-rules",
            f"{use.namespace} has no rules",
            hint=f"add some: lyrikstore rules add org-template --namespace {use.namespace}; "
            "or name a pack: --pack health",
        )
    return decide_by(context, use, read_rules(repository, manifests))


def planned_use(
    context: StoreContext,
    about: Manifest,
    purpose: str,
    action: str,
    also: Sequence[str],
    namespace: str,
) -> RulesUse:
    """Return the planned use of a dataset or checkpoint, or the recorded use of a manifest.

    Raises:
        InvalidInputError: (``wrong-object``) rules decide no use of it.
    """
    repository = context.repository
    namespace = namespace or Name.parse(about.name).namespace
    if about.kind in ACTIONS and (use := use_of(repository, about)) is not None:
        return use
    action = action or ("deploy" if about.kind == "checkpoint" else "train")
    data_actions = {"train", "evaluate"}
    if about.kind == "checkpoint" and action not in data_actions:
        return RulesUse(
            action,
            namespace,
            {"target": ""},
            model=about,
            touched=touched_by(repository, [about.id]),
        )
    if about.kind not in {"dataset", "checkpoint"} or action not in data_actions:
        raise InvalidInputError(
            "wrong-object", f"rules do not decide to {action} a {about.kind} such as {about.name}"
        )
    acts = ("evaluate",) if action == "evaluate" else ("train", purpose)
    model = about if about.kind == "checkpoint" else None
    return _use_of_data(context, action, namespace, [about.id], (*acts, *also), acts[-1], model)


def _use_of_data(
    context: StoreContext,
    action: str,
    namespace: str,
    data: Sequence[Digest],
    acts: Iterable[str],
    purpose: str,
    model: Manifest | None = None,
) -> RulesUse:
    repository = context.repository
    terms = Use(tuple(dict.fromkeys(acts)), repository.floor())
    declared = {"purpose": purpose, "uses": sorted(terms.acts)}
    touched = touched_by(repository, data)
    return RulesUse(action, namespace, declared, tuple(data), terms, model, touched)


def diff_rules(
    context: StoreContext, before: str, after: str, *, over: Sequence[str] = ()
) -> tuple[list[ChangedAnswer], int]:
    """Return which uses other rules would decide otherwise, and how many uses were compared.

    Args:
        context: The store, and the user.
        before: A pack of this store (``rules/NAMESPACE/NAME``, ``~N`` for earlier ones), a pack
            that comes along, or a file.
        after: Likewise.
        over: What is decided, as :func:`check_use` takes it; empty: the current runs, evaluations
            and deployments of the store.

    Raises:
        LyrikstoreError: As :func:`check_use`.
    """
    repository = context.repository
    old, new = (_pack(context, one) for one in (before, after))
    refs = list(over) or [
        name
        for name in sorted(repository.refs)
        if name.split("/")[0] in {"runs", "evaluations", "deployments"}
    ]
    found: list[ChangedAnswer] = []
    for ref in refs:
        about = repository.resolve(ref)
        use = planned_use(context, about, "train", "", (), "")
        others = [
            read_pack(repository, one)
            for one in names_in_force(repository, use.namespaces, None)
            if one.body["name"] not in {old.name, new.name}
        ]
        first, second = (decide_by(context, use, _with_core([one, *others])) for one in (old, new))
        both = zip(first.question.resources, first.answers, second.answers, strict=True)
        found += [
            ChangedAnswer(about.name, resource, was, then)
            for resource, was, then in both
            if (was.answer, was.forbidding) != (then.answer, then.forbidding)
        ]
    return found, len(refs)


def _pack(context: StoreContext, text: str) -> Pack:
    if text.startswith(_PREFIX):
        return read_pack(context.repository, context.repository.resolve(text))
    return load_rules(text)


def _with_core(packs: Iterable[Pack]) -> RulesInForce:
    some = list(packs)
    if all(one.name != CORE for one in some):
        some.insert(0, load_rules(CORE))
    return RulesInForce((), tuple(some), combined(some))
