"""``lyrikstore w3c export``: the terms of a credential in formats of other software."""

import sys
from pathlib import Path

import click

from lyrikstore.canon.timestamps import now
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.options import DELIVERED, read_credential, write_new
from lyrikstore_cli.output.screen import json_text
from lyrikstore_cli.session import Session


@declare(
    "export",
    epilog="lyrikstore w3c export delivery --format odrl -o policy.jsonld",
)
@click.argument("target", type=DELIVERED)
@click.option(
    "--format",
    "form",
    type=click.Choice(["odrl"]),
    required=True,
    help="odrl: the terms as an ODRL 2.2 policy (JSON-LD).",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="A new file; by default printed."
)
def command(session: Session, target: Path, form: str, output: Path | None) -> None:
    """Export the terms of the credential TARGET, a file or a delivery, in another format.

    Its signature must be valid; `verify` shows whether you trust its issuer. The export is not
    signed, and contains less than the credential: docs/terms.md has the table.
    """
    from lyrikstore.api.commands import export_odrl

    data = read_credential(target)
    policy = export_odrl(data, str(target), trust=session.trust(), at=now())
    text = json_text(policy, indent=2) + "\n"
    if output is not None:
        write_new(output, text.encode())
        session.screen.wrote([output])
    elif not session.options.json:
        sys.stdout.write(text)
    written = [] if output is None else [str(output)]
    session.emit("export", {"format": form, "document": policy, "written": written})
