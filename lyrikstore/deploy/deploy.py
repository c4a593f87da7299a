"""Deployment: a trained checkpoint as a folder that a serving program loads (spec §14.7).

The folder is built beside its place, and gets its name when it is whole, and, where that was asked
for, when the program that loads it gave the sealed model's answers.
"""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from blake3 import blake3
from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    PolicyError,
    RunFailedError,
    VerificationError,
    storage_error,
)
from lyrikstore.canon.progress import OnProgress, silent
from lyrikstore.canon.timestamps import Clock
from lyrikstore.credentials.trust import Trust
from lyrikstore.deploy.evidence import card_files, evidence_files
from lyrikstore.deploy.labelling import LabellingModel
from lyrikstore.deploy.model import DeployedModel, ModelWorkers, ProbeResult
from lyrikstore.deploy.notice import notice_of
from lyrikstore.deploy.probe import read_probe
from lyrikstore.deploy.targets import target_for
from lyrikstore.deploy.writing import WritingModel
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.publish.cards.approval import CardStatus, check_approved
from lyrikstore.publish.cards.facts import gather
from lyrikstore.publish.issue.atomic_folder import building, check_place, put_in_place
from lyrikstore.train.requirements import SFT
from lyrikstore.train.trained import resolve_trained
from lyrikstore.train.worker.staging import open_staging
from lyrikstore.verify.report import Check, CheckState, Report
from lyrikstore.verify.store.object import verify_object
from lyrikstore.version import __version__

_EXPORTED = "out/export"
_PART = 1 << 20


class Deployment(Struct, frozen=True):
    """A folder that was deployed.

    Attributes:
        checkpoint: Manifest of the checkpoint.
        target: What it was deployed to.
        folder: Where it is.
        files: Names of its files.
        bytes: Their bytes.
        card: Manifest id of the signed card that is its README; None: a draft is.
        card_status: What that card is, by the log; None: there is none.
        with_data: What that card holds of the data because somebody asked for it.
        withheld: Datasets whose terms do not permit to hand on a model of theirs → whether they
            prohibit it; else they do not say.
        rights: The check of the rights that it rests on.
        check: How its answers compare with the sealed model's; None: nobody asked.
        probe_made: Whether the probe is made of the vocabulary; else somebody named it.
        probes: How many records it has.
    """

    checkpoint: Manifest
    target: str
    folder: Path
    files: tuple[str, ...]
    bytes: int
    card: Digest | None
    card_status: CardStatus | None
    with_data: tuple[str, ...]
    withheld: Mapping[str, bool]
    rights: Check
    check: ProbeResult | None
    probe_made: bool
    probes: int


