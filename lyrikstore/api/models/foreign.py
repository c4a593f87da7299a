"""What ``store.models`` does with programs of the caller's own, which train in their own way."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lyrikstore.api.models.published import PublishedModels
from lyrikstore.canon.progress import OnProgress, silent

if TYPE_CHECKING:
    from lyrikstore.train.foreign.in_process import OpenRun
    from lyrikstore.train.foreign.job import ExportedJob
    from lyrikstore.train.foreign.opening import Opening
    from lyrikstore.train.foreign.request import ForeignRun
    from lyrikstore.train.foreign.run import ForeignResult


@dataclass
class ForeignModels(PublishedModels):
    """The checkpoints that other programs train; a REF is what ``Store.resolve`` takes."""

    def train_with(
        self,
        request: "ForeignRun",
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: Path | None = None,
        opening: "Opening | None" = None,
        unconfined: bool = False,
        progress: OnProgress = silent,
        message: str = "",
    ) -> "ForeignResult":
        """Train by a command of the caller's, confined; only a signed checkpoint comes out.

        Args:
            request: What it learns from, and what the checkpoint is called.
            command: It and its arguments, with ``{input}``, ``{base}`` and ``{output}``.
            environment: The caller's environment variables; a few harmless ones are passed on.
            folder: Where it is started; by default the current folder.
            opening: What it may use besides its inputs; None: nothing.
            unconfined: Let it run as the caller may, where no sandbox can be had.
            progress: As :func:`lyrikstore.train.foreign.run.train_foreign`.
            message: Free text, signed with the run.

        Raises:
            PolicyError: (``rights-missing``) an input may not be used for this; nothing was logged.
            InvalidInputError: (``no-sandbox``) it cannot be confined here; nothing was logged.
                Else as :func:`lyrikstore.train.foreign.run.train_foreign`.
        """
        from lyrikstore.train.foreign.run import train_foreign

        store = self.store
        return train_foreign(
            store.repository,
            request,
            command,
            folder=folder or Path.cwd(),
            trust=store.trust,
            base_env=environment,
            opening=opening,
            unconfined=unconfined,
            message=message,
            signer=store.signer(),
            clock=store.clock,
            progress=progress,
        )

    def training(
        self,
        request: "ForeignRun",
        *,
        folder: Path | None = None,
        progress: OnProgress = silent,
        message: str = "",
    ) -> AbstractContextManager["OpenRun"]:
        """Train in this process, by a library such as the Hugging Face ``Trainer``.

        The run is announced when the ``with`` block is entered; what is in ``output`` when it ends
        is sealed, and ``result`` has it then. Pass ``callback()`` to a ``Trainer``, so that it says
        how many steps it took. Nothing confines it: run and card say so.

        Args:
            request: As for :meth:`train_with`.
            folder: Where the program lies, for its Git repository; by default the current folder.
            progress: As :func:`lyrikstore.train.foreign.in_process.open_run`.
            message: Free text, signed with the run.

        Raises:
            LyrikstoreError: As :func:`lyrikstore.train.foreign.in_process.open_run`.
        """
        from lyrikstore.train.foreign.in_process import open_run

        store = self.store
        return open_run(
            store.repository,
            request,
            folder=folder or Path.cwd(),
            trust=store.trust,
            message=message,
            signer=store.signer(),
            clock=store.clock,
            progress=progress,
        )

    def import_trained(
        self,
        folder: Path,
        request: "ForeignRun",
        *,
        progress: OnProgress = silent,
        message: str = "",
    ) -> "ForeignResult":
        """Seal what another tool left; nobody saw how it was made, and that is what is signed.

        Args:
            folder: What it left; read only.
            request: What it says to have learned from, and what the checkpoint is called.
            progress: As :func:`lyrikstore.train.foreign.ended.import_trained`.
            message: Free text, signed with the run.

        Raises:
            PolicyError: (``rights-missing``) an input may not be used for this; nothing was logged.
                Else as :func:`lyrikstore.train.foreign.ended.import_trained`.
        """
        from lyrikstore.train.foreign.ended import import_trained

        store = self.store
        return import_trained(
            store.repository,
            folder,
            request,
            trust=store.trust,
            message=message,
            signer=store.signer(),
            clock=store.clock,
            progress=progress,
        )

    def export_job(
        self,
        request: "ForeignRun",
        command: Sequence[str],
        destination: Path,
        *,
        region: str,
        target: str = "skypilot",
        program: Sequence[Path] = (),
        include: Sequence[Path] = (),
        folder: Path | None = None,
        progress: OnProgress = silent,
        message: str = "",
    ) -> "ExportedJob":
        """Announce a run, and write a folder with copies of its inputs and a job that trains.

        Args:
            request: As for :meth:`train_with`.
            command: Likewise.
            destination: A folder that does not exist.
            region: Where the job runs, such as ``aws/eu-central-1``.
            target: What runs it: ``skypilot``.
            program: Files that the command needs, and folders, of which what Git tracks goes along.
            include: What else of these folders does.
            folder: Where the program lies, for its Git repository; by default the current folder.
            progress: As :func:`lyrikstore.train.foreign.job.export_job`.
            message: Free text, signed with the run.

        Raises:
            PolicyError: (``wrong-territory``, ``rights-missing``) the data may not go there.
            InvalidInputError: (``secret-found``) a private key or credentials would. Else as
                :func:`lyrikstore.train.foreign.job.export_job`.
        """
        from lyrikstore.train.foreign.job import export_job

        store = self.store
        return export_job(
            store.repository,
            request,
            command,
            target=target,
            region=region,
            destination=destination,
            program=program,
            include=include,
            folder=folder or Path.cwd(),
            trust=store.trust,
            message=message,
            signer=store.signer(),
            clock=store.clock,
            progress=progress,
        )

    def collect_job(self, folder: Path, *, progress: OnProgress = silent) -> "ForeignResult":
        """Seal what came back of an exported job; nobody here saw it run.

        Args:
            folder: The exported folder, with what came back in ``output``.
            progress: As :func:`lyrikstore.train.foreign.job.collect_job`.

        Raises:
            NotFoundError: (``no-run``) it names no run that waits here. Else as
                :func:`lyrikstore.train.foreign.job.collect_job`.
        """
        from lyrikstore.train.foreign.job import collect_job

        store = self.store
        return collect_job(
            store.repository,
            folder,
            trust=store.trust,
            signer=store.signer(),
            clock=store.clock,
            progress=progress,
        )
