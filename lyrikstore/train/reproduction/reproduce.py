"""Reproduction of a run from its manifest, with a verdict (spec §13.14).

The reproduced model is compared and deleted: only the result of the comparison is stored.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.errors import IncompleteError, InvalidInputError, NotFoundError
from lyrikstore.canon.progress import Progress
from lyrikstore.context import StoreContext
from lyrikstore.history.manifests.manifest import Input, Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.train.candidates import Chosen, train_candidates
from lyrikstore.train.config import TrainConfig
from lyrikstore.train.environment import describe_code
from lyrikstore.train.permitted import permitted
from lyrikstore.train.preflight import RunPlan
from lyrikstore.train.reproduction.compare import PROMPT, DigestOnly, compare_checkpoint
from lyrikstore.train.seal import log_next, seal, seal_history, seal_unlike
from lyrikstore.train.sft.accelerator import describe_machine
from lyrikstore.train.statements.bodies import checkpoint_body, folded_candidates
from lyrikstore.train.statements.inputs import copy_inputs
from lyrikstore.train.task import CopiedInputs
from lyrikstore.train.worker.staging import Staging, open_staging
from lyrikstore.verify.evaluation.choice.candidates import FORMAT_IDS, NAMES
from lyrikstore.verify.store.statements.reproductions import (
    INPUT_MISSING,
    WHOLE_RUN,
    WORDS,
    environment_differences,
    is_repeatable,
    reasons_of,
    verdict_of,
)


class Reproduction(Struct, frozen=True):
    """The result of a reproduction.

    Attributes:
        run: The run.
        body: The body of the reproduction statement.
        manifest: The signed statement; None if the key may not sign it.
        log_index: Its position in the log; None if it was not signed.
    """

    run: Manifest
    body: Mapping[str, Any]
    manifest: Manifest | None = None
    log_index: int | None = None

    @property
    def verdict(self) -> str:
        """``match``, ``within-tolerance``, ``mismatch`` or ``inconclusive``."""
        return str(self.body["verdict"])

    @property
    def verdict_text(self) -> str:
        """The verdict as text for users, such as ``MATCH``."""
        return WORDS[self.verdict]

    @property
    def environment_differences(self) -> list[tuple[str, str, str]]:
        """Differences of environment that can change numbers: name, value of the run, value now."""
        return environment_differences(self.run.body["environment"], self.body["environment"])


def reproduce_run(context: StoreContext, ref: str, *, message: str = "") -> Reproduction:
    """Reproduce a run and return the result; it is logged if the key may sign it, else unsigned.

    Progress is reported as by :func:`lyrikstore.train.run.train_run`.

    Args:
        context: The store, opened to append; the user signs if the store's policy permits it.
        ref: A run, or a checkpoint of one.
        message: Free text for the statement.

    Raises:
        InvalidInputError: (``not-trained``) it is neither a run nor a checkpoint of one;
            (``no-result``) the run has no checkpoint; (``older-run``) its manifest lacks needed
            members; (``no-accelerator``) it used a GPU, and this machine has none.
        PolicyError: (``rights-missing``) a dataset may not be used for the purpose now.
        VerificationError: An input is damaged; (``input-changed``) another process changed a copy.
        RunFailedError: Training failed; nothing was logged.
        ConflictError, LockedError, StorageError: As any transaction.

    Missing data is a part of the result, not an error.

    Cost: the training itself.
    """
    run, made = begin_again(context, ref)

    def work(plan: RunPlan, staging: Staging, _: list[str]) -> dict[str, Any]:
        return {"compared": _compared(context, run, plan, made, staging)}

    return do_again(context, run, made, {"method": WHOLE_RUN}, work, message=message)


def do_again(
    context: StoreContext,
    run: Manifest,
    made: Sequence[Manifest],
    about: Mapping[str, Any],
    work: Callable[[RunPlan, Staging, list[str]], Mapping[str, Any]],
    *,
    message: str,
) -> Reproduction:
    """Reproduce a run or parts of it; return the result, logged if the key may sign it.

    Args:
        context: The store, opened to append.
        run: The run.
        made: The checkpoints to compare with.
        about: Members of the statement, ``method`` among them; read after ``work`` has ended.
        work: Called with the inputs of the run, a staging folder and a list, to which it adds
            reasons
            why a difference is inconclusive; returns further members.
        message: Free text.
    """
    config = config_of(run)
    body: dict[str, Any] = {
        "environment": describe_again(context, run, config),
        "code": describe_code(),
    }
    reasons = reasons_of(run.body, body)
    try:
        plan = plan_again(context, run, config)
        body |= plan.rights.to_body()
        with open_staging(context.repository.root) as staging:
            body |= work(plan, staging, reasons)
    except (IncompleteError, NotFoundError):
        reasons.append(INPUT_MISSING)
    if reasons:
        body["reasons"] = reasons
    body |= about
    body["verdict"] = verdict_of(body, run.body.get("tolerances"))
    context.progress(Progress(phase="log"))
    found = log_reproduction(context, run, made, body, message=message)
    context.progress(Progress(phase="done"))
    return found


def begin_again(context: StoreContext, ref: str) -> tuple[Manifest, list[Manifest]]:
    """Return the result of :func:`find_run`; update the log before, if the key may sign.

    Raises:
        InvalidInputError: As :func:`find_run`, and as :meth:`StoreContext.signer`.
    """
    context.progress(Progress(phase="check"))
    # Nothing is verified here: inputs are copied by their digests, and results are compared.
    # `verify` checks the statements of the run, its data and the reproduction.
    run, made = find_run(context.repository, ref)
    if may_sign(context, run):
        context.signer()  # fails before hours are spent
    return run, made


def describe_again(context: StoreContext, run: Manifest, config: TrainConfig) -> dict[str, Any]:
    """Return the ``environment`` of a reproduction, with the members that the run has.

    Raises:
        LyrikstoreError: As :func:`describe_machine`.
    """
    training = config.training
    found = describe_machine(context, config, device=training.device, precision=training.precision)
    if "precision" in run.body["environment"]:
        found["precision"] = training.precision
    return found


def find_run(repo: Repository, ref: str) -> tuple[Manifest, list[Manifest]]:
    """Return a run that can be reproduced, and its checkpoints in log order.

    Args:
        repo: The store.
        ref: The run, or a checkpoint of it.

    Raises:
        InvalidInputError: (``not-trained``, ``no-result``, ``older-run``) as
            :func:`reproduce_run`.
    """
    found = repo.resolve(ref)
    of = found.inputs_in("run") if found.kind == "checkpoint" else []
    run = repo.manifest(of[0].id) if of else found
    if run.kind != "run":
        raise InvalidInputError(
            "not-trained",
            f"{ref} was not trained by lyrikstore",
            hint="name a run, or a checkpoint that `lyrikstore train` made",
        )
    if not is_repeatable(run.body) or not _is_known(run):
        way = "train again with this version; that run can be reproduced"
        if (
            run.body["order"]["function"] == "foreign"
        ):  # training again would end in this error again
            way = (
                "run its program again as another checkpoint, and compare the answers of both: "
                "lyrikstore evaluate CHECKPOINT --on TEST --predictions FILE"
            )
        raise InvalidInputError(
            "older-run",
            f"{run.name} was not trained by this version's engine, or lacks needed members",
            hint=way,
        )
    named = {name for name in run.body["plannedOutputs"] if name in repo.refs}
    made = [
        one
        for name in named
        for one in repo.history(name)
        if run.id in {item.id for item in one.inputs_in("run")}
    ]
    if not made:
        raise InvalidInputError(
            "no-result",
            f"{run.name} has no checkpoint to compare with",
            hint="to resume it: lyrikstore train CONFIG --resume",
        )
    return run, sorted(made, key=lambda one: repo.index_of(one.id))


def _is_known(run: Manifest) -> bool:
    """Return whether this version knows the run's candidates, and the run has validation data."""
    formats = {one["format"] for one in run.body["candidates"]}
    return formats <= set(FORMAT_IDS.values()) and bool(run.inputs_in("validation"))


