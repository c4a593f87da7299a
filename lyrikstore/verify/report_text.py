"""How a report reads: the same words on a terminal and on a page."""

from lyrikstore.canon.text import pluralize
from lyrikstore.history.policy.key_history import KeyStatus
from lyrikstore.verify.checks import TRUST_CHECKS
from lyrikstore.verify.report import Check, CheckState, Report, Verdict

SYMBOL = {
    CheckState.PASS: "✓",
    CheckState.FAIL: "✗",
    CheckState.WARN: "!",
    CheckState.STATED: "»",
    CheckState.UNCHECKED: "?",
    CheckState.NOT_APPLICABLE: "–",
}

STATE = {
    CheckState.PASS: "pass",
    CheckState.FAIL: "fail",
    CheckState.WARN: "warning",
    CheckState.STATED: "stated",
    CheckState.UNCHECKED: "not checked",
    CheckState.NOT_APPLICABLE: "n/a",
}

_BEFORE = {
    CheckState.STATED: "stated, not checked: ",
    CheckState.UNCHECKED: "not checked: ",
}

_ALWAYS = frozenset({"period", "records.root", "terms.sources"})
"""Checks that a short report shows though they passed."""

_HEADLINE = {
    Verdict.TRUSTED: "TRUSTED",
    Verdict.VALID: "VALID, but your trust file does not know who signed",
    Verdict.INCOMPLETE: "INCOMPLETE: something needed to decide is missing",
    Verdict.INVALID: "INVALID",
}

_MEANING = {
    Verdict.TRUSTED: "Every check that has to be made was made and holds, and the trust file it "
    "was judged by believes whoever signed. What is only stated nobody checked: it is their word.",
    Verdict.VALID: "It fits together, but anybody could have made it: the trust file it was judged "
    "by does not believe whoever signed.",
    Verdict.INCOMPLETE: "Something needed to decide was not there or was not read. The checks "
    "name it.",
    Verdict.INVALID: "Something differs, has run out, was taken back or is forged. The checks "
    "name it.",
}


_TAKEN_BACK = (
    "VALID, but a right that it rests on was taken back later",
    "It fits together, and its rights held when it was made; one was taken back: see `rights`.",
)
_BASE_RIGHTS = (
    "VALID, but it recorded no right to what a model before it learned from",
    "It fits together, and the rights to its own data hold; see `rights` for the other data.",
)
_UNKNOWN_RIGHTS = (
    "VALID, but your trust file does not know who permitted it",
    "It fits together, but the trust file does not believe whoever gave the rights it rests on.",
)
_RIGHTS = ("rights", "deployment.rights")
_SOURCES = (
    "VALID, but what its first publisher permits is not known to you",
    "It fits together, but what the first publisher permits, nobody says whom you believe.",
)
_UNMEASURED = (
    "VALID, but what was measured was not measured again",
    "Whoever signed is believed, but nobody measured again what anybody who has the data can.",
)


def headline(report: Report) -> str:
    """Return the verdict in words, with the checks that decided it."""
    more = ""
    if report.verdict is Verdict.INVALID:
        failures = [check.id for check in report.checks if check.state is CheckState.FAIL]
        more = f": {pluralize(len(failures), 'check')} failed: {', '.join(failures)}"
    elif report.verdict is Verdict.INCOMPLETE:
        open_ones = [check.id for check in report.checks if check.state is CheckState.UNCHECKED]
        more = f": not checked: {', '.join(open_ones)}" if open_ones else ""
    elif rights_alone(report) is not None:
        return _of_rights(report)[0]
    elif _sources_alone(report):
        return _SOURCES[0]
    elif said := [check.id for check in report.checks if check.state is CheckState.STATED]:
        more = f"; stated, not checked: {', '.join(said)}"
    return (_UNMEASURED[0] if only_unmeasured(report) else _HEADLINE[report.verdict]) + more


def meaning(report: Report) -> str:
    """Return what the verdict means, in a sentence or two."""
    if only_unmeasured(report):
        return _UNMEASURED[1]
    if _sources_alone(report):
        return _SOURCES[1]
    return _MEANING[report.verdict] if rights_alone(report) is None else _of_rights(report)[1]


def rights_alone(report: Report) -> Check | None:
    """Return the check of rights if it alone keeps a report from ``trusted``, else None."""
    doubts = _distrusted(report)
    alone = report.verdict is Verdict.VALID and len(doubts) == 1 and doubts[0].id in _RIGHTS
    return doubts[0] if alone else None


def _sources_alone(report: Report) -> bool:
    doubts = [check.id for check in _distrusted(report)]
    return report.verdict is Verdict.VALID and doubts == ["terms.sources"]


def only_unmeasured(report: Report) -> bool:
    """Return whether all that keeps a report from ``trusted`` is that nothing was measured."""
    return report.verdict is Verdict.VALID and not _distrusted(report)


def _distrusted(report: Report) -> list[Check]:
    return [
        check
        for check in report.checks
        if check.id in TRUST_CHECKS and check.state in {CheckState.WARN, CheckState.UNCHECKED}
    ]


def was_taken_back(check: Check | None) -> bool:
    """Return whether a check `rights` says that a right was taken back later."""
    return check is not None and check.detail.get("reason") == "taken-back-later"


def lacks_base_rights(check: Check | None) -> bool:
    """Return whether a check `rights` says that those to the data of a base were not recorded."""
    return check is not None and str(check.detail.get("reason", "")).startswith("base-")


def _of_rights(report: Report) -> tuple[str, str]:
    check = rights_alone(report)
    if lacks_base_rights(check):
        return _BASE_RIGHTS
    return _TAKEN_BACK if was_taken_back(check) else _UNKNOWN_RIGHTS


def words(check: Check) -> str:
    """Return what a check found, as a line of a report says it."""
    return _BEFORE.get(check.state, "") + check.summary


def is_always_shown(check: Check) -> bool:
    """Return whether a short report shows a check though it passed.

    How long it is valid, whose the data was first, how many records were counted, and that a key
    was stolen later decide what something is worth to whoever reads no more.
    """
    return check.state is CheckState.PASS and (check.id in _ALWAYS or names_compromised(check))


def names_compromised(check: Check) -> bool:
    """Return whether a check says of a key that it was compromised."""
    return check.detail.get("standing") == KeyStatus.COMPROMISED.value


def signed_by(report: Report) -> str:
    """Return who issued or signed the subject, as a report names them."""
    return report.issuer or "nobody named"
