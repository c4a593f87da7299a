"""The uses that rules decide: runs, evaluations, approvals and deployments (spec §21.8)."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from lyrikstore.canon.digest import Digest
from lyrikstore.credentials.terms.model import Use
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.rules.request import RulesUse, namespace_of, touched_by

ACTIONS: Final[Mapping[str, str]] = {
    "run": "train",
    "evaluation": "evaluate",
    "approval": "approve",
    "deployment": "deploy",
}
"""Kind of manifest → the action that rules decide before it is signed."""


def train_use(
    repository: Repository,
    name: str,
    data: Iterable[Digest],
    base: Manifest | None,
    body: Mapping[str, Any],
) -> RulesUse:
    """Return the use of a run.

    Args:
        repository: The store.
        name: Full name of the run.
        data: Ids of the datasets that it trains on, validation data included.
        base: The model that it starts from, or None.
        body: ``purpose`` and ``config``, as the body of the run has them.

    Raises:
        FormatError: (``bad-use``) the config's ``use`` is malformed.
    """
    terms = Use.of_run(body, repository.floor())
    used = (*data, *(() if base is None else (base.id,)))
    return RulesUse(
        "train",
        namespace_of(name),
        {"purpose": body["purpose"], "uses": sorted(terms.acts)},
        used,
        terms,
        base,
        touched_by(repository, used),
    )


def evaluate_use(
    repository: Repository,
    name: str,
    tests: Iterable[Digest],
    config: Mapping[str, Any],
) -> RulesUse:
    """Return the use of an evaluation, which is about its test data alone.

    Args:
        repository: The store.
        name: Full name of the evaluation.
        tests: Ids of the datasets that it measures on.
        config: Config of the model's run; empty for a model without one.

    Raises:
        FormatError: As :func:`train_use`.
    """
    terms = Use.of_evaluation(config, repository.floor())
    context = {"purpose": "evaluate", "uses": sorted(terms.acts)}
    used = tuple(tests)
    return RulesUse(
        "evaluate",
        namespace_of(name),
        context,
        used,
        terms,
        touched=touched_by(repository, used),
    )


def model_use(
    repository: Repository, action: str, name: str, checkpoint: Manifest, target: str = ""
) -> RulesUse:
    """Return the use of an approval or a deployment.

    Args:
        repository: The store.
        action: ``approve`` or ``deploy``.
        name: Full name of the approval or deployment.
        checkpoint: The model.
        target: Target of the deployment; empty for an approval.
    """
    return RulesUse(
        action,
        namespace_of(name),
        {"target": target},
        model=checkpoint,
        touched=touched_by(repository, [checkpoint.id]),
    )


def use_of(repository: Repository, subject: Manifest) -> RulesUse | None:
    """Return the use that a manifest records; None: rules do not decide it.

    Args:
        repository: The store.
        subject: A manifest.

    Raises:
        LyrikstoreError: A manifest that it names cannot be read; or its config is malformed.
    """
    if subject.kind == "run":
        base = [repository.manifest(one.id) for one in subject.inputs_in("base")]
        data = (one.id for one in subject.inputs if one.role in {"train", "validation"})
        return train_use(repository, subject.name, data, next(iter(base), None), subject.body)
    if subject.kind == "evaluation":
        checkpoint = repository.manifest(subject.inputs_in("checkpoint")[0].id)
        tests = (one.id for one in subject.inputs_in("test"))
        config = config_of(repository, checkpoint)
        return evaluate_use(repository, subject.name, tests, config)
    if subject.kind == "approval":
        card = repository.manifest(subject.inputs_in("card")[0].id)
        models = [repository.manifest(one.id) for one in card.inputs_in("checkpoint")]
        if not models or subject.body["decision"] != "approve":
            return None
        return model_use(repository, "approve", subject.name, models[0])
    if subject.kind == "deployment":
        checkpoint = repository.manifest(subject.inputs_in("checkpoint")[0].id)
        return model_use(repository, "deploy", subject.name, checkpoint, subject.body["target"])
    return None


def config_of(repository: Repository, checkpoint: Manifest) -> Mapping[str, Any]:
    """Return the config of the run that made a checkpoint; empty if no run of this store did."""
    for one in checkpoint.inputs_in("run"):
        config: Mapping[str, Any] = repository.manifest(one.id).body["config"]
        return config
    return {}
