"""Pages are read back: edits are found, facts are compared with the store and with today."""

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.digest import Digest
from lyrikstore.curate.profile import profile_version
from lyrikstore.history.commit.policy_change import revoked, with_writer
from lyrikstore.pages import gather, read_back
from lyrikstore.pages.kinds import KINDS
from lyrikstore.pages.read_back import check_drawing, first_difference, verify_page
from lyrikstore.publish.identity.key_letter import KeyLetter, letter_page
from lyrikstore.readers import all_readers
from lyrikstore.testing.keys import key_for, signer_for
from lyrikstore.verify.report import Report, Verdict
from lyrikstore.verify.store.object import verify_object
from lyrikstore.web.page_facts import TOOL, PageFacts, is_page, read_page
from lyrikstore.web.pages.evaluation import evaluation_facts, evaluation_page
from lyrikstore.web.pages.profile import profile_facts, profile_page
from lyrikstore.web.pages.report import report_facts, report_page
from tests.publish.cards.making import policy
from tests.publish.conftest import WORLD, full_chain, untouched_chain
from tests.sweep import thinned
from tests.verify.conftest import world
from tests.web.page_samples import ABOUT, DRAWN, ID, SECRET, evaluated, profiled

__all__ = ["full_chain", "untouched_chain", "world"]


def reason(page: bytes) -> str | None:
    check, _ = check_drawing(page)
    return None if check.state == "pass" else str(check.detail["reason"])


def test_each_kind_has_a_page_here() -> None:
    assert set(DRAWN) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_is_drawn_again_and_holds_no_more_than_it_shows(kind: str) -> None:
    page = DRAWN[kind]()
    assert is_page(page)
    assert reason(page) is None
    assert read_page(page).kind == kind
    assert SECRET.encode() not in page  # neither shown nor carried
    alone = verify_page(page, context=None, at=WORLD.FrozenClock()())
    assert alone.verdict is Verdict.INCOMPLETE
    assert alone.check("page").detail["reason"] == "no-store"


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for name, one in items:
        if isinstance(one, dict | list):
            yield from leaves(one, (*path, name))
        else:
            yield (*path, name), one


@pytest.mark.parametrize("kind", KINDS)
def test_all_that_a_page_carries_it_shows(kind: str) -> None:
    facts = read_page(DRAWN[kind]()).facts
    shown = DRAWN[kind]().partition(b"<script")[0]
    unseen = set()
    for path, one in leaves(facts):
        changed = json.loads(json.dumps(facts))
        place = changed
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = not one if isinstance(one, bool) else 7 if isinstance(one, int) else "17"
        try:
            drawn: bytes = KINDS[kind].draw(changed)
        except (KeyError, TypeError, ValueError, AttributeError, StopIteration):
            continue  # it decides what is drawn
        if drawn.partition(b"<script")[0] == shown:
            unseen.add(".".join(map(str, path)))
    # A count on which a sentence depends: whether there are enough records for a verdict.
    assert unseen <= {"statements.1.body.drift.referenceCount"}


def test_what_was_asked_for_is_shown_and_carried() -> None:
    pages = (
        profile_page(profile_facts(profiled(), **ABOUT, with_data=["values", "paths"])),
        evaluation_page(evaluation_facts(evaluated(), **ABOUT, with_data=["texts"])),
    )
    for page in pages:
        shown, _, carried = page.partition(b'<script type="application/json"')
        assert SECRET.encode() in shown
        assert SECRET.encode() in carried
        assert reason(page) is None


@pytest.mark.parametrize("kind", KINDS)
def test_no_byte_can_be_changed(kind: str) -> None:
    # ATTACK A206: an edited page.
    page = DRAWN[kind]()
    carried = page.index(b"<script")
    for at in thinned(range(len(page)), 60):
        found = reason(page[:at] + bytes([page[at] ^ 1]) + page[at + 1 :])
        # Of a fact that is shown rounded, the last digits may be others: the store has them.
        assert found in {"edited", "other-renderer", "differs"} or at > carried
        assert reason(page[:at]) == "edited"
    body = page.index(b"<body")
    for at in thinned(range(body, page.index(b"<script")), 40):
        assert reason(page[:at] + b"x" + page[at:]) == "edited"


