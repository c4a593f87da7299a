"""Common base of the tasks whose models give labels (spec §13.1)."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.text import pluralize
from lyrikstore.context import StoreContext
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.train.config import DataConfig, TrainConfig
from lyrikstore.train.labels import (
    check_learnable,
    check_trained_labels,
    label_warnings,
    labels_alike,
)
from lyrikstore.train.plan.defaults import Proposal, default_config, describe_cut
from lyrikstore.train.plan.estimate import (
    CandidateFigures,
    Question,
    estimate_encoder,
    flop_per_cpu_second,
    serving_milliseconds,
)
from lyrikstore.train.plan.facts import DataFacts, columns_of, label_of, read_facts
from lyrikstore.train.plan.plan import Remark
from lyrikstore.train.plan.shapes import EncoderShape
from lyrikstore.train.requirements import CPU, DEVICE, RECOMPUTES, promises
from lyrikstore.train.slices import group_numbers, planned_slices
from lyrikstore.train.task import (
    Evaluated,
    ModelWithAnswers,
    MonitoredModel,
    TestedModel,
    TrainingTask,
    usual_task,
)
from lyrikstore.train.worker.order import FUNCTION
from lyrikstore.train.worker.staging import TRAIN, VALIDATION, Staging
from lyrikstore.train.worker.targets.registry import Target
from lyrikstore.verify.rights.judge import Reason
from lyrikstore.verify.store.statements.segments import CANDIDATES_WITH_STEPS

if TYPE_CHECKING:  # and what takes long to load, where it is needed
    from lyrikstore.train.candidates import Chosen, Results
    from lyrikstore.train.predict.prediction import AnsweringModel, ModelAnswers
    from lyrikstore.train.predict.similar import RevokedRights
    from lyrikstore.train.preflight import RunPlan
    from lyrikstore.train.serving.model import ModelWorkers, ServedModel
    from lyrikstore.train.snapshot import Snapshot
    from lyrikstore.train.worker.baselines import FittedBaseline
    from lyrikstore.train.worker.examples import Example
    from lyrikstore.train.worker.hashed_read import StagedFiles
    from lyrikstore.train.worker.training.checkpoint_writer import Report
    from lyrikstore.train.worker.training.encoder_training import EncoderLearner
    from lyrikstore.verify.evaluation.choice.folds import FoldedRecords
    from lyrikstore.verify.evaluation.choice.task import LabellingRules


class CopiedLabels(Struct, frozen=True):
    """Records with labels, copied for a worker.

    Attributes:
        task: Name of the task.
        train: The copied training data.
        validation: The copied validation data.
        limit: The confidence below which the model abstains, as the config declares it; empty: it
            is
            fitted.
        pool: Both together, divided into folds; None: candidates are compared on validation data.
        by_folds: The candidates that are compared by cross-validation.
        refit: Whether cheap ones of these are trained on the whole pool after the choice.
        groups: Number of groups of both together; None: unknown, or records are not grouped.
        stopped: The tried candidates that the validation data stops early.
    """

    task: str
    train: "Snapshot"
    validation: "Snapshot"
    limit: str = ""
    pool: "FoldedRecords | None" = None
    by_folds: Collection[str] = ()
    refit: bool = False
    groups: int | None = None
    stopped: tuple[str, ...] = ()

    @property
    def labels(self) -> Collection[str]:
        """The labels of the training data."""
        return self.train.labels

    @property
    def warnings(self) -> Sequence[Reason]:
        """Warnings about the labels."""
        counts = dict(self.train.labels)
        for label, records in self.validation.labels.items():
            counts[label] = counts.get(label, 0) + records
        if self.pool is not None and self.pool.groups is not None:
            counts = groups_of_labels(self.pool, tuple(self.train.labels))
        return label_warnings(
            counts,
            (len(self.train.records), len(self.validation.records)),
            folded=self.by_folds,
            stopped=self.stopped,
            groups=self.groups,
        )

    @property
    def prompt(self) -> Mapping[str, Any]:
        """Empty: there are no prompts."""
        return {}

    @property
    def order(self) -> Mapping[str, Any]:
        """Member ``order`` of the run."""
        records = {"train": len(self.train.records), "validation": len(self.validation.records)}
        return {"function": FUNCTION, "records": records}

    @property
    def job(self) -> Mapping[str, Any]:
        """Job member with the labels."""
        return {"labels": list(self.labels)}

    def folds_of(self, candidate: str) -> Mapping[str, Any]:
        """Return ``folds`` and ``refit`` for a candidate compared by folds; else an empty dict."""
        if self.pool is None or candidate not in self.by_folds:
            return {}
        from lyrikstore.train.worker.training.folds import write_folds

        return {"folds": write_folds(self.pool.folds), "refit": self.refit}

    def thresholds(self, config: TrainConfig) -> list[dict[str, str]]:
        """Return the thresholds of evaluations."""
        return promises(config.thresholds, self.task, self.train.labels, config.cost)

    def choose(self, staging: Staging, results: "Results", allowed: Collection[str]) -> "Chosen":
        """Return the best candidate by cross-validation, or on the validation data."""
        from lyrikstore.train.candidates import choose, scores_of_folds, scores_of_validation

        scores = (
            scores_of_validation(staging, self.task, (self.train, self.validation), results)
            if self.pool is None
            else scores_of_folds(staging, self.task, self.labels, self.pool, results)
        )
        return choose(staging, scores, results, allowed, self.limit)


class LabellingTask:
    """Base of tasks in which a record has one or several labels."""

    name: ClassVar[str]
    generative: ClassVar[bool] = False
    is_monitored: ClassVar[bool] = True
    candidates: ClassVar[tuple[str, ...]] = ("tfidf", "embeddings", "lora", "full", "blend")
    devices: ClassVar[tuple[str, ...]] = (CPU,)

    @property
    def rules(self) -> "LabellingRules":
        """The rules of the task that verification uses."""
        from lyrikstore.verify.evaluation.choice.task import labelling_rules

        return labelling_rules(self.name)

    def defaults(self, section: str) -> Mapping[str, Any]:
        """Return an empty object."""
        del section
        return {}

    def check_config(self, document: Mapping[str, Any]) -> None:
        """Raise `bad-config` without a label field, or with settings of generative models."""
        data, model, training = (document.get(name, {}) for name in ("data", "model", "training"))
        if "deploy" in document:
            raise InvalidInputError(
                "bad-config",
                "deploy is a setting for generative models",
                hint="leave it out; lyrikstore deploy --help lists the targets of labelling models",
            )
        if "label" not in data:
            raise InvalidInputError(
                "bad-config", "data: 'label' is missing", hint='name the field: label = "FIELD"'
            )
        for place, name in (
            *(("data", name) for name in ("prompt", "completion", "messages") if name in data),
            *(("training", name) for name in (RECOMPUTES, DEVICE) if name in training),
            *(("model", name) for name in ("quantization", "answer_tokens") if name in model),
            *(("model", n) for n in model.get("candidates", ()) if n not in self.candidates),
            *(("prompt", name) for name in document.get("prompt", ())),
        ):
            raise InvalidInputError(
                "bad-config",
                f"[{place}] {name} is for generative models",
                hint='leave it out, or write task = "sft"',
            )

    def read_facts(self, repo: Repository, ref: str, data: DataConfig) -> DataFacts:
        """Return the facts about a dataset with labels."""
        return read_facts(repo, ref, label=data.label, text=data.text)

    def propose(self, repo: Repository, proposal: Proposal) -> TrainConfig:
        """Return a config with the label field that the user or the dataset names."""
        parts = proposal.parts
        if proposal.prompt or proposal.completion:
            raise InvalidInputError(
                "wrong-base",
                "fields for prompts and answers need a generative base model, and none was found",
                hint="import one with `lyrikstore checkpoint add`, and name it with --base",
            )
        label = proposal.label or label_of(repo.resolve(parts["train"]))
        facts = read_facts(repo, parts["train"], label=label)
        measured = repo.resolve(parts.get("test", parts["train"]))
        slices = planned_slices(repo, measured, columns_of(measured), label)
        return default_config(proposal, facts, label=label, slices=slices)

    def estimate(self, question: Question, candidate: str) -> CandidateFigures:
        """Return the time and memory of a candidate with an encoder."""
        return estimate_encoder(question, candidate)

    def serving_milliseconds(self, question: Question) -> float | None:
        """Return the milliseconds of one answer; None without an encoder."""
        if question.shape is None:
            return None
        config, tokens = question.config, question.train.tokens
        rate = flop_per_cpu_second(config, "forward", question.calibration)
        return serving_milliseconds(question.shape, tokens, config.model.max_tokens, rate)

    def remarks(
        self, config: TrainConfig, facts: DataFacts, shape: EncoderShape | None
    ) -> list[Remark]:
        """Return remarks about texts and labels."""
        found = []
        if shape is not None and facts.tokens.share_cut(config.model.max_tokens) > 0:
            found.append(Remark("texts-cut", describe_cut(facts.tokens, config.model.max_tokens)))
        if facts.several and config.task and not self.rules.several:
            several = pluralize(facts.several, "record has", "records have")
            summary = f"{several} more than one label, and the task is {config.task}"
            found.append(Remark("several-labels", summary))
        if facts.bare and not facts.several and not self.rules.several:
            bare = pluralize(facts.bare, "record has", "records have")
            summary = (
                f"{bare} no {config.data.label!r}: drop them with a filter; train refuses them"
            )
            found.append(Remark("label-missing", summary))
        if alike := labels_alike(facts.labels):
            found.append(Remark("labels-alike", alike))
        return found

    def copy_inputs(self, repo: Repository, plan: "RunPlan", staging: Staging) -> CopiedLabels:
        """Copy texts and labels."""
        from lyrikstore.train.preflight import check_fields
        from lyrikstore.train.snapshot import CopiedFields, check_single, copy_datasets

        config = plan.config
        fields = CopiedFields.of(config.data)
        names = " with ".join(one.name for one in plan.train)
        train, validation = (
            copy_datasets(repo, some, fields=fields, staging=staging, name=name)
            for some, name in ((plan.train, TRAIN), ([plan.validation], VALIDATION))
        )
        task: TrainingTask = self if config.task else usual_task(several=train.several > 0)
        if not task.rules.several:
            check_single(names, config.data.label, train)
            check_single(plan.validation.name, config.data.label, validation)
        check_fields(config.data.fields, train.joined, plan.train)
        check_learnable(names, config.data.label, train.labels, worded=train.worded)
        check_trained_labels(plan.validation.name, validation.labels, train.labels)
        if not validation.records:
            raise InvalidInputError("empty", f"{plan.validation.name} has no records")
        copied = CopiedLabels(
            task.name,
            train,
            validation,
            config.decision.abstain_below,
            stopped=tuple(one for one in plan.candidates if one in CANDIDATES_WITH_STEPS),
        )
        if not plan.by_folds:
            return copied
        groups = group_numbers(repo, (*plan.train, plan.validation), config.to_json())
        count = None if groups is None else len(set(groups))
        if count == 1:  # without its only fold no training data is left
            return replace(copied, groups=count)
        import numpy as np

        from lyrikstore.train.candidates import flags
        from lyrikstore.verify.evaluation.choice.folds import FoldedRecords

        training = config.training
        expected = np.concatenate([flags(one, (*train.labels,)) for one in (train, validation)])
        return replace(
            copied,
            pool=FoldedRecords(training.seed, len(train.records), expected, groups),
            by_folds=plan.by_folds,
            refit=training.refit,
            groups=count,
        )

    def checkpoint_members(
        self, plan: "RunPlan", chosen: "Chosen", labels: Sequence[str], *, final: bool
    ) -> dict[str, Any]:
        """Return the labels, the text settings and the decision."""
        model = plan.config.model
        found: dict[str, Any] = {"labels": [*labels]}
        if chosen.form.needs_base:
            found["text"] = {"maxTokens": model.max_tokens, "pooling": model.pooling}
        if final:
            found["decision"] = chosen.decided.to_body()["decision"]
        return found

    def open_learner(self, job: Mapping[str, Any], files: "StagedFiles") -> "EncoderLearner":
        """Return an encoder before its first step."""
        from lyrikstore.train.worker.training.encoder_training import open_encoder

        return open_encoder(job, files)

    def evaluate(
        self, context: StoreContext, model: TestedModel, *, sample: int | None, device: str
    ) -> Evaluated:
        """Evaluate a model and its baselines on the whole test set."""
        from lyrikstore.train.evaluation.labels import evaluate_labels

        del device
        if sample is not None:
            raise InvalidInputError(
                "no-sample",
                "only generative models can be evaluated on a sample",
                hint="leave --limit out: labelling models are fast",
            )
        return evaluate_labels(context, model)

    def evaluate_answer_file(self, context: StoreContext, model: ModelWithAnswers) -> Evaluated:
        """Evaluate the answers of a file, and a baseline."""
        from lyrikstore.train.evaluation.labels import evaluate_labels

        return evaluate_labels(context, model)

    def monitor(
        self, context: StoreContext, model: MonitoredModel, *, with_old: bool, with_train: bool
    ) -> Evaluated:
        """Run a model on new data, and return the drift of labels, lengths and words."""
        from lyrikstore.train.evaluation.labels import monitor_labels

        return monitor_labels(context, model, with_old=with_old, with_train=with_train)

    def report(self, repo: Repository, evaluation: Manifest) -> Mapping[str, Any]:
        """Return the confusion of labels, and the worst failures."""
        from lyrikstore.train.evaluation.report_examples import read_failures
        from lyrikstore.verify.evaluation.figures.confusion import confusion

        with repo.blobs.open(evaluation.attachments_in("predictions")[0].id) as stream:
            predictions = self.rules.read(stream)
        failures = read_failures(repo, evaluation)
        return {"confusion": confusion(predictions), "failures": failures}

    def answer(
        self,
        context: StoreContext,
        model: "AnsweringModel",
        *,
        device: str,
        revoked: "RevokedRights | None",
    ) -> "ModelAnswers":
        """Return labels and their probabilities."""
        from lyrikstore.train.predict.labels import answer_labels

        del device
        return answer_labels(context, model, revoked=revoked)

    def score(
        self, job: Mapping[str, Any], files: "StagedFiles", report: "Report"
    ) -> dict[str, Any]:
        """Compute the answers to a test set; some records are answered alone and timed."""
        from lyrikstore.train.worker.scoring import score

        return score(job, files, report)

    def baseline(
        self, job: Mapping[str, Any], files: "StagedFiles", report: "Report"
    ) -> dict[str, Any]:
        """Fit the baselines, and compute their answers to a test set, in a worker."""
        from lyrikstore.train.worker.baselines import score_baselines

        return score_baselines(job, files, report, self.fit_baselines)

    def fit_baselines(
        self,
        job: Mapping[str, Any],
        files: "StagedFiles",
        train: Sequence["Example"],
        report: "Report",
    ) -> Iterator["FittedBaseline"]:
        """Yield the fitted baselines; the verdict compares with the first one.

        Args:
            job: As for ``score_baselines``.
            files: The staging folder.
            train: The training records of the model.
            report: Called while baselines are fitted.
        """
        from lyrikstore.train.worker.baselines import fit_rivals

        return fit_rivals(job, files, train, report)

    def predict(
        self, job: Mapping[str, Any], files: "StagedFiles", report: "Report"
    ) -> dict[str, Any]:
        """Compute the answers to records, in batches."""
        from lyrikstore.train.worker.inference.predict import predict

        return predict(job, files, report)

    def served(
        self, checkpoint: Manifest, run: Manifest, target: Target, workers: "ModelWorkers"
    ) -> "ServedModel":
        """Return the deployable model of a checkpoint; its probabilities are compared."""
        from lyrikstore.train.serving.labels import ServedLabels

        return ServedLabels(checkpoint, run, target, workers)

    def probe(
        self, job: Mapping[str, Any], files: "StagedFiles", report: "Report"
    ) -> dict[str, Any]:
        """Return the probabilities of a sealed model."""
        from lyrikstore.train.worker.inference.predict import predict

        return predict({**job, "explain": False}, files, report)

    def ask(
        self, job: Mapping[str, Any], files: "StagedFiles", reader: Any, report: "Report"
    ) -> dict[str, Any]:
        """Return the probabilities of a deployed model."""
        from lyrikstore.train.worker.export.labels import ask_labels

        return ask_labels(job, files, reader, report)


def groups_of_labels(pool: "FoldedRecords", labels: Sequence[str]) -> dict[str, int]:
    """Return how many groups have a record of each label.

    Args:
        pool: The records; without groups each record is its own group.
        labels: The labels, in the order of ``pool.expected``.
    """
    groups = range(len(pool.expected)) if pool.groups is None else pool.groups
    found: dict[str, set[int]] = {label: set() for label in labels}
    for group, flags in zip(groups, pool.expected, strict=True):
        for at in flags.nonzero()[0]:
            found[labels[at]].add(group)
    return {label: len(some) for label, some in found.items()}
