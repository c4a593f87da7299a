"""``lyrikstore attest``: sign findings on another's dataset, model, card or store."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

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


class _Target(click.ParamType[Any]):
    """The type of TARGET: the path of something delivered, or the name of a model or card."""

    name = "target"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> "Path | str":
        if value.startswith(_NAMED) and not Path(value).exists():
            return str(value)
        return options.DELIVERED.convert(value, param, ctx)


_NAMED = ("checkpoints/", "cards/")
"""How the names of objects begin on which there are opinions."""

_TARGET = _Target()
_DATA = ("quality", "legal", "deidentification", "regulatory")
_MODELS = ("answers", "challenge")


@declare(
    "attest",
    signs=True,
    appends=True,
    epilog="lyrikstore attest delivery --kind quality --statement audit.toml "
    "--document report.pdf -o attestation.json\n"
    "lyrikstore attest checkpoints/acme/m --kind quality --statement audit.toml -o opinion.json",
)
@click.argument("target", type=_TARGET, required=False)
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
    target: "Path | str | None",
    kind: str,
    statement: Path,
    documents: tuple[Path, ...],
    data: Path | None,
    unchecked: bool,
    valid_for: str,
    issuance: "Issuance",
    output: Path,
) -> None:
    """Attest something about TARGET: a delivery, its credential, a model, a card, or the store.

    Every byte of TARGET is verified first; if that fails, nothing is attested. What could not be
    checked is printed, such as a revocation if there is no status list. The publisher imports the
    attestation with `lyrikstore import`; buyers can also put it beside the delivery. About a
    delivery you need a store only if you want to revoke the attestation later.

    A model (`checkpoints/…`) or a card (`cards/…`) is one of the store in which you run this, such
    as your clone of it; without TARGET, you attest about that whole store. Such an opinion names
    the log checkpoint that you saw.

    With `--kind answers` or `challenge`, TARGET is the draft of a model card: its folder or its
    card.json. Experts without lyrikstore open the card.html in that folder instead.
    """
    from lyrikstore.api import Findings, OpenedCredential, attest_alone, parse_statement
    from lyrikstore.api.commands import data_folder, read_documents, read_siblings
    from lyrikstore.verify.report import CheckState

    if kind in _MODELS:
        if not isinstance(target, Path):
            raise click.UsageError(f"--kind {kind} needs the draft of a card as TARGET")
        if documents or data or unchecked or issuance.status_url:
            raise click.UsageError("for a model card give only the draft and --statement")
        _attest_card(session, target, kind, statement, issuance, valid_for, output)
        return
    if kind != "quality" and not documents:
        raise InvalidInputError(
            "no-document", f"a {kind} attestation needs a document", hint="--document FILE"
        )
    options.check_new(output)
    if not isinstance(target, Path):
        if data or issuance.status_url:
            raise click.UsageError("--data and --status-url are for a delivery")
        _attest_opinion(
            session, target, kind, statement, documents, issuance, valid_for, output,
            unchecked=unchecked,
        )  # fmt: skip
        return
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


def _attest_opinion(
    session: Session,
    ref: str | None,
    kind: str,
    statement: Path,
    documents: tuple[Path, ...],
    issuance: "Issuance",
    valid_for: str,
    output: Path,
    *,
    unchecked: bool,
) -> None:
    from lyrikstore.api import Findings, parse_statement
    from lyrikstore.api.commands import read_documents
    from lyrikstore.verify.report import CheckState

    findings = Findings(
        kind, parse_statement(options.read_file(statement)), read_documents(documents)
    )
    store = session.open_store(sign=True)
    subject = None if ref is None else store.resolve(ref)
    with session.progress("verifying"):
        report = store.verify(None if subject is None else str(subject.id))
    validity = options.duration(valid_for)
    inputs = (subject, report, findings, issuance)
    result = store.credentials.attest_opinion(*inputs, valid_for=validity, unchecked=unchecked)
    written = options.write_credential(output, result)
    about = parse(result.data)["credentialSubject"]
    seen = about["attestation"]["log"]
    not_checked = [check for check in report.checks if check.state is CheckState.UNCHECKED]
    session.emit(
        "attest",
        {
            "credential": str(result.id),
            "kind": kind,
            "subject": about["id"],
            "written": [str(path) for path in written],
            "logIndex": None,
            "lists": [],
            "unchecked": [check.id for check in not_checked],
            "earlier": [],
        },
    )
    screen = session.screen
    for check in not_checked:
        screen.say(f"! not checked: {check.id}: {escape_control(check.summary)}")
    what = f"store {store.id.short}" if subject is None else f"{subject.name} {subject.id.short}"
    screen.result(
        f"✓ attested {kind}, credential {result.id.short}, about {escape_control(what)}, "
        f"as of log entry {seen['size'] - 1}"
    )
    screen.result(f"✓ wrote    {', '.join(map(str, written))}")
    screen.hint(
        "send your DID by another channel; the owner of the store runs: lyrikstore import FILE; "
        "to revoke it later: lyrikstore credential revoke FILE -o DIR"
    )


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
