"""The table of all pages that lyrikstore writes, each made of facts, plain or hostile ones."""

import json
import re
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from lyrikstore.audit.file.container import write_page
from lyrikstore.publish.cards.document import CardDocument
from lyrikstore.publish.cards.rendering.page import to_html
from lyrikstore.publish.identity.key_letter import letter_page
from lyrikstore.verify.report import Report, Verdict, failed, passed, unchecked, warned
from lyrikstore.web import Carried, verification_page
from lyrikstore.web.pages.draft import draft_page
from lyrikstore.web.pages.evaluation import evaluation_facts, evaluation_page
from lyrikstore.web.pages.monitor import monitor_facts, monitor_page
from lyrikstore.web.pages.plan import plan_page
from lyrikstore.web.pages.profile import profile_facts, profile_page
from lyrikstore.web.pages.report import report_facts, report_page
from lyrikstore.web.pages.review import review_page
from lyrikstore.web.pages.run import run_page
from tests.audit.file.conftest import EVIDENCE
from tests.differential.seeds import spelt
from tests.web.conftest import ATTESTED
from tests.web.draft.drafting import subject_of
from tests.web.page_samples import ABOUT, letter_facts, planned, ran
from tests.web.review.reviewing import folder_of, further, item, questions_of

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = (
    "<img src=x onerror=\"alert('owned')\"><script>alert('owned')</script></style></title>"
    "<svg/onload=alert(1)>]]>--><a href='javascript:alert(1)'>x</a>"
    "\u202egnp.exe\u2066\x1b[2J\x07&lt;" + "a\u0301" * 30 + "\u0300" * 40
)
LONG = "w\u00fcrde" * 2000
EVERY = 5
"""Each so-many-th text has 10,000 characters without a space, too."""

TECHNICAL = re.compile(
    r"-?[\d.,]*|(urn:)?blake3:[0-9a-f]{64}|\d{4}-\d\d-\d\d(T[\d:]{8}Z)?|[0-9a-f]{64}|[a-z-]+/\d+"
)
Facts = Any
Change = Callable[[Facts], Facts]


def plain(facts: Facts) -> Facts:
    """Return the facts as they are."""
    return facts


def hostile(facts: Facts, kept: frozenset[str] = frozenset()) -> Facts:
    """Return the facts with an attack in every text: markup, direction, control characters.

    Args:
        facts: JSON.
        kept: Names of members whose values are words of a format, such as ``state``.
    """
    number = count(1)

    def changed(value: Facts) -> Facts:
        match value:
            case dict():
                return {name: one if name in kept else changed(one) for name, one in value.items()}
            case list() | tuple():
                return type(value)(map(changed, value))
            case str() if not TECHNICAL.fullmatch(value):
                return SCRIPT + (LONG if next(number) % EVERY == 0 else "")
        return value

    return changed(facts)


def example(name: str) -> Facts:
    """Return the example of a command's ``--json``."""
    schema = json.loads((ROOT / "schemas" / "cli" / f"{name}.schema.json").read_text("utf-8"))
    return schema["examples"][0]


def vectors(name: str) -> Facts:
    """Return vectors of evaluations."""
    return json.loads((ROOT / "spec" / "vectors" / "evaluations" / name).read_text("ascii"))


def measured() -> Facts:
    """Return the body of an evaluation with a baseline."""
    return next(one["body"] for one in vectors("bodies.json")["cases"] if "baseline" in one["body"])


def evaluation(change: Callable[..., Facts]) -> bytes:
    """Return the page of an evaluation, with a confusion matrix and failures."""
    body = json.dumps(measured())
    if change is not plain:
        for name in ("lease", "north", "tfidf"):
            body = body.replace(f'"{name}"', json.dumps(SCRIPT))
    failure = {"recordPlace": 3, "record": "00" * 32, "recordAt": "a/b.txt", "probability": "0.9"}
    failure |= {"expected": "deed", "predicted": "lease", "recordText": "Know all men " * 40}
    chosen = {"format": "peft-lora/1", "other": change("a name"), "metrics": {}, "taken": False}
    facts = {
        "id": f"blake3:{'0' * 64}",
        "name": "evaluations/acme/topics",
        "inputs": [("test", "datasets/acme/topics.test")],
        "confusion": {"labels": ["lease", "deed"], "counts": [[9, 1], [3, 40]]},
        "failures": [failure],
        "samples": [failure | {"tokenF1": "0.5", "expectedText": "a lease", "modelText": None}],
    }
    more = {"body": json.loads(body), "chosen": {"metric": "macroF1", "candidates": [chosen]}}
    shown = evaluation_facts(change(facts) | more, **ABOUT, with_data=["texts"])
    return evaluation_page(shown, tool=change("lyrikstore 0"))


def monitor(change: Callable[..., Facts]) -> bytes:
    """Return the page of what was monitored."""
    about = {"id": f"blake3:{'2' * 64}", "created": "2026-11-25T00:00:00Z", "data": "datasets/a/b"}
    rows: list[Facts] = [about | {"body": measured()}]
    for number, case in enumerate(vectors("drift.json")["cases"]):
        one = {"count": 120, "model": {}, **case["body"]}
        one.pop("comparisons", None)
        rows.append(about | {"created": f"2026-{number % 9 + 1:02d}-01T00:00:00Z", "body": one})
    said = [{**one, "data": change(one["data"])} for one in rows]
    model = {"id": f"blake3:{'3' * 64}", "name": change("checkpoints/acme/topics")}
    shown = monitor_facts(model, said, store=ABOUT["store"])
    return monitor_page(shown, tool=change("lyrikstore 0"))


