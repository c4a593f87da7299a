"""``store.models``: checkpoints are trained, measured and asked, and get their cards."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lyrikstore.api.models.stages import RepeatedModels
from lyrikstore.canon.progress import OnProgress, silent
from lyrikstore.history.manifests.manifest import Manifest

if TYPE_CHECKING:
    from lyrikstore.train.config import TrainConfig
    from lyrikstore.train.packages.packaged import AddedModel
    from lyrikstore.train.plan.plan import Measure, TrainingPlan
    from lyrikstore.train.predict.prediction import AnsweredRecords
    from lyrikstore.train.run import TrainResult
    from lyrikstore.verify.report import Check


@dataclass
class Models(RepeatedModels):
    """The checkpoints of a store; a REF is what ``Store.resolve`` takes."""

    def plan(
        self,
        what: "str | TrainConfig",
        *,
        base: str = "",
        label: str = "",
        prices: Path | None = None,
        measure: bool = False,
        environment: Mapping[str, str] | None = None,
        progress: OnProgress = silent,
    ) -> "TrainingPlan":
        """Return what a run will take; the store stays as it is.

        Where a run would be refused now for want of a right, a remark says so.

        Args:
            what: A config; or a REF of a dataset, whose settings then follow from the data.
            base: With a REF: the base model; by default the only one that was imported here.
            label: With a REF: the field that holds the label; by default the dataset says.
            prices: A price file of your own, in place of those that come with lyrikstore.
            measure: Do a few real steps here, which needs the right to train.
            environment: With ``measure``, as for :meth:`train`.
            progress: With ``measure``: progress callback, called per step.

        Raises:
            PolicyError: (``over-budget``) it does not fit the budget, or this machine. Else as
                :func:`lyrikstore.train.plan.plan.plan_dataset`, and with ``measure`` as
                :func:`lyrikstore.train.plan.measure.measure_steps`.
        """
        from msgspec.structs import replace

        from lyrikstore.train.permitted import find_refusal
        from lyrikstore.train.plan.plan import Remark, plan_config, plan_dataset

        store = self.store
        repository, today = store.repository, store.clock().date()
        steps = self._steps(environment or {}, progress) if measure else None
        if isinstance(what, str):
            plan = plan_dataset(
                repository,
                what,
                today=today,
                base=base,
                label=label,
                prices=prices,
                measure=steps,
            )
        else:
            plan = plan_config(repository, what, today=today, prices=prices, measure=steps)
        user = store.person.did if store.person else None
        refusal = find_refusal(
            repository, plan.config, trust=store.trust, clock=store.clock, user=user
        )
        if refusal is None:
            return plan
        return replace(plan, remarks=(*plan.remarks, Remark(refusal.code, refusal.text)))

    def add(
        self,
        package: str,
        name: str = "",
        *,
        licence: str | None = None,
        progress: OnProgress = silent,
    ) -> "AddedModel":
        """Commit the base model in an installed Python package; none of its code is run.

        Args:
            package: The package, as ``pip`` knows it.
            name: Full name of the checkpoint; by default ``checkpoints/base/`` and the package.
            licence: SPDX expression; by default what the model's card says, else the package.
            progress: Progress callback, called per file.

        Raises:
            NotFoundError: (``no-package``) it is not installed.
            InvalidInputError: (``not-a-model``) it has not exactly one base model;
                (``bad-licence``) no SPDX expression.
            PolicyError: (``unsafe-model``, ``unknown-model``) its GGUF file is none that is read.
            LyrikstoreError: As :func:`lyrikstore.curate.commit.commit.commit_folder`.
        """
        from lyrikstore.curate.terms.licence import parse_licence
        from lyrikstore.train.packages.add import add_model
        from lyrikstore.train.packages.packaged import AddedModel, default_name, find_packaged_model

        store, model = self.store, find_packaged_model(package)
        said = parse_licence(licence) if licence else model.licence
        result = add_model(
            store.repository,
            model,
            name or default_name(model),
            said,
            signer=store.signer(),
            clock=store.clock,
            cache=store.own_cache,
            progress=progress,
        )
        return AddedModel(model, result, said, "person who added it" if licence else model.said_by)

    def train(
        self,
        config: "TrainConfig",
        *,
        environment: Mapping[str, str],
        prices: Path | None = None,
        measure: bool = False,
        resume: bool = False,
        progress: OnProgress = silent,
        message: str = "",
    ) -> "TrainResult":
        """Plan, then train as ``config`` says; only signed, logged checkpoints come out.

        Args:
            config: What to do.
            environment: The caller's environment variables; a few harmless ones are passed on.
            prices: As for :meth:`plan`.
            measure: As for :meth:`plan`.
            resume: Go on with the run that was interrupted, to the same bytes.
            progress: As :func:`lyrikstore.train.run.train_run`.
            message: Free text, signed with the run.

        Raises:
            PolicyError: (``rights-missing``) a dataset may not be used for this, (``over-budget``)
                it does not fit the budget, or this machine; nothing was logged. Else as
                :func:`lyrikstore.train.run.train_run`.
        """
        from lyrikstore.train.run import train_run

        store = self.store
        return train_run(
            store.repository,
            config,
            trust=store.trust,
            base_env=environment,
            prices=prices,
            measure=self._steps(environment, progress) if measure else None,
            points=store.own_cache,
            resume=resume,
            message=message,
            signer=store.signer(),
            clock=store.clock,
            progress=progress,
        )

    def _steps(self, environment: Mapping[str, str], progress: OnProgress) -> "Measure":
        from functools import partial

        from lyrikstore.train.plan.measure import measure_steps

        store = self.store
        return partial(
            measure_steps,
            store.repository,
            trust=store.trust,
            clock=store.clock,
            user=store.person.did if store.person else None,
            base_env=environment,
            folder=store.own_cache or store.repository.root,
            progress=progress,
        )

    def evaluate(
        self,
        checkpoint: str,
        dataset: str,
        *,
        environment: Mapping[str, str],
        sample: int | None = None,
        device: str = "cpu",
        progress: OnProgress = silent,
    ) -> Manifest:
        """Measure a checkpoint and a baseline on a locked test set; return the signed report.

        Args:
            checkpoint: One that a run here made.
            dataset: One that was logged before that run.
            environment: As for :meth:`train`.
            sample: Of a model that writes, how many records are asked; None: all.
            device: Where such a model is computed: ``cpu``, or ``cuda``: one GPU.
            progress: Progress callback, called per record.

        Raises:
            PolicyError: (``test-not-locked``, ``test-is-train``, ``rights-missing``). Else as
                :func:`lyrikstore.train.evaluation.evaluate.evaluate_checkpoint`.
        """
        from lyrikstore.train.evaluation.evaluate import evaluate_checkpoint

        store = self.store
        return evaluate_checkpoint(
            store.repository,
            checkpoint,
            dataset,
            trust=store.trust,
            base_env=environment,
            sample=sample,
            device=device,
            signer=store.signer(),
            clock=store.clock,
            progress=progress,
        )

    def history(self, checkpoint: Manifest) -> dict[str, Any] | None:
        """Return how the training of a checkpoint went (spec 13.6.5); None: it took no steps.

        Raises:
            FormatError: (``bad-history``) what is attached is no history.
            NotFoundError, VerificationError, IncompleteError: It cannot be read.
        """
        from lyrikstore.history.repository.retired import present_attachments
        from lyrikstore.train.formats.history import MAX_BYTES, ROLE, read_history

        repository = self.store.repository
        attached = present_attachments(repository, checkpoint, ROLE)
        if not attached:
            return None
        blobs = repository.blobs
        return read_history(blobs.read(attached[0].id, max_bytes=MAX_BYTES))

    def monitor(
        self,
        checkpoint: str,
        dataset: str,
        *,
        environment: Mapping[str, str],
        progress: OnProgress = silent,
    ) -> Manifest:
        """Measure a checkpoint on data that came after its run; return the signed statement.

        Args:
            checkpoint: One that was evaluated.
            dataset: What came since, with labels or without.
            environment: As for :meth:`train`.
            progress: Progress callback, called per record.

        Raises:
            PolicyError: (``not-new``, ``rights-missing``). Else as
                :func:`lyrikstore.train.evaluation.monitor.monitor_checkpoint`.
        """
        from lyrikstore.train.evaluation.monitor import monitor_checkpoint

        store = self.store
        return monitor_checkpoint(
            store.repository,
            checkpoint,
            dataset,
            trust=store.trust,
            base_env=environment,
            signer=store.signer(),
            clock=store.clock,
            progress=progress,
        )

    def report(self, evaluation: str) -> dict[str, Any]:
        """Return what a report on an evaluation shows, as ``evaluation_page`` takes it.

        Args:
            evaluation: An evaluation that carries its predictions.

        Returns:
            ``id``, ``name``, ``inputs`` (role and id), ``body``, ``confusion``: which labels are
            taken for which, and ``failures``: the worst ones, with their texts if these are here.
            Of a model that writes ``confusion`` is None, and ``samples`` has some records with what
            is right and what model and base wrote.

        Raises:
            InvalidInputError: (``not-an-evaluation``) it is something else, or of version 1.
            NotFoundError, VerificationError, IncompleteError: The predictions are lost or damaged.
            FormatError: (``bad-predictions``) they are none.

        Cost: one read of predictions and test set.
        """
        from lyrikstore.train.evaluation.report import report_facts

        repository = self.store.repository
        return report_facts(repository, repository.resolve(evaluation))

    def predict(
        self,
        checkpoint: str,
        place: Path,
        *,
        environment: Mapping[str, str],
        explain: bool = False,
        most: int | None = None,
        device: str = "cpu",
        progress: OnProgress = silent,
    ) -> "AbstractContextManager[AnsweredRecords]":
        """Give what a checkpoint says of a file, of the files in a folder, or of rows.

        Args:
            checkpoint: One that a run made.
            place: A text, a document, a file of rows, or a folder of such.
            environment: As for :meth:`train`.
            explain: Whether to say what speaks for each answer, and which training records are
                like it, with their sources, licences and credentials.
            most: The most records; None: any number.
            device: Where a model that writes is computed: ``cpu``, or ``cuda``: one GPU.
            progress: Progress callback, called per batch.

        Returns:
            A context manager; iterate what it gives once, before it ends.

        Raises:
            NotFoundError, InvalidInputError, PolicyError, RunFailedError: As
                :func:`lyrikstore.train.predict.predict.predict_records`.

        Cost: as there.
        """
        from lyrikstore.publish.status.withdrawals import withdrawals
        from lyrikstore.train.predict.predict import predict_records

        repository = self.store.repository
        return predict_records(
            repository,
            checkpoint,
            place,
            base_env=environment,
            folder=self.store.own_cache or repository.root,  # who only reads need not write there
            explain=explain,
            most=most,
            device=device,
            withdrawn=lambda rights: {
                identity: one.word for identity, one in withdrawals(repository, rights).items()
            },
            progress=progress,
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
        from lyrikstore.verify.problems import Problems
        from lyrikstore.verify.rights.recorded import check_rights
        from lyrikstore.verify.store.ancestry import closure

        store = self.store
        found = store.repository.resolve(checkpoint)
        ancestry = closure(store.repository, found.id, Problems("lineage"))
        return check_rights(store.repository, ancestry, trust=store.trust, at=store.clock())
