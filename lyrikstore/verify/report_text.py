"""The text of a report, the same on a terminal and on a page."""

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

_ALWAYS = frozenset({"card.approval", "period", "records.root", "terms.sources"})
"""Checks that a short report shows even if they passed."""

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
    Verdict.INVALID: "Something differs, has run out, was revoked or is forged. The checks "
    "name it.",
}


_BASE_RIGHTS = (
    "VALID, but it recorded no right to what a model before it learned from",
    "It fits together, and the rights to its own data hold; see `rights` for the other data.",
)
_LATER = {
    "taken-back-later": (
        "VALID, but a right that it rests on was revoked later",
        "It fits together, and its rights held when it was made; one was revoked: see `rights`.",
    ),
    "ended-later": (
        "VALID, but a right that it rests on has ended since",
        "It fits together, and its rights held when it was made; one has ended: see `rights`.",
    ),
}
_UNKNOWN_RIGHTS = (
    "VALID, but your trust file does not know who permitted it",
    "It fits together, but the trust file does not believe whoever gave the rights it rests on.",
)
_REDISTRIBUTED = (
    "VALID, but what its first publisher permits is not known to you",
    "It fits together, but what the first publisher permits, nobody says whom you believe.",
)
_SOURCES = {
    "not-deleted": (
        "VALID, but its terms have ended and require that it be deleted",
        "It fits together, but the terms of data that is in it have ended: see `rights.sources`.",
    ),
    "not-logged": (
        "VALID, but nothing here shows who published its data",
        "It fits together, but no credential of whoever published its data is here.",
    ),
}
_UNKNOWN_SOURCES = (
    "VALID, but your trust file does not know who published its data",
    "It fits together, but the trust file does not believe whoever published data that is in it.",
)
_RIGHTS = ("rights", "deployment.rights", "rights.sources")
_UNMEASURED = (
    "VALID, but what was measured was not measured again",
    "Whoever signed is believed, but nobody measured again what anybody who has the data can.",
)

_PAST = (
    "VALID, but what it says is no longer so: see page.current",
    "It fits together, and its object holds; what is different by now, `page.current` says.",
)


_WITHOUT_DATA = "everything that can be checked without the data holds"
_MEANING_WITHOUT = (
    "Everything that can be checked without the data holds. What rests on content that this copy "
    "leaves out was not checked: the checks name it."
)


def headline(report: Report) -> str:
    """Return the verdict as text, with the checks that decided it."""
    found = _headline(report)
    if not report.verdict.is_without_data:
        return found
    left_out = ", ".join(check.id for check in report.left_out)
    return f"{_WITHOUT_DATA} ({found}); left out: {left_out}"


def _headline(report: Report) -> str:
    more = ""
    if report.verdict is Verdict.INVALID:
        failures = [check.id for check in report.checks if check.state is CheckState.FAIL]
        more = f": {pluralize(len(failures), 'check')} failed: {', '.join(failures)}"
    elif report.verdict is Verdict.INCOMPLETE:
        open_ones = [check.id for check in report.checks if check.state is CheckState.UNCHECKED]
        more = f": not checked: {', '.join(open_ones)}" if open_ones else ""
    elif _is_past(report):
        return _PAST[0]
    elif rights_alone(report) is not None:
        return _of_rights(report)[0]
    elif _sources_alone(report):
        return _REDISTRIBUTED[0]
    elif said := [check.id for check in report.checks if check.state is CheckState.STATED]:
        more = f"; stated, not checked: {', '.join(said)}"
    verdict = report.verdict.with_data
    return (_UNMEASURED[0] if only_unmeasured(report) else _HEADLINE[verdict]) + more


def meaning(report: Report) -> str:
    """Return the meaning of the verdict, in a few sentences."""
    if report.verdict is Verdict.TRUSTED_WITHOUT_DATA:
        return f"{_MEANING_WITHOUT} The trust file it was judged by believes whoever signed."
    if report.verdict is Verdict.VALID_WITHOUT_DATA:
        return f"{_MEANING_WITHOUT} {_meaning(report)}"
    return _meaning(report)


