"""Resume states of interrupted runs, in the user's cache (spec §13.2.3).

Resume states are outside of the store: a user who can write to the store could otherwise replace
weights that a run then signs. The list of resume states is signed with the trainer's key, and a
state
is used only if it is the file that the worker wrote.
"""

import contextlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, to_builtins

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    ConflictError,
    FormatError,
    NotFoundError,
    RunFailedError,
    VerificationError,
    storage_error,
)
from lyrikstore.canon.files import read_at_most, replace_file
from lyrikstore.canon.json import encode, parse
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.train.replay.segment_store import read_checked, segments_folder
from lyrikstore.train.worker.staging import Staging
from lyrikstore.verify.rules.in_force import DECISION

SNAPSHOT_SECONDS = 60
"""Seconds between two resume states."""

_RECORD = "points.json"
_CONTEXT = b"lyrikstore points 1\n"
_MAX_RECORD_BYTES = 1 << 20


class _Entry(Struct, frozen=True, omit_defaults=True):
    """A file of a worker: its name in the cache, its digest, and the worker's description."""

    file: Annotated[str, Meta(pattern=r"^[a-z]{1,20}-[0-9]{1,9}-[0-9a-f]{8}\.safetensors$")]
    blake3: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
    position: dict[str, Any] = {}
    about: dict[str, Any] = {}


class _Candidate(Struct, omit_defaults=True):
    """The last resume state of a candidate, and the epochs that will become checkpoints."""

    kept: dict[str, _Entry] = {}
    point: _Entry | None = None


class _Record(Struct, frozen=True):
    """The resume states of a run."""

    run: str
    candidates: dict[str, _Candidate]


class RunResumeState:
    """The resume states of one run.

    Args:
        folder: Their folder; it is made for the first one.
        run: The run's id.
        signer: Signs the list of resume states; a list with another signature is not used.
        seconds: Seconds between two resume states.
    """

    def __init__(
        self, folder: Path, run: Digest, signer: Signer, seconds: int = SNAPSHOT_SECONDS
    ) -> None:
        self.folder, self.run, self.seconds = folder, run, seconds
        self._signer = signer
        self._candidates = self._read()

    def clear(self) -> None:
        """Remove the resume states of all runs of this name."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self._candidates = {}

    def take(self, candidate: str, staging: Staging, event: Mapping[str, Any]) -> None:
        """Store a resume state that a worker wrote.

        Args:
            candidate: Name of the candidate.
            staging: The worker's folder.
            event: The worker's event about the state.

        Raises:
            RunFailedError: (``bad-output``) the event is malformed.
            OSError: The file could not be written.
            LyrikstoreError: As :func:`read_checked`.
        """
        try:
            number, digest = int(event["number"]), str(event["blake3"])
            about = {name: event[name] for name in ("position", "about") if name in event}
            named = {"file": f"{candidate}-{number}-{digest[:8]}.safetensors", "blake3": digest}
            entry = msgspec.convert({**named, **about}, _Entry)
            epoch = None if event["kind"] == "point" else str(int(event["epoch"]))
        except (KeyError, TypeError, ValueError):
            raise RunFailedError(
                "bad-output", "the worker process sent a malformed resume state"
            ) from None
        source = staging.path / "out" / "points" / f"{number}.safetensors"
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_file(self.folder / entry.file, read_checked(source, digest), mode=0o600)
        source.unlink()
        mine = self._candidates.setdefault(candidate, _Candidate({}))
        if epoch is not None:
            mine.kept[epoch] = entry
        else:
            mine.point = entry
            kept = set(map(str, entry.position.get("kept", ())))
            mine.kept = {name: one for name, one in mine.kept.items() if name in kept}
        record = encode(to_builtins(_Record(str(self.run), self._candidates)))
        signature = self._signer.sign(_CONTEXT + record).hex()
        document = {"record": record.decode("utf-8"), "signature": signature}
        replace_file(self.folder / _RECORD, encode(document), mode=0o600)
        self._drop_others()

    def staged(self, candidate: str, staging: Staging) -> dict[str, Any] | None:
        """Copy the last resume state of a candidate for a worker; return its job members.

        None if there is none, or it is damaged: then training begins again.
        """
        mine = self._candidates.get(candidate)
        if mine is None or mine.point is None:
            return None
        epochs = list(map(str, mine.point.position.get("kept", ())))
        if not mine.kept.keys() >= set(epochs):
            return None
        files = {"point": mine.point, **{f"kept-{epoch}": mine.kept[epoch] for epoch in epochs}}
        names = {name: f"resume-{candidate}/{name}.safetensors" for name in files}
        if not all(self._copy(one, staging, names[name]) for name, one in files.items()):
            return None
        return {
            "point": names["point"],
            "position": mine.point.position,
            "kept": {epoch: names[f"kept-{epoch}"] for epoch in epochs},
            "epochs": {epoch: mine.kept[epoch].about for epoch in epochs},
        }

    def _copy(self, entry: _Entry, staging: Staging, name: str) -> bool:
        try:
            with staging.create(name) as write:
                for part in read_checked(self.folder / entry.file, entry.blake3):
                    write(part)
        except (OSError, NotFoundError, VerificationError):
            return False
        return True

    def _drop_others(self) -> None:
        used = {_RECORD}
        for one in self._candidates.values():
            used |= {entry.file for entry in one.kept.values()}
            used |= {one.point.file} if one.point else set()
        for path in self.folder.iterdir():
            if path.name not in used:
                with contextlib.suppress(OSError):
                    path.unlink()

    def _read(self) -> dict[str, _Candidate]:
        try:
            data = read_at_most(self.folder / _RECORD, _MAX_RECORD_BYTES)
            document = msgspec.convert(parse(data, max_bytes=_MAX_RECORD_BYTES), dict[str, str])
            record = document["record"].encode("utf-8")
            signature = bytes.fromhex(document["signature"])
            # ATTACK: a user who can write to the cache could choose the weights that are signed.
            if not self._signer.public.verify(signature, _CONTEXT + record):
                return {}
            found = msgspec.convert(parse(record, max_bytes=_MAX_RECORD_BYTES), _Record)
        except (OSError, FormatError, NotFoundError, KeyError, TypeError, ValueError):
            return {}
        return found.candidates if found.run == str(self.run) else {}


def resume_state_folder(cache: Path, run_name: str) -> Path:
    """Return the folder of the resume states of runs of a name in a user's cache."""
    return cache / "points" / Digest.of(run_name.encode()).hex[:16]


