"""``lyrikstore status-lists``: the files to publish, so that buyers see what was taken back."""

from pathlib import Path

import click

from lyrikstore_cli.command import command as declare
from lyrikstore_cli.commands.credential_status import write_lists
from lyrikstore_cli.session import Session


@declare("status-lists", signs=True, epilog="lyrikstore status-lists -o public/status")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="A folder to publish."
)
def command(session: Session, output: Path) -> None:
    """Write this store's status lists to a folder that a web server publishes at --status-url.

    A list is good for 30 days; this signs those of yours anew that are half through, so run it
    weekly: a list that ran out makes every credential that names it unverifiable. Those of a key
    that was replaced only that key can sign: run it with --signer for each, too.
    """
    written = write_lists(session, session.open_store(sign=True), output)
    session.emit("status-lists", {"written": [str(path) for path in written]})
    session.screen.wrote(written)
