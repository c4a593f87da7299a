"""A run done again from what it announced, and the verdict (spec §13.14).

What it gives is compared and thrown away: nothing of it is stored but what was found.
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
    """What came of doing a run again.

    Attributes:
        run: The run.
        body: What was found, as a statement says it.
        manifest: The signed statement; None where nobody who may sign here did it.
        log_index: Its place in the log, likewise.
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
        """The verdict as people read it, such as ``MATCH``."""
        return WORDS[self.verdict]

    @property
    def environment_differences(self) -> list[tuple[str, str, str]]:
        """What can change a number and was another: what it is, of the run, of now."""
        return environment_differences(self.run.body["environment"], self.body["environment"])


def reproduce_run(context: StoreContext, ref: str, *, message: str = "") -> Reproduction:
    """Do a run again and return what came of it: logged where the key may sign, else unsigned.

    Progress is reported as by :func:`lyrikstore.train.run.train_run`.

    Args:
        context: The store, opened to append; who does it signs where the store's policy lets them.
        ref: A run, or a checkpoint of one.
        message: Free text for the statement.

    Raises:
        InvalidInputError: (``not-trained``) it is no run, and no checkpoint of one;
            (``no-result``) the run gave nothing; (``older-run``) it does not say enough;
            (``no-accelerator``) it was computed on a GPU, and there is none here.
        PolicyError: (``rights-missing``) a dataset may not be used for the purpose now.
        VerificationError: An input is damaged; (``input-changed``) somebody rewrote a copy.
        RunFailedError: Training failed; nothing was logged.
        ConflictError, LockedError, StorageError: As any transaction.

    Data that is not here any more is a finding, and no error.

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
    """Do a run again, or parts of it, and return what came of it, logged where the key may sign.

    Args:
        context: The store, opened to append.
        run: The run.
        made: The checkpoints that are compared with.
        about: Members of the statement, ``method`` among them; read when ``work`` has ended.
        work: Takes what the run used, and a staging folder; adds reasons why a difference decides
            nothing to a list, and returns further members.
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
    """Return what :func:`find_run` does, after bringing the log up to date for who may sign.

    Raises:
        InvalidInputError: As :func:`find_run`, and as :meth:`StoreContext.signer`.
    """
    context.progress(Progress(phase="check"))
    # Nothing is verified here: what trains is copied, each byte hashed, and compared is what comes
    # out. `verify` says of the run, its data and the reproduction whether they say what is so.
    run, made = find_run(context.repository, ref)
    if may_sign(context, run):
        context.signer()  # before hours are spent
    return run, made


def describe_again(context: StoreContext, run: Manifest, config: TrainConfig) -> dict[str, Any]:
    """Return the ``environment`` of a run that is done again here; arguments as they are there.

    Raises:
        LyrikstoreError: As :func:`describe_machine`.
    """
    training = config.training
    found = describe_machine(context, config, device=training.device, precision=training.precision)
    if "precision" in run.body["environment"]:
        found["precision"] = training.precision
    return found


def find_run(repo: Repository, ref: str) -> tuple[Manifest, list[Manifest]]:
    """Return a run that can be done again, and the checkpoints that it gave, in log order.

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
            f"{ref} was not trained here",
            hint="name a run, or a checkpoint that `lyrikstore train` made",
        )
    if not is_repeatable(run.body) or not _is_known(run):
        way = "train again with this version; that run can be reproduced"
        if run.body["order"]["function"] == "foreign":  # whoever does that gets here again
            way = (
                "run its program again as another checkpoint, and compare what both answer: "
                "lyrikstore evaluate CHECKPOINT --on TEST --predictions FILE"
            )
        raise InvalidInputError(
            "older-run",
            f"{run.name} was not done by this version's engine, or does not say how",
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
            f"{run.name} gave no checkpoint to compare with",
            hint="it goes on with: lyrikstore train CONFIG --resume",
        )
    return run, sorted(made, key=lambda one: repo.index_of(one.id))


def _is_known(run: Manifest) -> bool:
    """Return whether this version's engine has its candidates, and data to choose among them."""
    formats = {one["format"] for one in run.body["candidates"]}
    return formats <= set(FORMAT_IDS.values()) and bool(run.inputs_in("validation"))


def config_of(run: Manifest) -> TrainConfig:
    """Return the config of a run, with the precision that it had."""
    config = TrainConfig.from_json(dict(run.body["config"]))
    precision = run.body["environment"].get("precision", config.training.precision)
    return replace(config, training=replace(config.training, precision=precision))


def plan_again(context: StoreContext, run: Manifest, config: TrainConfig) -> RunPlan:
    """Return what a run used, if it may be used again.

    Args:
        context: The store, and who does it.
        run: The run.
        config: Its config.

    Raises:
        PolicyError: (``rights-missing``, ``output-terms``, ``test-is-train``) it may not.
        IncompleteError, NotFoundError: A manifest is not here.
    """
    repo = context.repository
    train, validation, test, base = (
        [repo.manifest(item.id) for item in run.inputs_in(role)]
        for role in ("train", "validation", "test", "base")
    )
    learnt, measured = [*train, *validation], [*validation, *test]
    rights = permitted(
        context,
        learnt,
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
    """Return ``differs`` where the data give other prompts, or another task, than a run announced.

    Nothing that is trained on these could be compared with what it gave.

    Args:
        run: The run.
        copied: Its data, with the prompts of now.
    """
    # ATTACK: the task of another metric, which no checkpoint has.
    if run.body["task"] != copied.task:
        return ["task"]
    # ATTACK A64: digests of prompts that the data never gave, of which the model was not made.
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
    final = chosen.made[-1]  # of another epoch, perhaps: it is the model all the same
    came = {str(item["epoch"]): item for item in chosen.made[:-1]}
    labels = list(copied.labels)
    return [
        _compare(
            repo,
            plan,
            run,
            one,
            final if one.body.get("final") else came.get(str(one.body.get("epoch"))),
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
    """Sign and log what was found, where the store's policy lets who did it; return it.

    Args:
        context: The store, opened to append.
        run: What was done again.
        made: The checkpoints that were compared with.
        body: What was found.
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
    """Return whether there is somebody whom the policy lets say what came of doing a run again."""
    person = context.person
    return person is not None and context.repository.policy.allows(
        person.did, "reproduction", _name_of(run)
    )


def _name_of(run: Manifest) -> str:
    return "reproductions/" + run.name.removeprefix("runs/")