def config_of(run: Manifest) -> TrainConfig:
    """Return the config of a run, with the precision that it used."""
    config = TrainConfig.from_json(dict(run.body["config"]))
    precision = run.body["environment"].get("precision", config.training.precision)
    return replace(config, training=replace(config.training, precision=precision))


def plan_again(context: StoreContext, run: Manifest, config: TrainConfig) -> RunPlan:
    """Return the inputs of a run, if they may be used again.

    Args:
        context: The store, and the user.
        run: The run.
        config: Its config.

    Raises:
        PolicyError: (``rights-missing``, ``output-terms``, ``test-is-train``) they may not.
        IncompleteError, NotFoundError: A manifest is missing.
    """
    repo = context.repository
    train, validation, test, base = (
        [repo.manifest(item.id) for item in run.inputs_in(role)]
        for role in ("train", "validation", "test", "base")
    )
    learned, measured = [*train, *validation], [*validation, *test]
    rights = permitted(
        context,
        learned,
        base[0] if base else None,
        measured,
        run.body,
    )
    return RunPlan(
        config,
        tuple(train),
        validation[0],
        test[0] if test else None,
        base[0] if base else None,
        rights,
        run.body["environment"],
        task=run.body["task"],
        candidates=tuple(NAMES[one["format"]] for one in run.body["candidates"]),
        by_folds=folded_candidates(run),
    )


