"""A checkpoint as it is deployed: asked, written for a target, and asked there (spec §14.7).

What differs between tasks is what a probe is, how answers compare, and what is said of them.
"""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from lyrikstore.canon.errors import (
    IncompleteError,
    RunFailedError,
    VerificationError,
    storage_errors,
)
from lyrikstore.context import StoreContext
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.train.resolve_checkpoint import stage_checkpoint
from lyrikstore.train.serving.folder_check import CHECK, CHECK_FILE, CHECK_WORDS
from lyrikstore.train.worker.process import run_job
from lyrikstore.train.worker.staging import TEST, Staging
from lyrikstore.train.worker.targets.registry import Target, Usage
from lyrikstore.verify.deployment.compared import compared_in_words

Files = dict[str, bytes]
"""Name → bytes."""

_COMPARED = """
## Does it answer as the sealed model?

When this folder was made, {words}.
Nothing else was compared. Records of a test part are in none of these files.
"""


class ProbeResult(Protocol):
    """How the answers of what was written compare with the sealed model's."""

    @property
    def records(self) -> int:
        """How many were asked."""

    @property
    def agreeing(self) -> int:
        """Of these, how many have the same answer."""

    @property
    def holds(self) -> bool:
        """Whether the answers are those of the sealed model."""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""


class ModelWorkers(Struct, frozen=True):
    """What starts the processes that load models.

    Attributes:
        context: The store whose models they load.
        staging: Where they work.
        threads: Threads of each.
    """

    context: StoreContext
    staging: Staging
    threads: int

    def run(self, job: Mapping[str, Any], reads: Sequence[str]) -> dict[str, Any]:
        """Return what a job gives; it reads these files, and no others."""
        return run_job(
            self.staging,
            {**job, "threads": self.threads},
            reads=reads,
            threads=self.threads,
            base_env=self.context.environment,
            progress=self.context.progress,
        )

    def staged(self, name: str) -> bytes:
        """Return a file that was staged.

        Raises:
            StorageError: It cannot be read.
        """
        with storage_errors(f"reading {name}"):
            return (self.staging.path / name).read_bytes()


