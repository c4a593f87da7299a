"""``lyrikstore help``: topics that belong to no command."""

import click

from lyrikstore_cli.command import command as declare
from lyrikstore_cli.exits import MEANING
from lyrikstore_cli.session import VARIABLES, Session


@declare("help")
@click.argument("topic", type=click.Choice(["exit-codes", "environment"]))
def command(session: Session, topic: str) -> None:
    """Explain the exit codes or the environment variables."""
    table = (
        {str(code): meaning for code, meaning in MEANING.items()}
        if topic == "exit-codes"
        else dict(VARIABLES)
    )
    session.emit("help", {"topic": topic, "meanings": table})
    width = max(map(len, table))
    for name, meaning in table.items():
        session.screen.result(f"{name:>{width}}  {meaning}")
    if topic == "exit-codes":
        session.screen.result("an unknown exit code other than 0 is a failure")
