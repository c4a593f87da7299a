"""The approvals on the first page of a card, drawn from its evidence (spec §24.5).

A card is signed before anybody approves it. So its signed page has a place that says that no
approval was logged, and ``card -o`` fills it, as a function of the evidence behind the page.
"""

from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.text import pluralize
from lyrikstore.canon.timestamps import parse_timestamp
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.publish.cards.rendering.layout.statements import shorten
from lyrikstore.publish.markdown import plain
from lyrikstore.verify.decisions import decisions_in
from lyrikstore.verify.delivery.alone import judge_alone, signed_manifest
from lyrikstore.verify.deployment.approval import JudgedCard, judge_card
from lyrikstore.web.html import add
from lyrikstore.web.texts import page_text

_NAME = "approvals"
_MARK = f'<div id="{_NAME}">'.encode()
_WORDS = 1000
_CLASSES = {"approved": "good", "withdrawn": "bad"}


def approvals_place(evidence: Mapping[str, bytes]) -> Element:
    """Return the place of the approvals.

    ATTACK: the words of an approver become text nodes, on one line.

    Args:
        evidence: The files in the evidence behind the page, by name; empty: the place as signed.
    """
    place = Element("div", {"id": _NAME})
    judged = _judge(evidence)
    decisions = [] if judged is None else decisions_in(judged.facts)
    if judged is None and evidence:
        add(place, "p", page_text("card.approvals-unknown"))
    elif judged is not None and (decisions or judged.shown.unshown or judged.shown.refused):
        _add(place, judged, decisions)
    else:
        add(place, "p", page_text("card.no-approval"))
    for one in place.iter():
        if one is not place and one.tag in {"p", "li", "ul"}:
            one.tail = "\n"
    return place


def fill_page(page: bytes, evidence: Mapping[str, bytes]) -> bytes:
    """Return a page with the approvals of its evidence; pages without a place stay as they are.

    Args:
        page: The signed page.
        evidence: The files in its evidence, by name.
    """
    return page.replace(_drawn({}), _drawn(evidence), 1)


def restore_page(page: bytes, evidence: Mapping[str, bytes]) -> bytes | None:
    """Return a page as it was signed, or None if its approvals are not those of its evidence.

    Args:
        page: The page, without the block of evidence.
        evidence: The files in the block; empty: there is none.
    """
    if _MARK not in page:
        return page
    # ATTACK A203: somebody edits who approved it, or leaves out what the evidence says.
    filled = _drawn(evidence)
    if page.count(_MARK) != 1 or page.count(filled) != 1:
        return None
    return page.replace(filled, _drawn({}))


def is_of_another(card: Manifest, evidence: Mapping[str, bytes]) -> bool:
    """Return whether evidence has the manifest of another card, or of several.

    ATTACK A188: behind the page of a card that nobody approved stands the evidence of another one.
    """
    return any(one.id != card.id for one in _cards(evidence))


def decisions_shown(page: bytes, evidence: Mapping[str, bytes]) -> list[str] | None:
    """Return the ids of the decisions that a page shows, or None if the file is no such page.

    Args:
        page: The page, without the block of evidence.
        evidence: The files in the block; empty: there is none.
    """
    if _MARK not in page and not evidence:
        return None
    judged = _judge(evidence)
    return [] if judged is None else [str(one["approval"]) for one in decisions_in(judged.facts)]


def _drawn(evidence: Mapping[str, bytes]) -> bytes:
    written: str = tostring(approvals_place(evidence), encoding="unicode", method="html")
    return written.encode()


def _judge(evidence: Mapping[str, bytes]) -> JudgedCard | None:
    """Return what evidence says, to a reader who trusts nobody; None if it shows no policy."""
    cards = _cards(evidence)
    if len(cards) != 1:
        return None
    (card,), files, trust = cards, tuple(evidence.values()), Trust(())
    try:
        at = parse_timestamp(card.created)
        signed = judge_alone(card, files, trust=trust, at=at)
        return judge_card(card, files, signed, trust=trust, at=at)
    except LyrikstoreError:  # evidence that somebody changed; verification says how
        return None


def _cards(evidence: Mapping[str, bytes]) -> list[Manifest]:
    found = (signed_manifest(data) for data in evidence.values())
    return [one for one in found if one is not None and one.kind == "card"]


def _add(place: Element, judged: JudgedCard, decisions: list[Any]) -> None:
    rule: Any = judged.facts.get("rule")
    says = page_text("card.no-rule")
    if rule is not None:
        keys = pluralize(rule["keys"], "key")
        says = page_text(
            "card.rule", role=plain(rule["role"], 100), needed=rule["threshold"], keys=keys
        )
    line = SubElement(place, "p")
    word = page_text(f"card.decided-{judged.word}", count=judged.count)
    add(line, "strong", word, {"class": _CLASSES.get(judged.word, "doubt")}, after=" ")
    add(line, "span", says)
    listed = SubElement(place, "ul")
    for one in decisions:
        item = SubElement(listed, "li")
        done = "withdrew" if one["decision"] == "withdraw" else "approved"
        add(item, "strong", shorten(str(one["author"])), after=" ")
        add(item, "span", page_text(f"card.{done}"), after=" ")
        if one["self"]:
            add(item, "span", page_text("card.own-work"), after=" ")
        when = page_text("card.when", index=one["index"], created=one["created"])
        add(item, "span", when, after=" " if "statement" in one else "")
        if "statement" in one:
            words = page_text("card.in-words", words=plain(str(one["statement"]), _WORDS))
            add(item, "span", words)
    left = len(judged.shown.unshown) + len(judged.shown.refused)
    if left:
        add(place, "p", page_text("card.uncounted", decisions=pluralize(left, "decision")))
    add(place, "p", page_text("card.approvals-later"), {"class": "quiet"})
