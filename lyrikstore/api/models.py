"""``store.models``: checkpoints, from training to what is handed on, and their cards."""

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
    """The checkpoints of a store; a REF is what ``Store.resolve`` takes."""

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

    def history(self, checkpoint: Manifest) -> dict[str, Any] | None:
        """Return how the training of a checkpoint went (spec 13.6.5); None: it took no steps.

        Raises:
            NotFoundError, VerificationError, IncompleteError: It cannot be read.
            LyrikstoreError: As :func:`read_history`.
        """
        repository = self.store.repository
        attached = stages.present_attachments(repository, checkpoint, stages.ROLE)
        if not attached:
            return None
        blobs = repository.blobs
        return stages.read_history(blobs.read(attached[0].id, max_bytes=stages.MAX_BYTES))

    monitor = bound(lambda: stages.monitor_checkpoint)

    def report(self, evaluation: str) -> dict[str, Any]:
        """Return what a report on an evaluation shows, as ``evaluation_page`` takes it.

        Args:
            evaluation: An evaluation that carries its predictions.

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
        """Give what a checkpoint says of a file, of the files in a folder, or of rows.

        Args:
            checkpoint: One that a run made.
            place: A text, a document, a file of rows, or a folder of such.
            explain: Whether to say what speaks for each answer, and which training records are
                like it, with their sources, licences and credentials.
            most: The most records; None: any number.
            device: Where a generative model is computed: ``cpu``, or ``cuda``: one GPU.
            abstain_below: The confidence below which nothing is answered; None: as the checkpoint
                says.

        Returns:
            A context manager; iterate what it gives once, before it ends.

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
            withdrawn=lambda rights: {
                identity: one.word
                for identity, one in stages.withdrawals(repository, rights).items()
            },
        )

    def rights(self, checkpoint: str) -> "Check":
        """Return the check ``rights`` of a checkpoint: whether those that it rests on hold.

        A warning with the reason ``taken-back-later`` says that one was revoked since,
        ``ended-later`` that one has ended.

        Args:
            checkpoint: Which one.

        Raises:
            LyrikstoreError: It, or what it was made from, is not here.

        Cost: one read and one signature for each manifest that it was made from.
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
        """Do a run again, compare, and return the verdict (spec §13.14).

        It is signed and logged where the store's policy lets whoever opened the store; anybody
        else, with a clone, gets it as it was found.

        Args:
            ref: The run, or a checkpoint of it.
            segments: How many segments are drawn and done again; 0: the whole run is.
            nonce: 16 to 64 bytes that nobody knew before, to draw with; empty: random ones.
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
            ref: Which one.
            profiles: Names of profiles, or paths of one's own; empty: those of the current card.
            answers: Answers of one's own, which are signed and logged before, as
                :func:`lyrikstore.credentials.model.card_attestation.parse_card_statement` gives
                them.
            leave_out: Leave out the unsigned answers of a card of version 0.1.0.
            rendering: A rendering that it has to have, such as ``pdf``.
            with_values: Tell values of the data, too: labels, and suffixes of file names.

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
        """Return what changed since an earlier card, statement by statement.

        Args:
            before: As :meth:`current_card` gave it.
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
        """Return the report on a card that somebody was handed, and on its model, by this store.

        Args:
            data: The card's text, or its manifest.
            trust: Whom the verifier believes; by default as the trust file says.
            at: The moment to judge for; by default now.
            recompute: Whether to compute the evaluations of the model again; otherwise the verdict
                is at best ``valid``.

        Raises:
            StorageError: Storage backend error. What is wrong with the card stands in the report.
        """
        readers = stages.all_readers(recompute=recompute)
        return stages.verify_card(self.store, data, trust=trust, at=at, readers=readers)
