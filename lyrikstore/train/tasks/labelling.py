"""What the tasks have in common whose models give labels (spec §13.1)."""

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
        task: What is learned.
        train: What was copied to learn from.
        validation: What to measure on.
        limit: The confidence below which it does not answer, as the config declares it.
        pool: Both together, dealt to folds; None: candidates are compared by validation alone.
        by_folds: The candidates that are compared by folds.
        refit: Whether the cheap ones of these learn from the whole pool, once the folds have
            chosen.
        groups: How many groups both together have; None: nobody asked, or there are none.
        stopped: The candidates that are tried and that the validation data stop.
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
        """The labels that are learned."""
        return self.train.labels

    @property
    def warnings(self) -> Sequence[Reason]:
        """What to warn of."""
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
        """Nothing."""
        return {}

    @property
    def order(self) -> Mapping[str, Any]:
        """Member ``order`` of the run."""
        records = {"train": len(self.train.records), "validation": len(self.validation.records)}
        return {"function": FUNCTION, "records": records}

    @property
    def job(self) -> Mapping[str, Any]:
        """The labels."""
        return {"labels": list(self.labels)}

    def folds_of(self, candidate: str) -> Mapping[str, Any]:
        """Return the fold of each record, and whether to learn from all, where folds compare it."""
        if self.pool is None or candidate not in self.by_folds:
            return {}
        from lyrikstore.train.worker.training.folds import write_folds

        return {"folds": write_folds(self.pool.folds), "refit": self.refit}

    def thresholds(self, config: TrainConfig) -> list[dict[str, str]]:
        """Return what evaluations are held to."""
        return promises(config.thresholds, self.task, self.train.labels, config.cost)

    def choose(self, staging: Staging, results: "Results", allowed: Collection[str]) -> "Chosen":
        """Return the candidate that folds prefer, or validation."""
        from lyrikstore.train.candidates import choose, scores_of_folds, scores_of_validation

        scores = (
            scores_of_validation(staging, self.task, (self.train, self.validation), results)
            if self.pool is None
            else scores_of_folds(staging, self.task, self.labels, self.pool, results)
        )
        return choose(staging, scores, results, allowed, self.limit)


