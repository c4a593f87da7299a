"""``lyrikstore w3c sign``: a credential of a kind of one's own."""

from pathlib import Path

import click

from lyrikstore.api.commands import SUITES
from lyrikstore_cli import options
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.session import Session


@declare(
    "sign",
    signs=True,
    epilog="lyrikstore w3c sign degree.json -o signed.json --cryptosuite eddsa-rdfc-2022",
)
@click.argument("credential", type=options.EXISTING)
@click.option(
    "--cryptosuite",
    "suites",
    multiple=True,
    default=SUITES[:1],
    show_default=True,
    type=click.Choice(SUITES),
    help="What is signed: the text, or the RDF it stands for; twice: both.",
)
@options.issuer
@options.did_document
@click.option(
    "--resource",
    "resources",
    metavar="FILE|FOLDER|URL=FILE",
    multiple=True,
    help="A schema or resource that it names.",
)
@options.output_file
def command(
    session: Session,
    credential: Path,
    suites: tuple[str, ...],
    issuer: str | None,
    did_document: Path | None,
    resources: tuple[str, ...],
    output: Path,
) -> None:
    """Sign CREDENTIAL, a W3C credential of whatever kind as JSON, for whoever reads those.

    It is checked by the rules of verify first, and nothing but a missing issuer and the proof is
    added. It needs no store, is not logged, and can be taken back only by a status list that it
    names. What is about a dataset here is made with issue, attest and grant.
    """
    from lyrikstore.api.commands import read_resources, sign_other

    options.check_new(output)
    made, did = sign_other(
        options.read_file(credential),
        signer=session.signer(),
        suites=suites,
        organisation=issuer,
        did_document=options.read_answer_file(did_document),
        resources=read_resources(resources),
        label=str(credential),
    )
    written = options.write_credential(output, made)
    session.emit(
        "sign",
        {
            "credential": str(made.id),
            "issuer": did,
            "cryptosuites": list(suites),
            "written": [str(path) for path in written],
        },
    )
    screen = session.screen
    screen.result(f"✓ signed   credential {made.id.short} by {did}, {' and '.join(suites)}")
    screen.wrote(written)
    screen.hint(f"whoever gets it runs: lyrikstore verify {output.name}")
