"""Output of a verification report: on the terminal, and to a file."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lyrikstore import __version__
from lyrikstore.api.commands import ROLES
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, NotFoundError
from lyrikstore.canon.files import create_file, real_path
from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore.verify.report import ACCEPTED, Check, CheckState, Report, Verdict
from lyrikstore.verify.report_text import (
    SYMBOL,
    became_of_right,
    headline,
    is_always_shown,
    lacks_base_rights,
    names_compromised,
    only_unmeasured,
    rights_alone,
    signed_by,
    standing_line,
    words,
)
from lyrikstore_cli.exits import VERDICT
from lyrikstore_cli.options import exists, write_over
from lyrikstore_cli.output.screen import Screen, json_text
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import Trust

_SHOWN = (CheckState.FAIL, CheckState.UNCHECKED, CheckState.WARN)
"""States whose checks are shown without ``--verbose``, in this order."""

_OF_DEPLOYED = ("manifest.signature", "deployment.made-from", "deployment.approval")
"""Checks of a deployed folder that are also shown where they passed."""

_DECISIVE = {CheckState.FAIL, CheckState.UNCHECKED, CheckState.WARN}

_STYLE = {
    Verdict.TRUSTED: "bold green",
    Verdict.VALID: "bold yellow",
    Verdict.INCOMPLETE: "bold yellow",
    Verdict.INVALID: "bold red",
}

_PRESENTED = {
    "grant": "a licence grant about ",
    "attestation": "an attestation about ",
    "terms": "the terms of ",
}
"""Check that only one kind of credential has → the words for that kind."""

_ALIKE = 3
"""At most so many checks with the same result have a line each; --json has all."""

_KEPT = (".html", ".json")

_NO_FRESH_LIST = {"no-list", "expired-list", "stale-list"}


def show_report(session: Session, report: Report) -> int:
    """Print a report and return its exit code.

    The verdict is the last line, so that a long list of checks cannot hide it; with ``--quiet`` it
    is the only one. Checks that passed are counted, except those that the verdict depends on; of
    the limits ("not proven") the first is shown. ``--verbose`` shows all.
    """
    session.emit("verify", report.to_json(), version=2)
    screen = session.screen
    if not screen.quiet:
        _show_checks(screen, report)
    screen.result(headline(report), _STYLE[report.verdict.with_data])
    for line in _next_steps(report):
        screen.hint(line)
    return VERDICT[report.verdict.value]


def _show_checks(screen: Screen, report: Report) -> None:
    profile = f", profile {report.profile}" if report.profile else ""
    by = f"{signed_by(report)}{_called(report)}"
    screen.result(f"{report.subject}  by {by}, at {report.at}{profile}")
    standing = standing_line(report)
    if standing is not None:
        screen.result(f" – {standing}")
    for part in report.parts:
        made = {check.id for check in part.checks}
        what = next((words for check, words in _PRESENTED.items() if check in made), "")
        screen.result(f"   presents {what}{part.subject}  by {signed_by(part)}: {part.verdict}")
        for check in part.checks:  # --json has its own report; here only the decisive checks
            if check.state in _DECISIVE or names_compromised(check):
                screen.result(f"     {SYMBOL[check.state]} {check.id}  {words(check)}")
    width = max(len(check.id) for check in report.checks)
    alike = Counter(map(words, report.checks))
    for check in _looked_at(report, verbose=screen.verbose):
        _show_check(screen, check, width, alike)
    _count_passed(screen, report)
    # Claims that are only stated come after all that was checked.
    for check in report.checks:
        if check.state is CheckState.STATED:
            _show_check(screen, check, width, alike)
    # The most important limit is the first.
    unproven = report.not_proven if screen.verbose else report.not_proven[:1]
    for line in unproven:
        screen.result(f" – not proven: {line}", "dim")
    if rest := len(report.not_proven) - len(unproven):
        screen.result(f" – not proven: {rest} more, which -v shows", "dim")


def _called(report: Report) -> str:
    """Return the issuer's name in the trust file in brackets; empty if it is not trusted."""
    known = _check(report, "trust.issuer")
    nickname = None if known is None else known.detail.get("nickname")
    if nickname is None or known is None or known.state is not CheckState.PASS:
        return ""
    return f" ({escape_control(str(nickname))})"


def _show_check(screen: Screen, check: Check, width: int, alike: Counter[str]) -> None:
    count = alike[words(check)]
    if count > _ALIKE:  # the same result for all, such as that the credential is malformed
        alike[words(check)] = -1
    if count >= 0:
        name = f"{count} checks" if count > _ALIKE else check.id
        screen.result(f" {SYMBOL[check.state]} {name:<{width}}  {words(check)}")