@given(st.sampled_from(sorted(KINDS)), st.data())
def test_other_facts_are_refused_and_nothing_breaks(kind: str, data: st.DataObject) -> None:
    page = DRAWN[kind]()
    held = json.loads(json.dumps(read_page(page).facts))
    name = data.draw(st.sampled_from(sorted(held)))
    held[name] = data.draw(
        st.none() | st.integers(-9, 9) | st.text(max_size=9) | st.just("1e999999999")
        | st.lists(st.text(max_size=3), max_size=2) | st.just({})
    )  # fmt: skip
    whole = PageFacts(kind, held, TOOL)
    text = json.dumps(
        {"facts": held, "kind": kind, "renderer": whole.renderer, "tool": TOOL},
        separators=(",", ":"),
        sort_keys=True,
    ).replace("<", "\\u003c")
    parts = re.split(rb'(?<=id="page-facts">).*?(?=</script>)', page, flags=re.DOTALL)
    changed = parts[0] + text.encode() + parts[1]
    assert reason(changed) in {None, "edited", "differs"}


def test_text_and_facts_are_one() -> None:
    # ATTACK A208: the page shows 0.9, and carries the facts of 0.4.
    page = DRAWN["evaluation"]()
    shown, begin, carried = page.partition(b'<script type="application/json"')
    check, _ = check_drawing(shown.replace(b"0.400", b"0.900") + begin + carried)
    assert check.detail["reason"] == "edited"
    assert "0.900" in check.summary
    assert "0.400" in check.summary


def test_another_version_of_the_program_is_no_forgery() -> None:
    page = DRAWN["run"]()
    assert reason(page.replace(TOOL.encode(), b"lyrikstore 9.9.9")) is None  # it says so throughout
    older = page.replace(b'"tool":"lyrikstore ', b'"tool":"lyrikstore 9')
    assert reason(older) == "other-renderer"
    assert reason(page.replace(b"page/1", b"page/2")) == "other-renderer"


@pytest.mark.parametrize(
    "hostile",
    [
        "</script><script>alert(1)</script>",
        "<!--",
        "]]>",
        "\u202e\x00\x1b[2J",
        "\udcff",
        "x" * 10_000,
    ],
)
def test_hostile_text_in_facts(hostile: str) -> None:
    facts = profile_facts({**profiled(), "name": hostile, "reader": hostile}, **ABOUT)
    page = profile_page(facts, tool=hostile)
    assert page.count(b"<script") == page.count(b"</script") == 1
    assert b"<!--" not in page
    assert reason(page) in {None, "other-renderer"}
    assert read_page(page).facts["recordCount"] == 3


def at_store(chain: Any, page: bytes, **more: Any) -> Report:
    trust = more.pop("trust", None)
    context = chain.context
    return verify_page(
        page, context=context, trust=trust, at=context.clock(), readers=all_readers()
    )


def profile_of(chain: Any, nickname: str = "raw") -> bytes:
    manifest = chain.made[nickname]
    found = profile_version(chain.context, str(manifest.id)).to_json()
    return profile_page(gather.facts_of_profile(chain.context, manifest, found))


def edited(page: bytes, change: Callable[[dict[str, Any]], Any]) -> bytes:
    """Return a page that is drawn from changed facts, as an attacker with the program makes it."""
    held = read_page(page)
    facts = json.loads(json.dumps(held.facts))
    change(facts)
    drawn: bytes = KINDS[held.kind].draw(facts)
    return drawn


def test_a_page_that_the_store_confirms_has_the_verdict_of_its_object(full_chain: Any) -> None:
    chain = full_chain
    page = profile_of(chain)
    report = at_store(chain, page)
    assert report.check("page").state == "pass"
    assert report.check("page.current").state == "pass"
    alone = verify_object(chain.context, chain.made["raw"].id, readers=all_readers())
    assert report.verdict is alone.verdict
    assert report.checks[2:] == alone.checks


