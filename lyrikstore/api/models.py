"""``store.models``: checkpoints are trained, measured and asked, and get their cards."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lyrikstore.api.context import StoreContext
from lyrikstore.canon.progress import OnProgress, silent
from lyrikstore.history.manifests.manifest import Manifest

if TYPE_CHECKING:
    from lyrikstore.credentials.trust import Trust
    from lyrikstore.publish.cards.answers import Responses
    from lyrikstore.publish.cards.card import CardResult
    from lyrikstore.train.config import TrainConfig
    from lyrikstore.train.predict import Prediction
    from lyrikstore.train.run import TrainResult
    from lyrikstore.verify.report import Check, Report


@dataclass
class Models:
    """The checkpoints of a store; a REF is what ``Store.resolve`` takes."""

    store: StoreContext

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

        store = self.store
        return train_run(
            store.repository,
            config,
            trust=store.trust,
            base_env=environment,
            message=message,
            signer=store.signer(),
            clock=store.clock,
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

        store = self.store
        return evaluate_checkpoint(
            store.repository,
            checkpoint,
            dataset,
            trust=store.trust,
            base_env=environment,
            signer=store.signer(),
            clock=store.clock,
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

        repository = self.store.repository
        folder = self.store.own_cache or repository.root  # who only reads need not write there
        return predict_file(repository, checkpoint, path, base_env=environment, folder=folder)

    def rights(self, checkpoint: str) -> "Check":
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

        store = self.store
        found = store.repository.resolve(checkpoint)
        ancestry = closure(store.repository, found.id, Problems("lineage"))
        return check_rights(store.repository, ancestry, trust=store.trust, at=store.clock())

    def card(
        self, checkpoint: str, responses: "Responses | None" = None, *, keep_answers: bool = True
    ) -> "CardResult":
        """Make, sign and log the model card of a checkpoint.

        Args:
            checkpoint: Which one.
            responses: The expert's answers, as
                :func:`lyrikstore.publish.cards.answers.parse_responses` gives them.
            keep_answers: Without them, keep those of the current card.

        Raises:
            LyrikstoreError: As ``Store.resolve`` and
                :func:`lyrikstore.publish.cards.card.make_card`.
        """
        from lyrikstore.publish.cards.card import make_card

        store = self.store
        return make_card(
            store.repository,
            store.repository.resolve(checkpoint),
            signer=store.signer(),
            clock=store.clock,
            responses=responses,
            keep_answers=keep_answers,
        )

    def card_evidence(self, card: Manifest) -> dict[str, bytes] | None:
        """Return what shows without the store who signed a card: file name → bytes.

        None while it waits in a clone to be pushed: no log proof of it exists yet.

        Args:
            card: A card of this store, such as ``card(…).manifest``.
        """
        from lyrikstore.publish.cards.offline import evidence_of

        return evidence_of(self.store.repository, card)

    def verify_card(
        self,
        data: bytes,
        *,
        trust: "Trust | None" = None,
        at: datetime | None = None,
        progress: OnProgress = silent,
    ) -> "Report":
        """Return the report on a card that somebody was handed, and on its model, by this store.

        Args:
            data: The card's text, or its manifest.
            trust: Whom the verifier believes; by default as the trust file says.
            at: The moment to judge for; by default now.
            progress: Progress callback, in bytes.

        Raises:
            StorageError: Storage backend error. What is wrong with the card stands in the report.
        """
        from lyrikstore.publish.cards.check import verify_card

        store = self.store
        return verify_card(
            store.repository,
            data,
            trust=store.trust if trust is None else trust,
            at=at or store.clock(),
            memory=store.memory,
            progress=progress,
        )
