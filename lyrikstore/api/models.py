"""What a store does with models: train, measure, predict."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lyrikstore.canon.progress import OnProgress, silent
from lyrikstore.canon.timestamps import Clock
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository

if TYPE_CHECKING:
    from lyrikstore.credentials.trust import Trust
    from lyrikstore.crypto.keys.signer import Signer
    from lyrikstore.train.config import TrainConfig
    from lyrikstore.train.predict import Prediction
    from lyrikstore.train.run import TrainResult
    from lyrikstore.verify.report import Check


class Training(ABC):
    """The part of a store that makes checkpoints and asks them."""

    repository: Repository
    clock: Clock

    @property
    @abstractmethod
    def trust(self) -> "Trust":
        """Whom this user believes."""

    @property
    @abstractmethod
    def own_cache(self) -> Path | None:
        """Where is remembered what belongs to this store, or None."""

    @abstractmethod
    def signer(self) -> "Signer":
        """Return who signs here; see :meth:`lyrikstore.api.store.Store.signer`."""

    def train(
        self,
        config: "TrainConfig",
        *,
        environment: Mapping[str, str],
        progress: OnProgress = silent,
        message: str = "",
    ) -> "TrainResult":
        """Train as ``config`` says; only signed, logged checkpoints come out.

        Args:
            config: What to do.
            environment: The caller's environment variables; a few harmless ones are passed on.
            progress: As :func:`lyrikstore.train.run.train_run`.
            message: Free text, signed with the run.

        Raises:
            PolicyError: (``rights-missing``) a dataset may not be used for this; nothing was
                logged. Else as :func:`lyrikstore.train.run.train_run`.
        """
        from lyrikstore.train.run import train_run

        return train_run(
            self.repository,
            config,
            trust=self.trust,
            base_env=environment,
            message=message,
            signer=self.signer(),
            clock=self.clock,
            progress=progress,
        )

    def evaluate(
        self,
        checkpoint: str,
        dataset: str,
        *,
        environment: Mapping[str, str],
        progress: OnProgress = silent,
    ) -> Manifest:
        """Measure a checkpoint and a baseline on a locked test set; return the signed report.

        Args:
            checkpoint: One that a run here made.
            dataset: One that was logged before that run.
            environment: As for :meth:`train`.
            progress: Progress callback, called per record.

        Raises:
            PolicyError: (``test-not-locked``, ``test-is-train``, ``rights-missing``). Else as
                :func:`lyrikstore.train.evaluate.evaluate_checkpoint`.
        """
        from lyrikstore.train.evaluate import evaluate_checkpoint

        return evaluate_checkpoint(
            self.repository,
            checkpoint,
            dataset,
            trust=self.trust,
            base_env=environment,
            signer=self.signer(),
            clock=self.clock,
            progress=progress,
        )

    def predict(
        self, checkpoint: str, path: Path, *, environment: Mapping[str, str]
    ) -> "Prediction":
        """Return what a checkpoint says about a text file.

        Args:
            checkpoint: One that a run made.
            path: A UTF-8 text file.
            environment: As for :meth:`train`.

        Raises:
            NotFoundError, InvalidInputError, PolicyError, RunFailedError: As
                :func:`lyrikstore.train.predict.predict_file`.
        """
        from lyrikstore.train.predict import predict_file

        folder = self.own_cache or self.repository.root  # whoever only reads needs not write there
        return predict_file(self.repository, checkpoint, path, base_env=environment, folder=folder)

    def rights_of(self, checkpoint: str) -> "Check":
        """Return the check ``rights`` of a checkpoint: whether those that it rests on hold.

        A warning with the reason ``taken-back-later`` says that one was taken back since.

        Args:
            checkpoint: Which one.

        Raises:
            LyrikstoreError: It, or what it was made from, is not here.

        Cost: one read and one signature for each manifest that it was made from.
        """
        from lyrikstore.verify.problems import Problems
        from lyrikstore.verify.rights.recorded import check_rights
        from lyrikstore.verify.store.ancestry import closure

        found = self.repository.resolve(checkpoint)
        ancestry = closure(self.repository, found.id, Problems("lineage"))
        return check_rights(self.repository, ancestry, trust=self.trust, at=self.clock())
