"""What commands share that take what other programs train: options, and how a result shows."""

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
    """Give a command the options that say what a program of the caller's trains with."""
    for declared in reversed(
        (
            click.option(
                "--input",
                "inputs",
                multiple=True,
                metavar="REF",
                help="A dataset that it learns from; again for several.",
            ),
            click.option(
                "--as", "name", default="", metavar="NAME", help="The name of what is made."
            ),
            click.option(
                "--base", default="", metavar="REF", help="The model that it starts from."
            ),
            click.option(
                "--test", default="", metavar="REF", help="The test set, named and not read."
            ),
            click.option(
                "--format",
                "form",
                default="",
                help="What it has to be: transformers/1, peft/1 or files/1.",
            ),
            click.option(
                "--purpose", default="train", show_default=True, help="What the data is used for."
            ),
            click.option(
                "--use",
                "uses",
                multiple=True,
                metavar="WHAT=WORDS",
                help="also, territory, seats or purposes of the use, as territory=DE,FR.",
            ),
        )
    ):
        command = declared(command)
    return command


def external_request(asked: Mapping[str, Any]) -> "ExternalRun":
    """Return what the options of :func:`external_options` ask for.

    Raises:
        InvalidInputError: (``bad-config``) ``--use`` names what is no part of a use.
    """
    from lyrikstore.api import ExternalRun, UseConfig

    if not asked["inputs"] or not asked["name"]:
        raise click.UsageError("say both: --input REF and --as NAME")
    return ExternalRun(
        asked["inputs"],
        asked["name"],
        asked["base"],
        asked["test"],
        asked["form"],
        asked["purpose"],
        UseConfig(**_use(asked["uses"])),
    )


def _use(given: Iterable[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for text in given:
        name, _, said = text.partition("=")
        values = options.words(said)
        if name not in _USES or name in found or not values:
            raise InvalidInputError(
                "bad-config",
                f"--use takes WHAT=WORDS, each once, not {text[:80]!r}",
                hint=f"WHAT is one of {', '.join(_USES)}",
            )
        found[name] = values
    if "seats" in found:
        (seats, *more) = found["seats"]
        if more or not re.fullmatch("[1-9][0-9]{0,8}", seats):
            raise InvalidInputError(
                "bad-config", "--use seats: no number of people", hint="such as seats=5"
            )
        found["seats"] = int(seats)
    return found


def opening_options(command: Any) -> Any:
    """Give a command the options that open more to a program than its inputs."""
    for declared in reversed(
        (
            click.option(
                "--read",
                "reads",
                multiple=True,
                type=options.EXISTING,
                metavar="PATH",
                help="A file or folder that COMMAND may read, too; again for several.",
            ),
            click.option("--network", is_flag=True, help="Let COMMAND use the network."),
            click.option(
                "--env",
                "variables",
                multiple=True,
                metavar="NAME",
                help="An environment variable that COMMAND gets; again for several.",
            ),
            click.option("--gpu", is_flag=True, help="Let COMMAND use the GPUs."),
            click.option(
                "--unconfined",
                is_flag=True,
                help="Let COMMAND do what you may, where it cannot be confined.",
            ),
        )
    ):
        command = declared(command)
    return command


def opening_of(asked: dict[str, Any]) -> tuple["Opening", bool]:
    """Return what the options of :func:`opening_options` ask for, and take them out of ``asked``.

    The second is whether the program runs unconfined.
    """
    from lyrikstore.api import Opening

    reads, network, variables, gpu, free = (
        asked.pop(name) for name in ("reads", "network", "variables", "gpu", "unconfined")
    )
    if free and (network or gpu):
        raise click.UsageError("--network and --gpu open a sandbox, and --unconfined has none")
    return Opening(reads, network, variables, gpu), free


def show_external(session: Session, made: "ExternalResult", schema: str, version: int) -> None:
    """Show what was made.

    Args:
        session: Where.
        made: It.
        schema: Of the JSON form.
        version: Its version.
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
    """Return who trained, as a run says it, in a line."""
    who = {
        "command": "by a command",
        "callback": "in a program of the caller's",
        "ended": "by another tool, which had ended before this was signed",
        "job": f"elsewhere, by a job in {execution.get('territory', '?')}",
    }.get(execution["by"], "by somebody else")
    words = shlex.join(execution.get("command", ()))
    from lyrikstore.api.commands import confinement_text

    if "confinement" in execution:
        held = f"confined {confinement_text(execution)}"
    else:  # of runs before programs were confined
        watched = execution["observed"] != "nothing"
        held = "what it reads and writes is observed" if watched else "reads not observed"
    return escape_control(f"trained {who}{': ' if words else ''}{words[:200]}; {held}")
