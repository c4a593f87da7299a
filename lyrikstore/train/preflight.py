"""Checks before a run: its data, rights, base model and environment (spec §13.2)."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from msgspec import Struct

from lyrikstore.canon.errors import InvalidInputError, NotFoundError, PolicyError
from lyrikstore.canon.text import unknown_word
from lyrikstore.context import StoreContext
from lyrikstore.credentials.terms.model import Use
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.recipes.source import resolve_dataset
from lyrikstore.curate.recipes.union import check_union
from lyrikstore.governance.decide import DecidedUse, decided_and_held
from lyrikstore.history.manifests.manifest import Input, Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.train.config import TrainConfig
from lyrikstore.train.environment import describe_environment
from lyrikstore.train.permitted import permitted, same_bytes, still_permitted
from lyrikstore.train.requirements import LINEAR, check_joined
from lyrikstore.train.slices import check_slices
from lyrikstore.verify.rights.judge import Reason
from lyrikstore.verify.rights.required import Rights, check_rights
from lyrikstore.verify.rules.uses import train_use

NO_TEST = (
    "no test set is locked: [data] test is empty. The validation data chooses the model, so it "
    "cannot measure it; set a test part aside by a filter with split/3"
)


class RunPlan(Struct, frozen=True):
    """The inputs and rights of a run, resolved before it starts.

    Attributes:
        config: The checked config.
        train: Datasets to train on, in order.
        validation: Dataset measured after each epoch.
        test: The test set, which the run names and does not read; None: it has none.
        base: The base model; None: words are counted.
        rights: The use rights that the run relies on.
        environment: The machine and packages that it will run on.
        warnings: Warnings that do not stop the run.
        task: Name of the task; empty until the data was read.
        candidates: Names of the candidates; empty until the run was planned.
        planned: Member ``plan`` of the run; empty until the data was read.
        prompt: Member ``prompt`` of run and checkpoints, of a generative model.
        by_folds: The candidates that are compared by cross-validation.
        still: Raises if a right is no longer valid, or rules no longer permit it; called when the
            run is announced.
        decided: What the rules in force answer; None: the namespace of the run has no rules.
    """

    config: TrainConfig
    train: tuple[Manifest, ...]
    validation: Manifest
    test: Manifest | None
    base: Manifest | None
    rights: Rights
    environment: Mapping[str, Any]
    warnings: tuple[Reason, ...] = ()
    task: str = ""
    candidates: tuple[str, ...] = ()
    planned: Mapping[str, Any] = {}
    prompt: Mapping[str, Any] = {}
    by_folds: tuple[str, ...] = ()
    still: Callable[[], None] | None = None
    decided: DecidedUse | None = None

    @property
    def inputs(self) -> list[Input]:
        """The run manifest's inputs."""
        found = [
            *(Input("train", "dataset", one.id) for one in self.train),
            Input("validation", "dataset", self.validation.id),
        ]
        if self.test:
            found.append(Input("test", "dataset", self.test.id))
        return [*found, *([Input("base", "checkpoint", self.base.id)] if self.base else [])]


def preflight(context: StoreContext, config: TrainConfig) -> RunPlan:
    """Return the inputs of a run, if it is permitted; writes nothing.

    Args:
        context: The store with its permissions, and the user.
        config: The training config.

    Raises:
        PolicyError, InvalidInputError, NotFoundError: As :func:`train_run`.
    """
    repo = context.repository
    environment = describe_environment(config.training.threads, config.task)
    data = config.data
    train = tuple(resolve_dataset(repo, ref) for ref in data.train)
    validation = resolve_dataset(repo, data.validation)
    test = resolve_dataset(repo, data.test) if data.test else None
    check_union(train)
    for one in filter(None, (*train, validation, test)):
        _check_roles(data.fields, one)
    check_slices(repo, config.evaluation.slices, filter(None, (*train, validation, test)))
    for one in train:
        if one.id in {validation.id, test.id if test else None}:
            raise InvalidInputError(
                "same-data",
                f"{one.name} is named twice: a model cannot be measured on its training data",
                hint="name the parts of a split",
            )
    base = None if config.model.base == LINEAR else _base(repo, config.model.base)
    learned, measured = [*train, validation], [validation, *([test] if test else [])]
    wanted: dict[str, Any] = {"purpose": config.purpose, "config": config.to_json()}
    rights = permitted(context, learned, base, measured, wanted)
    decided, still = decided_and_held(
        context,
        train_use(repo, config.run_name, (one.id for one in learned), base, wanted),
        still_permitted(context, rights, learned, base, measured, wanted),
    )
    warnings: list[Reason] = []
    if test is None:
        warnings.append(Reason("no-test", NO_TEST))
    else:
        measuring = Use.of_evaluation(wanted["config"], context.clock())
        try:
            check_rights(repo, [test], measuring, trust=context.trust, user=context.user)
        except PolicyError as error:
            text = f"the model cannot be evaluated on the test set yet: {error.message}"
            warnings.append(Reason("test-not-permitted", text))
    warnings += same_bytes(repo, rights, [*learned, *([base] if base else [])])
    return RunPlan(
        config,
        train,
        validation,
        test,
        base,
        rights,
        environment,
        tuple(warnings),
        still=still,
        decided=decided,
    )


def check_fields(named: Iterable[str], found: Collection[str], train: Iterable[Manifest]) -> None:
    """Raise `unknown-column` unless training records have every field that is used beside the text.

    Args:
        named: The fields of ``[data] fields``.
        found: The fields that training records have.
        train: The training data.

    Raises:
        InvalidInputError: (``unknown-column``) no record has a field; similar names are listed.
    """
    for name in named:
        if name not in found:
            known = {*found}
            for one in train:
                stats = one.body.get("descriptor", {}).get("stats", {}).get("value", {})
                known.update(field["field"] for field in stats.get("fields", ()))
                known.update(one.body.get("metadata", {}).get("columns", ()))
            raise unknown_word("unknown-column", "field in [data] fields:", name, known)


def _check_roles(fields: Iterable[str], dataset: Manifest) -> None:
    """Raise `bad-config` for fields that have another role in the dataset, except a licence."""
    roles = FieldRoles.of_body(dataset.body)
    for text in roles.text or ("",):
        check_joined(
            fields, label=roles.label, id=roles.id, group=roles.group, split=roles.split, text=text
        )


def _base(repo: Repository, ref: str) -> Manifest:
    try:
        return repo.resolve(ref)
    except NotFoundError as error:
        raise NotFoundError(
            error.kind,
            f"the base model: {error.message}",
            hint="commit the folder with its config.json, model.safetensors and tokenizer.json: "
            f"lyrikstore commit FOLDER -d {ref}",
        ) from None
