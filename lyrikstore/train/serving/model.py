"""Deployment of a checkpoint: sealed answers, files of the target, its answers (spec §14.7).

Tasks differ in the probe, in the comparison of answers and in the text about them.
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
## Does it give the answers of the sealed model?

When this folder was made, {words}.
Nothing else was compared. These files contain no records of a test part.
"""


class ProbeResult(Protocol):
    """Result of comparing the answers of a deployed folder with those of the sealed model."""

    @property
    def records(self) -> int:
        """Number of probe records."""

    @property
    def agreeing(self) -> int:
        """Number of these with the same answer."""

    @property
    def holds(self) -> bool:
        """Whether the answers are those of the sealed model."""

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON."""


class ModelWorkers(Struct, frozen=True):
    """Starts the worker processes that load models.

    Attributes:
        context: The store whose models they load.
        staging: The staging folder of the workers.
        threads: Threads of each worker.
    """

    context: StoreContext
    staging: Staging
    threads: int

    def run(self, job: Mapping[str, Any], reads: Sequence[str]) -> dict[str, Any]:
        """Run a job in a worker that reads only these files, and return its result."""
        return run_job(
            self.staging,
            {**job, "threads": self.threads},
            reads=reads,
            threads=self.threads,
            base_env=self.context.environment,
            progress=self.context.progress,
        )

    def staged(self, name: str) -> bytes:
        """Return the bytes of a staged file.

        Raises:
            StorageError: The file cannot be read.
        """
        with storage_errors(f"reading {name}"):
            return (self.staging.path / name).read_bytes()


class ServedModel(ABC):
    """A staged checkpoint, and the files that a target makes of it.

    Args:
        checkpoint: The checkpoint; it is staged.
        run: Its run.
        target: The target of the deployment.
        workers: Starts the workers that load it.
    """

    asked_reads: tuple[str, ...] = ()
    """Staged files that the job ``ask`` reads."""

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
        """Set the decision that turns scores into answers; its limit may differ from the sealed."""
        if decision:
            self._about["decision"] = dict(decision)

    def answer(
        self, texts: Sequence[str] | None, test: Manifest | None = None, records: int = 0
    ) -> int:
        """Compute the sealed model's answers to the probe records, and return their number.

        Args:
            texts: Texts of the probe records; None: they are made from the vocabulary.
            test: A test part, of which some records are answered as well; None: no test part.
            records: How many of its records, drawn by their ids and the seed of the run.

        Raises:
            LyrikstoreError: As a prediction, and as an evaluation on that test part.
        """
        if test is not None and records:
            self._test = test
            try:
                self.draw(test, records)
            except IncompleteError as error:
                error.hint = "fetch the test part, or leave it out: --check-records 0"
                raise
        self._texts = self.made_texts() if texts is None else texts
        self.stage_probe(self._texts)
        self.keep(self._workers.run({"job": "probe", **self._about}, (*self._reads, TEST)))
        return len(self._texts)

    def export(self) -> Mapping[str, str]:
        """Write the files of the target; return name → BLAKE3 of each.

        Raises:
            RunFailedError: (``bad-output``) a file does not belong to the target.
        """
        result = self._workers.run({"job": "export", **self._about}, self._reads)
        found: Mapping[str, str] = result["files"]
        if not all(re.fullmatch(self._target.files, name) for name in found):
            raise RunFailedError(
                "bad-output", "the worker wrote a file that does not belong to the target"
            )
        return found

    def ask(self, folder: Path) -> ProbeResult:
        """Compare the folder's answers with those of the sealed model; return the result.

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
                "the deployed folder gives other answers than the sealed model: "
                f"{compared_in_words(found.to_json())}",
                hint="the folder was removed; without --check it is written and not compared",
                details=found.to_json(),
            )
        return found

    def probe_record(self, found: ProbeResult) -> dict[str, Any]:
        """Return the member ``check`` of the folder's manifest."""
        return {**found.to_json(), "servedBy": self._target.asked_by}

    def probe_file(self) -> bytes:
        """Return ``probe.jsonl``: the probe records with the sealed model's answers."""
        lines = (json.dumps(line, ensure_ascii=False) + "\n" for line in self.probe_lines())
        return "".join(lines).encode()

    def usage_files(self, check: Mapping[str, Any] | None) -> Files:
        """Return ``USE.md`` and the other files that explain or accompany the model.

        Args:
            check: Member ``check`` of the folder's manifest; None: answers were not compared.
        """
        usage = self.usage()
        return {**use_files(usage, self.said(usage), check), **self.beside()}

    @property
    @abstractmethod
    def limits(self) -> Mapping[str, int]:
        """``maxTokens`` and ``answerTokens``, if the model has such limits."""

    @abstractmethod
    def made_texts(self) -> Sequence[str]:
        """Return probe texts, made of words of the model's vocabulary."""

    @abstractmethod
    def draw(self, test: Manifest, records: int) -> None:
        """Sample records of the test part, to be compared after the probe texts."""

    @abstractmethod
    def stage_probe(self, texts: Sequence[str]) -> None:
        """Stage the probe records for a worker."""

    @abstractmethod
    def keep(self, result: Mapping[str, Any]) -> None:
        """Keep the sealed model's answers, which the job ``probe`` returned."""

    def question(self) -> Mapping[str, Any]:
        """Return further members of the job ``ask``."""
        return {}

    @abstractmethod
    def compare(self, result: Mapping[str, Any], latency: dict[str, str]) -> ProbeResult:
        """Compare the answers of the job ``ask`` with the kept ones; return the result."""

    @abstractmethod
    def probe_lines(self) -> Iterator[dict[str, Any]]:
        """Yield the lines of ``probe.jsonl``."""

    @abstractmethod
    def usage(self) -> Usage:
        """Return how the folder is loaded."""

    @abstractmethod
    def said(self, usage: Usage) -> str:
        """Return the text of ``USE.md`` that follows the instructions for loading."""

    def beside(self) -> Files:
        """Return further files to put beside the model."""
        return {}


def use_files(usage: Usage, said: str, check: Mapping[str, Any] | None = None) -> Files:
    """Return ``USE.md``, ``check.py`` and the further files of a target.

    Args:
        usage: How the folder is loaded.
        said: The text that follows in ``USE.md``.
        check: As for :meth:`ServedModel.usage_files`.
    """
    compared = _COMPARED.format(words=compared_in_words(check))
    checks = CHECK_WORDS.format(more=usage.checks)
    use = f"# How to use this model\n\n{usage.how}{said}{compared}{checks}"
    return {CHECK_FILE: CHECK.encode(), **usage.files, "USE.md": use.encode()}
