"""``lyrikstore attest``: sign findings about another publisher's dataset or model card."""

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
    help="The kind: audit (quality), legal opinion, expert determination…; for a model card "
    "answers or challenge.",
)
@click.option(
    "--statement",
    type=click.Path(path_type=Path),
    required=True,
    help="A TOML file with what you attest (docs/grants.md).",
)
@click.option(
    "--document",
    "documents",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A report or opinion; the attestation names its digest.",
)
@click.option(
    "--data", type=click.Path(path_type=Path), help="The data, if it is not in data/ beside TARGET."
)
@click.option(
    "--unchecked", is_flag=True, help="Attest without the data; the attestation states that."
)
@options.valid_for
@options.issuance(
    options.issuer,
    options.did_document,
    options.issuer_name,
    click.option(
        "--supersedes",
        type=click.Path(path_type=Path),
        help="An earlier attestation that this one replaces.",
    ),
    click.option(
        "--status-url",
        metavar="URL",
        help="Where you publish status lists; needs a store of yours that can revoke it.",
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

    Every byte of TARGET is verified first; if that fails, nothing is attested. What could not be
    checked is printed, such as a revocation if there is no status list. You need a store only if
    you want to revoke the attestation later. The publisher imports it with `lyrikstore import`;
    buyers can also put it beside the delivery.

    With `--kind answers` or `challenge`, TARGET is the draft of a model card: its folder or its
    card.json. Experts without lyrikstore open the card.html in that folder instead.
    """
    from lyrikstore.api import Findings, OpenedCredential, attest_alone, parse_statement
    from lyrikstore.api.commands import data_folder, read_documents, read_siblings
    from lyrikstore.verify.report import CheckState

    if kind in _MODELS:
        if documents or data or unchecked or issuance.status_url:
            raise click.UsageError("for a model card give only the draft and --statement")
        _attest_card(session, target, kind, statement, issuance, valid_for, output)
        return
    if kind != "quality" and not documents:
        raise InvalidInputError(
            "no-document", f"a {kind} attestation needs a document", hint="--document FILE"
        )
    options.check_new(output)
    path = options.credential_file(target)
    findings = Findings(
        kind, parse_statement(options.read_file(statement)), read_documents(documents)
    )
    credential = OpenedCredential(options.read_file(path))
    report = verify_delivered(session, credential, read_siblings(path), data_folder(path, data))
    store = session.open_store(sign=True) if issuance.status_url is not None else None
    inputs = (credential.data, report, findings, issuance)
    validity = options.duration(valid_for)
    if store is None:
        result = attest_alone(
            *inputs, signer=session.signer(), clock=now, valid_for=validity, unchecked=unchecked
        )
    else:
        result = store.credentials.attest(*inputs, valid_for=validity, unchecked=unchecked)
    written = options.write_credential(output, result)
    not_checked = [check for check in report.checks if check.state is CheckState.UNCHECKED]
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
            "unchecked": [check.id for check in not_checked],
            "earlier": earlier,
        },
    )
    screen = session.screen
    for check in not_checked:
        screen.say(
            f"! not checked in {escape_control(str(target))}: "
            f"{check.id}: {escape_control(check.summary)}"
        )
    screen.result(f"✓ attested {kind}, credential {result.id.short}, about {report.subject}")
    screen.result(f"✓ wrote    {', '.join(map(str, written))}")
    screen.hint("send your DID by another channel; the publisher runs: lyrikstore import FILE")
    hint_earlier(screen, earlier)
    if issuance.status_url is not None:
        screen.hint(options.PUBLISH_LISTS)
    else:
        screen.hint("it cannot be revoked; for that, attest from a store with --status-url")


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
    statements = parse_card_statement(options.read_file(statement), kind)
    result = attest_card(
        card,
        kind,
        statements,
        issuance,
        signer=session.signer(),
        clock=now,
        valid_for=options.duration(valid_for),
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
        "the maker of the card runs: lyrikstore import FILE; to revoke it later: "
        "lyrikstore credential revoke FILE -o DIR"
    )
