"""The facts of a page, gathered from a store for the object that the page is about."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.context import StoreContext
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_attachments

if TYPE_CHECKING:
    from lyrikstore.train.plan.plan import TrainingPlan

Facts = dict[str, Any]


def facts_of_profile(
    context: StoreContext,
    manifest: Manifest,
    profile: Mapping[str, Any],
    *,
    with_data: Sequence[str] = (),
) -> Facts:
    """Return the facts of the page of a profile.

    Args:
        context: The store.
        manifest: The version.
        profile: The profile of it as JSON.
        with_data: As for :func:`lyrikstore.web.pages.profile.profile_facts`.
    """
    from lyrikstore.web.pages.profile import profile_facts

    store, created = str(context.id), manifest.created
    return profile_facts(profile, store=store, created=created, with_data=with_data)


def facts_of_evaluation(
    context: StoreContext,
    manifest: Manifest,
    report: Mapping[str, Any],
    *,
    with_data: Sequence[str] = (),
) -> Facts:
    """Return the facts of the page of an evaluation.

    Args:
        context: The store.
        manifest: The evaluation.
        report: Its report, as :func:`lyrikstore.train.evaluation.report.report_facts` returns it.
        with_data: As for :func:`lyrikstore.web.pages.evaluation.evaluation_facts`.
    """
    from lyrikstore.web.pages.evaluation import evaluation_facts

    store, created = str(context.id), manifest.created
    return evaluation_facts(report, store=store, created=created, with_data=with_data)


def facts_of_plan(context: StoreContext, plan: "TrainingPlan") -> Facts:
    """Return the facts of the page of a plan."""
    from lyrikstore.train.plan.budget import machine_memory_bytes
    from lyrikstore.train.plan.defaults import write_toml
    from lyrikstore.train.plan.plan_json import plan_json
    from lyrikstore.web.pages.plan import plan_facts

    data = plan.config.data
    validation = (data.validation,) if plan.can_train else ()
    named = {"train": data.train, "validation": validation, "test": filter(None, (data.test,))}
    return plan_facts(
        plan_json(plan),
        store=str(context.id),
        day=str(plan.today),
        memory=machine_memory_bytes(),
        config=write_toml(plan.config),
        data={
            role: [str(context.repository.resolve(ref).id) for ref in refs]
            for role, refs in named.items()
        },
    )


def facts_of_monitor(context: StoreContext, checkpoint: Manifest) -> Facts:
    """Return the facts of the page of a checkpoint over time.

    Raises:
        InvalidInputError: (``not-monitored``) It has no monitoring result, or is not a checkpoint.
    """
    from lyrikstore.index.log_view import data_names, evaluations_of
    from lyrikstore.web.pages.monitor import monitor_facts

    repository = context.repository
    made = evaluations_of(repository, [checkpoint]).get(checkpoint.id, [])
    if not made or "drift" not in made[-1].body:  # monitors come last
        raise InvalidInputError(
            "not-monitored",
            f"{checkpoint.name} has no monitoring results",
            hint="monitor it first: lyrikstore monitor CHECKPOINT --on NEW",
        )
    statements = [
        {
            "id": str(one.id),
            "created": one.created,
            "data": ", ".join(data_names(repository, one)),
            "body": one.body,
        }
        for one in made
    ]
    return monitor_facts(_manifest(checkpoint), statements, store=str(context.id))


def facts_of_run(context: StoreContext, run: Manifest) -> Facts:
    """Return the facts of the page of a run."""
    from lyrikstore.index.log_view import checkpoints_of
    from lyrikstore.web.pages.run import run_facts

    repository = context.repository
    made = checkpoints_of(repository, [run]).get(run.id, ())
    final = repository.manifest(made[-1]) if made else None
    history = None if final is None else history_of(repository, final)
    checkpoint = None if final is None else _manifest(final)
    return run_facts(_manifest(run), checkpoint, history, store=str(context.id))


def history_of(repository: Repository, checkpoint: Manifest) -> Facts | None:
    """Return the training history of a checkpoint (spec 13.6.5); None: it took no steps.

    Raises:
        NotFoundError, VerificationError, IncompleteError: The history cannot be read.
        LyrikstoreError: As :func:`read_history`.
    """
    from lyrikstore.train.formats.history import MAX_BYTES, ROLE, read_history

    attached = present_attachments(repository, checkpoint, ROLE)
    if not attached:
        return None
    return read_history(repository.blobs.read(attached[0].id, max_bytes=MAX_BYTES))


def page_of(context: StoreContext, manifest: Manifest) -> bytes:
    """Return the page of a run, or of the measurements of a checkpoint over time.

    Raises:
        InvalidInputError: As :func:`facts_of_monitor`.
    """
    if manifest.kind == "run":
        from lyrikstore.web.pages.run import run_page

        return run_page(facts_of_run(context, manifest))
    from lyrikstore.web.pages.monitor import monitor_page

    return monitor_page(facts_of_monitor(context, manifest))


def _manifest(manifest: Manifest) -> Facts:
    return {
        "id": str(manifest.id),
        "name": manifest.name,
        "created": manifest.created,
        "body": manifest.body,
    }
