"""Checks of runs against their inputs and outputs (spec §11.7.1)."""

from collections.abc import Iterator, Mapping
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, LyrikstoreError
from lyrikstore.canon.quoting import quote
from lyrikstore.canon.text import pluralize
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.log import merkle
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_attachments
from lyrikstore.verify.datasets.imported import stated_by
from lyrikstore.verify.evaluation.choice.unlike import UNLIKE
from lyrikstore.verify.evaluation.generation.prompts import find_prompt_fault
from lyrikstore.verify.evaluation.limits import MONITOR
from lyrikstore.verify.evaluation.periods import first_day
from lyrikstore.verify.evaluation.tasks import UNKNOWN_TASK, USUAL_TASK, find_rules
from lyrikstore.verify.problems import Problems
from lyrikstore.verify.report import Check, not_applicable
from lyrikstore.verify.review.candidates import (
    OUTPUT_TERMS,
    UNREVIEWED,
    generated_behind,
    output_terms_against_training,
    unreviewed_candidates,
)
from lyrikstore.verify.store.statements.announced import find_announced_faults
from lyrikstore.verify.store.statements.confinement import unconfined_cause
from lyrikstore.verify.store.statements.reproductions import find_fault
from lyrikstore.verify.store.statements.segments import MAX_BYTES, ROLE, read_segments
from lyrikstore.verify.store.test_sets import (
    MERGED,
    MERGED_MEMBERS,
    has_learned_less,
    is_another,
    is_mostly_seen,
    is_partly_seen,
    is_trained_on,
    is_used,
    trained_on,
)

LOGGED_TOGETHER = "logged-together"
"""Reason code of ``runs`` for a checkpoint in whose transaction its run was logged."""

_SHARED_ROLES = ("base", "train", "validation")
_WITHOUT_BASE = frozenset({"tfidf/1", "tfidf/2"})
"""Formats of checkpoints that contain nothing of the base model of their run."""


def check_runs(repository: Repository, ancestry: Lineage) -> Check:
    """Return ``runs``: whether the results of training agree with the run announced before it.

    Args:
        repository: The store.
        ancestry: The manifests in question; ids they name and that are not in it are skipped here
            and reported under ``lineage``.
    """
    problems = Problems("runs")
    trained = [
        manifest
        for manifest in ancestry.values()
        if manifest.kind == "checkpoint" and manifest.body["origin"] == "trained"
    ]
    for checkpoint in trained:
        _compare_with_run(repository, checkpoint, ancestry, problems)
    for evaluation in (item for item in ancestry.values() if item.kind == "evaluation"):
        _check_locked(repository, evaluation, ancestry, problems)
    for merged in ancestry.values():
        if merged.kind == "checkpoint" and merged.body["origin"] == "derived":
            _compare_with_source(merged, ancestry, problems)
    announced = [item for item in ancestry.values() if item.kind == "run"]
    for run in announced:
        label = f"{run.name} ({run.id.short})"
        faults = find_announced_faults(run, ancestry.get)
        problems.bad += [f"{label}: {fault}" for fault in faults]
    again = [item for item in ancestry.values() if item.kind == "reproduction"]
    for reproduction in again:
        _check_again(repository, reproduction, ancestry, problems)
    if not announced and not again and not problems.count:
        return not_applicable("runs", "nothing in its ancestry was trained here")
    together = LOGGED_TOGETHER in problems.codes.values()
    agree = (
        f"{pluralize(len(trained), 'checkpoint agrees', 'checkpoints agree')} "
        f"with runs{'' if together else ' registered before them'}"
    )
    return problems.close(
        (agree if trained else "what was announced agrees with its config and its inputs")
        + (f"; {pluralize(len(again), 'verdict follows', 'verdicts follow')}" if again else ""),
        checkpoints=len(trained),
    )


def _check_again(
    repository: Repository,
    reproduction: Manifest,
    ancestry: Lineage,
    problems: Problems,
) -> None:
    run = ancestry.get(reproduction.inputs_in("run")[0].id)
    made = [ancestry.get(item.id) for item in reproduction.inputs_in("checkpoint")]
    known = [one for one in made if one is not None]
    if run is None or len(known) < len(made):  # then `lineage` says so
        return
    label = f"{reproduction.name} ({reproduction.id.short})"
    signed = None
    if "segments" in reproduction.body:
        head = reproduction.body["segments"]["head"]
        # ATTACK: drawn before it was logged what could be drawn.
        if any(repository.index_of(one.id) >= head["size"] for one in known):
            problems.bad.append(f"{label}: it drew from a log without its checkpoint")
        # ATTACK: a head that nobody signed, tried until it draws what one likes.
        hashes = repository.records.hashes[: head["size"]]
        if head["size"] > repository.index_of(reproduction.id):
            problems.bad.append(f"{label}: it drew from a log that is longer than it was then")
        elif merkle.root(hashes).hex() != head["root"]:
            problems.bad.append(f"{label}: it drew from a log that is not this one")
        try:
            for each in known:
                for attached in present_attachments(repository, each, ROLE):
                    signed = read_segments(repository.blobs.read(attached.id, max_bytes=MAX_BYTES))
        except LyrikstoreError as error:
            problems.note(f"{label}: segments", error)
            return
    if find_rules(run.body.get("task", USUAL_TASK)) is None:
        text = f"{label}: nothing here knows the task {quote(run.body['task'], 40)}"
        problems.add(problems.lost, UNKNOWN_TASK, text)
    elif fault := find_fault(reproduction, run, known, signed):
        problems.bad.append(f"{label}: {fault}")