def forget_resume_state(cache: Path, run_name: str) -> int:
    """Remove the resume states of runs of a name from a user's cache; return their bytes.

    Raises:
        StorageError: A file cannot be removed.
    """
    freed = 0
    for folder in (resume_state_folder(cache, run_name), segments_folder(cache, run_name)):
        try:
            freed += sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())
            shutil.rmtree(folder)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise storage_error(error, f"removing {folder}") from error
    return freed


def find_interrupted(
    repo: Repository, body: Mapping[str, Any], *, name: str, output: str, author: str
) -> Manifest:
    """Return the announced run of a name that has no checkpoint, if it can be resumed.

    Args:
        repo: The store.
        body: The body of a new run.
        name: The name of the run.
        output: The name of its checkpoint.
        author: DID of the user who resumes it.

    Raises:
        NotFoundError: (``no-run``) no run of this name was interrupted.
        ConflictError: (``run-differs``) the announced run differs from the new one; ``details`` has
            ``members``, the members that differ.
    """
    state, made = repo.refs.get(name), repo.refs.get(output)
    run = repo.manifest(state.id) if state else None
    done = repo.manifest(made.id).inputs_in("run") if made else []
    if run is None or run.id in {one.id for one in done}:
        raise NotFoundError(
            "no-run",
            f"no run {name} was interrupted",
            hint="train without --resume",
        )
    # Not the candidates: they depend on a plan, which may be based on measured steps.
    compared = ("config", "order", "environment", "code", "task", "inputs", "author")
    data = [one.id for one in run.inputs if one.kind != DECISION]
    then = {**run.body, "inputs": data, "author": run.author}
    now = {**body, "author": author}
    differing = [member for member in compared if then.get(member) != now.get(member)]
    if differing:
        raise ConflictError(
            "run-differs",
            f"the interrupted run was announced with another {differing[0]}: resumed now, it would "
            "have another result",
            hint="train without --resume",
            details={"members": differing},
        )
    return run
