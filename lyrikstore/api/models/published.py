"""What ``store.models`` hands on: cards, also of datasets, and folders that programs load."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lyrikstore.canon.progress import OnProgress, silent
from lyrikstore.context import StoreContext
from lyrikstore.history.manifests.manifest import Manifest

if TYPE_CHECKING:
    from lyrikstore.credentials.trust import Trust
    from lyrikstore.deploy.deploy import Deployment
    from lyrikstore.objects.backends.open import RemotePlace
    from lyrikstore.publish.cards.approval import CardStatus
    from lyrikstore.publish.cards.card import CardResult
    from lyrikstore.verify.report import Report


@dataclass
class PublishedModels:
    """The checkpoints of a store, as others get them; a REF is what ``Store.resolve`` takes."""

    store: StoreContext

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
        from lyrikstore.publish.cards.card import make_card
        from lyrikstore.publish.cards.gathering.form import form_with
        from lyrikstore.publish.cards.profiles.profile import load_profile
        from lyrikstore.publish.cards.rendering.renderings import check_role
        from lyrikstore.publish.issue.attest_card import answer_card

        store, loaded = self.store, [load_profile(name) for name in profiles]
        subject = store.repository.resolve(ref)
        by: Any = {"signer": store.signer(), "clock": store.clock, "profiles": loaded}
        form = form_with(values=with_values)
        if rendering:  # before answers are logged
            check_role(subject.kind, rendering)
        if answers is not None:
            answer_card(store.repository, subject, answers, form=form, **by)
        return make_card(
            store.repository, subject, form=form, leave_out=leave_out, rendering=rendering, **by
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
        from lyrikstore.publish.cards.card import draft_card
        from lyrikstore.publish.cards.gathering.form import form_with
        from lyrikstore.publish.cards.profiles.profile import load_profile
        from lyrikstore.publish.issue.attest_card import subject_of
        from lyrikstore.web.draft_page import draft_page

        loaded = [load_profile(name) for name in profiles]
        repository = self.store.repository
        form = form_with(values=with_values)
        draft = draft_card(repository, repository.resolve(ref), loaded, form)
        page = draft_page(draft.content, subject_of(draft.content))
        return {"card.json": draft.data, "card.html": page}

    def approve(
        self, ref: str, *, alone: bool = False, withdraw: bool = False, statement: str = ""
    ) -> "tuple[Manifest, int, CardStatus]":
        """Approve a card, or take that back; return manifest, log index and the card's status.

        Args:
            ref: The card, or what it is about.
            alone: Approve what one made oneself.
            withdraw: Take one's approval back.
            statement: Why.

        Raises:
            LyrikstoreError: As ``Store.resolve`` and
                :func:`lyrikstore.publish.cards.approval.approve_card`.
        """
        from lyrikstore.publish.cards.approval import approve_card
        from lyrikstore.publish.cards.card import card_name

        store, repository = self.store, self.store.repository
        found = repository.resolve(ref)
        if found.kind in {"checkpoint", "dataset"}:
            found = repository.resolve(card_name(found))
        manifest, index = approve_card(
            repository, found, signer=store.signer(), clock=store.clock, trust=store.trust,
            alone=alone, withdraw=withdraw, statement=statement,
        )  # fmt: skip
        return manifest, index, self.card_status(found)

    def card_status(self, card: Manifest) -> "CardStatus":
        """Return the status of a card of this store, by its log and this user's trust file.

        Args:
            card: A card of this store.
        """
        from lyrikstore.publish.cards.approval import card_status

        store = self.store
        return card_status(store.repository, card, trust=store.trust, at=store.clock())

    def current_card(self, ref: str) -> dict[str, Any] | None:
        """Return what the current card of a name holds; None: there is none.

        None, too, of a card of version 0.1.0, which is a text.

        Args:
            ref: What it is about.

        Raises:
            LyrikstoreError: As ``Store.resolve``, and if it cannot be read.
        """
        from lyrikstore.publish.cards.card import read_card

        repository = self.store.repository
        return read_card(repository, repository.resolve(ref))

    def card_changes(self, before: Mapping[str, Any], card: "CardResult") -> list[dict[str, str]]:
        """Return what changed since an earlier card, statement by statement.

        Args:
            before: As :meth:`current_card` gave it.
            card: The later one.
        """
        from msgspec import to_builtins

        from lyrikstore.publish.cards.compare import compare_cards

        return [to_builtins(one) for one in compare_cards(before, card.document.content)]

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
        recompute: bool = True,
        progress: OnProgress = silent,
    ) -> "Report":
        """Return the report on a card that somebody was handed, and on its model, by this store.

        Args:
            data: The card's text, or its manifest.
            trust: Whom the verifier believes; by default as the trust file says.
            at: The moment to judge for; by default now.
            recompute: Whether to compute the evaluations of the model again; otherwise the verdict
                is at best ``valid``.
            progress: Progress callback, in bytes.

        Raises:
            StorageError: Storage backend error. What is wrong with the card stands in the report.
        """
        from lyrikstore.api.verify import all_readers
        from lyrikstore.publish.cards.check import verify_card

        store = self.store
        return verify_card(
            store.repository,
            data,
            trust=store.trust if trust is None else trust,
            at=at or store.clock(),
            memory=store.memory,
            readers=all_readers(recompute=recompute),
            progress=progress,
        )

    def deploy(
        self,
        checkpoint: str,
        target: str,
        folder: Path,
        *,
        environment: Mapping[str, str],
        name: str = "",
        sign: bool = True,
        remote: "str | RemotePlace | None" = None,
        probe: Path | None = None,
        check: bool = False,
        with_values: bool = False,
        progress: OnProgress = silent,
    ) -> "Deployment":
        """Write a folder that a serving program loads, and that answers as a checkpoint does.

        Which files it has is signed and logged before it gets its name.

        Args:
            checkpoint: One that a run made.
            target: ``hf``, ``onnx``, ``gguf`` or ``vllm``.
            folder: Where; it does not exist or is empty.
            environment: As for :meth:`train`.
            name: Of the deployment; empty: after the checkpoint and the target.
            sign: Sign and log it; else the folder says that it is unsigned.
            remote: Where a clone pushes what was signed.
            probe: A file of texts to ask both models; by default texts are made of words.
            check: Load what was written with the target's program, and compare its answers.
            with_values: Put in credentials that name values or paths of the data, too.
            progress: Progress callback, called per phase and record.

        Raises:
            PolicyError: (``rights-missing``) a right that it rests on was revoked or has
                ended; (``not-approved``) the policy wants its card approved, and it is not.
            VerificationError: (``not-verified``, ``answers-differ``) Else as
                :func:`lyrikstore.deploy.deploy.deploy_checkpoint`.
        """
        from lyrikstore.api.verify import all_readers
        from lyrikstore.deploy.deploy import deploy_checkpoint

        self.store.environment, self.store.progress = environment, progress
        return deploy_checkpoint(
            self.store,
            checkpoint,
            target,
            folder,
            readers=all_readers(),
            name=name,
            sign=sign,
            remote=remote,
            probe=probe,
            check=check,
            with_values=with_values,
        )

    def deploy_again(
        self, ref: str, folder: Path, *, progress: OnProgress = silent
    ) -> "Deployment":
        """Write the folder of a logged deployment again, from the store: the same bytes.

        Args:
            ref: A deployment.
            folder: Where; it does not exist or is empty.
            progress: Progress callback, called per file.

        Raises:
            LyrikstoreError: As :func:`lyrikstore.deploy.again.deploy_again`.
        """
        from lyrikstore.api.verify import all_readers
        from lyrikstore.deploy.again import deploy_again

        self.store.progress = progress
        return deploy_again(self.store, ref, folder, readers=all_readers())