class ServedModel(ABC):
    """A staged checkpoint, and what is written of it.

    Args:
        checkpoint: The checkpoint; it is staged.
        run: Its run.
        target: Where it goes.
        workers: What loads it.
    """

    asked_reads: tuple[str, ...] = ()
    """Staged files that are read to ask a deployed folder."""

    def __init__(
        self, checkpoint: Manifest, run: Manifest, target: Target, workers: ModelWorkers
    ) -> None:
        self._checkpoint, self._run, self._target = checkpoint, run, target
        self._workers = workers
        self._reads = stage_checkpoint(workers.context.repository, checkpoint, workers.staging)
        self._texts: Sequence[str] = ()
        self._test: Manifest | None = None
        self._about: dict[str, Any] = {
            "checkpoint": str(checkpoint.id),
            "needsBase": bool(checkpoint.inputs_in("base")),
            "seed": 0,
            "target": target.name,
            "task": checkpoint.body["task"],
        }

    def decide_by(self, decision: Mapping[str, Any]) -> None:
        """Let scores become answers by a decision, which may have another limit than the sealed."""
        if decision:
            self._about["decision"] = dict(decision)

    def answer(
        self, texts: Sequence[str] | None, test: Manifest | None = None, records: int = 0
    ) -> int:
        """Ask the sealed model the probe records, and return how many they are.

        Args:
            texts: What they say; None: they are made.
            test: A test part, of which some records are asked as well; None: none are.
            records: How many, drawn by their ids and the seed of the run.

        Raises:
            LyrikstoreError: As a prediction, and as an evaluation on that test part.
        """
        if test is not None and records:
            self._test = test
            try:
                self.draw(test, records)
            except IncompleteError as error:
                error.hint = "fetch the test part; --check-records 0 compares without its records"
                raise
        self._texts = self.made_texts() if texts is None else texts
        self.stage_probe(self._texts)
        self.keep(self._workers.run({"job": "probe", **self._about}, (*self._reads, TEST)))
        return len(self._texts)

    def export(self) -> Mapping[str, str]:
        """Write the files of the target; return name → BLAKE3 of each.

        Raises:
            RunFailedError: (``bad-output``) a file that does not belong to the target.
        """
        result = self._workers.run({"job": "export", **self._about}, self._reads)
        found: Mapping[str, str] = result["files"]
        if not all(re.fullmatch(self._target.files, name) for name in found):
            raise RunFailedError("bad-output", "the worker wrote a file that belongs to no target")
        return found

    def ask(self, folder: Path) -> ProbeResult:
        """Return how the folder's answers compare.

        Raises:
            VerificationError: (``answers-differ``) they differ.
        """
        job = {"job": "ask", "folder": str(folder.absolute()), **self._about, **self.question()}
        result = self._workers.run(job, self.asked_reads)
        latency = {name: result["latencyMs"][name] for name in ("p50", "p95")}
        found = self.compare(result, latency)
        if not found.holds:
            raise VerificationError(
                "answers-differ",
                f"what was written answers otherwise than the sealed model: "
                f"{compared_in_words(found.to_json())}",
                hint="nothing is left of it; without --check it is written as it is",
                details=found.to_json(),
            )
        return found

    def told_of(self, found: ProbeResult) -> dict[str, Any]:
        """Return how the folder's answers compared, as its manifest says it."""
        return {**found.to_json(), "servedBy": self._target.asked_by}

    def probe_file(self) -> bytes:
        """Return ``probe.jsonl``: the probe records with the sealed model's answers."""
        lines = (json.dumps(line, ensure_ascii=False) + "\n" for line in self.probe_lines())
        return "".join(lines).encode()

    def usage_files(self, check: Mapping[str, Any] | None) -> Files:
        """Return the files that say how the folder is loaded, and what goes with them.

        Args:
            check: How its answers compared, as its manifest says it; None: nobody asked it.
        """
        usage = self.usage()
        return {**use_files(usage, self.said(usage), check), **self.beside()}

    @property
    @abstractmethod
    def limits(self) -> Mapping[str, int]:
        """``maxTokens`` and ``answerTokens``, where the model has them."""

    @abstractmethod
    def made_texts(self) -> Sequence[str]:
        """Return a probe that nobody wrote."""

    @abstractmethod
    def draw(self, test: Manifest, records: int) -> None:
        """Take so many records of a test part, which are asked after the probe records."""

    @abstractmethod
    def stage_probe(self, texts: Sequence[str]) -> None:
        """Stage the probe records for a worker."""

    @abstractmethod
    def keep(self, result: Mapping[str, Any]) -> None:
        """Keep the sealed model's answers, as the job ``probe`` gave them."""

    def question(self) -> Mapping[str, Any]:
        """Return what else the job ``ask`` is given."""
        return {}

    @abstractmethod
    def compare(self, result: Mapping[str, Any], latency: dict[str, str]) -> ProbeResult:
        """Return how the answers of the job ``ask`` compare with those that were kept."""

    @abstractmethod
    def probe_lines(self) -> Iterator[dict[str, Any]]:
        """Yield the lines of ``probe.jsonl``."""

    @abstractmethod
    def usage(self) -> Usage:
        """Return how the folder is loaded."""

    @abstractmethod
    def said(self, usage: Usage) -> str:
        """Return what ``USE.md`` says after how the folder is loaded."""

    def beside(self) -> Files:
        """Return further files that lie beside the model."""
        return {}


def use_files(usage: Usage, said: str, check: Mapping[str, Any] | None = None) -> Files:
    """Return ``USE.md``, ``check.py`` and what goes with a target.

    Args:
        usage: How the folder is loaded.
        said: What is said after that.
        check: As for :meth:`ServedModel.usage_files`.
    """
    compared = _COMPARED.format(words=compared_in_words(check))
    checks = CHECK_WORDS.format(more=usage.checks)
    use = f"# How to use this model\n\n{usage.how}{said}{compared}{checks}"
    return {CHECK_FILE: CHECK.encode(), **usage.files, "USE.md": use.encode()}