def _looked_at(report: Report, *, verbose: bool) -> list[Check]:
    """Return the checks that have a line, without those that are only stated."""
    if verbose:
        return [check for check in report.checks if check.state is not CheckState.STATED]
    found = [check for state in _SHOWN for check in report.checks if check.state is state]
    # Who signed a deployed folder and what it was made from: no other document shows it.
    deployed = any(check.id == "deployment.files" for check in report.checks)
    more = _OF_DEPLOYED if deployed else ()
    return found + [
        check
        for check in report.checks
        if is_always_shown(check) or (check.id in more and check.state in ACCEPTED)
    ]


def _count_passed(screen: Screen, report: Report) -> None:
    states = Counter(check.state for check in report.checks)
    if states[CheckState.PASS] and not screen.verbose:
        nothing = states[CheckState.NOT_APPLICABLE]
        more = f", {nothing} not applicable" if nothing else ""
        good = pluralize(states[CheckState.PASS], "check")
        screen.result(f" {SYMBOL[CheckState.PASS]} {good} passed{more}; -v shows them")


def reasons(report: Report) -> set[str]:
    """Return the reason codes of checks that did not pass, in a report and its parts."""
    return {str(check.detail.get("reason", "")) for check in _all_checks(report)}


def catch_up(report: Report) -> Iterator[str]:
    """Yield hints for a clone whose log is behind what was seen or signed of it."""
    for check in _all_checks(report):
        if check.detail.get("reason") != "behind":
            continue
        if check.detail["next"] == "push":
            yield "finish the interrupted push, and fetch newer entries: lyrikstore push"
            continue
        yield "fetch the newer entries: lyrikstore pull"
        if check.detail["unseen"]:
            yield "if there are none, run lyrikstore push in the clone whose push was interrupted"


def _next_steps(report: Report) -> Iterator[str]:
    if "missing-extra" in reasons(report):
        yield "pip install 'lyrikstore[jsonld]'"
    if "unproven-policy" in reasons(report):
        yield "ask the store's owner for its key statements: lyrikstore key statements -o FOLDER"
    if not reasons(report).isdisjoint(_NO_FRESH_LIST):
        yield "get the issuer's newest status lists: --fetch, or --status FILE or FOLDER"
    if "other-version" in reasons(report):
        yield "ask its publisher for a grant for the version that you have"
    if any(check.id == "grant.terms" and _is_missing(check) for check in _all_checks(report)):
        yield "put the dataset credential that it names beside it: credential.json of that delivery"
    elif any(map(_is_missing, _all_checks(report))):
        yield "ask whoever gave it to you for the missing files, and put them beside it"
    yield from _changed_in_transit(report)
    if "altered" in reasons(report):
        yield "ask whoever gave it to you for the original licence text; do not rely on this one"
    if only_unmeasured(report) and "not-recomputed" in reasons(report):
        yield "to compute the measured claims again, leave out --no-recompute"
    yield from to_believe(report)
    yield from _to_believe_who_attests(report)


def _changed_in_transit(report: Report) -> Iterator[str]:
    details = [check.detail for check in _all_checks(report) if check.id == "data.files"]
    differs = [item for detail in details for item in _listed(detail.get("differs"))]
    first = next((item["path"] for item in differs if item.get("reason") == "line-ends"), None)
    if first is not None:
        yield (
            f"{first} differs only in its line ends, as after Git or FTP on Windows: copy the "
            "folder without conversion, such as in a ZIP archive"
        )
    if any("unicodeForm" in detail for detail in details):
        yield (
            "names have another Unicode form, as after macOS: copy the folder with a program that "
            "does not change names, such as in a ZIP archive"
        )


def _listed(items: object) -> list[dict[str, object]]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def to_believe(report: Report) -> Iterator[str]:
    """Yield how to trust the issuer, if the report lacks only that."""
    if not report.issuer or report.verdict.with_data is not Verdict.VALID:
        return
    if only_unmeasured(report):
        return
    if (rights := rights_alone(report)) is not None:  # the issuer is trusted
        yield from _about_rights(rights)
        return
    who = _founder(report) or report.issuer
    add = f"lyrikstore trust add {who} --name NICKNAME{_as_what(report)}"
    if not who.startswith("did:web:"):
        yield f"compare the key with one from another source, then: {add}"
    elif any(
        check.id == "issuer.document" and check.state is CheckState.WARN for check in report.checks
    ):
        yield f"get its DID document from its owner: {add} --did-document FILE; or use --fetch"
    else:
        yield f"if you know the owner of that name: {add}"


