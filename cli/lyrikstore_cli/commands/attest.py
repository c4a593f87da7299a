"""``lyrikstore attest``: sign what you found about somebody else's dataset."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import parse
from lyrikstore.canon.text import escape_control
from lyrikstore.canon.timestamps import now
from lyrikstore_cli import options
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.commands.verify.delivery import verify_delivered
from lyrikstore_cli.output.similar import earlier_rows, hint_earlier
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import Issuance


_DATA = ("quality", "legal", "deidentification", "regulatory")
_MODELS = ("answers", "challenge")


@declare(
    "attest",
    signs=True,
    appends=True,
    epilog="lyrikstore attest delivery --kind quality --statement audit.toml "
    "--document report.pdf -o attestation.json",
)
@click.argument("target", type=options.DELIVERED)
@click.option(
    "--kind",
    type=click.Choice([*_DATA, *_MODELS]),
    required=True,
    help="What it is: an audit, an opinion, an expert determination; of a model card answers or a "
    "challenge.",
)
@click.option(
    "--statement",
    type=click.Path(path_type=Path),
    required=True,
    help="What you attest, as TOML: see docs/grants.md.",
)
@click.option(
    "--document",
    "documents",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A report or opinion with your reasons; named by its digest.",
)
@click.option(
    "--data", type=click.Path(path_type=Path), help="The data, if not in data/ beside TARGET."
)
@click.option(
    "--unchecked", is_flag=True, help="Attest without the bytes; the attestation says so."
)
@options.valid_for
@options.issuance(
    options.issuer,
    options.did_document,
    options.issuer_name,
    click.option(
        "--supersedes", type=click.Path(path_type=Path), help="An earlier attestation it replaces."
    ),
    click.option(
        "--status-url",
        metavar="URL",
        help="Where you publish status lists; needs a store of your own, to take it back from.",
    ),
)
@options.output_file
def command(
    session: Session,
    target: Path,
    kind: str,
    statement: Path,
    documents: tuple[Path, ...],
    data: Path | None,
    unchecked: bool,
    valid_for: str,
    issuance: "Issuance",
    output: Path,
) -> None:
    """Attest something about the dataset of TARGET, a delivery or its credential.

    TARGET is verified first, every byte of it; nothing is attested about what does not verify, and
    what could not be checked is said, such as whether it was revoked if no status list is there.
    You need no store, unless you want to be able to take the attestation back. The publisher
    takes it in with `lyrikstore import`; buyers can also put it next to the delivery themselves.

    With `--kind answers` or `challenge`, TARGET is the draft of a model card, as a folder or its
    card.json. Whoever has no lyrikstore opens the card.html in that folder instead.
    """
    from lyrikstore.api import Findings, OpenedCredential, attest_alone, parse_statement
    from lyrikstore.api.commands import data_folder, read_documents, read_siblings
    from lyrikstore.verify.report import CheckState

    if kind in _MODELS:
        if documents or data or unchecked or issuance.status_url:
            raise click.UsageError("of a model card only the draft is needed, and --statement")
        _attest_card(session, target, kind, statement, issuance, valid_for, output)
        return
    if kind != "quality" and not documents:
        raise InvalidInputError(
            "no-document", f"a {kind} attestation rests on a document", hint="--document FILE"
        )
    options.check_new(output)
    path = options.credential_file(target)
    findings = Findings(
        kind, parse_statement(options.read_file(statement)), read_documents(documents)
    )
    credential = OpenedCredential(options.read_file(path))
    report = verify_delivered(session, credential, read_siblings(path), data_folder(path, data))
    store = session.open_store(sign=True) if issuance.status_url is not None else None
    said, lasts = (credential.data, report, findings, issuance), options.duration(valid_for)
    if store is None:
        result = attest_alone(
            *said, signer=session.signer(), clock=now, valid_for=lasts, unchecked=unchecked
        )
    else:
        result = store.credentials.attest(*said, valid_for=lasts, unchecked=unchecked)
    written = options.write_credential(output, result)
    not_made = [check for check in report.checks if check.state is CheckState.UNCHECKED]
    earlier = [] if result.log_index is None or store is None else earlier_rows(store, result.data)
    session.emit(
        "attest",
        {
            "credential": str(result.id),
            "kind": kind,
            "subject": report.subject,
            "written": [str(path) for path in written],
            "logIndex": result.log_index,
            "lists": sorted(result.lists),
            "unchecked": [check.id for check in not_made],
            "earlier": earlier,
        },
    )
    screen = session.screen
    for check in not_made:
        screen.say(
            f"! not checked in {escape_control(str(target))}: "
            f"{check.id}: {escape_control(check.summary)}"
        )
    screen.result(f"✓ attested {kind}, credential {result.id.short}, about {report.subject}")
    screen.result(f"✓ wrote    {', '.join(map(str, written))}")
    screen.hint("send your key by another route; the publisher runs: lyrikstore import FILE")
    hint_earlier(screen, earlier)
    if issuance.status_url is not None:
        screen.hint(options.PUBLISH_LISTS)
    else:
        screen.hint("it cannot be taken back; for that: a store, and --status-url")


def _attest_card(
    session: Session,
    target: Path,
    kind: str,
    statement: Path,
    issuance: "Issuance",
    valid_for: str,
    output: Path,
) -> None:
    from lyrikstore.api import attest_card, parse_card_statement

    options.check_new(output)
    card = options.read_file(target / "card.json" if target.is_dir() else target)
    said = parse_card_statement(options.read_file(statement), kind)
    lasts = options.duration(valid_for)
    result = attest_card(
        card, kind, said, issuance, signer=session.signer(), clock=now, valid_for=lasts
    )
    written = options.write_credential(output, result)
    subject = parse(result.data)["credentialSubject"]["id"]
    session.emit(
        "attest",
        {
            "credential": str(result.id),
            "kind": kind,
            "subject": subject,
            "written": [str(path) for path in written],
            "logIndex": None,
            "lists": [],
            "unchecked": [],
            "earlier": [],
        },
    )
    screen = session.screen
    screen.result(f"✓ attested {kind}, credential {result.id.short}, about {subject}")
    screen.result(f"✓ wrote    {', '.join(map(str, written))}")
    screen.hint(
        "whoever made what it is about runs: lyrikstore import FILE; what takes it back is written "
        "by: lyrikstore credential revoke FILE -o DIR"
    )
