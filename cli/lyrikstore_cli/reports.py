"""How a verification report reads on a terminal; the same words as its JSON and its spec."""

from collections.abc import Iterator

from lyrikstore.credentials.report import Check, CheckState, Report, Verdict
from lyrikstore_cli.exits import VERDICT
from lyrikstore_cli.session import Session

_SYMBOL = {
    CheckState.PASS: "✓",
    CheckState.FAIL: "✗",
    CheckState.WARN: "!",
    CheckState.UNCHECKED: "–",
    CheckState.NOT_APPLICABLE: "–",
}

_WARN = CheckState.WARN
_DECISIVE = {CheckState.FAIL, CheckState.UNCHECKED, CheckState.WARN}

_VERDICT_LINE = {
    Verdict.TRUSTED: ("TRUSTED", "bold green"),
    Verdict.VALID: ("VALID, but your trust file does not know the issuer", "bold yellow"),
    Verdict.INCOMPLETE: ("INCOMPLETE: something needed to decide is missing", "bold yellow"),
    Verdict.INVALID: ("INVALID", "bold red"),
}


def show_report(session: Session, report: Report) -> int:
    """Print a report and return its exit code.

    The verdict is the last line of the result, so that a long list of checks cannot hide it.
    """
    session.emit("verify", report.to_json())
    screen = session.screen
    profile = f", profile {report.profile}" if report.profile else ""
    by = report.issuer or "nobody named"
    screen.result(f"{report.subject}  by {by}, at {report.at}{profile}")
    for part in report.parts:
        issuer = part.issuer or "nobody named"
        screen.result(f"   presents {part.subject}  by {issuer}: {part.verdict}")
        for check in part.checks:  # its own report is in --json; here, what decided
            if check.state in _DECISIVE:
                screen.result(f"     {_SYMBOL[check.state]} {check.id}  {_words(check)}")
    width = max(len(check.id) for check in report.checks)
    for check in report.checks:
        screen.result(f" {_SYMBOL[check.state]} {check.id:<{width}}  {_words(check)}")
    for line in report.not_proven:
        screen.result(f" – not proven: {line}", "dim")
    failures = sum(check.state is CheckState.FAIL for check in report.checks)
    text, style = _VERDICT_LINE[report.verdict]
    if failures:
        text += f": {failures} check{'s' if failures > 1 else ''} failed"
    screen.result(text, style)
    for line in _next_steps(report):
        screen.hint(line)
    return VERDICT[report.verdict.value]


def reasons(report: Report) -> set[str]:
    """Return the stable codes of why checks of a report did not pass, those of its parts too."""
    reports = (report, *report.parts)
    return {str(check.detail.get("reason", "")) for one in reports for check in one.checks}


def _next_steps(report: Report) -> Iterator[str]:
    if "missing-extra" in reasons(report):
        yield "pip install 'lyrikstore[jsonld]'"
    if report.verdict is not Verdict.VALID or not report.issuer:
        return
    add = f"lyrikstore trust add {report.issuer} --name NICKNAME"
    if not report.issuer.startswith("did:web:"):
        yield f"compare the key with one you received on another way, then: {add}"
    elif any(check.id == "issuer.document" and check.state is _WARN for check in report.checks):
        yield f"get its DID document from its owner: {add} --document FILE; or ask with --fetch"
    else:
        yield f"if you know whose name that is: {add}"


def _words(check: Check) -> str:
    prefix = "not checked: " if check.state is CheckState.UNCHECKED else ""
    return prefix + check.summary
