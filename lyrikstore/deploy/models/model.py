"""What a deployment asks of the model that it deploys, whatever that answers (spec §14.7)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from lyrikstore.canon.errors import RunFailedError, VerificationError
from lyrikstore.context import StoreContext
from lyrikstore.train.worker.process import run_job
from lyrikstore.train.worker.staging import Staging

Files = dict[str, bytes]
"""Name → bytes."""


class ProbeResult(Protocol):
    """How the answers of what was written compare with the sealed model's."""

    @property
    def records(self) -> int:
        """How many were asked."""

    @property
    def agreeing(self) -> int:
        """Of these, how many have the same answer."""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""

    def in_words(self) -> str:
        """Return it in a sentence, without its end."""


class Served(Struct, frozen=True):
    """What a program that loads the folder serves.

    Attributes:
        quantization: How weights were rounded: ``none`` where they are as sealed, ``f16`` where
            matrices are in fp16.
        limits: ``maxTokens`` and ``answerTokens``, where the model has them.
    """

    quantization: str
    limits: Mapping[str, int]


class DeployedModel(Protocol):
    """A staged checkpoint, and what is written of it."""

    def answer(self, texts: Sequence[str] | None) -> int:
        """Ask the sealed model the probe records, made ones for None; return how many they are."""

    def export(self) -> Mapping[str, str]:
        """Write the files of the target; return name → BLAKE3 of each."""

    def ask(self, folder: Path) -> ProbeResult:
        """Return how the folder's answers compare; raises ``answers-differ`` where they differ."""

    def served(self) -> Served:
        """Return what the folder serves."""

    def probe_file(self) -> bytes:
        """Return ``probe.jsonl``."""

    def usage_files(self) -> Files:
        """Return the files that say how the folder is loaded, and what goes with them."""


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

    def exported(
        self, job: Mapping[str, Any], reads: Sequence[str], names: frozenset[str]
    ) -> Mapping[str, str]:
        """Return what an export wrote: name → BLAKE3.

        Raises:
            RunFailedError: (``bad-output``) a file that belongs to no target.
        """
        found: Mapping[str, str] = self.run(job, reads)["files"]
        if not found.keys() <= names:
            raise RunFailedError("bad-output", "the worker wrote a file that belongs to no target")
        return found


def differing(found: ProbeResult) -> VerificationError:
    """Return the error for a folder that answers otherwise."""
    return VerificationError(
        "answers-differ",
        f"what was written gives the sealed model's answers for {found.agreeing} of "
        f"{found.records} probe records: {found.in_words()}",
        hint="nothing is left of it; without --check it is written as it is",
        details=found.to_json(),
    )
