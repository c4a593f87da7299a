"""Training on another machine: export of a job, and collection of its output (spec §13.13.7).

The run is signed in this store before the job leaves it, and the model after it has come back; no
key leaves this machine. The store cannot know what happened in between.
"""

import json
import os
import re
import shlex
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    ConflictError,
    FormatError,
    InvalidInputError,
    NotFoundError,
    PolicyError,
    storage_error,
)
from lyrikstore.canon.files import read_at_most, read_packaged
from lyrikstore.canon.json import encode, parse
from lyrikstore.canon.progress import Progress
from lyrikstore.canon.text import unknown_word
from lyrikstore.canon.toml import parse_toml
from lyrikstore.context import StoreContext
from lyrikstore.credentials.terms.vocabulary import territory_of, within
from lyrikstore.history.checkout.checkout import checkout_tree
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_tree
from lyrikstore.train.external.git_repository import find_repository
from lyrikstore.train.external.inputs import OUTPUT, StagedInput, input_names
from lyrikstore.train.external.output import find_output
from lyrikstore.train.external.program import ProgramPart, copy_program, find_program
from lyrikstore.train.external.request import (
    ExternalPlan,
    ExternalRun,
    check_command,
    plan_external,
)
from lyrikstore.train.external.run import (
    ExternalOutput,
    ExternalResult,
    finish,
    register,
    run_body,
)
from lyrikstore.train.external.sandbox import unconfined
from lyrikstore.train.requirements import UseConfig

TARGETS = ("skypilot",)
JOB, ABOUT = "job.yaml", "run.json"
_FORMAT = "job/1"
_PLACE = "/tmp/lyrikstore"  # noqa: S108 - on the machine of the job, which has no other users
_REGION = re.compile(r"([a-z0-9]{1,32})/([a-z0-9-]{1,64})(?:=([A-Z]{2}(?:-[A-Z0-9]{1,3})?))?")
_MAX_ABOUT = 1 << 16


class ExportedJob(Struct, frozen=True):
    """An exported job.

    Attributes:
        run: The run manifest, logged before the job can start.
        folder: The folder of the job.
        territory: The country in which it runs.
        digest: BLAKE3 of the job file.
        files: Number of copied files of the program.
        left_out: Number of files in its folders that were not copied.
    """

    run: Manifest
    folder: Path
    territory: str
    digest: Digest
    files: int = 0
    left_out: int = 0


def territory_of_region(region: str) -> str:
    """Return the country of a region such as ``aws/eu-central-1``, or as ``x/y=DE`` states it.

    Raises:
        InvalidInputError: (``unknown-region``) the region is not known, or is in another country.
    """
    found = _REGION.fullmatch(region)
    if found is None:
        raise InvalidInputError(
            "unknown-region",
            f"{region[:80]!r} is not a region",
            hint="write PROVIDER/REGION, such as aws/eu-central-1; append =DE to state its country",
        )
    provider, name, stated = found.groups()
    known = _regions().get(provider, {})
    place = known.get(name)
    if place is None and stated is None:
        error = unknown_word("unknown-region", f"region of {provider}:", name, known)
        error.hint = f"{error.hint or ''} state its country: {provider}/{name}=DE".strip()
        raise error
    if place is not None and stated is not None and stated.partition("-")[0] != place:
        raise InvalidInputError(
            "unknown-region", f"{provider}/{name} is in {place}, not in {stated}"
        )
    return str(territory_of([stated or str(place)])[0])