def profile(change: Callable[..., Facts]) -> bytes:
    """Return the page of a profile, with values of the data."""
    facts = example("profile") | {
        "labelCounts": [{"valueText": one, "recordCount": 36} for one in ("lease", "deed")],
        "licenceCounts": [{"valueText": "CC-BY-4.0", "recordCount": 73}],
        "labelConflicts": 1, "conflictPlaces": [{"path": "a/b.txt", "line": 3}],
        "documentsUnread": [{"valueText": "bad-pdf", "recordCount": 1}], "unreadPaths": ["a/c.pdf"],
        "personalFound": [{"valueText": "email", "recordCount": 2}],
    }  # fmt: skip
    shown = profile_facts(change(facts), **ABOUT, with_data=["values", "paths"])
    return profile_page(shown, tool=change("lyrikstore 0"))


PLAN_KEPT = frozenset({"tokensBasis", "expense", "candidate", "plannedOn", "on"})


def plan(change: Callable[..., Facts]) -> bytes:
    """Return the page of a plan."""
    facts = planned() if change is plain else hostile(planned(), PLAN_KEPT)
    return plan_page(facts, tool=change("lyrikstore 0"))


def run(change: Callable[..., Facts]) -> bytes:
    """Return the page of a run."""
    return run_page(change(ran()), tool=change("lyrikstore 0"))


def letter(change: Callable[..., Facts]) -> bytes:
    """Return a letter about a key; hostile: its log has another name."""
    facts = letter_facts()
    return letter_page({**facts, "logKeys": change(facts["logKeys"])}, tool=change("lyrikstore 0"))


def report(change: Callable[..., Facts]) -> bytes:
    """Return the page of a verification."""
    said = change("a sentence")
    checks = (
        passed("format", said, a=said),
        failed("data.files", said, said, problems=[said] * 20),
        warned("quality", said, said),
        unchecked("status", said, said),
    )
    part = Report(Verdict.INVALID, checks[1:2], said, said, said, (said,))
    found = Report(Verdict.INVALID, checks, said, said, said, (said, said), parts=(part,))
    return report_page(report_facts(found, trust=said), tool=said)


CREDENTIAL_KEPT = frozenset(
    ["type", "@context", "id", "cryptosuite", "validFrom", "validUntil", "kind", "role", "created"]
)


def verification(change: Callable[..., Facts]) -> bytes:
    """Return a copy of the verification page with a credential in it, which it judges at once."""
    document = spelt(ATTESTED["credential"])
    if change is not plain:
        document = json.dumps(hostile(json.loads(document), CREDENTIAL_KEPT)).encode()
    return verification_page(Carried({"credential.json": document}))


def audit(change: Callable[..., Facts]) -> bytes:
    """Return an audit file; hostile: what is in it was changed, and its title, too."""
    evidence = EVIDENCE
    if change is not plain:
        evidence = json.dumps(hostile(json.loads(EVIDENCE), frozenset({"format"}))).encode()
    return write_page(evidence, str(change("Audit of it")))


def review(change: Callable[..., Facts]) -> bytes:
    """Return the page of a reviewer."""
    labels = [f"{number} {change('lease')}" for number in range(12)]
    asked = questions_of(
        labels,
        title=change("Leases"),
        asks=change("Is it one?"),
        reasons=(change("wrong"),),
        questions=(further("clear", change("Is it clear?"), "yes", change("no")),),
        highlight=("mietet",),
    )
    fields = change({"text": "Anna mietet.", "page": "4"})
    shown = {"fields": fields, "spans": ((1, 5, "word"),), "by": change("a model")}
    given = ((labels[1],), (labels[2],))
    items = [item(n, "", labels[0], given=given, **shown) for n in range(3)]
    guideline = change("Anna is a name. " * 40)
    return review_page(*folder_of(items, asked, guideline=guideline))


CARD_KEPT = frozenset(
    ["id", "kind", "state", "evidence", "statements", "question", "format", "shows", "digest"]
) | frozenset(["store", "value", "profile", "origin", "counts", "facts", "type", "answeredBy"])


def changed_card(change: Callable[..., Facts], made: CardDocument) -> Facts:
    """Return the contents of a card, its texts changed, whose statements cite much."""
    content = json.loads(json.dumps(made.content))
    cited = [one["id"] for one in content["evidence"]]
    for one in content["statements"]:
        one["evidence"] = list(dict.fromkeys([*one.get("evidence", ()), *cited]))
    return content if change is plain else hostile(content, CARD_KEPT)


def card(change: Callable[..., Facts], made: CardDocument) -> bytes:
    """Return a card as a page."""
    return to_html(changed_card(change, made))


def draft(change: Callable[..., Facts], made: CardDocument) -> bytes:
    """Return the page on which a card is answered."""
    content = changed_card(change, made)
    subject = subject_of(made) | {"name": content["subject"]["name"]}
    return draft_page(content, subject)


PAGES: dict[str, Callable[..., bytes]] = {
    "evaluation": evaluation, "monitor": monitor, "profile": profile,
    "report": report, "verification": verification, "audit": audit,
    "plan": plan, "run": run, "letter": letter,
    "card": card, "draft": draft, "review": review,
}  # fmt: skip
OF_A_CARD = {"card", "draft"}
PROGRAMS = {
    "verification": "document.querySelector('#answer:not([hidden]), #progress.problem') !== null",
    "audit": "document.querySelector('#verdict') !== null",
    "draft": "document.querySelector('#draft-sign, #draft-refused') !== null",
    "review": "document.querySelector('#review-sign, #review-refused') !== null",
}
"""Page with a program → when it has drawn what it shows."""