def _compare_with_run(
    repository: Repository,
    checkpoint: Manifest,
    ancestry: Lineage,
    problems: Problems,
) -> None:
    run = ancestry.get(checkpoint.inputs_in("run")[0].id)
    if run is None:
        return
    label = f"{checkpoint.name} ({checkpoint.id.short})"
    before, after = repository.entry_of(run.id), repository.entry_of(checkpoint.id)
    if before.index >= after.index:  # attack case A41, A43
        problems.bad.append(f"{label}: its run was not logged before it")
    elif before.seq == after.seq:
        # A clone pushes its local log in one transaction. Also ATTACK A41: a run that was signed
        # when training had ended is never called announced.
        text = f"{label}: its run was logged together with it, so nothing shows which came first"
        problems.add(problems.warnings, LOGGED_TOGETHER, text)
    for role in _SHARED_ROLES:  # attack case A40
        announced = {item.id for item in run.inputs_in(role)}
        claimed = {item.id for item in checkpoint.inputs_in(role)}
        if role == "base" and checkpoint.body["format"] in _WITHOUT_BASE and not claimed:
            continue
        if announced != claimed:
            problems.bad.append(f"{label}: its {role} inputs are not those of its run")
    claimed = {item.id for item in checkpoint.inputs_in("filter")}
    if claimed - _filters_of(run, ancestry):
        problems.bad.append(f"{label}: it names a filter that its data did not pass")
    _check_candidates(repository, checkpoint, ancestry, problems)
    if checkpoint.name not in run.body["plannedOutputs"]:
        problems.bad.append(f"{label}: its run did not plan an output of that name")
    if fault := find_prompt_fault(checkpoint.body, run.body):
        problems.bad.append(f"{label}: {fault}")
    for name, follows in _settings(run.body).items():
        if checkpoint.body.get(name, follows) != follows:
            problems.bad.append(f"{label}: its {name} is not that of its run")
    if "execution" not in run.body and _is_on_gpu(run.body) != (
        "accelerators" in run.body["environment"]
    ):
        # ATTACK: an environment that no machine has, so that every difference is its fault.
        problems.bad.append(f"{label}: the GPU of its run is not where its config computes")
    # ATTACK: a run that was to be watched, whose checkpoint is silent about what was seen; or one
    # of now, which is confined or is not, and whose checkpoint says that somebody looked.
    watched = run.body.get("execution", {}).get("observed") == "reads-and-writes"
    if watched != ("observed" in checkpoint.body):
        said = "what was seen of it" if watched else "what nobody was to look at"
        problems.bad.append(f"{label}: it {'does not say' if watched else 'says'} {said}")
    # Runs of before programs were confined say `observed`, and keep the verdict that they had.
    cause = unconfined_cause(run.body)
    if cause is not None and "confinement" in run.body["execution"]:
        text = f"{label}: the program that trained it was not confined: {cause}"
        problems.add(problems.warnings, "unconfined", text)


def _check_candidates(
    repository: Repository, checkpoint: Manifest, ancestry: Lineage, problems: Problems
) -> None:
    """Add the generated data that a checkpoint should not have learned from (spec §13.15.3)."""
    label, learned = f"{checkpoint.name} ({checkpoint.id.short})", trained_on(checkpoint)

    def stated(dataset: Manifest) -> Manifest:
        try:
            return stated_by(repository, dataset)
        except LyrikstoreError:  # `datasets` says so
            return dataset

    against = {
        found.permits
        for _, manifest in generated_behind(ancestry, learned, stated)
        if (found := output_terms_against_training(manifest)) is not None
    }
    # ATTACK A69: what a model wrote under terms that do not permit to train on it.
    if "no" in against:
        problems.bad.append(f"{label}: it learned from what output terms do not permit to train on")
    # Programs of before reviews trained on such data, and their checkpoints keep their verdict.
    if "unknown" in against:
        text = f"{label}: it learned from generated data whose output terms are unknown"
        problems.add(problems.warnings, OUTPUT_TERMS, text)
    for dataset in unreviewed_candidates(ancestry, learned, stated):
        text = f"{label}: it learned from {dataset.name}, which was generated and nobody reviewed"
        problems.add(problems.warnings, UNREVIEWED, text)