def export_job(
    context: StoreContext,
    request: ExternalRun,
    command: Sequence[str],
    destination: Path,
    *,
    region: str,
    target: str = "skypilot",
    program: Sequence[Path] = (),
    include: Sequence[Path] = (),
    folder: Path | None = None,
    message: str = "",
) -> ExportedJob:
    """Announce a run, and write a folder with copies of its inputs and a job that trains on them.

    Args:
        context: The store, opened to append; ``progress`` is called in the phases ``check``,
            ``warn``, ``register`` and ``done``.
        request: As :func:`lyrikstore.train.external.run.train_external`. Its use gets the territory
            of the region, if it declares none.
        command: As :func:`lyrikstore.train.external.run.train_external`.
        target: ``skypilot``.
        region: The region it runs in, in the form of :func:`territory_of_region`.
        destination: A folder that does not exist; its parent does.
        program: Files and folders to copy, which the command needs; of folders the files that Git
            tracks.
        include: Further files and whole folders to copy, inside of these folders.
        folder: The folder of the caller's program, for its Git repository.
        message: Free text for the run manifest.

    Raises:
        PolicyError: (``wrong-territory``) the declared use does not include the region;
            (``rights-missing``) an input may not be used for the purpose there.
        InvalidInputError: (``unknown-region``, ``bad-target``); (``not-a-file``) a program is a
            link or does not exist; (``bad-program``) as
            :func:`lyrikstore.train.external.program.find_program`; (``secret-found``) a file of a
            program holds a private key, or credentials, and would leave this machine; else as for
            any run.
        ConflictError: (``exists``) the destination exists.
        StorageError: The folder cannot be written; nothing was logged.
    """
    if target not in TARGETS:
        raise unknown_word("bad-target", "target:", target, TARGETS)
    check_command(command)
    repo, progress = context.repository, context.progress
    progress(Progress(phase="check"))
    place = territory_of_region(region)
    declared = territory_of(request.use.territory)
    if declared and not within(place, declared):
        raise PolicyError(
            "wrong-territory",
            f"{region} is in {place}, but the use is declared for {', '.join(declared)}",
            hint="choose a region there, or declare the use for this one: --use territory=WORDS",
        )
    use = replace(request.use, territory=declared or (place,))
    request = replace(request, use=use)
    plan = plan_external(context, request)
    for one in plan.warnings:
        progress(Progress(phase="warn", detail={"code": one.code, "text": one.text}))
    parts = find_program(program, include, destination, repo.root.resolve())
    job = _job(request, command, region.partition("=")[0], list(input_names(plan)))
    execution = {
        "by": "job",
        "command": list(command),
        **unconfined("elsewhere"),
        "job": {"target": target, "digest": str(Digest.of(job))},
        "territory": place,
    }
    if os.path.lexists(destination):
        raise ConflictError(
            "exists", f"{destination} exists already", hint="name a folder that does not exist"
        )
    building = destination.with_name(f".{destination.name}-{os.urandom(4).hex()}")
    try:
        files = _write(repo, plan, building, job, parts)
        progress(Progress(phase="register"))
        body = run_body(plan, execution, find_repository(folder or Path.cwd()))
        run = register(context, plan, body, message)
        (building / ABOUT).write_bytes(encode({"format": _FORMAT, "run": str(run.id)}))
        building.rename(destination)
    except OSError as error:
        raise storage_error(error, f"writing {destination}") from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
    progress(Progress(phase="done"))
    left_out = sum(one.left_out for one in parts)
    return ExportedJob(run, destination, place, Digest.of(job), files, left_out)


def collect_job(context: StoreContext, folder: Path) -> ExternalResult:
    """Seal the output of an exported job, from its folder ``output``.

    Args:
        context: The store in which the run was announced, opened to append; ``progress`` is called
            in the phases ``check``, ``seal``, ``log``, ``done``.
        folder: The exported folder.

    Raises:
        NotFoundError: (``no-run``) the folder names no announced run of this store.
        ConflictError, LockedError, StorageError: As any transaction.
        LyrikstoreError: As :func:`plan_external` and :func:`find_output`.
    """
    begun, repo, progress = time.monotonic(), context.repository, context.progress
    progress(Progress(phase="check"))
    run = _waiting(repo, folder)
    config = run.body["config"]
    base, test = ("".join(str(one.id) for one in run.inputs_in(role)) for role in ("base", "test"))
    use: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in config.get("use", {}).items()
    }
    request = ExternalRun(
        tuple(str(one.id) for one in run.inputs_in("train")),
        config["name"],
        base,
        test,
        config.get("format", ""),
        run.body["purpose"],
        UseConfig(**use),
    )
    plan = plan_external(context, request)
    output = folder.resolve() / OUTPUT
    if output.is_symlink() or not output.is_dir():
        raise NotFoundError(
            "no-file",
            f"{folder} has no folder {OUTPUT}",
            hint="first copy it from the job: rsync -a JOB:/tmp/lyrikstore/output FOLDER",
        )
    find_output(output, request.format)
    inputs = tuple(
        StagedInput(name, Path(_PLACE) / name, Path(), present_tree(repo, manifest))
        for name, manifest in input_names(plan).items()
    )
    place = Path(_PLACE) / OUTPUT
    made = ExternalOutput(output, folder.resolve(), inputs, elsewhere=place, staged=False)
    return finish(context, plan, run, made, begun=begun, hold=plan.still)


