"""``lyrikstore status-lists``: the files to publish, so that buyers see what was taken back."""

from pathlib import Path

import click

from lyrikstore_cli.command import command as declare
from lyrikstore_cli.options import write_files
from lyrikstore_cli.session import Session


@declare("status-lists", signs=True, epilog="lyrikstore status-lists -o public/status")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="A folder to publish."
)
def command(session: Session, output: Path) -> None:
    """Write your current status lists to a folder that a web server publishes at --status-url.

    A list is good for 30 days; this signs those anew that are half through, so run it weekly:
    a list that ran out makes every credential that names it unverifiable.
    """
    written = write_files(output, session.open_store(sign=True).status_lists())
    session.emit("status-lists", {"written": [str(path) for path in written]})
    session.screen.wrote(written)