def _founder(report: Report) -> str | None:
    """Return the founder of the store, where the founder is to be trusted, not a writer."""
    found = _check(report, "store.genesis")
    founder = None if found is None else found.detail.get("founder")
    return founder if isinstance(founder, str) else None


def _about_rights(rights: Check) -> Iterator[str]:
    later = became_of_right(rights)
    if later == "taken-back-later":
        yield "ask the issuer who revoked the right what that means for models made before"
    elif later == "ended-later":
        yield (
            "ask the issuer of the right what its end means for models made before; if it was "
            "renewed, import the renewal: lyrikstore import DELIVERY"
        )
    if lacks_base_rights(rights):
        yield "train again: a new run checks these rights and records them"
    unknown = rights.detail.get("unbelieved")
    for issuer in unknown if isinstance(unknown, list) else ():
        yield (
            "if you know that issuer from another source: "
            f"lyrikstore trust add {issuer} --name NICKNAME"
        )


def _to_believe_who_attests(report: Report) -> Iterator[str]:
    said = _check(report, "attestations")
    if report.verdict is not Verdict.TRUSTED or said is None or said.state is not CheckState.WARN:
        return
    made = said.detail.get("attestations")
    unknown = {
        (str(one.get("issuer")), str(one.get("kind")))
        for one in (made if isinstance(made, list) else [])
        if isinstance(one, dict) and one.get("verdict") == Verdict.VALID.value
    }
    for issuer, kind in sorted(unknown)[:_ALIKE]:
        yield (
            f"if you know the issuer of the attestation ({kind}) from another source: "
            f"lyrikstore trust add {issuer} --name NICKNAME --role {_role(kind)}"
        )


def _check(report: Report, check_id: str) -> Check | None:
    return next((check for check in report.checks if check.id == check_id), None)


def _all_checks(report: Report) -> list[Check]:
    return [check for one in (report, *report.parts) for check in one.checks]


def _is_missing(check: Check) -> bool:
    reason = check.detail.get("reason")
    return check.state is CheckState.UNCHECKED and reason in ("missing-file", "missing", "unlogged")


def _as_what(report: Report) -> str:
    """Return the option that trusts an issuer of attestations for these alone."""
    said = _check(report, "attestation")
    statement = said.detail.get("statement") if said is not None else None
    if not isinstance(statement, dict):
        return ""
    return f" --role {_role(statement.get('kind'))}"


def _role(kind: object) -> str:
    """Return the role that includes attestations of a kind."""
    return next((role for role, claims in ROLES.items() if kind in claims), "auditor")


def check_kept(path: Path, verified: Iterable[Path], *, force: bool) -> None:
    """Raise an error if the report cannot be written to ``path``; called before the verification.

    Args:
        path: The file.
        verified: The existing folders and files that are verified.
        force: Whether an existing file may be replaced; a verified one never is.

    Raises:
        click.UsageError: The file has another ending, or is in what is verified.
        NotFoundError: (``no-folder``) The folder does not exist.
        ConflictError: (``exists``) The file exists.
    """
    if path.suffix not in _KEPT:
        raise click.UsageError(
            f"--report writes a page (FILE.html) or JSON (FILE.json), not {path.name}"
        )
    if path.is_dir() or not path.parent.is_dir():
        raise NotFoundError("no-folder", f"there is no folder for {path}", hint="create it first")
    # Compared by the file system: links are followed, and the case of names may differ.
    real = real_path(path)
    places = [one for one in (real, *real.parents) if one.exists()]
    for place in verified:
        if any(one.samefile(place) for one in places):
            raise click.UsageError(
                f"--report {path} is inside {place}, which is verified: name another file"
            )
    if not force and os.path.lexists(path):
        raise exists(path)


def keep_report(path: Path, report: Report, trust: "Trust", *, force: bool) -> None:
    """Write a report with the program and the trust file behind it (spec §11.1).

    :func:`check_kept` is called before the verification.
    """
    from lyrikstore.api.commands import encode_trust

    tool = f"lyrikstore {__version__}"
    trust_id = Digest.of(encode_trust(trust))
    if path.suffix == ".html":
        from lyrikstore.api.commands import report_facts, report_page

        data = report_page(report_facts(report, trust=str(trust_id)), tool=tool)
    else:
        judged = {"tool": tool, "trust": str(trust_id), "report": report.to_json()}
        document = {"version": 2, **judged}
        data = (json_text(document, indent=2) + "\n").encode()
    try:
        (write_over if force else create_file)(path, data)
    except FileExistsError:
        raise exists(path) from None  # since the check
    except OSError as error:
        raise InvalidInputError("unwritable", f"cannot write {path}: {error.strerror}") from None
