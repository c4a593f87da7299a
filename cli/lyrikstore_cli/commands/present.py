"""``lyrikstore present``: prove to somebody that you hold a grant."""

from pathlib import Path

import click

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, KeyMaterialError
from lyrikstore.canon.json import parse
from lyrikstore.canon.text import escape_control
from lyrikstore.canon.timestamps import now
from lyrikstore_cli import options
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.session import Session


@declare(
    "present",
    signs=True,
    epilog="lyrikstore present grant.json --challenge 7c5f1a --domain data.example -o shown.json",
)
@click.argument("grant", type=options.GRANT)
@click.option("--challenge", required=True, help="What the verifier gave you to sign.")
@click.option("--domain", required=True, help="The verifier's name, as they told you.")
@options.did_document
@options.output_file
def command(
    session: Session,
    grant: Path,
    challenge: str,
    domain: str,
    did_document: Path | None,
    output: Path,
) -> None:
    """Sign a presentation of GRANT for one verifier, with the key it was granted to.

    What was granted to a did:web, whoever's key its document lists presents in its name; that
    document is written next to it, but a verifier believes only one that it pinned or fetched. The
    dataset credential that the grant rests on is shown with it, if it lies there. The verifier
    runs: lyrikstore verify FILE --challenge C --domain D, with a new challenge each time.
    """
    from lyrikstore.credentials.model.credential import GRANT
    from lyrikstore.publish.identity.issuer import Issuer
    from lyrikstore.verify.credential.any_kind import stated_kind
    from lyrikstore.verify.delivery.folder import read_siblings
    from lyrikstore.verify.delivery.siblings import SiblingFiles
    from lyrikstore.verify.w3c.presentation import make_presentation

    options.check_new(output)
    data = b"" if grant.is_dir() else options.read_file(grant)
    if stated_kind(data) is not GRANT:
        raise InvalidInputError(
            "not-a-grant",
            f"{grant} is no licence grant",
            hint="give the file that whoever licensed the data to you made: lyrikstore grant",
        )
    terms = SiblingFiles(read_siblings(grant)).terms_of(data)
    signer, moment = session.signer(), now()
    named = _holder(data)
    organisation = named if named.startswith("did:web:") else None
    document = options.read_given(did_document)
    holder = Issuer.of(signer, organisation, document, moment, purpose="authentication")
    if holder.did != named:
        raise KeyMaterialError(
            "not-the-holder",
            f"{grant} was granted to {escape_control(named)}, and the key here is {signer.did}",
            hint="sign with the holder's key: --signer",
        )
    shown = [data, *([terms] if terms is not None else [])]
    said = {"challenge": challenge, "domain": domain}
    files = {output: make_presentation(shown, holder.signer, created=moment, **said)}
    if holder.document is not None:
        files[output.with_name(f"{output.stem}-did.json")] = holder.document
    for path in files:
        options.check_new(path)
    for path, content in files.items():
        options.write_new(path, content)
    session.emit(
        "present",
        {
            "holder": holder.did,
            "credentials": [str(Digest.of(one)) for one in shown],
            "written": [str(path) for path in files],
        },
    )
    session.screen.result(f"✓ presented to {domain} by {holder.did}")
    session.screen.wrote(files)
    if terms is None:
        session.screen.hint("the dataset credential it rests on is not beside it: send it as well")


def _holder(grant: bytes) -> str:
    # Unverified: a grant that does not hold helps nobody who shows it.
    match parse(grant):
        case {"credentialSubject": {"id": str(holder)}}:
            return holder
    raise InvalidInputError("not-a-grant", "the licence grant names no holder")
