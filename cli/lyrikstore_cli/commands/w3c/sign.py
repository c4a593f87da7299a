"""``lyrikstore w3c sign``: sign a W3C credential of any type."""

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
    help="What is signed: the JSON text (jcs) or its RDF (rdfc); repeat it for both.",
)
@options.issuer
@options.did_document
@click.option(
    "--resource",
    "resources",
    metavar="FILE|FOLDER|URL=FILE",
    multiple=True,
    help="A schema or resource that the credential names.",
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
    """Sign CREDENTIAL, a W3C credential of any type as JSON, for other software.

    It is first checked by the rules of `verify`; only a missing issuer and the proof are added. The
    command needs no store and logs nothing; the credential can be revoked only by a status list
    that it names. Credentials about datasets are made with `issue`, `attest` and `grant`.
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
    screen.hint(f"its receiver runs: lyrikstore verify {output.name}")