def _regions() -> dict[str, dict[str, str]]:
    data = read_packaged(Path(__file__).with_name("regions.toml"))
    return parse_toml(data, max_bytes=1 << 16)


def _job(request: ExternalRun, command: Sequence[str], infra: str, names: list[str]) -> bytes:
    """Return the file of a SkyPilot task: JSON, which is valid YAML."""
    places = {name: f"{_PLACE}/{name}" for name in [*names, OUTPUT]}
    words = list(command)
    for name, place in places.items():
        words = [word.replace("{" + name + "}", place) for word in words]
    variables = {f"LYRIKSTORE_{name.upper()}": place for name, place in places.items()}
    variables |= {
        f"LYRIKSTORE_{name.upper()}_TREE": f"{_PLACE}/{name}.tree.jsonl" for name in names
    }
    mounted = [part for name in names for part in (name, f"{name}.tree.jsonl")]
    task: dict[str, Any] = {
        "name": re.sub(r"[^a-z0-9-]", "-", request.name.removeprefix("checkpoints/"))[:60],
        "resources": {"infra": infra},
        "workdir": "./program",
        "file_mounts": {f"{_PLACE}/{name}": f"./{name}" for name in mounted},
        "envs": {**variables, "HF_HUB_OFFLINE": "1", "PYTHONHASHSEED": "0"},
        "run": f"set -e\nmkdir -p {_PLACE}/{OUTPUT}\n{shlex.join(words)}\n",
    }
    text = json.dumps(task, indent=2, ensure_ascii=True)
    head = "# sky launch job.yaml, in this folder; then collect it (docs/any-trainer.md)\n"
    return f"{head}{text}\n".encode("ascii")


def _write(
    repo: Repository, plan: ExternalPlan, folder: Path, job: bytes, program: Sequence[ProgramPart]
) -> int:
    """Write all files of a job but ``run.json``; return the number of copied program files."""
    folder.mkdir(mode=0o700)
    (folder / "program").mkdir()
    files = copy_program(program, folder / "program")
    for name, manifest in input_names(plan).items():
        tree = present_tree(repo, manifest)
        checkout_tree(tree, repo.blobs, folder / name)
        (folder / f"{name}.tree.jsonl").write_bytes(tree.encode())
    (folder / JOB).write_bytes(job)
    return files


def _waiting(repo: Repository, folder: Path) -> Manifest:
    try:
        about = parse(read_at_most(folder / ABOUT, _MAX_ABOUT), max_bytes=_MAX_ABOUT)
        fine = isinstance(about, dict) and about.get("format") == _FORMAT
        run = repo.resolve(str(about["run"])) if fine else None
    except (FormatError, KeyError):
        run = None
    execution = {} if run is None or run.kind != "run" else run.body.get("execution", {})
    if run is None or execution.get("by") != "job":
        raise NotFoundError(
            "no-run",
            f"{folder} names no run that was exported from this store",
            hint="name the folder that `lyrikstore train --export-job` wrote",
        )
    made = repo.refs.get(run.body["config"]["name"])
    for identity in () if made is None else made.history:
        if run.id in {one.id for one in repo.manifest(identity).inputs_in("run")}:
            raise NotFoundError(
                "no-run", f"{run.name} already has a checkpoint", hint="export another job"
            )
    return run