def _settings(run: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of a checkpoint that its run declares in advance."""
    model = run["config"].get("model")  # of a config it may be anything
    found = {"task": run["task"]} if "task" in run else {}
    if isinstance(model, dict) and "max_tokens" in model:
        text = {"maxTokens": model["max_tokens"], "pooling": model.get("pooling")}
        rules = find_rules(run.get("task"))
        found["text"] = {one: text[one] for one in (text if rules is None else rules.text)}
    return found


def _is_on_gpu(run: Mapping[str, Any]) -> bool:
    training = run["config"].get("training")  # of a config it may be anything
    return isinstance(training, dict) and training.get("device") == "cuda"


def _compare_with_source(merged: Manifest, ancestry: Lineage, problems: Problems) -> None:
    sources = [ancestry.get(item.id) for item in merged.inputs_in("source")]
    known = [one for one in sources if one is not None]
    if len(known) < len(sources):  # then `lineage` says so
        return
    label = f"{merged.name} ({merged.id.short})"
    use = merged.body["operation"]["use"]
    # ATTACK: an operation that nobody knows, and none of the data that its source was trained on.
    if use != MERGED:
        problems.add(problems.lost, "newer-format", f"{label}: made by {quote(use)}")
        return
    if len(known) != 1:
        problems.bad.append(f"{label}: it was merged of {len(known)} checkpoints")
        return
    claimed = {(item.role, item.id) for item in merged.inputs if item.role != "source"}
    held = {(item.role, item.id) for one in known for item in one.inputs if item.role != "source"}
    # ATTACK A67: training data of its source is left out, so that it tests what it knows.
    if claimed != held:
        problems.bad.append(f"{label}: its inputs are not those of what it was made of")
    # ATTACK A67: the same weights, which answer by other labels.
    for name in MERGED_MEMBERS:
        if merged.body.get(name) != known[0].body.get(name):
            problems.bad.append(f"{label}: its {name} is not that of what it was made of")
    attached = [[one.id for one in each.attachments_in(UNLIKE)] for each in (merged, known[0])]
    if attached[0] != attached[1]:
        problems.bad.append(f"{label}: it tells unlike texts by others than what it was made of")


def _filters_of(run: Manifest, ancestry: Lineage) -> set[Digest]:
    used = (item.id for item in run.inputs if item.kind == "dataset")
    behind = ancestry.datasets_behind(used)
    return {item.id for one in behind for item in one.inputs_in("filter")}


def _check_locked(
    repository: Repository,
    evaluation: Manifest,
    ancestry: Lineage,
    problems: Problems,
) -> None:
    checkpoint = ancestry.get(evaluation.inputs_in("checkpoint")[0].id)
    if checkpoint is None or not checkpoint.inputs_in("run"):
        return
    run = ancestry.get(checkpoint.inputs_in("run")[0].id)
    label = f"{evaluation.name} ({evaluation.id.short})"
    # ATTACK: a baseline trained on less than the model, or on what nobody may train on.
    if {item.id for item in evaluation.inputs_in("train")} - set(trained_on(checkpoint)):
        problems.bad.append(f"{label}: its baseline learned from other data than the model")
    # ATTACK A163: a baseline that learned from a part of it, so that the model looks better.
    if has_learned_less(evaluation, checkpoint, run):
        problems.bad.append(f"{label}: its baseline learned from less than the model")
    for test in evaluation.inputs_in("test"):
        tested = ancestry.get(test.id)
        if tested is None:
            continue
        chain = [checkpoint, *ancestry.bases_of(checkpoint)]
        # ATTACK A66: what the base learned from here, as the test of what was trained on from it.
        if any(is_trained_on(tested, model, ancestry.values()) for model in chain):
            problems.bad.append(f"{label}: it was tested on what it was trained on")
        if run is None:
            continue
        after = repository.index_of(test.id) >= repository.index_of(run.id)
        if evaluation.body.get("purpose") == MONITOR:
            if "period" in evaluation.body:
                try:
                    first_day(evaluation.body["period"])
                except InvalidInputError as error:
                    problems.note(label, error)
            if "backfill" in evaluation.body:
                faults = _of_no_history(evaluation, tested, checkpoint, ancestry)
                problems.bad += [f"{label}: {fault}" for fault in faults]
            # ATTACK: the locked test set, called what came after the run.
            elif not after:
                problems.bad.append(f"{label}: it monitors data that was logged before the run")
            continue
        if after:
            problems.warnings.append(f"{label}: its test set was logged after the run began")
        # Before predictions were signed, overlap was stated and nothing followed from it.
        seen = evaluation.body.get("overlap", {}).get("exact", 0)
        count = evaluation.body["count"]
        if "predictions" in evaluation.body and is_mostly_seen(seen, count):
            problems.bad.append(f"{label}: most of its test records are what was trained on")
        # ATTACK: of several locked test sets, the one on which the model happens to do best.
        if is_another(tested, run):
            problems.bad.append(f"{label}: its run named another test set")


def _of_no_history(
    evaluation: Manifest, data: Manifest, checkpoint: Manifest, ancestry: Lineage
) -> Iterator[str]:
    """Yield why the model may have seen data that an evaluation calls history."""
    # ATTACK A144: figures of what a model learned, called what it would have done before.
    references = [item.id for item in evaluation.inputs_in("reference")]
    if is_used(data, checkpoint, references, ancestry):
        yield "its history is what the model was trained or tested on"
    seen = evaluation.body.get("overlap", {}).get("exact", 0)
    if is_partly_seen(seen, evaluation.body["count"]):
        yield "records of its history are what was trained on"
