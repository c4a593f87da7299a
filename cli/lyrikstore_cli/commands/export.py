"""``lyrikstore export``: verified objects in formats of other people's tools."""

import sys
from pathlib import Path

import click

from lyrikstore.api.commands import FORMATS
from lyrikstore.canon.text import escape_control
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.options import check_new, write_new
from lyrikstore_cli.output.screen import json_text
from lyrikstore_cli.session import Session


@declare(
    "export",
    signs=True,
    epilog="lyrikstore export checkpoints/acme/classifier --format slsa -o model.intoto.json\n"
    "lyrikstore export evaluations/acme/classifier --format test-result -o result.intoto.json\n"
    "lyrikstore export acme/contracts --format croissant -o contracts/croissant.json",
)
@click.argument("ref")
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    required=True,
    help="; ".join(f"{name}: {one.about}" for name, one in FORMATS.items()) + ".",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="A new file; by default printed."
)
def command(session: Session, ref: str, form: str, output: Path | None) -> None:
    """Verify REF, and write it in a format of other tools.

    slsa, test-result and vsa are in-toto statements in a DSSE envelope that your key signs;
    securesystemslib, cosign and others verify them with your public key, which `key export --format
    pem` prints. An object that is invalid or incomplete is not exported, except as vsa, which then
    says FAILED. No level of SLSA is stated, and dates are claimed.

    croissant describes the files of a checkout and their fields for mlcroissant and other loaders.
    It names paths, is not signed, and belongs into the folder of the checkout.

    The store and its log remain the evidence.
    """
    if output is not None:
        check_new(output)
    store = session.open_store(sign=True)
    with session.progress("verifying"):
        made = store.export(ref, form)
    text = json_text(made.document, indent=2) + "\n"
    if output is not None:
        write_new(output, text.encode())
    elif not session.options.json:
        sys.stdout.write(text)
    session.emit(
        "export-object",
        {
            "format": form,
            "id": str(made.manifest.id),
            "name": made.manifest.name,
            "verdict": str(made.report.verdict),
            "document": made.document,
            "written": [] if output is None else [str(output)],
        },
    )
    if output is not None:
        name = escape_control(made.manifest.name)
        session.screen.say(f"✓ {form}  {name}  {made.manifest.id.short}  {made.report.verdict}")
        session.screen.wrote([output])