def _meaning(report: Report) -> str:
    if _is_past(report):
        return _PAST[1]
    if only_unmeasured(report):
        return _UNMEASURED[1]
    if _sources_alone(report):
        return _REDISTRIBUTED[1]
    if rights_alone(report) is None:
        return _MEANING[report.verdict.with_data]
    return _of_rights(report)[1]


def rights_alone(report: Report) -> Check | None:
    """Return the check of rights if only this check prevents ``trusted``, else None."""
    warnings = _distrusted(report)
    alone = _is_valid(report) and len(warnings) == 1 and warnings[0].id in _RIGHTS
    return warnings[0] if alone else None


def _sources_alone(report: Report) -> bool:
    warnings = [check.id for check in _distrusted(report)]
    return _is_valid(report) and warnings == ["terms.sources"]


def only_unmeasured(report: Report) -> bool:
    """Return whether only missing measurements prevent ``trusted``."""
    return _is_valid(report) and not _distrusted(report)


def _is_past(report: Report) -> bool:
    """Return whether a page says what is no longer so, and whoever signed its object is trusted."""
    said = (check for check in report.checks if check.id == "page.current")
    return only_unmeasured(report) and any(one.state is CheckState.WARN for one in said)


def _is_valid(report: Report) -> bool:
    return report.verdict.with_data is Verdict.VALID


def _distrusted(report: Report) -> list[Check]:
    return [
        check
        for check in report.checks
        if check.id in TRUST_CHECKS
        and check.state in {CheckState.WARN, CheckState.UNCHECKED}
        and (check not in report.left_out or "warnings" in check.detail)
    ]


def became_of_right(check: Check | None) -> str | None:
    """Return the first code that a rights check reports about a right that was valid, or None."""
    reason = None if check is None else check.detail.get("reason")
    return reason if isinstance(reason, str) and reason in _LATER else None


def lacks_base_rights(check: Check | None) -> bool:
    """Return whether the rights to a base model's data were not recorded, by a check `rights`."""
    return check is not None and str(check.detail.get("reason", "")).startswith("base-")


def _of_rights(report: Report) -> tuple[str, str]:
    check = rights_alone(report)
    if check is not None and check.id == "rights.sources":
        return _SOURCES.get(str(check.detail["reason"]), _UNKNOWN_SOURCES)
    if lacks_base_rights(check):
        return _BASE_RIGHTS
    later = became_of_right(check)
    return _UNKNOWN_RIGHTS if later is None else _LATER[later]


def standing_line(report: Report) -> str | None:
    """Return the line on whether the issuer or publisher stands by the subject, or None."""
    standing = report.standing
    if standing is None:
        return None
    whose = "publisher of its data" if report.profile is None else "issuer"
    since = standing["asOf"]
    if since is None:
        return f"whether the {whose} still stands by it is not known: no status list says so"
    return (
        f"whether the {whose} still stands by it is not known since {since}, when the newest "
        "status list here was made"
    )


def words(check: Check) -> str:
    """Return the result of a check as a line of a report."""
    return _BEFORE.get(check.state, "") + check.summary


def is_always_shown(check: Check) -> bool:
    """Return whether a short report shows a check even though it passed.

    The reader of a short report needs these facts: until when the subject is valid, who approved
    it, who published the data first, how many records were counted, and that a key was stolen
    later.
    """
    return check.state is CheckState.PASS and (check.id in _ALWAYS or names_compromised(check))


def names_compromised(check: Check) -> bool:
    """Return whether a check reports that a key was compromised."""
    return check.detail.get("standing") == KeyStatus.COMPROMISED.value


def signed_by(report: Report) -> str:
    """Return the issuer or signer of the subject, as a report names them."""
    return report.issuer or "nobody named"