def deploy_checkpoint(
    repo: Repository,
    checkpoint_ref: str,
    target_name: str,
    destination: Path,
    *,
    trust: Trust,
    clock: Clock,
    base_env: Mapping[str, str],
    work: Path,
    probe: Path | None = None,
    check: bool = False,
    progress: OnProgress = silent,
) -> Deployment:
    """Write a folder that a serving program loads, and that answers as the checkpoint does.

    Nothing is written to the store.

    Args:
        repo: The store.
        checkpoint_ref: A checkpoint that a run made.
        target_name: One of :data:`lyrikstore.deploy.targets.TARGETS`.
        destination: A folder that does not exist or is empty; its parent exists.
        trust: Whose permissions count.
        clock: The moment of use.
        base_env: The caller's environment; a few harmless variables of it reach the worker.
        work: Where the model is unpacked for the worker, in a staging folder; made if missing.
        probe: Texts to ask both models, as :func:`lyrikstore.deploy.probe.read_probe` takes them;
            None: texts made of the vocabulary.
        check: Load what was written with the target's own program, and compare its answers.
        progress: Progress callback, called per phase and record.

    Raises:
        InvalidInputError: (``no-such-target``, ``no-target``, ``extra-missing``, ``not-trained``,
            ``bad-probe``,
            ``not-a-folder``, ``bad-model``, ``too-large``)
        ConflictError: (``not-empty``) there is something at the destination; (``not-pushed``)
            nothing can show yet where the checkpoint is logged.
        PolicyError: (``rights-missing``) a right that it rests on does not hold, or was taken back;
            (``not-approved``) the store's policy wants its card approved, and it is not.
        VerificationError: (``not-verified``) it, or what it was made from, does not verify;
            (``answers-differ``) what was written gives other answers; nothing is left of it.
        IncompleteError, NotFoundError, StorageError, RunFailedError: As for a prediction.

    Cost: reads and hashes all that the checkpoint was made from; then seconds, with ``onnx`` about
        half a minute.
    """
    texts = None if probe is None else read_probe(probe)
    check_place(destination)
    checkpoint = resolve_trained(repo, checkpoint_ref)
    body = checkpoint.body
    run = repo.manifest(checkpoint.inputs_in("run")[0].id)
    fields = bool(run.body["config"]["data"].get("fields"))
    target = target_for(target_name, body["format"], fields=fields, check=check)
    status = check_approved(repo, checkpoint)
    report = _verified(repo, checkpoint, trust=trust, clock=clock)
    try:
        work.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise storage_error(error, f"making {work}") from error
    with open_staging(work) as staging, building(destination) as built:
        made = WritingModel if body["task"] == SFT else LabellingModel
        workers = ModelWorkers(staging, base_env, progress, int(run.body["environment"]["threads"]))
        model: DeployedModel = made(repo, checkpoint, run, target, workers)
        asked = model.answer(texts)
        for name, digest in model.export().items():
            _copy(staging.path / _EXPORTED / name, built / name, digest)
        facts = gather(repo, checkpoint)
        notice, card = notice_of(repo, facts), card_files(repo, facts)
        found = model.ask(built) if check else None
        about = {
            "checkpoint": str(checkpoint.id),
            "name": checkpoint.name,
            "store": str(repo.store_id),
            "target": target.name,
            "loader": target.loader,
            "format": body["format"],
            "task": body["task"],
            "decision": body.get("decision", {}),
            "card": None if card.manifest is None else str(card.manifest.id),
            "cardStatus": None if status is None else status.word,
            "withData": [*card.with_data],
            "check": None if found is None else found.to_json(),
            "probe": {"count": asked, "made": texts is None},
            "verifiedAt": report.at,
            "writtenBy": f"lyrikstore {__version__}",
        }
        written = {
            **card.files,
            **notice.licences,
            "NOTICE": notice.text.encode(),
            "probe.jsonl": model.probe_file(),
            **evidence_files(repo, facts, report, about),
            **model.usage_files(),
        }
        for name, data in written.items():
            _write(built / name, data)
        sums = _sums(built)
        _write(built / "SHA256SUMS", sums)
        files = sorted(path for path in built.rglob("*") if path.is_file())
        result = Deployment(
            checkpoint=checkpoint,
            target=target.name,
            folder=destination,
            files=tuple(path.relative_to(built).as_posix() for path in files),
            bytes=sum(path.stat().st_size for path in files),
            card=None if card.manifest is None else card.manifest.id,
            card_status=status,
            with_data=card.with_data,
            withheld=notice.withheld,
            rights=report.check("rights"),
            check=found,
            probe_made=texts is None,
            probes=asked,
        )
        put_in_place(built, destination)
    return result


def _verified(repo: Repository, checkpoint: Manifest, *, trust: Trust, clock: Clock) -> Report:
    """Return the report on a checkpoint that may be deployed."""
    report = verify_object(repo, checkpoint.id, trust=trust, at=clock())
    rights = report.check("rights")
    if rights.state is CheckState.FAIL or rights.detail.get("reason") == "taken-back-later":
        raise PolicyError(
            "rights-missing",
            f"{checkpoint.name}: {rights.summary}",
            hint=f"lyrikstore verify {checkpoint.id.hex} says more; train again on what may be "
            "used, and deploy that",
        )
    bad = next((one for one in report.checks if one.state is CheckState.FAIL), None)
    if bad is not None:
        raise VerificationError(
            "not-verified",
            f"{checkpoint.name} does not verify: {bad.id}: {bad.summary}",
            hint=f"lyrikstore verify {checkpoint.id.hex} says more; nothing was written",
            details={"check": bad.id},
        )
    return report


def _copy(source: Path, place: Path, digest: str) -> None:
    # ATTACK: whoever runs as the same user rewrites it between the worker and here.
    hasher = blake3()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with source.open("rb") as read, place.open("xb") as file:
            while part := read.read(_PART):
                hasher.update(part)
                file.write(part)
    except OSError as error:
        raise storage_error(error, f"writing {place.name}") from error
    if hasher.hexdigest() != digest:
        raise RunFailedError("bad-output", f"{place.name} is not what the worker wrote")


def _write(place: Path, data: bytes) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("xb") as file:
            file.write(data)
    except OSError as error:
        raise storage_error(error, f"writing {place.name}") from error


def _sums(folder: Path) -> bytes:
    lines = []
    try:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                with path.open("rb") as file:
                    hasher = sha256()
                    while part := file.read(_PART):
                        hasher.update(part)
                lines.append(f"{hasher.hexdigest()}  {path.relative_to(folder).as_posix()}\n")
    except OSError as error:
        raise storage_error(error, "reading what was written") from error
    return "".join(lines).encode()