class LabellingTask:
    """Of some labels a record has one or several."""

    name: ClassVar[str]
    generative: ClassVar[bool] = False
    is_monitored: ClassVar[bool] = True
    candidates: ClassVar[tuple[str, ...]] = ("tfidf", "embeddings", "lora", "full", "blend")
    devices: ClassVar[tuple[str, ...]] = (CPU,)

    @property
    def rules(self) -> "LabellingRules":
        """What verification asks of it."""
        from lyrikstore.verify.evaluation.choice.task import labelling_rules

        return labelling_rules(self.name)

    def defaults(self, section: str) -> Mapping[str, Any]:
        """Return nothing."""
        del section
        return {}

    def check_config(self, document: Mapping[str, Any]) -> None:
        """Refuse a config without a field for the label, or with what generative models have."""
        data, model, training = (document.get(name, {}) for name in ("data", "model", "training"))
        if "deploy" in document:
            raise InvalidInputError(
                "bad-config",
                "deploy names what serves generative models",
                hint="leave it out: lyrikstore deploy says what a model with labels can go to",
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
                hint='leave it out, or say task = "sft"',
            )

    def read_facts(self, repo: Repository, ref: str, data: DataConfig) -> DataFacts:
        """Return what is known of a dataset with labels."""
        return read_facts(repo, ref, label=data.label, text=data.text)

    def propose(self, repo: Repository, proposal: Proposal) -> TrainConfig:
        """Return a config with the label that the dataset names, or a person."""
        parts = proposal.parts
        if proposal.prompt or proposal.completion:
            raise InvalidInputError(
                "wrong-base",
                "fields with questions and answers are for a generative model, and none is here",
                hint="add one with `lyrikstore checkpoint add`, and name it with --base",
            )
        label = proposal.label or label_of(repo.resolve(parts["train"]))
        facts = read_facts(repo, parts["train"], label=label)
        measured = repo.resolve(parts.get("test", parts["train"]))
        slices = planned_slices(repo, measured, columns_of(measured), label)
        return default_config(proposal, facts, label=label, slices=slices)

    def estimate(self, question: Question, candidate: str) -> CandidateFigures:
        """Return what a candidate with an encoder takes."""
        return estimate_encoder(question, candidate)

    def serving_milliseconds(self, question: Question) -> float | None:
        """Return what one answer takes, where there is an encoder."""
        if question.shape is None:
            return None
        config, tokens = question.config, question.train.tokens
        rate = flop_per_cpu_second(config, "forward", question.calibration)
        return serving_milliseconds(question.shape, tokens, config.model.max_tokens, rate)

    def remarks(
        self, config: TrainConfig, facts: DataFacts, shape: EncoderShape | None
    ) -> list[Remark]:
        """Return what is odd in texts and labels."""
        found = []
        if shape is not None and facts.tokens.share_cut(config.model.max_tokens) > 0:
            found.append(Remark("texts-cut", describe_cut(facts.tokens, config.model.max_tokens)))
        if facts.several and config.task and not self.rules.several:
            several = pluralize(facts.several, "record has", "records have")
            summary = f"{several} more than one label, and the task is {config.task}"
            found.append(Remark("several-labels", summary))
        if facts.bare and not facts.several and not self.rules.several:
            bare = pluralize(facts.bare, "record has", "records have")
            summary = f"{bare} no {config.data.label!r}: drop them with a filter, or train refuses"
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
        if count == 1:  # without its one fold nothing is left to learn from
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
        """Return the labels, what is read of a text, and how scores become answers."""
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
        """Let a model and a baseline answer all of a test set."""
        from lyrikstore.train.evaluation.labels import evaluate_labels

        del device
        if sample is not None:
            raise InvalidInputError(
                "no-sample",
                "only a generative model is asked about a sample",
                hint="leave --limit out: labels cost little",
            )
        return evaluate_labels(context, model)

    def evaluate_answer_file(self, context: StoreContext, model: ModelWithAnswers) -> Evaluated:
        """Take the answers, and let a baseline answer beside them."""
        from lyrikstore.train.evaluation.labels import evaluate_labels

        return evaluate_labels(context, model)

    def monitor(
        self, context: StoreContext, model: MonitoredModel, *, with_old: bool, with_train: bool
    ) -> Evaluated:
        """Let a model answer, and return how far labels, lengths and words are from before."""
        from lyrikstore.train.evaluation.labels import monitor_labels

        return monitor_labels(context, model, with_old=with_old, with_train=with_train)

    def report(self, repo: Repository, evaluation: Manifest) -> Mapping[str, Any]:
        """Return which labels are taken for which, and the worst failures."""
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
        withdrawn: "RevokedRights | None",
    ) -> "ModelAnswers":
        """Return labels and their probabilities."""
        from lyrikstore.train.predict.labels import answer_labels

        del device
        return answer_labels(context, model, withdrawn=withdrawn)

    def score(
        self, job: Mapping[str, Any], files: "StagedFiles", report: "Report"
    ) -> dict[str, Any]:
        """Answer every record of a test set, some alone and timed."""
        from lyrikstore.train.worker.scoring import score

        return score(job, files, report)

    def baseline(
        self, job: Mapping[str, Any], files: "StagedFiles", report: "Report"
    ) -> dict[str, Any]:
        """Fit what the model is compared with, and answer a test set by it, in a worker."""
        from lyrikstore.train.worker.baselines import score_baselines

        return score_baselines(job, files, report, self.fit_baselines)

    def fit_baselines(
        self,
        job: Mapping[str, Any],
        files: "StagedFiles",
        train: Sequence["Example"],
        report: "Report",
    ) -> Iterator["FittedBaseline"]:
        """Yield what the model is compared with; by the first it is judged.

        Args:
            job: As for ``score_baselines``.
            files: The staging folder.
            train: What the model learned from.
            report: Called as something is fitted.
        """
        from lyrikstore.train.worker.baselines import fit_rivals

        return fit_rivals(job, files, train, report)

    def predict(
        self, job: Mapping[str, Any], files: "StagedFiles", report: "Report"
    ) -> dict[str, Any]:
        """Answer records in batches."""
        from lyrikstore.train.worker.inference.predict import predict

        return predict(job, files, report)

    def served(
        self, checkpoint: Manifest, run: Manifest, target: Target, workers: "ModelWorkers"
    ) -> "ServedModel":
        """Return a checkpoint as what is deployed; probabilities are compared."""
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
        """Return the probabilities of a deployed one."""
        from lyrikstore.train.worker.export.labels import ask_labels

        return ask_labels(job, files, reader, report)


def groups_of_labels(pool: "FoldedRecords", labels: Sequence[str]) -> dict[str, int]:
    """Return how many groups have a record of each label.

    Args:
        pool: The records; without groups each is one of its own.
        labels: In the order of ``pool.expected``.
    """
    groups = range(len(pool.expected)) if pool.groups is None else pool.groups
    found: dict[str, set[int]] = {label: set() for label in labels}
    for group, flags in zip(groups, pool.expected, strict=True):
        for at in flags.nonzero()[0]:
            found[labels[at]].add(group)
    return {label: len(some) for label, some in found.items()}
