"""``lyrikstore present``: prove to a verifier that you hold a grant."""

from pathlib import Path

import click

from lyrikstore.canon.digest import Digest
from lyrikstore_cli import options
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.session import Session


@declare(
    "present",
    signs=True,
    epilog="lyrikstore present grant.json --challenge 7c5f1a --domain data.example -o shown.json",
)
@click.argument("grant", type=options.GRANT)
@click.option("--challenge", required=True, help="The challenge that the verifier gave you.")
@click.option("--domain", required=True, help="The verifier's name, which they gave you.")
@options.did_document
@options.with_values
@options.output_file
def command(
    session: Session,
    grant: Path,
    challenge: str,
    domain: str,
    did_document: Path | None,
    with_values: bool,
    output: Path,
) -> None:
    """Sign a presentation of GRANT for one verifier, with the key it was granted to.

    A grant to a did:web can be presented with every key that its document lists; that document is
    written beside the presentation, but a verifier trusts only one that it pinned or fetched. The
    dataset credential beside the grant is included if it contains no label, path or cell of the
    data; `--with-values` includes it in any case. The verifier runs: lyrikstore verify FILE
    --challenge C --domain D, with a new challenge each time.
    """
    from lyrikstore.api.commands import present_grant, read_siblings

    options.check_new(output)
    made = present_grant(
        b"" if grant.is_dir() else options.read_file(grant),
        read_siblings(grant),
        signer=session.signer(),
        challenge=challenge,
        domain=domain,
        did_document=options.read_answer_file(did_document),
        with_values=with_values,
        label=str(grant),
    )
    with_data = options.held(values=made.contains_values and with_values)
    files = {output: made.data}
    if made.did_document is not None:
        files[output.with_name(f"{output.stem}-did.json")] = made.did_document
    for path in files:
        options.check_new(path)
    for path, content in files.items():
        options.write_new(path, content)
    session.emit(
        "present",
        {
            "holder": made.holder,
            "credentials": [str(Digest.of(one)) for one in made.shown],
            "written": [str(path) for path in files],
            "withData": with_data,
        },
    )
    session.screen.result(f"✓ presented to {domain} by {made.holder}")
    session.screen.wrote(files)
    session.screen.holds(with_data)
    if made.contains_values and not with_values:
        session.screen.hint(
            "the dataset credential names values of the data: send it to the verifier, or add "
            "--with-values"
        )
    elif len(made.shown) == 1:
        session.screen.hint("the dataset credential of the grant is not beside it: send it too")
