"""``lyrikstore audit``: one file for an auditor, and the answers in it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore.canon.timestamps import now
from lyrikstore.verify.report import CheckState
from lyrikstore.verify.report_text import SYMBOL, headline, words
from lyrikstore_cli import options
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.exits import VERDICT
from lyrikstore_cli.output.screen import size
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api.commands import Audit, AuditAnswer
    from lyrikstore.verify.report import Report

_DECISIVE = {CheckState.FAIL, CheckState.UNCHECKED, CheckState.WARN}
_WRITTEN = {".html": "page", ".zip": "archive"}


@declare(
    "audit",
    epilog="lyrikstore audit checkpoints/acme/clause-classifier -o audit.html\n"
    "lyrikstore audit acme --since kept.checkpoint -o audit.html\nlyrikstore audit audit.html",
)
@click.argument("subject", metavar="[REF|NAMESPACE|FILE]", required=False)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE.html|FILE.zip",
    help="Write a page that verifies itself in a browser, or an archive for programs.",
)
@click.option(
    "--since",
    metavar="FILE",
    help="A log checkpoint or audit file that you kept: show what is new, and that nothing was "
    "rewritten.",
)
def command(session: Session, subject: str | None, output: Path | None, since: str | None) -> None:
    """Answer an auditor's questions about REF, each with its evidence, as one file.

    REF may also be the id of a credential or a namespace; without it, the whole store is audited.
    Of an audit FILE the answers in it are shown. The file that `-o` writes has the signed
    statements about REF and every entry of the log, and no data: no path, no cell of a sheet, no
    record. `lyrikstore verify FILE` verifies it anywhere, as the page itself does. `-v` shows the
    tables of the answers. Exit code 3 if the history was rewritten since the log checkpoint that
    `--since` names.
    """
    if output is not None:
        if output.suffix not in _WRITTEN:
            raise InvalidInputError(
                "usage", f"{output} is neither .html nor .zip", hint="name it audit.html"
            )
        options.check_new(output)
    found = _read(session, subject) if _is_file(subject) else None
    if found is not None and (since is not None or output is not None):
        raise InvalidInputError(
            "usage", f"{subject} is an audit file: leave -o and --since out, or name a store"
        )
    if found is None:
        with session.progress("reading"):
            found = session.open_store().query.audit(
                subject, since=None if since is None else Path(since)
            )
    audit = found
    data = b""
    if output is not None:
        data = getattr(audit, _WRITTEN[output.suffix])()
        options.write_new(output, data)
    session.emit("audit", _facts(audit, output, data))
    _show(session, audit)
    if output is not None:
        session.screen.result(f"✓ wrote    {output}  {size(len(data))}")
        session.screen.hint(f"verify it anywhere: lyrikstore verify {output}")
    verdict = audit.report.verdict.value
    made_here = not _is_file(subject)
    if not made_here or verdict == "invalid":
        raise click.exceptions.Exit(VERDICT[verdict])


def _is_file(subject: str | None) -> bool:
    from lyrikstore.api.commands import is_audit_file

    path = Path(subject or "")
    named = path.suffix in {".html", ".htm", ".zip"}
    return named and path.is_file() and is_audit_file(path)


def _read(session: Session, subject: str | None) -> "Audit":
    """Return the audit in a file; where its evidence cannot be read, show why and end."""
    from lyrikstore.api.commands import Audit, verify_audit_file

    trust = session.trust(None)
    path = Path(subject or "")
    found = verify_audit_file(path, trust=trust, at=now(), memory=session.memory())
    if isinstance(found, Audit):
        return found
    raise InvalidInputError("bad-audit", _why(found), hint=f"lyrikstore verify {path}")


def _why(report: "Report") -> str:
    return report.check("audit.file").summary


def _facts(audit: "Audit", output: Path | None, data: bytes) -> dict[str, Any]:
    evidence = audit.opened.evidence
    return {
        "subject": audit.report.subject,
        "store": str(evidence.store),
        "logSize": audit.size,
        "statementCount": len(evidence.objects),
        "leftOutCount": audit.opened.left_out,
        "keptSize": audit.since,
        "auditAnswers": [_answer(one) for one in audit.answers],
        "auditReport": audit.report.to_json(),
        "auditFile": None if output is None else str(output),
        "auditFileBytes": len(data),
    }


def _answer(one: "AuditAnswer") -> dict[str, Any]:
    return {
        "question": one.id,
        "isAnswered": one.state == "answered",
        "because": one.because,
        "answerTables": [
            {
                "tableTitle": table.title,
                "columnHeads": list(table.columns),
                "tableRows": [
                    {"cellTexts": list(row.cells), "logIndices": list(row.log)}
                    for row in table.rows
                ],
            }
            for table in one.tables
        ],
    }


def _show(session: Session, audit: "Audit") -> None:
    from lyrikstore.api.commands import QUESTIONS

    screen = session.screen
    [(word, stated)] = audit.opened.evidence.about.items()
    there = len(audit.opened.evidence.objects)
    screen.result(
        f"{word} {stated}  {pluralize(there, 'statement')}, log of "
        f"{pluralize(audit.size, 'entry')}, {audit.opened.left_out} left out",
        "bold",
    )
    texts = {one.id: one.text for one in QUESTIONS}
    for one in audit.answers:
        rows = sum(len(table.rows) for table in one.tables)
        mark = "✓" if one.state == "answered" else "–"
        said = pluralize(rows, "row") if one.state == "answered" else f"not known: {one.because}"
        screen.result(f" {mark} {texts[one.id]}  {said}")
        for table in one.tables if screen.verbose else ():
            screen.result(f"     {table.title}: {' | '.join(table.columns)}", "dim")
            for row in table.rows:
                place = ",".join(map(str, row.log))
                new = "new  " if audit.since is not None and max(row.log) >= audit.since else ""
                cells = " | ".join(map(escape_control, row.cells))
                screen.result(f"       {place:>9}  {new}{cells}")
    if audit.since is not None and audit.report.verdict.value != "invalid":
        since = audit.size - audit.since
        screen.result(
            f"✓ since    entry {audit.since}: {pluralize(since, 'new entry')}, nothing rewritten"
        )
    answered = sum(one.state == "answered" for one in audit.answers)
    screen.result(f"{answered} of {len(audit.answers)} questions answered")
    for check in audit.report.checks:
        if check.state in _DECISIVE:
            screen.result(f" {SYMBOL[check.state]} {check.id}  {words(check)}")
    screen.result(headline(audit.report), "bold")
