"""The data of a run, copied for its worker: records with labels, or conversations (spec §13.2)."""

from collections.abc import Collection, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Protocol

from msgspec import Struct

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.progress import OnProgress
from lyrikstore.history.repository.repository import Repository
from lyrikstore.train.candidates import Chosen, train_candidates, train_decoder
from lyrikstore.train.formats.base_model import check_fit
from lyrikstore.train.interrupted import RunPoints
from lyrikstore.train.labels import check_learnable, check_learnt, doubts
from lyrikstore.train.preflight import RunPlan, check_fields
from lyrikstore.train.replay.kept import KeptSegments
from lyrikstore.train.requirements import SFT, promises
from lyrikstore.train.sft.copy import Conversations, copy_conversations
from lyrikstore.train.sft.prompts import PromptSource, open_prompts, read_prompt_source
from lyrikstore.train.snapshot import (
    CopiedFields,
    Snapshot,
    copy_base,
    copy_datasets,
    staged_weights,
)
from lyrikstore.train.worker.order import FUNCTION
from lyrikstore.train.worker.packing import PACKING
from lyrikstore.train.worker.staging import TRAIN, VALIDATION, Staging
from lyrikstore.verify.rights.judge import Reason


class CopiedInputs(Protocol):
    """What was copied, and what trains on it."""

    @property
    def task(self) -> str:
        """What is learned."""

    @property
    def labels(self) -> Collection[str]:
        """The labels that are learned; none of a model that writes."""

    @property
    def doubts(self) -> Sequence[Reason]:
        """What to warn of."""

    @property
    def prompt(self) -> Mapping[str, Any]:
        """Member ``prompt`` of run and checkpoints; empty: it has none."""

    @property
    def order(self) -> Mapping[str, Any]:
        """Member ``order`` of the run."""

    def promised(self, plan: RunPlan) -> list[dict[str, str]]:
        """Return what evaluations are held to; raises ``bad-config`` where they cannot be."""

    def train_all(
        self,
        plan: RunPlan,
        staging: Staging,
        *,
        base_env: Mapping[str, str],
        progress: OnProgress,
        points: RunPoints | None,
        segments: KeptSegments | None = None,
    ) -> Chosen:
        """Train; raises as :func:`lyrikstore.train.candidates.train_candidates`."""

    def replaying(self, staging: Staging) -> Mapping[str, Any]:
        """Return the members of a job that learns segments again, which its kind decides."""


def copy_inputs(repo: Repository, plan: RunPlan, staging: Staging) -> CopiedInputs:
    """Copy base model, training and validation data, every byte checked.

    Args:
        repo: The store.
        plan: What is to be done.
        staging: Where to write.

    Raises:
        InvalidInputError, PolicyError: Inputs that cannot be trained on.
        VerificationError, IncompleteError, StorageError: An input is damaged or lost.
    """
    config = plan.config
    if plan.base is not None:
        settings = copy_base(repo, plan.base, staging)
        check_fit(
            settings,
            targets=config.lora.targets,
            layers=config.lora.layers,
            max_tokens=config.model.max_tokens,
        )
    if config.task == SFT:
        return _copy_conversations(repo, plan, staging)
    return _copy_labelled(repo, plan, staging)


def _copy_labelled(repo: Repository, plan: RunPlan, staging: Staging) -> "CopiedLabels":
    config = plan.config
    fields = CopiedFields.of(config.data)
    learnt = " with ".join(one.name for one in plan.train)
    train, task = copy_datasets(
        repo, plan.train, fields=fields, task=config.task, staging=staging, name=TRAIN
    )
    validation, _ = copy_datasets(
        repo, [plan.validation], fields=fields, task=task, staging=staging, name=VALIDATION
    )
    check_fields(config.data.fields, train.joined, plan.train)
    check_learnable(learnt, config.data.label, train.labels, worded=train.worded)
    check_learnt(plan.validation.name, validation.labels, train.labels)
    if not validation.records:
        raise InvalidInputError("empty", f"{plan.validation.name} has no records")
    return CopiedLabels(task, train, validation)


def _copy_conversations(repo: Repository, plan: RunPlan, staging: Staging) -> "CopiedConversations":
    config = plan.config
    if plan.base is None:
        raise InvalidInputError("wrong-base", "no base model that writes is named")
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
    return CopiedConversations(source, train, validation, choices)


class CopiedLabels(Struct, frozen=True):
    """Records with labels.

    Attributes:
        task: What is learned.
        train: What was copied to learn from.
        validation: What to measure on.
    """

    task: str
    train: Snapshot
    validation: Snapshot

    @property
    def labels(self) -> Collection[str]:
        """The labels that are learned."""
        return self.train.labels

    @property
    def doubts(self) -> Sequence[Reason]:
        """What to warn of."""
        return doubts(self.train.labels, len(self.validation.records))

    @property
    def prompt(self) -> Mapping[str, Any]:
        """Nothing."""
        return {}

    @property
    def order(self) -> Mapping[str, Any]:
        """Member ``order`` of the run."""
        records = {"train": len(self.train.records), "validation": len(self.validation.records)}
        return {"function": FUNCTION, "records": records}

    def promised(self, plan: RunPlan) -> list[dict[str, str]]:
        """Return what evaluations are held to."""
        config = plan.config
        return promises(config.thresholds, plan.task, self.train.labels, config.cost)

    def train_all(
        self,
        plan: RunPlan,
        staging: Staging,
        *,
        base_env: Mapping[str, str],
        progress: OnProgress,
        points: RunPoints | None,
        segments: KeptSegments | None = None,
    ) -> Chosen:
        """Train every candidate and choose."""
        return train_candidates(
            staging,
            plan.config,
            self.task,
            plan.candidates,
            (self.train, self.validation),
            base_env=base_env,
            progress=progress,
            points=points,
            segments=segments,
        )

    def replaying(self, staging: Staging) -> Mapping[str, Any]:
        """Return the members of a job that learns segments again."""
        del staging
        return {"job": "replay", "labels": list(self.labels)}


class CopiedConversations(Struct, frozen=True):
    """Conversations of a model that writes.

    Attributes:
        source: Where prompts come from.
        train: What was copied to learn from.
        validation: What to measure on.
        choices: The only answers, with the completion of each; empty: there are others.
    """

    source: PromptSource
    train: Conversations
    validation: Conversations
    choices: Sequence[tuple[str, str]]

    @property
    def task(self) -> str:
        """What is learned: to write."""
        return SFT

    @property
    def labels(self) -> Collection[str]:
        """None."""
        return ()

    @property
    def doubts(self) -> Sequence[Reason]:
        """Nothing."""
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

    def promised(self, plan: RunPlan) -> list[dict[str, str]]:
        """Return nothing: the config can name no thresholds."""
        del plan
        return []

    def train_all(
        self,
        plan: RunPlan,
        staging: Staging,
        *,
        base_env: Mapping[str, str],
        progress: OnProgress,
        points: RunPoints | None,
        segments: KeptSegments | None = None,
    ) -> Chosen:
        """Train the adapter."""
        return train_decoder(
            staging,
            plan.config,
            asking=self._asking(staging),
            records=len(self.train.records),
            base_env=base_env,
            progress=progress,
            points=points,
            segments=segments,
        )

    def replaying(self, staging: Staging) -> Mapping[str, Any]:
        """Return the members of a job that learns segments again."""
        return {"job": "replay-writer", **self._asking(staging)}

    def _asking(self, staging: Staging) -> Mapping[str, Any]:
        return {
            "weights": staged_weights(staging),
            "chat": bool(self.source.chat),
            "choices": [list(one) for one in self.choices],
        }
