"""``lyrikstore sign``: a credential of a kind of one's own."""

from pathlib import Path

import click

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.timestamps import now
from lyrikstore.crypto.proofs.proof_set import SUITES
from lyrikstore_cli import options
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.session import Session


@declare(
    "sign",
    signs=True,
    epilog="lyrikstore sign degree.json -o signed.json --cryptosuite eddsa-rdfc-2022",
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
    from lyrikstore.canon.json import parse
    from lyrikstore.publish.identity.issuer import Issuer
    from lyrikstore.verify.w3c.resources import Resources
    from lyrikstore.verify.w3c.signing import sign_credential
    from lyrikstore_cli.commands.verify.w3c import read_resources

    options.check_new(output)
    unsigned = parse(options.read_file(credential), floats=True, nulls=True)
    if not isinstance(unsigned, dict):
        raise FormatError("bad-credential", f"{credential} is not a JSON object")
    at_hand = Resources(read_resources(resources))
    created = now()
    by = Issuer.of(session.signer(), issuer, options.read_given(did_document), created)
    signed = sign_credential(unsigned, by.signer, suites, created, at_hand)
    options.write_new(output, signed)
    written = [output]
    if by.document is not None:
        written.append(output.with_name(f"{output.stem}-did.json"))
        options.write_new(written[1], by.document)
    identity = Digest.of(signed)
    session.emit(
        "sign",
        {
            "credential": str(identity),
            "issuer": by.did,
            "cryptosuites": list(suites),
            "written": [str(path) for path in written],
        },
    )
    screen = session.screen
    screen.result(f"✓ signed   credential {identity.short} by {by.did}, {' and '.join(suites)}")
    screen.wrote(written)
    screen.hint(f"whoever gets it runs: lyrikstore verify {output.name}")