def find_untrainable(run: Manifest, copied: CopiedInputs) -> list[str]:
    """Return ``differs`` if the data now gives other prompts, or another task, than the run states.

    A model trained on these could not be compared with that of the run.

    Args:
        run: The run.
        copied: Its data, with the prompts that are rendered now.
    """
    # ATTACK: a task with another metric, which no checkpoint has.
    if run.body["task"] != copied.task:
        return ["task"]
    # ATTACK A64: digests of prompts that do not come from the data.
    return [PROMPT] if run.body.get(PROMPT, {}) != copied.prompt else []


def _compared(
    context: StoreContext,
    run: Manifest,
    plan: RunPlan,
    made: Sequence[Manifest],
    staging: Staging,
) -> list[dict[str, Any]]:
    repo = context.repository
    copied = copy_inputs(repo, plan, staging)
    if differs := find_untrainable(run, copied):
        return [{"checkpoint": str(one.id), "differs": differs} for one in made]
    plan = replace(plan, prompt=copied.prompt)
    chosen = train_candidates(
        context,
        staging,
        plan.config,
        plan.candidates,
        copied,
    )
    context.progress(Progress(0, len(made), phase="compare"))
    final = chosen.made[-1]  # perhaps of another epoch: it is the final model
    by_epoch = {str(item["epoch"]): item for item in chosen.made[:-1]}
    labels = list(copied.labels)
    return [
        _compare(
            repo,
            plan,
            run,
            one,
            final if one.body.get("final") else by_epoch.get(str(one.body.get("epoch"))),
            chosen,
            labels,
            staging,
        )
        for one in made
    ]


def _compare(
    repo: Repository,
    plan: RunPlan,
    run: Manifest,
    checkpoint: Manifest,
    item: Mapping[str, Any] | None,
    chosen: Chosen,
    labels: list[str],
    staging: Staging,
) -> dict[str, Any]:
    if item is None:
        return {"checkpoint": str(checkpoint.id)}
    folder = staging.path / str(item["folder"])
    writer = DigestOnly()
    base = None if plan.base is None else plan.base.tree
    sealed = seal(folder, writer, chosen.form, base=base, private=staging.path)
    history = [one.id for one in seal_history(item, writer, private=staging.path)]
    unlike, distances = seal_unlike(item, writer, private=staging.path)
    return compare_checkpoint(
        repo,
        checkpoint,
        sealed,
        body={**checkpoint_body(plan, run, chosen, item, labels), **unlike},
        history=history[0] if history else None,
        distances=distances[0].id if distances else None,
        folder=folder,
        form=chosen.form,
    )


def log_reproduction(
    context: StoreContext,
    run: Manifest,
    made: Sequence[Manifest],
    body: Mapping[str, Any],
    *,
    message: str,
) -> Reproduction:
    """Sign and log a reproduction, if the store's policy permits the user; return it.

    Args:
        context: The store, opened to append.
        run: The reproduced run.
        made: The checkpoints that were compared.
        body: The body of the statement.
        message: Free text.

    Raises:
        ConflictError, LockedError, StorageError: As any transaction.
    """
    if not may_sign(context, run):
        return Reproduction(run, body)
    name = _name_of(run)
    inputs = [
        Input("run", "run", run.id),
        *(Input("checkpoint", "checkpoint", one.id) for one in made),
    ]
    manifest, index = log_next(context, "reproduction", name, body, inputs, message)
    return Reproduction(run, manifest.body, manifest, index)


def may_sign(context: StoreContext, run: Manifest) -> bool:
    """Return whether the store's policy permits the user to sign reproductions of a run."""
    person = context.person
    return person is not None and context.repository.policy.allows(
        person.did, "reproduction", _name_of(run)
    )


def _name_of(run: Manifest) -> str:
    return "reproductions/" + run.name.removeprefix("runs/")
