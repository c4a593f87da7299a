"""Reading a page back: it is drawn again, and its facts are gathered again (spec §25.3).

ATTACK A206: an edited page. ATTACK A207: a page with the facts of another store. ATTACK A208: a
page whose text says something else than its facts. Nothing in a page is believed: a page is not
signed, so its verdict is never better than that of the object that it is about.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import ValidationError
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError, LyrikstoreError, NotFoundError
from lyrikstore.canon.json import JSON
from lyrikstore.canon.quoting import quote
from lyrikstore.context import StoreContext
from lyrikstore.credentials.trust import Trust
from lyrikstore.pages.kinds import KINDS, Judged, letter_of_key, verify_again
from lyrikstore.verify.problems import Problems
from lyrikstore.verify.report import Check, CheckState, Report, Verdict, failed, passed, unchecked
from lyrikstore.verify.store.readers import NO_READERS, Readers
from lyrikstore.web.html import style_policy
from lyrikstore.web.page_facts import RENDERER, TOOL, PageFacts, read_page
from lyrikstore.web.pages.report import report_facts

_MALFORMED = (
    *(KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError),
    *(RecursionError, StopIteration, ValidationError, LyrikstoreError),
)

_HUGE = re.compile(r"\s*[-+]?[\d._]+[eE][-+]?[\d_]{3,}\s*")
"""A number whose digits could fill the memory, in every spelling that ``Decimal`` reads."""

_A_TOOL = re.compile(r"lyrikstore [0-9][0-9A-Za-z.+-]{0,40}")

_NO_STORE = "a page is not signed: name the store that it is about, --store PATH"


def verify_page(
    data: bytes,
    *,
    context: StoreContext | None,
    trust: Trust | None = None,
    at: datetime,
    readers: Readers = NO_READERS,
) -> Report:
    """Return the report on a page of one object.

    Args:
        data: The bytes of the file.
        context: The store that it is judged by; None: there is none, and the verdict is at best
            ``incomplete``.
        trust: The verifier's trust; by default that of the user of the store.
        at: The moment of the verdict.
        readers: As for :func:`lyrikstore.verify.store.object.verify_object`.

    Raises:
        StorageError: The disk cannot be read. Errors of the page are in the report.

    Cost: of the object as :func:`verify_object`; of a profile also one read of its data.
    """
    drawn, page = check_drawing(data)
    subject = str(Digest.of(data)) if page is None else _subject(page, data)
    missing = "the store was not looked at"
    if page is None or drawn.state is not CheckState.PASS:
        made = [drawn, unchecked("page.current", "not-read", missing)]
        return Report.of("page", made, subject=subject, issuer=None, at=at)
    stated = page.facts.get("store")
    if context is None:
        drawn = unchecked("page", "no-store", f"{drawn.summary}; {_NO_STORE}")
    elif stated is not None and stated != str(context.id):
        drawn = unchecked("page", "another-store", f"it is about store {quote(str(stated))}, not "
                          f"{context.id.short}: name that store, --store PATH")  # fmt: skip
    if context is None or drawn.state is not CheckState.PASS:
        made = [drawn, unchecked("page.current", "no-store", missing)]
        return Report.of("page", made, subject=subject, issuer=None, at=at)
    context = context.afresh(trust=trust, at=at)  # no cache is evidence
    return _beside(context, page, drawn, subject, readers)


def check_drawing(data: bytes) -> tuple[Check, PageFacts | None]:
    """Return the check ``page`` of the bytes alone, and what the page carries, if it is readable.

    It passes if the bytes are those that its facts give, and fails (``edited``) if not. Of a page
    of another renderer it is not known.
    """
    try:
        page = read_page(data)
    except LyrikstoreError as error:
        return failed("page", "edited", f"its facts cannot be read: {quote(error.message)}"), None
    kind = KINDS.get(page.kind)
    if kind is None or page.renderer != RENDERER:
        drawn_by = quote(f"{page.renderer} of {page.tool}")
        return unchecked(
            "page", "other-renderer", f"it was drawn by {drawn_by}, this is {RENDERER} of {TOOL}"
        ), page
    try:
        _refuse_huge(page.facts)
        again = kind.draw(page.facts, tool=page.tool)
    except _MALFORMED as error:
        text = f"its facts are not those of a page of kind {page.kind}: {quote(str(error))}"
        return failed("page", "edited", text), page
    if again == data and not _A_TOOL.fullmatch(page.tool):
        # ATTACK A215: words that a page shows, and that no store can confirm.
        text = f"it names a tool of another kind: {quote(page.tool, 80)}"
        return unchecked("page", "other-renderer", text), page
    if again == data:
        try:
            return _of_a_key(page), page
        except _MALFORMED as error:
            text = f"its key cannot be read: {quote(str(error))}"
            return failed("page", "differs", text), page
    if page.tool != TOOL or style_policy().encode() not in data:
        text = f"it was drawn by {quote(page.tool)}, which may draw other bytes than {TOOL}"
        return unchecked("page", "other-renderer", text), page
    return failed("page", "edited", f"it differs from what its facts give: {_edit(data, again)}",
                  ), page  # fmt: skip


def _of_a_key(page: PageFacts) -> Check:
    """Return the check of a page that its facts give; those of a letter follow from its key."""
    if page.kind == "letter":
        wanted = letter_of_key(page.facts)
        if where := first_difference({name: page.facts.get(name) for name in wanted}, wanted):
            return failed("page", "differs", f"its key gives other words: {where}")
    return passed("page", "it is what its facts give")


def _beside(
    context: StoreContext, page: PageFacts, drawn: Check, subject: str, readers: Readers
) -> Report:
    kind, problems = KINDS[page.kind], Problems("page.current")
    judged: Judged | None = None
    try:
        judged = kind.judge(context, page.facts)
        drawn = _compare(page, judged)
        problems.warnings += judged.since
    except (IncompleteError, NotFoundError) as error:
        text = f"{quote(error.message, 300)}; a newer copy of the store may have it"
        drawn = unchecked("page", _reason(error), text)
        problems.lost.append("the object cannot be read")
    except _MALFORMED as error:
        what = error.message if isinstance(error, LyrikstoreError) else str(error)
        drawn = unchecked(
            "page", "not-here", f"its facts cannot be gathered again: {quote(what, 300)}"
        )
        problems.lost.append("its facts cannot be gathered again")
    if judged is None:
        made = [drawn, problems.close("")]
        return Report.of("page", made, subject=subject, issuer=None, at=context.clock())
    report = verify_again(context, judged.object, readers)
    if page.kind == "report" and (then := page.facts["report"]["verdict"]) != str(report.verdict):
        problems.warnings.append(f"its verdict is {report.verdict} by now, not {quote(str(then))}")
    elif page.kind == "report" and (where := report_difference(page.facts["report"], report)):
        problems.warnings.append(f"its report is another one by now: {where}")
    made = [drawn, problems.close("compared with all current entries of the log")]
    mine = Report.of("page", made, subject=subject, issuer=report.issuer, at=context.clock())
    order = list(Verdict)
    worst = order[min(order.index(mine.verdict), order.index(report.verdict))]
    not_proven = tuple(dict.fromkeys((*mine.not_proven, *report.not_proven)))
    return replace(
        report,
        verdict=worst,
        checks=(*mine.checks, *report.checks),
        subject=subject,
        not_proven=not_proven,
    )


def _compare(page: PageFacts, judged: Judged) -> Check:
    held = {name: page.facts.get(name) for name in judged.facts}
    # What the page holds, in the form in which it would carry it again.
    again = PageFacts.of(page.kind, judged.facts, page.tool).facts
    where = first_difference(held, again)
    extra = sorted(page.facts.keys() - judged.facts.keys())
    if where or extra:
        text = where or f"{quote(extra[0])} is not a fact of it"
        return failed("page", "differs", f"it differs from this store: {text}")
    return passed("page", "it is what its facts give, and its facts are those of this store")


def report_difference(then: JSON, now: Report) -> str:
    """Return the first difference of the report of a page and one made now, but for its moment."""
    again: Any = report_facts(now, trust="")["report"]
    return first_difference(then, {**again, "at": then["at"] if isinstance(then, dict) else None})


def first_difference(one: JSON, other: JSON, path: str = "") -> str:
    """Return the first difference of two facts in words; empty if they are equal.

    Args:
        one: The facts of a page.
        other: Those of a store.
        path: The place of both.
    """
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted({*one, *other}):
            if name not in one or name not in other:
                where = "the page" if name in one else "the store"
                return f"{quote(f'{path}{name}')} is only in {where}"
            if found := first_difference(one[name], other[name], f"{path}{name}."):
                return found
        return ""
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True), 1)
        all_found = (first_difference(a, b, f"{path}{at}.") for at, (a, b) in pairs)
        return next(filter(None, all_found), "")
    if one == other and type(one) is type(other):
        return ""
    return f"{quote(path.rstrip('.'))} is {_said(one)} on the page, {_said(other)} in the store"


def _said(value: JSON) -> str:
    if isinstance(value, list | dict):
        return f"a list of {len(value)}" if isinstance(value, list) else f"{len(value)} members"
    return quote(str(value), 80)


def _edit(data: bytes, again: bytes) -> str:
    """Return the first line of a page that differs; a line ends where an element begins."""
    lines, others = ([*one.decode("utf-8", "replace").replace("<", "\n<").split("\n"), ""]
                     for one in (data, again))  # fmt: skip
    pairs = enumerate(zip(lines, others, strict=False))
    at = next((n for n, (a, b) in pairs if a != b), min(len(lines), len(others)) - 1)
    here, there = lines[at], others[at]
    start = next((n for n, (a, b) in enumerate(zip(here, there, strict=False)) if a != b), 0)
    start = max(0, start - 60) if min(len(here), len(there)) > 160 else 0
    here, there = (one[start : start + 160] for one in (here, there))
    return f"{quote(here, 160)} where they give {quote(there, 160)}"


def _refuse_huge(value: JSON) -> None:
    if isinstance(value, str):
        if _HUGE.fullmatch(value):
            raise ValueError("a number is too large")
    elif isinstance(value, Mapping):
        for one in value.values():
            _refuse_huge(one)
    elif isinstance(value, list):
        for one in value:
            _refuse_huge(one)


def _reason(error: LyrikstoreError) -> str:
    return "not-here" if isinstance(error, NotFoundError) else "lost"


def _subject(page: PageFacts, data: bytes) -> str:
    """Return what the page is about: an id, a key, or what its report was about."""
    about: Any = page.facts
    if page.kind == "report":
        about = (
            {"id": about["report"].get("subject")} if isinstance(about.get("report"), dict) else {}
        )
    found = about.get("id", about.get("did"))
    return quote(found) if isinstance(found, str) else str(Digest.of(data))