def test_other_facts_than_those_of_the_store(full_chain: Any) -> None:
    page = edited(profile_of(full_chain), lambda facts: facts.update(recordCount=9000))
    report = at_store(full_chain, page)
    assert report.verdict is Verdict.INVALID
    assert report.check("page").detail["reason"] == "differs"
    assert "'recordCount' is '9000' on the page" in report.check("page").summary
    more = edited(profile_of(full_chain), lambda facts: facts.update(approved="yes"))
    assert at_store(full_chain, more).check("page").detail["reason"] == "differs"


def test_facts_of_another_store(full_chain: Any) -> None:
    # ATTACK A207.
    page = edited(profile_of(full_chain), lambda facts: facts.update(store=ID))
    report = at_store(full_chain, page)
    assert report.verdict is Verdict.INCOMPLETE
    assert report.check("page").detail["reason"] == "another-store"
    unknown = edited(profile_of(full_chain), lambda facts: facts.update(id=ID))
    report = at_store(full_chain, unknown)
    assert (report.verdict, report.check("page").detail["reason"]) == ("incomplete", "not-here")


def test_what_is_no_longer_so(untouched_chain: Any, tmp_path: Any) -> None:
    chain = untouched_chain.copy(tmp_path / "home")
    page = profile_of(chain)
    chain.dataset("newer", "datasets/acme/contracts", {"x.txt": b"new\n"},
                  parents=[chain.made["raw"].id])  # fmt: skip
    check = at_store(chain, page).check("page.current")
    assert (str(check.state), check.detail["reason"]) == ("warn", "noted")
    assert "newer version" in check.summary


def test_a_run_and_a_report(full_chain: Any) -> None:
    page = gather.page_of(full_chain.context, full_chain.made["run"])
    assert at_store(full_chain, page).check("page").state == "pass"
    other = edited(page, lambda facts: facts["body"]["records"].update(train=7))
    assert at_store(full_chain, other).check("page").detail["reason"] == "differs"
    context, raw = full_chain.context, full_chain.made["raw"]
    found = verify_object(context, raw.id, readers=all_readers())
    said = report_page(report_facts(found, trust=ID))
    assert at_store(full_chain, said).check("page.current").state == "pass"
    # A forged report of the same object: the object is verified again.
    forged = edited(said, lambda facts: facts["report"].update(verdict="trusted"))
    report = at_store(full_chain, forged)
    if found.verdict is not Verdict.TRUSTED:
        assert report.check("page.current").state == "warn"
        assert report.verdict is not Verdict.TRUSTED


def of_report(change: Callable[[dict[str, Any]], Any], facts: dict[str, Any]) -> None:
    change(facts["report"])


def test_no_word_of_a_report_is_another_one(full_chain: Any) -> None:
    # ATTACK A215: the verdict is the same, and a check says something else, or is left out.
    context, raw = full_chain.context, full_chain.made["raw"]
    found = verify_object(context, raw.id, readers=all_readers())
    said = report_page(report_facts(found, trust=ID))
    forgeries: tuple[Callable[[dict[str, Any]], Any], ...] = (
        lambda report: report["checks"][0].update(summary="approved by the supervisor"),
        lambda report: report["checks"].pop(),
        lambda report: report.update(notProven=[]),
        lambda report: report.update(issuer="did:key:z6Mkstranger"),
    )
    for change in forgeries:
        forged = edited(said, partial(of_report, change))
        assert at_store(full_chain, forged).check("page.current").state == "warn"
    forged = edited(said, lambda facts: facts.update(trust="that of the supervisor"))
    assert at_store(full_chain, forged).verdict is Verdict.INCOMPLETE


