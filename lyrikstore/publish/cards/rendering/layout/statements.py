"""Statements in words: titles, states, labels of evidence, anchors."""

import re
from collections.abc import Iterable, Iterator

from lyrikstore.publish.cards.rendering.layout.blocks import Shown
from lyrikstore.publish.cards.statement import MAX_TEXT
from lyrikstore.publish.markdown import plain

_LONG = re.compile(r"(did:key:z6Mk|blake3:)([0-9A-Za-z]{40,64})")
_NO_ANCHOR = re.compile(r"[^A-Za-z0-9._:/-]+")

DETERMINES_NOTHING = (
    "Made from signed objects, for those who decide: no determination of anybody's duties, and no "
    "legal advice."
)

_NAMES_SUBJECT = frozenset({"data.parts"})
"""Facts whose text already names their subject."""


def title_of(statement: Shown, *, about: bool) -> str:
    """Return the start of a statement: its title, and its subject if the text does not contain it.

    Args:
        statement: The statement.
        about: Whether to add the subject.
    """
    title, subject = statement["title"], statement["about"]
    fact = fact_of(statement)
    # An answer is by a person, and its state says who.
    if about and subject and fact not in _NAMES_SUBJECT and not fact.startswith("answer."):
        title = f"{title}, {subject}"
    return title if title.endswith("?") else f"{title}:"


def fact_of(statement: Shown) -> str:
    """Return the name of the fact of a statement."""
    return str(statement["id"]).partition(":")[0]


def attester(statement: Shown) -> str:
    """Return the DID of the attester of a statement or answer, or ""."""
    person = statement["state"] == "attested" or statement["id"].startswith("answer.")
    return str(statement.get("by", "")) if person else ""


def properties(statements: Iterable[Shown]) -> Iterator[tuple[str, str]]:
    """Yield statements as names with values, with their authors, and who is liable for what.

    Args:
        statements: The statements; none is omitted.
    """
    for one in statements:
        was = f" ({one['was']})" if "was" in one else ""
        who = f" (by {one['by']}{called(one)})" if one.get("called") else ""
        yield plain(f"{one['state']}:{one['id']}"), plain(f"{one['text']}{was}{who}", 2 * MAX_TEXT)
        if one.get("liable"):
            yield plain(f"liable:{one['id']}"), plain(one["liable"], 2 * MAX_TEXT)


def shorten(text: str) -> str:
    """Return a text with its keys and ids shortened; the evidence lists them in full."""
    return _LONG.sub(lambda found: f"{found[1]}{found[2][:8]}…{found[2][-4:]}", text)


def state_of(one: Shown, *, whole: bool = False) -> str:
    """Return the state of a statement in words, with its attester if it has one.

    Args:
        one: The statement.
        whole: Whether to show the whole key.
    """
    who = attester(one)
    if not who:
        return str(one["state"])
    return f"{one['state']} by {who if whole else shorten(who)}{called(one)}"


def called(one: Shown) -> str:
    """Return the name that the author of a statement gives itself, in words; or "".

    Args:
        one: The statement.
    """
    return f", who says to be {one['called']}" if one.get("called") else ""


def anchor_of(identity: str, kind: str = "s") -> str:
    """Return the name of the place where a statement is printed, from the id of the statement.

    Args:
        identity: The id.
        kind: The start of such names: ``s`` for statements, ``i`` for items of a profile.
    """
    return f"{kind}-{_NO_ANCHOR.sub('-', identity)}"


def anchors_of(statements: Iterable[Shown]) -> dict[str, str]:
    """Return the id of each statement → the name of its place; no two have the same.

    ATTACK: two subjects whose names differ in a character that no name of a place has.
    """
    found: dict[str, str] = {}
    taken = set[str]()
    for one in statements:
        name, at = anchor_of(one["id"]), 2
        while name in taken:
            name, at = f"{anchor_of(one['id'])}-{at}", at + 1
        taken.add(name)
        found[one["id"]] = name
    return found


def labels_of(evidence: Iterable[str]) -> dict[str, str]:
    """Return object → its label in a rendering: its first hex digits.

    Labels have as many digits as make all of them different, and at least eight, so that a label
    usually stays the same when objects are added.
    """
    ids = list(evidence)
    digits = 8
    while len({_hex(one)[:digits] for one in ids}) < len(set(ids)):
        digits += 1
    return {one: _hex(one)[:digits] for one in ids}


def _hex(identity: str) -> str:
    return identity.rpartition(":")[2]
