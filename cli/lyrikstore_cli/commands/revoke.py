"""``lyrikstore revoke``: take a credential back for good."""

from pathlib import Path

import click

from lyrikstore_cli.command import command as declare
from lyrikstore_cli.session import Session
from lyrikstore_cli.standing import change


@declare("revoke", signs=True, epilog="lyrikstore revoke delivery/credential.json -o public/status")
@click.argument("credential")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write your lists there.")
def command(session: Session, credential: str, output: Path | None) -> None:
    """Take CREDENTIAL back for good: its file, its urn:uuid, or the start of its digest.

    Works for credentials issued with --status-url. Only their issuer can do it; the log keeps it.
    Buyers learn of it from the status lists, once you have published them.
    """
    change(session, credential, output, "revocation", value=True, said="revoked")