def test_words_in_the_place_of_the_tool(full_chain: Any) -> None:
    # ATTACK A215: the footer of a page is text of whoever made it.
    page = profile_of(full_chain)
    said = profile_page(read_page(page).facts, tool="the supervisor, who approved it")
    report = at_store(full_chain, said)
    assert (report.verdict, report.check("page").detail["reason"]) == (
        "incomplete",
        "other-renderer",
    )


@pytest.mark.parametrize("number", ["1_0e999_999_999", " 1e999999999", "1e9999_9999\n"])
def test_a_number_that_fills_the_memory(number: str) -> None:
    facts = json.loads(json.dumps(read_page(DRAWN["profile"]()).facts))
    facts["recordCount"] = number
    with pytest.raises(ValueError, match="too large"):
        read_back._refuse_huge(facts)


def test_letters(full_chain: Any) -> None:
    context = full_chain.context
    policy = context.repository.policy
    about = {"at": context.clock(), "store": context.id, "policy": policy}
    page = letter_page(KeyLetter.about(WORLD.OWNER.public, **about).to_json())
    report = at_store(full_chain, page)
    assert {str(report.check(one).state) for one in ("page", "page.current")} == {"pass"}
    words = edited(page, lambda facts: facts["words"].reverse())
    assert at_store(full_chain, words).check("page").detail["reason"] == "differs"
    more = edited(page, lambda facts: facts["roles"].append("auditor"))
    assert at_store(full_chain, more).check("page").detail["reason"] == "differs"
    dated = edited(page, lambda facts: facts.update(date="2026-01-01, before a notary"))
    assert at_store(full_chain, dated).check("page").detail["reason"] == "differs"
    # ATTACK A216: the owner's key with log keys of somebody else, in a letter without a store.
    logs = edited(page, lambda facts: facts.update(store=None, roles=[], logKeys=["x+1+y"]))
    assert at_store(full_chain, logs).check("page").detail["reason"] == "differs"
    # ATTACK: a stranger's key, in a letter that names no store, or claims a role in this one.
    stranger = KeyLetter.about(key_for("stranger").public, at=context.clock()).to_json()
    claim = {**stranger, "store": str(context.id), "roles": ["owner"], "logKeys": []}
    for facts in (stranger, claim, {**claim, "roles": []}):
        found = at_store(full_chain, letter_page(facts))
        assert (found.verdict, found.check("page").detail["reason"]) == ("incomplete", "not-here")


def test_letters_about_keys_of_which_the_policy_changed(
    untouched_chain: Any, tmp_path: Any
) -> None:
    chain = untouched_chain.copy(tmp_path / "home")
    writer = signer_for("a writer")

    def letter() -> bytes:
        about = {"at": chain.clock(), "store": chain.context.id, "policy": chain.repository.policy}
        return letter_page(KeyLetter.about(key_for("a writer").public, **about).to_json())

    def said(page: bytes) -> tuple[str, str]:
        report = at_store(chain, page)
        return str(report.check("page").state), report.check("page.current").summary

    policy(chain, with_writer(writer.did, None))
    page = letter()
    state, now = said(page)
    assert (state, "today" in now) == ("pass", False)
    forged = edited(page, lambda facts: facts["roles"].append("owner"))
    assert at_store(chain, forged).check("page").detail["reason"] == "differs"
    policy(chain, revoked(writer.did, None))
    state, now = said(page)
    assert (state, "was revoked" in now) == ("pass", True)


def test_differences_are_named() -> None:
    assert first_difference({"a": [1, {"b": "x"}]}, {"a": [1, {"b": "x"}]}) == ""
    assert "'a.2.b' is 'x' on the page, 'y' in the store" in first_difference(
        {"a": [1, {"b": "x"}]}, {"a": [1, {"b": "y"}]}
    )
    assert "only in the page" in first_difference({"a": 1, "b": 2}, {"a": 1})
    assert first_difference({"a": True}, {"a": 1})  # not the same JSON
    assert str(Digest.of(b"")) in first_difference({"a": str(Digest.of(b""))}, {"a": None})
