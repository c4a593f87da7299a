"""What commands share that take what other programs train: options, and how a result shows."""

import re
import shlex
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore_cli import options
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import ForeignResult, ForeignRun

_SHOWN = 5
_USES = ("also", "territory", "seats", "purposes")


def foreign_options(command: Any) -> Any:
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
            click.option("--output", default="", metavar="NAME", help="What the model is called."),
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


def foreign_request(asked: Mapping[str, Any]) -> "ForeignRun":
    """Return what the options of :func:`foreign_options` ask for.

    Raises:
        InvalidInputError: (``bad-config``) ``--use`` names what is no part of a use.
    """
    from lyrikstore.api import ForeignRun, UseConfig

    if not asked["inputs"] or not asked["output"]:
        raise click.UsageError("say both: --input REF and --output NAME")
    return ForeignRun(
        asked["inputs"],
        asked["output"],
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


def show_foreign(session: Session, made: "ForeignResult", schema: str, version: int) -> None:
    """Show what was made.

    Args:
        session: Where.
        made: It.
        schema: Of the JSON form.
        version: Its version.
    """
    model, seen = made.checkpoint, made.observation
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
            "observed": None
            if seen is None
            else {
                "undeclaredReads": sorted(seen.reads),
                "repositoryReads": list(seen.repository),
                "undeclaredWrites": list(seen.writes),
                "connections": list(seen.connections),
            },
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
    if seen is None:
        screen.result("  observed    nothing: reads not observed")
    else:
        _listed(session, pluralize(len(seen.reads), "file read"), sorted(seen.reads))
        _listed(
            session, pluralize(len(seen.writes), "write elsewhere", "writes elsewhere"), seen.writes
        )
        _listed(session, pluralize(len(seen.connections), "connection"), seen.connections)
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
    seen = "reads not observed"
    if execution["observed"] != "nothing":
        seen = "what it reads and writes is observed"
    return escape_control(f"trained {who}{': ' if words else ''}{words[:200]}; {seen}")


def _listed(session: Session, what: str, found: Any) -> None:
    some = ", ".join(map(escape_control, list(found)[:_SHOWN]))
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    session.screen.result(f"  observed    {what}{': ' if some else ''}{some}{more}")
