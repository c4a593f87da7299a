"""``store.models``: checkpoints, from training to deployment, and their cards."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from secrets import token_bytes
from typing import TYPE_CHECKING, Any

from msgspec import to_builtins

from lyrikstore.api import stages
from lyrikstore.api.bound import bound, bound_view
from lyrikstore.context import StoreContext
from lyrikstore.history.manifests.manifest import Manifest

if TYPE_CHECKING:
    from lyrikstore.credentials.trust import Trust
    from lyrikstore.publish.cards.approval import CardStatus
    from lyrikstore.publish.cards.card import CardResult
    from lyrikstore.train.predict.prediction import AnsweredRecords
    from lyrikstore.train.reproduction.reproduce import Reproduction
    from lyrikstore.verify.report import Check, Report


@dataclass
class Models:
    """The checkpoints of a store; a REF is an argument of ``Store.resolve``."""

    store: StoreContext

    add = bound(lambda: stages.add_model)
    merge = bound(lambda: stages.merge_adapter)
    deploy = bound(lambda: stages.deploy_checkpoint)
    deploy_again = bound(lambda: stages.deploy_again)
    approve = bound(lambda: stages.approve_card)
    current_card = bound(lambda: stages.read_card)
    card_evidence = bound_view(lambda: stages.card_evidence)

    plan = bound(lambda: stages.plan_training)
    train = bound(lambda: stages.train_run)
    evaluate = bound(lambda: stages.evaluate_checkpoint)

    history = bound_view(lambda: stages.history_of)
    monitor = bound(lambda: stages.monitor_checkpoint)

    def report(self, evaluation: str) -> dict[str, Any]:
        """Return the content of a report on an evaluation, as argument of ``facts_of_evaluation``.

        Args:
            evaluation: An evaluation with predictions.

        Raises:
            LyrikstoreError: As :func:`lyrikstore.train.evaluation.report.report_facts`.
        """
        return stages.report_facts(self.store.repository, self.store.resolve(evaluation))

    record_prediction = bound(lambda: stages.record_prediction)

    def predict(
        self,
        checkpoint: str,
        place: Path,
        *,
        explain: bool = False,
        most: int | None = None,
        device: str = "cpu",
        abstain_below: float | None = None,
    ) -> "AbstractContextManager[AnsweredRecords]":
        """Predict a file, the files in a folder, or rows with a checkpoint.

        Args:
            checkpoint: A checkpoint that a run made.
            place: A text, a document, a file of rows, or a folder of these.
            explain: Whether to explain each answer, and to list similar training records, with
            their sources, licences and credentials.
            most: Most records; None: any number.
            device: The device of a generative model: ``cpu``, or ``cuda`` for one GPU.
            abstain_below: The confidence below which the model abstains; None: the limit of the
            checkpoint.

        Returns:
            A context manager; iterate over its value once, inside the ``with`` block.

        Raises:
            NotFoundError, InvalidInputError, PolicyError, RunFailedError: As
                :func:`lyrikstore.train.predict.predict.predict_records`.

        Cost: as there.
        """
        repository = self.store.repository
        return stages.predict_records(
            self.store,
            checkpoint,
            place,
            explain=explain,
            most=most,
            device=device,
            abstain_below=abstain_below,
            revoked=lambda rights: {
                identity: one.word
                for identity, one in stages.withdrawals(repository, rights).items()
            },
        )

    queue_unsure = bound(lambda: stages.queue_unsure)

    def rights(self, checkpoint: str) -> "Check":
        """Return the check ``rights`` of a checkpoint: whether the rights to its data hold.

        A warning with the reason ``taken-back-later`` means that a right was revoked since,
        ``ended-later`` that a right has ended.

        Args:
            checkpoint: The checkpoint.

        Raises:
            LyrikstoreError: The checkpoint, or one of its inputs, is not in this store.

        Cost: one read and one signature check for each manifest of its lineage.
        """
        store = self.store
        found = store.repository.resolve(checkpoint)
        ancestry = stages.Lineage.read(store.repository, found.id)
        return stages.check_rights(store.repository, ancestry, trust=store.trust, at=store.clock())

    def reproduce(
        self,
        ref: str,
        *,
        segments: int = 0,
        nonce: bytes = b"",
        message: str = "",
    ) -> "Reproduction":
        """Repeat a run, compare the result, and return the verdict (spec §13.14).

        The verdict is signed and logged if the store's policy permits it to the signer; without
        that permission it is only returned.

        Args:
            ref: The run, or a checkpoint of it.
            segments: The number of sampled segments to repeat; 0: repeat the whole run.
            nonce: 16 to 64 bytes that nobody knew before, to sample with; empty: random bytes.
            message: Free text, signed with the verdict.

        Raises:
            PolicyError: (``rights-missing``) the data may not be used now. Else as
                :func:`lyrikstore.train.reproduction.reproduce.reproduce_run`.
        """
        if not segments:
            return stages.reproduce_run(self.store, ref, message=message)
        drawn_by = nonce or token_bytes(32)
        return stages.replay_segments(self.store, ref, segments, nonce=drawn_by, message=message)

    train_with = bound(lambda: stages.train_external)
    training = bound(lambda: stages.open_run)
    import_trained = bound(lambda: stages.import_trained)
    export_job = bound(lambda: stages.export_job)
    collect_job = bound(lambda: stages.collect_job)

    def card(
        self,
        ref: str,
        *,
        profiles: Sequence[str] = (),
        answers: Mapping[str, Any] | None = None,
        leave_out: bool = False,
        rendering: str = "",
        with_values: bool = False,
    ) -> "CardResult":
        """Make, sign and log the card of a checkpoint or a dataset.

        Args:
            ref: The checkpoint or dataset.
            profiles: Names of profiles, or paths of custom ones; empty: those of the current card.
            answers: Your answers, which are signed and logged before, as
                :func:`lyrikstore.credentials.model.card_attestation.parse_card_statement`
                returns them.
            leave_out: Leave out the unsigned answers of a card of version 0.1.0.
            rendering: A required rendering, such as ``pdf``.
            with_values: Include values of the data: labels, and suffixes of file names.

        Raises:
            LyrikstoreError: As ``Store.resolve``,
                :func:`lyrikstore.publish.cards.profiles.profile.load_profile`,
                :func:`lyrikstore.publish.issue.attest_card.attest_card` and
                :func:`lyrikstore.publish.cards.card.make_card`.
        """
        store, loaded = self.store, [stages.load_profile(name) for name in profiles]
        subject = store.repository.resolve(ref)
        form = stages.form_with(values=with_values)
        if rendering:  # before answers are logged
            stages.check_role(subject.kind, rendering)
        if answers is not None:
            stages.answer_card(store, subject, answers, profiles=loaded, form=form)
        return stages.make_card(
            store, subject, profiles=loaded, form=form, leave_out=leave_out, rendering=rendering
        )

    def card_draft(
        self, ref: str, *, profiles: Sequence[str] = (), with_values: bool = False
    ) -> dict[str, bytes]:
        """Return the draft of a card for an expert: file name → bytes; nothing is logged.

        Args:
            ref: As for :meth:`card`.
            profiles: As for :meth:`card`.
            with_values: As for :meth:`card`.

        Raises:
            LyrikstoreError: As ``Store.resolve`` and
                :func:`lyrikstore.publish.cards.card.draft_card`.
        """
        loaded = [stages.load_profile(name) for name in profiles]
        repository = self.store.repository
        form = stages.form_with(values=with_values)
        draft = stages.draft_card(repository, repository.resolve(ref), loaded, form)
        page = stages.draft_page(draft.content, stages.subject_of(draft.content))
        return {"card.json": draft.data, "card.html": page}

    def card_status(self, card: Manifest) -> "CardStatus":
        """Return the status of a card of this store, by its log and this user's trust file.

        Args:
            card: A card of this store.
        """
        store = self.store
        return stages.card_status(store.repository, card, trust=store.trust, at=store.clock())

    def card_changes(self, before: Mapping[str, Any], card: "CardResult") -> list[dict[str, str]]:
        """Return the changes since an earlier card, statement by statement.

        Args:
            before: As :meth:`current_card` returned it.
            card: The later one.
        """
        return [to_builtins(one) for one in stages.compare_cards(before, card.document.content)]

    def verify_card(
        self,
        data: bytes,
        *,
        trust: "Trust | None" = None,
        at: datetime | None = None,
        recompute: bool = True,
    ) -> "Report":
        """Return the report on a received card and its model, by this store.

        Args:
            data: The card's text, or its manifest.
            trust: The verifier's trust; by default the trust file.
            at: The moment of the verdict; by default now.
            recompute: Whether to compute the evaluations of the model again; otherwise the verdict
                is at best ``valid``.

        Raises:
            StorageError: Storage backend error. Errors of the card are in the report.
        """
        readers = stages.all_readers(recompute=recompute)
        return stages.verify_card(self.store, data, trust=trust, at=at, readers=readers)
