"""``lyrikstore train``: fine-tune a model, and sign run and checkpoint."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lyrikstore.canon.text import escape_control, pluralize, rough
from lyrikstore_cli import options
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.external_program import (
    external_options,
    external_request,
    opening_of,
    opening_options,
    show_external,
)
from lyrikstore_cli.renamed import renamed_flag
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import ExternalRun, Opening
    from lyrikstore.api.commands import MachineFigures


@declare(
    "train",
    signs=True,
    appends=True,
    epilog="lyrikstore train train.toml\n"
    "lyrikstore train --input acme/rows --as acme/model -- python train.py {input} {output}",
)
@click.argument("config", required=False, type=click.Path())
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND]...")
@click.option(
    "--prices",
    type=options.EXISTING,
    help="Your own price file for the plan.",
)
@click.option("--measure", is_flag=True, help="Measure a few training steps for the plan.")
@click.option("--resume", is_flag=True, help="Continue the interrupted run.")
@external_options
@opening_options
@click.option(
    "--export-job",
    "target",
    type=click.Choice(["skypilot"]),
    help="Write a job that runs COMMAND on a rented machine, instead of running it.",
)
@click.option("--region", default="", help="The region of the job, such as aws/eu-central-1.")
@click.option(
    "--program",
    multiple=True,
    type=options.EXISTING,
    metavar="PATH",
    help="A file that COMMAND needs, or a folder with its files in Git; repeatable.",
)
@click.option(
    "--include",
    multiple=True,
    type=options.EXISTING,
    metavar="PATH",
    help="A further file, or all files of a folder, of a --program folder; repeatable.",
)
@click.option(
    "-o", "--output", "out", type=click.Path(path_type=Path), help="The folder of the job."
)
@click.option(
    "--collect", type=options.EXISTING, help="Seal the returned output of a job's folder."
)
@click.option("-m", "--message", default="", help="A note, signed with the run.")
def command(
    session: Session,
    config: str | None,
    words: tuple[str, ...],
    prices: Path | None,
    measure: bool,
    resume: bool,
    target: str | None,
    region: str,
    program: tuple[Path, ...],
    include: tuple[Path, ...],
    out: Path | None,
    collect: Path | None,
    message: str,
    **external: Any,
) -> None:
    """Fine-tune a model by CONFIG (docs/training.md), or with your own COMMAND.

    Refused (exit code 14) unless every source dataset has a credential that permits the purpose,
    from an issuer you trust, and if the plan exceeds the budget or this machine. The run is logged
    before its first step. If it fails or is stopped, no checkpoint is logged, and `--resume`
    continues from the last resume state, with the same resulting bytes. Of several candidates the
    one that is best on the validation part is kept. Needs the extra `train`.

    With `--input` and `--as` any program can train (docs/any-trainer.md): COMMAND gets a verified
    copy of each input in `{input}`, `{input2}` …, the base model in `{base}`, and writes the model
    to `{output}`. Its output is sealed if it consists of safetensors, tokenizer, JSON and text
    files. It runs in a bubblewrap sandbox with these copies, a copy of the Git work tree, its
    interpreter and the system's libraries, without network, home folder or environment. `--read`,
    `--network`, `--env` and `--gpu` give more access, which is signed. Without a sandbox the
    command is refused (`no-sandbox`); `--unconfined` is signed, and verdict and card state it.

    `--export-job` logs the run and writes a folder for SkyPilot, if the data may be used in the
    country of the region; `--collect` seals the returned output. Private keys and well-known files
    with passwords are refused in the job and in the output (`secret-found`). A raw key, such as the
    32 bytes of a seed, cannot be detected.
    """
    command_line = tuple(filter(None, (config, *words)))
    opening, unconfined = opening_of(external)
    opens = unconfined or any((opening.reads, opening.network, opening.variables, opening.gpu))
    if opens and (collect is not None or target is not None or not external["inputs"]):
        raise click.UsageError(
            "--read, --network, --env, --gpu and --unconfined need --input, --as and a COMMAND"
        )
    if collect is not None:
        if command_line or external["inputs"] or target:
            raise click.UsageError("--collect FOLDER takes no COMMAND, --input or --export-job")
        _collect(session, collect)
        return
    if target is not None:
        if not region or out is None:
            raise click.UsageError("--export-job needs --region and -o FOLDER")
        request = external_request(external)
        _export(session, command_line, request, target, region, program, include, out, message)
        return
    if out is not None and external["inputs"] and not external["name"]:
        raise renamed_flag("train", "--output")
    if region or program or include or out is not None:
        raise click.UsageError("--region, --program, --include and -o need --export-job")
    if external["inputs"] or external["name"]:
        if prices or measure or resume:
            raise click.UsageError("--prices, --measure and --resume need a CONFIG")
        _train_with(session, command_line, external_request(external), opening, unconfined, message)
        return
    if len(command_line) != 1:
        raise click.UsageError(
            "give a CONFIG, or --input REF --as NAME -- COMMAND for a program of your own"
        )
    _train(session, Path(command_line[0]), prices, measure=measure, resume=resume, message=message)


def _train(
    session: Session,
    config: Path,
    prices: Path | None,
    *,
    measure: bool,
    resume: bool,
    message: str,
) -> None:
    from lyrikstore.api import TrainConfig
    from lyrikstore.api.commands import figures_json
    from lyrikstore.verify.evaluation.choice.passed_over import candidates_of
    from lyrikstore.verify.evaluation.words import chosen_in_words, reported_in_words

    plan = TrainConfig.load(config)
    store = session.open_store(sign=True)
    with session.progress("training", phases=True):
        result = store.models.train(
            plan,
            prices=prices,
            measure=measure,
            resume=resume,
            message=message,
        )
    final = result.checkpoint
    chosen, actual = final.body["chosen"], final.body["actual"]
    tried = candidates_of(chosen)
    session.emit(
        "train",
        {
            "run": str(result.run.id),
            "id": str(final.id),
            "name": final.name,
            "logIndex": result.log_indices[-1],
            "checkpoints": [str(checkpoint.id) for checkpoint in result.checkpoints],
            "metrics": dict(result.metrics),
            "metric": chosen["metric"],
            "tried": [
                {
                    "format": body["format"],
                    "joinedWith": body.get("other"),
                    "score": one.score,
                    "measuredBy": one.by,
                    "metricDifference": one.difference,
                    "standardError": one.error,
                    "chosen": one.is_taken,
                }
                for body, one in zip(chosen["candidates"], tried, strict=True)
            ],
            "reason": chosen["reason"],
            "planned": figures_json(result.plan.planned),
            "actualWallSeconds": actual["wallSeconds"],
            "actualCpuSeconds": actual["cpuSeconds"],
            "actualMemoryBytes": actual["memoryBytes"],
            "seconds": round(result.seconds, 1),
            "warnings": [{"reason": one.code, "summary": one.text} for one in result.warnings],
        },
        version=2,
    )
    screen = session.screen
    screen.result(f"✓ run         {result.run.name}  {result.run.id.short}")
    for checkpoint, index in zip(result.checkpoints, result.log_indices, strict=False):
        screen.result(f"✓ checkpoint  {checkpoint.name}  {checkpoint.id.short}  log entry {index}")
    measured = {
        name: one
        for name, one in result.metrics.items()
        if name.startswith(("validation", "outOfFold"))
    }
    words = reported_in_words(measured)
    screen.result(f"  taken       {chosen_in_words(chosen)}")
    for one in tried:
        if not one.is_taken:
            screen.result(f"  passed over {one.text}")
    for name, value in measured.items():
        screen.result(f"              {words[name]} {value}")
    screen.result(f"  planned     {_resources(result.plan.planned)}")
    screen.result(f"  took        {_took(actual)}, {result.seconds:.0f} s in all")
    if plan.data.test:
        measuring = f"lyrikstore evaluate {final.name} --on {plan.data.test}"
        screen.hint(f"measure it on the locked test part: {measuring}")
    else:
        screen.hint(
            "split off a test set: lyrikstore filter REF --recipe legal --as NAME; lock it with "
            '[data] test = "NAME.test", then train again'
        )


def _train_with(
    session: Session,
    words: tuple[str, ...],
    request: "ExternalRun",
    opening: "Opening",
    unconfined: bool,
    message: str,
) -> None:
    store = session.open_store(sign=True)
    with session.progress("training", phases=True):
        made = store.models.train_with(
            request,
            words,
            opening=opening,
            unconfined=unconfined,
            message=message,
        )
    show_external(session, made, "train", 2)


def _collect(session: Session, folder: Path) -> None:
    store = session.open_store(sign=True)
    with session.progress("collecting", phases=True):
        made = store.models.collect_job(folder)
    show_external(session, made, "train", 2)


def _export(
    session: Session,
    words: tuple[str, ...],
    request: "ExternalRun",
    target: str,
    region: str,
    program: tuple[Path, ...],
    include: tuple[Path, ...],
    folder: Path,
    message: str,
) -> None:
    store = session.open_store(sign=True)
    with session.progress("exporting", phases=True):
        job = store.models.export_job(
            request,
            words,
            folder,
            target=target,
            region=region,
            program=program,
            include=include,
            message=message,
        )
    session.emit(
        "train",
        {
            "run": str(job.run.id),
            "jobFolder": str(job.folder),
            "jobDigest": str(job.digest),
            "jobTerritory": job.territory,
            "jobFiles": job.files,
            "jobLeftOut": job.left_out,
        },
        version=2,
    )
    screen = session.screen
    screen.result(f"✓ run         {job.run.name}  {job.run.id.short}")
    screen.result(f"✓ wrote       {escape_control(str(job.folder))}  to run in {job.territory}")
    if program:
        left = pluralize(job.left_out, "other file stays", "other files stay")
        screen.result(f"  included    {pluralize(job.files, 'file')}; {left} here")
    screen.hint(
        "in that folder run: sky launch job.yaml; then copy its /tmp/lyrikstore/output to the "
        "folder's output, and run: lyrikstore train --collect FOLDER"
    )


def _resources(figures: "MachineFigures") -> str:
    seconds = figures.cpu_seconds or figures.wall_seconds
    where = "" if figures.cpu_seconds else f" on {figures.on}, ${figures.usd.value:.2f}"
    kind = "processor time" if figures.cpu_seconds else "time"
    memory = f"{figures.memory_bytes.value / 10**9:.1f} GB of memory"
    return f"{rough(seconds.value)} s of {kind}, {memory}{where} ({seconds.basis})"


def _took(actual: Mapping[str, str]) -> str:
    on_gpu = actual.get("acceleratorMemoryBytes")
    memory = f"{int(on_gpu or actual['memoryBytes']) / 10**9:.1f} GB of memory"
    if on_gpu:
        return f"{rough(float(actual['wallSeconds']))} s of time, {memory} on the GPU"
    return f"{rough(float(actual['cpuSeconds']))} s of processor time, {memory}"
