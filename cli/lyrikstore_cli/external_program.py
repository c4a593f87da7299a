"""Options and output of the commands that record models trained by other programs."""

import re
import shlex
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.text import escape_control
from lyrikstore_cli import options
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import ExternalResult, ExternalRun, Opening

_SHOWN = 5
_USES = ("also", "territory", "seats", "purposes")


def external_options(command: Any) -> Any:
    """Add the options that name the inputs and the output of an external trainer."""
    for declared in reversed(
        (
            click.option(
                "--input",
                "inputs",
                multiple=True,
                metavar="REF",
                help="A training dataset; repeat it for several.",
            ),
            click.option(
                "--as", "name", default="", metavar="NAME", help="The name of the new checkpoint."
            ),
            click.option("--base", default="", metavar="REF", help="The base model."),
            click.option(
                "--test", default="", metavar="REF", help="The test set: recorded, not read."
            ),
            click.option(
                "--format",
                "form",
                default="",
                help="Required format: transformers/1, peft/1 or files/1.",
            ),
            click.option(
                "--purpose", default="train", show_default=True, help="What the data is used for."
            ),
            click.option(
                "--use",
                "uses",
                multiple=True,
                metavar="WHAT=WORDS",
                help="also, territory, seats or purposes of the use, such as territory=DE,FR.",
            ),
        )
    ):
        command = declared(command)
    return command


def external_request(options_: Mapping[str, Any]) -> "ExternalRun":
    """Return the run that the options of :func:`external_options` describe.

    Raises:
        InvalidInputError: (``bad-config``) ``--use`` has an unknown name or a bad value.
    """
    from lyrikstore.api import ExternalRun, UseConfig

    if not options_["inputs"] or not options_["name"]:
        raise click.UsageError("give both --input REF and --as NAME")
    return ExternalRun(
        options_["inputs"],
        options_["name"],
        options_["base"],
        options_["test"],
        options_["form"],
        options_["purpose"],
        UseConfig(**_use(options_["uses"])),
    )


def _use(texts: Iterable[str]) -> dict[str, Any]:
    use: dict[str, Any] = {}
    for text in texts:
        name, _, listed = text.partition("=")
        values = options.words(listed)
        if name not in _USES or name in use or not values:
            raise InvalidInputError(
                "bad-config",
                f"--use takes WHAT=WORDS, each WHAT once, not {text[:80]!r}",
                hint=f"WHAT is one of {', '.join(_USES)}",
            )
        use[name] = values
    if "seats" in use:
        (seats, *more) = use["seats"]
        if more or not re.fullmatch("[1-9][0-9]{0,8}", seats):
            raise InvalidInputError(
                "bad-config", "--use seats= takes a number of people", hint="such as seats=5"
            )
        use["seats"] = int(seats)
    return use


def opening_options(command: Any) -> Any:
    """Add the options that give an external trainer access beyond its inputs."""
    for declared in reversed(
        (
            click.option(
                "--read",
                "reads",
                multiple=True,
                type=options.EXISTING,
                metavar="PATH",
                help="A file or folder that COMMAND may also read; repeat it for several.",
            ),
            click.option("--network", is_flag=True, help="Let COMMAND use the network."),
            click.option(
                "--env",
                "variables",
                multiple=True,
                metavar="NAME",
                help="An environment variable that COMMAND gets; repeat it for several.",
            ),
            click.option("--gpu", is_flag=True, help="Let COMMAND use the GPUs."),
            click.option(
                "--unconfined",
                is_flag=True,
                help="Run COMMAND without a sandbox, with all your permissions.",
            ),
        )
    ):
        command = declared(command)
    return command


def opening_of(values: dict[str, Any]) -> tuple["Opening", bool]:
    """Return the access that :func:`opening_options` describe, and whether there is no sandbox.

    The options are removed from ``values``.
    """
    from lyrikstore.api import Opening

    reads, network, variables, gpu, free = (
        values.pop(name) for name in ("reads", "network", "variables", "gpu", "unconfined")
    )
    if free and (network or gpu):
        raise click.UsageError(
            "--network and --gpu have no effect with --unconfined: leave them out"
        )
    return Opening(reads, network, variables, gpu), free


def show_external(session: Session, made: "ExternalResult", schema: str, version: int) -> None:
    """Print the run and the checkpoint of an external trainer.

    Args:
        session: The session whose screen prints them.
        made: The result.
        schema: The schema of the JSON form.
        version: The version of that schema.
    """
    from lyrikstore.api.commands import confinement_text

    model, execution = made.checkpoint, made.run.body["execution"]
    opened = execution.get("opened", {})
    actual = model.body.get("actual", {})
    session.emit(
        schema,
        {
            "run": str(made.run.id),
            "id": str(model.id),
            "name": model.name,
            "logIndex": made.log_index,
            "format": model.body["format"],
            "leftOut": list(made.left_out),
            "confinement": execution["confinement"],
            "confinementVersion": execution.get("version"),
            "confinementCause": execution.get("cause"),
            "openedReads": [one["path"] for one in opened.get("reads", ())],
            "openedVariables": opened.get("variables", []),
            "openedNetwork": "network" in opened,
            "openedGpu": "gpu" in opened,
            "actualWallSeconds": actual.get("wallSeconds"),
            "actualCpuSeconds": actual.get("cpuSeconds"),
            "actualMemoryBytes": actual.get("memoryBytes"),
            "seconds": round(made.seconds, 1),
            "warnings": [{"reason": one.code, "summary": one.text} for one in made.warnings],
        },
        version=version,
    )
    screen = session.screen
    screen.result(f"✓ run         {made.run.name}  {made.run.id.short}")
    screen.result(f"✓ checkpoint  {model.name}  {model.id.short}  log entry {made.log_index}")
    screen.result(f"  format      {model.body['format']}")
    if made.left_out:
        screen.result(f"  left out    {escape_control(', '.join(made.left_out[:_SHOWN]))}")
    screen.result(f"  confined    {escape_control(confinement_text(execution))}")
    screen.hint(f"lyrikstore card {model.name}")


def execution_line(execution: Mapping[str, Any]) -> str:
    """Return a line that names the program that trained, as the run states it."""
    who = {
        "command": "by a command",
        "callback": "inside the caller's program",
        "ended": "by another tool, which had ended before the run was signed",
        "job": f"by a remote job in {execution.get('territory', '?')}",
    }.get(execution["by"], "by an unknown program")
    words = shlex.join(execution.get("command", ()))
    from lyrikstore.api.commands import confinement_text

    if "confinement" in execution:
        held = f"confined {confinement_text(execution)}"
    else:  # of runs before programs were confined
        watched = execution["observed"] != "nothing"
        held = "its reads and writes were observed" if watched else "its reads were not observed"
    return escape_control(f"trained {who}{': ' if words else ''}{words[:200]}; {held}")
