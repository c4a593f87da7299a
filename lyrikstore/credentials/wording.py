"""How a report reads: the same words on a terminal and on a page."""

from lyrikstore.canon.grammar import counted
from lyrikstore.credentials.report import Check, CheckState, Report, Verdict

SYMBOL = {
    CheckState.PASS: "✓",
    CheckState.FAIL: "✗",
    CheckState.WARN: "!",
    CheckState.UNCHECKED: "?",
    CheckState.NOT_APPLICABLE: "–",
}

STATE = {
    CheckState.PASS: "pass",
    CheckState.FAIL: "fail",
    CheckState.WARN: "warning",
    CheckState.UNCHECKED: "not checked",
    CheckState.NOT_APPLICABLE: "n/a",
}

_HEADLINE = {
    Verdict.TRUSTED: "TRUSTED",
    Verdict.VALID: "VALID, but your trust file does not know who signed",
    Verdict.INCOMPLETE: "INCOMPLETE: something needed to decide is missing",
    Verdict.INVALID: "INVALID",
}

MEANING = {
    Verdict.TRUSTED: "Every check that has to be made was made and holds, and the trust file it "
    "was judged by believes whoever signed.",
    Verdict.VALID: "It fits together, but anybody could have made it: the trust file it was judged "
    "by does not believe whoever signed.",
    Verdict.INCOMPLETE: "Something needed to decide was not there or was not read. The checks "
    "name it.",
    Verdict.INVALID: "Something differs, has run out, was taken back or is forged. The checks "
    "name it.",
}


def headline(report: Report) -> str:
    """Return the verdict in words, with the checks that decided it."""
    more = ""
    if report.verdict is Verdict.INVALID:
        failures = [check.id for check in report.checks if check.state is CheckState.FAIL]
        more = f": {counted(len(failures), 'check')} failed: {', '.join(failures)}"
    elif report.verdict is Verdict.INCOMPLETE:
        open_ones = [check.id for check in report.checks if check.state is CheckState.UNCHECKED]
        more = f": not checked: {', '.join(open_ones)}" if open_ones else ""
    return _HEADLINE[report.verdict] + more


def words(check: Check) -> str:
    """Return what a check found, as a line of a report says it."""
    prefix = "not checked: " if check.state is CheckState.UNCHECKED else ""
    return prefix + check.summary


def signed_by(report: Report) -> str:
    """Return who issued or signed the subject, as a report names them."""
    return report.issuer or "nobody named"
